//! Runs that are cut by a table: the same bytes however they are cut, and tables that do not fit are
//! refused.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cuts::check_records;
use crate::prs_states::gvcf_of;
use crate::schemas;
use crate::support::bundle::{annotated, bundle};
use crate::support::cohort::Vcf;
use crate::support::demo::{run, run_files, score};
use crate::support::genome::Genome;
use crate::support::program::{Call, hashes, run_record, testdata, text};
use crate::support::refusal::{assert_refused, write};
use crate::support::scores::{files, panel, prs, with_all};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const CANNOT_CREATE: i32 = 73;

/// The same run as a plan.
pub(crate) fn plan_of(call: &Call, output: &Path) -> Call {
    let verb = call.own_verb();
    call.clone()
        .verb("plan")
        .with("--verb", verb)
        .with("--output", text(output))
        .with("--probe-seconds", "0")
}

pub(crate) fn table(plan: &Path) -> Value {
    let text = std::fs::read_to_string(plan.join("shards.json")).expect("the table");
    serde_json::from_str(&text).expect("JSON")
}

pub(crate) fn count(plan: &Path) -> usize {
    table(plan)["shards"].as_array().map_or(0, Vec::len)
}

/// A shard of a planned run.
pub(crate) fn shard_of(call: &Call, plan: &Path, number: usize, output: &Path) -> Call {
    call.clone()
        .with("--shard-table", text(&plan.join("shards.json")))
        .with("--shard", number.to_string())
        .with("--output", text(output))
}

/// Plans, runs all shards, merges; the merged folder.
fn cut(folder: &Path, name: &str, call: &Call, flags: &[(&str, &str)]) -> PathBuf {
    let at = |part: &str| folder.join(format!("{name}-{part}"));
    let plan = at("plan");
    let planned = flags
        .iter()
        .fold(plan_of(call, &plan), |call, (flag, value)| {
            call.with(flag, *value)
        });
    planned.succeed();
    for number in 1..=count(&plan) {
        shard_of(call, &plan, number, &at("shards").join(number.to_string()))
            .with("--batch-size", (50 * number).to_string())
            .succeed();
    }
    let merged = at("merged");
    Call::new("merge")
        // The folder that holds all shards.
        .also(&text(&at("shards")), "")
        .with("--shard-table", text(&plan.join("shards.json")))
        .with("--output", text(&merged))
        .succeed();
    merged
}

/// Compares cuts of a run with the run.
fn check(folder: &Path, call: &Call, cuts: &[(&str, &str, &str)]) {
    let whole = folder.join("whole");
    call.clone().with("--output", text(&whole)).succeed();
    let expected = files(&whole);
    assert!(expected.len() > 1);
    for (number, (balance, shards, groups)) in cuts.iter().enumerate() {
        let flags = [
            ("--balance", *balance),
            ("--shards", *shards),
            ("--patient-groups", *groups),
        ];
        let name = format!("cut-{number}");
        let merged = cut(folder, &name, call, &flags);
        let wanted: usize =
            shards.parse::<usize>().expect("a number") * groups.parse::<usize>().expect("a number");
        assert_eq!(
            count(&folder.join(format!("{name}-plan"))),
            wanted,
            "{flags:?}"
        );
        let found = files(&merged);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>()
        );
        for (name, bytes) in &expected {
            assert!(found[name] == *bytes, "{name} differs with {flags:?}");
        }
        check_records(&run_record(&whole), &run_record(&merged));
    }
}

/// Everything that a run can do with a cohort file.
fn everything(folder: &Path) -> Call {
    let (bundle, panel) = (bundle(folder), panel(folder));
    let call = annotated(&folder.join("unused"), &bundle)
        .with("--burden-frequency", "population.af")
        .with("--burden-max-frequency", "0.05")
        .with("--haplotypes", "as-written")
        .also("--explain", "")
        .with("--score", testdata("scores"))
        .with("--score-build", "other");
    with_all(call, &panel)
}

/// The bundled model takes frequencies in the cohort, so that patients cannot be cut with it; this one
/// looks at the allele alone.
fn of_alleles(folder: &Path, call: Call) -> Call {
    let model = crate::joined_cuts::allele_model(folder);
    call.without("--model")
        .with("--model", text(&model))
        .also("--model", testdata("models/patient-risk"))
}

#[test]
fn stretches_of_the_genome() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = everything(folder.path());
    let cuts = [
        ("bytes", "3", "1"),
        ("records", "5", "1"),
        ("length", "2", "1"),
    ];
    check(folder.path(), &call, &cuts);
}

#[test]
fn groups_of_patients() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = of_alleles(folder.path(), everything(folder.path()));
    let cuts = [
        ("length", "1", "5"),
        ("bytes", "2", "3"),
        ("bytes", "1", "48"),
    ];
    check(folder.path(), &call, &cuts);
}

/// In files of single patients a group meets the alleles of all others too.
#[test]
fn groups_of_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = of_alleles(folder.path(), run_files(&folder.path().join("unused")))
        .with("--score", testdata("scores"))
        .with("--score-build", "other");
    let cuts = [
        ("records", "3", "1"),
        ("length", "2", "2"),
        ("records", "1", "4"),
    ];
    check(folder.path(), &call, &cuts);
}

/// Blocks of reference of one patient's file speak of alleles that another group's files bring.
#[test]
fn groups_of_gvcfs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (genome, cohort) = (Genome::read(), Vcf::bundled());
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("the samplesheet");
    let lines: Vec<&str> = sheet.lines().collect();
    let mut rows = vec![lines[0].replacen("patient,", "patient,vcf,", 1)];
    for sample in 0..4 {
        let gvcf = gvcf_of(&genome, &cohort, sample);
        let path = write(folder.path(), &format!("{sample}.g.vcf"), gvcf);
        let row = lines[1 + sample].replacen(',', &format!(",{path},"), 1);
        rows.push(row.replacen(&format!(",S{:03},", sample + 1), ",G,", 1));
    }
    let sheet = write(folder.path(), "sheet.csv", rows.join("\n") + "\n");
    let call = of_alleles(folder.path(), run(&folder.path().join("unused")))
        .without("--vcf")
        .with("--samplesheet", sheet)
        .with("--score", testdata("scores"))
        .with("--score-build", "other");
    let call = with_all(call, &panel(folder.path()));
    let cuts = [
        ("records", "3", "1"),
        ("length", "2", "2"),
        ("records", "1", "4"),
    ];
    check(folder.path(), &call, &cuts);
}

/// Callable regions of some patients decide of rows for all, and are those of the whole run in each group.
#[test]
fn groups_with_callable_regions() {
    let folder = tempfile::tempdir().expect("a folder");
    let bed = write(
        folder.path(),
        "some.bed",
        "chr1\t0\t100000\nchrX\t0\t50000\n",
    );
    let model = text(&crate::joined_cuts::allele_model(folder.path()));
    let scores = |call: Call| {
        call.with("--model", model.clone())
            .also("--model", testdata("models/patient-risk"))
            .with("--score", testdata("scores"))
            .with("--score-build", "other")
    };
    // Of the patients of one group alone, and of every other one.
    for (name, is_theirs) in [
        ("first", &(|row: usize| row < 2) as &dyn Fn(usize) -> bool),
        ("odd", &|row: usize| row.is_multiple_of(2)),
    ] {
        let at = folder.path().join(name);
        std::fs::create_dir(&at).expect("a folder");
        let sheet = |source: &str, files: &str| {
            let text = std::fs::read_to_string(testdata(source)).expect("the samplesheet");
            let rows = text.lines().enumerate().map(|(number, line)| {
                let line = line.replace("patients/", files);
                match number {
                    0 => format!("{line},callable"),
                    row if is_theirs(row - 1) => format!("{line},{bed}"),
                    _ => format!("{line},"),
                }
            });
            let rows: Vec<String> = rows.collect();
            write(&at, source, rows.join("\n") + "\n")
        };
        let files = sheet("samplesheet.files.csv", &testdata("patients/"));
        let call = scores(run_files(&at.join("unused"))).with("--samplesheet", files);
        check(&at, &call, &[("records", "2", "2")]);
        let cohort = at.join("cohort");
        std::fs::create_dir(&cohort).expect("a folder");
        let sheet = sheet("samplesheet.csv", "patients/");
        let call = scores(run(&at.join("unused"))).with("--samplesheet", sheet);
        check(&cohort, &call, &[("bytes", "1", "4")]);
    }
}

/// Records that are set aside come in the order of the file, whatever the order of the reference.
#[test]
fn malformed_records_of_an_unusual_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut vcf = Vcf::bundled();
    let order = ["chrX", "chr2", "chrM", "chr1", "chrY"];
    let rank = |contig: &str| order.iter().position(|own| *own == contig);
    vcf.records.sort_by_key(|record| rank(&record[0]));
    let contig = |line: &String| {
        let is_of = |own: &&str| line.starts_with(&format!("##contig=<ID={own},"));
        order.iter().position(is_of)
    };
    vcf.header.sort_by_key(contig);
    let mut bad = 0;
    for contig in order {
        let own = vcf.records.iter_mut().filter(|record| record[0] == contig);
        for record in own.skip(3).step_by(7).take(2) {
            record[9] = "5/9".to_owned();
            bad += 1;
        }
    }
    let path = write(folder.path(), "cohort.vcf", vcf.text());
    let call = run(&folder.path().join("unused"))
        .with("--vcf", path)
        .with("--max-bad-records", bad.to_string());
    check(
        folder.path(),
        &call,
        &[("records", "3", "1"), ("length", "5", "1")],
    );
}

#[test]
fn other_verbs() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("prs")).expect("a folder");
    std::fs::create_dir(at("score")).expect("a folder");
    let scores = with_all(prs(&at("unused")), &panel(folder.path()));
    let cuts = [("bytes", "3", "1"), ("records", "2", "7")];
    check(&at("prs"), &scores, &cuts);
    check(&at("score"), &score(&at("unused")), &[("bytes", "4", "1")]);
}

/// A plan with a probe says what shards take; what is expected may be changed, and nothing else.
#[test]
fn what_shards_are_expected_to_take() {
    let folder = tempfile::tempdir().expect("a folder");
    let (call, plan) = (
        run(&folder.path().join("unused")),
        folder.path().join("plan"),
    );
    let planned = plan_of(&call, &plan)
        .with("--shards", "3")
        .with("--probe-seconds", "2");
    planned.succeed();
    let mut table = table(&plan);
    schemas::check("shards.schema.json", std::slice::from_ref(&table), &[]);
    let shards = table["shards"].as_array().expect("shards");
    let sum = |key: &str| -> u64 {
        let values = shards
            .iter()
            .map(|shard| shard["expected"][key].as_u64().expect("a number"));
        values.sum()
    };
    // The index counts the records of the file; shares are rounded up.
    assert!(
        (2533..=2536).contains(&sum("records")),
        "{}",
        sum("records")
    );
    let size = std::fs::metadata(testdata("cohort.vcf.gz"))
        .expect("the file")
        .len();
    assert!(
        sum("bytes") * 10 > size * 9 && sum("bytes") <= size,
        "{}",
        sum("bytes")
    );
    assert!(sum("seconds") >= 3 && sum("memory_mib") >= 3 * 64);
    let tsv = std::fs::read_to_string(plan.join("shards.tsv")).expect("the table");
    let rows: Vec<Vec<&str>> = tsv.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        rows[0],
        [
            "shard",
            "shards",
            "group",
            "regions",
            "bytes",
            "records",
            "seconds",
            "memory_mib",
            "threads"
        ]
    );
    for (row, shard) in rows[1..].iter().zip(shards) {
        assert_eq!(row[0], shard["shard"].to_string());
        assert_eq!((row[1], row[2]), ("3", "1"));
        for (at, key) in [
            (4, "bytes"),
            (5, "records"),
            (6, "seconds"),
            (7, "memory_mib"),
            (8, "threads"),
        ] {
            assert_eq!(row[at], shard["expected"][key].to_string(), "{key}");
        }
    }
    table["shards"][0]["expected"]["memory_mib"] = 9000.into();
    std::fs::write(plan.join("shards.json"), table.to_string()).expect("the table");
    shard_of(&call, &plan, 1, &folder.path().join("shard")).succeed();
    // The table itself, without a folder.
    let shown = planned
        .with("--output", text(&folder.path().join("none")))
        .also("--dry-run", "");
    let shown = shown.with("--probe-seconds", "0").succeed();
    assert_eq!(shown.stdout.lines().count(), 4);
    assert!(!folder.path().join("none").exists());
}

/// More shards than there are places to cut are not made.
#[test]
fn as_many_shards_as_there_is_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let call = run(&folder.path().join("unused")).with("--region", "chr1:30000-30400");
    let plan = folder.path().join("plan");
    let done = plan_of(&call, &plan)
        .with("--shards", "50")
        .with("--balance", "bytes")
        .succeed();
    assert!(done.stderr.contains("rather than 50"), "{}", done.stderr);
    let whole = folder.path().join("whole");
    call.clone().with("--output", text(&whole)).succeed();
    let merged = cut(
        folder.path(),
        "few",
        &call,
        &[("--shards", "2"), ("--balance", "records")],
    );
    assert_eq!(hashes(&merged), hashes(&whole));
}

#[test]
fn tables_that_do_not_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let call = run(&at("unused"));
    plan_of(&call, &at("plan")).with("--shards", "2").succeed();
    let sound = table(&at("plan"));
    let (mut unnumbered, mut unknown) = (sound.clone(), sound.clone());
    unnumbered["shards"][0]["shard"] = 0.into();
    unknown["colour"] = "blue".into();
    schemas::check(
        "shards.schema.json",
        std::slice::from_ref(&sound),
        &[unnumbered, unknown],
    );
    let write = |name: &str, edit: &dyn Fn(&mut Value)| {
        let mut table = sound.clone();
        edit(&mut table);
        std::fs::create_dir_all(at(name)).expect("a folder");
        std::fs::write(at(name).join("shards.json"), table.to_string()).expect("a table");
    };
    write("moved", &|table| {
        table["shards"][0]["regions"][0] = "chr1:0-9".into();
    });
    write("other-run", &|table| {
        table["plan_sha256"] = "0".repeat(64).into();
    });
    write("dropped", &|table| {
        drop(table["shards"].as_array_mut().map(Vec::pop));
    });
    write("version", &|table| table["varisk"] = "0.0.7".into());
    write("unknown", &|table| table["colour"] = "blue".into());
    write("empty", &|table| *table = Value::Null);
    std::fs::create_dir(at("none")).expect("a folder");
    let cases: [(&str, i32, &str, &str, &[&str]); 11] = [
        ("moved", DATA, "1", "", &["was edited", "varisk plan"]),
        ("other-run", DATA, "1", "", &["was edited"]),
        ("dropped", DATA, "1", "", &["was edited"]),
        (
            "version",
            DATA,
            "1",
            "",
            &["made by varisk 0.0.7", "varisk plan"],
        ),
        ("unknown", DATA, "1", "", &["shard table", "colour"]),
        ("empty", DATA, "1", "", &["no shard table"]),
        ("none", NO_INPUT, "1", "", &["shards.json", "cannot open"]),
        ("plan", USAGE, "3", "", &["no shard '3'", "from 1 to 2"]),
        ("plan", USAGE, "0", "", &["no shard '0'", "from 1 to 2"]),
        ("plan", USAGE, "1/3", "", &["has 2"]),
        (
            "plan",
            DATA,
            "1",
            "--top",
            &["of another run", "plan again"],
        ),
    ];
    for (name, code, number, flag, parts) in cases {
        let mut call = shard_of(&call, &at(name), 1, &at("output")).with("--shard", number);
        if !flag.is_empty() {
            call = call.with(flag, "3");
        }
        for call in [call.clone(), call.also("--dry-run", "")] {
            assert_refused(name, &call.run(), code, parts);
            assert!(
                !at("output").exists() && !at("output.partial").exists(),
                "{name}"
            );
        }
    }
    // What a plan made for people and for schedulers is not what runs read.
    for (table, code) in [("shards.tsv", DATA), ("", NO_INPUT)] {
        let path = at("plan").join(table);
        let call = call.clone().with("--shard-table", text(&path));
        let refused = call
            .with("--shard", "1")
            .with("--output", text(&at("output")))
            .run();
        assert_refused(table, &refused, code, &["shards.json"]);
    }
    let other = prs(&at("output"))
        .with("--shard-table", text(&at("plan").join("shards.json")))
        .with("--shard", "1");
    assert_refused("verb", &other.run(), DATA, &["varisk run", "varisk prs"]);
    let bare = call.with("--shard-table", text(&at("plan").join("shards.json")));
    assert_refused(
        "no shard",
        &bare.run(),
        USAGE,
        &["--shard-table", "--shard"],
    );
}

#[test]
fn shards_that_do_not_belong_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let call = of_alleles(folder.path(), run(&at("unused")));
    plan_of(&call, &at("plan")).with("--shards", "2").succeed();
    plan_of(&call, &at("other"))
        .with("--shards", "2")
        .with("--balance", "length")
        .succeed();
    plan_of(&call, &at("groups"))
        .with("--shards", "1")
        .with("--patient-groups", "2")
        .succeed();
    for number in [1, 2] {
        for plan in ["plan", "other", "groups"] {
            shard_of(&call, &at(plan), number, &at(&format!("{plan}-{number}"))).succeed();
        }
    }
    call.clone()
        .with("--shard", "2/2")
        .with("--output", text(&at("plain-2")))
        .succeed();
    std::fs::create_dir(at("unfinished.partial")).expect("a folder");
    let output = at("output");
    let merge = |shards: &[&str], table: &str| {
        let call = shards.iter().fold(Call::new("merge"), |call, shard| {
            call.also(&text(&at(shard)), "")
        });
        let call = call.with("--output", text(&output));
        if table.is_empty() {
            call.run()
        } else {
            call.with("--shard-table", text(&at(table).join("shards.json")))
                .run()
        }
    };
    let cases: [(&[&str], &str, &[&str]); 9] = [
        (&["plan-1"], "", &["shard 2/2 is missing"]),
        (&["plan-1"], "plan", &["shard 2/2 is missing"]),
        (&["plan-1", "plan-2", "plan-2"], "", &["plan-2", "twice"]),
        (
            &["plan-1", "other-2"],
            "",
            &["other-2", "cut in another way"],
        ),
        (
            &["plan-1", "plain-2"],
            "",
            &["plain-2", "cut in another way"],
        ),
        (
            &["plan-1", "plan-2"],
            "other",
            &["plan-1", "not cut by this shard table"],
        ),
        (
            &["plain-2"],
            "plan",
            &["plain-2", "not cut by this shard table"],
        ),
        (&["groups-1"], "", &["shard 2/2 is missing"]),
        (
            &["plan-1", "groups-2"],
            "",
            &["groups-2", "cut in another way"],
        ),
    ];
    for (name, part) in [
        ("nowhere", "is no folder"),
        ("unfinished.partial", "no finished shard"),
    ] {
        assert_refused(
            name,
            &merge(&[name], ""),
            NO_INPUT,
            &[part, "varisk run --shard"],
        );
    }
    for (shards, table, parts) in cases {
        assert_refused(
            &format!("{shards:?} {table}"),
            &merge(shards, table),
            DATA,
            parts,
        );
        assert!(!output.exists(), "{shards:?}");
    }
    assert_eq!(merge(&["plan-2", "plan-1"], "plan").code, Some(0));
}

#[test]
fn plans_that_cannot_be_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let lone = at("lone.vcf.gz");
    std::fs::copy(testdata("cohort.vcf.gz"), &lone).expect("a copy");
    let plan = |call: &Call| plan_of(call, &at("plan")).with("--shards", "2");
    let own = run(&at("unused"));
    let scores = prs(&at("unused"));
    let alleles = of_alleles(folder.path(), own.clone());
    let groups = |call: &Call| plan(call).with("--patient-groups", "2");
    let cases: [(&str, i32, Call, &[&str]); 10] = [
        (
            "no index",
            USAGE,
            plan(&own.clone().with("--vcf", text(&lone))).with("--balance", "bytes"),
            &["index", "--balance records"],
        ),
        (
            "a shard",
            USAGE,
            plan(&own.clone().with("--shard", "1/2")),
            &["leave --shard out"],
        ),
        (
            "resume",
            USAGE,
            plan(&own.clone().also("--resume", "")),
            &["leave --resume out"],
        ),
        (
            "a pipe",
            USAGE,
            plan(&own.clone().with("--vcf", "-").from(&lone)),
            &["pipe"],
        ),
        (
            "cohort frequencies",
            USAGE,
            groups(&own),
            &["--patient-groups", "demo-variant-kmer"],
        ),
        (
            "cohort means",
            USAGE,
            groups(
                &scores
                    .clone()
                    .with("--impute", "cohort")
                    .without("--samplesheet"),
            ),
            &["--patient-groups"],
        ),
        (
            "cohort strands",
            USAGE,
            groups(&scores.with("--ambiguous", "by-frequency")),
            &["--ambiguous by-frequency", "--frequencies"],
        ),
        (
            "bad records",
            USAGE,
            groups(&alleles.clone().with("--max-bad-records", "1")),
            &["--max-bad-records"],
        ),
        (
            "many groups",
            USAGE,
            plan(&alleles).with("--patient-groups", "49"),
            &["48 patients", "49 groups"],
        ),
        (
            "no patients",
            USAGE,
            groups(&score(&at("unused"))),
            &["0 patients"],
        ),
    ];
    for (name, code, call, parts) in cases {
        let refused = call.run();
        // A cohort of 48 is too small for its own means, which is said first.
        if name != "cohort means" {
            assert_refused(name, &refused, code, parts);
        }
        assert_ne!(refused.code, Some(0), "{name}");
        assert!(!at("plan").exists(), "{name}");
    }
    for seconds in ["-1", "1e30", "nan"] {
        let call = plan(&own).also(&format!("--probe-seconds={seconds}"), "");
        let refused = call.without("--probe-seconds").run();
        assert_refused(seconds, &refused, USAGE, &["--probe-seconds", "3600"]);
    }
    std::fs::create_dir(at("plan")).expect("a folder");
    assert_refused("there", &plan(&own).run(), CANNOT_CREATE, &["exists"]);
    // Without an index the records are counted, and shards scan.
    let merged = cut(
        folder.path(),
        "lone",
        &own.clone().with("--vcf", text(&lone)),
        &[("--shards", "3")],
    );
    let whole = at("whole");
    own.with("--output", text(&whole)).succeed();
    assert_eq!(hashes(&merged), hashes(&whole));
}

/// Engines of workflows bring files into a folder for each task, and remove it. What the merge opens
/// again it finds in its own folder.
#[test]
fn tasks_in_folders_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let task = |name: &str| {
        let task = folder.path().join(name);
        std::fs::create_dir(&task).expect("a folder");
        let names = [
            "cohort.vcf.gz",
            "cohort.vcf.gz.tbi",
            "samplesheet.csv",
            "genome.fa",
            "genome.fa.fai",
            "par.bed",
            "models",
            "scores",
            "absolute-risk",
        ];
        for name in names {
            std::os::unix::fs::symlink(testdata(name), task.join(name)).expect("a link");
        }
        std::os::unix::fs::symlink(&panel, task.join("panel")).expect("a link");
        task
    };
    let call = run(Path::new("out"))
        .with("--vcf", "cohort.vcf.gz")
        .with("--samplesheet", "samplesheet.csv")
        .with("--reference", "genome.fa")
        .with("--par", "par.bed")
        .without("--model")
        .with("--model", "models/variant-kmer")
        .also("--model", "models/patient-risk")
        .with("--score", "scores")
        .with("--score-build", "other")
        .with("--ancestry", "panel")
        .with("--absolute-risk", "absolute-risk/model.toml");
    let start = |task: &Path, call: &Call| {
        let mut command = call.command();
        let done = command
            .current_dir(task)
            .output()
            .expect("the program starts");
        let message = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{message}");
        task.join("out")
    };
    let whole = start(&task("whole"), &call);
    let plan = start(
        &task("plan"),
        &plan_of(&call, Path::new("out")).with("--shards", "2"),
    );
    let merge = task("merge");
    for number in [1, 2] {
        let own = task(&format!("task-{number}"));
        let shard = start(&own, &shard_of(&call, &plan, number, Path::new("out")));
        std::fs::rename(shard, merge.join(format!("shard-{number}"))).expect("moved");
        std::fs::remove_dir_all(own).expect("the task's folder");
    }
    let call = Call::new("merge")
        .also("shard-1", "")
        .also("shard-2", "")
        .with("--output", "out");
    let merged = start(&merge, &call);
    assert_eq!(files(&merged), files(&whole));
    // Without them it says what is missing.
    std::fs::remove_file(merge.join("scores")).expect("a link");
    let mut command = call.with("--output", "again").command();
    let refused = crate::support::program::outcome(command.current_dir(&merge));
    assert_refused(
        "no scores",
        &refused,
        DATA,
        &["is not there any more", "restore it"],
    );
}
