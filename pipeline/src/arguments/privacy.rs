//! Arguments about keys, pseudonyms, encryption and who may read what is written.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// How tables are laid out, encrypted, and whom they name.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Tables and privacy")]
pub(crate) struct OutputArguments {
    /// Columns whose values name folders of the tables that have them (item=.../), with commas.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub(crate) partition_by: Vec<String>,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArguments,
    #[command(flatten)]
    pub(crate) pseudonyms: PseudonymArguments,
}

/// Where the keys of encrypted tables come from; never the keys themselves.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct EncryptionArguments {
    /// File with the key of encrypted tables, or TOML with 'footer' and a table 'columns'.
    #[arg(long, value_name = "FILE")]
    pub(crate) encryption_key_file: Option<PathBuf>,
    /// Environment variable with the same.
    #[arg(long, value_name = "NAME", conflicts_with = "encryption_key_file")]
    pub(crate) encryption_key_env: Option<String>,
    /// Command that prints the same.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["encryption_key_file", "encryption_key_env"])]
    pub(crate) encryption_key_command: Option<String>,
}

/// Pseudonyms in place of patients' identifiers.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PseudonymArguments {
    /// File with the key of pseudonyms: every output names patients by a keyed hash.
    #[arg(long, value_name = "FILE")]
    pub(crate) pseudonym_key_file: Option<PathBuf>,
    /// Environment variable with that key.
    #[arg(long, value_name = "NAME", conflicts_with = "pseudonym_key_file")]
    pub(crate) pseudonym_key_env: Option<String>,
    /// Command that prints that key.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["pseudonym_key_file", "pseudonym_key_env"])]
    pub(crate) pseudonym_key_command: Option<String>,
    /// Label of the study; under another label a patient has another pseudonym [default: varisk].
    #[arg(long, value_name = "TEXT")]
    pub(crate) pseudonym_label: Option<String>,
    /// Table that leads from pseudonyms back to patients (CSV); added to, and kept apart from the
    /// results.
    #[arg(long, value_name = "FILE")]
    pub(crate) pseudonym_table: Option<PathBuf>,
}

/// Who may read what is written, and what is noted of each command.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GuardArguments {
    /// Who may read new files: 'private' (you alone), 'group', or 'umask' (what the system grants).
    #[arg(
        long,
        global = true,
        env = "VARISK_FILE_ACCESS",
        default_value = "private",
        hide_env_values = true
    )]
    pub(crate) file_access: FileAccess,
    /// Append to this hash-chained log who ran what on which hashes.
    #[arg(
        long,
        global = true,
        env = "VARISK_AUDIT_LOG",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) audit_log: Option<PathBuf>,
    /// File with a key that signs the lines of the audit log.
    #[arg(
        long,
        global = true,
        env = "VARISK_AUDIT_KEY_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) audit_key_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileAccess {
    /// You alone.
    #[default]
    Private,
    /// You, and your group for reading.
    Group,
    /// What the system grants.
    Umask,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct KeyArguments {
    #[command(subcommand)]
    pub(crate) action: KeyAction,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum KeyAction {
    /// Make a new random key (32 bytes) in a file that you alone can read.
    New {
        /// The file; it must not exist.
        file: PathBuf,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DeidentifyArguments {
    /// Output folder of 'varisk run', 'varisk prs' or 'varisk merge'.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// What is left out and made coarser, and how many patients must be alike (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Output folder; it must not exist.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Count classes and say what would be left out; write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// File with the key of the output's tables: never that of the run, which opens the run too.
    #[arg(long, value_name = "FILE")]
    pub(crate) output_encryption_key_file: Option<PathBuf>,
    /// Write plain tables though those of the run are encrypted.
    #[arg(long, conflicts_with = "output_encryption_key_file")]
    pub(crate) plain_output: bool,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArguments,
    #[command(flatten)]
    pub(crate) pseudonyms: PseudonymArguments,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArguments {
    /// Folder to pack: of a patient's report, of a run.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// Output file (tar, encrypted with age); it must not exist.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Public key of who may open it (age1...); repeatable.
    #[arg(long = "recipient", value_name = "KEY")]
    pub(crate) recipients: Vec<String>,
    /// File with public keys, one on each line; repeatable.
    #[arg(long = "recipients-file", value_name = "FILE")]
    pub(crate) recipient_files: Vec<PathBuf>,
    /// File with a passphrase, instead of public keys.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipients", "recipient_files"])]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AuditArguments {
    #[command(subcommand)]
    pub(crate) action: AuditAction,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AuditAction {
    /// Check every line of an audit log and print its head, to be noted elsewhere.
    Verify {
        /// The log.
        log: PathBuf,
        /// A head that was noted earlier (LINES:SHA256): tells whether lines were cut off since.
        #[arg(long, value_name = "HEAD")]
        head: Option<String>,
    },
}
