//! Why a run folder cannot be read.

use std::path::PathBuf;

use varisk_report::ReportError;

/// Why a run folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DossierError {
    /// The folder or a file in it is not there or cannot be opened.
    #[error("cannot open {}: {source}; name the output folder of 'varisk run', 'varisk prs' or 'varisk merge'", path.display())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The run has not ended.
    #[error("{} is an unfinished run; continue it with --resume, then name its output folder", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// `run.json` cannot be understood.
    #[error("{} is not the record of a run ({detail}); name the output folder of a run", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The folder was written by a newer program.
    #[error("{} has tables of schema version {found}, this program knows up to {known}; use the varisk that wrote it ({varisk}) or a newer one", path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
        /// Version of the program that wrote it.
        varisk: String,
    },
    /// A table that the record lists is not there.
    #[error("{} is not there, though run.json lists it; the run folder is incomplete: copy it again or repeat the run", path.display())]
    Missing {
        /// The table.
        path: PathBuf,
    },
    /// A table is not what the run wrote.
    #[error("{} was changed after the run (its SHA-256 is not that of run.json); copy the run folder again or repeat the run", path.display())]
    Changed {
        /// The table.
        path: PathBuf,
    },
    /// A table cannot be opened: it is damaged, or its key is missing or wrong.
    #[error(transparent)]
    Table(#[from] ReportError),
    /// A column was made coarser into something that cannot be read as what it was.
    #[error("{}: column {column} holds {found} where {expected} is expected; de-identify the run again in a way that keeps numbers (round, limits or bins with write = \"number\")", path.display())]
    Kind {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// What a table holds makes no sense.
    #[error("{} cannot be read ({detail}); copy the run folder again or repeat the run", path.display())]
    Damaged {
        /// The table.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The run has nothing to say of patients.
    #[error("{} has no patients (it was written by 'varisk {verb}'); name the output folder of 'varisk run', 'varisk prs' or 'varisk merge'", path.display())]
    NoPatients {
        /// The folder.
        path: PathBuf,
        /// The verb that wrote it.
        verb: String,
    },
}
