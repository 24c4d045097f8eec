//! Sampling Shapley values: `varisk explain --method sampling` beside `shap.KernelExplainer` on the
//! same ONNX model, patients, background and number of evaluations.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::process::{self, best_of, measure};
use super::{Options, text};
use crate::random::Random;

/// Patients to explain.
const PATIENTS: usize = 1_000;
/// Numbers that the model predicts from.
const PREDICTORS: usize = 50;
/// Patients of the background.
const BACKGROUND: usize = 100;
/// Evaluations of the model for each patient.
const EVALUATIONS: [usize; 2] = [10_000, 20_000];
/// Python with shap and onnxruntime, as set-up brings it.
const PYTHON: &str = ".varisk/oracles/bin/python3";
/// Log odds by the same graph; a set of predictors costs KernelExplainer an evaluation for each row of
/// the background.
const SCRIPT: &str = "
import json, sys
import numpy as np, onnxruntime as ort, shap
bundle, table, evaluations, background, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
manifest = json.load(open(f'{bundle}/manifest.json'))
columns = manifest['inputs'][0]['params']['columns']
header = open(table).readline().strip().split(',')
raw = np.loadtxt(table, delimiter=',', skiprows=1, usecols=[header.index(c['name']) for c in columns])
mean = np.array([c.get('mean', 0) for c in columns]); std = np.array([c.get('std', 1) for c in columns])
x = ((raw - mean) / std).astype(np.float32)
options = ort.SessionOptions(); options.intra_op_num_threads = threads
session = ort.InferenceSession(f'{bundle}/model.onnx', options)
name = session.get_inputs()[0].name
def logits(rows):
    return session.run(['logits'], {name: np.ascontiguousarray(rows, np.float32)})[0].ravel()
explainer = shap.KernelExplainer(logits, x[:background])
values = explainer.shap_values(x, nsamples=evaluations // background, silent=True, l1_reg=0)
assert abs(values.sum(1) + explainer.expected_value - logits(x)).max() < 1e-3
";

pub(super) fn table(options: &Options) -> Result<String> {
    let folder = options.data.join("shapley");
    let model = folder.join("model");
    let patients = folder.join("patients.csv");
    let background = folder.join("background.csv");
    if !model.is_dir() {
        prepare(&folder)?;
    }
    let program = process::program_path()?;
    let threads = options.threads.to_string();
    let mut lines =
        String::from("| evaluations | program | wall time (s) | ratio |\n|---|---|---|---|\n");
    for evaluations in EVALUATIONS {
        let (count, rows) = (evaluations.to_string(), BACKGROUND.to_string());
        let output = text(&folder.join("explained")).to_owned();
        let ours = [
            "explain",
            "--model",
            text(&model),
            "--table",
            text(&patients),
            "--background",
            text(&background),
            "--method",
            "sampling",
            "--evaluations",
            &count,
            "--threads",
            &threads,
            "--output",
            &output,
        ];
        let theirs = [
            "-c",
            SCRIPT,
            text(&model),
            text(&patients),
            &count,
            &rows,
            &threads,
        ];
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            if Path::new(&output).exists() {
                std::fs::remove_dir_all(&output)?;
            }
            rounds.push(vec![measure(PYTHON, &theirs)?, measure(&program, &ours)?]);
        }
        let best = best_of(&rounds);
        let [peer, own] = best.as_slice() else {
            bail!("two programs were measured");
        };
        for (name, measured) in [("`shap.KernelExplainer`", peer), ("`varisk explain`", own)] {
            let _ = writeln!(
                lines,
                "| {evaluations} | {name} | {:.1} | {:.1} |",
                measured.seconds,
                peer.seconds / measured.seconds
            );
        }
    }
    Ok(lines)
}

/// A network over numbers of which ten matter, and its patients.
fn prepare(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut random = Random::new(13, 1);
    let mut number = || random.normal_thousandths() as f64 / 1000.0;
    let names: Vec<String> = (0..PREDICTORS).map(|own| format!("x{own}")).collect();
    let header = format!("patient,{},y\n", names.join(","));
    let mut patients = header.clone();
    let mut background = header;
    for row in 0..PATIENTS {
        let values: Vec<f64> = (0..PREDICTORS).map(|_| number()).collect();
        let logit: f64 = values.iter().take(9).sum::<f64>() * 0.5 + values[0] * values[9];
        let happens = u8::from(logit + number() > 0.0);
        let cells: Vec<String> = values.iter().map(|own| format!("{own:.4}")).collect();
        let line = format!("P{row},{},{happens}\n", cells.join(","));
        if row < BACKGROUND {
            background += &line;
        }
        patients += &line;
    }
    std::fs::write(folder.join("patients.csv"), patients)?;
    std::fs::write(folder.join("background.csv"), background)?;
    std::fs::write(
        folder.join("train.toml"),
        r#"name = "bench"
version = "1"
licence = "CC0-1.0"
intended_use = "a benchmark"
training_data = "made up"
[data]
table = "patients.csv"
[outcome]
kind = "binary"
column = "y"
positive = [1]
[validation]
outer_folds = 2
inner_folds = 2
bootstrap = 0
[[family]]
kind = "network"
dropout = [0.2]
[family.settings]
epochs = 30
"#,
    )?;
    let status = Command::new(process::program_path()?)
        .arg("train")
        .arg("--config")
        .arg(folder.join("train.toml"))
        .arg("--output")
        .arg(folder.join("model"))
        .status()
        .context("varisk cannot be started")?;
    if !status.success() {
        bail!("the model of the benchmark could not be trained");
    }
    Ok(())
}
