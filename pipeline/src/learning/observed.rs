//! Predictions beside what happened: from a run, a training or a table.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use varisk_core::Covariate;
use varisk_train::{Cell, Cohort};

use super::data;
use crate::arguments::ObservedArguments;
use crate::exit::Refusal;
use crate::log::Log;

/// Predictions by patient, for each item asked for.
type Predictions = BTreeMap<String, Vec<Option<f64>>>;

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
}

/// Columns of the table that a training leaves.
const OUTCOME: &str = "outcome";
const TIME: &str = "time";

/// Brings predictions and outcomes together. Patients who lack one of them are counted and left out.
pub(crate) fn pairs(arguments: &ObservedArguments, log: &Log) -> anyhow::Result<Pairs> {
    let path = &arguments.predictions;
    let (predictions, own_outcomes) = if path.is_dir() {
        if path.join("risk.parquet").is_file() {
            (of_run(path, &arguments.items)?, None)
        } else if path.join("predictions.parquet").is_file() {
            let (predictions, cohort) = of_training(path, &arguments.items)?;
            (predictions, Some(cohort))
        } else {
            return Err(Refusal::NoInput(format!(
                "{} holds neither risk.parquet of a run nor predictions.parquet of a training; give such a folder, or a table",
                path.display()
            ))
            .into());
        }
    } else {
        let table = data::cohort(path, &arguments.patient, None)?;
        (of_table(path, &table, &arguments.items)?, Some(table))
    };
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
    known(&cohort, &outcome)?;
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
    })
}

fn known(cohort: &Cohort, column: &str) -> anyhow::Result<()> {
    if cohort.columns.iter().any(|own| own == column) {
        return Ok(());
    }
    Err(Refusal::Data(format!(
        "the table of outcomes has no column '{column}'; correct the name"
    ))
    .into())
}

impl Pairs {
    /// Whether it happened, by row. Without `positive` the column must hold 0 and 1.
    pub(crate) fn happened(&self, positive: &[String]) -> anyhow::Result<Vec<bool>> {
        let positive: Vec<Cell> = positive.iter().map(|own| Cell::Text(own.clone())).collect();
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
        known(&self.cohort, column)?;
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
    long(&folder.join("risk.parquet"), ["patient", "item"], items)
}

/// Predictions of a training stand beside its outcomes.
fn of_training(folder: &Path, items: &[String]) -> anyhow::Result<(Table, Cohort)> {
    let path = folder.join("predictions.parquet");
    let table = long(&path, ["patient", "output"], items)?;
    let first = table.by_item.keys().next().cloned().unwrap_or_default();
    let mut rows = Vec::new();
    for batch in data::batches(&path)? {
        let text = |name: &str| data::column(&batch, name, &DataType::Utf8, &path);
        let number = |name: &str| data::column(&batch, name, &DataType::Float64, &path);
        let (patients, outputs) = (text("patient")?, text("output")?);
        let (outcomes, times) = (number(OUTCOME)?, number(TIME)?);
        let (patients, outputs) = (patients.as_string::<i32>(), outputs.as_string::<i32>());
        let outcomes = outcomes.as_primitive::<Float64Type>();
        let times = times.as_primitive::<Float64Type>();
        for row in (0..batch.num_rows()).filter(|row| outputs.value(*row) == first) {
            let time = times
                .is_valid(row)
                .then(|| Covariate::Number(times.value(row)));
            let outcome = Some(Covariate::Number(outcomes.value(row)));
            rows.push((patients.value(row).to_owned(), vec![outcome, time]));
        }
    }
    let columns = vec![OUTCOME.to_owned(), TIME.to_owned()];
    let cohort = Cohort::from_rows(columns, rows)
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
