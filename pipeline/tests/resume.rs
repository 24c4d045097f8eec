//! Runs that are interrupted or killed: nothing under the final name, and `--resume` gives the same
//! bytes.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::demo::run;
use crate::support::program::{Call, hashes, outcome, run_record, testdata, text};

/// A run that saves its state after every record: slow enough to be stopped anywhere.
fn slow(output: &Path) -> Call {
    run(output)
        .with("--threads", "1")
        .with("--batch-size", "4")
        .with("--checkpoint-seconds", "0.000001")
}

pub(crate) fn start(call: &Call) -> Child {
    let mut command = call.command();
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(status.success());
}

/// Whether all threads of a program wait for something; one that waits for a processor does not count.
fn is_asleep(child: &Child) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).expect("its threads");
    tasks.flatten().all(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('S'))
    })
}

/// Records that a saved state has done.
pub(crate) fn records_saved(work: &Path) -> u64 {
    let text = std::fs::read_to_string(work.join("state.json")).unwrap_or_default();
    let state: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    state["records"].as_u64().unwrap_or(0)
}

#[test]
fn interrupted_and_resumed() {
    for name in ["INT", "TERM"] {
        let folder = tempfile::tempdir().expect("a folder");
        let (output, whole) = (folder.path().join("report"), folder.path().join("whole"));
        let partial = folder.path().join("report.partial");
        run(&whole).succeed();
        let child = start(&slow(&output));
        wait_for("saved state", || records_saved(&partial.join("work")) > 100);
        signal(&child, name);
        let ended = child.wait_with_output().expect("the program ends");
        let message = String::from_utf8(ended.stderr).expect("text");
        assert_eq!(ended.status.code(), Some(130), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(
            message.contains("interrupted") && message.contains("--resume"),
            "{message}"
        );
        assert!(!output.exists() && partial.exists());

        // Without --resume nothing is lost by accident.
        let refused = run(&output).run();
        assert_eq!(refused.code, Some(73), "{}", refused.stderr);
        assert!(refused.stderr.contains("--resume"), "{}", refused.stderr);
        // Another run does not continue this one, and leaves it as it is.
        let other = run(&output).with("--top", "3").also("--resume", "").run();
        assert_eq!(other.code, Some(64), "{}", other.stderr);
        assert!(records_saved(&partial.join("work")) > 0);

        let resumed = run(&output).also("--resume", "").succeed();
        assert!(
            resumed.stderr.contains("continuing after"),
            "{}",
            resumed.stderr
        );
        assert_eq!(hashes(&output), hashes(&whole));
        assert!(!partial.exists());
        let [own, whole] = [&output, &whole].map(|folder| run_record(folder));
        assert_eq!(own["counts"], whole["counts"]);
        assert!(own["wall_seconds"].as_f64() > whole["wall_seconds"].as_f64());
    }
}

/// SLURM sends its signal to the job's script and to the program, and the script sends it on: one request, after which
/// the state is saved. Here the program waits for its input and does not look whether it is to stop, until a second
/// request ends it.
#[test]
fn two_signals_at_once_are_one_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    let call = run(&output).with("--vcf", "-");
    let mut command = call.command();
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    let variants = std::fs::read(testdata("cohort.vcf.gz")).expect("the cohort");
    input.write_all(&variants).expect("the program reads");
    let partial = folder.path().join("report.partial");
    // It must wait already: before that it sees a request in good time.
    let mut asleep = 0;
    wait_for("wait for input", || {
        let waits = partial.exists() && is_asleep(&child);
        asleep = if waits { asleep + 1 } else { 0 };
        asleep > 100
    });
    // Different signals, because equal ones that wait are one.
    for name in ["STOP", "TERM", "INT", "CONT"] {
        signal(&child, name);
    }
    std::thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().expect("a child").is_none());
    let mut ended = None;
    for _ in 0..120 {
        std::thread::sleep(Duration::from_millis(500));
        ended = child.try_wait().expect("a child");
        if ended.is_some() {
            break;
        }
        signal(&child, "TERM");
    }
    if ended.is_none() {
        child.kill().expect("the program is killed");
    }
    assert_eq!(ended.and_then(|ended| ended.code()), Some(130));
}

/// Killed at many moments, the last of them while tables are written; every time taken up again.
#[test]
fn killed_and_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (output, whole) = (folder.path().join("report"), folder.path().join("whole"));
    let partial = folder.path().join("report.partial");
    run(&whole).succeed();
    let resume = slow(&output).also("--resume", "");
    let work = partial.join("work");
    for records in [0, 1, 5, 300, 900, 1800, 2500] {
        let mut child = start(&resume);
        wait_for("progress", || {
            records_saved(&work) > records || partial.join("variants.parquet").exists()
        });
        child.kill().expect("the program is killed");
        child.wait().expect("the program ends");
        assert!(!output.exists(), "after {records} records");
    }
    // While the tables are written.
    let mut child = start(&resume);
    wait_for("table", || {
        partial.join("variants.parquet").exists() || output.exists()
    });
    child.kill().expect("the program is killed");
    child.wait().expect("the program ends");
    if !output.exists() {
        resume.succeed();
    }
    assert_eq!(hashes(&output), hashes(&whole));
    assert!(!partial.exists());
}

/// A crash before the first saved state, or right before the end: what is there must not stand in
/// the way.
#[test]
fn leftovers_of_a_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let (output, whole) = (folder.path().join("report"), folder.path().join("whole"));
    let partial = folder.path().join("report.partial");
    run(&whole).succeed();
    let check = |place: &str, files: &[&str], call: Call| {
        std::fs::create_dir_all(partial.join("work")).expect("a folder");
        for file in files {
            std::fs::write(partial.join(file), "half a file").expect("a file");
        }
        call.also("--resume", "").succeed();
        assert!(!output.join("work").exists(), "{place}");
        std::fs::read_dir(&output)
            .expect("the report")
            .flatten()
            .count()
    };
    let leftovers = [
        "work/part-00000000.arrow",
        "variants.parquet",
        "risk.parquet",
        "stray.parquet",
    ];
    assert_eq!(check("no state", &leftovers, run(&output)), 7);
    assert_eq!(hashes(&output), hashes(&whole));
}

#[test]
fn shards_are_resumed_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    run(&whole).succeed();
    let shards = [1, 2].map(|number| {
        let shard = folder.path().join(format!("shard-{number}"));
        let partial = folder.path().join(format!("shard-{number}.partial"));
        let call = slow(&shard).with("--shard", format!("{number}/2"));
        let mut child = start(&call);
        wait_for("saved state", || records_saved(&partial) > 50);
        child.kill().expect("the program is killed");
        child.wait().expect("the program ends");
        std::fs::write(partial.join("part-99999999.arrow"), "a stray part").expect("a file");
        call.also("--resume", "").succeed();
        assert!(!shard.join("part-99999999.arrow").exists());
        text(&shard)
    });
    let output = folder.path().join("merged");
    let call = Call::new("merge").with("--output", text(&output));
    shards
        .iter()
        .fold(call, |call, shard| call.also(shard, ""))
        .succeed();
    assert_eq!(hashes(&output), hashes(&whole));
}

/// Interrupted before the first record, nothing is left.
#[test]
fn interrupted_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    let pipe = folder.path().join("pipe.vcf");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo runs")
            .success()
    );
    // The header waits in the pipe until the signal is there.
    let child = start(&run(&output).with("--vcf", text(&pipe)));
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(100));
    let vcf = crate::support::cohort::Vcf::bundled().text();
    // The program may stop reading before the end.
    let _ = std::fs::write(&pipe, vcf);
    let ended = child.wait_with_output().expect("the program ends");
    assert_eq!(ended.status.code(), Some(130));
    assert_eq!(
        String::from_utf8_lossy(&ended.stderr),
        "varisk: error: interrupted\n"
    );
    let left = std::fs::read_dir(folder.path())
        .expect("the folder")
        .count();
    assert_eq!(left, 1, "only the pipe is there");
}

/// A pipe cannot be read again, so it is not said that it could.
#[test]
fn pipes_are_not_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    for option in [("--resume", ""), ("--shard", "1/2")] {
        let call = run(&output).with("--vcf", "-").also(option.0, option.1);
        let call = call.from(Path::new(&crate::support::program::testdata(
            "cohort.vcf.gz",
        )));
        let refused = outcome(&mut call.command());
        assert_eq!(refused.code, Some(64), "{}", refused.stderr);
        assert_eq!(
            std::fs::read_dir(folder.path())
                .expect("the folder")
                .count(),
            0
        );
    }
}
