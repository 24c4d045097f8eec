//! Coefficients, standard errors and survival equal those of scikit-learn and lifelines on clinical
//! tables.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::{Array2, ArrayView2};
use serde::Deserialize;
use varisk_train::linear::{Linear, Settings, Target, fit};

/// Rounding of sums and of what the oracle's own iterations leave.
const TOLERANCE: f64 = 1e-6;

/// A model of an oracle, with what it was fitted to.
#[derive(Deserialize)]
struct Case {
    name: String,
    settings: Settings,
    features: Vec<Vec<f64>>,
    weights: Option<Vec<f64>>,
    outcomes: Option<Vec<bool>>,
    labels: Option<Vec<usize>>,
    times: Option<Vec<f64>>,
    events: Option<Vec<bool>>,
    entries: Option<Vec<f64>>,
    coefficients: Vec<Vec<f64>>,
    intercepts: Option<Vec<f64>>,
    errors: Option<Vec<f64>>,
    log_likelihood: Option<f64>,
    #[serde(default)]
    horizons: Vec<f64>,
    #[serde(default)]
    survival: Vec<Vec<f64>>,
    /// Largest difference of a coefficient: how far the oracle's solver goes.
    tolerance: f64,
}

impl Case {
    fn target(&self) -> Target<'_> {
        if let Some(outcomes) = &self.outcomes {
            return Target::Binary(outcomes);
        }
        if let Some(labels) = &self.labels {
            return Target::Classes {
                labels,
                classes: self.coefficients[0].len(),
            };
        }
        Target::Survival {
            entries: self.entries.as_deref(),
            times: self.times.as_ref().unwrap(),
            events: self.events.as_ref().unwrap(),
        }
    }
}

/// The folder of oracles, as set-up brings it.
fn python() -> PathBuf {
    let folder = std::env::var_os("VARISK_ORACLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.varisk/oracles"),
        PathBuf::from,
    );
    let python = folder.join("bin/python");
    assert!(
        python.exists(),
        "{} is not there; run 'make oracles' first",
        python.display()
    );
    python
}

fn tables() -> PathBuf {
    let root = std::env::var_os("VARISK_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = root.join("data/clinical_tables");
    assert!(
        folder.exists(),
        "{} is missing; set VARISK_SHARED to the folder that holds data/",
        folder.display()
    );
    folder
}

fn cases() -> Vec<Case> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.json");
    let output = Command::new(python())
        .arg("-c")
        .arg(include_str!("linear/oracle.py"))
        .arg(tables())
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn table(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| {
        rows[row][column]
    })
}

fn largest(left: &ArrayView2<'_, f64>, right: &[Vec<f64>]) -> f64 {
    assert_eq!(left.dim(), (right.len(), right[0].len()));
    left.indexed_iter()
        .map(|((row, column), value)| (value - right[row][column]).abs())
        .fold(0.0, f64::max)
}

/// The largest difference of survival probabilities.
fn compare_survival(case: &Case, model: &Linear, features: &Array2<f64>) -> f64 {
    let log_hazards = model.predict_raw(features).unwrap();
    let mut worst = 0.0_f64;
    for (log_hazard, expected) in log_hazards.iter().zip(&case.survival) {
        for (horizon, expected) in case.horizons.iter().zip(expected) {
            let survival = model.survival(*log_hazard, *horizon).unwrap();
            worst = worst.max((survival - expected).abs());
        }
    }
    worst
}

#[test]
fn models_of_scikit_learn_and_lifelines() {
    let mut failures = Vec::new();
    for case in cases() {
        let features = table(&case.features);
        let weights = case.weights.as_deref();
        let model = fit(&features, &case.target(), weights, &case.settings).unwrap();
        let mut check = |what: &str, difference: f64, tolerance: f64| {
            println!("{}: {what} within {difference:.1e}", case.name);
            // Written so that NaN fails.
            if !matches!(
                difference.partial_cmp(&tolerance),
                Some(std::cmp::Ordering::Less)
            ) {
                failures.push(format!("{}: {what} {difference:e}", case.name));
            }
        };
        let difference = largest(&model.coefficients(), &case.coefficients);
        check("coefficients", difference, case.tolerance);
        if let Some(expected) = &case.intercepts {
            let own = model.intercepts().unwrap();
            // The oracle's need not sum to zero.
            let shift = if own.len() > 1 {
                expected.iter().sum::<f64>() / own.len() as f64
            } else {
                0.0
            };
            let pairs = own.iter().zip(expected);
            let difference = pairs
                .map(|(own, e)| (own - (e - shift)).abs())
                .fold(0.0, f64::max);
            check("intercepts", difference, case.tolerance);
        }
        if let Some(expected) = &case.errors {
            let own = model.standard_errors().unwrap();
            let pairs = own.iter().zip(expected);
            let difference = pairs
                .map(|(own, e)| (own / e - 1.0).abs())
                .fold(0.0, f64::max);
            check("standard errors, relative,", difference, TOLERANCE);
        }
        if let Some(expected) = case.log_likelihood {
            let difference = (model.log_likelihood() / expected - 1.0).abs();
            check("log-likelihood, relative,", difference, TOLERANCE);
        }
        if !case.horizons.is_empty() {
            let difference = compare_survival(&case, &model, &features);
            check("survival", difference, case.tolerance);
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
