//! Reads a run folder: `run.json`, the tables, and all that they say of one patient at a time.
//!
//! A [`RunFolder`] is opened only if it is whole, of a schema that this program knows, and unchanged
//! since the run. [`RunFolder::dossiers`] then walks the patients in the order of their identifiers.
//! Pages, exchange formats and comparisons of runs are all made from what it gives.
//!
//! # Memory
//! One batch of each table and the rows of one patient, whatever the number of patients.

mod columns;
mod cursor;
mod dossier;
mod error;
mod folder;
mod rows;
mod source;
#[cfg(feature = "testing")]
pub mod testing;

pub use dossier::{Dossier, Dossiers};
pub use error::DossierError;
pub use folder::RunFolder;
pub use rows::{
    Ancestry, AnnotationValue, Annotations, Burden, Explanation, Feature, Finding, Quality, Risk,
    RiskCurve, Score, ScoreReference, State,
};
pub use source::TableRows;
