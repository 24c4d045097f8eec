//! What can go wrong while a model is trained.

use varisk_onnx::OnnxError;

/// What can go wrong while a model is trained.
///
/// Columns and rows are counted from 0, in the order in which the caller gave them.
#[derive(Debug, thiserror::Error)]
pub enum LinearError {
    /// A setting makes no sense.
    #[error("training setting '{setting}' is {value}; {remedy}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        remedy: &'static str,
    },
    /// Something has another number of rows than the features.
    #[error("there are {found} {what} for {rows} rows of features; give one for each row")]
    Length {
        /// What there is of another number.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// Rows of features.
        rows: usize,
    },
    /// Features of another number of columns than the model has.
    #[error(
        "the features have {found} columns but the model has {expected}; give the columns of training, in their order"
    )]
    Columns {
        /// Columns given.
        found: usize,
        /// Columns of the model.
        expected: usize,
    },
    /// A feature is no finite number.
    #[error(
        "feature column {column} (counted from 0) is not a finite number in row {row}; impute or leave out what is missing"
    )]
    Feature {
        /// The column.
        column: usize,
        /// The row.
        row: usize,
    },
    /// A row weight is negative or no finite number.
    #[error(
        "the weight of row {row} (counted from 0) is negative or not finite; give weights of zero or more"
    )]
    Weight {
        /// The row.
        row: usize,
    },
    /// A time makes no sense.
    #[error("row {row} (counted from 0) has {problem}; {remedy}")]
    Time {
        /// The row.
        row: usize,
        /// What is wrong.
        problem: &'static str,
        /// What it may be.
        remedy: &'static str,
    },
    /// A label is none of the classes.
    #[error(
        "row {row} (counted from 0) has class {label} of {classes} classes; number the classes from 0"
    )]
    Class {
        /// The row.
        row: usize,
        /// Its label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// The outcome does not vary, so nothing can be learnt from it.
    #[error("{problem}; {remedy}")]
    Outcome {
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// More coefficients than rows, and no penalty.
    #[error(
        "{coefficients} coefficients cannot be estimated from {rows} rows without a penalty; set lambda above 0 or give fewer columns"
    )]
    TooFewRows {
        /// Coefficients of an outcome or class, with the intercept.
        coefficients: usize,
        /// Rows of a weight above 0.
        rows: usize,
    },
    /// A column depends on others, and there is no penalty.
    #[error(
        "feature column {column} (counted from 0) is constant or a combination of other columns; leave it out or set lambda above 0"
    )]
    Collinear {
        /// The column.
        column: usize,
    },
    /// The likelihood grows without end.
    #[error(
        "the likelihood has no maximum because some columns separate the outcomes perfectly; raise lambda or leave out columns that are rare"
    )]
    Separated,
    /// The minimum was not reached.
    #[error(
        "the fit at lambda {lambda} did not converge in {iterations} iterations: the gradient is {violation:.1e} and {tolerance:.1e} is asked for; standardise the columns, raise lambda, max_iterations or tolerance"
    )]
    NotConverged {
        /// Strength of the penalty.
        lambda: f64,
        /// Iterations done.
        iterations: usize,
        /// Largest violation of the conditions of a minimum.
        violation: f64,
        /// The largest that is accepted.
        tolerance: f64,
    },
    /// A horizon that the data say nothing about.
    #[error(
        "time {time} is outside the follow-up of the training data; ask for a time of 0 or more before its end"
    )]
    BeyondFollowUp {
        /// The time asked for.
        time: f64,
    },
    /// The model predicts no survival.
    #[error("a model of {family} has no survival; train a Cox model for it")]
    NoSurvival {
        /// Family of the model.
        family: &'static str,
    },
    /// A coefficient is too large for the file format.
    #[error(
        "the coefficient of feature column {column} (counted from 0) does not fit a 32-bit number; standardise the columns"
    )]
    CoefficientRange {
        /// The column; the number of columns for the intercept.
        column: usize,
    },
    /// The graph cannot be written.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
}
