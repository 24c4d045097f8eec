//! What can go wrong with scoring files and the plan that is made of them.

use std::io;
use std::path::PathBuf;

use varisk_reference::{NormaliseError, ReferenceError};

/// What can go wrong with scoring files and their plan. Lines are 1-based lines of the file.
#[derive(Debug, thiserror::Error)]
pub enum PolygenicError {
    /// A file cannot be opened.
    #[error("scoring file {} cannot be opened; check the path and its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file ends early or does not inflate.
    #[error(
        "scoring file {} cannot be read after line {line}; it is cut short or damaged, download it \
         again",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The last line that was read.
        line: u64,
        /// The cause.
        source: io::Error,
    },
    /// The file as a whole is no scoring file of this run.
    #[error("scoring file {} {detail}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        detail: String,
    },
    /// A line cannot be used.
    #[error("scoring file {}, line {line}: {detail}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong and what to do.
        detail: String,
    },
    /// A row that varisk cannot score, under the policy that refuses its file.
    #[error(
        "scoring file {}, line {line}: {detail}, so the score cannot be computed as it was made; \
         leave such rows out with `--unsupported-rows drop`, which counts them as lost",
        path.display()
    )]
    UnsupportedRow {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// What the row is.
        detail: String,
    },
    /// Two rows of one score name one allele, under the policy that refuses this.
    #[error(
        "score {score} has several rows for the allele at {contig}:{position}; add them up with \
         `--duplicates sum` or leave them out with `--duplicates drop`"
    )]
    DuplicateRows {
        /// The score.
        score: String,
        /// The contig.
        contig: String,
        /// Position of the normalised allele, 1-based.
        position: u32,
    },
    /// Two scores have one name.
    #[error(
        "scores of {} and {} are both named {name}; give one of the files another pgs_id or name",
        first.display(), second.display()
    )]
    RepeatedName {
        /// The name.
        name: String,
        /// A file.
        first: PathBuf,
        /// Another file.
        second: PathBuf,
    },
    /// More scores, alleles or rows than the plan can number.
    #[error("the scoring files have more than {limit} {what}; score them in several runs")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// Nothing to score.
    #[error("no scoring file is given; name one or more with `--score`")]
    NoScores,
    /// Identifiers could not be resolved.
    #[error("variant identifiers of {} cannot be looked up: {detail}", path.display())]
    Identifiers {
        /// The file.
        path: PathBuf,
        /// What the source of identifiers says.
        detail: String,
    },
    /// Mean imputation from too few patients.
    #[error(
        "mean imputation from the cohort needs at least {needed} patients and there are {patients}; \
         take frequencies from a named source or impute nothing"
    )]
    FewPatients {
        /// Patients of the run.
        patients: usize,
        /// Patients needed.
        needed: usize,
    },
    /// Mean imputation from a panel that the plan was not built with.
    #[error("imputation from the panel needs a panel; name one or choose another source")]
    NoPanel,
    /// The reference cannot be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A candidate that was checked against the reference does not agree with it after all.
    #[error(transparent)]
    Normalise(#[from] NormaliseError),
    /// The log cannot be laid out as a table.
    #[error("the log of score variants cannot be laid out as a table")]
    Table {
        /// The cause.
        source: arrow::error::ArrowError,
    },
}
