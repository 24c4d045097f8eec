//! With a bundle too, the tables are the same to the last byte, however the work is cut; and scores
//! that are looked up are those that are computed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float32Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::bad_models::copy;
use crate::resume::{records_saved, start, wait_for};
use crate::support::bundle::{annotated, bundle, bundle_of, configuration};
use crate::support::demo::{REASON, SCORE, run, score};
use crate::support::program::{Call, Table, hashes, run_record, testdata, text};

/// The run whose cuts are compared, with all that annotation can do.
fn whole(output: &Path, bundle: &Path) -> Call {
    annotated(output, bundle)
        .with("--burden-frequency", "population.af")
        .with("--burden-max-frequency", "0.05")
}

#[test]
fn threads_batches_and_saved_states() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let first = folder.path().join("first");
    whole(&first, &bundle).with("--threads", "1").succeed();
    let expected = hashes(&first);
    assert!(expected.contains_key("burden.parquet"));
    assert!(expected.contains_key("known_variants.parquet"));
    for (number, (option, value)) in [
        ("--threads", "2"),
        ("--threads", "4"),
        ("--batch-size", "1"),
        ("--batch-size", "64"),
        ("--batch-size", "1000"),
        ("--batch-bytes", "20000"),
        ("--checkpoint-seconds", "0.001"),
    ]
    .into_iter()
    .enumerate()
    {
        let output = folder.path().join(format!("cut-{number}"));
        whole(&output, &bundle).with(option, value).succeed();
        assert_eq!(hashes(&output), expected, "{option} {value}");
    }
}

#[test]
fn shards() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let first = folder.path().join("first");
    whole(&first, &bundle).succeed();
    for count in [1, 3, 7] {
        let mut merge = Call::new("merge");
        for number in (1..=count).rev() {
            let shard = folder.path().join(format!("shard-{number}-of-{count}"));
            whole(&shard, &bundle)
                .with("--shard", format!("{number}/{count}"))
                .with("--batch-size", (number * 64).to_string())
                .succeed();
            merge = merge.also(&text(&shard), "");
        }
        let output = folder.path().join(format!("merged-{count}"));
        merge.with("--output", text(&output)).succeed();
        assert_eq!(hashes(&output), hashes(&first), "{count} shards");
        let [own, merged] = [&first, &output].map(|folder| run_record(folder));
        for key in ["counts", "knowledge", "parameters", "inputs", "plan_sha256"] {
            assert_eq!(own[key], merged[key], "{key}");
        }
    }
}

/// Shards of other bundles, or of other sources of one bundle, are shards of other runs.
#[test]
fn shards_of_other_knowledge_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = bundle(folder.path());
    let later = configuration().replace("synthetic-1", "synthetic-2");
    let other = bundle_of(folder.path(), "other", &later);
    let shard = |name: &str, number: u32, bundle: &Path| {
        let output = folder.path().join(name);
        let shard = format!("{number}/2");
        (
            text(&output),
            annotated(&output, bundle).with("--shard", shard),
        )
    };
    let (first, call) = shard("first", 1, &one);
    call.succeed();
    let (second, call) = shard("second", 2, &other);
    call.succeed();
    let (third, call) = shard("third", 2, &one);
    call.with("--sources", "population").succeed();
    for other in [second, third] {
        let merge = Call::new("merge").also(&first, "").also(&other, "");
        let output = folder.path().join("merged");
        let refused = merge.with("--output", text(&output)).run();
        assert_eq!(refused.code, Some(65), "{}", refused.stderr);
        assert!(!output.exists());
    }
}

#[test]
fn killed_and_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let [first, output] = ["first", "report"].map(|name| folder.path().join(name));
    whole(&first, &bundle).succeed();
    let partial = folder.path().join("report.partial");
    let slow = whole(&output, &bundle)
        .with("--threads", "1")
        .with("--batch-size", "4")
        .with("--checkpoint-seconds", "0.000001");
    let mut child = start(&slow);
    wait_for("saved state", || records_saved(&partial.join("work")) > 600);
    child.kill().expect("the program is killed");
    child.wait().expect("the program ends");
    assert!(!output.exists());
    // Not with another bundle.
    let later = configuration().replace("synthetic-1", "synthetic-2");
    let other = bundle_of(folder.path(), "other", &later);
    let refused = whole(&output, &other).also("--resume", "").run();
    assert_eq!(refused.code, Some(64), "{}", refused.stderr);
    let resumed = whole(&output, &bundle).also("--resume", "").succeed();
    assert!(
        resumed.stderr.contains("continuing after"),
        "{}",
        resumed.stderr
    );
    assert_eq!(hashes(&output), hashes(&first));
    assert!(!partial.exists());
}

/// The variant model with nothing but the allele to look at.
pub(crate) fn allele_model(folder: &Path) -> PathBuf {
    let bundle = copy(folder, "variant-kmer", "allele");
    let path = bundle.join("manifest.json");
    let text = std::fs::read_to_string(&path).expect("the manifest");
    let text = text
        .replace("info.AF", "allele.is_snv")
        .replace("cohort.alternate_frequency", "allele.is_transition");
    std::fs::write(path, text).expect("a file");
    bundle
}

/// Adds the scores of a finished run to the bundled sources.
fn with_scores(folder: &Path, name: &str, scores: &Path) -> PathBuf {
    let scores = text(scores);
    let source = format!(
        "\n[[source]]\nname = \"earlier\"\nkind = \"scores\"\npath = \"{scores}\"\nrelease = \"1\"\nlicence = \"own\"\n"
    );
    bundle_of(folder, name, &(configuration() + &source))
}

fn names(output: &Path) -> Vec<String> {
    let record = run_record(output);
    let sources = record["knowledge"].as_array().expect("sources").iter();
    let names = sources.filter_map(|source| source["name"].as_str());
    names.map(str::to_owned).collect()
}

/// Scores that depend on the allele alone are looked up, and are those that are computed.
#[test]
fn scores_of_an_earlier_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = text(&allele_model(folder.path()));
    let at = |name: &str| folder.path().join(name);
    score(&at("earlier"))
        .with("--model", model.clone())
        .succeed();
    let bundle = with_scores(folder.path(), "with", &at("earlier"));
    let plain = crate::support::bundle::bundle(folder.path());

    let call = |output: &str, bundle: &Path| {
        annotated(&at(output), bundle)
            .with("--model", model.clone())
            .also("--model", testdata("models/patient-risk"))
    };
    call("computed", &plain).succeed();
    let done = call("looked-up", &bundle).succeed();
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert!(names(&at("looked-up")).contains(&"earlier".to_owned()));
    assert!(!names(&at("computed")).contains(&"earlier".to_owned()));
    let [computed, found] =
        ["computed", "looked-up"].map(|name| Table::read(&at(name), "variants"));
    // Scores stand under the model's name alone.
    assert_eq!(computed.names, found.names);
    for column in [SCORE, REASON] {
        assert_eq!(computed.column(column), found.column(column), "{column}");
    }
    let (computed, found) = (hashes(&at("computed")), hashes(&at("looked-up")));
    for table in [
        "risk.parquet",
        "features.parquet",
        "burden.parquet",
        "qc.parquet",
    ] {
        assert_eq!(computed[table], found[table], "{table}");
    }
    // Looked up for half of the alleles, computed for the rest.
    score(&at("half"))
        .with("--model", model.clone())
        .with("--region", "chr1")
        .succeed();
    let half = with_scores(folder.path(), "half-bundle", &at("half"));
    call("half-looked-up", &half).succeed();
    let found = hashes(&at("half-looked-up"));
    for table in ["risk.parquet", "features.parquet"] {
        assert_eq!(computed[table], found[table], "{table}");
    }
}

/// A finished run whose scores are others than the model's.
fn change_scores(folder: &Path) {
    let path = folder.join("variants.parquet");
    let file = std::fs::File::open(&path).expect("the table");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let schema = Arc::clone(builder.schema());
    let batches: Vec<RecordBatch> = builder
        .build()
        .expect("a reader")
        .map(|batch| {
            let batch = batch.expect("a batch");
            let mut columns = batch.columns().to_vec();
            let (at, _) = schema.column_with_name(SCORE).expect("the scores");
            let scores = columns[at].as_primitive::<Float32Type>();
            columns[at] = Arc::new(scores.unary::<_, Float32Type>(|score| score / 2.0));
            RecordBatch::try_new(Arc::clone(&schema), columns).expect("a batch")
        })
        .collect();
    let file = std::fs::File::create(&path).expect("the table");
    let mut writer = ArrowWriter::try_new(file, schema, None).expect("a writer");
    for batch in &batches {
        writer.write(batch).expect("rows");
    }
    writer.close().expect("the table");
    let mut record = run_record(folder);
    record["tables"]["variants"] = hashes(folder)["variants.parquet"].clone().into();
    std::fs::write(folder.join("run.json"), record.to_string()).expect("run.json");
}

/// Scores of the bundle are really what is used: changed ones come out changed.
#[test]
fn scores_are_looked_up_and_not_computed() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = text(&allele_model(folder.path()));
    let at = |name: &str| folder.path().join(name);
    let call = |output: &str| score(&at(output)).with("--model", model.clone());
    call("computed").succeed();
    call("earlier").succeed();
    change_scores(&at("earlier"));
    let bundle = with_scores(folder.path(), "with", &at("earlier"));
    call("looked-up")
        .with("--knowledge", text(&bundle))
        .succeed();
    let [computed, found] =
        ["computed", "looked-up"].map(|name| Table::read(&at(name), "variants").numbers(SCORE));
    // Both decimal texts are those of 32-bit floats.
    let half = |score: Option<f64>| score.map(|score| score as f32 / 2.0);
    let found: Vec<Option<f32>> = found.into_iter().map(|it| it.map(|it| it as f32)).collect();
    assert_eq!(found, computed.into_iter().map(half).collect::<Vec<_>>());
    assert!(found.iter().flatten().any(|score| *score > 0.4));
}

/// Scores that look at more than the allele are computed anew, and that is said; those of another
/// model are not taken.
#[test]
fn scores_that_cannot_be_looked_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    score(&at("earlier")).succeed();
    let bundle = with_scores(folder.path(), "with", &at("earlier"));
    run(&at("computed")).succeed();
    let done = annotated(&at("joined"), &bundle).succeed();
    let warnings: Vec<&str> = done
        .stderr
        .lines()
        .filter(|line| line.starts_with("varisk: warning: "))
        .collect();
    let [warning] = warnings[..] else {
        panic!("not one warning: {}", done.stderr);
    };
    assert!(warning.contains("computed anew"), "{warning}");
    let [computed, found] = ["computed", "joined"].map(|name| Table::read(&at(name), "variants"));
    assert_eq!(computed.column(SCORE), found.column(SCORE));
    assert!(!names(&at("joined")).contains(&"earlier".to_owned()));

    // The same graph under another manifest is another model.
    let model = text(&allele_model(folder.path()));
    let call = |output: &str| score(&at(output)).with("--model", model.clone());
    call("other").succeed();
    call("other-joined")
        .with("--knowledge", text(&bundle))
        .succeed();
    let tables = ["other", "other-joined"].map(|name| Table::read(&at(name), "variants"));
    assert_eq!(tables[0].column(SCORE), tables[1].column(SCORE));
    assert!(!names(&at("other-joined")).contains(&"earlier".to_owned()));
}
