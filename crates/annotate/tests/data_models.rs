//! Gene models of Ensembl and RefSeq, as GFF3 and as GTF.
#![cfg(test)]

mod support;

use std::collections::HashMap;

use support::data;
use varisk_annotate::{GeneModels, Transcript};
use varisk_core::ContigSet;

fn read(name: &str) -> GeneModels {
    let contigs = ContigSet::new([("chr21".to_owned(), 46_709_983)]);
    GeneModels::read(data().join("gene_models/vep_chr21").join(name), &contigs).unwrap()
}

#[test]
fn gtf_and_gff3_of_ensembl_lay_out_the_same_transcripts() {
    let (gtf, gff) = (read("test.gtf.gz"), read("test.gff.gz"));
    // The two files are of different releases, so versions of identifiers differ.
    let stem = |transcript: &Transcript| transcript.id().split('.').next().unwrap().to_owned();
    let by_id: HashMap<String, &Transcript> = gff
        .transcripts()
        .iter()
        .map(|each| (stem(each), each))
        .collect();
    let (mut both, mut coding, mut different) = (0, 0, Vec::new());
    for transcript in gtf.transcripts() {
        let Some(other) = by_id.get(&stem(transcript)) else {
            continue;
        };
        both += 1;
        coding += usize::from(transcript.coding().is_some());
        let layout = |each: &Transcript| {
            (
                each.strand(),
                each.exons().to_vec(),
                each.coding(),
                each.phase(),
                each.gene_id().map(str::to_owned),
            )
        };
        if layout(transcript) != layout(other) {
            different.push(transcript.id().to_owned());
        }
    }
    assert_eq!((both, coding, different), (103, 34, Vec::new()));
}

#[test]
fn refseq_names_its_transcripts_genes_and_proteins() {
    let models = read("refseq.gff.gz");
    assert_eq!(
        models.summary().to_string(),
        "81 transcripts, coding 37, differs_from_reference 3"
    );
    let named = |id: &str| {
        models
            .transcripts()
            .iter()
            .find(|each| each.id() == id)
            .unwrap()
    };
    let app = named("NM_000484.3");
    assert_eq!((app.gene(), app.gene_id()), (Some("APP"), Some("351")));
    assert_eq!(
        (app.protein_id(), app.biotype()),
        (Some("NP_000475.1"), Some("protein_coding"))
    );
}
