//! A small genome with gene models, for tests.
//!
//! Contig `1` carries a gene on its forward strand; contig `2` is its reverse complement with the
//! mirrored gene, so that every name on a transcript must be the same on both.

use std::path::Path;
use std::sync::Arc;

use varisk_core::Position;
use varisk_reference::Reference;

use crate::genetic_code::reverse_complement;
use crate::{Annotator, Consequence, ConsequenceOptions, GeneModels, Lines};

/// Exons of the forward gene, 1-based: 5' UTR and 40 codons over three exons, then a 3' UTR.
pub(crate) const EXONS: [(u32, u32); 3] = [(31, 90), (131, 190), (241, 300)];
/// Coding region of the forward gene: 10 UTR bases before, 20 behind.
pub(crate) const CODING: (u32, u32) = (41, 280);

/// Writes a FASTA with its index and opens it.
pub(crate) fn reference(folder: &Path, contigs: &[(&str, &[u8])]) -> Reference {
    let (mut text, mut index) = (String::new(), String::new());
    for (name, bases) in contigs {
        text += &format!(">{name}\n");
        index += &format!(
            "{name}\t{length}\t{offset}\t{length}\t{width}\n",
            length = bases.len(),
            offset = text.len(),
            width = bases.len() + 1
        );
        text += std::str::from_utf8(bases).unwrap();
        text.push('\n');
    }
    let path = folder.join("genome.fa");
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.join("genome.fa.fai"), index).unwrap();
    Reference::open(path).unwrap()
}

/// Bases of contig `1`: 360 of them, made from a fixed recurrence, with splice sites, a start, no
/// inner stop and a stop put in.
pub(crate) fn forward() -> Vec<u8> {
    let mut state = 12_345u32;
    let mut bases: Vec<u8> = (0..360)
        .map(|_| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            b"ACGT"[(state >> 16) as usize % 4]
        })
        .collect();
    let mut put = |at: u32, text: &[u8]| {
        let at = at as usize - 1;
        bases[at..at + text.len()].copy_from_slice(text);
    };
    put(91, b"GT");
    put(129, b"AG");
    put(191, b"GT");
    put(239, b"AG");
    let coding: Vec<u32> = coding_positions();
    put(coding[0], b"ATG");
    // Codons of the exons' insides: no stop but the last.
    let codons = [
        b"GCT", b"AAA", b"GAA", b"CTG", b"CTG", b"TCA", b"CGT", b"GGC", b"AAA", b"AAA", b"ACC",
        b"TGG", b"TAC", b"CAG", b"GTT", b"ATC",
    ];
    let count = coding.len() / 3;
    for codon in 1..count {
        let text: &[u8; 3] = if codon + 1 == count {
            b"TGA"
        } else {
            codons[(codon - 1) % codons.len()]
        };
        for (base, at) in text.iter().zip(&coding[codon * 3..]) {
            bases[*at as usize - 1] = *base;
        }
    }
    bases
}

/// Positions of the coding bases of the forward gene, ascending.
pub(crate) fn coding_positions() -> Vec<u32> {
    EXONS
        .iter()
        .flat_map(|(start, end)| (*start).max(CODING.0)..=(*end).min(CODING.1))
        .collect()
}

/// GFF3 of the gene on both contigs.
pub(crate) fn gff() -> String {
    let mut text = String::from("##gff-version 3\n");
    let length = 360;
    for (contig, strand) in [("1", '+'), ("2", '-')] {
        let turn = |(start, end): (u32, u32)| match strand {
            '+' => (start, end),
            _ => (length + 1 - end, length + 1 - start),
        };
        let mut line = |kind: &str, span, phase: &str, attributes: &str| {
            let (start, end) = turn(span);
            text += &format!(
                "{contig}\ttest\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\t{attributes}\n"
            );
        };
        let whole = (EXONS[0].0, EXONS[2].1);
        line(
            "gene",
            whole,
            ".",
            &format!("ID=gene:G{contig};Name=GENE{contig};biotype=protein_coding"),
        );
        line(
            "mRNA",
            whole,
            ".",
            &format!(
                "ID=transcript:T{contig};Parent=gene:G{contig};biotype=protein_coding;transcript_id=T;version=1;tag=MANE_Select,Ensembl_canonical"
            ),
        );
        let parent = format!("Parent=transcript:T{contig}");
        for exon in EXONS {
            line("exon", exon, ".", &parent);
        }
        let mut phase = 0;
        for (start, end) in EXONS {
            let part = (start.max(CODING.0), end.min(CODING.1));
            line(
                "CDS",
                part,
                &phase.to_string(),
                &format!("{parent};protein_id=P;protein_version=2"),
            );
            phase = (3 + phase - (part.1 - part.0 + 1) % 3) % 3;
        }
    }
    text
}

/// The genome, its models and an annotator.
pub(crate) struct Fixture {
    _folder: tempfile::TempDir,
    pub(crate) reference: Reference,
    pub(crate) models: Arc<GeneModels>,
    pub(crate) annotator: Annotator,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let forward = forward();
        let mut reverse = forward.clone();
        reverse_complement(&mut reverse);
        Self::with(&[("1", &forward), ("2", &reverse)], &gff())
    }

    pub(crate) fn with(contigs: &[(&str, &[u8])], gff: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let reference = reference(folder.path(), contigs);
        let path = folder.path().join("models.gff3");
        std::fs::write(&path, gff).unwrap();
        let models = Arc::new(GeneModels::read(&path, reference.contigs()).unwrap());
        let annotator = Annotator::new(
            Arc::clone(&models),
            reference.reader().unwrap(),
            ConsequenceOptions::default(),
        );
        Self {
            _folder: folder,
            reference,
            models,
            annotator,
        }
    }

    /// Annotates the most severe line only from now on.
    pub(crate) fn only_most_severe(&mut self) {
        self.annotator = Annotator::new(
            Arc::clone(&self.models),
            self.reference.reader().unwrap(),
            ConsequenceOptions {
                lines: Lines::MostSevere,
                ..ConsequenceOptions::default()
            },
        );
    }

    /// Consequences and `g.` name of an allele.
    pub(crate) fn annotate(
        &mut self,
        contig: &str,
        position: u32,
        reference: &[u8],
        alternate: &[u8],
    ) -> (Vec<Consequence>, String) {
        let contig = self.reference.contigs().find(contig).unwrap();
        let (mut found, mut name) = (Vec::new(), String::new());
        self.annotator
            .annotate(
                contig,
                Position(position),
                reference,
                alternate,
                &mut found,
                &mut name,
            )
            .unwrap();
        (found, name)
    }
}
