//! Keys, pseudonyms, layouts and audit logs of a run that must be refused before the work.

use std::path::Path;

use crate::support::planted::{PLANTED, names_somebody, write_secret};
use crate::support::program::{Call, text};
use crate::support::refusal::{Case, check_from, write};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const UNAVAILABLE: i32 = 69;
const IO: i32 = 74;

/// A sound run.
fn sound(_: &Path, output: &Path) -> Call {
    PLANTED.pseudonymous(PLANTED.prs(output))
}

/// The run with a key of its own.
fn with_key(call: Call, option: &str, source: impl Into<String>) -> Call {
    call.without("--pseudonym-key-file").with(option, source)
}

#[test]
fn keys() {
    let shared = |mode: u32| {
        move |inputs: &Path, call: Call| {
            use std::os::unix::fs::PermissionsExt;
            let path = write_secret(inputs, "key", &"5a".repeat(32));
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, mode).expect("its rights");
            with_key(call, "--pseudonym-key-file", path)
        }
    };
    let of = |option: &'static str, content: &'static str| {
        move |inputs: &Path, call: Call| {
            let path = write_secret(inputs, "key", content);
            with_key(call, option, path)
        }
    };
    let source = |option: &'static str, source: &'static str| {
        move |_: &Path, call: Call| with_key(call, option, source)
    };
    let pseudonym_file = "--pseudonym-key-file";
    let table_file = "--encryption-key-file";
    let short = "MDEyMzQ1Ng==";
    let medium = "303132333435363738396162636465663031323334353637";
    check_from(
        sound,
        &[
            (
                "group",
                USAGE,
                &shared(0o640),
                &["key", "mode 640", "chmod 600"],
            ),
            (
                "others",
                USAGE,
                &shared(0o604),
                &["key", "mode 604", "chmod 600"],
            ),
            (
                "short",
                USAGE,
                &of(pseudonym_file, short),
                &["key", "7 bytes", "16, 24 or 32"],
            ),
            (
                "mistyped",
                USAGE,
                &of(pseudonym_file, "30x"),
                &["key", "hexadecimal"],
            ),
            ("empty", USAGE, &of(pseudonym_file, ""), &["key", "no key"]),
            (
                "short, of tables",
                USAGE,
                &of(table_file, short),
                &["key", "7 bytes"],
            ),
            (
                "medium, of tables",
                USAGE,
                &of(table_file, medium),
                &["24 bytes", "16 or 32"],
            ),
            (
                "no set",
                USAGE,
                &of(table_file, "footer = 'x'\nother = 'y'\n"),
                &["key", "set of keys"],
            ),
            (
                "of no column",
                USAGE,
                &of(
                    table_file,
                    "footer = '30313233343536373839616263646566'\n[columns]\nnone = '30313233343536373839616263646566'\n",
                ),
                &["'none'", "no table has"],
            ),
            (
                "not there",
                NO_INPUT,
                &source(pseudonym_file, "/nowhere/key"),
                &["/nowhere/key"],
            ),
            (
                "no variable",
                USAGE,
                &source("--pseudonym-key-env", "NO_SUCH_VARIABLE"),
                &["NO_SUCH_VARIABLE", "set it"],
            ),
            (
                "no variable, of tables",
                USAGE,
                &source("--encryption-key-env", "NO_SUCH_VARIABLE"),
                &["NO_SUCH_VARIABLE", "set it"],
            ),
            (
                "command fails",
                UNAVAILABLE,
                &source("--pseudonym-key-command", "echo 5a5a; exit 3"),
                &["key command", "3", "exit with 0"],
            ),
            (
                "command fails, of tables",
                UNAVAILABLE,
                &source("--encryption-key-command", "exit 3"),
                &["key command", "3", "exit with 0"],
            ),
            (
                "command prints no key",
                USAGE,
                &source("--pseudonym-key-command", "echo hello"),
                &["key command", "no key"],
            ),
            (
                "audit key without rights",
                USAGE,
                &|inputs, call| {
                    call.with("--audit-log", text(&inputs.join("audit.log")))
                        .with(
                            "--audit-key-file",
                            write(inputs, "audit.key", "5a".repeat(16)),
                        )
                },
                &["audit.key", "chmod 600"],
            ),
        ],
    );
}

/// No part of a key that cannot be used is told.
#[test]
fn keys_are_not_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        ("--pseudonym-key-file", "8badf00dz"),
        ("--encryption-key-file", "footer = '8badf00dz'\n"),
        ("--encryption-key-file", "footer = 8badf00dz\n"),
    ];
    for (option, content) in cases {
        let path = write_secret(folder.path(), "key", content);
        let call = PLANTED.prs(&folder.path().join("run")).with(option, path);
        let refused = call.also("-v", "").run();
        assert_eq!(refused.code, Some(USAGE), "{}", refused.stderr);
        assert!(!refused.stderr.contains("8badf00d"), "{}", refused.stderr);
    }
}

#[test]
fn pseudonyms_and_layouts() {
    let option = |option: &'static str, value: &'static str| {
        move |_: &Path, call: Call| call.with(option, value)
    };
    let table = |content: &'static str| {
        move |inputs: &Path, call: Call| {
            call.with(
                "--pseudonym-table",
                write_secret(inputs, "who.csv", content),
            )
        }
    };
    let cases: [Case<'_>; 11] = [
        (
            "another key",
            DATA,
            &|inputs, call| {
                // Made with the sound key; the run has another one.
                let who = text(&inputs.join("who.csv"));
                call.clone()
                    .with("--pseudonym-table", who.clone())
                    .with("--output", text(&inputs.join("earlier")))
                    .succeed();
                let key = write_secret(inputs, "key", &"5a".repeat(32));
                with_key(call, "--pseudonym-key-file", key).with("--pseudonym-table", who)
            },
            &["who.csv", "another pseudonym", "key and the label"],
        ),
        (
            "table that is none",
            DATA,
            &table("pseudonym,patient\nPLANTED-JANE-DOE-0001,x,y\n"),
            &["who.csv", "line 2"],
        ),
        (
            "table that others may read",
            USAGE,
            &|inputs, call| {
                let table = write(inputs, "who.csv", "pseudonym,patient\n");
                call.with("--pseudonym-table", table)
            },
            &["who.csv", "chmod 600"],
        ),
        (
            "table in no folder",
            NO_INPUT,
            &option("--pseudonym-table", "/nowhere/who.csv"),
            &["/nowhere/who.csv"],
        ),
        (
            "label without key",
            USAGE,
            &|_, call| {
                call.without("--pseudonym-key-file")
                    .with("--pseudonym-label", "study")
            },
            &["label", "--pseudonym-key-file"],
        ),
        (
            "table without key",
            USAGE,
            &|inputs, call| {
                call.without("--pseudonym-key-file")
                    .with("--pseudonym-table", text(&inputs.join("who.csv")))
            },
            &["table", "--pseudonym-key-file"],
        ),
        (
            "by patient",
            USAGE,
            &option("--partition-by", "patient"),
            &["'patient'", "such as item"],
        ),
        (
            "by nothing that is there",
            USAGE,
            &option("--partition-by", "item,nonsense"),
            &["'nonsense'", "choose a column"],
        ),
        (
            "log in no folder",
            NO_INPUT,
            &option("--audit-log", "/nowhere/audit.log"),
            &["/nowhere/audit.log"],
        ),
        (
            "log below a file",
            IO,
            &|inputs, call| {
                let file = write(inputs, "file", "");
                call.with("--audit-log", format!("{file}/audit.log"))
            },
            &["file/audit.log", "permissions"],
        ),
        (
            "log of something else",
            DATA,
            &|inputs, call| call.with("--audit-log", write_secret(inputs, "audit.log", "hello\n")),
            &["audit.log", "no line of an audit log"],
        ),
    ];
    check_from(sound, &cases);
}

/// A table that contradicts the key stays as it is, and so does one of a run that fails for another reason.
#[test]
fn a_refused_run_adds_nothing_to_the_key_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let call = |key: String, output: &str| {
        PLANTED
            .prs(&at(output))
            .with("--pseudonym-key-file", key)
            .with("--pseudonym-table", text(&at("who.csv")))
    };
    let sound = || PLANTED.input("pseudonym.key");
    call(sound(), "first").succeed();
    let before = std::fs::read(at("who.csv")).expect("the table");
    let other = write_secret(folder.path(), "other.key", &"5a".repeat(32));
    assert_eq!(call(other, "second").run().code, Some(DATA));
    let exists = call(sound(), "first")
        .with("--pseudonym-label", "other")
        .run();
    assert_eq!(exists.code, Some(73), "{}", exists.stderr);
    assert!(!names_somebody(exists.stderr.as_bytes()));
    assert_eq!(std::fs::read(at("who.csv")).expect("the table"), before);
    assert!(!at("second").exists() && !at("second.partial").exists());
}
