//! What a change comes from, which rules fire at it, and what cannot be compared.

use std::collections::BTreeMap;
use std::path::Path;

use crate::follow_up::{compared, diff};
use crate::known::without_models;
use crate::schemas;
use crate::support::bundle::{annotated, bundle, bundle_of, configuration};
use crate::support::demo::run;
use crate::support::program::{Call, Table, testdata, text};
use crate::support::refusal::write;

const RISK: &str = "demo-patient-risk.risk";
/// The first patient in words of the samplesheet.
const FIRST: &str = "P001,S001,male,61,37.1,yes";

/// A file of settings as schemas look at it.
pub(crate) fn json(text: &str) -> serde_json::Value {
    toml::from_str(text).expect("TOML")
}

fn samplesheet() -> String {
    std::fs::read_to_string(testdata("samplesheet.csv")).expect("the samplesheet")
}

/// A copy of a bundled model whose manifest says something else, under another version.
fn other_model(folder: &Path, name: &str, change: impl Fn(String) -> String) -> String {
    let own = folder.join(name);
    std::fs::create_dir(&own).expect("a folder");
    let from = testdata(&format!("models/{name}"));
    let onnx = std::fs::read(format!("{from}/model.onnx")).expect("a model");
    write(&own, "model.onnx", onnx);
    let manifest = std::fs::read_to_string(format!("{from}/manifest.json")).expect("a manifest");
    let changed = change(manifest.replace("\"version\": \"1.0.0\"", "\"version\": \"1.1.0\""));
    assert!(changed != manifest);
    write(&own, "manifest.json", changed);
    text(&own)
}

/// Both risks of each patient for whom they differ.
fn risks(before: &Path, after: &Path) -> BTreeMap<String, [Option<f64>; 2]> {
    let before = Table::read(before, "risk").by_patient("value");
    let after = Table::read(after, "risk").by_patient("value");
    let pairs = before.into_iter().map(|(patient, before)| {
        let pair = [before, after[&patient]];
        (patient, pair)
    });
    pairs
        .filter(|(_, [before, after])| before != after)
        .collect()
}

/// The rows of a category that are about the risk, by patient: both values, the cause in words, alerts.
type RiskRow = ([Option<f64>; 2], String, Option<String>);

fn risk_rows(output: &Path, category: &str) -> BTreeMap<String, RiskRow> {
    let table = Table::read(output, "changes");
    let items = table.column("item");
    let [categories, patients, causes] =
        ["category", "patient", "causes"].map(|name| table.texts(name));
    let [before, after, difference] =
        ["before_value", "after_value", "difference"].map(|name| table.numbers(name));
    let alerts = table.column("alerts");
    let mut rows = BTreeMap::new();
    for row in (0..table.len()).filter(|row| categories[*row] == category) {
        assert_eq!(items[row], Some(RISK));
        let expected = before[row]
            .zip(after[row])
            .map(|(before, after)| after - before);
        assert_eq!(difference[row], expected);
        let own = (
            [before[row], after[row]],
            causes[row].to_owned(),
            alerts[row].map(str::to_owned),
        );
        assert!(rows.insert(patients[row].to_owned(), own).is_none());
    }
    rows
}

fn categories(output: &Path) -> BTreeMap<String, usize> {
    let table = Table::read(output, "changes");
    let mut counts = BTreeMap::new();
    for category in table.texts("category") {
        *counts.entry(category.to_owned()).or_default() += 1;
    }
    // Rows are by category, then patient.
    let order = table.numbers("category_order");
    let patients = table.texts("patient");
    assert!(order.iter().zip(patients).is_sorted());
    counts
}

fn checked_risks(folder: &Path, after: &str, cause: &str) {
    let at = |name: &str| folder.join(name);
    let found = risk_rows(&at(&format!("{after}-changes")), "risk_changed");
    let expected = risks(&at("base"), &at(after));
    let values: BTreeMap<String, [Option<f64>; 2]> = found
        .iter()
        .map(|(patient, own)| (patient.clone(), own.0))
        .collect();
    assert_eq!(values, expected, "{after}");
    assert!(found.values().all(|own| own.1 == cause), "{found:?}");
}

#[test]
fn models_and_covariates() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let at = |name: &str| folder.path().join(name);
    let variant = testdata("models/variant-kmer");
    let patient = testdata("models/patient-risk");
    let models = |name: &str, variant: &str, patient: &str| {
        annotated(&at(name), &bundle)
            .with("--model", variant)
            .also("--model", patient)
    };
    models("base", &variant, &patient).succeed();
    let changes = |name: &str| {
        let output = at(&format!("{name}-changes"));
        let done = compared(&diff(&at("base"), &at(name)), &output, 0);
        (done.stdout, categories(&output))
    };

    // The patient model alone.
    let older = |text: String| text.replacen("\"mean\": 55.0", "\"mean\": 60.0", 1);
    let other = other_model(folder.path(), "patient-risk", older);
    models("patient-model", &variant, &other).succeed();
    let (stdout, counts) = changes("patient-model");
    assert!(stdout.contains("model demo-patient-risk (patient): 1.0.0 -> 1.1.0"));
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["risk_changed"]);
    assert!(counts["risk_changed"] > 40, "{counts:?}");
    checked_risks(folder.path(), "patient-model", "model");

    // The variant model: scores of alleles, the lists, and the risks that rest on them.
    let steeper = |text: String| {
        let (before, after) = text.split_once("info.AF").expect("the feature");
        let after = after.replacen("\"std\": 1.0", "\"std\": 0.5", 1);
        format!("{before}info.AF{after}")
    };
    let other = other_model(folder.path(), "variant-kmer", steeper);
    models("variant-model", &other, &patient).succeed();
    let (stdout, counts) = changes("variant-model");
    assert!(stdout.contains("model demo-variant-kmer (variant): 1.0.0 -> 1.1.0"));
    assert_eq!(counts["finding_new"], counts["finding_gone"]);
    assert!(counts["score_changed"] > 100, "{counts:?}");
    checked_risks(folder.path(), "variant-model", "model");
    let table = Table::read(&at("variant-model-changes"), "changes");
    assert!(table.texts("causes").iter().all(|own| *own == "model"));

    // A covariate of one patient.
    let sheet = samplesheet().replace(FIRST, "P001,S001,male,61,20.0,yes");
    models("sheet", &variant, &patient)
        .with("--samplesheet", write(folder.path(), "sheet.csv", sheet))
        .succeed();
    let (stdout, counts) = changes("sheet");
    assert!(
        stdout.contains("input samplesheet: other content"),
        "{stdout}"
    );
    assert_eq!(counts, BTreeMap::from([("risk_changed".to_owned(), 1)]));
    checked_risks(folder.path(), "sheet", "input");
    let table = Table::read(&at("sheet-changes"), "changes");
    assert_eq!(table.texts("patient"), ["P001"]);

    // A threshold between two risks of that patient, in a file that has the settings of a run too.
    let [before, after] = risks(&at("base"), &at("sheet"))["P001"].map(|own| own.expect("a risk"));
    assert!(after < before);
    let rules = format!(
        r#"vcf = "{}"
samplesheet = "{}"
reference = "{}"
build = "other"
[tolerance]
relative = 1e-6
[[alert]]
name = "falls"
kind = "risk_crosses"
item = "demo-*.risk"
threshold = {}
direction = "down"
[[alert]]
name = "rises"
kind = "risk_crosses"
item = "{RISK}"
threshold = {}
[[alert]]
name = "misspelt"
kind = "state_changed"
item = "demo-patient-risks"
"#,
        testdata("cohort.vcf.gz"),
        testdata("samplesheet.csv"),
        testdata("genome.fa"),
        f64::midpoint(before, after),
        f64::midpoint(before, after),
    );
    let own = json(&rules);
    schemas::check("config.schema.json", std::slice::from_ref(&own), &[]);
    let alone = serde_json::json!({"alert": own["alert"], "tolerance": own["tolerance"]});
    schemas::check("alerts.schema.json", &[alone], &[]);
    let config = write(folder.path(), "varisk.toml", rules);
    for (from, to, output, rule) in [
        ("base", "sheet", "down", "falls"),
        ("sheet", "base", "up", "rises"),
    ] {
        let call = diff(&at(from), &at(to)).with("--config", config.clone());
        let done = compared(&call, &at(output), 3);
        let warning = "warning: alert rule 'misspelt' fits no risk item of either run; check its item 'demo-patient-risks'";
        assert!(
            done.stdout.lines().any(|line| line == warning),
            "{}",
            done.stdout
        );
        let rows = risk_rows(&at(output), "threshold_crossed");
        let pair = risks(&at(from), &at(to))["P001"];
        let expected = (pair, "input".to_owned(), Some(rule.to_owned()));
        assert_eq!(rows, BTreeMap::from([("P001".to_owned(), expected)]));
        assert_eq!(Table::read(&at(output), "changes").len(), 1);
    }
    // A run takes the same file.
    Call::new("run")
        .with("--config", config)
        .with("--model", variant)
        .with("--output", text(&at("by-file")))
        .succeed();
}

/// A patient less: nothing is said of the others.
#[test]
fn a_patient_who_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let at = |name: &str| folder.path().join(name);
    without_models(&at("a"), &bundle).succeed();
    let sheet = samplesheet();
    let sheet: Vec<&str> = sheet
        .lines()
        .filter(|line| !line.starts_with("P002,"))
        .collect();
    without_models(&at("b"), &bundle)
        .with(
            "--samplesheet",
            write(folder.path(), "sheet.csv", sheet.join("\n") + "\n"),
        )
        .also("--ignore-unlisted-samples", "")
        .succeed();
    let rules = "[[alert]]\nname = \"lost a patient\"\nkind = \"patient_missing\"\n";
    let rules = write(folder.path(), "rules.toml", rules);
    for (from, to, output, code, category, counts) in [
        (
            "a",
            "b",
            "gone",
            3,
            "patient_gone",
            "1 in A only, 0 in B only",
        ),
        (
            "b",
            "a",
            "new",
            0,
            "patient_new",
            "0 in A only, 1 in B only",
        ),
    ] {
        let call = diff(&at(from), &at(to)).with("--config", rules.clone());
        let done = compared(&call, &at(output), code);
        assert!(done.stdout.contains(counts), "{}", done.stdout);
        let table = Table::read(&at(output), "changes");
        assert_eq!(table.texts("category"), [category]);
        assert_eq!(table.texts("patient"), ["P002"]);
        assert_eq!(table.texts("causes"), ["input;parameter"]);
        let alert = (code == 3).then_some("lost a patient");
        assert_eq!(table.column("alerts"), [alert]);
    }
}

/// Rules that name genes fire for alleles of these genes alone.
#[test]
fn rules_by_gene() {
    let folder = tempfile::tempdir().expect("a folder");
    let [first, second] = crate::follow_up::releases(folder.path());
    let at = |name: &str| folder.path().join(name);
    without_models(&at("a"), &first).succeed();
    without_models(&at("b"), &second).succeed();
    let rules = r#"[[alert]]
name = "of one gene"
kind = "reclassified"
genes = ["TOY1"]
[[alert]]
name = "uncertain no more"
kind = "reclassified"
from = ["uncertain_significance"]
[[alert]]
name = "new to the source"
kind = "new_pathogenic"
classes = ["likely_pathogenic"]
"#;
    schemas::check("alerts.schema.json", &[json(rules)], &[]);
    let call = diff(&at("a"), &at("b")).with("--config", write(folder.path(), "r.toml", rules));
    compared(&call, &at("changes"), 3);
    let table = Table::read(&at("changes"), "changes");
    let genes = table.column("gene");
    let [before, after] = ["before", "after"].map(|name| table.texts(name));
    let mut fired: BTreeMap<String, usize> = BTreeMap::new();
    for (row, found) in table.column("alerts").into_iter().enumerate() {
        let is_pathogenic = |word: &str| word.contains("pathogenic");
        let is_likely = |word: &str| word.contains("likely_pathogenic");
        let rules = [
            (
                "of one gene",
                genes[row] == Some("TOY1")
                    && is_pathogenic(before[row]) != is_pathogenic(after[row]),
            ),
            ("uncertain no more", before[row] == "uncertain_significance"),
            (
                "new to the source",
                is_likely(after[row]) && !is_likely(before[row]),
            ),
        ];
        let expected: Vec<&str> = rules
            .into_iter()
            .filter_map(|(name, fires)| fires.then_some(name))
            .collect();
        assert_eq!(found.unwrap_or_default(), expected.join(";"), "row {row}");
        for name in expected {
            *fired.entry(name.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(fired.len(), 3, "{fired:?}");
    assert!(genes.iter().any(|gene| *gene != Some("TOY1")));
}

#[test]
fn what_one_run_lacks_is_not_comparable() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let at = |name: &str| folder.path().join(name);
    annotated(&at("all"), &bundle).succeed();
    run(&at("plain")).succeed();
    without_models(&at("no-models"), &bundle).succeed();
    annotated(&at("no-clinvar"), &bundle)
        .with("--sources", "population,gene,coding,genes")
        .succeed();
    // Another name is compared, with a warning.
    let config = configuration().replacen("name = \"clinvar\"", "name = \"clinvar_old\"", 1);
    let renamed = bundle_of(folder.path(), "renamed-bundle", &config);
    annotated(&at("renamed"), &renamed).succeed();

    let check = |from: &str, to: &str, lines: &[&str]| {
        let output = at(&format!("{from}-{to}"));
        let done = compared(&diff(&at(from), &at(to)), &output, 0);
        let said: Vec<&str> = done
            .stdout
            .lines()
            .filter(|line| line.starts_with("not comparable: ") || line.starts_with("warning: "))
            .collect();
        assert_eq!(said, lines, "{}", done.stdout);
        // It is never said without a reservation that nothing changed.
        let no_change = done.stdout.lines().find(|line| line.contains("no change"));
        assert_eq!(
            no_change,
            Some("no change of a patient in what could be compared")
        );
        let page = std::fs::read_to_string(output.join("index.html")).expect("a page");
        for line in lines {
            let what = line.rsplit(": ").next().expect("a reason");
            assert!(
                page.contains(&what.replace('\'', "&#39;")) || page.contains(what),
                "{what}"
            );
        }
        output
    };
    let lacks = |run: &str| {
        [
            format!("not comparable: known_variants: {run} has no known_variants"),
            format!("not comparable: classes of clinvar: {run} has no such source"),
        ]
    };
    for (from, to, run) in [("all", "no-clinvar", "B"), ("no-clinvar", "all", "A")] {
        let lines = lacks(run);
        let output = check(from, to, &[&lines[0], &lines[1]]);
        assert!(!output.join("reclassifications.parquet").exists());
    }
    let lines = lacks("B");
    check(
        "all",
        "plain",
        &[
            &lines[0],
            &lines[1],
            "not comparable: consequences: B has no consequences",
        ],
    );
    check(
        "no-models",
        "all",
        &[
            "not comparable: risk: A has no risk",
            "not comparable: findings: A has no findings",
        ],
    );
    let none = "not comparable: classes of alleles: neither run has a source of kind clinvar";
    check("plain", "plain", &[none]);
    let output = check(
        "renamed",
        "all",
        &[
            "warning: source 'clinvar_old' of A is compared with 'clinvar' of B, the only other one of kind clinvar",
        ],
    );
    assert_eq!(Table::read(&output, "reclassifications").len(), 0);
}
