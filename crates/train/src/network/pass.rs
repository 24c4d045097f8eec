//! Forward and backward through the layers, for a part of a batch.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayRef2, ArrayView1, ArrayView2, Axis, Slice};

use super::layer::{self, Layer};
use super::random::Random;

/// The axis of rows. Views are cut along it by method: the macro `s!` holds unsafe code, which the
/// workspace forbids.
pub(crate) const ROWS: Axis = Axis(0);

/// Dropout of an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropout {
    /// Of 65,536 units as many are dropped.
    dropped: u16,
    /// What kept units are multiplied with.
    scale: f32,
}

/// Bytes of randomness for a unit.
const BYTES_PER_UNIT: usize = 2;

impl Dropout {
    pub(crate) fn new(share: f64) -> Self {
        // At most 0.99 of 65,536, which fits.
        let dropped = (share * 65_536.0).round() as u16;
        Self {
            dropped,
            scale: (65_536.0 / (65_536.0 - f64::from(dropped))) as f32,
        }
    }

    /// What units are multiplied with: 0 or the scale, by their random bits.
    pub(crate) fn factors(self, bits: &[u8], factors: &mut Vec<f32>) {
        factors.clear();
        factors.extend(bits.chunks_exact(BYTES_PER_UNIT).map(|bits| {
            let is_kept = u16::from_le_bytes([bits[0], bits[1]]) >= self.dropped;
            // A product, since a branch on random bits would be mispredicted half of the time.
            f32::from(u8::from(is_kept)) * self.scale
        }));
    }

    /// None are dropped, as in validation.
    pub(crate) const NONE: Self = Self {
        dropped: 0,
        scale: 1.0,
    };
}

/// Words of 32 random bits that dropout may take for a row.
pub(crate) fn words_per_row(sizes: &[usize]) -> u64 {
    let hidden = sizes.iter().skip(1).rev().skip(1);
    hidden.map(|units| units.div_ceil(2) as u64).sum()
}

/// Memory for some rows of a batch: their features, the outputs of layers, and their gradient.
pub(crate) struct Part {
    rows: usize,
    /// Features first, then the output of each layer.
    values: Vec<Array2<f32>>,
    /// Derivatives of the loss by the output of each layer before its activation.
    slopes: Vec<Array2<f32>>,
    gradient: Vec<Layer>,
    bits: Vec<u8>,
    factors: Vec<f32>,
}

impl Part {
    /// Memory for at most so many rows, with or without that of backward.
    pub(crate) fn new(rows: usize, sizes: &[usize], is_training: bool) -> Self {
        let array = |size: &usize| Array2::zeros((rows, *size));
        let (slopes, gradient) = if is_training {
            (sizes[1..].iter().map(array).collect(), layer::zeros(sizes))
        } else {
            (Vec::new(), Vec::new())
        };
        Self {
            rows: 0,
            values: sizes.iter().map(array).collect(),
            slopes,
            gradient,
            bits: Vec::new(),
            factors: Vec::new(),
        }
    }

    /// Rows of the last forward pass.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Raw outputs of the last forward pass.
    pub(crate) fn raw(&self) -> ArrayView2<'_, f32> {
        self.values[self.values.len() - 1].slice_axis(ROWS, Slice::from(..self.rows))
    }

    /// Gradient of the last backward pass.
    pub(crate) fn gradient(&self) -> &[Layer] {
        &self.gradient
    }

    pub(crate) fn gradient_mut(&mut self) -> &mut [Layer] {
        &mut self.gradient
    }

    /// Takes rows through the layers. `random` is at the first word of these rows.
    pub(crate) fn forward(
        &mut self,
        layers: &[Layer],
        features: &ArrayRef2<f32>,
        rows: &[u32],
        dropout: Dropout,
        random: Option<&mut Random>,
    ) {
        self.rows = rows.len();
        for (mut to, from) in self.values[0].rows_mut().into_iter().zip(rows) {
            to.assign(&features.row(*from as usize));
        }
        let mut random = random.filter(|_| dropout.dropped > 0);
        for (number, layer) in layers.iter().enumerate() {
            let (before, after) = self.values.split_at_mut(number + 1);
            let input = before[number].slice_axis(ROWS, Slice::from(..self.rows));
            let mut output = after[0].slice_axis_mut(ROWS, Slice::from(..self.rows));
            general_mat_mul(1.0, &input, &layer.weights.t(), 0.0, &mut output);
            if number + 1 == layers.len() {
                output += &layer.bias;
                return;
            }
            for mut row in output.rows_mut() {
                row.zip_mut_with(&layer.bias, |value, bias| *value = (*value + bias).max(0.0));
            }
            if let Some(random) = &mut random {
                self.bits.resize(output.len() * BYTES_PER_UNIT, 0);
                random.fill(&mut self.bits);
                dropout.factors(&self.bits, &mut self.factors);
                let factors = self.factors.chunks_exact(layer.outputs());
                for (mut row, factors) in output.rows_mut().into_iter().zip(factors) {
                    row *= &ArrayView1::from(factors);
                }
            }
        }
    }

    /// Derivatives of the loss by the features, after a backward pass.
    pub(crate) fn slope_of_features(&self, layers: &[Layer], slope: &mut ArrayRef2<f32>) {
        if let (Some(first), Some(layer)) = (self.slopes.first(), layers.first()) {
            let first = first.slice_axis(ROWS, Slice::from(..self.rows));
            general_mat_mul(1.0, &first, &layer.weights, 0.0, slope);
        }
    }

    /// Finds the gradient from the derivatives of the loss by the raw outputs.
    pub(crate) fn backward(
        &mut self,
        layers: &[Layer],
        derivative: &ArrayRef2<f32>,
        dropout: Dropout,
    ) {
        let rows = self.rows;
        let last = layers.len() - 1;
        self.slopes[last]
            .slice_axis_mut(ROWS, Slice::from(..rows))
            .assign(derivative);
        for (number, layer) in layers.iter().enumerate().rev() {
            let (before, after) = self.slopes.split_at_mut(number);
            let slope = after[0].slice_axis(ROWS, Slice::from(..rows));
            let input = self.values[number].slice_axis(ROWS, Slice::from(..rows));
            let gradient = &mut self.gradient[number];
            general_mat_mul(1.0, &slope.t(), &input, 0.0, &mut gradient.weights);
            gradient.bias.assign(&slope.sum_axis(ROWS));
            let Some(below) = before.last_mut() else {
                return;
            };
            let mut below = below.slice_axis_mut(ROWS, Slice::from(..rows));
            general_mat_mul(1.0, &slope, &layer.weights, 0.0, &mut below);
            // A unit is above 0 only where its sum was and where it was kept.
            below.zip_mut_with(&input, |slope, value| {
                *slope *= if *value > 0.0 { dropout.scale } else { 0.0 };
            });
        }
    }
}
