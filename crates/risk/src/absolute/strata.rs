//! Tables and the population of each sex, with the baseline hazards that follow.

use std::path::Path;

use varisk_core::Sex;

use super::config::{ModelConfig, TableConfig};
use super::design::Design;
use super::factor::Origin;
use super::hazard::Hazards;
use super::population::Population;
use super::rates::{RateTable, Rates};
use super::{AbsoluteRiskError, RiskSource};

/// Persons with the same tables.
#[derive(Clone, Debug)]
pub(super) struct Stratum {
    /// `None` where nothing differs by sex.
    pub(super) sex: Option<Sex>,
    pub(super) first: u16,
    /// Last age of the incidence table, plus one.
    pub(super) end: u16,
    pub(super) hazards: Hazards,
    /// Of the tables alone.
    pub(super) average: Hazards,
    pub(super) population: Population,
}

/// What stands in the folder of the model.
pub(super) struct Tables {
    pub(super) strata: Vec<Stratum>,
    pub(super) sources: Vec<RiskSource>,
}

impl Tables {
    /// Reads the tables and the dataset, and estimates the baseline hazards.
    pub(super) fn read(
        path: &Path,
        config: &ModelConfig,
        design: &Design,
    ) -> Result<Self, AbsoluteRiskError> {
        let refuse = |detail: String| AbsoluteRiskError::Model {
            path: path.to_owned(),
            detail,
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut sources = vec![RiskSource {
            role: "log_relative_risks",
            path: path.to_owned(),
            source: config.source.clone(),
            year: config.year,
        }];
        let mut table = |role: &'static str, own: &TableConfig| {
            let path = folder.join(&own.path);
            let rates = RateTable::read(&path)?;
            sources.push(RiskSource {
                role,
                path,
                source: own.source.clone(),
                year: Some(own.year),
            });
            Ok::<_, AbsoluteRiskError>(rates)
        };
        let incidence = table("incidence", &config.incidence)?;
        let mortality = match &config.mortality {
            Some(own) => Some(table("mortality", own)?),
            None => None,
        };
        let population = match &config.reference {
            None => Population::independent(&design.factors, &design.parameters).map_err(refuse)?,
            Some(own) => {
                let path = folder.join(&own.path);
                let read = Population::read(&path, own, &design.factors, &design.parameters)?;
                sources.push(RiskSource {
                    role: "reference",
                    path,
                    source: own.source.clone(),
                    year: own.year,
                });
                read
            }
        };
        let by_sex = incidence.by_sex()
            || mortality.as_ref().is_some_and(RateTable::by_sex)
            || population.by_sex();
        let has_sex_factor = design
            .factors
            .iter()
            .any(|factor| matches!(&factor.origin, Origin::Column(column) if column == "sex"));
        if by_sex && has_sex_factor && !population.by_sex() {
            return Err(refuse(
                "sex is a factor, and the tables are by sex: it would count twice; remove the factor, or give tables of both sexes together".to_owned(),
            ));
        }
        let sexes: &[Option<Sex>] = if by_sex {
            &[Some(Sex::Female), Some(Sex::Male)]
        } else {
            &[None]
        };
        let mut strata = Vec::new();
        for sex in sexes {
            // A table of one sex alone is one of an outcome that only they have.
            let Some(rates) = incidence.of(sex.unwrap_or_default()) else {
                continue;
            };
            let who = sex.map_or("both sexes", Sex::name);
            let competing = competing(mortality.as_ref(), *sex, rates)
                .map_err(|detail| refuse(format!("the mortality table {detail}")))?;
            let population = population.of(*sex).ok_or_else(|| {
                refuse(format!(
                    "the reference dataset has no person of {who} with a weight above 0; add some"
                ))
            })?;
            strata.push(stratum(*sex, rates, competing, population, config, design).ok_or_else(
                || {
                    refuse(format!(
                        "no baseline hazards of {who} fit its log relative risks and distributions, which are too large; correct them"
                    ))
                },
            )?);
        }
        Ok(Self { strata, sources })
    }
}

fn stratum(
    sex: Option<Sex>,
    rates: &Rates,
    competing: Vec<f64>,
    population: Population,
    config: &ModelConfig,
    design: &Design,
) -> Option<Stratum> {
    let (components, spread) = population.distribution(&design.factors, &design.parameters);
    let rule = config.integration;
    let hazards = Hazards::estimate(
        rates.first,
        &rates.yearly,
        competing.clone(),
        &components,
        &spread,
        rule,
    );
    hazards.is_finite().then(|| Stratum {
        sex,
        first: rates.first,
        end: rates.end(),
        hazards,
        average: Hazards::population(rates.first, rates.yearly.clone(), competing, rule),
        population,
    })
}

/// Mortality at the ages of the incidence.
fn competing(
    mortality: Option<&RateTable>,
    sex: Option<Sex>,
    incidence: &Rates,
) -> Result<Vec<f64>, String> {
    let Some(table) = mortality else {
        return Ok(vec![0.0; incidence.yearly.len()]);
    };
    let who = sex.map_or("both sexes", Sex::name);
    let rates = table
        .of(sex.unwrap_or_default())
        .ok_or_else(|| format!("has no rates of {who}, but the incidence table does; add them"))?;
    let (first, end) = (incidence.first, incidence.end());
    let from = first.checked_sub(rates.first).map(usize::from);
    let own = from.and_then(|from| rates.yearly.get(from..from + incidence.yearly.len()));
    own.map(<[f64]>::to_vec).ok_or_else(|| {
        format!(
            "covers ages {} to {} of {who}, the incidence table {first} to {}; let it cover at least those",
            rates.first,
            rates.end() - 1,
            end - 1
        )
    })
}
