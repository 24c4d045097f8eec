//! What every method gives.

use crate::ExplanationError;

/// What an explained number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// The model's output itself.
    Output,
    /// The number that a final sigmoid turns into a probability: the logarithm of the odds. A softmax
    /// of two classes is the sigmoid of their difference, which is then what is explained.
    LogOdds,
    /// The score of one of several classes, before a final softmax. Only differences between classes
    /// have a meaning.
    ClassScore,
}

impl Scale {
    /// Turns the numbers on this scale into outputs of the model, in place.
    pub fn apply(self, scores: &mut [f64]) {
        match self {
            Self::Output => {}
            Self::LogOdds => {
                for score in scores {
                    *score = 1.0 / (1.0 + (-*score).exp());
                }
            }
            Self::ClassScore => {
                let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                for score in scores.iter_mut() {
                    *score = (*score - largest).exp();
                }
                let sum: f64 = scores.iter().sum();
                for score in scores {
                    *score /= sum;
                }
            }
        }
    }
}

/// Shapley values of one patient.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Mean prediction of the background.
    pub base: f64,
    /// What each player adds.
    pub values: Vec<f64>,
    /// The patient's prediction.
    pub prediction: f64,
    /// What all of these numbers are.
    pub scale: Scale,
}

impl Explanation {
    /// How far base plus values is from the prediction, without sign.
    #[must_use]
    pub fn additivity_gap(&self) -> f64 {
        let sum: f64 = self.values.iter().sum();
        (self.base + sum - self.prediction).abs()
    }

    /// Checks that base plus values is the prediction. `tolerance` is relative to the largest of the
    /// numbers added, or to 1 if that is larger.
    ///
    /// # Errors
    /// [`ExplanationError::NotAdditive`], for a number that is not finite too.
    pub fn check_additivity(&self, tolerance: f64) -> Result<(), ExplanationError> {
        let gap = self.additivity_gap();
        let size = |largest: f64, number: &f64| largest.max(number.abs());
        let values = self.values.iter().fold(1.0, size);
        let limit = tolerance * [self.base, self.prediction].iter().fold(values, size);
        // A gap of NaN is not within any limit.
        if gap <= limit {
            return Ok(());
        }
        Err(ExplanationError::NotAdditive { gap, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_found() {
        let mut explanation = Explanation {
            base: 0.5,
            values: vec![1.0, -0.25],
            prediction: 1.25,
            scale: Scale::Output,
        };
        explanation.check_additivity(0.0).unwrap();
        explanation.values[1] = 0.0;
        let error = explanation.check_additivity(1e-6).unwrap_err();
        assert!(error.to_string().contains("by 2.5e-1 "));
        explanation.values[1] = f64::NAN;
        explanation.check_additivity(1e-6).unwrap_err();
    }

    #[test]
    fn probabilities_come_from_their_scores() {
        let mut pair = [-1.5, 1.5];
        Scale::LogOdds.apply(&mut pair);
        assert!((pair[0] + pair[1] - 1.0).abs() < 1e-15);
        // A softmax of two is the sigmoid of the difference.
        let mut scores = [800.0, 803.0];
        Scale::ClassScore.apply(&mut scores);
        assert!((scores[1] - pair[1].max(1.0 / (1.0 + (-3.0_f64).exp()))).abs() < 1e-15);
    }
}
