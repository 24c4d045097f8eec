//! The stage on batches.

use std::sync::Arc;

use arrow::array::{
    Array, AsArray, StringArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::record_batch::RecordBatch;
use varisk_core::{CallMatrix, ContigSet, SiteBatch, Stage, site_schema};

use super::*;
use crate::columns as names;
use crate::testing::Fixture;
use crate::{csq_header_format, write_csq};

/// Rows of a batch: contig, position, REF and ALT.
pub(crate) fn batch(
    contigs: &Arc<ContigSet>,
    rows: &[(&str, u32, &str, Option<&str>)],
) -> SiteBatch {
    let ids = rows.iter().map(|row| contigs.find(row.0).unwrap().0);
    let positions = UInt32Array::from_iter_values(rows.iter().map(|row| row.1));
    let reference = StringArray::from_iter_values(rows.iter().map(|row| row.2));
    let alternate: StringArray = rows.iter().map(|row| row.3).collect();
    let count = rows.len();
    let nothing: StringArray = vec![None::<&str>; count].into_iter().collect();
    let sites = RecordBatch::try_new(
        site_schema(&[]),
        vec![
            Arc::new(UInt32Array::from_iter_values(ids)),
            Arc::new(positions.clone()),
            Arc::new(reference.clone()),
            Arc::new(alternate.clone()),
            Arc::new(UInt64Array::from(vec![None; count])),
            Arc::new(StringArray::from(vec!["snv"; count])),
            Arc::new(positions),
            Arc::new(reference),
            Arc::new(alternate),
            Arc::new(UInt16Array::from(vec![1; count])),
            Arc::new(nothing.clone()),
            Arc::new(arrow::array::Float32Array::from(vec![None; count])),
            Arc::new(nothing.clone()),
            Arc::new(UInt8Array::from(vec![0; count])),
            Arc::new(nothing),
        ],
    )
    .unwrap();
    SiteBatch::try_new(0, Arc::clone(contigs), sites, CallMatrix::default()).unwrap()
}

fn process(rows: &[(&str, u32, &str, Option<&str>)]) -> SiteBatch {
    process_with(rows, |stage| stage)
}

fn process_with(
    rows: &[(&str, u32, &str, Option<&str>)],
    change: impl Fn(ConsequenceStage) -> ConsequenceStage,
) -> SiteBatch {
    let fixture = Fixture::new();
    let stage = ConsequenceStage::try_new(
        Arc::clone(&fixture.models),
        fixture.reference.clone(),
        ConsequenceOptions::default(),
    )
    .unwrap();
    let stage = change(stage);
    let batch = batch(fixture.reference.contigs(), rows);
    let declared = stage.output_schema(&batch.sites().schema()).unwrap();
    let out = stage.worker().unwrap().process(batch).unwrap();
    assert_eq!(out.sites().schema(), declared);
    out
}

#[test]
fn columns_are_filled() {
    let batch = process(&[
        ("1", 47, "A", Some("T")),
        ("1", 48, "A", None),
        ("1", 49, "A", Some("<DEL>")),
        ("1", 91, "G", Some("A")),
    ]);
    let check = |name: &str, expected: [Option<&str>; 4]| {
        let column = batch.text(name).unwrap();
        assert_eq!(column.iter().collect::<Vec<_>>(), expected, "{name}");
    };
    check(
        names::TERM,
        [
            Some("stop_gained"),
            None,
            None,
            Some("splice_donor_variant"),
        ],
    );
    check(names::IMPACT, [Some("HIGH"), None, None, Some("HIGH")]);
    check(names::GENE, [Some("GENE1"), None, None, Some("GENE1")]);
    check(
        names::HGVSG,
        [Some("1:g.47A>T"), None, None, Some("1:g.91G>A")],
    );
    check(
        names::HGVSC,
        [Some("T.1:c.7A>T"), None, None, Some("T.1:c.50+1G>A")],
    );
    check(names::HGVSP, [Some("P.2:p.Lys3Ter"), None, None, None]);
    check(names::CODONS, [Some("Aaa/Taa"), None, None, None]);
    check(names::AMINO_ACIDS, [Some("K/*"), None, None, None]);
    check(names::NMD, [Some("triggers"), None, None, None]);
    check(names::EXON, [Some("1/3"), None, None, None]);
    let all = batch
        .sites()
        .column_by_name(names::ALL)
        .unwrap()
        .as_list::<i32>();
    assert_eq!(
        (0..4).map(|row| all.is_valid(row)).collect::<Vec<_>>(),
        [true, false, false, true]
    );
    assert_eq!(all.value(0).len(), 1);
}

#[test]
fn lines_are_those_of_vep() {
    let batch = process(&[
        ("1", 47, "A", Some("T")),
        ("1", 49, "A", Some("<DEL>")),
        ("1", 91, "G", Some("A")),
    ]);
    let check = |row, expected: &str| {
        let mut line = String::new();
        write_csq(&batch, row, &mut line).unwrap();
        assert_eq!(line, expected);
        if !line.is_empty() {
            assert_eq!(
                line.matches('|').count(),
                csq_header_format().matches('|').count()
            );
        }
    };
    check(
        0,
        "T|stop_gained|HIGH|GENE1|G1|Transcript|T.1|protein_coding|1/3||T.1:c.7A>T|P.2:p.Lys3Ter|17|7|3|K/*|Aaa/Taa||1||YES|MANE_Select||1:g.47A>T|triggers",
    );
    check(1, "");
    check(
        2,
        "A|splice_donor_variant|HIGH|GENE1|G1|Transcript|T.1|protein_coding||1/2|T.1:c.50+1G>A||||||||1||YES|MANE_Select||1:g.91G>A|",
    );
}

#[test]
fn lines_as_text_are_those_of_the_columns() {
    let genome = crate::testing::forward();
    let mut alleles = Vec::new();
    for position in 25..310u32 {
        let at = position as usize - 1;
        let base = |at: usize| char::from(genome[at]).to_string();
        let other = if genome[at] == b'A' { "C" } else { "A" };
        let pair = base(at) + &base(at + 1);
        for contig in ["1", "2"] {
            alleles.push((contig, position, base(at), Some(other.to_owned())));
            alleles.push((contig, position, base(at), Some(base(at) + "GT")));
            alleles.push((contig, position, pair.clone(), Some(base(at))));
        }
    }
    alleles.push(("1", 320, "A".to_owned(), None));
    alleles.push(("1", 321, "A".to_owned(), Some("<DEL>".to_owned())));
    let rows: Vec<_> = alleles
        .iter()
        .map(|(contig, position, reference, alternate)| {
            (*contig, *position, reference.as_str(), alternate.as_deref())
        })
        .collect();
    let columns = process(&rows);
    let texts = process_with(&rows, ConsequenceStage::with_csq_text);
    let mut lines = std::collections::BTreeSet::new();
    for (row, allele) in rows.iter().enumerate() {
        let (mut expected, mut found) = (String::new(), String::new());
        write_csq(&columns, row, &mut expected).unwrap();
        write_csq(&texts, row, &mut found).unwrap();
        assert_eq!(found, expected, "{allele:?}");
        lines.insert(found);
    }
    assert!(lines.len() > 1_000, "{}", lines.len());
    for field in names::consequence_fields() {
        let name = field.name();
        if name != names::ALL {
            let of = |batch: &SiteBatch| batch.sites().column_by_name(name).cloned();
            assert_eq!(of(&texts), of(&columns), "{name}");
        }
    }
}

#[test]
fn models_of_another_reference_are_refused() {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().unwrap();
    let other = crate::testing::reference(folder.path(), &[("1", b"ACGT")]);
    let stage = ConsequenceStage::try_new(
        Arc::clone(&fixture.models),
        other,
        ConsequenceOptions::default(),
    );
    assert!(stage.is_err());
}

#[test]
fn an_allele_far_from_genes_is_intergenic() {
    let far = vec![b'A'; 12_000];
    let gff = "1\t.\tmRNA\t1\t9\t.\t+\t.\tID=t\n1\t.\texon\t1\t9\t.\t+\t.\tParent=t\n";
    let mut fixture = Fixture::with(&[("1", &far)], gff);
    let check = |fixture: &mut Fixture, position, expected: &str| {
        let (found, _) = fixture.annotate("1", position, b"A", b"C");
        assert_eq!(found[0].terms.to_string(), expected, "{position}");
    };
    check(&mut fixture, 5_009, "downstream_gene_variant");
    check(&mut fixture, 5_010, "intergenic_variant");
}
