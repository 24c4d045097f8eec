//! From a row of a table to the elements that a model sees: fitted on training rows, applied by the
//! encoders of `varisk run`, so that training and scoring cannot differ.

use ndarray::Array2;
use varisk_core::Reason;
use varisk_encode::{
    CovariateColumn, CovariateParams, Encoder, FeatureParams, Impute, InputSpec, PatientEncoder,
    PatientFeature,
};

use crate::predictors::{Predictor, PredictorKind};
use crate::{Cohort, TrainError};

/// Input tensor of covariates.
pub(crate) const COVARIATES: &str = "covariates";
/// Input tensor of features.
pub(crate) const FEATURES: &str = "features";
/// Rows of a batch of a trained model.
pub(crate) const BATCH_ROWS: u32 = 256;

/// One element of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Index of the predictor that it comes from.
    pub predictor: usize,
    /// What it says, for people: `age`, `stage=2`, `age is missing`.
    pub name: String,
    /// Smallest value that a model sees.
    pub lower: f32,
    /// Largest.
    pub upper: f32,
    /// Whether it follows from the others of its predictor: the first category of several.
    pub is_redundant: bool,
}

/// How rows become elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    /// The input tensors of the model.
    pub inputs: Vec<InputSpec>,
    /// The elements of all tensors, one after the other.
    pub elements: Vec<Element>,
}

/// Rows as a model sees them, shape (rows, elements), and why a row could not be encoded.
pub type Encoded = (Array2<f32>, Vec<Result<(), Reason>>);

/// What is known of a number from the training rows.
struct Spread {
    median: f64,
    mean: f64,
    deviation: f64,
    lower: f64,
    upper: f64,
}

impl Preprocessing {
    /// Fits on some rows of a cohort: medians for what is missing, means and standard deviations,
    /// borders that the share `clip` of values at each end is drawn to.
    ///
    /// Which columns there are, which have missing values and which categories occur is a matter of
    /// the whole table, so that all folds have the same elements; nothing of it depends on the
    /// outcome.
    ///
    /// # Errors
    /// A column has no value in these rows.
    pub fn fit(
        predictors: &[Predictor],
        cohort: &Cohort,
        rows: &[usize],
        clip: f64,
    ) -> Result<Self, TrainError> {
        let mut columns = Vec::new();
        let mut features = Vec::new();
        let mut elements: [Vec<Element>; 2] = [Vec::new(), Vec::new()];
        for (at, predictor) in predictors.iter().enumerate() {
            let Predictor {
                name,
                kind,
                has_missing,
            } = predictor;
            match kind {
                PredictorKind::Category(levels) => {
                    columns.push(CovariateColumn {
                        name: name.clone(),
                        impute: has_missing
                            .then(|| commonest(predictor, cohort, rows, levels))
                            .flatten()
                            .map(Impute::Category),
                        mean: 0.0,
                        std: 1.0,
                        missing_flag: *has_missing,
                        categories: Some(levels.clone()),
                    });
                    let own = levels.iter().enumerate().map(|(level, text)| Element {
                        predictor: at,
                        name: format!("{name}={text}"),
                        lower: 0.0,
                        upper: 1.0,
                        is_redundant: level == 0,
                    });
                    elements[0].extend(own);
                    if *has_missing {
                        elements[0].push(flag(at, name));
                    }
                }
                PredictorKind::Number | PredictorKind::Feature => {
                    let spread = spread(predictor, cohort, rows, clip)?;
                    let scaled = |value: f64| ((value - spread.mean) / spread.deviation) as f32;
                    let own = Element {
                        predictor: at,
                        name: name.clone(),
                        lower: scaled(spread.lower),
                        upper: scaled(spread.upper),
                        is_redundant: false,
                    };
                    let side = usize::from(*kind == PredictorKind::Feature);
                    elements[side].push(own);
                    if *has_missing {
                        elements[side].push(flag(at, name));
                    }
                    if side == 0 {
                        columns.push(CovariateColumn {
                            name: name.clone(),
                            impute: has_missing.then_some(Impute::Number(spread.median)),
                            mean: spread.mean,
                            std: spread.deviation,
                            missing_flag: *has_missing,
                            categories: None,
                        });
                    } else {
                        features.push(PatientFeature {
                            name: name.clone(),
                            impute: has_missing.then_some(spread.median),
                            mean: spread.mean,
                            std: spread.deviation,
                            missing_flag: *has_missing,
                        });
                    }
                }
            }
        }
        let mut inputs = Vec::new();
        if !columns.is_empty() {
            inputs.push(InputSpec {
                tensor: COVARIATES.to_owned(),
                encoder: Encoder::Covariate(CovariateParams { columns }),
            });
        }
        if !features.is_empty() {
            inputs.push(InputSpec {
                tensor: FEATURES.to_owned(),
                encoder: Encoder::Feature(FeatureParams { features }),
            });
        }
        let [first, second] = elements;
        Ok(Self {
            inputs,
            elements: first.into_iter().chain(second).collect(),
        })
    }

    /// Name and width of each input tensor.
    pub(crate) fn widths(&self) -> Vec<(&str, usize)> {
        let mut left = self.elements.len();
        let mut widths: Vec<(&str, usize)> = Vec::new();
        for input in &self.inputs {
            let width = match &input.encoder {
                Encoder::Covariate(params) => params
                    .columns
                    .iter()
                    .map(|own| {
                        own.categories.as_ref().map_or(1, Vec::len) + usize::from(own.missing_flag)
                    })
                    .sum(),
                _ => left,
            };
            widths.push((&input.tensor, width));
            left = left.saturating_sub(width);
        }
        widths
    }

    /// Encodes all rows of a cohort: shape (rows, elements), within the borders. A row that cannot be
    /// encoded has a reason, and zeros.
    ///
    /// # Errors
    /// The cohort lacks a column or feature.
    pub fn encode(&self, cohort: &Cohort) -> Result<Encoded, TrainError> {
        let names: Vec<String> = cohort
            .features
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect();
        let encoder = PatientEncoder::for_inputs(
            &self.inputs,
            BATCH_ROWS as usize,
            &cohort.patients,
            &names,
        )?;
        let rows = cohort.patients.len();
        let mut matrix = Array2::zeros((rows, self.elements.len()));
        let mut outcomes = Vec::with_capacity(rows);
        let mut tensors = encoder.new_tensors();
        while outcomes.len() < rows {
            let start = outcomes.len();
            let own = encoder.encode(start..rows, &cohort.features, &mut tensors)?;
            if own.is_empty() {
                return Err(TrainError::Internal("no row could be encoded"));
            }
            let filled = own
                .iter()
                .enumerate()
                .filter(|(_, outcome)| outcome.is_ok());
            for (slot, (row, _)) in filled.enumerate() {
                let values = tensors
                    .row(slot)
                    .filter(|values| values.len() == self.elements.len())
                    .ok_or(TrainError::Internal("a tensor is not as planned"))?;
                for (at, (value, element)) in values.iter().zip(&self.elements).enumerate() {
                    matrix[[start + row, at]] = value.max(element.lower).min(element.upper);
                }
            }
            outcomes.extend(own);
        }
        Ok((matrix, outcomes))
    }
}

fn flag(predictor: usize, name: &str) -> Element {
    Element {
        predictor,
        name: format!("{name} is missing"),
        lower: 0.0,
        upper: 1.0,
        is_redundant: false,
    }
}

fn commonest(
    predictor: &Predictor,
    cohort: &Cohort,
    rows: &[usize],
    levels: &[String],
) -> Option<String> {
    let mut counts = vec![0_usize; levels.len()];
    for level in rows.iter().filter_map(|row| predictor.level(cohort, *row)) {
        if let Ok(at) = levels.binary_search(&level) {
            counts[at] += 1;
        }
    }
    // The first of equally common ones, so that the choice does not depend on the order of rows.
    let most = counts.iter().copied().max()?;
    let at = counts.iter().position(|count| *count == most)?;
    levels.get(at).cloned()
}

fn spread(
    predictor: &Predictor,
    cohort: &Cohort,
    rows: &[usize],
    clip: f64,
) -> Result<Spread, TrainError> {
    let mut values: Vec<f64> = rows
        .iter()
        .filter_map(|row| predictor.number(cohort, *row))
        .collect();
    values.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return Err(TrainError::Column {
            column: predictor.name.clone(),
            detail: "has no value in the training rows of a fold; use fewer folds, or name it in predictors.exclude".to_owned(),
        });
    };
    let (lower, upper) = if clip > 0.0 {
        (quantile(&values, clip), quantile(&values, 1.0 - clip))
    } else {
        (*first, *last)
    };
    // Of values within the borders: an outlier of a million would hide all others.
    let count = values.len() as f64;
    let within = |value: f64| value.clamp(lower, upper);
    let mean = values.iter().map(|value| within(*value)).sum::<f64>() / count;
    let variance = values.iter().map(|value| (within(*value) - mean).powi(2));
    let deviation = (variance.sum::<f64>() / count).sqrt();
    // A constant has nothing to scale; below this the division would overflow an f32.
    let is_usable = deviation.is_finite() && deviation > 1e-12 * mean.abs().max(1e-12);
    Ok(Spread {
        median: quantile(&values, 0.5),
        mean,
        deviation: if is_usable { deviation } else { 1.0 },
        lower,
        upper,
    })
}

/// Linear between order statistics, as numpy's default.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len().saturating_sub(1)) as f64;
    let below = at.floor() as usize;
    let low = sorted.get(below).copied().unwrap_or(0.0);
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    low + (high - low) * (at - at.floor())
}
