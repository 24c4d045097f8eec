//! Scores of the bundled cohort against what the generator and plain arithmetic say.

use std::collections::BTreeMap;

use crate::support::cohort::{Vcf, csv};
use crate::support::demo::run;
use crate::support::program::{Table, hashes, testdata};
use crate::support::scores::{
    COLUMNS, assert_close, cell, expected, files, number, numbers, panel, patients, prs, prs_of,
    rows, rows_of, scoring_file, with_all,
};

/// Shares of a score's weight; they add up to 1.
const SHARES: [&str; 5] = [
    "coverage",
    "assumed_reference",
    "missing",
    "not_counted",
    "not_scorable",
];

const SCORES: [&str; 2] = ["TOY1", "TOY2"];

/// Numbers of the generator are printed with so many places.
const PRINTED: f64 = 5e-7;

#[test]
fn sums_are_those_of_the_generator() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    prs(&output).succeed();
    let table = Table::read(&output, "scores");
    let truth = csv(&testdata("expected/scores.csv"));
    assert_eq!(table.len(), truth.len());
    for row in &truth {
        let (patient, score) = (&row["patient"], &row["score"]);
        let expected: f64 = row["sum"].parse().expect("a number");
        let found = number(&table, patient, score, "sum").expect("a sum");
        assert!(
            (found - expected).abs() <= PRINTED,
            "{patient} {score}: {found}, not {expected}"
        );
        assert_eq!(cell(&table, patient, score, "state"), Some("ok"));
    }
}

/// Counts, shares, averages and the rescaled sum from the text of the cohort.
#[test]
fn shares_and_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    prs(&output).with("--score-formats", "sscore").succeed();
    let table = Table::read(&output, "scores");
    let vcf = Vcf::bundled();
    for score in SCORES {
        let rows = rows(&testdata(&format!("scores/{score}.txt")));
        for (sample, (patient, is_male)) in patients().iter().enumerate() {
            let own = expected(&vcf, sample, *is_male, &rows, false);
            let check = |column: &str, expected: f64| {
                let found = number(&table, patient, score, column);
                assert_close(found, expected, &format!("{patient} {score} {column}"));
            };
            check("sum", own.sum);
            check("rescaled_sum", own.sum * own.expected_copies / own.copies);
            check("average", own.sum / own.copies);
            check("alleles_total", own.total as f64);
            check("alleles_scorable", own.scorable as f64);
            check("alleles_called", own.called as f64);
            check("alleles_assumed", 0.0);
            check("alleles_missing", (own.scorable - own.called) as f64);
            check("coverage", own.weight_called / own.weight_total);
            check("assumed_reference", 0.0);
            let lost = own.weight_total - own.weight_scorable;
            check("not_scorable", lost / own.weight_total);
            check("not_counted", 0.0);
            let missing = own.weight_scorable - own.weight_called;
            check("missing", missing / own.weight_total);
            check("allele_count", own.copies);
            check("dosage_sum", own.dosage);
            let shares = SHARES;
            let shares = shares.map(|name| number(&table, patient, score, name).expect("a share"));
            assert_close(Some(shares.iter().sum()), 1.0, "all shares");
        }
    }
}

/// Alleles of X in and outside the pseudoautosomal regions, of Y and of the mitochondria: copies by the
/// sex of the patient.
#[test]
fn places_of_one_copy() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = Vcf::bundled();
    let alleles = vcf.alleles();
    let is_base = |text: &str| ["A", "C", "G", "T"].contains(&text);
    let file_rows = alleles.iter().filter(|(allele, ..)| {
        let same = alleles.iter().filter(|(other, ..)| {
            (&other.contig, other.position) == (&allele.contig, allele.position)
        });
        ["chrX", "chrY", "chrM"].contains(&allele.contig.as_str())
            && is_base(&allele.reference)
            && is_base(&allele.alternate)
            && same.count() == 1
    });
    // Effect alleles are ALT and REF in turn.
    let file_rows: Vec<String> = file_rows
        .zip(1..)
        .map(|((allele, ..), number)| {
            let (mut effect, mut other) = (&allele.alternate, &allele.reference);
            if number % 2 == 0 {
                (effect, other) = (other, effect);
            }
            let (contig, position) = (&allele.contig[3..], allele.position);
            format!("{contig}\t{position}\t{effect}\t{other}\t{number}")
        })
        .collect();
    assert!(file_rows.len() > 100);
    let score = scoring_file(folder.path(), "PLACES", COLUMNS, file_rows);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .with("--min-coverage", "0")
        .succeed();
    let table = Table::read(&output, "scores");
    let rows = rows(&score);
    for (sample, (patient, is_male)) in patients().iter().enumerate() {
        let own = expected(&vcf, sample, *is_male, &rows, false);
        let check = |column: &str, expected: f64| {
            let found = number(&table, patient, "PLACES", column);
            assert_close(found, expected, &format!("{patient} {column}"));
        };
        check("sum", own.sum);
        check("allele_count", own.copies);
        check("rescaled_sum", own.sum * own.expected_copies / own.copies);
        check("coverage", own.weight_called / own.weight_total);
        check("not_counted", own.weight_not_counted / own.weight_total);
        let shares = SHARES.map(|name| number(&table, patient, "PLACES", name).expect("a share"));
        assert_close(Some(shares.iter().sum()), 1.0, "all shares");
        assert_eq!(own.weight_not_counted > 0.0, !is_male, "{patient}");
    }
}

/// Every row of the files has a row that says what became of it.
#[test]
fn every_row_is_accounted_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    prs(&output).succeed();
    let table = Table::read(&output, "score_variants");
    let of_files: Vec<(String, usize, crate::support::scores::Row)> = SCORES
        .iter()
        .flat_map(|score| {
            let rows = rows(&testdata(&format!("scores/{score}.txt")));
            let rows = rows.into_iter().zip(1..);
            rows.map(|(row, number)| ((*score).to_owned(), number, row))
        })
        .collect();
    assert_eq!(table.len(), of_files.len());
    let texts = |name: &str| table.column(name);
    let (scores, numbers) = (table.texts("score"), table.texts("row"));
    let columns = ["contig", "position", "effect_allele", "other_allele"];
    let names = ["chr_name", "chr_position", "effect_allele", "other_allele"];
    for (at, (score, number, row)) in of_files.iter().enumerate() {
        assert_eq!(
            (scores[at], numbers[at]),
            (score.as_str(), number.to_string().as_str())
        );
        for (column, name) in columns.iter().zip(names) {
            assert_eq!(
                texts(column)[at],
                Some(row[name].as_str()),
                "{score} {number}"
            );
        }
        let weight: f64 = row["effect_weight"].parse().expect("a number");
        assert_eq!(table.numbers("weight")[at], Some(weight));
    }
    let counts = [
        "patients_called",
        "patients_assumed",
        "patients_missing",
        "patients_not_assayed",
    ];
    let counts = counts.map(|name| table.numbers(name));
    let (matches, reasons) = (texts("match_type"), texts("reason"));
    let vcf = Vcf::bundled();
    for (at, (score, number, row)) in of_files.iter().enumerate() {
        let is_scored = reasons[at].is_none();
        assert_eq!(is_scored, matches[at].is_some(), "{score} {number}");
        let total: f64 = counts
            .iter()
            .map(|column| column[at].expect("a count"))
            .sum();
        assert!(total == 48.0 || !is_scored, "{score} {number}: {total}");
        let found = crate::support::scores::find(&vcf, row);
        let is_found = found.is_some() && !crate::support::scores::is_ambiguous(row);
        assert_eq!(is_scored, is_found, "{score} {number}: {:?}", reasons[at]);
        let Some(found) = found.filter(|_| is_scored) else {
            continue;
        };
        let record = &vcf.records[found.record];
        let side = if found.is_alternate {
            "ref_alt"
        } else {
            "alt_ref"
        };
        assert!(matches[at].is_some_and(|name| name.starts_with(side)));
        let matched =
            ["matched_position", "matched_ref", "matched_alt"].map(|name| texts(name)[at]);
        let alternate = record[4].split(',').nth(found.index - 1);
        let own = [
            Some(record[1].as_str()),
            Some(record[3].as_str()),
            alternate,
        ];
        assert_eq!(matched, own, "{score} {number}");
    }
    let named: BTreeMap<&str, usize> =
        reasons
            .iter()
            .flatten()
            .fold(BTreeMap::new(), |mut counts, reason| {
                *counts.entry(*reason).or_default() += 1;
                counts
            });
    let known = BTreeMap::from([
        ("alleles_not_in_reference", 2),
        ("ambiguous_strand", 95),
        ("unknown_contig", 2),
    ]);
    assert_eq!(named, known);
}

/// `prs` writes tables of scores alone; a run with models has the same ones, and features of them.
#[test]
fn a_run_has_the_same_scores() {
    let folder = tempfile::tempdir().expect("a folder");
    let [alone, with_models] = ["alone", "models"].map(|name| folder.path().join(name));
    let panel = panel(folder.path());
    with_all(prs(&alone), &panel).succeed();
    let whole = run(&with_models)
        .with("--score", testdata("scores"))
        .with("--score-build", "other");
    with_all(whole, &panel).succeed();
    let (own, of_run) = (files(&alone), files(&with_models));
    for (name, bytes) in &own {
        if name != "risk.parquet" {
            assert!(of_run.get(name) == Some(bytes), "{name} differs");
        }
    }
    assert!(!own.contains_key("variants.parquet") && of_run.contains_key("variants.parquet"));
    // The risk table has what the models give beside it.
    let [own, of_run] = [&alone, &with_models].map(|folder| Table::read(folder, "risk"));
    let scores = |table: &Table| -> Vec<Vec<Option<String>>> {
        let kinds = table.texts("kind");
        let rows = (0..table.len()).filter(|row| kinds[*row] != "patient_model");
        rows.map(|row| {
            let cells = table.names.iter().map(|name| table.column(name)[row]);
            cells.map(|cell| cell.map(str::to_owned)).collect()
        })
        .collect()
    };
    assert_eq!(own.len(), 4 * 48);
    assert_eq!(of_run.len(), 5 * 48);
    assert_eq!(scores(&own), scores(&of_run));

    let features = Table::read(&with_models, "features");
    let table = Table::read(&with_models, "scores");
    let features: BTreeMap<(&str, &str), Option<&str>> = features
        .texts("patient")
        .into_iter()
        .zip(features.texts("feature"))
        .zip(features.column("value"))
        .collect();
    for (patient, _) in patients() {
        for score in SCORES {
            for (feature, column) in [
                ("value", "rescaled_sum"),
                ("average", "average"),
                ("coverage", "coverage"),
                ("assumed", "assumed_reference"),
                ("percentile", "percentile"),
                ("z_most_similar", "z_most_similar_population"),
                ("z_norm1", "z_norm1"),
                ("z_norm2", "z_norm2"),
                ("z", "z_norm2"),
            ] {
                let name = format!("polygenic.{score}.{feature}");
                let found = features.get(&(patient.as_str(), name.as_str()));
                let found = found.unwrap_or_else(|| panic!("{patient} has no {name}"));
                assert_eq!(
                    *found,
                    cell(&table, &patient, score, column),
                    "{patient} {name}"
                );
            }
        }
    }
}

/// What the risk table says of a score is what the table of scores says.
#[test]
fn risk_items() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    with_all(prs(&output), &panel(folder.path())).succeed();
    let (risk, scores) = (Table::read(&output, "risk"), Table::read(&output, "scores"));
    let items = [
        "absolute.toy_disease.10y",
        "absolute.toy_disease.lifetime",
        "polygenic.TOY1",
        "polygenic.TOY2",
    ];
    for (patient, _) in patients() {
        let own: BTreeMap<String, Vec<Option<String>>> =
            rows_of(&risk, &patient).into_iter().collect();
        let names: Vec<&str> = own["item"].iter().flatten().map(String::as_str).collect();
        assert_eq!(names, items, "{patient}");
        for (at, score) in [(2, "TOY1"), (3, "TOY2")] {
            for column in ["curve_ages", "curve", "population_curve"] {
                assert_eq!(own[column][at], None, "{patient} {column}");
            }
            for (column, of_score) in [
                ("value", "rescaled_sum"),
                ("state", "state"),
                ("percentile", "percentile"),
                ("population", "population"),
                ("coverage", "coverage"),
                ("assumed_reference", "assumed_reference"),
            ] {
                let found = own[column][at].as_deref();
                assert_eq!(
                    found,
                    cell(&scores, &patient, score, of_score),
                    "{patient} {column}"
                );
            }
        }
        for at in [0, 1] {
            let number = |name: &str| -> Option<f64> {
                own[name][at]
                    .as_deref()
                    .map(|text| text.parse().expect("a number"))
            };
            if let Some(value) = number("value") {
                let (lower, upper) = (
                    number("lower").expect("an end"),
                    number("upper").expect("an end"),
                );
                assert!(
                    0.0 < lower && lower < value && value < upper && upper < 1.0,
                    "{patient}"
                );
                let ages = (number("age_start"), number("age_end"));
                let (Some(start), Some(end)) = ages else {
                    panic!("{patient} has no ages")
                };
                assert!(start < end && number("population_value").is_some());
                let list = |name: &str| numbers(own[name][at].as_deref().expect("a list"));
                let ages = list("curve_ages");
                assert!((2..=21).contains(&ages.len()), "{patient} {ages:?}");
                assert_eq!((ages[0], ages[ages.len() - 1]), (start, end), "{patient}");
                for (name, of) in [("curve", "value"), ("population_curve", "population_value")] {
                    let curve = list(name);
                    assert_eq!(curve.len(), ages.len(), "{patient} {name}");
                    assert_eq!(curve[0], 0.0, "{patient} {name}");
                    assert_eq!(curve.last().copied(), number(of), "{patient} {name}");
                    assert!(curve.is_sorted(), "{patient} {name}");
                }
            } else {
                assert_eq!(own["curve"][at], None, "{patient}");
            }
        }
    }
}

/// Each score alone is what it is among others, in whatever order they are named.
#[test]
fn scores_do_not_depend_on_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let both = folder.path().join("both");
    prs(&both).succeed();
    let turned = folder.path().join("turned");
    let call = prs(&turned).with("--score", testdata("scores/TOY2.txt"));
    call.also("--score", testdata("scores/TOY1.txt")).succeed();
    assert_eq!(hashes(&both), hashes(&turned));
    let both = Table::read(&both, "scores");
    for score in SCORES {
        let output = folder.path().join(score);
        let file = testdata(&format!("scores/{score}.txt"));
        prs(&output).with("--score", file).succeed();
        let alone = Table::read(&output, "scores");
        assert_eq!(alone.len(), 48);
        for (patient, _) in patients() {
            for name in &alone.names {
                let [own, among] = [&alone, &both].map(|table| cell(table, &patient, score, name));
                assert_eq!(own, among, "{patient} {score} {name}");
            }
        }
    }
}
