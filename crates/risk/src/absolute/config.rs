//! The TOML file of a model, as it is written; what it means is checked in `design`, `span` and `strata`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::AbsoluteRiskError;

/// `schemas/absolute-risk.schema.json` describes each key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelConfig {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) outcome: String,
    pub(super) population: String,
    pub(super) source: String,
    pub(super) year: Option<u16>,
    #[serde(default)]
    pub(super) integration: Integration,
    pub(super) age_column: Option<String>,
    #[serde(default)]
    pub(super) ages: Vec<[u16; 2]>,
    #[serde(default)]
    pub(super) horizons: Vec<u16>,
    #[serde(default)]
    pub(super) lifetime: bool,
    pub(super) incidence: TableConfig,
    pub(super) mortality: Option<TableConfig>,
    pub(super) reference: Option<ReferenceConfig>,
    #[serde(rename = "factor", default)]
    pub(super) factors: Vec<FactorConfig>,
}

/// How yearly hazards become a risk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Integration {
    /// The sum of iCARE: the hazard of each year times the chance to enter it.
    #[default]
    YearlySum,
    /// The exact integral where hazards are constant within a year.
    ConstantHazard,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableConfig {
    pub(super) path: PathBuf,
    pub(super) source: String,
    pub(super) year: u16,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReferenceConfig {
    pub(super) path: PathBuf,
    pub(super) source: String,
    pub(super) year: Option<u16>,
    pub(super) weight: Option<String>,
    pub(super) sex: Option<String>,
}

/// One factor. Flat, so that an unknown key is refused by name whatever the kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactorConfig {
    pub(super) name: String,
    pub(super) feature: Option<String>,
    pub(super) covariate: Option<String>,
    pub(super) log_relative_risk_per_sd: Option<f64>,
    pub(super) hazard_ratio_per_sd: Option<f64>,
    pub(super) log_relative_risk_per_unit: Option<f64>,
    pub(super) hazard_ratio_per_unit: Option<f64>,
    pub(super) standard_error: Option<f64>,
    pub(super) interval: Option<[f64; 2]>,
    pub(super) mean: Option<f64>,
    pub(super) standard_deviation: Option<f64>,
    pub(super) range: Option<[f64; 2]>,
    pub(super) family_history: Option<String>,
    pub(super) categories: Option<Vec<CategoryConfig>>,
    #[serde(default)]
    pub(super) required: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CategoryConfig {
    pub(super) value: String,
    pub(super) share: Option<f64>,
    pub(super) log_relative_risk: Option<f64>,
    pub(super) hazard_ratio: Option<f64>,
    pub(super) standard_error: Option<f64>,
    pub(super) interval: Option<[f64; 2]>,
}

impl ModelConfig {
    pub(super) fn read(path: &Path) -> Result<Self, AbsoluteRiskError> {
        let text = std::fs::read_to_string(path).map_err(|source| AbsoluteRiskError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let place = before.map_or_else(String::new, |before| {
                format!("line {}: ", before.matches('\n').count() + 1)
            });
            let message = error.message().trim_end().replace('\n', " ");
            AbsoluteRiskError::Model {
                path: path.to_owned(),
                detail: format!("{place}{message}; see schemas/absolute-risk.schema.json"),
            }
        })
    }
}
