//! Policies of scores: coverage, ambiguous strands, duplicate rows, imputation, dosages, identifiers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::support::bundle::{bundle, bundle_of};
use crate::support::cohort::{Allele, Place, Vcf};
use crate::support::genome::Genome;
use crate::support::program::{Call, Table, run_record, testdata, text};
use crate::support::refusal::write;
use crate::support::scores::{
    COLUMNS, assert_close, cell, copies, expected, find, is_ambiguous, number, patients, prs,
    prs_of, rows, scoring_file, transition,
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

/// Rows of ambiguous strand as if they were on that of the reference.
#[test]
fn ambiguous_strands_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    prs(&output).with("--ambiguous", "keep").succeed();
    let table = Table::read(&output, "scores");
    let vcf = Vcf::bundled();
    for score in ["TOY1", "TOY2"] {
        let rows = rows(&testdata(&format!("scores/{score}.txt")));
        for (sample, (patient, is_male)) in patients().iter().enumerate() {
            let own = expected(&vcf, sample, *is_male, &rows, true);
            let found = number(&table, patient, score, "sum");
            assert_close(found, own.sum, &format!("{patient} {score}"));
            let matched = number(&table, patient, score, "alleles_scorable");
            assert_eq!(matched, Some(own.scorable as f64), "{patient} {score}");
        }
    }
    let log = Table::read(&output, "score_variants");
    let reasons = log.column("reason").into_iter().flatten();
    assert_eq!(
        reasons
            .filter(|reason| reason.contains("ambiguous"))
            .count(),
        0
    );
}

/// Alleles A/T and C/G of one base, alone at their place.
fn ambiguous_alleles(vcf: &Vcf) -> Vec<(Allele, usize)> {
    let pairs = [("A", "T"), ("T", "A"), ("C", "G"), ("G", "C")];
    let alleles = vcf.alleles();
    let is_alone = |allele: &Allele| {
        let same = |other: &&(Allele, usize, usize)| {
            (&other.0.contig, other.0.position) == (&allele.contig, allele.position)
        };
        alleles.iter().filter(same).count() == 1
    };
    let wanted = alleles.iter().filter(|(allele, ..)| {
        allele.contig == "chr1"
            && pairs.contains(&(allele.reference.as_str(), allele.alternate.as_str()))
            && is_alone(allele)
    });
    wanted
        .map(|(allele, record, _)| (allele.clone(), *record))
        .collect()
}

/// Rows with a frequency each: near that of the data, near its mirror, near one half, and none.
const FREQUENCIES: [(&str, Option<&str>, Option<&str>); 4] = [
    ("0.02", Some("ref_alt"), None),
    ("0.98", Some("alt_ref_flipped"), None),
    ("0.45", None, Some("ambiguous_frequency")),
    ("", None, Some("ambiguous_frequency")),
];

fn by_frequency_file(folder: &Path, alleles: &[(Allele, usize)]) -> String {
    let rows = alleles
        .iter()
        .zip(FREQUENCIES)
        .map(|((allele, _), (frequency, ..))| {
            format!(
                "1\t{}\t{}\t{}\t1\t{frequency}",
                allele.position, allele.alternate, allele.reference
            )
        });
    let columns = format!("{COLUMNS}\tallelefrequency_effect");
    // One more whose strand is clear, and that weighs nothing.
    let clear = "1\t1998\tG\tA\t0\t0.5".to_owned();
    scoring_file(folder, "AMBIGUOUS", &columns, rows.chain([clear]))
}

/// What stands in the log, and the sums: the effect allele of a row of the other strand is REF.
fn check_by_frequency(
    output: &Path,
    vcf: &Vcf,
    alleles: &[(Allele, usize)],
    samples: &[(String, usize)],
) {
    let log = Table::read(output, "score_variants");
    let reasons = log.column("reason");
    let expected: Vec<Option<&str>> = FREQUENCIES.iter().map(|(_, _, reason)| *reason).collect();
    assert_eq!(reasons[..4], expected);
    let matches = log.column("match_type");
    for (found, (_, expected, reason)) in matches.iter().zip(FREQUENCIES) {
        if reason.is_none() {
            assert_eq!(*found, expected);
        }
    }
    let table = Table::read(output, "scores");
    for (patient, sample) in samples {
        let copies = |at: usize| {
            let genotype = vcf.genotype(alleles[at].1, *sample, 1);
            genotype.is_complete().then(|| genotype.copies() as f64)
        };
        let (Some(first), Some(second)) = (copies(0), copies(1)) else {
            continue;
        };
        let found = number(&table, patient, "AMBIGUOUS", "sum");
        assert_close(found, first + (2.0 - second), patient);
    }
}

#[test]
fn ambiguous_strands_by_a_named_frequency() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = Vcf::bundled();
    let known = Vcf::read(Path::new(&testdata("knowledge/population.vcf.gz")));
    let known: Vec<Allele> = known
        .alleles()
        .into_iter()
        .map(|(allele, ..)| allele)
        .collect();
    let mut alleles = ambiguous_alleles(&vcf);
    alleles.retain(|(allele, _)| known.contains(allele));
    alleles.truncate(FREQUENCIES.len());
    assert_eq!(alleles.len(), FREQUENCIES.len());
    let score = by_frequency_file(folder.path(), &alleles);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .with("--ambiguous", "by-frequency")
        .with("--knowledge", text(&bundle(folder.path())))
        .with("--frequencies", "population.af")
        .with("--min-coverage", "0")
        .succeed();
    let samples: Vec<(String, usize)> = patients().into_iter().map(|(id, _)| id).zip(0..).collect();
    check_by_frequency(&output, &vcf, &alleles, &samples);
}

/// A cohort of 96 tells its own frequencies; 48 are too few.
#[test]
fn ambiguous_strands_by_the_cohort() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = Vcf::bundled();
    let mut alleles = ambiguous_alleles(&vcf);
    // By the cohort's own frequency, far from one half.
    alleles.retain(|(_, record)| {
        let copies = (0..48).map(|sample| vcf.genotype(*record, sample, 1).copies());
        (1..30).contains(&copies.sum::<usize>())
    });
    alleles.truncate(FREQUENCIES.len());
    let score = by_frequency_file(folder.path(), &alleles);
    let few = folder.path().join("few");
    prs_of(&few, &score)
        .with("--ambiguous", "by-frequency")
        .with("--min-coverage", "0")
        .succeed();
    let log = Table::read(&few, "score_variants");
    assert_eq!(log.column("reason")[..4], [Some("ambiguous_frequency"); 4]);

    let doubled = doubled();
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .without("--samplesheet")
        .with("--vcf", write(folder.path(), "doubled.vcf", doubled.text()))
        .with("--ambiguous", "by-frequency")
        .with("--min-coverage", "0")
        .succeed();
    let samples: Vec<(String, usize)> = doubled.samples.iter().cloned().zip(0..).collect();
    check_by_frequency(&output, &doubled, &alleles, &samples);
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
    crate::support::refusal::assert_refused(
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

/// Mean imputation from the frequencies that a bundle names, and from the panel: the sum has the mean
/// where a call is missing, and is not rescaled.
#[test]
fn imputed_means() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = Vcf::bundled();
    let known = Vcf::read(Path::new(&testdata("knowledge/population.vcf.gz")));
    let frequencies: BTreeMap<Allele, f64> = known
        .alleles()
        .into_iter()
        .map(|(allele, record, index)| {
            let info = &known.records[record][7];
            let all = info.split(';').find_map(|field| field.strip_prefix("AF="));
            let own = all.expect("AF").split(',').nth(index - 1).expect("a value");
            (allele, own.parse().expect("a number"))
        })
        .collect();
    // Alleles of single bases that are missing in somebody and have a frequency.
    let wanted: Vec<(Allele, usize)> = vcf
        .alleles()
        .into_iter()
        .filter(|(allele, record, _)| {
            let ambiguous = ["AT", "TA", "CG", "GC"];
            let pair = format!("{}{}", allele.reference, allele.alternate);
            allele.contig == "chr1"
                && pair.len() == 2
                && !ambiguous.contains(&pair.as_str())
                && vcf
                    .records
                    .iter()
                    .filter(|other| other[..2] == vcf.records[*record][..2])
                    .count()
                    == 1
                && frequencies.contains_key(allele)
                && (0..48).any(|sample| vcf.genotype(*record, sample, 1).is_missing())
        })
        .map(|(allele, record, _)| (allele, record))
        .take(20)
        .collect();
    assert!(wanted.len() >= 5, "{}", wanted.len());
    let rows = wanted.iter().zip(1..).map(|((allele, _), weight)| {
        format!(
            "1\t{}\t{}\t{}\t{weight}",
            allele.position, allele.alternate, allele.reference
        )
    });
    let score = scoring_file(folder.path(), "MISSING", COLUMNS, rows);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .with("--knowledge", text(&bundle(folder.path())))
        .with("--impute", "frequencies")
        .with("--frequencies", "population.af")
        .with("--min-coverage", "0")
        .succeed();
    let table = Table::read(&output, "scores");
    for (sample, (patient, _)) in patients().iter().enumerate() {
        let mut sum = 0.0;
        for ((allele, record), weight) in wanted.iter().zip(1..) {
            let genotype = vcf.genotype(*record, sample, 1);
            let copies = if genotype.is_complete() {
                genotype.copies() as f64
            } else {
                2.0 * frequencies[allele]
            };
            sum += f64::from(weight) * copies;
        }
        for column in ["sum", "rescaled_sum"] {
            let found = number(&table, patient, "MISSING", column).expect("a sum");
            assert!(
                (found - sum).abs() < 1e-5,
                "{patient} {column}: {found}, not {sum}"
            );
        }
    }
}

/// The mean of a cohort of 96.
#[test]
fn means_of_the_cohort() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = doubled();
    let rows = rows(&testdata("scores/TOY1.txt"));
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|row| row["chr_name"] == "1" && !is_ambiguous(row))
        .filter(|row| find(&vcf, row).is_some())
        .collect();
    let names = [
        "chr_name",
        "chr_position",
        "effect_allele",
        "other_allele",
        "effect_weight",
    ];
    let lines = rows
        .iter()
        .map(|row| names.map(|name| row[name].as_str()).join("\t"));
    let score = scoring_file(folder.path(), "MEANS", COLUMNS, lines);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .without("--samplesheet")
        .with("--vcf", write(folder.path(), "doubled.vcf", vcf.text()))
        .with("--impute", "cohort")
        .succeed();
    let table = Table::read(&output, "scores");
    let mut sums = vec![0.0; vcf.samples.len()];
    let mut missing = 0;
    for row in &rows {
        let found = find(&vcf, row).expect("an allele");
        let weight: f64 = row["effect_weight"].parse().expect("a number");
        let copies: Vec<Option<f64>> = (0..vcf.samples.len())
            .map(|sample| {
                let genotype = vcf.genotype(found.record, sample, found.index);
                let own = copies(&found, Place::Autosomal, &genotype, false);
                own.map(|(copies, _)| copies)
            })
            .collect();
        let called: Vec<f64> = copies.iter().flatten().copied().collect();
        let mean = called.iter().sum::<f64>() / called.len() as f64;
        missing += copies.len() - called.len();
        for (sum, copies) in sums.iter_mut().zip(copies) {
            *sum += weight * copies.unwrap_or(mean);
        }
    }
    assert!(missing > 20, "{missing}");
    for (sample, sum) in vcf.samples.iter().zip(sums) {
        for column in ["sum", "rescaled_sum"] {
            assert_close(number(&table, sample, "MEANS", column), sum, sample);
        }
    }
}

/// The cohort with everybody twice.
fn doubled() -> Vcf {
    let mut vcf = Vcf::bundled();
    let twins: Vec<String> = vcf.samples.iter().map(|name| format!("{name}b")).collect();
    vcf.samples.extend(twins);
    for record in &mut vcf.records {
        let own = record[9..].to_vec();
        record.extend(own);
    }
    vcf
}

/// One person's dosages: (position, FORMAT, values, copies by DS, copies by GP, copies by GT).
const DOSAGES: [(usize, &str, &str, f64, f64, f64); 4] = [
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
        .zip([1, 10, 100, 1000])
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
    let columns: [(&str, fn(&(usize, &str, &str, f64, f64, f64)) -> f64); 3] = [
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
            .zip([1.0, 10.0, 100.0, 1000.0])
            .map(|(row, weight)| weight * copies(row))
            .sum();
        for patient in ["ONE", "TWO"] {
            // Dosages are rounded to 2^-24 copies.
            let found = number(&table, patient, "DOSAGE", "sum").expect("a sum");
            assert!(
                (found - sum).abs() <= 1111.0 / f64::from(1u32 << 24),
                "{choice}: {found}, not {sum}"
            );
            assert_eq!(number(&table, patient, "DOSAGE", "coverage"), Some(1.0));
        }
        assert_eq!(run_record(&output)["parameters"]["dosages"], choice);
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

/// Frequencies that the score takes from the bundle name their source.
#[test]
fn sources_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    prs(&output)
        .with("--knowledge", text(&bundle(folder.path())))
        .with("--impute", "frequencies")
        .with("--frequencies", "population.af")
        .succeed();
    let record = run_record(&output);
    assert_eq!(record["knowledge"][0]["name"], "population");
    assert_eq!(record["parameters"]["impute"], "frequencies");
    assert_eq!(record["parameters"]["frequencies"], "population.af");
    let table = Table::read(&output, "scores");
    assert_eq!(cell(&table, "P001", "TOY1", "state"), Some("ok"));
}
