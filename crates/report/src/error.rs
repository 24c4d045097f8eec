//! What can go wrong while writing.

use std::path::PathBuf;

/// Why an output cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The output exists.
    #[error("{} exists; name another folder with --output, or remove it", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// An unfinished run or training is there.
    #[error("{} holds an unfinished run or training; continue it with --resume, or remove that folder", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder cannot be created.
    #[error("cannot create {}: {source}; check the path and its permissions, or name another folder", path.display())]
    Create {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Writing or reading back failed.
    #[error("cannot write {}: {source}; free space or name another folder", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A part of an unfinished run or shard is damaged.
    #[error("{} is damaged ({detail}); run that part again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A table does not fit its schema: our bug.
    #[error("internal error: table cannot be laid out: {0}; please report this")]
    Layout(#[from] arrow::error::ArrowError),
    /// Parquet refused: our bug or a full disk.
    #[error("cannot write {}: {source}; free space or name another folder", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: parquet::errors::ParquetError,
    },
}
