//! From the file as written to a model that is known to be sound.

use std::collections::BTreeSet;
use std::path::Path;

use varisk_core::Sex;

use super::config::{CategoryConfig, FactorConfig, ModelConfig, TableConfig};
use super::effect::{Effect, Stated};
use super::factor::{
    Category, CategoryFactor, Factor, History, Kind, NumberFactor, Origin, Parameter,
};
use super::hazard::Hazards;
use super::population::Population;
use super::rates::{RateTable, Rates};
use super::{AbsoluteRiskError, RiskSource};

/// By how much the shares of categories may differ from 1 in sum: rounding in print.
const SHARE_ROUNDING: f64 = 1e-3;

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

/// Factors and parameters.
#[derive(Clone, Debug, Default)]
pub(super) struct Design {
    pub(super) factors: Vec<Factor>,
    pub(super) parameters: Vec<Parameter>,
}

impl Design {
    /// Checks each factor and its ties to others.
    pub(super) fn new(config: &ModelConfig) -> Result<Self, String> {
        let mut design = Self::default();
        let mut names = BTreeSet::new();
        for factor in &config.factors {
            let name = &factor.name;
            if name.is_empty() || !names.insert(name) {
                return Err(format!(
                    "two factors are named '{name}', or one has an empty name; give each a name of its own"
                ));
            }
            design
                .add(factor, config.reference.is_some())
                .map_err(|detail| format!("factor '{name}': {detail}"))?;
        }
        for (place, factor) in config.factors.iter().enumerate() {
            if let Some(history) = &factor.family_history {
                design
                    .tie(place, history)
                    .map_err(|detail| format!("factor '{}': {detail}", factor.name))?;
            }
        }
        Ok(design)
    }

    fn parameter(&mut self, effect: Effect) -> usize {
        self.parameters.push(Parameter {
            log: effect.log,
            standard_error: effect.standard_error,
        });
        self.parameters.len() - 1
    }

    fn add(&mut self, factor: &FactorConfig, reference: bool) -> Result<(), String> {
        let (origin, kind) = match (&factor.feature, &factor.covariate, &factor.categories) {
            (Some(feature), None, None) => (Origin::Feature(feature.clone()), self.score(factor)?),
            (None, Some(column), None) => (
                Origin::Column(column.clone()),
                self.covariate(factor, reference)?,
            ),
            (None, Some(column), Some(categories)) => (
                Origin::Column(column.clone()),
                self.categories(factor, categories, reference)?,
            ),
            (Some(_), None, Some(_)) => {
                return Err("a score has no categories; remove them".to_owned());
            }
            (Some(_), Some(_), _) | (None, None, _) => {
                return Err(
                    "it must have one of feature (a score) and covariate (a column); give one"
                        .to_owned(),
                );
            }
        };
        self.factors.push(Factor {
            name: factor.name.clone(),
            origin,
            required: factor.required,
            kind,
        });
        Ok(())
    }

    fn score(&mut self, factor: &FactorConfig) -> Result<Kind, String> {
        refuse(
            &[
                (
                    "log_relative_risk_per_unit",
                    factor.log_relative_risk_per_unit.is_some(),
                ),
                (
                    "hazard_ratio_per_unit",
                    factor.hazard_ratio_per_unit.is_some(),
                ),
                ("range", factor.range.is_some()),
            ],
            "a score",
        )?;
        let effect = Stated {
            log: factor.log_relative_risk_per_sd,
            ratio: factor.hazard_ratio_per_sd,
            standard_error: factor.standard_error,
            interval: factor.interval,
        }
        .effect("log_relative_risk_per_sd", "hazard_ratio_per_sd")?;
        let [centre, scale] = normal(factor.mean, factor.standard_deviation)?.unwrap_or([0.0, 1.0]);
        if scale == 0.0 {
            return Err("standard_deviation is 0; give a number above 0".to_owned());
        }
        Ok(Kind::Number(NumberFactor {
            parameter: self.parameter(effect),
            centre,
            scale,
            range: None,
            normal: Some([0.0, 1.0]),
            family_history: None,
        }))
    }

    fn covariate(&mut self, factor: &FactorConfig, reference: bool) -> Result<Kind, String> {
        refuse(
            &[
                (
                    "log_relative_risk_per_sd",
                    factor.log_relative_risk_per_sd.is_some(),
                ),
                ("hazard_ratio_per_sd", factor.hazard_ratio_per_sd.is_some()),
                ("family_history", factor.family_history.is_some()),
            ],
            "a covariate",
        )?;
        let effect = Stated {
            log: factor.log_relative_risk_per_unit,
            ratio: factor.hazard_ratio_per_unit,
            standard_error: factor.standard_error,
            interval: factor.interval,
        }
        .effect("log_relative_risk_per_unit", "hazard_ratio_per_unit")?;
        let [lower, upper] = factor
            .range
            .ok_or("it has no range; give the valid values as [lowest, highest]")?;
        if !(lower.is_finite() && upper.is_finite() && lower <= upper) {
            return Err(format!(
                "range [{lower}, {upper}] is not two finite numbers in ascending order; correct it"
            ));
        }
        let normal = normal(factor.mean, factor.standard_deviation)?;
        match (normal, reference) {
            (None, false) => Err(
                "without a reference dataset its distribution must be declared; give mean and standard_deviation"
                    .to_owned(),
            ),
            (Some(_), true) => Err(
                "the reference dataset gives its distribution; remove mean and standard_deviation"
                    .to_owned(),
            ),
            (normal, _) => Ok(Kind::Number(NumberFactor {
                parameter: self.parameter(effect),
                centre: 0.0,
                scale: 1.0,
                range: Some([lower, upper]),
                normal,
                family_history: None,
            })),
        }
    }

    fn categories(
        &mut self,
        factor: &FactorConfig,
        declared: &[CategoryConfig],
        reference: bool,
    ) -> Result<Kind, String> {
        refuse(
            &[
                (
                    "log_relative_risk_per_sd",
                    factor.log_relative_risk_per_sd.is_some(),
                ),
                ("hazard_ratio_per_sd", factor.hazard_ratio_per_sd.is_some()),
                (
                    "log_relative_risk_per_unit",
                    factor.log_relative_risk_per_unit.is_some(),
                ),
                (
                    "hazard_ratio_per_unit",
                    factor.hazard_ratio_per_unit.is_some(),
                ),
                ("standard_error", factor.standard_error.is_some()),
                ("interval", factor.interval.is_some()),
                ("mean", factor.mean.is_some()),
                ("standard_deviation", factor.standard_deviation.is_some()),
                ("range", factor.range.is_some()),
                ("family_history", factor.family_history.is_some()),
            ],
            "a factor with categories",
        )?;
        if declared.len() < 2 {
            return Err("it has fewer than two categories; declare all of them".to_owned());
        }
        let mut categories: Vec<Category> = Vec::with_capacity(declared.len());
        for category in declared {
            let value = &category.value;
            if categories.iter().any(|other| same(&other.value, value)) {
                return Err(format!("category '{value}' is there twice; remove one"));
            }
            let own = self
                .category(category, reference)
                .map_err(|detail| format!("category '{value}': {detail}"))?;
            categories.push(own);
        }
        let shares: f64 = categories.iter().map(|category| category.share).sum();
        if !reference && (shares - 1.0).abs() > SHARE_ROUNDING {
            return Err(format!(
                "the shares of its categories sum to {shares}; they must sum to 1"
            ));
        }
        if !reference {
            for category in &mut categories {
                category.share /= shares;
            }
        }
        Ok(Kind::Categories(CategoryFactor {
            categories,
            history: None,
        }))
    }

    fn category(&mut self, own: &CategoryConfig, reference: bool) -> Result<Category, String> {
        let effect = Stated {
            log: own.log_relative_risk,
            ratio: own.hazard_ratio,
            standard_error: own.standard_error,
            interval: own.interval,
        }
        .effect("log_relative_risk", "hazard_ratio")?;
        let share = match (own.share, reference) {
            (Some(share), false) if share > 0.0 && share <= 1.0 => share,
            (Some(share), false) => {
                return Err(format!(
                    "share is {share}; give a number above 0, and 1 at most"
                ));
            }
            (None, false) => {
                return Err(
                    "without a reference dataset its share of the population must be declared; give share"
                        .to_owned(),
                );
            }
            (Some(_), true) => {
                return Err("the reference dataset gives its share; remove share".to_owned());
            }
            (None, true) => 0.0,
        };
        let baseline = effect.log == 0.0 && effect.standard_error.is_none_or(|error| error == 0.0);
        Ok(Category {
            value: own.value.clone(),
            parameter: (!baseline).then(|| self.parameter(effect)),
            share,
        })
    }

    /// Ties a score to the family history that goes with it.
    fn tie(&mut self, score: usize, history: &str) -> Result<(), String> {
        let place = self
            .factors
            .iter()
            .position(|factor| factor.name == history)
            .ok_or_else(|| {
                format!("family_history names '{history}', which is no factor; name one")
            })?;
        let parameter = match self.factors.get_mut(score).map(|factor| &mut factor.kind) {
            Some(Kind::Number(number)) => {
                number.family_history = Some(place);
                number.parameter
            }
            _ => return Err("only a score goes with family_history; remove it".to_owned()),
        };
        let Some(Kind::Categories(own)) = self.factors.get_mut(place).map(|f| &mut f.kind) else {
            return Err(format!(
                "family_history names '{history}', which has no categories; name a factor with two"
            ));
        };
        let category = match own.categories.as_slice() {
            [none, some] if none.parameter.is_none() && some.parameter.is_some() => 1,
            [some, none] if none.parameter.is_none() && some.parameter.is_some() => 0,
            _ => {
                return Err(format!(
                    "family_history names '{history}', which must have two categories, one of them with a log_relative_risk of 0"
                ));
            }
        };
        own.history
            .get_or_insert(History {
                category,
                scores: Vec::new(),
            })
            .scores
            .push(parameter);
        Ok(())
    }
}

/// Refuses keys that another kind of factor has.
fn refuse(keys: &[(&str, bool)], what: &str) -> Result<(), String> {
    match keys.iter().find(|(_, present)| *present) {
        Some((key, _)) => Err(format!("{what} has no {key}; remove it")),
        None => Ok(()),
    }
}

/// Mean and standard deviation: both or neither.
fn normal(mean: Option<f64>, deviation: Option<f64>) -> Result<Option<[f64; 2]>, String> {
    match (mean, deviation) {
        (None, None) => Ok(None),
        (Some(mean), Some(deviation))
            if mean.is_finite() && deviation.is_finite() && deviation >= 0.0 =>
        {
            Ok(Some([mean, deviation]))
        }
        (Some(_), Some(_)) => Err(
            "mean or standard_deviation is not finite, or the latter is below 0; correct it"
                .to_owned(),
        ),
        _ => Err("it has one of mean and standard_deviation; give both".to_owned()),
    }
}

/// Whether two categories would match the same cell.
fn same(a: &str, b: &str) -> bool {
    a == b || matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
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
