//! Who the results are for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Recorded sex, as it decides the expected ploidy of X and Y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// XX.
    Female,
    /// XY.
    Male,
    /// Not recorded: calls are taken as the file writes them.
    #[default]
    Unknown,
}

impl Sex {
    /// Reads the forms used in samplesheets and PED files; `None` if it is none of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "female" | "f" | "xx" | "2" => Some(Self::Female),
            "male" | "m" | "xy" | "1" => Some(Self::Male),
            "" | "unknown" | "u" | "0" | "na" | "." | "other" => Some(Self::Unknown),
            _ => None,
        }
    }

    /// The published text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Unknown => "unknown",
        }
    }
}

/// One value of a samplesheet column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Covariate {
    /// A finite number.
    Number(f64),
    /// Anything else that is not empty.
    Text(String),
}

/// A patient of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Patient {
    /// Identifier in all outputs; unique in a run.
    pub id: String,
    /// Recorded sex.
    pub sex: Sex,
    /// Covariates by column name; an empty cell has no entry.
    pub covariates: BTreeMap<String, Covariate>,
}
