//! Steps are those of PyTorch from the same weights on the same batches (`adam.py`).

use ndarray::{Array1, Array2};
use serde::Deserialize;

use super::super::fit::{Trainer, sizes, start};
use super::super::layer::{Layer, have_sizes};
use super::super::{Rows, Settings, Target};

/// 32-bit sums in another order.
const TOLERANCE: f32 = 1e-5;

#[derive(Deserialize)]
struct Case {
    name: String,
    weight_decay: f64,
    features: Vec<Vec<f32>>,
    weights: Vec<f64>,
    labels: Vec<usize>,
    times: Vec<f64>,
    events: Vec<bool>,
    before: Vec<State>,
    losses: Vec<f64>,
    after: Vec<State>,
}

#[derive(Deserialize)]
struct State {
    weights: Vec<Vec<f32>>,
    bias: Vec<f32>,
}

fn matrix(rows: &[Vec<f32>]) -> Array2<f32> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| {
        rows[row][column]
    })
}

fn layers(states: &[State]) -> Vec<Layer> {
    let layer = |state: &State| Layer {
        weights: matrix(&state.weights),
        bias: Array1::from(state.bias.clone()),
    };
    states.iter().map(layer).collect()
}

fn largest_difference(own: &[Layer], theirs: &[Layer]) -> f32 {
    let pairs = own.iter().zip(theirs);
    pairs
        .flat_map(|(own, theirs)| {
            let weights = own.weights.iter().zip(&theirs.weights);
            weights.chain(own.bias.iter().zip(&theirs.bias))
        })
        .map(|(own, theirs)| (own - theirs).abs())
        .fold(0.0, f32::max)
}

#[test]
fn three_steps_are_those_of_pytorch() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("adam.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let features = matrix(&case.features);
        let outcomes: Vec<bool> = case.labels.iter().map(|label| *label == 1).collect();
        let target = match case.name.as_str() {
            "binary" => Target::Binary(&outcomes),
            "classes" => Target::Classes {
                labels: &case.labels,
                classes: 3,
            },
            _ => Target::Survival {
                times: &case.times,
                events: &case.events,
            },
        };
        let settings = Settings {
            hidden: vec![4, 3],
            dropout: 0.0,
            learning_rate: 0.01,
            weight_decay: case.weight_decay,
            batch_size: features.nrows(),
            ..Settings::default()
        };
        let rows = Rows {
            features: features.view(),
            target,
            weights: Some(&case.weights),
        };
        let (checked, _) = rows.check_training(&settings).unwrap();
        let sizes = sizes(&checked, &settings);
        let mut state = start(&checked, false, &settings, &sizes, None).unwrap();
        state.layers = layers(&case.before);
        assert!(have_sizes(&state.layers, &sizes));
        let mut trainer = Trainer::new(&checked, None, &settings, &sizes, state).unwrap();
        for expected in &case.losses {
            let record = trainer.epoch().unwrap();
            assert!(
                (record.training_loss - expected).abs() < f64::from(TOLERANCE),
                "{}: loss {} here, {expected} by PyTorch",
                case.name,
                record.training_loss
            );
        }
        let expected = layers(&case.after);
        let moved = largest_difference(&layers(&case.before), &expected);
        assert!(moved > 0.02, "{}: steps moved {moved}", case.name);
        let difference = largest_difference(&trainer.state.layers, &expected);
        assert!(difference < TOLERANCE, "{}: {difference}", case.name);
    }
}
