//! Sites called from reads, and files of reads that cannot be used.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::schemas;
use crate::support::bam::{Read, write_bam};
use crate::support::genome::Genome;
use crate::support::program::{Call, Table, run_record, testdata, text};
use crate::support::refusal::{SECRET_PATIENT, SECRET_SAMPLE, assert_refused, write};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;

const CONTIG: &str = "chr1";
/// Where reads begin.
const FIRST: usize = 5001;
const READ_LENGTH: usize = 100;
const READS: usize = 20;

/// Sites of single bases: the one that the patient's file calls, then those that reads show as
/// heterozygous, reference and homozygous, one with reads of too low a quality, one without reads.
const CALLED: usize = 5005;
const HETEROZYGOUS: usize = 5030;
const REFERENCE: usize = 5041;
const HOMOZYGOUS: usize = 5052;
const NO_READS: usize = 7007;

/// Twenty reads from one place on, of which the even ones are on the forward strand. The first half
/// has the other base at `half`, all have it at `all`.
fn reads(genome: &Genome, half: &[usize], all: &[usize]) -> Vec<Read> {
    let sound = genome.bases(CONTIG, FIRST, READ_LENGTH);
    let read = |number: usize| {
        let mut bases = sound.to_owned();
        let mut change = |position: &usize| {
            let at = position - FIRST;
            bases.replace_range(at..=at, genome.other(CONTIG, *position));
        };
        if number < READS / 2 {
            half.iter().for_each(&mut change);
        }
        all.iter().for_each(&mut change);
        Read {
            contig: 0,
            position: FIRST as u32,
            bases,
            is_reverse: number % 2 == 1,
            mapping_quality: 60,
            base_quality: 30,
        }
    };
    (0..READS).map(read).collect()
}

/// A VCF of single bases with a genotype of one sample, or without samples.
fn vcf(genome: &Genome, sample: Option<&str>, sites: &[(usize, &str)]) -> String {
    let mut text = "##fileformat=VCFv4.2\n\
        ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"genotype\">\n"
        .to_owned();
    for (name, length) in genome.contigs() {
        let _ = writeln!(text, "##contig=<ID={name},length={length}>");
    }
    text += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
    if let Some(sample) = sample {
        text += &format!("\tFORMAT\t{sample}");
    }
    text += "\n";
    for (position, genotype) in sites {
        let base = genome.bases(CONTIG, *position, 1);
        let other = genome.other(CONTIG, *position);
        let _ = write!(text, "{CONTIG}\t{position}\t.\t{base}\t{other}\t.\t.\t.");
        if sample.is_some() {
            let _ = write!(text, "\tGT\t{genotype}");
        }
        text += "\n";
    }
    text
}

/// One patient with reads, and the sites that are needed.
struct Study {
    folder: tempfile::TempDir,
}

impl Study {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (genome, path) = (Genome::read(), folder.path());
        let own = vcf(&genome, Some(SECRET_SAMPLE), &[(CALLED, "0/1")]);
        write(path, "own.vcf", own);
        let needed = [CALLED, HETEROZYGOUS, REFERENCE, HOMOZYGOUS, NO_READS].map(|it| (it, ""));
        write(path, "sites.vcf", vcf(&genome, None, &needed));
        let reads = reads(&genome, &[CALLED, HETEROZYGOUS], &[HOMOZYGOUS]);
        write_bam(path, "own.bam", &genome.contigs(), SECRET_SAMPLE, &reads);
        let study = Self { folder };
        study.sheet("own.bam");
        study
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sheet(&self, alignment: &str) {
        let sheet = format!(
            "patient,vcf,sample,sex,alignment\n{SECRET_PATIENT},own.vcf,{SECRET_SAMPLE},female,{alignment}\n"
        );
        write(self.folder.path(), "sheet.csv", sheet);
    }

    fn evidence(&self, output: &str) -> Call {
        Call::new("evidence")
            .with("--samplesheet", text(&self.at("sheet.csv")))
            .with("--sites", text(&self.at("sites.vcf")))
            .with("--reference", testdata("genome.fa"))
            .with("--build", "other")
            .with("--par", testdata("par.bed"))
            .with("--output", text(&self.at(output)))
    }

    /// State, origin and genotype of each site.
    fn states(&self, output: &str) -> Vec<String> {
        let table = Table::read(&self.at(output), "evidence");
        let columns = ["state", "origin", "genotype"].map(|name| table.column(name));
        (0..table.len())
            .map(|row| {
                let words: Vec<&str> = columns.iter().filter_map(|column| column[row]).collect();
                words.join(" ")
            })
            .collect()
    }
}

#[test]
fn sites_called_from_reads() {
    let study = Study::new();
    study.evidence("plain").succeed();
    let nothing = "not_assayed";
    let plain = ["called record 0/1", nothing, nothing, nothing, nothing];
    assert_eq!(study.states("plain"), plain);

    study
        .evidence("filled")
        .also("--genotype-from-reads", "")
        .succeed();
    let filled = [
        "called record 0/1",
        "called reads 0/1",
        "called_reference reads 0/0",
        "called reads 1/1",
        nothing,
    ];
    assert_eq!(study.states("filled"), filled);
    // Depths stand in both.
    for output in ["plain", "filled"] {
        let table = Table::read(&study.at(output), "evidence");
        let check = |name: &str, expected: [Option<f64>; 5]| {
            let found = table.numbers(name);
            assert_eq!(found, expected, "{output} {name}");
        };
        let (all, half, none) = (Some(20.0), Some(10.0), Some(0.0));
        check("depth", [all, all, all, all, none]);
        check("ref_depth", [half, half, all, none, none]);
        check("alt_depth", [half, half, none, all, none]);
        check("other_depth", [none; 5]);
        let quarter = Some(5.0);
        check("alt_forward", [quarter, quarter, none, half, none]);
        check("alt_reverse", [quarter, quarter, none, half, none]);
        let quality = Some(30.0);
        check("alt_base_quality", [quality, quality, None, quality, None]);
        let mapping = Some(60.0);
        check(
            "alt_mapping_quality",
            [mapping, mapping, None, mapping, None],
        );
    }
    let qc = Table::read(&study.at("filled"), "qc");
    assert_eq!(qc.numbers("from_reads"), [Some(3.0)]);
    let record = run_record(&study.at("filled"));
    schemas::check("run.schema.json", std::slice::from_ref(&record), &[]);
    let parameters = &record["parameters"];
    assert_eq!(parameters["genotype_from_reads"], true);
    assert_eq!(parameters["min_mapq"], 20);
    assert_eq!(parameters["min_baseq"], 13);
    let inputs = record["inputs"].as_array().expect("inputs").iter();
    let alignments = inputs.filter(|input| input["role"] == "alignment");
    assert_eq!(alignments.count(), 1);
}

/// Reads below the limits do not count.
#[test]
fn limits_of_reads() {
    let study = Study::new();
    for (output, option, limit) in [("mapq", "--min-mapq", "61"), ("baseq", "--min-baseq", "31")] {
        study
            .evidence(output)
            .also("--genotype-from-reads", "")
            .with(option, limit)
            .succeed();
        let table = Table::read(&study.at(output), "evidence");
        assert_eq!(table.numbers("depth"), [Some(0.0); 5], "{option}");
        assert_eq!(study.states(output)[1..], ["not_assayed"; 4], "{option}");
    }
}

/// Calls that the reads contradict are of somebody else.
#[test]
fn calls_of_somebody_else() {
    let study = Study::new();
    let genome = Genome::read();
    let positions: Vec<usize> = (0..30).map(|number| FIRST + 5 + 3 * number).collect();
    let calls: Vec<(usize, &str)> = positions
        .iter()
        .map(|position| (*position, "1/1"))
        .collect();
    let own = vcf(&genome, Some(SECRET_SAMPLE), &calls);
    write(study.folder.path(), "own.vcf", own);
    let call = |output: &str| study.evidence(output).without("--sites");
    let refused = call("report").run();
    let parts = ["own.bam", "0 of 30"];
    assert_refused("another person", &refused, DATA, &parts);
    assert!(!study.at("report").exists() && !study.at("report.partial").exists());

    let reads = reads(&genome, &[], &positions);
    let contigs = genome.contigs();
    write_bam(
        study.folder.path(),
        "own.bam",
        &contigs,
        SECRET_SAMPLE,
        &reads,
    );
    call("report").succeed();
    let features = Table::read(&study.at("report"), "features");
    let values: Vec<(&str, Option<f64>)> = features
        .texts("feature")
        .into_iter()
        .zip(features.numbers("value"))
        .filter(|(name, _)| name.starts_with("reads."))
        .collect();
    let expected = [
        ("reads.concordance", Some(1.0)),
        ("reads.mean_depth", Some(20.0)),
        ("reads.sites", Some(30.0)),
    ];
    assert_eq!(values, expected);
}

#[test]
fn files_that_cannot_be_used() {
    type Change<'c> = &'c dyn Fn(&Study, &Path);
    let bam = |folder: &Path| std::fs::read(folder.join("own.bam")).expect("the reads");
    let set = |folder: &Path, name: &str, bytes: &[u8]| drop(write(folder, name, bytes));
    let cases: [(&str, i32, Change<'_>, &[&str]); 9] = [
        (
            "no index",
            NO_INPUT,
            &|_, folder| std::fs::remove_file(folder.join("own.bam.bai")).expect("the index"),
            &["own.bam", "samtools index"],
        ),
        (
            "no reads",
            NO_INPUT,
            &|_, folder| std::fs::remove_file(folder.join("own.bam")).expect("the reads"),
            &["own.bam"],
        ),
        (
            "no end",
            DATA,
            &|_, folder| {
                let whole = bam(folder);
                set(folder, "own.bam", &whole[..whole.len() - 28]);
            },
            &["own.bam"],
        ),
        (
            "prose",
            DATA,
            &|_, folder| set(folder, "own.bam", b"once upon a time"),
            &["own.bam"],
        ),
        (
            "a damaged index",
            DATA,
            &|_, folder| set(folder, "own.bam.bai", b"BAI\x01\x05"),
            &["own.bam"],
        ),
        (
            "contigs of another length",
            DATA,
            &|_, folder| {
                let genome = Genome::read();
                let mut contigs = genome.contigs();
                contigs[0].1 += 1;
                write_bam(folder, "own.bam", &contigs, SECRET_SAMPLE, &[]);
            },
            &["own.bam", "chr1", "200001", "200000"],
        ),
        (
            "an index of a file with other contigs",
            DATA,
            &|_, folder| {
                let genome = Genome::read();
                write_bam(
                    folder,
                    "other.bam",
                    &genome.contigs()[..2],
                    SECRET_SAMPLE,
                    &[],
                );
                std::fs::rename(folder.join("other.bam.bai"), folder.join("own.bam.bai"))
                    .expect("a name");
            },
            &["own.bam"],
        ),
        (
            "no column",
            USAGE,
            &|_, folder| {
                let sheet = format!("patient,vcf\n{SECRET_PATIENT},own.vcf\n");
                drop(write(folder, "sheet.csv", sheet));
            },
            &["--genotype-from-reads", "alignment"],
        ),
        (
            "an empty cell",
            USAGE,
            &|study, _| study.sheet(""),
            &["--genotype-from-reads", "alignment"],
        ),
    ];
    for (name, code, change, parts) in cases {
        let study = Study::new();
        change(&study, study.folder.path());
        let call = study.evidence("report").also("--genotype-from-reads", "");
        assert_refused(name, &call.run(), code, parts);
        let left = ["report", "report.partial"].map(|name| study.at(name).exists());
        assert_eq!(left, [false; 2], "{name}: something is left behind");
    }
}
