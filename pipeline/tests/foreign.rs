//! Patient models that scikit-learn, XGBoost, LightGBM and PyTorch exported give what these
//! libraries themselves predict; `foreign/export.py` made the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::cohort::csv;
use crate::support::demo::run;
use crate::support::program::{Call, Table, text, workspace};
use crate::support::refusal::assert_refused;

/// Bundles of `foreign`, each under its own name.
const MODELS: [&str; 5] = ["lightgbm", "pytorch", "scikit-learn", "xgboost", "zipmap"];
/// Single precision on both sides.
const TOLERANCE: f64 = 1e-5;

fn foreign(name: &str) -> PathBuf {
    workspace().join("pipeline/tests/foreign").join(name)
}

/// Risks by model and patient, as the libraries give them.
fn expected() -> BTreeMap<(String, String), f64> {
    let rows = csv(&text(&foreign("expected.csv"))).into_iter();
    let cells = rows.flat_map(|row| {
        MODELS.map(|model| {
            let risk = row[model].parse().expect("a number");
            ((model.to_owned(), row["patient"].clone()), risk)
        })
    });
    cells.collect()
}

/// A run with patient models alone.
fn run_of(models: &[PathBuf], output: &Path) -> Call {
    let call = run(output)
        .without("--model")
        .with("--samplesheet", text(&foreign("samplesheet.csv")));
    models
        .iter()
        .fold(call, |call, model| call.also("--model", text(model)))
}

#[test]
fn what_other_tools_exported_gives_what_they_predict() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    run_of(&MODELS.map(foreign), &output).succeed();
    let expected = expected();
    assert_eq!(expected.len(), MODELS.len() * 48);
    // A model that tells nobody apart would prove nothing.
    for model in MODELS {
        let own = expected.iter().filter(|((name, _), _)| name == model);
        let values: Vec<f64> = own.map(|(_, value)| *value).collect();
        let highest = values.iter().copied().fold(0.0, f64::max);
        let lowest = values.iter().copied().fold(1.0, f64::min);
        assert!(highest - lowest > 0.5, "{model}: {lowest} to {highest}");
    }
    let risk = Table::read(&output, "risk");
    let (patients, items) = (risk.texts("patient"), risk.texts("item"));
    let mut compared = 0;
    for ((patient, item), value) in patients.iter().zip(items).zip(risk.numbers("value")) {
        let model = item.strip_suffix(".risk").expect("an item of a model");
        let theirs = expected[&(model.to_owned(), (*patient).to_owned())];
        let ours = value.unwrap_or_else(|| panic!("{patient} has no {item}"));
        assert!(
            (ours - theirs).abs() < TOLERANCE,
            "{patient} {item}: {ours}, not {theirs}"
        );
        compared += 1;
    }
    assert_eq!(compared, expected.len());
}

#[test]
fn every_one_of_them_is_sound_and_is_explained() {
    let expected = expected();
    let folder = tempfile::tempdir().expect("a folder");
    for model in MODELS {
        let bundle = text(&foreign(model));
        let checked = Call::new("model check").also("", bundle.as_str()).succeed();
        assert!(checked.stdout.contains("is sound"), "{}", checked.stdout);
        let output = folder.path().join(model);
        Call::new("explain")
            .with("--model", bundle)
            .with("--table", text(&foreign("samplesheet.csv")))
            .with("--output", text(&output))
            .succeed();
        let table = Table::read(&output, "explanations");
        let method = match model {
            "pytorch" => "enumeration",
            "lightgbm" | "xgboost" => "tree",
            _ => "linear",
        };
        assert!(
            table.texts("method").iter().all(|own| *own == method),
            "{model}"
        );
        // What is explained is what the library predicts, as log odds.
        assert!(table.texts("scale").iter().all(|own| *own == "log_odds"));
        let rows = table.texts("patient").into_iter();
        for (patient, prediction) in rows.zip(table.numbers("prediction")) {
            let theirs = expected[&(model.to_owned(), patient.to_owned())];
            let gap = prediction.expect("a prediction") - (theirs / (1.0 - theirs)).ln();
            assert!(gap.abs() < TOLERANCE, "{patient} {model}: {gap}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_the_remedy() {
    let from_map = |pointer: &str, value: serde_json::Value, parts: &[&str]| {
        let folder = tempfile::tempdir().expect("a folder");
        let bundle = folder.path();
        let source = foreign("zipmap");
        std::fs::copy(source.join("model.onnx"), bundle.join("model.onnx")).expect("a copy");
        let manifest = std::fs::read_to_string(source.join("manifest.json")).expect("a manifest");
        let mut manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
        *manifest.pointer_mut(pointer).expect("a place") = value;
        std::fs::write(bundle.join("manifest.json"), manifest.to_string()).expect("a file");
        let refused = Call::new("model check").also("", text(bundle)).run();
        assert_refused(pointer, &refused, 65, parts);
    };
    from_map(
        "/outputs/0/tensor",
        "output_label".into(),
        &["'output_label' is int64", "not labels"],
    );
    from_map("/outputs/0/column", 2.into(), &["2 columns", "column 2"]);
    from_map(
        "/outputs/0/tensor",
        "probabilities".into(),
        &["output_label, output_probability"],
    );
    from_map(
        "/outputs/0/column",
        serde_json::Value::Null,
        &["2 columns", "'column'"],
    );
}
