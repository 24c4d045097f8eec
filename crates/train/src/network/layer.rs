//! Dense layers: what a network, its gradient and the moments of Adam are made of.

use ndarray::{Array1, Array2, Zip};
use serde::{Deserialize, Serialize};

use super::random::{Purpose, Random};

/// A dense layer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Layer {
    /// Weights, of shape `[outputs, inputs]`.
    pub weights: Array2<f32>,
    /// What is added to each output.
    pub bias: Array1<f32>,
}

impl Layer {
    fn zeros(inputs: usize, outputs: usize) -> Self {
        Self {
            weights: Array2::zeros((outputs, inputs)),
            bias: Array1::zeros(outputs),
        }
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.weights.nrows()
    }

    /// Number of inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.weights.ncols()
    }

    fn is_finite(&self) -> bool {
        let finite = |value: &f32| value.is_finite();
        self.weights.iter().all(finite) && self.bias.iter().all(finite)
    }
}

/// Layers of the given sizes, from the features to the outputs, of zeros.
pub(super) fn zeros(sizes: &[usize]) -> Vec<Layer> {
    let layers = sizes.windows(2);
    layers.map(|pair| Layer::zeros(pair[0], pair[1])).collect()
}

/// First weights and biases: uniform within 1 / sqrt(inputs), which is the Kaiming uniform distribution
/// (He et al. 2015, arXiv:1502.01852) with the gain that PyTorch's `Linear` has.
pub(super) fn initial(sizes: &[usize], seed: u64) -> Vec<Layer> {
    let mut random = Random::new(seed, Purpose::Initial, 0);
    let mut layers = zeros(sizes);
    for layer in &mut layers {
        let bound = 1.0 / (layer.inputs() as f32).sqrt();
        layer
            .weights
            .map_inplace(|value| *value = random.symmetric() * bound);
        layer
            .bias
            .map_inplace(|value| *value = random.symmetric() * bound);
    }
    layers
}

/// Adds the layers of another gradient.
pub(super) fn add(total: &mut [Layer], other: &[Layer]) {
    for (total, other) in total.iter_mut().zip(other) {
        total.weights += &other.weights;
        total.bias += &other.bias;
    }
}

/// Copies values, without new memory.
pub(super) fn copy(from: &[Layer], to: &mut [Layer]) {
    for (from, to) in from.iter().zip(to) {
        to.weights.assign(&from.weights);
        to.bias.assign(&from.bias);
    }
}

/// Sets the last biases, or their derivatives, to 0.
pub(super) fn clear_last_bias(layers: &mut [Layer]) {
    if let Some(last) = layers.last_mut() {
        last.bias.fill(0.0);
    }
}

pub(super) fn is_finite(layers: &[Layer]) -> bool {
    layers.iter().all(Layer::is_finite)
}

/// Whether layers have these sizes.
pub(super) fn have_sizes(layers: &[Layer], sizes: &[usize]) -> bool {
    layers.len() + 1 == sizes.len()
        && layers.iter().zip(sizes.windows(2)).all(|(layer, pair)| {
            layer.weights.dim() == (pair[1], pair[0]) && layer.bias.len() == pair[1]
        })
}

/// Calls `step` for each parameter with its gradient and its two moments.
pub(super) fn for_each_parameter(
    parameters: &mut [Layer],
    gradient: &[Layer],
    first: &mut [Layer],
    second: &mut [Layer],
    step: impl Fn(&mut f32, &f32, &mut f32, &mut f32),
) {
    let moments = first.iter_mut().zip(second);
    for ((layer, gradient), (first, second)) in parameters.iter_mut().zip(gradient).zip(moments) {
        Zip::from(&mut layer.weights)
            .and(&gradient.weights)
            .and(&mut first.weights)
            .and(&mut second.weights)
            .for_each(&step);
        Zip::from(&mut layer.bias)
            .and(&gradient.bias)
            .and(&mut first.bias)
            .and(&mut second.bias)
            .for_each(&step);
    }
}
