//! Running `bcftools csq` and reading what it says.

use std::collections::BTreeSet;
use std::path::Path;

use varisk_annotate::{GeneModels, Strand};
use varisk_reference::Reference;

use super::shell::shell;

/// One record of one alternate allele with the consequences that bcftools gives.
pub(crate) struct Record {
    pub(crate) contig: String,
    pub(crate) position: u32,
    pub(crate) reference: String,
    pub(crate) alternate: String,
    pub(crate) bcsq: String,
}

pub(crate) fn records(text: &str) -> Vec<Record> {
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            Record {
                contig: fields[0].to_owned(),
                position: fields[1].parse().unwrap(),
                reference: fields[2].to_owned(),
                alternate: fields[3].to_owned(),
                bcsq: fields[4].to_owned(),
            }
        })
        .collect()
}

/// Gene models as the GFF3 that bcftools wants.
pub(crate) fn ensembl_gff(models: &Path, reference: &Path) -> String {
    let reference = Reference::open(reference).unwrap();
    let models = GeneModels::read(models, reference.contigs()).unwrap();
    let mut text = String::from("##gff-version 3\n");
    let mut genes = BTreeSet::new();
    for transcript in models.transcripts() {
        let contig = reference.contigs().name(transcript.contig());
        let strand = transcript.strand().symbol();
        let id = transcript.id().split('.').next().unwrap();
        let gene = transcript.gene_id().unwrap();
        let (start, end) = (transcript.start(), transcript.end());
        let biotype = transcript.biotype().unwrap();
        // One line for each gene: bcftools stops at a second one.
        if !genes.insert(gene.to_owned()) {
            // Known already.
        } else {
            text += &format!(
                "{contig}\t.\tgene\t{start}\t{end}\t.\t{strand}\t.\tID=gene:{gene};Name={};biotype={biotype}\n",
                transcript.gene().unwrap()
            );
        }
        text += &format!(
            "{contig}\t.\ttranscript\t{start}\t{end}\t.\t{strand}\t.\tID=transcript:{id};Parent=gene:{gene};biotype={biotype}\n"
        );
        let mut line = |kind: &str, start: u32, end: u32, phase: &str| {
            text += &format!(
                "{contig}\t.\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\tParent=transcript:{id}\n"
            );
        };
        for exon in transcript.exons() {
            line("exon", exon.start, exon.end, ".");
        }
        let Some(coding) = transcript.coding() else {
            continue;
        };
        let forward = transcript.strand() == Strand::Forward;
        let (low, high) = if forward {
            ("five_prime_UTR", "three_prime_UTR")
        } else {
            ("three_prime_UTR", "five_prime_UTR")
        };
        for exon in transcript.exons() {
            if exon.start < coding.start {
                line(low, exon.start, exon.end.min(coding.start - 1), ".");
            }
            if exon.end > coding.end {
                line(high, exon.start.max(coding.end + 1), exon.end, ".");
            }
        }
        let mut parts: Vec<_> = transcript.coding_parts().collect();
        if !forward {
            parts.reverse();
        }
        let mut phase = u32::from(transcript.phase());
        for part in parts {
            line("CDS", part.start, part.end, &phase.to_string());
            phase = (3 + phase - part.length() % 3) % 3;
        }
    }
    text
}

pub(crate) fn csq(reference: &Path, gff: &str, vcf: &str, options: &str) -> Vec<Record> {
    let fasta = reference.display();
    records(&shell(&format!(
        "bcftools norm -m -any -f {fasta} {vcf} \
         | bcftools view -G -e 'ALT=\"*\" || ALT~\"<\" || ALT=\".\"' - \
         | bcftools csq -l {options} -f {fasta} -g {gff} - \
         | bcftools query -f '%CHROM\\t%POS\\t%REF\\t%ALT\\t%INFO/BCSQ\\n' -"
    )))
}
