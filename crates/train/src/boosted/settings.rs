//! How trees are boosted.

use serde::{Deserialize, Serialize};

use crate::boosted::BoostedError;

/// Codes of bins are bytes, and one of their 256 values stands for a missing value.
const MOST_BINS: usize = 255;

/// Deeper trees than this do not learn more; their nodes would outnumber the rows.
const MOST_DEPTH: usize = 16;

/// How trees are boosted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Most rounds; a round adds one tree, or one for each class. Default 300.
    pub rounds: usize,
    /// Share of each tree's step that is taken, above 0 to 1. Default 0.05.
    pub learning_rate: f64,
    /// Most splits between root and leaf, 1 to 16. Default 4.
    pub depth: usize,
    /// Least sum of second derivatives of the loss in a child. A row of weight 1 brings at most 0.25 for
    /// a binary outcome and 1 for a number; the weights are scaled to a mean of 1 before. Default 2.
    pub min_child_weight: f64,
    /// Penalty on the squared values of leaves. Default 1.
    pub l2: f64,
    /// Share of the rows that each round draws, without replacement, above 0 to 1. Default 1.
    pub subsample: f64,
    /// Share of the columns that each round draws, above 0 to 1. Default 1.
    pub column_subsample: f64,
    /// Most bins of a column, 2 to 255. Columns of fewer distinct values are split between any two of
    /// them. Default 255.
    pub bins: usize,
    /// Rounds without a lower validation loss after which training ends; 0 for never. Default 25.
    pub early_stopping_rounds: usize,
    /// Seed of the drawn rows and columns. Default 0.
    pub seed: u64,
    /// Threads; the model does not depend on their number. Default 1.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rounds: 300,
            learning_rate: 0.05,
            depth: 4,
            min_child_weight: 2.0,
            l2: 1.0,
            subsample: 1.0,
            column_subsample: 1.0,
            bins: MOST_BINS,
            early_stopping_rounds: 25,
            seed: 0,
            threads: 1,
        }
    }
}

/// Settings that a search keeps as they are; learning rate and depth are searched, and seed and threads
/// are those of the whole training. The fields are those of [`Settings`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FixedSettings {
    /// Most rounds.
    pub rounds: usize,
    /// Least sum of second derivatives of the loss in a child.
    pub min_child_weight: f64,
    /// Penalty on the squared values of leaves.
    pub l2: f64,
    /// Share of the rows that each round draws.
    pub subsample: f64,
    /// Share of the columns that each round draws.
    pub column_subsample: f64,
    /// Most bins of a column.
    pub bins: usize,
    /// Rounds without a lower validation loss after which training ends; 0 for never.
    pub early_stopping_rounds: usize,
}

impl Default for FixedSettings {
    fn default() -> Self {
        Self::from(&Settings::default())
    }
}

impl From<&Settings> for FixedSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            rounds: settings.rounds,
            min_child_weight: settings.min_child_weight,
            l2: settings.l2,
            subsample: settings.subsample,
            column_subsample: settings.column_subsample,
            bins: settings.bins,
            early_stopping_rounds: settings.early_stopping_rounds,
        }
    }
}

impl FixedSettings {
    /// With what is searched.
    #[must_use]
    pub fn with(&self, learning_rate: f64, depth: usize) -> Settings {
        Settings {
            rounds: self.rounds,
            learning_rate,
            depth,
            min_child_weight: self.min_child_weight,
            l2: self.l2,
            subsample: self.subsample,
            column_subsample: self.column_subsample,
            bins: self.bins,
            early_stopping_rounds: self.early_stopping_rounds,
            ..Settings::default()
        }
    }
}

impl Settings {
    /// Refuses settings that make no sense.
    pub fn check(&self) -> Result<(), BoostedError> {
        let refuse = |setting, value: String, remedy| {
            Err(BoostedError::Setting {
                setting,
                value,
                remedy,
            })
        };
        for (setting, value) in [
            ("learning_rate", self.learning_rate),
            ("subsample", self.subsample),
            ("column_subsample", self.column_subsample),
        ] {
            if !(value > 0.0 && value <= 1.0) {
                return refuse(setting, value.to_string(), "give more than 0 and at most 1");
            }
        }
        for (setting, value) in [("min_child_weight", self.min_child_weight), ("l2", self.l2)] {
            if !(value >= 0.0 && value.is_finite()) {
                return refuse(setting, value.to_string(), "give a number of 0 or more");
            }
        }
        if self.rounds == 0 {
            return refuse("rounds", self.rounds.to_string(), "give at least 1");
        }
        if !(1..=MOST_DEPTH).contains(&self.depth) {
            return refuse("depth", self.depth.to_string(), "give 1 to 16");
        }
        if !(2..=MOST_BINS).contains(&self.bins) {
            return refuse("bins", self.bins.to_string(), "give 2 to 255");
        }
        if self.threads == 0 {
            return refuse("threads", self.threads.to_string(), "give at least 1");
        }
        Ok(())
    }
}
