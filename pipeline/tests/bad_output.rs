//! Outputs that cannot be written, settings that cannot be used, shards that do not belong together.

use std::path::Path;
use std::process::Command;

use crate::bad_models::edited;
use crate::support::demo::run;
use crate::support::program::{Call, hashes, outcome, testdata, text};
use crate::support::refusal::{Case, assert_refused, check, secret_run, write};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const CANNOT_CREATE: i32 = 73;
const IO: i32 = 74;

#[test]
fn what_is_there_is_not_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("folder")).expect("a folder");
    std::fs::write(at("file"), "mine").expect("a file");
    std::os::unix::fs::symlink(at("nowhere"), at("link")).expect("a link");
    std::fs::create_dir(at("unfinished.partial")).expect("a folder");
    let before = std::fs::read_dir(folder.path())
        .expect("the folder")
        .count();
    for (name, parts) in [
        ("folder", ["exists", "--output"]),
        ("file", ["file exists", "--output"]),
        ("link", ["link exists", "--output"]),
        ("unfinished", ["unfinished.partial", "--resume"]),
        ("file/below", ["cannot create", "another folder"]),
        ("folder/", ["exists", "--output"]),
    ] {
        let call = run(&at(name));
        assert_refused(name, &call.run(), CANNOT_CREATE, &parts);
        let planned = call.also("--dry-run", "").run();
        assert_eq!(
            planned.code,
            Some(if name == "file/below" {
                0
            } else {
                CANNOT_CREATE
            }),
            "{name}"
        );
    }
    assert_eq!(
        std::fs::read_dir(folder.path())
            .expect("the folder")
            .count(),
        before
    );
    assert_eq!(
        std::fs::read_to_string(at("file")).expect("the file"),
        "mine"
    );
}

/// Runs under a limit of the size of files, in units of 512 bytes: the same as a full disk.
pub(crate) fn limited(call: &Call, blocks: u32) -> Command {
    under(call, &format!("trap '' XFSZ; ulimit -f {blocks}"))
}

/// Runs after words of a shell that set limits.
pub(crate) fn under(call: &Call, limits: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{limits}; exec \"$@\"");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_varisk")]);
    command.args(call.arguments());
    call.prepare(&mut command);
    command
}

#[test]
fn full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    run(&whole).succeed();
    let shard = folder.path().join("shard");
    run(&shard).with("--shard", "1/1").succeed();
    let output = folder.path().join("report");
    let merge = Call::new("merge")
        .also(&text(&shard), "")
        .with("--output", text(&output));
    let mut sizes: Vec<u64> = std::fs::read_dir(&whole)
        .expect("the report")
        .flatten()
        .map(|entry| entry.metadata().expect("its size").len())
        .collect();
    sizes.sort_unstable();
    // Below the size of each file in turn, so that each of them fails to be written.
    for size in &sizes {
        let blocks = u32::try_from(size / 512).expect("small files");
        for call in [run(&output), merge.clone()] {
            let refused = outcome(&mut limited(&call, blocks));
            assert_refused(
                &format!("{blocks} blocks"),
                &refused,
                IO,
                &["cannot write", "report", "free space"],
            );
            assert!(!output.exists());
            assert!(!folder.path().join("report.partial").exists());
        }
    }
    // With saved states, what was done is kept and goes on once there is room.
    let call = run(&output)
        .with("--batch-size", "16")
        .with("--threads", "1")
        .with("--checkpoint-seconds", "0.001");
    let refused = outcome(&mut limited(
        &call,
        u32::try_from(sizes[sizes.len() - 1] / 512).expect("small"),
    ));
    assert_refused(
        "kept",
        &refused,
        IO,
        &["free space", "report.partial", "--resume"],
    );
    assert!(!output.exists());
    call.also("--resume", "").succeed();
    assert_eq!(hashes(&output), hashes(&whole));
}

/// Standard output that is full is told; one that is closed early is nobody's fault.
#[test]
fn standard_output() {
    let folder = tempfile::tempdir().expect("a folder");
    for call in [
        Call::new("man"),
        Call::new("doctor"),
        run(&folder.path().join("x")).also("--dry-run", ""),
    ] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let child = call
            .command()
            .stdout(full)
            .stderr(std::process::Stdio::piped())
            .spawn();
        let ended = child
            .expect("the program starts")
            .wait_with_output()
            .expect("it ends");
        let message = String::from_utf8(ended.stderr).expect("text");
        assert_eq!(ended.status.code(), Some(IO), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");

        let mut piped = Command::new("sh");
        piped
            .args(["-c", "\"$@\" | true", "sh", env!("CARGO_BIN_EXE_varisk")])
            .args(call.arguments());
        call.prepare(&mut piped);
        assert_eq!(outcome(&mut piped).stderr, "");
    }
    // Messages that nobody can read change nothing.
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let status = run(&folder.path().join("report"))
        .command()
        .stderr(full)
        .status();
    assert_eq!(status.expect("the program ends").code(), Some(0));
}

#[test]
fn settings() {
    let config = |content: &'static str| {
        move |inputs: &Path, call: Call| {
            call.with("--config", write(inputs, "varisk.toml", content))
        }
    };
    let cases: [Case<'_>; 9] = [
        (
            "unknown key",
            USAGE,
            &config("top = 3\nthread = 2\n"),
            &["varisk.toml", "line 2", "thread"],
        ),
        (
            "no number",
            USAGE,
            &config("top = 'ten'\n"),
            &["varisk.toml", "line 1"],
        ),
        (
            "no TOML",
            USAGE,
            &config("top: 10\n"),
            &["varisk.toml", "line 1"],
        ),
        (
            "both kinds of regions",
            USAGE,
            &config("regions = ['chr1']\nregions_file = 'x.bed'\n"),
            &["regions_file"],
        ),
        (
            "too many threads",
            USAGE,
            &|inputs, call| {
                call.without("--threads")
                    .with("--config", write(inputs, "varisk.toml", "threads = 5000\n"))
            },
            &["threads"],
        ),
        (
            "negative time",
            USAGE,
            &|inputs, call| {
                call.without("--checkpoint-seconds").with(
                    "--config",
                    write(inputs, "varisk.toml", "checkpoint_seconds = -1.0\n"),
                )
            },
            &["checkpoint_seconds"],
        ),
        (
            "no file",
            NO_INPUT,
            &|inputs, call| call.with("--config", text(&inputs.join("none.toml"))),
            &["none.toml"],
        ),
        (
            "no output",
            USAGE,
            &|_, call| call.without("--output"),
            &["--output", "varisk.toml"],
        ),
        (
            "no reference",
            USAGE,
            &|_, call| call.without("--reference"),
            &["--reference", "varisk.toml"],
        ),
    ];
    check(&cases);
    for arguments in [
        &["--no-such-flag"][..],
        &["run", "--threads", "0"],
        &["run", "--device", "tpu"],
        &["fly"],
        &[],
    ] {
        let refused = outcome(Command::new(env!("CARGO_BIN_EXE_varisk")).args(arguments));
        assert_eq!(
            refused.code,
            Some(USAGE),
            "{arguments:?}: {}",
            refused.stderr
        );
    }
}

#[test]
fn shards() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let inputs = at("inputs");
    std::fs::create_dir(&inputs).expect("a folder");
    let shard = |name: &str, number: &str| {
        let call = secret_run(&inputs, &at(name)).with("--shard", number);
        call.with("--batch-size", "64")
    };
    shard("one", "1/2").succeed();
    shard("two", "2/2").succeed();
    shard("foreign", "2/2").with("--top", "3").succeed();
    shard("thirds", "2/3").succeed();
    let copy = |name: &str| {
        std::fs::create_dir(at(name)).expect("a folder");
        for entry in std::fs::read_dir(at("two")).expect("a shard").flatten() {
            std::fs::copy(entry.path(), at(name).join(entry.file_name())).expect("a copy");
        }
        at(name)
    };
    let change = |path: std::path::PathBuf, edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(&path).expect("a file");
        edit(&mut bytes);
        std::fs::write(&path, bytes).expect("a file");
    };
    let part = || {
        let entries = std::fs::read_dir(at("two")).expect("a shard").flatten();
        let names = entries.map(|entry| entry.file_name().into_string().expect("text"));
        names
            .filter(|name| name.ends_with(".arrow"))
            .min()
            .expect("a part")
    };
    let folds = || {
        let entries = std::fs::read_dir(at("two")).expect("a shard").flatten();
        let names = entries.map(|entry| entry.file_name().into_string().expect("text"));
        names
            .filter(|name| name.starts_with("folds"))
            .min()
            .expect("the folds")
    };
    change(copy("edited-state").join("state.json"), &|bytes| {
        let text = String::from_utf8(bytes.clone()).expect("text");
        let edited = text.replacen("\"rows\": ", "\"rows\": 1", 1);
        assert_ne!(text, edited);
        *bytes = edited.into_bytes();
    });
    change(copy("edited-plan").join("state.json"), &|bytes| {
        let text = String::from_utf8(bytes.clone()).expect("text");
        *bytes = text.replacen("\"top\": 10", "\"top\": 11", 1).into_bytes();
    });
    change(copy("other-release").join("state.json"), &|bytes| {
        let text = String::from_utf8(bytes.clone()).expect("text");
        let own = concat!("\"varisk\": \"", env!("CARGO_PKG_VERSION"), "\"");
        assert!(text.contains(own));
        *bytes = text.replacen(own, "\"varisk\": \"0.0.7\"", 1).into_bytes();
    });
    change(copy("edited-part").join(part()), &|bytes| bytes[5000] ^= 1);
    change(copy("edited-folds").join(folds()), &|bytes| bytes[100] ^= 1);
    change(copy("cut-state").join("state.json"), &|bytes| {
        bytes.truncate(1000);
    });
    std::fs::remove_file(copy("no-part").join(part())).expect("a file");
    std::fs::create_dir(at("empty")).expect("a folder");

    let output = at("outputs");
    std::fs::create_dir(&output).expect("a folder");
    let cases: [(&str, i32, &[&str], &[&str]); 15] = [
        ("incomplete", DATA, &["one"], &["2/2", "missing"]),
        ("doubled", DATA, &["one", "two", "two"], &["two", "twice"]),
        (
            "foreign",
            DATA,
            &["one", "foreign"],
            &["foreign", "another run"],
        ),
        (
            "of another number of shards",
            DATA,
            &["one", "thirds"],
            &["thirds", "cut in another way"],
        ),
        (
            "other release",
            DATA,
            &["one", "other-release"],
            &["other-release", "varisk 0.0.7", "go on with that release"],
        ),
        (
            "edited counts",
            DATA,
            &["one", "edited-state"],
            &["edited-state", "run that part again"],
        ),
        (
            "edited plan",
            DATA,
            &["one", "edited-plan"],
            &["edited-plan", "run that part again"],
        ),
        (
            "edited part",
            DATA,
            &["one", "edited-part"],
            &["edited-part", "run that part again"],
        ),
        (
            "edited folds",
            DATA,
            &["one", "edited-folds"],
            &["edited-folds", "run that part again"],
        ),
        (
            "state cut short",
            DATA,
            &["one", "cut-state"],
            &["cut-state", "run that part again"],
        ),
        (
            "part missing",
            DATA,
            &["one", "no-part"],
            &["no-part", "run that part again"],
        ),
        ("no shard", NO_INPUT, &["one", "empty"], &["empty"]),
        ("not there", NO_INPUT, &["one", "nowhere"], &["nowhere"]),
        ("a report", NO_INPUT, &["one", "inputs"], &["inputs"]),
        ("no library", 69, &["one", "two"], &["onnxruntime"]),
    ];
    for (name, code, shards, parts) in cases {
        let call = Call::new("merge").with("--output", text(&output.join("merged")));
        let mut call = shards
            .iter()
            .fold(call, |call, shard| call.also(&text(&at(shard)), ""));
        if code == 69 {
            call = call.with("--onnxruntime", text(&at("onnxruntime")));
        }
        assert_refused(name, &call.run(), code, parts);
        assert_eq!(
            std::fs::read_dir(&output).expect("the folder").count(),
            0,
            "{name}"
        );
    }
}

/// A patient model that was changed after the shards were run is not the one they were run for.
#[test]
fn shards_of_a_model_that_was_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let shard = folder.path().join("shard");
    let bundle = edited(folder.path(), "patient-risk", "model", "/version", "1.0.0");
    run(&shard)
        .with("--model", testdata("models/variant-kmer"))
        .also("--model", text(&bundle))
        .with("--shard", "1/1")
        .succeed();
    let path = bundle.join("manifest.json");
    let manifest = std::fs::read_to_string(&path).expect("the manifest");
    std::fs::write(&path, manifest.replace("\"std\":12.0", "\"std\":13.0")).expect("a file");
    let output = folder.path().join("merged");
    let call = Call::new("merge")
        .also(&text(&shard), "")
        .with("--output", text(&output));
    assert_refused("changed", &call.run(), DATA, &["model", "restore it"]);
    assert!(!output.exists());
}

/// Shards together may set aside what one run may, and no more.
#[test]
fn shards_with_bad_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut vcf = crate::support::refusal::secret_cohort();
    vcf.records[3][9] = "0/7".to_owned();
    vcf.records[2400][9] = "0/7".to_owned();
    let call = |output: &Path, limit: &str| {
        let call = secret_run(folder.path(), output).with("--max-bad-records", limit);
        call.with("--vcf", write(folder.path(), "bad.vcf", vcf.text()))
    };
    for (limit, code) in [("1", DATA), ("2", 0)] {
        let output = folder.path().join(format!("merged-{limit}"));
        let mut merge = Call::new("merge").with("--output", text(&output));
        for number in [1, 2] {
            let shard = folder.path().join(format!("shard-{limit}-{number}"));
            call(&shard, limit)
                .with("--shard", format!("{number}/2"))
                .succeed();
            merge = merge.also(&text(&shard), "");
        }
        let ended = merge.run();
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    }
}
