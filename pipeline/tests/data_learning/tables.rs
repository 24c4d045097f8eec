//! The best family is as good as the best of scikit-learn, lifelines and XGBoost on real clinical
//! tables, on the same folds.

use std::process::Command;

use crate::support::oracle::shared;
use crate::support::program::{Call, workspace};

/// How far below the best peer a table may be to count: of AUROC or Harrell's C-index.
const MARGIN: f64 = 0.01;
/// Tables that must be within the margin. Some are so small that one cut into folds moves the
/// difference of two equally good models by more than it.
const WANTED: usize = 8;

#[test]
fn the_best_family_is_within_a_hundredth_of_the_best_peer() {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = shared("clinical_tables");
    let data = tables.ancestors().nth(2).expect("the folder above data/");
    let python = workspace().join(".varisk/oracles/bin/python3");
    assert!(
        python.exists(),
        "{} is not there; run 'make oracles' first",
        python.display()
    );
    let mut command = Command::new(python);
    command
        .arg(workspace().join("pipeline/tests/data_learning/tables.py"))
        .arg(env!("CARGO_BIN_EXE_varisk"))
        .arg(data)
        .arg(folder.path());
    // The script calls the program, which wants ONNX Runtime.
    Call::new("train").prepare(&mut command);
    let output = command.output().expect("python runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let results = std::fs::read(folder.path().join("tables.json")).expect("results");
    let results: serde_json::Value = serde_json::from_slice(&results).expect("JSON");
    let differences: Vec<f64> = results
        .as_array()
        .expect("a list of tables")
        .iter()
        .map(|own| own["difference"].as_f64().expect("a number"))
        .collect();
    let within = differences.iter().filter(|own| **own >= -MARGIN).count();
    assert!(
        within >= WANTED,
        "{within} tables are within {MARGIN}:\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
