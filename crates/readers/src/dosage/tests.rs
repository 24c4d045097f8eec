use proptest::prelude::*;
use varisk_core::dosage_of;

use super::*;

fn check(field: DosageField, text: &str, alternates: usize, expected: &[&[Option<f64>]]) {
    let mut row = DosageRow::default();
    decode_text(text.as_bytes(), 1, field, alternates, &mut row)
        .unwrap_or_else(|defect| panic!("{text}: {}", defect.detail));
    assert_eq!(row.copies.len(), expected.len() * alternates, "{text}");
    for (sample, expected) in expected.iter().enumerate() {
        for (alternate, expected) in expected.iter().enumerate() {
            let found = row.copies(sample, alternate);
            let expected = expected.map_or(NO_DOSAGE, |copies| quantise_dosage(copies).unwrap());
            assert_eq!(found, expected, "{text}: sample {sample}");
        }
    }
}

fn refuse(field: DosageField, text: &str, alternates: usize, part: &str) {
    let mut row = DosageRow::default();
    let defect = decode_text(text.as_bytes(), 1, field, alternates, &mut row).unwrap_err();
    assert_eq!(defect.kind, "dosage");
    assert!(defect.detail.contains(part), "{text}: {}", defect.detail);
}

#[test]
fn copies_stand_as_they_are() {
    let one = |copies| [Some(copies)];
    check(
        DosageField::Ds,
        "0|0:0\t0|1:1.25:x\t1|1:2\t.:.\t0/0\t0/1:1e-3\t1:1.000",
        1,
        &[
            &one(0.0),
            &one(1.25),
            &one(2.0),
            &[None],
            &[None],
            &one(0.001),
            &one(1.0),
        ],
    );
    check(
        DosageField::Ds,
        "1/2:0.75,1.25\t./.:.\t./.:.,.\t0/1:0.5,.",
        2,
        &[
            &[Some(0.75), Some(1.25)],
            &[None, None],
            &[None, None],
            &[Some(0.5), None],
        ],
    );
}

#[test]
fn copies_are_expected_from_probabilities() {
    check(
        DosageField::Gp,
        "0/1:0.25,0.5,0.25\t0:0.25,0.75\t./.:.\t./.:.,.,.\t1/1:0,0,1\t1/1:0,0.01,1.01\t0/1:0.5,.,.",
        1,
        &[
            &[Some(1.0)],
            &[Some(0.75)],
            &[None],
            &[None],
            &[Some(2.0)],
            &[Some(2.0)],
            &[None],
        ],
    );
    // 0/0, 0/1, 1/1, 0/2, 1/2, 2/2.
    check(
        DosageField::Gp,
        "0/1:0.125,0.125,0.25,0.25,0.125,0.125\t2:0.25,0.25,0.5",
        2,
        &[
            &[Some(0.125 + 0.5 + 0.125), Some(0.25 + 0.125 + 0.25)],
            &[Some(0.25), Some(0.5)],
        ],
    );
}

#[test]
fn what_is_no_dosage_is_refused() {
    use DosageField::{Ds, Gp};
    refuse(Ds, "0/0:0\t0/1:x", 1, "DS in sample column 2 holds");
    refuse(Ds, "0/0:", 1, "no number");
    refuse(Ds, "0/0:0,1", 1, "has 2 values where 1 are due");
    refuse(Ds, "0/0:0.5", 2, "has 1 values where 2 are due");
    refuse(Ds, "0/0:.,.,.", 2, "has 3 values");
    for text in ["0/0:-0.1", "0/0:2.1", "0/0:nan", "0/0:inf"] {
        refuse(Ds, text, 1, "not between 0 and 2");
    }
    refuse(Gp, "0/0:0.5,0.5,0,0", 1, "has 4 values where 3 or 2");
    for text in [
        "0/0:0.5,0.4,0.07",
        "0/0:1,0.03,0",
        "0/0:1.5,-0.5,0",
        "0/0:nan,0,1",
        "0/0:-0.1,-20,-40",
    ] {
        refuse(Gp, text, 1, "sum 1");
    }
    refuse(Ds, "0/0:0", 251, "more than 250");
}

#[test]
fn the_fast_path_refuses_all_it_cannot_hold() {
    let (mut codes, mut copies) = ([0; 2], [0; 2]);
    for text in [
        "",
        "0|0:0",
        "0|0:0\t",
        "0|0:0\t0|1:1\t0|1:1",
        "0|0:0\t0|1:2.1",
        "0|0:0\t0|1:1e-1",
        "0|0:0\t0|1:-1",
        "0|0:0\t0|1:.5",
        "0|0:0\t0|1:1.2.3",
        "0|0:0\t0|1:0.12345678",
        "0|0:0\t0|1:0000000001",
        "0|0:0\t0|1",
        "0|0:0\t0|2:1",
        "0|0:0\t1:1",
        "0|0:0\t0|1:1,0",
        "0|0:0\t0|1:1:2:3",
        "0|0:0\t0|1:",
    ] {
        let taken = decode_biallelic_with_dosage(
            text.as_bytes(),
            3,
            DosageField::Ds,
            &mut codes,
            &mut copies,
        );
        assert!(!taken, "{text}");
    }
    for text in [
        "0|0:0,1,0\t0|1:0,1",
        "0|0:0,1,0\t0|1:0,1,0,0",
        "0|0:0,1,0\t0|1:0,0.9,0",
        "0|0:0,1,0\t0|1:.,.,.",
        "0|0:0,1,0\t0|1:0,1,-0",
        "0|0:0,1,0\t0|1:0,,1",
    ] {
        let field = DosageField::Gp;
        let taken =
            decode_biallelic_with_dosage(text.as_bytes(), 3, field, &mut codes, &mut copies);
        assert!(!taken, "{text}");
    }
    let text = b"0|0:.:7,8\t1/0:1.5";
    assert!(decode_biallelic_with_dosage(
        text,
        3,
        DosageField::Ds,
        &mut codes,
        &mut copies
    ));
    assert_eq!(copies.map(dosage_of), [None, Some(1.5)]);
    assert!(!decode_biallelic_with_dosage(
        b"",
        2,
        DosageField::Ds,
        &mut [],
        &mut []
    ));
}

proptest! {
    /// Plain decimals are quantised as any other text is.
    #[test]
    fn both_ways_give_the_same_dosages(
        values in prop::collection::vec((0u32..=20_000_000, 0usize..8), 1..20),
    ) {
        let text: Vec<String> = values.iter().map(|(value, decimals)| {
            let copies = f64::from(*value) / 1e7;
            format!("0|1:{copies:.decimals$}")
        }).collect();
        let text = text.join("\t");
        let (mut codes, mut copies) = (vec![0; values.len()], vec![0; values.len()]);
        prop_assert!(decode_biallelic_with_dosage(text.as_bytes(), 2, DosageField::Ds, &mut codes, &mut copies));
        let mut row = DosageRow::default();
        let decoded = decode_text(text.as_bytes(), 1, DosageField::Ds, 1, &mut row);
        prop_assert!(decoded.is_ok());
        prop_assert_eq!(copies, row.copies);
    }

    /// Whatever the bytes are.
    #[test]
    fn nothing_panics(text in "[0-9./|:,\t\\-eN]{0,40}", numbers in prop::array::uniform3(0usize..5)) {
        let [place, alternates, samples] = numbers;
        let mut row = DosageRow::default();
        for field in [DosageField::Ds, DosageField::Gp] {
            let _ = decode_text(text.as_bytes(), place, field, alternates, &mut row);
            let (mut codes, mut copies) = (vec![0; samples], vec![0; samples]);
            let _ = decode_biallelic_with_dosage(
                text.as_bytes(), place, field, &mut codes, &mut copies);
            let _ = row.copies(samples, place);
        }
    }

    /// So are probabilities.
    #[test]
    fn both_ways_expect_the_same_copies(
        values in prop::collection::vec((0u32..=10_000_000, 0u32..=10_000_000, 3usize..8), 1..20),
    ) {
        let text: Vec<String> = values.iter().map(|(a, b, decimals)| {
            let (first, last) = (*a.min(b), *a.max(b));
            let parts = [first, last - first, 10_000_000 - last].map(|part| f64::from(part) / 1e7);
            let [none, one, two] = parts.map(|part| format!("{part:.decimals$}"));
            format!("1/0:{none},{one},{two}")
        }).collect();
        let text = text.join("\t");
        let (mut codes, mut copies) = (vec![0; values.len()], vec![0; values.len()]);
        let taken = decode_biallelic_with_dosage(
            text.as_bytes(), 2, DosageField::Gp, &mut codes, &mut copies);
        prop_assert!(taken);
        let mut row = DosageRow::default();
        let decoded = decode_text(text.as_bytes(), 1, DosageField::Gp, 1, &mut row);
        prop_assert!(decoded.is_ok());
        prop_assert_eq!(copies, row.copies);
    }

    /// Certain genotypes have as many copies as the genotype says.
    #[test]
    fn a_certain_genotype_counts_its_alleles(a in 0usize..5, b in 0usize..5, alternates in 1usize..5) {
        let (a, b) = (a.min(b).min(alternates), a.max(b).min(alternates));
        let mut values = vec!["0"; diploid(alternates)];
        values[b * (b + 1) / 2 + a] = "1";
        let text = format!("0/0:{}", values.join(","));
        let mut row = DosageRow::default();
        prop_assert!(decode_text(text.as_bytes(), 1, DosageField::Gp, alternates, &mut row).is_ok());
        for alternate in 0..alternates {
            let copies = [a, b].iter().filter(|allele| **allele == alternate + 1).count();
            prop_assert_eq!(row.copies(0, alternate), copies as u32 * ONE_COPY);
        }
    }
}
