//! State of a training after an epoch.

use serde::{Deserialize, Serialize};

use super::layer::{self, Layer};
use super::settings::Settings;
use super::target::Family;
use crate::network::NetworkError;

/// What an epoch gave.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct EpochRecord {
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    /// Mean loss of the batches as they were learnt: with dropout, and while the weights changed.
    pub training_loss: f64,
    /// Mean loss of the validation data after the epoch, without dropout.
    pub validation_loss: Option<f64>,
    /// Time that the epoch took, with validation.
    pub seconds: f64,
}

/// The lowest validation loss so far, and what gave it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Best {
    pub(super) epoch: usize,
    pub(super) loss: f64,
    pub(super) layers: Vec<Layer>,
}

/// State of a training after an epoch, from which it goes on to the same network bit for bit.
///
/// The state of random numbers is not in it: they follow from seed and epoch. Write it in an encoding
/// that keeps every bit of a number, such as postcard; JSON readers may not.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Checkpoint {
    pub(super) settings: Settings,
    pub(super) family: Family,
    /// Rows of the training data with a weight above 0.
    pub(super) rows: usize,
    pub(super) has_validation: bool,
    /// Steps of Adam.
    pub(super) steps: u64,
    pub(super) layers: Vec<Layer>,
    pub(super) first_moments: Vec<Layer>,
    pub(super) second_moments: Vec<Layer>,
    pub(super) best: Option<Best>,
    pub(super) history: Vec<EpochRecord>,
}

impl Checkpoint {
    /// Epochs done.
    #[must_use]
    pub fn epoch(&self) -> usize {
        self.history.len()
    }

    /// What each epoch gave.
    #[must_use]
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// Epochs since the lowest validation loss.
    pub(super) fn waited(&self) -> usize {
        self.best
            .as_ref()
            .map_or(0, |best| self.epoch().saturating_sub(best.epoch))
    }

    /// Refuses to go on with other data or settings, as far as they can be told apart. More epochs,
    /// patience and threads are no other training.
    pub(super) fn check(&self, fresh: &Self, sizes: &[usize]) -> Result<(), NetworkError> {
        let comparable = |settings: &Settings| Settings {
            epochs: 1,
            patience: 1,
            threads: 1,
            ..settings.clone()
        };
        let all_layers = [&self.layers, &self.first_moments, &self.second_moments];
        let best = self.best.iter().map(|best| &best.layers);
        let mut all_layers = all_layers.into_iter().chain(best);
        let same = [
            (self.family == fresh.family, "kind of outcome"),
            (
                comparable(&self.settings) == comparable(&fresh.settings),
                "setting",
            ),
            (self.rows == fresh.rows, "number of rows"),
            (
                self.has_validation == fresh.has_validation
                    && self.best.is_some() == (self.has_validation && self.epoch() > 0),
                "choice of validation data",
            ),
            (
                all_layers.all(|layers| layer::have_sizes(layers, sizes)),
                "number of features",
            ),
        ];
        let different = same.into_iter().find(|(same, _)| !same);
        different.map_or(Ok(()), |(_, what)| Err(NetworkError::Checkpoint { what }))
    }
}
