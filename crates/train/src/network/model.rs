//! A trained network: prediction, and its graph.

use ndarray::{Array2, ArrayRef2};
use varisk_onnx::{Attribute, GraphBuilder};

use super::checkpoint::EpochRecord;
use super::layer::{self, Layer};
use super::pass::ROWS;
use super::target::{Family, check_finite};
use crate::network::NetworkError;

/// Rows that are predicted at once, so that hidden units need little memory.
const ROWS_AT_ONCE: usize = 1024;

/// A trained network. Between layers values below 0 become 0 (ReLU).
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    layers: Vec<Layer>,
    family: Family,
}

/// A network and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// The network, with the weights of the best epoch.
    pub network: Network,
    /// The epoch that its weights are from: that of the lowest validation loss, or the last.
    pub best_epoch: usize,
    /// What each epoch gave.
    pub history: Vec<EpochRecord>,
}

impl Network {
    pub(super) fn new(layers: Vec<Layer>, family: Family) -> Self {
        Self { layers, family }
    }

    /// Its layers, from the features on.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What its raw output is.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Raw outputs: log odds, logits or log hazards, a row for each row of features, which must be finite.
    pub fn predict_raw(&self, features: &ArrayRef2<f32>) -> Result<Array2<f32>, NetworkError> {
        let expected = self.layers.first().map_or(0, Layer::inputs);
        if features.ncols() != expected {
            return Err(NetworkError::Columns {
                found: features.ncols(),
                expected,
            });
        }
        // ReLU would make a plausible 0 of what is no number.
        check_finite(features)?;
        let mut raw = Array2::zeros((features.nrows(), self.family.outputs()));
        let blocks = raw.axis_chunks_iter_mut(ROWS, ROWS_AT_ONCE);
        for (mut block, features) in blocks.zip(features.axis_chunks_iter(ROWS, ROWS_AT_ONCE)) {
            let mut values = features.to_owned();
            for (number, layer) in self.layers.iter().enumerate() {
                if number > 0 {
                    values.mapv_inplace(|value| value.max(0.0));
                }
                values = values.dot(&layer.weights.t()) + &layer.bias;
            }
            block.assign(&values);
        }
        Ok(raw)
    }

    /// Probabilities: of being a case in one column, or of each class. Log hazards stay what they are.
    pub fn predict(&self, features: &ArrayRef2<f32>) -> Result<Array2<f32>, NetworkError> {
        let mut values = self.predict_raw(features)?;
        match self.family {
            Family::Binary => values.mapv_inplace(|logit| 1.0 / (1.0 + (-logit).exp())),
            Family::Classes(_) => {
                for mut row in values.rows_mut() {
                    let largest = row.fold(f32::NEG_INFINITY, |a, b| a.max(*b));
                    row.mapv_inplace(|logit| (logit - largest).exp());
                    let total = row.sum();
                    row /= total;
                }
            }
            Family::Cox => {}
        }
        Ok(values)
    }

    /// Adds nodes that give the raw outputs from a value of shape `[N, features]`.
    pub fn write(
        &self,
        graph: &mut GraphBuilder,
        input: &str,
        output: &str,
    ) -> Result<(), NetworkError> {
        Ok(layer::write(&self.layers, graph, input, output)?)
    }

    /// Adds a node that makes of raw outputs what [`Network::predict`] gives.
    pub fn write_link(
        &self,
        graph: &mut GraphBuilder,
        raw: &str,
        output: &str,
    ) -> Result<(), NetworkError> {
        match self.family {
            Family::Binary => graph.node("Sigmoid", &[raw], &[output], &[])?,
            Family::Classes(_) => {
                graph.node("Softmax", &[raw], &[output], &[Attribute::int("axis", 1)])?
            }
            Family::Cox => graph.node("Identity", &[raw], &[output], &[])?,
        };
        Ok(())
    }
}
