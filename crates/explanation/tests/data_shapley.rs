//! Shapley values equal those of the Python package shap, and predictions those of ONNX Runtime, on
//! graphs that skl2onnx and onnxmltools export.
#![cfg(test)]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::{Array2, ArrayView2};
use serde_json::Value;
use varisk_explanation::{
    Background, Explanation, ExplanationError, LinearExplainer, LinearModel, Model, Players,
    SamplingExplainer, SamplingSettings, Scale, TreeEnsemble, TreeExplainer,
};

/// shap computes with float64 leaves, graphs keep float32 ones.
const TOLERANCE: f64 = 1e-6;

/// ONNX Runtime adds up float32 numbers.
const PREDICTION_TOLERANCE: f64 = 2e-5;

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

fn cases() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(python())
        .arg("-c")
        .arg(include_str!("shapley/oracle.py"))
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder
}

/// What the oracle wrote of one model.
struct Case {
    name: String,
    graph: varisk_onnx::Model,
    kind: String,
    output: String,
    background: Array2<f32>,
    patients: Array2<f32>,
    /// By output, patient and column.
    values: Vec<Array2<f64>>,
    base: Vec<f64>,
    predicted: Array2<f64>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path.join("case.json")).unwrap();
        let case: Value = serde_json::from_str(&text).unwrap();
        let values = case["values"].as_array().unwrap();
        let base = case["base"].as_array().unwrap();
        Self {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            graph: varisk_onnx::Model::read(path.join("model.onnx")).unwrap(),
            kind: case["kind"].as_str().unwrap().to_owned(),
            output: case["output"].as_str().unwrap().to_owned(),
            background: matrix(&case["background"]).mapv(|value| value as f32),
            patients: matrix(&case["patients"]).mapv(|value| value as f32),
            values: values.iter().map(matrix).collect(),
            base: base.iter().map(|value| value.as_f64().unwrap()).collect(),
            predicted: matrix(&case["predicted"]),
        }
    }

    /// Compares all outputs that shap explains; gives the largest difference relative to the largest
    /// value, and the largest difference to ONNX Runtime.
    fn compare(&self, model: &Explained) -> (f64, f64) {
        let players = Players::one_per_column(self.patients.ncols()).unwrap();
        let background = Background::try_new(self.background.clone()).unwrap();
        let (mut largest, mut largest_predicted) = (0.0_f64, 0.0_f64);
        let outputs = model.outputs();
        for (output, values) in self.values.iter().enumerate() {
            // Of two classes that share a score, shap explains the second.
            let own = if self.values.len() == 1 {
                outputs - 1
            } else {
                output
            };
            let size = values
                .iter()
                .fold(1.0_f64, |size, value| size.max(value.abs()));
            let explain = model.explainer(own, &background, &players);
            for (patient, expected) in self.patients.rows().into_iter().zip(values.rows()) {
                let explanation = explain(&patient.to_vec()).unwrap();
                explanation.check_additivity(1e-12).unwrap();
                largest = largest.max((explanation.base - self.base[output]).abs() / size);
                for (value, expected) in explanation.values.iter().zip(expected) {
                    largest = largest.max((value - expected).abs() / size);
                }
            }
        }
        for (patient, expected) in self.patients.rows().into_iter().zip(self.predicted.rows()) {
            let mut scores = model.predict(&patient.to_vec());
            model.scale().apply(&mut scores);
            assert_eq!(scores.len(), expected.len(), "{}", self.name);
            for (score, expected) in scores.iter().zip(expected) {
                largest_predicted = largest_predicted.max((score - expected).abs());
            }
        }
        (largest, largest_predicted)
    }
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows = value.as_array().unwrap();
    let cells = rows.iter().flat_map(|row| row.as_array().unwrap());
    // JSON has no word for what is missing.
    let cells = cells
        .map(|cell| cell.as_f64().unwrap_or(f64::NAN))
        .collect();
    let columns = rows[0].as_array().unwrap().len();
    Array2::from_shape_vec((rows.len(), columns), cells).unwrap()
}

enum Explained {
    Trees(TreeEnsemble),
    Linear(LinearModel),
}

type Explain = Box<dyn Fn(&[f32]) -> Result<Explanation, ExplanationError>>;

impl Explained {
    fn outputs(&self) -> usize {
        match self {
            Self::Trees(model) => model.outputs(),
            Self::Linear(model) => model.outputs(),
        }
    }

    fn scale(&self) -> Scale {
        match self {
            Self::Trees(model) => model.scale(),
            Self::Linear(model) => model.scale(),
        }
    }

    fn predict(&self, row: &[f32]) -> Vec<f64> {
        match self {
            Self::Trees(model) => model.predict(row).unwrap(),
            Self::Linear(model) => model.predict(row).unwrap(),
        }
    }

    fn explainer(&self, output: usize, background: &Background, players: &Players) -> Explain {
        match self {
            Self::Trees(model) => {
                let explainer = TreeExplainer::new(model, output, background, players).unwrap();
                Box::new(move |row| explainer.explain(row))
            }
            Self::Linear(model) => {
                let explainer = LinearExplainer::new(model, output, background, players).unwrap();
                Box::new(move |row| explainer.explain(row))
            }
        }
    }
}

/// The score of one output, as a model of which nothing else is known.
struct Opaque<'a>(&'a TreeEnsemble, usize);

impl Model for Opaque<'_> {
    type Error = Infallible;

    fn predict(&mut self, rows: ArrayView2<'_, f32>) -> Result<Vec<f64>, Infallible> {
        let rows = rows.rows().into_iter();
        Ok(rows
            .map(|row| self.0.predict(row.as_slice().unwrap()).unwrap()[self.1])
            .collect())
    }
}

#[test]
fn values_of_shap() {
    let folder = cases();
    let mut count = 0;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let case = Case::read(&path);
        let trees = TreeEnsemble::from_onnx(&case.graph, &case.output);
        let linear = LinearModel::from_onnx(&case.graph, &case.output);
        let model = match case.kind.as_str() {
            "trees" => {
                linear.unwrap_err();
                Explained::Trees(trees.unwrap())
            }
            _ => {
                trees.unwrap_err();
                Explained::Linear(linear.unwrap())
            }
        };
        let (largest, predicted) = case.compare(&model);
        println!(
            "{}: values within {largest:.1e}, predictions within {predicted:.1e}",
            case.name
        );
        assert!(largest < TOLERANCE, "{}: {largest:e}", case.name);
        assert!(
            predicted < PREDICTION_TOLERANCE,
            "{}: {predicted:e}",
            case.name
        );
        if let ("boosted_binary", Explained::Trees(ensemble)) = (case.name.as_str(), &model) {
            sampled_values_are_near(&case, ensemble);
        }
        count += 1;
    }
    assert_eq!(count, 23);
}

/// Sampling the same model comes as near to shap's exact values as its standard errors say.
fn sampled_values_are_near(case: &Case, ensemble: &TreeEnsemble) {
    let players = Players::one_per_column(case.patients.ncols()).unwrap();
    let background = Background::try_new(case.background.clone()).unwrap();
    let mut model = Opaque(ensemble, 1);
    let (mut squares, mut variances) = (0.0, 0.0);
    let patients = case.patients.rows().into_iter();
    for (seed, (patient, expected)) in (0..).zip(patients.zip(case.values[0].rows())) {
        let settings = SamplingSettings {
            evaluations: 3000,
            batch: 256,
            seed,
        };
        let scale = Scale::LogOdds;
        let explainer =
            SamplingExplainer::new(&mut model, &background, &players, settings, scale).unwrap();
        let sampled = explainer.explain(&mut model, &patient.to_vec()).unwrap();
        assert!(!sampled.is_exact);
        sampled.explanation.check_additivity(1e-12).unwrap();
        let values = sampled.explanation.values.iter().zip(expected);
        for ((value, expected), error) in values.zip(&sampled.standard_errors) {
            // Trees make rare, large interactions, which a small standard error has not seen.
            assert!(
                (value - expected).abs() < 5.0 * error + 0.01,
                "{value} {expected} {error}"
            );
            squares += (value - expected).powi(2);
            variances += error * error;
        }
    }
    let typical = f64::sqrt(squares / variances);
    println!("sampling: {typical:.2} standard errors from the exact values");
    assert!(typical < 1.25);
}
