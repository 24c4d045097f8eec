//! A trained network: prediction.

use serde::{Deserialize, Serialize};

use super::error::SiameseError;
use super::parameters::{Parameters, Shape};
use super::part::Part;
use super::task::Rows;
use crate::network::layer;
use crate::network::pass::Dropout;

/// Rows that are predicted at once, so that strips stay in the cache.
pub(super) const ROWS_AT_ONCE: usize = 16;

/// What an epoch gave.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct EpochLosses {
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    /// Mean loss of the batches as they were learnt: with dropout, and while the weights changed.
    pub training: f64,
    /// Mean loss of the stopping rows after the epoch, without dropout.
    pub stopping: Option<f64>,
}

/// A trained network for variants, without the data it was trained on.
///
/// Write it in an encoding that keeps every bit of a number, such as postcard; JSON readers may not.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "Stored")]
pub struct SiameseNetwork {
    pub(super) shape: Shape,
    pub(super) parameters: Parameters,
    pub(super) curve: Vec<EpochLosses>,
    pub(super) best_epoch: usize,
}

/// A network as it is read, before it is known to fit together.
#[derive(Deserialize)]
struct Stored {
    shape: Shape,
    parameters: Parameters,
    curve: Vec<EpochLosses>,
    best_epoch: usize,
}

impl TryFrom<Stored> for SiameseNetwork {
    type Error = SiameseError;

    /// Refuses what a damaged file may hold, before an index goes wrong.
    fn try_from(stored: Stored) -> Result<Self, SiameseError> {
        let damaged = |what| SiameseError::Damaged { what };
        if !stored.shape.is_sound() {
            return Err(damaged("sizes are not those of a network"));
        }
        if !stored.parameters.have_sizes_of(&stored.shape) {
            return Err(damaged("weights have other sizes"));
        }
        if !layer::is_finite(&stored.parameters.layers) {
            return Err(damaged("weights are not finite"));
        }
        Ok(Self {
            shape: stored.shape,
            parameters: stored.parameters,
            curve: stored.curve,
            best_epoch: stored.best_epoch,
        })
    }
}

impl SiameseNetwork {
    /// Log odds of being pathogenic, one for each row, as the weights of training make them.
    ///
    /// # Errors
    /// Rows that are shaped otherwise than in training, tokens outside of the vocabulary, annotation that
    /// is not finite.
    pub fn logits(&self, rows: &Rows<'_>) -> Result<Vec<f64>, SiameseError> {
        rows.check(&self.shape)?;
        let numbers: Vec<u32> = (0_u32..).take(rows.len()).collect();
        let mut part = Part::new(ROWS_AT_ONCE, &self.shape, false);
        let mut logits = Vec::with_capacity(rows.len());
        for numbers in numbers.chunks(ROWS_AT_ONCE) {
            let values = part.forward(&self.parameters, rows, numbers, Dropout::NONE, None);
            logits.extend(values.map(f64::from));
        }
        Ok(logits)
    }

    /// Losses of each epoch.
    #[must_use]
    pub fn curve(&self) -> &[EpochLosses] {
        &self.curve
    }

    /// The epoch that the weights are from: that of the lowest stopping loss, or the last.
    #[must_use]
    pub fn best_epoch(&self) -> usize {
        self.best_epoch
    }

    /// Size of the vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.shape.vocabulary
    }

    /// Tokens of a window.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.shape.tokens
    }

    /// Elements of annotation.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.shape.elements
    }
}
