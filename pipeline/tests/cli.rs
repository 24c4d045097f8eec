//! The verbs and what they print.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::bad_models::edited;
use crate::support::bundle::{annotated, bundle};
use crate::support::cohort::Vcf;
use crate::support::demo::{self, SCORE, run};
use crate::support::program::{
    Call, Outcome, Table, hashes, outcome, run_record, testdata, text, workspace,
};
use crate::support::refusal::write;

fn varisk(arguments: &[&str]) -> Outcome {
    let outcome = outcome(Command::new(env!("CARGO_BIN_EXE_varisk")).args(arguments));
    assert_eq!(outcome.code, Some(0), "{arguments:?}: {}", outcome.stderr);
    assert_eq!(outcome.stderr, "", "{arguments:?}");
    outcome
}

#[test]
fn every_verb_explains_itself() {
    for verb in [
        &[][..],
        &["run"],
        &["score"],
        &["prs"],
        &["ancestry"],
        &["ancestry", "build"],
        &["ancestry", "list"],
        &["annotate"],
        &["evidence"],
        &["knowledge"],
        &["merge"],
        &["model"],
        &["plan"],
        &["model", "inspect"],
        &["model", "check"],
        &["doctor"],
        &["demo"],
        &["completions"],
        &["man"],
    ] {
        let help = varisk(&[verb, &["--help"]].concat()).stdout;
        assert!(help.contains("Usage: varisk"), "{verb:?}: {help}");
    }
    let version = varisk(&["-V"]).stdout;
    assert_eq!(version, concat!("varisk ", env!("CARGO_PKG_VERSION"), "\n"));
    assert!(varisk(&["man"]).stdout.contains(".TH"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = varisk(&["completions", shell]).stdout;
        assert!(
            script.contains("varisk") && script.contains("samplesheet"),
            "{shell}"
        );
    }
}

#[test]
fn a_dry_run_shows_the_plan_and_makes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let planned = run(&folder.path().join("new/report"))
        .also("--dry-run", "")
        .succeed();
    let plan: Value = serde_json::from_str(&planned.stdout).expect("the plan is JSON");
    assert_eq!(plan["patients"], 48);
    assert_eq!(plan["genome_build"], "other");
    assert_eq!(plan["models"].as_array().expect("models").len(), 2);
    let columns = plan["columns"].as_array().expect("columns");
    assert!(columns.contains(&SCORE.into()), "{columns:?}");
    assert_eq!(planned.stderr, "");
    assert_eq!(
        std::fs::read_dir(folder.path())
            .expect("the folder")
            .count(),
        0
    );
}

/// A batch of records fills batches of the model, which are padded, unless somebody says how many records it has.
#[test]
fn records_of_a_batch_fit_the_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = |rows: u32, own: &[(&str, &str)]| {
        let name = format!("{rows}-{}", own.len());
        let model = edited(folder.path(), "variant-kmer", &name, "/batch_size", rows);
        let mut call = run(&folder.path().join("report"))
            .with("--model", text(&model))
            .also("--dry-run", "");
        for (option, value) in own {
            call = call.with(option, *value);
        }
        let plan: Value = serde_json::from_str(&call.succeed().stdout).expect("JSON");
        plan["settings"]["limits"]["batch_records"]
            .as_u64()
            .expect("a number")
    };
    assert_eq!(records(64, &[]), 2_048);
    assert_eq!(records(1_024, &[]), 3_840);
    assert_eq!(records(65_536, &[]), 16_384);
    assert_eq!(records(1_024, &[("--batch-size", "2048")]), 2_048);
}

#[test]
fn doctor_and_models() {
    let doctor = Call::new("doctor").succeed().stdout;
    for part in [
        "varisk ",
        "threads",
        "memory",
        "ORT_DYLIB_PATH",
        "release 1.",
        "CPUExecutionProvider",
    ] {
        assert!(doctor.contains(part), "{part} is not in {doctor}");
    }
    for (model, tensor) in [
        ("variant-kmer", "ref_tokens"),
        ("patient-risk", "covariates"),
    ] {
        let bundle = testdata(&format!("models/{model}"));
        for bundle in [bundle.clone(), format!("{bundle}/model.onnx")] {
            let shown = Call::new("model inspect")
                .also(&bundle, "")
                .succeed()
                .stdout;
            assert!(
                shown.contains(tensor) && shown.contains("intended_use"),
                "{shown}"
            );
            let checked = Call::new("model check").also(&bundle, "").succeed().stdout;
            assert!(
                checked.contains("is sound") && checked.contains("CPUExecutionProvider"),
                "{checked}"
            );
        }
    }
}

#[test]
fn the_demo_ends_with_a_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("demo");
    let call = Call::new("demo")
        .with("--data", testdata(""))
        .with("--output", text(&output));
    let shown = call.succeed().stdout;
    // The patient at highest risk is one of the affected.
    let truth = std::fs::read_to_string(testdata("truth.csv")).expect("the truth");
    let first = shown
        .lines()
        .find(|line| line.contains("demo-risk.risk"))
        .and_then(|line| line.split_whitespace().next())
        .expect("a patient");
    let is_affected = |line: &str| line.starts_with(first) && line.ends_with(",1");
    assert!(truth.lines().any(is_affected), "{shown}");
    assert!(shown.contains("absolute.toy_disease.lifetime"), "{shown}");
    let known = Table::read(&output, "known_variants").len();
    let found = format!("Pathogenic alleles found ({known}):");
    assert!(known > 48 && shown.contains(&found), "{shown}");
    assert!(
        shown.contains("risk.parquet") && shown.contains("not a diagnosis"),
        "{shown}"
    );
    let same = folder.path().join("run");
    let models = folder.path().join("demo.models");
    annotated(&same, &bundle(folder.path()))
        .with("--model", text(&models.join("demo-pathogenicity")))
        .also("--model", text(&models.join("demo-risk")))
        .with("--score", testdata("scores"))
        .with("--score-build", "other")
        .with("--ancestry", text(&folder.path().join("demo.panel")))
        .with("--absolute-risk", testdata("absolute-risk/model.toml"))
        .also("--explain", "")
        .succeed();
    assert_eq!(hashes(&output), hashes(&same));
    let pages = folder.path().join("demo.pages");
    assert!(shown.contains(&text(&pages.join("index.html"))), "{shown}");
    let page = std::fs::read_to_string(pages.join("patients/000048/index.html"));
    assert!(page.expect("a page").contains("Why the models say so"));
}

/// Variants alone: sites without samples, and a cohort's.
#[test]
fn scores_without_patients() {
    let folder = tempfile::tempdir().expect("a folder");
    let sites = Vcf::bundled().sites();
    let file = write(folder.path(), "sites.vcf", sites.text());
    let [bare, cohort] = ["bare", "cohort"].map(|name| folder.path().join(name));
    let done = demo::score(&bare).with("--vcf", file).succeed();
    // The model uses the frequency in the cohort.
    assert!(
        done.stderr.contains("warning") && done.stderr.contains("cohort"),
        "{}",
        done.stderr
    );
    demo::score(&cohort).succeed();
    assert_eq!(hashes(&bare), hashes(&cohort));
    let names: BTreeSet<String> = hashes(&bare).into_keys().collect();
    assert_eq!(
        names,
        BTreeSet::from(["variants.parquet", "quarantine.parquet"].map(str::to_owned))
    );
    let table = Table::read(&bare, "variants");
    assert_eq!(table.len(), sites.alleles().len());
    assert_eq!(run_record(&bare)["patients"], 0);
    assert_eq!(
        run_record(&bare)["warnings"]
            .as_array()
            .expect("warnings")
            .len(),
        1
    );
    // What does not depend on the cohort is the same as in a run.
    let whole = folder.path().join("whole");
    run(&whole).succeed();
    let run = Table::read(&whole, "variants");
    for column in [
        "contig",
        "position",
        "ref",
        "alt",
        "variant_key",
        "reason.demo-variant-kmer",
    ] {
        assert_eq!(table.column(column), run.column(column), "{column}");
    }
}

/// Other ways of saying the same give the same tables.
#[test]
fn the_same_run_said_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    run(&whole).succeed();
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("the samplesheet");
    let tabs = write(folder.path(), "sheet.tsv", sheet.replace(',', "\t"));
    let spreadsheet = write(
        folder.path(),
        "sheet.csv",
        format!("\u{feff}{}", sheet.replace('\n', "\r\n")),
    );
    let mut lines: Vec<&str> = sheet.lines().collect();
    lines[1..].reverse();
    let backwards = write(folder.path(), "backwards.csv", lines.join("\n"));
    let data = text(&workspace().join("testdata"));
    let config = write(
        folder.path(),
        "varisk.toml",
        format!(
            "vcf = '{data}/cohort.vcf.gz'\nsamplesheet = 'sheet.tsv'\nreference = '{data}/genome.fa'\nbuild = 'other'\npar = '{data}/par.bed'\nmodels = ['{data}/models/variant-kmer', '{data}/models/patient-risk']\noutput = 'from-config'\ntop = 3\n",
        ),
    );
    let single = |call: Call| {
        let call = call.with("--model", testdata("models/variant-kmer/model.onnx"));
        call.also("--model", testdata("models/patient-risk/model.onnx"))
    };
    let ways: [(&str, Call); 6] = [
        (
            "tabs",
            run(&folder.path().join("tabs")).with("--samplesheet", tabs),
        ),
        (
            "spreadsheet",
            run(&folder.path().join("spreadsheet")).with("--samplesheet", spreadsheet),
        ),
        (
            "backwards",
            run(&folder.path().join("backwards")).with("--samplesheet", backwards),
        ),
        (
            "single files",
            single(run(&folder.path().join("single files"))),
        ),
        (
            "models turned",
            run(&folder.path().join("models turned"))
                .with("--model", testdata("models/patient-risk"))
                .also("--model", testdata("models/variant-kmer")),
        ),
        (
            "from-config",
            Call::new("run")
                .with("--config", config)
                .with("--top", "10"),
        ),
    ];
    for (name, call) in ways {
        call.succeed();
        assert_eq!(hashes(&folder.path().join(name)), hashes(&whole), "{name}");
    }
}

/// Several models in one go give what each gives alone.
#[test]
fn several_models() {
    let folder = tempfile::tempdir().expect("a folder");
    let [whole, both] = ["whole", "both"].map(|name| folder.path().join(name));
    run(&whole).succeed();
    let second = edited(folder.path(), "variant-kmer", "second", "/name", "second");
    let third = edited(folder.path(), "patient-risk", "third", "/name", "third");
    run(&both)
        .also("--model", text(&second))
        .also("--model", text(&third))
        .succeed();
    let [one, two] = [&whole, &both].map(|folder| Table::read(folder, "variants"));
    assert_eq!(one.column(SCORE), two.column(SCORE));
    assert_eq!(two.column("score.second.pathogenicity"), two.column(SCORE));
    assert_eq!(
        two.column("reason.second"),
        two.column("reason.demo-variant-kmer")
    );
    let [one, two] = [&whole, &both].map(|folder| Table::read(folder, "findings"));
    assert_eq!(two.len(), 2 * one.len());
    let [one, two] = [&whole, &both].map(|folder| Table::read(folder, "risk"));
    assert_eq!(two.len(), 2 * one.len());
    let pairs: Vec<Option<&str>> = one
        .column("value")
        .into_iter()
        .flat_map(|value| [value, value])
        .collect();
    assert_eq!(two.column("value"), pairs);
    assert_eq!(
        two.texts("item")[..2],
        ["demo-patient-risk.risk", "third.risk"]
    );
    check_sorted(&both);
}

/// Rows of patients stand by patient, then by what the schema says.
fn check_sorted(output: &Path) {
    for (name, keys) in [
        ("risk", &["patient", "item"][..]),
        ("features", &["patient", "feature"]),
        ("qc", &["patient"]),
        ("findings", &["patient", "model", "output"]),
    ] {
        let table = Table::read(output, name);
        let columns: Vec<Vec<&str>> = keys.iter().map(|key| table.texts(key)).collect();
        let row = |row: usize| columns.iter().map(|column| column[row]).collect::<Vec<_>>();
        assert!((1..table.len()).all(|at| row(at - 1) <= row(at)), "{name}");
    }
}

/// Records of a region by their POS, from an index and by reading all.
#[test]
fn regions() {
    let folder = tempfile::tempdir().expect("a folder");
    let lone = folder.path().join("lone.vcf.gz");
    std::fs::copy(testdata("cohort.vcf.gz"), &lone).expect("a copy");
    let vcf = Vcf::bundled();
    let cases = [
        (&["chr2:35,000-50000"][..], vec![("chr2", 35_000, 50_000)]),
        (
            &["chr2:51295-51295", "M"],
            vec![("chr2", 51_295, 51_295), ("chrM", 0, 16_000)],
        ),
        (
            &["chrX:90000", "chr1:1-1045"],
            vec![("chrX", 90_000, 100_000), ("chr1", 1, 1_045)],
        ),
        (&["chrY:39999-40000"], vec![("chrY", 39_999, 40_000)]),
    ];
    for (number, (regions, expected)) in cases.iter().enumerate() {
        let inside = vcf.alleles().into_iter().filter(|(allele, ..)| {
            expected.iter().any(|(contig, first, last)| {
                allele.contig == *contig && (*first..=*last).contains(&allele.position)
            })
        });
        let count = inside.count();
        let tables = [testdata("cohort.vcf.gz"), text(&lone)].map(|file| {
            let output = folder.path().join(format!("{number}-{}", file.len()));
            let call = run(&output).with("--vcf", file);
            let call = regions
                .iter()
                .fold(call, |call, region| call.also("--region", *region));
            call.succeed();
            assert_eq!(Table::read(&output, "variants").len(), count, "{regions:?}");
            hashes(&output)
        });
        assert_eq!(tables[0], tables[1], "{regions:?}");
    }
}

/// Lines for machines are JSON, and quiet is quiet.
#[test]
fn logs() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = run(&folder.path().join("json")).also("--json-log", "");
    for line in call.succeed().stderr.lines() {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        assert!(line["level"].is_string() && line["message"].is_string());
    }
    let call = run(&folder.path().join("quiet")).also("--quiet", "");
    assert_eq!(call.succeed().stderr, "");
    let refused = call.run();
    assert_eq!(refused.stderr.lines().count(), 1);
    let verbose = run(Path::new("/proc/none/x")).also("--verbose", "").run();
    assert_eq!(
        (verbose.code, verbose.stderr.lines().count()),
        (Some(73), 1),
        "{}",
        verbose.stderr
    );
}
