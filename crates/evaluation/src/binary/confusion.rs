//! Counts and rates at a threshold.

use crate::undefined::{Undefined, Value, share};

/// Predictions at a threshold against outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Predicted, with the outcome.
    pub true_positives: u64,
    /// Predicted, without the outcome.
    pub false_positives: u64,
    /// Not predicted, without the outcome.
    pub true_negatives: u64,
    /// Not predicted, with the outcome.
    pub false_negatives: u64,
}

impl Confusion {
    /// With the outcome.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Without it.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.true_negatives + self.false_positives
    }

    /// Predicted to have it.
    #[must_use]
    pub fn predicted(&self) -> u64 {
        self.true_positives + self.false_positives
    }

    /// All.
    #[must_use]
    pub fn patients(&self) -> u64 {
        self.events() + self.others()
    }

    /// Share with the outcome.
    pub(super) fn event_rate(&self) -> Value {
        share(self.events(), self.patients(), Undefined::NoPatients)
    }

    pub(super) fn accuracy(&self) -> Value {
        let right = self.true_positives + self.true_negatives;
        share(right, self.patients(), Undefined::NoPatients)
    }

    pub(super) fn balanced_accuracy(&self) -> Value {
        Ok((self.recall()? + self.specificity()?) / 2.0)
    }

    pub(super) fn precision(&self) -> Value {
        share(
            self.true_positives,
            self.predicted(),
            Undefined::NothingPredicted,
        )
    }

    pub(super) fn recall(&self) -> Value {
        share(self.true_positives, self.events(), Undefined::NoEvents)
    }

    pub(super) fn specificity(&self) -> Value {
        share(self.true_negatives, self.others(), Undefined::NoOthers)
    }

    pub(super) fn false_positive_rate(&self) -> Value {
        share(self.false_positives, self.others(), Undefined::NoOthers)
    }

    pub(super) fn selection_rate(&self) -> Value {
        share(self.predicted(), self.patients(), Undefined::NoPatients)
    }

    /// 0, not undefined, where there are events and none of them is predicted: its definition by
    /// counts needs no precision.
    pub(super) fn f1(&self) -> Value {
        share(
            2 * self.true_positives,
            self.events() + self.predicted(),
            Undefined::EmptyMargin,
        )
    }

    /// Undefined, not 0, where a row or column of the table is empty.
    pub(super) fn matthews_correlation(&self) -> Value {
        let unpredicted = self.true_negatives + self.false_negatives;
        let margins = [self.events(), self.others(), self.predicted(), unpredicted];
        if margins.contains(&0) {
            return Err(Undefined::EmptyMargin);
        }
        let right = self.true_positives as f64 * self.true_negatives as f64;
        let wrong = self.false_positives as f64 * self.false_negatives as f64;
        // Root by root: the product of four counts of a biobank is beyond exact floating point.
        let scale: f64 = margins
            .iter()
            .map(|margin| (*margin as f64).sqrt())
            .product();
        Ok((right - wrong) / scale)
    }

    /// Vickers and Elkin 2006, Medical Decision Making 26:565: true positives less false positives at
    /// the odds of the threshold, by patient.
    pub(super) fn net_benefit(&self, threshold: f64) -> Value {
        if self.patients() == 0 {
            return Err(Undefined::NoPatients);
        }
        let odds = threshold / (1.0 - threshold);
        let net = self.true_positives as f64 - self.false_positives as f64 * odds;
        Ok(net / self.patients() as f64)
    }
}
