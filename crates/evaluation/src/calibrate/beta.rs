//! Beta calibration (Kull, Silva Filho and Flach 2017, AISTATS 54:623).

use serde::{Deserialize, Serialize};

use super::{SCORE, check, clip};
use crate::binary::{Overlap, overlap};
use crate::error::{self, EvaluationError};
use crate::logistic::{Fit, Logistic, sigmoid};

/// The logit of the calibrated probability is a ln p - b ln(1 - p) + c, with a and b not below 0.
/// Probabilities are clipped 2.2e-16 from 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct BetaCalibrator {
    a: f64,
    b: f64,
    c: f64,
}

/// As it is read back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    a: f64,
    b: f64,
    c: f64,
}

impl TryFrom<Stored> for BetaCalibrator {
    type Error = EvaluationError;

    fn try_from(Stored { a, b, c }: Stored) -> Result<Self, EvaluationError> {
        let finite = a.is_finite() && b.is_finite() && c.is_finite();
        if !finite || a < 0.0 || b < 0.0 || a + b == 0.0 {
            return Err(EvaluationError::Damaged {
                detail: "a or b is below 0, both are 0, or a coefficient is not finite",
            });
        }
        Ok(Self { a, b, c })
    }
}

impl BetaCalibrator {
    /// Fits on probabilities and outcomes.
    ///
    /// # Errors
    /// See [`Calibrator::fit`](super::Calibrator::fit).
    pub fn fit(probabilities: &[f64], outcomes: &[bool]) -> Result<Self, EvaluationError> {
        check(probabilities, outcomes, true)?;
        let logs: Vec<f64> = probabilities.iter().map(|own| clip(*own).ln()).collect();
        let complements: Vec<f64> = probabilities
            .iter()
            .map(|own| -(-clip(*own)).ln_1p())
            .collect();
        let targets: Vec<f64> = outcomes
            .iter()
            .map(|own| f64::from(u8::from(*own)))
            .collect();
        let counts = vec![1; targets.len()];
        if overlap(probabilities, &targets, &counts) != Ok(Overlap::Some) {
            return Err(EvaluationError::Separated);
        }
        let regress = |columns: &[&[f64]]| -> Option<Fit> {
            let regression = Logistic {
                columns,
                offset: None,
                targets: &targets,
                counts: &counts,
            };
            regression.fit([0.0; 3])
        };
        if let Some(fit) = regress(&[&logs, &complements]) {
            let [c, a, b] = fit.coefficients;
            if a >= 0.0 && b >= 0.0 {
                return Ok(Self { a, b, c });
            }
        }
        // The likelihood is concave: where its maximum breaks a constraint, or is nowhere, the best
        // place that is allowed has a or b at 0. Which one, the likelihood says.
        let only_a = regress(&[&logs]).filter(|fit| fit.coefficients[1] > 0.0);
        let only_b = regress(&[&complements]).filter(|fit| fit.coefficients[1] > 0.0);
        match (only_a, only_b) {
            (Some(own), Some(other)) if other.log_likelihood > own.log_likelihood => {
                Ok(with_b(other))
            }
            (Some(own), _) => Ok(with_a(own)),
            (None, Some(other)) => Ok(with_b(other)),
            (None, None) => Err(EvaluationError::Reversed),
        }
    }

    /// a, b and c.
    #[must_use]
    pub fn coefficients(&self) -> [f64; 3] {
        [self.a, self.b, self.c]
    }

    /// The probability of a probability.
    ///
    /// # Errors
    /// See [`Calibrator::apply`](super::Calibrator::apply).
    pub fn apply(&self, probability: f64) -> Result<f64, EvaluationError> {
        error::probabilities(SCORE, &[probability])?;
        let own = clip(probability);
        Ok(sigmoid(
            self.a * own.ln() - self.b * (-own).ln_1p() + self.c,
        ))
    }
}

fn with_a(fit: Fit) -> BetaCalibrator {
    BetaCalibrator {
        a: fit.coefficients[1],
        b: 0.0,
        c: fit.coefficients[0],
    }
}

fn with_b(fit: Fit) -> BetaCalibrator {
    BetaCalibrator {
        a: 0.0,
        b: fit.coefficients[1],
        c: fit.coefficients[0],
    }
}
