//! The audit log: who computed what from what, in a file that only grows.
//!
//! A line is a JSON object that holds the SHA-256 of the line before it, so a line cannot be changed,
//! taken out, put in or moved without breaking the chain. Two things a chain alone cannot show. Whoever
//! may write the file can make the whole chain anew: an HMAC on every line, with a key that this person
//! does not have, prevents it. And lines cut off at the end leave a sound chain: note the [`Head`] after
//! each run in another place, and [`verify`] with it.

mod entry;
mod log;
mod verify;

use serde::{Deserialize, Serialize};

pub use log::append;
pub use verify::{Defect, verify};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitState {
    /// It has begun and not ended yet.
    Started,
    /// It did what it was asked.
    Completed,
    /// It ended with an error.
    Failed,
    /// It was stopped from outside.
    Interrupted,
}

/// An input file of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What it was to the command, such as `variants` or `reference`.
    pub role: String,
    /// SHA-256 of its content, as 64 small hexadecimal digits.
    pub sha256: String,
}

/// What a line says of a command. Paths are left out, for names of files are often names of patients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who ran it.
    pub user: String,
    /// The machine it ran on.
    pub host: String,
    /// The command, such as `run`.
    pub verb: String,
    /// Version of the program.
    pub program_version: String,
    /// SHA-256 of all that decides the result, where the command has a plan.
    pub plan_sha256: Option<String>,
    /// Files that it read.
    pub inputs: Vec<Input>,
    /// SHA-256 of what it wrote.
    pub outputs_sha256: Vec<String>,
    /// How it ended.
    pub exit: ExitState,
}

impl Event {
    /// An event of the user and machine of this process, without plan, inputs and outputs yet.
    #[must_use]
    pub fn here(verb: &str, program_version: &str, exit: ExitState) -> Self {
        let or_unknown =
            |name: Result<String, whoami::Error>| name.unwrap_or_else(|_| "unknown".into());
        Self {
            user: or_unknown(whoami::username()),
            host: or_unknown(whoami::hostname()),
            verb: verb.into(),
            program_version: program_version.into(),
            plan_sha256: None,
            inputs: Vec::new(),
            outputs_sha256: Vec::new(),
            exit,
        }
    }
}

/// The end of a log: with it a log that lost its last lines is found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Number of lines.
    pub lines: u64,
    /// SHA-256 of the last line with its line end, as 64 hexadecimal digits.
    pub sha256: String,
}

#[cfg(test)]
mod tests;
