//! `synth-vcf`: a large phased cohort on one contig, shaped like a chromosome of the 1000 Genomes
//! release (GT only, mostly rare alleles), and its reference.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;

use crate::bgzf;
use crate::random::{Copies, Random};
use crate::sequence::{background, fasta, substitute};

/// Name of the contig. Its length is that of no human chromosome, so that no build is recognised.
const CONTIG: &str = "chr1";

/// Largest distance of two records; the average of 28 bases is that of the 1000 Genomes release.
const LARGEST_STEP: u64 = 55;

/// Options of `synth-vcf`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Number of samples
    #[arg(long, default_value_t = 2_504, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) samples: u32,
    /// Number of records
    #[arg(long, default_value_t = 40_000)]
    pub(crate) variants: u32,
    /// Seed: equal options give equal files
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The BGZF VCF to write
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// The FASTA file to write; its .fai goes beside it
    #[arg(long)]
    pub(crate) reference_out: PathBuf,
}

/// Writes the cohort and its reference, record by record.
pub(crate) fn write(options: &Options) -> anyhow::Result<()> {
    let mut random = Random::new(options.seed, 1);
    let length = options.variants as usize * LARGEST_STEP as usize + 1_000;
    let reference = background(&mut random, length);
    let (text, index) = fasta(&[(CONTIG, &reference)]);
    let path = &options.reference_out;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let mut index_path = path.as_os_str().to_owned();
    index_path.push(".fai");
    fs::write(&index_path, index)
        .with_context(|| format!("cannot write {}.fai", path.display()))?;

    let file = File::create(&options.out)
        .with_context(|| format!("cannot write {}", options.out.display()))?;
    let mut writer = bgzf::writer(BufWriter::new(file));
    cohort(options, &reference, &mut random, &mut writer)
        .and_then(|()| writer.finish()?.flush())
        .with_context(|| format!("cannot write {}", options.out.display()))
}

fn cohort(
    options: &Options,
    reference: &[u8],
    random: &mut Random,
    writer: &mut impl Write,
) -> std::io::Result<()> {
    writeln!(
        writer,
        "##fileformat=VCFv4.3\n\
         ##contig=<ID={CONTIG},length={}>\n\
         ##FILTER=<ID=PASS,Description=\"All filters passed\">\n\
         ##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Copies of each alternate allele\">\n\
         ##INFO=<ID=AF,Number=A,Type=Float,Description=\"Frequency of each alternate allele\">\n\
         ##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Number of called haplotypes\">\n\
         ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">",
        reference.len()
    )?;
    write!(
        writer,
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"
    )?;
    for sample in 1..=options.samples {
        write!(writer, "\tSYN{sample:05}")?;
    }
    writeln!(writer)?;

    let haplotypes = options.samples as usize * 2;
    let copies = Copies::new(haplotypes);
    let mut genotypes = Genotypes::new(haplotypes);
    let mut position = 100_usize;
    for number in 1..=options.variants {
        // Footprints stay below ten bases, so that records never overlap.
        position += random.between(10, LARGEST_STEP - 10) as usize;
        let (reference_allele, alternates) = alleles(random, reference, position);
        genotypes.clear();
        let counts: Vec<usize> = (1..=alternates.len())
            .map(|allele| {
                let wanted = copies.draw(random);
                genotypes.spread(random, b'0' + allele as u8, wanted)
            })
            .collect();
        let join = |text: &dyn Fn(usize) -> String| {
            let texts: Vec<_> = counts.iter().map(|count| text(*count)).collect();
            texts.join(",")
        };
        write!(
            writer,
            "{CONTIG}\t{}\tsyn{number}\t{}\t{}\t100\tPASS\tAC={};AF={};AN={haplotypes}\tGT\t",
            position + 1,
            String::from_utf8_lossy(&reference_allele),
            alternates.join(","),
            join(&|count| count.to_string()),
            join(&|count| format!("{:.6}", count as f64 / haplotypes as f64)),
        )?;
        writer.write_all(&genotypes.line)?;
        writer.write_all(b"\n")?;
    }
    Ok(())
}

/// REF and ALT at a position (0-based): SNVs, one indel in twenty, one multi-allelic in a hundred.
pub(crate) fn alleles(
    random: &mut Random,
    reference: &[u8],
    position: usize,
) -> (Vec<u8>, Vec<String>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let base = reference[position];
    let kind = random.below(100);
    let length = random.between(1, 6) as usize;
    match kind {
        0..=1 => {
            let inserted = [&[base], &background(random, length)[..]].concat();
            (vec![base], vec![text(&inserted)])
        }
        2..=4 => {
            let deleted = reference[position..=position + length].to_vec();
            (deleted, vec![text(&[base])])
        }
        5 => {
            let first = substitute(random, base);
            let second = loop {
                let other = substitute(random, base);
                if other != first {
                    break other;
                }
            };
            (vec![base], vec![text(&[first]), text(&[second])])
        }
        _ => (vec![base], vec![text(&[substitute(random, base)])]),
    }
}

/// The genotype columns of one record, kept from record to record: only what changes is written.
struct Genotypes {
    line: Vec<u8>,
    haplotypes: usize,
}

impl Genotypes {
    fn new(haplotypes: usize) -> Self {
        let mut line = b"0|0\t".repeat(haplotypes / 2);
        line.pop();
        Self { line, haplotypes }
    }

    fn clear(&mut self) {
        for allele in self.line.iter_mut().step_by(2) {
            *allele = b'0';
        }
    }

    /// Gives up to `wanted` haplotypes that carry the reference the allele; returns how many.
    fn spread(&mut self, random: &mut Random, allele: u8, wanted: usize) -> usize {
        // "0|0\t0|0": haplotype h stands at byte 2h.
        let free = self
            .line
            .iter()
            .step_by(2)
            .filter(|base| **base == b'0')
            .count();
        let wanted = wanted.min(free);
        let fill = wanted * 2 > free;
        if fill {
            // Most become carriers: give it to all and take it back from a few.
            for base in self.line.iter_mut().step_by(2) {
                if *base == b'0' {
                    *base = allele;
                }
            }
        }
        let (from, to) = if fill { (allele, b'0') } else { (b'0', allele) };
        let mut left = if fill { free - wanted } else { wanted };
        while left > 0 {
            let at = random.index(self.haplotypes) * 2;
            if self.line[at] == from {
                self.line[at] = to;
                left -= 1;
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_spread_exactly() {
        let mut random = Random::new(3, 0);
        for haplotypes in [2, 10, 40] {
            for wanted in 0..=haplotypes {
                let mut genotypes = Genotypes::new(haplotypes);
                assert_eq!(genotypes.spread(&mut random, b'1', wanted), wanted);
                let second = genotypes.spread(&mut random, b'2', haplotypes);
                assert_eq!(second, haplotypes - wanted);
                let ones = genotypes.line.iter().filter(|b| **b == b'1').count();
                assert_eq!(ones, wanted);
            }
        }
    }

    #[test]
    fn one_sample_works_and_is_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let options = Options {
                samples: 1,
                variants: 500,
                seed: 9,
                out: folder.path().join(format!("{name}.vcf.gz")),
                reference_out: folder.path().join(format!("{name}.fa")),
            };
            write(&options).unwrap();
            let read = |end: &str| fs::read(folder.path().join(format!("{name}.{end}"))).unwrap();
            (read("vcf.gz"), read("fa"), read("fa.fai"))
        };
        assert!(make("a") == make("b"));
    }
}
