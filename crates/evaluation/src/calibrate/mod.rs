//! Calibrators: from the score of a model to a probability that agrees with how often the outcome
//! occurs.
//!
//! A calibrator never turns the order of scores around. It must be fitted on patients whom the model
//! was not fitted on; that is for the caller to arrange.

mod beta;
mod isotonic;
mod platt;

pub use beta::BetaCalibrator;
pub use isotonic::IsotonicCalibrator;
pub use platt::{PlattCalibrator, Scale};

use serde::{Deserialize, Serialize};

use crate::binary::CLIP;
use crate::error::{self, EvaluationError};

/// Fewest patients with, and without, the outcome. A logistic curve wants about ten events for each
/// coefficient (Peduzzi et al. 1996, Journal of Clinical Epidemiology 49:1373); with fewer the
/// calibrator is noise.
const LEAST_OF_CLASS: usize = 10;

/// A kind of calibrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationMethod {
    /// A logistic curve of the logit of a probability.
    PlattLogit,
    /// A logistic curve of the raw score.
    PlattRaw,
    /// Steps that never fall, linear between their ends.
    Isotonic,
    /// A logistic curve of the logarithms of a probability and of its complement.
    Beta,
}

/// A fitted calibrator. What is read back from storage is checked. Store it in a form that keeps every
/// bit, as postcard: JSON read without `float_roundtrip` of `serde_json` may move scores that lie side
/// by side onto each other, which is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Calibrator {
    /// Platt's.
    Platt(PlattCalibrator),
    /// Isotonic regression.
    Isotonic(IsotonicCalibrator),
    /// Beta calibration.
    Beta(BetaCalibrator),
}

impl Calibrator {
    /// Fits on scores and outcomes.
    ///
    /// # Errors
    /// Fewer than ten patients with or without the outcome, scores that are not finite, equal, no
    /// probabilities where the method wants them, or lower where the outcome is; scores that separate
    /// the outcomes, for beta.
    pub fn fit(
        method: CalibrationMethod,
        scores: &[f64],
        outcomes: &[bool],
    ) -> Result<Self, EvaluationError> {
        Ok(match method {
            CalibrationMethod::PlattLogit => {
                Self::Platt(PlattCalibrator::fit(Scale::Logit, scores, outcomes)?)
            }
            CalibrationMethod::PlattRaw => {
                Self::Platt(PlattCalibrator::fit(Scale::Raw, scores, outcomes)?)
            }
            CalibrationMethod::Isotonic => {
                Self::Isotonic(IsotonicCalibrator::fit(scores, outcomes)?)
            }
            CalibrationMethod::Beta => Self::Beta(BetaCalibrator::fit(scores, outcomes)?),
        })
    }

    /// The probability of a score.
    ///
    /// # Errors
    /// A score that is not finite, or no probability where the calibrator wants one.
    pub fn apply(&self, score: f64) -> Result<f64, EvaluationError> {
        match self {
            Self::Platt(own) => own.apply(score),
            Self::Isotonic(own) => own.apply(score),
            Self::Beta(own) => own.apply(score),
        }
    }

    /// The probabilities of scores.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), with the row.
    pub fn apply_all(&self, scores: &[f64]) -> Result<Vec<f64>, EvaluationError> {
        if self.wants_probabilities() {
            error::probabilities(SCORE, scores)?;
        } else {
            error::finite(SCORE, scores)?;
        }
        scores.iter().map(|score| self.apply(*score)).collect()
    }

    fn wants_probabilities(&self) -> bool {
        match self {
            Self::Platt(own) => own.scale() == Scale::Logit,
            Self::Isotonic(_) => false,
            Self::Beta(_) => true,
        }
    }
}

/// How messages name what is calibrated.
const SCORE: &str = "the score to calibrate";

/// What every calibrator asks of its patients: both outcomes often enough, scores that differ.
fn check(scores: &[f64], outcomes: &[bool], probabilities: bool) -> Result<(), EvaluationError> {
    error::same_length("the outcome", outcomes.len(), scores.len())?;
    if probabilities {
        error::probabilities(SCORE, scores)?;
    } else {
        error::finite(SCORE, scores)?;
    }
    let events = outcomes.iter().filter(|outcome| **outcome).count();
    let others = outcomes.len() - events;
    if events < LEAST_OF_CLASS || others < LEAST_OF_CLASS {
        return Err(EvaluationError::FewOfClass {
            events,
            others,
            needed: LEAST_OF_CLASS,
        });
    }
    if scores.iter().all(|score| *score == scores[0]) {
        return Err(EvaluationError::EqualScores);
    }
    Ok(())
}

/// A probability away from 0 and 1, where logarithms are infinite.
fn clip(probability: f64) -> f64 {
    probability.clamp(CLIP, 1.0 - CLIP)
}

#[cfg(test)]
mod tests;
