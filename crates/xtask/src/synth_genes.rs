//! A synthetic chromosome with many genes for benchmarks: its sequence, GFF3 in the form of Ensembl,
//! and a sites VCF with mostly single-base substitutions.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use anyhow::Context;

use crate::bgzf;
use crate::random::Random;
use crate::sequence::{background, fasta, reverse_complement};
use crate::synth_vcf::alleles;
use crate::testdata::coding_sequence;

/// Name of the contig. Its length is that of no human chromosome, so that no build is recognised.
const CONTIG: &str = "1";

/// How large the data are.
pub(crate) struct Size {
    /// Bases of the contig.
    pub(crate) length: usize,
    pub(crate) genes: usize,
    /// Records of the VCF.
    pub(crate) variants: usize,
}

/// The files to write.
pub(crate) struct Paths<'a> {
    pub(crate) vcf: &'a Path,
    /// FASTA; its .fai goes beside it.
    pub(crate) reference: &'a Path,
    pub(crate) gff: &'a Path,
}

/// Writes all three; equal seeds and sizes give equal files.
pub(crate) fn write(seed: u64, size: &Size, paths: &Paths<'_>) -> anyhow::Result<()> {
    let mut sequence = background(&mut Random::new(seed, 1), size.length);
    let models = embed(&mut Random::new(seed, 2), size.genes, &mut sequence);
    let (text, index) = fasta(&[(CONTIG, &sequence)]);
    write_file(paths.reference, &text)?;
    let mut index_path = paths.reference.as_os_str().to_owned();
    index_path.push(".fai");
    write_file(Path::new(&index_path), index.as_bytes())?;
    write_file(paths.gff, gff3(&models, size.length).as_bytes())?;
    write_sites(
        &mut Random::new(seed, 3),
        size.variants,
        &sequence,
        paths.vcf,
    )
    .with_context(|| format!("cannot write {}", paths.vcf.display()))
}

fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// A gene. Ranges are 0-based, half-open, on the contig, in the order of transcription.
struct Gene {
    name: String,
    forward: bool,
    transcripts: Vec<Transcript>,
}

struct Transcript {
    exons: Vec<Range<usize>>,
    /// Empty for a transcript that is not translated.
    coding: Vec<Range<usize>>,
}

impl Gene {
    fn span(&self) -> Range<usize> {
        let exons = || self.transcripts.iter().flat_map(|one| &one.exons);
        let start = exons().map(|exon| exon.start).min();
        let end = exons().map(|exon| exon.end).max();
        start.unwrap_or(0)..end.unwrap_or(0)
    }
}

/// Puts genes at even distances, on both strands.
fn embed(random: &mut Random, count: usize, contig: &mut [u8]) -> Vec<Gene> {
    let room = contig.len() / count;
    (0..count)
        .map(|number| {
            let mut blueprint = Blueprint::new(random, room * 3 / 4);
            let start = number * room + room / 8;
            let length = blueprint.sequence.len();
            let forward = random.chance(500);
            if !forward {
                blueprint.sequence = reverse_complement(&blueprint.sequence);
            }
            contig[start..start + length].copy_from_slice(&blueprint.sequence);
            let place = |local: &Range<usize>| {
                if forward {
                    start + local.start..start + local.end
                } else {
                    start + length - local.end..start + length - local.start
                }
            };
            let transcripts = blueprint.transcripts(random).into_iter();
            Gene {
                name: format!("SYN{:05}", number + 1),
                forward,
                transcripts: transcripts
                    .map(|one| Transcript {
                        exons: one.exons.iter().map(place).collect(),
                        coding: one.coding.iter().map(place).collect(),
                    })
                    .collect(),
            }
        })
        .collect()
}

/// A gene in its own direction, ranges relative to its start.
struct Blueprint {
    sequence: Vec<u8>,
    exons: Vec<Range<usize>>,
    coding: Vec<Range<usize>>,
}

impl Blueprint {
    /// A gene of 4 to 12 exons that takes at most `room` bases.
    fn new(random: &mut Random, room: usize) -> Self {
        let count = random.between(4, 12) as usize;
        // Whole codons each, so that a transcript without an inner exon stays in frame.
        let lengths: Vec<usize> = (0..count)
            .map(|_| random.between(30, 80) as usize * 3)
            .collect();
        let coding = coding_sequence(random, &lengths);
        let (five_prime, three_prime) = (
            random.between(60, 300) as usize,
            random.between(200, 1_500) as usize,
        );
        let exonic = coding.len() + five_prime + three_prime;
        let longest = (room.saturating_sub(exonic) / (count - 1)).clamp(200, 6_000) as u64;
        let mut this = Self {
            sequence: background(random, five_prime),
            exons: Vec::new(),
            coding: Vec::new(),
        };
        let mut done = 0;
        for (number, length) in lengths.iter().enumerate() {
            let start = this.sequence.len();
            let exon_start = if number == 0 { 0 } else { start };
            this.sequence.extend(&coding[done..done + length]);
            done += length;
            this.coding.push(start..start + length);
            if number + 1 == count {
                this.sequence.extend(background(random, three_prime));
                this.exons.push(exon_start..this.sequence.len());
            } else {
                this.exons.push(exon_start..start + length);
                this.sequence.extend(b"GTAAGT");
                let inner = random.between(100, longest - 30) as usize;
                this.sequence.extend(background(random, inner));
                this.sequence.extend(b"TTCTTTCTTCCTTCAG");
            }
        }
        this
    }

    /// The transcript with all exons, one to four that lack an inner one, and one that is not
    /// translated.
    fn transcripts(&self, random: &mut Random) -> Vec<Transcript> {
        let without = |skipped: usize, parts: &[Range<usize>]| -> Vec<Range<usize>> {
            let kept = parts.iter().enumerate().filter(|(n, _)| *n != skipped);
            kept.map(|(_, part)| part.clone()).collect()
        };
        let mut all = vec![Transcript {
            exons: self.exons.clone(),
            coding: self.coding.clone(),
        }];
        for _ in 0..random.between(1, 4) {
            let skipped = 1 + random.index(self.exons.len() - 2);
            all.push(Transcript {
                exons: without(skipped, &self.exons),
                coding: without(skipped, &self.coding),
            });
        }
        all.push(Transcript {
            exons: self.exons[..2].to_vec(),
            coding: Vec::new(),
        });
        all
    }
}

/// The models in the form of Ensembl, which `bcftools csq` asks for.
fn gff3(genes: &[Gene], length: usize) -> String {
    let mut text = format!("##gff-version 3\n##sequence-region {CONTIG} 1 {length}\n");
    for gene in genes {
        let name = &gene.name;
        let strand = if gene.forward { '+' } else { '-' };
        let mut line = |kind: &str, range: &Range<usize>, phase: &str, attributes: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{CONTIG}\tsynth\t{kind}\t{}\t{}\t.\t{strand}\t{phase}\t{attributes}",
                range.start + 1,
                range.end,
            );
        };
        line(
            "gene",
            &gene.span(),
            ".",
            &format!("ID=gene:{name};Name={name};biotype=protein_coding;gene_id={name}"),
        );
        for (number, transcript) in gene.transcripts.iter().enumerate() {
            let id = format!("{name}-{}", number + 1);
            let (kind, biotype) = if transcript.coding.is_empty() {
                ("transcript", "processed_transcript")
            } else {
                ("mRNA", "protein_coding")
            };
            let tag = if number == 0 { ";tag=MANE_Select" } else { "" };
            let start = transcript.exons.iter().map(|exon| exon.start).min();
            let end = transcript.exons.iter().map(|exon| exon.end).max();
            line(
                kind,
                &(start.unwrap_or(0)..end.unwrap_or(0)),
                ".",
                &format!(
                    "ID=transcript:{id};Parent=gene:{name};Name={id};biotype={biotype};transcript_id={id}{tag}"
                ),
            );
            for (rank, exon) in transcript.exons.iter().enumerate() {
                let rank = rank + 1;
                line(
                    "exon",
                    exon,
                    ".",
                    &format!("ID=exon:{id}-{rank};Parent=transcript:{id};rank={rank}"),
                );
            }
            for part in &transcript.coding {
                // Every part is a whole number of codons.
                line(
                    "CDS",
                    part,
                    "0",
                    &format!("ID=CDS:{id}p;Parent=transcript:{id};protein_id={id}p"),
                );
            }
            for (kind, part) in untranslated(gene.forward, transcript) {
                line(kind, &part, ".", &format!("Parent=transcript:{id}"));
            }
        }
        text.push_str("###\n");
    }
    text
}

/// Parts of the first and last exon outside the coding sequence.
fn untranslated(
    forward: bool,
    transcript: &Transcript,
) -> impl Iterator<Item = (&'static str, Range<usize>)> {
    let ends = |exon: Option<&Range<usize>>, part: Option<&Range<usize>>, first: bool| {
        let (exon, part) = (exon?, part?);
        let range = if first == forward {
            exon.start..part.start
        } else {
            part.end..exon.end
        };
        Some(range).filter(|range| !range.is_empty())
    };
    let (exons, coding) = (&transcript.exons, &transcript.coding);
    let five_prime = ends(exons.first(), coding.first(), true);
    let three_prime = ends(exons.last(), coding.last(), false);
    let five_prime = five_prime.map(|range| ("five_prime_UTR", range));
    five_prime
        .into_iter()
        .chain(three_prime.map(|range| ("three_prime_UTR", range)))
}

/// Sites at random distances over the whole contig.
fn write_sites(
    random: &mut Random,
    variants: usize,
    sequence: &[u8],
    path: &Path,
) -> anyhow::Result<()> {
    let mut writer = bgzf::writer(BufWriter::new(File::create(path)?));
    writeln!(
        writer,
        "##fileformat=VCFv4.3\n\
         ##contig=<ID={CONTIG},length={}>\n\
         ##FILTER=<ID=PASS,Description=\"All filters passed\">\n\
         ##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Reads at the site\">\n\
         #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO",
        sequence.len()
    )?;
    let largest_step = (sequence.len() / variants * 2) as u64;
    let mut position = 100;
    for number in 1..=variants {
        // Footprints stay below ten bases, so that records never overlap.
        position += random.between(10, largest_step - 11) as usize;
        let (reference, alternates) = alleles(random, sequence, position);
        let depth = random.between(10, 60);
        writeln!(
            writer,
            "{CONTIG}\t{}\tsyn{number}\t{}\t{}\t100\tPASS\tDP={depth}",
            position + 1,
            String::from_utf8_lossy(&reference),
            alternates.join(","),
        )?;
    }
    writer.finish()?.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coding_transcript_is_an_open_frame() {
        let mut contig = background(&mut Random::new(5, 1), 400_000);
        let genes = embed(&mut Random::new(5, 2), 10, &mut contig);
        let mut coding_transcripts = 0;
        for gene in &genes {
            for transcript in gene.transcripts.iter().filter(|one| !one.coding.is_empty()) {
                coding_transcripts += 1;
                let parts = transcript.coding.iter().map(|part| {
                    let bases = &contig[part.clone()];
                    if gene.forward {
                        bases.to_vec()
                    } else {
                        reverse_complement(bases)
                    }
                });
                let bases: Vec<u8> = parts.flatten().collect();
                let codons: Vec<&[u8]> = bases.chunks(3).collect();
                let stops = |codon: &&&[u8]| [b"TAA", b"TAG", b"TGA"].iter().any(|s| s == *codon);
                assert_eq!(codons[0], b"ATG", "{}", gene.name);
                assert_eq!(codons.iter().filter(stops).count(), 1, "{}", gene.name);
                assert_eq!(codons.last(), Some(&&b"TAA"[..]), "{}", gene.name);
            }
        }
        assert!(coding_transcripts >= 20);
    }

    #[test]
    fn equal_seeds_give_equal_files() {
        let folder = tempfile::tempdir().unwrap();
        let size = Size {
            length: 100_000,
            genes: 3,
            variants: 500,
        };
        let make = |name: &str| {
            let [vcf, reference, gff] =
                ["vcf.gz", "fa", "gff3"].map(|end| folder.path().join(format!("{name}.{end}")));
            let paths = Paths {
                vcf: &vcf,
                reference: &reference,
                gff: &gff,
            };
            write(7, &size, &paths).unwrap();
            [vcf, reference, gff].map(|path| fs::read(path).unwrap())
        };
        assert!(make("a") == make("b"));
    }
}
