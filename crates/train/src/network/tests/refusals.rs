//! What cannot be learnt from is refused.

use std::ops::ControlFlow;

use ndarray::{Array2, array};

use super::super::{ClassWeights, Rows, Settings, Target, fit};
use super::{Data, binary};

fn refusal(training: Rows<'_>, validation: Option<Rows<'_>>, settings: &Settings) -> String {
    let mut go_on = |_: &super::super::EpochReport<'_>| ControlFlow::Continue(());
    let error = fit(training, validation, settings, &mut go_on, None).unwrap_err();
    error.to_string()
}

fn check(rows: Rows<'_>, expected: &str) {
    let message = refusal(rows, None, &Settings::default());
    assert!(message.contains(expected), "{message}");
}

#[test]
fn of_data() {
    let features = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
    let good = || binary(&features, &[true, false, true]);
    let with = |target| Rows { target, ..good() };
    let weighted = |weights| Rows {
        weights: Some(weights),
        ..good()
    };
    let classes = |labels, classes| with(Target::Classes { labels, classes });
    let survival = |times, events| with(Target::Survival { times, events });
    let empty = Array2::zeros((0, 2));
    let infinite = array![[1.0, 2.0], [3.0, f32::NAN], [f32::INFINITY, 0.0]];

    check(binary(&empty, &[]), "0 rows and 2 columns");
    check(
        binary(&infinite, &[true, false, true]),
        "feature column 1 (counted from 0) is not a finite number in row 1",
    );
    check(
        with(Target::Binary(&[true])),
        "there are 1 outcomes for 3 rows",
    );
    check(with(Target::Binary(&[true; 3])), "have no controls");
    check(with(Target::Binary(&[false; 3])), "have no cases");
    check(weighted(&[1.0, -1.0, 1.0]), "the weight of row 1");
    check(weighted(&[1.0, f64::NAN, 1.0]), "the weight of row 1");
    check(weighted(&[1.0, 0.0, 1.0]), "have no controls");
    check(weighted(&[1.0]), "there are 1 weights for 3 rows");
    check(weighted(&[f64::MAX; 3]), "have no finite sum above 0");
    check(classes(&[0, 1, 2], 2), "row 2 (counted from 0) has class 2");
    check(classes(&[0, 1, 1], 3), "no rows of class 2");
    check(classes(&[0, 0, 0], 1), "there are 1 classes");
    check(
        survival(&[1.0, -2.0, 1.0], &[true; 3]),
        "row 1 (counted from 0) has a time",
    );
    check(
        survival(&[1.0, 2.0], &[true; 3]),
        "there are 2 times for 3 rows",
    );
    check(survival(&[1.0; 3], &[false; 3]), "no events");
}

#[test]
fn of_validation_data() {
    let data = Data::new(40, 3, 1);
    let [cases, _, survival] = data.targets();
    let message = |validation| refusal(data.rows(cases), Some(validation), &Settings::default());
    assert!(message(data.rows(survival)).contains("of another kind"));
    let narrow = Array2::zeros((2, 2));
    assert!(message(binary(&narrow, &[true, false])).contains("have 2 columns"));
    let empty = Array2::zeros((0, 3));
    assert!(message(binary(&empty, &[])).contains("the validation data have 0 rows"));
    let censored = vec![false; 40];
    let no_events = Rows {
        target: Target::Survival {
            times: &data.times,
            events: &censored,
        },
        ..data.rows(survival)
    };
    let message = refusal(data.rows(survival), Some(no_events), &Settings::default());
    assert!(
        message.contains("the validation data have no events"),
        "{message}"
    );
}

#[test]
fn of_settings() {
    let data = Data::new(40, 3, 1);
    let [cases, _, survival] = data.targets();
    let default = Settings::default;
    for (settings, name) in [
        (
            Settings {
                hidden: vec![0],
                ..default()
            },
            "hidden",
        ),
        (
            Settings {
                hidden: vec![2; 17],
                ..default()
            },
            "hidden",
        ),
        (
            Settings {
                dropout: 1.0,
                ..default()
            },
            "dropout",
        ),
        (
            Settings {
                dropout: f64::NAN,
                ..default()
            },
            "dropout",
        ),
        (
            Settings {
                learning_rate: 0.0,
                ..default()
            },
            "learning_rate",
        ),
        (
            Settings {
                weight_decay: -1.0,
                ..default()
            },
            "weight_decay",
        ),
        (
            Settings {
                batch_size: 0,
                ..default()
            },
            "batch_size",
        ),
        (
            Settings {
                epochs: 0,
                ..default()
            },
            "epochs",
        ),
        (
            Settings {
                patience: 0,
                ..default()
            },
            "patience",
        ),
        (
            Settings {
                threads: 0,
                ..default()
            },
            "threads",
        ),
    ] {
        let message = refusal(data.rows(cases), None, &settings);
        assert!(
            message.starts_with(&format!("training setting '{name}' is")),
            "{message}"
        );
    }
    let small = Settings {
        batch_size: 5,
        ..default()
    };
    let message = refusal(data.rows(survival), None, &small);
    assert!(message.contains("fewer than 4 events"), "{message}");
    let balanced = Settings {
        class_weights: ClassWeights::Balanced,
        ..default()
    };
    let message = refusal(data.rows(survival), None, &balanced);
    assert!(message.contains("survival has no classes"), "{message}");
}

#[test]
fn settings_have_documented_defaults_and_known_keys() {
    let settings: Settings = toml::from_str("").unwrap();
    assert_eq!(settings, Settings::default());
    let settings: Settings =
        toml::from_str("hidden = [8]\nactivation = \"relu\"\nclass_weights = \"balanced\"")
            .unwrap();
    assert_eq!(settings.hidden, [8]);
    assert_eq!(settings.class_weights, ClassWeights::Balanced);
    let error = toml::from_str::<Settings>("hiden = [8]").unwrap_err();
    assert!(error.message().contains("unknown field `hiden`"));
}

#[test]
fn a_loss_that_is_not_finite_says_what_to_change() {
    let data = Data::new(200, 4, 1);
    for target in data.targets() {
        let settings = Settings {
            learning_rate: 1e30,
            ..Settings::default()
        };
        let message = refusal(data.rows(target), None, &settings);
        assert!(
            message.contains("; lower learning_rate, or standardise"),
            "{message}"
        );
    }
}
