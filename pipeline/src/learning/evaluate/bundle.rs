//! Predictions that a bundle makes of a table, as a run would make them, and how much each predictor
//! matters to them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use ndarray::Array2;
use serde_json::json;
use varisk_core::{FeatureTable, Patient};
use varisk_evaluation::{
    BinarySample, BinarySettings, ColumnGroup, Importance, ImportanceSettings, Metric, Sample,
    SurvivalSample, Undefined, Value, permutation_importance,
};
use varisk_report::Table;
use varisk_risk::{RiskItem, risk_items};
use varisk_score::{Model, ModelOptions, Runtime, ScoreError};
use varisk_train::Cohort;

use super::horizon;
use crate::arguments::{EvaluateArguments, ObservedArguments};
use crate::learning::measures::{Observed, numbers, texts};
use crate::learning::observed::{Pairs, pairs_of_bundle};
use crate::learning::{data, explain};
use crate::log::Log;
use crate::settings::available_threads;

/// A bundle and the patients that it predicts.
pub(super) struct Direct {
    model: Model,
    cohort: Cohort,
    /// Names of its predictors.
    predictors: Vec<String>,
}

/// An output, the metric that says how good it is, and what that is computed from.
struct Judged<'a> {
    output: &'a str,
    metric: Metric,
    outcomes: Outcomes<'a>,
}

/// What happened, in the order of the pairs.
enum Outcomes<'a> {
    Happened(Vec<bool>),
    Times(&'a [f64], &'a [bool]),
}

/// A row of the table.
struct Row<'a> {
    output: &'a str,
    metric: Metric,
    value: Value,
    importance: Importance,
}

impl Direct {
    /// Opens the bundle and reads the patients.
    pub(super) fn open(
        arguments: &EvaluateArguments,
        model: &Path,
        table: &Path,
    ) -> anyhow::Result<Self> {
        let run = arguments.run.as_deref();
        let bundle = explain::patient_bundle(model, "evaluate")?;
        explain::needs_run(&bundle.manifest, run, "--run")?;
        let cohort = data::cohort(table, &arguments.observed.patient, run)?;
        explain::needs_columns(&bundle.manifest, &cohort, table)?;
        let (predictors, _) = explain::players(&bundle.manifest)?;
        let runtime = Runtime::load(arguments.onnxruntime.as_deref())?;
        let options = ModelOptions::on_processor(available_threads());
        Ok(Self {
            model: Model::open(&runtime, bundle, options)?,
            cohort,
            predictors,
        })
    }

    /// Its predictions beside what happened.
    pub(super) fn pairs(&self, arguments: &ObservedArguments, log: &Log) -> anyhow::Result<Pairs> {
        let items = self.items(&self.cohort.patients, &self.cohort.features)?;
        let manifest = &self.model.bundle().manifest;
        let outputs = manifest.outputs.iter().map(|own| own.name.clone());
        let values = items.into_iter().map(|item| {
            let values = item.values.into_iter();
            values.map(|own| own.value.ok()).collect()
        });
        let by_output = outputs.zip(values).collect();
        pairs_of_bundle(manifest, by_output, self.cohort.clone(), arguments, log)
    }

    /// Which model it is, for the record.
    pub(super) fn record(&self) -> serde_json::Value {
        let bundle = self.model.bundle();
        json!({
            "name": bundle.manifest.name,
            "version": bundle.manifest.version,
            "sha256": bundle.model_sha256,
        })
    }

    fn items(
        &self,
        patients: &[Patient],
        features: &FeatureTable,
    ) -> Result<Vec<RiskItem>, ScoreError> {
        risk_items(&self.model, patients, features)
    }

    /// The importance of each predictor for each output: the metric less that with the values of the
    /// predictor permuted among the patients (Breiman 2001).
    pub(super) fn importance(
        &self,
        observed: &Observed,
        pairs: &Pairs,
        repeats: usize,
        seed: u64,
    ) -> anyhow::Result<RecordBatch> {
        let rows = self.rows_of(pairs);
        // A cell says whose value stands in it, so that shuffled cells say from whom it is taken.
        let sources =
            Array2::from_shape_fn((rows.len(), self.predictors.len()), |(row, _)| row as f64);
        let groups: Vec<ColumnGroup> = self
            .predictors
            .iter()
            .enumerate()
            .map(|(at, name)| ColumnGroup {
                name: name.clone(),
                columns: vec![at],
            })
            .collect();
        let settings = ImportanceSettings {
            repeats,
            seed,
            ..ImportanceSettings::default()
        };
        let mut table = Vec::new();
        for judged in judged(observed, pairs) {
            let metric = |values: &[f64]| judged.of(values);
            let importance = permutation_importance(
                &sources,
                &groups,
                &settings,
                |sources| self.permuted(&rows, sources, judged.output),
                metric,
            )?;
            let at = pairs.items.iter().position(|own| own == judged.output);
            let value = at.map_or(Err(Undefined::NoPatients), |at| {
                judged.of(&pairs.values[at])
            });
            table.extend(importance.into_iter().map(|importance| Row {
                output: judged.output,
                metric: judged.metric,
                value,
                importance,
            }));
        }
        batch(&table, rows.len())
    }

    /// Rows of the patients that are judged.
    fn rows_of(&self, pairs: &Pairs) -> Vec<usize> {
        let places: BTreeMap<&str, usize> = self
            .cohort
            .patients
            .iter()
            .enumerate()
            .map(|(row, patient)| (patient.id.as_str(), row))
            .collect();
        let ids = pairs.rows.iter().map(|row| &pairs.cohort.patients[*row].id);
        ids.filter_map(|id| places.get(id.as_str()).copied())
            .collect()
    }

    /// Predictions of one output, where the predictors of each patient are those of `sources`.
    fn permuted(
        &self,
        rows: &[usize],
        sources: &Array2<f64>,
        output: &str,
    ) -> Result<Vec<f64>, ScoreError> {
        let mut patients: Vec<Patient> = Vec::with_capacity(rows.len());
        for (row, own) in rows.iter().zip(sources.rows()) {
            let mut patient = self.cohort.patients[*row].clone();
            for (name, source) in self.predictors.iter().zip(own) {
                let source = &self.cohort.patients[rows[*source as usize]];
                if name == "sex" {
                    patient.sex = source.sex;
                }
                match source.covariates.get(name) {
                    Some(value) => patient.covariates.insert(name.clone(), value.clone()),
                    None => patient.covariates.remove(name),
                };
            }
            patients.push(patient);
        }
        let mut features = FeatureTable::default();
        for (name, values) in self.cohort.features.iter() {
            let predictor = self.predictors.iter().position(|own| own == name);
            let from = rows.iter().enumerate().map(|(at, row)| match predictor {
                Some(column) => rows[sources[[at, column]] as usize],
                None => *row,
            });
            features.insert(name.to_owned(), from.map(|row| values[row]).collect());
        }
        let items = self.items(&patients, &features)?;
        let manifest = &self.model.bundle().manifest;
        let outputs = manifest.outputs.iter().zip(items);
        let mut own = outputs.filter(|(spec, _)| spec.name == output);
        let values = own.next().map(|(_, item)| item.values).unwrap_or_default();
        let value = |own: varisk_risk::RiskValue| {
            own.value.map_err(|reason| ScoreError::Run {
                model: manifest.name.clone(),
                detail: format!("a patient with permuted predictors has no result ({reason})"),
            })
        };
        values.into_iter().map(value).collect()
    }
}

/// The outputs that are judged by how they rank patients.
fn judged<'a>(observed: &'a Observed, pairs: &'a Pairs) -> Vec<Judged<'a>> {
    match observed {
        Observed::Binary { outcomes, .. } => vec![Judged {
            output: &pairs.items[0],
            metric: Metric::Auroc,
            outcomes: Outcomes::Happened(outcomes.clone()),
        }],
        Observed::Classes { labels, .. } => {
            let each = pairs.items.iter().enumerate();
            each.map(|(class, output)| Judged {
                output,
                metric: Metric::Auroc,
                outcomes: Outcomes::Happened(labels.iter().map(|own| *own == class).collect()),
            })
            .collect()
        }
        Observed::Survival { times, events, .. } => {
            let score = pairs.items.iter().find(|own| horizon(own).is_none());
            vec![Judged {
                output: score.unwrap_or(&pairs.items[0]),
                metric: Metric::Concordance,
                outcomes: Outcomes::Times(times, events),
            }]
        }
    }
}

impl Judged<'_> {
    /// The metric of predictions.
    fn of(&self, values: &[f64]) -> Value {
        match &self.outcomes {
            Outcomes::Happened(outcomes) => {
                let sample = BinarySample::try_new(values, outcomes, BinarySettings::default());
                sample.map_err(|_| Undefined::NoPatients)?.auroc()
            }
            Outcomes::Times(times, events) => {
                let sample = SurvivalSample::try_new(values, times, events, Vec::new());
                let metrics = sample.map_err(|_| Undefined::NoPatients)?.metrics();
                let first = metrics.into_iter().next();
                first.map_or(Err(Undefined::NoPatients), |(_, value)| value)
            }
        }
    }
}

fn batch(rows: &[Row<'_>], patients: usize) -> anyhow::Result<RecordBatch> {
    let repeats = rows
        .iter()
        .map(|own| u32::try_from(own.importance.repeats).ok());
    let columns: Vec<ArrayRef> = vec![
        texts(rows, &|own| Some(own.output.to_owned())),
        texts(rows, &|own| Some(own.importance.name.clone())),
        texts(rows, &|own| Some(own.metric.as_str().to_owned())),
        numbers(rows, &|own| own.value.ok()),
        numbers(rows, &|own| own.importance.mean),
        numbers(rows, &|own| own.importance.standard_error),
        Arc::new(repeats.collect::<UInt32Array>()),
        Arc::new(UInt64Array::from(vec![patients as u64; rows.len()])),
        texts(rows, &|own| {
            Some(own.importance.reason?.as_str().to_owned())
        }),
    ];
    Ok(RecordBatch::try_new(Table::IMPORTANCE.schema(), columns)?)
}
