//! Absolute risks equal those of py-icare on the same tables, effects and distributions.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use varisk_core::{Covariate, FeatureTable, Patient, Reason, Sex};
use varisk_risk::{AbsoluteRiskItem, AbsoluteRiskModel};

/// py-icare writes ten decimals, and iterates its baseline to a tolerance.
const TOLERANCE: f64 = 1e-6;

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

fn scenarios() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(python())
        .arg("-c")
        .arg(include_str!("absolute/oracle.py"))
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

/// Patients and features of a scenario.
fn run(path: &Path) -> (Vec<Patient>, FeatureTable) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let mut patients = Vec::new();
    let mut columns: BTreeMap<String, Vec<Result<f64, Reason>>> = BTreeMap::new();
    for record in reader.records() {
        let record = record.unwrap();
        let mut patient = Patient {
            id: record[0].to_owned(),
            sex: Sex::Unknown,
            covariates: BTreeMap::new(),
        };
        for (name, cell) in header.iter().zip(&record).skip(1) {
            if let Some(feature) = name.strip_prefix("feature:") {
                let value = cell.parse().map_err(|_| Reason::LowCoverage);
                columns.entry(feature.to_owned()).or_default().push(value);
            } else if let Ok(number) = cell.parse() {
                patient
                    .covariates
                    .insert(name.to_owned(), Covariate::Number(number));
            } else if !cell.is_empty() {
                patient
                    .covariates
                    .insert(name.to_owned(), Covariate::Text(cell.to_owned()));
            }
        }
        patients.push(patient);
    }
    let mut features = FeatureTable::default();
    for (name, values) in columns {
        features.insert(name, values);
    }
    (patients, features)
}

/// The largest difference of those that are within `tolerance`, how many risks were compared, and how many had missing factors.
fn compare(folder: &Path, tolerance: impl Fn(f64) -> f64) -> (f64, usize, usize) {
    let model = AbsoluteRiskModel::read(&folder.join("model.toml")).unwrap();
    let (patients, features) = run(&folder.join("patients.csv"));
    let items = model.assess(&patients, &features).unwrap();
    let items: BTreeMap<&str, &AbsoluteRiskItem> = items
        .iter()
        .map(|item| (item.item.strip_prefix("absolute.demo.").unwrap(), item))
        .collect();
    let mut expected = csv::Reader::from_path(folder.join("expected.csv")).unwrap();
    let (mut largest, mut count, mut missing) = (0.0_f64, 0, 0);
    for record in expected.records() {
        let record = record.unwrap();
        let patient = patients.iter().position(|own| own.id == record[0]).unwrap();
        let outcome = &items[&record[1]].outcomes[patient];
        let risk = outcome.risk.unwrap().risk;
        let theirs: f64 = record[2].parse().unwrap();
        let difference = (risk - theirs).abs();
        assert!(
            difference < tolerance(theirs),
            "{} {} {}: {risk} here, {theirs} by py-icare",
            folder.display(),
            &record[0],
            &record[1]
        );
        largest = largest.max(difference);
        count += 1;
        missing += usize::from(!outcome.missing_factors.is_empty());
    }
    (largest, count, missing)
}

#[test]
fn risks_of_icare() {
    let folder = scenarios();
    for (scenario, with_missing) in [
        ("covariates", false),
        ("score", false),
        ("missing", true),
        ("independent", true),
        ("beside", false),
    ] {
        let (largest, count, missing) = compare(&folder.path().join(scenario), |_| TOLERANCE);
        println!("{scenario}: {count} risks, {missing} with missing factors, within {largest:.1e}");
        assert!(count >= 300);
        assert_eq!(missing > 0, with_missing);
    }
    // Its SNP model draws genotypes at random, so it is near, not equal.
    let (largest, count, _) = compare(&folder.path().join("snps"), |risk| 0.03 * risk);
    println!("snps: {count} risks within {largest:.1e}");
}
