//! The quadratic problem of one Newton step, with the elastic-net penalty.
//!
//! Minimises `g'(z - b) + (z - b)' H (z - b) / 2` plus the penalty over `z`, by cyclic coordinate
//! descent on the products of columns (Friedman et al. 2010, "covariance updates"). Where columns
//! are correlated that takes many rounds, so as soon as the signs hold still the coefficients that
//! are not zero are solved for exactly, as far as the signs allow.

use ndarray::{Array1, Array2};

use super::cholesky::{Cholesky, Singular};
use super::settings::Penalty;

/// Rounds of coordinate descent before the step is taken as it is; the line search copes with a
/// step that is not exact.
const MAX_ROUNDS: usize = 1_000;

/// The quadratic problem around `start`.
#[derive(Debug)]
pub(super) struct Quadratic<'a> {
    /// Gradient of the loss at the start.
    pub(super) gradient: Array1<f64>,
    /// Second derivatives of the loss.
    pub(super) hessian: &'a Array2<f64>,
    /// Coefficients at the start.
    pub(super) start: Array1<f64>,
    /// Whether a coefficient is penalised.
    pub(super) penalised: Vec<bool>,
    pub(super) penalty: Penalty,
}

impl Quadratic<'_> {
    /// The coefficients of the minimum. Without an L1 penalty they are solved for, which fails
    /// where the matrix is singular to within `limit`.
    pub(super) fn minimise(&self, tolerance: f64, limit: f64) -> Result<Array1<f64>, Singular> {
        let mut state = State {
            problem: self,
            values: self.start.clone(),
            gradient: self.gradient.clone(),
        };
        if self.penalty.l1 == 0.0 {
            state.solve(limit)?;
            return Ok(state.values);
        }
        let mut signs = Vec::new();
        for _ in 0..MAX_ROUNDS {
            state.descend();
            if state.violation() <= tolerance {
                break;
            }
            let now: Vec<i8> = state.values.iter().map(|value| sign(*value)).collect();
            if now == signs {
                // A singular matrix is left to the rounds, which need no inverse.
                let _ = state.solve(limit);
                if state.violation() <= tolerance {
                    break;
                }
            }
            signs = now;
        }
        Ok(state.values)
    }

    fn penalty_of(&self, index: usize) -> Penalty {
        if self.penalised[index] {
            self.penalty
        } else {
            Penalty { l1: 0.0, l2: 0.0 }
        }
    }
}

fn sign(value: f64) -> i8 {
    i8::from(value > 0.0) - i8::from(value < 0.0)
}

struct State<'a> {
    problem: &'a Quadratic<'a>,
    values: Array1<f64>,
    /// Of the smooth part without the penalty, at `values`.
    gradient: Array1<f64>,
}

impl State<'_> {
    fn set(&mut self, index: usize, value: f64) {
        let change = value - self.values[index];
        if change != 0.0 {
            self.values[index] = value;
            self.gradient
                .scaled_add(change, &self.problem.hessian.row(index));
        }
    }

    /// One round through all coefficients.
    fn descend(&mut self) {
        for index in 0..self.values.len() {
            let penalty = self.problem.penalty_of(index);
            let curvature = self.problem.hessian[(index, index)];
            if curvature + penalty.l2 <= 0.0 {
                continue;
            }
            let free = curvature * self.values[index] - self.gradient[index];
            let size = (free.abs() - penalty.l1).max(0.0);
            self.set(index, size.copysign(free) / (curvature + penalty.l2));
        }
    }

    fn violation(&self) -> f64 {
        let terms = self.values.iter().zip(&self.gradient).enumerate();
        terms.fold(0.0, |worst: f64, (index, (value, gradient))| {
            worst.max(self.problem.penalty_of(index).violation(*value, *gradient))
        })
    }

    /// Solves for the coefficients that are not zero, and goes there until one of them becomes zero.
    fn solve(&mut self, limit: f64) -> Result<(), Singular> {
        let mut support: Vec<usize> = (0..self.values.len())
            .filter(|index| self.values[*index] != 0.0 || self.problem.penalty_of(*index).l1 == 0.0)
            .collect();
        // Intercepts first, so that a constant column is found to depend on them and not they on it.
        support.sort_by_key(|index| self.problem.penalised[*index]);
        let mut matrix = Array2::zeros((support.len(), support.len()));
        let mut right = Array1::zeros(support.len());
        for (row, index) in support.iter().enumerate() {
            let penalty = self.problem.penalty_of(*index);
            let value = self.values[*index];
            right[row] =
                -(self.gradient[*index] + penalty.l2 * value + penalty.l1 * f64::from(sign(value)));
            for (column, other) in support.iter().enumerate() {
                matrix[(row, column)] = self.problem.hessian[(*index, *other)];
            }
            matrix[(row, row)] += penalty.l2;
        }
        let factor = Cholesky::new(matrix, limit).map_err(|singular| Singular {
            index: support[singular.index],
        })?;
        let step = factor.solve(&right);
        // The first coefficient that would change its sign ends the step.
        let mut share = 1.0;
        let mut crossing = None;
        for (index, change) in support.iter().zip(&step) {
            let value = self.values[*index];
            let signed = self.problem.penalty_of(*index).l1 > 0.0;
            if signed && value * change < 0.0 && -value / change < share {
                share = -value / change;
                crossing = Some(*index);
            }
        }
        for (index, change) in support.iter().zip(&step) {
            let next = if crossing == Some(*index) {
                0.0
            } else {
                self.values[*index] + share * change
            };
            self.set(*index, next);
        }
        Ok(())
    }
}
