//! Tables with less in them: tables and columns left out, values made coarser, and classes of patients
//! that cannot be told apart counted.
//!
//! A [`Config`] says what is wanted. A [`Deidentifier`] checks it against the tables of a run before any
//! row is read. A [`ClassCounter`] reads the tables with quasi-identifiers and gives an [`Admission`]: who
//! may be in the output. Without it no [`TablePlan`] gives out a row, so the count cannot be forgotten.
//!
//! Classes are k-anonymity (Samarati and Sweeney 1998). It does not protect what all of a class have in
//! common, nor from somebody who knows a column that was not named a quasi-identifier. Genotypes identify
//! a person by a few dozen sites, whatever else is coarsened, so they are left out unless the
//! configuration keeps them.

mod classes;
mod coarsen;
mod config;
mod plan;

pub use classes::{Admission, ClassCounter, ClassReport};
pub use config::{Coarsening, Config, DatePart, KAnonymity, SmallClasses, TableRules, Written};
pub use plan::{Deidentifier, TablePlan};

/// The column that says whom a row is of.
const PATIENT: &str = "patient";
/// Rules under this name are for every table.
const EVERY_TABLE: &str = "*";
/// A table with this column has rows of places in the genome, so of alleles.
const PLACE: &str = "contig";

/// Whether a column of a table with patients shows their genotypes.
fn shows_genotypes(column: &str) -> bool {
    const NAMES: [&str; 8] = [
        "genotype",
        "dosage",
        PLACE,
        "position",
        "ref",
        "alt",
        "id",
        "variant_key",
    ];
    NAMES.contains(&column) || column.starts_with("input_")
}

#[cfg(test)]
mod tests;
