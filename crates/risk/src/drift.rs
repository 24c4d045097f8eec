//! Drift: patients of a run against the rows that a patient model was trained on.
//!
//! A patient whose predictor lies outside the training range, or far from most of it, is one whom
//! the model has to guess about. How the patients as a whole differ is the population stability
//! index of each predictor: the sum of (a - e) ln(a / e) over bins, with a the share of the run's
//! patients and e that of the training rows (Siddiqi, Credit Risk Scorecards, 2006; the symmetric
//! divergence of Kullback and Leibler).

use std::collections::BTreeMap;

use varisk_core::{Covariate, FeatureTable, Patient, Sex};
use varisk_encode::{Encoder, Manifest, PredictorSummary, QUANTILES, TrainingSummary};
use varisk_report::{DriftRecord, PredictorDrift};

/// Standard deviations from the median beyond which a value is far from most.
const FAR: f64 = 5.0;
/// Standard deviations between the quantiles at 0.1 and 0.9 of a normal distribution.
const TENTHS_APART: f64 = 2.563_103;
/// Fewer patients than this say nothing about a distribution: with ten bins, chance alone gives an
/// index of about 9 / patients.
const LEAST_PATIENTS: usize = 50;
/// Share that stands for an empty bin, so that its logarithm is finite.
const LEAST_SHARE: f64 = 1e-4;

/// The patients of a run against the training rows of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// For each patient, in the run's order: the predictors outside the training range or far from
    /// most of it.
    pub outside: Vec<Vec<String>>,
    /// Each predictor over all patients.
    pub record: DriftRecord,
}

/// What a patient has in a predictor.
enum Value<'a> {
    Missing,
    Number(f64),
    Text(&'a str),
}

impl Drift {
    /// Compares patients with the training rows of a model; `None` where its manifest has no summary
    /// of them.
    #[must_use]
    pub fn of(manifest: &Manifest, patients: &[Patient], features: &FeatureTable) -> Option<Self> {
        let training = manifest.training.as_ref()?;
        let is_feature = |name: &str| {
            manifest.inputs.iter().any(|input| match &input.encoder {
                Encoder::Feature(own) => own.features.iter().any(|own| own.name == name),
                _ => false,
            })
        };
        Some(Self::compare(
            &manifest.name,
            training,
            &is_feature,
            patients,
            features,
        ))
    }

    fn compare(
        model: &str,
        training: &TrainingSummary,
        is_feature: &dyn Fn(&str) -> bool,
        patients: &[Patient],
        features: &FeatureTable,
    ) -> Self {
        let mut outside = vec![Vec::new(); patients.len()];
        let mut predictors = Vec::with_capacity(training.predictors.len());
        for predictor in &training.predictors {
            let rule = Rule::of(predictor);
            let is_feature = is_feature(&predictor.name);
            let mut counts = vec![0_usize; rule.bins()];
            let mut missing = 0;
            let mut count_outside = 0_u64;
            for (at, patient) in patients.iter().enumerate() {
                let value = value(&predictor.name, is_feature, at, patient, features);
                let Some(bin) = rule.bin(&value) else {
                    missing += 1;
                    continue;
                };
                counts[bin] += 1;
                if rule.is_outside(&value) {
                    count_outside += 1;
                    outside[at].push(predictor.name.clone());
                }
            }
            let patients = patients.len();
            predictors.push(PredictorDrift {
                name: predictor.name.clone(),
                missing: share(missing, patients),
                outside: count_outside,
                stability_index: (patients >= LEAST_PATIENTS)
                    .then(|| stability_index(predictor.missing, &rule.shares, missing, &counts)),
            });
        }
        Self {
            outside,
            record: DriftRecord {
                model: model.to_owned(),
                training_patients: training.patients,
                predictors,
            },
        }
    }
}

fn value<'a>(
    name: &str,
    is_feature: bool,
    at: usize,
    patient: &'a Patient,
    features: &FeatureTable,
) -> Value<'a> {
    if is_feature {
        return match features.get(name).and_then(|values| values.get(at)) {
            Some(Ok(number)) => Value::Number(*number),
            _ => Value::Missing,
        };
    }
    if name == "sex" {
        return match patient.sex {
            Sex::Unknown => Value::Missing,
            sex => Value::Text(sex.name()),
        };
    }
    match patient.covariates.get(name) {
        Some(Covariate::Number(number)) => Value::Number(*number),
        Some(Covariate::Text(text)) => Value::Text(text),
        None => Value::Missing,
    }
}

/// How a predictor is compared.
struct Rule<'a> {
    shares: Vec<f64>,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Number {
        borders: Vec<f64>,
        range: (f64, f64),
    },
    Category(Vec<(&'a str, f64)>),
}

impl<'a> Rule<'a> {
    fn of(predictor: &'a PredictorSummary) -> Self {
        match (&predictor.quantiles, &predictor.shares) {
            (Some(quantiles), Some(shares)) => Self {
                shares: shares.clone(),
                kind: Kind::Number {
                    borders: PredictorSummary::bins(quantiles),
                    range: range(quantiles),
                },
            },
            _ => {
                let none = BTreeMap::new();
                let categories = predictor.categories.as_ref().unwrap_or(&none);
                // One bin more, for categories that training did not have.
                let shares = categories.values().copied().chain([0.0]);
                Self {
                    shares: shares.collect(),
                    kind: Kind::Category(
                        predictor
                            .categories
                            .iter()
                            .flatten()
                            .map(|(name, share)| (name.as_str(), *share))
                            .collect(),
                    ),
                }
            }
        }
    }

    fn bins(&self) -> usize {
        self.shares.len()
    }

    fn bin(&self, value: &Value<'_>) -> Option<usize> {
        match (&self.kind, value) {
            (Kind::Number { borders, .. }, Value::Number(number)) => {
                Some(PredictorSummary::bin(borders, *number))
            }
            (_, Value::Missing) => None,
            (Kind::Category(categories), value) => {
                let found = categories.iter().position(|(name, _)| is(value, name));
                Some(found.unwrap_or(categories.len()))
            }
            _ => None,
        }
    }

    fn is_outside(&self, value: &Value<'_>) -> bool {
        match (&self.kind, value) {
            (Kind::Number { range, .. }, Value::Number(number)) => {
                !(range.0..=range.1).contains(number)
            }
            (Kind::Category(categories), value) => !categories
                .iter()
                .any(|(name, share)| *share > 0.0 && is(value, name)),
            _ => true,
        }
    }
}

/// Whether a value is a category. The samplesheet reads `01` as the number 1.
fn is(value: &Value<'_>, category: &str) -> bool {
    match value {
        Value::Text(text) => *text == category,
        Value::Number(number) => category.parse::<f64>() == Ok(*number),
        Value::Missing => false,
    }
}

/// From the smallest to the largest value of the training rows, less what is far from most of them:
/// a single outlier of the training rows does not make its surroundings known ground.
fn range(quantiles: &[f64]) -> (f64, f64) {
    let at = |place: usize| quantiles.get(place).copied().unwrap_or(f64::NAN);
    let last = QUANTILES - 1;
    let (least, most) = (at(0), at(last));
    let deviation = (at(last - 1) - at(1)) / TENTHS_APART;
    if deviation > 0.0 {
        let median = at(last / 2);
        let far = FAR * deviation;
        (least.max(median - far), most.min(median + far))
    } else {
        // Nine tenths are one value: there is no scale to be far on.
        (least, most)
    }
}

fn share(count: usize, of: usize) -> f64 {
    count as f64 / of.max(1) as f64
}

/// The index over the bins of those with a value, and the bin of those without.
fn stability_index(missing_before: f64, shares: &[f64], missing: usize, counts: &[usize]) -> f64 {
    let present: usize = counts.iter().sum();
    let all = present + missing;
    let bins = shares
        .iter()
        .zip(counts)
        .map(|(before, now)| (before * (1.0 - missing_before), share(*now, all)));
    bins.chain([(missing_before, share(missing, all))])
        .map(|(before, now)| {
            let (before, now) = (before.max(LEAST_SHARE), now.max(LEAST_SHARE));
            (now - before) * (now / before).ln()
        })
        .sum()
}

#[cfg(test)]
mod tests;
