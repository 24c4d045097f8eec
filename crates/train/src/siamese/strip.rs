//! Convolutions over many windows at once.
//!
//! Windows lie one after the other in a strip, a row for each token, with rows of zeros between them
//! that are as many as a filter reaches beyond its centre. They are the zero padding of the window
//! before and of the one after, and a convolution over all windows is one product for each token that a
//! filter reads, without copies.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayRef2, ArrayView2, Axis, Slice};

use crate::network::Layer;
use crate::network::pass::ROWS;

const COLUMNS: Axis = Axis(1);

/// Where windows lie in a strip.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    tokens: usize,
    /// Rows of zeros before, between and after windows.
    gap: usize,
}

impl Layout {
    pub(super) fn new(tokens: usize, kernel: usize) -> Self {
        Self {
            tokens,
            gap: kernel / 2,
        }
    }

    /// Rows of a strip of so many windows.
    pub(super) fn rows(self, windows: usize) -> usize {
        self.gap + windows * (self.tokens + self.gap)
    }

    /// The rows of a window.
    pub(super) fn window(self, number: usize) -> Slice {
        let start = self.gap + number * (self.tokens + self.gap);
        Slice::from(start..start + self.tokens)
    }

    /// The rows from the first token to the last.
    fn centre(self, windows: usize) -> Slice {
        Slice::from(self.gap..self.rows(windows) - self.gap)
    }

    /// The rows that the filter's token of this number reads while its centre goes over all windows.
    fn read_by(self, number: usize, windows: usize) -> Slice {
        Slice::from(number..self.rows(windows) - 2 * self.gap + number)
    }

    /// Sets the rows between windows to 0.
    fn clear_gaps(self, windows: usize, strip: &mut ArrayRef2<f32>) {
        for window in 1..windows {
            let start = window * (self.tokens + self.gap);
            strip
                .slice_axis_mut(ROWS, Slice::from(start..start + self.gap))
                .fill(0.0);
        }
    }

    fn kernel(self) -> usize {
        2 * self.gap + 1
    }

    /// Convolution, bias and ReLU.
    pub(super) fn convolve(
        self,
        windows: usize,
        layer: &Layer,
        input: &ArrayRef2<f32>,
        output: &mut ArrayRef2<f32>,
    ) {
        let mut centre = output.slice_axis_mut(ROWS, self.centre(windows));
        for number in 0..self.kernel() {
            let read = input.slice_axis(ROWS, self.read_by(number, windows));
            let weights = weights_of(&layer.weights, number, input.ncols());
            let kept = if number == 0 { 0.0 } else { 1.0 };
            general_mat_mul(1.0, &read, &weights.t(), kept, &mut centre);
        }
        for mut row in centre.rows_mut() {
            row.zip_mut_with(&layer.bias, |value, bias| *value = (*value + bias).max(0.0));
        }
        self.clear_gaps(windows, output);
    }

    /// From the derivatives by the sums of the filters, 0 between windows: the gradient of the layer,
    /// and the derivatives by its input. Between windows these are those by the padding, for nobody.
    pub(super) fn backward(
        self,
        windows: usize,
        layer: &Layer,
        input: &ArrayRef2<f32>,
        slope: &ArrayRef2<f32>,
        gradient: &mut Layer,
        below: &mut ArrayRef2<f32>,
    ) {
        let channels = input.ncols();
        let centre = slope.slice_axis(ROWS, self.centre(windows));
        gradient.bias.assign(&centre.sum_axis(ROWS));
        below.fill(0.0);
        for number in 0..self.kernel() {
            let read = self.read_by(number, windows);
            let columns = columns_of(number, channels);
            let mut weights = gradient.weights.slice_axis_mut(COLUMNS, columns);
            let values = input.slice_axis(ROWS, read);
            general_mat_mul(1.0, &centre.t(), &values, 0.0, &mut weights);
            let weights = weights_of(&layer.weights, number, channels);
            let mut below = below.slice_axis_mut(ROWS, read);
            general_mat_mul(1.0, &centre, &weights, 1.0, &mut below);
        }
    }
}

/// Columns of a filter's weights for the token of this number.
fn columns_of(number: usize, channels: usize) -> Slice {
    Slice::from(number * channels..(number + 1) * channels)
}

fn weights_of(weights: &Array2<f32>, number: usize, channels: usize) -> ArrayView2<'_, f32> {
    weights.slice_axis(COLUMNS, columns_of(number, channels))
}
