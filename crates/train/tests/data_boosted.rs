//! ONNX Runtime predicts what the trainer does, and new patients are told apart as well as by
//! scikit-learn.
#![cfg(test)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use varisk_onnx::{Dimension, ElementType, GraphBuilder};
use varisk_train::boosted::{Boosted, Data, Family, Node, Settings, Target, Tree, fit};

/// The runtime adds in 32 bits.
const TOLERANCE: f64 = 1e-5;

/// The area under the curve may be lower than scikit-learn's by this.
const AREA: f64 = 0.01;

/// Runs a script of the folder of oracles, as set-up brings it.
fn python(script: &str, arguments: &[&Path]) -> String {
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
    let output = Command::new(python)
        .arg("-c")
        .arg(script)
        .args(arguments)
        // Threads of scikit-learn wait for each other in a loop, for minutes where cores are shared.
        .env("OMP_NUM_THREADS", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn learn(data: &Data<'_>, settings: &Settings) -> Boosted {
    fit(data, None, settings, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// Features of many and of few values, a sixth of them missing.
fn features(random: &mut ChaCha8Rng, rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(_, column)| {
        let value = (random.next_u32() >> 8) as f32 / (1 << 22) as f32 - 2.0;
        match random.next_u32() % 6 {
            0 => f32::NAN,
            _ if column % 2 == 1 => value.round(),
            _ => value,
        }
    })
}

/// Rows at every threshold, its neighbours, and at missing values.
fn around_thresholds(model: &Boosted) -> Vec<Vec<f32>> {
    let mut rows = vec![vec![f32::NAN; model.features()]];
    for node in model.rounds().iter().flatten().flat_map(Tree::nodes) {
        if let Node::Split {
            feature, threshold, ..
        } = node
        {
            for value in [threshold.next_down(), *threshold, threshold.next_up()] {
                if value.is_finite() {
                    let mut row = rows[rows.len() % 7 % rows.len()].clone();
                    row[*feature as usize] = value;
                    rows.push(row);
                }
            }
        }
        if rows.len() > 3_000 {
            break;
        }
    }
    rows
}

fn write_csv(path: &Path, rows: impl Iterator<Item = Vec<String>>) {
    let mut text = String::new();
    for row in rows {
        writeln!(text, "{}", row.join(",")).unwrap();
    }
    std::fs::write(path, text).unwrap();
}

fn write(folder: &Path, model: &Boosted, features: &Array2<f32>) {
    std::fs::create_dir(folder).unwrap();
    let size = |columns: usize| [Dimension::symbolic("N"), Dimension::Fixed(columns as u64)];
    let outputs = model.family().outputs();
    let mut graph = GraphBuilder::new("boosted");
    graph
        .input("features", ElementType::Float32, &size(model.features()))
        .unwrap();
    let probability = match model.family() {
        Family::Binary | Family::Classes(_) => Some("probability"),
        Family::Survival | Family::Number => None,
    };
    model
        .add_to(&mut graph, "features", "raw", probability)
        .unwrap();
    for name in ["raw"].into_iter().chain(probability) {
        graph
            .output(name, ElementType::Float32, &size(outputs))
            .unwrap();
    }
    graph
        .finish()
        .unwrap()
        .write(folder.join("model.onnx"))
        .unwrap();
    let cells = |row: ndarray::ArrayView1<'_, f32>| row.iter().map(ToString::to_string).collect();
    write_csv(
        &folder.join("features.csv"),
        features.rows().into_iter().map(cells),
    );
    let raw = model.predict_raw(&features.view()).unwrap();
    let cells = |row: ndarray::ArrayView1<'_, f64>| row.iter().map(ToString::to_string).collect();
    write_csv(
        &folder.join("expected.csv"),
        raw.rows().into_iter().map(cells),
    );
}

#[test]
fn onnx_runtime_sends_every_row_the_same_way() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let train = features(&mut random, 3_000, 7);
    let signal: Vec<f64> = train
        .rows()
        .into_iter()
        .map(|row| f64::from(if row[0].is_nan() { 0.7 } else { row[0] }) * 2.0)
        .map(|signal| signal + f64::from(random.next_u32() % 1_000) / 500.0 - 1.0)
        .collect();
    let outcomes: Vec<bool> = signal.iter().map(|signal| *signal > 0.5).collect();
    let labels: Vec<usize> = signal
        .iter()
        .map(|signal| (signal + 2.0).clamp(0.0, 3.0) as usize)
        .collect();
    let times: Vec<f64> = signal.iter().map(|signal| (-signal).exp()).collect();
    let flat: Vec<bool> = (0..3_000).map(|row| row % 2 == 0).collect();
    let folder = tempfile::tempdir().unwrap();
    for (name, target) in [
        ("binary", Target::Binary(&outcomes)),
        (
            "classes",
            Target::Classes {
                classes: 4,
                labels: &labels,
            },
        ),
        (
            "survival",
            Target::Survival {
                times: &times,
                events: &outcomes,
            },
        ),
        ("number", Target::Number(&signal)),
        ("constant", Target::Binary(&flat)),
    ] {
        let data = Data {
            features: train.view(),
            target,
            weights: None,
        };
        let settings = Settings {
            // Nothing of this weight can be split.
            min_child_weight: if name == "constant" { 1e9 } else { 2.0 },
            subsample: 0.8,
            threads: 2,
            ..Settings::default()
        };
        let model = learn(&data, &settings);
        let mut rows = around_thresholds(&model);
        let new = features(&mut random, 500, 7);
        rows.extend(new.rows().into_iter().map(|row| row.to_vec()));
        let rows = Array2::from_shape_vec((rows.len(), 7), rows.concat()).unwrap();
        write(&folder.path().join(name), &model, &rows);
    }
    let report = python(include_str!("boosted/check.py"), &[folder.path()]);
    println!("model, share missing, difference of raw outputs and of probabilities\n{report}");
    assert_eq!(report.lines().count(), 5);
    for line in report.lines() {
        let numbers: Vec<f64> = line
            .split(' ')
            .skip(1)
            .map(|n| n.parse().unwrap())
            .collect();
        assert!(numbers[0] > 0.1, "{line}");
        assert!(
            numbers[1..].iter().all(|number| *number < TOLERANCE),
            "{line}"
        );
    }
}

fn read(path: &Path) -> Array2<f32> {
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<f32>> = text
        .lines()
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

/// Area under the receiver operating characteristic: the share of pairs in the right order.
fn area(scores: &[f64], outcomes: &[bool]) -> f64 {
    let of = |wanted: bool| {
        let pairs = scores.iter().zip(outcomes);
        let kept = pairs.filter(move |(_, outcome)| **outcome == wanted);
        kept.map(|(score, _)| *score)
    };
    let (mut right, mut pairs) = (0.0, 0.0);
    for case in of(true) {
        for control in of(false) {
            pairs += 1.0;
            right += if case > control {
                1.0
            } else if case == control {
                0.5
            } else {
                0.0
            };
        }
    }
    right / pairs
}

#[test]
fn patients_are_told_apart_as_by_scikit_learn() {
    let shared = std::env::var_os("VARISK_SHARED").unwrap_or_else(|| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../shared")
            .into()
    });
    let tables = Path::new(&shared).join("data/clinical_tables");
    assert!(
        tables.exists(),
        "{} is missing; set VARISK_SHARED to the folder of the shared data",
        tables.display()
    );
    let folder = tempfile::tempdir().unwrap();
    python(include_str!("boosted/tables.py"), &[&tables, folder.path()]);
    let mut areas: BTreeMap<String, Vec<[f64; 3]>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let (train, test) = (read(&path.join("train.csv")), read(&path.join("test.csv")));
        let columns = train.ncols() - 3;
        let kept: Vec<usize> = (0..columns).collect();
        let split = |rows: &Array2<f32>| {
            let outcomes: Vec<bool> = rows.column(columns).iter().map(|y| *y == 1.0).collect();
            (rows.select(ndarray::Axis(1), &kept), outcomes)
        };
        let ((x, y), (new, truth)) = (split(&train), split(&test));
        let data = Data {
            features: x.view(),
            target: Target::Binary(&y),
            weights: None,
        };
        let settings = Settings {
            rounds: 100,
            threads: 2,
            ..Settings::default()
        };
        let ours = learn(&data, &settings).predict_raw(&new.view()).unwrap();
        let theirs = |offset| -> Vec<f64> {
            let column = test.column(columns + offset);
            column.iter().map(|p| f64::from(*p)).collect()
        };
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        areas.entry(name).or_default().push([
            area(&ours.into_iter().collect::<Vec<_>>(), &truth),
            area(&theirs(1), &truth),
            area(&theirs(2), &truth),
        ]);
    }
    assert_eq!(areas.len(), 4);
    for (table, folds) in areas {
        assert_eq!(folds.len(), 5);
        let mean = |of: usize| folds.iter().map(|fold| fold[of]).sum::<f64>() / 5.0;
        let (ours, histogram, exact) = (mean(0), mean(1), mean(2));
        println!("{table}: {ours:.4}; histograms of scikit-learn {histogram:.4}, exact {exact:.4}");
        assert!(ours > histogram.max(exact) - AREA, "{table}");
    }
}
