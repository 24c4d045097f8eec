//! Persons of the reference dataset like a patient of whom not every factor is known.
//!
//! This is iCARE's model-free imputation (Pal Choudhury et al. 2020): the persons whose risk score of
//! the observed factors lies in the same percentile as the patient's stand for the patient.

/// Percentiles.
const BINS: u32 = 100;
/// Cuts are rounded down at about this part of their standard deviation.
const PRECISION: f64 = 0.001;
/// Smallest standard deviation that decides the rounding.
const MIN_DEVIATION: f64 = 1e-12;
/// Most decimals that a cut keeps.
const MAX_DECIMALS: i32 = 16;

/// The risk score of some factors in the dataset, cut at its percentiles.
#[derive(Clone, Debug)]
pub(super) struct Bins {
    /// One for each person of the dataset, in its order.
    scores: Vec<f64>,
    /// Whether the person has a weight.
    counts: Vec<bool>,
    /// Lower ends, ascending, without repeats.
    cuts: Vec<f64>,
}

impl Bins {
    /// Cuts scores of persons with these weights. Percentiles are those of the rows, not of the
    /// weights, as in iCARE.
    pub(super) fn new(scores: Vec<f64>, weights: &[f64]) -> Self {
        let mut sorted = scores.clone();
        sorted.sort_by(f64::total_cmp);
        let quantiles: Vec<f64> = (0..=BINS)
            .map(|place| quantile(&sorted, f64::from(place) * (1.0 / f64::from(BINS))))
            .collect();
        let factor = 10f64.powi(decimals(&quantiles));
        let mut cuts: Vec<f64> = quantiles
            .iter()
            .map(|cut| (cut * factor).floor() / factor)
            .collect();
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        Self {
            scores,
            counts: weights.iter().map(|weight| *weight > 0.0).collect(),
            cuts,
        }
    }

    /// The bin of a score. A score below all of the dataset is in the first one.
    pub(super) fn bin(&self, score: f64) -> usize {
        self.cuts
            .partition_point(|cut| *cut <= score)
            .saturating_sub(1)
    }

    /// Indices of the persons in a bin, or, while it is empty, in one more bin on either side.
    pub(super) fn persons(&self, bin: usize) -> Vec<usize> {
        for reach in 0..=self.cuts.len() {
            let lower = self.cuts.get(bin.saturating_sub(reach)).copied();
            let lower = lower.unwrap_or(f64::NEG_INFINITY);
            let upper = self.cuts.get(bin + reach + 1).copied();
            let upper = upper.unwrap_or(f64::INFINITY);
            let found: Vec<usize> = (0..self.scores.len())
                .filter(|person| {
                    let score = self.scores[*person];
                    self.counts[*person] && score >= lower && score < upper
                })
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

/// Linear between order statistics, with the rounding of NumPy's `quantile`.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = share * last as f64;
    let below = place.floor();
    let part = place - below;
    let index = (below as usize).min(last);
    let (a, b) = (sorted[index], sorted[(index + 1).min(last)]);
    if part >= 0.5 {
        b - (b - a) * (1.0 - part)
    } else {
        a + (b - a) * part
    }
}

/// Decimals at which the cuts are rounded down.
fn decimals(cuts: &[f64]) -> i32 {
    let count = cuts.len() as f64;
    let mean = cuts.iter().sum::<f64>() / count;
    let variance = cuts.iter().map(|cut| (cut - mean).powi(2)).sum::<f64>() / count;
    let precision = 1.0 / (PRECISION * variance.sqrt().max(MIN_DEVIATION));
    (1..=MAX_DECIMALS)
        .take_while(|decimals| precision >= 10f64.powi(*decimals))
        .count() as i32
}
