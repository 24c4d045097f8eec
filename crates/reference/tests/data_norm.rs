//! Our normalisation against live `bcftools norm -m -any -f`, on real cohorts, on bcftools' own
//! test files and on generated alleles.
//!
//! Compared is the sorted multiset of CHROM, POS, REF, ALT of every allele. The one thing that is
//! dropped is the case of bases: bcftools keeps it for alleles that it does not change. Every
//! other difference is listed in [`DEVIATIONS`], allele by allele, and must be there.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use varisk_core::Position;
use varisk_reference::{NormaliseError, Normaliser, Reference};

/// bcftools' test files that are compared, each with its FASTA.
const COMPARED: [(&str, &str); 13] = [
    ("norm.vcf", "norm.fa"),
    ("norm.3.vcf", "norm.3.fa"),
    ("norm.check-ref.vcf", "norm.check-ref.fa"),
    ("norm.iupac.vcf", "norm.iupac.fa"),
    ("norm.merge.vcf", "norm.fa"),
    ("norm.merge.2.vcf", "norm.fa"),
    ("norm.merge.4.vcf", "norm.fa"),
    ("norm.phased-join.vcf", "norm.fa"),
    ("norm.right-align.vcf", "norm.right-align.fa"),
    ("norm.symbolic.vcf", "norm.symbolic.fa"),
    ("norm.symbolic.2.vcf", "norm.symbolic.fa"),
    ("norm.symbolic.3.vcf", "norm.symbolic.3.fa"),
    ("norm.telomere.vcf", "norm.fa"),
];

/// bcftools' test files that are not, each with the reason.
const NOT_COMPARED: [(&str, &str); 4] = [
    ("norm.6.vcf", "its FASTA is not in the folder"),
    (
        "norm.filter.vcf",
        "tests splitting by a filter; positions are in no FASTA of the folder",
    ),
    (
        "norm.m-any.vcf",
        "tests splitting of INFO and FORMAT; contig chr1 is in no FASTA there",
    ),
    (
        "norm.merge.3.vcf",
        "tests joining of INFO; contig 11 is in no FASTA of the folder",
    ),
];

/// (file, what bcftools gives, what we give, why).
const DEVIATIONS: [(&str, &str, &str, &str); 2] = [
    ("norm.vcf", "20 59 A .", "20 59 AG .", KEEPS_REF),
    ("norm.merge.vcf", "20 59 A .", "20 59 AG .", KEEPS_REF),
];

const KEEPS_REF: &str =
    "bcftools cuts the REF of a record without ALT to one base; we keep the stretch it covers";

/// Where htslib is asked for a base beyond a contig's end, it hands out the last base, so bcftools
/// takes any single-base REF there that happens to equal it for a match. We call every one a
/// mismatch. (file, number of such alleles): records past the end of a cut contig.
const BEYOND_END: [(&str, usize); 3] = [
    ("CYP2D6.vcf.gz", 259),
    ("SLCO1B1.vcf.gz", 5),
    ("UGT1A1.vcf.gz", 28),
];

type Row = (String, u32, String, String);

/// Alleles, and the (CHROM, POS, REF) of those whose REF is not the FASTA's; both sorted.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    alleles: Vec<Row>,
    mismatches: Vec<(String, u32, String)>,
}

fn shared() -> PathBuf {
    let folder = std::env::var_os("VARISK_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let data = folder.join("data");
    assert!(
        data.is_dir(),
        "{} is not there; set VARISK_SHARED to the folder that holds data/",
        data.display()
    );
    data
}

/// Runs a tool; its output and messages.
fn run(tool: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new(tool)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{tool} cannot be run ({error}); install {tool}"));
    let text = |bytes| String::from_utf8(bytes).expect("the tool writes text");
    let messages = text(output.stderr);
    assert!(
        output.status.success(),
        "{tool} {arguments:?} failed: {messages}"
    );
    (text(output.stdout), messages)
}

fn canonical(contig: &str, position: &str, reference: &str, alternate: &str) -> Row {
    let upper = |allele: &str| {
        let upper = allele.to_ascii_uppercase();
        let is_bases = upper.bytes().all(|b| b"ACGTN".contains(&b));
        if is_bases { upper } else { allele.to_owned() }
    };
    let position = position.parse().expect("POS is a number");
    (
        contig.to_owned(),
        position,
        upper(reference),
        upper(alternate),
    )
}

/// The first five columns of every record.
fn records(vcf: &str) -> impl Iterator<Item = [&str; 5]> {
    vcf.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let mut columns = line.split('\t');
            [(); 5].map(|()| columns.next().expect("a record has five columns"))
        })
}

fn theirs(vcf: &Path, fasta: &Path, check: &str) -> Outcome {
    let [vcf, fasta] = [vcf, fasta].map(|path| path.to_str().expect("paths are text"));
    let (output, messages) = run(
        "bcftools",
        &["norm", "-m", "-any", "-c", check, "-f", fasta, vcf],
    );
    let mut outcome = Outcome::default();
    for [contig, position, _, reference, alternate] in records(&output) {
        outcome
            .alleles
            .push(canonical(contig, position, reference, alternate));
    }
    for line in messages.lines() {
        if let ["REF_MISMATCH", contig, position, reference, ..] =
            line.split('\t').collect::<Vec<_>>()[..]
        {
            let (contig, position, reference, _) = canonical(contig, position, reference, ".");
            outcome.mismatches.push((contig, position, reference));
        }
    }
    outcome.alleles.sort();
    outcome.mismatches.sort();
    outcome
}

fn ours(vcf: &str, fasta: &Path) -> Outcome {
    let reference = Reference::open(fasta).expect("the FASTA opens");
    let mut normaliser = Normaliser::new(reference.reader().expect("the FASTA opens again"));
    let mut outcome = Outcome::default();
    for [contig, position, _, ref_allele, alternates] in records(vcf) {
        let id = reference.contigs().find(contig).expect("a known contig");
        let at = Position(position.parse().expect("POS is a number"));
        for alternate in alternates.split(',') {
            match normaliser.normalise(id, at, ref_allele.as_bytes(), alternate.as_bytes()) {
                Ok(normal) => {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    outcome.alleles.push((
                        contig.to_owned(),
                        normal.position.0,
                        text(normal.reference),
                        text(normal.alternate),
                    ));
                }
                Err(NormaliseError::ReferenceMismatch { .. }) => {
                    let row = canonical(contig, position, ref_allele, alternate);
                    let mismatch = (row.0.clone(), row.1, row.2.clone());
                    outcome.mismatches.push(mismatch);
                    outcome.alleles.push(row);
                }
                Err(error) => panic!("{contig}:{position}: {error}"),
            }
        }
    }
    outcome.alleles.sort();
    outcome.mismatches.sort();
    outcome
}

/// Asserts that both give the same but for the listed deviations; returns the number of alleles.
fn assert_equal(name: &str, mut theirs: Outcome, ours: &Outcome) -> usize {
    for (_, bcftools, varisk, why) in DEVIATIONS.iter().filter(|it| it.0 == name) {
        let row = |text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            canonical(words[0], words[1], words[2], words[3])
        };
        let listed = row(bcftools);
        let at = theirs.alleles.iter().position(|allele| *allele == listed);
        let at = at.unwrap_or_else(|| panic!("{name}: {bcftools} is gone, unlist it ({why})"));
        theirs.alleles[at] = row(varisk);
    }
    theirs.alleles.sort();

    let mut counts: BTreeMap<&Row, i64> = BTreeMap::new();
    for row in &theirs.alleles {
        *counts.entry(row).or_default() += 1;
    }
    for row in &ours.alleles {
        *counts.entry(row).or_default() -= 1;
    }
    let mut report = String::new();
    let differing = counts.iter().filter(|(_, count)| **count != 0);
    for (row, count) in differing.clone().take(20) {
        let side = if *count > 0 { "bcftools" } else { "varisk" };
        let _ = writeln!(report, "only {side}: {row:?}");
    }
    let differing = differing.count();
    assert!(
        differing == 0,
        "{name}: {differing} alleles differ\n{report}"
    );
    assert_eq!(
        theirs.mismatches, ours.mismatches,
        "{name}: REF checks differ"
    );
    assert!(!ours.alleles.is_empty(), "{name} holds no allele");
    ours.alleles.len()
}

/// The mismatches that bcftools misses: see [`BEYOND_END`].
fn matches_beyond_end(
    mismatches: &[(String, u32, String)],
    fasta: &Path,
) -> Vec<(String, u32, String)> {
    let reference = Reference::open(fasta).expect("the FASTA opens");
    let mut reader = reference.reader().expect("the FASTA opens again");
    let mut is_missed = |(contig, position, given): &&(String, u32, String)| {
        let id = reference.contigs().find(contig).expect("a known contig");
        let length = reference.contigs().length(id);
        let mut last = [0];
        reader
            .fill(id, i64::from(length) - 1, &mut last)
            .expect("the last base is read");
        *position > length && given.as_bytes() == last
    };
    mismatches
        .iter()
        .filter(|it| is_missed(it))
        .cloned()
        .collect()
}

/// Compares a cohort file. `check` is that of bcftools: `e` stops at the first REF that is not the
/// FASTA's, `w` leaves such records as they are, and then the same ones must be found here.
fn compare_cohort(vcf: &Path, fasta: &Path, check: &str) -> usize {
    assert!(vcf.is_file(), "{} is not there", vcf.display());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sites = folder.path().join("sites.vcf");
    // Genotypes change nothing here and cost minutes.
    let text = run("bcftools", &["view", "-G", vcf.to_str().expect("text")]).0;
    std::fs::write(&sites, &text).expect("a temporary file");
    let outcome = ours(&text, fasta);
    let mut expected = theirs(&sites, fasta, check);
    let clamped = matches_beyond_end(&outcome.mismatches, fasta);
    let file = vcf.file_name().unwrap_or_default();
    let listed = BEYOND_END.iter().find(|(name, _)| file == *name);
    assert_eq!(
        clamped.len(),
        listed.map_or(0, |(_, count)| *count),
        "{}: other records beyond a contig's end than listed",
        vcf.display()
    );
    expected.mismatches.extend(clamped);
    expected.mismatches.sort();
    let count = assert_equal(&vcf.display().to_string(), expected, &outcome);
    let given: BTreeSet<Row> = records(&text)
        .flat_map(|[contig, position, _, reference, alternates]| {
            let alternates = alternates.split(',');
            alternates.map(move |alternate| canonical(contig, position, reference, alternate))
        })
        .collect();
    let changed = outcome.alleles.iter().filter(|row| !given.contains(row));
    println!(
        "{count} alleles equal, {} of them moved or trimmed, {} REF mismatches: {}",
        changed.count(),
        outcome.mismatches.len(),
        vcf.display()
    );
    count
}

#[test]
fn cohort_1kgp_pharmacogenes_grch38() {
    let data = shared();
    let folder = data.join("cohort_vcf/1kgp_pgx/GRCh38");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".vcf.gz"))
        .collect();
    files.sort();
    assert!(files.len() >= 11, "{} lacks files", folder.display());
    let fasta = data.join("reference/grch38_sparse.fa.gz");
    // The files reach beyond the genes that the sparse FASTA holds; it has N there.
    let counts = files.iter().map(|vcf| compare_cohort(vcf, &fasta, "w"));
    let count: usize = counts.sum();
    println!("{count} alleles equal in all");
}

#[test]
fn cohort_1000_genomes_chr22_grch37() {
    let data = shared();
    compare_cohort(
        &data.join("cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz"),
        &data.join("reference/grch37_chr22_1-22000000.fa.gz"),
        "e",
    );
}

#[test]
fn cohort_brca1_grch37() {
    let folder = shared().join("brca1_grch37_true_coords");
    compare_cohort(
        &folder.join("brca1_1kg_3samples.vcf.gz"),
        &folder.join("chr17_brca1_sparse.fa.gz"),
        "e",
    );
}

/// dbSNP rows are not left-aligned as submitted: hundreds of them move.
#[test]
fn dbsnp_chr21_grch38() {
    let data = shared();
    compare_cohort(
        &data.join("clinvar_gnomad/vep84_grch38_chr21_25-26Mb_dbsnp149_1000g_freq.vcf.gz"),
        &data.join("reference/vep_grch38_chr21_sparse.fa.gz"),
        "e",
    );
}

#[test]
fn bcftools_own_cases() {
    let folder = shared().join("conformance/bcftools/test");
    let present: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder entry").file_name())
        .map(|name| name.into_string().expect("names are text"))
        .filter(|name| name.starts_with("norm") && name.ends_with(".vcf"))
        .collect();
    let known = COMPARED.iter().chain(&NOT_COMPARED);
    let known: BTreeSet<String> = known.map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(known, present, "the lists and the folder differ");

    let scratch = tempfile::tempdir().expect("a temporary folder");
    for (vcf, fasta) in COMPARED {
        // The data is read-only and some of its FASTA files have no index.
        let copy = scratch.path().join(fasta);
        if !copy.exists() {
            let bytes = std::fs::read(folder.join(fasta)).expect("the FASTA is read");
            std::fs::write(&copy, bytes).expect("a temporary file");
            run("samtools", &["faidx", copy.to_str().expect("text")]);
        }
        let vcf_path = folder.join(vcf);
        let text = std::fs::read_to_string(&vcf_path).expect("the VCF is read");
        let outcome = ours(&text, &copy);
        let count = assert_equal(vcf, theirs(&vcf_path, &copy, "w"), &outcome);
        let mismatches = outcome.mismatches.len();
        println!("{count} alleles equal, {mismatches} of them REF mismatches: {vcf}");
    }
}

/// A fixed xorshift stream: the cases never change.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn letters(&mut self, alphabet: &str, length: usize) -> String {
        let letter = |_| char::from(alphabet.as_bytes()[self.below(alphabet.len())]);
        (0..length).map(letter).collect()
    }
}

/// Sequences in which almost everything shifts, with N, IUPAC codes and lower case; alleles of
/// every class at every place, contig starts and ends among them.
#[test]
fn generated_alleles() {
    const ALPHABETS: [&str; 6] = ["A", "AC", "ACGT", "AAAAAN", "ACGTNRYacgtn", "ACACACACGT"];
    const CONTIG_LENGTH: usize = 700;
    const RECORDS: usize = 1_500;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut fasta, mut vcf) = (String::new(), "##fileformat=VCFv4.2\n".to_owned());
    let mut body = String::new();
    for (contig, alphabet) in ALPHABETS.iter().enumerate() {
        let sequence = dice.letters(alphabet, CONTIG_LENGTH);
        let _ = writeln!(vcf, "##contig=<ID=c{contig},length={CONTIG_LENGTH}>");
        let _ = writeln!(fasta, ">c{contig}");
        for line in sequence.as_bytes().chunks(60) {
            let _ = writeln!(fasta, "{}", String::from_utf8_lossy(line));
        }
        let mut positions: Vec<usize> = (0..RECORDS)
            .map(|number| match number % 10 {
                0 => dice.below(4),
                1 => CONTIG_LENGTH - 1 - dice.below(4),
                _ => dice.below(CONTIG_LENGTH),
            })
            .collect();
        positions.sort_unstable();
        for start in positions {
            let length = (1 + dice.below(9)).min(CONTIG_LENGTH - start);
            // As a caller writes it: VCF has no IUPAC codes.
            let reference: String = sequence[start..start + length]
                .chars()
                .map(|base| if "RY".contains(base) { 'N' } else { base })
                .collect();
            let alternates: Vec<String> = (0..1 + dice.below(3))
                .map(|_| match dice.below(12) {
                    0 => "<DEL>".to_owned(),
                    1 => "*".to_owned(),
                    2 => format!("{reference}{reference}"),
                    3..6 => reference[..1 + dice.below(length)].to_owned(),
                    6..9 => {
                        let bases = 1 + dice.below(8);
                        format!("{}{}", &reference[..1], dice.letters(alphabet, bases))
                    }
                    _ => {
                        let bases = 1 + dice.below(10);
                        dice.letters("ACGTN", bases)
                    }
                })
                .map(|alternate| alternate.replace(['R', 'Y'], "N"))
                .collect();
            let position = start + 1;
            let alternates = alternates.join(",");
            let _ = writeln!(
                body,
                "c{contig}\t{position}\t.\t{reference}\t{alternates}\t.\t.\t."
            );
        }
    }
    vcf += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
    vcf += &body;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let [fasta_path, vcf_path] = ["x.fa", "x.vcf"].map(|name| folder.path().join(name));
    std::fs::write(&fasta_path, fasta).expect("a temporary file");
    std::fs::write(&vcf_path, &vcf).expect("a temporary file");
    run("samtools", &["faidx", fasta_path.to_str().expect("text")]);
    let count = assert_equal(
        "generated",
        theirs(&vcf_path, &fasta_path, "w"),
        &ours(&vcf, &fasta_path),
    );
    println!("{count} generated alleles equal");
}
