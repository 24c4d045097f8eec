//! A disease simulated on the real genotypes of set D with known effects: training comes near the
//! greatest AUROC there is, and explanations rank what acts before what does not.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::oracle::shared;
use crate::support::program::{Call, workspace};

const SCRIPT: &str = "pipeline/tests/data_learning/simulated.py";
const FAMILIES: [&str; 3] = ["logistic", "network", "boosted"];

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn names(value: &Value) -> Vec<&str> {
    let names = value.as_array().expect("a list").iter();
    names.map(|name| name.as_str().expect("a name")).collect()
}

/// What the script found, which calls the program.
fn simulated(folder: &Path) -> Value {
    let mut command = Command::new(workspace().join(".varisk/oracles/bin/python3"));
    Call::new("run").prepare(&mut command);
    let data = shared("");
    command
        .arg(workspace().join(SCRIPT))
        .arg(env!("CARGO_BIN_EXE_varisk"))
        .arg(data.parent().expect("the folder that holds data/"))
        .arg(folder);
    let output = command
        .output()
        .expect("python runs; 'make oracles' brings it");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}

#[test]
fn a_simulated_disease_is_learned_and_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let found = simulated(folder.path());
    assert_eq!(found["patients"], 2504);
    // The learned scores are those that the disease was made of.
    assert!(number(&found["largest_gap_of_sums"]) < 1e-9);

    let greatest = number(&found["greatest_auroc"]);
    assert!((0.75..0.9).contains(&greatest), "{greatest}");
    let drivers = names(&found["drivers"]);
    let null = names(&found["null"]);
    assert_eq!((drivers.len(), null.len()), (4, 4));
    let mut best = 0.0_f64;
    for family in FAMILIES {
        let own = &found["families"][family];
        let auroc = number(&own["auroc"]);
        println!("{family}: AUROC {auroc:.4} of {greatest:.4}");
        // Held-out predictions pass the truth's AUROC by chance alone.
        assert!(
            (greatest - 0.03..greatest + 0.005).contains(&auroc),
            "{family}: {auroc}, {greatest}"
        );
        best = best.max(auroc);
        let ranks = names(&own["ranks"]);
        assert_eq!(ranks[..4], drivers, "{family}");
        assert!(
            null.iter().all(|name| ranks[4..].contains(name)),
            "{family}: {ranks:?}"
        );
        // The weakest of what acts is far from the strongest of what does not.
        let size = |name: &str| number(&own["importance"][name]);
        assert!(size(ranks[3]) > 2.0 * size(ranks[4]), "{family}: {own}");
    }
    assert!(best > greatest - 0.02, "{best}, {greatest}");

    let coefficients = found["coefficients"].as_object().expect("coefficients");
    assert_eq!(coefficients.len(), 6);
    for (name, own) in coefficients {
        assert!(number(&own["standard_errors"]).abs() < 3.0, "{name}: {own}");
    }
    check_interaction(&found["opposed"]);
}

/// A score that acts one way in smokers and the other way in all others: trees and networks find it, a
/// linear model cannot.
fn check_interaction(found: &Value) {
    let greatest = number(&found["greatest_auroc"]);
    for family in ["network", "boosted"] {
        let auroc = number(&found[family]);
        println!("{family}, interaction: AUROC {auroc:.4} of {greatest:.4}");
        assert!(
            (greatest - 0.03..greatest + 0.005).contains(&auroc),
            "{family}: {auroc}, {greatest}"
        );
    }
    assert!(number(&found["logistic"]) < greatest - 0.1, "{found}");
}
