//! Policies of scores: coverage, duplicate rows, dosages, identifiers.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::bundle::bundle_of;
use crate::support::cohort::Vcf;
use crate::support::genome::Genome;
use crate::support::program::{Call, Table, run_record, text};
use crate::support::refusal::{assert_refused, write};
use crate::support::scores::{
    COLUMNS, assert_close, number, patients, prs, prs_of, scoring_file, transition,
};

#[test]
fn low_coverage() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    prs(&at("usual")).succeed();
    let usual = Table::read(&at("usual"), "scores");
    let shares: Vec<f64> = usual.numbers("coverage").into_iter().flatten().collect();
    // A limit in the middle of what there is.
    let mut sorted = shares.clone();
    sorted.sort_by(f64::total_cmp);
    let limit = sorted[sorted.len() / 2];
    let below = shares.iter().filter(|share| **share < limit).count();
    assert!(below > 0 && below < shares.len());
    for choice in ["refuse", "flag"] {
        prs(&at(choice))
            .with("--min-coverage", limit.to_string())
            .with("--low-coverage", choice)
            .succeed();
        let (scores, risk) = (
            Table::read(&at(choice), "scores"),
            Table::read(&at(choice), "risk"),
        );
        let state = if choice == "refuse" {
            "not_computed"
        } else {
            "flagged"
        };
        for (row, share) in shares.iter().enumerate() {
            let is_low = *share < limit;
            let expected = if is_low {
                (state, Some("low_coverage"))
            } else {
                ("ok", None)
            };
            for table in [&scores, &risk] {
                let found = (table.texts("state")[row], table.column("reason")[row]);
                assert_eq!(found, expected, "{choice} {row}");
            }
            let has_value = risk.column("value")[row].is_some();
            assert_eq!(has_value, !is_low || choice == "flag");
            for column in ["sum", "rescaled_sum", "average"] {
                let expected = usual.column(column)[row].filter(|_| has_value);
                assert_eq!(scores.column(column)[row], expected, "{column}");
            }
            if has_value {
                assert_eq!(risk.column("value")[row], usual.column("rescaled_sum")[row]);
            }
        }
    }
}

/// Two rows of one allele, the second with its alleles turned and on the other strand.
#[test]
fn duplicate_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = Vcf::bundled();
    let record = vcf
        .records
        .iter()
        .position(|record| record[..2] == ["chr1", "1998"] && record[3..5] == ["A", "G"]);
    let other = vcf
        .records
        .iter()
        .position(|record| record[1] == "1760" && record[0] == "chr1");
    let (record, other) = (record.expect("the record"), other.expect("the record"));
    let score = scoring_file(
        folder.path(),
        "TWICE",
        COLUMNS,
        [
            "1\t1998\tG\tA\t1",
            "1\t1998\tT\tC\t10",
            "1\t1760\tA\tG\t100",
        ]
        .map(str::to_owned),
    );
    let run = |choice: &str| {
        let output = folder.path().join(choice);
        let call = prs_of(&output, &score).with("--duplicates", choice);
        (output, call.with("--min-coverage", "0"))
    };
    let (_, call) = run("refuse");
    let refused = call.run();
    assert_refused(
        "duplicates",
        &refused,
        65,
        &["TWICE", "chr1:1998", "--duplicates"],
    );
    for choice in ["sum", "drop"] {
        let (output, call) = run(choice);
        call.succeed();
        let (table, log) = (
            Table::read(&output, "scores"),
            Table::read(&output, "score_variants"),
        );
        let reason = (choice == "drop").then_some("duplicate_row");
        assert_eq!(log.column("reason"), [reason, reason, None], "{choice}");
        for (sample, (patient, _)) in patients().iter().enumerate() {
            let copies = |record: usize| {
                let genotype = vcf.genotype(record, sample, 1);
                genotype.is_complete().then(|| genotype.copies() as f64)
            };
            let (Some(twice), Some(once)) = (copies(record), copies(other)) else {
                continue;
            };
            let both = if choice == "sum" {
                twice + 10.0 * (2.0 - twice)
            } else {
                0.0
            };
            assert_close(
                number(&table, patient, "TWICE", "sum"),
                both + 100.0 * once,
                patient,
            );
        }
    }
}

/// Position, FORMAT, values, and copies by DS, by GP and by GT.
type Dosage = (usize, &'static str, &'static str, f64, f64, f64);

/// The copies of a row by one of the fields.
type Copies = fn(&Dosage) -> f64;

/// One person's dosages.
const DOSAGES: [Dosage; 5] = [
    (5005, "GT:DS:GP", "0/1:1.25:0.1,0.55,0.35", 1.25, 1.25, 1.0),
    (
        5012,
        "GT:DS:GP",
        "0/0:0.125:0.9,0.075,0.025",
        0.125,
        0.125,
        0.0,
    ),
    // No dosage in this record.
    (5016, "GT", "1/1", 2.0, 2.0, 2.0),
    (5025, "GT:GP:DS", "0/1:0,0.5,0.5:1.75", 1.75, 1.5, 1.0),
    // None of this sample.
    (5029, "GT:DS:GP", "0/1:.:.", 1.0, 1.0, 1.0),
];

fn dosage_vcf(fields: bool) -> String {
    let genome = Genome::read();
    let mut vcf = "##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n"
        .to_owned();
    if fields {
        vcf += "##FORMAT=<ID=DS,Number=A,Type=Float,Description=\"x\">\n##FORMAT=<ID=GP,Number=G,Type=Float,Description=\"x\">\n";
    }
    for (name, length) in genome.contigs() {
        let _ = writeln!(vcf, "##contig=<ID={name},length={length}>");
    }
    vcf += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tONE\tTWO\n";
    for (position, format, values, ..) in DOSAGES {
        let (format, values) = if fields {
            (format, values)
        } else {
            ("GT", values.split(':').next().expect("GT"))
        };
        let base = genome.bases("chr1", position, 1);
        let other = transition(genome.bases("chr1", position, 1));
        let _ = writeln!(
            vcf,
            "chr1\t{position}\t.\t{base}\t{other}\t.\t.\t.\t{format}\t{values}\t{values}"
        );
    }
    vcf
}

fn dosage_call(folder: &Path, output: &str, vcf: String) -> Call {
    let genome = Genome::read();
    let rows = DOSAGES
        .iter()
        .zip([1, 10, 100, 1000, 10_000])
        .map(|((position, ..), weight)| {
            let base = genome.bases("chr1", *position, 1);
            let other = transition(genome.bases("chr1", *position, 1));
            format!("1\t{position}\t{other}\t{base}\t{weight}")
        });
    let score = scoring_file(folder, "DOSAGE", COLUMNS, rows);
    prs_of(&folder.join(output), &score)
        .without("--samplesheet")
        .with("--vcf", write(folder, "dosages.vcf", vcf))
}

#[test]
fn dosages() {
    let folder = tempfile::tempdir().expect("a folder");
    let columns: [(&str, Copies); 3] = [
        ("ds", |row| row.3),
        ("gp", |row| row.4),
        ("gt", |row| row.5),
    ];
    for (choice, copies) in columns {
        dosage_call(folder.path(), choice, dosage_vcf(true))
            .with("--dosages", choice)
            .succeed();
        let output = folder.path().join(choice);
        let table = Table::read(&output, "scores");
        let sum: f64 = DOSAGES
            .iter()
            .zip([1.0, 10.0, 100.0, 1000.0, 10_000.0])
            .map(|(row, weight)| weight * copies(row))
            .sum();
        for patient in ["ONE", "TWO"] {
            // Dosages are rounded to 2^-24 copies.
            let found = number(&table, patient, "DOSAGE", "sum").expect("a sum");
            assert!(
                (found - sum).abs() <= 11_111.0 / f64::from(1u32 << 24),
                "{choice}: {found}, not {sum}"
            );
            assert_eq!(number(&table, patient, "DOSAGE", "coverage"), Some(1.0));
        }
        assert_eq!(run_record(&output)["parameters"]["dosages"], choice);
    }
}

/// Dosages that are none are malformed records.
#[test]
fn dosages_that_are_no_dosages() {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, (choice, value)) in [
        ("ds", "0/1:2.5:0.1,0.55,0.35"),
        ("ds", "0/1:-0.5:0.1,0.55,0.35"),
        ("ds", "0/1:much:0.1,0.55,0.35"),
        ("ds", "0/1:1.25,0.5:0.1,0.55,0.35"),
        ("gp", "0/1:1.25:0.1,0.55"),
        ("gp", "0/1:1.25:0.9,0.55,0.35"),
        ("gp", "0/1:1.25:0.1,x,0.35"),
    ]
    .into_iter()
    .enumerate()
    {
        let output = format!("report-{number}");
        let vcf = dosage_vcf(true).replacen(DOSAGES[0].2, value, 1);
        let refused = dosage_call(folder.path(), &output, vcf)
            .with("--dosages", choice)
            .run();
        let field = choice.to_uppercase();
        let parts = ["dosages.vcf", "chr1:5005", field.as_str()];
        assert_refused(value, &refused, 65, &parts);
        assert!(!refused.stderr.contains("0/1"), "{}", refused.stderr);
        assert!(!folder.path().join(output).exists());
    }
}

/// Dosages that no file has are no silent GT.
#[test]
fn dosages_that_are_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    for choice in ["ds", "gp"] {
        let field = choice.to_uppercase();
        let done = dosage_call(folder.path(), choice, dosage_vcf(false))
            .with("--dosages", choice)
            .run();
        assert!(
            done.stderr.contains(&field)
                && (done.code != Some(0) || done.stderr.contains("warning")),
            "{choice}: {done:?}"
        );
    }
}

/// A bundle whose field is the column ID of the cohort.
const IDENTIFIED: &str = r#"
genome_build = "other"

[[source]]
name = "names"
kind = "vcf"
path = "PATH"
release = "1"
licence = "CC0-1.0"
[source.fields]
id = "ID"
"#;

pub(crate) fn identifiers(folder: &Path) -> String {
    let vcf = Vcf::bundled().sites();
    let path = write(folder, "names.vcf", vcf.text());
    text(&bundle_of(
        folder,
        "names",
        &IDENTIFIED.replace("PATH", &path),
    ))
}

/// The alleles of chr1 with an identifier, as rows by position and by identifier.
pub(crate) fn identified_files(folder: &Path) -> [String; 2] {
    let vcf = Vcf::bundled();
    let records: Vec<&Vec<String>> = vcf
        .records
        .iter()
        .filter(|record| {
            record[0] == "chr1" && record[2].starts_with("toy") && record[3].len() == 1
        })
        .filter(|record| ["A", "C", "G", "T"].contains(&record[4].as_str()))
        .take(60)
        .collect();
    assert!(records.len() > 20);
    let by_position = records.iter().zip(1..).map(|(record, weight)| {
        format!("1\t{}\t{}\t{}\t{weight}", record[1], record[4], record[3])
    });
    let by_name = records
        .iter()
        .zip(1..)
        .map(|(record, weight)| format!("{}\t{}\t{}\t{weight}", record[2], record[4], record[3]));
    [scoring_file(folder, "NAMED", COLUMNS, by_position), {
        let folder = folder.join("by-name");
        std::fs::create_dir(&folder).expect("a folder");
        let columns = "rsID\teffect_allele\tother_allele\teffect_weight";
        scoring_file(&folder, "NAMED", columns, by_name)
    }]
}

/// Rows that have identifiers alone are those with positions.
#[test]
fn identifiers_through_a_bundle() {
    let folder = tempfile::tempdir().expect("a folder");
    let [by_position, by_name] = identified_files(folder.path());
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    prs_of(&one, &by_position)
        .with("--min-coverage", "0")
        .succeed();
    prs_of(&two, &by_name)
        .with("--min-coverage", "0")
        .with("--knowledge", identifiers(folder.path()))
        .with("--rsids", "names.id")
        .succeed();
    let [own, named] = [&one, &two].map(|folder| Table::read(folder, "scores"));
    for column in &own.names {
        assert_eq!(own.column(column), named.column(column), "{column}");
    }
    let [own, named] = [&one, &two].map(|folder| Table::read(folder, "score_variants"));
    for column in [
        "match_type",
        "matched_position",
        "matched_ref",
        "matched_alt",
        "reason",
        "patients_called",
    ] {
        assert_eq!(own.column(column), named.column(column), "{column}");
    }
    assert!(
        named
            .texts("rsid")
            .iter()
            .all(|name| name.starts_with("toy"))
    );
    let used = &run_record(&two)["knowledge"];
    assert_eq!(used[0]["name"], "names", "{used}");
}
