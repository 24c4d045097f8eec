//! Each row of the files has one row of the log, with its match or its reason.

use arrow::array::{Array, StringArray, UInt32Array};
use arrow::record_batch::RecordBatch;
use varisk_core::Sex;
use varisk_report::Table;

use super::ScoreVariantLog;
use crate::testing::{DataRow, World};
use crate::{FoldOptions, PolygenicScores, UnsupportedRows};

fn log(fold: &PolygenicScores) -> RecordBatch {
    let batches: Vec<RecordBatch> = ScoreVariantLog::new(fold).map(Result::unwrap).collect();
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].schema(), Table::SCORE_VARIANTS.schema());
    batches[0].clone()
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    let column = batch.column_by_name(column).unwrap();
    let column = column.as_any().downcast_ref::<StringArray>().unwrap();
    column
        .iter()
        .map(|value| value.unwrap_or("-").to_owned())
        .collect()
}

fn numbers(batch: &RecordBatch, column: &str) -> Vec<Option<u32>> {
    let column = batch.column_by_name(column).unwrap();
    let column = column.as_any().downcast_ref::<UInt32Array>().unwrap();
    column.iter().collect()
}

fn world() -> World {
    let mut world = World::new(&[("1", "ACGTACGTACGTACGTCATTTTTTG")]);
    world.options.unsupported = UnsupportedRows::Drop;
    world
}

#[test]
fn every_row_is_logged() {
    let world = world();
    let table = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\tvariant_type\n\
                 1\t1\tG\tA\t1\t\n\
                 1\t5\tT\tC\t1\t\n\
                 1\t9\tG\tA\t1\t\n\
                 1\t13\tA\t\t1\t\n\
                 1\t2\tG\tC\t1\t\n\
                 1\t21\tTT\tT\t1\t\n\
                 6\t\tHLA-A*24\t\t1\tHLA_allele\n\
                 1\t3\tA\tG\t1\t\n\
                 1\t3\tG\tA\t1\t\n\
                 1\t7\tA\tG\t1\t\n";
    let source = world.score("S", table);
    let rows = [
        DataRow::new("1", 1, "A", "G", &["0/1", "./.", "assumed"]),
        DataRow::new("1", 3, "G", "A", &["0/1", "0/1", "0/1"]),
        DataRow::new("1", 5, "A", "G", &["0/1", "-", "0/0"]),
        DataRow::new("1", 7, "G", "A", &["-", "-", "-"]),
        DataRow::new("1", 13, "A", "C", &["0/1", "0/0", "0/0"]),
        DataRow::new("1", 18, "A", "AT", &["0/1", "0/0", "0/0"]),
    ];
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    let log = log(&fold);
    assert_eq!(numbers(&log, "row"), (1..=10).map(Some).collect::<Vec<_>>());
    assert_eq!(
        texts(&log, "match_type"),
        [
            "ref_alt",
            "alt_ref_flipped",
            "-",
            "no_other_ref",
            "-",
            "ref_alt",
            "-",
            "ref_alt",
            "alt_ref",
            "ref_alt"
        ]
    );
    assert_eq!(
        texts(&log, "reason"),
        [
            "-",
            "-",
            "not_in_data",
            "-",
            "ambiguous_strand",
            "-",
            "hla_allele",
            "duplicate_row",
            "duplicate_row",
            "not_assayed"
        ]
    );
    assert_eq!(texts(&log, "matched_alt")[5], "AT");
    assert_eq!(numbers(&log, "matched_position")[5], Some(18));
    assert_eq!(numbers(&log, "position")[5], Some(21));
    let of = |column: &str, row: usize| numbers(&log, column)[row].unwrap();
    assert_eq!(
        [
            "patients_called",
            "patients_assumed",
            "patients_missing",
            "patients_not_assayed"
        ]
        .map(|column| (of(column, 0), of(column, 1), of(column, 2))),
        [(1, 2, 0), (1, 0, 0), (1, 0, 0), (0, 1, 3)]
    );
}

#[test]
fn long_logs_come_in_parts_and_tables_of_several_scores_row_by_row() {
    let mut world = world();
    world.options.assume_build = true;
    let mut text = "ID\teffect_allele\tone\ttwo\n".to_owned();
    for _ in 0..5_000 {
        text += "1:1:A:G\tG\t1\t2\n";
    }
    world.options.duplicates = crate::DuplicateRows::Sum;
    let source = world.file("many.txt", text.as_bytes());
    let rows = [DataRow::new("1", 1, "A", "G", &["0/1"])];
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    let sizes: Vec<usize> = ScoreVariantLog::new(&fold)
        .map(|batch| batch.unwrap().num_rows())
        .collect();
    assert_eq!(sizes, [8_192, 10_000 - 8_192]);
    let first = ScoreVariantLog::new(&fold).next().unwrap().unwrap();
    assert_eq!(texts(&first, "score")[..4], ["one", "two", "one", "two"]);
    assert_eq!(fold.results().patient(1, 0).sum, 10_000.0);
}

#[test]
fn counts_are_those_of_plink2() {
    let world = world();
    let header = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n";
    let source = world.score("S", &format!("{header}1\t1\tG\tA\t0.5\n1\t5\tG\tA\t0.25\n"));
    let rows = [
        DataRow::new("1", 1, "A", "G", &["0/1", "./."]),
        DataRow::new("1", 5, "A", "G", &["1/1", "./."]),
    ];
    let options = FoldOptions {
        dosage_sums: true,
        ..FoldOptions::default()
    };
    let fold = world.fold_of(&[source], &rows, options, vec![Sex::Female; 2]);
    let results = fold.results();
    let [called, missing] = [results.patient(0, 0), results.patient(0, 1)];
    assert_eq!((called.allele_count, called.dosage_sum), (4, Some(3.0)));
    assert_eq!((called.average, called.sum), (0.25, 1.0));
    assert_eq!((missing.allele_count, missing.dosage_sum), (0, Some(0.0)));
    assert!(missing.reason.is_some());
}
