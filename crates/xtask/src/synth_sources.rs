//! Synthetic knowledge sources for benchmarks: a sites VCF, a ClinVar-like VCF and a VCF of
//! frequencies over the same two contigs, and the configuration of a bundle of the two sources.
//!
//! Every record has one alternate allele, left-aligned and without bases in common, so that a
//! program that compares positions and alleles as they stand finds what one finds that normalises.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::bgzf;
use crate::random::Random;
use crate::sequence::{BASES, background, fasta, substitute};

/// Names of the contigs. Their length is that of no human chromosome, so that no build is recognised.
const CONTIGS: [&str; 2] = ["1", "2"];

/// Largest distance of two positions.
const LARGEST_STEP: u64 = 30;

/// Haplotypes of the population that frequencies are of.
const POPULATION: u64 = 152_000;

/// Fields of the ClinVar-like source that are joined: name in the bundle and INFO field.
pub(crate) const CLINVAR_FIELDS: [(&str, &str); 3] = [
    ("sig", "CLNSIG"),
    ("status", "CLNREVSTAT"),
    ("disease", "CLNDN"),
];

/// Fields of the frequency source that are joined.
pub(crate) const FREQUENCY_FIELDS: [(&str, &str); 3] = [("af", "AF"), ("ac", "AC"), ("an", "AN")];

/// Rows of each file, about: they are drawn.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) sites: u64,
    pub(crate) frequencies: u64,
    pub(crate) clinvar: u64,
}

/// The files below a folder.
pub(crate) struct Files {
    pub(crate) sites: PathBuf,
    pub(crate) frequencies: PathBuf,
    pub(crate) clinvar: PathBuf,
    pub(crate) reference: PathBuf,
    pub(crate) configuration: PathBuf,
}

impl Files {
    /// Where they are or will be.
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            sites: folder.join("sites.vcf.gz"),
            frequencies: folder.join("frequencies.vcf.gz"),
            clinvar: folder.join("clinvar.vcf.gz"),
            reference: folder.join("reference.fa"),
            configuration: folder.join("knowledge.toml"),
        }
    }
}

type Writer = noodles_bgzf::io::Writer<BufWriter<File>>;

/// Writes all; equal seeds and sizes give equal files.
pub(crate) fn write(seed: u64, size: Size, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let files = Files::of(folder);
    // One allele of a position for each number in `sites + frequencies`; a third of the sites share
    // the position of a frequency but not its allele, or stand alone.
    let positions = size.frequencies * 6 / 5;
    let length = (positions / CONTIGS.len() as u64 * (LARGEST_STEP + 11) / 2) as usize + 10_000;
    let mut random = Random::new(seed, 1);
    let sequences = CONTIGS.map(|_| background(&mut random, length));
    let named: Vec<(&str, &[u8])> = CONTIGS
        .into_iter()
        .zip(sequences.iter().map(Vec::as_slice))
        .collect();
    let (text, index) = fasta(&named);
    fs::write(&files.reference, text)?;
    fs::write(files.reference.with_extension("fa.fai"), index)?;
    fs::write(&files.configuration, configuration())?;

    let mut sites = open(&files.sites, length, SITE_LINES)?;
    let mut frequencies = open(&files.frequencies, length, FREQUENCY_LINES)?;
    let mut clinvar = open(&files.clinvar, length, CLINVAR_LINES)?;
    let mut random = Random::new(seed, 2);
    let share = |part: u64| part * 1_000_000 / positions;
    for (contig, sequence) in &named {
        let mut position = 100;
        for _ in 0..positions / CONTIGS.len() as u64 {
            position += random.between(10, LARGEST_STEP) as usize;
            let allele = allele(&mut random, sequence, position);
            let start = format!("{contig}\t{}\t", position + 1);
            if random.below(1_000_000) < share(size.frequencies) {
                let count = random.between(1, POPULATION / 100);
                writeln!(
                    frequencies,
                    "{start}rs{position}\t{allele}\t.\tPASS\tAC={count};AN={POPULATION};AF={};nhomalt={}",
                    fraction(count),
                    count / 300
                )?;
            }
            if random.below(1_000_000) < share(size.clinvar) {
                write_clinvar(&mut random, &start, &allele, &mut clinvar)?;
            }
            if random.below(1_000_000) < share(size.sites) {
                let (reference, alternate) = allele.split_once('\t').unwrap_or_default();
                // One in ten has an allele that no source knows.
                let other = BASES
                    .iter()
                    .map(|base| char::from(*base).to_string())
                    .find(|base| base != reference && base != alternate);
                let own = match other {
                    Some(other) if reference.len() == 1 && random.chance(100) => {
                        format!("{reference}\t{other}")
                    }
                    _ => allele.clone(),
                };
                let depth = random.between(10, 60);
                writeln!(sites, "{start}.\t{own}\t100\tPASS\tDP={depth}")?;
            }
        }
    }
    for writer in [sites, frequencies, clinvar] {
        writer.finish()?.flush()?;
    }
    Ok(())
}

/// A count as a fraction of the population, with six digits at most: single precision keeps them.
fn fraction(count: u64) -> String {
    let millionths = count * 1_000_000 / POPULATION;
    format!("0.{millionths:06}")
}

fn write_clinvar(
    random: &mut Random,
    start: &str,
    allele: &str,
    writer: &mut Writer,
) -> std::io::Result<()> {
    let number = random.between(1, 3_000_000);
    let significance = random.pick(&[
        "Benign",
        "Likely_benign",
        "Uncertain_significance",
        "Uncertain_significance",
        "Likely_pathogenic",
        "Pathogenic",
    ]);
    let status = random.pick(&[
        "criteria_provided,_single_submitter",
        "criteria_provided,_multiple_submitters,_no_conflicts",
        "no_assertion_criteria_provided",
    ]);
    writeln!(
        writer,
        "{start}{number}\t{allele}\t.\t.\tALLELEID={number};CLNDN=Synthetic_disease_{}|not_provided;CLNREVSTAT={status};CLNSIG={significance}",
        number % 7_919
    )
}

const SITE_LINES: &str = "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Reads at the site\">\n";
const FREQUENCY_LINES: &str = "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Copies of each alternate allele\">\n\
    ##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Called haplotypes\">\n\
    ##INFO=<ID=AF,Number=A,Type=Float,Description=\"Frequency of each alternate allele\">\n\
    ##INFO=<ID=nhomalt,Number=A,Type=Integer,Description=\"Homozygotes\">\n";
const CLINVAR_LINES: &str = "##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description=\"ClinVar allele identifier\">\n\
    ##INFO=<ID=CLNDN,Number=.,Type=String,Description=\"ClinVar's disease name\">\n\
    ##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description=\"ClinVar's review status\">\n\
    ##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"Clinical significance\">\n";

fn open(path: &Path, length: usize, lines: &str) -> anyhow::Result<Writer> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut writer = bgzf::writer(BufWriter::new(file));
    writeln!(writer, "##fileformat=VCFv4.3")?;
    for contig in CONTIGS {
        writeln!(writer, "##contig=<ID={contig},length={length}>")?;
    }
    writeln!(
        writer,
        "##FILTER=<ID=PASS,Description=\"All filters passed\">"
    )?;
    writeln!(
        writer,
        "{lines}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    )?;
    Ok(writer)
}

/// REF and ALT at a position (0-based), tab between: nine in ten a substitution, else an insertion
/// or deletion that cannot be moved to the left, since its last base is not the one before it.
fn allele(random: &mut Random, sequence: &[u8], position: usize) -> String {
    let text = |bases: &[u8]| String::from_utf8_lossy(bases).into_owned();
    let base = sequence[position];
    let end = position + random.between(1, 5) as usize;
    match random.below(20) {
        0 if sequence[end] != base => {
            format!("{}\t{}", text(&sequence[position..=end]), char::from(base))
        }
        1 => {
            let mut inserted = vec![base];
            inserted.extend(background(random, end - position - 1));
            inserted.push(substitute(random, base));
            format!("{}\t{}", char::from(base), text(&inserted))
        }
        _ => format!(
            "{}\t{}",
            char::from(base),
            char::from(substitute(random, base))
        ),
    }
}

/// The configuration of the bundle.
fn configuration() -> String {
    let source = |name: &str, path: &str, fields: &[(&str, &str)]| {
        let fields: Vec<String> = fields
            .iter()
            .map(|(field, info)| format!("{field} = \"{info}\""))
            .collect();
        format!(
            "\n[[source]]\nname = \"{name}\"\nkind = \"vcf\"\npath = \"{path}\"\nrelease = \"synthetic\"\nlicence = \"MIT OR Apache-2.0\"\nfields = {{ {} }}\n",
            fields.join(", ")
        )
    };
    format!(
        "genome_build = \"other\"\n{}{}",
        source("clinvar", "clinvar.vcf.gz", &CLINVAR_FIELDS),
        source("freq", "frequencies.vcf.gz", &FREQUENCY_FIELDS)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alleles_are_left_aligned_and_parsimonious() {
        let mut random = Random::new(4, 0);
        let sequence = background(&mut random, 50_000);
        for position in (100..49_900).step_by(20) {
            let allele = allele(&mut random, &sequence, position);
            let (reference, alternate) = allele.split_once('\t').unwrap();
            assert!(sequence[position..].starts_with(reference.as_bytes()));
            assert_ne!(reference, alternate);
            assert_ne!(
                reference.as_bytes().last(),
                alternate.as_bytes().last(),
                "{allele}"
            );
            assert!(reference.len() == 1 || alternate.len() == 1, "{allele}");
        }
    }

    #[test]
    fn equal_seeds_give_equal_files_of_the_wanted_size() {
        let folder = tempfile::tempdir().unwrap();
        let size = Size {
            sites: 1_000,
            frequencies: 2_000,
            clinvar: 200,
        };
        let make = |name: &str| {
            let folder = folder.path().join(name);
            write(3, size, &folder).unwrap();
            let files = Files::of(&folder);
            [
                files.sites,
                files.frequencies,
                files.clinvar,
                files.reference,
            ]
            .map(|path| fs::read(path).unwrap())
        };
        let made = make("a");
        assert!(made == make("b"));
        let rows = |bytes: &[u8]| {
            let mut text = String::new();
            let mut reader = noodles_bgzf::io::Reader::new(bytes);
            std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
            text.lines().filter(|line| !line.starts_with('#')).count()
        };
        assert!((900..1_100).contains(&rows(&made[0])));
        assert!((1_900..2_100).contains(&rows(&made[1])));
        assert!((150..250).contains(&rows(&made[2])));
    }
}
