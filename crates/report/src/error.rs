//! What can go wrong while tables are written and read.

use std::path::PathBuf;

/// Why an output cannot be written, or a table cannot be read.
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
    /// Another process writes the output.
    #[error("another process writes {}; wait until it ends, or end it", path.display())]
    InUse {
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
    /// A file is no whole table.
    #[error("{} is no Parquet file, or cut short or damaged ({detail}); restore it, or write it again", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A file cannot be opened.
    #[error("cannot open {}: {source}; check the path and its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A column that was asked for is not in the table.
    #[error("{} has no column '{column}'; name one that it has", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// An encrypted file and no key.
    #[error("{} is encrypted; give the key that it was written with", path.display())]
    KeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// An encrypted column and no key.
    #[error("column '{column}' of {} is encrypted with a key of its own; give that key too, or read other columns", path.display())]
    ColumnKeyMissing {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// The key does not open the file.
    #[error("{} cannot be decrypted with this key; give the key that it was written with, or restore the file if the key is right", path.display())]
    KeyWrong {
        /// The file.
        path: PathBuf,
    },
    /// A key that AES cannot take.
    #[error("the key of {of} has {bytes} bytes; give one of 16 or 32 random bytes")]
    KeyLength {
        /// What the key is of.
        of: String,
        /// Its length.
        bytes: usize,
    },
    /// A key for a column that no table has.
    #[error(
        "a key is given for column '{column}', which no table has; name a column of docs/outputs.md"
    )]
    KeyColumn {
        /// The column.
        column: String,
    },
    /// Tables cannot be partitioned by this.
    #[error(
        "tables cannot be partitioned by '{column}': {why}; choose a column such as item, contig or gene"
    )]
    PartitionColumn {
        /// The column.
        column: String,
        /// Why not.
        why: &'static str,
    },
    /// Too many folders.
    #[error(
        "table '{table}' would have more than {most} partitions; partition it by a column with fewer values"
    )]
    Partitions {
        /// The table.
        table: String,
        /// How many there may be.
        most: usize,
    },
    /// Rows do not come in the order that the table declares: our bug.
    #[error(
        "internal error: the rows of table '{table}' are not sorted by {by}; please report this"
    )]
    Order {
        /// The table.
        table: String,
        /// The columns of the order.
        by: String,
    },
}
