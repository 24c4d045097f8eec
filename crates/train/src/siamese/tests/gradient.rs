//! Gradients are the slopes of a plain model in 64-bit floats.

use super::super::fit::Trainer;
use super::super::parameters::{Parameters, Shape};
use super::super::settings::Settings;
use super::{Data, train};
use crate::network::pass::Dropout;
use crate::network::random::{Purpose, Random};

/// Step of the central difference; its error is far below that of 32-bit gradients.
const STEP: f64 = 1e-6;
/// 32-bit sums over some layers.
const TOLERANCE: f64 = 2e-6;

/// A layer in 64-bit floats: rows of weights, the bias last, which embeddings lack.
type PlainLayer = Vec<Vec<f64>>;

fn plain(parameters: &Parameters) -> Vec<PlainLayer> {
    let layers = parameters.layers.iter();
    let of_layer = |layer: &crate::network::Layer| {
        let rows = layer.weights.rows().into_iter().enumerate();
        rows.map(|(output, weights)| {
            let bias = layer.bias.iter().skip(output).take(1);
            weights.iter().chain(bias).map(|v| f64::from(*v)).collect()
        })
        .collect()
    };
    layers.map(of_layer).collect()
}

/// Largest and mean value of each filter, from the definition of a convolution with zero padding.
fn pool(layers: &[PlainLayer], shape: &Shape, window: &[i64]) -> Vec<f64> {
    let mut values: Vec<Vec<f64>> = window
        .iter()
        .map(|token| layers[0][*token as usize].clone())
        .collect();
    for layer in &layers[1..=shape.convolutions] {
        let channels = values[0].len();
        let of_filter = |filter: &Vec<f64>, centre: usize| {
            let mut sum = filter[shape.kernel * channels];
            for number in 0..shape.kernel {
                let place = (centre + number).checked_sub(shape.kernel / 2);
                let Some(read) = place.and_then(|place| values.get(place)) else {
                    continue;
                };
                for (channel, value) in read.iter().enumerate() {
                    sum += filter[number * channels + channel] * value;
                }
            }
            sum.max(0.0)
        };
        values = (0..window.len())
            .map(|centre| layer.iter().map(|f| of_filter(f, centre)).collect())
            .collect();
    }
    let of_filters = |of: &dyn Fn(&mut dyn Iterator<Item = f64>) -> f64| {
        let filters = 0..shape.filters;
        let values = &values;
        filters
            .map(|filter| of(&mut values.iter().map(|row| row[filter])))
            .collect::<Vec<f64>>()
    };
    let mut pooled = of_filters(&|values| values.fold(f64::NEG_INFINITY, f64::max));
    pooled.extend(of_filters(&|values| {
        values.sum::<f64>() / window.len() as f64
    }));
    pooled
}

/// Log odds of a row; `factors` are those of dropout, layer by layer.
fn logit(
    layers: &[PlainLayer],
    shape: &Shape,
    data: &Data,
    row: usize,
    factors: &[Vec<f64>],
) -> f64 {
    let reference = pool(layers, shape, &data.reference.row(row).to_vec());
    let alternate = pool(layers, shape, &data.alternate.row(row).to_vec());
    // Means, the second half, are multiplied by the root of the tokens.
    let root = (data.reference.ncols() as f64).sqrt();
    let half = reference.len() / 2;
    let change = alternate.iter().zip(&reference).enumerate();
    let change = change.map(|(at, (a, r))| if at < half { a - r } else { (a - r) * root });
    let mut values: Vec<f64> = change.chain(reference.iter().copied()).collect();
    values.extend(data.annotation.row(row).iter().map(|v| f64::from(*v)));
    let dense = &layers[1 + shape.convolutions..];
    for (number, layer) in dense.iter().enumerate() {
        let sum = |row: &Vec<f64>| {
            let products = row.iter().zip(&values).map(|(w, v)| w * v);
            products.sum::<f64>() + row[values.len()]
        };
        let mut next: Vec<f64> = layer.iter().map(sum).collect();
        if number + 1 < dense.len() {
            for (unit, factor) in next.iter_mut().zip(&factors[number]) {
                *unit = unit.max(0.0) * factor;
            }
        }
        values = next;
    }
    values[0]
}

/// Factors of dropout for each row of the first batch of epoch 1, part by part.
fn factors(rows: usize, per_part: usize, settings: &Settings, seed: u64) -> Vec<Vec<Vec<f64>>> {
    let dropout = Dropout::new(settings.dropout);
    let words: usize = settings.hidden.iter().map(|units| units.div_ceil(2)).sum();
    let mut all = vec![Vec::new(); rows];
    for (number, part) in all.chunks_mut(per_part).enumerate() {
        let mut random = Random::new(seed, Purpose::Dropout, 1);
        random.seek((number * per_part * words) as u64);
        for units in &settings.hidden {
            let mut factors = vec![1.0; part.len() * units];
            if settings.dropout > 0.0 {
                let mut bits = vec![0; part.len() * units * 2];
                random.fill(&mut bits);
                dropout.factors(&bits, &mut factors);
            }
            for (row, factors) in part.iter_mut().zip(factors.chunks(*units)) {
                row.push(factors.iter().map(|v| f64::from(*v)).collect());
            }
        }
    }
    all
}

fn check(rows: usize, tokens: usize, elements: usize, settings: &Settings) {
    let (vocabulary, seed) = (9, 5);
    let data = Data::new(rows, tokens, elements, vocabulary, 3);
    let shape = Shape::new(&data.rows(), vocabulary, settings);
    let checked = data.task().check("training", &shape).unwrap();
    let mut trainer = Trainer::new(&checked, None, settings, &shape, seed).unwrap();
    // Any order but that of the rows.
    let order: Vec<u32> = (0..rows as u32).rev().collect();
    let factors = factors(rows, 16, settings, seed);
    let loss_of = |layers: &[PlainLayer]| {
        let of_row = |(place, row): (usize, &u32)| {
            let logit = logit(layers, &shape, &data, *row as usize, &factors[place]);
            let (outcome, weight) = checked.outcome(*row);
            let probability = 1.0 / (1.0 + (-logit).exp());
            let chance = if outcome == 1.0 {
                probability
            } else {
                1.0 - probability
            };
            -weight * chance.ln()
        };
        order.iter().enumerate().map(of_row).sum::<f64>() / rows as f64
    };
    let own = trainer.gradient(1, 0, &order) / rows as f64;
    let mut layers = plain(&trainer.parameters);
    let expected = loss_of(&layers);
    assert!((own - expected).abs() < TOLERANCE, "{own}, not {expected}");
    let gradient = plain(&trainer.gradient);
    for number in 0..layers.len() {
        let mut largest = 0.0_f64;
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
                    "layer {number}, output {output}, input {input}: {own}, not {slope}",
                );
                largest = largest.max(slope.abs());
            }
        }
        assert!(
            largest > 1e-4,
            "the gradient of layer {number} is {largest} at most"
        );
    }
}

fn small() -> Settings {
    Settings {
        embedding: 3,
        kernel: 3,
        filters: 4,
        hidden: vec![5],
        dropout: 0.0,
        ..Settings::default()
    }
}

#[test]
fn of_one_convolution() {
    check(14, 7, 2, &small());
}

#[test]
fn of_two_convolutions_in_several_parts_with_dropout() {
    let settings = Settings {
        convolutions: 2,
        hidden: vec![6, 5],
        dropout: 0.4,
        threads: 2,
        ..small()
    };
    check(37, 8, 2, &settings);
}

#[test]
fn of_filters_wider_than_the_window_without_annotation() {
    let settings = Settings {
        convolutions: 2,
        kernel: 9,
        ..small()
    };
    check(12, 3, 0, &settings);
}

#[test]
fn of_single_tokens_without_hidden_layers() {
    let settings = Settings {
        kernel: 1,
        hidden: Vec::new(),
        ..small()
    };
    check(12, 5, 1, &settings);
}

/// The forward pass of prediction, row by row and in all sizes of the last chunk.
#[test]
fn predictions_are_those_of_the_plain_model() {
    let settings = Settings {
        convolutions: 2,
        epochs: 3,
        ..small()
    };
    let data = Data::new(37, 8, 2, 9, 3);
    let network = train(&data, None, 9, &settings, 1);
    let layers = plain(&network.parameters);
    let factors = vec![vec![1.0; 5]];
    for (row, own) in network.logits(&data.rows()).unwrap().iter().enumerate() {
        let expected = logit(&layers, &network.shape, &data, row, &factors);
        assert!((own - expected).abs() < TOLERANCE, "{own}, not {expected}");
    }
}
