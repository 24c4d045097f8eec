//! Losses with their first and second derivatives by the raw output.

use super::cox::Cox;
use super::data::{Data, Target};
use crate::loss::sigmoid;

/// The loss of a data set.
pub(crate) struct Objective<'a> {
    target: Target<'a>,
    weights: Vec<f64>,
    total: f64,
    /// Rows of a weight above 0, in order.
    rows: Vec<u32>,
    cox: Option<Cox>,
}

impl<'a> Objective<'a> {
    /// Of checked data.
    pub(crate) fn new(data: &Data<'a>) -> Self {
        let weights = data.scaled_weights();
        let rows = (0..weights.len() as u32)
            .filter(|row| weights[*row as usize] > 0.0)
            .collect::<Vec<_>>();
        let cox = match data.target {
            Target::Survival { times, events } => Some(Cox::new(&rows, times, events, &weights)),
            _ => None,
        };
        Self {
            target: data.target,
            total: rows.iter().map(|row| weights[*row as usize]).sum(),
            weights,
            rows,
            cox,
        }
    }

    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The constant raw output of the lowest loss, one number for each output.
    pub(crate) fn base(&self) -> Vec<f32> {
        let share = |of: &dyn Fn(usize) -> f64| {
            let rows = self.rows.iter().map(|row| *row as usize);
            rows.map(|row| self.weights[row] * of(row)).sum::<f64>() / self.total
        };
        match self.target {
            Target::Binary(outcomes) => {
                let with = share(&|row| f64::from(u8::from(outcomes[row])));
                let without = share(&|row| f64::from(u8::from(!outcomes[row])));
                vec![(with / without).ln() as f32]
            }
            Target::Classes { classes, labels } => (0..classes)
                .map(|class| share(&|row| f64::from(u8::from(labels[row] == class))).ln() as f32)
                .collect(),
            Target::Survival { .. } => vec![0.0],
            Target::Number(numbers) => vec![share(&|row| numbers[row]) as f32],
        }
    }

    /// The loss for each unit of weight: log loss, half the squared error, or the negative logarithm
    /// of the partial likelihood for each event. `raw` holds rows by outputs.
    pub(crate) fn loss(&self, raw: &[f64]) -> f64 {
        let mean = |of: &dyn Fn(usize) -> f64| {
            let rows = self.rows.iter().map(|row| *row as usize);
            rows.map(|row| self.weights[row] * of(row)).sum::<f64>() / self.total
        };
        match (&self.cox, self.target) {
            (Some(cox), _) => cox.loss(raw),
            (None, Target::Classes { classes, labels }) => mean(&|row| {
                let logits = &raw[row * classes..(row + 1) * classes];
                let (largest, sum) = exponentials(logits);
                largest + sum.ln() - logits[labels[row]]
            }),
            (None, Target::Number(numbers)) => {
                mean(&|row| 0.5 * (raw[row] - numbers[row]) * (raw[row] - numbers[row]))
            }
            (None, Target::Binary(outcomes)) => mean(&|row| {
                // ln(1 + e^z), with z the log odds of what did not happen.
                let z = if outcomes[row] { -raw[row] } else { raw[row] };
                z.max(0.0) + (-z.abs()).exp().ln_1p()
            }),
            // Survival always has its part above.
            (None, Target::Survival { .. }) => f64::NAN,
        }
    }

    /// First and second derivatives of the summed loss, for each output the pairs of all rows. Those
    /// of rows without weight are 0.
    pub(crate) fn derivatives(&self, raw: &[f64], pairs: &mut [Vec<(f64, f64)>]) {
        let rows = self.rows.iter().map(|row| *row as usize);
        match (&self.cox, self.target) {
            (Some(cox), _) => cox.derivatives(raw, &mut pairs[0]),
            (None, Target::Classes { classes, labels }) => {
                for row in rows {
                    let logits = &raw[row * classes..(row + 1) * classes];
                    let (largest, sum) = exponentials(logits);
                    let weight = self.weights[row];
                    for (class, pairs) in pairs.iter_mut().enumerate() {
                        let p = (logits[class] - largest).exp() / sum;
                        let happened = f64::from(u8::from(labels[row] == class));
                        // All classes step at once, and twice the diagonal bounds the matrix of second
                        // derivatives, as XGBoost takes it.
                        pairs[row] = (weight * (p - happened), weight * 2.0 * p * (1.0 - p));
                    }
                }
            }
            (None, Target::Number(numbers)) => {
                for row in rows {
                    let weight = self.weights[row];
                    pairs[0][row] = (weight * (raw[row] - numbers[row]), weight);
                }
            }
            (None, Target::Binary(outcomes)) => {
                for row in rows {
                    let p = sigmoid(raw[row]);
                    let happened = f64::from(u8::from(outcomes[row]));
                    let weight = self.weights[row];
                    pairs[0][row] = (weight * (p - happened), weight * p * (1.0 - p));
                }
            }
            (None, Target::Survival { .. }) => {}
        }
    }
}

/// The largest logit, and the sum of the exponentials of all less that.
fn exponentials(logits: &[f64]) -> (f64, f64) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum = logits.iter().map(|logit| (logit - largest).exp()).sum();
    (largest, sum)
}
