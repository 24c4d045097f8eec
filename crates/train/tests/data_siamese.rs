//! Graphs of networks for variants give in ONNX Runtime what the networks predict, and training takes the
//! steps of a plain model in NumPy.
#![cfg(test)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use varisk_onnx::Model;
use varisk_train::siamese::{EpochLosses, Rows, Settings, SiameseNetwork, Task, Tensors, fit};

const ROWS: usize = 300;
const TOKENS: usize = 36;
const SEED: u64 = 3;

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

fn run(program: &str, arguments: &[String]) -> Vec<u8> {
    let output = Command::new(python())
        .arg("-c")
        .arg(program)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

struct Data {
    vocabulary: usize,
    reference: Array2<i64>,
    alternate: Array2<i64>,
    annotation: Array2<f32>,
    labels: Vec<bool>,
    weights: Vec<f64>,
}

impl Data {
    fn new(vocabulary: usize, elements: usize) -> Self {
        let mut random = ChaCha8Rng::from_seed([4; 32]);
        let mut token = || i64::from(random.next_u32()) % vocabulary as i64;
        let reference = Array2::from_shape_simple_fn((ROWS, TOKENS), &mut token);
        let mut alternate = reference.clone();
        for mut window in alternate.rows_mut() {
            window
                .iter_mut()
                .skip(16)
                .take(5)
                .for_each(|value| *value = token());
        }
        let annotation = Array2::from_shape_simple_fn((ROWS, elements), || {
            4.0 * ((random.next_u32() >> 8) as f32 / (1_u32 << 24) as f32 - 0.5)
        });
        Self {
            vocabulary,
            labels: (0..ROWS).map(|row| alternate[[row, 18]] % 3 == 0).collect(),
            weights: (0..ROWS).map(|row| 0.5 + (row % 3) as f64).collect(),
            reference,
            alternate,
            annotation,
        }
    }

    fn rows(&self) -> Rows<'_> {
        Rows {
            reference: self.reference.view(),
            alternate: self.alternate.view(),
            annotation: self.annotation.view(),
        }
    }

    fn train(&self, settings: &Settings) -> SiameseNetwork {
        let task = Task {
            rows: self.rows(),
            labels: &self.labels,
            weights: &self.weights,
        };
        let mut go_on = |_: &EpochLosses| ControlFlow::Continue(());
        fit(&task, None, self.vocabulary, settings, SEED, &mut go_on).unwrap()
    }

    fn write(&self, folder: &Path) {
        for (name, tokens) in [
            ("reference", &self.reference),
            ("alternate", &self.alternate),
        ] {
            let bytes: Vec<u8> = tokens.iter().flat_map(|v| v.to_le_bytes()).collect();
            std::fs::write(folder.join(format!("{name}.bin")), bytes).unwrap();
        }
        let bytes: Vec<u8> = self
            .annotation
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        std::fs::write(folder.join("annotation.bin"), bytes).unwrap();
    }
}

fn graph(network: &SiameseNetwork) -> Model {
    let tensors = Tensors {
        reference: "reference",
        alternate: "alternate",
        annotation: "annotation",
    };
    network.graph("variants", "for a test", &tensors).unwrap()
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    let numbers = bytes.chunks_exact(4);
    numbers
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// What is learned: constants of the graph by name, with their shapes, but for the one that scales.
fn parameters(network: &SiameseNetwork) -> BTreeMap<String, (Vec<i64>, Vec<f32>)> {
    let model = graph(network);
    let constants = model.graph().initializer.iter();
    constants
        .filter(|own| own.name != "head.scale")
        .map(|own| (own.name.clone(), (own.dims.clone(), numbers(&own.raw_data))))
        .collect()
}

#[test]
fn predictions_are_those_of_onnx_runtime() {
    let folder = tempfile::tempdir().unwrap();
    for (elements, convolutions, kernel, hidden) in [
        (3, 1, 5, vec![32]),
        (0, 2, 5, vec![20, 10]),
        (7, 2, 9, Vec::new()),
        (0, 1, 1, vec![8]),
        // Wider than the window.
        (1, 2, 75, vec![8]),
    ] {
        let data = Data::new(1030, elements);
        data.write(folder.path());
        let settings = Settings {
            convolutions,
            kernel,
            hidden,
            epochs: 16,
            learning_rate: 0.01,
            ..Settings::default()
        };
        let network = data.train(&settings);
        graph(&network)
            .write(folder.path().join("variants.onnx"))
            .unwrap();
        run(
            include_str!("siamese/oracle.py"),
            &[
                folder.path().display().to_string(),
                ROWS.to_string(),
                TOKENS.to_string(),
                elements.to_string(),
            ],
        );
        let theirs = numbers(&std::fs::read(folder.path().join("logit.bin")).unwrap());
        let own = network.logits(&data.rows()).unwrap();
        assert_eq!(own.len(), theirs.len());
        let largest = own.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(largest > 0.2, "the logits are {largest} at most");
        for (own, theirs) in own.iter().zip(theirs) {
            let difference = (own - f64::from(theirs)).abs();
            assert!(
                difference < 1e-5 * own.abs().max(1.0),
                "{own}, not {theirs}, with {settings:?}"
            );
        }
    }
}

#[test]
fn training_takes_the_steps_of_a_plain_model() {
    let folder = tempfile::tempdir().unwrap();
    for (elements, convolutions, hidden) in [(3, 1, vec![32]), (0, 2, vec![12, 6])] {
        // More tokens than rows have, in part: those that no row has stay 0.
        let data = Data::new(70, elements);
        data.write(folder.path());
        let settings = Settings {
            convolutions,
            hidden,
            dropout: 0.0,
            // Keeps gradients away from 0, where the first steps of Adam follow the sign of rounding.
            l2: 0.01,
            batch_size: ROWS,
            epochs: 5,
            threads: 2,
            ..Settings::default()
        };
        // Steps that are too short for 32-bit floats leave the first parameters.
        let first = data.train(&Settings {
            learning_rate: 1e-30,
            epochs: 1,
            ..settings.clone()
        });
        let network = data.train(&settings);
        let task = json!({
            "rows": ROWS,
            "tokens": TOKENS,
            "elements": elements,
            "labels": data.labels,
            "weights": data.weights,
            "convolutions": convolutions,
            "layers": settings.hidden.len() + 1,
            "steps": settings.epochs,
            "learning_rate": settings.learning_rate,
            "l2": settings.l2,
        });
        std::fs::write(folder.path().join("task.json"), task.to_string()).unwrap();
        let first = serde_json::to_string(&parameters(&first)).unwrap();
        std::fs::write(folder.path().join("parameters.json"), first).unwrap();
        let output = run(
            include_str!("siamese/steps.py"),
            &[folder.path().display().to_string()],
        );
        let theirs: Value = serde_json::from_slice(&output).unwrap();
        let compare = |own: &[f64], theirs: &Value, tolerance: f64, what: &str| {
            let theirs = theirs.as_array().unwrap();
            assert_eq!(own.len(), theirs.len(), "{what}");
            for (place, (own, theirs)) in own.iter().zip(theirs).enumerate() {
                let theirs = theirs.as_f64().unwrap();
                assert!(
                    (own - theirs).abs() < tolerance,
                    "{what} {place}: {own}, not {theirs}"
                );
            }
        };
        let losses: Vec<f64> = network.curve().iter().map(|own| own.training).collect();
        compare(&losses, &theirs["losses"], 1e-6, "losses");
        let logits = network.logits(&data.rows()).unwrap();
        compare(&logits, &theirs["logits"], 1e-5, "logits");
        for (name, (_, values)) in parameters(&network) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            compare(&values, &theirs["parameters"][&name], 1e-5, &name);
        }
    }
}
