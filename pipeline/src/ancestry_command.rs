//! `varisk ancestry`: reference panels.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use varisk_ancestry::{
    AlleleFrequency, Panel, PanelBuilder, PanelInput, PanelSample, PanelSettings, Region,
};
use varisk_core::{Analysis, ContigSet, Covariate, Patient, SiteBatch, SiteClass};
use varisk_flow::{Executor, Outcome as FlowOutcome};
use varisk_polygenic::PolygenicScores;
use varisk_readers::{RawBatch, ReadError, Regions, SiteDecoder};
use varisk_report::OutputFolder;

use crate::arguments::{
    AncestryAction, AncestryArguments, AncestryBuildArguments, ImputeChoice, RunArguments,
    ScoreArguments,
};
use crate::exit::Refusal;
use crate::genome::read_text;
use crate::hash;
use crate::log::Log;
use crate::plan::{Plan, Purpose};
use crate::print::print;
use crate::run::{cancel_on_signal, cause, interrupted};
use crate::scores::{ScoreContext, find, matching_settings};
use crate::settings::Settings;

/// Column of the labels with the population.
const POPULATION: &str = "population";
/// Sites that a panel must have: a patient is placed by 100 of them at least, and may lack three in ten.
const MIN_SITES: usize = 143;
/// Column of the labels that says who is no relative of another.
const UNRELATED: &str = "unrelated";

pub(crate) fn command(arguments: &AncestryArguments, log: &Log) -> anyhow::Result<()> {
    match &arguments.action {
        AncestryAction::Build(arguments) => build(arguments, log),
        AncestryAction::List { panel } => list(panel),
    }
}

fn list(folder: &Path) -> anyhow::Result<()> {
    let panel = Panel::open(folder)?;
    let mut text = format!(
        "{} {} ({}), {} sites, {} components, licence {}\n",
        panel.name(),
        panel.release(),
        panel.genome_build(),
        panel.sites().len(),
        panel.components(),
        panel.licence()
    );
    for (at, population) in panel.populations().iter().enumerate() {
        let people = panel
            .samples()
            .iter()
            .filter(|sample| sample.population == at);
        let (training, all) = people.fold((0, 0), |(training, all), sample| {
            (training + u32::from(sample.is_training), all + 1)
        });
        text += &format!("  {population}: {all} people, {training} of them unrelated\n");
    }
    for score in panel.scores() {
        text += &format!("  score {}\n", score.name);
    }
    print(text)
}

pub(crate) fn build(arguments: &AncestryBuildArguments, log: &Log) -> anyhow::Result<()> {
    if arguments.vcf == Path::new("-") {
        return Err(Refusal::Usage(
            "--vcf - is a pipe, and a panel records the hash of what it is made of; write the variants to a file first"
                .to_owned(),
        )
        .into());
    }
    for (flag, text) in [
        ("--name", &arguments.name),
        ("--release", &arguments.release),
        ("--licence", &arguments.licence),
    ] {
        // They stand in tables and in run.json.
        if text.trim().is_empty() || text.contains(char::is_control) {
            return Err(Refusal::Usage(format!(
                "{flag} is empty or holds a line break or tab; give it as one plain text"
            ))
            .into());
        }
    }
    let mut settings = Settings::resolve(&RunArguments {
        vcf: Some(arguments.vcf.clone()),
        samplesheet: Some(arguments.labels.clone()),
        reference: Some(arguments.reference.clone()),
        build: arguments.build.clone(),
        output: Some(arguments.output.clone()),
        threads: arguments.threads,
        par: arguments.par.clone(),
        ignore_unlisted_samples: true,
        scores: ScoreArguments {
            files: arguments.scores.clone(),
            // What a run adds for a patient without a call is the panel's mean.
            impute: Some(ImputeChoice::Cohort),
            ..ScoreArguments::default()
        },
        ..RunArguments::default()
    })?;
    settings.annotation.named_only = true;
    OutputFolder::check(&settings.output, false)?;
    let cancel = cancel_on_signal();
    let mut plan = Plan::try_new(&settings, Purpose::Panel)?;
    plan.warnings.iter().for_each(|warning| log.warn(warning));
    let samples = panel_samples(&plan.fold.patients, &arguments.labels)?;
    let contigs = Arc::clone(plan.reference.contigs());
    let mut builder = PanelBuilder::new(panel_settings(arguments, &plan, &contigs)?, samples)?;
    let folder = OutputFolder::create(&settings.output)?;
    let built = (|| -> anyhow::Result<String> {
        let mut analyses = plan.fold.analyses();
        let frequencies = read(
            &mut plan,
            &settings,
            &mut builder,
            &mut analyses,
            &cancel,
            log,
        )?;
        log.info("computing principal components");
        let mut panel = builder.finish(settings.limits.threads)?;
        if panel.sites().len() < MIN_SITES {
            return Err(Refusal::Data(format!(
                "the panel has {} sites after frequency, strand and linkage, and at least {MIN_SITES} are needed to place a patient who lacks some; give more variants, or raise --max-r2 or lower --min-maf or --window",
                panel.sites().len()
            ))
            .into());
        }
        if let Some(context) = &plan.fold.context.scores {
            add_scores(&mut panel, context, &settings, &analyses, log)?;
            panel.set_frequencies(frequencies)?;
        }
        panel.write(folder.partial())?;
        Ok(format!(
            "{} sites, {} people, {} scores",
            panel.sites().len(),
            panel.samples().len(),
            panel.scores().len()
        ))
    })();
    match built {
        Ok(done) => {
            let path = folder.complete(None)?;
            log.info(&format!("{done}; written to {}", path.display()));
            Ok(())
        }
        Err(error) => {
            folder.discard();
            Err(error)
        }
    }
}

fn panel_samples(patients: &[Patient], labels: &Path) -> anyhow::Result<Vec<PanelSample>> {
    let refuse = |detail: &str| Refusal::Data(format!("{}: {detail}", labels.display()));
    let says_unrelated = patients
        .iter()
        .any(|patient| patient.covariates.contains_key(UNRELATED));
    let samples = patients.iter().map(|patient| {
        let text = |column: &str| match patient.covariates.get(column) {
            Some(Covariate::Text(text)) => Some(text.clone()),
            Some(Covariate::Number(number)) => Some(number.to_string()),
            None => None,
        };
        let population = text(POPULATION).ok_or_else(|| {
            refuse("a row has no population; fill the column 'population' for each sample, or leave the row out")
        })?;
        let is_training = match text(UNRELATED).map(|text| text.to_ascii_lowercase()).as_deref() {
            None if says_unrelated => {
                return Err(refuse("the column 'unrelated' is empty in a row; say true or false for each sample, or leave the column out").into());
            }
            None | Some("true" | "1" | "yes") => true,
            Some("false" | "0" | "no") => false,
            Some(_) => {
                return Err(refuse("the column 'unrelated' holds something other than true and false; correct it").into());
            }
        };
        Ok(PanelSample {
            population,
            is_training,
        })
    });
    samples.collect()
}

fn panel_settings(
    arguments: &AncestryBuildArguments,
    plan: &Plan,
    contigs: &Arc<ContigSet>,
) -> anyhow::Result<PanelSettings> {
    let mut inputs = Vec::new();
    let mut files = vec![
        ("variants", &arguments.vcf),
        ("labels", &arguments.labels),
        ("reference_index", &arguments.reference),
    ];
    files.extend(arguments.exclude.iter().map(|path| ("excluded", path)));
    for (role, path) in files {
        let hashed = if role == "reference_index" {
            let mut name = path.clone().into_os_string();
            name.push(".fai");
            name.into()
        } else {
            path.clone()
        };
        inputs.push(PanelInput {
            role: role.to_owned(),
            name: hashed
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            sha256: hash::file(&hashed)?.unwrap_or_default(),
        });
    }
    let mut excluded = Vec::new();
    if let Some(path) = &arguments.exclude {
        let regions = Regions::parse_bed(&read_text(path)?, &path.display().to_string(), contigs)?;
        excluded = regions
            .intervals()
            .unwrap_or_default()
            .iter()
            .map(|interval| Region {
                contig: contigs.name(interval.contig).to_owned(),
                start: interval.start.0,
                end: interval.end.0,
            })
            .collect();
    }
    Ok(PanelSettings {
        name: arguments.name.clone(),
        release: arguments.release.clone(),
        genome_build: plan.fold.build.name().to_owned(),
        licence: arguments.licence.clone(),
        inputs,
        components: usize::from(arguments.components),
        minimum_frequency: arguments.min_maf,
        window: arguments.window,
        maximum_r2: arguments.max_r2,
        excluded,
        ..PanelSettings::default()
    })
}

/// What one thread has of its own.
struct PanelWorker {
    decoder: SiteDecoder,
    sexes: Arc<[varisk_core::Sex]>,
    analyses: Vec<Box<dyn Analysis>>,
}

/// A batch on its way to the builder.
struct Read {
    batch: SiteBatch,
    frequencies: Vec<AlleleFrequency>,
    records: u64,
    last: String,
}

/// Reads the genotypes; returns the frequencies of the alleles that scores need.
fn read(
    plan: &mut Plan,
    settings: &Settings,
    builder: &mut PanelBuilder,
    analyses: &mut [Box<dyn Analysis>],
    cancel: &varisk_flow::CancelToken,
    log: &Log,
) -> anyhow::Result<Vec<AlleleFrequency>> {
    let mut source = plan.source(settings)?;
    let contigs = Arc::clone(plan.reference.contigs());
    let wanted: BTreeSet<(u32, u32)> = plan
        .fold
        .context
        .scores
        .iter()
        .flat_map(|context| context.wanted(&contigs))
        .map(|(contig, position)| (contig.0, position.0))
        .collect();
    let executor = Executor::new(settings.limits.threads, cancel.clone());
    let mut workers = (0..executor.threads())
        .map(|_| {
            Ok(PanelWorker {
                decoder: SiteDecoder::new(Arc::clone(&plan.decoder), plan.reference.reader()?),
                sexes: plan
                    .fold
                    .patients
                    .iter()
                    .map(|patient| patient.sex)
                    .collect(),
                analyses: plan.fold.analyses(),
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut frequencies = Vec::new();
    let mut records = 0;
    let mut progress = log.progress();
    let spare = source.spare();
    let mut pull = || -> anyhow::Result<Option<RawBatch>> { Ok(source.next_batch()?) };
    let outcome = executor.run(
        &mut pull,
        &mut workers,
        0,
        u64::MAX,
        |worker, number, raw| {
            let decoded = worker.decoder.decode(number, &raw)?;
            if let Some(bad) = decoded.bad.into_iter().next() {
                return Err(ReadError::TooManyBadRecords { bad }.into());
            }
            let batch = decoded.batch.with_sexes(Arc::clone(&worker.sexes));
            for analysis in &mut worker.analyses {
                analysis.observe(&batch)?;
            }
            let last = raw.entries.last().map_or_else(String::new, |entry| {
                format!("{}:{}", contigs.name(entry.contig), entry.position)
            });
            spare.give_back(raw);
            Ok(Read {
                frequencies: allele_frequencies(&batch, &contigs, &wanted)?,
                batch,
                records: decoded.records,
                last,
            })
        },
        |read: Read| {
            builder.observe(&read.batch)?;
            frequencies.extend(read.frequencies);
            records += read.records;
            progress.update(records, &read.last);
            Ok(())
        },
    );
    match outcome {
        Ok(FlowOutcome::Finished) => {}
        Ok(_) => return Err(interrupted()),
        Err(error) => return Err(cause(error)),
    }
    for worker in &workers {
        for (total, own) in analyses.iter_mut().zip(&worker.analyses) {
            total.merge(&own.save()?)?;
        }
    }
    Ok(frequencies)
}

/// Frequencies of the alternate alleles at some positions, over complete calls and by the copies that
/// people of each sex have.
fn allele_frequencies(
    batch: &SiteBatch,
    contigs: &ContigSet,
    wanted: &BTreeSet<(u32, u32)>,
) -> anyhow::Result<Vec<AlleleFrequency>> {
    let (own_contigs, positions) = (batch.contig_column()?, batch.position_column()?);
    let classes = batch.site_class_column()?;
    let references = batch.text(varisk_core::columns::REFERENCE)?;
    let alternates = batch.text(varisk_core::columns::ALTERNATE)?;
    let reasons = batch.text(varisk_core::columns::REASON)?;
    let mut frequencies = Vec::new();
    let rows = (0..batch.len()).filter(|row| {
        use arrow::array::Array as _;
        let place = (own_contigs.value(*row), positions.value(*row));
        wanted.contains(&place) && alternates.is_valid(*row) && reasons.is_null(*row)
    });
    for row in rows {
        let class = SiteClass::from_number(classes.value(row));
        let (mut copies, mut total) = (0u64, 0u64);
        for sample in 0..batch.calls().samples() {
            let call = batch.calls().call(row, sample);
            let counted = call.and_then(|call| class.counted(call, batch.sex(sample)));
            if let Some(call) = counted.filter(|call| call.is_complete()) {
                copies += u64::from(call.alternate);
                total += u64::from(call.ploidy);
            }
        }
        if total > 0 {
            let contig = varisk_core::ContigId(own_contigs.value(row));
            frequencies.push(AlleleFrequency {
                contig: contigs.name(contig).to_owned(),
                position: varisk_core::Position(positions.value(row)),
                reference: references.value(row).to_owned(),
                alternate: alternates.value(row).to_owned(),
                frequency: copies as f64 / total as f64,
            });
        }
    }
    Ok(frequencies)
}

/// Adds the scores of the panel's people.
fn add_scores(
    panel: &mut Panel,
    context: &ScoreContext,
    settings: &Settings,
    analyses: &[Box<dyn Analysis>],
    log: &Log,
) -> anyhow::Result<()> {
    let (Some(fold), Some(plan)) = (find::<PolygenicScores>(analyses), &context.plan) else {
        return Ok(());
    };
    let results = fold.results();
    for (score, info) in plan.scores().iter().enumerate() {
        if plan.has_terms(score) {
            // A patient's sum beside the panel is over single alleles.
            log.warn(&format!("score '{}' has rows over several alleles, which the panel does not hold: it gets no distribution", info.name));
            continue;
        }
        let sums = (0..results.patients()).map(|patient| {
            let own = results.patient(score, patient);
            match own.reason {
                None => own.sum,
                Some(_) => f64::NAN,
            }
        });
        panel.add_score(
            &info.name,
            &info.sha256,
            &matching_settings(&settings.scores),
            sums.collect(),
        )?;
    }
    Ok(())
}
