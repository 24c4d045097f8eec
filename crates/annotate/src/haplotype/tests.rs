//! Alleles that lie together, on the small genome.

use arrow::array::AsArray;
use proptest::prelude::*;
use varisk_core::{CallMatrix, Patient};

use super::*;
use crate::stage::tests::batch;
use crate::testing::Fixture;

use varisk_core::Haplotype::{Alternate as A, Reference as R};

/// Position, REF, ALT, and the call.
type Row<'a> = (u32, &'a str, &'a str, CallCode);

const FIRST: CallCode = CallCode::diploid(A, R, true);
const SECOND: CallCode = CallCode::diploid(R, A, true);
const BOTH: CallCode = CallCode::diploid(A, A, false);
const UNPHASED: CallCode = CallCode::diploid(R, A, false);

fn observe(fold: &mut dyn Analysis, fixture: &Fixture, rows: &[Row<'_>]) {
    let sites: Vec<_> = rows
        .iter()
        .map(|row| ("1", row.0, row.1, Some(row.2)))
        .collect();
    let plain = batch(fixture.reference.contigs(), &sites);
    let mut calls = CallMatrix::with_capacity(1, rows.len());
    for row in rows {
        calls.push_row(row.3);
    }
    let contigs = Arc::clone(fixture.reference.contigs());
    let batch = SiteBatch::try_new(0, contigs, plain.sites().clone(), calls).unwrap();
    fold.observe(&batch).unwrap();
}

fn fold(fixture: &Fixture, options: HaplotypeOptions) -> HaplotypeConsequences {
    HaplotypeConsequences::new(
        Arc::clone(&fixture.models),
        fixture.reference.clone(),
        options,
        1,
    )
}

fn rows(fold: &dyn Analysis) -> Vec<String> {
    let patients = [Patient {
        id: "p".to_owned(),
        ..Patient::default()
    }];
    let output = fold.finish(&patients).unwrap();
    let (name, table) = &output.tables[0];
    assert_eq!(*name, HAPLOTYPE_TABLE);
    let text = |name: &str, row: usize| {
        let column = table.column_by_name(name).unwrap().as_string::<i32>();
        if column.is_null(row) {
            "-".to_owned()
        } else {
            column.value(row).to_owned()
        }
    };
    let haplotypes = table.column_by_name("haplotype").unwrap();
    let haplotypes = haplotypes.as_primitive::<arrow::datatypes::UInt8Type>();
    (0..table.num_rows())
        .map(|row| {
            format!(
                "{} {} {} {} {}",
                haplotypes.value(row),
                text("alleles", row),
                text("terms", row),
                text("hgvsp", row),
                text("reason", row)
            )
        })
        .collect()
}

fn check(options: HaplotypeOptions, alleles: &[Row<'_>], expected: &[&str]) {
    let fixture = Fixture::new();
    let mut fold = fold(&fixture, options);
    observe(&mut fold, &fixture, alleles);
    assert_eq!(rows(&fold), expected);
}

#[test]
fn alleles_of_one_codon_are_read_together() {
    // Codon 3 is AAA at 47 to 49: TAA alone is a stop, TTA together is leucine.
    let both = |code| [(47, "A", "T", code), (48, "A", "T", code)];
    let plain = HaplotypeOptions::default();
    check(
        plain,
        &both(FIRST),
        &["1 47A>T+48A>T missense_variant P.2:p.Lys3Leu -"],
    );
    check(
        plain,
        &both(SECOND),
        &["2 47A>T+48A>T missense_variant P.2:p.Lys3Leu -"],
    );
    check(
        plain,
        &both(BOTH),
        &[
            "1 47A>T+48A>T missense_variant P.2:p.Lys3Leu -",
            "2 47A>T+48A>T missense_variant P.2:p.Lys3Leu -",
        ],
    );
    // On different haplotypes, or of unknown phase, nothing is combined.
    check(plain, &[(47, "A", "T", FIRST), (48, "A", "T", SECOND)], &[]);
    check(plain, &both(UNPHASED), &[]);
    let as_written = HaplotypeOptions {
        unphased: UnphasedCalls::AsWritten,
        singles: false,
    };
    check(
        as_written,
        &both(UNPHASED),
        &["2 47A>T+48A>T missense_variant P.2:p.Lys3Leu -"],
    );
}

#[test]
fn shifts_of_the_frame_make_each_other_good() {
    // Codons 3 and 4 are AAA GAA: without the first A and with a T behind, AAG AAT... keeps frame.
    check(
        HaplotypeOptions::default(),
        &[(46, "TA", "T", FIRST), (52, "A", "AT", FIRST)],
        &["1 46TA>T+52A>AT missense_variant P.2:p.Glu4Asn -"],
    );
}

#[test]
fn what_lies_behind_a_gained_stop_is_marked() {
    check(
        HaplotypeOptions {
            singles: true,
            ..HaplotypeOptions::default()
        },
        &[(47, "A", "T", FIRST), (50, "G", "A", FIRST)],
        &[
            "1 47A>T stop_gained P.2:p.Lys3Ter -",
            "1 50G>A missense_variant P.2:p.Glu4Lys -",
        ],
    );
    check(
        HaplotypeOptions::default(),
        &[(47, "A", "T", FIRST), (50, "G", "A", FIRST)],
        &["1 50G>A missense_variant P.2:p.Glu4Lys -"],
    );
}

#[test]
fn alleles_that_overlap_are_named() {
    check(
        HaplotypeOptions::default(),
        &[(46, "TAAA", "T", FIRST), (48, "A", "C", FIRST)],
        &["1 48A>C - - overlaps_allele_before"],
    );
}

#[test]
fn damaged_and_foreign_folds_are_refused() {
    let fixture = Fixture::new();
    let mut held = fold(&fixture, HaplotypeOptions::default());
    observe(
        &mut held,
        &fixture,
        &[(47, "A", "T", FIRST), (48, "A", "T", FIRST)],
    );
    let saved = held.save().unwrap();
    let mut other = fold(
        &fixture,
        HaplotypeOptions {
            singles: true,
            ..HaplotypeOptions::default()
        },
    );
    assert!(other.merge(&saved).is_err());
    for length in 0..saved.len() {
        assert!(held.empty().merge(&saved[..length]).is_err(), "{length}");
    }
    assert!(
        held.empty()
            .merge(&[saved.clone(), vec![0]].concat())
            .is_err()
    );
    held.merge(&saved).unwrap();
    assert_eq!(held.save().unwrap(), saved);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the input is cut, and whatever is merged first, the table is the same.
    #[test]
    fn cuts_do_not_matter(parts in proptest::collection::vec(0usize..3, 6), turn in 0usize..3) {
        let alleles: [Row<'_>; 6] = [
            (47, "A", "T", FIRST), (48, "A", "T", BOTH), (50, "G", "A", SECOND),
            (52, "A", "C", SECOND), (53, "C", "A", FIRST), (54, "T", "TG", FIRST),
        ];
        let fixture = Fixture::new();
        let mut whole = fold(&fixture, HaplotypeOptions::default());
        observe(&mut whole, &fixture, &alleles);
        let mut folds = Vec::new();
        for part in 0..3 {
            let mut fold = whole.empty();
            for (allele, own) in alleles.iter().zip(&parts) {
                if *own == part {
                    observe(fold.as_mut(), &fixture, &[*allele]);
                }
            }
            folds.push(fold.save().unwrap());
        }
        folds.rotate_left(turn);
        let mut merged = whole.empty();
        for saved in &folds {
            merged.merge(saved).unwrap();
        }
        prop_assert_eq!(rows(merged.as_ref()), rows(&whole));
        prop_assert_eq!(merged.save().unwrap(), whole.save().unwrap());
    }
}
