//! INFO as text and records passed through, against bcftools on real files.
#![cfg(test)]

mod common;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use varisk_core::{RunLimits, columns};
use varisk_readers::{
    AnnotatedWriter, FileInput, InfoNumber, RecordSource, RecordText, RefMismatch, Regions,
    SourceSettings, append_info, with_header_lines,
};
use varisk_reference::Reference;

use common::{Options, read_with, run, shared};

/// Files with their references: many alternate alleles, many fields, text and numbers of all kinds.
const SETS: [(&str, &str); 3] = [
    (
        "cohort_vcf/nfcmgg_ajtrio/gvcfs/NA24143.g.vcf.gz",
        "reference/nfcmgg_chr21/hg38_chr21_22000000_23000000.fasta",
    ),
    (
        "pgx/pharmcat_tutorial/PharmCAT_tutorial_get-rm_wgs_30x_grch38_chr10.vcf.bgz",
        "reference/grch38_sparse.fa.gz",
    ),
    (
        "cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz",
        "reference/grch37_chr22_1-22000000.fa.gz",
    ),
];

fn text(path: &Path) -> &str {
    path.to_str().expect("paths are text")
}

fn bcf(file: &Path, folder: &Path) -> PathBuf {
    let out = folder.join("x.bcf");
    run(
        "bcftools",
        &["view", "--no-version", "-Ob", "-o", text(&out), text(file)],
    );
    out
}

fn view(file: &Path) -> Vec<String> {
    let lines = run("bcftools", &["view", "-H", text(file)]);
    String::from_utf8(lines)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Equal texts, or the same number: bcftools writes six digits.
fn same(ours: &str, theirs: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        text.split(['\t', ';', ',', '=', ':'])
            .map(str::to_owned)
            .collect()
    };
    let equal = |(a, b): (String, String)| {
        a == b
            || match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(a), Ok(b)) => (a - b).abs() <= 1e-5 * b.abs(),
                _ => false,
            }
    };
    let (ours, theirs) = (parts(ours), parts(theirs));
    ours.len() == theirs.len() && ours.into_iter().zip(theirs).all(equal)
}

/// Every INFO field of every record, as text of each allele.
#[test]
fn info_as_text_equals_bcftools() {
    let folder = tempfile::tempdir().unwrap();
    for (file, fasta) in SETS {
        let (file, reference) = (
            shared().join(file),
            Reference::open(shared().join(fasta)).unwrap(),
        );
        let header = FileInput::open(&file).unwrap().header().clone();
        let mut fields: Vec<String> = header.info.keys().cloned().collect();
        fields.sort();
        let format: String = fields
            .iter()
            .map(|field| format!("\t%INFO/{field}"))
            .collect();
        let format = format!("%POS\t%ALT{format}\n");
        let table = run("bcftools", &["query", "-f", &format, text(&file)]);
        let table = String::from_utf8(table).unwrap();
        let mut expected: Vec<Vec<String>> = Vec::new();
        for line in table.lines() {
            let values: Vec<&str> = line.split('\t').collect();
            for (index, alternate) in values[1].split(',').enumerate() {
                let mut row = vec![values[0].to_owned(), alternate.to_owned()];
                for (field, value) in fields.iter().zip(&values[2..]) {
                    let mut of_allele = value.split(',');
                    let found = match (header.info[field].number, *value) {
                        (_, ".") => ".",
                        (InfoNumber::Alternate | InfoNumber::Allele, _) if alternate == "." => ".",
                        (InfoNumber::Alternate, _) => of_allele.nth(index).unwrap(),
                        (InfoNumber::Allele, _) => of_allele.nth(index + 1).unwrap(),
                        _ => value,
                    };
                    row.push(found.to_owned());
                }
                expected.push(row);
            }
        }
        for path in [file.clone(), bcf(&file, folder.path())] {
            let options = Options {
                texts: fields.clone(),
                ref_mismatch: RefMismatch::Quarantine,
                samples: Some(vec![Vec::new()]),
                ..Options::default()
            };
            let mut expected = expected.iter();
            let mut compared = 0;
            let outcome = read_with(&reference, &[path], &options, |batch| {
                for row in 0..batch.len() {
                    let expected = expected.next().expect("as many rows");
                    let sites = batch.sites();
                    let position = sites[columns::INPUT_POSITION]
                        .as_primitive::<arrow::datatypes::UInt32Type>()
                        .value(row);
                    assert_eq!(position.to_string(), expected[0]);
                    for (field, expected) in fields.iter().zip(&expected[2..]) {
                        let column = sites[format!("text.{field}").as_str()].as_string::<i32>();
                        let found = if column.is_null(row) {
                            "."
                        } else {
                            column.value(row)
                        };
                        assert!(
                            same(found, expected),
                            "{position} {field}: {found} {expected}"
                        );
                        compared += usize::from(found != ".");
                    }
                }
            })
            .unwrap();
            assert_eq!(outcome.bad, []);
            assert!(expected.next().is_none());
            println!("{}: {compared} values", file.display());
            assert!(compared > 10_000);
        }
    }
}

/// Lines of a file as they are passed through.
fn lines(file: &Path, reference: &Reference) -> (String, Vec<String>) {
    let input = FileInput::open(file).unwrap();
    let header = input.header_text().to_owned();
    let record_text = RecordText::new(&input);
    let settings = SourceSettings {
        contigs: Arc::clone(reference.contigs()),
        regions: Regions::all(),
        limits: RunLimits::default(),
    };
    let mut source = RecordSource::try_new(vec![input], &settings).unwrap();
    let (mut lines, mut scratch) = (Vec::new(), Vec::new());
    while let Some(batch) = source.next_batch().unwrap() {
        for entry in &batch.entries {
            let line = record_text.line(batch.record(entry), &mut scratch).unwrap();
            lines.push(String::from_utf8(line.to_vec()).unwrap());
        }
    }
    (header, lines)
}

#[test]
fn bcf_as_text_equals_bcftools() {
    let folder = tempfile::tempdir().unwrap();
    for (file, fasta) in SETS {
        let reference = Reference::open(shared().join(fasta)).unwrap();
        let binary = bcf(&shared().join(file), folder.path());
        let (_, ours) = lines(&binary, &reference);
        let theirs = view(&binary);
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(same(ours, theirs), "{file}:\n{ours}\n{theirs}");
        }
    }
}

/// Records with a field added, written as each kind, are what bcftools makes of the same text.
#[test]
fn annotated_files_are_read_by_bcftools() {
    let folder = tempfile::tempdir().unwrap();
    for (file, fasta) in SETS {
        let reference = Reference::open(shared().join(fasta)).unwrap();
        let (header, lines) = lines(&shared().join(file), &reference);
        let added = "##INFO=<ID=CSQ,Number=.,Type=String,Description=\"Format: A|B\">".to_owned();
        let header = with_header_lines(&header, &[added]);
        let mut views = Vec::new();
        for name in ["x.vcf", "x.vcf.gz", "annotated.bcf"] {
            let path = folder.path().join(name);
            let threads = NonZero::new(2).unwrap();
            let mut writer = AnnotatedWriter::create(&path, &header, threads).unwrap();
            let mut out = Vec::new();
            for (i, line) in lines.iter().enumerate() {
                out.clear();
                append_info(line.as_bytes(), &[("CSQ", &format!("{i}|x"))], &mut out).unwrap();
                writer
                    .write_line(&out)
                    .unwrap_or_else(|error| panic!("{file} {error}"));
            }
            writer.finish().unwrap();
            let view = view(&path);
            assert!(
                view.iter()
                    .zip(0..)
                    .all(|(line, i)| line.contains(&format!("CSQ={i}|x")))
            );
            views.push(view);
        }
        assert_eq!(views[0].len(), lines.len());
        assert_eq!(views[0], views[1]);
        for (binary, text) in views[2].iter().zip(&views[0]) {
            assert!(same(binary, text), "{file}:\n{binary}\n{text}");
        }
    }
}
