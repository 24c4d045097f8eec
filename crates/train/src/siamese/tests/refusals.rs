//! What makes no sense is refused.

use std::ops::ControlFlow;

use ndarray::Array2;

use super::super::{EpochLosses, Settings, SiameseNetwork, fit};
use super::{Data, train};

fn data() -> Data {
    Data::new(20, 6, 2, 9, 1)
}

fn error(
    training: &Data,
    stopping: Option<&Data>,
    vocabulary: usize,
    settings: &Settings,
) -> String {
    let mut go_on = |_: &EpochLosses| ControlFlow::Continue(());
    let stopping = stopping.map(Data::task);
    let task = training.task();
    fit(
        &task,
        stopping.as_ref(),
        vocabulary,
        settings,
        1,
        &mut go_on,
    )
    .unwrap_err()
    .to_string()
}

#[test]
fn settings() {
    let check = |change: &dyn Fn(&mut Settings), expected: &str| {
        let mut settings = Settings::default();
        change(&mut settings);
        let message = settings.check().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert_eq!(error(&data(), None, 9, &settings), message);
    };
    check(
        &|s| s.embedding = 0,
        "'embedding' of the variant network is 0; give",
    );
    check(
        &|s| s.kernel = 4,
        "'kernel' of the variant network is 4; give an odd number",
    );
    check(&|s| s.kernel = 0, "'kernel'");
    check(&|s| s.filters = 0, "'filters'");
    check(&|s| s.convolutions = 3, "give 1 or 2");
    check(&|s| s.hidden = vec![4, 0], "'hidden'");
    check(&|s| s.hidden = vec![4; 17], "a list of 17");
    check(&|s| s.dropout = 1.0, "'dropout'");
    check(&|s| s.dropout = f64::NAN, "'dropout'");
    check(&|s| s.l2 = -1.0, "'l2'");
    check(&|s| s.learning_rate = f64::INFINITY, "'learning_rate'");
    check(&|s| s.batch_size = 0, "'batch_size'");
    check(&|s| s.epochs = 0, "'epochs'");
    check(&|s| s.patience = 0, "'patience'");
    check(&|s| s.threads = 0, "'threads'");
    let message = error(&data(), None, 0, &Settings::default());
    assert!(message.contains("'vocabulary'"), "{message}");
}

#[test]
fn settings_are_read_strictly() {
    let settings: Settings = toml::from_str("kernel = 7\nhidden = [8, 4]").unwrap();
    assert_eq!((settings.kernel, settings.hidden), (7, vec![8, 4]));
    assert!(toml::from_str::<Settings>("kernels = 7").is_err());
}

#[test]
fn rows() {
    let check = |change: &dyn Fn(&mut Data), expected: &str| {
        let mut changed = data();
        change(&mut changed);
        let message = error(&changed, None, 9, &Settings::default());
        assert!(message.contains(expected), "{message}");
    };
    check(
        &|d| d.reference[[3, 2]] = 9,
        "the reference window of row 3 has token 9 at position 2 (counted from 0) but the vocabulary ends at 8",
    );
    check(
        &|d| d.alternate[[4, 5]] = -1,
        "the alternate window of row 4 has token -1 at position 5",
    );
    check(
        &|d| d.annotation[[7, 1]] = f32::NAN,
        "annotation element 1 of row 7 (counted from 0) is not a finite number",
    );
    check(
        &|d| d.annotation[[7, 1]] = f32::INFINITY,
        "is not a finite number",
    );
    check(&|d| d.weights[2] = -1.0, "the weight of row 2");
    check(&|d| d.weights[2] = f64::NAN, "the weight of row 2");
    check(
        &|d| d.weights.truncate(3),
        "3 weights for 20 reference windows",
    );
    check(
        &|d| d.labels.truncate(3),
        "3 labels for 20 reference windows",
    );
    check(
        &|d| d.alternate = Array2::zeros((19, 6)),
        "19 alternate windows for 20 reference windows",
    );
    check(
        &|d| d.annotation = Array2::zeros((1, 2)),
        "1 rows of annotation for 20",
    );
    check(
        &|d| d.alternate = Array2::zeros((20, 7)),
        "alternate windows have 7 tokens where 6 are expected",
    );
    check(
        &|d| d.labels.fill(true),
        "the training data have no benign variant",
    );
    check(
        &|d| d.labels.fill(false),
        "the training data have no pathogenic variant",
    );
    check(
        &|d| d.weights.fill(0.0),
        "no pathogenic variant of a weight above 0",
    );
    check(&|d| d.weights.fill(f64::MAX), "no finite sum above 0");
    check(
        &|d| {
            d.reference = Array2::zeros((0, 6));
            d.alternate = Array2::zeros((0, 6));
        },
        "the training data have 0 rows and windows of 6 tokens",
    );
    check(
        &|d| {
            d.reference = Array2::zeros((20, 0));
            d.alternate = Array2::zeros((20, 0));
        },
        "20 rows and windows of 0 tokens",
    );
}

#[test]
fn stopping_rows() {
    let check = |stopping: &Data, expected: &str| {
        let message = error(&data(), Some(stopping), 9, &Settings::default());
        assert!(message.contains(expected), "{message}");
    };
    let mut one_class = data();
    one_class.labels.fill(true);
    check(&one_class, "the stopping data have no benign variant");
    check(
        &Data::new(20, 7, 2, 9, 1),
        "have 7 tokens where 6 are expected",
    );
    check(
        &Data::new(20, 6, 3, 9, 1),
        "annotations have 3 elements where 2 are expected",
    );
}

#[test]
fn a_loss_that_is_not_finite() {
    let settings = Settings {
        learning_rate: 1e30,
        ..Settings::default()
    };
    let message = error(&data(), Some(&data()), 9, &settings);
    assert!(
        message.contains("of the variant network was not finite in epoch"),
        "{message}"
    );
}

#[test]
fn rows_to_predict() {
    let settings = Settings {
        epochs: 1,
        ..Settings::default()
    };
    let network = train(&data(), None, 9, &settings, 1);
    for (wrong, expected) in [
        (
            Data::new(20, 7, 2, 9, 1),
            "reference windows have 7 tokens where 6",
        ),
        (
            Data::new(20, 6, 1, 9, 1),
            "annotations have 1 elements where 2",
        ),
        (Data::new(20, 6, 2, 30, 1), "the vocabulary ends at 8"),
    ] {
        let message = network.logits(&wrong.rows()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let none = Data {
        reference: Array2::zeros((0, 6)),
        alternate: Array2::zeros((0, 6)),
        annotation: Array2::zeros((0, 2)),
        ..data()
    };
    assert!(network.logits(&none.rows()).unwrap().is_empty());
}

#[test]
fn damaged_networks() {
    let settings = Settings {
        epochs: 1,
        ..Settings::default()
    };
    let network = train(&data(), None, 9, &settings, 1);
    let check = |change: &dyn Fn(&mut SiameseNetwork), expected: &str| {
        let mut damaged = network.clone();
        change(&mut damaged);
        // Postcard keeps no text of errors.
        let text = toml::to_string(&damaged).unwrap();
        let message = toml::from_str::<SiameseNetwork>(&text)
            .unwrap_err()
            .to_string();
        let expected = format!("the stored variant network is damaged: its {expected}");
        assert!(message.contains(&expected), "{message}");
    };
    let sizes = "weights have other sizes";
    check(&|n| drop(n.parameters.layers.pop()), sizes);
    check(
        &|n| n.parameters.layers[0].weights = Array2::zeros((8, 16)),
        sizes,
    );
    check(&|n| n.shape.vocabulary = 10, sizes);
    check(&|n| n.shape.convolutions = 2, sizes);
    check(&|n| n.shape.kernel = 4, "sizes are not those of a network");
    check(&|n| n.shape.tokens = 0, "sizes are not those of a network");
    check(
        &|n| n.parameters.layers[1].weights[[0, 0]] = f32::NAN,
        "weights are not finite",
    );
}
