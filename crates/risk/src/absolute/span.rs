//! From which age to which a risk is asked for.

use std::collections::BTreeSet;

use varisk_core::{Covariate, Patient, Reason};

use super::config::ModelConfig;
use super::strata::Stratum;

/// One interval that the model asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Span {
    /// The same ages for everyone.
    Ages { start: u16, end: u16 },
    /// So many years from the patient's age on.
    Horizon { years: u16 },
    /// To the last age of the table, from the patient's age on, or from the first age of the table
    /// where the model names no column of ages.
    Lifetime,
}

impl Span {
    /// The intervals of a model, in the order of the file.
    pub(super) fn of(config: &ModelConfig) -> Result<Vec<Self>, String> {
        let mut spans = Vec::new();
        for [start, end] in &config.ages {
            if start >= end {
                return Err(format!(
                    "ages [{start}, {end}] are not in ascending order; give [first age, end age]"
                ));
            }
            spans.push(Self::Ages {
                start: *start,
                end: *end,
            });
        }
        for years in &config.horizons {
            if *years == 0 {
                return Err("horizons has 0 years; give a number above 0".to_owned());
            }
            spans.push(Self::Horizon { years: *years });
        }
        if config.lifetime {
            spans.push(Self::Lifetime);
        }
        if spans.is_empty() {
            return Err(
                "it asks for no interval; give ages, horizons or lifetime = true".to_owned(),
            );
        }
        if config.age_column.is_none() && !config.horizons.is_empty() {
            return Err(
                "horizons begin at the patient's age; name its column with age_column".to_owned(),
            );
        }
        if let Some(age) = &config.age_column
            && (age.is_empty() || age == "sex")
        {
            return Err("age_column is not a column of ages; correct it".to_owned());
        }
        if spans.iter().collect::<BTreeSet<_>>().len() < spans.len() {
            return Err("it asks for one interval twice; remove one".to_owned());
        }
        Ok(spans)
    }

    /// Refuses fixed ages that a table does not cover.
    pub(super) fn check(self, stratum: &Stratum) -> Result<(), String> {
        match self {
            Self::Ages { start, end } if start < stratum.first || end > stratum.end => {
                Err(format!(
                    "ages [{start}, {end}] are not within the incidence table, which covers [{}, {}]{}; shorten them or extend the table",
                    stratum.first,
                    stratum.end,
                    stratum
                        .sex
                        .map_or_else(String::new, |sex| format!(" for sex '{}'", sex.name()))
                ))
            }
            _ => Ok(()),
        }
    }

    /// First age and end of a patient's interval.
    ///
    /// # Errors
    /// The age is not known, or not within the table.
    pub(super) fn place(
        self,
        stratum: &Stratum,
        age_column: Option<&str>,
        patient: &Patient,
    ) -> Result<[u16; 2], Reason> {
        let age = || match age_column {
            None => Ok(stratum.first),
            Some(column) => match patient.covariates.get(column) {
                None => Err(Reason::CovariateMissing),
                Some(Covariate::Number(age)) => completed_years(*age),
                Some(Covariate::Text(_)) => Err(Reason::CovariateOutOfRange),
            },
        };
        let [start, end] = match self {
            Self::Ages { start, end } => [start, end],
            Self::Horizon { years } => {
                let start = age()?;
                [start, start.saturating_add(years)]
            }
            Self::Lifetime => [age()?, stratum.end],
        };
        if start < stratum.first || end > stratum.end || start >= end {
            return Err(Reason::AgeOutOfTable);
        }
        Ok([start, end])
    }

    /// Last part of the item's name.
    pub(super) fn name(self) -> String {
        match self {
            Self::Ages { start, end } => format!("{start}-{end}"),
            Self::Horizon { years } => format!("{years}y"),
            Self::Lifetime => "lifetime".to_owned(),
        }
    }

    /// The interval in words.
    pub(super) fn words(self, from_age: bool) -> String {
        match self {
            Self::Ages { start, end } => format!("from age {start} to {end}"),
            Self::Horizon { years } => format!("within {years} years of the present age"),
            Self::Lifetime if from_age => {
                "from the present age to the last age of the incidence table".to_owned()
            }
            Self::Lifetime => "from the first to the last age of the incidence table".to_owned(),
        }
    }
}

/// An age in completed years, which is how tables count.
fn completed_years(age: f64) -> Result<u16, Reason> {
    if (0.0..f64::from(u16::MAX)).contains(&age) {
        Ok(age.floor() as u16)
    } else {
        Err(Reason::AgeOutOfTable)
    }
}
