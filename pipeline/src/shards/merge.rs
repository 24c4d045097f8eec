//! `varisk merge`: the shards of one run become its report.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use varisk_flow::CancelToken;
use varisk_report::{OutputFolder, TableFolder, TableLayout};
use varisk_score::{Model, ModelOptions, Runtime, open_bundle};

use super::Shard;
use super::table::ShardTable;
use crate::arguments::MergeArguments;
use crate::checkpoint::{Checkpoint, RunState};
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
    let folder = OutputFolder::create_on(&arguments.output, arguments.scratch.as_deref())?;
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
    let state = join(shards)?;
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
        // Those that the shards have given already, for the record.
        warnings: state.checkpoint.warnings.clone(),
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
    // Plan of each group of patients, and what is opened for its folds.
    let mut groups: BTreeMap<u32, (String, FoldContext)> = BTreeMap::new();
    let mut first: Option<Shard> = None;
    for path in shard_folders(&arguments.shards)? {
        let of_group = |checkpoint: &Checkpoint| {
            let group = groups.get(&checkpoint.group_number());
            group
                .map(|(_, context)| context.clone())
                .unwrap_or_default()
        };
        let state = RunState::load_with(&path, of_group)?;
        let checkpoint = &state.checkpoint;
        let refuse = |detail: &str| Refusal::Data(format!("{}: {detail}", path.display()));
        let Some(shard) = checkpoint.shard.clone() else {
            return Err(refuse("is no shard; make shards with 'varisk run --shard K/N'").into());
        };
        if !checkpoint.complete {
            return Err(refuse("is not complete; run that shard again").into());
        }
        if let Some(table) = &table {
            if shard.table.as_ref() != Some(&table.sha256) {
                return Err(refuse("was not cut by this shard table; leave it out, or run it again with --shard-table").into());
            }
            table.refuse_other_run(shard.number, &checkpoint.plan)?;
        }
        let plan = &checkpoint.plan;
        let own = || (checkpoint.plan_sha256.clone(), plan.context.clone());
        let (known, _) = groups.entry(checkpoint.group_number()).or_insert_with(own);
        if *known != checkpoint.plan_sha256 {
            return Err(refuse("belongs to another run (inputs, models or settings differ); leave it out or run it again").into());
        }
        let first = first.get_or_insert_with(|| shard.clone());
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
    let count = first.map_or(0, |shard| shard.count);
    let missing: Vec<String> = (1..=count)
        .filter(|number| !shards.contains_key(number))
        .map(|number| format!("{number}/{count}"))
        .collect();
    if !missing.is_empty() {
        let shown = missing.iter().take(10).cloned();
        let shown = shown.collect::<Vec<_>>().join(", ");
        let more = missing.len().saturating_sub(10);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        return Err(Refusal::Data(format!(
            "shard {shown}{more} is missing; run it, or give its folder too"
        ))
        .into());
    }
    Ok(shards)
}

/// The folders of shards: those given, or in place of one that is no shard the shards in it.
fn shard_folders(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for path in given {
        if RunState::is_saved(path) || !path.is_dir() {
            folders.push(path.clone());
            continue;
        }
        let unreadable = |error: std::io::Error| {
            Refusal::NoInput(format!("cannot open {}: {error}", path.display()))
        };
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?.path();
            let is_unfinished = entry.extension().is_some_and(|own| own == "partial");
            if !is_unfinished && RunState::is_saved(&entry) {
                inside.push(entry);
            }
        }
        if inside.is_empty() {
            // What is said of it as a shard says what is wrong.
            inside.push(path.clone());
        }
        inside.sort();
        folders.extend(inside);
    }
    Ok(folders)
}

/// Makes one state of all shards: those of a group of patients are added up, then the groups put
/// together.
fn join(shards: BTreeMap<u32, RunState>) -> anyhow::Result<RunState> {
    let mut groups: BTreeMap<u32, RunState> = BTreeMap::new();
    for shard in shards.into_values() {
        match groups.entry(shard.checkpoint.group_number()) {
            Entry::Vacant(entry) => {
                entry.insert(shard);
            }
            Entry::Occupied(mut entry) => entry.get_mut().merge(shard)?,
        }
    }
    let mut groups = groups.into_values();
    let first = groups
        .next()
        .ok_or_else(|| Refusal::Usage("no shard is given".to_owned()))?;
    if first
        .checkpoint
        .shard
        .as_ref()
        .is_none_or(|shard| shard.group.is_none())
    {
        return Ok(first);
    }
    let groups: Vec<RunState> = std::iter::once(first).chain(groups).collect();
    RunState::of_groups(groups)
}
