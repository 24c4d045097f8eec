//! The contract of a stage: what enriches a batch on its way.

use arrow::datatypes::SchemaRef;

use crate::{BatchError, SiteBatch};

/// Why a stage stopped.
#[derive(Debug, thiserror::Error)]
#[error("{stage}: {source}")]
pub struct StageError {
    /// Name of the stage.
    pub stage: &'static str,
    /// What went wrong; its own message names file, record and remedy.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl StageError {
    /// Wraps an error of a stage.
    pub fn new(
        stage: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            stage,
            source: source.into(),
        }
    }
}

impl From<BatchError> for StageError {
    fn from(error: BatchError) -> Self {
        Self::new("batch", error)
    }
}

/// An immutable step of the plan, shared by all threads.
pub trait Stage: Send + Sync {
    /// Name in errors and timings.
    fn name(&self) -> &'static str;

    /// The schema that leaves this stage when `input` enters it. It is folded through the plan
    /// before the first record is read.
    ///
    /// # Errors
    /// A column that the stage needs is missing or has another type.
    fn output_schema(&self, input: &SchemaRef) -> Result<SchemaRef, StageError>;

    /// A worker of one thread, with its own scratch.
    ///
    /// # Errors
    /// What the worker needs (a file handle, a session) cannot be had.
    fn worker(&self) -> Result<Box<dyn Worker>, StageError>;
}

/// The mutable half of a stage: one for each thread.
pub trait Worker: Send {
    /// Enriches a batch.
    ///
    /// # Errors
    /// The batch cannot be processed; the run stops.
    fn process(&mut self, batch: SiteBatch) -> Result<SiteBatch, StageError>;
}
