//! What can go wrong while a model is trained.

use varisk_onnx::OnnxError;

/// What can go wrong while a model is trained.
///
/// Columns and rows are counted from 0, in the order in which the caller gave them.
#[derive(Debug, thiserror::Error)]
pub enum BoostedError {
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
    /// There is nothing to learn from.
    #[error("the {data} data have {rows} rows and {columns} columns; give at least one of each")]
    Empty {
        /// Training or validation.
        data: &'static str,
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// More rows than row numbers can count.
    #[error("the training data have {rows} rows and at most {most} can be used; give fewer")]
    TooManyRows {
        /// Rows given.
        rows: usize,
        /// The most that can be used.
        most: usize,
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
    /// A feature is infinite.
    #[error(
        "feature column {column} (counted from 0) is infinite in row {row}; mark as missing what is not known"
    )]
    Infinite {
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
    /// A number to predict is not finite.
    #[error(
        "the outcome of row {row} (counted from 0) is not a finite number; leave out rows without outcome"
    )]
    Number {
        /// The row.
        row: usize,
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
    /// Training and validation data are of different kinds of outcome.
    #[error(
        "the validation data have outcomes of another kind than the training data; split one data set"
    )]
    ValidationOutcome,
    /// Losses or leaves are no finite numbers any more.
    #[error(
        "boosting diverged in round {round}; lower learning_rate, raise l2 or min_child_weight, or bring numbers to a smaller scale"
    )]
    Diverged {
        /// The round, counted from 1.
        round: usize,
    },
    /// The caller asked to stop.
    #[error("training was interrupted after round {round}; nothing was kept")]
    Interrupted {
        /// The last round, counted from 1; 0 before the first.
        round: usize,
    },
    /// The outcome has no probability that the model alone can give.
    #[error("a model of {family} gives no probability; ask for its raw output only")]
    NoProbability {
        /// What is predicted.
        family: &'static str,
    },
    /// A stored model contradicts itself.
    #[error("the stored model is damaged: {problem}; train it again")]
    Damaged {
        /// What is wrong.
        problem: &'static str,
    },
    /// The graph cannot be written.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
}
