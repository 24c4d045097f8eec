//! HTML pages of a run: one of the cohort, one of each patient; and a page of what changed between two
//! runs.
//!
//! Every page is one file that needs nothing else: no network, no scripts for reading, styles and
//! plots inside. A content security policy in each page forbids the browser to load anything. Every
//! value is escaped by the template engine.
//!
//! # Memory
//! One patient's dossier, and of each patient some bytes for each risk item, which the cohort page is
//! made of.

mod cohort;
mod comparison;
mod error;
mod facts;
mod format;
mod patient;
mod svg;
mod words;
mod write;

pub use comparison::write_comparison;
pub use error::PageError;
pub use write::{PageWriter, patient_folder};
