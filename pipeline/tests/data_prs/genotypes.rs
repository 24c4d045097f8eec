//! Genotypes as bcftools decodes them, and what a score is by them.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::oracle::shell;
use crate::support::program::text;

/// A haplotype without a call.
pub(crate) const MISSING: u8 = 255;
/// The second haplotype of a haploid call.
pub(crate) const ABSENT: u8 = 254;

/// A record as the file has it.
pub(crate) struct Record {
    pub(crate) contig: String,
    pub(crate) position: u32,
    /// REF, then each ALT.
    pub(crate) alleles: Vec<String>,
    /// Of each sample the alleles' indices.
    pub(crate) calls: Vec<[u8; 2]>,
}

impl Record {
    /// Copies of an allele, and of all alleles, in a complete call.
    pub(crate) fn copies(&self, sample: usize, allele: u8) -> Option<(u8, u8)> {
        let [first, second] = self.calls[sample];
        if first == MISSING || second == MISSING {
            return None;
        }
        let copies = u8::from(first == allele) + u8::from(second == allele);
        Some((copies, if second == ABSENT { 1 } else { 2 }))
    }

    /// The frequency of an allele among complete calls.
    pub(crate) fn frequency(&self, allele: u8) -> f64 {
        let calls = (0..self.calls.len()).filter_map(|sample| self.copies(sample, allele));
        let sum = |(a, b): (u32, u32), (c, d): (u8, u8)| (a + u32::from(c), b + u32::from(d));
        let (copies, total) = calls.fold((0, 0), sum);
        f64::from(copies) / f64::from(total)
    }

    pub(crate) fn id(&self) -> String {
        format!(
            "{}:{}:{}",
            self.contig,
            self.position,
            self.alleles.join(":")
        )
    }

    /// Alleles of bases alone.
    pub(crate) fn is_sequence(&self) -> bool {
        let is_bases = |allele: &String| allele.bytes().all(|base| b"ACGT".contains(&base));
        self.alleles.len() > 1 && self.alleles.iter().all(is_bases)
    }
}

/// All records of a file.
pub(crate) struct Genotypes {
    pub(crate) samples: Vec<String>,
    pub(crate) records: Vec<Record>,
}

impl Genotypes {
    pub(crate) fn of(vcf: &Path) -> Self {
        let vcf = text(vcf);
        let samples = shell(&format!("bcftools query -l {vcf}"));
        let lines = shell(&format!(
            "bcftools query -f '%CHROM\\t%POS\\t%REF\\t%ALT[\\t%GT]\\n' {vcf}"
        ));
        Self {
            samples: samples.lines().map(str::to_owned).collect(),
            records: lines.lines().map(record).collect(),
        }
    }

    /// Writes them as VCF, with identifiers that no other record has.
    pub(crate) fn write(&self, path: &Path, contig_line: &str) {
        let mut out = format!("##fileformat=VCFv4.2\n{contig_line}\n");
        out += "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n";
        out += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
        for sample in &self.samples {
            out.push('\t');
            out += sample;
        }
        for record in &self.records {
            let _ = write!(
                out,
                "\n{}\t{}\t{}\t{}\t{}\t.\t.\t.\tGT",
                record.contig,
                record.position,
                record.id(),
                record.alleles[0],
                record.alleles[1..].join(",")
            );
            for [first, second] in &record.calls {
                let letter = |allele: u8| {
                    if allele == MISSING {
                        '.'
                    } else {
                        char::from(b'0' + allele)
                    }
                };
                out.push('\t');
                out.push(letter(*first));
                if *second != ABSENT {
                    out.push('/');
                    out.push(letter(*second));
                }
            }
        }
        out.push('\n');
        std::fs::write(path, out).expect("a file");
    }
}

fn record(line: &str) -> Record {
    let mut cells = line.splitn(5, '\t');
    let mut next = || cells.next().expect("a column");
    let (contig, position) = (next().to_owned(), next().parse().expect("a position"));
    let mut alleles = vec![next().to_owned()];
    alleles.extend(next().split(',').map(str::to_owned));
    let calls = next().as_bytes().split(|byte| *byte == b'\t').map(call);
    Record {
        contig,
        position,
        alleles,
        calls: calls.collect(),
    }
}

fn call(genotype: &[u8]) -> [u8; 2] {
    let allele = |letter: u8| {
        if letter == b'.' {
            MISSING
        } else {
            letter - b'0'
        }
    };
    match genotype {
        [one] => [allele(*one), ABSENT],
        [first, b'/' | b'|', second] => [allele(*first), allele(*second)],
        _ => panic!("a genotype of other than one or two one-digit alleles"),
    }
}
