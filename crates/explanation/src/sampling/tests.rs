use std::convert::Infallible;

use ndarray::{Array2, array};

use super::*;
use crate::testing::{by_definition, noise};
use crate::{LinearExplainer, LinearModel};

/// A function of a row, and how often it was asked.
struct Function<F> {
    function: F,
    asked: usize,
    batch: usize,
}

impl<F: Fn(&[f32]) -> f64> Model for Function<F> {
    type Error = Infallible;

    fn predict(&mut self, rows: ArrayView2<'_, f32>) -> Result<Vec<f64>, Infallible> {
        assert_eq!(rows.nrows(), self.batch);
        self.asked += rows.nrows();
        Ok(rows
            .rows()
            .into_iter()
            .map(|row| (self.function)(row.as_slice().unwrap()))
            .collect())
    }
}

fn model<F: Fn(&[f32]) -> f64>(function: F) -> Function<F> {
    Function {
        function,
        asked: 0,
        batch: 32,
    }
}

fn settings(evaluations: usize) -> SamplingSettings {
    SamplingSettings {
        evaluations,
        batch: 32,
        seed: 11,
    }
}

fn background(rows: usize, columns: usize) -> Background {
    Background::try_new(Array2::from_shape_vec((rows, columns), noise(rows * columns, 5)).unwrap())
        .unwrap()
}

/// Interactions of all kinds.
fn rugged(row: &[f32]) -> f64 {
    let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
    let neighbours: f64 = row.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let strong = (row[0] * row[1] * row[2]).max(0.0) * 3.0;
    row.iter().sum::<f64>() + neighbours + strong + (2.0 * row[3]).sin()
}

#[test]
fn few_players_are_enumerated() {
    let background = background(6, 8);
    let players = Players::try_new(vec![0, 1, 1, 2, 3, 4, 4, 0]).unwrap();
    let row = noise(8, 77);
    let mut model = model(rugged);
    let explainer = SamplingExplainer::new(
        &mut model,
        &background,
        &players,
        settings(200),
        Scale::Output,
    )
    .unwrap();
    let sampled = explainer.explain(&mut model, &row).unwrap();
    assert!(sampled.is_exact);
    assert_eq!(
        (sampled.evaluations, sampled.background_rows),
        (6 * 30 + 1, 6)
    );
    assert_eq!(sampled.standard_errors, [0.0; 5]);
    let expected = by_definition(rugged, &row, &background, &players);
    for (value, expected) in sampled.explanation.values.iter().zip(expected) {
        assert!((value - expected).abs() < 1e-12);
    }
    assert!(sampled.residual.abs() < 1e-12);
    sampled.explanation.check_additivity(1e-12).unwrap();
}

/// Deviations from the exact values in standard errors.
fn deviations(evaluations: usize, rows: usize) -> Vec<f64> {
    let background = background(rows, 10);
    let players = Players::one_per_column(10).unwrap();
    let mut model = model(rugged);
    let mut all = Vec::new();
    for patient in 0..40 {
        // Patients of one seed are walked alike, so their errors are not independent.
        let settings = SamplingSettings {
            seed: patient,
            ..settings(evaluations)
        };
        let explainer =
            SamplingExplainer::new(&mut model, &background, &players, settings, Scale::Output)
                .unwrap();
        let row = noise(10, 100 + patient);
        let before = model.asked;
        let sampled = explainer.explain(&mut model, &row).unwrap();
        assert!(!sampled.is_exact && sampled.evaluations <= evaluations);
        assert!(model.asked - before <= evaluations + 31);
        assert_eq!(sampled.background_rows < rows, evaluations < rows * 18);
        sampled.explanation.check_additivity(1e-12).unwrap();
        let expected = by_definition(rugged, &row, &background, &players);
        let errors = sampled
            .explanation
            .values
            .iter()
            .zip(&expected)
            .zip(&sampled.standard_errors);
        all.extend(
            errors
                .filter(|(_, error)| **error > 1e-9)
                .map(|((value, expected), error)| (value - expected) / error),
        );
    }
    all
}

#[test]
fn standard_errors_say_how_far_values_are() {
    // A part of the background, each row once, each row several times.
    for (evaluations, rows) in [(150, 20), (500, 20), (2000, 20), (600, 1)] {
        let deviations = deviations(evaluations, rows);
        let square = deviations.iter().map(|z| z * z).sum::<f64>() / deviations.len() as f64;
        let far = deviations.iter().filter(|z| z.abs() > 4.0).count();
        println!(
            "{evaluations} of {rows}: {:.2}, {far} of {}",
            square.sqrt(),
            deviations.len()
        );
        assert!(square.sqrt() < 1.3 && far * 50 <= deviations.len());
    }
}

#[test]
fn a_linear_model_leaves_nothing_to_sample() {
    let background = background(50, 12);
    let players = Players::one_per_column(12).unwrap();
    let coefficients: Vec<f64> = (0..12).map(|column| f64::from(column) - 5.0).collect();
    let linear = LinearModel::try_new(
        Array2::from_shape_vec((1, 12), coefficients).unwrap(),
        vec![2.0],
    )
    .unwrap();
    let mut model = model(|row: &[f32]| linear.predict(row).unwrap()[0]);
    let row = noise(12, 3);
    let explainer = SamplingExplainer::new(
        &mut model,
        &background,
        &players,
        settings(60),
        Scale::Output,
    )
    .unwrap();
    let sampled = explainer.explain(&mut model, &row).unwrap();
    assert!(sampled.background_rows < 50);
    let exact = LinearExplainer::new(&linear, 0, &background, &players)
        .unwrap()
        .explain(&row)
        .unwrap();
    for (value, expected) in sampled.explanation.values.iter().zip(&exact.values) {
        assert!((value - expected).abs() < 1e-9);
    }
    assert!(sampled.standard_errors.iter().all(|error| *error < 1e-9));
}

#[test]
fn a_patient_does_not_depend_on_the_others() {
    let background = background(20, 9);
    let players = Players::one_per_column(9).unwrap();
    let mut model = model(rugged);
    let explainer = SamplingExplainer::new(
        &mut model,
        &background,
        &players,
        settings(300),
        Scale::Output,
    )
    .unwrap();
    let alone = explainer.explain(&mut model, &noise(9, 1)).unwrap();
    explainer.explain(&mut model, &noise(9, 2)).unwrap();
    assert_eq!(explainer.explain(&mut model, &noise(9, 1)).unwrap(), alone);
    // Another seed, another sample.
    let other = SamplingSettings {
        seed: 12,
        ..settings(300)
    };
    let other =
        SamplingExplainer::new(&mut model, &background, &players, other, Scale::Output).unwrap();
    assert_ne!(other.explain(&mut model, &noise(9, 1)).unwrap(), alone);
}

#[test]
fn missing_values_are_values() {
    // A player that is missing in the patient and in the background makes no difference; a model that
    // takes what is missing for 1 is explained as it is.
    let mut rows = Array2::from_shape_vec((10, 7), noise(70, 9)).unwrap();
    rows.column_mut(0).fill(f32::NAN);
    rows[[3, 1]] = f32::NAN;
    let background = Background::try_new(rows).unwrap();
    let players = Players::one_per_column(7).unwrap();
    let f = |row: &[f32]| {
        let filled: Vec<f32> = row
            .iter()
            .map(|value| if value.is_nan() { 1.0 } else { *value })
            .collect();
        rugged(&filled)
    };
    let mut row = noise(7, 4);
    row[0] = f32::NAN;
    row[2] = f32::NAN;
    let expected = by_definition(f, &row, &background, &players);
    let mut model = model(f);
    let explainer = SamplingExplainer::new(
        &mut model,
        &background,
        &players,
        settings(400),
        Scale::Output,
    )
    .unwrap();
    let sampled = explainer.explain(&mut model, &row).unwrap();
    assert_eq!(
        (sampled.explanation.values[0], sampled.standard_errors[0]),
        (0.0, 0.0)
    );
    for ((value, expected), error) in sampled
        .explanation
        .values
        .iter()
        .zip(expected)
        .zip(&sampled.standard_errors)
    {
        assert!(
            (value - expected).abs() <= 5.0 * error + 1e-12,
            "{value} {expected} {error}"
        );
    }
}

#[test]
fn a_patient_like_the_whole_background_has_no_contributions() {
    let background = Background::try_new(array![[1.0, 2.0], [1.0, 2.0]]).unwrap();
    let players = Players::one_per_column(2).unwrap();
    let mut model = model(|row: &[f32]| f64::from(row[0] * row[1]));
    let explainer = SamplingExplainer::new(
        &mut model,
        &background,
        &players,
        settings(8),
        Scale::LogOdds,
    )
    .unwrap();
    let sampled = explainer.explain(&mut model, &[1.0, 2.0]).unwrap();
    assert!(sampled.is_exact);
    assert_eq!(sampled.explanation.values, [0.0, 0.0]);
    assert_eq!(sampled.explanation.scale, Scale::LogOdds);
}

#[test]
fn settings_and_predictions_that_make_no_sense_are_refused() {
    let background = background(3, 4);
    let players = Players::one_per_column(4).unwrap();
    let refuse = |settings: SamplingSettings| {
        let explainer = SamplingExplainer::new(
            &mut model(rugged),
            &background,
            &players,
            settings,
            Scale::Output,
        );
        explainer.unwrap_err().to_string()
    };
    assert!(refuse(settings(15)).contains("4 predictors need at least 16"));
    assert!(
        refuse(SamplingSettings {
            batch: 0,
            ..settings(99)
        })
        .contains("batch")
    );
    let mut broken = model(|_: &[f32]| f64::NAN);
    let error = SamplingExplainer::new(
        &mut broken,
        &background,
        &players,
        settings(99),
        Scale::Output,
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("not a finite number for the background")
    );
}
