//! `train.toml`: what to learn, from what, and how.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::boosted;
use crate::linear;
use crate::network;

/// Everything that decides a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The word `patient`, or nothing.
    #[serde(default)]
    pub kind: PatientKind,
    /// Name of the model in columns and features: letters, digits, `-` and `_`.
    pub name: String,
    /// Version of the model.
    pub version: String,
    /// Under which terms the model may be used.
    pub licence: String,
    /// What the model is meant for.
    pub intended_use: String,
    /// What it is trained on, for the card.
    pub training_data: String,
    /// Seed of folds, shuffles and starts.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Where the rows come from.
    pub data: Data,
    /// What is predicted.
    pub outcome: OutcomeSpec,
    /// What it is predicted from.
    #[serde(default)]
    pub predictors: Predictors,
    /// How settings are chosen and the model is tested.
    #[serde(default)]
    pub validation: Validation,
    /// The families to try, each with lists of settings.
    #[serde(rename = "family")]
    pub families: Vec<FamilySpec>,
    /// What becomes of the families.
    #[serde(default)]
    pub combine: Combine,
    /// Calibration of a binary model, fitted on predictions of rows that were left out.
    #[serde(default)]
    pub calibration: CalibrationMethod,
}

/// The word `patient`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PatientKind {
    /// A model of patients.
    #[default]
    Patient,
}

fn default_seed() -> u64 {
    1
}

/// Where the rows come from. Paths are relative to the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// CSV or TSV (gzip or not) or Parquet with a row for each patient: outcome and covariates.
    pub table: PathBuf,
    /// Its column of patient identifiers.
    #[serde(default = "default_patient")]
    pub patient: String,
    /// Output folder of `varisk run` with features of the same patients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<PathBuf>,
    /// Column of what must not be torn apart by folds: a family, a hospital.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

fn default_patient() -> String {
    "patient".to_owned()
}

/// What is predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum OutcomeSpec {
    /// Happens or not.
    Binary {
        /// Its column.
        column: String,
        /// Cells that mean that it happens.
        positive: Vec<Cell>,
        /// Cells that mean that it does not; left out, all others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        negative: Option<Vec<Cell>>,
    },
    /// One of several classes.
    Classes {
        /// Its column.
        column: String,
        /// The classes, in the order of the outputs; left out, all that occur, sorted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        classes: Option<Vec<Cell>>,
    },
    /// Time until an event or the end of observation.
    Survival {
        /// Column of times.
        time: String,
        /// Column that says whether the event happened then.
        event: String,
        /// Cells of it that mean so; all others are censored.
        happened: Vec<Cell>,
        /// Times at which the risk of the event is given out, in the units of `time`.
        horizons: Vec<f64>,
    },
}

/// A cell as TOML writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// True or false.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
}

impl Cell {
    /// Whether a cell of a table says this. `1`, `1.0` and `"1"` are the same.
    #[must_use]
    pub fn is(&self, cell: &varisk_core::Covariate) -> bool {
        match (self, cell) {
            (Self::Number(own), varisk_core::Covariate::Number(number)) => own == number,
            (Self::Text(own), varisk_core::Covariate::Text(text)) => own == text,
            (Self::Text(own), varisk_core::Covariate::Number(number)) => {
                own.parse::<f64>() == Ok(*number)
            }
            (Self::Bool(own), varisk_core::Covariate::Text(text)) => {
                text.eq_ignore_ascii_case(if *own { "true" } else { "false" })
            }
            _ => false,
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What a model predicts from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Predictors {
    /// Covariate columns; left out, all but the outcome, the group and `exclude`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Features of the run, `*` for any text; left out, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// Names that are left out.
    pub exclude: Vec<String>,
    /// Columns of numbers that are codes of categories.
    pub categorical: Vec<String>,
    /// Columns that may predict the outcome perfectly; others that do are refused.
    pub trusted: Vec<String>,
    /// Share of rows at each end of a number's range whose values are drawn to the border.
    pub clip: Clip,
}

/// Share of rows at each end whose values are drawn to the border.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Clip(pub f64);

impl Default for Clip {
    fn default() -> Self {
        Self(0.005)
    }
}

/// How settings are chosen and the model is tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Validation {
    /// Folds that test the whole procedure.
    pub outer_folds: usize,
    /// Folds that choose settings, inside each outer fold.
    pub inner_folds: usize,
    /// Share of the training rows that stops networks and trees early.
    pub stopping_share: f64,
    /// Resamples of the intervals.
    pub bootstrap: usize,
    /// Columns whose values are evaluated apart, such as sex and ancestry.
    pub groups: Vec<String>,
}

impl Default for Validation {
    fn default() -> Self {
        Self {
            outer_folds: 5,
            inner_folds: 5,
            stopping_share: 0.15,
            bootstrap: 1000,
            groups: Vec::new(),
        }
    }
}

/// A family with the settings to search. Each list is tried in full, together with all the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum FamilySpec {
    /// Logistic regression (binary or multinomial) with elastic net.
    Logistic {
        /// Penalties.
        #[serde(default = "default_lambda")]
        lambda: Vec<f64>,
        /// Shares of the absolute in the penalty.
        #[serde(default = "default_l1_ratio")]
        l1_ratio: Vec<f64>,
    },
    /// Cox regression with elastic net.
    Cox {
        /// Penalties.
        #[serde(default = "default_lambda")]
        lambda: Vec<f64>,
        /// Shares of the absolute in the penalty.
        #[serde(default = "default_l1_ratio")]
        l1_ratio: Vec<f64>,
    },
    /// Multilayer network.
    Network {
        /// Layers to try.
        #[serde(default = "default_hidden")]
        hidden: Vec<Vec<usize>>,
        /// Shares of units left out.
        #[serde(default = "default_dropout")]
        dropout: Vec<f64>,
        /// Learning rates.
        #[serde(default = "default_network_rate")]
        learning_rate: Vec<f64>,
        /// All other settings.
        #[serde(default)]
        settings: network::FixedSettings,
    },
    /// Gradient-boosted trees.
    Boosted {
        /// Learning rates.
        #[serde(default = "default_boosted_rate")]
        learning_rate: Vec<f64>,
        /// Depths of a tree.
        #[serde(default = "default_depth")]
        depth: Vec<usize>,
        /// All other settings.
        #[serde(default)]
        settings: boosted::FixedSettings,
    },
}

fn default_lambda() -> Vec<f64> {
    vec![0.1, 0.03, 0.01, 0.003, 0.001]
}

fn default_l1_ratio() -> Vec<f64> {
    vec![0.0, 0.5]
}

fn default_hidden() -> Vec<Vec<usize>> {
    vec![vec![64, 32]]
}

fn default_dropout() -> Vec<f64> {
    vec![0.5]
}

fn default_network_rate() -> Vec<f64> {
    vec![1e-3]
}

fn default_boosted_rate() -> Vec<f64> {
    vec![0.05]
}

fn default_depth() -> Vec<usize> {
    vec![2, 3]
}

impl FamilySpec {
    /// The name in tables.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Logistic { .. } => "logistic",
            Self::Cox { .. } => "cox",
            Self::Network { .. } => "network",
            Self::Boosted { .. } => "boosted",
        }
    }
}

/// What becomes of the families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// The one with the best validation loss is the model.
    #[default]
    Best,
    /// The mean of their predictions.
    Mean,
    /// A logistic regression over their predictions of rows that were left out.
    Stack,
}

/// How a binary model is calibrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrationMethod {
    /// Not at all.
    #[default]
    None,
    /// A logistic curve.
    Platt,
    /// Steps that rise.
    Isotonic,
    /// A curve of the beta family.
    Beta,
}

/// Settings of one candidate of a family. It is written without what a fit takes from elsewhere: seed and
/// threads, and ties where there are no times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "lowercase",
    into = "crate::candidates::Written"
)]
pub enum Candidate {
    /// Logistic regression.
    Logistic(linear::Settings),
    /// Cox regression.
    Cox(linear::Settings),
    /// A network.
    Network(network::Settings),
    /// Trees.
    Boosted(boosted::Settings),
}
