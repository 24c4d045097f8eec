//! Calls of real cohorts against plink2, genotype by genotype, and BCF against VCF.
//!
//! Cell by cell, plink2 gets what `bcftools norm -m -any` makes of the cohort file: one biallelic
//! record for each alternate allele, in which another alternate allele counts as none, so that the
//! copies of the row's allele are what is compared. How often a genotype holds the reference, this
//! allele or another is compared with plink2's counts on the file as it is, multi-allelic records
//! included.
#![cfg(test)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use varisk_core::{Call, SiteBatch, columns};
use varisk_reference::Reference;

use common::{Options, read_with, run, shared};

const COHORT: &str = "cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz";
const FASTA: &str = "reference/grch37_chr22_1-22000000.fa.gz";

/// Three whole genomes around pharmacogenes: missing calls, many fields beside GT, many alternate
/// alleles.
const GENOMES: &str = "pgx/pharmcat_tutorial/PharmCAT_tutorial_get-rm_wgs_30x_grch38_chr10.vcf.bgz";
const GENOMES_FASTA: &str = "reference/grch38_sparse.fa.gz";

/// These cohorts reach beyond what the sparse FASTA holds; REF is not what is compared here.
fn options() -> Options {
    Options {
        ref_mismatch: varisk_readers::RefMismatch::Quarantine,
        ..Options::default()
    }
}

/// A genotype as plink2 exports it: copies of ALT, or 3 for missing.
fn dosage(call: Option<Call>) -> u8 {
    match call {
        Some(call) if call.is_complete() && call.ploidy == 2 => call.alternate,
        _ => 3,
    }
}

/// Rows of all batches with their calls, one byte each.
struct Matrix {
    samples: usize,
    /// POS, REF and ALT of the input for each row.
    alleles: Vec<String>,
    cells: Vec<u8>,
}

fn ours(file: &Path, reference: &Reference) -> Matrix {
    let mut matrix = Matrix {
        samples: 0,
        alleles: Vec::new(),
        cells: Vec::new(),
    };
    let take = |batch: &SiteBatch| {
        let calls = batch.calls();
        matrix.samples = calls.samples();
        let reference = batch.sites()[columns::INPUT_REFERENCE].as_string::<i32>();
        let alternate = batch.sites()[columns::INPUT_ALTERNATE].as_string::<i32>();
        let position =
            batch.sites()[columns::INPUT_POSITION].as_primitive::<arrow::datatypes::UInt32Type>();
        for row in 0..batch.len() {
            matrix.alleles.push(format!(
                "{}:{}:{}",
                position.value(row),
                reference.value(row),
                if alternate.is_null(row) {
                    "."
                } else {
                    alternate.value(row)
                }
            ));
            matrix
                .cells
                .extend((0..calls.samples()).map(|sample| dosage(calls.call(row, sample))));
        }
    };
    let outcome = read_with(reference, &[file.to_owned()], &options(), take);
    let outcome = outcome.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.bad, []);
    matrix
}

/// plink2's matrix of the split file: variants by `POS:REF:ALT:number`, cells by sample.
fn theirs(file: &Path, folder: &Path) -> Matrix {
    let text = |path: &Path| path.to_str().expect("paths are text").to_owned();
    let split = folder.join("split.vcf.gz");
    run(
        "bcftools",
        &[
            "norm",
            "-m",
            "-any",
            "-Oz",
            "-o",
            &text(&split),
            &text(file),
        ],
    );
    let out = folder.join("plink");
    run(
        "plink2",
        &[
            "--vcf",
            &text(&split),
            "--export",
            "Av",
            "--out",
            &text(&out),
            "--threads",
            "2",
            "--memory",
            "2000",
            "--set-all-var-ids",
            "@:#:$r:$a",
            "--new-id-max-allele-len",
            "2000",
            "--output-chr",
            "26",
            "--max-alleles",
            "2",
        ],
    );
    let traw = std::fs::read_to_string(out.with_extension("traw")).expect("plink2 wrote its table");
    let mut matrix = Matrix {
        samples: 0,
        alleles: Vec::new(),
        cells: Vec::new(),
    };
    for line in traw.lines().skip(1) {
        let mut fields = line.split('\t');
        let id = fields.nth(1).expect("an identifier");
        let (_, allele) = id.split_once(':').expect("CHROM:POS:REF:ALT");
        matrix.alleles.push(allele.to_owned());
        // CM, POS, COUNTED, ALT: the counted allele is REF.
        let counted = fields.nth(2).expect("the counted allele");
        let reference = allele.split(':').nth(1).expect("REF");
        assert_eq!(counted, reference, "{allele}");
        fields.next();
        let cells = fields.map(|cell| match cell {
            "0" => 2,
            "1" => 1,
            "2" => 0,
            "NA" => 3,
            other => panic!("plink2 wrote '{other}'"),
        });
        let start = matrix.cells.len();
        matrix.cells.extend(cells);
        matrix.samples = matrix.cells.len() - start;
    }
    matrix
}

#[test]
fn cohort_equals_plink2() {
    let counts = compare_cells(COHORT, FASTA);
    assert_eq!(counts.iter().sum::<u64>(), 6_139 * 2_504);
}

#[test]
fn genomes_equal_plink2() {
    let [_, one, two, missing] = compare_cells(GENOMES, GENOMES_FASTA);
    assert!(one > 0 && two > 0 && missing > 0);
}

fn compare_cells(vcf: &str, fasta: &str) -> [u64; 4] {
    let data = shared();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = data.join(vcf);
    let reference = Reference::open(data.join(fasta)).expect("the FASTA opens");
    let (ours, theirs) = (ours(&file, &reference), theirs(&file, folder.path()));
    assert_eq!(ours.samples, theirs.samples);
    assert_eq!(ours.alleles.len(), theirs.alleles.len());

    // Records of one position may stand in another order after the split.
    let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, allele) in theirs.alleles.iter().enumerate().rev() {
        rows.entry(allele).or_default().push(row);
    }
    let mut counts = [0u64; 4];
    let mut by_sample = vec![[0u32; 4]; ours.samples];
    let mut by_sample_theirs = by_sample.clone();
    for (row, allele) in ours.alleles.iter().enumerate() {
        let other = rows
            .get_mut(allele.as_str())
            .and_then(Vec::pop)
            .unwrap_or_else(|| panic!("plink2 lacks {allele}"));
        let cells =
            |matrix: &'_ Matrix, row: usize| row * matrix.samples..(row + 1) * matrix.samples;
        let own = &ours.cells[cells(&ours, row)];
        let plink = &theirs.cells[cells(&theirs, other)];
        let differing = own.iter().zip(plink).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 0, "{allele}: {differing} genotypes differ");
        for (sample, (a, b)) in own.iter().zip(plink).enumerate() {
            counts[usize::from(*a)] += 1;
            by_sample[sample][usize::from(*a)] += 1;
            by_sample_theirs[sample][usize::from(*b)] += 1;
        }
    }
    assert_eq!(by_sample, by_sample_theirs);
    println!(
        "{} alleles x {} samples equal: {counts:?} with 0, 1, 2 copies and missing",
        ours.alleles.len(),
        ours.samples
    );
    counts
}

/// Genotype counts of one record: homozygous reference, one of each alternate with the reference,
/// two of each alternate, two alternates in all, missing.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    reference: u32,
    one: Vec<u32>,
    two: Vec<u32>,
    non_reference: u32,
    missing: u32,
}

#[test]
fn genotype_counts_of_a_cohort_equal_plink2() {
    assert_eq!(compare_counts(COHORT, FASTA), (6_109, 28));
}

#[test]
fn genotype_counts_of_genomes_equal_plink2() {
    let (_, multi) = compare_counts(GENOMES, GENOMES_FASTA);
    assert!(multi > 0);
}

/// Number of records, and of those with several alternate alleles.
fn compare_counts(vcf: &str, fasta: &str) -> (usize, usize) {
    let data = shared();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = data.join(vcf);
    let reference = Reference::open(data.join(fasta)).expect("the FASTA opens");
    let mut ours: Vec<Counts> = Vec::new();
    let outcome = read_with(
        &reference,
        std::slice::from_ref(&file),
        &options(),
        |batch| {
            let index = batch.sites()[columns::ALTERNATE_INDEX]
                .as_primitive::<arrow::datatypes::UInt16Type>();
            let calls = batch.calls();
            for row in 0..batch.len() {
                // 0 stands for a record without alternate allele.
                let is_first = index.value(row) <= 1;
                if is_first {
                    ours.push(Counts::default());
                }
                let all = (0..calls.samples()).map(|sample| calls.call(row, sample));
                let all: Vec<Call> = all.map(|call| call.expect("assayed")).collect();
                let count = |is: &dyn Fn(&Call) -> bool| {
                    let complete = all.iter().filter(|call| call.is_complete() && is(call));
                    u32::try_from(complete.count()).expect("few samples")
                };
                let last = ours
                    .last_mut()
                    .expect("rows of a record start with its first allele");
                if index.value(row) > 0 {
                    last.one
                        .push(count(&|call| call.alternate == 1 && call.reference() == 1));
                    last.two.push(count(&|call| call.alternate == 2));
                }
                if is_first {
                    last.reference = count(&|call| call.reference() == 2);
                    last.non_reference = count(&|call| call.reference() == 0);
                    last.missing =
                        u32::try_from(all.len()).expect("few samples") - count(&|_| true);
                }
            }
        },
    );
    outcome.unwrap_or_else(|error| panic!("{error}"));

    let text = |path: &Path| path.to_str().expect("paths are text").to_owned();
    let out = folder.path().join("plink");
    run(
        "plink2",
        &[
            "--vcf",
            &text(&file),
            "--geno-counts",
            "--out",
            &text(&out),
            "--threads",
            "2",
            "--memory",
            "2000",
        ],
    );
    let table = std::fs::read_to_string(out.with_extension("gcount")).expect("plink2 wrote counts");
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| {
        names
            .iter()
            .position(|it| *it == name)
            .unwrap_or_else(|| panic!("no {name} in {names:?}"))
    };
    let places = [
        "HOM_REF_CT",
        "HET_REF_ALT_CTS",
        "TWO_ALT_GENO_CTS",
        "MISSING_CT",
    ]
    .map(column);
    let alternate = column("ALT");
    let mut multi = 0;
    let theirs: Vec<Counts> = lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let numbers = places.map(|place| {
                let numbers = fields[place].split(',');
                numbers
                    .map(|n| n.parse::<u32>().expect("a count"))
                    .collect::<Vec<_>>()
            });
            let [reference, mut one, mut pairs, missing] = numbers;
            if fields[alternate] == "." {
                (one, pairs) = (Vec::new(), Vec::new());
            }
            multi += usize::from(one.len() > 1);
            // Pairs stand as 1/1, 1/2, 2/2, 1/3, ...
            let two = (1..=one.len())
                .map(|i| pairs[i * (i + 1) / 2 - 1])
                .collect();
            Counts {
                reference: reference[0],
                one,
                two,
                non_reference: pairs.iter().sum(),
                missing: missing[0],
            }
        })
        .collect();
    assert_eq!(ours.len(), theirs.len());
    for (record, (a, b)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(a, b, "record {}", record + 1);
    }
    println!(
        "counts of {} records equal, {multi} of them multi-allelic",
        ours.len()
    );
    (ours.len(), multi)
}

/// All rows of a file, as text.
fn rows(reference: &Reference, file: &Path, options: &Options) -> common::Outcome {
    common::read(reference, &[file.to_owned()], options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn bcf_equals_vcf() {
    let data = shared();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let check = |vcf: &str, fasta: &str, info: &[&str]| {
        let vcf: PathBuf = data.join(vcf);
        let bcf = folder.path().join("x.bcf");
        let text = |path: &Path| path.to_str().expect("paths are text").to_owned();
        run("bcftools", &["view", "-Ob", "-o", &text(&bcf), &text(&vcf)]);
        let reference = Reference::open(data.join(fasta)).expect("the FASTA opens");
        let options = Options {
            info: info.iter().map(|name| (*name).to_owned()).collect(),
            ref_mismatch: varisk_readers::RefMismatch::Quarantine,
            ..Options::default()
        };
        let (from_vcf, from_bcf) = (
            rows(&reference, &vcf, &options),
            rows(&reference, &bcf, &options),
        );
        assert_eq!(from_vcf.bad, []);
        assert_eq!(from_bcf.bad, []);
        assert_eq!(
            (from_vcf.records, from_vcf.alleles),
            (from_bcf.records, from_bcf.alleles)
        );
        for (a, b) in from_vcf.rows.iter().zip(&from_bcf.rows) {
            assert!(a == b, "VCF: {a:.300}\nBCF: {b:.300}");
        }
        assert_eq!(from_vcf.rows.len(), from_bcf.rows.len());
        println!("{} rows equal: {}", from_vcf.rows.len(), vcf.display());
    };
    check(COHORT, FASTA, &["AF", "EAS_AF", "DP"]);
    check(
        "brca1_grch37_true_coords/brca1_1kg_3samples.vcf.gz",
        "brca1_grch37_true_coords/chr17_brca1_sparse.fa.gz",
        &["AF", "EX_TARGET", "MULTI_ALLELIC"],
    );
    check(
        "cohort_vcf/1kgp_pgx/GRCh38/CYP2C19.vcf.gz",
        "reference/grch38_sparse.fa.gz",
        &[],
    );
}

/// Every region of an indexed cohort file, by its index and by reading all of it.
#[test]
fn regions_by_index_equal_regions_by_scan() {
    let data = shared();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = |path: &Path| path.to_str().expect("paths are text").to_owned();
    let reference = Reference::open(data.join(FASTA)).expect("the FASTA opens");
    let region_sets: [&[&str]; 4] = [
        &["22:16050000-16060000"],
        &[
            "22:16100000-16100100",
            "22:16100101-16110000",
            "chr22:16200000-16250000",
        ],
        &["22:1-100", "22:16490000-16500000"],
        &[
            "22:16050075-16050075",
            "22:16050115-16050115",
            "22:16051249-16052080",
        ],
    ];
    for (name, kind, index) in [
        ("tbi.vcf.gz", "-Oz", "-t"),
        ("csi.vcf.gz", "-Oz", "-c"),
        ("csi.bcf", "-Ob", "-c"),
    ] {
        let indexed = folder.path().join(name);
        run(
            "bcftools",
            &[
                "view",
                kind,
                "-o",
                &text(&indexed),
                &text(&data.join(COHORT)),
            ],
        );
        let scanned = folder.path().join(format!("no-index-{name}"));
        std::fs::copy(&indexed, &scanned).expect("a copy");
        run("bcftools", &["index", index, &text(&indexed)]);
        for regions in region_sets {
            let options = Options {
                regions: regions.iter().map(|region| (*region).to_owned()).collect(),
                ..Options::default()
            };
            let (a, b) = (
                rows(&reference, &indexed, &options),
                rows(&reference, &scanned, &options),
            );
            assert!(!a.rows.is_empty(), "{regions:?} holds nothing");
            assert!(a.rows == b.rows, "{name} {regions:?}");
            println!("{} rows equal: {name} {regions:?}", a.rows.len());
        }
    }
}
