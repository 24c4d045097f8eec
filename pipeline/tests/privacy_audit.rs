//! The audit log says what was done, and what was done to it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::privacy_bad_runs::{RUNS, folders, refuse};
use crate::privacy_runs::at;
use crate::resume::{records_saved, signal, start, wait_for};
use crate::support::planted::{PLANTED, names_somebody, report, write_secret};
use crate::support::program::{Call, run_record, testdata, text};
use crate::support::refusal::assert_refused;

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const CANNOT_CREATE: i32 = 73;

fn sha256(path: &Path) -> String {
    let digest = Sha256::digest(std::fs::read(path).expect("a file"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_audit_log_says_what_was_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| at(&folder, name);
    let log = at("audit.log");
    let audited = |call: Call| {
        call.with("--audit-log", text(&log))
            .with("--audit-key-file", PLANTED.input("audit.key"))
    };
    let run = audited(PLANTED.prs(&at("run")));
    run.succeed();
    assert_eq!(run.run().code, Some(73));
    audited(report(&at("run"), &at("pages"), "tsv")).succeed();
    let slow = PLANTED
        .run(&at("stopped"))
        .with("--threads", "1")
        .with("--batch-size", "4")
        .with("--checkpoint-seconds", "0.000001");
    let child = start(&audited(slow));
    let work = at("stopped.partial").join("work");
    wait_for("saved state", || records_saved(&work) > 20);
    signal(&child, "TERM");
    assert_eq!(
        child.wait_with_output().expect("it ends").status.code(),
        Some(130)
    );

    let verify = |log: &Path| {
        let call = Call::new("audit verify").also(&text(log), "");
        call.with("--audit-key-file", PLANTED.input("audit.key"))
    };
    let said = verify(&log).succeed().stdout;
    assert!(said.contains("8 lines, unbroken"), "{said}");
    let head = said.trim().rsplit(' ').next().expect("a head").to_owned();
    verify(&log).with("--head", head).succeed();
    let lines = std::fs::read_to_string(&log).expect("the log");
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let told: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| {
            (
                line["verb"].as_str().expect("a verb"),
                line["exit"].as_str().expect("an end"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("prs", "started"),
            ("prs", "completed"),
            ("prs", "started"),
            ("prs", "failed"),
            ("report", "started"),
            ("report", "completed"),
            ("run", "started"),
            ("run", "interrupted"),
        ]
    );
    assert!(lines.iter().all(|line| line["mac"].is_string()));
    let record = at("run").join("run.json");
    let done = &lines[1];
    assert_eq!(done["plan_sha256"], run_record(&at("run"))["plan_sha256"]);
    assert_eq!(done["outputs_sha256"], serde_json::json!([sha256(&record)]));
    let inputs: BTreeMap<&str, &str> = done["inputs"]
        .as_array()
        .expect("inputs")
        .iter()
        .map(|input| {
            (
                input["role"].as_str().expect("text"),
                input["sha256"].as_str().expect("text"),
            )
        })
        .collect();
    for (role, path) in [
        ("variants", PLANTED.input("cohort.vcf")),
        ("samplesheet", PLANTED.input("sheet.csv")),
        ("scoring_file", testdata("scores/TOY1.txt")),
        ("par", testdata("par.bed")),
    ] {
        assert_eq!(
            inputs.get(role),
            Some(&sha256(Path::new(&path)).as_str()),
            "{inputs:?}"
        );
    }
    assert_eq!(
        lines[5]["inputs"],
        serde_json::json!([{"role": "run", "sha256": sha256(&record)}])
    );
    assert!(!names_somebody(&std::fs::read(&log).expect("the log")));
}

#[test]
fn audit_logs() {
    let (_kept, inputs, output) = folders();
    let log = inputs.join("audit.log");
    let noted = |key: bool| {
        let call = report(&RUNS.0, &inputs, "tsv").with("--audit-log", text(&log));
        match key {
            true => call.with("--audit-key-file", PLANTED.input("audit.key")),
            false => call,
        }
    };
    // Three commands that fail leave two lines each.
    for _ in 0..3 {
        assert_eq!(noted(false).run().code, Some(CANNOT_CREATE));
    }
    let sound = std::fs::read_to_string(&log).expect("a log");
    assert_eq!(sound.lines().count(), 6);
    let verify = |log: &str| Call::new("audit verify").also(log, "");
    let said = verify(&text(&log)).succeed().stdout;
    let head = said.trim().rsplit(' ').next().expect("a head").to_owned();
    let lines: Vec<&str> = sound.lines().collect();
    let without = |at: usize| {
        let mut lines = lines.clone();
        lines.remove(at);
        lines.join("\n") + "\n"
    };
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    let renamed = lines[2].replacen("report", "rebort", 1);
    let edited = sound.replacen(lines[2], &renamed, 1);
    let cases: [(&str, String, i32, &[&str]); 7] = [
        ("edited", edited.clone(), DATA, &["line 3", "changed"]),
        ("taken out", without(3), DATA, &["line 4", "taken out"]),
        ("moved", swapped.join("\n") + "\n", DATA, &["line 2"]),
        (
            "half a line",
            sound[..sound.len() - 9].to_owned(),
            DATA,
            &["line 6", "unfinished"],
        ),
        (
            "one line more",
            format!("{sound}{}\n", lines[5]),
            DATA,
            &["line 7"],
        ),
        ("empty", String::new(), DATA, &["no lines"]),
        (
            "cut",
            lines[..4].join("\n") + "\n",
            DATA,
            &["4 lines", "had 6"],
        ),
    ];
    for (name, content, code, parts) in cases {
        let path = write_secret(&inputs, "changed.log", &content);
        let call = match name {
            "empty" => verify(&path),
            _ => verify(&path).with("--head", head.clone()),
        };
        assert_refused(name, &call.run(), code, parts);
        // What is cut off is not missed without the head.
        if name == "cut" {
            verify(&path).succeed();
        }
    }
    let other = format!("6:{}", "0".repeat(64));
    let call = verify(&text(&log)).with("--head", other);
    assert_refused("another head", &call.run(), DATA, &["line 6", "noted"]);
    for head in ["6", "x:0", "6:xyz"] {
        let call = verify(&text(&log)).with("--head", head);
        assert_refused("no head", &call.run(), USAGE, &["LINES:SHA256"]);
    }
    let nowhere = text(&inputs.join("nowhere.log"));
    assert_refused(
        "nowhere",
        &verify(&nowhere).run(),
        NO_INPUT,
        &["nowhere.log"],
    );
    let signed = verify(&text(&log)).with("--audit-key-file", PLANTED.input("audit.key"));
    assert_refused("unsigned", &signed.run(), DATA, &["line 1", "no HMAC"]);

    // Nothing is done that cannot be noted.
    let end = format!("{}\n", renamed);
    let path = write_secret(&inputs, "tail.log", &end);
    let call = report(&RUNS.0, &output, "tsv").with("--audit-log", path);
    refuse(
        "damaged end",
        &call,
        &output,
        DATA,
        &["tail.log", "changed"],
    );
    let log = text(&inputs.join("none/audit.log"));
    let call = report(&RUNS.0, &output, "tsv").with("--audit-log", log);
    refuse("no folder", &call, &output, NO_INPUT, &["none/audit.log"]);
    // A log with a key on one line has it on all.
    let signed = text(&inputs.join("signed.log"));
    let key = PLANTED.input("audit.key");
    let call = report(&RUNS.0, &inputs, "tsv").with("--audit-log", signed);
    let first = call.clone().with("--audit-key-file", key).run();
    assert_eq!(first.code, Some(CANNOT_CREATE), "{}", first.stderr);
    let second = call.with("--output", text(&output));
    refuse(
        "without its key",
        &second,
        &output,
        DATA,
        &["signed.log", "give the key"],
    );
}
