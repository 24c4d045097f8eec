//! Dense layers: what a network, its gradient and the moments of Adam are made of.

use ndarray::{Array1, Array2, Zip};
use serde::{Deserialize, Serialize};
use varisk_onnx::{Attribute, GraphBuilder, OnnxError};

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

    /// First weights and biases: uniform within 1 / sqrt(inputs), which is the Kaiming uniform
    /// distribution (He et al. 2015, arXiv:1502.01852) with the gain that PyTorch's `Linear` and
    /// `Conv1d` have.
    pub(crate) fn initialise(&mut self, random: &mut Random) {
        let bound = 1.0 / (self.inputs() as f32).sqrt();
        self.weights
            .map_inplace(|value| *value = random.symmetric() * bound);
        self.bias
            .map_inplace(|value| *value = random.symmetric() * bound);
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
pub(crate) fn zeros(sizes: &[usize]) -> Vec<Layer> {
    let layers = sizes.windows(2);
    layers.map(|pair| Layer::zeros(pair[0], pair[1])).collect()
}

/// Layers before training.
pub(crate) fn initial(sizes: &[usize], seed: u64) -> Vec<Layer> {
    let mut random = Random::new(seed, Purpose::Initial, 0);
    let mut layers = zeros(sizes);
    for layer in &mut layers {
        layer.initialise(&mut random);
    }
    layers
}

/// Adds the layers of another gradient.
pub(crate) fn add(total: &mut [Layer], other: &[Layer]) {
    for (total, other) in total.iter_mut().zip(other) {
        total.weights += &other.weights;
        total.bias += &other.bias;
    }
}

/// Copies values, without new memory.
pub(crate) fn copy(from: &[Layer], to: &mut [Layer]) {
    for (from, to) in from.iter().zip(to) {
        to.weights.assign(&from.weights);
        to.bias.assign(&from.bias);
    }
}

/// Sets the last biases, or their derivatives, to 0.
pub(crate) fn clear_last_bias(layers: &mut [Layer]) {
    if let Some(last) = layers.last_mut() {
        last.bias.fill(0.0);
    }
}

pub(crate) fn is_finite(layers: &[Layer]) -> bool {
    layers.iter().all(Layer::is_finite)
}

/// Whether layers have these sizes.
pub(crate) fn have_sizes(layers: &[Layer], sizes: &[usize]) -> bool {
    layers.len() + 1 == sizes.len()
        && layers.iter().zip(sizes.windows(2)).all(|(layer, pair)| {
            layer.weights.dim() == (pair[1], pair[0]) && layer.bias.len() == pair[1]
        })
}

/// Calls `step` for each parameter with its gradient and its two moments.
pub(crate) fn for_each_parameter(
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

/// Adds nodes that give the output of the last layer from a value of shape `[N, inputs]`, with ReLU
/// between layers.
pub(crate) fn write(
    layers: &[Layer],
    graph: &mut GraphBuilder,
    input: &str,
    output: &str,
) -> Result<(), OnnxError> {
    let mut value = input.to_owned();
    for (number, layer) in layers.iter().enumerate() {
        let name = |what: &str| format!("{output}.layer{number}.{what}");
        let (weights, bias) = (name("weights"), name("bias"));
        let values: Vec<f32> = layer.weights.iter().copied().collect();
        let shape = [layer.outputs() as u64, layer.inputs() as u64];
        graph.initializer_f32(&weights, &shape, &values)?;
        graph.initializer_f32(&bias, &shape[..1], &layer.bias.to_vec())?;
        let is_last = number + 1 == layers.len();
        let sum = if is_last {
            output.to_owned()
        } else {
            name("sum")
        };
        graph.node(
            "Gemm",
            &[&value, &weights, &bias],
            &[&sum],
            &[Attribute::int("transB", 1)],
        )?;
        if !is_last {
            value = name("units");
            graph.node("Relu", &[&sum], &[&value], &[])?;
        }
    }
    Ok(())
}
