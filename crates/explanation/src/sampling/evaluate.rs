//! Predictions in batches of one size.

use ndarray::ArrayView2;

use super::Model;
use crate::{ExplanationError, SamplingError};

/// Collects rows and predicts them whenever a batch is full.
///
/// The last batch is filled up with copies of its last row: runtimes may round differently for another
/// number of rows, and some models take one number only.
pub(super) struct Evaluator<'a, M> {
    model: &'a mut M,
    batch: usize,
    /// Whose rows; part of messages.
    what: &'static str,
    rows: Vec<f32>,
    columns: usize,
    predictions: Vec<f64>,
}

impl<'a, M: Model> Evaluator<'a, M> {
    pub(super) fn new(model: &'a mut M, batch: usize, what: &'static str) -> Self {
        Self {
            model,
            batch,
            what,
            rows: Vec::new(),
            columns: 0,
            predictions: Vec::new(),
        }
    }

    /// Adds a row of so many columns, which `fill` writes.
    pub(super) fn push(
        &mut self,
        fill: impl FnOnce(&mut [f32]),
        columns: usize,
    ) -> Result<(), SamplingError<M::Error>> {
        let start = self.rows.len();
        self.columns = columns;
        self.rows.resize(start + columns, 0.0);
        fill(&mut self.rows[start..]);
        if self.rows.len() >= self.batch.saturating_mul(columns) {
            self.predict(self.batch)?;
        }
        Ok(())
    }

    /// The predictions of all rows, in their order.
    pub(super) fn finish(mut self) -> Result<Vec<f64>, SamplingError<M::Error>> {
        if let Some(rows) = self.rows.len().checked_div(self.columns)
            && rows > 0
        {
            let last = self.rows[(rows - 1) * self.columns..].to_vec();
            while self.rows.len() < self.batch * self.columns {
                self.rows.extend_from_slice(&last);
            }
            self.predict(rows)?;
        }
        Ok(self.predictions)
    }

    /// Predicts a full batch and keeps the first so many predictions.
    fn predict(&mut self, wanted: usize) -> Result<(), SamplingError<M::Error>> {
        let view = ArrayView2::from_shape((self.batch, self.columns), &self.rows);
        let view = view.map_err(|_| ExplanationError::Predictions {
            predictions: 0,
            rows: self.batch,
        })?;
        let predictions = self.model.predict(view);
        let predictions = predictions.map_err(|source| SamplingError::Model { source })?;
        if predictions.len() != self.batch {
            return Err(ExplanationError::Predictions {
                predictions: predictions.len(),
                rows: self.batch,
            }
            .into());
        }
        let predictions = &predictions[..wanted];
        if !predictions.iter().all(|prediction| prediction.is_finite()) {
            return Err(ExplanationError::Prediction { what: self.what }.into());
        }
        self.predictions.extend_from_slice(predictions);
        self.rows.clear();
        Ok(())
    }
}

/// Copies some players' columns.
pub(super) fn copy_players<'a>(
    to: &mut [f32],
    from: &[f32],
    columns: impl IntoIterator<Item = &'a Vec<usize>>,
) {
    for column in columns.into_iter().flatten() {
        to[*column] = from[*column];
    }
}
