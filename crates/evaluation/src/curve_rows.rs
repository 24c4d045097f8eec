//! Rows of the table of curves.

use serde::{Deserialize, Serialize};

use crate::binary::{BinarySample, Binning};
use crate::error::EvaluationError;
use crate::survival::SurvivalPoint;

/// Points of a curve where none are set.
const MOST_POINTS: usize = 1_000;

/// A curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// True by false positive rate.
    Roc,
    /// Precision by recall.
    PrecisionRecall,
    /// Observed by predicted in bins of equal width.
    CalibrationEqualWidth,
    /// Observed by predicted in bins of equal count.
    CalibrationEqualCount,
    /// Net benefit of the model by threshold.
    DecisionModel,
    /// Net benefit of treating everybody by threshold.
    DecisionTreatAll,
    /// Net benefit of treating nobody by threshold.
    DecisionTreatNone,
    /// Share free of the event by time.
    Survival,
}

impl Curve {
    /// The name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Roc => "roc",
            Self::PrecisionRecall => "precision_recall",
            Self::CalibrationEqualWidth => "calibration_equal_width",
            Self::CalibrationEqualCount => "calibration_equal_count",
            Self::DecisionModel => "decision_model",
            Self::DecisionTreatAll => "decision_treat_all",
            Self::DecisionTreatNone => "decision_treat_none",
            Self::Survival => "survival",
        }
    }
}

/// A point of a curve, of all patients, one class or one group.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveRow {
    /// The curve.
    pub curve: Curve,
    /// The class, for curves of one of several classes.
    pub class: Option<String>,
    /// Column that groups; `None` for all patients.
    pub group_column: Option<String>,
    /// Its value; `None` where it is missing, and for all patients.
    pub group: Option<String>,
    /// Horizontal.
    pub x: f64,
    /// Vertical.
    pub y: f64,
    /// Lower end of the 95 % interval.
    pub lower: Option<f64>,
    /// Its upper end.
    pub upper: Option<f64>,
    /// Threshold of the point; infinite where nobody is predicted to have the outcome.
    pub threshold: Option<f64>,
    /// Patients of the bin, or at risk.
    pub patients: Option<u64>,
    /// Those with the outcome, or an event at the time.
    pub events: Option<u64>,
}

impl CurveRow {
    fn new(curve: Curve, x: f64, y: f64) -> Self {
        Self {
            curve,
            class: None,
            group_column: None,
            group: None,
            x,
            y,
            lower: None,
            upper: None,
            threshold: None,
            patients: None,
            events: None,
        }
    }
}

/// What curves hold.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveSettings {
    /// Bins of the calibration curves.
    pub bins: usize,
    /// Thresholds of the decision curve.
    pub thresholds: Vec<f64>,
    /// Most points of the curves that have one for each distinct probability; more are thinned to
    /// even places.
    pub most_points: usize,
}

impl Default for CurveSettings {
    fn default() -> Self {
        Self {
            bins: 10,
            thresholds: (1..100).map(|percent| f64::from(percent) / 100.0).collect(),
            most_points: MOST_POINTS,
        }
    }
}

impl BinarySample {
    /// All curves. Those that need both outcomes are left out where only one occurs.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn curve_rows(&self, settings: &CurveSettings) -> Result<Vec<CurveRow>, EvaluationError> {
        let mut rows = Vec::new();
        let by_threshold = [
            (Curve::Roc, self.roc_curve()),
            (Curve::PrecisionRecall, self.precision_recall_curve()),
        ];
        for (curve, points) in by_threshold {
            let points = thinned(&points.unwrap_or_default(), settings.most_points);
            rows.extend(points.iter().map(|own| CurveRow {
                threshold: Some(own.threshold),
                ..CurveRow::new(curve, own.x, own.y)
            }));
        }
        let binnings = [
            (
                Curve::CalibrationEqualWidth,
                Binning::EqualWidth(settings.bins),
            ),
            (
                Curve::CalibrationEqualCount,
                Binning::EqualCount(settings.bins),
            ),
        ];
        for (curve, binning) in binnings {
            rows.extend(self.calibration_curve(binning)?.iter().map(|own| CurveRow {
                lower: Some(own.lower),
                upper: Some(own.upper),
                patients: Some(own.patients),
                events: Some(own.events),
                ..CurveRow::new(curve, own.predicted, own.observed)
            }));
        }
        for own in self.decision_curve(&settings.thresholds)? {
            let row = |curve, benefit| CurveRow {
                threshold: Some(own.threshold),
                ..CurveRow::new(curve, own.threshold, benefit)
            };
            rows.push(row(Curve::DecisionModel, own.model));
            rows.push(row(Curve::DecisionTreatAll, own.treat_all));
            rows.push(row(Curve::DecisionTreatNone, own.treat_none));
        }
        Ok(rows)
    }
}

/// The survival function as rows.
#[must_use]
pub fn survival_rows(points: &[SurvivalPoint]) -> Vec<CurveRow> {
    let row = |own: &SurvivalPoint| CurveRow {
        lower: own.lower,
        upper: own.upper,
        patients: Some(own.at_risk as u64),
        events: Some(own.events as u64),
        ..CurveRow::new(Curve::Survival, own.time, own.survival)
    };
    points.iter().map(row).collect()
}

/// Points at even places, both ends among them.
pub(crate) fn thinned<T: Copy>(points: &[T], most: usize) -> Vec<T> {
    let most = most.max(2);
    if points.len() <= most {
        return points.to_vec();
    }
    let place = |number: usize| number * (points.len() - 1) / (most - 1);
    (0..most).map(|number| points[place(number)]).collect()
}
