//! Compares two runs of the same patients: after a new release of ClinVar, a new model, new data.
//!
//! [`compare`] reads two finished runs, A (before) and B (after), and says
//! * what differs between the runs as a whole ([`RunDifferences`]): the possible causes;
//! * what changed for each patient ([`Change`], table [`CHANGES`](varisk_report::Table::CHANGES)), with those causes that the records
//!   do not rule out. A change is never given a cause that they do not show: where several are
//!   possible all are named, where none is recorded that is said;
//! * which alleles of both runs a source classifies differently, whoever carries them (table
//!   [`RECLASSIFICATIONS`](varisk_report::Table::RECLASSIFICATIONS));
//! * which of the user's rules fire ([`AlertRule`]).
//!
//! It judges nothing clinically and computes no result of a patient anew.
//!
//! # Memory
//! One patient of each run, one batch of each table, the distinct alleles that one run reports and the
//! other does not, and for each [`Category`] a buffer of 2,048 changes and the first
//! [`Settings::list_limit`] of them for a page. Further rows lie in unnamed temporary files in the output folder.

mod allele;
mod allele_changes;
mod attribution;
mod cause;
mod change;
mod compare;
mod error;
mod pattern;
mod risk_changes;
mod rules;
mod runs;
mod significance;
mod spool;
mod summary;
mod survey;
mod table;
mod variants;

pub use cause::{Cause, CauseKind};
pub use change::{Category, Change, Subject};
pub use compare::{Comparison, Settings, compare};
pub use error::ComparisonError;
pub use rules::{AlertRule, Direction, Measure, Rules, Tolerance};
pub use runs::{
    CountDifference, FileState, InputDifference, ItemState, NamedDifference, ParameterDifference,
    RunDifferences, RunIdentity, SourcePair, TextDifference,
};
pub use significance::PATHOGENIC;
pub use summary::{
    AlertCount, CategoryCount, NotComparable, PatientCounts, Reclassification, Summary,
};
