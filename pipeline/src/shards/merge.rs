//! `varisk merge`: the shards of one run become its report.

use std::collections::BTreeMap;
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
use crate::fold_plan::{FoldPlan, VARIANTS};
use crate::log::Log;
use crate::plan::manifest_sha256;
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
    let shards = look_at(arguments)?;
    let folder = OutputFolder::create_on(&arguments.output, arguments.scratch.as_deref())?;
    match merge(arguments, shards, &folder, layout, &cancel, log) {
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

fn merge(
    arguments: &MergeArguments,
    shards: Shards,
    folder: &OutputFolder,
    layout: TableLayout,
    cancel: &CancelToken,
    log: &Log,
) -> anyhow::Result<String> {
    let (state, parts) = join(shards)?;
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
            let options = ModelOptions::on_processor(1);
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

/// The shards of one run, of which `state.json` has been read.
struct Shards {
    /// Folders by group of patients, in the order of the shards.
    groups: BTreeMap<u32, Vec<PathBuf>>,
    /// Plans of the groups; empty where patients are not cut.
    plans: Vec<FoldPlan>,
}

/// Reads `state.json` of all shards and refuses a set that is not exactly one run. Their sums are left
/// where they are: those of all shards at once may be more than there is memory for.
fn look_at(arguments: &MergeArguments) -> anyhow::Result<Shards> {
    let table = arguments.shard_table.as_deref().map(ShardTable::read);
    let table = table.transpose()?;
    let mut folders: BTreeMap<u32, (u32, PathBuf)> = BTreeMap::new();
    let mut plan_hashes: BTreeMap<u32, String> = BTreeMap::new();
    let mut plans: BTreeMap<u32, FoldPlan> = BTreeMap::new();
    let mut first: Option<Shard> = None;
    for path in shard_folders(&arguments.shards)? {
        let checkpoint = Checkpoint::read(&path)?;
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
        let group = shard.group.as_ref().map_or(1, |group| group.number);
        let known = plan_hashes.entry(group);
        if *known.or_insert_with(|| checkpoint.plan_sha256.clone()) != checkpoint.plan_sha256 {
            return Err(refuse("belongs to another run (inputs, models or settings differ); leave it out or run it again").into());
        }
        let first = first.get_or_insert_with(|| shard.clone());
        if (first.count, &first.table) != (shard.count, &shard.table) {
            return Err(refuse("is a shard of the same run that was cut in another way (number of shards or shard table differ); leave it out or run it again").into());
        }
        if folders
            .insert(shard.number, (group, path.clone()))
            .is_some()
        {
            return Err(refuse(&format!(
                "shard {shard} is given twice; give each shard once"
            ))
            .into());
        }
        if shard.group.is_some() {
            plans.entry(group).or_insert(checkpoint.plan);
        }
    }
    let count = first.map_or(0, |shard| shard.count);
    let missing: Vec<String> = (1..=count)
        .filter(|number| !folders.contains_key(number))
        .map(|number| format!("{number}/{count}"))
        .collect();
    if !missing.is_empty() {
        let shown = missing.iter().take(10).cloned();
        let shown = shown.collect::<Vec<_>>().join(", ");
        let more = match missing.len() {
            0..=10 => String::new(),
            all => format!(" and {} more", all - 10),
        };
        return Err(Refusal::Data(format!(
            "shard {shown}{more} is missing; give its folder too, or run it (with --resume, where it is unfinished)"
        ))
        .into());
    }
    let mut groups: BTreeMap<u32, Vec<PathBuf>> = BTreeMap::new();
    for (group, folder) in folders.into_values() {
        groups.entry(group).or_default().push(folder);
    }
    Ok(Shards {
        groups,
        plans: plans.into_values().collect(),
    })
}

/// The folders of shards: those given, or in place of one that is no shard the shards in it.
fn shard_folders(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for path in given {
        if !path.is_dir() {
            return Err(Refusal::NoInput(format!(
                "{} is no folder; name the folders that 'varisk run --shard' wrote",
                path.display()
            ))
            .into());
        }
        if RunState::is_saved(path) {
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
            return Err(Refusal::NoInput(format!(
                "{} holds no finished shard; name the folders that 'varisk run --shard' wrote",
                path.display()
            ))
            .into());
        }
        inside.sort();
        folders.extend(inside);
    }
    Ok(folders)
}

/// Makes one state of all shards, with their part files: those of a group of patients are added up one
/// after the other, then the group is placed among all patients.
fn join(shards: Shards) -> anyhow::Result<(RunState, Vec<PathBuf>)> {
    let mut parts = Vec::new();
    let mut whole = match shards.plans.is_empty() {
        true => None,
        false => Some(RunState::of_groups(shards.plans)?),
    };
    let mut sum = None;
    for folders in shards.groups.into_values() {
        let mut of_group: Option<RunState> = None;
        for folder in folders {
            let checkpoint = Checkpoint::read(&folder)?;
            parts.extend(checkpoint.part_files(&folder));
            match &mut of_group {
                None => of_group = Some(RunState::open(checkpoint, &folder)?),
                Some(state) => state.add(checkpoint, &folder)?,
            }
        }
        match (&mut whole, of_group) {
            (Some(whole), Some(state)) => whole.place(state)?,
            (_, state) => sum = state,
        }
    }
    let state = whole.or(sum);
    let mut state = state.ok_or_else(|| Refusal::Usage("no shard is given".to_owned()))?;
    state.order_set_aside();
    Ok((state, parts))
}
