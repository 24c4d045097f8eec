//! Whole fits.

mod refused;

use std::ops::ControlFlow;

use ndarray::{Array2, array};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Boosted, Data, Node, Settings, Target, fit};

/// Outcomes of every family for the same rows.
struct Rows {
    features: Array2<f32>,
    outcomes: Vec<bool>,
    labels: Vec<usize>,
    times: Vec<f64>,
    events: Vec<bool>,
    numbers: Vec<f64>,
}

/// Rows whose outcomes depend on the first columns, a tenth of the features missing, some of few values.
fn rows(seed: u64, count: usize, columns: usize) -> Rows {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = move || (random.next_u32() >> 8) as f32 / (1 << 24) as f32;
    let mut rows = Rows {
        features: Array2::zeros((count, columns)),
        outcomes: Vec::new(),
        labels: Vec::new(),
        times: Vec::new(),
        events: Vec::new(),
        numbers: Vec::new(),
    };
    for row in 0..count {
        for column in 0..columns {
            let value = uniform() * 4.0 - 2.0;
            let value = if column % 3 == 1 {
                value.round()
            } else {
                value
            };
            rows.features[[row, column]] = if uniform() < 0.1 { f32::NAN } else { value };
        }
        let known = |column: usize| Some(rows.features[[row, column]]).filter(|v| !v.is_nan());
        let signal = f64::from(known(0).unwrap_or(1.0) + known(1).map_or(0.5, |v| v * v - 1.0));
        let noise = f64::from(uniform()) - 0.5;
        rows.numbers.push(signal + noise);
        rows.outcomes.push(signal + 3.0 * noise > 0.5);
        let label = ((signal + noise + 2.0) / 1.5).clamp(0.0, 2.0) as usize;
        // Every class has a row, however few there are.
        rows.labels.push(if row < 3 { row } else { label });
        rows.times
            .push((10.0 * (-signal + 2.0 * noise).exp()).round());
        rows.events.push(row == 0 || uniform() < 0.6);
    }
    rows.outcomes[0] = true;
    rows.outcomes[1] = false;
    rows
}

impl Rows {
    fn targets(&self) -> [Target<'_>; 4] {
        [
            Target::Binary(&self.outcomes),
            Target::Classes {
                classes: 3,
                labels: &self.labels,
            },
            Target::Survival {
                times: &self.times,
                events: &self.events,
            },
            Target::Number(&self.numbers),
        ]
    }

    fn data<'a>(&'a self, target: Target<'a>) -> Data<'a> {
        Data {
            features: self.features.view(),
            target,
            weights: None,
        }
    }
}

fn fitted(data: &Data<'_>, settings: &Settings) -> Boosted {
    fit(data, None, settings, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn few_rounds() -> Settings {
    Settings {
        rounds: 12,
        learning_rate: 0.3,
        ..Settings::default()
    }
}

fn walk(model: &Boosted, features: &Array2<f32>) -> Vec<f64> {
    let raw = model.predict_raw(&features.view()).unwrap();
    raw.into_iter().collect()
}

#[test]
fn signal_is_learnt_on_new_rows() {
    let (training, new) = (rows(1, 2_000, 6), rows(2, 2_000, 6));
    for (target, unseen) in training.targets().into_iter().zip(new.targets()) {
        let mut losses = Vec::new();
        let model = fit(
            &training.data(target),
            Some(&new.data(unseen)),
            &Settings {
                threads: 2,
                ..Settings::default()
            },
            &mut |round| {
                losses.push(*round);
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        assert_eq!(model.curve(), losses);
        let validation = |round: usize| losses[round].validation_loss.unwrap();
        let best = model.rounds().len();
        assert!(
            losses
                .iter()
                .all(|round| round.validation_loss.unwrap() >= validation(best))
        );
        let fall = validation(best) - validation(0);
        println!(
            "{:?}: {best} rounds, {fall} from {}",
            model.family(),
            validation(0)
        );
        assert!(fall < -0.15, "{:?}: {fall}", model.family());
        let gains = model.feature_gain();
        let noise = gains[2..].iter().copied().fold(0.0, f64::max);
        assert!(
            gains[0] > 4.0 * noise && gains[1] > 4.0 * noise,
            "{gains:?}"
        );
    }
}

#[test]
fn losses_of_the_curve_are_those_of_the_predictions() {
    let training = rows(3, 300, 4);
    for subsample in [1.0, 0.5] {
        let settings = Settings {
            subsample,
            ..few_rounds()
        };
        let model = fitted(
            &training.data(Target::Binary(&training.outcomes)),
            &settings,
        );
        let raw = walk(&model, &training.features);
        let loss = raw.iter().zip(&training.outcomes).map(|(raw, outcome)| {
            let p = 1.0 / (1.0 + (-raw).exp());
            -if *outcome { p } else { 1.0 - p }.ln()
        });
        let loss = loss.sum::<f64>() / 300.0;
        let last = model.curve().last().unwrap().training_loss;
        assert!((loss - last).abs() < 1e-12, "{loss} {last}");
    }
}

#[test]
fn the_partial_likelihood_is_that_of_the_book() {
    // Two tied events at 2 and one at 5; the hazards are 1 in front of any tree.
    let target = Target::Survival {
        times: &[2.0, 2.0, 3.0, 5.0, 6.0],
        events: &[true, true, false, true, false],
    };
    let features = Array2::zeros((5, 1));
    let data = Data {
        features: features.view(),
        target,
        weights: None,
    };
    let model = fitted(&data, &few_rounds());
    let expected = (2.0 * 5.0_f64.ln() + 2.0_f64.ln()) / 3.0;
    assert!((model.curve()[0].training_loss - expected).abs() < 1e-15);
    assert!(model.rounds().is_empty());
    // A weight of 2 is a row that stands twice; weights are scaled to a mean of 1.
    let data = Data {
        weights: Some(&[2.0, 1.0, 1.0, 1.0, 3.0]),
        ..data
    };
    let expected = (3.0 * (8.0_f64 / 1.6).ln() + (4.0_f64 / 1.6).ln()) / 4.0;
    let loss = fitted(&data, &few_rounds()).curve()[0].training_loss;
    assert!((loss - expected).abs() < 1e-15);
}

#[test]
fn derivatives_are_those_of_the_losses() {
    let training = rows(4, 40, 2);
    let weights: Vec<f64> = (0..40).map(|row| f64::from(row % 4)).collect();
    for target in training.targets() {
        let data = Data {
            weights: Some(&weights),
            ..training.data(target)
        };
        let objective = super::objective::Objective::new(&data);
        let outputs = target.family().outputs();
        let raw: Vec<f64> = (0..40 * outputs).map(|i| (i as f64 * 0.7).sin()).collect();
        let mut pairs = vec![vec![(0.0, 0.0); 40]; outputs];
        objective.derivatives(&raw, &mut pairs);
        let scaled = data.scaled_weights();
        let total: f64 = match target {
            Target::Survival { events, .. } => (0..40)
                .filter(|row| events[*row])
                .map(|row| scaled[row])
                .sum(),
            _ => scaled.iter().sum(),
        };
        let step = 1e-4;
        for place in 0..raw.len() {
            let at = |by: f64| {
                let mut raw = raw.clone();
                raw[place] += by;
                objective.loss(&raw) * total
            };
            let (first, second) = pairs[place % outputs][place / outputs];
            let slope = (at(step) - at(-step)) / (2.0 * step);
            let curvature = (at(step) - 2.0 * at(0.0) + at(-step)) / (step * step);
            // The bound for classes is twice the diagonal.
            let diagonal = if outputs > 1 { second / 2.0 } else { second };
            assert!(
                (first - slope).abs() < 1e-6,
                "{:?}: {first} {slope}",
                target.family()
            );
            assert!(
                (diagonal - curvature).abs() < 1e-4,
                "{:?}: {diagonal} {curvature}",
                target.family()
            );
        }
    }
}

/// The largest fall of half the squared error by one split, over all thresholds and both ways for the
/// missing.
fn best_gain(rows: &Rows) -> f64 {
    let mean = rows.numbers.iter().sum::<f64>() / rows.numbers.len() as f64;
    let mut best = 0.0_f64;
    for column in rows.features.columns() {
        for threshold in column.iter().filter(|value| !value.is_nan()) {
            for missing_left in [false, true] {
                let (mut left, mut right) = ((0.0, 0.0), (0.0, 0.0));
                for (value, number) in column.iter().zip(&rows.numbers) {
                    let goes_left = value <= threshold || (value.is_nan() && missing_left);
                    let side = if goes_left { &mut left } else { &mut right };
                    *side = (side.0 + number - mean, side.1 + 1.0);
                }
                if left.1 > 0.0 && right.1 > 0.0 {
                    let gain = 0.5 * (left.0 * left.0 / left.1 + right.0 * right.0 / right.1);
                    best = best.max(gain);
                }
            }
        }
    }
    best
}

#[test]
fn the_first_split_is_the_best_of_all() {
    for seed in 0..20 {
        let training = rows(seed, 60, 3);
        let settings = Settings {
            rounds: 1,
            depth: 1,
            l2: 0.0,
            min_child_weight: 0.0,
            ..Settings::default()
        };
        let model = fitted(&training.data(Target::Number(&training.numbers)), &settings);
        let gain: f64 = model.feature_gain().iter().sum();
        // The constant is a 32-bit number, so it is not quite the mean.
        assert!((gain - best_gain(&training)).abs() < 1e-5, "{gain}");
    }
}

#[test]
fn a_value_at_the_threshold_goes_left_and_its_neighbour_right() {
    let next = 1.0_f32.next_up();
    let features = array![[1.0], [1.0], [next], [next], [f32::NAN], [f32::NAN]];
    let outcomes = [-1.0, -1.0, 1.0, 1.0, 1.0, 1.0];
    let settings = Settings {
        rounds: 1,
        learning_rate: 1.0,
        l2: 0.0,
        depth: 1,
        ..Settings::default()
    };
    let data = Data {
        features: features.view(),
        target: Target::Number(&outcomes),
        weights: None,
    };
    let model = fitted(&data, &settings);
    let Node::Split {
        threshold,
        missing_left,
        ..
    } = model.rounds()[0][0].nodes()[0]
    else {
        panic!("{model:?}");
    };
    assert_eq!((threshold, missing_left), (1.0, false));
    let raw = walk(&model, &features);
    for (raw, outcome) in raw.iter().zip(outcomes) {
        assert!((raw - outcome).abs() < 1e-7);
    }
}

#[test]
fn missingness_alone_can_split() {
    let features = array![[0.0], [5.0], [9.0], [f32::NAN], [f32::NAN], [f32::NAN]];
    let data = Data {
        features: features.view(),
        target: Target::Number(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        weights: None,
    };
    let model = fitted(&data, &few_rounds());
    let Node::Split {
        threshold,
        missing_left,
        ..
    } = model.rounds()[0][0].nodes()[0]
    else {
        panic!("{model:?}");
    };
    assert_eq!((threshold, missing_left), (f32::MAX, false));
    let raw = walk(&model, &array![[f32::MAX], [f32::MIN], [f32::NAN]]);
    assert!(raw[0] < 0.2 && raw[0] == raw[1] && raw[2] > 0.8);
}

#[test]
fn rows_without_weight_are_as_if_left_out() {
    let all = rows(5, 200, 3);
    let weights: Vec<f64> = (0..200).map(|row| f64::from(row % 5)).collect();
    let kept: Vec<usize> = (0..200).filter(|row| row % 5 != 0).collect();
    let features = all.features.select(ndarray::Axis(0), &kept);
    let numbers: Vec<f64> = kept.iter().map(|row| all.numbers[*row]).collect();
    let own: Vec<f64> = kept.iter().map(|row| weights[*row]).collect();
    let settings = Settings {
        subsample: 0.7,
        ..few_rounds()
    };
    let with = Data {
        weights: Some(&weights),
        ..all.data(Target::Number(&all.numbers))
    };
    let without = Data {
        features: features.view(),
        target: Target::Number(&numbers),
        weights: Some(&own),
    };
    assert_eq!(fitted(&with, &settings), fitted(&without, &settings));
    // Only ratios matter; a power of two changes no bit.
    let scaled: Vec<f64> = weights.iter().map(|weight| weight * 1024.0).collect();
    let scaled = Data {
        weights: Some(&scaled),
        ..with
    };
    assert_eq!(fitted(&with, &settings), fitted(&scaled, &settings));
}

#[test]
fn a_weight_is_a_row_that_stands_more_than_once() {
    let all = rows(6, 80, 3);
    let counts: Vec<usize> = (0..80).map(|row| 1 + row % 3).collect();
    let repeated: Vec<usize> = (0..80).flat_map(|row| vec![row; counts[row]]).collect();
    let features = all.features.select(ndarray::Axis(0), &repeated);
    let weights: Vec<f64> = counts.iter().map(|count| *count as f64).collect();
    // With penalties the scale of the weights would show.
    let settings = Settings {
        l2: 0.0,
        min_child_weight: 0.0,
        depth: 2,
        rounds: 3,
        ..few_rounds()
    };
    let outcomes: Vec<bool> = repeated.iter().map(|row| all.outcomes[*row]).collect();
    let labels: Vec<usize> = repeated.iter().map(|row| all.labels[*row]).collect();
    let classes = |labels| Target::Classes { classes: 3, labels };
    // Survival is left out: its diagonal has a term of the squared weight.
    for (target, again) in [
        (Target::Binary(&all.outcomes), Target::Binary(&outcomes)),
        (classes(&all.labels), classes(&labels)),
    ] {
        let weighted = Data {
            weights: Some(&weights),
            ..all.data(target)
        };
        let repeated = Data {
            features: features.view(),
            target: again,
            weights: None,
        };
        let weighted = fitted(&weighted, &settings);
        let repeated = fitted(&repeated, &settings);
        let ours = walk(&weighted, &all.features);
        let theirs = walk(&repeated, &all.features);
        for (a, b) in ours.iter().zip(theirs) {
            assert!((a - b).abs() < 1e-5, "{:?}: {a} {b}", target.family());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 32,
        ..ProptestConfig::default()
    })]

    #[test]
    fn training_loss_falls_every_round(seed in any::<u64>(), count in 10_usize..200) {
        let training = rows(seed, count, 3);
        for target in training.targets() {
            let model = fitted(&training.data(target), &few_rounds());
            for pair in model.curve().windows(2) {
                let (before, after) = (pair[0].training_loss, pair[1].training_loss);
                prop_assert!(after <= before + 1e-12, "{:?}: {before} {after}", target.family());
            }
        }
    }

    #[test]
    fn threads_change_nothing(seed in any::<u64>(), threads in 2_usize..9, share in 0.2_f64..1.0) {
        let training = rows(seed, 150, 5);
        let settings = Settings { subsample: share, column_subsample: share, seed, ..few_rounds() };
        let many = Settings { threads, ..settings.clone() };
        for target in training.targets() {
            let data = training.data(target);
            prop_assert_eq!(fitted(&data, &settings), fitted(&data, &many));
        }
    }

    #[test]
    fn monotone_maps_change_no_prediction(seed in any::<u64>(), bins in 2_usize..256) {
        let training = rows(seed, 200, 3);
        let mut mapped = training.features.clone();
        mapped.column_mut(0).mapv_inplace(|value| value * value * value + 5.0 * value);
        mapped.column_mut(1).mapv_inplace(f32::exp);
        mapped.column_mut(2).mapv_inplace(|value| 8.0 * value);
        let settings = Settings { bins, ..few_rounds() };
        let data = training.data(Target::Binary(&training.outcomes));
        let other = Data { features: mapped.view(), ..data };
        let ours = walk(&fitted(&data, &settings), &training.features);
        let theirs = walk(&fitted(&other, &settings), &mapped);
        prop_assert_eq!(ours, theirs);
    }
}
