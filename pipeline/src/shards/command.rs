//! `varisk plan`: cuts a run into shards.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use varisk_core::{ContigSet, Interval};
use varisk_flow::CancelToken;
use varisk_readers::{ClosedInput, FileInput, RecordSource, Regions, SourceSettings};
use varisk_report::{OutputFolder, ReportError};

use super::cut::{Piece, cut, read_by, windows};
use super::probe::{Probe, probe};
use super::table::{Expected, JSON_FILE, ShardRow, ShardTable, TSV_FILE, region_texts};
use super::{Group, ShardChoice};
use crate::arguments::{AmbiguousChoice, BalanceChoice, ImputeChoice, PlanArguments};
use crate::exit::Refusal;
use crate::log::Log;
use crate::plan::Plan;
use crate::print::print;
use crate::run::{cancel_on_signal, interrupted, settings_for};
use crate::settings::Settings;

/// A longer trial is a run.
const MAX_PROBE_SECONDS: f64 = 3600.0;
/// Files whose indexes are read, at most; they stand for the others.
const ASKED_FILES: usize = 64;
/// What is added to the memory that was seen: later shards may have longer records and fuller folds.
const MEMORY_MARGIN: f64 = 1.25;
/// Memory is rounded up to so many MiB.
const MEMORY_STEP: u64 = 64;

pub(crate) fn command(arguments: &PlanArguments, log: &Log) -> anyhow::Result<()> {
    let cancel = cancel_on_signal();
    refuse_idle(arguments)?;
    let purpose = arguments.verb.purpose();
    let settings = settings_for(&arguments.run, purpose)?;
    if !settings.dry_run {
        OutputFolder::check(&settings.output, false)?;
    }
    let started = Instant::now();
    let mut plan = Plan::try_new(&settings, purpose)?;
    let opening = started.elapsed().as_secs_f64();
    plan.warnings.iter().for_each(|warning| log.warn(warning));
    if plan.fold.streams() {
        return Err(Refusal::Usage("variants from a pipe cannot be read again, so they cannot be cut into shards; write them to a file first".to_owned()).into());
    }
    if arguments.patient_groups > 1 {
        refuse_groups(arguments.patient_groups, &plan, &settings)?;
    }
    let contigs = Arc::clone(plan.reference.contigs());
    let windows = windows(&contigs, arguments.shards);
    let weights = Weights::of(&mut plan, &settings, arguments.balance, &windows, &cancel)?;
    let pieces = cut(&windows, &weights.read, arguments.shards);
    if pieces.len() < arguments.shards as usize {
        log.warn(&format!(
            "the run is cut into {} shards rather than {}: there are no more places to cut it into equal work",
            pieces.len(),
            arguments.shards
        ));
    }
    let groups = Group::cut(plan.fold.patients.len(), arguments.patient_groups);
    let seen = if arguments.probe_seconds > 0.0 {
        let regions = weights.busiest(&windows, &plan.regions);
        let seconds = arguments.probe_seconds;
        // What a shard of a group takes is seen on a group.
        let of_group = groups.first().filter(|_| groups.len() > 1);
        if of_group.is_some() {
            plan.files.clear();
        }
        let mut of_group = of_group
            .map(|group| Plan::try_new(&settings.of_group(group), purpose))
            .transpose()?;
        let probed = of_group.as_mut().unwrap_or(&mut plan);
        Some(probe(probed, &settings, regions, seconds, &cancel)?)
    } else {
        None
    };
    if cancel.is_cancelled() {
        return Err(interrupted());
    }
    let estimate = Estimate {
        weights: &weights,
        opening,
        seen,
        threads: settings.limits.threads,
    };
    let cuts = groups
        .iter()
        .flat_map(|group| pieces.iter().map(move |piece| (group.number, piece)));
    let rows = (1..).zip(cuts).map(|(shard, (group, piece))| ShardRow {
        shard,
        group,
        regions: region_texts(&piece.stretches, &contigs),
        expected: estimate.of(piece),
    });
    let rows = rows.collect();
    let table = ShardTable::new(&plan.fold, weights.balance, groups, rows)?;
    if settings.dry_run {
        return print(table.tsv());
    }
    write(&table, &settings.output)?;
    log.info(&format!(
        "{} shards of equal {}; written to {}",
        table.count(),
        weights.balance.name(),
        settings.output.display()
    ));
    Ok(())
}

/// What a plan cannot do, or has no default for.
fn refuse_idle(arguments: &PlanArguments) -> anyhow::Result<()> {
    let run = &arguments.run;
    let idle = [
        ("--shard", run.shard.is_some()),
        ("--shard-table", run.shard_table.is_some()),
        ("--resume", run.resume),
        ("--scratch", run.scratch.is_some()),
    ];
    if let Some((flag, _)) = idle.iter().find(|(_, given)| *given) {
        return Err(Refusal::Usage(format!(
            "'plan' cuts a run and does not run it; leave {flag} out"
        ))
        .into());
    }
    if run.output.is_none() {
        return Err(Refusal::Usage(
            "--output is missing; name the folder of the shard table".to_owned(),
        )
        .into());
    }
    if !(0.0..=MAX_PROBE_SECONDS).contains(&arguments.probe_seconds) {
        return Err(Refusal::Usage(format!(
            "--probe-seconds must be from 0 to {MAX_PROBE_SECONDS}"
        ))
        .into());
    }
    Ok(())
}

/// Refuses groups of patients where something is decided by all patients together, or where a shard of
/// one group cannot know what another has met.
fn refuse_groups(groups: u32, plan: &Plan, settings: &Settings) -> anyhow::Result<()> {
    let patients = plan.fold.patients.len();
    let scores = &settings.scores;
    let by_cohort =
        scores.ambiguous == AmbiguousChoice::ByFrequency && scores.frequencies.is_none();
    let reason = if patients < groups as usize {
        format!("there are {patients} patients and {groups} groups; name fewer groups")
    } else if scores.impute == ImputeChoice::Cohort {
        "--impute cohort takes the mean of all patients; impute by other frequencies, or cut the genome alone".to_owned()
    } else if by_cohort {
        "--ambiguous by-frequency takes the frequencies of all patients; name others with --frequencies, or cut the genome alone".to_owned()
    } else if settings.limits.max_bad_records > 0 {
        "a record that is malformed for one group would count for another; leave --max-bad-records out".to_owned()
    } else if let Some(model) = plan.reads_patients.first() {
        format!("model '{model}' takes frequencies in the whole cohort; cut the genome alone")
    } else if plan.fold.alignments.iter().any(Option::is_some) {
        "what the reads of all patients show at an allele is part of its row; cut the genome alone"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::Usage(format!("--patient-groups is not possible here: {reason}")).into())
}

fn write(table: &ShardTable, output: &Path) -> anyhow::Result<()> {
    let folder = OutputFolder::create(output)?;
    let files = [
        (JSON_FILE, serde_json::to_string_pretty(table)? + "\n"),
        (TSV_FILE, table.tsv()),
    ];
    for (name, text) in files {
        let path = folder.partial().join(name);
        if let Err(source) = std::fs::write(&path, text) {
            folder.discard();
            return Err(ReportError::Write { path, source }.into());
        }
    }
    folder.complete(None)?;
    Ok(())
}

impl Settings {
    /// The same run of a group of the patients.
    fn of_group(&self, group: &Group) -> Self {
        Self {
            shard: Some(ShardChoice::of_group(group.clone())),
            ..self.clone()
        }
    }
}

/// The work of each window of the genome.
struct Weights {
    balance: BalanceChoice,
    /// Of windows that the run reads; others have none.
    read: Vec<f64>,
    /// Weight of all windows.
    whole: f64,
    /// Records of the whole input, where they are known.
    records: Option<f64>,
    /// Whether shards can seek.
    has_index: bool,
}

impl Weights {
    fn of(
        plan: &mut Plan,
        settings: &Settings,
        wanted: Option<BalanceChoice>,
        windows: &[Interval],
        cancel: &CancelToken,
    ) -> anyhow::Result<Self> {
        let contigs = Arc::clone(plan.reference.contigs());
        let is_read = read_by(windows, &plan.regions);
        let indexed = indexed(plan, windows, &contigs)?;
        let has_index = indexed.is_some();
        let balance = match (wanted, &indexed) {
            (Some(BalanceChoice::Bytes), None) => {
                return Err(Refusal::Usage("not every file with variants has an index, so --balance bytes is not possible; make the indexes with 'bcftools index', or use --balance records".to_owned()).into());
            }
            (Some(wanted), _) => wanted,
            (None, Some(_)) => BalanceChoice::Bytes,
            (None, None) => BalanceChoice::Records,
        };
        let (all, records) = match (balance, indexed) {
            (BalanceChoice::Bytes, Some(indexed)) => indexed,
            (BalanceChoice::Records, _) => {
                let counts = counted(plan, settings, windows, cancel)?;
                let records = counts.iter().sum();
                (counts, Some(records))
            }
            (_, indexed) => {
                let length = |window: &Interval| {
                    let end = window.end.0.min(contigs.length(window.contig));
                    f64::from(end.saturating_sub(window.start.0)) + 1.0
                };
                let records = indexed.and_then(|(_, records)| records);
                (windows.iter().map(length).collect(), records)
            }
        };
        let whole = all.iter().sum();
        let read = all.iter().zip(&is_read);
        Ok(Self {
            balance,
            read: read
                .map(|(weight, is_read)| if *is_read { *weight } else { 0.0 })
                .collect(),
            whole,
            records,
            has_index,
        })
    }

    /// Where the run has most to do, to its end: from there a probe reads.
    fn busiest(&self, windows: &[Interval], regions: &Regions) -> Regions {
        if !self.has_index {
            // Without an index the way there would be most of what is seen.
            return regions.clone();
        }
        let heaviest = self
            .read
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1));
        let first = heaviest.map_or(0, |(at, _)| at);
        let rest = &windows[first..];
        let stretches = cut(rest, &vec![1.0; rest.len()], 1);
        let stretches = stretches.into_iter().flat_map(|piece| piece.stretches);
        regions.within(&stretches.collect::<Vec<_>>())
    }
}

/// Compressed bytes of all files by window, and their records where indexes count them; `None` where a
/// file has no index.
fn indexed(
    plan: &Plan,
    windows: &[Interval],
    contigs: &ContigSet,
) -> anyhow::Result<Option<(Vec<f64>, Option<f64>)>> {
    let own = &plan.files[..plan.paths.len()];
    let step = own.len().div_ceil(ASKED_FILES).max(1);
    let asked: Vec<&FileInput> = own.iter().step_by(step).collect();
    let factor = own.len() as f64 / asked.len().max(1) as f64;
    let mut bytes = vec![0.0; windows.len()];
    let mut records = Some(0.0);
    for file in asked {
        let Some(weights) = file.index_weights(contigs, windows)? else {
            return Ok(None);
        };
        for (sum, own) in bytes.iter_mut().zip(&weights.bytes) {
            *sum += own * factor;
        }
        records = records
            .zip(weights.records)
            .map(|(sum, own)| sum + own as f64 * factor);
    }
    Ok(Some((bytes, records)))
}

/// Records of all files by window: they are read once.
fn counted(
    plan: &mut Plan,
    settings: &Settings,
    windows: &[Interval],
    cancel: &CancelToken,
) -> anyhow::Result<Vec<f64>> {
    // A system lets a program have so many files open and no more: never one of them twice.
    let closed = std::mem::take(&mut plan.files).into_iter();
    let closed: Vec<ClosedInput> = closed.map(FileInput::close).collect();
    let counts = counted_anew(plan, settings, windows, cancel)?;
    let files = closed.into_iter().map(ClosedInput::open);
    plan.files = files.collect::<Result<_, _>>()?;
    Ok(counts)
}

fn counted_anew(
    plan: &Plan,
    settings: &Settings,
    windows: &[Interval],
    cancel: &CancelToken,
) -> anyhow::Result<Vec<f64>> {
    let files = plan.paths.iter().map(|path| FileInput::open(path));
    let source = SourceSettings {
        contigs: Arc::clone(plan.reference.contigs()),
        regions: plan.regions.clone(),
        limits: settings.limits.clone(),
    };
    let mut source = RecordSource::try_new(files.collect::<Result<_, _>>()?, &source)?;
    let mut counts = vec![0.0; windows.len()];
    while let Some(batch) = source.next_batch()? {
        if cancel.is_cancelled() {
            return Err(interrupted());
        }
        for entry in &batch.entries {
            let place = (entry.contig, entry.position);
            let behind = windows.partition_point(|window| (window.contig, window.start) <= place);
            if let Some(count) = behind.checked_sub(1).and_then(|at| counts.get_mut(at)) {
                *count += 1.0;
            }
        }
        source.spare().give_back(batch);
    }
    Ok(counts)
}

/// What shards are expected to take.
struct Estimate<'e> {
    weights: &'e Weights,
    /// Seconds until everything is open.
    opening: f64,
    seen: Option<Probe>,
    threads: usize,
}

impl Estimate<'_> {
    fn of(&self, piece: &Piece) -> Expected {
        let weights = self.weights;
        let share = if weights.whole > 0.0 {
            piece.weight / weights.whole
        } else {
            0.0
        };
        let records = weights.records.map(|records| records * share);
        let rate = self.seen.as_ref().and_then(|seen| seen.records_per_second);
        let seconds = records
            .zip(rate)
            .map(|(records, rate)| self.opening + records / rate);
        let peak = self.seen.as_ref().and_then(|seen| seen.peak_mib);
        let memory = peak.map(|peak| {
            let needed = whole(peak as f64 * MEMORY_MARGIN);
            needed.div_ceil(MEMORY_STEP) * MEMORY_STEP
        });
        Expected {
            bytes: (weights.balance == BalanceChoice::Bytes).then(|| whole(piece.weight)),
            records: records.map(whole),
            seconds: seconds.map(|seconds| whole(seconds).max(1)),
            memory_mib: memory,
            threads: u32::try_from(self.threads).unwrap_or(u32::MAX),
        }
    }
}

/// A number of pieces of work, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts far below 2^53, never negative"
)]
fn whole(value: f64) -> u64 {
    value.ceil() as u64
}
