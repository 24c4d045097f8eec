//! What cannot be fitted is refused, with the remedy.

use ndarray::{Array2, array};

use super::*;

#[test]
fn separation_is_refused_without_a_penalty() {
    let line: Array2<f64> =
        Array2::from_shape_fn((40, 1), |(row, _)| f64::from(row as u32) / 10.0 - 2.0);
    let complete: Vec<bool> = (0..40).map(|row| row >= 17).collect();
    // Only the carriers are all cases.
    let carriers = Array2::from_shape_fn((40, 2), |(row, column)| match column {
        0 => f64::from(u32::from(row == 3)) * 6.3,
        _ => ((row * 7) % 11) as f64 / 5.0 - 1.0,
    });
    let carried: Vec<bool> = (0..40).map(|row| row % 3 == 0).collect();
    let labels: Vec<usize> = (0..40)
        .map(|row| if row == 3 { 2 } else { row % 3 })
        .collect();
    let classes = Target::Classes {
        labels: &labels,
        classes: 3,
    };
    let times: Vec<f64> = (0..40)
        .map(|row| f64::from((row * 7 % 40) as u32))
        .collect();
    // The only carrier is censored, so the fewer the better.
    let events: Vec<bool> = (0..40).map(|row| row != 3 && row % 2 == 1).collect();
    let survival = Target::Survival {
        entries: None,
        times: &times,
        events: &events,
    };
    let cases = [
        ("complete", &line, Target::Binary(&complete)),
        ("quasi", &carriers, Target::Binary(&carried)),
        ("classes", &carriers, classes),
        ("survival", &carriers, survival),
    ];
    for (name, features, target) in cases {
        let error = fit(features, &target, None, &settings(0.0, 0.0)).unwrap_err();
        assert!(matches!(error, LinearError::Separated), "{name}: {error}");
        for l1_ratio in [0.0, 1.0] {
            fit(features, &target, None, &settings(1e-3, l1_ratio)).unwrap();
        }
    }
}

#[test]
fn one_separated_row_of_many_is_noticed() {
    let mut cohort = Cohort::new(13, 20_000, 2);
    let carrier = cohort.outcomes.iter().position(|outcome| *outcome).unwrap();
    cohort.features.column_mut(1).fill(0.0);
    cohort.features[(carrier, 1)] = 1.0;
    let error = fit(
        &cohort.features,
        &cohort.binary(),
        None,
        &settings(0.0, 0.0),
    )
    .unwrap_err();
    assert!(matches!(error, LinearError::Separated), "{error}");
}

#[test]
fn dependent_columns_are_refused_without_a_penalty() {
    let cohort = Cohort::new(17, 100, 4);
    let mut constant = cohort.features.clone();
    constant.column_mut(1).fill(3.0);
    let mut sum = cohort.features.clone();
    let total = &sum.column(0) + &sum.column(1);
    sum.column_mut(3).assign(&total);
    for (name, target) in cohort.targets() {
        for (features, expected) in [(&constant, 1), (&sum, 3)] {
            match fit(features, &target, None, &settings(0.0, 0.0)).unwrap_err() {
                LinearError::Collinear { column } => assert_eq!(column, expected, "{name}"),
                error => panic!("{name}: {error}"),
            }
            fit(features, &target, None, &settings(0.01, 0.0)).unwrap();
            fit(features, &target, None, &settings(0.01, 1.0)).unwrap();
        }
    }
}

fn refused(target: &Target<'_>, weights: Option<&[f64]>, settings: &Settings) -> String {
    let features = array![[1.0, 0.5], [-1.0, 0.2], [0.0, -1.0], [0.5, 0.1]];
    fit(&features, target, weights, settings)
        .unwrap_err()
        .to_string()
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    let times = [1.0, 2.0, 3.0, 4.0];
    let died = [true, false, true, false];
    let survival = |times, events, entries| Target::Survival {
        entries,
        times,
        events,
    };
    let binary = Target::Binary(&died);
    let classes = |labels, classes| Target::Classes { labels, classes };
    let penalty = settings(0.1, 0.0);
    let cases = [
        (
            Target::Binary(&[true; 4]),
            None,
            "no row has the negative outcome",
        ),
        (
            binary,
            Some([1.0, 0.0, 2.0, 0.0].as_slice()),
            "no row has the negative outcome",
        ),
        (binary, Some(&[0.0; 4]), "no row of a weight above 0"),
        (binary, Some(&[1.0, -1.0, 1.0, 1.0]), "the weight of row 1"),
        (
            binary,
            Some(&[1.0, 1.0, f64::NAN, 1.0]),
            "the weight of row 2",
        ),
        (binary, Some(&[1.0; 3]), "there are 3 weights for 4 rows"),
        (
            Target::Binary(&died[..3]),
            None,
            "there are 3 outcomes for 4 rows",
        ),
        (
            classes(&[0, 1, 2, 3], 3),
            None,
            "row 3 (counted from 0) has class 3 of 3",
        ),
        (classes(&[0, 1, 1, 0], 3), None, "no row has class 2"),
        (classes(&[0, 0, 0, 0], 1), None, "at least two classes"),
        (
            survival(&times, &[false; 4], None),
            None,
            "no row has an event",
        ),
        (
            survival(&[1.0, -2.0, 3.0, 4.0], &died, None),
            None,
            "row 1 (counted from 0) has a time",
        ),
        (
            survival(&[1.0, f64::INFINITY, 3.0, 4.0], &died, None),
            None,
            "row 1",
        ),
        (
            survival(&times, &died, Some(&[0.0, 0.0, 3.0, 0.0])),
            None,
            "row 2 (counted from 0) has an entry",
        ),
        (
            survival(&times, &died, Some(&[0.0, -1.0, 0.0, 0.0])),
            None,
            "row 1 (counted from 0) has an entry",
        ),
        (
            survival(&times, &died, Some(&[0.0])),
            None,
            "there are 1 entries",
        ),
    ];
    for (target, weights, expected) in cases {
        let message = refused(&target, weights, &penalty);
        assert!(message.contains(expected), "{message}");
    }
    let features = array![[1.0, 0.5], [-1.0, f64::NAN], [0.0, -1.0], [0.5, 0.1]];
    let error = fit(&features, &binary, None, &penalty).unwrap_err();
    assert!(matches!(error, LinearError::Feature { column: 1, row: 1 }));
    let wide = Cohort::new(19, 5, 5);
    let target = Target::Binary(&[true, false, true, false, true]);
    let error = fit(&wide.features, &target, None, &settings(0.0, 0.0)).unwrap_err();
    assert!(matches!(
        error,
        LinearError::TooFewRows {
            coefficients: 6,
            rows: 5
        }
    ));
}

#[test]
fn settings_are_checked() {
    let good = Settings::default();
    let bad = [
        (
            "lambda",
            Settings {
                lambda: -1.0,
                ..good.clone()
            },
        ),
        (
            "lambda",
            Settings {
                lambda: f64::NAN,
                ..good.clone()
            },
        ),
        (
            "l1_ratio",
            Settings {
                l1_ratio: 1.1,
                ..good.clone()
            },
        ),
        (
            "tolerance",
            Settings {
                tolerance: 0.0,
                ..good.clone()
            },
        ),
        (
            "tolerance",
            Settings {
                tolerance: 0.1,
                ..good.clone()
            },
        ),
        (
            "max_iterations",
            Settings {
                max_iterations: 0,
                ..good
            },
        ),
    ];
    for (name, settings) in bad {
        let message = refused(
            &Target::Binary(&[true, false, true, false]),
            None,
            &settings,
        );
        assert!(message.contains(&format!("'{name}'")), "{message}");
    }
    let read = |text| serde_json::from_str::<Settings>(text);
    let settings = read(r#"{"lambda": 0.5, "ties": "breslow"}"#).unwrap();
    assert_eq!(
        settings,
        Settings {
            lambda: 0.5,
            ties: Ties::Breslow,
            ..Settings::default()
        }
    );
    assert!(read(r#"{"lambda": 0.5, "alpha": 1}"#).is_err());
}

#[test]
fn a_fit_that_is_cut_short_is_an_error() {
    let cohort = Cohort::new(23, 100, 4);
    for (name, target) in cohort.targets() {
        let short = Settings {
            max_iterations: 1,
            ..settings(0.01, 0.5)
        };
        let error = fit(&cohort.features, &target, None, &short).unwrap_err();
        assert!(
            matches!(error, LinearError::NotConverged { iterations: 1, .. }),
            "{name}"
        );
    }
}
