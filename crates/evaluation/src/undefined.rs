//! Why a metric has no value.

use serde::{Deserialize, Serialize};

/// A metric, or why it has none. It is never 0 in place of undefined.
pub type Value = Result<f64, Undefined>;

/// Why a metric has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undefined {
    /// Nobody is there.
    NoPatients,
    /// The group is smaller than the stated minimum.
    GroupTooSmall,
    /// All patients have the outcome, or none has.
    OneOutcome,
    /// Nobody has the outcome.
    NoEvents,
    /// Everybody has the outcome.
    NoOthers,
    /// Nobody is predicted to have the outcome or class.
    NothingPredicted,
    /// A margin of the confusion matrix is empty.
    EmptyMargin,
    /// A class does not occur.
    AbsentClass,
    /// All predictions are equal.
    EqualPredictions,
    /// The predictions separate the outcomes, so the coefficient is infinite.
    Separated,
    /// Newton's method did not arrive.
    NoConvergence,
    /// No two patients can be compared: nobody has an event before another one's time.
    NoComparablePairs,
    /// Nobody is under observation after the time.
    BeyondFollowUp,
    /// The probability to be still uncensored is 0 where it is divided by.
    CensoringZero,
    /// One of two values of a difference has none.
    OperandUndefined,
    /// Of the permuted predictions.
    PermutedUndefined,
}

impl Undefined {
    /// The name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPatients => "no_patients",
            Self::GroupTooSmall => "group_too_small",
            Self::OneOutcome => "one_outcome",
            Self::NoEvents => "no_events",
            Self::NoOthers => "no_others",
            Self::NothingPredicted => "nothing_predicted",
            Self::EmptyMargin => "empty_margin",
            Self::AbsentClass => "absent_class",
            Self::EqualPredictions => "equal_predictions",
            Self::Separated => "separated",
            Self::NoConvergence => "no_convergence",
            Self::NoComparablePairs => "no_comparable_pairs",
            Self::BeyondFollowUp => "beyond_follow_up",
            Self::CensoringZero => "censoring_zero",
            Self::OperandUndefined => "operand_undefined",
            Self::PermutedUndefined => "permuted_undefined",
        }
    }

    /// For people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::NoPatients => "no patients",
            Self::GroupTooSmall => "too few patients",
            Self::OneOutcome => "all patients have the same outcome",
            Self::NoEvents => "no patient has the outcome",
            Self::NoOthers => "every patient has the outcome",
            Self::NothingPredicted => "nothing is predicted positive",
            Self::EmptyMargin => "a row or column of the confusion matrix is empty",
            Self::AbsentClass => "a class does not occur",
            Self::EqualPredictions => "all predictions are equal",
            Self::Separated => "the predictions separate the outcomes",
            Self::NoConvergence => "no convergence",
            Self::NoComparablePairs => "no two patients can be compared",
            Self::BeyondFollowUp => "nobody is observed after this time",
            Self::CensoringZero => "everybody is censored by then",
            Self::OperandUndefined => "one of the two values is undefined",
            Self::PermutedUndefined => "undefined for permuted predictions",
        }
    }
}

/// A share, undefined where the denominator is 0.
pub(crate) fn share(part: u64, whole: u64, reason: Undefined) -> Value {
    if whole == 0 {
        Err(reason)
    } else {
        Ok(part as f64 / whole as f64)
    }
}
