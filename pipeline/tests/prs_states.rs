//! What a score makes of a site, by what shows or lets assume what a patient has there: gVCF, plain
//! VCF, callable regions, the assumption, reads.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::support::bam::{Read, write_bam};
use crate::support::cohort::Vcf;
use crate::support::genome::Genome;
use crate::support::program::{Call, Table, testdata, text};
use crate::support::refusal::write;
use crate::support::scores::{
    COLUMNS, assert_close, cell, number, panel, patients, prs, rows_of, scoring_file, transition,
    with_all,
};

const CONTIG: &str = "chr1";

/// A row of the score: position, whether the effect allele is REF, weight. Weights are powers of two,
/// so that shares say which rows they are of.
const ROWS: [(usize, bool, u32); 7] = [
    // Heterozygous by a record of each file of variants.
    (CALLED, false, 1),
    // In a block of too low a quality; heterozygous by reads.
    (LOW_QUALITY, false, 2),
    // In a good block; reference by reads.
    (IN_BLOCK, false, 4),
    // The same, and the effect allele is REF.
    (EFFECT_IS_REF, true, 8),
    // In no block; homozygous by reads.
    (NO_BLOCK, false, 16),
    // Homozygous by a record.
    (HOMOZYGOUS, false, 32),
    // No block and no reads.
    (NOTHING, false, 64),
];
const CALLED: usize = 5005;
const LOW_QUALITY: usize = 5012;
const IN_BLOCK: usize = 5016;
const EFFECT_IS_REF: usize = 5025;
const NO_BLOCK: usize = 5045;
const HOMOZYGOUS: usize = 5052;
const NOTHING: usize = 7007;

const TOTAL: u32 = 127;

fn header(genome: &Genome, sample: &str) -> String {
    let mut text = "##fileformat=VCFv4.2\n\
        ##ALT=<ID=NON_REF,Description=\"any other\">\n\
        ##INFO=<ID=END,Number=1,Type=Integer,Description=\"last base\">\n\
        ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"genotype\">\n"
        .to_owned();
    for field in ["DP", "GQ", "MIN_DP"] {
        let _ = writeln!(
            text,
            "##FORMAT=<ID={field},Number=1,Type=Integer,Description=\"x\">"
        );
    }
    for (name, length) in genome.contigs() {
        let _ = writeln!(text, "##contig=<ID={name},length={length}>");
    }
    text + &format!("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}\n")
}

/// Records of single bases and blocks: position, last base of a block, genotype with GQ, GQ.
fn vcf(genome: &Genome, sample: &str, records: &[(usize, Option<usize>, &str)]) -> String {
    let mut text = header(genome, sample);
    for (position, last, values) in records {
        let base = genome.bases(CONTIG, *position, 1);
        let (alternate, info) = match last {
            None => (
                transition(genome.bases(CONTIG, *position, 1)).to_owned(),
                ".".to_owned(),
            ),
            Some(last) => ("<NON_REF>".to_owned(), format!("END={last}")),
        };
        let _ = writeln!(
            text,
            "{CONTIG}\t{position}\t.\t{base}\t{alternate}\t.\t.\t{info}\tGT:DP:GQ:MIN_DP\t{values}"
        );
    }
    text
}

struct Study {
    folder: tempfile::TempDir,
    score: String,
}

impl Study {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let genome = Genome::read();
        let path = folder.path();
        let rows = ROWS.map(|(position, is_reference, weight)| {
            let base = genome.bases(CONTIG, position, 1);
            let other = transition(genome.bases(CONTIG, position, 1));
            let (effect, other) = if is_reference {
                (base, other)
            } else {
                (other, base)
            };
            format!("1\t{position}\t{effect}\t{other}\t{weight}")
        });
        let score = scoring_file(path, "STATES", COLUMNS, rows);
        let good = "0/0:30:60:20";
        let blocks = [
            (5001, Some(5004), good),
            (CALLED, None, "0/1:30:99:30"),
            (5006, Some(5010), good),
            (5011, Some(5014), "0/0:30:19:20"),
            (5015, Some(5030), good),
            (HOMOZYGOUS, None, "1/1:30:99:30"),
        ];
        let variants = [
            (CALLED, None, "0/1:30:99:30"),
            (HOMOZYGOUS, None, "1/1:30:99:30"),
        ];
        write(path, "blocks.g.vcf", vcf(&genome, "B", &blocks));
        write(path, "plain.vcf", vcf(&genome, "P", &variants));
        write(path, "callable.bed", format!("{CONTIG}\t5009\t5030\n"));
        let reads: Vec<Read> = (0..20)
            .map(|number| {
                let mut bases = genome.bases(CONTIG, 5001, 100).to_owned();
                let mut change = |position: usize| {
                    let at = position - 5001;
                    bases.replace_range(at..=at, transition(genome.bases(CONTIG, position, 1)));
                };
                if number < 10 {
                    change(CALLED);
                    change(LOW_QUALITY);
                }
                change(NO_BLOCK);
                change(HOMOZYGOUS);
                Read {
                    contig: 0,
                    position: 5001,
                    bases,
                    is_reverse: number % 2 == 1,
                    mapping_quality: 60,
                    base_quality: 30,
                }
            })
            .collect();
        write_bam(path, "reads.bam", &genome.contigs(), "P", &reads);
        Self { folder, score }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A run on rows of a samplesheet.
    fn call(&self, output: &str, columns: &str, rows: &[&str]) -> Call {
        let sheet = format!("{columns}\n{}\n", rows.join("\n"));
        let sheet = write(self.folder.path(), &format!("{output}.csv"), sheet);
        Call::new("prs")
            .with("--samplesheet", sheet)
            .with("--reference", testdata("genome.fa"))
            .with("--build", "other")
            .with("--par", testdata("par.bed"))
            .with("--score", self.score.clone())
            .with("--score-build", "other")
            .with("--min-coverage", "0")
            .with("--output", text(&self.at(output)))
    }

    fn scores(&self, output: &str) -> Table {
        Table::read(&self.at(output), "scores")
    }

    /// For each row the state of the only patient.
    fn states(&self, output: &str) -> Vec<&'static str> {
        let table = Table::read(&self.at(output), "score_variants");
        assert_eq!(table.len(), ROWS.len());
        let names = ["called", "assumed", "missing", "not_assayed"];
        let counts = names.map(|name| table.numbers(&format!("patients_{name}")));
        (0..table.len())
            .map(|row| {
                let own: Vec<&str> = names
                    .iter()
                    .zip(&counts)
                    .filter(|(_, column)| column[row] == Some(1.0))
                    .map(|(name, _)| *name)
                    .collect();
                assert_eq!(own.len(), 1, "row {row}");
                own[0]
            })
            .collect()
    }

    /// Holds sum and shares of a patient against weights.
    fn check(&self, output: &str, patient: &str, sum: u32, called: u32, assumed: u32) {
        let table = self.scores(output);
        let share = |weight: u32| f64::from(weight) / f64::from(TOTAL);
        let missing = TOTAL - called - assumed;
        let shares = [
            ("coverage", called),
            ("assumed_reference", assumed),
            ("missing", missing),
            ("not_counted", 0),
            ("not_scorable", 0),
        ];
        for (name, weight) in shares {
            let found = number(&table, patient, "STATES", name);
            assert_close(found, share(weight), &format!("{output} {patient} {name}"));
        }
        let what = format!("{output} {patient} sum");
        assert_close(
            number(&table, patient, "STATES", "sum"),
            f64::from(sum),
            &what,
        );
    }
}

const OF_ROWS: &str = "patient,vcf,sex";

#[test]
fn blocks_of_a_gvcf() {
    let study = Study::new();
    study
        .call("report", OF_ROWS, &["B,blocks.g.vcf,female"])
        .succeed();
    let states = [
        "called",
        "missing",
        "called",
        "called",
        "not_assayed",
        "called",
        "not_assayed",
    ];
    assert_eq!(study.states("report"), states);
    study.check("report", "B", 1 + 2 * 8 + 2 * 32, 1 + 4 + 8 + 32, 0);
    // With the limit lower the block counts.
    study
        .call("lower", OF_ROWS, &["B,blocks.g.vcf,female"])
        .with("--min-reference-gq", "19")
        .succeed();
    let states = [
        "called",
        "called",
        "called",
        "called",
        "not_assayed",
        "called",
        "not_assayed",
    ];
    assert_eq!(study.states("lower"), states);
    study.check("lower", "B", 1 + 2 * 8 + 2 * 32, 1 + 2 + 4 + 8 + 32, 0);
}

/// A file of variants alone says nothing of the other sites: they are not reference.
#[test]
fn variants_alone() {
    let study = Study::new();
    study
        .call("report", OF_ROWS, &["P,plain.vcf,female"])
        .succeed();
    let none = "not_assayed";
    assert_eq!(
        study.states("report"),
        ["called", none, none, none, none, "called", none]
    );
    study.check("report", "P", 1 + 64, 1 + 32, 0);
    // Under the usual limit that is no score.
    study
        .call("usual", OF_ROWS, &["P,plain.vcf,female"])
        .without("--min-coverage")
        .succeed();
    let table = study.scores("usual");
    assert_eq!(cell(&table, "P", "STATES", "state"), Some("not_computed"));
    assert_eq!(cell(&table, "P", "STATES", "reason"), Some("low_coverage"));
    let risk = Table::read(&study.at("usual"), "risk");
    assert_eq!(risk.column("value"), [None]);
    assert_eq!(risk.column("reason"), [Some("low_coverage")]);
}

#[test]
fn callable_regions() {
    let study = Study::new();
    let none = "not_assayed";
    let states = ["called", "called", "called", "called", none, "called", none];
    study
        .call("flag", OF_ROWS, &["P,plain.vcf,female"])
        .with("--callable", text(&study.at("callable.bed")))
        .succeed();
    study
        .call(
            "column",
            "patient,vcf,sex,callable",
            &["P,plain.vcf,female,callable.bed"],
        )
        .succeed();
    for output in ["flag", "column"] {
        assert_eq!(study.states(output), states, "{output}");
        study.check(output, "P", 1 + 2 * 8 + 2 * 32, 1 + 2 + 4 + 8 + 32, 0);
    }
}

/// What is taken for reference is told apart from what is called.
#[test]
fn absent_as_reference() {
    let study = Study::new();
    let assumed = "assumed";
    study
        .call("plain", OF_ROWS, &["P,plain.vcf,female"])
        .also("--absent-as-reference", "")
        .with("--min-coverage", "1")
        .succeed();
    let states = [
        "called", assumed, assumed, assumed, assumed, "called", assumed,
    ];
    assert_eq!(study.states("plain"), states);
    study.check(
        "plain",
        "P",
        1 + 2 * 8 + 2 * 32,
        1 + 32,
        2 + 4 + 8 + 16 + 64,
    );
    assert_eq!(
        cell(&study.scores("plain"), "P", "STATES", "state"),
        Some("ok")
    );
    // A bad block is no absent record.
    study
        .call("blocks", OF_ROWS, &["B,blocks.g.vcf,female"])
        .also("--absent-as-reference", "")
        .succeed();
    let states = [
        "called", "missing", "called", "called", assumed, "called", assumed,
    ];
    assert_eq!(study.states("blocks"), states);
    study.check("blocks", "B", 1 + 2 * 8 + 2 * 32, 1 + 4 + 8 + 32, 16 + 64);
}

#[test]
fn genotypes_from_reads() {
    let study = Study::new();
    let columns = "patient,vcf,sex,alignment";
    let rows = ["P,plain.vcf,female,reads.bam"];
    study
        .call("filled", columns, &rows)
        .also("--genotype-from-reads", "")
        .succeed();
    let mut states = ["called"; 7];
    states[6] = "not_assayed";
    assert_eq!(study.states("filled"), states);
    study.check(
        "filled",
        "P",
        1 + 2 + 2 * 8 + 2 * 16 + 2 * 32,
        TOTAL - 64,
        0,
    );
    // Reads alone are asked only where that is said.
    study.call("plain", columns, &rows).succeed();
    study.check("plain", "P", 1 + 64, 1 + 32, 0);
    // The rest is assumed.
    study
        .call("assumed", columns, &rows)
        .also("--genotype-from-reads", "")
        .also("--absent-as-reference", "")
        .succeed();
    study.check(
        "assumed",
        "P",
        1 + 2 + 2 * 8 + 2 * 16 + 2 * 32,
        TOTAL - 64,
        64,
    );
}

/// Patients of one run have what each has alone.
#[test]
fn patients_together() {
    let study = Study::new();
    study
        .call(
            "report",
            OF_ROWS,
            &["B,blocks.g.vcf,female", "P,plain.vcf,female"],
        )
        .succeed();
    study.check("report", "B", 1 + 2 * 8 + 2 * 32, 1 + 4 + 8 + 32, 0);
    study.check("report", "P", 1 + 64, 1 + 32, 0);
    let table = Table::read(&study.at("report"), "score_variants");
    let count = |name: &str| table.numbers(name);
    let numbers = |counts: [u8; 7]| counts.map(|count| Some(f64::from(count)));
    assert_eq!(count("patients_called"), numbers([2, 0, 1, 1, 0, 2, 0]));
    assert_eq!(count("patients_missing"), numbers([0, 1, 0, 0, 0, 0, 0]));
    assert_eq!(
        count("patients_not_assayed"),
        numbers([0, 1, 1, 1, 2, 0, 2])
    );
}

/// A sample of the cohort as a gVCF: what it carries and what is not called as records, blocks of
/// reference between them.
pub(crate) fn gvcf_of(genome: &Genome, cohort: &Vcf, sample: usize) -> String {
    let mut gvcf = header(genome, "G");
    for (contig, length) in genome.contigs() {
        let mut next = 1;
        let block = |text: &mut String, first: usize, last: usize| {
            if first <= last {
                let base = genome.bases(contig, first, 1);
                let _ = writeln!(
                    text,
                    "{contig}\t{first}\t.\t{base}\t<NON_REF>\t.\t.\tEND={last}\tGT:DP:GQ:MIN_DP\t0/0:30:60:20"
                );
            }
        };
        let own = cohort.records.iter().filter(|record| record[0] == contig);
        for record in own {
            let call = record[9 + sample].split(':').next().expect("GT");
            let is_reference = call.bytes().all(|byte| b"0/|".contains(&byte));
            if is_reference || record[4].contains(['<', '*', '[', ']']) || record[4] == "." {
                continue;
            }
            let position: usize = record[1].parse().expect("POS");
            block(&mut gvcf, next, position - 1);
            let _ = writeln!(
                gvcf,
                "{contig}\t{position}\t.\t{}\t{}\t.\t.\t.\tGT\t{call}",
                record[3], record[4]
            );
            next = next.max(position + record[3].len());
        }
        block(&mut gvcf, next, length as usize);
    }
    gvcf
}

/// A woman of the cohort as a gVCF. Her score is that of the cohort's file.
#[test]
fn a_gvcf_of_the_cohort() {
    let (folder, genome, cohort) = (
        tempfile::tempdir().expect("a folder"),
        Genome::read(),
        Vcf::bundled(),
    );
    let panel = panel(folder.path());
    let whole = folder.path().join("whole");
    with_all(prs(&whole), &panel).succeed();
    let whole = ["scores", "ancestry"].map(|name| Table::read(&whole, name));
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("the samplesheet");
    let lines: Vec<&str> = sheet.lines().collect();
    for sample in [1, 2] {
        let (patient, is_male) = &patients()[sample];
        assert!(!is_male);
        let gvcf = gvcf_of(&genome, &cohort, sample);
        let path = write(folder.path(), &format!("{sample}.g.vcf"), gvcf);
        let row = lines[1 + sample].replacen(',', &format!(",{path},"), 1);
        let row = row.replacen(&format!(",S{:03},", sample + 1), ",G,", 1);
        let columns = lines[0].replacen("patient,", "patient,vcf,", 1);
        let sheet = write(
            folder.path(),
            &format!("{sample}.csv"),
            format!("{columns}\n{row}\n"),
        );
        let output = folder.path().join(format!("report-{sample}"));
        with_all(prs(&output), &panel)
            .without("--vcf")
            .with("--samplesheet", sheet)
            .succeed();
        let own = ["scores", "ancestry"].map(|name| Table::read(&output, name));
        for score in ["TOY1", "TOY2"] {
            for column in [
                "sum",
                "rescaled_sum",
                "average",
                "alleles_called",
                "coverage",
                "missing",
                "panel_sum",
                "population",
            ] {
                let [own, among] =
                    [&own[0], &whole[0]].map(|table| cell(table, patient, score, column));
                assert_eq!(own, among, "{patient} {score} {column}");
            }
        }
        let [own, among] = [&own[1], &whole[1]].map(|table| rows_of(table, patient));
        assert_eq!(own, among, "{patient}");
    }
}
