//! The tables are the same to the last byte, however the work is cut and wherever it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::cohort::{Allele, Place, Vcf, place};
use crate::support::demo::{BURDEN, run, run_files};
use crate::support::program::{Call, Table, hashes, run_record, testdata, text};

/// Runs and compares with the tables of an undivided run on one thread.
fn check(cases: &[(&str, &dyn Fn(Call) -> Call)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    run(&whole).with("--threads", "1").succeed();
    let expected = hashes(&whole);
    assert_eq!(expected.len(), 6);
    for (number, (name, change)) in cases.iter().enumerate() {
        let output = folder.path().join(format!("cut-{number}"));
        change(run(&output)).succeed();
        assert_eq!(hashes(&output), expected, "{name}");
    }
}

#[test]
fn threads_batches_and_saved_states() {
    let with =
        |option: &'static str, value: &'static str| move |call: Call| call.with(option, value);
    check(&[
        ("2 threads", &with("--threads", "2")),
        ("4 threads", &with("--threads", "4")),
        ("batches of 64", &with("--batch-size", "64")),
        ("batches of 1000", &with("--batch-size", "1000")),
        ("batches of 8192", &with("--batch-size", "8192")),
        ("batches of 1", &with("--batch-size", "1")),
        ("batches of a record's bytes", &with("--batch-bytes", "1")),
        ("batches of 20 kB", &with("--batch-bytes", "20000")),
        ("a state after each batch", &|call| {
            call.with("--batch-size", "64")
                .with("--checkpoint-seconds", "0.001")
        }),
    ]);
}

#[test]
fn sources_of_the_same_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = folder.path().join("cohort.vcf");
    std::fs::write(&plain, Vcf::bundled().text()).expect("a file");
    let packed = PathBuf::from(testdata("cohort.vcf.gz"));
    // BGZF, from which the index is missing.
    let lone = folder.path().join("lone.vcf.gz");
    std::fs::copy(&packed, &lone).expect("a copy");
    let regions = folder.path().join("all.bed");
    let contigs = [
        ("chr1", 200_000),
        ("chr2", 100_000),
        ("chrX", 100_000),
        ("chrY", 40_000),
        ("chrM", 16_000),
    ];
    let bed: Vec<String> = contigs
        .map(|(name, length)| format!("{name}\t0\t{length}\n"))
        .to_vec();
    std::fs::write(&regions, bed.concat()).expect("a file");
    check(&[
        ("plain text", &|call| call.with("--vcf", text(&plain))),
        ("text on standard input", &|call| {
            call.with("--vcf", "-").from(&plain)
        }),
        ("BGZF on standard input", &|call| {
            call.with("--vcf", "-").from(&packed)
        }),
        ("every contig by index", &|call| {
            call.with("--regions-file", text(&regions))
        }),
        ("every contig by scan", &|call| {
            call.with("--vcf", text(&lone))
                .with("--regions-file", text(&regions))
        }),
    ]);
}

#[test]
fn shards_merged() {
    let folder = tempfile::tempdir().expect("a folder");
    // Numbers that take all digits of a 64-bit float, on their way through saved states.
    let sheet = folder.path().join("sheet.csv");
    let text_of_sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("the sheet");
    std::fs::write(
        &sheet,
        text_of_sheet.replace(",61,", ",61.123456789012344,"),
    )
    .expect("a file");
    let run = |output: &Path| run(output).with("--samplesheet", text(&sheet));
    let whole = folder.path().join("whole");
    run(&whole).succeed();
    let expected = hashes(&whole);
    for count in [1, 3, 7] {
        let mut call = Call::new("merge");
        // In any order.
        for number in (1..=count).rev() {
            let shard = folder.path().join(format!("shard-{number}-of-{count}"));
            // Shards may be cut in different ways.
            run(&shard)
                .with("--shard", format!("{number}/{count}"))
                .with("--batch-size", (number * 64).to_string())
                .succeed();
            call = call.also(&text(&shard), "");
        }
        let output = folder.path().join(format!("merged-{count}"));
        call.with("--output", text(&output)).succeed();
        assert_eq!(hashes(&output), expected, "{count} shards");
        check_records(&run_record(&whole), &run_record(&output));
    }
}

/// What `merge` says of a run is what the run says of itself.
pub(crate) fn check_records(whole: &serde_json::Value, merged: &serde_json::Value) {
    for key in [
        "counts",
        "models",
        "inputs",
        "tables",
        "plan_sha256",
        "patients",
        "genome_build",
        "parameters",
        "warnings",
    ] {
        assert_eq!(whole[key], merged[key], "{key}");
    }
    assert_eq!(merged["verb"], "merge");
}

/// Files that are gone when shards are merged have no hash, and that is said.
#[test]
fn inputs_gone_before_the_merge() {
    let folder = tempfile::tempdir().expect("a folder");
    let [vcf, shard, merged] =
        ["cohort.vcf", "shard", "merged"].map(|name| folder.path().join(name));
    std::fs::write(&vcf, Vcf::bundled().text()).expect("a file");
    run(&shard)
        .with("--vcf", text(&vcf))
        .with("--shard", "1/1")
        .succeed();
    std::fs::write(&vcf, "another file").expect("a file");
    let merge = Call::new("merge")
        .also(&text(&shard), "")
        .with("--output", text(&merged));
    let done = merge.succeed();
    assert!(
        done.stderr.contains("cohort.vcf is not there any more"),
        "{}",
        done.stderr
    );
    let record = run_record(&merged);
    let variants = &record["inputs"][0];
    assert_eq!(variants["role"], "variants");
    assert!(variants["sha256"].is_null(), "{variants}");
    assert_eq!(record["warnings"].as_array().map(Vec::len), Some(1));
}

/// Files of single patients: what a file has no record of is not assayed there, never reference.
#[test]
fn files_of_single_patients() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    run_files(&output).succeed();
    let files: Vec<Vcf> = ["S001", "S002", "S003", "S004"]
        .map(|name| Vcf::read(Path::new(&testdata(&format!("patients/{name}.vcf.gz")))))
        .into();
    // Sites are compared as they stand in the files: rows are the union of their alleles.
    let sequences = |vcf: &Vcf| -> BTreeSet<Allele> {
        let alleles = vcf.alleles().into_iter().map(|(allele, ..)| allele);
        alleles.filter(Allele::is_sequence).collect()
    };
    let own: Vec<_> = files.iter().map(sequences).collect();
    let all: BTreeSet<Allele> = own.iter().flatten().cloned().collect();
    let table = Table::read(&output, "qc");
    let [alleles, called, partial, missing, absent] =
        ["alleles", "called", "partial", "missing", "not_assayed"]
            .map(|name| table.by_patient(name));
    for (number, own) in own.iter().enumerate() {
        let patient = format!("P00{}", number + 1);
        let value =
            |column: &BTreeMap<String, Option<f64>>| column[&patient].expect("a count") as usize;
        // Of the females nothing is expected on Y outside the pseudoautosomal regions.
        let is_expected = |allele: &&Allele| {
            number % 3 == 0 || place(&allele.contig, allele.position) != Place::Y
        };
        let all: Vec<&Allele> = all.iter().filter(is_expected).collect();
        assert_eq!(value(&alleles), all.len(), "{patient}");
        // Another single-base allele at the same base says something about this one.
        let speaks = all.iter().filter(|allele| {
            own.contains(**allele)
                || own.iter().any(|other| {
                    (&other.contig, other.position) == (&allele.contig, allele.position)
                        && [other, **allele]
                            .iter()
                            .all(|it| it.reference.len() == 1 && it.alternate.len() == 1)
                })
        });
        assert_eq!(value(&absent), all.len() - speaks.count(), "{patient}");
        let assayed = value(&called) + value(&partial) + value(&missing);
        assert!(assayed <= all.len() - value(&absent), "{patient}");
        assert!(value(&absent) > all.len() / 4, "{patient}");
    }
    // What is not assayed is not covered.
    let features = Table::read(&output, "features");
    let coverage = format!("{BURDEN}.coverage");
    let shares: Vec<f64> = features
        .texts("feature")
        .iter()
        .zip(features.numbers("value"))
        .filter(|(name, _)| **name == coverage)
        .filter_map(|(_, share)| share)
        .collect();
    assert_eq!(shares.len(), 4);
    assert!(
        shares.iter().all(|share| (0.1..0.75).contains(share)),
        "{shares:?}"
    );
    // No call of a patient is made up: every finding is in the patient's own file.
    let findings = Table::read(&output, "findings");
    let rows = findings
        .texts("patient")
        .into_iter()
        .zip(findings.texts("contig"));
    let alleles = findings
        .texts("input_position")
        .into_iter()
        .zip(findings.texts("input_alt"));
    for ((patient, contig), (position, alternate)) in rows.zip(alleles) {
        let number: usize = patient[1..].parse().expect("a number");
        let is_own = own[number - 1].iter().any(|allele| {
            allele.contig == contig
                && allele.position.to_string() == position
                && allele.alternate == alternate
        });
        assert!(is_own, "{patient} {contig}:{position} {alternate}");
    }
}
