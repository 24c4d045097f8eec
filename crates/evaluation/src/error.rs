//! What can go wrong before anything is computed. What merely has no value is
//! [`Undefined`](crate::Undefined).

/// What can go wrong with predictions, outcomes or settings. Messages name columns and rows (from 1),
/// never values of patients.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// Nobody to evaluate.
    #[error("there are no patients to evaluate; check the filters and the outcome column")]
    Empty,
    /// Two columns are of different length.
    #[error("{column} has {found} rows but {expected} are needed; give one for each patient")]
    Lengths {
        /// The column.
        column: &'static str,
        /// Rows of it.
        found: usize,
        /// Rows of the others.
        expected: usize,
    },
    /// Not a number.
    #[error("{column} is not finite in row {row}; leave the patient out or give a number")]
    NonFinite {
        /// The column.
        column: &'static str,
        /// Row, from 1.
        row: usize,
    },
    /// Outside 0 to 1.
    #[error("{column} is not between 0 and 1 in row {row}; give probabilities, not scores")]
    NotProbability {
        /// The column.
        column: &'static str,
        /// Row, from 1.
        row: usize,
    },
    /// Probabilities of the classes of one patient.
    #[error("the class probabilities of row {row} do not add up to 1; normalise them")]
    ProbabilitySum {
        /// Row, from 1.
        row: usize,
    },
    /// A class that is not declared.
    #[error("row {row} is of a class beyond the {classes} declared; give class numbers from 0")]
    UnknownClass {
        /// Row, from 1.
        row: usize,
        /// Classes declared.
        classes: usize,
    },
    /// A time before the start.
    #[error("the time of row {row} is negative; give times since the start of observation")]
    NegativeTime {
        /// Row, from 1.
        row: usize,
    },
    /// A setting makes no sense.
    #[error("setting '{setting}' is {value}; {remedy}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        remedy: &'static str,
    },
    /// Too few patients with or without the outcome for a calibrator.
    #[error(
        "a calibrator needs {needed} patients with the outcome and {needed} without it but there are {events} and {others}; calibrate on more patients or not at all"
    )]
    FewOfClass {
        /// With the outcome.
        events: usize,
        /// Without it.
        others: usize,
        /// Needed of each.
        needed: usize,
    },
    /// All scores alike.
    #[error("all scores are equal, so there is nothing to calibrate; check the model")]
    EqualScores,
    /// Lower scores go with the outcome.
    #[error(
        "higher scores do not go with the outcome, so a calibrator would turn their order around; check the sign of the score"
    )]
    Reversed,
    /// The likelihood has no maximum.
    #[error(
        "the scores separate the outcomes completely, so the calibrator has no finite coefficients; use 'platt', whose targets are smoothed"
    )]
    Separated,
    /// Newton's method did not arrive.
    #[error("the calibrator does not converge; check the scores for extreme values")]
    NoConvergence,
    /// A stored calibrator is not one that was fitted here.
    #[error("the stored calibrator is damaged: {detail}; fit it again")]
    Damaged {
        /// What is wrong.
        detail: &'static str,
    },
    /// A thread did not end as it should.
    #[error("internal error: a resampling thread ended early; please report this")]
    Worker,
}

/// The length of a column against that of the others.
pub(crate) fn same_length(
    column: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), EvaluationError> {
    if expected == 0 {
        return Err(EvaluationError::Empty);
    }
    if found != expected {
        return Err(EvaluationError::Lengths {
            column,
            found,
            expected,
        });
    }
    Ok(())
}

/// Refuses NaN and infinities.
pub(crate) fn finite(column: &'static str, values: &[f64]) -> Result<(), EvaluationError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(EvaluationError::NonFinite {
            column,
            row: row + 1,
        }),
        None => Ok(()),
    }
}

/// Refuses what is no probability.
pub(crate) fn probabilities(column: &'static str, values: &[f64]) -> Result<(), EvaluationError> {
    finite(column, values)?;
    match values.iter().position(|value| !(0.0..=1.0).contains(value)) {
        Some(row) => Err(EvaluationError::NotProbability {
            column,
            row: row + 1,
        }),
        None => Ok(()),
    }
}
