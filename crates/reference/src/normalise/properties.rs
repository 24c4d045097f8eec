//! Properties that hold for any sequence and any allele.

use proptest::prelude::*;
use varisk_core::{ContigId, Position};

use super::Normaliser;
use crate::Reference;
use crate::sequence::WindowSize;
use crate::testing::write_plain;

/// A repetitive sequence (two letters and some N), and an allele of it: 0-based offset, bases of
/// REF, and ALT.
fn case() -> impl Strategy<Value = (String, usize, usize, String)> {
    let sequence = prop_oneof![
        "[AC]{1,60}",
        "(AC){1,20}[ACGTN]{0,5}(AC){1,20}",
        "[ACGTN]{1,40}",
        "A{1,200}",
    ];
    sequence.prop_flat_map(|sequence| {
        let length = sequence.len();
        (Just(sequence), 0..length).prop_flat_map(move |(sequence, offset)| {
            let most = (length - offset).min(12);
            let alternate = prop_oneof!["[AC]{1,12}", "[ACGTN]{1,6}", "A{1,12}"];
            (Just(sequence), Just(offset), 1..=most, alternate)
        })
    })
}

/// A sequence of two letters, and two deletions of one length in it: their 0-based anchors.
fn two_deletions() -> impl Strategy<Value = (String, usize, usize, usize)> {
    "[AC]{4,40}".prop_flat_map(|sequence| {
        // An anchor and at least one base to delete must fit.
        let most = (sequence.len() - 1).min(5);
        (Just(sequence), 1..=most).prop_flat_map(|(sequence, length)| {
            let anchors = 0..sequence.len() - length;
            (Just(sequence), anchors.clone(), Just(length), anchors)
        })
    })
}

type Allele = (u32, String, String);

fn normalise(normaliser: &mut Normaliser, (position, reference, alternate): &Allele) -> Allele {
    let found = normaliser
        .normalise(
            ContigId(0),
            Position(*position),
            reference.as_bytes(),
            alternate.as_bytes(),
        )
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        found.position.0,
        text(found.reference),
        text(found.alternate),
    )
}

fn haplotype(sequence: &str, (position, reference, alternate): &Allele) -> String {
    let start = *position as usize - 1;
    let end = start + reference.len();
    assert_eq!(&sequence[start..end], reference);
    format!("{}{alternate}{}", &sequence[..start], &sequence[end..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn normalisation_is_canonical((sequence, offset, length, alternate) in case()) {
        let reference = sequence[offset..offset + length].to_owned();
        prop_assume!(reference != alternate);
        let folder = tempfile::tempdir().unwrap();
        let path = write_plain(folder.path(), &[("c", &sequence)], 13);
        let opened = Reference::open(path).unwrap();
        let normaliser = |bases, count| {
            Normaliser::new(opened.reader_with(WindowSize { bases, count }).unwrap())
        };
        let mut whole = normaliser(1 << 16, 8);
        let given = (u32::try_from(offset).unwrap() + 1, reference, alternate);
        let normal = normalise(&mut whole, &given);

        prop_assert_eq!(haplotype(&sequence, &normal), haplotype(&sequence, &given));
        prop_assert_eq!(&normalise(&mut whole, &normal), &normal);
        for (bases, count) in [(1, 1), (3, 2), (64, 1)] {
            prop_assert_eq!(&normalise(&mut normaliser(bases, count), &given), &normal);
        }

        // Shortest: the alleles differ in the last base, or one of them is the anchor alone.
        let (position, reference, alternate) = &normal;
        let ends_differ = reference.as_bytes().last() != alternate.as_bytes().last();
        let anchored_right = *position == 1 && reference.len().min(alternate.len()) == 1;
        prop_assert!(ends_differ || anchored_right);
        let starts_differ = reference.as_bytes()[0] != alternate.as_bytes()[0];
        prop_assert!(starts_differ || reference.len().min(alternate.len()) == 1);
    }

    /// Two ways to write the same haplotype by one insertion or deletion have one normal form.
    #[test]
    fn equal_haplotypes_of_an_indel_have_one_form(
        (sequence, offset, length, other) in two_deletions(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = write_plain(folder.path(), &[("c", &sequence)], 13);
        let mut normaliser = Normaliser::new(Reference::open(path).unwrap().reader().unwrap());
        let deletion = |at: usize| -> Allele {
            let reference = sequence[at..=at + length].to_owned();
            let alternate = reference[..1].to_owned();
            (u32::try_from(at).unwrap() + 1, reference, alternate)
        };
        let (one, two) = (deletion(offset), deletion(other));
        let same = haplotype(&sequence, &one) == haplotype(&sequence, &two);
        let forms_equal = normalise(&mut normaliser, &one) == normalise(&mut normaliser, &two);
        prop_assert_eq!(same, forms_equal);
    }
}
