//! The published schemas fit what the program writes and reads.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::bundle::bundle;
use crate::support::cohort::csv;
use crate::support::demo::{run, run_files, score};
use crate::support::program::{Call, run_record, testdata, text, workspace};
use crate::support::refusal::write;
use crate::support::scores::{panel, prs, with_all};

fn schema(name: &str) -> Value {
    let path = workspace().join("schemas").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("a schema is JSON")
}

/// Checks values against a schema: what is wrong with them, if anything.
pub(crate) fn check(name: &str, sound: &[Value], unsound: &[Value]) {
    let schema = schema(name);
    assert!(jsonschema::meta::is_valid(&schema), "{name}");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for value in sound {
        let errors: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    for value in unsound {
        assert!(!validator.is_valid(value), "{name} takes {value}");
    }
}

/// Every property of a schema says what it is.
fn assert_described(at: &str, schema: &Value) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        assert!(
            property["description"].is_string(),
            "{at} has no description"
        );
        assert_described(&at, property);
        assert_described(&at, &property["items"]);
    }
}

#[test]
fn run_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    run(&at("run")).succeed();
    run_files(&at("files")).succeed();
    score(&at("score")).succeed();
    let streamed = score(&at("stream")).with("--vcf", "-");
    streamed
        .from(Path::new(&testdata("cohort.vcf.gz")))
        .succeed();
    score(&at("shard")).with("--shard", "1/1").succeed();
    Call::new("merge")
        .also(&text(&at("shard")), "")
        .with("--output", text(&at("merge")))
        .succeed();
    let panel = panel(folder.path());
    let with_knowledge = |call: Call| {
        with_all(call, &panel)
            .with("--knowledge", text(&bundle(folder.path())))
            .with("--frequencies", "population.af")
            .with("--impute", "frequencies")
    };
    with_knowledge(prs(&at("prs"))).succeed();
    prs(&at("prs-shard")).with("--shard", "1/1").succeed();
    Call::new("merge")
        .also(&text(&at("prs-shard")), "")
        .with("--output", text(&at("prs-merge")))
        .succeed();
    let both = run(&at("both")).with("--score", testdata("scores"));
    both.with("--score-build", "other").succeed();
    let records: Vec<Value> = [
        "run",
        "files",
        "score",
        "stream",
        "merge",
        "prs",
        "prs-merge",
        "both",
    ]
    .map(|name| run_record(&at(name)))
    .into();
    let without = |key: &str| {
        let mut record = records[0].clone();
        record.as_object_mut().expect("an object").remove(key);
        record
    };
    let with = |key: &str, value: Value| {
        let mut record = records[0].clone();
        record[key] = value;
        record
    };
    let unsound = [
        without("models"),
        with("patients", json!(-1)),
        with("extra", json!(1)),
        with("genome_build", json!("hg19")),
    ];
    check("run.schema.json", &records, &unsound);
    assert_described("", &schema("run.schema.json"));
}

/// Cells as nf-schema gives them: numbers where they are numbers.
fn typed(cell: &str) -> Value {
    cell.parse::<f64>()
        .map_or_else(|_| json!(cell), |number| json!(number))
}

#[test]
fn samplesheets() {
    let sheets = ["samplesheet.csv", "samplesheet.files.csv"].map(|name| {
        let rows = csv(&testdata(name)).into_iter().map(|row| {
            let cells = row.into_iter().map(|(name, cell)| (name, typed(&cell)));
            Value::Object(cells.collect())
        });
        Value::Array(rows.collect())
    });
    let unsound = [
        json!([]),
        json!([{"sample": "S1"}]),
        json!([{"patient": ""}]),
        json!([{"patient": "P", "sex": "blue"}]),
        json!([{"patient": "P", "sex": 3}]),
    ];
    check("samplesheet.schema.json", &sheets, &unsound);
    assert_described("", &schema("samplesheet.schema.json")["items"]);
}

/// A settings file that names everything, as `varisk.toml` and as JSON.
const EVERYTHING: &str = r#"
vcf = "cohort.vcf.gz"
samplesheet = "samplesheet.csv"
reference = "genome.fa"
build = "other"
par = "par.bed"
models = ["models/variant-kmer", "models/patient-risk"]
output = "OUTPUT"
regions = ["chr1:1-50000", "chrX"]
threads = 2
batch_size = 500
batch_bytes = 1000000
max_bad_records = 3
ref_mismatch = "quarantine"
device = "cpu"
tf32 = false
top = 4
ignore_unlisted_samples = true
checkpoint_seconds = 30.0
scores = ["scores/TOY1.txt", "scores/TOY2.txt"]
score_build = "other"
ambiguous = "keep"
duplicates = "sum"
unsupported_rows = "drop"
impute = "none"
dosages = "gt"
min_coverage = 0.0
low_coverage = "flag"
score_formats = ["sscore", "pgsc-calc"]
sampleset = "toy"
"#;

/// What the schema takes, the program takes; paths are relative to the file.
#[test]
fn settings() {
    let parsed: toml::Value = toml::from_str(EVERYTHING).expect("TOML");
    let value = serde_json::to_value(&parsed).expect("JSON");
    let with = |key: &str, other: Value| {
        let mut value = value.clone();
        value[key] = other;
        value
    };
    let unsound = [
        with("thread", json!(1)),
        with("threads", json!(0)),
        with("threads", json!(5000)),
        with("device", json!("tpu")),
        with("models", json!([])),
        with("impute", json!("mean")),
        with("min_coverage", json!(1.5)),
        with("score_formats", json!(["plink"])),
    ];
    check("config.schema.json", std::slice::from_ref(&value), &unsound);

    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(testdata(""))
        .expect("the bundled data")
        .flatten()
    {
        std::os::unix::fs::symlink(entry.path(), folder.path().join(entry.file_name()))
            .expect("a link");
    }
    let output = folder.path().join("out");
    let config = EVERYTHING.replace("OUTPUT", "out");
    let call = Call::new("run").with("--config", write(folder.path(), "varisk.toml", config));
    let planned = call.clone().also("--dry-run", "").succeed();
    let plan: Value = serde_json::from_str(&planned.stdout).expect("the plan is JSON");
    let settings = &plan["settings"];
    for (key, expected) in [
        ("top", json!(4)),
        ("regions", json!(["chr1:1-50000", "chrX"])),
        ("ref_mismatch", json!("quarantine")),
        ("ignore_unlisted_samples", json!(true)),
        ("checkpoint_seconds", json!(30.0)),
        ("vcf", json!(text(&folder.path().join("cohort.vcf.gz")))),
    ] {
        assert_eq!(settings[key], expected, "{key}");
    }
    assert_eq!(settings["limits"]["max_bad_records"], 3);
    call.succeed();
    assert!(output.join("risk.parquet").is_file());
}
