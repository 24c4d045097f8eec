//! Why an export fails.

use std::path::PathBuf;

use varisk_dossier::DossierError;

/// Why an export fails.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Dossier(#[from] DossierError),
    /// The output cannot be written.
    #[error("cannot write the export: {0}; look at the free space and the rights of the output")]
    Write(#[from] std::io::Error),
    /// The time of issue is no FHIR instant.
    #[error(
        "'{found}' is no time of issue; write it as 2026-01-31T12:00:00Z or with an offset such as +01:00"
    )]
    Issued {
        /// What was given.
        found: String,
    },
    /// The naming system of identifiers is no URI.
    #[error(
        "'{found}' is no naming system of patient identifiers; give a URI such as urn:oid:1.2.3 or https://example.org/patients"
    )]
    System {
        /// What was given.
        found: String,
    },
    /// The run has no such table.
    #[error("the run has no table '{name}'; its tables are listed in run.json")]
    NoTable {
        /// Name that was asked for.
        name: String,
    },
    /// The files of a table have different columns.
    #[error("{} has other columns than the first file of its table; repeat the run, or copy its folder again", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
    },
    /// A column has a type that the form has no way to write.
    #[error("{}: column '{column}' has the type {kind}, which this export cannot write; use the table itself", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// A column that the export needs is missing or has no value in a row.
    #[error("{}: column '{column}' is missing or has a row without a value; the table is not one of this program: repeat the run", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// Alleles do not come in genomic order.
    #[error("{}: the alleles are not in genomic order from file to file, as VCF needs them; repeat the run without partitions of this table", path.display())]
    Order {
        /// The file.
        path: PathBuf,
    },
    /// A contig has a name that VCF cannot hold.
    #[error(
        "the contig name '{name}' cannot stand in a VCF; rename it in the reference and repeat the run"
    )]
    Contig {
        /// The name.
        name: String,
    },
}

impl From<serde_json::Error> for ExchangeError {
    fn from(error: serde_json::Error) -> Self {
        // Values are written, never parsed: what fails is the writer.
        Self::Write(error.into())
    }
}
