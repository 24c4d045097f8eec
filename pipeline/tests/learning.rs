//! Training, evaluation, calibration and explanation of patient models.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::demo;
use crate::support::learning::{BINARY, CLASSES, LOGISTIC, THREE, TIMES, config, table, train};
use crate::support::program::{Call, Table, hashes, text};

fn json(path: &Path) -> serde_json::Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// The value of a metric of all patients.
fn metric(folder: &Path, name: &str) -> f64 {
    let table = Table::read(folder, "metrics");
    let names = table
        .texts("metric")
        .into_iter()
        .zip(table.column("group_column"));
    let values = names.zip(table.numbers("value"));
    let mut found = values.filter(|((own, group), _)| *own == name && group.is_none());
    found.next().expect("the metric").1.expect("a value")
}

fn explain(model: &Path, table: &Path, output: &Path) -> Call {
    Call::new("explain")
        .with("--model", text(model))
        .with("--table", text(table))
        .with("--output", text(output))
}

#[test]
fn a_bundle_is_trained_tested_and_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let model = at("model");
    train(folder.path(), &config(THREE), &model).succeed();
    for file in [
        "model.onnx",
        "manifest.json",
        "MODEL_CARD.md",
        "training.json",
        "metrics.json",
        "plots/calibration.svg",
        "evaluation.html",
    ] {
        assert!(model.join(file).is_file(), "{file}");
    }
    assert!(!model.join("work").exists());
    // What the table was made from gives about 0.80.
    let auroc = metric(&model, "auroc");
    assert!((0.74..0.86).contains(&auroc), "{auroc}");
    let checked = Call::new("model check").also("", text(&model)).succeed();
    assert!(checked.stdout.contains("is sound"), "{}", checked.stdout);

    // Candidates are recorded as they were fitted: the seed and the threads are those of the training.
    for name in ["training.json", "MODEL_CARD.md"] {
        let record = std::fs::read_to_string(model.join(name)).expect("a record");
        assert!(record.contains("batch_size") && record.contains("column_subsample"));
        assert!(!record.contains("threads"), "{name}");
        assert!(
            !record.contains("\"seed\":0") && !record.contains("\"seed\": 0"),
            "{name}"
        );
    }

    // Every patient is tested once, and by a fold.
    let predictions = Table::read(&model, "predictions");
    assert_eq!(predictions.len(), 400);
    let folds: BTreeSet<&str> = predictions.texts("fold").into_iter().collect();
    assert_eq!(folds.len(), 3);

    // The same predictions evaluated again are the same.
    let again = at("again");
    Call::new("evaluate")
        .with("--predictions", text(&model))
        .with("--bootstrap", "50")
        .with("--output", text(&again))
        .succeed();
    let judged = json(&again.join("evaluation.json"))["inputs"]["predictions"].clone();
    assert_eq!(judged["file"], "predictions.parquet");
    assert_eq!(
        judged["sha256"].as_str(),
        Some(hashes(&model)["predictions.parquet"].as_str())
    );
    for name in [
        "auroc",
        "brier",
        "log_loss",
        "calibration_slope",
        "average_precision",
    ] {
        assert_eq!(metric(&model, name), metric(&again, name), "{name}");
    }

    // Contributions add up to the prediction; age matters most, noise hardly.
    let explained = at("explained");
    explain(&model, &at("cohort.csv"), &explained).succeed();
    let table = Table::read(&explained, "explanations");
    assert_eq!(table.len(), 400 * 5);
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    let mut sizes: BTreeMap<&str, f64> = BTreeMap::new();
    let patients = table.texts("patient");
    let contributions = table.numbers("contribution");
    for ((patient, predictor), own) in patients
        .iter()
        .zip(table.texts("predictor"))
        .zip(&contributions)
    {
        *sums.entry(patient).or_default() += own.expect("a number");
        *sizes.entry(predictor).or_default() += own.expect("a number").abs();
    }
    let both = table
        .numbers("base")
        .into_iter()
        .zip(table.numbers("prediction"));
    for (patient, (base, prediction)) in patients.iter().zip(both) {
        let gap = base.expect("a base") + sums[patient] - prediction.expect("a prediction");
        assert!(gap.abs() < 1e-9, "{gap}");
    }
    assert!(
        sizes["age"] > sizes["smoker"] && sizes["smoker"] > 2.0 * sizes["noise"],
        "{sizes:?}"
    );
}

#[test]
fn threads_and_interruptions_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let config = config(THREE).replace(
        "[data]",
        "combine = \"stack\"\ncalibration = \"isotonic\"\n\n[data]",
    );
    train(folder.path(), &config, &at("one"))
        .with("--threads", "1")
        .succeed();
    train(folder.path(), &config, &at("two"))
        .with("--threads", "2")
        .succeed();
    let model = |name: &str| std::fs::read(at(name).join("model.onnx")).expect("a model");
    assert_eq!(hashes(&at("one")), hashes(&at("two")));
    assert!(model("one") == model("two"));

    // A training that has done some parts goes on to the same model.
    let partial = at("three.partial");
    let call = train(folder.path(), &config, &at("three"));
    interrupted(&call, &partial);
    let resumed = call.also("--resume", "").succeed();
    assert!(resumed.stderr.contains("written to"), "{}", resumed.stderr);
    assert_eq!(hashes(&at("one")), hashes(&at("three")));
    assert!(model("one") == model("three"));
}

/// Kills a training as soon as it has finished some parts.
fn interrupted(call: &Call, partial: &Path) {
    let mut child = call.command().spawn().expect("the program starts");
    loop {
        let parts = std::fs::read_dir(partial.join("work")).map_or(0, Iterator::count);
        if parts > 8 {
            child.kill().expect("it still runs");
            child.wait().expect("it ends");
            return;
        }
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it ended too early"
        );
        std::thread::yield_now();
    }
}

#[test]
fn classes_and_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let classes = config(THREE).replace(BINARY, CLASSES);
    train(folder.path(), &classes, &at("classes")).succeed();
    assert!(metric(&at("classes"), "macro_auroc") > 0.7);
    let predictions = Table::read(&at("classes"), "predictions");
    assert_eq!(predictions.len(), 3 * 400);
    let outputs = json(&at("classes/manifest.json"))["outputs"].clone();
    let names: Vec<&str> = outputs
        .as_array()
        .expect("outputs")
        .iter()
        .map(|own| own["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["class_early", "class_late", "class_none"]);

    let times = config(&THREE.replace("kind = \"logistic\"", "kind = \"cox\""));
    let times = times.replace(BINARY, TIMES);
    train(folder.path(), &times, &at("times")).succeed();
    assert!(metric(&at("times"), "concordance") > 0.65);
    // The risk until a later time is greater, in everybody.
    let predictions = Table::read(&at("times"), "predictions");
    let mut risks: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for ((patient, output), value) in predictions
        .texts("patient")
        .into_iter()
        .zip(predictions.texts("output"))
        .zip(predictions.numbers("value"))
    {
        risks.insert((patient, output), value.expect("a value"));
    }
    for (patient, _) in risks.keys().filter(|(_, output)| *output == "risk_2") {
        assert!(risks[&(*patient, "risk_2")] < risks[&(*patient, "risk_5")]);
    }
}

#[test]
fn calibration_moves_probabilities_towards_what_happened() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    train(folder.path(), &config(LOGISTIC), &at("model")).succeed();
    // Predictions that are far too high.
    let mut raised = String::from("patient,prediction,disease\n");
    let truth = table(400);
    for line in truth.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let age: f64 = cells[2].parse().expect("an age");
        let prediction = 1.0 / (1.0 + (-(0.1 * (age - 55.0) + 2.0)).exp());
        raised += &format!("{},{prediction},{}\n", cells[0], cells[7]);
    }
    std::fs::write(at("raised.csv"), raised).expect("a table");
    for method in ["platt", "isotonic", "beta"] {
        let output = at(method);
        let calibrated = Call::new("calibrate")
            .with("--model", text(&at("model")))
            .with("--predictions", text(&at("raised.csv")))
            .with("--item", "prediction")
            .with("--outcome", "disease")
            .with("--method", method)
            .with("--model-version", "1.1.0")
            .with("--output", text(&output))
            .succeed();
        // A table does not say whose predictions it holds.
        let warning = "does not say which model";
        assert!(calibrated.stderr.contains(warning), "{}", calibrated.stderr);
        let record = json(&output.join("calibration.json"));
        let of = |when: &str, name: &str| record[when][name].as_f64().expect("a number");
        let after = "after_on_the_same_patients";
        assert!(
            of("before", "brier") > of(after, "brier") + 0.05,
            "{method}"
        );
        assert!(of("before", "calibration_in_the_large") < -1.0);
        assert!(
            of(after, "calibration_in_the_large").abs() < 0.1,
            "{method}"
        );
        let manifest = json(&output.join("manifest.json"));
        assert_eq!(manifest["version"], "1.1.0");
        assert_eq!(manifest["outputs"][0]["calibration"]["method"], method);
        let checked = Call::new("model check").also("", text(&output)).succeed();
        assert!(checked.stdout.contains("is sound"));
    }
}

#[test]
fn groups_are_evaluated_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    train(folder.path(), &config(LOGISTIC), &at("model")).succeed();
    let table = Table::read(&at("model"), "metrics");
    let mut patients: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (((name, column), group), count) in table
        .texts("metric")
        .into_iter()
        .zip(table.column("group_column"))
        .zip(table.column("group"))
        .zip(table.texts("patients"))
    {
        if let (true, Some(column), Some(group)) = (name == "auroc", column, group) {
            patients.insert((column, group), count.parse().expect("a count"));
        }
    }
    let of = |column: &str| -> u64 {
        let own = patients.iter().filter(|((own, _), _)| *own == column);
        own.map(|(_, count)| count).sum()
    };
    assert_eq!((of("sex"), of("centre")), (400, 400));
    assert_eq!(patients.len(), 5);
    let gaps = Table::read(&at("model"), "gaps");
    assert!(gaps.texts("metric").contains(&"recall"));
}

/// What folds keep whole is resampled as a whole: here patients of the same body mass.
#[test]
fn intervals_of_a_training_know_its_groups() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let grouped = config(LOGISTIC).replace("\"bmi\", ", "").replace(
        "table = \"cohort.csv\"",
        "table = \"cohort.csv\"\ngroup = \"bmi\"",
    );
    train(folder.path(), &grouped, &at("model")).succeed();
    Call::new("evaluate")
        .with("--predictions", text(&at("model")))
        .with("--outcomes", text(&at("cohort.csv")))
        .with("--outcome", "disease")
        .with("--bootstrap", "50")
        .with("--cluster", "bmi")
        .with("--output", text(&at("again")))
        .succeed();
    let lower = |name: &str| {
        let table = Table::read(&at(name), "metrics");
        let names = table
            .texts("metric")
            .into_iter()
            .zip(table.numbers("lower"));
        let auroc = names.filter(|(own, _)| *own == "auroc").map(|(_, own)| own);
        auroc.collect::<Vec<_>>()[0]
    };
    assert_eq!(lower("model"), lower("again"));
    let card = std::fs::read_to_string(at("model/MODEL_CARD.md")).expect("a card");
    assert!(card.contains("resamples of the values of `bmi`"), "{card}");
}

#[test]
fn few_combinations_are_enumerated_and_said_to_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let network = "[[family]]\nkind = \"network\"\nhidden = [[4]]\n[family.settings]\nepochs = 2\n";
    train(folder.path(), &config(network), &at("model")).succeed();
    let said = |rows: usize, name: &str, evaluations: &str| {
        std::fs::write(at("few.csv"), table(rows)).expect("a table");
        let output = at(name);
        let explained = explain(&at("model"), &at("few.csv"), &output)
            .with("--evaluations", evaluations)
            .succeed();
        let record = json(&output.join("explain.json"));
        let table = Table::read(&output, "explanations");
        let methods: BTreeSet<String> = table
            .texts("method")
            .iter()
            .map(|own| (*own).to_owned())
            .collect();
        (
            explained.stderr,
            record["methods"][0]["method"].clone(),
            methods,
        )
    };
    let (message, recorded, methods) = said(30, "all", "2000");
    assert!(message.contains("enumeration"), "{message}");
    assert!(!message.contains("sampling"), "{message}");
    assert!(
        message.contains("30 patients explained, each against all 30"),
        "{message}"
    );
    assert_eq!(recorded, "enumeration");
    assert_eq!(methods, BTreeSet::from(["enumeration".to_owned()]));
    let (message, recorded, methods) = said(300, "drawn", "200");
    assert!(
        message.contains("by sampling, 200 evaluations"),
        "{message}"
    );
    assert!(
        message.contains("300 patients explained, each against 100 drawn"),
        "{message}"
    );
    assert_eq!(recorded, "sampling");
    assert!(methods.contains("sampling"), "{methods:?}");
}

#[test]
fn sampling_agrees_with_what_is_exact() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let boosted = "[[family]]\nkind = \"boosted\"\ndepth = [2]\n[family.settings]\nrounds = 30\n";
    train(folder.path(), &config(boosted), &at("model")).succeed();
    explain(&at("model"), &at("cohort.csv"), &at("exact"))
        .with("--method", "exact")
        .succeed();
    explain(&at("model"), &at("cohort.csv"), &at("sampled"))
        .with("--method", "sampling")
        .with("--evaluations", "4000")
        .succeed();
    let read = |name: &str| -> BTreeMap<(String, String), f64> {
        let table = Table::read(&at(name), "explanations");
        let keys = table
            .texts("patient")
            .into_iter()
            .zip(table.texts("predictor"));
        let keys = keys.map(|(a, b)| (a.to_owned(), b.to_owned()));
        keys.zip(table.numbers("contribution").into_iter().flatten())
            .collect()
    };
    let (exact, sampled) = (read("exact"), read("sampled"));
    assert_eq!(exact.len(), 2000);
    let squares = exact.iter().map(|(key, own)| (own - sampled[key]).powi(2));
    let error = (squares.sum::<f64>() / 2000.0).sqrt();
    assert!(error < 0.01, "{error}");
    let method = Table::read(&at("exact"), "explanations");
    assert!(method.texts("method").iter().all(|own| *own == "tree"));
}

/// A report says what its results are made of, the same whatever the shards.
#[test]
fn a_run_explains_its_results() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    demo::run(&at("report")).also("--explain", "").succeed();
    let explained = Table::read(&at("report"), "explanations");
    let mut sums: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    let keys = explained
        .texts("patient")
        .into_iter()
        .zip(explained.texts("output"));
    let ranks = explained.texts("rank");
    let numbers = explained.numbers("contribution");
    let mut first: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for (((key, rank), own), predictor) in keys
        .clone()
        .zip(ranks)
        .zip(&numbers)
        .zip(explained.texts("predictor"))
    {
        let own = own.expect("a number");
        *sums.entry(key).or_default() += own;
        if rank == "1" {
            first.insert(key, format!("{predictor} {own:+.3}"));
        }
    }
    let ends = explained
        .numbers("base")
        .into_iter()
        .zip(explained.numbers("prediction"));
    for (key, (base, prediction)) in keys.zip(ends) {
        let gap = base.expect("a base") + sums[&key] - prediction.expect("a prediction");
        assert!(gap.abs() < 1e-9, "{gap}");
    }
    let risk = Table::read(&at("report"), "risk");
    let values = risk.numbers("value");
    let items = risk.texts("patient").into_iter().zip(risk.texts("item"));
    let mut named = 0;
    for ((key, own), value) in items.zip(risk.column("contributions")).zip(values) {
        assert_eq!(own.is_some(), value.is_some(), "{key:?}");
        if let Some(own) = own {
            assert!(own.starts_with(&first[&key]), "{own}");
            assert!(own.split("; ").count() <= 5);
            named += 1;
        }
    }
    assert!(named > 30);

    let shards = ["1/2", "2/2"].map(|shard| {
        let output = at(&shard.replace('/', "-"));
        demo::run(&output)
            .also("--explain", "")
            .with("--shard", shard)
            .succeed();
        text(&output)
    });
    Call::new("merge")
        .also("", &shards[0])
        .also("", &shards[1])
        .with("--output", text(&at("merged")))
        .succeed();
    assert_eq!(hashes(&at("report")), hashes(&at("merged")));

    let refused = demo::score(&at("none")).also("--explain", "").run();
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("--explain"), "{}", refused.stderr);
}
