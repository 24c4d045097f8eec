//! Metrics, curves and calibrators equal those of scikit-learn, SciPy and lifelines, or definitions
//! written out in NumPy where none of them has the metric.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use ndarray::Array2;
use varisk_evaluation::{
    BetaCalibrator, BinarySample, BinarySettings, Binning, Horizon, IsotonicCalibrator, MetricKey,
    MulticlassSample, PlattCalibrator, Sample, Scale, SurvivalSample, Value, kaplan_meier,
};

/// What is a sum or a ratio of counts.
const EXACT: f64 = 1e-9;
/// What both sides search for.
const SEARCHED: f64 = 1e-6;
const ISOTONIC: f64 = 1e-12;

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

/// Lists of numbers by name.
static ORACLE: LazyLock<BTreeMap<String, Vec<f64>>> = LazyLock::new(|| {
    let output = Command::new(python())
        .arg("-c")
        .arg(include_str!("metrics/oracle.py"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (name, numbers) = line.split_once('\t').unwrap();
        // Rust's own parser is exact, so that inputs are the same to the last bit.
        let numbers = numbers.split(' ').map(|number| number.parse().unwrap());
        (name.to_owned(), numbers.collect())
    };
    text.lines().map(line).collect()
});

fn get(name: &str) -> &'static [f64] {
    ORACLE.get(name).unwrap_or_else(|| panic!("no {name}"))
}

fn flags(name: &str) -> Vec<bool> {
    get(name).iter().map(|number| *number == 1.0).collect()
}

#[track_caller]
fn same(what: &str, own: f64, theirs: f64, tolerance: f64) {
    assert!(
        own == theirs || (own - theirs).abs() <= tolerance * theirs.abs().max(1.0),
        "{what}: {own} here, {theirs} by the oracle"
    );
}

#[track_caller]
fn same_value(what: &str, own: Value, theirs: f64, tolerance: f64) {
    match own {
        Ok(own) => same(what, own, theirs, tolerance),
        Err(_) => assert!(
            theirs.is_nan(),
            "{what}: undefined here, {theirs} by the oracle"
        ),
    }
}

#[track_caller]
fn same_rows<const N: usize>(name: &str, own: &[[f64; N]], tolerance: f64) {
    let theirs = get(name);
    assert_eq!(own.len() * N, theirs.len(), "{name}");
    for (place, (own, theirs)) in own.iter().flatten().zip(theirs).enumerate() {
        same(&format!("{name} {place}"), *own, *theirs, tolerance);
    }
}

const BINARY: [&str; 6] = ["plain", "ties", "coarse", "extreme", "rare", "nobody_said"];

fn binary(name: &str) -> BinarySample {
    let settings = BinarySettings {
        threshold: get(&format!("{name}.at"))[0],
        bins: 10,
    };
    let outcomes = flags(&format!("{name}.y"));
    BinarySample::try_new(get(&format!("{name}.p")), &outcomes, settings).unwrap()
}

#[test]
fn metrics_of_an_outcome() {
    let mut compared = 0;
    for name in BINARY {
        let sample = binary(name);
        for (key, value) in sample.metrics() {
            let metric = key.metric.as_str();
            let tolerance = if metric.starts_with("calibration") {
                SEARCHED
            } else {
                EXACT
            };
            let what = format!("{name}.value.{metric}");
            same_value(&what, value, get(&what)[0], tolerance);
            if metric == "calibration_slope" {
                same_value(
                    &what,
                    value,
                    get(&format!("{name}.slope_sklearn"))[0],
                    SEARCHED,
                );
            }
            compared += 1;
        }
        let own = sample.confusion();
        let own = [
            own.true_positives,
            own.false_positives,
            own.true_negatives,
            own.false_negatives,
        ];
        let theirs = get(&format!("{name}.confusion"));
        assert_eq!(own.map(|count| count as f64), theirs);
    }
    assert_eq!(compared, BINARY.len() * 18);
}

#[test]
fn curves_of_an_outcome() {
    for name in BINARY {
        let sample = binary(name);
        let roc = sample.roc_curve().unwrap();
        let roc: Vec<_> = roc
            .iter()
            .map(|own| [own.threshold, own.x, own.y])
            .collect();
        same_rows(&format!("{name}.roc"), &roc, EXACT);
        let curve = sample.precision_recall_curve().unwrap();
        let curve: Vec<_> = curve
            .iter()
            .map(|own| [own.threshold, own.x, own.y])
            .collect();
        // scikit-learn ends where everybody with the outcome is found, as here.
        same_rows(&format!("{name}.pr"), &curve, EXACT);
        for (strategy, binning) in [
            ("uniform", Binning::EqualWidth(10)),
            ("quantile", Binning::EqualCount(10)),
        ] {
            let bins = sample.calibration_curve(binning).unwrap();
            let own: Vec<_> = bins
                .iter()
                .map(|own| [own.predicted, own.observed])
                .collect();
            same_rows(&format!("{name}.calibration.{strategy}"), &own, EXACT);
            if strategy == "uniform" {
                let own: Vec<_> = bins
                    .iter()
                    .map(|own| [own.patients as f64, own.events as f64, own.lower, own.upper])
                    .collect();
                same_rows(&format!("{name}.wilson"), &own, EXACT);
            }
        }
        let thresholds: Vec<f64> = get(&format!("{name}.decision"))
            .chunks(3)
            .map(|own| own[0])
            .collect();
        let curve = sample.decision_curve(&thresholds).unwrap();
        let own: Vec<_> = curve
            .iter()
            .map(|own| [own.threshold, own.model, own.treat_all])
            .collect();
        same_rows(&format!("{name}.decision"), &own, EXACT);
    }
}

#[test]
fn metrics_of_classes() {
    for name in ["three", "five", "never_said", "absent"] {
        let shape = get(&format!("{name}.shape"));
        let shape = (shape[0] as usize, shape[1] as usize);
        let probabilities = get(&format!("{name}.p")).to_vec();
        let probabilities = Array2::from_shape_vec(shape, probabilities).unwrap();
        let classes: Vec<usize> = get(&format!("{name}.y"))
            .iter()
            .map(|own| *own as usize)
            .collect();
        let names: Vec<String> = (0..shape.1).map(|class| format!("class {class}")).collect();
        let sample = MulticlassSample::try_new(&probabilities, &classes, &names).unwrap();
        let confusion: Vec<f64> = sample
            .confusion()
            .iter()
            .map(|count| *count as f64)
            .collect();
        assert_eq!(confusion, get(&format!("{name}.confusion")));
        let theirs = get(&format!("{name}.overall"))
            .iter()
            .chain(get(&format!("{name}.classes")));
        let metrics: Vec<(MetricKey, Value)> = sample.metrics();
        assert_eq!(metrics.len(), theirs.clone().count());
        for ((key, value), theirs) in metrics.into_iter().zip(theirs) {
            same_value(&format!("{name} {key:?}"), value, *theirs, EXACT);
        }
    }
}

#[test]
fn metrics_of_time_to_event() {
    for name in ["smooth", "tied", "censored"] {
        let times = get(&format!("{name}.times"));
        let events = flags(&format!("{name}.events"));
        let at = get(&format!("{name}.horizons"));
        let predicted = get(&format!("{name}.survival")).chunks(times.len());
        let horizons = at.iter().zip(predicted).map(|(time, survival)| Horizon {
            time: *time,
            survival: Some(survival.to_vec()),
        });
        let scores = get(&format!("{name}.scores"));
        let sample = SurvivalSample::try_new(scores, times, &events, horizons.collect()).unwrap();
        let values: Vec<Value> = sample
            .metrics()
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        same_value(
            name,
            values[0],
            get(&format!("{name}.concordance"))[0],
            EXACT,
        );
        for (place, own) in values[1..].chunks(2).enumerate() {
            same_value(name, own[0], get(&format!("{name}.areas"))[place], EXACT);
            same_value(name, own[1], get(&format!("{name}.briers"))[place], EXACT);
        }
        let points = kaplan_meier(times, &events).unwrap();
        let theirs = get(&format!("{name}.kaplan_meier"));
        assert_eq!(points.len() * 4, theirs.len());
        for (own, theirs) in points.iter().zip(theirs.chunks(4)) {
            same(name, own.time, theirs[0], 0.0);
            same(name, own.survival, theirs[1], EXACT);
            // lifelines has numbers where no interval exists: 1 before the first event.
            if let (Some(lower), Some(upper)) = (own.lower, own.upper) {
                same(name, lower, theirs[2], EXACT);
                same(name, upper, theirs[3], EXACT);
            }
        }
        assert!(points.iter().filter(|own| own.lower.is_some()).count() > 5);
    }
}

#[test]
fn calibrators() {
    for name in ["overconfident", "rounded", "bent", "early"] {
        let scores = get(&format!("{name}.p"));
        let outcomes = flags(&format!("{name}.y"));
        for (scale, oracle) in [(Scale::Logit, "platt_logit"), (Scale::Raw, "platt_raw")] {
            let fitted = PlattCalibrator::fit(scale, scores, &outcomes).unwrap();
            same_rows(
                &format!("{name}.{oracle}"),
                &[fitted.coefficients()],
                SEARCHED,
            );
        }
        let fitted = BetaCalibrator::fit(scores, &outcomes).unwrap();
        let bound = matches!(name, "bent" | "early");
        let [a, b, _] = fitted.coefficients();
        assert_eq!(a == 0.0 || b == 0.0, bound, "{name}: {a} {b}");
        same_rows(&format!("{name}.beta"), &[fitted.coefficients()], SEARCHED);
        let fitted = IsotonicCalibrator::fit(scores, &outcomes).unwrap();
        for pair in get(&format!("{name}.isotonic")).chunks(2) {
            same(name, fitted.apply(pair[0]).unwrap(), pair[1], ISOTONIC);
        }
        for (score, theirs) in scores.iter().zip(get(&format!("{name}.isotonic_own"))) {
            same(name, fitted.apply(*score).unwrap(), *theirs, ISOTONIC);
        }
    }
}
