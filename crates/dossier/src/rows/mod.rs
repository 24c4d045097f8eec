//! Rows of the tables as values. Names, units and meanings are those of the published tables
//! (`schemas/tables.json`); positions are 1-based.

mod finding;
mod patient;
mod risk;

use arrow::array::RecordBatch;

pub use finding::{AnnotationValue, Annotations, Finding};
pub use patient::{Ancestry, Burden, Explanation, Feature, Quality};
pub(crate) use risk::score_references;
pub use risk::{Risk, RiskCurve, Score, ScoreReference, State};

use crate::{DossierError, TableRows};

/// A row that belongs to a patient.
pub(crate) trait PatientRow: Sized {
    /// The patient.
    fn patient(&self) -> &str;

    /// All rows of a batch.
    fn read(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Self>, DossierError>;
}
