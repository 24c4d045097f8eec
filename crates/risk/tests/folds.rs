//! Folds: merging in any grouping gives the same bytes, and the numbers are those of a plain sum.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float32Array, StringArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{Field, Float32Type, Schema, UInt32Type};
use arrow::record_batch::RecordBatch;
use proptest::prelude::*;
use varisk_core::{
    Analysis, CallCode, CallMatrix, ContigSet, Haplotype, Patient, Sex, SiteBatch, columns as c,
};
use varisk_risk::{Burden, Quality, ScoreOutput, TopVariants};

const SEXES: [Sex; 3] = [Sex::Female, Sex::Male, Sex::Unknown];

/// Position, score and the codes of three patients.
type Row = (u32, Option<f32>, [u8; 3]);

fn output() -> ScoreOutput {
    ScoreOutput {
        model: "m".to_owned(),
        output: "o".to_owned(),
        lower_is_riskier: false,
    }
}

fn batch(rows: &[Row], class: u8) -> SiteBatch {
    batch_of(rows, class, &[0, 1, 2])
}

/// Rows with the calls of some of the patients.
fn batch_of(rows: &[Row], class: u8, patients: &[usize]) -> SiteBatch {
    let text =
        |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![Some(value); rows.len()])) };
    let nulls = || -> ArrayRef { Arc::new(StringArray::from(vec![None::<&str>; rows.len()])) };
    let positions: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.0)).collect::<UInt32Array>());
    let columns: Vec<(&str, ArrayRef)> = vec![
        (c::CONTIG, Arc::new(UInt32Array::from(vec![0; rows.len()]))),
        (c::POSITION, Arc::clone(&positions)),
        (c::REFERENCE, text("A")),
        (c::ALTERNATE, text("G")),
        (
            c::VARIANT_KEY,
            Arc::new(UInt64Array::from(vec![0; rows.len()])),
        ),
        (c::ALLELE_CLASS, text("snv")),
        (c::INPUT_POSITION, positions),
        (c::INPUT_REFERENCE, text("A")),
        (c::INPUT_ALTERNATE, text("G")),
        (
            c::ALTERNATE_INDEX,
            Arc::new(UInt16Array::from(vec![1; rows.len()])),
        ),
        (c::ID, nulls()),
        (c::FILTER, nulls()),
        (
            c::SITE_CLASS,
            Arc::new(UInt8Array::from(vec![class; rows.len()])),
        ),
        (c::REASON, nulls()),
        (
            "score.m.o",
            Arc::new(rows.iter().map(|row| row.1).collect::<Float32Array>()),
        ),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let sites = RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns.into_iter().map(|(_, array)| array).collect(),
    )
    .unwrap();
    let mut calls = CallMatrix::with_capacity(patients.len(), rows.len());
    for row in rows {
        let own: Vec<u8> = patients.iter().map(|patient| row.2[*patient]).collect();
        calls.push_row(CallCode::MISSING).copy_from_slice(&own);
    }
    SiteBatch::try_new(
        0,
        Arc::new(ContigSet::new([("1".to_owned(), 1_000_000)])),
        sites,
        calls,
    )
    .unwrap()
}

fn folds() -> Vec<Box<dyn Analysis>> {
    folds_of(&[0, 1, 2])
}

fn folds_of(patients: &[usize]) -> Vec<Box<dyn Analysis>> {
    let sexes: Vec<Sex> = patients.iter().map(|patient| SEXES[*patient]).collect();
    let contigs = vec!["1".to_owned()];
    vec![
        Box::new(Burden::new(output(), Some(0.5), sexes.clone())),
        Box::new(TopVariants::new(output(), 3, sexes.clone(), contigs)),
        Box::new(Quality::new(sexes)),
    ]
}

fn patients() -> Vec<Patient> {
    SEXES
        .iter()
        .zip(["a", "b", "c"])
        .map(|(sex, id)| Patient {
            id: id.to_owned(),
            sex: *sex,
            ..Patient::default()
        })
        .collect()
}

fn feature(fold: &dyn Analysis, name: &str) -> Vec<Result<f64, varisk_core::Reason>> {
    fold.finish(&patients())
        .unwrap()
        .features
        .get(name)
        .unwrap()
        .to_vec()
}

fn code() -> impl Strategy<Value = u8> {
    let haplotype = prop_oneof![4 => Just(Haplotype::Reference), 2 => Just(Haplotype::Alternate), 1 => Just(Haplotype::Other), 1 => Just(Haplotype::Missing)];
    let second = prop_oneof![5 => haplotype.clone(), 1 => Just(Haplotype::Absent)];
    prop_oneof![
        9 => (haplotype, second, any::<bool>()).prop_map(|(first, second, phased)| CallCode::diploid(first, second, phased).0),
        1 => Just(CallCode::NOT_ASSAYED.0),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let score =
        prop_oneof![1 => Just(None), 5 => (-1e6f32..1e6).prop_map(Some), 2 => Just(Some(0.25))];
    (1u32..50, score, [code(), code(), code()])
}

proptest! {
    #[test]
    fn however_the_rows_are_cut_the_saved_folds_are_equal(rows in prop::collection::vec(row(), 0..60), cut in 0usize..60, class in 0u8..4) {
        let cut = cut.min(rows.len());
        for index in 0..folds().len() {
            let mut whole = folds().remove(index);
            whole.observe(&batch(&rows, class)).unwrap();
            let mut first = whole.empty();
            first.observe(&batch(&rows[..cut], class)).unwrap();
            let mut second = whole.empty();
            second.observe(&batch(&rows[cut..], class)).unwrap();
            // Both orders of merging, and merging into an empty fold.
            let mut backward = whole.empty();
            backward.merge(&second.save().unwrap()).unwrap();
            backward.merge(&first.save().unwrap()).unwrap();
            first.merge(&second.save().unwrap()).unwrap();
            prop_assert_eq!(first.save().unwrap(), whole.save().unwrap());
            prop_assert_eq!(backward.save().unwrap(), whole.save().unwrap());
        }
    }
}

proptest! {
    /// Folds over groups of patients, put together, are the fold over all of them.
    #[test]
    fn however_the_patients_are_cut_the_saved_folds_are_equal(rows in prop::collection::vec(row(), 0..30), class in 0u8..4) {
        for groups in [&[&[0usize][..], &[1, 2]][..], &[&[0, 1], &[2]], &[&[0], &[1], &[2]], &[&[2, 0], &[1]]] {
            for index in 0..folds().len() {
                let mut whole = folds().remove(index);
                whole.observe(&batch(&rows, class)).unwrap();
                let mut joined = whole.empty();
                for of in groups {
                    let mut part = folds_of(of).remove(index);
                    part.observe(&batch_of(&rows, class, of)).unwrap();
                    joined.take_patients(part.as_ref(), of).unwrap();
                }
                prop_assert_eq!(joined.save().unwrap(), whole.save().unwrap());
            }
        }
    }
}

/// A group that has seen other alleles, a fold of another kind and a wrong number of patients do not
/// go in.
#[test]
fn groups_that_do_not_go_together() {
    let rows: [Row; 2] = [(1, Some(0.5), [0; 3]), (2, Some(0.1), [0; 3])];
    let part = |of: &[usize], rows: &[Row]| {
        let mut part = folds_of(of).remove(0);
        part.observe(&batch_of(rows, 0, of)).unwrap();
        part
    };
    let mut whole = folds().remove(0);
    whole
        .take_patients(part(&[0, 1], &rows).as_ref(), &[0, 1])
        .unwrap();
    for (other, of) in [
        (part(&[2], &rows[..1]), &[2][..]),
        (part(&[2], &rows), &[1, 2]),
        (part(&[2], &rows), &[3]),
        (folds_of(&[2]).remove(1), &[2]),
    ] {
        let refused = whole
            .take_patients(other.as_ref(), of)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("have not seen the same alleles"),
            "{refused}"
        );
    }
}

#[test]
fn burden_is_the_dosage_weighted_sum() {
    let het = CallCode::diploid(Haplotype::Reference, Haplotype::Alternate, true).0;
    let hom = CallCode::diploid(Haplotype::Alternate, Haplotype::Alternate, false).0;
    let none = CallCode::MISSING.0;
    let partial = CallCode::diploid(Haplotype::Alternate, Haplotype::Missing, false).0;
    let rows: [Row; 3] = [
        (1, Some(0.5), [het, hom, none]),
        (2, Some(-0.25), [hom, het, partial]),
        (3, None, [hom, hom, hom]),
    ];
    let mut burden = Burden::new(output(), Some(0.5), SEXES.to_vec());
    burden.observe(&batch(&rows, 0)).unwrap();
    let no_calls = varisk_core::Reason::NoScoredCalls;
    assert_eq!(
        feature(&burden, "burden.m.o.sum"),
        [Ok(0.0), Ok(0.75), Err(no_calls)]
    );
    assert_eq!(
        feature(&burden, "burden.m.o.max"),
        [
            Ok(0.5),
            Ok(0.5),
            Err(varisk_core::Reason::NoInformativeCalls)
        ]
    );
    assert_eq!(
        feature(&burden, "burden.m.o.count_above"),
        [Ok(1.0), Ok(2.0), Err(no_calls)]
    );
    assert_eq!(
        feature(&burden, "burden.m.o.coverage"),
        [Ok(1.0), Ok(1.0), Ok(0.0)]
    );
    // On X a male's copies count once; the other two patients are taken as called.
    let mut on_x = Burden::new(output(), None, SEXES.to_vec());
    on_x.observe(&batch(&[(1, Some(1.0), [hom, hom, hom])], 1))
        .unwrap();
    assert_eq!(
        feature(&on_x, "burden.m.o.sum"),
        [Ok(2.0), Ok(1.0), Ok(2.0)]
    );
}

#[test]
fn top_variants_are_ranked_by_score_then_place() {
    let het = CallCode::diploid(Haplotype::Reference, Haplotype::Alternate, true).0;
    let reference = CallCode::HOMOZYGOUS_REFERENCE.0;
    let rows: Vec<Row> = [(5, 0.1), (4, 0.9), (9, 0.5), (3, 0.5), (7, 0.95)]
        .iter()
        .map(|(position, score)| {
            (
                *position,
                Some(*score),
                [het, if *position == 7 { reference } else { het }, reference],
            )
        })
        .collect();
    let mut top = TopVariants::new(output(), 3, SEXES.to_vec(), vec!["1".to_owned()]);
    top.observe(&batch(&rows, 0)).unwrap();
    let table = top.finish(&patients()).unwrap().tables.remove(0).1;
    let places: Vec<(String, u32, f32)> = (0..table.num_rows())
        .map(|row| {
            (
                table
                    .column_by_name("patient")
                    .unwrap()
                    .as_string::<i32>()
                    .value(row)
                    .to_owned(),
                table
                    .column_by_name("position")
                    .unwrap()
                    .as_primitive::<UInt32Type>()
                    .value(row),
                table
                    .column_by_name("score")
                    .unwrap()
                    .as_primitive::<Float32Type>()
                    .value(row),
            )
        })
        .collect();
    let expected = [
        ("a", 7, 0.95),
        ("a", 4, 0.9),
        ("a", 3, 0.5),
        ("b", 4, 0.9),
        ("b", 3, 0.5),
        ("b", 9, 0.5),
    ];
    assert_eq!(
        places,
        expected.map(|(patient, position, score)| (patient.to_owned(), position, score))
    );
}

#[test]
fn a_fold_of_other_settings_is_refused() {
    let other = Burden::new(output(), Some(0.6), SEXES.to_vec())
        .save()
        .unwrap();
    let mut burden = Burden::new(output(), Some(0.5), SEXES.to_vec());
    assert!(
        burden
            .merge(&other)
            .unwrap_err()
            .to_string()
            .contains("other settings")
    );
    assert!(burden.merge(b"nonsense").is_err());
}
