//! The baseline cumulative hazard of a Cox model.

use crate::linear::LinearError;

/// Breslow's estimate of the cumulative hazard of somebody whose features are all zero: a step
/// function of time, which has its new value at the time of the step. It is Breslow's whatever the
/// treatment of ties, as in lifelines; R's `survfit` uses Efron's where the model does.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    steps: Vec<(f64, f64)>,
    last: f64,
}

impl Baseline {
    pub(super) fn new(steps: Vec<(f64, f64)>, last: f64) -> Self {
        Self { steps, last }
    }

    /// Times of the events and the cumulative hazard from then on.
    #[must_use]
    pub fn steps(&self) -> &[(f64, f64)] {
        &self.steps
    }

    /// The last time of the training data, event or not; the function is not known beyond it.
    #[must_use]
    pub fn last_time(&self) -> f64 {
        self.last
    }

    /// The cumulative hazard at a time; refused after the last time of the training data.
    pub fn cumulative_hazard(&self, time: f64) -> Result<f64, LinearError> {
        if !(0.0..=self.last).contains(&time) {
            return Err(LinearError::BeyondFollowUp { time });
        }
        let steps = self.steps.partition_point(|(step, _)| *step <= time);
        Ok(steps.checked_sub(1).map_or(0.0, |step| self.steps[step].1))
    }

    /// The probability to have no event up to a time, given the log hazard that the model predicts.
    pub fn survival(&self, log_hazard: f64, time: f64) -> Result<f64, LinearError> {
        Ok((-self.cumulative_hazard(time)? * log_hazard.exp()).exp())
    }
}
