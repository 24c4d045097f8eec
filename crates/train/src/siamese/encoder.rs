//! The encoder: from tokens of windows to pooled filters, and back.

use ndarray::{Array2, ArrayRef2, Axis, Slice, Zip};

use super::parameters::{Parameters, Shape};
use super::strip::Layout;
use super::task::Rows;
use crate::network::Layer;
use crate::network::pass::ROWS;

/// Memory to encode the windows of some rows: for each row that of the reference, then that of the
/// alternate allele.
pub(super) struct Encoder {
    layout: Layout,
    tokens: usize,
    filters: usize,
    windows: usize,
    /// Tokens of all windows.
    ids: Vec<u32>,
    /// Strips of embeddings and of the output of each convolution.
    values: Vec<Array2<f32>>,
    /// Derivatives by the embeddings, and by the sums of each convolution.
    slopes: Vec<Array2<f32>>,
    /// For each window the largest value of each filter, then the mean of each.
    pooled: Array2<f32>,
    /// Where in the window the largest value is first.
    largest: Array2<u32>,
    gradient: Vec<Layer>,
}

impl Encoder {
    /// Memory for at most so many rows, with or without that of backward.
    pub(super) fn new(rows: usize, shape: &Shape, is_training: bool) -> Self {
        let layout = Layout::new(shape.tokens, shape.kernel);
        let strips = || {
            let channels = shape.channels().into_iter();
            channels.map(|channels| Array2::zeros((layout.rows(2 * rows), channels)))
        };
        Self {
            layout,
            tokens: shape.tokens,
            filters: shape.filters,
            windows: 0,
            ids: Vec::new(),
            values: strips().collect(),
            slopes: strips().filter(|_| is_training).collect(),
            pooled: Array2::zeros((2 * rows, shape.pooled())),
            largest: Array2::zeros((2 * rows, shape.filters)),
            gradient: if is_training {
                shape.zeros().convolutions().to_vec()
            } else {
                Vec::new()
            },
        }
    }

    /// Gradient of the convolutions, of the last backward pass.
    pub(super) fn gradient(&self) -> &[Layer] {
        &self.gradient
    }

    /// What pooling left of each window, of the last forward pass.
    pub(super) fn pooled(&self) -> &Array2<f32> {
        &self.pooled
    }

    /// Encodes both windows of these rows, whose tokens are in the vocabulary.
    pub(super) fn forward(&mut self, parameters: &Parameters, rows: &Rows<'_>, numbers: &[u32]) {
        self.windows = 2 * numbers.len();
        self.ids.clear();
        for number in numbers {
            for windows in [&rows.reference, &rows.alternate] {
                let window = windows.row(*number as usize);
                // Checked against a vocabulary whose size fits.
                self.ids.extend(window.iter().map(|token| *token as u32));
            }
        }
        let embedding = parameters.embedding();
        for (window, ids) in self.ids.chunks_exact(self.tokens).enumerate() {
            let mut to = self.values[0].slice_axis_mut(ROWS, self.layout.window(window));
            for (mut to, id) in to.rows_mut().into_iter().zip(ids) {
                to.assign(&embedding.row(*id as usize));
            }
        }
        for (number, layer) in parameters.convolutions().iter().enumerate() {
            let (before, after) = self.values.split_at_mut(number + 1);
            self.layout
                .convolve(self.windows, layer, &before[number], &mut after[0]);
        }
        self.pool();
    }

    fn pool(&mut self) {
        let Some(last) = self.values.last() else {
            return;
        };
        for window in 0..self.windows {
            let values = last.slice_axis(ROWS, self.layout.window(window));
            let (mut most, mut mean) = self.pooled.row_mut(window).split_at(Axis(0), self.filters);
            let mut largest = self.largest.row_mut(window);
            // ReLU leaves nothing below 0, and a filter that is 0 everywhere learns nothing.
            most.fill(0.0);
            largest.fill(0);
            mean.fill(0.0);
            for (place, values) in (0_u32..).zip(values.rows()) {
                Zip::from(&values)
                    .and(&mut most)
                    .and(&mut largest)
                    .and(&mut mean)
                    .for_each(|value, most, largest, sum| {
                        if *value > *most {
                            (*most, *largest) = (*value, place);
                        }
                        *sum += value;
                    });
            }
            mean /= self.tokens as f32;
        }
    }

    /// Finds the gradient of the convolutions, and the derivatives by the embeddings, from those of the
    /// loss by what pooling left.
    pub(super) fn backward(&mut self, parameters: &Parameters, slope_of_pooled: &ArrayRef2<f32>) {
        let convolutions = parameters.convolutions();
        let last = convolutions.len();
        for window in 0..self.windows {
            let pooled = slope_of_pooled.row(window);
            let (most, mean) = pooled.split_at(Axis(0), self.filters);
            let place = self.layout.window(window);
            let mut slopes = self.slopes[last].slice_axis_mut(ROWS, place);
            let share = 1.0 / self.tokens as f32;
            for mut row in slopes.rows_mut() {
                row.zip_mut_with(&mean, |slope, mean| *slope = share * mean);
            }
            let largest = self.largest.row(window);
            for (filter, (place, slope)) in largest.iter().zip(&most).enumerate() {
                slopes[[*place as usize, filter]] += slope;
            }
        }
        for (number, layer) in convolutions.iter().enumerate().rev() {
            let (before, after) = self.slopes.split_at_mut(number + 1);
            let output = &self.values[number + 1];
            // Through ReLU; rows between windows have a value of 0.
            after[0].zip_mut_with(output, |slope, value| {
                *slope = if *value > 0.0 { *slope } else { 0.0 };
            });
            self.layout.backward(
                self.windows,
                layer,
                &self.values[number],
                &after[0],
                &mut self.gradient[number],
                &mut before[number],
            );
        }
    }

    /// Adds the derivatives by the embeddings of the last backward pass, token by token in the order of
    /// the rows.
    pub(super) fn add_to_embeddings(&self, gradient: &mut ArrayRef2<f32>) {
        for (window, ids) in self.ids.chunks_exact(self.tokens).enumerate() {
            let slopes = self.slopes[0].slice_axis(ROWS, self.layout.window(window));
            for (slope, id) in slopes.rows().into_iter().zip(ids) {
                let mut row = gradient.row_mut(*id as usize);
                row += &slope;
            }
        }
    }

    /// The rows of pooled windows for these rows.
    pub(super) fn windows(&self) -> Slice {
        Slice::from(..self.windows)
    }
}
