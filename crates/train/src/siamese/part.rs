//! Forward and backward through the whole network, for some rows of a batch.

use ndarray::{Array1, Array2, Axis, Slice, Zip};

use super::encoder::Encoder;
use super::parameters::{Parameters, Shape};
use super::task::{Checked, Rows};
use crate::network::Layer;
use crate::network::loss::logistic;
use crate::network::pass::{Dropout, Part as Head, ROWS};
use crate::network::random::Random;

/// Memory for some rows of a batch: the encoder, and the dense layers on what it found.
pub(super) struct Part {
    encoder: Encoder,
    head: Head,
    /// What the dense layers read: the change of pooled values, those of the reference, annotation.
    fused: Array2<f32>,
    slope_of_fused: Array2<f32>,
    slope_of_pooled: Array2<f32>,
    /// The rows of `fused`, for the dense layers take rows by number.
    numbers: Vec<u32>,
    derivative: Array2<f32>,
    pooled: usize,
    /// What changes are multiplied by, see [`Shape::scale`].
    scale: Array1<f32>,
    /// Sum of weighted losses of the last gradient.
    loss: f64,
}

impl Part {
    /// Memory for at most so many rows, with or without that of backward.
    pub(super) fn new(rows: usize, shape: &Shape, is_training: bool) -> Self {
        let dense = shape.dense();
        let trained = if is_training { rows } else { 0 };
        Self {
            encoder: Encoder::new(rows, shape, is_training),
            head: Head::new(rows, &dense, is_training),
            fused: Array2::zeros((rows, dense[0])),
            slope_of_fused: Array2::zeros((trained, dense[0])),
            slope_of_pooled: Array2::zeros((2 * trained, shape.pooled())),
            numbers: (0_u32..).take(rows).collect(),
            derivative: Array2::zeros((trained, 1)),
            pooled: shape.pooled(),
            scale: shape.scale(),
            loss: 0.0,
        }
    }

    pub(super) fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Gradient of the dense layers.
    pub(super) fn dense_gradient(&self) -> &[Layer] {
        self.head.gradient()
    }

    pub(super) fn loss(&self) -> f64 {
        self.loss
    }

    /// Log odds of these rows. `random` is at the first word of dropout of these rows.
    pub(super) fn forward(
        &mut self,
        parameters: &Parameters,
        rows: &Rows<'_>,
        numbers: &[u32],
        dropout: Dropout,
        random: Option<&mut Random>,
    ) -> impl Iterator<Item = f32> {
        self.encoder.forward(parameters, rows, numbers);
        let windows = self.encoder.pooled();
        for (place, (number, mut fused)) in numbers.iter().zip(self.fused.rows_mut()).enumerate() {
            let (change, rest) = fused.view_mut().split_at(Axis(0), self.pooled);
            let (mut reference, mut annotation) = rest.split_at(Axis(0), self.pooled);
            let of_reference = windows.row(2 * place);
            Zip::from(change)
                .and(&windows.row(2 * place + 1))
                .and(&of_reference)
                .and(&self.scale)
                .for_each(|change, alternate, reference, scale| {
                    *change = (alternate - reference) * scale;
                });
            reference.assign(&of_reference);
            annotation.assign(&rows.annotation.row(*number as usize));
        }
        let places = &self.numbers[..numbers.len()];
        self.head
            .forward(parameters.dense(), &self.fused, places, dropout, random);
        self.head.raw().into_iter().copied()
    }

    /// Forward and backward for rows of a batch of `batch` rows.
    pub(super) fn gradient(
        &mut self,
        parameters: &Parameters,
        task: &Checked<'_>,
        numbers: &[u32],
        batch: usize,
        dropout: Dropout,
        random: &mut Random,
    ) {
        let logits: Vec<f32> = self
            .forward(parameters, &task.rows, numbers, dropout, Some(random))
            .collect();
        self.loss = 0.0;
        for (place, (number, logit)) in numbers.iter().zip(logits).enumerate() {
            let (outcome, weight) = task.outcome(*number);
            let (loss, slope) = logistic(f64::from(logit), outcome);
            self.loss += weight * loss;
            self.derivative[[place, 0]] = (weight * slope / batch as f64) as f32;
        }
        let rows = Slice::from(..numbers.len());
        let derivative = self.derivative.slice_axis(ROWS, rows);
        self.head.backward(parameters.dense(), &derivative, dropout);
        let mut fused = self.slope_of_fused.slice_axis_mut(ROWS, rows);
        self.head.slope_of_features(parameters.dense(), &mut fused);
        for (place, slope) in fused.rows().into_iter().enumerate() {
            let (change, rest) = slope.split_at(Axis(0), self.pooled);
            let (reference, _) = rest.split_at(Axis(0), self.pooled);
            // The reference is subtracted in the change, and read itself.
            Zip::from(self.slope_of_pooled.row_mut(2 * place))
                .and(&reference)
                .and(&change)
                .and(&self.scale)
                .for_each(|slope, reference, change, scale| *slope = reference - change * scale);
            Zip::from(self.slope_of_pooled.row_mut(2 * place + 1))
                .and(&change)
                .and(&self.scale)
                .for_each(|slope, change, scale| *slope = change * scale);
        }
        let pooled = self
            .slope_of_pooled
            .slice_axis(ROWS, self.encoder.windows());
        self.encoder.backward(parameters, &pooled);
    }
}
