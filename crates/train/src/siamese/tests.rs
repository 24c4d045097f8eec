//! Data that several tests use.

mod gradient;
mod graph;
mod learning;
mod refusals;
mod repeat;

use std::ops::ControlFlow;

use ndarray::Array2;

use super::{EpochLosses, Rows, Settings, SiameseNetwork, Task, fit};
use crate::network::random::{Purpose, Random};

/// Variants in windows of random tokens.
#[derive(Clone)]
struct Data {
    reference: Array2<i64>,
    alternate: Array2<i64>,
    annotation: Array2<f32>,
    labels: Vec<bool>,
    weights: Vec<f64>,
}

/// A number from 0 to below `end`.
fn below(random: &mut Random, end: usize) -> usize {
    let unit = f64::midpoint(f64::from(random.symmetric()), 1.0);
    ((unit * end as f64) as usize).min(end - 1)
}

impl Data {
    /// Windows that differ in three tokens; labels follow from one of them and the first annotation.
    fn new(rows: usize, tokens: usize, elements: usize, vocabulary: usize, seed: u64) -> Self {
        let mut random = Random::new(seed, Purpose::Order, 0);
        let mut token = || below(&mut random, vocabulary) as i64;
        let reference = Array2::from_shape_simple_fn((rows, tokens), &mut token);
        let mut alternate = reference.clone();
        for mut window in alternate.rows_mut() {
            for place in tokens / 2..(tokens / 2 + 3).min(tokens) {
                window[place] = token();
            }
        }
        let annotation = Array2::from_shape_simple_fn((rows, elements), || random.symmetric());
        let label = |row: usize| {
            let first = annotation.row(row).first().copied().unwrap_or(0.0);
            let change = alternate[[row, tokens / 2]] - reference[[row, tokens / 2]];
            change as f32 + first > 0.0
        };
        let mut labels: Vec<bool> = (0..rows).map(label).collect();
        labels[..2].copy_from_slice(&[true, false]);
        Self {
            weights: (0..rows).map(|row| 0.5 + (row % 4) as f64).collect(),
            labels,
            reference,
            alternate,
            annotation,
        }
    }

    fn rows(&self) -> Rows<'_> {
        Rows {
            reference: self.reference.view(),
            alternate: self.alternate.view(),
            annotation: self.annotation.view(),
        }
    }

    fn task(&self) -> Task<'_> {
        Task {
            rows: self.rows(),
            labels: &self.labels,
            weights: &self.weights,
        }
    }
}

/// Trains to the end.
fn train(
    training: &Data,
    stopping: Option<&Data>,
    vocabulary: usize,
    settings: &Settings,
    seed: u64,
) -> SiameseNetwork {
    let mut go_on = |_: &EpochLosses| ControlFlow::Continue(());
    let stopping = stopping.map(Data::task);
    fit(
        &training.task(),
        stopping.as_ref(),
        vocabulary,
        settings,
        seed,
        &mut go_on,
    )
    .unwrap()
}
