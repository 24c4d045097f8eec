//! Patient models: from features and covariates to risk items, and both as tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use varisk_core::{FeatureTable, FeatureValue, GenomeBuild, Patient, Reason};
use varisk_encode::PatientEncoder;
use varisk_report::Table;
use varisk_score::{Model, ScoreError, score_patients};

/// An output of a patient model, for all patients.
#[derive(Clone, Debug)]
pub struct RiskItem {
    /// `model.output`.
    pub item: String,
    /// What the value says.
    pub meaning: String,
    /// Name of the model.
    pub model: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its ONNX file.
    pub sha256: String,
    /// One value for each patient, in the run's order.
    pub values: Vec<FeatureValue>,
}

/// Runs a patient model over the patients of a run.
///
/// # Errors
/// The model asks for what the run does not have, or the runtime refuses.
pub fn risk_items(
    model: &Model,
    patients: &[Patient],
    features: &FeatureTable,
) -> Result<Vec<RiskItem>, ScoreError> {
    let names: Vec<String> = features.iter().map(|(name, _)| name.to_owned()).collect();
    let encoder = PatientEncoder::try_new(model.bundle(), patients, &names)?;
    let scores = score_patients(model, &encoder, patients.len(), features)?;
    let bundle = model.bundle();
    let manifest = &bundle.manifest;
    let items = manifest
        .outputs
        .iter()
        .zip(scores)
        .map(|(output, values)| RiskItem {
            item: format!("{}.{}", manifest.name, output.name),
            meaning: output.meaning.clone(),
            model: manifest.name.clone(),
            version: manifest.version.clone(),
            sha256: bundle.model_sha256.clone(),
            values,
        });
    Ok(items.collect())
}

/// Order of patients in every table.
fn by_id(patients: &[Patient]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..patients.len()).collect();
    order.sort_by_key(|patient| &patients[*patient].id);
    order
}

/// `risk.parquet`. `coverage` and `assumed` are one share for each patient, if variant models ran.
///
/// # Errors
/// The columns do not fit the schema.
pub fn risk_table(
    patients: &[Patient],
    items: &[RiskItem],
    coverage: Option<&[FeatureValue]>,
    assumed: Option<&[FeatureValue]>,
    build: GenomeBuild,
) -> Result<RecordBatch, ArrowError> {
    let mut items: Vec<&RiskItem> = items.iter().collect();
    items.sort_by(|a, b| a.item.cmp(&b.item));
    let rows: Vec<(usize, &RiskItem)> = by_id(patients)
        .into_iter()
        .flat_map(|patient| items.iter().map(move |item| (patient, *item)))
        .collect();
    let text = |value: &dyn Fn(usize, &RiskItem) -> Option<String>| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|(patient, item)| value(*patient, item))
                .collect::<StringArray>(),
        )
    };
    let number = |value: &dyn Fn(usize, &RiskItem) -> Option<f64>| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|(patient, item)| value(*patient, item))
                .collect::<Float64Array>(),
        )
    };
    let state = |patient: usize, item: &RiskItem| {
        if item.values[patient].is_ok() {
            "ok"
        } else {
            "not_computed"
        }
    };
    let columns = vec![
        text(&|patient, _| Some(patients[patient].id.clone())),
        text(&|_, item| Some(item.item.clone())),
        number(&|patient, item| item.values[patient].ok()),
        text(&|patient, item| Some(state(patient, item).to_owned())),
        text(&|patient, item| {
            item.values[patient]
                .err()
                .map(|reason| reason.name().to_owned())
        }),
        text(&|_, item| Some(item.meaning.clone())),
        number(&|patient, _| coverage.and_then(|shares| shares[patient].ok())),
        number(&|patient, _| assumed.and_then(|shares| shares[patient].ok())),
        text(&|_, item| Some(item.model.clone())),
        text(&|_, item| Some(item.version.clone())),
        text(&|_, item| Some(item.sha256.clone())),
        text(&|_, _| Some(build.name().to_owned())),
    ];
    RecordBatch::try_new(Table::RISK.schema(), columns)
}

/// `features.parquet`.
///
/// # Errors
/// The columns do not fit the schema.
pub fn features_table(
    patients: &[Patient],
    features: &FeatureTable,
) -> Result<RecordBatch, ArrowError> {
    let order = by_id(patients);
    let rows: Vec<(&str, &str, FeatureValue)> = order
        .iter()
        .flat_map(|patient| {
            features
                .iter()
                .map(|(name, values)| (patients[*patient].id.as_str(), name, values[*patient]))
        })
        .collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(
            rows.iter()
                .map(|(id, _, _)| Some(*id))
                .collect::<StringArray>(),
        ),
        Arc::new(
            rows.iter()
                .map(|(_, name, _)| Some(*name))
                .collect::<StringArray>(),
        ),
        Arc::new(
            rows.iter()
                .map(|(_, _, value)| value.ok())
                .collect::<Float64Array>(),
        ),
        Arc::new(
            rows.iter()
                .map(|(_, _, value)| value.err().map(Reason::name))
                .collect::<StringArray>(),
        ),
    ];
    RecordBatch::try_new(Table::FEATURES.schema(), columns)
}
