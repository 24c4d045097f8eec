//! Absolute risk: from published incidence, mortality and relative risks to the chance of an outcome
//! between two ages, as iCARE estimates it (Pal Choudhury et al. 2020, PLoS ONE 15:e0228198).
//!
//! A model is a TOML file (`schemas/absolute-risk.schema.json`) with tables beside it. The relative
//! risk of a person is `exp` of a sum over factors. The baseline hazard at each age is such that the
//! population, whose joint distribution of factors is declared or given as a dataset, has the
//! incidence of the table. The risk over an interval is that of a person free of the outcome at its
//! start, with death from other causes competing.
//!
//! # Missing factors
//! A risk is averaged over what is not known. With a reference dataset, as in iCARE, the persons
//! stand for the patient whose risk score of the known factors is in the same percentile. Factors
//! that are independent of the dataset, or all of them where there is none, are averaged exactly,
//! given what is known.
//!
//! # Interval
//! The 95 % interval is of the errors of the log relative risks alone, through the linear predictor
//! and the baseline hazard, by the delta method on the scale of `ln(-ln(1 - risk))`. Tables and
//! distributions are taken as known, and the log relative risks as estimated independently.
//!
//! # Family history
//! A score may name the factor of family history that it goes with. Then, as in iCARE's SNP model,
//! the score of persons with a history is higher by half its log relative risk (in standard
//! deviations), and the log relative risk of the history is lower by half the variance of the score
//! on the log scale. Otherwise the two are independent.
//!
//! # Differences from iCARE
//! Rates of an age range are per year, not to be divided over it. The baseline is solved in one pass,
//! not iterated to a tolerance. A score below every person of the dataset is in the first percentile,
//! where py-icare stops. `integration = "constant-hazard"` integrates exactly within each year; the
//! default is iCARE's sum, which overshoots by about half a year's hazard and is cut at 1.

mod assess;
mod bins;
mod config;
mod curve;
mod design;
mod effect;
mod error;
mod factor;
mod hazard;
mod interval;
mod population;
mod rates;
mod span;
mod strata;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use varisk_core::{Covariate, FeatureTable, Patient, Reason};

use assess::Assessor;
use config::ModelConfig;
pub use curve::RiskCurve;
use design::Design;
pub use error::AbsoluteRiskError;
use factor::{Kind, Origin};
use span::Span;
use strata::{Stratum, Tables};

/// A file that a model rests on, to be named in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskSource {
    /// `log_relative_risks`, `incidence`, `mortality` or `reference`.
    pub role: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What the model says of its source.
    pub source: String,
    /// Year of the data.
    pub year: Option<u16>,
}

/// The risk of a patient over one interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AbsoluteRisk {
    /// Probability, 0 to 1.
    pub risk: f64,
    /// 95 % interval from the standard errors of the log relative risks; `None` where one of them is
    /// not stated.
    pub interval: Option<[f64; 2]>,
    /// First age, in completed years.
    pub age_start: u16,
    /// End of the interval in years, not included.
    pub age_end: u16,
    /// Risk of the population over the same ages, from the tables alone, for the patient's sex where
    /// they are by sex.
    pub population_risk: f64,
}

/// What a patient gets for one item.
#[derive(Clone, Debug, PartialEq)]
pub struct AbsoluteRiskOutcome {
    /// The risk, or why there is none.
    pub risk: Result<AbsoluteRisk, Reason>,
    /// How it grows with age; `None` where there is none.
    pub curve: Option<RiskCurve>,
    /// Names of the factors that were averaged over, in the model's order.
    pub missing_factors: Vec<String>,
}

/// Risks over one interval, for the patients that were assessed together.
#[derive(Clone, Debug, PartialEq)]
pub struct AbsoluteRiskItem {
    /// `absolute.<name>.50-60`, `absolute.<name>.10y` or `absolute.<name>.lifetime`.
    pub item: String,
    /// What the value says.
    pub meaning: String,
    /// Name of the model.
    pub model: String,
    /// Its version.
    pub version: String,
    /// One for each patient, in the order given.
    pub outcomes: Vec<AbsoluteRiskOutcome>,
}

/// A model of absolute risk, ready for use.
///
/// # Memory
/// The reference dataset: about 100 bytes, and 8 for each log relative risk, for each of its persons.
#[derive(Clone, Debug)]
pub struct AbsoluteRiskModel {
    config: ModelConfig,
    design: Design,
    strata: Vec<Stratum>,
    spans: Vec<Span>,
    sources: Vec<RiskSource>,
    warnings: Vec<String>,
}

impl AbsoluteRiskModel {
    /// Reads a model and its tables, and estimates the baseline hazards. Paths in the file are
    /// relative to its folder.
    ///
    /// # Errors
    /// A file cannot be read, or states something that makes no sense.
    pub fn read(path: &Path) -> Result<Self, AbsoluteRiskError> {
        let refuse = |detail: String| AbsoluteRiskError::Model {
            path: path.to_owned(),
            detail,
        };
        let config = ModelConfig::read(path)?;
        check_texts(&config).map_err(refuse)?;
        let spans = Span::of(&config).map_err(refuse)?;
        let design = Design::new(&config).map_err(refuse)?;
        let Tables { strata, sources } = Tables::read(path, &config, &design)?;
        for stratum in &strata {
            for span in &spans {
                span.check(stratum).map_err(refuse)?;
            }
        }
        let warnings = warnings(&config, &design);
        Ok(Self {
            config,
            design,
            strata,
            spans,
            sources,
            warnings,
        })
    }

    /// Name, as in items: lower-case letters, digits and underscores.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.config.version
    }

    /// What it is the risk of.
    #[must_use]
    pub fn outcome(&self) -> &str {
        &self.config.outcome
    }

    /// Of which population.
    #[must_use]
    pub fn population(&self) -> &str {
        &self.config.population
    }

    /// Features that it needs, sorted.
    #[must_use]
    pub fn features(&self) -> Vec<&str> {
        let names = self.design.factors.iter().filter_map(|f| match &f.origin {
            Origin::Feature(name) => Some(name.as_str()),
            Origin::Column(_) => None,
        });
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Columns of the samplesheet that it reads, sorted; `sex` is the recorded sex.
    #[must_use]
    pub fn covariates(&self) -> Vec<&str> {
        let names = self.design.factors.iter().filter_map(|f| match &f.origin {
            Origin::Column(name) => Some(name.as_str()),
            Origin::Feature(_) => None,
        });
        names
            .chain(self.age_column())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// The items that [`Self::assess`] gives, in its order.
    #[must_use]
    pub fn items(&self) -> Vec<String> {
        self.spans
            .iter()
            .map(|span| format!("absolute.{}.{}", self.config.name, span.name()))
            .collect()
    }

    /// What it rests on.
    #[must_use]
    pub fn sources(&self) -> &[RiskSource] {
        &self.sources
    }

    /// What a reader of its results should know, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn age_column(&self) -> Option<&str> {
        self.config.age_column.as_deref()
    }

    /// Checks that a run has what the model needs, before any variant is read.
    ///
    /// # Errors
    /// No analysis gives a feature, or a column of numbers holds text.
    pub fn check(
        &self,
        patients: &[Patient],
        feature_names: &[String],
    ) -> Result<(), AbsoluteRiskError> {
        for feature in self.features() {
            if !feature_names.iter().any(|name| name == feature) {
                return Err(AbsoluteRiskError::UnknownFeature {
                    model: self.config.name.clone(),
                    feature: feature.to_owned(),
                });
            }
        }
        let numbers =
            self.design
                .factors
                .iter()
                .filter_map(|factor| match (&factor.origin, &factor.kind) {
                    (Origin::Column(column), Kind::Number(_)) => Some(column.as_str()),
                    _ => None,
                });
        for column in numbers.chain(self.age_column()) {
            let patients = patients
                .iter()
                .filter(|patient| {
                    matches!(patient.covariates.get(column), Some(Covariate::Text(_)))
                })
                .count();
            if patients > 0 {
                return Err(AbsoluteRiskError::TextInNumberColumn {
                    model: self.config.name.clone(),
                    column: column.to_owned(),
                    patients,
                });
            }
        }
        Ok(())
    }

    /// Risks of the patients, one item for each interval that the model asks for. A patient's risk
    /// does not depend on who else is in the run.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn assess(
        &self,
        patients: &[Patient],
        features: &FeatureTable,
    ) -> Result<Vec<AbsoluteRiskItem>, AbsoluteRiskError> {
        let mut assessor = self.assessor(patients, features)?;
        Ok(assessor.assess(patients.iter().enumerate()))
    }

    /// What assesses the patients of a run some at a time, so that the results of all need not stand in
    /// memory at once.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn assessor<'m>(
        &'m self,
        patients: &[Patient],
        features: &'m FeatureTable,
    ) -> Result<AbsoluteRiskAssessor<'m>, AbsoluteRiskError> {
        let names: Vec<String> = features.iter().map(|(name, _)| name.to_owned()).collect();
        self.check(patients, &names)?;
        let assessor = Assessor::new(&self.design, &self.strata, self.age_column(), features);
        Ok(AbsoluteRiskAssessor {
            model: self,
            assessor,
        })
    }

    /// The items, without outcomes.
    fn described(&self) -> Vec<AbsoluteRiskItem> {
        let competing = if self.config.mortality.is_some() {
            "before death from another cause"
        } else {
            "if nobody died of another cause"
        };
        self.spans
            .iter()
            .zip(self.items())
            .map(|(span, item)| AbsoluteRiskItem {
                item,
                meaning: format!(
                    "risk of {} {}, of a person free of it at the start, {competing}",
                    self.config.outcome,
                    span.words(self.config.age_column.is_some())
                ),
                model: self.config.name.clone(),
                version: self.config.version.clone(),
                outcomes: Vec::new(),
            })
            .collect()
    }
}

/// Assesses patients of a run under a model. A patient's result does not depend on who was assessed
/// before.
pub struct AbsoluteRiskAssessor<'m> {
    model: &'m AbsoluteRiskModel,
    assessor: Assessor<'m>,
}

impl AbsoluteRiskAssessor<'_> {
    /// Risks of some patients, each with its place in the run: one item for each interval that the model
    /// asks for.
    pub fn assess<'p>(
        &mut self,
        patients: impl IntoIterator<Item = (usize, &'p Patient)>,
    ) -> Vec<AbsoluteRiskItem> {
        let mut items = self.model.described();
        for (place, patient) in patients {
            let outcomes = self.assessor.assess(place, patient, &self.model.spans);
            for (item, outcome) in items.iter_mut().zip(outcomes) {
                item.outcomes.push(outcome);
            }
        }
        items
    }
}

fn check_texts(config: &ModelConfig) -> Result<(), String> {
    let name = &config.name;
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.bytes().all(letters) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err(format!(
            "name '{name}' is not a lower-case letter followed by letters, digits and underscores; correct it"
        ));
    }
    let mut texts = vec![
        ("version", &config.version),
        ("outcome", &config.outcome),
        ("population", &config.population),
        ("source", &config.source),
        ("incidence.source", &config.incidence.source),
    ];
    texts.extend(
        config
            .mortality
            .iter()
            .map(|own| ("mortality.source", &own.source)),
    );
    texts.extend(
        config
            .reference
            .iter()
            .map(|own| ("reference.source", &own.source)),
    );
    match texts.iter().find(|(_, text)| text.trim().is_empty()) {
        Some((key, _)) => Err(format!(
            "{key} is empty; state it, for it is named in results"
        )),
        None => Ok(()),
    }
}

fn warnings(config: &ModelConfig, design: &Design) -> Vec<String> {
    let mut warnings = Vec::new();
    let name = &config.name;
    if config.mortality.is_none() {
        warnings.push(format!(
            "absolute-risk model '{name}' has no mortality table: its risks are those of people who do not die of anything else, which is too high at old ages"
        ));
    }
    if design
        .parameters
        .iter()
        .any(|own| own.standard_error.is_none())
    {
        warnings.push(format!(
            "absolute-risk model '{name}' states no standard error for some of its log relative risks: its risks have no interval"
        ));
    }
    if config.reference.is_none() && design.factors.len() > 1 {
        warnings.push(format!(
            "absolute-risk model '{name}' has no reference dataset: its factors are taken as independent in the population, but for scores that name a family history"
        ));
    }
    warnings
}
