//! How a network is trained.

use serde::{Deserialize, Serialize};

use crate::network::NetworkError;

/// How a network is trained.
///
/// The defaults are those of a small network for some hundred features: two hidden layers, half of
/// whose units are dropped in training, and Adam with the step that its authors recommend.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Units of each hidden layer, from the input on; none for a model that is linear. Default 64
    /// and 32.
    pub hidden: Vec<usize>,
    /// What hidden units do with their sums. Default `relu`.
    pub activation: Activation,
    /// Share of hidden units that are dropped in training (Srivastava et al. 2014, JMLR 15:1929);
    /// what stays is scaled by 1 / (1 - dropout), so that prediction drops and scales nothing. It is
    /// applied in steps of 1/65536. Default 0.5; 0 for none.
    pub dropout: f64,
    /// Step of Adam. Default 0.001.
    pub learning_rate: f64,
    /// Strength of the L2 penalty on all weights and biases, added to the gradient before Adam's
    /// moments, as in PyTorch's `Adam`. Default 0.
    pub weight_decay: f64,
    /// Rows between two steps. For survival, patients at risk are those of the batch, so choose it so
    /// large that most batches have many events. Default 256.
    pub batch_size: usize,
    /// Passes over the training data at most. Default 100.
    pub epochs: usize,
    /// Epochs in a row without a lower validation loss after which training ends. Without validation
    /// data every epoch is run. Default 10.
    pub patience: usize,
    /// Whether classes count equally however many rows they have. Default `none`.
    pub class_weights: ClassWeights,
    /// Seed of first weights, order of rows and dropout. Default 0.
    pub seed: u64,
    /// Threads that share the rows of a batch; results do not depend on it. Default 1.
    pub threads: usize,
}

/// Settings that a search keeps as they are; layers, dropout and learning rate are searched, and seed and
/// threads are those of the whole training. The fields are those of [`Settings`].
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FixedSettings {
    /// What hidden units do with their sums.
    pub activation: Activation,
    /// Strength of the L2 penalty.
    pub weight_decay: f64,
    /// Rows between two steps.
    pub batch_size: usize,
    /// Passes over the training data at most.
    pub epochs: usize,
    /// Epochs without a lower validation loss after which training ends.
    pub patience: usize,
    /// Whether classes count equally.
    pub class_weights: ClassWeights,
}

impl Default for FixedSettings {
    fn default() -> Self {
        Self::from(&Settings::default())
    }
}

impl From<&Settings> for FixedSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            activation: settings.activation,
            weight_decay: settings.weight_decay,
            batch_size: settings.batch_size,
            epochs: settings.epochs,
            patience: settings.patience,
            class_weights: settings.class_weights,
        }
    }
}

impl FixedSettings {
    /// With what is searched.
    #[must_use]
    pub fn with(&self, hidden: &[usize], dropout: f64, learning_rate: f64) -> Settings {
        Settings {
            hidden: hidden.to_vec(),
            activation: self.activation,
            dropout,
            learning_rate,
            weight_decay: self.weight_decay,
            batch_size: self.batch_size,
            epochs: self.epochs,
            patience: self.patience,
            class_weights: self.class_weights,
            ..Settings::default()
        }
    }
}

/// What hidden units do with their sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The sum where it is positive, else 0.
    #[default]
    Relu,
}

/// Whether rows are weighted by their class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// They are not.
    #[default]
    None,
    /// Each class counts equally: by total weight / (classes x weight of the class). Probabilities are
    /// then those of a population in which classes are equally frequent; calibrate them. Not for
    /// survival.
    Balanced,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hidden: vec![64, 32],
            activation: Activation::default(),
            dropout: 0.5,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            batch_size: 256,
            epochs: 100,
            patience: 10,
            class_weights: ClassWeights::default(),
            seed: 0,
            threads: 1,
        }
    }
}

/// Layers and units at most, far above what tables of patients can bear; a typing error would
/// otherwise ask for all memory.
const MOST_LAYERS: usize = 16;
const MOST_UNITS: usize = 1 << 16;

impl Settings {
    pub(crate) fn check(&self) -> Result<(), NetworkError> {
        let check = |holds: bool, setting, value: &dyn ToString, remedy| {
            if holds {
                return Ok(());
            }
            Err(NetworkError::Setting {
                setting,
                value: value.to_string(),
                remedy,
            })
        };
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
            self.learning_rate > 0.0 && self.learning_rate.is_finite(),
            "learning_rate",
            &self.learning_rate,
            "give a number above 0, such as 0.001",
        )?;
        check(
            self.weight_decay >= 0.0 && self.weight_decay.is_finite(),
            "weight_decay",
            &self.weight_decay,
            "give 0 or a number above it",
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
