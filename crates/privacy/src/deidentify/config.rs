//! The configuration. `schemas/deidentify.schema.json` says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    PrivacyError,
    deidentify::{EVERY_TABLE, PATIENT},
    private_file::io_error,
};

/// More digits than these a number of 64 bits does not hold for sure.
const MOST_DIGITS: u8 = 15;

/// What is left out and made coarser.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whether tables of alleles and columns with genotypes stay. They identify people.
    #[serde(default)]
    pub keep_genotypes: bool,
    /// How many patients must look alike, and in what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k_anonymity: Option<KAnonymity>,
    /// Rules by table; those of `*` are for every table.
    #[serde(default)]
    pub tables: BTreeMap<String, TableRules>,
}

/// How many patients must look alike, and in what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KAnonymity {
    /// The least number of patients with the same quasi-identifiers, at least 2.
    pub k: u32,
    /// `TABLE.COLUMN` of what others may know of a patient, of tables with one row for each patient. What
    /// is compared are the coarsened values.
    pub quasi_identifiers: Vec<String>,
    /// What happens to patients in smaller classes.
    #[serde(default)]
    pub small_classes: SmallClasses,
}

/// What happens to patients of classes that are too small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmallClasses {
    /// The output is refused.
    #[default]
    Refuse,
    /// They are left out of every table.
    Drop,
}

/// Rules of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRules {
    /// Leaves the table out.
    #[serde(default)]
    pub drop: bool,
    /// Columns that are left out.
    #[serde(default)]
    pub drop_columns: Vec<String>,
    /// Columns that are made coarser.
    #[serde(default)]
    pub columns: BTreeMap<String, Coarsening>,
}

/// How the values of a column are made coarser. Missing values stay missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Coarsening {
    /// Numbers become intervals of one width: `40-49` of whole numbers, `40 to <50` of others.
    Bins {
        /// Width of an interval.
        width: f64,
        /// Where an interval begins.
        #[serde(default)]
        origin: f64,
        /// Everything below is one interval, such as `<20`. It must be where an interval begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bottom: Option<f64>,
        /// Everything from here on is one interval, such as `90+`. It must be where an interval begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        top: Option<f64>,
        /// As what an interval is written.
        #[serde(default)]
        write: Written,
    },
    /// Numbers become the intervals between these, `<40`, `40-59`, `60+`, written as text.
    Cuts {
        /// Where intervals begin, ascending.
        at: Vec<f64>,
    },
    /// Numbers beyond a limit become `<18` or `90+`; those between stay.
    Limits {
        /// Everything below is one value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bottom: Option<f64>,
        /// Everything from here on is one value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        top: Option<f64>,
        /// As what a value is written.
        #[serde(default)]
        write: Written,
    },
    /// Numbers lose digits.
    Round {
        /// Digits that stay, 1 to 15.
        significant_digits: u8,
    },
    /// Dates lose the day, or day and month.
    Date {
        /// What stays.
        to: DatePart,
    },
    /// Text keeps its beginning.
    Prefix {
        /// Characters that stay, at least 1.
        length: u32,
    },
    /// Text becomes other text.
    Map {
        /// New text by old.
        values: BTreeMap<String, String>,
        /// What everything else becomes; without it other text is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        other: Option<String>,
    },
}

/// As what a coarsened number is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// As text that shows the interval.
    #[default]
    Label,
    /// As a number: where its interval begins, with what lies beyond a limit written as the limit.
    Number,
}

/// What stays of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatePart {
    /// `1975`.
    Year,
    /// `1975-03`.
    Month,
}

impl Coarsening {
    /// The name that it has in the configuration.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Bins { .. } => "bins",
            Self::Cuts { .. } => "cuts",
            Self::Limits { .. } => "limits",
            Self::Round { .. } => "round",
            Self::Date { .. } => "date",
            Self::Prefix { .. } => "prefix",
            Self::Map { .. } => "map",
        }
    }

    /// What is wrong with its numbers.
    fn defect(&self) -> Option<&'static str> {
        let finite = |numbers: &[Option<f64>]| numbers.iter().flatten().all(|own| own.is_finite());
        match self {
            Self::Bins {
                width,
                origin,
                bottom,
                top,
                ..
            } => {
                let on_edge = |limit: &Option<f64>| {
                    limit.is_none_or(|limit| {
                        let intervals = (limit - origin) / width;
                        (intervals - intervals.round()).abs() < 1e-9
                    })
                };
                if !(width.is_finite() && *width > 0.0) {
                    Some("needs a width greater than 0")
                } else if !finite(&[Some(*origin), *bottom, *top]) {
                    Some("has a number that is not finite")
                } else if !ordered(*bottom, *top) {
                    Some("needs a bottom below its top")
                } else if !(on_edge(bottom) && on_edge(top)) {
                    Some("has a limit within an interval; put it where one begins")
                } else {
                    None
                }
            }
            Self::Cuts { at } => {
                let ascending = at.windows(2).all(|pair| pair[0] < pair[1]);
                (at.is_empty() || !ascending || !at.iter().all(|own| own.is_finite()))
                    .then_some("needs one or more finite numbers, ascending")
            }
            Self::Limits { bottom, top, .. } => {
                if bottom.is_none() && top.is_none() {
                    Some("needs a bottom or a top")
                } else if !finite(&[*bottom, *top]) {
                    Some("has a number that is not finite")
                } else if !ordered(*bottom, *top) {
                    Some("needs a bottom below its top")
                } else {
                    None
                }
            }
            Self::Round { significant_digits } => (!(1..=MOST_DIGITS).contains(significant_digits))
                .then_some("needs 1 to 15 significant digits"),
            Self::Prefix { length } => (*length == 0).then_some("needs a length of at least 1"),
            Self::Map { values, .. } => values.is_empty().then_some("needs values"),
            Self::Date { .. } => None,
        }
    }
}

fn ordered(bottom: Option<f64>, top: Option<f64>) -> bool {
    match (bottom, top) {
        (Some(bottom), Some(top)) => bottom < top,
        _ => true,
    }
}

/// An error of a setting.
pub(super) fn wrong(setting: impl Into<String>, detail: impl Into<String>) -> PrivacyError {
    PrivacyError::Setting {
        setting: setting.into(),
        detail: detail.into(),
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// The file cannot be read, has an unknown field, or a setting that makes no sense.
    pub fn read(path: &Path) -> Result<Self, PrivacyError> {
        let text = std::fs::read_to_string(path).map_err(io_error(path, "reading it"))?;
        // The parser's own text has several lines and quotes one of the file.
        let config: Self = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            PrivacyError::Configuration {
                path: path.into(),
                line,
                detail: error.message().to_owned(),
            }
        })?;
        config.check()?;
        Ok(config)
    }

    /// Whether the settings make sense by themselves, whatever the tables are.
    ///
    /// # Errors
    /// The first setting that makes none.
    pub fn check(&self) -> Result<(), PrivacyError> {
        if let Some(own) = &self.k_anonymity {
            own.check()?;
        }
        for (table, rules) in &self.tables {
            if rules.drop && table == EVERY_TABLE {
                return Err(wrong("tables.*", "drops every table; drop some"));
            }
            if rules.drop && !(rules.drop_columns.is_empty() && rules.columns.is_empty()) {
                return Err(wrong(
                    format!("tables.{table}"),
                    "is dropped and has rules for columns; take out one of the two",
                ));
            }
            for (column, own) in &rules.columns {
                let setting = || format!("tables.{table}.columns.{column}");
                if column == PATIENT {
                    return Err(wrong(
                        setting(),
                        "coarsens the identifier of patients; drop it or use pseudonyms",
                    ));
                }
                if rules.drop_columns.contains(column) {
                    return Err(wrong(
                        setting(),
                        "is dropped as well; take out one of the two",
                    ));
                }
                if let Some(detail) = own.defect() {
                    return Err(wrong(format!("{} ({})", setting(), own.name()), detail));
                }
            }
        }
        Ok(())
    }
}

impl KAnonymity {
    fn check(&self) -> Result<(), PrivacyError> {
        if self.k < 2 {
            return Err(wrong("k_anonymity.k", "needs to be at least 2"));
        }
        if self.quasi_identifiers.is_empty() {
            return Err(wrong(
                "k_anonymity.quasi_identifiers",
                "is empty; name what others may know of a patient as TABLE.COLUMN",
            ));
        }
        let mut seen = BTreeSet::new();
        for own in &self.quasi_identifiers {
            let setting = || format!("k_anonymity.quasi_identifiers: {own}");
            match own.split_once('.') {
                Some((table, column)) if !table.is_empty() && !column.is_empty() => {
                    if column == PATIENT {
                        return Err(wrong(setting(), "is the identifier itself; take it out"));
                    }
                }
                _ => return Err(wrong(setting(), "is not of the form TABLE.COLUMN")),
            }
            if !seen.insert(own) {
                return Err(wrong(setting(), "stands twice; take out one of the two"));
            }
        }
        Ok(())
    }
}
