//! What the predictors of a patient model looked like in training, so that a run can tell patients
//! who are unlike those that the model knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Shares whose quantiles are kept: 0, 0.1 and so on to 1.
pub const QUANTILES: usize = 11;

/// The training rows of a patient model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSummary {
    /// Patients that the model was trained on.
    pub patients: u64,
    /// Its predictors.
    pub predictors: Vec<PredictorSummary>,
}

/// One predictor in the training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictorSummary {
    /// Column or feature.
    pub name: String,
    /// Share of patients without a value.
    pub missing: f64,
    /// Of a number: its quantiles at 0, 0.1 ... 1, the first of them the smallest value and the last
    /// the largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<Vec<f64>>,
    /// Of a number: the share of the patients with a value in each of [`Self::bins`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Vec<f64>>,
    /// Of a category: the share of each among the patients with a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<BTreeMap<String, f64>>,
}

impl PredictorSummary {
    /// Upper borders of the bins of a number, each bin with its border: the quantiles at 0.1 ... 0.9,
    /// equal ones once. What is above the last border is one bin more.
    #[must_use]
    pub fn bins(quantiles: &[f64]) -> Vec<f64> {
        let inner = quantiles.get(1..QUANTILES - 1).unwrap_or_default();
        let mut borders = inner.to_vec();
        borders.dedup();
        borders
    }

    /// The bin of a number.
    #[must_use]
    pub fn bin(borders: &[f64], value: f64) -> usize {
        borders.partition_point(|border| *border < value)
    }
}

impl TrainingSummary {
    /// What is wrong with it: field and problem.
    pub(super) fn problem(&self) -> Option<(String, &'static str)> {
        let is_share = |own: &f64| (0.0..=1.0).contains(own);
        for (at, predictor) in self.predictors.iter().enumerate() {
            let field = |name: &str| format!("training.predictors[{at}].{name}");
            if !is_share(&predictor.missing) {
                return Some((
                    field("missing"),
                    "is not a share from 0 to 1; write the training rows' share",
                ));
            }
            if let Some(quantiles) = &predictor.quantiles
                && (quantiles.len() != QUANTILES
                    || !quantiles.iter().all(|own| own.is_finite())
                    || !quantiles.is_sorted())
            {
                return Some((
                    field("quantiles"),
                    "must be 11 finite numbers that never fall, the quantiles at 0, 0.1 ... 1",
                ));
            }
            let bins = predictor
                .quantiles
                .as_deref()
                .map(|own| PredictorSummary::bins(own).len() + 1);
            if predictor.shares.as_ref().map(Vec::len) != bins
                || !predictor.shares.iter().flatten().all(is_share)
            {
                return Some((
                    field("shares"),
                    "must be shares from 0 to 1, one for each bin between the quantiles at 0.1 ... 0.9 (equal ones once)",
                ));
            }
            if let Some(categories) = &predictor.categories
                && !categories.values().all(is_share)
            {
                return Some((field("categories"), "holds what is no share from 0 to 1"));
            }
            if predictor.quantiles.is_some() == predictor.categories.is_some() {
                return Some((
                    field("quantiles"),
                    "or categories must be there, and not both",
                ));
            }
        }
        None
    }
}
