//! A linear stand-in for the model, whose Shapley values are known.

use ndarray::{Array1, Array2, Axis};

use super::evaluate::{Evaluator, copy_players};
use super::random::{Random, Stream};
use super::{Model, SamplingSettings};
use crate::{Background, Players, SamplingError};

/// Rows that the surrogate is fitted to, at least.
const ROWS: usize = 1024;

/// And for each column, so that the fit follows the model and not chance.
const ROWS_PER_COLUMN: usize = 6;

/// Numbers that the fit may hold, 256 MiB. Wider inputs go without a surrogate.
const MAXIMUM_NUMBERS: usize = 1 << 25;

/// A function `sum of coefficient * h(column)`, where `h` standardises by the background and turns
/// what is no number into 0.
#[derive(Clone, Debug)]
pub(super) struct Surrogate {
    /// Mean and reciprocal of the standard deviation of each column; 0 for one that does not vary.
    standards: Vec<(f64, f64)>,
    coefficients: Vec<f64>,
    of_column: Vec<usize>,
    players: usize,
    /// Mean over the background of each player's part.
    means: Vec<f64>,
    /// Each player's part of each background row, less the mean.
    parts: Vec<Vec<f64>>,
}

impl Surrogate {
    /// Fits it to the model's predictions of mixtures: rows with each player from one of two background
    /// rows by the toss of a coin.
    pub(super) fn fit<M: Model>(
        model: &mut M,
        background: &Background,
        players: &Players,
        settings: &SamplingSettings,
    ) -> Result<Self, SamplingError<M::Error>> {
        let columns = background.columns();
        let mut surrogate = Self {
            standards: (0..columns)
                .map(|column| standard(background, column))
                .collect(),
            coefficients: vec![0.0; columns],
            of_column: players.of_columns().to_vec(),
            players: players.len(),
            means: vec![0.0; players.len()],
            parts: Vec::new(),
        };
        let count = ROWS.max(ROWS_PER_COLUMN.saturating_mul(columns));
        let varies = surrogate.standards.iter().any(|(_, scale)| *scale > 0.0);
        if varies && count.saturating_mul(columns) <= MAXIMUM_NUMBERS {
            let rows: Vec<&[f32]> = background.rows().collect();
            let mut random = Random::new(settings.seed, Stream::Surrogate);
            let mut evaluator = Evaluator::new(model, settings.batch, "the background");
            let mut design = Array2::zeros((count, columns));
            for mut line in design.rows_mut() {
                let first = rows[random.below(rows.len())];
                let second = rows[random.below(rows.len())];
                let fill = |to: &mut [f32]| {
                    to.copy_from_slice(first);
                    let chosen = players.columns().iter().filter(|_| random.coin());
                    copy_players(to, second, chosen);
                    for (column, cell) in line.iter_mut().enumerate() {
                        *cell = surrogate.standardise(column, to[column]);
                    }
                };
                evaluator.push(fill, columns)?;
            }
            surrogate.coefficients = least_squares(design, Array1::from(evaluator.finish()?));
        }
        let parts: Vec<Vec<f64>> = background.rows().map(|row| surrogate.parts(row)).collect();
        for part in &parts {
            for (mean, value) in surrogate.means.iter_mut().zip(part) {
                *mean += value / background.len() as f64;
            }
        }
        surrogate.parts = parts;
        for part in &mut surrogate.parts {
            for (value, mean) in part.iter_mut().zip(&surrogate.means) {
                *value -= mean;
            }
        }
        Ok(surrogate)
    }

    /// Its Shapley values for a patient.
    pub(super) fn explain(&self, row: &[f32]) -> Vec<f64> {
        let mut parts = self.parts(row);
        for (part, mean) in parts.iter_mut().zip(&self.means) {
            *part -= mean;
        }
        parts
    }

    /// What each player adds against one background row, less its Shapley value.
    pub(super) fn deviations(&self, row: usize) -> Vec<f64> {
        self.parts[row].iter().map(|part| -part).collect()
    }

    fn parts(&self, row: &[f32]) -> Vec<f64> {
        let mut parts = vec![0.0; self.players];
        for (column, value) in row.iter().enumerate() {
            parts[self.of_column[column]] +=
                self.coefficients[column] * self.standardise(column, *value);
        }
        parts
    }

    fn standardise(&self, column: usize, value: f32) -> f64 {
        let (mean, scale) = self.standards[column];
        if value.is_finite() {
            (f64::from(value) - mean) * scale
        } else {
            0.0
        }
    }
}

/// Mean of a column's finite values, and the reciprocal of their standard deviation.
fn standard(background: &Background, column: usize) -> (f64, f64) {
    let view = background.view();
    let values = view.column(column);
    let values: Vec<f64> = values
        .iter()
        .filter(|v| v.is_finite())
        .map(|v| f64::from(*v))
        .collect();
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / count)
        .sqrt();
    (
        mean,
        if deviation > 0.0 {
            1.0 / deviation
        } else {
            0.0
        },
    )
}

/// Coefficients of least squares with an intercept, by conjugate gradients (Hestenes & Stiefel 1952).
/// Columns that follow from others are no obstacle to these.
fn least_squares(mut design: Array2<f64>, mut target: Array1<f64>) -> Vec<f64> {
    let count = design.nrows() as f64;
    let means = design.sum_axis(Axis(0)) / count;
    design -= &means;
    target -= target.sum() / count;
    let mut solution = Array1::<f64>::zeros(design.ncols());
    let mut residual = design.t().dot(&target);
    let mut direction = residual.clone();
    let mut size = residual.dot(&residual);
    let enough = size * 1e-24;
    for _ in 0..design.ncols().min(200) {
        if size <= enough || size == 0.0 {
            break;
        }
        let image = design.dot(&direction);
        let curvature = image.dot(&image);
        if curvature <= 0.0 {
            break;
        }
        let step = size / curvature;
        solution.scaled_add(step, &direction);
        residual.scaled_add(-step, &design.t().dot(&image));
        let next = residual.dot(&residual);
        direction = &residual + &(direction * (next / size));
        size = next;
    }
    solution.to_vec()
}
