//! How a network for variants is built and trained.

use serde::{Deserialize, Serialize};

use super::error::SiameseError;

/// How a network for variants is built and trained.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Numbers that a token becomes. Default 16.
    pub embedding: usize,
    /// Tokens that a filter reads, an odd number, so that windows stay centred on the allele. Default 5.
    pub kernel: usize,
    /// Filters of each convolution. Default 32.
    pub filters: usize,
    /// Convolutions, 1 or 2. Default 1.
    pub convolutions: u8,
    /// Units of each hidden dense layer; none for log odds that are linear in what the filters found.
    /// Default 32.
    pub hidden: Vec<usize>,
    /// Share of hidden units that are dropped in training, as in [`crate::network::Settings`]. Default
    /// 0.2; 0 for none.
    pub dropout: f64,
    /// Strength of the L2 penalty on embeddings, weights and biases, added to the gradient before Adam's
    /// moments, as in PyTorch's `Adam`. Default 0.
    pub l2: f64,
    /// Step of Adam. Default 0.001.
    pub learning_rate: f64,
    /// Rows between two steps. Default 64.
    pub batch_size: usize,
    /// Passes over the training rows at most. Default 60.
    pub epochs: usize,
    /// Epochs in a row without a lower stopping loss after which training ends. Without stopping rows
    /// every epoch is run. Default 8.
    pub patience: usize,
    /// Threads that share the rows of a batch; results do not depend on it. Default 1.
    #[serde(skip, default = "one_thread")]
    pub threads: usize,
}

fn one_thread() -> usize {
    1
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            embedding: 16,
            kernel: 5,
            filters: 32,
            convolutions: 1,
            hidden: vec![32],
            dropout: 0.2,
            l2: 0.0,
            learning_rate: 1e-3,
            batch_size: 64,
            epochs: 60,
            patience: 8,
            threads: 1,
        }
    }
}

/// Sizes at most, far above what labelled variants can bear; a typing error would otherwise ask for all
/// memory.
const MOST_LAYERS: usize = 16;
const MOST_UNITS: usize = 1 << 16;
const MOST_FILTERS: usize = 1 << 12;
const MOST_KERNEL: usize = 255;

impl Settings {
    /// Refuses settings that make no sense.
    ///
    /// # Errors
    /// Names the first setting that does not.
    pub fn check(&self) -> Result<(), SiameseError> {
        check(
            (1..=MOST_FILTERS).contains(&self.embedding),
            "embedding",
            &self.embedding,
            "give a number from 1 to 4096",
        )?;
        check(
            self.kernel % 2 == 1 && self.kernel <= MOST_KERNEL,
            "kernel",
            &self.kernel,
            "give an odd number from 1 to 255",
        )?;
        check(
            (1..=MOST_FILTERS).contains(&self.filters),
            "filters",
            &self.filters,
            "give a number from 1 to 4096",
        )?;
        check(
            matches!(self.convolutions, 1 | 2),
            "convolutions",
            &self.convolutions,
            "give 1 or 2",
        )?;
        check(
            self.hidden.len() <= MOST_LAYERS,
            "hidden",
            &format!("a list of {}", self.hidden.len()),
            "give at most 16 layers",
        )?;
        for units in &self.hidden {
            check(
                (1..=MOST_UNITS).contains(units),
                "hidden",
                units,
                "give each layer from 1 to 65536 units",
            )?;
        }
        check(
            (0.0..=0.99).contains(&self.dropout),
            "dropout",
            &self.dropout,
            "give a number from 0 to 0.99",
        )?;
        check(
            self.l2 >= 0.0 && self.l2.is_finite(),
            "l2",
            &self.l2,
            "give 0 or a number above it",
        )?;
        check(
            self.learning_rate > 0.0 && self.learning_rate.is_finite(),
            "learning_rate",
            &self.learning_rate,
            "give a number above 0, such as 0.001",
        )?;
        for (setting, value) in [
            ("batch_size", self.batch_size),
            ("epochs", self.epochs),
            ("patience", self.patience),
            ("threads", self.threads),
        ] {
            check(value > 0, setting, &value, "give at least 1")?;
        }
        Ok(())
    }
}

/// Refuses a setting that does not hold.
pub(super) fn check(
    holds: bool,
    setting: &'static str,
    value: &dyn ToString,
    remedy: &'static str,
) -> Result<(), SiameseError> {
    if holds {
        return Ok(());
    }
    Err(SiameseError::Setting {
        setting,
        value: value.to_string(),
        remedy,
    })
}
