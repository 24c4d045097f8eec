//! Explanations as rows of a table.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use varisk_core::{Covariate, Patient, Sex};
use varisk_encode::{Activation, OutputSpec};
use varisk_explanation::{Explanation, Scale};
use varisk_report::Table;
use varisk_risk::RiskItem;
use varisk_train::Cohort;

use crate::learning::measures::{numbers, texts};

/// A row of the table.
pub(super) struct Row {
    pub(super) patient: String,
    pub(super) output: String,
    pub(super) rank: u32,
    predictor: String,
    value: Option<String>,
    contribution: f64,
    standard_error: Option<f64>,
    base: f64,
    prediction: f64,
    scale: &'static str,
    method: &'static str,
}

/// Adds the rows of a patient and an output.
#[expect(clippy::too_many_arguments, reason = "a row is of all of these")]
pub(super) fn add_rows(
    table: &mut Vec<Row>,
    cohort: &Cohort,
    patient: usize,
    output: &OutputSpec,
    names: &[String],
    explanation: &Explanation,
    errors: Option<&[f64]>,
    method: &'static str,
) {
    let mut order: Vec<usize> = (0..names.len()).collect();
    let size = |at: &usize| explanation.values[*at].abs();
    order.sort_by(|a, b| {
        size(b)
            .total_cmp(&size(a))
            .then_with(|| names[*a].cmp(&names[*b]))
    });
    let scale = match (explanation.scale, output.name.as_str()) {
        (Scale::LogOdds, _) => "log_odds",
        (Scale::ClassScore, _) => "logit",
        (Scale::Output, varisk_train::LOG_HAZARD) => "log_hazard",
        (Scale::Output, _) if output.activation == Activation::Sigmoid => "log_odds",
        (Scale::Output, _) if output.activation == Activation::Softmax => "logit",
        (Scale::Output, _) => "output",
    };
    for (rank, at) in order.into_iter().enumerate() {
        table.push(Row {
            patient: cohort.patients[patient].id.clone(),
            output: output.name.clone(),
            rank: u32::try_from(rank + 1).unwrap_or(u32::MAX),
            predictor: names[at].clone(),
            value: value(cohort, patient, &names[at]),
            contribution: explanation.values[at],
            standard_error: errors.and_then(|own| own.get(at).copied()),
            base: explanation.base,
            prediction: explanation.prediction,
            scale,
            method,
        });
    }
}

/// What a patient has of a predictor.
fn value(cohort: &Cohort, patient: usize, name: &str) -> Option<String> {
    let own = cohort.patients.get(patient)?;
    if name == "sex" {
        return (own.sex != Sex::Unknown).then(|| own.sex.name().to_owned());
    }
    if let Some(values) = cohort.features.get(name) {
        return Some(values.get(patient)?.ok()?.to_string());
    }
    own.covariates.get(name).map(|cell| match cell {
        Covariate::Number(number) => number.to_string(),
        Covariate::Text(text) => text.clone(),
    })
}

/// The table.
pub(super) fn batch(rows: &[Row]) -> anyhow::Result<RecordBatch> {
    let text = |of: &dyn Fn(&Row) -> Option<String>| texts(rows, of);
    let number = |of: &dyn Fn(&Row) -> Option<f64>| numbers(rows, of);
    let ranks = rows.iter().map(|row| row.rank).collect::<UInt32Array>();
    let columns: Vec<ArrayRef> = vec![
        text(&|row| Some(row.patient.clone())),
        text(&|row| Some(row.output.clone())),
        Arc::new(ranks),
        text(&|row| Some(row.predictor.clone())),
        text(&|row| row.value.clone()),
        number(&|row| Some(row.contribution)),
        number(&|row| row.standard_error),
        number(&|row| Some(row.base)),
        number(&|row| Some(row.prediction)),
        text(&|row| Some(row.scale.to_owned())),
        text(&|row| Some(row.method.to_owned())),
    ];
    Ok(RecordBatch::try_new(Table::EXPLANATIONS.schema(), columns)?)
}

/// Predictors that `risk.parquet` names of a result.
const NAMED: u32 = 5;

/// Explanations of the results of a run.
pub(crate) struct Contributions(Vec<Row>);

impl Contributions {
    pub(super) fn of(mut rows: Vec<Row>) -> Self {
        rows.sort_by(|a, b| (&a.patient, &a.output, a.rank).cmp(&(&b.patient, &b.output, b.rank)));
        Self(rows)
    }

    /// `explanations.parquet`.
    pub(crate) fn table(&self) -> anyhow::Result<RecordBatch> {
        batch(&self.0)
    }

    /// Writes the greatest contributions beside the results that they are of.
    pub(crate) fn add_to(&self, items: &mut [RiskItem], patients: &[Patient]) {
        let mut texts: HashMap<(&str, &str), String> = HashMap::new();
        for row in self.0.iter().filter(|row| row.rank <= NAMED) {
            let text = texts.entry((&row.patient, &row.output)).or_default();
            if !text.is_empty() {
                text.push_str("; ");
            }
            let _ = write!(text, "{} {:+.3}", row.predictor, row.contribution);
        }
        for item in items {
            for (patient, value) in patients.iter().zip(&mut item.values) {
                if value.value.is_ok() {
                    value.contributions = texts.remove(&(&patient.id, &item.item));
                }
            }
        }
    }
}
