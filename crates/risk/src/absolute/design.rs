//! Factors as the file declares them, checked.

use std::collections::BTreeSet;

use super::config::{CategoryConfig, FactorConfig, ModelConfig};
use super::effect::{Effect, Stated};
use super::factor::{
    Category, CategoryFactor, Factor, History, Kind, NumberFactor, Origin, Parameter,
};

/// By how much the shares of categories may differ from 1 in sum: rounding in print.
const SHARE_ROUNDING: f64 = 1e-3;

/// Largest standard deviation of the linear predictor from factors that are normal. A hazard ratio
/// of 148 per standard deviation is a slip, and would need ever finer steps to average over.
const MAX_DEVIATION: f64 = 5.0;

/// Endings of features that are standard normal in the panel.
const Z_FEATURES: [&str; 4] = [".z", ".z_norm1", ".z_norm2", ".z_most_similar"];

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
        design.check_deviation()?;
        Ok(design)
    }

    fn check_deviation(&self) -> Result<(), String> {
        let variance: f64 = self
            .factors
            .iter()
            .filter_map(Factor::as_number)
            .filter_map(|number| {
                let [_, deviation] = number.normal?;
                Some((self.parameters.get(number.parameter)?.log * deviation).powi(2))
            })
            .sum();
        let deviation = variance.sqrt();
        if deviation <= MAX_DEVIATION {
            return Ok(());
        }
        Err(format!(
            "its scores and numbers spread log relative risks with a standard deviation of {deviation:.1}, which is too large (the limit is {MAX_DEVIATION}); correct their effects or units"
        ))
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
        let stated = normal(factor.mean, factor.standard_deviation)?;
        let feature = factor.feature.as_deref().unwrap_or_default();
        let is_z = Z_FEATURES.iter().any(|ending| feature.ends_with(ending));
        if stated.is_none() && feature.starts_with("polygenic.") && !is_z {
            return Err(format!(
                "'{feature}' is no Z, so its effect per standard deviation needs the mean and standard_deviation of the population; give both, or take polygenic.SCORE.z"
            ));
        }
        let [centre, scale] = stated.unwrap_or([0.0, 1.0]);
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
