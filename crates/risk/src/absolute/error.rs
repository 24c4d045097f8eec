//! What can be wrong with an absolute-risk model, and with a model in a run.

use std::path::PathBuf;

/// A model that cannot be read, or cannot be used in this run.
#[derive(Debug, thiserror::Error)]
pub enum AbsoluteRiskError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The model's TOML file is not what it must be.
    #[error("{}: {detail}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// A line of a table is malformed.
    #[error("{}: line {line}: {detail}", path.display())]
    Line {
        /// The table.
        path: PathBuf,
        /// 1-based number.
        line: u64,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// A table as a whole is not what it must be.
    #[error("{}: {detail}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// No analysis of the run gives a feature.
    #[error(
        "absolute-risk model '{model}' needs the feature '{feature}', which no analysis of this run gives; add the score, or take the model out"
    )]
    UnknownFeature {
        /// Name of the model.
        model: String,
        /// Name of the feature.
        feature: String,
    },
    /// A column of numbers holds text.
    #[error(
        "absolute-risk model '{model}' takes column '{column}' of the samplesheet as numbers, but it holds text in {patients} of its rows; correct them or leave them empty"
    )]
    TextInNumberColumn {
        /// Name of the model.
        model: String,
        /// The column.
        column: String,
        /// In how many rows.
        patients: usize,
    },
}
