//! A run folder made here by hand and read back.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema};
use sha2::{Digest, Sha256};
use varisk_dossier::{DossierError, RunFolder, State};
use varisk_report::{Table, write_table};

/// A table with the given columns; others are null, or empty where they may not be.
fn table(table: Table, rows: usize, given: &[(&str, ArrayRef)]) -> RecordBatch {
    let schema = table.schema();
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for field in schema.fields() {
        let own = given.iter().find(|(name, _)| *name == field.name());
        let column = match own {
            Some((_, column)) => Arc::clone(column),
            None if field.is_nullable() => new_null_array(field.data_type(), rows),
            None if field.data_type() == &DataType::Utf8 => {
                Arc::new(StringArray::from(vec!["x"; rows]))
            }
            None => {
                let zeros: ArrayRef = Arc::new(Float64Array::from(vec![0.0; rows]));
                arrow::compute::cast(&zeros, field.data_type()).unwrap()
            }
        };
        fields.push(Field::new(
            field.name(),
            field.data_type().clone(),
            field.is_nullable(),
        ));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn record(folder: &Path, version: u32) {
    let mut tables = serde_json::Map::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let hash = Sha256::digest(std::fs::read(&path).unwrap());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        tables.insert(name, hash.into());
    }
    let json = serde_json::json!({
        "schema_version": version, "notice": "", "varisk": "9.9.9", "verb": "run",
        "genome_build": "GRCh38", "onnxruntime": null, "onnxruntime_version": null,
        "inputs": [], "models": [], "parameters": {}, "plan_sha256": "", "patients": 2,
        "counts": {}, "warnings": [], "tables": tables, "timings": [], "wall_seconds": 1.0,
    });
    std::fs::write(folder.join("run.json"), json.to_string()).unwrap();
}

fn run(patients: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows = patients.len();
    let values: Vec<Option<f64>> = (0..rows).map(|row| (row > 0).then_some(0.25)).collect();
    let states: Vec<&str> = (0..rows)
        .map(|row| ["not_computed", "ok"][usize::from(row > 0)])
        .collect();
    let risk = table(
        Table::RISK,
        rows,
        &[
            ("patient", texts(patients)),
            ("state", texts(&states)),
            ("value", numbers(&values)),
        ],
    );
    write_table(folder.path(), "risk", risk).unwrap();
    let quality = table(Table::QC, 1, &[("patient", texts(&["A0"]))]);
    write_table(folder.path(), "qc", quality).unwrap();
    record(folder.path(), 1);
    folder
}

#[test]
fn patients_come_once_each_in_order_from_all_tables() {
    let folder = run(&["A1", "A1", "B"]);
    let run = RunFolder::open(folder.path()).unwrap();
    run.verify().unwrap();
    let all: Vec<_> = run.dossiers().unwrap().map(Result::unwrap).collect();
    let names: Vec<&str> = all.iter().map(|dossier| dossier.patient.as_str()).collect();
    assert_eq!(names, ["A0", "A1", "B"]);
    assert!(all[0].risks.is_empty() && all[0].quality.is_some());
    assert_eq!(all[1].risks.len(), 2);
    assert_eq!(all[1].risks[0].state, State::NotComputed);
    assert_eq!(all[1].risks[0].value, None);
    assert_eq!(all[2].risks[0].value, Some(0.25));
    assert!(all[2].quality.is_none() && all[2].findings.is_empty());
}

#[test]
fn a_patient_who_comes_back_is_refused() {
    let folder = run(&["B", "A1", "B"]);
    let run = RunFolder::open(folder.path()).unwrap();
    let failed = run.dossiers().unwrap().find_map(Result::err).unwrap();
    assert!(matches!(failed, DossierError::Damaged { .. }), "{failed}");
}

#[test]
fn folders_that_are_not_what_they_were() {
    let folder = run(&["A1", "B"]);
    let risk = folder.path().join("risk.parquet");
    let bytes = std::fs::read(&risk).unwrap();
    std::fs::write(&risk, &bytes[..bytes.len() - 9]).unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    assert!(matches!(run.verify(), Err(DossierError::Changed { .. })));
    assert!(matches!(run.dossiers(), Err(DossierError::Damaged { .. })));
    std::fs::remove_file(&risk).unwrap();
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, DossierError::Missing { .. }));
    record(folder.path(), 99);
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, DossierError::Newer { found: 99, .. }));
    std::fs::write(folder.path().join("run.json"), "{").unwrap();
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, DossierError::Record { .. }));
    let error = RunFolder::open(&folder.path().join("none")).unwrap_err();
    assert!(matches!(error, DossierError::Open { .. }));
}
