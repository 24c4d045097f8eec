//! `varisk train`: from a table with outcomes to a tested model bundle.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use anyhow::Context;
use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use serde_json::{Map, Value, json};
use varisk_encode::Manifest;
use varisk_evaluation::Horizon;
use varisk_report::{OutputFolder, Table, TableFolder, write_table};
use varisk_score::{Model, ModelOptions, Runtime, open_bundle};
use varisk_train::{
    CardFacts, Cohort, Combine, Config, FamilySpec, LOG_HAZARD, OUTPUT, Outcome, OutcomeSpec,
    Predictor, Store, Target, Tested, Training, card, class_output, horizon_output, manifest,
    training_summary,
};

use super::measures::{self, Clusters, Group, Measured, Measuring, Observed, numbers, texts};
use super::work::{self, RUNTIME_TOLERANCE, State, WORK};
use super::{data, variant};
use crate::arguments::TrainArguments;
use crate::exit::Refusal;
use crate::hash;
use crate::log::Log;
use crate::print::print;
use crate::run::cancel_on_signal;

pub(crate) fn command(arguments: &TrainArguments, log: &Log) -> anyhow::Result<()> {
    let text = work::read_config(&arguments.config)?;
    if work::is_of_variants(&text, &arguments.config)? {
        let config = work::parse_config(&text, &arguments.config)?;
        return variant::train(arguments, &config, log);
    }
    let config: Config = work::parse_config(&text, &arguments.config)?;
    check(&config)?;
    let base = arguments.config.parent().unwrap_or_else(|| Path::new(""));
    let table = base.join(&config.data.table);
    let run = config.data.run.as_ref().map(|run| base.join(run));
    let cohort = data::cohort(&table, &config.data.patient, run.as_deref())?;
    let outcome = config.outcome.read(&cohort)?;
    let predictors = predictors(&config, &cohort, &outcome)?;
    let groups = groups(&config, &cohort, &outcome)?;
    // What is only needed at the end must not be found wrong there.
    group_columns(&config.validation.groups, &cohort, &outcome.rows)?;
    if outcome.without > 0 {
        log.warn(&format!(
            "{} patients have no outcome and are left out",
            outcome.without
        ));
    }
    if arguments.dry_run {
        return print(plan(&config, &outcome, &predictors));
    }
    // Its lack must not show at the end of a training of hours.
    let runtime = Runtime::load(arguments.onnxruntime.as_deref())?;
    let cancel = cancel_on_signal();
    let state = State {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: config.clone(),
        inputs: inputs(&table, run.as_deref())?,
    };
    OutputFolder::check(&arguments.output, arguments.resume)?;
    let folder = work::open(&arguments.output, arguments.resume, &state)?;
    let store = Store::in_folder(&folder.partial().join(WORK))?;
    let threads = arguments.threads();
    let started = Instant::now();
    let told = std::sync::Mutex::new(started);
    let training = Training {
        config: &config,
        cohort: &cohort,
        outcome: &outcome,
        predictors: &predictors,
        groups,
        threads,
        store: &store,
        progress: &|progress| {
            work::tell(log, progress, started, &told);
            !cancel.is_cancelled()
        },
        done: AtomicUsize::new(0),
    };
    let tested = match training.run() {
        Ok(tested) => tested,
        // The parts stay where they are, to go on with.
        Err(varisk_train::TrainError::Interrupted) => {
            return Err(work::unfinished(arguments));
        }
        Err(error) => {
            folder.discard();
            return Err(error.into());
        }
    };
    let written = write(
        arguments,
        &folder,
        &state,
        &cohort,
        &outcome,
        &predictors,
        &tested,
    )
    .and_then(|summary| {
        let largest = same_in_runtime(&runtime, folder.partial(), &cohort, &outcome, &tested)?;
        std::fs::remove_dir_all(folder.partial().join(WORK))?;
        Ok(format!(
            "{summary}; ONNX Runtime agrees within {largest:.0e}"
        ))
    });
    match written {
        Ok(summary) => {
            let path = folder.complete(None)?;
            log.info(&format!("{summary}; written to {}", path.display()));
            Ok(())
        }
        Err(error) => Err(work::kept(arguments, &folder, error)),
    }
}

/// What a training would do, in words.
fn plan(config: &Config, outcome: &Outcome, predictors: &[Predictor]) -> String {
    let candidates: usize = config
        .families
        .iter()
        .map(|own| own.candidates().len())
        .sum();
    let mut text = format!(
        "{} patients with an outcome, {} without; {} predictors, {candidates} candidates of {} families, {} outer and {} inner folds\n",
        outcome.rows.len(),
        outcome.without,
        predictors.len(),
        config.families.len(),
        config.validation.outer_folds,
        config.validation.inner_folds
    );
    for predictor in predictors {
        let kind = match &predictor.kind {
            varisk_train::PredictorKind::Number => "number".to_owned(),
            varisk_train::PredictorKind::Feature => "feature".to_owned(),
            varisk_train::PredictorKind::Category(levels) => {
                format!("category of {} values", levels.len())
            }
        };
        let missing = if predictor.has_missing {
            ", with missing values"
        } else {
            ""
        };
        text += &format!("  {}: {kind}{missing}\n", predictor.name);
    }
    text
}

/// What makes no sense whatever the table holds.
fn check(config: &Config) -> anyhow::Result<()> {
    let refuse = |text: String| -> anyhow::Error { Refusal::Usage(text).into() };
    let legal = |own: char| own.is_ascii_alphanumeric() || own == '-' || own == '_';
    if config.name.is_empty() || !config.name.chars().all(legal) {
        return Err(refuse(
            "name is empty or holds more than letters, digits, - and _; it stands in names of columns".to_owned(),
        ));
    }
    for (field, text) in [
        ("version", &config.version),
        ("licence", &config.licence),
        ("intended_use", &config.intended_use),
        ("training_data", &config.training_data),
    ] {
        if text.trim().is_empty() {
            return Err(refuse(format!(
                "{field} is empty; say it, for the model card and the manifest"
            )));
        }
    }
    let validation = &config.validation;
    for (field, folds) in [
        ("outer_folds", validation.outer_folds),
        ("inner_folds", validation.inner_folds),
    ] {
        if !(2..=100).contains(&folds) {
            return Err(refuse(format!(
                "validation.{field} is {folds}; give 2 to 100"
            )));
        }
    }
    if !(0.05..=0.5).contains(&validation.stopping_share) {
        return Err(refuse(
            "validation.stopping_share must lie between 0.05 and 0.5".to_owned(),
        ));
    }
    if !(0.0..=0.2).contains(&config.predictors.clip.0) {
        return Err(refuse(
            "predictors.clip must lie between 0 and 0.2".to_owned(),
        ));
    }
    if config.families.is_empty() {
        return Err(refuse("no [[family]] is there; add one".to_owned()));
    }
    let is_survival = matches!(config.outcome, OutcomeSpec::Survival { .. });
    for family in &config.families {
        if family.candidates().is_empty() {
            return Err(refuse(format!(
                "the family '{}' has an empty list of settings; give a value, or leave it out",
                family.name()
            )));
        }
        family.check()?;
        let fits = match family {
            FamilySpec::Logistic { .. } => !is_survival,
            FamilySpec::Cox { .. } => is_survival,
            FamilySpec::Network { .. } | FamilySpec::Boosted { .. } => true,
        };
        if !fits {
            let (what, instead) = if is_survival {
                ("a time to an event", "cox, network or boosted")
            } else {
                (
                    "classes, or whether something happens",
                    "logistic, network or boosted",
                )
            };
            return Err(refuse(format!(
                "the family '{}' does not predict {what}; use {instead}",
                family.name()
            )));
        }
    }
    if config.combine == Combine::Stack && config.families.len() < 2 {
        return Err(refuse(
            "combine = \"stack\" needs two families or more".to_owned(),
        ));
    }
    if config.calibration != varisk_train::CalibrationMethod::None
        && !matches!(config.outcome, OutcomeSpec::Binary { .. })
    {
        return Err(refuse(
            "only a binary outcome can be calibrated; leave calibration out".to_owned(),
        ));
    }
    Ok(())
}

fn predictors(
    config: &Config,
    cohort: &Cohort,
    outcome: &Outcome,
) -> anyhow::Result<Vec<Predictor>> {
    let mut taken = config.outcome.columns();
    taken.extend(config.data.group.as_deref());
    Ok(config.predictors.choose(cohort, outcome, &taken)?)
}

/// The group of each row of the outcome. A row without one is a group of its own.
fn groups(
    config: &Config,
    cohort: &Cohort,
    outcome: &Outcome,
) -> anyhow::Result<Option<Vec<usize>>> {
    let Some(column) = &config.data.group else {
        return Ok(None);
    };
    if !cohort.columns.contains(column) {
        return Err(Refusal::Data(format!(
            "data.group names '{column}', which the table does not have; correct the name"
        ))
        .into());
    }
    let clusters = Clusters::of_column(cohort, &outcome.rows, column);
    Ok(Some(clusters.of_row))
}

fn inputs(table: &Path, run: Option<&Path>) -> anyhow::Result<Value> {
    let mut all = Map::new();
    let mut files: Vec<PathBuf> = vec![table.into()];
    files.extend(run.map(|run| run.join("features.parquet")));
    for (name, path) in ["table", "features"].iter().zip(files) {
        let file = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        all.insert(
            (*name).to_owned(),
            json!({"file": file, "sha256": hash::file(&path)?}),
        );
    }
    Ok(Value::Object(all))
}

/// Everything of a finished training, into its folder.
fn write(
    arguments: &TrainArguments,
    folder: &OutputFolder,
    state: &State<Config>,
    cohort: &Cohort,
    outcome: &Outcome,
    predictors: &[Predictor],
    tested: &Tested,
) -> anyhow::Result<String> {
    let config = &state.config;
    let path = folder.partial();
    let observed = observed(config, outcome, tested);
    let groups = group_columns(&config.validation.groups, cohort, &outcome.rows)?;
    let group = config.data.group.as_ref();
    let measuring = Measuring {
        threshold: 0.5,
        bootstrap: config.validation.bootstrap,
        seed: config.seed,
        threads: arguments.threads(),
        clusters: group.map(|own| Clusters::of_column(cohort, &outcome.rows, own)),
    };
    let mut measured = Measured::of(&observed, &groups, &measuring)?;
    let curves = tested.model.learning_curves().into_iter();
    measured.learning(
        curves
            .map(|(family, own)| (family.to_owned(), own))
            .collect(),
    );
    measured.write(path)?;
    write_table(
        &TableFolder::plain(path),
        Table::PREDICTIONS.name,
        predictions_table(config, cohort, outcome, tested)?,
    )?;

    let name = &config.name;
    let graph = tested
        .model
        .graph(name, "Trained by varisk. Research output, not a diagnosis.")?;
    let onnx = graph.encode();
    let write = |file: &str, bytes: &[u8]| {
        std::fs::write(path.join(file), bytes).with_context(|| {
            format!(
                "{} cannot be written; check the disk",
                path.join(file).display()
            )
        })
    };
    write("model.onnx", &onnx)?;
    let summary = measures::summary(&measured);
    let mut manifest = manifest(
        config,
        outcome,
        &tested.model,
        summary,
        training_summary(predictors, cohort, outcome),
    )?;
    manifest.sha256 = Some(hash::bytes(&onnx));
    let json = serde_json::to_string_pretty(&manifest)?;
    // What nobody could open must not be written.
    Manifest::parse(&json, &path.join("manifest.json"))?;
    write("manifest.json", format!("{json}\n").as_bytes())?;
    let lines = measures::lines(&measured);
    let facts = CardFacts {
        outcome,
        predictors,
        candidates: &tested.candidates,
        metrics: &lines,
        group: config.data.group.as_deref(),
    };
    write(
        "MODEL_CARD.md",
        card(config, &tested.model, &facts).as_bytes(),
    )?;
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let page = measured.page(
        &format!("{name} {}", config.version),
        &[
            fact("Outcome", config.outcome.columns().join(", ")),
            fact("Patients", outcome.rows.len().to_string()),
            fact("Families", tested.model.families().join(", ")),
            fact(
                "Predictions",
                format!(
                    "of patients who were left out of training, {} outer folds",
                    config.validation.outer_folds
                ),
            ),
            fact("Intervals", measuring.intervals()),
        ],
    );
    write("evaluation.html", page.as_bytes())?;
    let record = json!({
        "schema_version": 1,
        "varisk_version": state.version,
        "statement": crate::finish::NOTICE,
        "config": config,
        "inputs": state.inputs,
        "patients": outcome.rows.len(),
        "patients_without_outcome": outcome.without,
        "families": tested.model.families(),
        "candidates": tested.candidates,
        "chosen_by_outer_folds": tested.chosen,
    });
    write(
        "metrics.json",
        measures::metrics_json(&measured)?.as_bytes(),
    )?;
    write(
        "training.json",
        format!("{}\n", serde_json::to_string_pretty(&record)?).as_bytes(),
    )?;

    Ok(format!(
        "{} patients, {} predictors, {}",
        outcome.rows.len(),
        predictors.len(),
        measures::headline(&measured)
    ))
}

/// Runs the bundle as `varisk run` would and compares with the trainer: a model that says something
/// else there is not given out.
fn same_in_runtime(
    runtime: &Runtime,
    bundle: &Path,
    cohort: &Cohort,
    outcome: &Outcome,
    tested: &Tested,
) -> anyhow::Result<f64> {
    let options = ModelOptions::on_processor(1);
    let model = Model::open(runtime, open_bundle(bundle)?, options)?;
    let items = varisk_risk::risk_items(&model, &cohort.patients, &cohort.features)?;
    let own = tested.model.predict(cohort, &outcome.rows)?;
    // A survival model gives the log hazard first.
    let skipped = items.len() - own.predictions.ncols();
    let mut largest = 0.0_f64;
    for (at, item) in items.iter().enumerate() {
        let column = match at.checked_sub(skipped) {
            Some(at) => own.predictions.column(at),
            None => own.raw.column(at),
        };
        for (row, expected) in outcome.rows.iter().zip(column) {
            let found = item.values[*row].value.map_err(|reason| {
                Refusal::Software(format!(
                    "internal error: the trained model has no result for row {} ({reason}); please report this",
                    row + 1
                ))
            })?;
            largest = largest.max((found - expected).abs() / expected.abs().max(1.0));
        }
    }
    if largest > RUNTIME_TOLERANCE {
        return Err(Refusal::Software(format!(
            "internal error: ONNX Runtime and the trainer differ by {largest:.1e}; please report this"
        ))
        .into());
    }
    Ok(largest)
}

/// Predictions of rows that were left out, and what happened.
fn observed(config: &Config, outcome: &Outcome, tested: &Tested) -> Observed {
    match &outcome.target {
        Target::Binary(happens) => Observed::Binary {
            probabilities: tested.predictions.column(0).to_vec(),
            outcomes: happens.clone(),
        },
        Target::Classes { labels, names } => Observed::Classes {
            probabilities: tested.predictions.clone(),
            labels: labels.clone(),
            names: names.clone(),
        },
        Target::Survival { times, events } => {
            let horizons = match &config.outcome {
                OutcomeSpec::Survival { horizons, .. } => horizons.as_slice(),
                _ => &[],
            };
            let horizons = horizons.iter().zip(tested.predictions.columns());
            Observed::Survival {
                scores: tested.raw.column(0).to_vec(),
                times: times.clone(),
                events: events.clone(),
                horizons: horizons
                    .map(|(time, risk)| Horizon {
                        time: *time,
                        survival: Some(risk.iter().map(|own| 1.0 - own).collect()),
                    })
                    .collect(),
            }
        }
    }
}

/// Columns of groups, by row.
pub(super) fn group_columns(
    columns: &[String],
    cohort: &Cohort,
    rows: &[usize],
) -> anyhow::Result<Vec<Group>> {
    let of = |column: &String| {
        if !cohort.columns.contains(column) {
            return Err(Refusal::Data(format!(
                "the table has no column '{column}' to evaluate apart; correct the name"
            ))
            .into());
        }
        let values = rows.iter().map(|row| measures::text(cohort, *row, column));
        Ok((column.clone(), values.collect()))
    };
    columns.iter().map(of).collect()
}

fn predictions_table(
    config: &Config,
    cohort: &Cohort,
    outcome: &Outcome,
    tested: &Tested,
) -> anyhow::Result<RecordBatch> {
    struct Row {
        patient: usize,
        output: String,
        fold: u32,
        value: f64,
        outcome: f64,
        time: Option<f64>,
    }
    let flag = |own: bool| f64::from(u8::from(own));
    let mut rows = Vec::new();
    for (at, patient) in outcome.rows.iter().enumerate() {
        let mut row = |output: String, value: f64, outcome: f64, time: Option<f64>| {
            rows.push(Row {
                patient: *patient,
                output,
                fold: u32::try_from(tested.fold[at]).unwrap_or(u32::MAX),
                value,
                outcome,
                time,
            });
        };
        match &outcome.target {
            Target::Binary(happens) => row(
                OUTPUT.to_owned(),
                tested.predictions[[at, 0]],
                flag(happens[at]),
                None,
            ),
            Target::Classes { labels, names } => {
                for (class, name) in names.iter().enumerate() {
                    row(
                        class_output(name),
                        tested.predictions[[at, class]],
                        flag(labels[at] == class),
                        None,
                    );
                }
            }
            Target::Survival { times, events } => {
                let (time, event) = (Some(times[at]), flag(events[at]));
                row(LOG_HAZARD.to_owned(), tested.raw[[at, 0]], event, time);
                if let OutcomeSpec::Survival { horizons, .. } = &config.outcome {
                    for (place, horizon) in horizons.iter().enumerate() {
                        let value = tested.predictions[[at, place]];
                        row(horizon_output(*horizon), value, event, time);
                    }
                }
            }
        }
    }
    let id = |row: &Row| cohort.patients[row.patient].id.clone();
    rows.sort_by_cached_key(|row| (id(row), row.output.clone()));
    let folds = rows.iter().map(|row| row.fold).collect::<UInt32Array>();
    let columns: Vec<ArrayRef> = vec![
        texts(&rows, &|row| Some(id(row))),
        texts(&rows, &|row: &Row| Some(row.output.clone())),
        Arc::new(folds),
        numbers(&rows, &|row: &Row| Some(row.value)),
        numbers(&rows, &|row: &Row| Some(row.outcome)),
        numbers(&rows, &|row: &Row| row.time),
    ];
    Ok(RecordBatch::try_new(Table::PREDICTIONS.schema(), columns)?)
}
