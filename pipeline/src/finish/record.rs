//! `run.json`.

use std::collections::BTreeMap;

use varisk_report::{ModelRecord, RunRecord, SCHEMA_VERSION, StageTime, TableFolder, table_files};
use varisk_score::Runtime;

use super::{Finish, NOTICE};
use crate::checkpoint::RunState;
use crate::fold_plan::{ALIGNMENT, REFERENCE};
use crate::hash;
use crate::log::Log;
use crate::plan::model_record;

/// What really ran: hashes of inputs, as far as they are still what was read, and of tables.
pub(super) fn run_record(
    state: &RunState,
    end: Finish<'_>,
    folder: &TableFolder,
    counts: BTreeMap<String, u64>,
    timings: BTreeMap<String, f64>,
    log: &Log,
) -> anyhow::Result<RunRecord> {
    let mut warnings = end.warnings;
    let checkpoint = &state.checkpoint;
    let plan = &checkpoint.plan;
    let mut inputs = plan.file_records();
    let hashes = end
        .hashes
        .and_then(|hashes| hashes.join().ok())
        .unwrap_or_default();
    for (record, (role, path, mark)) in inputs.iter_mut().zip(&plan.fingerprints) {
        if mark == hash::STREAM {
            continue;
        }
        // A hash of anything but what was read would be worse than none.
        if hash::fingerprint(path).ok().as_ref() != Some(mark) {
            let changed = format!(
                "{} is not there any more as it was read, so its SHA-256 is not recorded",
                record.path
            );
            log.warn(&changed);
            warnings.push(changed);
        } else if role != REFERENCE && role != ALIGNMENT {
            let early = hashes.get(path).cloned();
            record.sha256 = early.or_else(|| hash::file(path).ok().flatten());
        }
    }
    let model_records: Vec<ModelRecord> = plan
        .variant_models
        .iter()
        .cloned()
        .chain(end.patient_models.iter().map(model_record))
        .collect();
    let mut tables = BTreeMap::new();
    for (name, path) in table_files(&folder.path)? {
        if let Some(sha256) = hash::file(&path)? {
            tables.insert(name, sha256);
        }
    }
    Ok(RunRecord {
        schema_version: SCHEMA_VERSION,
        notice: NOTICE.to_owned(),
        varisk: plan.varisk.clone(),
        verb: end.verb.to_owned(),
        genome_build: plan.build.name().to_owned(),
        onnxruntime: end
            .runtime
            .map(|runtime| runtime.library().display().to_string()),
        onnxruntime_version: end.runtime.map(Runtime::version),
        inputs,
        models: model_records,
        knowledge: plan.sources.clone(),
        parameters: plan.parameters.clone(),
        plan_sha256: checkpoint.plan_sha256.clone(),
        patients: plan.patients.len() as u64,
        counts,
        drift: Vec::new(),
        warnings,
        tables,
        timings: timings
            .into_iter()
            .map(|(stage, seconds)| StageTime { stage, seconds })
            .collect(),
        wall_seconds: checkpoint.wall_seconds,
    })
}
