//! What can go wrong in this crate.

use std::io;
use std::path::PathBuf;

use crate::audit::Defect;

/// What can go wrong with keys, pseudonyms, de-identification, the audit log and exports.
///
/// No message holds a key, an identifier or a value of a patient.
#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    /// A file cannot be read or written.
    #[error("{} cannot be used: {action} failed ({source}); check the path, its permissions and the space left", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A file that must not be there is there.
    #[error("{} exists; choose another name or remove it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A secret file is open to others.
    #[error("{} holds a secret and its mode {mode:03o} gives group or others rights to it; chmod 600 {}", path.display(), path.display())]
    SharedFile {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The operating system has no randomness.
    #[error("the operating system gives no random bytes ({detail}); try again later")]
    Randomness {
        /// What it said.
        detail: String,
    },
    /// A key of another length.
    #[error("the key from {origin} has {bytes} bytes; give one of 16, 24 or 32 bytes")]
    KeyLength {
        /// Where it comes from.
        origin: String,
        /// Its length.
        bytes: usize,
    },
    /// A key that cannot be decoded.
    #[error(
        "what {origin} holds is no key; write 16, 24 or 32 bytes as hexadecimal digits or base64"
    )]
    KeyText {
        /// Where it comes from.
        origin: String,
    },
    /// A set of keys that cannot be parsed.
    #[error(
        "{origin} is no set of keys, see line {line}; write footer = \"KEY\" and, for keys of columns, a table [columns] of lines COLUMN = \"KEY\""
    )]
    KeySetText {
        /// Where it comes from.
        origin: String,
        /// The line, from 1.
        line: usize,
    },
    /// A variable that is not set.
    #[error("environment variable {name} is not set to text; set it to the key")]
    Variable {
        /// Its name.
        name: String,
    },
    /// A command for a key that failed.
    #[error("{origin} failed ({detail}); it must print the key and exit with 0")]
    KeyCommand {
        /// Which command.
        origin: String,
        /// How it failed.
        detail: String,
    },
    /// A label that cannot be told from an identifier.
    #[error("the label of pseudonyms holds a NUL; write it without")]
    Label,
    /// An identifier without a character.
    #[error("a patient identifier is empty; give every patient an identifier")]
    EmptyIdentifier,
    /// Two patients with one pseudonym.
    #[error("two patients of the run have the same pseudonym; choose another label")]
    Collision,
    /// A key table that cannot be read.
    #[error("key table {}, line {line}: {detail}; restore the file from a copy", path.display())]
    KeyTable {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        detail: &'static str,
    },
    /// A key table of other pseudonyms.
    #[error("key table {} gives a patient of this run another pseudonym, or a pseudonym to another patient; use the key and the label that it was made with, or a new table", path.display())]
    KeyTableContradiction {
        /// The file.
        path: PathBuf,
    },
    /// A de-identification configuration that cannot be parsed.
    #[error("{} cannot be read as a de-identification configuration: line {line}: {detail}; correct it", path.display())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        detail: String,
    },
    /// A setting that makes no sense.
    #[error("'{setting}' of the de-identification configuration {detail}")]
    Setting {
        /// The setting.
        setting: String,
        /// What is wrong with it, and the remedy.
        detail: String,
    },
    /// A table that the run does not have.
    #[error(
        "the de-identification configuration names table '{table}', which is not there; there are: {there}"
    )]
    UnknownTable {
        /// The table.
        table: String,
        /// The tables of the run.
        there: String,
    },
    /// A column that a table does not have.
    #[error(
        "the de-identification configuration names column '{column}' of table '{table}', which is not there; there are: {there}"
    )]
    UnknownColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The columns of the table.
        there: String,
    },
    /// A column of a type that a rule does not take.
    #[error(
        "column '{column}' of table '{table}' is of type {found} and '{rule}' takes {takes}; drop the column or use another rule"
    )]
    ColumnType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// The rule.
        rule: &'static str,
        /// What the rule takes.
        takes: &'static str,
    },
    /// A value that a rule cannot coarsen.
    #[error("column '{column}' of table '{table}', row {row} of the batch: {detail}")]
    Value {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The row of the batch, from 1.
        row: usize,
        /// What is wrong, and the remedy.
        detail: &'static str,
    },
    /// A batch that is not what was planned.
    #[error(
        "internal error: a batch of table '{table}' has other columns than its schema; please report this"
    )]
    Batch {
        /// The table.
        table: String,
    },
    /// A patient without identifier.
    #[error(
        "table '{table}' has a row without a patient; a row without one cannot be counted in a class"
    )]
    NoPatient {
        /// The table.
        table: String,
    },
    /// A patient with several rows of quasi-identifiers.
    #[error(
        "table '{table}' has several rows for a patient and quasi-identifiers need one; take them from a table with one row for each patient"
    )]
    RepeatedPatient {
        /// The table.
        table: String,
    },
    /// A table with quasi-identifiers that was not read.
    #[error("internal error: classes were counted without table '{table}'; please report this")]
    Unobserved {
        /// The table.
        table: String,
    },
    /// A patient whom no class was counted for.
    #[error(
        "table '{table}' has a patient who is in no table with quasi-identifiers; name a quasi-identifier of a table with all patients"
    )]
    UnclassifiedPatient {
        /// The table.
        table: String,
    },
    /// Too small a class.
    #[error(
        "{patients} of {all} patients are in classes of fewer than k = {k} patients with the same quasi-identifiers (the smallest has {smallest}); coarsen the quasi-identifiers further, or set small_classes = \"drop\" to leave these patients out"
    )]
    SmallClasses {
        /// Patients in such classes.
        patients: usize,
        /// All patients.
        all: usize,
        /// The least size of a class.
        k: usize,
        /// Size of the smallest class.
        smallest: usize,
    },
    /// Nobody is left.
    #[error(
        "no patient is left: there are none, or every class of quasi-identifiers is smaller than k = {k}; coarsen the quasi-identifiers further"
    )]
    NobodyLeft {
        /// The least size of a class.
        k: usize,
    },
    /// A line of an audit log is wrong.
    #[error("audit log {}, line {line} {defect}; compare the file with a copy", path.display())]
    AuditLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        defect: Defect,
    },
    /// The last line of an audit log is wrong.
    #[error("the last line of audit log {} {defect}; nothing is added to it: check the whole log, keep a copy and start a new one", path.display())]
    AuditTail {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        defect: Defect,
    },
    /// An audit log that was signed.
    #[error("the lines of audit log {} have an HMAC; give the key that it is made with", path.display())]
    AuditKeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// An audit log with another head.
    #[error("audit log {}, line {line} is not the one that was noted; the log was made anew or the head is of another log", path.display())]
    AuditHead {
        /// The file.
        path: PathBuf,
        /// The line of the noted head.
        line: u64,
    },
    /// An audit log that lost lines.
    #[error("audit log {} has {lines} lines and had {expected}; lines were cut off at its end", path.display())]
    AuditCut {
        /// The file.
        path: PathBuf,
        /// Lines that it has.
        lines: u64,
        /// Lines that it had.
        expected: u64,
    },
    /// An audit log without lines.
    #[error("audit log {} has no lines; it was emptied, or nothing was written to it yet", path.display())]
    AuditEmpty {
        /// The file.
        path: PathBuf,
    },
    /// An event that cannot be a line.
    #[error("the event cannot be written to the audit log: {detail}; correct it")]
    AuditEvent {
        /// What is wrong.
        detail: &'static str,
    },
    /// A recipient that is none.
    #[error(
        "{origin} is no age recipient; give an X25519 recipient, which begins with age1, or a file with one on each line"
    )]
    Recipient {
        /// Where it stands.
        origin: String,
    },
    /// Nobody could open an export.
    #[error("the export has no recipient; give at least one, or a file with a passphrase")]
    NoRecipient,
    /// A passphrase that protects nothing.
    #[error("the passphrase in {} has {characters} characters; choose one of at least {needed}", path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
        /// Its length.
        characters: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A file of a folder cannot be exported.
    #[error("{} cannot be exported: {detail}", path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the remedy.
        detail: &'static str,
    },
    /// The program is wrong.
    #[error("internal error: {what} cannot be made; please report this")]
    Internal {
        /// What cannot be made.
        what: &'static str,
    },
    /// A batch cannot be laid out.
    #[error(
        "internal error: a table cannot be laid out after de-identification; please report this"
    )]
    Arrow(#[from] arrow::error::ArrowError),
}
