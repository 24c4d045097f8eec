//! Tests of calibrators.

use proptest::prelude::*;

use super::*;

const METHODS: [CalibrationMethod; 4] = [
    CalibrationMethod::PlattLogit,
    CalibrationMethod::PlattRaw,
    CalibrationMethod::Isotonic,
    CalibrationMethod::Beta,
];

/// 200 patients whose chance is the square of the probability, with ties.
fn patients() -> (Vec<f64>, Vec<bool>) {
    let probability = |row: usize| (row % 40) as f64 / 39.0;
    let outcome = |row: usize| (row * 37 % 101) as f64 / 101.0 < probability(row).powi(2);
    (
        (0..200).map(probability).collect(),
        (0..200).map(outcome).collect(),
    )
}

#[test]
fn means_agree_with_outcomes() {
    let (scores, outcomes) = patients();
    let observed = outcomes.iter().filter(|own| **own).count() as f64;
    for method in METHODS {
        let fitted = Calibrator::fit(method, &scores, &outcomes).unwrap();
        let sum: f64 = fitted.apply_all(&scores).unwrap().iter().sum();
        // Smoothed targets move Platt's a little.
        assert!(
            (sum - observed).abs() < 1.5,
            "{method:?}: {sum} of {observed}"
        );
    }
}

#[test]
fn they_survive_storage() {
    let (scores, outcomes) = patients();
    for method in METHODS {
        let fitted = Calibrator::fit(method, &scores, &outcomes).unwrap();
        let text = serde_json::to_string(&fitted).unwrap();
        let back: Calibrator = serde_json::from_str(&text).unwrap();
        for score in [0.0, 0.013, 0.5, 0.97, 1.0] {
            let (own, other) = (fitted.apply(score).unwrap(), back.apply(score).unwrap());
            assert!((own - other).abs() < 1e-14, "{method:?}");
        }
    }
}

#[test]
fn damaged_ones_are_refused() {
    for text in [
        r#"{"platt":{"scale":"raw","intercept":0.0,"slope":-1.0}}"#,
        r#"{"beta":{"a":-0.1,"b":1.0,"c":0.0}}"#,
        r#"{"beta":{"a":0.0,"b":0.0,"c":0.0}}"#,
        r#"{"isotonic":{"scores":[],"probabilities":[]}}"#,
        r#"{"isotonic":{"scores":[0.0,0.0],"probabilities":[0.1,0.2]}}"#,
        r#"{"isotonic":{"scores":[0.0,1.0],"probabilities":[0.3,0.2]}}"#,
        r#"{"isotonic":{"scores":[0.0,1.0],"probabilities":[0.3,1.2]}}"#,
    ] {
        assert!(serde_json::from_str::<Calibrator>(text).is_err(), "{text}");
    }
}

#[test]
fn what_cannot_be_calibrated_is_refused() {
    let (scores, outcomes) = patients();
    for method in METHODS {
        let fit = |scores: &[f64], outcomes: &[bool]| Calibrator::fit(method, scores, outcomes);
        let few: Vec<bool> = (0..200).map(|row| row < 9).collect();
        assert_eq!(
            fit(&scores, &few),
            Err(EvaluationError::FewOfClass {
                events: 9,
                others: 191,
                needed: 10
            })
        );
        assert!(fit(&scores, &[true; 200]).is_err());
        assert_eq!(
            fit(&[0.3; 200], &outcomes),
            Err(EvaluationError::EqualScores)
        );
        assert!(fit(&scores[1..], &outcomes).is_err());
        for bad in [f64::NAN, f64::INFINITY] {
            let mut scores = scores.clone();
            scores[7] = bad;
            assert!(matches!(
                fit(&scores, &outcomes),
                Err(EvaluationError::NonFinite { row: 8, .. })
            ));
        }
        let reversed: Vec<f64> = scores.iter().map(|own| 1.0 - own).collect();
        assert_eq!(
            fit(&reversed, &outcomes),
            Err(EvaluationError::Reversed),
            "{method:?}"
        );
        let fitted = fit(&scores, &outcomes).unwrap();
        assert!(fitted.apply(f64::NAN).is_err());
    }
    for method in [CalibrationMethod::PlattLogit, CalibrationMethod::Beta] {
        let mut beyond = scores.clone();
        beyond[0] = 1.5;
        assert!(Calibrator::fit(method, &beyond, &outcomes).is_err());
        let fitted = Calibrator::fit(method, &scores, &outcomes).unwrap();
        assert!(fitted.apply(1.5).is_err());
    }
}

#[test]
fn separated_scores_suit_platt_and_isotonic() {
    let scores: Vec<f64> = (0..100).map(|row| f64::from(row) / 99.0).collect();
    let outcomes: Vec<bool> = (0..100).map(|row| row >= 50).collect();
    for method in METHODS {
        let fitted = Calibrator::fit(method, &scores, &outcomes);
        match method {
            CalibrationMethod::Beta => assert_eq!(fitted, Err(EvaluationError::Separated)),
            _ => assert!(fitted.unwrap().apply(0.9).unwrap() > 0.9),
        }
    }
}

/// Scores on a grid, so that they tie, with outcomes that follow them more or less.
fn samples() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    let patient = (0_u32..=50, 0_u32..=50)
        .prop_map(|(score, luck)| (f64::from(score) / 50.0, score + 10 > luck + luck / 4));
    prop::collection::vec(patient, 60..200).prop_map(|patients| patients.into_iter().unzip())
}

proptest! {
    #[test]
    fn order_is_kept((scores, outcomes) in samples(), raw in prop::collection::vec(0.0..=1.0_f64, 50)) {
        let mut raw = raw;
        raw.extend([0.0, 1e-300, 1e-17, 1e-12, 0.5, 1.0 - 1e-12, 1.0]);
        raw.sort_by(f64::total_cmp);
        for method in METHODS {
            let Ok(fitted) = Calibrator::fit(method, &scores, &outcomes) else { continue };
            let values = fitted.apply_all(&raw).unwrap();
            prop_assert!(values.iter().all(|own| (0.0..=1.0).contains(own)));
            // Not exact for beta: its two logarithms are each rounded.
            for pair in values.windows(2) {
                prop_assert!(pair[1] >= pair[0] * (1.0 - 1e-14), "{:?}", method);
            }
        }
    }

    #[test]
    fn isotonic_keeps_the_mean((scores, outcomes) in samples()) {
        if let Ok(fitted) = IsotonicCalibrator::fit(&scores, &outcomes) {
            let sum: f64 = scores.iter().map(|score| fitted.apply(*score).unwrap()).sum();
            let events = outcomes.iter().filter(|own| **own).count() as f64;
            prop_assert!((sum - events).abs() < 1e-9);
            prop_assert!(fitted.steps().1.is_sorted());
        }
    }
}
