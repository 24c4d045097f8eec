//! Losses of logistic regression: two classes, and several with one set of coefficients each.

use ndarray::{Array2, ArrayRef1, Axis};

use super::design::Design;
use super::solver::Loss;

/// Two classes; the linear predictor is the log odds of the second.
#[derive(Debug)]
pub(super) struct Binary {
    outcomes: Vec<bool>,
    /// Sum to 1.
    weights: Vec<f64>,
}

impl Binary {
    pub(super) fn new(outcomes: Vec<bool>, weights: Vec<f64>) -> Self {
        Self { outcomes, weights }
    }

    fn rows(&self) -> impl Iterator<Item = (f64, f64)> {
        let outcomes = self.outcomes.iter().map(|outcome| f64::from(*outcome));
        outcomes.zip(self.weights.iter().copied())
    }
}

/// The probability of log odds.
pub(super) fn probability(log_odds: f64) -> f64 {
    // The exponential is never of a large number.
    let small = (-log_odds.abs()).exp();
    if log_odds >= 0.0 {
        1.0 / (1.0 + small)
    } else {
        small / (1.0 + small)
    }
}

impl Loss for Binary {
    fn value(&self, scores: &Array2<f64>) -> f64 {
        self.rows()
            .zip(scores)
            .map(|((outcome, weight), score)| {
                let softplus = score.max(0.0) + (-score.abs()).exp().ln_1p();
                weight * (softplus - outcome * score)
            })
            .sum()
    }

    fn slopes(&self, scores: &Array2<f64>) -> Array2<f64> {
        let mut slopes = scores.clone();
        for ((outcome, weight), slope) in self.rows().zip(&mut slopes) {
            *slope = weight * (probability(*slope) - outcome);
        }
        slopes
    }

    fn hessian(&self, design: &Design<'_>, scores: &Array2<f64>, working: &[usize]) -> Array2<f64> {
        let mut weights = scores.clone();
        for (weight, own) in weights.iter_mut().zip(&self.weights) {
            // Both factors are computed without taking from 1, which would leave no digits.
            *weight = own * probability(*weight) * probability(-*weight);
        }
        design.products(working, &weights).remove(0)
    }

    fn start(&self) -> Vec<f64> {
        let share: f64 = self.rows().map(|(outcome, weight)| outcome * weight).sum();
        let other: f64 = self
            .rows()
            .map(|(outcome, weight)| (1.0 - outcome) * weight)
            .sum();
        vec![(share / other).ln()]
    }
}

/// Several classes in the symmetric parametrisation: each has coefficients of its own, and
/// probabilities are the softmax of the linear predictors.
#[derive(Debug)]
pub(super) struct Multinomial {
    labels: Vec<usize>,
    classes: usize,
    /// Sum to 1.
    weights: Vec<f64>,
}

impl Multinomial {
    pub(super) fn new(labels: Vec<usize>, classes: usize, weights: Vec<f64>) -> Self {
        Self {
            labels,
            classes,
            weights,
        }
    }
}

/// The logarithm of the sum of exponentials.
fn log_sum(scores: &ArrayRef1<f64>) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
    largest + sum.ln()
}

fn probabilities(scores: &Array2<f64>) -> Array2<f64> {
    let mut result = scores.clone();
    for mut row in result.rows_mut() {
        let total = log_sum(&row);
        row.mapv_inplace(|score| (score - total).exp());
    }
    result
}

impl Loss for Multinomial {
    fn value(&self, scores: &Array2<f64>) -> f64 {
        let rows = scores.rows().into_iter().zip(&self.labels);
        rows.zip(&self.weights)
            .map(|((row, label), weight)| weight * (log_sum(&row) - row[*label]))
            .sum()
    }

    fn slopes(&self, scores: &Array2<f64>) -> Array2<f64> {
        let mut slopes = probabilities(scores);
        let rows = slopes.rows_mut().into_iter().zip(&self.labels);
        for ((mut row, label), weight) in rows.zip(&self.weights) {
            row[*label] -= 1.0;
            row *= *weight;
        }
        slopes
    }

    fn hessian(&self, design: &Design<'_>, scores: &Array2<f64>, working: &[usize]) -> Array2<f64> {
        let shares = probabilities(scores);
        let pairs: Vec<(usize, usize)> = (0..self.classes)
            .flat_map(|left| (left..self.classes).map(move |right| (left, right)))
            .collect();
        let mut weights = Array2::zeros((shares.nrows(), pairs.len()));
        for (pair, mut weights) in pairs.iter().zip(weights.axis_iter_mut(Axis(1))) {
            for ((weight, share), own) in weights.iter_mut().zip(shares.rows()).zip(&self.weights) {
                *weight = own
                    * if pair.0 == pair.1 {
                        let others: f64 = (0..self.classes)
                            .filter(|class| *class != pair.0)
                            .map(|class| share[class])
                            .sum();
                        share[pair.0] * others
                    } else {
                        -share[pair.0] * share[pair.1]
                    };
            }
        }
        let mut columns: Vec<usize> = working.iter().map(|p| design.column_of(*p)).collect();
        columns.dedup();
        let products = design.products(&columns, &weights);
        let mut place = vec![0; design.height()];
        for (index, column) in columns.iter().enumerate() {
            place[*column] = index;
        }
        let mut number = Array2::zeros((self.classes, self.classes));
        for (index, (left, right)) in pairs.iter().enumerate() {
            number[(*left, *right)] = index;
            number[(*right, *left)] = index;
        }
        Array2::from_shape_fn((working.len(), working.len()), |(row, column)| {
            let (left, right) = (working[row], working[column]);
            let pair = number[(design.output_of(left), design.output_of(right))];
            let (row, column) = (
                place[design.column_of(left)],
                place[design.column_of(right)],
            );
            products[pair][(row, column)]
        })
    }

    fn start(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.classes];
        for (label, weight) in self.labels.iter().zip(&self.weights) {
            shares[*label] += weight;
        }
        let logs: Vec<f64> = shares.iter().map(|share: &f64| share.ln()).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        logs.iter().map(|log| log - mean).collect()
    }
}
