//! Platt's calibrator (1999, Advances in Large Margin Classifiers).

use serde::{Deserialize, Serialize};

use super::{SCORE, check};
use crate::binary::logit;
use crate::error::{self, EvaluationError};
use crate::logistic::{Logistic, sigmoid};

/// The scale on which the curve is logistic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The logit of a probability, which is clipped 2.2e-16 from 0 and 1.
    Logit,
    /// The score as it is.
    #[default]
    Raw,
}

/// A logistic curve. Its targets are smoothed as Platt proposed, so that it has coefficients even
/// where scores separate the outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct PlattCalibrator {
    scale: Scale,
    intercept: f64,
    slope: f64,
}

/// As it is read back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default)]
    scale: Scale,
    intercept: f64,
    slope: f64,
}

impl TryFrom<Stored> for PlattCalibrator {
    type Error = EvaluationError;

    fn try_from(stored: Stored) -> Result<Self, EvaluationError> {
        // One that somebody else fitted may turn a score around of which less is more risk.
        if !(stored.intercept.is_finite() && stored.slope.is_finite() && stored.slope != 0.0) {
            return Err(EvaluationError::Damaged {
                detail: "its slope is 0, or a coefficient is not finite",
            });
        }
        Ok(Self {
            scale: stored.scale,
            intercept: stored.intercept,
            slope: stored.slope,
        })
    }
}

impl PlattCalibrator {
    /// Fits on scores and outcomes.
    ///
    /// # Errors
    /// See [`Calibrator::fit`](super::Calibrator::fit).
    pub fn fit(scale: Scale, scores: &[f64], outcomes: &[bool]) -> Result<Self, EvaluationError> {
        check(scores, outcomes, scale == Scale::Logit)?;
        let scores: Vec<f64> = scores.iter().map(|score| scale.of(*score)).collect();
        let events = outcomes.iter().filter(|outcome| **outcome).count() as f64;
        let others = outcomes.len() as f64 - events;
        let (low, high) = (1.0 / (others + 2.0), (events + 1.0) / (events + 2.0));
        let target = |outcome: &bool| if *outcome { high } else { low };
        let targets: Vec<f64> = outcomes.iter().map(target).collect();
        let regression = Logistic {
            columns: &[&scores],
            offset: None,
            targets: &targets,
            counts: &vec![1; scores.len()],
        };
        let start = [((events + 1.0) / (others + 1.0)).ln(), 0.0, 0.0];
        let fit = regression
            .fit(start)
            .ok_or(EvaluationError::NoConvergence)?;
        let [intercept, slope, _] = fit.coefficients;
        if slope <= 0.0 {
            return Err(EvaluationError::Reversed);
        }
        Ok(Self {
            scale,
            intercept,
            slope,
        })
    }

    /// The scale of the scores.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Intercept and slope.
    #[must_use]
    pub fn coefficients(&self) -> [f64; 2] {
        [self.intercept, self.slope]
    }

    /// The probability of a score.
    ///
    /// # Errors
    /// See [`Calibrator::apply`](super::Calibrator::apply).
    pub fn apply(&self, score: f64) -> Result<f64, EvaluationError> {
        match self.scale {
            Scale::Logit => error::probabilities(SCORE, &[score])?,
            Scale::Raw => error::finite(SCORE, &[score])?,
        }
        Ok(sigmoid(self.intercept + self.slope * self.scale.of(score)))
    }
}

impl Scale {
    fn of(self, score: f64) -> f64 {
        match self {
            Self::Logit => logit(score),
            Self::Raw => score,
        }
    }
}
