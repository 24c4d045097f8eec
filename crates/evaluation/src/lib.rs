//! How good predictions are: metrics with intervals, by group, with calibrators, curves and plots.
//!
//! A sample holds predictions and outcomes: [`BinarySample`], [`MulticlassSample`] or
//! [`SurvivalSample`]. [`metric_rows`] gives its metrics with bootstrap intervals, [`by_group`] the
//! same for each value of a column and the gaps between groups. A metric that has no value says why
//! ([`Undefined`]); it is never 0 instead.
//!
//! This crate reads no files and writes none: slices in, plain structs, SVG and HTML text out.

mod binary;
mod bootstrap;
mod calibrate;
mod curve_rows;
mod error;
mod group;
mod importance;
mod logistic;
mod metric;
mod multiclass;
mod page;
mod plot;
mod quantile;
mod random;
mod ranking;
mod rows;
mod sample;
mod survival;
#[cfg(test)]
mod tests;
mod text;
mod undefined;

pub use binary::{
    BinarySample, BinarySettings, Binning, CalibrationBin, Confusion, DecisionPoint, ThresholdPoint,
};
pub use bootstrap::{BootstrapSettings, Resampled, bootstrap};
pub use calibrate::{
    BetaCalibrator, CalibrationMethod, Calibrator, IsotonicCalibrator, PlattCalibrator, Scale,
};
pub use curve_rows::{Curve, CurveRow, CurveSettings, survival_rows};
pub use error::EvaluationError;
pub use group::{GapRow, GroupResults, GroupSettings, RangeRow, by_group};
pub use importance::{
    ColumnGroup, Direction, Importance, ImportanceError, ImportanceSettings, permutation_importance,
};
pub use metric::{Metric, MetricKey};
pub use multiclass::MulticlassSample;
pub use page::{ConfusionTable, EvaluationPage};
pub use plot::{
    Axis, LearningPoint, Named, Plot, Series, Style, calibration_plot, decision_plot,
    learning_plot, precision_recall_plot, roc_plot, survival_plot,
};
pub use rows::{MetricRow, metric_rows};
pub use sample::Sample;
pub use survival::{Horizon, SurvivalPoint, SurvivalSample, kaplan_meier};
pub use undefined::{Undefined, Value};
