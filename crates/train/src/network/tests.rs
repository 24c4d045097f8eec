//! Data that several tests use.

mod adam;
mod gradient;
mod learning;
mod loss;
mod refusals;
mod repeat;

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayRef2};

use super::random::{Purpose, Random};
use super::{Rows, Settings, Target, Training, fit};

/// Outcomes of each family for the same features.
struct Data {
    features: Array2<f32>,
    outcomes: Vec<bool>,
    labels: Vec<usize>,
    times: Vec<f64>,
    weights: Vec<f64>,
}

impl Data {
    /// Outcomes follow from the first columns, times with ties among them.
    fn new(rows: usize, columns: usize, seed: u64) -> Self {
        let mut random = Random::new(seed, Purpose::Order, 0);
        let features = Array2::from_shape_simple_fn((rows, columns), || 1.7 * random.symmetric());
        let sum = |row: usize| features[[row, 0]] - features[[row, 1]];
        let all = || 0..rows;
        Self {
            outcomes: all().map(|row| sum(row) > 0.0).collect(),
            labels: all()
                .map(|row| usize::from(sum(row) > -0.7) + usize::from(sum(row) > 0.7))
                .collect(),
            times: all()
                .map(|row| (20.0 * f64::from(-sum(row)).exp()).round())
                .collect(),
            weights: all().map(|row| 0.5 + (row % 4) as f64).collect(),
            features,
        }
    }

    fn targets(&self) -> [Target<'_>; 3] {
        [
            Target::Binary(&self.outcomes),
            Target::Classes {
                labels: &self.labels,
                classes: 3,
            },
            Target::Survival {
                times: &self.times,
                events: &self.outcomes,
            },
        ]
    }

    fn rows<'a>(&'a self, target: Target<'a>) -> Rows<'a> {
        Rows {
            features: self.features.view(),
            target,
            weights: Some(&self.weights),
        }
    }
}

/// Trains to the end.
fn train(training: Rows<'_>, validation: Option<Rows<'_>>, settings: &Settings) -> Training {
    let mut go_on = |_: &super::EpochReport<'_>| ControlFlow::Continue(());
    fit(training, validation, settings, &mut go_on, None).unwrap()
}

/// The same without the times that epochs took.
fn timeless(mut training: Training) -> Training {
    for record in &mut training.history {
        record.seconds = 0.0;
    }
    training
}

fn binary<'a>(features: &'a ArrayRef2<f32>, outcomes: &'a [bool]) -> Rows<'a> {
    Rows {
        features: features.view(),
        target: Target::Binary(outcomes),
        weights: None,
    }
}
