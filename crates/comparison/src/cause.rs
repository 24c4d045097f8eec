//! What a change may come from.

use std::fmt;

use serde::Serialize;

/// Kind of a difference between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A knowledge source is of another release, came or went.
    Knowledge,
    /// A model or scoring file is another one.
    Model,
    /// Files of patients, sites or the reference differ.
    Input,
    /// A setting differs.
    Parameter,
    /// Another library or device ran the models.
    Runtime,
    /// Another version of varisk.
    Program,
}

impl CauseKind {
    /// Its word in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Knowledge => "knowledge",
            Self::Model => "model",
            Self::Input => "input",
            Self::Parameter => "parameter",
            Self::Runtime => "runtime",
            Self::Program => "program",
        }
    }
}

/// A difference between two runs that a change may come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cause {
    /// Its kind.
    pub kind: CauseKind,
    /// What differs: name of a source, model or setting, or role of an input.
    pub name: String,
    /// What it was in run A; none where A did not have it, or where it has no short name.
    pub before: Option<String>,
    /// What it is in run B.
    pub after: Option<String>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)?;
        match (&self.before, &self.after) {
            (None, None) => Ok(()),
            (before, after) => {
                let word = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".into());
                write!(f, ": {} -> {}", word(before), word(after))
            }
        }
    }
}
