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
    /// System of the patients' identifiers in FHIR (a URI).
    #[arg(long, value_name = "URI")]
    pub(crate) fhir_patient_system: Option<String>,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Pages: index.html of the cohort and one of each patient.
    Html,
    /// A JSON document of each patient: dossier.json, or dossiers.ndjson of all with --patients none.
    Json,
    /// A FHIR R4 bundle of each patient: fhir.json, or fhir.ndjson of all with --patients none.
    Fhir,
    /// All tables as tab-separated text.
    Tsv,
    /// The alleles of the run with what was found of them: variants.vcf.gz.
    Vcf,
    /// Quality of the patients' data for MultiQC.
    Multiqc,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DiffArguments {
    /// Output folder of the earlier run.
    #[arg(value_name = "RUN_A")]
    pub(crate) before: PathBuf,
    /// Output folder of the later run.
    #[arg(value_name = "RUN_B")]
    pub(crate) after: PathBuf,
    /// Folder for what changed; it must not exist.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// File with alert rules ('alert') and tolerances ('tolerance'): a file of their own, or
    /// varisk.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArguments,
}
