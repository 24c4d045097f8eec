//! Entries of VEP, SnpEff and bcftools.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use varisk_core::ContigSet;

use super::*;
use crate::columns as names;
use crate::stage::tests::batch;

const VEP: &str = "Consequence annotations from Ensembl VEP. Format: Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|BIOTYPE|EXON|HGVSc|HGVSp|CDS_position|Protein_position|Amino_acids|Codons|STRAND|CANONICAL|MANE_SELECT";
const SNPEFF: &str = "Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID | Transcript_BioType | Rank | HGVS.c | HGVS.p | cDNA.pos / cDNA.length | CDS.pos / CDS.length | AA.pos / AA.length | Distance | ERRORS / WARNINGS / INFO'";
const BCFTOOLS: &str = "Local consequence annotation from BCFtools/csq. Format: '[*]consequence|gene|transcript|biotype[|strand|amino_acid_change|dna_change]' or, for consequences of variants split across multiple sites, a pointer";

/// Rows of one batch: position, REF, ALT, index of the ALT, text.
type Row<'a> = (u32, &'a str, &'a str, u16, &'a str);

fn process(kind: InfoKind, description: &str, rows: &[Row<'_>]) -> SiteBatch {
    let contigs = Arc::new(ContigSet::new([("1".to_owned(), 1_000)]));
    let sites: Vec<_> = rows
        .iter()
        .map(|row| ("1", row.0, row.1, Some(row.2)))
        .collect();
    let plain = batch(&contigs, &sites);
    let indices: ArrayRef = Arc::new(arrow::array::UInt16Array::from_iter_values(
        rows.iter().map(|row| row.3),
    ));
    let mut columns = plain.sites().columns().to_vec();
    let at = plain
        .sites()
        .schema()
        .index_of(site::ALTERNATE_INDEX)
        .unwrap();
    columns[at] = indices;
    let sites = arrow::record_batch::RecordBatch::try_new(plain.sites().schema(), columns).unwrap();
    let texts: StringArray = rows.iter().map(|row| Some(row.4)).collect();
    let stage = FromInfoStage::try_new(kind, description).unwrap();
    let batch = SiteBatch::try_new(0, contigs, sites, varisk_core::CallMatrix::default())
        .unwrap()
        .with_columns([(stage.input_column(), Arc::new(texts) as ArrayRef)])
        .unwrap();
    let declared = stage.output_schema(&batch.sites().schema()).unwrap();
    let out = stage.worker().unwrap().process(batch).unwrap();
    assert_eq!(out.sites().schema(), declared);
    out
}

fn check(batch: &SiteBatch, name: &str, expected: &[Option<&str>]) {
    let column = batch.text(name).unwrap();
    assert_eq!(column.iter().collect::<Vec<_>>(), expected, "{name}");
}

#[test]
fn entries_of_vep_go_to_their_allele() {
    let text = "-|frameshift_variant|HIGH|A|G1|Transcript|T1|protein_coding|2/2|T1:c.5del|P1:p.Lys2fs|5|2|K/X|aAa/aa|-1||,\
                T|intron_variant|MODIFIER|A|G1|Transcript|T1|protein_coding|||||||||YES|NM_1.2,\
                T|synonymous_variant&odd_variant|LOW|A|G1|Transcript|T0|protein_coding|1/2||P1:p.Lys2%3D|6-7|2|K|aaA/aaG|1||";
    let batch = process(
        InfoKind::Csq,
        VEP,
        &[(10, "AG", "A", 1, text), (10, "AG", "AT", 2, text)],
    );
    check(
        &batch,
        names::TERM,
        &[Some("frameshift_variant"), Some("synonymous_variant")],
    );
    let other = process(InfoKind::Csq, VEP, &[(10, "A", "AT", 1, text)]);
    check(&other, names::TERM, &[Some("synonymous_variant")]);
    check(
        &other,
        names::TERMS,
        &[Some("synonymous_variant&odd_variant")],
    );
    check(&other, names::HGVSP, &[Some("P1:p.Lys2=")]);
    check(&other, names::IMPACT, &[Some("LOW")]);
    check(&other, names::NMD, &[None]);
    let all = other
        .sites()
        .column_by_name(names::ALL)
        .unwrap()
        .as_list::<i32>();
    assert_eq!(arrow::array::Array::len(&all.value(0)), 2);
    let cds = other
        .numbers::<arrow::datatypes::UInt32Type>(names::CDS_POSITION)
        .unwrap();
    assert_eq!(cds.value(0), 6);
    let mane = other
        .sites()
        .column_by_name(names::MANE)
        .unwrap()
        .as_boolean();
    assert!(!mane.value(0));
    let last = batch
        .sites()
        .column_by_name(names::LAST_EXON)
        .unwrap()
        .as_boolean();
    assert!(last.value(0));
}

#[test]
fn alleles_are_found_by_number_where_the_format_has_it() {
    let format = "Consequence annotations. Format: Consequence|Gene|ALLELE_NUM";
    let text = "missense_variant|G|1,stop_gained|G|2";
    let batch = process(
        InfoKind::Csq,
        format,
        &[(10, "A", "C", 1, text), (10, "A", "T", 2, text)],
    );
    check(
        &batch,
        names::TERM,
        &[Some("missense_variant"), Some("stop_gained")],
    );
    check(&batch, names::IMPACT, &[Some("MODERATE"), Some("HIGH")]);
    check(&batch, names::GENE_ID, &[Some("G"), Some("G")]);
}

#[test]
fn entries_of_snpeff() {
    let text = "T|stop_gained|HIGH|A|G1|transcript|T1.2|protein_coding|3/9|c.7A>T|p.Lys3*|27/900|7/600|3/200||,\
                T|intron_variant|MODIFIER|A|G1|transcript|T2|protein_coding|4/8|c.5+9A>T||||||,\
                T|weird_feature|LOW|A|G1|motif|M1||||||||12|";
    let batch = process(InfoKind::Ann, SNPEFF, &[(10, "A", "T", 1, text)]);
    check(&batch, names::TERM, &[Some("stop_gained")]);
    check(&batch, names::HGVSC, &[Some("T1.2:c.7A>T")]);
    check(&batch, names::HGVSP, &[Some("p.Lys3*")]);
    check(&batch, names::EXON, &[Some("3/9")]);
    let all = batch
        .sites()
        .column_by_name(names::ALL)
        .unwrap()
        .as_list::<i32>();
    let lines = all.value(0);
    let lines = lines.as_struct();
    let column = |name: &str| -> Vec<Option<String>> {
        lines
            .column_by_name(name)
            .unwrap()
            .as_string::<i32>()
            .iter()
            .map(|v| v.map(str::to_owned))
            .collect()
    };
    let own = |values: [Option<&str>; 3]| values.map(|v| v.map(str::to_owned)).to_vec();
    assert_eq!(column("intron"), own([None, Some("4/8"), None]));
    assert_eq!(column("transcript"), own([Some("T1.2"), Some("T2"), None]));
    // A term that Ensembl's table does not have stays as text, without rank.
    assert_eq!(
        column("term"),
        own([
            Some("stop_gained"),
            Some("intron_variant"),
            Some("weird_feature")
        ])
    );
}

#[test]
fn entries_of_bcftools() {
    let text = "*missense|A|T1|protein_coding|-|361C>361Y|10A>C,splice_region|A|T1|protein_coding";
    let batch = process(InfoKind::Bcsq, BCFTOOLS, &[(10, "A", "C", 1, text)]);
    check(&batch, names::TERM, &[Some("missense_variant")]);
    check(&batch, names::AMINO_ACIDS, &[Some("C/Y")]);
    let position = batch
        .numbers::<arrow::datatypes::UInt32Type>(names::PROTEIN_POSITION)
        .unwrap();
    assert_eq!(position.value(0), 361);
    // Of several alternates only entries that name the change can be told apart.
    let text = "missense|A|T1|protein_coding|-|361C>361Y|10A>C,intron|A||protein_coding,@7";
    let batch = process(
        InfoKind::Bcsq,
        BCFTOOLS,
        &[(10, "A", "C", 1, text), (10, "A", "G", 2, text)],
    );
    check(&batch, names::TERM, &[Some("missense_variant"), None]);
}

#[test]
fn formats_without_consequence_or_allele_are_refused() {
    let check = |kind, description: &str, expected: &str| {
        let message = FromInfoStage::try_new(kind, description)
            .err()
            .unwrap()
            .to_string();
        assert!(message.contains(expected), "{message}");
    };
    check(InfoKind::Csq, "Predicted consequence", "names no fields");
    check(
        InfoKind::Csq,
        "Format: Allele|IMPACT",
        "no field for the consequence",
    );
    check(
        InfoKind::Csq,
        "Format: Consequence|IMPACT",
        "no field for the allele",
    );
    check(InfoKind::Ann, "Functional annotations", "names no fields");
}

proptest::proptest! {
    /// No text makes the reader panic.
    #[test]
    fn any_text_is_read(text in "[ -~]{0,200}", alternate in "[ACGT<>*]{1,4}") {
        for (kind, description) in [(InfoKind::Csq, VEP), (InfoKind::Ann, SNPEFF), (InfoKind::Bcsq, BCFTOOLS)] {
            process(kind, description, &[(10, "A", &alternate, 1, &text)]);
        }
        for kind in [InfoKind::Csq, InfoKind::Ann, InfoKind::Bcsq] {
            let _ = InfoFormat::parse(kind, &text);
        }
    }
}
