//! Our names of protein changes against the peptides that `bcftools csq -l` gives.
#![cfg(test)]

mod support;

#[path = "support/shell.rs"]
mod shell;

#[path = "support/bcftools.rs"]
mod bcftools;
#[path = "support/models.rs"]
mod models;

use std::path::Path;
use std::sync::Arc;

use bcftools::{Record, csq, ensembl_gff};
use models::one_parent_each;
use shell::shell;
use support::data;
use varisk_annotate::{Annotator, ConsequenceOptions, GeneModels};
use varisk_core::Position;
use varisk_reference::Reference;

/// What bcftools says of the protein, as an HGVS name: `303P>303S`, `304VHLR*>304FT*`. `None` where
/// it says nothing or an indel keeps the frame, which it writes in a form of its own.
fn protein_name(change: &str, is_frameshift: bool) -> Option<String> {
    let bare = |text: &str| -> (u32, Vec<u8>) {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap();
        (
            text[..digits].parse().unwrap(),
            text.as_bytes()[digits..].to_vec(),
        )
    };
    let name = |residue: &u8| varisk_annotate::three_letters(*residue);
    let Some((old, new)) = change.split_once('>') else {
        let (at, residues) = bare(change);
        return (residues.len() == 1).then(|| format!("p.{}{at}=", name(&residues[0])));
    };
    let ((at, old), (_, new)) = (bare(old), bare(new));
    let same = old.iter().zip(&new).take_while(|(o, n)| o == n).count();
    let at = at + u32::try_from(same).unwrap();
    let (old, new) = (&old[same..], &new[same..]);
    let (first_old, first_new) = (old.first()?, new.first()?);
    if *first_new == b'*' {
        return Some(format!("p.{}{at}Ter", name(first_old)));
    }
    if *first_old == b'*' {
        return None;
    }
    if !is_frameshift {
        return (old.len() == 1 && new.len() == 1)
            .then(|| format!("p.{}{at}{}", name(first_old), name(first_new)));
    }
    let stop = new.iter().position(|residue| *residue == b'*');
    let until = stop.map_or("?".to_owned(), |stop| (stop + 1).to_string());
    Some(format!(
        "p.{}{at}{}fsTer{until}",
        name(first_old),
        name(first_new)
    ))
}

/// Counts of names of proteins that are the same as bcftools', and those that are not.
fn compare_proteins(reference: &Path, models: &Path, records: &[Record]) -> (usize, Vec<String>) {
    let reference = Reference::open(reference).unwrap();
    let models = Arc::new(GeneModels::read(models, reference.contigs()).unwrap());
    let mut annotator = Annotator::new(
        Arc::clone(&models),
        reference.reader().unwrap(),
        ConsequenceOptions::default(),
    );
    let (mut same, mut different) = (0, Vec::new());
    let (mut found, mut name) = (Vec::new(), String::new());
    for record in records {
        let contig = reference.contigs().find(&record.contig).unwrap();
        let position = Position(record.position);
        let (old, new) = (record.reference.as_bytes(), record.alternate.as_bytes());
        annotator
            .annotate(contig, position, old, new, &mut found, &mut name)
            .unwrap();
        for entry in record.bcsq.split(',') {
            let fields: Vec<&str> = entry.split('|').collect();
            let Some(change) = fields.get(5) else {
                continue;
            };
            let Some(expected) = protein_name(change, fields[0].contains("frameshift")) else {
                continue;
            };
            let ours = found.iter().find(|consequence| {
                consequence.transcript.is_some_and(|index| {
                    let transcript = &models.transcripts()[index];
                    transcript.id().split('.').next() == Some(fields[2])
                })
            });
            let ours = ours.unwrap();
            let transcript = &models.transcripts()[ours.transcript.unwrap()];
            // bcftools counts codons from the first whole one where the first is partial.
            if transcript.phase() != 0 {
                continue;
            }
            let ours = ours.hgvsp.split_once(':').map_or("", |(_, name)| name);
            if ours == expected {
                same += 1;
            } else {
                different.push(format!(
                    "{}:{} {} {} {}: {ours} and {expected} ({entry})",
                    record.contig, record.position, record.reference, record.alternate, fields[2]
                ));
            }
        }
    }
    (same, different)
}

#[test]
fn names_of_proteins_agree() {
    let shared = data();
    let folder = tempfile::tempdir().unwrap();
    let set_a = shared.join("brca1_grch37_true_coords");
    let reference = set_a.join("chr17_brca1_sparse.fa.gz");
    let models = set_a.join("brca1_gencode19.gff3.gz");
    let gff = folder.path().join("a.gff");
    std::fs::write(&gff, ensembl_gff(&models, &reference)).unwrap();
    let vcf = folder.path().join("clinvar.vcf");
    let clinvar = shared.join("clinvar_gnomad/clinvar_grch37_2016-10-03.vcf.gz");
    shell(&format!(
        "bcftools view -r 17:41196312-41277500 {} > {}",
        clinvar.display(),
        vcf.display()
    ));
    let records = csq(
        &reference,
        &gff.display().to_string(),
        &vcf.display().to_string(),
        "",
    );
    let (same, different) = compare_proteins(&reference, &models, &records);
    assert_eq!((same, different), (19_912, Vec::new()));

    let reference = shared.join("reference/vep_grch38_chr21_sparse.fa.gz");
    let models = shared.join("gene_models/vep_chr21/test.gff.gz");
    let vcf = shared.join("clinvar_gnomad/vep84_grch38_chr21_25-26Mb_dbsnp149_1000g_freq.vcf.gz");
    let gff = folder.path().join("c.gff");
    std::fs::write(&gff, one_parent_each(&models)).unwrap();
    let records = csq(
        &reference,
        &gff.display().to_string(),
        &vcf.display().to_string(),
        "",
    );
    let (same, different) = compare_proteins(&reference, &models, &records);
    assert_eq!(same, 4_752);
    // bcftools ends its peptides with the coding region; we read on into the 3' UTR for the stop.
    let places: Vec<&str> = different
        .iter()
        .map(|each| &each[..each.find(' ').unwrap()])
        .collect();
    assert_eq!(places, ["21:25587727", "21:25717697"], "{different:?}");
}
