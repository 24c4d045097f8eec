//! `varisk run` and `varisk score`: batches through the executor, in stretches that end with a saved
//! state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use varisk_core::{Analysis, Position, Sex, Worker};
use varisk_flow::{CancelToken, Executor, FlowError, Outcome};
use varisk_readers::{BadRecord, RawBatch, ReadError, RecordSource, SiteDecoder};
use varisk_report::{OutputFolder, PartWriter, ReportError, TableFolder};
use varisk_risk::SiteTally;
use varisk_score::Runtime;

use crate::arguments::RunArguments;
use crate::checkpoint::RunState;
use crate::evidence::EvidenceTable;
use crate::exit::{DATA, INTERRUPTED, Refusal, exit_code};
use crate::finish::{Finish, finish};
use crate::fold_plan::FoldPlan;
use crate::log::Log;
use crate::plan::{Plan, Purpose};
use crate::print::print;
use crate::rows::project;
use crate::settings::Settings;

/// Batches of the first stretch; later ones are as long as the time between saved states allows.
const FIRST_STRETCH: u64 = 16;
/// Folder of the unfinished state inside the output folder.
const WORK: &str = "work";

pub(crate) fn command(arguments: &RunArguments, purpose: Purpose, log: &Log) -> anyhow::Result<()> {
    let settings = settings_for(arguments, purpose)?;
    if settings.dry_run {
        return dry_run(&settings, purpose, log);
    }
    let summary = execute(&settings, purpose, log)?;
    log.info(&summary);
    Ok(())
}

/// Settings of a run of a purpose; flags that say nothing in it are refused.
pub(crate) fn settings_for(arguments: &RunArguments, purpose: Purpose) -> anyhow::Result<Settings> {
    let mut settings = Settings::resolve(arguments)?;
    if purpose == Purpose::Prs {
        let (annotation, burden) = (&arguments.annotation, &arguments.burden);
        let idle = [
            ("--model", !arguments.models.is_empty()),
            ("--sources", !annotation.sources.is_empty()),
            ("--gene-models", annotation.gene_models.is_some()),
            ("--consequences", annotation.consequences.is_some()),
            (
                "--consequence-lines",
                annotation.consequence_lines.is_some(),
            ),
            ("--flank", annotation.flank.is_some()),
            ("--burden-frequency", burden.burden_frequency.is_some()),
            (
                "--burden-max-frequency",
                burden.burden_max_frequency.is_some(),
            ),
            ("--haplotypes", burden.haplotypes.is_some()),
            ("--top", arguments.top.is_some()),
            ("--report-classes", !arguments.report_classes.is_empty()),
        ];
        if let Some((flag, _)) = idle.iter().find(|(_, given)| *given) {
            return Err(Refusal::Usage(format!(
                "'prs' computes scores alone; leave {flag} out, or use 'run'"
            ))
            .into());
        }
        settings = settings.for_scores_alone()?;
    }
    if settings.scores.is_empty()
        && let Some(flag) = arguments.scores.idle()
    {
        return Err(Refusal::Usage(format!(
            "{flag} is about polygenic scores and there are none; name scoring files with --score, or leave it out"
        ))
        .into());
    }
    Ok(settings)
}

pub(crate) fn dry_run(settings: &Settings, purpose: Purpose, log: &Log) -> anyhow::Result<()> {
    settings.tables.check()?;
    OutputFolder::check(&settings.output, settings.resume)?;
    let plan = Plan::try_new(settings, purpose)?;
    settings.refuse_other_shards(&plan.fold)?;
    plan.warnings.iter().for_each(|warning| log.warn(warning));
    let columns: Vec<&str> = plan
        .schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let settings = Settings {
        limits: plan.limits(settings),
        ..settings.clone()
    };
    let shown = serde_json::json!({
        "settings": settings,
        "genome_build": plan.fold.build,
        "patients": plan.fold.patients.len(),
        "variant_files": plan.paths.len(),
        "models": plan.model_records,
        "knowledge": plan.fold.sources,
        "onnxruntime": plan.runtime.as_ref().map(Runtime::library),
        "columns": columns,
    });
    print(serde_json::to_string_pretty(&shown)? + "\n")
}

/// Runs and returns one line on what was written.
pub(crate) fn execute(settings: &Settings, purpose: Purpose, log: &Log) -> anyhow::Result<String> {
    let cancel = cancel_on_signal();
    let streams = settings.vcf.as_deref() == Some(Path::new("-"));
    if settings.resume && streams {
        return Err(Refusal::Usage(
            "a run from standard input cannot be resumed; start it anew".to_owned(),
        )
        .into());
    }
    // Before the models are opened, and nothing is made before they are.
    settings.tables.check()?;
    OutputFolder::check(&settings.output, settings.resume)?;
    let plan = Plan::try_new(settings, purpose)?;
    settings.refuse_other_shards(&plan.fold)?;
    plan.warnings.iter().for_each(|warning| log.warn(warning));
    if cancel.is_cancelled() {
        return Err(interrupted());
    }
    if let Some(pseudonyms) = &plan.pseudonyms {
        // Before the work: a table that contradicts the key must not be found out at its end.
        pseudonyms.keep()?;
    }
    let reopened = if settings.resume {
        let is_shard = settings.shard.is_some();
        let progress = |folder: &Path| RunState::records_kept(&work_in(folder, is_shard));
        OutputFolder::reopen_on(&settings.output, settings.scratch.as_deref(), &progress)?
    } else {
        None
    };
    let (folder, saved) = match reopened {
        Some(folder) => take_up(folder, settings, &plan)?,
        None => {
            let scratch = settings.scratch.as_deref();
            (
                OutputFolder::create_resumable(&settings.output, scratch)?,
                None,
            )
        }
    };
    let work = work_in(folder.partial(), settings.shard.is_some());
    // What cannot be read again, or is not saved, cannot be continued.
    let streams = plan.fold.streams() || purpose == Purpose::Evidence;
    match run_in(settings, plan, &folder, saved, &cancel, log) {
        Ok(done) => {
            let scratch = folder.partial().to_owned();
            let is_elsewhere = scratch != folder.kept();
            let state = settings.shard.is_none().then_some(WORK);
            let path = folder.complete(state).map_err(|error| {
                let error = anyhow::Error::new(error);
                if !is_elsewhere || !RunState::is_saved(&work) {
                    return error;
                }
                let kept = format!(
                    "{error}; what was done is kept in {}, continue on this node with --resume",
                    scratch.display()
                );
                error.context(kept)
            })?;
            Ok(format!("{done}; written to {}", path.display()))
        }
        // After a defect of the data a saved state is of no use: correcting the input makes another
        // run of it.
        Err(error) if RunState::is_saved(&work) && exit_code(&error) != DATA && !streams => {
            let place = folder.kept().to_owned();
            let kept = match folder.keep() {
                Ok(()) => format!(
                    "{error}; the state so far is kept in {}, continue with --resume",
                    place.display()
                ),
                Err(cause) => format!(
                    "{error}; the state so far is on the scratch disk of this node alone ({cause}), continue there with --resume"
                ),
            };
            Err(error.context(kept))
        }
        Err(error) => {
            folder.discard();
            Err(error)
        }
    }
}

/// Where the state of an unfinished run lies in its folder. A shard's state is its output.
fn work_in(folder: &Path, is_shard: bool) -> PathBuf {
    if is_shard {
        folder.to_owned()
    } else {
        folder.join(WORK)
    }
}

/// Signals that come within this time are one request to stop. Schedulers send theirs to all processes of a job, the
/// job's script sends it on, and Ctrl-C reaches a whole group of processes.
const SAME_REQUEST: Duration = Duration::from_secs(2);

/// The token of this process that SIGINT and SIGTERM set; a second request ends the process at once.
pub(crate) fn cancel_on_signal() -> CancelToken {
    static CANCEL: OnceLock<CancelToken> = OnceLock::new();
    let cancel = CANCEL.get_or_init(|| {
        let cancel = CancelToken::default();
        let signal = cancel.clone();
        let mut first = None;
        // Nobody else sets a handler, so none is refused.
        let _ = ctrlc::set_handler(move || {
            signal.cancel();
            if first.get_or_insert_with(Instant::now).elapsed() > SAME_REQUEST {
                std::process::exit(i32::from(INTERRUPTED));
            }
        });
        cancel
    });
    cancel.clone()
}

/// What stopped the executor.
pub(crate) fn cause(error: FlowError<anyhow::Error>) -> anyhow::Error {
    match error {
        FlowError::Failed(error) => error,
        FlowError::Panicked { batch, message } => Refusal::Software(format!(
            "internal error at batch {batch}: {message}; please report this"
        ))
        .into(),
    }
}

pub(crate) fn interrupted() -> anyhow::Error {
    Refusal::Interrupted("interrupted".to_owned()).into()
}

/// Takes up an unfinished output with its saved state, if it came to one, and removes what else is
/// there: a table half written would stand in the way of the whole one.
fn take_up(
    folder: OutputFolder,
    settings: &Settings,
    plan: &Plan,
) -> anyhow::Result<(OutputFolder, Option<RunState>)> {
    let work = work_in(folder.partial(), settings.shard.is_some());
    let saved = if RunState::is_saved(&work) {
        let mut saved = RunState::load(&work)?;
        // The order of contigs is settled when reading starts.
        let fold = FoldPlan {
            contig_ranks: saved.checkpoint.plan.contig_ranks.clone(),
            ..plan.fold.clone()
        };
        let checkpoint = &saved.checkpoint;
        if checkpoint.plan_sha256 != fold.sha256()? || checkpoint.shard != settings.shard() {
            return Err(Refusal::Usage(format!("{} belongs to a run with other inputs, models or settings; repeat that command with --resume, or remove the folder", folder.kept().display())).into());
        }
        saved.tidy();
        // Its files are where this process has them.
        saved.checkpoint.plan = FoldPlan {
            variant_models: saved.checkpoint.plan.variant_models.clone(),
            context: saved.checkpoint.plan.context.clone(),
            ..fold
        };
        Some(saved)
    } else {
        None
    };
    for entry in std::fs::read_dir(folder.partial())?.flatten() {
        let path = entry.path();
        if OutputFolder::is_own(&path) {
            continue;
        }
        let removed = match &saved {
            Some(_) if settings.shard.is_some() || path == work => Ok(()),
            _ if path.is_dir() => std::fs::remove_dir_all(&path),
            _ => std::fs::remove_file(&path),
        };
        removed.map_err(|source| ReportError::Write { path, source })?;
    }
    Ok((folder, saved))
}

fn run_in(
    settings: &Settings,
    mut plan: Plan,
    folder: &OutputFolder,
    saved: Option<RunState>,
    cancel: &CancelToken,
    log: &Log,
) -> anyhow::Result<String> {
    let mut source = plan.source(settings)?;
    plan.fold.contig_ranks = source.contig_ranks();
    let work = work_in(folder.partial(), settings.shard.is_some());
    let mut state = match saved {
        Some(saved) => pass_over(saved, &plan, &mut source, log)?,
        None => RunState::new(plan.fold.clone(), settings.shard(), &work)?,
    };
    if plan.fold.scores.is_some() {
        let timings = &mut state.checkpoint.timings;
        *timings.entry("open scores".to_owned()).or_default() += plan.scores_seconds;
    }
    state.checkpoint.warnings.clone_from(&plan.warnings);
    let hashes = crate::finish::hash_in_background(&plan.paths, settings.shard.is_some());
    let tables = TableFolder {
        path: folder.partial().to_owned(),
        layout: settings.tables.clone(),
    };
    if !state.checkpoint.complete {
        let mut evidence = (plan.purpose == Purpose::Evidence)
            .then(|| EvidenceTable::create(&tables))
            .transpose()?;
        let mut output = Output {
            work: &work,
            evidence: evidence.as_mut(),
        };
        read_all(
            &plan,
            settings,
            &mut source,
            &mut state,
            cancel,
            &mut output,
            log,
        )?;
        evidence.map(EvidenceTable::finish).transpose()?;
    }
    if let Some(shard) = settings.shard() {
        state.save()?;
        return Ok(format!(
            "{} records of shard {shard}",
            state.checkpoint.records
        ));
    }
    state.count_time();
    let finish_plan = Finish {
        verb: &plan.fold.verb,
        parts: state.part_files(),
        patient_models: plan.patient_models,
        runtime: plan.runtime.as_ref(),
        warnings: plan.warnings,
        hashes,
        threads: settings.limits.threads,
        cancel,
    };
    finish(&state, finish_plan, &tables, log)
}

/// Passes over what a saved state has done.
fn pass_over(
    mut state: RunState,
    plan: &Plan,
    source: &mut RecordSource,
    log: &Log,
) -> anyhow::Result<RunState> {
    if state.checkpoint.plan.contig_ranks != plan.fold.contig_ranks
        || !source.skip(state.checkpoint.records)?
    {
        return Err(Refusal::Data(
            "the input is not the one that the saved state was made of; start the run anew"
                .to_owned(),
        )
        .into());
    }
    state
        .checkpoint
        .plan
        .note_providers(&plan.fold.variant_models);
    log.info(&format!(
        "continuing after {} records",
        state.checkpoint.records
    ));
    Ok(state)
}

/// What one thread has of its own.
pub(crate) struct RunWorker {
    decoder: SiteDecoder,
    sexes: Arc<[Sex]>,
    stages: Vec<(String, Box<dyn Worker>)>,
    analyses: Vec<Box<dyn Analysis>>,
    tally: SiteTally,
    timings: BTreeMap<String, f64>,
    writes_rows: bool,
    /// Records that nothing needs are passed over.
    passes_over: bool,
    /// Numbers and names of the patients, where site states are asked for.
    evidence_of: Option<Arc<[(usize, String)]>>,
}

/// Where rows go while they are read.
struct Output<'o> {
    /// Folder of the parts.
    work: &'o Path,
    /// The table of site states, which is written as it comes.
    evidence: Option<&'o mut EvidenceTable>,
}

/// What a batch leaves for the sink.
pub(crate) struct BatchResult {
    /// Where rows of alleles are written.
    rows: Option<RecordBatch>,
    evidence: Option<RecordBatch>,
    /// Contig index and position of the first record.
    first: (u32, u32),
    last: (u32, u32),
    bad: Vec<BadRecord>,
    records: u64,
}

impl BatchResult {
    /// Records of the batch.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }
}

impl RunWorker {
    pub(crate) fn try_new(plan: &Plan) -> anyhow::Result<Self> {
        Ok(Self {
            decoder: SiteDecoder::new(Arc::clone(&plan.decoder), plan.reference.reader()?),
            sexes: plan
                .fold
                .patients
                .iter()
                .map(|patient| patient.sex)
                .collect(),
            stages: plan.workers()?,
            analyses: plan.fold.analyses(),
            tally: SiteTally::default(),
            timings: BTreeMap::new(),
            writes_rows: plan.writes_rows,
            passes_over: !plan.fold.writes_variants(),
            evidence_of: (plan.purpose == Purpose::Evidence).then(|| {
                let order = plan.fold.written_order().into_iter();
                order
                    .map(|at| (at, plan.fold.patients[at].id.clone()))
                    .collect()
            }),
        })
    }

    fn timed<T>(timings: &mut BTreeMap<String, f64>, stage: &str, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let value = work();
        *timings.entry(stage.to_owned()).or_default() += started.elapsed().as_secs_f64();
        value
    }

    pub(crate) fn work(
        &mut self,
        number: u64,
        raw: &RawBatch,
        part: &SchemaRef,
    ) -> anyhow::Result<BatchResult> {
        let timings = &mut self.timings;
        let decoded = Self::timed(timings, "decode", || self.decoder.decode(number, raw))?;
        let mut batch = decoded.batch.with_sexes(Arc::clone(&self.sexes));
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
        if self.passes_over {
            self.tally.add("records_passed_over", decoded.passed_over);
        }
        let place = |entry: Option<&varisk_readers::Entry>| {
            entry.map_or((0, 0), |entry| (entry.contig.0, entry.position.0))
        };
        let evidence = self
            .evidence_of
            .as_deref()
            .map(|patients| crate::evidence::rows(&batch, patients))
            .transpose()?;
        Ok(BatchResult {
            rows: self
                .writes_rows
                .then(|| project(batch.sites(), part))
                .transpose()?,
            evidence,
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

fn read_all(
    plan: &Plan,
    settings: &Settings,
    source: &mut RecordSource,
    state: &mut RunState,
    cancel: &CancelToken,
    output: &mut Output<'_>,
    log: &Log,
) -> anyhow::Result<()> {
    let executor = Executor::new(settings.limits.threads, cancel.clone());
    let mut workers = (0..executor.threads())
        .map(|_| RunWorker::try_new(plan))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let part = plan.fold.rows.schema()?;
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
            output.work,
            &format!("part-{first_batch:08}-{}", state.attempt()),
            Arc::clone(&part),
            Arc::clone(&ranks),
        );
        let checkpoint = &mut state.checkpoint;
        let spare = source.spare();
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
            if let Some(rows) = result.rows {
                writer.push(rows, result.first)?;
            }
            if let (Some(table), Some(rows)) = (&mut output.evidence, result.evidence) {
                table.write(rows)?;
            }
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
            |worker, number, raw| {
                let result = worker.work(number, &raw, &part);
                spare.give_back(raw);
                result
            },
            sink,
        );
        let outcome = outcome.map_err(cause)?;
        state.add_parts(&writer.finish()?)?;
        for worker in &mut workers {
            worker.drain(state)?;
        }
        state.checkpoint.complete = outcome == Outcome::Finished;
        if state.checkpoint.complete {
            // Saved although the end is near: writing the report may fail where reading did not.
            let may_fail = first_batch > 0 || settings.scratch.is_some();
            if settings.checkpoint_seconds > 0.0 && may_fail {
                state.save()?;
            }
            return Ok(());
        }
        // A run that has done nothing is not worth keeping.
        if state.checkpoint.batches > 0 {
            state.save()?;
        }
        if cancel.is_cancelled() {
            return Err(interrupted());
        }
        let seconds = started.elapsed().as_secs_f64().max(1e-3);
        let done = (state.checkpoint.batches - first_batch) as f64;
        stretch = ((done / seconds * settings.checkpoint_seconds) as u64).max(1);
    }
}
