//! Stored models, and what is refused.

use std::ops::ControlFlow;

use ndarray::{Array2, array};

use super::{few_rounds, fitted, rows, walk};
use crate::boosted::BoostedError;
use crate::boosted::{Boosted, Data, Family, Settings, Target, fit};

#[test]
fn a_model_survives_storage_and_a_damaged_one_is_refused() {
    let training = rows(7, 100, 3);
    for target in training.targets() {
        let model = fitted(&training.data(target), &few_rounds());
        let bytes = postcard::to_stdvec(&model).unwrap();
        assert_eq!(postcard::from_bytes::<Boosted>(&bytes).unwrap(), model);
        // Text may change the last bit of gains and losses, but nothing of what is predicted.
        let text = serde_json::to_string(&model).unwrap();
        let again: Boosted = serde_json::from_str(&text).unwrap();
        let features = &training.features;
        assert_eq!(walk(&again, features), walk(&model, features));
    }
    let model = fitted(
        &training.data(Target::Binary(&training.outcomes)),
        &few_rounds(),
    );
    let text = serde_json::to_string(&model).unwrap();
    for (from, to, expected) in [
        ("\"left\":1", "\"left\":0", "does not follow"),
        ("\"left\":1", "\"left\":2", "no single parent"),
        ("\"left\":1", "\"left\":999", "does not follow"),
        ("\"features\":3", "\"features\":1", "not there"),
        (
            "\"family\":\"binary\"",
            "\"family\":{\"classes\":2}",
            "number of trees",
        ),
        (
            "\"family\":\"binary\"",
            "\"family\":{\"classes\":1}",
            "fewer than two classes",
        ),
        (
            "\"features\":3",
            "\"features\":3,\"more\":1",
            "unknown field",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let error = serde_json::from_str::<Boosted>(&text.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let unknown = serde_json::from_str::<Settings>("{\"leaves\": 31}");
    assert!(unknown.unwrap_err().to_string().contains("unknown field"));
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    fn check(data: &Data<'_>, expected: &str) {
        let result = fit(
            data,
            None,
            &few_rounds(),
            &mut |_| ControlFlow::Continue(()),
        );
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let features = array![[0.0_f32, 1.0], [f32::NAN, 2.0]];
    let data = |target| Data {
        features: features.view(),
        target,
        weights: None,
    };
    let both = data(Target::Binary(&[true, false]));
    check(&data(Target::Binary(&[true, true])), "same outcome");
    check(&data(Target::Binary(&[true])), "1 outcomes for 2 rows");
    check(&data(Target::Number(&[1.0, 1.0])), "same number");
    check(
        &data(Target::Number(&[1.0, f64::NAN])),
        "row 1 (counted from 0) is not a finite",
    );
    let classes = |classes, labels| data(Target::Classes { classes, labels });
    check(&classes(3, &[0, 2]), "class 1 (counted from 0) has no row");
    check(&classes(2, &[0, 2]), "class 2 of 2");
    check(&classes(1, &[0, 0]), "has 1 classes");
    let survival = |times, events| data(Target::Survival { times, events });
    check(&survival(&[1.0, 2.0], &[false, false]), "has the event");
    check(
        &survival(&[1.0, -2.0], &[true, false]),
        "row 1 (counted from 0) has a time",
    );
    check(&survival(&[f64::NAN, 2.0], &[true, false]), "not finite");
    for (weights, expected) in [
        (&[1.0, -1.0], "weight of row 1"),
        (&[f64::INFINITY, 1.0], "weight of row 0"),
        (&[f64::NAN, 1.0], "weight of row 0"),
        (&[0.0, 0.0], "every row has a weight of 0"),
        (&[1.0, 0.0], "same outcome"),
    ] {
        check(
            &Data {
                weights: Some(weights),
                ..both
            },
            expected,
        );
    }
    let infinite = array![[0.0], [f32::NEG_INFINITY]];
    check(
        &Data {
            features: infinite.view(),
            ..both
        },
        "column 0 (counted from 0) is infinite in row 1",
    );
    let none = Array2::zeros((2, 0));
    check(
        &Data {
            features: none.view(),
            ..both
        },
        "training data have 2 rows and 0 columns",
    );
    let none = Array2::zeros((0, 2));
    check(
        &Data {
            features: none.view(),
            target: Target::Binary(&[]),
            weights: None,
        },
        "0 rows",
    );
    let huge = data(Target::Number(&[-1e300, 1e300]));
    check(&huge, "diverged in round 0");
    let other = data(Target::Number(&[1.0, 2.0]));
    let result = fit(&both, Some(&other), &few_rounds(), &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(matches!(result, Err(BoostedError::ValidationOutcome)));
    let result = fit(&both, None, &few_rounds(), &mut |_| ControlFlow::Break(()));
    assert!(matches!(
        result,
        Err(BoostedError::Interrupted { round: 0 })
    ));
    let model = fitted(&both, &few_rounds());
    assert_eq!(model.family(), Family::Binary);
    let error = model.predict_raw(&infinite.view()).unwrap_err();
    assert!(
        error.to_string().contains("1 columns but the model has 2"),
        "{error}"
    );
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    fn check(change: impl FnOnce(&mut Settings), expected: &str) {
        let mut settings = Settings::default();
        change(&mut settings);
        let error = settings.check().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    check(|s| s.rounds = 0, "'rounds' is 0");
    check(|s| s.learning_rate = f64::NAN, "'learning_rate' is NaN");
    check(|s| s.subsample = 0.0, "'subsample' is 0");
    check(|s| s.column_subsample = 1.1, "'column_subsample' is 1.1");
    check(|s| s.l2 = -1.0, "'l2' is -1");
    check(
        |s| s.min_child_weight = f64::INFINITY,
        "'min_child_weight' is inf",
    );
    check(|s| s.depth = 17, "'depth' is 17");
    check(|s| s.bins = 256, "'bins' is 256");
    check(|s| s.threads = 0, "'threads' is 0");
}
