//! `varisk run` and `varisk score`: batches through the executor, in stretches that end with a saved
//! state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use varisk_core::{Analysis, Position, Worker, columns as c};
use varisk_flow::{CancelToken, Executor, FlowError, Outcome};
use varisk_readers::{BadRecord, RawBatch, ReadError, RecordSource, SiteDecoder, SourceSettings};
use varisk_report::{OutputFolder, PartWriter, ReportError, variant_schema};
use varisk_risk::SiteTally;

use crate::arguments::RunArguments;
use crate::checkpoint::RunState;
use crate::exit::{DATA, Refusal, exit_code};
use crate::finish::{Finish, finish};
use crate::log::Log;
use crate::plan::{Plan, Purpose};
use crate::settings::Settings;

/// Batches of the first stretch; later ones are as long as the time between saved states allows.
const FIRST_STRETCH: u64 = 16;
/// Folder of the unfinished state inside the output folder.
const WORK: &str = "work";

pub(crate) fn command(arguments: &RunArguments, purpose: Purpose, log: &Log) -> anyhow::Result<()> {
    let settings = Settings::resolve(arguments)?;
    if settings.dry_run {
        return dry_run(&settings, purpose, log);
    }
    let summary = execute(&settings, purpose, log)?;
    log.info(&summary);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the plan is what was asked for")]
fn dry_run(settings: &Settings, purpose: Purpose, log: &Log) -> anyhow::Result<()> {
    let plan = Plan::try_new(settings, purpose)?;
    plan.warnings.iter().for_each(|warning| log.warn(warning));
    let columns: Vec<&str> = plan
        .schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let shown = serde_json::json!({
        "settings": settings,
        "genome_build": plan.fold.build,
        "patients": plan.fold.patients.len(),
        "variant_files": plan.paths.len(),
        "models": plan.model_records,
        "onnxruntime": plan.runtime.library(),
        "columns": columns,
    });
    println!("{}", serde_json::to_string_pretty(&shown)?);
    Ok(())
}

/// Runs and returns one line on what was written.
pub(crate) fn execute(settings: &Settings, purpose: Purpose, log: &Log) -> anyhow::Result<String> {
    let streams = settings.vcf.as_deref() == Some(std::path::Path::new("-"));
    if settings.resume && streams {
        return Err(Refusal::Usage(
            "a run from standard input cannot be resumed; start it anew".to_owned(),
        )
        .into());
    }
    let reopened = if settings.resume {
        OutputFolder::reopen(&settings.output)?
    } else {
        None
    };
    let resumes = reopened
        .as_ref()
        .is_some_and(|folder| RunState::is_saved(&folder.partial().join(WORK)));
    let folder = match reopened {
        Some(folder) => folder,
        None => OutputFolder::create(&settings.output)?,
    };
    let result = run_in(settings, purpose, &folder, resumes, log);
    match result {
        Ok(done) => {
            let path = folder.complete()?;
            Ok(format!("{done}; written to {}", path.display()))
        }
        Err(error) => {
            let work = folder.partial().join(WORK);
            // After a defect of the data a saved state is of no use: correcting the input makes
            // another run of it.
            if RunState::is_saved(&work) && exit_code(&error) != DATA && !streams {
                log.info(&format!(
                    "the state so far is kept in {}; continue with --resume",
                    folder.partial().display()
                ));
            } else {
                folder.discard();
            }
            Err(error)
        }
    }
}

fn run_in(
    settings: &Settings,
    purpose: Purpose,
    folder: &OutputFolder,
    resumes: bool,
    log: &Log,
) -> anyhow::Result<String> {
    let started = Instant::now();
    let mut plan = Plan::try_new(settings, purpose)?;
    plan.warnings.iter().for_each(|warning| log.warn(warning));
    let cancel = CancelToken::default();
    let signal = cancel.clone();
    // A second handler in one process is refused; there is one run in a process.
    let _ = ctrlc::set_handler(move || signal.cancel());

    let source_settings = SourceSettings {
        contigs: Arc::clone(plan.reference.contigs()),
        regions: plan.regions.clone(),
        limits: settings.limits.clone(),
    };
    let mut source = RecordSource::try_new(std::mem::take(&mut plan.files), &source_settings)?;
    plan.fold.contig_ranks = source.contig_ranks();
    let work = folder.partial().join(WORK);
    let mut state = if resumes {
        resume(&work, &plan, settings, &mut source, log)?
    } else {
        RunState::new(plan.fold.clone(), settings.shard.clone(), &work)?
    };
    let hashes = crate::finish::hash_in_background(&plan.paths, settings.shard.is_some());

    if !state.checkpoint.complete {
        read_all(
            &plan,
            settings,
            &mut source,
            &mut state,
            &cancel,
            &work,
            log,
        )?;
    }
    state.checkpoint.wall_seconds += started.elapsed().as_secs_f64();
    if settings.shard.is_some() {
        return shard(state, &work, folder);
    }
    let warnings = std::mem::take(&mut plan.warnings);
    let finish_plan = Finish {
        verb: &plan.fold.verb.clone(),
        parts: state.part_files(),
        patient_models: plan.patient_models,
        model_records: plan.model_records,
        runtime: Some(&plan.runtime),
        warnings,
        hashes,
    };
    let done = finish(&state, finish_plan, folder.partial(), log)?;
    std::fs::remove_dir_all(&work).map_err(|source| ReportError::Write { path: work, source })?;
    Ok(done)
}

/// Takes up a saved state and passes over what it has done.
fn resume(
    work: &std::path::Path,
    plan: &Plan,
    settings: &Settings,
    source: &mut RecordSource,
    log: &Log,
) -> anyhow::Result<RunState> {
    let state = RunState::load(work)?;
    if state.checkpoint.plan_sha256 != plan.fold.sha256()?
        || state.checkpoint.shard != settings.shard
    {
        return Err(Refusal::Usage(format!("{} belongs to a run with other inputs, models or settings; repeat that command with --resume, or remove the folder", work.display())).into());
    }
    if !source.skip(state.checkpoint.records)? {
        return Err(Refusal::Software("the input has fewer records than the saved state has done; remove the unfinished folder and start anew".to_owned()).into());
    }
    log.info(&format!(
        "continuing after {} records",
        state.checkpoint.records
    ));
    Ok(state)
}

/// Leaves the state as the shard's output.
fn shard(
    mut state: RunState,
    work: &std::path::Path,
    folder: &OutputFolder,
) -> anyhow::Result<String> {
    state.save()?;
    for entry in std::fs::read_dir(work)?.flatten() {
        let target = folder.partial().join(entry.file_name());
        std::fs::rename(entry.path(), &target).map_err(|source| ReportError::Write {
            path: target,
            source,
        })?;
    }
    std::fs::remove_dir(work).map_err(|source| ReportError::Write {
        path: work.into(),
        source,
    })?;
    Ok(format!(
        "{} records of shard {}",
        state.checkpoint.records,
        state.checkpoint.shard.as_deref().unwrap_or_default()
    ))
}

/// What one thread has of its own.
struct RunWorker {
    decoder: SiteDecoder,
    stages: Vec<(String, Box<dyn Worker>)>,
    analyses: Vec<Box<dyn Analysis>>,
    tally: SiteTally,
    timings: BTreeMap<String, f64>,
}

/// What a batch leaves for the sink.
struct BatchResult {
    rows: RecordBatch,
    /// Contig index and position of the first record.
    first: (u32, u32),
    last: (u32, u32),
    bad: Vec<BadRecord>,
    records: u64,
}

impl RunWorker {
    fn try_new(plan: &Plan) -> anyhow::Result<Self> {
        let stages = plan
            .stages
            .iter()
            .zip(&plan.fold.variant_models)
            .map(|(stage, model)| {
                Ok((format!("{} {}", stage.name(), model.name), stage.worker()?))
            });
        Ok(Self {
            decoder: SiteDecoder::new(Arc::clone(&plan.decoder), plan.reference.reader()?),
            stages: stages.collect::<anyhow::Result<_>>()?,
            analyses: plan.fold.analyses(),
            tally: SiteTally::default(),
            timings: BTreeMap::new(),
        })
    }

    fn timed<T>(timings: &mut BTreeMap<String, f64>, stage: &str, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let value = work();
        *timings.entry(stage.to_owned()).or_default() += started.elapsed().as_secs_f64();
        value
    }

    fn work(
        &mut self,
        number: u64,
        raw: &RawBatch,
        part: &SchemaRef,
    ) -> anyhow::Result<BatchResult> {
        let timings = &mut self.timings;
        let decoded = Self::timed(timings, "decode", || self.decoder.decode(number, raw))?;
        let mut batch = decoded.batch;
        for (name, stage) in &mut self.stages {
            batch = Self::timed(timings, name, || stage.process(batch))?;
        }
        for analysis in &mut self.analyses {
            Self::timed(timings, &format!("fold {}", analysis.name()), || {
                analysis.observe(&batch)
            })?;
        }
        self.tally.observe(&batch);
        self.tally.add("records", decoded.records);
        self.tally.add("bad_records", decoded.bad.len() as u64);
        self.tally.add("input_alleles", decoded.alleles);
        let place = |entry: Option<&varisk_readers::Entry>| {
            entry.map_or((0, 0), |entry| (entry.contig.0, entry.position.0))
        };
        Ok(BatchResult {
            rows: project(batch.sites(), part)?,
            first: place(raw.entries.first()),
            last: place(raw.entries.last()),
            bad: decoded.bad,
            records: decoded.records,
        })
    }

    /// Moves what the thread has gathered into the run's state.
    fn drain(&mut self, state: &mut RunState) -> anyhow::Result<()> {
        for (own, total) in self.analyses.iter_mut().zip(&mut state.analyses) {
            total.merge(&own.save()?)?;
            *own = own.empty();
        }
        state
            .checkpoint
            .tally
            .merge(&std::mem::take(&mut self.tally));
        for (stage, seconds) in std::mem::take(&mut self.timings) {
            *state.checkpoint.timings.entry(stage).or_default() += seconds;
        }
        Ok(())
    }
}

/// The columns of the variants table, with contigs still as indices.
pub(crate) fn part_schema(variants: &Schema) -> SchemaRef {
    let fields: Vec<Arc<Field>> = variants
        .fields()
        .iter()
        .map(|field| {
            if field.name() == c::CONTIG {
                Arc::new(Field::new(c::CONTIG, DataType::UInt32, false))
            } else {
                Arc::clone(field)
            }
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn project(sites: &RecordBatch, part: &SchemaRef) -> anyhow::Result<RecordBatch> {
    let missing = |name: &str| {
        Refusal::Software(format!(
            "internal error: batch has no column '{name}'; please report this"
        ))
    };
    let columns = part.fields().iter().map(|field| {
        sites
            .column_by_name(field.name())
            .cloned()
            .ok_or_else(|| missing(field.name()))
    });
    Ok(RecordBatch::try_new(
        Arc::clone(part),
        columns.collect::<Result<Vec<_>, _>>()?,
    )?)
}

fn read_all(
    plan: &Plan,
    settings: &Settings,
    source: &mut RecordSource,
    state: &mut RunState,
    cancel: &CancelToken,
    work: &std::path::Path,
    log: &Log,
) -> anyhow::Result<()> {
    let executor = Executor::new(settings.limits.threads, cancel.clone());
    let mut workers = (0..executor.threads())
        .map(|_| RunWorker::try_new(plan))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let part = part_schema(&variant_schema(&plan.schema));
    let ranks: Arc<[u32]> = plan.fold.contig_ranks.clone().into();
    let mut progress = log.progress();
    let mut stretch = if settings.checkpoint_seconds > 0.0 {
        FIRST_STRETCH
    } else {
        u64::MAX
    };
    loop {
        let started = Instant::now();
        let first_batch = state.checkpoint.batches;
        let mut writer = PartWriter::new(
            work,
            &format!("part-{first_batch:08}"),
            Arc::clone(&part),
            Arc::clone(&ranks),
        );
        let checkpoint = &mut state.checkpoint;
        let mut pull = || -> anyhow::Result<Option<RawBatch>> { Ok(source.next_batch()?) };
        let sink = |result: BatchResult| -> anyhow::Result<()> {
            checkpoint.records += result.records;
            checkpoint.batches += 1;
            for bad in result.bad {
                if checkpoint.set_aside.len() as u64 >= settings.limits.max_bad_records {
                    return Err(ReadError::TooManyBadRecords { bad }.into());
                }
                checkpoint.set_aside.push(bad.into());
            }
            writer.push(result.rows, result.first)?;
            let contig = plan
                .reference
                .contigs()
                .name(varisk_core::ContigId(result.last.0));
            progress.update(
                checkpoint.records,
                &format!("{contig}:{}", Position(result.last.1)),
            );
            Ok(())
        };
        let outcome = executor.run(
            &mut pull,
            &mut workers,
            first_batch,
            stretch,
            |worker, number, raw| worker.work(number, &raw, &part),
            sink,
        );
        let outcome = outcome.map_err(|error| match error {
            FlowError::Failed(error) => error,
            FlowError::Panicked { batch, message } => Refusal::Software(format!(
                "internal error at batch {batch}: {message}; please report this"
            ))
            .into(),
        })?;
        let files = writer.finish()?;
        state.checkpoint.parts.extend(
            files
                .iter()
                .filter_map(|path| path.file_name())
                .map(|name| name.to_string_lossy().into_owned()),
        );
        for worker in &mut workers {
            worker.drain(state)?;
        }
        state.checkpoint.complete = outcome == Outcome::Finished;
        if state.checkpoint.complete {
            // Saved although the end is near: writing the report may fail where reading did not.
            if settings.checkpoint_seconds > 0.0 && first_batch > 0 {
                state.save()?;
            }
            return Ok(());
        }
        state.save()?;
        if cancel.is_cancelled() {
            return Err(Refusal::Interrupted("interrupted".to_owned()).into());
        }
        let seconds = started.elapsed().as_secs_f64().max(1e-3);
        let done = (state.checkpoint.batches - first_batch) as f64;
        stretch = ((done / seconds * settings.checkpoint_seconds) as u64).max(1);
    }
}
