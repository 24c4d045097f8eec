//! Scores, ancestry and absolute risks are the same to the last byte, however the work is cut and
//! wherever it comes from.

use std::path::{Path, PathBuf};
use std::process::Child;

use crate::resume::{records_saved, signal, start, wait_for};
use crate::support::bundle::bundle;
use crate::support::cohort::Vcf;
use crate::support::program::{Call, run_record, testdata, text};
use crate::support::refusal::{assert_refused, write};
use crate::support::scores::{assert_same_files, files, panel, prs, with_all};

/// A change of a call that must not change the tables.
type Change<'c> = (&'c str, &'c dyn Fn(Call) -> Call);

fn check(sound: &dyn Fn(&Path) -> Call, folder: &Path, cases: &[Change<'_>]) {
    let whole = folder.join("whole");
    sound(&whole).with("--threads", "1").succeed();
    let expected = files(&whole);
    for name in [
        "risk.parquet",
        "scores.parquet",
        "score_references.parquet",
        "score_variants.parquet",
        "ancestry.parquet",
        "sscore/TOY1.sscore",
        "varisk_pgs.txt.gz",
    ] {
        assert!(expected.contains_key(name), "{name} is not there");
    }
    for (number, (name, change)) in cases.iter().enumerate() {
        let output = folder.join(format!("cut-{number}"));
        change(sound(&output)).succeed();
        assert_same_files(&output, &expected, name);
    }
}

#[test]
fn threads_batches_and_saved_states() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let with =
        |option: &'static str, value: &'static str| move |call: Call| call.with(option, value);
    check(
        &|output| with_all(prs(output), &panel),
        folder.path(),
        &[
            ("2 threads", &with("--threads", "2")),
            ("4 threads", &with("--threads", "4")),
            ("batches of 1", &with("--batch-size", "1")),
            ("batches of 64", &with("--batch-size", "64")),
            ("batches of 1000", &with("--batch-size", "1000")),
            ("batches of 20 kB", &with("--batch-bytes", "20000")),
            ("a state after each batch", &|call| {
                call.with("--batch-size", "64")
                    .with("--checkpoint-seconds", "0.001")
            }),
        ],
    );
}

/// Frequencies of a bundle are joined batch by batch.
#[test]
fn imputation_by_frequencies() {
    let folder = tempfile::tempdir().expect("a folder");
    let (panel, bundle) = (panel(folder.path()), bundle(folder.path()));
    let sound = |output: &Path| {
        with_all(prs(output), &panel)
            .with("--knowledge", text(&bundle))
            .with("--impute", "frequencies")
            .with("--frequencies", "population.af")
    };
    check(
        &sound,
        folder.path(),
        &[
            ("4 threads", &|call| call.with("--threads", "4")),
            ("batches of 64", &|call| call.with("--batch-size", "64")),
            ("a state after each batch", &|call| {
                call.with("--batch-size", "64")
                    .with("--checkpoint-seconds", "0.001")
            }),
        ],
    );
}

#[test]
fn sources_of_the_same_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let plain = PathBuf::from(write(folder.path(), "cohort.vcf", Vcf::bundled().text()));
    let packed = PathBuf::from(testdata("cohort.vcf.gz"));
    let bcf = folder.path().join("cohort.bcf");
    Call::new("annotate")
        .with("--vcf", testdata("cohort.vcf.gz"))
        .with("--reference", testdata("genome.fa"))
        .with("--build", "other")
        .with("--gene-models", testdata("genes.gff3"))
        .with("--output", text(&bcf))
        .succeed();
    let regions: String = [
        ("chr1", 200_000),
        ("chr2", 100_000),
        ("chrX", 100_000),
        ("chrY", 40_000),
        ("chrM", 16_000),
    ]
    .map(|(name, length)| format!("{name}\t0\t{length}\n"))
    .concat();
    let regions = write(folder.path(), "all.bed", regions);
    check(
        &|output| with_all(prs(output), &panel),
        folder.path(),
        &[
            ("plain text", &|call| call.with("--vcf", text(&plain))),
            ("BCF", &|call| call.with("--vcf", text(&bcf))),
            ("text on standard input", &|call| {
                call.with("--vcf", "-").from(&plain)
            }),
            ("BGZF on standard input", &|call| {
                call.with("--vcf", "-").from(&packed)
            }),
            ("BCF on standard input", &|call| {
                call.with("--vcf", "-").from(&bcf)
            }),
            ("every contig by index", &|call| {
                call.with("--regions-file", regions.clone())
            }),
        ],
    );
}

#[test]
fn shards_merged() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let whole = folder.path().join("whole");
    with_all(prs(&whole), &panel).succeed();
    let expected = files(&whole);
    for count in [1, 3] {
        let mut merge = Call::new("merge");
        for number in (1..=count).rev() {
            let shard = folder.path().join(format!("shard-{number}-of-{count}"));
            with_all(prs(&shard), &panel)
                .with("--shard", format!("{number}/{count}"))
                .with("--batch-size", (number * 64).to_string())
                .succeed();
            merge = merge.also(&text(&shard), "");
        }
        let output = folder.path().join(format!("merged-{count}"));
        merge.with("--output", text(&output)).succeed();
        assert_same_files(&output, &expected, &format!("{count} shards"));
        let [own, merged] = [&whole, &output].map(|folder| run_record(folder));
        for key in [
            "counts",
            "inputs",
            "knowledge",
            "parameters",
            "tables",
            "plan_sha256",
            "patients",
            "genome_build",
        ] {
            assert_eq!(own[key], merged[key], "{key}");
        }
        assert_eq!(merged["verb"], "merge");
    }
}

/// Shards of other scores or another panel are not shards of one run.
#[test]
fn shards_of_different_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    prs(&at("one")).with("--shard", "1/2").succeed();
    let other = prs(&at("two")).with("--shard", "2/2");
    other.with("--score", testdata("scores/TOY1.txt")).succeed();
    let third = prs(&at("three")).with("--shard", "2/2");
    third.with("--min-coverage", "0.5").succeed();
    for second in ["two", "three"] {
        let merge = Call::new("merge")
            .also(&text(&at("one")), "")
            .also(&text(&at(second)), "");
        let refused = merge.with("--output", text(&at("merged"))).run();
        assert_eq!(refused.code, Some(65), "{second}: {}", refused.stderr);
        assert!(!at("merged").exists());
    }
}

/// A run that saves its state after every few records.
fn slow(call: Call) -> Call {
    call.with("--threads", "1")
        .with("--batch-size", "2")
        .with("--checkpoint-seconds", "0.000001")
}

fn stopped_after(call: &Call, work: &Path, records: u64) -> Child {
    let child = start(call);
    wait_for("saved state", || records_saved(work) > records);
    child
}

#[test]
fn interrupted_and_resumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let [whole, output] = ["whole", "report"].map(|name| folder.path().join(name));
    let work = folder.path().join("report.partial/work");
    with_all(prs(&whole), &panel).succeed();
    let call = with_all(prs(&output), &panel);
    let child = stopped_after(&slow(call.clone()), &work, 100);
    signal(&child, "TERM");
    let ended = child.wait_with_output().expect("the program ends");
    let message = String::from_utf8(ended.stderr).expect("text");
    assert_eq!(ended.status.code(), Some(130), "{message}");
    assert!(!output.exists());
    // Other settings of scores make another run.
    for (option, value) in [
        ("--min-coverage", "0.5"),
        ("--low-coverage", "flag"),
        ("--ambiguous", "keep"),
        ("--duplicates", "sum"),
    ] {
        let other = call.clone().with(option, value).also("--resume", "").run();
        assert_eq!(other.code, Some(64), "{option}: {}", other.stderr);
    }
    // Killed once more, then done.
    let resume = call.also("--resume", "");
    let mut child = stopped_after(&slow(resume.clone()), &work, 800);
    child.kill().expect("the program is killed");
    child.wait().expect("the program ends");
    let resumed = resume.succeed();
    assert!(
        resumed.stderr.contains("continuing after"),
        "{}",
        resumed.stderr
    );
    assert_same_files(&output, &files(&whole), "resumed");
    let [own, whole] = [&output, &whole].map(|folder| run_record(folder));
    assert_eq!(own["counts"], whole["counts"]);
}

/// What a run began with must be there, unchanged, where it is taken up or merged.
#[test]
fn inputs_that_change_before_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let panel = panel(path);
    let originals = [
        "scores/TOY1.txt",
        "absolute-risk/model.toml",
        "absolute-risk/incidence.csv",
        "absolute-risk/mortality.csv",
    ];
    for name in originals {
        let bytes = std::fs::read(testdata(name)).expect("a file");
        let name = name.rsplit('/').next().expect("a name");
        std::fs::write(path.join(name), bytes).expect("a copy");
    }
    let call = |output: &Path| {
        with_all(prs(output), &panel)
            .with("--score", text(&path.join("TOY1.txt")))
            .with("--absolute-risk", text(&path.join("model.toml")))
    };
    let shard = path.join("shard");
    call(&shard).with("--shard", "1/1").succeed();
    let output = path.join("report");
    let child = stopped_after(&slow(call(&output)), &path.join("report.partial/work"), 100);
    signal(&child, "TERM");
    child.wait_with_output().expect("the program ends");
    let merged = path.join("merged");
    let merge = Call::new("merge")
        .also(&text(&shard), "")
        .with("--output", text(&merged));
    let resume = call(&output).also("--resume", "");
    let panel_table = panel.join("scores.parquet");
    let paths = ["TOY1.txt", "incidence.csv", "model.toml"].map(|name| path.join(name));
    for file in paths
        .iter()
        .chain([&panel_table, &panel.join("ancestry.json")])
    {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let own = std::fs::read(file).expect("a file");
        std::fs::remove_file(file).expect("the file goes");
        for (what, call) in [("merge", &merge), ("resume", &resume)] {
            let refused = call.run();
            // A file that was hashed is missed as such, a table of the panel where it is opened.
            let code = refused.code.filter(|code| [65, 66].contains(code));
            let code = code.unwrap_or_default();
            assert_refused(&format!("{what} without {name}"), &refused, code, &[name]);
        }
        // A number or a letter changed, so that the file still is what it is.
        let changed = match name {
            "TOY1.txt" => String::from_utf8_lossy(&own)
                .replacen("0.063512", "0.963512", 1)
                .into_bytes(),
            "incidence.csv" => String::from_utf8_lossy(&own)
                .replacen("0.000160", "0.000960", 1)
                .into_bytes(),
            "model.toml" => String::from_utf8_lossy(&own)
                .replacen("= 1.6", "= 1.7", 1)
                .into_bytes(),
            _ => own.iter().map(|byte| byte ^ 1).collect(),
        };
        assert_ne!(changed, own);
        std::fs::write(file, changed).expect("the file is changed");
        for (what, call) in [("merge", &merge), ("resume", &resume)] {
            let refused = call.run();
            let code = refused.code;
            assert!(
                code == Some(64) || code == Some(65),
                "{what} with another {name}: {code:?} {}",
                refused.stderr
            );
        }
        assert!(!merged.exists() && !output.exists(), "{name}");
        std::fs::write(file, own).expect("the file as it was");
    }
    merge.succeed();
    resume.succeed();
    assert_same_files(&output, &files(&merged), "merged and resumed");
}
