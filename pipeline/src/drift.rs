//! Drift in the report: patients who are unlike those that a patient model was trained on.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use varisk_core::{FeatureTable, Patient, Reason};
use varisk_risk::{Drift, RiskItem};
use varisk_score::Model;

/// Stability index from which on a predictor is said to have another distribution. The two usual
/// limits are 0.1 (look at it) and 0.25 (another population).
const NOTABLE_INDEX: f64 = 0.25;

/// The drift of each patient model whose manifest has a summary of its training rows.
pub(crate) fn of(models: &[Model], patients: &[Patient], features: &FeatureTable) -> Vec<Drift> {
    let own = models
        .iter()
        .filter_map(|model| Drift::of(&model.bundle().manifest, patients, features));
    own.collect()
}

/// The table of quality with the predictors of each patient that are outside a training range.
pub(crate) fn with_drift(
    quality: RecordBatch,
    patients: &[Patient],
    drift: &[Drift],
) -> anyhow::Result<RecordBatch> {
    let ids = quality
        .column_by_name("patient")
        .and_then(|column| column.as_string_opt::<i32>());
    let (Some(ids), Ok(at)) = (ids, quality.schema().index_of("outside_training")) else {
        return Ok(quality);
    };
    let number: BTreeMap<&str, usize> = patients
        .iter()
        .map(|patient| patient.id.as_str())
        .zip(0..)
        .collect();
    let cell = |id: Option<&str>| {
        let patient = *number.get(id?)?;
        let outside = drift.iter().flat_map(|own| {
            let names = own.outside.get(patient).into_iter().flatten();
            names.map(|name| format!("{}:{name}", own.record.model))
        });
        let outside: Vec<String> = outside.collect();
        (!outside.is_empty()).then(|| outside.join(";"))
    };
    let cells: StringArray = ids.iter().map(cell).collect();
    let mut columns = quality.columns().to_vec();
    columns[at] = Arc::new(cells);
    Ok(RecordBatch::try_new(quality.schema(), columns)?)
}

/// Flags the results of patients outside the training range of the model.
pub(crate) fn flag(items: &mut [RiskItem], drift: &[Drift]) {
    for item in items {
        let Some(own) = drift.iter().find(|own| own.record.model == item.model) else {
            continue;
        };
        for (value, outside) in item.values.iter_mut().zip(&own.outside) {
            if !outside.is_empty() {
                value.flag = Some(Reason::OutsideTrainingRange);
            }
        }
    }
}

/// What is worth a warning, without saying of whom.
pub(crate) fn warnings(drift: &[Drift]) -> Vec<String> {
    let mut warnings = Vec::new();
    for own in drift {
        let model = &own.record.model;
        let patients = own.outside.iter().filter(|own| !own.is_empty()).count();
        if patients > 0 {
            warnings.push(format!(
                "{patients} of {} patients have predictors outside the training range of model '{model}'; their results are flagged, and outside_training in qc.parquet names the predictors",
                own.outside.len()
            ));
        }
        let moved = own.record.predictors.iter().filter(|predictor| {
            predictor
                .stability_index
                .is_some_and(|index| index >= NOTABLE_INDEX)
        });
        let moved: Vec<String> = moved
            .map(|predictor| {
                format!(
                    "{} ({:.2})",
                    predictor.name,
                    predictor.stability_index.unwrap_or_default()
                )
            })
            .collect();
        if !moved.is_empty() {
            warnings.push(format!(
                "the patients differ from the training rows of model '{model}' by a population stability index of {NOTABLE_INDEX} or more in {}; evaluate the model on patients like these before use",
                moved.join(", ")
            ));
        }
    }
    warnings
}
