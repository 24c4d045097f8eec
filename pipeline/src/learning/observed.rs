//! Predictions beside what happened: from a run, a training or a table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use varisk_core::Covariate;
use varisk_encode::{MANIFEST_FILE, Manifest};
use varisk_score::open_bundle;
use varisk_train::{Cell, Cohort, LOG_HAZARD};

use super::data;
use crate::arguments::ObservedArguments;
use crate::exit::Refusal;
use crate::log::Log;

/// Predictions by patient, for each item asked for.
pub(crate) type Predictions = BTreeMap<String, Vec<Option<f64>>>;

/// Patients with a prediction and an outcome.
pub(crate) struct Pairs {
    /// The table of outcomes.
    pub(crate) cohort: Cohort,
    /// Its rows that have both.
    pub(crate) rows: Vec<usize>,
    /// Items of the predictions.
    pub(crate) items: Vec<String>,
    /// Their predictions of each of these rows.
    pub(crate) values: Vec<Vec<f64>>,
    /// Column of the outcome.
    pub(crate) outcome: String,
    /// Whether the predictions are those of a training of times to an event.
    pub(crate) of_times: bool,
    /// Whether the outcomes are those that a training left beside its predictions: `OUTCOME` and
    /// `TIME`, and where several outputs are judged a column for each, 1 where it happened.
    pub(crate) left_by_training: bool,
}

/// Columns of the table that a training leaves.
const OUTCOME: &str = "outcome";
pub(crate) const TIME: &str = "time";

/// Files of predictions in the folders of a run and of a training.
const OF_RUN: &str = "risk.parquet";
const OF_TRAINING: &str = "predictions.parquet";

/// Brings predictions and outcomes together. Patients who lack one of them are counted and left out.
pub(crate) fn pairs(
    path: &Path,
    arguments: &ObservedArguments,
    log: &Log,
) -> anyhow::Result<Pairs> {
    let predicted = if path.is_dir() {
        if path.join(OF_RUN).is_file() {
            Predicted::new(of_run(path, &arguments.items)?, None)
        } else if path.join(OF_TRAINING).is_file() {
            let (predictions, cohort) = of_training(path, &arguments.items)?;
            let mut times = (0..cohort.patients.len()).map(|row| cohort.cell(row, TIME));
            Predicted {
                of_times: times.any(|time| time.is_some()),
                is_training: true,
                ..Predicted::new(predictions, Some(cohort))
            }
        } else {
            return Err(Refusal::NoInput(format!(
                "{} holds neither {OF_RUN} of a run nor {OF_TRAINING} of a training; give such a folder, or a table",
                path.display()
            ))
            .into());
        }
    } else {
        let table = data::cohort(path, &arguments.patient, None)?;
        Predicted::new(of_table(path, &table, &arguments.items)?, Some(table))
    };
    paired(predicted, arguments, log)
}

/// Predictions, and the outcomes that stand beside them.
struct Predicted {
    predictions: Table,
    outcomes: Option<Cohort>,
    /// Whether they are of times to an event.
    of_times: bool,
    /// Whether a training left them.
    is_training: bool,
}

impl Predicted {
    fn new(predictions: Table, outcomes: Option<Cohort>) -> Self {
        Self {
            predictions,
            outcomes,
            of_times: false,
            is_training: false,
        }
    }
}

/// The same of predictions that a bundle makes of the patients of a table, named by output.
pub(crate) fn pairs_of_bundle(
    manifest: &Manifest,
    mut by_output: Predictions,
    patients: Cohort,
    arguments: &ObservedArguments,
    log: &Log,
) -> anyhow::Result<Pairs> {
    let wanted = &arguments.items;
    let there: Vec<String> = by_output.keys().cloned().collect();
    if wanted.is_empty() && there.len() > 1 {
        return Err(Refusal::Usage(format!(
            "'{}' has {} outputs; name one with --item: {}",
            manifest.name,
            there.len(),
            there.join(", ")
        ))
        .into());
    }
    if let Some(unknown) = wanted.iter().find(|own| !there.contains(own)) {
        return Err(Refusal::Usage(format!(
            "'{}' has no output '{unknown}'; it has {}",
            manifest.name,
            there.join(", ")
        ))
        .into());
    }
    by_output.retain(|output, _| wanted.is_empty() || wanted.contains(output));
    let rows = patients.patients.iter().enumerate();
    let predictions = Table {
        rows: rows.map(|(row, own)| (own.id.clone(), row)).collect(),
        by_item: by_output,
    };
    let predicted = Predicted {
        of_times: manifest.outputs.iter().any(|own| own.name == LOG_HAZARD),
        ..Predicted::new(predictions, Some(patients))
    };
    paired(predicted, arguments, log)
}

fn paired(predicted: Predicted, arguments: &ObservedArguments, log: &Log) -> anyhow::Result<Pairs> {
    let Predicted {
        predictions,
        outcomes: own_outcomes,
        of_times,
        is_training,
    } = predicted;
    let left_by_training = is_training && arguments.outcomes.is_none();
    let cohort = match (&arguments.outcomes, own_outcomes) {
        (Some(outcomes), _) => data::cohort(outcomes, &arguments.patient, None)?,
        (None, Some(cohort)) => cohort,
        (None, None) => {
            return Err(Refusal::Usage(
                "a run has no outcomes; give them with --outcomes".to_owned(),
            )
            .into());
        }
    };
    let outcome = match &arguments.outcome {
        Some(outcome) => outcome.clone(),
        None if cohort.columns.iter().any(|own| own == OUTCOME) => OUTCOME.to_owned(),
        None => {
            return Err(
                Refusal::Usage("name the column of the outcome with --outcome".to_owned()).into(),
            );
        }
    };
    known(&cohort, &outcome, left_by_training)?;
    let items: Vec<String> = predictions.by_item.keys().cloned().collect();
    let mut rows = Vec::new();
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); items.len()];
    let mut without = [0_usize; 2];
    for (row, patient) in cohort.patients.iter().enumerate() {
        if cohort.cell(row, &outcome).is_none() {
            without[1] += 1;
            continue;
        }
        let own: Option<Vec<f64>> = predictions.rows.get(&patient.id).and_then(|at| {
            let all = predictions.by_item.values();
            all.map(|values| values.get(*at).copied().flatten())
                .collect()
        });
        match own {
            Some(own) => {
                rows.push(row);
                for (values, value) in values.iter_mut().zip(own) {
                    values.push(value);
                }
            }
            None => without[0] += 1,
        }
    }
    let [no_prediction, no_outcome] = without;
    if no_prediction > 0 {
        log.warn(&format!(
            "{no_prediction} patients with an outcome have no prediction and are left out"
        ));
    }
    if no_outcome > 0 {
        log.warn(&format!(
            "{no_outcome} patients have no outcome and are left out"
        ));
    }
    if rows.is_empty() {
        return Err(Refusal::Data(
            "no patient has both a prediction and an outcome; check the identifiers of both tables"
                .to_owned(),
        )
        .into());
    }
    Ok(Pairs {
        cohort,
        rows,
        items,
        values,
        outcome,
        of_times,
        left_by_training,
    })
}

/// Refuses a column that the outcomes do not have.
fn known(cohort: &Cohort, column: &str, left_by_training: bool) -> anyhow::Result<()> {
    if cohort.columns.iter().any(|own| own == column) {
        return Ok(());
    }
    if left_by_training {
        return Err(Refusal::Usage(format!(
            "predictions of a training have no column '{column}' beside them; give the table that has it with --outcomes, and the outcome in it with --outcome"
        ))
        .into());
    }
    Err(Refusal::Data(format!(
        "the table of outcomes has no column '{column}'; correct the name"
    ))
    .into())
}

impl Pairs {
    /// Refuses a column that the outcomes do not have.
    pub(crate) fn known(&self, column: &str) -> anyhow::Result<()> {
        known(&self.cohort, column, self.left_by_training)
    }

    /// Whether it happened, by row. Without `positive` the column must hold 0 and 1.
    pub(crate) fn happened(&self, positive: &[String], log: &Log) -> anyhow::Result<Vec<bool>> {
        let texts = positive;
        let positive: Vec<Cell> = texts.iter().map(|own| Cell::Text(own.clone())).collect();
        let occurs = |value: &Cell| {
            let mut cells = self.rows.iter();
            cells.any(|row| {
                let cell = self.cohort.cell(*row, &self.outcome);
                cell.is_some_and(|cell| value.is(cell))
            })
        };
        let both = texts.iter().zip(&positive);
        let absent: Vec<&str> = both
            .filter(|(_, value)| !occurs(value))
            .map(|(text, _)| text.as_str())
            .collect();
        if !absent.is_empty() {
            let said = format!(
                "no patient with a prediction has '{}' in the outcome '{}'",
                absent.join("' or '"),
                self.outcome
            );
            if absent.len() == texts.len() {
                return Err(Refusal::Usage(format!("{said}; correct --positive")).into());
            }
            log.warn(&said);
        }
        let of = |row: &usize| -> anyhow::Result<bool> {
            let cell = self.cohort.cell(*row, &self.outcome);
            match cell {
                Some(cell) if !positive.is_empty() => Ok(positive.iter().any(|own| own.is(cell))),
                Some(Covariate::Number(number)) if *number == 0.0 || *number == 1.0 => {
                    Ok(*number == 1.0)
                }
                _ => Err(Refusal::Usage(format!(
                    "the outcome '{}' holds more than 0 and 1; say with --positive which values mean that it happened",
                    self.outcome
                ))
                .into()),
            }
        };
        self.rows.iter().map(of).collect()
    }

    /// Numbers of a column, by row.
    pub(crate) fn numbers(&self, column: &str) -> anyhow::Result<Vec<f64>> {
        self.known(column)?;
        let of = |row: &usize| match self.cohort.cell(*row, column) {
            Some(Covariate::Number(number)) => Ok(*number),
            _ => Err(Refusal::Data(format!(
                "the column '{column}' has no number in row {}; fill it in",
                row + 1
            ))
            .into()),
        };
        self.rows.iter().map(of).collect()
    }
}

/// Predictions and which row is whose.
struct Table {
    rows: BTreeMap<String, usize>,
    by_item: Predictions,
}

/// Items of a long table: those asked for, or the only one.
fn long(path: &Path, [patient, item]: [&str; 2], wanted: &[String]) -> anyhow::Result<Table> {
    let mut cells: BTreeMap<String, BTreeMap<String, Option<f64>>> = BTreeMap::new();
    for batch in data::batches(path)? {
        let text = |name: &str| data::column(&batch, name, &DataType::Utf8, path);
        let (patients, items) = (text(patient)?, text(item)?);
        let values = data::column(&batch, "value", &DataType::Float64, path)?;
        let (patients, items) = (patients.as_string::<i32>(), items.as_string::<i32>());
        let values = values.as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            let value = values.is_valid(row).then(|| values.value(row));
            let own = cells.entry(items.value(row).to_owned()).or_default();
            own.insert(patients.value(row).to_owned(), value);
        }
    }
    let there: Vec<String> = cells.keys().cloned().collect();
    let wanted = match wanted {
        [] if there.len() == 1 => there.clone(),
        [] => {
            return Err(Refusal::Usage(format!(
                "{} has {} items; name one with --item: {}",
                path.display(),
                there.len(),
                there.join(", ")
            ))
            .into());
        }
        some => some.to_vec(),
    };
    let mut rows = BTreeMap::new();
    for id in cells.values().flat_map(BTreeMap::keys) {
        let next = rows.len();
        rows.entry(id.clone()).or_insert(next);
    }
    let mut by_item = Predictions::new();
    for item in wanted {
        let Some(own) = cells.get(&item) else {
            return Err(Refusal::Data(format!(
                "{} has no item '{item}'; it has {}",
                path.display(),
                there.join(", ")
            ))
            .into());
        };
        let mut values = vec![None; rows.len()];
        for (id, value) in own {
            if let Some(slot) = rows.get(id).and_then(|at| values.get_mut(*at)) {
                *slot = *value;
            }
        }
        by_item.insert(item, values);
    }
    Ok(Table { rows, by_item })
}

fn of_run(folder: &Path, items: &[String]) -> anyhow::Result<Table> {
    long(&folder.join(OF_RUN), ["patient", "item"], items)
}

/// A model, as far as predictions say which one made them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MadeBy {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) sha256: String,
}

impl MadeBy {
    pub(crate) fn of(manifest: &Manifest, sha256: &str) -> Self {
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            sha256: sha256.to_ascii_lowercase(),
        }
    }
}

/// The models that made predictions of an item; `None` where nothing says so.
pub(crate) fn made_by(path: &Path, item: &str) -> anyhow::Result<Option<BTreeSet<MadeBy>>> {
    if path.join(OF_RUN).is_file() {
        let path = path.join(OF_RUN);
        let mut all = BTreeSet::new();
        for batch in data::batches(&path)? {
            let text = |name: &str| data::column(&batch, name, &DataType::Utf8, &path);
            let items = text("item")?;
            let columns = [
                text("model")?,
                text("model_version")?,
                text("model_sha256")?,
            ];
            let items = items.as_string::<i32>();
            let [name, version, sha256] = columns.each_ref().map(AsArray::as_string::<i32>);
            let own = (0..batch.num_rows()).filter(|row| items.value(*row) == item);
            all.extend(own.map(|row| MadeBy {
                name: name.value(row).to_owned(),
                version: version.value(row).to_owned(),
                sha256: sha256.value(row).to_ascii_lowercase(),
            }));
        }
        return Ok(Some(all));
    }
    // What lies beside the predictions of a training is the model that it made.
    if !path.join(MANIFEST_FILE).is_file() {
        return Ok(None);
    }
    let bundle = open_bundle(path)?;
    let own = MadeBy::of(&bundle.manifest, &bundle.model_sha256);
    Ok(Some(BTreeSet::from([own])))
}

/// Predictions of a training stand beside its outcomes.
fn of_training(folder: &Path, items: &[String]) -> anyhow::Result<(Table, Cohort)> {
    let path = folder.join(OF_TRAINING);
    let table = long(&path, ["patient", "output"], items)?;
    let outputs: Vec<String> = table.by_item.keys().cloned().collect();
    // By patient: the outcome of each output, and the time.
    let mut found: BTreeMap<String, Vec<Option<Covariate>>> = BTreeMap::new();
    for batch in data::batches(&path)? {
        let text = |name: &str| data::column(&batch, name, &DataType::Utf8, &path);
        let number = |name: &str| data::column(&batch, name, &DataType::Float64, &path);
        let (patients, own) = (text("patient")?, text("output")?);
        let (outcomes, times) = (number(OUTCOME)?, number(TIME)?);
        let (patients, own) = (patients.as_string::<i32>(), own.as_string::<i32>());
        let outcomes = outcomes.as_primitive::<Float64Type>();
        let times = times.as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            let Some(at) = outputs.iter().position(|name| name == own.value(row)) else {
                continue;
            };
            let cells = found.entry(patients.value(row).to_owned());
            let cells = cells.or_insert_with(|| vec![None; outputs.len() + 1]);
            cells[at] = Some(Covariate::Number(outcomes.value(row)));
            cells[outputs.len()] = times
                .is_valid(row)
                .then(|| Covariate::Number(times.value(row)));
        }
    }
    // A single output has the outcome, of several each has a column too.
    let mut columns = vec![OUTCOME.to_owned(), TIME.to_owned()];
    if outputs.len() > 1 {
        columns.extend(outputs);
    }
    let rows = found.into_iter().map(|(patient, mut cells)| {
        let time = cells.pop().flatten();
        let mut row = vec![cells.first().cloned().flatten(), time];
        if cells.len() > 1 {
            row.extend(cells);
        }
        (patient, row)
    });
    let cohort = Cohort::from_rows(columns, rows.collect())
        .map_err(|detail| Refusal::Data(format!("{}: {detail}", path.display())))?;
    Ok((table, cohort))
}

fn of_table(path: &Path, table: &Cohort, items: &[String]) -> anyhow::Result<Table> {
    if items.is_empty() {
        return Err(Refusal::Usage(format!(
            "name the column of {} with the prediction by --item",
            path.display()
        ))
        .into());
    }
    let mut by_item = Predictions::new();
    for item in items {
        if !table.columns.contains(item) {
            return Err(Refusal::Data(format!(
                "{} has no column '{item}'; correct --item",
                path.display()
            ))
            .into());
        }
        let mut values = Vec::with_capacity(table.patients.len());
        for row in 0..table.patients.len() {
            values.push(match table.cell(row, item) {
                None => None,
                Some(Covariate::Number(number)) => Some(*number),
                Some(Covariate::Text(_)) => {
                    return Err(Refusal::Data(format!(
                        "{}: the column '{item}' holds text in row {}; predictions are numbers",
                        path.display(),
                        row + 1
                    ))
                    .into());
                }
            });
        }
        by_item.insert(item.clone(), values);
    }
    let rows = table.patients.iter().enumerate();
    Ok(Table {
        rows: rows.map(|(at, own)| (own.id.clone(), at)).collect(),
        by_item,
    })
}
