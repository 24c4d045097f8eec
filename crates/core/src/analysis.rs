//! The contract of an analysis: a mergeable fold over batches.
//!
//! One contract gives threads (a fold for each worker, then merged), clusters (a fold for each
//! shard, then `varisk merge`) and resume (a saved fold is a checkpoint).

use std::any::Any;

use arrow::record_batch::RecordBatch;

use crate::{BatchError, FeatureTable, Patient, SiteBatch};

/// Why a fold cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// A batch lacks what the analysis needs.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A saved fold cannot be read, or belongs to another plan.
    #[error("saved fold of {analysis} cannot be used: {detail}; run that shard again")]
    Saved {
        /// Name of the analysis.
        analysis: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The results cannot be laid out as a table.
    #[error("{analysis}: results cannot be laid out as a table")]
    Table {
        /// Name of the analysis.
        analysis: String,
        /// The cause.
        source: arrow::error::ArrowError,
    },
}

/// What a finished fold gives.
#[derive(Debug, Default)]
pub struct AnalysisOutput {
    /// Features for patient models.
    pub features: FeatureTable,
    /// Tables for the report, by published name; rows sorted by patient.
    pub tables: Vec<(&'static str, RecordBatch)>,
}

/// A fold over batches. `merge` is associative, commutative and exact: the result does not depend
/// on how the input was cut. (`Any`, so that the program finds an analysis whose results are more than
/// features and tables.)
pub trait Analysis: Any + Send + Sync {
    /// Name in saved folds and errors; unique in a run.
    fn name(&self) -> String;

    /// A fold of the same settings that has seen nothing.
    fn empty(&self) -> Box<dyn Analysis>;

    /// Takes in a batch.
    ///
    /// # Errors
    /// A column that the analysis needs is missing.
    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError>;

    /// The fold as bytes.
    ///
    /// # Errors
    /// The fold cannot be encoded.
    fn save(&self) -> Result<Vec<u8>, AnalysisError>;

    /// Adds a saved fold of the same settings.
    ///
    /// # Errors
    /// The bytes are not a fold of this analysis with these settings.
    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError>;

    /// Turns the fold into results, one for each patient, in the order given.
    ///
    /// # Errors
    /// The results cannot be laid out as tables.
    fn finish(&self, patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError>;
}
