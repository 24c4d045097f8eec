//! How fast a run goes on this machine, and what it holds: a look at its first seconds.

use std::time::{Duration, Instant};

use varisk_flow::{CancelToken, Executor};
use varisk_readers::{RawBatch, Regions};

use crate::plan::Plan;
use crate::run::{BatchResult, RunWorker, cause};
use crate::settings::Settings;

/// What was seen.
pub(super) struct Probe {
    /// Records in a second of wall time.
    pub(super) records_per_second: Option<f64>,
    /// Peak memory of this process so far, in MiB.
    pub(super) peak_mib: Option<u64>,
}

/// Carries batches through all stages and folds for some seconds and throws the results away.
pub(super) fn probe(
    plan: &mut Plan,
    settings: &Settings,
    regions: Regions,
    seconds: f64,
    cancel: &CancelToken,
) -> anyhow::Result<Probe> {
    plan.regions = regions;
    let mut source = plan.source(settings)?;
    plan.fold.contig_ranks = source.contig_ranks();
    let executor = Executor::new(settings.limits.threads, cancel.clone());
    let mut workers = (0..executor.threads())
        .map(|_| RunWorker::try_new(plan))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let part = plan.fold.rows.schema()?;
    let spare = source.spare();
    let started = Instant::now();
    let end = started + Duration::from_secs_f64(seconds);
    let mut pull = || -> anyhow::Result<Option<RawBatch>> {
        if Instant::now() >= end {
            return Ok(None);
        }
        Ok(source.next_batch()?)
    };
    let mut records = 0;
    let sink = |result: BatchResult| -> anyhow::Result<()> {
        records += result.records();
        Ok(())
    };
    let outcome = executor.run(
        &mut pull,
        &mut workers,
        0,
        u64::MAX,
        |worker, number, raw| {
            let result = worker.work(number, &raw, &part);
            spare.give_back(raw);
            result
        },
        sink,
    );
    outcome.map_err(cause)?;
    let taken = started.elapsed().as_secs_f64().max(1e-3);
    Ok(Probe {
        records_per_second: (records > 0).then(|| records as f64 / taken),
        peak_mib: peak_mib(),
    })
}

/// The high-water mark of resident memory.
fn peak_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.div_ceil(1024))
}
