//! Isotonic regression (Zadrozny and Elkan 2002, KDD 694) by pooling adjacent violators.

use serde::{Deserialize, Serialize};

use super::{SCORE, check};
use crate::error::{self, EvaluationError};

/// Steps that never fall, linear between their ends and flat outside, as scikit-learn's
/// `IsotonicRegression` with `out_of_bounds="clip"`.
///
/// At both ends it says 0 or 1 wherever all fitted patients agree. Patients of equal score are one
/// place; scikit-learn also joins scores less than 1e-15 apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct IsotonicCalibrator {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
}

/// As it is read back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
}

impl TryFrom<Stored> for IsotonicCalibrator {
    type Error = EvaluationError;

    fn try_from(stored: Stored) -> Result<Self, EvaluationError> {
        let Stored {
            scores,
            probabilities,
        } = stored;
        let detail = if scores.is_empty() || scores.len() != probabilities.len() {
            "its columns are empty or differ in length"
        } else if !scores.iter().all(|score| score.is_finite())
            || !scores.is_sorted_by(|a, b| a < b)
        {
            "its scores do not ascend"
        } else if !probabilities.iter().all(|own| (0.0..=1.0).contains(own))
            || !probabilities.is_sorted()
        {
            "its probabilities fall, or are none"
        } else {
            return Ok(Self {
                scores,
                probabilities,
            });
        };
        Err(EvaluationError::Damaged { detail })
    }
}

/// Patients whose probability is the same.
#[derive(Clone, Copy)]
struct Block {
    /// First and last distinct score, by place.
    first: usize,
    last: usize,
    events: u64,
    patients: u64,
}

impl Block {
    fn share(&self) -> f64 {
        self.events as f64 / self.patients as f64
    }
}

impl IsotonicCalibrator {
    /// Fits on scores and outcomes.
    ///
    /// # Errors
    /// See [`Calibrator::fit`](super::Calibrator::fit).
    pub fn fit(scores: &[f64], outcomes: &[bool]) -> Result<Self, EvaluationError> {
        check(scores, outcomes, false)?;
        // Steps can be drawn through scores that rank the wrong way round too.
        let mean = |happened: bool| {
            let own = scores
                .iter()
                .zip(outcomes)
                .filter(|(_, own)| **own == happened);
            let own: Vec<f64> = own.map(|(score, _)| *score).collect();
            own.iter().sum::<f64>() / own.len() as f64
        };
        if mean(true) <= mean(false) {
            return Err(EvaluationError::Reversed);
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        let mut distinct = Vec::new();
        let mut blocks: Vec<Block> = Vec::new();
        for same in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
            let mut own = Block {
                first: distinct.len(),
                last: distinct.len(),
                events: same.iter().filter(|row| outcomes[**row]).count() as u64,
                patients: same.len() as u64,
            };
            distinct.push(scores[same[0]]);
            // Compared as fractions of whole numbers, so that rounding pools nothing.
            while let Some(before) = blocks.pop_if(|before| {
                u128::from(before.events) * u128::from(own.patients)
                    >= u128::from(own.events) * u128::from(before.patients)
            }) {
                own.first = before.first;
                own.events += before.events;
                own.patients += before.patients;
            }
            blocks.push(own);
        }
        if blocks.len() < 2 {
            return Err(EvaluationError::Reversed);
        }
        // Between the ends of a block nothing changes.
        let mut own = Self {
            scores: Vec::new(),
            probabilities: Vec::new(),
        };
        for block in &blocks {
            own.scores.push(distinct[block.first]);
            own.probabilities.push(block.share());
            if block.last > block.first {
                own.scores.push(distinct[block.last]);
                own.probabilities.push(block.share());
            }
        }
        Ok(own)
    }

    /// Scores and probabilities at the ends of the steps.
    #[must_use]
    pub fn steps(&self) -> (&[f64], &[f64]) {
        (&self.scores, &self.probabilities)
    }

    /// The probability of a score.
    ///
    /// # Errors
    /// See [`Calibrator::apply`](super::Calibrator::apply).
    pub fn apply(&self, score: f64) -> Result<f64, EvaluationError> {
        error::finite(SCORE, &[score])?;
        let place = self.scores.partition_point(|own| *own < score);
        let last = self.scores.len() - 1;
        if place > last {
            return Ok(self.probabilities[last]);
        }
        if place == 0 || self.scores[place] == score {
            return Ok(self.probabilities[place]);
        }
        let (from, to) = (self.scores[place - 1], self.scores[place]);
        let (low, high) = (self.probabilities[place - 1], self.probabilities[place]);
        // Halved, since the distance of two finite numbers can be infinite.
        let part = (score / 2.0 - from / 2.0) / (to / 2.0 - from / 2.0);
        Ok((low + (high - low) * part).clamp(low, high))
    }
}
