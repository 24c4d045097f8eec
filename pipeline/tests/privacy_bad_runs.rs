//! Finished runs, exports and audit logs that must be refused.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::demo::score;
use crate::support::planted::{PATIENT, PLANTED, report, walk, write_secret};
use crate::support::program::{Call, text};
use crate::support::refusal::{assert_refused, write};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const CANNOT_CREATE: i32 = 73;

/// A run that the tests change copies of: plain and encrypted.
pub(crate) static RUNS: LazyLock<(PathBuf, PathBuf)> = LazyLock::new(|| {
    let folder = PLANTED.inputs.join("runs");
    std::fs::create_dir(&folder).expect("a folder");
    let (plain, secret) = (folder.join("plain"), folder.join("secret"));
    PLANTED.run(&plain).without("--model").succeed();
    PLANTED.encrypted(PLANTED.prs(&secret)).succeed();
    (plain, secret)
});

/// A copy of the plain run, changed.
fn changed(folder: &Path, name: &str, change: impl Fn(&Path)) -> PathBuf {
    let copy = folder.join(name);
    std::fs::create_dir(&copy).expect("a folder");
    for path in walk(&RUNS.0) {
        let below = path.strip_prefix(&RUNS.0).expect("below");
        std::fs::copy(&path, copy.join(below)).expect("a copy");
    }
    change(&copy);
    copy
}

/// Refused with one sentence, and nothing of the output is there.
pub(crate) fn refuse(name: &str, call: &Call, output: &Path, code: i32, parts: &[&str]) {
    assert_refused(name, &call.run(), code, parts);
    let folder = output.parent().expect("a folder");
    let left: Vec<PathBuf> = walk(folder).into_iter().collect();
    assert!(left.is_empty(), "{name}: {left:?} is left");
}

/// A folder for copies and inputs, and one for outputs that stays empty.
pub(crate) fn folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let (inputs, outputs) = (folder.path().join("inputs"), folder.path().join("outputs"));
    std::fs::create_dir(&inputs).expect("a folder");
    std::fs::create_dir(&outputs).expect("a folder");
    let output = outputs.join("new");
    (folder, inputs, output)
}

#[test]
fn reports() {
    let (_kept, inputs, output) = folders();
    let edit = |table: &'static str| {
        move |run: &Path| {
            let path = run.join(table);
            let mut bytes = std::fs::read(&path).expect("a table");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&path, bytes).expect("a table");
        }
    };
    let rewrite = |from: &'static str, to: &'static str| {
        move |run: &Path| {
            let path = run.join("run.json");
            let record = std::fs::read_to_string(&path).expect("a record");
            let mut value: serde_json::Value = serde_json::from_str(&record).expect("JSON");
            assert!(value.get(from).is_some(), "no {from}");
            value[from] = serde_json::from_str(to).expect("JSON");
            std::fs::write(&path, value.to_string()).expect("a record");
        }
    };
    let score_run = inputs.join("score");
    score(&score_run).succeed();
    let unfinished = inputs.join("stopped.partial");
    std::fs::create_dir(&unfinished).expect("a folder");
    let (plain, secret) = &*RUNS;
    let remove = |run: &Path| std::fs::remove_file(run.join("qc.parquet")).expect("a table");
    let no_record = |run: &Path| std::fs::remove_file(run.join("run.json")).expect("a record");
    let cases: [(&str, PathBuf, i32, &[&str]); 11] = [
        (
            "encrypted",
            secret.clone(),
            USAGE,
            &["is encrypted", "give the key"],
        ),
        (
            "table changed",
            changed(&inputs, "changed", edit("qc.parquet")),
            DATA,
            &["qc.parquet", "changed after the run", "repeat the run"],
        ),
        (
            "table of alleles changed",
            changed(&inputs, "changed-alleles", edit("variants.parquet")),
            DATA,
            &["variants.parquet", "changed after the run"],
        ),
        (
            "table removed",
            changed(&inputs, "removed", remove),
            DATA,
            &["qc.parquet", "is not there", "repeat the run"],
        ),
        (
            "newer",
            changed(&inputs, "newer", rewrite("schema_version", "999")),
            DATA,
            &["schema version 999", "newer one"],
        ),
        (
            "no record of a run",
            changed(&inputs, "nonsense", rewrite("inputs", "3")),
            DATA,
            &["run.json", "not the record of a run"],
        ),
        (
            "without record",
            changed(&inputs, "no-record", no_record),
            NO_INPUT,
            &["run.json", "output folder"],
        ),
        (
            "no patients",
            score_run,
            DATA,
            &["has no patients", "'varisk score'"],
        ),
        ("unfinished", unfinished, DATA, &["unfinished", "--resume"]),
        ("nowhere", inputs.join("nowhere"), NO_INPUT, &["nowhere"]),
        ("a file", plain.join("run.json"), NO_INPUT, &["run.json"]),
    ];
    for (name, run, code, parts) in &cases {
        refuse(
            name,
            &report(run, &output, "html,json"),
            &output,
            *code,
            parts,
        );
        // The other readers of runs refuse it alike.
        let config = write(&inputs, "rules.toml", "");
        let deidentify = Call::new("deidentify")
            .also(&text(run), "")
            .with("--config", config)
            .with("--output", text(&output))
            .also("-q", "");
        let diff = Call::new("diff")
            .also(&text(plain), "")
            .also(&text(run), "")
            .with("--output", text(&output));
        for (verb, call) in [("deidentify", deidentify), ("diff", diff)] {
            refuse(&format!("{name}, {verb}"), &call, &output, *code, parts);
        }
    }
    let wrong = write_secret(&inputs, "wrong.key", &"5a".repeat(16));
    let call = report(secret, &output, "html").with("--encryption-key-file", wrong);
    refuse(
        "wrong key",
        &call,
        &output,
        USAGE,
        &["cannot be decrypted", "give the key"],
    );

    let list = format!("{PATIENT}001\n\n{PATIENT}999\n{PATIENT}998\n");
    for (name, content, code, parts) in [
        (
            "unknown",
            list.as_str(),
            DATA,
            &["who.txt: line 3", "2 of the list"][..],
        ),
        ("empty", "\n \n", DATA, &["who.txt", "names no patient"][..]),
    ] {
        let who = write(&inputs, "who.txt", content);
        let call = report(plain, &output, "html,json").with("--patients", who);
        refuse(name, &call, &output, code, parts);
    }
    let call = report(plain, &output, "html").with("--patients", "nobody.txt");
    refuse(
        "no list",
        &call,
        &output,
        NO_INPUT,
        &["nobody.txt", "'none'"],
    );
    let call = report(plain, &output, "html").set("SOURCE_DATE_EPOCH", "soon");
    refuse("no time", &call, &output, USAGE, &["SOURCE_DATE_EPOCH"]);

    std::fs::create_dir(inputs.join("mine")).expect("a folder");
    let refused = report(plain, &inputs.join("mine"), "html").run();
    assert_refused(
        "exists",
        &refused,
        CANNOT_CREATE,
        &["mine exists", "--output"],
    );
    assert!(walk(&inputs.join("mine")).is_empty());
}

#[test]
fn deidentifications() {
    let (_kept, inputs, output) = folders();
    let plain = &RUNS.0;
    let call = |rules: &str| {
        PLANTED.pseudonymous(
            Call::new("deidentify")
                .also(&text(plain), "")
                .with("--config", write(&inputs, "rules.toml", rules))
                .with("--output", text(&output))
                .also("-q", ""),
        )
    };
    let classes = "[k_anonymity]\nk = 40\nquasi_identifiers = ['qc.recorded_sex']\n";
    let dropped = format!("{classes}small_classes = 'drop'\n");
    let column = "[tables.qc]\ndrop_columns = ['nonsense']\n";
    let quasi = "[k_anonymity]\nk = 5\nquasi_identifiers = ['qc.nonsense']\n";
    let cases: [(&str, &str, i32, &[&str]); 10] = [
        (
            "below k",
            classes,
            DATA,
            &["48 of 48", "k = 40", "smallest has", "coarsen"],
        ),
        (
            "nobody left",
            &dropped,
            DATA,
            &["no patient is left", "k = 40"],
        ),
        (
            "column",
            column,
            USAGE,
            &["'nonsense'", "'qc'", "recorded_sex"],
        ),
        ("quasi-identifier", quasi, USAGE, &["'nonsense'", "'qc'"]),
        (
            "table",
            "[tables.nonsense]\ndrop = true\n",
            USAGE,
            &["'nonsense'", "qc"],
        ),
        (
            "alleles",
            "[tables.variants]\ndrop_columns = ['id']\n",
            USAGE,
            &["tables.variants", "keep_genotypes"],
        ),
        ("key", "k = 5\n", USAGE, &["rules.toml", "k"]),
        (
            "type",
            "[tables.qc.columns]\nrecorded_sex = { kind = 'round', significant_digits = 2 }\n",
            USAGE,
            &["'recorded_sex'", "'qc'", "drop the column"],
        ),
        (
            "value of no map",
            "[tables.qc.columns]\nrecorded_sex = { kind = 'map', values = { male = 'm' } }\n",
            DATA,
            &["'recorded_sex'", "'qc'"],
        ),
        (
            "one",
            "[k_anonymity]\nk = 1\nquasi_identifiers = ['qc.recorded_sex']\n",
            USAGE,
            &["k"],
        ),
    ];
    for (name, rules, code, parts) in cases {
        refuse(name, &call(rules), &output, code, parts);
    }
    let rules = "[tables.qc]\ndrop_columns = ['call_rate']\n";
    let without = call(rules).without("--pseudonym-key-file");
    refuse(
        "names",
        &without,
        &output,
        USAGE,
        &["identifiers", "--pseudonym-key-file"],
    );
    let no_config = call(rules).with("--config", text(&inputs.join("none.toml")));
    refuse("no rules", &no_config, &output, NO_INPUT, &["none.toml"]);
    // The table that leads back is refused before anything has its name.
    let who = write_secret(
        &inputs,
        "who.csv",
        &format!("pseudonym,patient\n0000-0000-0000-0000,{PATIENT}001\n"),
    );
    let contradicted = call(rules).with("--pseudonym-table", who);
    refuse("another key", &contradicted, &output, DATA, &["who.csv"]);
}

#[test]
fn exports() {
    let (_kept, inputs, output) = folders();
    let call = |folder: &Path| {
        Call::new("export")
            .also(&text(folder), "")
            .with("--output", text(&output))
    };
    let plain = &RUNS.0;
    let secret_key = format!("AGE-SECRET-KEY-1{}", "Q".repeat(58));
    let recipient = |text: &str| call(plain).with("--recipient", text);
    let passphrase = |content: &str| {
        let file = write_secret(&inputs, "passphrase", content);
        call(plain).with("--passphrase-file", file)
    };
    refuse("nobody", &call(plain), &output, USAGE, &["no recipient"]);
    refuse(
        "no key",
        &recipient("age1nonsense"),
        &output,
        USAGE,
        &["recipient 1", "age1"],
    );
    refuse(
        "a secret key",
        &recipient(&secret_key),
        &output,
        USAGE,
        &["recipient 1"],
    );
    let told = recipient(&secret_key).also("-v", "").run();
    assert!(!told.stderr.contains("QQQQ"), "{}", told.stderr);
    refuse(
        "short",
        &passphrase("too short\n"),
        &output,
        USAGE,
        &["9 characters", "15"],
    );
    let open = write(&inputs, "open", "a passphrase that is long\n");
    let open = call(plain).with("--passphrase-file", open);
    refuse("open to others", &open, &output, USAGE, &["chmod 600"]);
    let sound = passphrase("a passphrase that is long\n");
    let nowhere = inputs.join("nowhere");
    let missing = Call::new("export")
        .also(&text(&nowhere), "")
        .with("--output", text(&output))
        .with("--passphrase-file", text(&inputs.join("passphrase")));
    refuse("nothing", &missing, &output, NO_INPUT, &["nowhere"]);
    let file = write(&inputs, "there", "mine");
    let exists = sound.clone().with("--output", file.clone());
    assert_refused("exists", &exists.run(), CANNOT_CREATE, &["there exists"]);
    assert_eq!(std::fs::read_to_string(file).expect("the file"), "mine");
    let within = changed(&inputs, "own", |_| {});
    let call = call(&within)
        .with("--passphrase-file", text(&inputs.join("passphrase")))
        .with("--output", text(&within.join("export.age")));
    assert_refused("within", &call.run(), DATA, &["own"]);
    assert!(!within.join("export.age").exists());
}
