//! Names of metrics.

use serde::{Deserialize, Serialize};

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of patients with the outcome or of a class.
    EventRate,
    /// Area under the receiver operating characteristic: the chance that a patient with the outcome
    /// has a higher score than one without it, ties counted half.
    Auroc,
    /// Average precision as scikit-learn defines it: precision at each distinct score, weighted by the
    /// gain of recall.
    AveragePrecision,
    /// Mean squared difference of probability and outcome; over several classes the sum over them
    /// (Brier 1950), from 0 to 2.
    Brier,
    /// Mean negative logarithm of the probability of what happened, natural, with probabilities
    /// clipped at 2.2e-16 as in scikit-learn.
    LogLoss,
    /// Calibration in the large: intercept of a logistic regression with the logit of the probability
    /// as offset. 0 is ideal; above 0 risks are too low on average.
    CalibrationInTheLarge,
    /// Calibration slope: coefficient of the logit of the probability. 1 is ideal; below 1 predictions
    /// are too extreme.
    CalibrationSlope,
    /// Expected calibration error over bins of equal width: mean distance of predicted and observed.
    /// It is never negative, so chance alone makes it positive, in small groups and in resamples more
    /// than in all patients.
    EceEqualWidth,
    /// Expected calibration error over bins of equal count. Chance works on it as on
    /// [`EceEqualWidth`](Self::EceEqualWidth).
    EceEqualCount,
    /// Share of right decisions.
    Accuracy,
    /// Mean of the recalls of the classes.
    BalancedAccuracy,
    /// Share with the outcome among those predicted to have it.
    Precision,
    /// Share predicted to have the outcome among those who have it: sensitivity, true positive rate.
    Recall,
    /// Share predicted not to have it among those who have it not.
    Specificity,
    /// 1 - specificity.
    FalsePositiveRate,
    /// Share predicted to have the outcome.
    SelectionRate,
    /// 2 TP / (2 TP + FP + FN).
    F1,
    /// Matthews' correlation coefficient.
    MatthewsCorrelation,
    /// Mean over classes.
    MacroPrecision,
    /// Mean over classes.
    MacroRecall,
    /// Mean over classes.
    MacroF1,
    /// Mean over classes of the area of each one against the others.
    MacroAuroc,
    /// Harrell's concordance of risk and time to event.
    Concordance,
    /// Area under the cumulative, dynamic receiver operating characteristic at a time.
    TimeDependentAuroc,
    /// Brier score at a time, weighted for censoring.
    IpcwBrier,
}

impl Metric {
    /// The name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventRate => "event_rate",
            Self::Auroc => "auroc",
            Self::AveragePrecision => "average_precision",
            Self::Brier => "brier",
            Self::LogLoss => "log_loss",
            Self::CalibrationInTheLarge => "calibration_in_the_large",
            Self::CalibrationSlope => "calibration_slope",
            Self::EceEqualWidth => "ece_equal_width",
            Self::EceEqualCount => "ece_equal_count",
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced_accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Specificity => "specificity",
            Self::FalsePositiveRate => "false_positive_rate",
            Self::SelectionRate => "selection_rate",
            Self::F1 => "f1",
            Self::MatthewsCorrelation => "matthews_correlation",
            Self::MacroPrecision => "macro_precision",
            Self::MacroRecall => "macro_recall",
            Self::MacroF1 => "macro_f1",
            Self::MacroAuroc => "macro_auroc",
            Self::Concordance => "concordance",
            Self::TimeDependentAuroc => "time_dependent_auroc",
            Self::IpcwBrier => "ipcw_brier",
        }
    }

    /// For people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::EventRate => "Event rate",
            Self::Auroc => "AUROC",
            Self::AveragePrecision => "Average precision (AUPRC)",
            Self::Brier => "Brier score",
            Self::LogLoss => "Log loss",
            Self::CalibrationInTheLarge => "Calibration in the large",
            Self::CalibrationSlope => "Calibration slope",
            Self::EceEqualWidth => "Calibration error, equal width",
            Self::EceEqualCount => "Calibration error, equal count",
            Self::Accuracy => "Accuracy",
            Self::BalancedAccuracy => "Balanced accuracy",
            Self::Precision => "Precision",
            Self::Recall => "Recall (true positive rate)",
            Self::Specificity => "Specificity",
            Self::FalsePositiveRate => "False positive rate",
            Self::SelectionRate => "Selection rate",
            Self::F1 => "F1",
            Self::MatthewsCorrelation => "Matthews correlation",
            Self::MacroPrecision => "Precision, mean of classes",
            Self::MacroRecall => "Recall, mean of classes",
            Self::MacroF1 => "F1, mean of classes",
            Self::MacroAuroc => "AUROC, mean of classes",
            Self::Concordance => "Concordance (Harrell)",
            Self::TimeDependentAuroc => "AUROC at a time",
            Self::IpcwBrier => "Brier score at a time",
        }
    }

    /// Whether differences between groups are reported.
    #[must_use]
    pub fn has_gap(self) -> bool {
        matches!(
            self,
            Self::Recall
                | Self::FalsePositiveRate
                | Self::SelectionRate
                | Self::Auroc
                | Self::CalibrationInTheLarge
                | Self::CalibrationSlope
                | Self::EceEqualWidth
                | Self::EceEqualCount
                | Self::MacroAuroc
                | Self::Concordance
                | Self::TimeDependentAuroc
        )
    }
}

/// A metric with what it is computed for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricKey {
    /// The metric.
    pub metric: Metric,
    /// The class, for metrics of one of several classes.
    pub class: Option<String>,
    /// The time, for metrics at a time.
    pub time: Option<f64>,
    /// A probability of at least this is a prediction of the outcome.
    pub threshold: Option<f64>,
    /// Number of bins.
    pub bins: Option<usize>,
}

impl MetricKey {
    /// A metric that needs no more to be said.
    #[must_use]
    pub fn plain(metric: Metric) -> Self {
        Self {
            metric,
            class: None,
            time: None,
            threshold: None,
            bins: None,
        }
    }
}
