//! Networks learn what they should.

use std::ops::ControlFlow;

use ndarray::Array2;

use super::super::{EpochLosses, Settings, SiameseError, fit};
use super::{Data, below, train};
use crate::network::random::{Purpose, Random};

/// Area under the receiver operating characteristic.
fn auroc(scores: &[f64], labels: &[bool]) -> f64 {
    let of = |class: bool| {
        let rows = scores.iter().zip(labels);
        rows.filter(move |(_, label)| **label == class)
            .map(|(score, _)| *score)
    };
    let (mut concordant, mut pairs) = (0.0, 0.0);
    for case in of(true) {
        for control in of(false) {
            pairs += 1.0;
            concordant += f64::from(u8::from(case > control));
            concordant += 0.5 * f64::from(u8::from(case == control));
        }
    }
    concordant / pairs
}

const BASES: usize = 40;
const K: usize = 3;
const VOCABULARY: usize = 64;
const MOTIF: [usize; 5] = [2, 0, 3, 3, 1];

/// Overlapping k-mers of bases.
fn kmers(bases: &[usize]) -> impl Iterator<Item = i64> {
    let of_bases = |bases: &[usize]| bases.iter().fold(0, |id, base| 4 * id + base) as i64;
    bases.windows(K).map(of_bases)
}

/// Windows with single-nucleotide alleles in the middle; of half of them, the allele makes (`gain`) or
/// breaks the motif. Every other window of both classes has it far from the allele too, so that only the
/// change tells. Annotation is noise.
fn motif(rows: usize, gain: bool, seed: u64) -> Data {
    let mut random = Random::new(seed, Purpose::Order, 0);
    let (mut reference, mut alternate, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..rows {
        let is_pathogenic = row % 2 == 0;
        let mut bases: Vec<usize> = (0..BASES).map(|_| below(&mut random, 4)).collect();
        let offset = below(&mut random, MOTIF.len());
        let centre = BASES / 2;
        let mut plant = |start: usize| {
            bases[start..start + MOTIF.len()].copy_from_slice(&MOTIF);
        };
        if is_pathogenic {
            plant(centre - offset);
        }
        if row % 4 < 2 {
            plant(below(&mut random, 10));
        }
        let mut other = bases.clone();
        other[centre] = (bases[centre] + 1 + below(&mut random, 3)) % 4;
        let (before, after) = if gain { (other, bases) } else { (bases, other) };
        reference.extend(kmers(&before));
        alternate.extend(kmers(&after));
        labels.push(is_pathogenic);
    }
    let tokens = BASES - K + 1;
    Data {
        reference: Array2::from_shape_vec((rows, tokens), reference).unwrap(),
        alternate: Array2::from_shape_vec((rows, tokens), alternate).unwrap(),
        annotation: Array2::from_shape_simple_fn((rows, 3), || random.symmetric()),
        labels,
        weights: vec![1.0; rows],
    }
}

#[test]
fn motifs_that_alleles_make_or_break() {
    for gain in [true, false] {
        let (training, stopping) = (motif(2000, gain, 1), motif(400, gain, 2));
        let network = train(
            &training,
            Some(&stopping),
            VOCABULARY,
            &Settings::default(),
            7,
        );
        let unseen = motif(1000, gain, 3);
        let logits = network.logits(&unseen.rows()).unwrap();
        let area = auroc(&logits, &unseen.labels);
        assert!(
            area > 0.95,
            "area {area}, gain {gain}, {:?}",
            network.curve()
        );
        // Without the change, pathogenic variants are less so.
        let mut same = unseen.clone();
        same.alternate.assign(&unseen.reference);
        let without = network.logits(&same.rows()).unwrap();
        let pairs = logits.iter().zip(&without).step_by(2);
        let lower = pairs.filter(|(with, without)| without < with).count();
        assert!(lower > 475, "{lower} of 500, gain {gain}");
    }
}

#[test]
fn noise_teaches_nothing() {
    let shuffled = |rows, seed| {
        let mut data = motif(rows, true, seed);
        let mut random = Random::new(seed, Purpose::Dropout, 0);
        data.labels.fill_with(|| below(&mut random, 2) == 1);
        data
    };
    let (training, stopping) = (shuffled(1000, 1), shuffled(500, 2));
    let network = train(
        &training,
        Some(&stopping),
        VOCABULARY,
        &Settings::default(),
        7,
    );
    let unseen = shuffled(1000, 3);
    let area = auroc(&network.logits(&unseen.rows()).unwrap(), &unseen.labels);
    // Five standard deviations of the area of 500 and 500 rows.
    assert!((area - 0.5).abs() < 5.0 * 0.0183, "area {area}");
    assert!(network.best_epoch() < 20, "{}", network.best_epoch());
}

#[test]
fn annotation_is_read() {
    let data = |seed| {
        let mut data = motif(2000, true, seed);
        let rows = data.labels.iter_mut().zip(data.annotation.rows());
        rows.for_each(|(label, values)| *label = values[1] > 0.0);
        data
    };
    let settings = Settings::default();
    let network = train(&data(1), Some(&data(2)), VOCABULARY, &settings, 7);
    let unseen = data(3);
    let area = auroc(&network.logits(&unseen.rows()).unwrap(), &unseen.labels);
    assert!(area > 0.95, "area {area}");
}

#[test]
fn the_best_epoch_is_kept() {
    let (training, mut stopping) = (motif(200, true, 4), motif(150, true, 5));
    // Labels with noise, so that the loss gets worse at last.
    for label in stopping.labels.iter_mut().step_by(3) {
        *label = !*label;
    }
    let settings = Settings {
        patience: 5,
        epochs: 300,
        learning_rate: 0.01,
        ..Settings::default()
    };
    let network = train(&training, Some(&stopping), VOCABULARY, &settings, 7);
    let epochs = network.curve().len();
    assert!(epochs < 300, "training never ended early");
    assert_eq!(network.best_epoch() + settings.patience, epochs);
    let losses = network
        .curve()
        .iter()
        .map(|losses| losses.stopping.unwrap());
    let lowest = losses.fold(f64::INFINITY, f64::min);
    let best = network.curve()[network.best_epoch() - 1];
    assert_eq!(best.stopping, Some(lowest));
    // The network that is given back has this loss.
    let logits = network.logits(&stopping.rows()).unwrap();
    let of_row = |(logit, label): (&f64, &bool)| {
        let chance = 1.0 / (1.0 + (-logit).exp());
        -(if *label { chance } else { 1.0 - chance }).ln()
    };
    let sum: f64 = logits.iter().zip(&stopping.labels).map(of_row).sum();
    assert!((sum / 150.0 - lowest).abs() < 1e-6, "{sum}, not {lowest}");
}

#[test]
fn without_stopping_rows_every_epoch_is_run() {
    let settings = Settings {
        epochs: 12,
        patience: 1,
        ..Settings::default()
    };
    let network = train(&Data::new(40, 6, 1, 9, 1), None, 9, &settings, 1);
    assert_eq!((network.curve().len(), network.best_epoch()), (12, 12));
    assert!(
        network
            .curve()
            .iter()
            .all(|losses| losses.stopping.is_none())
    );
}

#[test]
fn a_row_of_weight_two_counts_as_two_rows() {
    let data = Data::new(50, 6, 1, 9, 1);
    let weighted = Data {
        weights: (0..50)
            .map(|row| if row < 20 { 2.0 } else { 1.0 })
            .collect(),
        ..data.clone()
    };
    let twice: Vec<usize> = (0..50).chain(0..20).collect();
    let axis = ndarray::Axis(0);
    let repeated = Data {
        reference: data.reference.select(axis, &twice),
        alternate: data.alternate.select(axis, &twice),
        annotation: data.annotation.select(axis, &twice),
        labels: twice.iter().map(|row| data.labels[*row]).collect(),
        weights: vec![1.0; 70],
    };
    let settings = Settings {
        batch_size: 1000,
        dropout: 0.0,
        epochs: 3,
        ..Settings::default()
    };
    let one = train(&weighted, None, 9, &settings, 1);
    let two = train(&repeated, None, 9, &settings, 1);
    let rows = data.rows();
    let logits = one.logits(&rows).unwrap();
    for (one, two) in logits.iter().zip(two.logits(&rows).unwrap()) {
        assert!((one - two).abs() < 1e-4, "{one}, {two}");
    }
}

#[test]
fn l2_makes_weights_smaller() {
    let data = Data::new(100, 6, 1, 9, 1);
    let size = |l2| {
        let settings = Settings {
            l2,
            ..Settings::default()
        };
        let network = train(&data, None, 9, &settings, 1);
        let layers = network.parameters.layers.into_iter();
        layers
            .map(|layer| layer.weights.mapv(|v| v * v).sum())
            .sum::<f32>()
    };
    assert!(size(0.01) < 0.7 * size(0.0));
}

/// A token that training never saw has no random vector.
#[test]
fn unseen_tokens_count_as_padding() {
    let data = Data::new(60, 6, 1, 9, 1);
    let settings = Settings {
        epochs: 2,
        ..Settings::default()
    };
    let network = train(&data, None, 12, &settings, 1);
    for (token, vector) in network
        .parameters
        .embedding()
        .rows()
        .into_iter()
        .enumerate()
    {
        assert_eq!(vector.iter().all(|value| *value == 0.0), token >= 9);
    }
}

#[test]
fn progress_ends_a_training() {
    let data = Data::new(40, 6, 1, 9, 1);
    let mut stop = |losses: &EpochLosses| match losses.epoch {
        3 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let error = fit(&data.task(), None, 9, &Settings::default(), 1, &mut stop).unwrap_err();
    assert!(matches!(error, SiameseError::Interrupted { epoch: 3 }));
}
