//! What happens on clusters: jobs killed at any moment and started again, two at once, disks of nodes,
//! disks that are full or cannot be written, clocks that differ.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::bad_output::limited;
use crate::resume::{records_saved, signal, start, wait_for};
use crate::shards::{count, plan_of, shard_of};
use crate::support::demo::run;
use crate::support::program::{Call, hashes, outcome, run_record, testdata, text};
use crate::support::refusal::assert_refused;

const DATA: i32 = 65;
const CANNOT_CREATE: i32 = 73;
const IO: i32 = 74;
const INTERRUPTED: i32 = 130;

/// A run that saves its state after every few records, so that it can be stopped anywhere.
fn slow(call: &Call) -> Call {
    call.clone()
        .with("--threads", "1")
        .with("--batch-size", "2")
        .with("--checkpoint-seconds", "0.000001")
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

/// Shards are killed at ten random moments, some of them on the disk of a node, and started again by
/// the same command: the bytes are those of a run that nobody disturbed, and what was saved is not done
/// again.
#[test]
fn shards_killed_at_random_moments() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let call = run(&at("unused"));
    let whole = at("whole");
    call.clone().with("--output", text(&whole)).succeed();
    plan_of(&call, &at("plan")).with("--shards", "3").succeed();
    let shards = count(&at("plan"));
    let output = |number: usize| at("shards").join(number.to_string());
    let attempt = |number: usize, scratch: Option<&Path>| {
        let call =
            slow(&shard_of(&call, &at("plan"), number, &output(number))).also("--resume", "");
        match scratch {
            Some(scratch) => call.with("--scratch", text(scratch)),
            None => call,
        }
    };
    // How long one undisturbed shard takes, to choose moments within it.
    let started = std::time::Instant::now();
    attempt(1, None).succeed();
    let length = started.elapsed();
    std::fs::remove_dir_all(output(1)).expect("the shard");
    let (mut random, mut kills, mut resumed) = (ChaCha8Rng::seed_from_u64(7), 0, 0);
    let mut number = 0;
    while kills < 10 {
        number = number % shards + 1;
        if output(number).exists() {
            // It got through before it was killed: it is the others' turn, or it begins anew.
            if (1..=shards).all(|number| output(number).exists()) {
                std::fs::remove_dir_all(output(number)).expect("the shard");
            } else {
                continue;
            }
        }
        let scratch = (number == 2).then(|| at("node"));
        let mut child = start(&attempt(number, scratch.as_deref()));
        let share = f64::from(random.next_u32()) / f64::from(u32::MAX);
        std::thread::sleep(length.mul_f64(share));
        if child.try_wait().expect("its state").is_none() {
            child.kill().expect("the program is killed");
            kills += 1;
        }
        child.wait().expect("the program ends");
    }
    let left_to_do: Vec<usize> = (1..=shards).filter(|own| !output(*own).exists()).collect();
    for number in left_to_do.iter().copied() {
        let partial = at("shards").join(format!("{number}.partial"));
        let saved = records_saved(&partial);
        let scratch = (number == 2).then(|| at("node"));
        let done = attempt(number, scratch.as_deref()).succeed();
        let says = done.stderr.contains("continuing after");
        assert!(saved == 0 || says, "{}", done.stderr);
        resumed += usize::from(says);
    }
    assert!(resumed > 0, "no shard was taken up");
    let names: Vec<String> = (1..=shards).map(|number| number.to_string()).collect();
    assert_eq!(entries(&at("shards")), names);
    if left_to_do.contains(&2) {
        assert!(entries(&at("node")).is_empty());
    }
    for number in 1..=shards {
        let left = entries(&output(number));
        assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
    }
    let merge = Call::new("merge").also(&text(&at("shards")), "");
    // The merge is killed too, and starts anew.
    let merged = at("merged");
    let merge = merge.with("--output", text(&merged));
    let mut child = start(&merge);
    wait_for("table", || {
        at("merged.partial").join("variants.parquet").exists() || merged.exists()
    });
    child.kill().expect("the program is killed");
    child.wait().expect("the program ends");
    if !merged.exists() {
        merge.succeed();
    }
    assert_eq!(hashes(&merged), hashes(&whole));
    assert_eq!(run_record(&merged)["counts"], run_record(&whole)["counts"]);
}

/// A scheduler gives a job up and starts it again while the first one is still alive.
#[test]
fn two_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("shard");
    let call = slow(&run(&output).with("--shard", "1/2"));
    let mut child = start(&call);
    wait_for("saved state", || {
        records_saved(&folder.path().join("shard.partial")) > 10
    });
    let second = call.clone().also("--resume", "").run();
    assert_refused(
        "second",
        &second,
        CANNOT_CREATE,
        &["another process", "shard.partial"],
    );
    assert!(
        child.try_wait().expect("its state").is_none(),
        "the first one goes on"
    );
    child.kill().expect("the program is killed");
    child.wait().expect("the program ends");
    // The lock goes with the process, however it ends.
    call.also("--resume", "").succeed();
}

/// What is unfinished lies on the disk of the node alone; a signal brings it to where another node finds
/// it.
#[test]
fn disks_of_nodes() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let (whole, output) = (at("whole"), at("shared/report"));
    run(&whole).succeed();
    let call = |node: &str| slow(&run(&output)).with("--scratch", text(&at(node)));
    let mut child = start(&call("node-1"));
    let on_node = |node: &str| {
        let folders = std::fs::read_dir(at(node)).into_iter().flatten().flatten();
        let mut folders = folders.map(|entry| entry.path());
        folders.next()
    };
    wait_for("saved state", || {
        on_node("node-1").is_some_and(|path| records_saved(&path.join("work")) > 50)
    });
    // Beside the output stands only that it is being made.
    assert_eq!(entries(&at("shared/report.partial")), [".lock"]);
    signal(&child, "TERM");
    let status = child.wait().expect("the program ends");
    assert_eq!(status.code(), Some(INTERRUPTED));
    assert!(entries(&at("node-1")).is_empty());
    let saved = records_saved(&at("shared/report.partial/work"));
    assert!(saved > 50);
    let done = call("node-2").also("--resume", "").succeed();
    assert!(done.stderr.contains("continuing after"), "{}", done.stderr);
    assert!(entries(&at("node-2")).is_empty());
    assert_eq!(entries(&at("shared")), ["report"]);
    assert_eq!(hashes(&output), hashes(&whole));

    // What a killed job has left on a node is not taken for that of another output.
    std::fs::remove_dir_all(&output).expect("the report");
    let mut child = start(&call("node-1"));
    wait_for("saved state", || {
        on_node("node-1").is_some_and(|path| records_saved(&path.join("work")) > 50)
    });
    child.kill().expect("the program is killed");
    child.wait().expect("the program ends");
    assert_refused(
        "again",
        &call("node-1").run(),
        CANNOT_CREATE,
        &["report.partial", "--resume"],
    );
    std::fs::remove_dir_all(at("shared/report.partial")).expect("the folder");
    let done = run(&output)
        .with("--scratch", text(&at("node-1")))
        .succeed();
    assert!(!done.stderr.contains("continuing"), "{}", done.stderr);
    // It has a folder of its own there, and leaves alone what is not its own.
    assert_eq!(entries(&at("node-1")).len(), 1);
    assert_eq!(hashes(&output), hashes(&whole));
}

/// A shard that goes on in another folder than it was begun in, and is merged in a third one: what it names
/// is looked for where it is then.
#[test]
fn folders_that_move_between_attempts() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    let scores = |call: Call| {
        call.with("--score", "scores")
            .with("--score-build", "other")
            .with("--reference", "genome.fa")
    };
    scores(run(&whole))
        .with("--score", testdata("scores"))
        .with("--reference", testdata("genome.fa"))
        .succeed();
    let first = folder.path().join("a");
    std::fs::create_dir(&first).expect("a folder");
    for name in ["genome.fa", "genome.fa.fai", "scores"] {
        std::os::unix::fs::symlink(testdata(name), first.join(name)).expect("a link");
    }
    let shard = slow(&scores(run(Path::new("shard")))).with("--shard", "1/1");
    let mut command = shard.command();
    let mut child = command.current_dir(&first).spawn().expect("it starts");
    wait_for("saved state", || {
        records_saved(&first.join("shard.partial")) > 50
    });
    child.kill().expect("the program is killed");
    child.wait().expect("the program ends");
    let mut place = first;
    for (name, call) in [
        ("b", shard.also("--resume", "")),
        (
            "c",
            Call::new("merge")
                .also("shard", "")
                .with("--output", "merged"),
        ),
    ] {
        let next = folder.path().join(name);
        std::fs::rename(&place, &next).expect("moved");
        let done = outcome(call.command().current_dir(&next));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        place = next;
    }
    assert_eq!(hashes(&place.join("merged")), hashes(&whole));
}

/// Other verbs that write folders work on the disk of the node too.
#[test]
fn merged_on_the_disk_of_a_node() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    run(&at("whole")).succeed();
    run(&at("shard"))
        .with("--shard", "1/1")
        .with("--scratch", text(&at("node")))
        .succeed();
    Call::new("merge")
        .also(&text(&at("shard")), "")
        .with("--output", text(&at("merged")))
        .with("--scratch", text(&at("node")))
        .succeed();
    assert_eq!(hashes(&at("merged")), hashes(&at("whole")));
    assert!(entries(&at("node")).is_empty());
}

/// Shards and plans on a full disk: one sentence, and nothing that looks whole.
#[test]
fn full_disks() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let call = run(&at("unused"));
    plan_of(&call, &at("plan")).with("--shards", "2").succeed();
    let shard = shard_of(&call, &at("plan"), 1, &at("shard"));
    for call in [
        plan_of(&call, &at("other")).with("--shards", "2"),
        shard.clone(),
        shard.with("--scratch", text(&at("node"))),
    ] {
        let refused = outcome(&mut limited(&call, 1));
        assert_refused("full", &refused, IO, &["cannot write", "free space"]);
        let left: Vec<String> = entries(folder.path());
        let left: Vec<&String> = left.iter().filter(|name| *name != "node").collect();
        assert_eq!(left, ["plan"]);
        assert!(!at("node").exists() || entries(&at("node")).is_empty());
    }
}

/// A place that cannot be written is refused before anything is read. Root may write everywhere but
/// where a file stands in place of a folder.
#[test]
fn places_that_cannot_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("file"), "no folder").expect("a file");
    std::fs::create_dir(at("locked")).expect("a folder");
    let locked = std::fs::Permissions::from_mode(0o555);
    std::fs::set_permissions(at("locked"), locked).expect("permissions");
    let is_root = std::fs::write(at("locked/try"), "").is_ok();
    let mut places = vec![at("file/shard")];
    if !is_root {
        places.push(at("locked/shard"));
    }
    for place in &places {
        for call in [
            run(place).with("--shard", "1/2"),
            plan_of(&run(place), place).with("--shards", "2"),
        ] {
            assert_refused(
                "output",
                &call.run(),
                CANNOT_CREATE,
                &["cannot create", "permissions"],
            );
        }
    }
    let scratch = run(&at("shard"))
        .with("--shard", "1/2")
        .with("--scratch", text(&at("file")));
    assert_refused(
        "scratch",
        &scratch.run(),
        CANNOT_CREATE,
        &["cannot create", "file"],
    );
    assert!(!at("shard.partial").exists());
}

/// Copies of the cohort and its index, the index seemingly made long before.
fn staged(folder: &Path, change: &dyn Fn(&Path)) -> PathBuf {
    let vcf = folder.join("cohort.vcf.gz");
    let index = folder.join("cohort.vcf.gz.tbi");
    std::fs::copy(testdata("cohort.vcf.gz"), &vcf).expect("a copy");
    std::fs::copy(testdata("cohort.vcf.gz.tbi"), &index).expect("a copy");
    change(&vcf);
    let file = std::fs::File::options()
        .append(true)
        .open(&index)
        .expect("the index");
    let old = SystemTime::now() - Duration::from_secs(3600);
    file.set_modified(old).expect("its time");
    vcf
}

/// Nodes' clocks differ, and files are staged in any order: an index that seems older than its file is
/// taken where it ends with the file, and refused where it does not.
#[test]
fn clocks_that_differ() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let vcf = staged(folder.path(), &|_| {});
    run(&at("whole")).with("--shard", "1/2").succeed();
    let copied = run(&at("copied"))
        .with("--shard", "1/2")
        .with("--vcf", text(&vcf));
    copied.succeed();
    // Another file under the same name, with one block less.
    let shortened = |vcf: &Path| {
        let bytes = std::fs::read(vcf).expect("the file");
        let size =
            |at: usize| usize::from(u16::from_le_bytes([bytes[at + 16], bytes[at + 17]])) + 1;
        let mut starts = vec![0];
        while starts[starts.len() - 1] + size(starts[starts.len() - 1]) < bytes.len() {
            starts.push(starts[starts.len() - 1] + size(starts[starts.len() - 1]));
        }
        let (last, end) = (starts[starts.len() - 2], starts[starts.len() - 1]);
        let mut shorter = bytes[..last].to_vec();
        shorter.extend(&bytes[end..]);
        std::fs::write(vcf, shorter).expect("the file");
    };
    let vcf = staged(folder.path(), &shortened);
    let refused = run(&at("stale"))
        .with("--shard", "1/2")
        .with("--vcf", text(&vcf))
        .run();
    assert_refused(
        "stale",
        &refused,
        DATA,
        &["tbi", "is older than", "bcftools index"],
    );
    // Output times of the future change nothing either.
    let shard = at("copied");
    for entry in std::fs::read_dir(&shard).expect("the shard").flatten() {
        let file = std::fs::File::options()
            .append(true)
            .open(entry.path())
            .expect("a file");
        file.set_modified(SystemTime::now() + Duration::from_secs(86_400))
            .expect("its time");
    }
    run(&at("second"))
        .with("--shard", "2/2")
        .with("--vcf", testdata("cohort.vcf.gz"))
        .succeed();
    let merge = Call::new("merge")
        .also(&text(&shard), "")
        .also(&text(&at("second")), "");
    merge.with("--output", text(&at("merged"))).succeed();
    run(&at("undivided")).succeed();
    assert_eq!(hashes(&at("merged")), hashes(&at("undivided")));
}
