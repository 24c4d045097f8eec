//! What can go wrong while a model is trained.

use varisk_onnx::OnnxError;

/// What can go wrong while a model is trained.
///
/// Columns and rows are counted from 0, in the order in which the caller gave them.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
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
    /// Training and validation data are of different kinds of outcome.
    #[error(
        "the validation data have outcomes of another kind than the training data; split one data set"
    )]
    ValidationOutcome,
    /// The loss or a weight is no finite number any more.
    #[error(
        "the {what} of the network was not finite in epoch {epoch}; lower learning_rate, or standardise the features and look for extreme values"
    )]
    NetworkDiverged {
        /// What is not finite.
        what: &'static str,
        /// The epoch, counted from 1.
        epoch: usize,
    },
    /// The caller asked to stop.
    #[error("training was interrupted after epoch {epoch}; resume it from the last checkpoint")]
    NetworkInterrupted {
        /// The last epoch, counted from 1.
        epoch: usize,
    },
    /// A checkpoint belongs to another training.
    #[error(
        "the checkpoint was made with another {what}; resume with the same data and settings, or start anew without it"
    )]
    Checkpoint {
        /// What differs.
        what: &'static str,
    },
    /// The system gives no threads.
    #[error("threads cannot be started: {detail}; lower threads")]
    Threads {
        /// What the system said.
        detail: String,
    },
    /// The graph cannot be written.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
}
