//! What can go wrong while a network for variants is trained or used.

use varisk_onnx::OnnxError;

/// What can go wrong while a network for variants is trained or used.
///
/// Rows, positions and elements are counted from 0, in the order in which the caller gave them.
#[derive(Debug, thiserror::Error)]
pub enum SiameseError {
    /// A setting makes no sense.
    #[error("setting '{setting}' of the variant network is {value}; {remedy}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        remedy: &'static str,
    },
    /// There is nothing to learn from.
    #[error(
        "the {data} data have {rows} rows and windows of {tokens} tokens; give at least one of each"
    )]
    Empty {
        /// Training or stopping.
        data: &'static str,
        /// Rows given.
        rows: usize,
        /// Tokens of a window.
        tokens: usize,
    },
    /// More rows than row numbers can count.
    #[error("the data have {rows} rows and at most {most} can be used; give fewer")]
    TooManyRows {
        /// Rows given.
        rows: usize,
        /// The most that can be used.
        most: usize,
    },
    /// Something has another number of rows than the reference windows.
    #[error("there are {found} {what} for {rows} reference windows; give one for each")]
    Length {
        /// What there is of another number.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// Reference windows.
        rows: usize,
    },
    /// Windows or annotation of another width.
    #[error(
        "{what} have {found} {unit} where {expected} are expected; encode all rows alike, as for training"
    )]
    Width {
        /// What is of another width.
        what: &'static str,
        /// Tokens or elements.
        unit: &'static str,
        /// Width given.
        found: usize,
        /// Width of the reference windows, or of training.
        expected: usize,
    },
    /// A token is not in the vocabulary.
    #[error(
        "the {allele} window of row {row} has token {token} at position {position} (counted from 0) but the vocabulary ends at {last}; encode with the vocabulary of training"
    )]
    Token {
        /// Reference or alternate.
        allele: &'static str,
        /// The row.
        row: usize,
        /// Place in the window.
        position: usize,
        /// The token.
        token: i64,
        /// The last token of the vocabulary.
        last: usize,
    },
    /// An element of annotation is no finite number.
    #[error(
        "annotation element {element} of row {row} (counted from 0) is not a finite number; fill what is missing"
    )]
    Annotation {
        /// The row.
        row: usize,
        /// The element.
        element: usize,
    },
    /// A row weight is negative or no finite number.
    #[error(
        "the weight of row {row} (counted from 0) is negative or not finite; give weights of zero or more"
    )]
    Weight {
        /// The row.
        row: usize,
    },
    /// The weights cannot be brought to a mean of 1.
    #[error("the weights of the {data} data have no finite sum above 0; give weights of about 1")]
    WeightSum {
        /// Training or stopping.
        data: &'static str,
    },
    /// All labels are the same.
    #[error(
        "the {data} data have no {class} variant of a weight above 0; give variants of both classes"
    )]
    OneClass {
        /// Training or stopping.
        data: &'static str,
        /// The class that is absent.
        class: &'static str,
    },
    /// The loss or a weight is no finite number any more.
    #[error(
        "{what} of the variant network was not finite in epoch {epoch}; lower learning_rate, or standardise the annotation"
    )]
    Diverged {
        /// What is not finite.
        what: &'static str,
        /// The epoch, counted from 1.
        epoch: usize,
    },
    /// The caller asked to stop.
    #[error("training of the variant network was interrupted after epoch {epoch}; run it again")]
    Interrupted {
        /// The last epoch, counted from 1.
        epoch: usize,
    },
    /// A network that was read does not fit together.
    #[error("the stored variant network is damaged: its {what}; train it again")]
    Damaged {
        /// What does not fit.
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
