//! Runs under pseudonyms, in partitions and encrypted say the same as plain ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::privacy::FORMATS;
use crate::resume::{records_saved, signal, start, wait_for};
use crate::support::planted::{PLANTED, content, key_table, names_somebody, report, walk};
use crate::support::program::{Call, Table, hashes, run_record, text};
use crate::support::refusal::write;
use crate::support::scores::{assert_same_files, files};

/// A folder with the names of what is in it.
pub(crate) fn at(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

pub(crate) fn names(folder: &Path) -> BTreeSet<String> {
    let table = Table::read(folder, "risk");
    table
        .texts("patient")
        .into_iter()
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_key_gives_the_same_names_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| at(&folder, name);
    let named =
        |name: &str| PLANTED.pseudonymous(PLANTED.run(&at(name)).with("--batch-size", "64"));
    named("first").succeed();
    let expected = files(&at("first"));
    // By the settings file, and by a command.
    let settings = format!(
        "pseudonym_key_file = '{}'\n",
        PLANTED.input("pseudonym.key")
    );
    named("second")
        .without("--pseudonym-key-file")
        .with("--config", write(folder.path(), "varisk.toml", settings))
        .succeed();
    assert_same_files(&at("second"), &expected, "again");
    let mut merge = Call::new("merge").with("--output", text(&at("merged")));
    for shard in ["1", "2"] {
        named(shard).with("--shard", format!("{shard}/2")).succeed();
        merge = merge.also(&text(&at(shard)), "");
    }
    merge.succeed();
    assert_same_files(&at("merged"), &expected, "merged");

    let slow = named("stopped")
        .with("--threads", "1")
        .with("--batch-size", "4")
        .with("--checkpoint-seconds", "0.000001");
    let child = start(&slow);
    let work = at("stopped.partial").join("work");
    wait_for("saved state", || records_saved(&work) > 100);
    signal(&child, "INT");
    let ended = child.wait_with_output().expect("the program ends");
    assert_eq!(ended.status.code(), Some(130));
    for path in walk(&at("stopped.partial")) {
        assert!(
            path.is_dir() || !names_somebody(&content(&path)),
            "{}",
            path.display()
        );
    }
    // Other names are another run.
    let other = slow
        .clone()
        .also("--resume", "")
        .with("--pseudonym-label", "other");
    assert_eq!(other.run().code, Some(64));
    slow.also("--resume", "").succeed();
    assert_same_files(&at("stopped"), &expected, "resumed");
}

#[test]
fn labels_and_keys_make_other_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| at(&folder, name);
    let named = |name: &str| PLANTED.pseudonymous(PLANTED.prs(&at(name)));
    named("own").succeed();
    named("label")
        .with("--pseudonym-label", "study 2")
        .succeed();
    PLANTED
        .prs(&at("key"))
        .with("--pseudonym-key-env", "PSEUDONYM_KEY")
        .set("PSEUDONYM_KEY", "77".repeat(16))
        .succeed();
    PLANTED
        .prs(&at("command"))
        .with(
            "--pseudonym-key-command",
            format!("cat {}", PLANTED.input("pseudonym.key")),
        )
        .succeed();
    let [own, label, key, command] = ["own", "label", "key", "command"].map(|run| names(&at(run)));
    for names in [&own, &label, &key] {
        assert_eq!(names.len(), 48);
        for name in names {
            let is_sign = |sign: u8| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ-".contains(&sign);
            assert!(name.len() == 19 && name.bytes().all(is_sign), "{name}");
        }
    }
    assert!(own.is_disjoint(&label) && own.is_disjoint(&key) && label.is_disjoint(&key));
    assert_eq!(own, command);
    assert_eq!(hashes(&at("own")), hashes(&at("command")));
}

/// Rows as text, with patients under other names, in an order that does not depend on names.
fn rows(table: &Table, names: &BTreeMap<String, String>) -> Vec<Vec<Option<String>>> {
    let at = table.names.iter().position(|name| name == "patient");
    let mut rows = table.rows().to_vec();
    if let Some(at) = at {
        for row in &mut rows {
            let patient = row[at].clone().expect("a patient");
            row[at] = Some(names.get(&patient).cloned().unwrap_or(patient));
        }
    }
    rows.sort();
    rows
}

#[test]
fn pseudonyms_change_names_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| at(&folder, name);
    PLANTED.full_run(&at("plain")).succeed();
    PLANTED
        .pseudonymous(PLANTED.full_run(&at("named")))
        .with("--pseudonym-table", text(&at("who.csv")))
        .succeed();
    let names = key_table(&at("who.csv"));
    let tables = hashes(&at("plain"));
    assert_eq!(
        tables.keys().collect::<Vec<_>>(),
        hashes(&at("named")).keys().collect::<Vec<_>>()
    );
    assert!(tables.len() > 12, "{tables:?}");
    for file in tables.keys() {
        let name = file.trim_end_matches(".parquet");
        let tables = ["plain", "named"].map(|run| Table::read(&at(run), name));
        let [mut plain, mut named] = [rows(&tables[0], &names), rows(&tables[1], &BTreeMap::new())];
        // Contributions to the results of models are drawn from the other patients, in the order of names.
        let drawn: &[&str] = match name {
            "explanations" => &[
                "rank",
                "predictor",
                "value",
                "contribution",
                "standard_error",
            ],
            "risk" => &["contributions"],
            _ => &[],
        };
        let is_drawn = |row: &[Option<String>]| {
            let is_model = |cell: &Option<String>| cell.as_deref() == Some("patient_model");
            name == "explanations" || row.iter().any(is_model)
        };
        for column in drawn {
            let at = tables[0].names.iter().position(|own| own == column);
            for row in plain.iter_mut().chain(&mut named) {
                if is_drawn(row) {
                    row[at.expect("a column")] = None;
                }
            }
        }
        plain.sort();
        named.sort();
        assert!(plain == named, "{name}");
    }
    let mut records = ["plain", "named"].map(|run| run_record(&at(run)));
    for record in &mut records {
        for key in [
            "inputs",
            "tables",
            "timings",
            "wall_seconds",
            "plan_sha256",
            "parameters",
        ] {
            record[key] = Value::Null;
        }
    }
    assert_eq!(records[0], records[1]);
}

/// What a report says but for hashes and times: those of the runs, which have other bytes.
fn without_hashes(folder: &Path) -> BTreeMap<String, String> {
    let paths = walk(folder).into_iter().filter(|path| path.is_file());
    let said = paths.map(|path| {
        let text_of = String::from_utf8(content(&path)).expect("text");
        let (mut kept, mut digits) = (String::new(), String::new());
        let lines = text_of.lines().filter(|line| !line.contains("Wall time"));
        let lines: Vec<&str> = lines.collect();
        for letter in lines.join("\n").chars().chain(['\n']) {
            if letter.is_ascii_hexdigit() {
                digits.push(letter);
                continue;
            }
            kept += if digits.len() >= 12 { "#" } else { &digits };
            digits.clear();
            kept.push(letter);
        }
        (text(path.strip_prefix(folder).expect("below")), kept)
    });
    said.collect()
}

#[test]
fn partitioned_and_encrypted_runs_read_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| at(&folder, name);
    let pages = |name: &str| report(&at(name), &at(&format!("{name}-pages")), FORMATS);
    PLANTED.full_run(&at("plain")).succeed();
    pages("plain").succeed();
    let expected = without_hashes(&at("plain-pages"));
    assert!(expected.len() > 48 * 3, "{} files", expected.len());
    let parts = |name: &str| {
        let run = PLANTED.full_run(&at(name));
        run.with("--partition-by", "item,contig,class,rank")
    };
    parts("parts").succeed();
    for table in ["variants", "risk", "findings", "burden", "explanations"] {
        assert!(at("parts").join(table).is_dir(), "{table}");
    }
    pages("parts").succeed();
    PLANTED.encrypted(PLANTED.full_run(&at("secret"))).succeed();
    PLANTED.encrypted(pages("secret")).succeed();
    // With keys of columns, and in partitions too.
    let keys = format!(
        "footer = '{}'\n[columns]\npatient = '{}'\n",
        crate::support::planted::TABLE_KEY,
        "5b".repeat(16)
    );
    let keys = crate::support::planted::write_secret(folder.path(), "keys.toml", &keys);
    let with_keys = |call: Call| call.with("--encryption-key-file", keys.clone());
    with_keys(parts("both")).succeed();
    with_keys(pages("both")).succeed();
    for name in ["parts", "secret", "both"] {
        let found = without_hashes(&at(&format!("{name}-pages")));
        // Rows of a table, and records of a VCF, come partition by partition.
        let in_order = |file: &str| {
            name == "secret" || !(file.starts_with("tables/") || file.ends_with(".vcf.gz"))
        };
        let differ: Vec<&String> = expected
            .iter()
            .filter(|(file, said)| in_order(file) && found.get(*file) != Some(said))
            .map(|(file, _)| file)
            .collect();
        assert!(differ.is_empty(), "{name}: {differ:?}");
        assert_eq!(found.len(), expected.len(), "{name}");
    }
}
