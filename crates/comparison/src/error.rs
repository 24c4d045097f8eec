//! Why two runs cannot be compared.

use varisk_dossier::DossierError;
use varisk_report::ReportError;

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// The runs are of different builds.
    #[error(
        "run A is on {a} and run B on {b}, so no position of one is a position of the other; repeat one of them on the other's build"
    )]
    Builds {
        /// Build of run A.
        a: String,
        /// Build of run B.
        b: String,
    },
    /// Both builds are called `other`, and the genomes are different ones.
    #[error(
        "both runs are on a build that varisk has no name for, and their references differ (other reference_index in run.json); repeat one of them with the other's reference"
    )]
    References,
    /// The references call their contigs differently.
    #[error(
        "the runs have no contig in common (run A has {a}, run B has {b}) and their references differ; repeat one of them with a reference that names contigs as the other's does"
    )]
    Contigs {
        /// First contig of run A.
        a: String,
        /// First contig of run B.
        b: String,
    },
    /// The tables have other meanings.
    #[error(
        "run A has tables of schema version {a}, run B of version {b}; repeat the older run with the newer varisk"
    )]
    SchemaVersions {
        /// Version of run A.
        a: u32,
        /// Version of run B.
        b: u32,
    },
    /// No patient is in both.
    #[error(
        "no patient is in both runs ({a} in A, {b} in B); if they wrote pseudonyms, were these made with the same key? Otherwise name two runs of the same patients"
    )]
    NoCommonPatients {
        /// Patients of run A.
        a: u64,
        /// Patients of run B.
        b: u64,
    },
    /// A run folder cannot be read.
    #[error("run {run}: {source}")]
    Run {
        /// `A` or `B`.
        run: char,
        /// The cause.
        source: DossierError,
    },
    /// Rules are no TOML, or have an unknown or missing key.
    #[error("the alert rules cannot be read: {detail}; see schemas/alerts.schema.json")]
    Rules {
        /// What is wrong.
        detail: String,
    },
    /// A rule makes no sense.
    #[error("alert rule '{rule}': {detail}")]
    Rule {
        /// Its name.
        rule: String,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// A tolerance makes no sense.
    #[error("tolerance '{setting}' is {value}; give a number from 0 on")]
    Tolerance {
        /// Its name.
        setting: &'static str,
        /// Its value.
        value: f64,
    },
    /// Rows cannot be laid aside.
    #[error(
        "cannot lay changes aside in the output folder: {0}; free space or name another folder"
    )]
    Spool(#[source] std::io::Error),
    /// Rows do not fit their schema: our bug.
    #[error("internal error: changes cannot be laid out: {0}; please report this")]
    Layout(#[from] arrow::error::ArrowError),
    /// A table cannot be written.
    #[error(transparent)]
    Write(#[from] ReportError),
    /// The user wants it to end.
    #[error("the comparison was interrupted; nothing of it is complete")]
    Interrupted,
}
