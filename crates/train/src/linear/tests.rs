//! Solutions are compared with conditions that are computed another way: losses written down as in
//! the textbook, and differentiated numerically.

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

mod minimum;
mod refused;
mod results;

struct Random(ChaCha8Rng);

impl Random {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// A cohort in which the first columns matter, with ties in time and neighbours that correlate.
struct Cohort {
    features: Array2<f64>,
    outcomes: Vec<bool>,
    labels: Vec<usize>,
    entries: Vec<f64>,
    times: Vec<f64>,
    weights: Vec<f64>,
}

impl Cohort {
    fn new(seed: u64, rows: usize, columns: usize) -> Self {
        let mut random = Random::new(seed);
        let mut features = Array2::zeros((rows, columns));
        for mut row in features.rows_mut() {
            let mut before = 0.0;
            for value in &mut row {
                *value = 0.6 * before + 0.8 * random.normal();
                before = *value;
            }
        }
        let mut cohort = Self {
            features,
            outcomes: Vec::new(),
            labels: Vec::new(),
            entries: Vec::new(),
            times: Vec::new(),
            weights: Vec::new(),
        };
        for row in 0..rows {
            let score = cohort.features[(row, 0)] - 0.5 * cohort.features[(row, columns - 1)];
            cohort
                .outcomes
                .push(random.uniform() < 1.0 / (1.0 + (0.3 - score).exp()));
            let shift = score + 1.5 * random.normal();
            cohort
                .labels
                .push(usize::from(shift > -0.7) + usize::from(shift > 0.9));
            let time = -random.uniform().ln() * (-0.5 * score).exp();
            cohort.times.push((8.0 * time).ceil() / 8.0);
            cohort
                .entries
                .push((7.0 * random.uniform() * time).floor() / 8.0);
            cohort
                .weights
                .push((1.0 + 3.0 * random.uniform()).floor() / 2.0);
        }
        cohort
    }

    fn binary(&self) -> Target<'_> {
        Target::Binary(&self.outcomes)
    }

    fn classes(&self) -> Target<'_> {
        Target::Classes {
            labels: &self.labels,
            classes: 3,
        }
    }

    fn survival(&self) -> Target<'_> {
        Target::Survival {
            entries: None,
            times: &self.times,
            events: &self.outcomes,
        }
    }

    fn delayed(&self) -> Target<'_> {
        Target::Survival {
            entries: Some(&self.entries),
            times: &self.times,
            events: &self.outcomes,
        }
    }

    fn targets(&self) -> [(&'static str, Target<'_>); 4] {
        [
            ("binary", self.binary()),
            ("classes", self.classes()),
            ("survival", self.survival()),
            ("delayed", self.delayed()),
        ]
    }

    fn chosen(&self, rows: &[usize]) -> Self {
        Self {
            features: self.features.select(ndarray::Axis(0), rows),
            outcomes: rows.iter().map(|row| self.outcomes[*row]).collect(),
            labels: rows.iter().map(|row| self.labels[*row]).collect(),
            entries: rows.iter().map(|row| self.entries[*row]).collect(),
            times: rows.iter().map(|row| self.times[*row]).collect(),
            weights: rows.iter().map(|row| self.weights[*row]).collect(),
        }
    }
}

fn settings(lambda: f64, l1_ratio: f64) -> Settings {
    Settings {
        lambda,
        l1_ratio,
        ..Settings::default()
    }
}

/// The mean loss of given linear predictors, by definition.
fn textbook_loss(scores: &Array2<f64>, target: &Target<'_>, weights: &[f64], ties: Ties) -> f64 {
    let rows = 0..weights.len();
    let total: f64 = weights.iter().sum();
    let sum: f64 = match target {
        Target::Binary(outcomes) => rows
            .map(|row| {
                let probability = 1.0 / (1.0 + (-scores[(row, 0)]).exp());
                let own = if outcomes[row] {
                    probability
                } else {
                    1.0 - probability
                };
                -weights[row] * own.ln()
            })
            .sum(),
        Target::Classes { labels, .. } => rows
            .map(|row| {
                let sum: f64 = scores.row(row).iter().map(|score| score.exp()).sum();
                -weights[row] * (scores[(row, labels[row])].exp() / sum).ln()
            })
            .sum(),
        Target::Survival {
            entries,
            times,
            events,
        } => {
            let hazard = |row: usize| weights[row] * scores[(row, 0)].exp();
            let mut event_times: Vec<f64> = rows
                .clone()
                .filter(|row| events[*row])
                .map(|row| times[row])
                .collect();
            event_times.sort_by(f64::total_cmp);
            event_times.dedup();
            let mut loss = 0.0;
            for time in event_times {
                let at_risk: f64 = rows
                    .clone()
                    .filter(|row| times[*row] >= time && entries.is_none_or(|e| e[*row] < time))
                    .map(hazard)
                    .sum();
                let tied: Vec<usize> = rows
                    .clone()
                    .filter(|row| events[*row] && times[*row] == time)
                    .collect();
                let dying: f64 = tied.iter().map(|row| hazard(*row)).sum();
                let weight: f64 = tied.iter().map(|row| weights[*row]).sum();
                let deaths = tied.len() as f64;
                for (number, row) in tied.iter().enumerate() {
                    let left_out = match ties {
                        Ties::Efron => number as f64 / deaths,
                        Ties::Breslow => 0.0,
                    };
                    loss -= weights[*row] * scores[(*row, 0)];
                    loss += weight / deaths * (at_risk - left_out * dying).ln();
                }
            }
            loss
        }
    };
    sum / total
}

/// The mean loss of given parameters.
fn loss_at(cohort: &Cohort, target: &Target<'_>, parameters: &Array2<f64>, ties: Ties) -> f64 {
    let scores = design::scores(&cohort.features, parameters);
    textbook_loss(&scores, target, &cohort.weights, ties)
}

/// Derivative of the mean loss by each parameter, from four values around it.
fn numeric_gradient(
    cohort: &Cohort,
    target: &Target<'_>,
    parameters: &Array2<f64>,
    ties: Ties,
) -> Array2<f64> {
    let step = 1e-3;
    Array2::from_shape_fn(parameters.raw_dim(), |index| {
        let at = |factor: f64| {
            let mut moved = parameters.clone();
            moved[index] += factor * step;
            loss_at(cohort, target, &moved, ties)
        };
        (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step)
    })
}

/// Refuses a model that does not satisfy the conditions of a minimum.
fn check_conditions(cohort: &Cohort, target: &Target<'_>, model: &Linear, ties: Ties, name: &str) {
    let gradient = numeric_gradient(cohort, target, &model.parameters, ties);
    for ((column, output), slope) in gradient.indexed_iter() {
        let value = model.parameters[(column, output)];
        let (l1, l2) = if column < model.columns {
            (
                model.lambda * model.l1_ratio,
                model.lambda * (1.0 - model.l1_ratio),
            )
        } else {
            (0.0, 0.0)
        };
        let smooth = slope + l2 * value;
        let miss = if value == 0.0 {
            (smooth.abs() - l1).max(0.0)
        } else {
            (smooth + l1 * value.signum()).abs()
        };
        assert!(miss < 1e-9, "{name}: column {column} misses by {miss:e}");
    }
}

fn largest_difference(left: &Array2<f64>, right: &Array2<f64>) -> f64 {
    (left - right)
        .iter()
        .fold(0.0, |worst: f64, v| worst.max(v.abs()))
}
