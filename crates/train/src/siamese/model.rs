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
pub struct SiameseNetwork {
    pub(super) shape: Shape,
    pub(super) parameters: Parameters,
    pub(super) curve: Vec<EpochLosses>,
    pub(super) best_epoch: usize,
}

impl SiameseNetwork {
    /// Log odds of being pathogenic, one for each row, as the weights of training make them.
    ///
    /// # Errors
    /// Rows that are shaped otherwise than in training, tokens outside of the vocabulary, annotation that
    /// is not finite.
    pub fn logits(&self, rows: &Rows<'_>) -> Result<Vec<f64>, SiameseError> {
        self.check()?;
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

    /// Refuses what a damaged file may hold, before an index goes wrong.
    pub(super) fn check(&self) -> Result<(), SiameseError> {
        let expected = self.shape.zeros();
        let is_whole = self.parameters.is_shaped_like(&expected);
        let is_finite = layer::is_finite(&self.parameters.layers);
        match (is_whole, is_finite) {
            (true, true) => Ok(()),
            (false, _) => Err(SiameseError::Damaged { what: "shape" }),
            (true, false) => Err(SiameseError::Damaged { what: "weights" }),
        }
    }
}
