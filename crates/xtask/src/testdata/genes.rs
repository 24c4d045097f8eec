//! A dozen protein-coding genes: where they lie, their sequence, their GFF3.

use std::ops::Range;

use crate::random::Random;
use crate::sequence::{STOPS, background, reverse_complement};

/// Bases before the first and after the last coding base of a transcript.
const UNTRANSLATED: usize = 60;

/// Where a gene starts: contig, first base (0-based), forward strand, number of exons.
const PLACES: [(usize, usize, bool, usize); 12] = [
    (0, 8_000, true, 4),
    (0, 42_000, false, 5),
    (0, 70_000, true, 3),
    (0, 130_000, false, 4),
    (0, 165_000, true, 6),
    (1, 9_000, true, 4),
    (1, 40_000, false, 3),
    (1, 72_000, false, 5),
    // In the first pseudoautosomal region.
    (2, 10_000, true, 3),
    (2, 60_000, false, 4),
    (3, 26_000, true, 3),
    (4, 5_000, true, 1),
];

/// A gene with one transcript. Ranges are 0-based, half-open, and in the order of transcription.
#[derive(Clone, Debug)]
pub(crate) struct Gene {
    pub(crate) name: String,
    pub(crate) contig: usize,
    pub(crate) forward: bool,
    pub(crate) exons: Vec<Range<usize>>,
    pub(crate) coding: Vec<Range<usize>>,
}

impl Gene {
    /// First to last base.
    pub(crate) fn span(&self) -> Range<usize> {
        let start = self.exons.iter().map(|exon| exon.start).min();
        let end = self.exons.iter().map(|exon| exon.end).max();
        start.unwrap_or(0)..end.unwrap_or(0)
    }

    /// Positions of the coding bases, in the order of translation.
    pub(crate) fn coding_positions(&self) -> Vec<usize> {
        let mut positions = Vec::new();
        for part in &self.coding {
            if self.forward {
                positions.extend(part.clone());
            } else {
                positions.extend(part.clone().rev());
            }
        }
        positions
    }

    /// Ranges of the introns, in the order of transcription.
    pub(crate) fn introns(&self) -> Vec<Range<usize>> {
        let between = |pair: &[Range<usize>]| {
            if self.forward {
                pair[0].end..pair[1].start
            } else {
                pair[1].end..pair[0].start
            }
        };
        self.exons.windows(2).map(between).collect()
    }
}

/// Makes the genes and writes their sequence into the contigs.
pub(crate) fn embed(random: &mut Random, contigs: &mut [Vec<u8>]) -> Vec<Gene> {
    let mut genes = Vec::new();
    for (number, (contig, start, forward, exon_count)) in PLACES.into_iter().enumerate() {
        let transcript = Transcript::new(random, exon_count);
        let length = transcript.sequence.len();
        let place = |local: &Range<usize>| {
            if forward {
                start + local.start..start + local.end
            } else {
                start + length - local.end..start + length - local.start
            }
        };
        let sequence = if forward {
            transcript.sequence.clone()
        } else {
            reverse_complement(&transcript.sequence)
        };
        contigs[contig][start..start + length].copy_from_slice(&sequence);
        genes.push(Gene {
            name: format!("TOY{}", number + 1),
            contig,
            forward,
            exons: transcript.exons.iter().map(place).collect(),
            coding: transcript.coding.iter().map(place).collect(),
        });
    }
    genes
}

/// The unspliced transcript in its own direction, ranges relative to its start.
struct Transcript {
    sequence: Vec<u8>,
    exons: Vec<Range<usize>>,
    coding: Vec<Range<usize>>,
}

impl Transcript {
    fn new(random: &mut Random, exon_count: usize) -> Self {
        let mut lengths: Vec<usize> = (0..exon_count)
            .map(|_| random.between(90, 210) as usize)
            .collect();
        let total: usize = lengths.iter().sum();
        lengths[exon_count - 1] += (3 - total % 3) % 3;
        let coding_sequence = coding_sequence(random, &lengths);

        let mut this = Self {
            sequence: background(random, UNTRANSLATED),
            exons: Vec::new(),
            coding: Vec::new(),
        };
        let mut done = 0;
        for (index, length) in lengths.iter().enumerate() {
            let (first, last) = (index == 0, index + 1 == exon_count);
            let start = this.sequence.len();
            this.sequence.extend(&coding_sequence[done..done + length]);
            done += length;
            let end = this.sequence.len();
            this.coding.push(start..end);
            let exon_start = if first { start - UNTRANSLATED } else { start };
            if last {
                this.sequence.extend(background(random, UNTRANSLATED));
                this.exons.push(exon_start..end + UNTRANSLATED);
            } else {
                this.exons.push(exon_start..end);
                this.sequence.extend(b"GTAAGT");
                let inner = random.between(250, 700) as usize;
                this.sequence.extend(background(random, inner));
                this.sequence.extend(b"TTCTTTCTTCCTTCAG");
            }
        }
        this
    }
}

/// An open reading frame whose exons end and start with the usual bases around an intron.
pub(crate) fn coding_sequence(random: &mut Random, lengths: &[usize]) -> Vec<u8> {
    let total = lengths.iter().sum();
    let mut sequence: Vec<u8> = (0..total).map(|_| random.pick(b"AACCCGGGTT")).collect();
    let mut end = 0;
    for length in &lengths[..lengths.len() - 1] {
        end += length;
        sequence[end - 3..end].copy_from_slice(b"CAG");
        sequence[end] = b'G';
    }
    for codon in sequence.chunks_mut(3) {
        // CAG and G hold no T, so that the first base of a stop codon is free to change.
        if STOPS.iter().any(|stop| codon == *stop) {
            codon[0] = b'C';
        }
    }
    sequence[..3].copy_from_slice(b"ATG");
    sequence[total - 3..].copy_from_slice(b"TAA");
    sequence
}

/// GFF3 in the form of Ensembl, which other tools read too.
pub(crate) fn gff3(genes: &[Gene], names: &[&str], lengths: &[usize]) -> String {
    let mut text = String::from("##gff-version 3\n");
    for (name, length) in names.iter().zip(lengths) {
        text.push_str(&format!("##sequence-region {name} 1 {length}\n"));
    }
    for gene in genes {
        let strand = if gene.forward { '+' } else { '-' };
        let mut line = |kind: &str, range: &Range<usize>, phase: &str, attributes: &str| {
            text.push_str(&format!(
                "{}\tvarisk\t{kind}\t{}\t{}\t.\t{strand}\t{phase}\t{attributes}\n",
                names[gene.contig],
                range.start + 1,
                range.end,
            ));
        };
        let name = &gene.name;
        line(
            "gene",
            &gene.span(),
            ".",
            &format!("ID=gene:{name};Name={name};biotype=protein_coding;gene_id={name}"),
        );
        line(
            "mRNA",
            &gene.span(),
            ".",
            &format!(
                "ID=transcript:{name}-1;Parent=gene:{name};Name={name}-1;\
                 biotype=protein_coding;transcript_id={name}-1;tag=MANE_Select"
            ),
        );
        for (number, exon) in gene.exons.iter().enumerate() {
            let number = number + 1;
            line(
                "exon",
                exon,
                ".",
                &format!("ID=exon:{name}-1-{number};Parent=transcript:{name}-1;rank={number}"),
            );
        }
        let mut before = 0;
        for part in &gene.coding {
            // Bases to skip until a codon starts.
            let phase = (3 - before % 3) % 3;
            line(
                "CDS",
                part,
                &phase.to_string(),
                &format!("ID=CDS:{name}-1;Parent=transcript:{name}-1;protein_id={name}-1-p"),
            );
            before += part.len();
        }
        text.push_str("###\n");
    }
    text
}
