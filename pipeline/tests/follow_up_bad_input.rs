//! Comparisons that must be refused.

use std::path::Path;

use crate::follow_up::diff;
use crate::follow_up_causes::json;
use crate::known::without_models;
use crate::schemas;
use crate::support::bundle::{bundle, bytes};
use crate::support::demo::score;
use crate::support::program::{Call, text};
use crate::support::refusal::{assert_refused, secret, write};

/// A copy of a run whose record says something else.
fn other_record(run: &Path, folder: &Path, name: &str, from: &str, to: &str) -> String {
    let target = folder.join(name);
    std::fs::create_dir(&target).expect("a folder");
    for (file, content) in bytes(run) {
        write(&target, &file, content);
    }
    let record = std::fs::read_to_string(target.join("run.json")).expect("the record");
    let changed = record.replacen(from, to, 1);
    assert!(changed != record, "{name}: nothing to change");
    write(&target, "run.json", changed);
    text(&target)
}

#[test]
fn one_sentence_and_nothing_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let inputs = folder.path().join("inputs");
    let outputs = folder.path().join("outputs");
    for path in [&inputs, &outputs] {
        std::fs::create_dir(path).expect("a folder");
    }
    let run = inputs.join("run");
    without_models(&run, &bundle).succeed();
    let key = secret(&inputs, "key", "7");
    without_models(&inputs.join("encrypted"), &bundle)
        .with("--encryption-key-file", key.clone())
        .succeed();
    without_models(&inputs.join("pseudonyms"), &bundle)
        .with("--pseudonym-key-file", secret(&inputs, "names", "8"))
        .succeed();
    score(&inputs.join("score")).succeed();
    let copy = |name: &str, from: &str, to: &str| other_record(&run, &inputs, name, from, to);
    copy(
        "build",
        "\"genome_build\": \"other\"",
        "\"genome_build\": \"GRCh38\"",
    );
    copy("version", "\"schema_version\": ", "\"schema_version\": 9");
    copy("damaged", "{", "");
    let changed = copy("changed", "\"verb\"", "\"verb\"  ");
    let table = Path::new(&changed).join("known_variants.parquet");
    let mut content = std::fs::read(&table).expect("a table");
    let middle = content.len() / 2;
    content[middle] ^= 1;
    std::fs::write(&table, content).expect("a table");
    let missing = copy("missing", "\"verb\"", "\"verb\"  ");
    std::fs::remove_file(Path::new(&missing).join("qc.parquet")).expect("a table less");

    let output = outputs.join("new/changes");
    let refuse = |name: &str, call: Call, code: i32, parts: &[&str]| {
        let refused = call.with("--output", text(&output)).run();
        assert_refused(name, &refused, code, parts);
        assert_eq!(refused.stdout, "", "{name}");
        for patient in ["P001", "S001", "P048"] {
            assert!(!refused.stderr.contains(patient), "{}", refused.stderr);
        }
        let left = std::fs::read_dir(&outputs).expect("the folder").count();
        assert_eq!(left, 0, "{name}: something is left behind");
    };
    let sound = || diff(&run, &run);
    let against = |other: &str| diff(&run, &inputs.join(other));
    refuse(
        "build",
        against("build"),
        65,
        &["run A is on other", "run B on GRCh38"],
    );
    refuse(
        "version",
        against("version"),
        65,
        &["run B", "schema version"],
    );
    refuse("damaged", against("damaged"), 65, &["run B", "run.json"]);
    refuse(
        "changed",
        against("changed"),
        65,
        &["run B", "known_variants.parquet", "SHA-256"],
    );
    refuse("missing", against("missing"), 65, &["run B", "qc.parquet"]);
    refuse("no run", against("nowhere"), 66, &["run B", "nowhere"]);
    refuse("no run", diff(&inputs, &run), 66, &["run A", "run.json"]);
    refuse(
        "no patients",
        against("score"),
        65,
        &["run B", "no patients"],
    );
    refuse(
        "nobody in both",
        against("pseudonyms"),
        65,
        &["no patient is in both runs (48 in A, 48 in B)", "same key"],
    );
    refuse(
        "key missing",
        against("encrypted"),
        64,
        &["run B", "encrypted", "key"],
    );
    let other = secret(&inputs, "other-key", "9");
    let call = against("encrypted").with("--encryption-key-file", other);
    refuse("key wrong", call, 64, &["run B", "key"]);
    // The parser of the command line says more than a sentence.
    let one = Call::new("diff").also(&text(&run), "");
    assert_eq!(one.with("--output", text(&output)).run().code, Some(64));

    let rules = [
        (
            "unknown key",
            "[[alert]]\nname = \"n\"\nkind = \"risk_crosses\"\nitem = \"*\"\nthreshold = 1\ntreshold = 2\n",
            "treshold",
        ),
        (
            "key missing",
            "[[alert]]\nname = \"n\"\nkind = \"risk_crosses\"\nitem = \"*\"\n",
            "threshold",
        ),
        (
            "unknown kind",
            "[[alert]]\nname = \"n\"\nkind = \"risk\"\n",
            "risk_crosses",
        ),
        ("unknown table", "[[alerts]]\nname = \"n\"\n", "alerts"),
        ("unknown setting", "vfc = \"cohort.vcf\"\n", "vfc"),
        ("no TOML", "[[alert\n", "rules.toml"),
        (
            "twice",
            "[[alert]]\nname = \"n\"\nkind = \"patient_missing\"\n[[alert]]\nname = \"n\"\nkind = \"patient_missing\"\n",
            "'n'",
        ),
        ("tolerance", "[tolerance]\nrelative = -1.0\n", "relative"),
        ("tolerance's key", "[tolerance]\nrelativ = 1.0\n", "relativ"),
        (
            "empty list",
            "[[alert]]\nname = \"n\"\nkind = \"new_pathogenic\"\ngenes = []\n",
            "genes is empty",
        ),
    ];
    for (name, text, part) in rules {
        // What the schema can tell it refuses too.
        let beyond_schema = ["twice", "no TOML"];
        if !beyond_schema.contains(&name) {
            schemas::check("alerts.schema.json", &[], &[json(text)]);
        }
        let path = write(&inputs, "rules.toml", text);
        refuse(
            name,
            sound().with("--config", path),
            64,
            &["rules.toml: ", part],
        );
    }
    let nowhere = text(&inputs.join("no-rules.toml"));
    refuse(
        "no rules",
        sound().with("--config", nowhere),
        66,
        &["no-rules.toml"],
    );

    // A folder that is there stays as it is.
    let refused = sound().with("--output", text(&inputs)).run();
    assert_refused("output", &refused, 73, &["inputs"]);
    assert!(run.join("run.json").exists() && !inputs.join("diff.json").exists());

    // With the key the tables are compared, and written under it; a page would not be.
    let encrypted = folder.path().join("encrypted-changes");
    let done = diff(&run, &inputs.join("encrypted"))
        .with("--encryption-key-file", key)
        .with("--output", text(&encrypted))
        .succeed();
    assert!(
        done.stderr.contains("no page is written"),
        "{}",
        done.stderr
    );
    assert!(done.stdout.contains("do not differ"), "{}", done.stdout);
    assert!(!encrypted.join("index.html").exists());
    let table = std::fs::read(encrypted.join("changes.parquet")).expect("a table");
    assert_eq!(&table[..4], b"PARE");
}
