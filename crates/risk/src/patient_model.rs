//! Patient models: from features and covariates to risk items, and both as tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Float64Builder, ListBuilder, RecordBatch, StringArray};
use arrow::error::ArrowError;
use varisk_core::{FeatureTable, FeatureValue, GenomeBuild, Patient, Reason};
use varisk_encode::PatientEncoder;
use varisk_report::Table;
use varisk_score::{Model, ScoreError, score_patients};

use crate::RiskCurve;

/// What a risk item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskKind {
    /// An output of a patient model.
    PatientModel,
    /// A polygenic score.
    PolygenicScore,
    /// An absolute risk.
    AbsoluteRisk,
}

impl RiskKind {
    /// The published text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PatientModel => "patient_model",
            Self::PolygenicScore => "polygenic_score",
            Self::AbsoluteRisk => "absolute_risk",
        }
    }
}

/// A risk item of one patient. What an item of its kind does not have is `None`.
#[derive(Clone, Debug)]
pub struct RiskValue {
    /// The value, or why there is none.
    pub value: FeatureValue,
    /// Why the value is not to be trusted.
    pub flag: Option<Reason>,
    /// 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Per cent of the reference with a lower value.
    pub percentile: Option<f64>,
    /// The most similar population.
    pub population: Option<String>,
    /// The same risk of the average person.
    pub population_value: Option<f64>,
    /// Ages between which an absolute risk holds, in years.
    pub ages: Option<(f64, f64)>,
    /// How an absolute risk grows with age.
    pub curve: Option<RiskCurve>,
    /// Factors that the patient has no value of.
    pub missing_factors: Vec<String>,
    /// Share of what the value is made of that is called, 0 to 1.
    pub coverage: Option<f64>,
    /// Share that was taken for reference on the user's word, 0 to 1.
    pub assumed: Option<f64>,
    /// The predictors that move the value most, with their contributions.
    pub contributions: Option<String>,
}

impl RiskValue {
    /// A value and nothing else.
    #[must_use]
    pub fn new(value: FeatureValue) -> Self {
        Self {
            value,
            flag: None,
            interval: None,
            percentile: None,
            population: None,
            population_value: None,
            ages: None,
            curve: None,
            missing_factors: Vec::new(),
            coverage: None,
            assumed: None,
            contributions: None,
        }
    }

    fn state(&self) -> &'static str {
        match (self.value, self.flag) {
            (Err(_), _) => "not_computed",
            (Ok(_), Some(_)) => "flagged",
            (Ok(_), None) => "ok",
        }
    }

    fn reason(&self) -> Option<Reason> {
        self.value.err().or(self.flag)
    }
}

/// A risk item, for all patients.
#[derive(Clone, Debug)]
pub struct RiskItem {
    /// `model.output`, `polygenic.SCORE` or `absolute.MODEL.AGES`.
    pub item: String,
    /// What it is.
    pub kind: RiskKind,
    /// What the value says.
    pub meaning: String,
    /// Name of the model.
    pub model: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its ONNX file.
    pub sha256: String,
    /// One value for each patient, in the run's order.
    pub values: Vec<RiskValue>,
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
            kind: RiskKind::PatientModel,
            meaning: output.meaning.clone(),
            model: manifest.name.clone(),
            version: manifest.version.clone(),
            sha256: bundle.model_sha256.clone(),
            values: values.into_iter().map(RiskValue::new).collect(),
        });
    Ok(items.collect())
}

/// Order of patients in every table.
fn by_id(patients: &[Patient]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..patients.len()).collect();
    order.sort_by_key(|patient| &patients[*patient].id);
    order
}

/// `risk.parquet`.
///
/// # Errors
/// The columns do not fit the schema.
pub fn risk_table(
    patients: &[Patient],
    items: &[RiskItem],
    build: GenomeBuild,
) -> Result<RecordBatch, ArrowError> {
    let mut items: Vec<&RiskItem> = items.iter().collect();
    items.sort_by(|a, b| a.item.cmp(&b.item));
    let rows: Vec<(usize, &RiskItem, &RiskValue)> = by_id(patients)
        .into_iter()
        .flat_map(|patient| {
            items
                .iter()
                .map(move |item| (patient, *item, &item.values[patient]))
        })
        .collect();
    let text = |text: &dyn Fn(usize, &RiskItem, &RiskValue) -> Option<String>| -> ArrayRef {
        let texts = rows
            .iter()
            .map(|(patient, item, value)| text(*patient, item, value));
        Arc::new(texts.collect::<StringArray>())
    };
    let number = |number: &dyn Fn(&RiskValue) -> Option<f64>| -> ArrayRef {
        let numbers = rows.iter().map(|(_, _, value)| number(value));
        Arc::new(numbers.collect::<Float64Array>())
    };
    let list = |list: &dyn Fn(&RiskCurve) -> Vec<f64>| -> ArrayRef {
        let mut lists = ListBuilder::new(Float64Builder::new());
        for (_, _, value) in &rows {
            let points = value.curve.as_ref().map(list);
            lists.append_option(points.map(|points| points.into_iter().map(Some)));
        }
        Arc::new(lists.finish())
    };
    let columns = vec![
        text(&|patient, _, _| Some(patients[patient].id.clone())),
        text(&|_, item, _| Some(item.item.clone())),
        text(&|_, item, _| Some(item.kind.name().to_owned())),
        number(&|value| value.value.ok()),
        number(&|value| Some(value.interval?.0)),
        number(&|value| Some(value.interval?.1)),
        text(&|_, _, value| Some(value.state().to_owned())),
        text(&|_, _, value| Some(value.reason()?.name().to_owned())),
        text(&|_, item, _| Some(item.meaning.clone())),
        number(&|value| value.percentile),
        text(&|_, _, value| value.population.clone()),
        number(&|value| value.population_value),
        number(&|value| Some(value.ages?.0)),
        number(&|value| Some(value.ages?.1)),
        list(&|curve| curve.ages.iter().copied().map(f64::from).collect()),
        list(&|curve| curve.risk.clone()),
        list(&|curve| curve.population.clone()),
        text(&|_, _, value| {
            let missing = &value.missing_factors;
            (!missing.is_empty()).then(|| missing.join(";"))
        }),
        number(&|value| value.coverage),
        number(&|value| value.assumed),
        text(&|_, _, value| value.contributions.clone()),
        text(&|_, item, _| Some(item.model.clone())),
        text(&|_, item, _| Some(item.version.clone())),
        text(&|_, item, _| Some(item.sha256.clone())),
        text(&|_, _, _| Some(build.name().to_owned())),
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
