//! Consequences read from real files that VEP and SnpEff annotated.
//!
//! VEP's `ALLELE_NUM` says which alternate an entry is of. Read without it, by the names of alleles
//! alone, each entry must go to the same alternate; and the entries must be those that
//! `bcftools +split-vep` splits.
#![cfg(test)]

mod support;

#[path = "support/shell.rs"]
mod shell;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float32Array, StringArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow::record_batch::RecordBatch;
use shell::shell;
use support::data;
use varisk_annotate::{FromInfoStage, InfoKind, columns};
use varisk_core::{CallMatrix, ContigSet, SiteBatch, Stage, site_schema};

/// One alternate allele of a record with the text of the field.
struct Row {
    position: u32,
    reference: String,
    alternate: String,
    index: u16,
    text: String,
}

fn rows(vcf: &Path, field: &str) -> Vec<Row> {
    let text = shell(&format!(
        "bcftools query -f '%POS\\t%REF\\t%ALT\\t%INFO/{field}\\n' {}",
        vcf.display()
    ));
    let mut rows = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        for (index, alternate) in (1..).zip(fields[2].split(',')) {
            rows.push(Row {
                position: fields[0].parse().unwrap(),
                reference: fields[1].to_owned(),
                alternate: alternate.to_owned(),
                index,
                text: fields[3].to_owned(),
            });
        }
    }
    rows
}

fn description(vcf: &Path, field: &str) -> String {
    let header = shell(&format!("bcftools view -h {}", vcf.display()));
    let line = header
        .lines()
        .find(|line| line.starts_with(&format!("##INFO=<ID={field},")))
        .unwrap();
    let (_, description) = line.split_once("Description=\"").unwrap();
    description.trim_end_matches("\">").to_owned()
}

fn process(kind: InfoKind, description: &str, rows: &[Row]) -> SiteBatch {
    let count = rows.len();
    let contigs = Arc::new(ContigSet::new([("22".to_owned(), 60_000_000)]));
    let nothing: StringArray = vec![None::<&str>; count].into_iter().collect();
    let positions = UInt32Array::from_iter_values(rows.iter().map(|row| row.position));
    let old = StringArray::from_iter_values(rows.iter().map(|row| row.reference.as_str()));
    let new = StringArray::from_iter_values(rows.iter().map(|row| row.alternate.as_str()));
    let sites = RecordBatch::try_new(
        site_schema(&[]),
        vec![
            Arc::new(UInt32Array::from(vec![0; count])),
            Arc::new(positions.clone()),
            Arc::new(old.clone()),
            Arc::new(new.clone()),
            Arc::new(UInt64Array::from(vec![None; count])),
            Arc::new(StringArray::from(vec!["snv"; count])),
            Arc::new(positions),
            Arc::new(old),
            Arc::new(new),
            Arc::new(UInt16Array::from_iter_values(
                rows.iter().map(|row| row.index),
            )),
            Arc::new(nothing.clone()),
            Arc::new(Float32Array::from(vec![None; count])),
            Arc::new(nothing.clone()),
            Arc::new(UInt8Array::from(vec![0; count])),
            Arc::new(nothing),
        ],
    )
    .unwrap();
    let texts: StringArray = rows
        .iter()
        .map(|row| Some(row.text.as_str()).filter(|text| *text != "."))
        .collect();
    let stage = FromInfoStage::try_new(kind, description).unwrap();
    let batch = SiteBatch::try_new(0, contigs, sites, CallMatrix::default())
        .unwrap()
        .with_columns([(stage.input_column(), Arc::new(texts) as ArrayRef)])
        .unwrap();
    stage.worker().unwrap().process(batch).unwrap()
}

/// Transcript, terms and c. name of each line of a row, sorted.
fn lines(batch: &SiteBatch, row: usize) -> Vec<String> {
    let all = batch
        .sites()
        .column_by_name(columns::ALL)
        .unwrap()
        .as_list::<i32>();
    if all.is_null(row) {
        return Vec::new();
    }
    let lines = all.value(row);
    let lines = lines.as_struct();
    let text = |name: &str, at: usize| {
        let column = lines.column_by_name(name).unwrap().as_string::<i32>();
        if column.is_null(at) {
            ""
        } else {
            column.value(at)
        }
        .to_owned()
    };
    let mut found: Vec<String> = (0..lines.len())
        .map(|at| {
            format!(
                "{} {} {}",
                text("transcript", at),
                text("terms", at),
                text("hgvsc", at)
            )
        })
        .collect();
    found.sort();
    found
}

#[test]
fn entries_of_vep_go_to_their_alleles() {
    let folder = data().join("clinvar_gnomad/varfish");
    let vcf = folder.join("grch37-chr22__ExAC.r1.sites.vep.vcf.gz");
    let rows = rows(&vcf, "CSQ");
    let description = description(&vcf, "CSQ");
    assert!(description.contains("ALLELE_NUM"));
    let by_number = process(InfoKind::Csq, &description, &rows);
    let by_name = process(
        InfoKind::Csq,
        &description.replace("ALLELE_NUM", "NOTHING"),
        &rows,
    );
    let (mut total, mut undecided) = (0, Vec::<String>::new());
    for (row, each) in rows.iter().enumerate() {
        let expected = lines(&by_number, row);
        total += expected.len();
        let found = lines(&by_name, row);
        if found.is_empty() && !expected.is_empty() {
            // Of this record two alternates have the same name, so that neither has entries.
            undecided.push(format!("{} {}", each.position, each.alternate));
        } else {
            assert_eq!(found, expected, "{}", each.position);
        }
    }
    assert_eq!(
        undecided,
        [
            "17488823 CG",
            "17488823 G",
            "17488878 G",
            "17488878 TG",
            "17662917 C",
            "17662917 GC"
        ]
    );
    // Every entry is some allele's.
    let split = shell(&format!(
        "bcftools +split-vep -d -f '%POS %Consequence\\n' {} | wc -l",
        vcf.display()
    ));
    assert_eq!(total, split.trim().parse::<usize>().unwrap());
    assert_eq!((rows.len(), total), (930, 4_698));
}

#[test]
fn snpeff_and_vep_name_the_same_transcripts() {
    let vcf = data().join("patient_cases/scout/643594.clinical.vcf.gz");
    let (ann, csq) = (rows(&vcf, "ANN"), rows(&vcf, "CSQ"));
    let snpeff = process(InfoKind::Ann, &description(&vcf, "ANN"), &ann);
    let vep = process(InfoKind::Csq, &description(&vcf, "CSQ"), &csq);
    let terms = |batch: &SiteBatch| batch.text(columns::TERM).unwrap().clone();
    let (a, b) = (terms(&snpeff), terms(&vep));
    let (mut both, mut same) = (0, 0);
    for row in 0..ann.len() {
        if a.is_valid(row) && b.is_valid(row) {
            both += 1;
            same += usize::from(a.value(row) == b.value(row));
        }
    }
    eprintln!(
        "{} {both} {same} {} {}",
        ann.len(),
        a.null_count(),
        b.null_count()
    );
}
