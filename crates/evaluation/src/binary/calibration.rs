//! Calibration intercept and slope.
//!
//! Both are logistic regressions of the outcome on the logit of the probability (Cox 1958, Biometrika
//! 45:562; Van Calster et al. 2019, BMC Medicine 17:230).

use crate::logistic::Logistic;
use crate::undefined::{Undefined, Value};

/// Distance from 0 and 1 at which probabilities are clipped before logarithms: that of scikit-learn's
/// log loss in double precision.
pub(crate) const CLIP: f64 = f64::EPSILON;

/// The logit of a clipped probability.
pub(crate) fn logit(probability: f64) -> f64 {
    let probability = probability.clamp(CLIP, 1.0 - CLIP);
    probability.ln() - (-probability).ln_1p()
}

/// Logits, and outcomes as targets.
#[derive(Clone, Debug)]
pub(super) struct Recalibration {
    logits: Vec<f64>,
    targets: Vec<f64>,
    /// Where searches start: the coefficients of the whole sample, since those of resamples are near.
    in_the_large: [f64; 3],
    slope: [f64; 3],
}

impl Recalibration {
    pub(super) fn new(probabilities: &[f64], outcomes: &[bool]) -> Self {
        let mut own = Self {
            logits: probabilities.iter().map(|own| logit(*own)).collect(),
            targets: outcomes
                .iter()
                .map(|own| f64::from(u8::from(*own)))
                .collect(),
            in_the_large: [0.0; 3],
            slope: [0.0, 1.0, 0.0],
        };
        let ones = vec![1; outcomes.len()];
        own.in_the_large = own.fit_in_the_large(&ones).unwrap_or(own.in_the_large);
        own.slope = own.fit_slope(&ones).unwrap_or(own.slope);
        own
    }

    pub(super) fn in_the_large(&self, counts: &[u32]) -> Value {
        self.fit_in_the_large(counts).map(|fit| fit[0])
    }

    pub(super) fn slope(&self, counts: &[u32]) -> Value {
        self.fit_slope(counts).map(|fit| fit[1])
    }

    fn fit_in_the_large(&self, counts: &[u32]) -> Result<[f64; 3], Undefined> {
        self.overlap(counts)?;
        let regression = Logistic {
            columns: &[],
            offset: Some(&self.logits),
            targets: &self.targets,
            counts,
        };
        let fit = regression.fit(self.in_the_large);
        fit.map(|fit| fit.coefficients)
            .ok_or(Undefined::NoConvergence)
    }

    fn fit_slope(&self, counts: &[u32]) -> Result<[f64; 3], Undefined> {
        let overlap = self.overlap(counts)?;
        if overlap == Overlap::Equal {
            return Err(Undefined::EqualPredictions);
        }
        if overlap == Overlap::None {
            return Err(Undefined::Separated);
        }
        let regression = Logistic {
            columns: &[&self.logits],
            offset: None,
            targets: &self.targets,
            counts,
        };
        let fit = regression.fit(self.slope);
        fit.map(|fit| fit.coefficients)
            .ok_or(Undefined::NoConvergence)
    }

    fn overlap(&self, counts: &[u32]) -> Result<Overlap, Undefined> {
        overlap(&self.logits, &self.targets, counts)
    }
}

/// How scores of the two outcomes lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// All scores are the same.
    Equal,
    /// They touch at most in one value, so a logistic regression has no finite maximum (Albert and
    /// Anderson 1984, Biometrika 71:1).
    None,
    /// They overlap.
    Some,
}

/// Whether a logistic regression on one column has a maximum.
pub(crate) fn overlap(
    scores: &[f64],
    targets: &[f64],
    counts: &[u32],
) -> Result<Overlap, Undefined> {
    // Lowest and highest without and with the outcome.
    let mut ranges = [(f64::INFINITY, f64::NEG_INFINITY); 2];
    for ((score, target), count) in scores.iter().zip(targets).zip(counts) {
        if *count > 0 {
            let range = &mut ranges[usize::from(*target > 0.5)];
            range.0 = range.0.min(*score);
            range.1 = range.1.max(*score);
        }
    }
    let [others, events] = ranges;
    match (events.0 > events.1, others.0 > others.1) {
        (true, true) => return Err(Undefined::NoPatients),
        (true, false) | (false, true) => return Err(Undefined::OneOutcome),
        (false, false) => {}
    }
    if events == others && events.0 == events.1 {
        return Ok(Overlap::Equal);
    }
    if others.1 > events.0 && events.1 > others.0 {
        return Ok(Overlap::Some);
    }
    Ok(Overlap::None)
}
