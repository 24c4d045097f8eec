//! Arguments of the verbs that make something to read of a finished run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::EncryptionArguments;

#[derive(Debug, Clone, Args)]
pub(crate) struct ReportArguments {
    /// Output folder of 'varisk run', 'varisk prs' or 'varisk merge'.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Folder for the report; it must not exist [default: RUN.pages].
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
    /// What to write, with commas.
    #[arg(
        long = "format",
        value_name = "FORMATS",
        value_delimiter = ',',
        default_value = "html"
    )]
    pub(crate) formats: Vec<ReportFormat>,
    /// Which patients get files of their own: 'all', 'none' (only the cohort), or a file with one
    /// identifier on each line.
    #[arg(long, value_name = "WHO", default_value = "all")]
    pub(crate) patients: String,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Pages: index.html of the cohort and one of each patient.
    Html,
}
