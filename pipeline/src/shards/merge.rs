//! `varisk merge`: the shards of one run become its report.

use std::collections::BTreeMap;

use varisk_flow::CancelToken;
use varisk_report::{OutputFolder, TableFolder, TableLayout};
use varisk_score::{Model, ModelOptions, Runtime, open_bundle};

use super::Shard;
use super::table::ShardTable;
use crate::arguments::MergeArguments;
use crate::checkpoint::RunState;
use crate::exit::Refusal;
use crate::finish::{Finish, finish, hash_in_background};
use crate::fold_plan::{FoldContext, VARIANTS};
use crate::log::Log;
use crate::plan::{device, manifest_sha256};
use crate::privacy::table_keys;
use crate::run::cancel_on_signal;
use crate::settings::available_threads;

pub(crate) fn command(arguments: &MergeArguments, log: &Log) -> anyhow::Result<()> {
    let cancel = cancel_on_signal();
    OutputFolder::check(&arguments.output, false)?;
    let layout = TableLayout {
        partition_by: arguments.partition_by.clone(),
        encryption: table_keys(arguments.encryption.source())?,
    };
    layout.check()?;
    let shards = load_shards(arguments)?;
    let folder = OutputFolder::create(&arguments.output)?;
    match merge(arguments, shards, &folder, layout, &cancel, log) {
        Ok(done) => {
            let path = folder.complete()?;
            log.info(&format!("{done}; written to {}", path.display()));
            Ok(())
        }
        Err(error) => {
            folder.discard();
            Err(error)
        }
    }
}

fn merge(
    arguments: &MergeArguments,
    shards: BTreeMap<u32, RunState>,
    folder: &OutputFolder,
    layout: TableLayout,
    cancel: &CancelToken,
    log: &Log,
) -> anyhow::Result<String> {
    let parts = shards.values().flat_map(RunState::part_files).collect();
    let mut shards = shards.into_values();
    let mut state = shards
        .next()
        .ok_or_else(|| Refusal::Usage("no shard is given".to_owned()))?;
    for shard in shards {
        state.merge(shard)?;
    }
    let plan = &state.checkpoint.plan;
    let allowed = plan.parameters["max_bad_records"].as_u64().unwrap_or(0);
    let set_aside = state.checkpoint.set_aside.len() as u64;
    if set_aside > allowed {
        return Err(Refusal::Data(format!("the shards have set {set_aside} malformed records aside where the run allows {allowed}; correct them, or run the shards again with a higher --max-bad-records")).into());
    }
    let mut patient_models = Vec::new();
    let runtime = if plan.patient_models.is_empty() {
        None
    } else {
        Some(Runtime::load(arguments.onnxruntime.as_deref())?)
    };
    if let Some(runtime) = &runtime {
        for model in &plan.patient_models {
            let bundle = open_bundle(&model.path)?;
            if bundle.model_sha256 != model.sha256
                || manifest_sha256(&bundle) != model.manifest_sha256
            {
                return Err(Refusal::Data(format!(
                    "{} is not the model that the shards were run with; restore it",
                    model.path.display()
                ))
                .into());
            }
            let options = ModelOptions {
                device: device(arguments.device),
                threads: 1,
                tf32: false,
            };
            patient_models.push(Model::open(runtime, bundle, options)?);
        }
    }
    let variant_files: Vec<_> = plan
        .fingerprints
        .iter()
        .filter(|(role, _, _)| role == VARIANTS)
        .map(|(_, path, _)| path.clone())
        .collect();
    let hashes = hash_in_background(&variant_files, false);
    let end = Finish {
        verb: "merge",
        parts,
        patient_models,
        runtime: runtime.as_ref(),
        warnings: Vec::new(),
        hashes,
        threads: available_threads(),
        cancel,
    };
    let tables = TableFolder {
        path: folder.partial().to_owned(),
        layout,
    };
    finish(&state, end, &tables, log)
}

/// Reads all shards, by number, and refuses a set that is not exactly one run.
fn load_shards(arguments: &MergeArguments) -> anyhow::Result<BTreeMap<u32, RunState>> {
    let table = arguments.shard_table.as_deref().map(ShardTable::read);
    let table = table.transpose()?;
    let mut shards: BTreeMap<u32, RunState> = BTreeMap::new();
    let mut run: Option<(String, Shard)> = None;
    let mut context = FoldContext::default();
    for path in &arguments.shards {
        let state = RunState::load_with(path, &context)?;
        context = state.checkpoint.plan.context.clone();
        let refuse = |detail: &str| Refusal::Data(format!("{}: {detail}", path.display()));
        let Some(shard) = state.checkpoint.shard.clone() else {
            return Err(refuse("is no shard; make shards with 'varisk run --shard K/N'").into());
        };
        if !state.checkpoint.complete {
            return Err(refuse("is not complete; run that shard again").into());
        }
        if let Some(table) = &table {
            if shard.table.as_ref() != Some(&table.sha256) {
                return Err(refuse("was not cut by this shard table; leave it out or run it again with '--shard-table'").into());
            }
            table.refuse_other_run(&state.checkpoint.plan)?;
        }
        let own = (state.checkpoint.plan_sha256.clone(), shard.clone());
        let (plan, first) = run.get_or_insert_with(|| own.clone());
        if *plan != own.0 {
            return Err(refuse("belongs to another run (inputs, models or settings differ); leave it out or run it again").into());
        }
        if (first.count, &first.table) != (shard.count, &shard.table) {
            return Err(refuse("is a shard of the same run that was cut in another way (number of shards or shard table differ); leave it out or run it again").into());
        }
        let name = shard.to_string();
        if shards.insert(shard.number, state).is_some() {
            return Err(refuse(&format!(
                "shard {name} is given twice; give each shard once"
            ))
            .into());
        }
    }
    let count = run.map_or(0, |(_, shard)| shard.count);
    let missing: Vec<String> = (1..=count)
        .filter(|number| !shards.contains_key(number))
        .map(|number| format!("{number}/{count}"))
        .collect();
    if !missing.is_empty() {
        let shown = missing.iter().take(10).cloned();
        let shown = shown.collect::<Vec<_>>().join(", ");
        return Err(Refusal::Data(format!(
            "shard {shown} is missing; run it, or give its folder too"
        ))
        .into());
    }
    Ok(shards)
}
