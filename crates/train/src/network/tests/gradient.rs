//! Gradients are the slopes of a plain model in 64-bit floats.

use super::super::fit::{Trainer, sizes, start};
use super::super::layer::Layer;
use super::super::pass::Dropout;
use super::super::random::{Purpose, Random};
use super::super::target::{Checked, Target};
use super::super::{ClassWeights, Settings};
use super::Data;

/// Step of the central difference; its error is far below that of 32-bit gradients.
const STEP: f64 = 1e-5;
/// 32-bit sums over some layers.
const TOLERANCE: f64 = 2e-6;

/// A layer in 64-bit floats: rows of weights, the bias last.
type PlainLayer = Vec<Vec<f64>>;

fn plain(layers: &[Layer]) -> Vec<PlainLayer> {
    let of_layer = |layer: &Layer| {
        let rows = layer.weights.rows().into_iter().zip(&layer.bias);
        rows.map(|(weights, bias)| {
            weights
                .iter()
                .chain([bias])
                .map(|v| f64::from(*v))
                .collect()
        })
        .collect()
    };
    layers.iter().map(of_layer).collect()
}

/// Raw outputs of a row; `factors` are those of dropout, layer by layer.
fn forward(layers: &[PlainLayer], features: &[f64], factors: &[Vec<f64>]) -> Vec<f64> {
    let mut values = features.to_vec();
    for (number, layer) in layers.iter().enumerate() {
        let sum = |row: &Vec<f64>| {
            let products = row
                .iter()
                .zip(&values)
                .map(|(weight, value)| weight * value);
            products.sum::<f64>() + row[values.len()]
        };
        let mut next: Vec<f64> = layer.iter().map(sum).collect();
        if number + 1 < layers.len() {
            for (unit, factor) in next.iter_mut().zip(&factors[number]) {
                *unit = unit.max(0.0) * factor;
            }
        }
        values = next;
    }
    values
}

/// The loss from its definition.
fn loss(data: &Checked<'_>, rows: &[u32], raw: &[Vec<f64>]) -> f64 {
    let places = || {
        rows.iter()
            .enumerate()
            .map(|(place, row)| (place, *row as usize))
    };
    let weight = |row: usize| data.weight(row as u32);
    match data.target {
        Target::Binary(outcomes) => {
            let of_row = |(place, row): (usize, usize)| {
                let probability = 1.0 / (1.0 + (-raw[place][0]).exp());
                let chance = if outcomes[row] {
                    probability
                } else {
                    1.0 - probability
                };
                -weight(row) * chance.ln()
            };
            places().map(of_row).sum::<f64>() / rows.len() as f64
        }
        Target::Classes { labels, .. } => {
            let of_row = |(place, row): (usize, usize)| {
                let total: f64 = raw[place].iter().map(|logit| logit.exp()).sum();
                -weight(row) * (raw[place][labels[row]].exp() / total).ln()
            };
            places().map(of_row).sum::<f64>() / rows.len() as f64
        }
        Target::Survival { times, events } => {
            let (mut sum, mut total) = (0.0, 0.0);
            for (place, row) in places().filter(|(_, row)| events[*row]) {
                let at_risk = places().filter(|(_, other)| times[*other] >= times[row]);
                let hazards = at_risk.map(|(other, r)| weight(r) * raw[other][0].exp());
                sum += weight(row) * (hazards.sum::<f64>().ln() - raw[place][0]);
                total += weight(row);
            }
            sum / total
        }
    }
}

fn check(rows: usize, settings: &Settings) {
    let data = Data::new(rows, 5, 3);
    for target in data.targets() {
        let is_survival = matches!(target, Target::Survival { .. });
        let settings = Settings {
            class_weights: if is_survival {
                ClassWeights::None
            } else {
                settings.class_weights
            },
            ..settings.clone()
        };
        let (checked, _) = data.rows(target).check_training(&settings).unwrap();
        let sizes = sizes(&checked, &settings);
        let state = start(&checked, false, &settings, &sizes, None).unwrap();
        let mut trainer = Trainer::new(&checked, None, &settings, &sizes, state).unwrap();
        // Any order but that of the rows.
        let order: Vec<u32> = (0..rows as u32).rev().collect();
        let factors = factors(rows, &settings);
        let loss_of = |layers: &[PlainLayer]| {
            let of_row = |(place, row): (usize, &u32)| {
                let features = data.features.row(*row as usize);
                let features: Vec<f64> = features.iter().map(|v| f64::from(*v)).collect();
                forward(layers, &features, &factors[place])
            };
            let raw: Vec<Vec<f64>> = order.iter().enumerate().map(of_row).collect();
            loss(&checked, &order, &raw)
        };
        let own = trainer.gradient(1, 0, &order);
        let mut layers = plain(&trainer.state.layers);
        assert!(
            (own.mean - loss_of(&layers)).abs() < TOLERANCE,
            "{}",
            own.mean
        );
        let gradient = plain(trainer.parts[0].gradient());
        let mut largest = 0.0_f64;
        for number in 0..layers.len() {
            for output in 0..layers[number].len() {
                for input in 0..layers[number][output].len() {
                    let value = layers[number][output][input];
                    let mut shifted = |by| {
                        layers[number][output][input] = value + by;
                        loss_of(&layers)
                    };
                    let slope = (shifted(STEP) - shifted(-STEP)) / (2.0 * STEP);
                    layers[number][output][input] = value;
                    let own = gradient[number][output][input];
                    assert!(
                        (own - slope).abs() < TOLERANCE,
                        "{target:?}, layer {number}, output {output}, input {input}: {own}, not {slope}",
                    );
                    largest = largest.max(slope.abs());
                }
            }
        }
        assert!(largest > 0.01, "the gradient is {largest} at most");
    }
}

/// Factors of dropout for each row of the first batch of epoch 1, which is one part.
fn factors(rows: usize, settings: &Settings) -> Vec<Vec<Vec<f64>>> {
    let dropout = Dropout::new(settings.dropout);
    let mut random = Random::new(settings.seed, Purpose::Dropout, 1);
    let mut all = vec![Vec::new(); rows];
    for units in &settings.hidden {
        let mut factors = vec![1.0; rows * units];
        if settings.dropout > 0.0 {
            let mut bits = vec![0; rows * units * 2];
            random.fill(&mut bits);
            dropout.factors(&bits, &mut factors);
        }
        for (all, row) in all.iter_mut().zip(factors.chunks(*units)) {
            all.push(row.iter().map(|factor| f64::from(*factor)).collect());
        }
    }
    all
}

#[test]
fn of_several_parts() {
    let settings = Settings {
        hidden: vec![4, 3],
        dropout: 0.0,
        batch_size: 150,
        threads: 2,
        ..Settings::default()
    };
    check(150, &settings);
}

#[test]
fn with_dropout_and_class_weights() {
    let settings = Settings {
        hidden: vec![6, 5],
        dropout: 0.4,
        class_weights: ClassWeights::Balanced,
        ..Settings::default()
    };
    check(60, &settings);
}

#[test]
fn without_hidden_layers() {
    let settings = Settings {
        hidden: Vec::new(),
        ..Settings::default()
    };
    check(40, &settings);
}

#[test]
fn dropout_keeps_the_mean() {
    for share in [0.1, 0.5, 0.9] {
        let dropout = Dropout::new(share);
        let mut bits = vec![0; 2 * 100_000];
        Random::new(5, Purpose::Dropout, 1).fill(&mut bits);
        let mut factors = Vec::new();
        dropout.factors(&bits, &mut factors);
        let dropped = factors.iter().filter(|factor| **factor == 0.0).count() as f64;
        // Five standard deviations.
        let error = 5.0 * (share * (1.0 - share) / 1e5).sqrt();
        assert!(
            (dropped / 1e5 - share).abs() < error,
            "{dropped} at {share}"
        );
        let kept = factors.iter().copied().fold(0.0, f32::max);
        assert!((f64::from(kept) * (1.0 - share) - 1.0).abs() < 1e-4);
    }
}
