//! Pages of made-up runs: hostile names, patients with nothing, thousands of findings.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use varisk_dossier::RunFolder;
use varisk_dossier::testing::{TestRun, Values};
use varisk_pages::{PageWriter, patient_folder};
use varisk_report::{Table, TableFolder};

const HOSTILE: &str = "<script>alert('x')</script>\"&";

/// Pages of a run, of those patients that are asked for; with the number of patients' pages.
fn pages(run: &Path, has_page: impl Fn(&str) -> bool) -> (tempfile::TempDir, u64) {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::open(run).unwrap();
    let mut pages = PageWriter::new(&run, folder.path(), "2026-01-01").unwrap();
    for (number, dossier) in (1..).zip(run.dossiers().unwrap()) {
        let dossier = dossier.unwrap();
        let has_page = has_page(&dossier.patient);
        if has_page {
            std::fs::create_dir_all(folder.path().join(patient_folder(number))).unwrap();
        }
        pages.observe(dossier, has_page).unwrap();
    }
    let written = pages.finish().unwrap();
    (folder, written)
}

fn read(folder: &tempfile::TempDir, page: &str) -> String {
    std::fs::read_to_string(folder.path().join(page)).unwrap()
}

/// Risk items and quality of some patients; all texts that a user may write are hostile.
fn run(patients: &[&str], findings: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows = patients.len();
    let tables = TableFolder::plain(folder.path());
    let mut run = TestRun::default();
    run.record().patients = rows as u64;
    run.record().warnings.push(HOSTILE.to_owned());
    run.source(HOSTILE, "clinvar", HOSTILE);
    let states = (0..rows).map(|row| ["not_computed", "flagged"][usize::from(row > 0)]);
    let values = (0..rows).map(|row| (row > 0).then_some(0.25)).collect();
    let reasons =
        (0..rows).map(|row| ["covariate_missing", "outside_training_range"][usize::from(row > 0)]);
    let curves = |high: f64| {
        Values::Lists(
            (0..rows)
                .map(|row| (row > 0).then(|| vec![0.0, high]))
                .collect(),
        )
    };
    let risk = [
        ("patient", Values::texts(patients)),
        (
            "item",
            Values::texts(vec![format!("absolute.{HOSTILE}.10y"); rows]),
        ),
        ("kind", Values::texts(vec!["absolute_risk"; rows])),
        ("state", Values::texts(states)),
        ("value", Values::Numbers(values)),
        ("reason", Values::texts(reasons)),
        ("meaning", Values::texts(vec![HOSTILE; rows])),
        ("model", Values::texts(vec![HOSTILE; rows])),
        ("population_value", Values::numbers(vec![0.1; rows])),
        ("curve_ages", curves(60.0)),
        ("curve", curves(0.25)),
        ("population_curve", curves(0.1)),
    ];
    run.table(&tables, Table::RISK, &risk).unwrap();
    let quality = [
        ("patient", Values::texts(patients)),
        ("sex_mismatch", Values::Flags(vec![Some(true); rows])),
        ("recorded_sex", Values::texts(vec![HOSTILE; rows])),
        ("alleles", Values::numbers(vec![100.0; rows])),
        ("called", Values::numbers(vec![90.0; rows])),
        ("call_rate", Values::numbers(vec![0.9; rows])),
    ];
    run.table(&tables, Table::QC, &quality).unwrap();
    if findings > 0 {
        let rows = [
            ("patient", Values::texts(vec![patients[0]; findings])),
            ("model", Values::texts(vec![HOSTILE; findings])),
            (
                "rank",
                Values::numbers((1..=findings).map(|rank| rank as f64)),
            ),
            ("alt", Values::texts(vec!["A".repeat(400); findings])),
            (
                "consequence.gene",
                Values::texts((0..findings).map(|gene| format!("GENE{gene}<b>"))),
            ),
        ];
        run.table(&tables, Table::FINDINGS, &rows).unwrap();
    }
    run.finish(folder.path()).unwrap();
    folder
}

#[test]
fn hostile_names_are_text_everywhere() {
    let run = run(&["../../x", HOSTILE], 2);
    let (folder, written) = pages(run.path(), |_| true);
    assert_eq!(written, 2);
    for page in [
        "index.html",
        "patients/000001/index.html",
        "patients/000002/index.html",
    ] {
        let html = read(&folder, page);
        assert!(!html.contains("<script>alert"), "{page}");
        assert!(!html.contains("alert('x')</script>"), "{page}");
        assert!(!html.contains("<b>"), "{page}");
        assert!(html.contains("Research output, not a diagnosis"), "{page}");
        assert!(html.contains("default-src 'none'"), "{page}");
    }
    // The name is shown, as text.
    assert!(read(&folder, "patients/000002/index.html").contains("&#60;script&#62;alert"));
    // Names of files say nothing of patients, and nothing left the folder.
    let mut names: Vec<String> = std::fs::read_dir(folder.path().join("patients"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["000001", "000002"]);
}

#[test]
fn a_patient_without_results_has_a_page_that_says_so() {
    let run = run(&["A", "B"], 0);
    let (folder, written) = pages(run.path(), |_| true);
    assert!(written > 0);
    let page = read(&folder, "patients/000001/index.html");
    assert!(page.contains("a clinical value that the model needs is not recorded"));
    assert!(page.contains("Not looked up"));
    assert!(page.contains("The recorded sex is"));
    assert!(!page.contains("NaN"));
    let page = read(&folder, "patients/000002/index.html");
    assert!(page.contains("25.0\u{a0}%"));
    assert!(page.contains("2.5\u{a0}×\u{a0}the average"));
    assert!(page.contains("unlike the patients that the model was trained on"));
    assert!(page.contains("Risk from age 0 to age 60"));
}

#[test]
fn thousands_of_findings_are_all_there() {
    let run = run(&["A"], 3_000);
    let (folder, written) = pages(run.path(), |_| true);
    assert!(written > 0);
    let page = read(&folder, "patients/000001/index.html");
    assert_eq!(page.matches("<th scope=\"row\">GENE").count(), 3_000);
    assert!(page.contains("2900 more"));
    assert!(page.contains("AAAAAAAAAAAA… (400 bases)"));
}

#[test]
fn only_those_who_are_asked_for() {
    let run = run(&["A", "B", "C"], 0);
    let (folder, written) = pages(run.path(), |patient| patient == "B");
    assert_eq!(written, 1);
    assert!(folder.path().join("patients/000002/index.html").exists());
    let cohort = read(&folder, "index.html");
    assert!(cohort.contains("\"linked\":[1]"));
    assert_eq!(
        cohort.matches("href=\"patients/").count(),
        2,
        "the table and the outliers"
    );

    let (folder, written) = pages(run.path(), |_| false);
    assert_eq!(written, 0);
    assert!(!folder.path().join("patients").exists());
}
