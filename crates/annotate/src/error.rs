//! What can go wrong with gene models and consequences.

use std::io;
use std::path::PathBuf;

use varisk_core::BatchError;
use varisk_reference::ReferenceError;

/// What can go wrong with gene models and consequences. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum AnnotateError {
    /// A file cannot be opened.
    #[error("{} cannot be opened; check the path and its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file ends early or does not inflate.
    #[error(
        "{} cannot be read after line {line}; the file is cut short or damaged, copy it again",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Last line that was read, 0 if none.
        line: u64,
        /// The cause.
        source: io::Error,
    },
    /// A line is not what the format says.
    #[error("{} line {line}: {detail}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// Nothing in the file can be used.
    #[error(
        "{} gives no transcript on the contigs of the reference ({detail}); check that it is GFF3 \
         or GTF of the same genome build",
        path.display()
    )]
    NoTranscripts {
        /// The file.
        path: PathBuf,
        /// What was counted.
        detail: String,
    },
    /// A table of transcripts is not one that varisk wrote.
    #[error("table of transcripts: {detail}; build the bundle again")]
    Table {
        /// What is wrong.
        detail: String,
    },
    /// The header of a VCF does not describe the field that should hold consequences.
    #[error("INFO field {field}: {detail}")]
    InfoFormat {
        /// Name of the field.
        field: &'static str,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// The reference cannot be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A batch lacks what is needed.
    #[error(transparent)]
    Batch(#[from] BatchError),
}
