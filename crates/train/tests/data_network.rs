//! Graphs of networks give in ONNX Runtime what networks predict.
#![cfg(test)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::{Array2, Axis};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use varisk_onnx::{Dimension, ElementType, GraphBuilder};
use varisk_train::network::{EpochReport, Network, Rows, Settings, Target, fit};

/// Largest difference of probabilities, and of raw outputs of a few units.
const TOLERANCE: f32 = 1e-5;
const FEATURES: usize = 30;

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

fn features(rows: usize) -> Array2<f32> {
    let mut random = ChaCha8Rng::from_seed([2; 32]);
    Array2::from_shape_simple_fn((rows, FEATURES), || {
        4.0 * ((random.next_u32() >> 8) as f32 / (1_u32 << 24) as f32 - 0.5)
    })
}

fn write(network: &Network, path: &Path) {
    let mut graph = GraphBuilder::new("network");
    let shape = |columns: usize| [Dimension::symbolic("N"), Dimension::Fixed(columns as u64)];
    let (inputs, outputs) = (shape(FEATURES), shape(network.family().outputs()));
    graph
        .input("features", ElementType::Float32, &inputs)
        .unwrap();
    network.write(&mut graph, "features", "raw").unwrap();
    network.write_link(&mut graph, "raw", "risk").unwrap();
    for name in ["raw", "risk"] {
        graph.output(name, ElementType::Float32, &outputs).unwrap();
    }
    graph.finish().unwrap().write(path).unwrap();
}

/// Little-endian numbers of a file.
fn read(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let numbers = bytes.chunks_exact(4);
    numbers
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

fn compare(own: &Array2<f32>, theirs: &[f32], what: &str) {
    assert_eq!(own.len(), theirs.len(), "{what}");
    for (own, theirs) in own.iter().zip(theirs) {
        assert!((own - theirs).abs() < TOLERANCE, "{what}: {own}, {theirs}");
    }
}

#[test]
fn predictions_are_those_of_onnx_runtime() {
    let features = features(2500);
    let sums: Vec<f32> = features
        .axis_iter(Axis(0))
        .map(|row| row[0] + row[1] * row[2])
        .collect();
    let outcomes: Vec<bool> = sums.iter().map(|sum| *sum > 0.0).collect();
    let labels: Vec<usize> = sums
        .iter()
        .map(|sum| usize::from(*sum > -1.0) + usize::from(*sum > 1.0))
        .collect();
    let times: Vec<f64> = sums.iter().map(|sum| f64::from(-sum).exp()).collect();
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = features.iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(folder.path().join("features.bin"), bytes).unwrap();
    let targets = [
        (Target::Binary(&outcomes), vec![64, 32]),
        (Target::Binary(&outcomes), Vec::new()),
        (
            Target::Classes {
                labels: &labels,
                classes: 3,
            },
            vec![20],
        ),
        (
            Target::Survival {
                times: &times,
                events: &outcomes,
            },
            vec![64, 32],
        ),
    ];
    for (number, (target, hidden)) in targets.into_iter().enumerate() {
        let rows = Rows {
            features: features.view(),
            target,
            weights: None,
        };
        let settings = Settings {
            hidden,
            epochs: 5,
            ..Settings::default()
        };
        let mut go_on = |_: &EpochReport<'_>| ControlFlow::Continue(());
        let network = fit(rows, None, &settings, &mut go_on, None)
            .unwrap()
            .network;
        write(&network, &folder.path().join("network.onnx"));
        let output = Command::new(python())
            .arg("-c")
            .arg(include_str!("network/oracle.py"))
            .arg(folder.path())
            .arg(FEATURES.to_string())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let what = format!("network {number}");
        let raw = network.predict_raw(&features).unwrap();
        compare(&raw, &read(&folder.path().join("raw.bin")), &what);
        let risk = network.predict(&features).unwrap();
        compare(&risk, &read(&folder.path().join("risk.bin")), &what);
    }
}
