//! A run folder made here by hand and read back.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use varisk_dossier::testing::{TestRun, Values};
use varisk_dossier::{AnnotationValue, Dossier, DossierError, RunFolder, State};
use varisk_report::{ReportError, Table, TableFolder, TableKeys, TableLayout};

/// Risk items of the patients in the order given, and a patient `A0` who has nothing but quality.
fn run(patients: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows = 0..patients.len();
    let values = rows.clone().map(|row| (row > 0).then_some(0.25)).collect();
    let states = rows.map(|row| if row > 0 { "ok" } else { "not_computed" });
    let mut run = TestRun::default();
    run.record().patients = 2;
    let risk = [
        ("patient", Values::texts(patients)),
        ("state", Values::texts(states)),
        ("value", Values::Numbers(values)),
    ];
    run.table(&TableFolder::plain(folder.path()), Table::RISK, &risk)
        .unwrap();
    let quality = [("patient", Values::texts(["A0"]))];
    run.table(&TableFolder::plain(folder.path()), Table::QC, &quality)
        .unwrap();
    run.finish(folder.path()).unwrap();
    folder
}

#[test]
fn patients_come_once_each_in_order_from_all_tables() {
    let folder = run(&["A1", "A1", "B"]);
    let run = RunFolder::open(folder.path()).unwrap();
    run.verify().unwrap();
    let all: Vec<Dossier> = run.dossiers().unwrap().map(Result::unwrap).collect();
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
fn some_columns_of_a_table_are_read() {
    let folder = run(&["A1", "B"]);
    let run = RunFolder::open(folder.path()).unwrap();
    let mut files = run
        .rows_with("risk", &|name| ["value", "patient"].contains(&name))
        .unwrap();
    let batch = files[0].next_batch().unwrap().unwrap();
    let schema = batch.schema();
    let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["patient", "value"]);
    assert_eq!(batch.num_rows(), 2);
}

#[test]
fn annotations_keep_their_kind_and_nulls_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let findings = [
        ("patient", Values::texts(["A", "A"])),
        ("position", Values::numbers([7.0, 9.0])),
        (
            "clinvar.significance",
            Values::Texts(vec![None, Some("benign".to_owned())]),
        ),
        ("gnomad.af", Values::Numbers(vec![Some(0.01), None])),
        ("gnomad.af_afr", Values::Numbers(vec![Some(0.03), None])),
        ("coding.inside", Values::Flags(vec![Some(true), None])),
    ];
    let mut run = TestRun::default();
    run.table(
        &TableFolder::plain(folder.path()),
        Table::FINDINGS,
        &findings,
    )
    .unwrap();
    let quality = [("patient", Values::texts(["A"]))];
    run.table(&TableFolder::plain(folder.path()), Table::QC, &quality)
        .unwrap();
    run.finish(folder.path()).unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    let dossier = run.dossiers().unwrap().next().unwrap().unwrap();
    let [first, second] = dossier.findings.as_slice() else {
        panic!("two findings");
    };
    assert_eq!(first.position, 7);
    assert_eq!(first.annotations.frequency(), Some(("gnomad.af_afr", 0.03)));
    let inside = first.annotations.get("coding.inside");
    assert_eq!(inside, Some(&AnnotationValue::Flag(true)));
    assert_eq!(first.annotations.text("clinvar.significance"), None);
    assert_eq!(second.annotations.iter().count(), 1);
    assert_eq!(
        second.annotations.text("clinvar.significance"),
        Some("benign")
    );
}

#[test]
fn a_patient_who_comes_back_is_refused() {
    // Such a table is not written by ours, so it is written as one of which no order is known.
    let folder = tempfile::tempdir().unwrap();
    let unknown = Table {
        name: "unknown",
        ..Table::RISK
    };
    let risk = [
        ("patient", Values::texts(["B", "A1", "B"])),
        ("state", Values::texts(["ok", "ok", "ok"])),
    ];
    let mut run = TestRun::default();
    run.table(&TableFolder::plain(folder.path()), unknown, &risk)
        .unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::rename(file("unknown.parquet"), file("risk.parquet")).unwrap();
    run.finish(folder.path()).unwrap();
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
    assert!(matches!(run.dossiers(), Err(DossierError::Table(_))));
    std::fs::remove_file(&risk).unwrap();
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, DossierError::Missing { .. }));
}

#[test]
fn partitions_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let keys = TableKeys::try_new(vec![7; 32], BTreeMap::new()).unwrap();
    let tables = TableFolder {
        path: folder.path().to_owned(),
        layout: TableLayout {
            partition_by: vec!["item".to_owned()],
            encryption: Some(keys.clone()),
        },
    };
    let items = ["absolute.b", "absolute.a/=%", "absolute.b"];
    let risk = [
        ("patient", Values::texts(["A", "B", "B"])),
        ("item", Values::texts(items)),
        ("state", Values::texts(["ok", "ok", "ok"])),
        ("value", Values::numbers([0.1, 0.2, 0.3])),
    ];
    let mut run = TestRun::default();
    run.table(&tables, Table::RISK, &risk).unwrap();
    run.finish(folder.path()).unwrap();

    let run = RunFolder::open(folder.path()).unwrap();
    run.verify().unwrap();
    assert_eq!(run.tables().into_iter().collect::<Vec<_>>(), ["risk"]);
    let error = run.dossiers().err().unwrap();
    let missing = matches!(error, DossierError::Table(ReportError::KeyMissing { .. }));
    assert!(missing, "{error}");
    let run = run.with_keys(Some(keys));
    let all: Vec<Dossier> = run.dossiers().unwrap().map(Result::unwrap).collect();
    let values: Vec<(&str, f64)> = all[1]
        .risks
        .iter()
        .map(|risk| (risk.item.as_str(), risk.value.unwrap()))
        .collect();
    assert_eq!(values, [("absolute.a/=%", 0.2), ("absolute.b", 0.3)]);
    assert_eq!(all[0].risks.len(), 1);
}

#[test]
fn records_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = TestRun::default();
    run.record().schema_version = 99;
    run.finish(folder.path()).unwrap();
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, DossierError::Newer { found: 99, .. }));

    let mut run = TestRun::default();
    run.record()
        .tables
        .insert("../risk".to_owned(), String::new());
    run.finish(folder.path()).unwrap();
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, DossierError::Record { .. }));

    let mut run = TestRun::default();
    run.finish(folder.path()).unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    assert!(matches!(
        run.dossiers(),
        Err(DossierError::NoPatients { .. })
    ));

    std::fs::write(folder.path().join("run.json"), "{").unwrap();
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, DossierError::Record { .. }));
    let error = RunFolder::open(&folder.path().join("none")).unwrap_err();
    assert!(matches!(error, DossierError::Open { .. }));
    let error = RunFolder::open(&folder.path().join("run.partial")).unwrap_err();
    assert!(matches!(error, DossierError::Unfinished { .. }));
}
