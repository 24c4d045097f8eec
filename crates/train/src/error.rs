//! Errors of training.

use std::io;
use std::path::PathBuf;

use varisk_encode::EncodeError;
use varisk_onnx::OnnxError;

use crate::boosted::BoostedError;
use crate::linear::LinearError;
use crate::network::NetworkError;
use crate::siamese::SiameseError;

/// Why a model cannot be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file cannot be opened.
    #[error("{} cannot be read: {source}; check path and permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A table is not one of patients.
    #[error("{file}: {detail}")]
    Table {
        /// The file.
        file: String,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// The outcome cannot be learned.
    #[error("the outcome '{column}' {detail}")]
    Outcome {
        /// Its column.
        column: String,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// A predictor cannot be used.
    #[error("the column '{column}' {detail}")]
    Column {
        /// The column.
        column: String,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// A predictor gives the outcome away.
    #[error(
        "the column '{column}' tells the outcome without fail, as the outcome itself does or something known only after it; name it in predictors.exclude, or in predictors.trusted if it is known before"
    )]
    Leakage {
        /// The column.
        column: String,
    },
    /// A name of the configuration is not in the data.
    #[error("{field} names '{name}', which the data do not have; correct the name")]
    UnknownName {
        /// The field.
        field: &'static str,
        /// The name.
        name: String,
    },
    /// Nothing to predict from.
    #[error("no predictor is left; name columns or features in [predictors]")]
    NoPredictors,
    /// A group is in one fold only.
    #[error(
        "{folds} folds need as many groups, and there are {groups} group(s); use fewer folds, or leave data.group out"
    )]
    TooFewGroups {
        /// Folds asked for.
        folds: usize,
        /// Groups that there are.
        groups: usize,
    },
    /// A setting makes no sense.
    #[error("{field} is {value}, but {expected}")]
    Setting {
        /// Where it stands.
        field: String,
        /// What stands there.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A setting of a family is out of its range.
    #[error(
        "the family '{family}' has a setting that makes no sense: '{setting}' is {value}; {remedy}"
    )]
    FamilySetting {
        /// The family.
        family: &'static str,
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        remedy: &'static str,
    },
    /// No setting of a family could be fitted.
    #[error("no setting of the family '{family}' could be fitted: {detail}")]
    AllRefused {
        /// The family.
        family: &'static str,
        /// Why the first of them was refused.
        detail: String,
    },
    /// A row cannot be encoded.
    #[error("row {row} cannot be learned from ({reason}); correct the table")]
    Row {
        /// Its number in the table, from 1.
        row: usize,
        /// Why.
        reason: &'static str,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {source}; check the disk", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A linear family refuses.
    #[error(transparent)]
    Linear(#[from] LinearError),
    /// Networks refuse.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Trees refuse.
    #[error(transparent)]
    Boosted(#[from] BoostedError),
    /// The network of variants refuses.
    #[error(transparent)]
    Siamese(#[from] SiameseError),
    /// An encoder refuses.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A graph cannot be written.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// Predictions cannot be evaluated.
    #[error(transparent)]
    Evaluation(#[from] varisk_evaluation::EvaluationError),
    /// Stopped from outside.
    #[error("the training was interrupted; run the same command with --resume to go on")]
    Interrupted,
    /// A bug.
    #[error("internal error: {0}")]
    Internal(&'static str),
}
