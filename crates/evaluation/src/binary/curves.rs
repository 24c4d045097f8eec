//! Curves of predictions of an outcome.

use super::BinarySample;
use super::bins::{BinSums, Binning, CalibrationBin};
use super::confusion::Confusion;
use crate::error::EvaluationError;
use crate::ranking::reason;
use crate::undefined::{Undefined, Value};

/// A point of the receiver operating characteristic or of the precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThresholdPoint {
    /// Patients with at least this probability are predicted to have the outcome. Infinite at the
    /// point where nobody is.
    pub threshold: f64,
    /// False positive rate, or recall.
    pub x: f64,
    /// True positive rate, or precision.
    pub y: f64,
}

/// A point of the decision curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecisionPoint {
    /// Patients with at least this risk are treated.
    pub threshold: f64,
    /// Net benefit of treating by the model.
    pub model: f64,
    /// Of treating everybody.
    pub treat_all: f64,
    /// Of treating nobody.
    pub treat_none: f64,
}

impl BinarySample {
    /// The receiver operating characteristic, from nobody to everybody, at each distinct probability.
    ///
    /// # Errors
    /// Only one outcome occurs.
    pub fn roc_curve(&self) -> Result<Vec<ThresholdPoint>, Undefined> {
        let (events, others) = self.both()?;
        let start = ThresholdPoint {
            threshold: f64::INFINITY,
            x: 0.0,
            y: 0.0,
        };
        let points = self.ranking.steps(&self.outcomes, &self.ones);
        let points = points.map(|step| ThresholdPoint {
            threshold: self.probability_at(step.place),
            x: step.others as f64 / others as f64,
            y: step.events as f64 / events as f64,
        });
        Ok(std::iter::once(start).chain(points).collect())
    }

    /// Precision by recall, from few to everybody, at each distinct probability. As in scikit-learn
    /// it starts at recall 0 and precision 1, which nobody has reached.
    ///
    /// # Errors
    /// Only one outcome occurs.
    pub fn precision_recall_curve(&self) -> Result<Vec<ThresholdPoint>, Undefined> {
        let (events, _) = self.both()?;
        let start = ThresholdPoint {
            threshold: f64::INFINITY,
            x: 0.0,
            y: 1.0,
        };
        let points = self.ranking.steps(&self.outcomes, &self.ones);
        let points = points.map(|step| ThresholdPoint {
            threshold: self.probability_at(step.place),
            x: step.events as f64 / events as f64,
            y: step.events as f64 / (step.events + step.others) as f64,
        });
        Ok(std::iter::once(start).chain(points).collect())
    }

    /// Predicted and observed in bins; empty bins are left out.
    ///
    /// # Errors
    /// No bins.
    pub fn calibration_curve(
        &self,
        binning: Binning,
    ) -> Result<Vec<CalibrationBin>, EvaluationError> {
        super::check_bins(binning.bins())?;
        let sums: Vec<BinSums> = self.bin_sums(binning, &self.ones);
        let bins = sums.iter().enumerate();
        Ok(bins.filter_map(|(bin, sums)| sums.bin(bin)).collect())
    }

    /// Net benefit at thresholds (Vickers and Elkin 2006, Medical Decision Making 26:565).
    ///
    /// # Errors
    /// A threshold that is not between 0 and 1.
    pub fn decision_curve(
        &self,
        thresholds: &[f64],
    ) -> Result<Vec<DecisionPoint>, EvaluationError> {
        let everybody = self.confusion_at(f64::NEG_INFINITY, &self.ones);
        let point = |threshold: &f64| {
            if !(*threshold > 0.0 && *threshold < 1.0) {
                return Err(EvaluationError::Setting {
                    setting: "decision threshold",
                    value: threshold.to_string(),
                    remedy: "give numbers above 0 and below 1",
                });
            }
            let benefit = |confusion: Confusion| -> Value { confusion.net_benefit(*threshold) };
            Ok(DecisionPoint {
                threshold: *threshold,
                // A sample has patients.
                model: benefit(self.confusion_at(*threshold, &self.ones)).unwrap_or(f64::NAN),
                treat_all: benefit(everybody).unwrap_or(f64::NAN),
                treat_none: 0.0,
            })
        };
        thresholds.iter().map(point).collect()
    }

    fn both(&self) -> Result<(u64, u64), Undefined> {
        let events = self.outcomes.iter().filter(|outcome| **outcome).count() as u64;
        let others = self.outcomes.len() as u64 - events;
        if events == 0 || others == 0 {
            return Err(reason(events, others));
        }
        Ok((events, others))
    }

    fn probability_at(&self, place: usize) -> f64 {
        self.probabilities[self.ranking.order[place]]
    }
}
