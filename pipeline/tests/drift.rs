//! Patients who are unlike those that a model was trained on.

use std::collections::BTreeMap;

use crate::support::cohort::Vcf;
use crate::support::demo;
use crate::support::learning::{LOGISTIC, config, train};
use crate::support::program::{Call, Table, testdata, text};

#[test]
fn patients_outside_the_training_range_are_flagged() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let config = config(LOGISTIC).replace(", \"noise\"]", "]");
    train(folder.path(), &config, &at("model")).succeed();
    let manifest = std::fs::read_to_string(at("model/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let training = &manifest["training"];
    assert_eq!(training["patients"], 400);
    let of = |name: &str| {
        let all = training["predictors"].as_array().expect("predictors");
        let own = all.iter().find(|own| own["name"] == name);
        own.expect("the predictor").clone()
    };
    assert_eq!(
        of("smoker")["categories"]
            .as_object()
            .map(serde_json::Map::len),
        Some(2)
    );
    let range = |name: &str| {
        let quantiles = of(name)["quantiles"].clone();
        let at = |place: usize| quantiles[place].as_f64().expect("a quantile");
        at(0)..=at(10)
    };
    let ranges = [("age", 3, range("age")), ("bmi", 4, range("bmi"))];

    // One patient is far older than anybody in training.
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("a samplesheet");
    let sheet = sheet.replace("P001,S001,male,61,", "P001,S001,male,120,");
    std::fs::write(at("samplesheet.csv"), &sheet).expect("a samplesheet");
    let done = demo::run(&at("report"))
        .without("--model")
        .with("--model", text(&at("model")))
        .with("--samplesheet", text(&at("samplesheet.csv")))
        .succeed();
    assert!(
        done.stderr
            .contains("outside the training range of model 'made-up'")
    );

    let mut expected: BTreeMap<&str, Option<String>> = BTreeMap::new();
    // Nobody in training lacks an age, so the model has no answer for who does.
    let mut ageless = Vec::new();
    for line in sheet.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[3].is_empty() {
            ageless.push(cells[0]);
        }
        let outside = ranges.iter().filter(|(_, column, range)| {
            let cell = cells[*column].parse::<f64>();
            cell.is_ok_and(|cell| !range.contains(&cell))
        });
        let outside: Vec<String> = outside
            .map(|(name, ..)| format!("made-up:{name}"))
            .collect();
        expected.insert(cells[0], (!outside.is_empty()).then(|| outside.join(";")));
    }
    assert_eq!(expected["P001"].as_deref(), Some("made-up:age"));
    let outside = expected.values().flatten().count();
    assert!(outside < 24, "most patients are like the training ones");

    let quality = Table::read(&at("report"), "qc");
    let found = quality
        .texts("patient")
        .into_iter()
        .zip(quality.column("outside_training"));
    let found: BTreeMap<&str, Option<String>> = found
        .map(|(patient, own)| (patient, own.map(str::to_owned)))
        .collect();
    assert_eq!(found, expected);

    let risk = Table::read(&at("report"), "risk");
    let states = risk.texts("state").into_iter().zip(risk.column("reason"));
    let values = risk.numbers("value");
    for ((patient, state), value) in risk.texts("patient").iter().zip(states).zip(values) {
        let flagged = ("flagged", Some("outside_training_range"));
        let wanted = match expected[patient] {
            _ if ageless.contains(patient) => ("not_computed", Some("covariate_missing")),
            Some(_) => flagged,
            None => ("ok", None),
        };
        assert_eq!(state, wanted);
        // A flag takes no value away.
        assert_eq!(value.is_some(), !ageless.contains(patient));
    }

    let run = std::fs::read_to_string(at("report/run.json")).expect("run.json");
    let run: serde_json::Value = serde_json::from_str(&run).expect("JSON");
    let drift = &run["drift"][0];
    assert_eq!(drift["model"], "made-up");
    let age = &drift["predictors"][1];
    assert_eq!(age["name"], "age");
    assert!(age["outside"].as_u64() >= Some(1));
    // 48 patients say nothing about a distribution.
    assert!(age["stability_index"].is_null());
}

/// Categories that training did not have, and columns that are not there.
#[test]
fn a_trained_model_meets_other_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let config = config(LOGISTIC).replace(", \"noise\"]", "]");
    train(folder.path(), &config, &at("model")).succeed();
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("a samplesheet");
    let run = |sheet: &str, output: &str| {
        std::fs::write(at("samplesheet.csv"), sheet).expect("a samplesheet");
        demo::run(&at(output))
            .without("--model")
            .with("--model", text(&at("model")))
            .with("--samplesheet", text(&at("samplesheet.csv")))
    };

    let odd = sheet.replace(
        "P002,S002,female,45,36.5,no",
        "P002,S002,female,45,36.5,sometimes",
    );
    run(&odd, "odd").succeed();
    let risk = Table::read(&at("odd"), "risk");
    let states = risk.texts("patient").into_iter().zip(risk.column("reason"));
    let of = |name: &str| {
        let mut own = states.clone().filter(|(patient, _)| *patient == name);
        own.next().expect("the patient").1
    };
    assert_eq!(of("P002"), Some("covariate_unknown_category"));
    assert_ne!(of("P001"), Some("covariate_unknown_category"));
    let quality = Table::read(&at("odd"), "qc");
    let outside = quality
        .texts("patient")
        .into_iter()
        .zip(quality.column("outside_training"));
    for (patient, own) in outside.filter(|(patient, _)| *patient == "P002") {
        assert_eq!(own, Some("made-up:smoker"), "{patient}");
    }

    let renamed = sheet.replace("age,bmi", "age,body_mass_index");
    let refused = run(&renamed, "renamed").run();
    assert_eq!(refused.code, Some(65), "{}", refused.stderr);
    assert!(refused.stderr.contains("'bmi'"), "{}", refused.stderr);

    // The same in a table to evaluate or to explain.
    let table = std::fs::read_to_string(at("cohort.csv")).expect("a table");
    std::fs::write(
        at("renamed.csv"),
        table.replace(",bmi,", ",body_mass_index,"),
    )
    .expect("a table");
    let explain = Call::new("explain")
        .with("--model", text(&at("model")))
        .with("--table", text(&at("renamed.csv")))
        .with("--output", text(&at("explained")));
    let evaluate = Call::new("evaluate")
        .with("--model", text(&at("model")))
        .with("--table", text(&at("renamed.csv")))
        .with("--outcome", "disease")
        .with("--output", text(&at("evaluated")));
    for call in [explain, evaluate] {
        let refused = call.run();
        assert_eq!(refused.code, Some(65), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("'bmi'") && refused.stderr.contains("add that column"),
            "{}",
            refused.stderr
        );
    }
}

/// Ninety-six patients have a stability index: by hand, of a category, and the same in shards.
#[test]
fn a_larger_cohort_has_an_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let config = config(LOGISTIC).replace(", \"noise\"]", "]");
    train(folder.path(), &config, &at("model")).succeed();
    // Everybody twice.
    let cohort = Vcf::bundled();
    let twins: Vec<String> = cohort
        .samples
        .iter()
        .map(|own| format!("{own}-2"))
        .collect();
    let mut text_of_vcf = cohort.header.join("\n");
    text_of_vcf += "\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t";
    text_of_vcf += &[cohort.samples.clone(), twins].concat().join("\t");
    for record in &cohort.records {
        text_of_vcf.push('\n');
        text_of_vcf += &[record.as_slice(), &record[9..]].concat().join("\t");
    }
    text_of_vcf.push('\n');
    std::fs::write(at("cohort.vcf"), text_of_vcf).expect("a VCF");
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("a samplesheet");
    let mut doubled = sheet.clone();
    for line in sheet.lines().skip(1) {
        let (patient, rest) = line.split_once(',').expect("cells");
        let (sample, rest) = rest.split_once(',').expect("cells");
        doubled += &format!("{patient}-2,{sample}-2,{rest}\n");
    }
    std::fs::write(at("samplesheet.csv"), &doubled).expect("a samplesheet");
    let run = |output: &str| {
        demo::run(&at(output))
            .without("--model")
            .with("--model", text(&at("model")))
            .with("--vcf", text(&at("cohort.vcf")))
            .with("--samplesheet", text(&at("samplesheet.csv")))
    };
    run("report").succeed();
    let json = |path: &std::path::Path| -> serde_json::Value {
        let text = std::fs::read_to_string(path).expect("a file");
        serde_json::from_str(&text).expect("JSON")
    };
    let drift = json(&at("report/run.json"))["drift"].clone();
    let of = |all: &serde_json::Value, name: &str| {
        let all = all["predictors"].as_array().expect("predictors").clone();
        let own = all.into_iter().find(|own| own["name"] == name);
        own.expect("the predictor")
    };
    let training = json(&at("model/manifest.json"))["training"].clone();
    let smoker = of(&training, "smoker");
    let missing = smoker["missing"].as_f64().expect("a share");
    let cells: Vec<&str> = doubled
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap_or_default())
        .collect();
    let now = |wanted: &str| {
        let count = cells.iter().filter(|own| **own == wanted).count();
        (count as f64 / cells.len() as f64).max(1e-4)
    };
    let term = |now: f64, before: f64| {
        let before = before.max(1e-4);
        (now - before) * (now / before).ln()
    };
    let before = |name: &str| smoker["categories"][name].as_f64().expect("a share");
    // Training had no other category, and neither has the cohort.
    let expected = term(now("yes"), before("yes") * (1.0 - missing))
        + term(now("no"), before("no") * (1.0 - missing))
        + term(now(""), missing);
    let found = of(&drift[0], "smoker");
    let index = found["stability_index"].as_f64().expect("an index");
    assert!((index - expected).abs() < 1e-12, "{index} {expected}");
    assert!(of(&drift[0], "age")["stability_index"].as_f64() > Some(0.0));

    for shard in ["1/2", "2/2"] {
        run(&shard.replace('/', "-"))
            .with("--shard", shard)
            .succeed();
    }
    Call::new("merge")
        .also("", text(&at("1-2")))
        .also("", text(&at("2-2")))
        .with("--output", text(&at("merged")))
        .succeed();
    assert_eq!(json(&at("merged/run.json"))["drift"], drift);
}
