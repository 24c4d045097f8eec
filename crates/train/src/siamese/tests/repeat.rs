//! Threads, absent rows and neighbours change no bit.

use super::super::{Settings, SiameseNetwork};
use super::{Data, train};

fn settings() -> Settings {
    Settings {
        epochs: 4,
        batch_size: 50,
        convolutions: 2,
        hidden: vec![7, 5],
        ..Settings::default()
    }
}

fn bytes(network: &SiameseNetwork) -> Vec<u8> {
    postcard::to_stdvec(network).unwrap()
}

#[test]
fn a_seed_gives_the_same_bytes() {
    let (data, other) = (Data::new(120, 9, 2, 20, 1), Data::new(70, 9, 2, 20, 2));
    let train = |seed| bytes(&train(&data, Some(&other), 20, &settings(), seed));
    assert!(train(1) == train(1));
    assert!(train(1) != train(2));
}

#[test]
fn threads_change_nothing() {
    let (data, other) = (Data::new(230, 9, 2, 20, 1), Data::new(170, 9, 2, 20, 2));
    for batch_size in [50, 1000] {
        let train = |threads| {
            let settings = Settings {
                threads,
                batch_size,
                ..settings()
            };
            bytes(&train(&data, Some(&other), 20, &settings, 1))
        };
        let one = train(1);
        for threads in [2, 3, 8] {
            assert!(one == train(threads), "{threads} threads");
        }
    }
}

#[test]
fn a_stored_network_predicts_the_same() {
    let data = Data::new(60, 9, 2, 20, 1);
    let network = train(&data, None, 20, &settings(), 1);
    let again: SiameseNetwork = postcard::from_bytes(&bytes(&network)).unwrap();
    assert!(network == again);
    assert_eq!(
        network.logits(&data.rows()).unwrap(),
        again.logits(&data.rows()).unwrap()
    );
}

#[test]
fn neighbours_change_nothing() {
    let data = Data::new(45, 9, 2, 20, 1);
    let network = train(&data, None, 20, &settings(), 1);
    let all = network.logits(&data.rows()).unwrap();
    for (row, logit) in all.iter().enumerate() {
        let alone = Data {
            reference: data.reference.select(ndarray::Axis(0), &[row]),
            alternate: data.alternate.select(ndarray::Axis(0), &[row]),
            annotation: data.annotation.select(ndarray::Axis(0), &[row]),
            ..data.clone()
        };
        assert_eq!(network.logits(&alone.rows()).unwrap(), [*logit]);
    }
}

#[test]
fn rows_of_weight_zero_are_absent() {
    let mut with = Data::new(90, 9, 2, 20, 1);
    let kept: Vec<usize> = (0..70).collect();
    let axis = ndarray::Axis(0);
    let without = Data {
        reference: with.reference.select(axis, &kept),
        alternate: with.alternate.select(axis, &kept),
        annotation: with.annotation.select(axis, &kept),
        labels: with.labels[..70].to_vec(),
        weights: with.weights[..70].to_vec(),
    };
    with.weights[70..].fill(0.0);
    assert!(train(&with, None, 20, &settings(), 1) == train(&without, None, 20, &settings(), 1));
}
