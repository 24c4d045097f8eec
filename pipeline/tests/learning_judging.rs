//! Predictions are judged as what they are: with their times, classes, clusters and model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::demo;
use crate::support::learning::{CLASSES, COX, LOGISTIC, TIMES, config, table, train};
use crate::support::program::{Call, Outcome, Table, testdata, text};
use crate::support::refusal::assert_refused;

const USAGE: i32 = 64;
const DATA: i32 = 65;

fn evaluate(predictions: &Path, items: &[&str], output: &Path) -> Call {
    let call = Call::new("evaluate")
        .with("--predictions", text(predictions))
        .with("--bootstrap", "50")
        .with("--output", text(output));
    items
        .iter()
        .fold(call, |call, item| call.also("--item", *item))
}

fn calibrate(model: &Path, predictions: &Path, output: &Path) -> Call {
    Call::new("calibrate")
        .with("--model", text(model))
        .with("--predictions", text(predictions))
        .with("--model-version", "1.1.0")
        .with("--output", text(output))
}

/// Metrics of all patients: name, class and time, and the value with its interval.
fn metrics(folder: &Path) -> Vec<[String; 4]> {
    let table = Table::read(folder, "metrics");
    let text = |name: &str| -> Vec<String> {
        let column = table.column(name).into_iter();
        column.map(|own| own.unwrap_or("none").to_owned()).collect()
    };
    let name = text("metric")
        .into_iter()
        .zip(text("class"))
        .zip(text("time"));
    let name = name.map(|((metric, class), time)| format!("{metric} {class} {time}"));
    let all = name
        .zip(text("value"))
        .zip(text("lower"))
        .zip(text("upper"));
    let all = all.zip(table.column("group_column"));
    all.filter(|(_, group)| group.is_none())
        .map(|((((name, value), lower), upper), _)| [name, value, lower, upper])
        .collect()
}

fn refused(call: &Call, code: i32, parts: &[&str]) -> Outcome {
    let outcome = call.run();
    assert_refused("", &outcome, code, parts);
    outcome
}

#[test]
fn censored_patients_do_not_count_as_free_of_the_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let model = at("model");
    train(
        folder.path(),
        &config(COX).replace(crate::support::learning::BINARY, TIMES),
        &model,
    )
    .succeed();
    let of_training = metrics(&model);

    // The risk alone: of the horizon what the card says, and nothing that knows no censoring.
    evaluate(&model, &["risk_5"], &at("risk")).succeed();
    let of_risk = metrics(&at("risk"));
    let brier = |all: &[[String; 4]]| -> [String; 4] {
        let mut own = all
            .iter()
            .filter(|own| own[0].starts_with("ipcw_brier none 5"));
        own.next().expect("the Brier score").clone()
    };
    assert_eq!(brier(&of_risk)[1], brier(&of_training)[1]);
    let names: Vec<&str> = of_risk
        .iter()
        .map(|own| own[0].split(' ').next().expect("a name"))
        .collect();
    assert_eq!(names, ["concordance", "time_dependent_auroc", "ipcw_brier"]);

    // All outputs together are judged as the training did.
    evaluate(&model, &["log_hazard", "risk_2", "risk_5"], &at("all")).succeed();
    let values = |all: &[[String; 4]]| -> Vec<[String; 2]> {
        all.iter()
            .map(|own| [own[0].clone(), own[1].clone()])
            .collect()
    };
    assert_eq!(values(&metrics(&at("all"))), values(&of_training));

    refused(
        &evaluate(&model, &["risk_2", "risk_5"], &at("no")),
        USAGE,
        &["--item log_hazard"],
    );
    // Another table of outcomes needs its times.
    refused(
        &evaluate(&model, &["risk_5"], &at("no"))
            .with("--outcomes", text(&at("cohort.csv")))
            .with("--outcome", "event"),
        USAGE,
        &["censored", "--time"],
    );
    evaluate(&model, &["risk_5"], &at("other"))
        .with("--outcomes", text(&at("cohort.csv")))
        .with("--outcome", "event")
        .with("--time", "time")
        .succeed();
    assert_eq!(values(&metrics(&at("other"))), values(&of_risk));

    // A table says no more than its names.
    std::fs::write(
        at("table.csv"),
        "patient,m.risk_5,event\nA,0.5,1\nB,0.2,0\n",
    )
    .expect("a table");
    let warned = evaluate(&at("table.csv"), &["m.risk_5"], &at("named"))
        .with("--outcome", "event")
        .succeed();
    assert!(warned.stderr.contains("censored"), "{}", warned.stderr);

    refused(
        &calibrate(&model, &model, &at("no"))
            .with("--item", "risk_5")
            .with("--model-output", "risk_5"),
        DATA,
        &["'risk_5'", "censored"],
    );
}

#[test]
fn classes_of_a_training_need_no_other_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let model = at("model");
    let own = config(LOGISTIC).replace(crate::support::learning::BINARY, CLASSES);
    let trained = train(folder.path(), &own, &model).succeed();
    // The headline is of all classes, and not of the first.
    let headline = "AUROC, mean of classes 0.";
    assert!(trained.stderr.contains(headline), "{}", trained.stderr);
    let names = ["class_early", "class_late", "class_none"];
    let again = evaluate(&model, &names, &at("again")).succeed();
    assert!(again.stderr.contains(headline), "{}", again.stderr);
    let values = |folder: &Path| -> Vec<[String; 2]> {
        let all = metrics(folder).into_iter();
        all.map(|[name, value, ..]| [name, value]).collect()
    };
    assert_eq!(values(&at("again")), values(&model));
    refused(
        &evaluate(&model, &names[..2], &at("no")),
        USAGE,
        &["early, late", "--item"],
    );
    refused(
        &calibrate(&model, &model, &at("no"))
            .with("--item", "class_early")
            .with("--model-output", "class_early"),
        DATA,
        &["'class_early'", "add up to 1"],
    );
}

#[test]
fn what_a_training_left_is_not_a_table_of_patients() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let model = at("model");
    train(folder.path(), &config(LOGISTIC), &model).succeed();
    for option in ["--by", "--cluster", "--outcome", "--time"] {
        let column = if option == "--time" { "years" } else { "sex" };
        refused(
            &evaluate(&model, &[], &at("no")).with(option, column),
            USAGE,
            &[column, "--outcomes"],
        );
    }
    let with_table = |name: &str| {
        evaluate(&model, &[], &at(name))
            .with("--outcomes", text(&at("cohort.csv")))
            .with("--outcome", "disease")
    };
    refused(
        &with_table("no").with("--positive", "yes"),
        USAGE,
        &["'yes'", "'disease'", "--positive"],
    );
    let some = with_table("some")
        .with("--positive", "1")
        .also("--positive", "yes");
    let some = some.succeed();
    assert!(some.stderr.contains("'yes'"), "{}", some.stderr);

    // Whole centres are resampled: other intervals of the same values.
    with_table("plain").succeed();
    with_table("clustered")
        .with("--cluster", "centre")
        .succeed();
    let (plain, clustered) = (metrics(&at("plain")), metrics(&at("clustered")));
    assert_eq!(plain.len(), clustered.len());
    for (one, other) in plain.iter().zip(&clustered) {
        assert_eq!(one[..2], other[..2]);
    }
    assert_ne!(plain, clustered);
    let page = std::fs::read_to_string(at("clustered/evaluation.html")).expect("a page");
    assert!(
        page.contains("resamples of the values of"),
        "no word of clusters"
    );
    // Each patient is a cluster: the same as without.
    with_table("alone").with("--cluster", "noise").succeed();
    let ties = BTreeSet::from_iter(
        table(400)
            .lines()
            .skip(1)
            .map(|own| own.split(',').nth(6).expect("a cell").to_owned()),
    );
    assert_eq!(metrics(&at("alone")) == plain, ties.len() == 400);
}

#[test]
fn a_calibration_is_of_the_very_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    train(folder.path(), &config(LOGISTIC), &at("model")).succeed();
    let renamed = config(LOGISTIC).replace("made-up", "other");
    train(folder.path(), &renamed, &at("renamed")).succeed();
    let changed = LOGISTIC.replace("0.01", "0.1");
    train(folder.path(), &config(&changed), &at("changed")).succeed();
    refused(
        &calibrate(&at("model"), &at("renamed"), &at("no")),
        DATA,
        &["'other' 1.0.0", "not of 'made-up' 1.0.0"],
    );
    refused(
        &calibrate(&at("model"), &at("changed"), &at("no")),
        DATA,
        &["'made-up' 1.0.0", "another SHA-256"],
    );
    let calibrated = calibrate(&at("model"), &at("model"), &at("calibrated")).succeed();
    assert!(
        !calibrated.stderr.contains("warning"),
        "{}",
        calibrated.stderr
    );

    // Nothing in it speaks of the model before as if it were this one.
    let files = std::fs::read_dir(at("calibrated")).expect("the bundle");
    let mut files: Vec<String> = files
        .map(|own| {
            own.expect("a file")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    files.sort();
    assert_eq!(
        files,
        [
            "MODEL_CARD.md",
            "calibration.json",
            "manifest.json",
            "model.onnx"
        ]
    );
    let read = |name: &str| std::fs::read_to_string(at("calibrated").join(name)).expect("a file");
    let card = read("MODEL_CARD.md");
    for part in [
        "# made-up 1.1.0\n",
        "Calibrated version 1.1.0 of made-up 1.0.0",
        "400 patients",
        "| Brier score | 0.",
        "\n## Card of the model before calibration\n\n### made-up 1.0.0\n",
        "\n#### Intended use\n",
    ] {
        assert!(card.contains(part), "'{part}' is not in: {card}");
    }
    let json =
        |name: &str| -> serde_json::Value { serde_json::from_str(&read(name)).expect("JSON") };
    let (manifest, record) = (json("manifest.json"), json("calibration.json"));
    let metrics = &manifest["metrics"];
    assert_eq!(metrics["before"], record["before"]);
    assert_eq!(metrics["after"], record["after_on_the_same_patients"]);
    assert!(
        metrics["measured_on"]
            .as_str()
            .expect("text")
            .contains("fitted on")
    );
    assert_eq!(metrics.as_object().expect("metrics").len(), 6);

    // Predictions of one version are not those of another.
    let newer = json("manifest.json").to_string().replace("1.1.0", "3.0.0");
    std::fs::create_dir(at("newer")).expect("a folder");
    let mut newer: serde_json::Value = serde_json::from_str(&newer).expect("JSON");
    newer["outputs"][0]
        .as_object_mut()
        .expect("an output")
        .remove("calibration");
    std::fs::write(at("newer/manifest.json"), newer.to_string()).expect("a manifest");
    std::fs::copy(at("model/model.onnx"), at("newer/model.onnx")).expect("a model");
    refused(
        &calibrate(&at("newer"), &at("model"), &at("no")),
        DATA,
        &["'made-up' 1.0.0", "not of 'made-up' 3.0.0"],
    );
}

#[test]
fn a_run_says_which_model_it_ran() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    demo::run(&at("report")).succeed();
    let mut outcomes = String::from("patient,sick\n");
    for patient in 1..=48 {
        outcomes += &format!(
            "P{patient:03},{}\n",
            u8::from(patient % 3 == 0 || patient % 4 == 0)
        );
    }
    std::fs::write(at("outcomes.csv"), outcomes).expect("a table");
    train(folder.path(), &config(LOGISTIC), &at("model")).succeed();
    let call = |model: &Path, output: &str| {
        calibrate(model, &at("report"), &at(output))
            .with("--item", "demo-patient-risk.risk")
            .with("--outcomes", text(&at("outcomes.csv")))
            .with("--outcome", "sick")
    };
    refused(
        &call(&at("model"), "no"),
        DATA,
        &["'demo-patient-risk.risk'", "not of 'made-up' 1.0.0"],
    );
    // The right one is calibrated, and no word is lost on whose predictions these are.
    let own = call(Path::new(&testdata("models/patient-risk")), "own").succeed();
    assert!(!own.stderr.contains("warning"), "{}", own.stderr);

    // Features come from a run, which must be named.
    let explain = || {
        Call::new("explain")
            .with("--model", testdata("models/patient-risk"))
            .with("--table", testdata("samplesheet.csv"))
            .with("--output", text(&at("explained")))
    };
    refused(&explain(), USAGE, &["'demo-patient-risk'", "with --run"]);
    let with_run = explain().with("--run", text(&at("report")));
    refused(
        &with_run
            .clone()
            .with("--background", testdata("samplesheet.csv")),
        USAGE,
        &["with --background-run"],
    );
    let explained = with_run.succeed();
    let who = "48 patients explained, each against all 48";
    assert!(explained.stderr.contains(who), "{}", explained.stderr);
}

/// The importance of each predictor of an output, and the metric.
fn importance(folder: &Path, output: &str) -> BTreeMap<String, [f64; 3]> {
    let table = Table::read(folder, "importance");
    let number = |name: &str| -> Vec<f64> {
        let all = table.numbers(name).into_iter();
        all.map(|own| own.expect("a number")).collect()
    };
    let numbers = number("value").into_iter().zip(number("importance"));
    let numbers = numbers.zip(number("standard_error"));
    let rows = table
        .texts("output")
        .into_iter()
        .zip(table.texts("predictor"))
        .zip(numbers);
    rows.filter(|((own, _), _)| *own == output)
        .map(|((_, name), ((value, mean), error))| (name.to_owned(), [value, mean, error]))
        .collect()
}

#[test]
fn a_bundle_is_judged_and_says_what_it_relies_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let judge = |model: &str, output: &str| {
        Call::new("evaluate")
            .with("--model", text(&at(model)))
            .with("--table", text(&at("cohort.csv")))
            .with("--importance", "5")
            .with("--bootstrap", "0")
            .with("--output", text(&at(output)))
    };
    train(folder.path(), &config(LOGISTIC), &at("model")).succeed();
    let call = judge("model", "binary").with("--outcome", "disease");
    call.succeed();
    let of_risk = importance(&at("binary"), "risk");
    let auroc = metrics(&at("binary"))
        .into_iter()
        .find(|own| own[0].starts_with("auroc"));
    let auroc: f64 = auroc.expect("the AUROC")[1].parse().expect("a number");
    assert_eq!(of_risk.len(), 5);
    for [value, mean, error] in of_risk.values() {
        assert_eq!(*value, auroc);
        assert!(*error > 0.0 && *error < 0.05 && *mean < 0.4, "{of_risk:?}");
    }
    // What the table was made from: age most, then smoking; noise and body mass do nothing.
    let of = |name: &str| of_risk[name][1];
    assert!(
        of("age") > 0.1 && of("age") > 2.0 * of("smoker"),
        "{of_risk:?}"
    );
    assert!(of("smoker") > 3.0 * of("noise").abs(), "{of_risk:?}");
    // The same again, and another one with another seed.
    call.clone().with("--output", text(&at("again"))).succeed();
    assert_eq!(importance(&at("again"), "risk"), of_risk);
    call.clone()
        .with("--seed", "2")
        .with("--output", text(&at("seed")))
        .succeed();
    assert_ne!(importance(&at("seed"), "risk"), of_risk);

    let own = config(LOGISTIC).replace(crate::support::learning::BINARY, CLASSES);
    train(folder.path(), &own, &at("classes")).succeed();
    judge("classes", "of_classes")
        .with("--outcome", "stage")
        .also("--item", "class_early")
        .also("--item", "class_late")
        .also("--item", "class_none")
        .succeed();
    assert!(importance(&at("of_classes"), "class_none")["age"][1] > 0.05);
    assert_eq!(Table::read(&at("of_classes"), "importance").len(), 15);

    let own = config(COX).replace(crate::support::learning::BINARY, TIMES);
    train(folder.path(), &own, &at("times")).succeed();
    let times = judge("times", "of_times")
        .with("--outcome", "event")
        .with("--item", "log_hazard");
    refused(&times, USAGE, &["censored", "--time"]);
    times.with("--time", "time").succeed();
    let table = Table::read(&at("of_times"), "importance");
    assert_eq!(table.texts("metric"), ["concordance"; 5]);
    assert!(importance(&at("of_times"), "log_hazard")["age"][1] > 0.05);

    refused(
        &judge("model", "no")
            .with("--outcome", "disease")
            .with("--item", "risks"),
        USAGE,
        &["'risks'", "it has risk"],
    );
    let variant = judge("model", "no").with("--model", testdata("models/variant-kmer"));
    refused(&variant, USAGE, &["variant model", "'evaluate'"]);
    for call in [
        judge("model", "no").with("--predictions", text(&at("model"))),
        judge("model", "no").without("--table"),
        evaluate(&at("model"), &[], &at("no")).with("--importance", "5"),
        judge("model", "no").with("--importance", "0"),
    ] {
        assert_eq!(call.run().code, Some(USAGE));
    }
}
