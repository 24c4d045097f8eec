use varisk_core::{AlleleClass, ContigId, Position, Reason};

use super::*;
use crate::Reference;
use crate::testing::write_plain;

const CONTIGS: [(&str, &str); 2] = [("c", "GATTRACACAnnnACGTTTT"), ("d", "CCCAA")];

fn normaliser() -> Normaliser {
    let folder = tempfile::tempdir().unwrap();
    let path = write_plain(folder.path(), &CONTIGS, 16);
    // The open handle outlives the folder.
    Normaliser::new(Reference::open(path).unwrap().reader().unwrap())
}

/// `given` and `expected` are `POS REF ALT` on contig `c` or `d`.
fn check(given: &str, expected: &str, reason: Option<Reason>) {
    let words: Vec<&str> = given.split(' ').collect();
    let contig = ContigId(u32::from(words[0] == "d"));
    let position = Position(words[1].parse().unwrap());
    let mut normaliser = normaliser();
    let found = normaliser
        .normalise(contig, position, words[2].as_bytes(), words[3].as_bytes())
        .unwrap();
    let text = format!(
        "{} {} {} {}",
        words[0],
        found.position,
        String::from_utf8_lossy(found.reference),
        String::from_utf8_lossy(found.alternate)
    );
    assert_eq!(text, expected, "{given}");
    assert_eq!(found.reason, reason, "{given}");
    assert_eq!(
        found.class,
        AlleleClass::of(found.reference, found.alternate)
    );
}

/// What `bcftools norm` 1.16 gives for the same sequence.
#[test]
fn sequences_are_trimmed_and_shifted() {
    check("c 2 a g", "c 2 A G", None);
    check("c 2 at gt", "c 2 A G", None);
    check("c 1 GATT GATC", "c 4 T C", None);
    check("c 2 attN atT", "c 4 TN T", None);
    check("c 8 ACA A", "c 5 NAC N", None);
    check("c 18 TTT TT", "c 16 GT G", None);
    check("c 20 T TT", "c 16 G GT", None);
    check("c 14 ACG ATCG", "c 14 A AT", None);
    check("c 14 ACGT TTG", "c 14 ACGT TTG", None);
}

#[test]
fn the_first_base_of_a_contig_is_anchored_on_the_right() {
    check("d 1 CC C", "d 1 CC C", None);
    check("d 1 CCC CC", "d 1 CC C", None);
    check("d 3 C CC", "d 1 C CC", None);
    check("d 2 C CC", "d 1 C CC", None);
    check("d 1 CCC C", "d 1 CCC C", None);
    check("d 1 C GC", "d 1 C GC", None);
}

#[test]
fn n_and_iupac_in_the_fasta_read_n() {
    check("c 5 N A", "c 5 N A", None);
    check("c 6 A AA", "c 5 N NA", None);
    check("c 6 A CA", "c 5 N NC", None);
    check("c 6 A NA", "c 4 T TN", None);
    check("c 10 An A", "c 10 AN A", None);
    check("c 11 N NN", "c 10 A AN", None);
}

#[test]
fn what_is_no_sequence_stays_as_it_is() {
    check("c 1 g <DEL>", "c 1 G <DEL>", Some(Reason::SymbolicAllele));
    check(
        "c 1 G <NON_REF>",
        "c 1 G <NON_REF>",
        Some(Reason::NonRefAllele),
    );
    check("c 1 G G]d:1]", "c 1 G G]d:1]", Some(Reason::Breakend));
    check("c 1 G *", "c 1 G *", Some(Reason::SpanningDeletion));
    check("c 2 AT .", "c 2 AT .", Some(Reason::NoAlternateAllele));
    check("c 2 at AT", "c 2 AT AT", Some(Reason::IdenticalAlleles));
    check("c 5 R A", "c 5 R A", Some(Reason::AmbiguousBase));
    check("c 2 a aR", "c 2 A aR", Some(Reason::AmbiguousBase));
    check("c 1 G I", "c 1 G I", Some(Reason::AmbiguousBase));
    check("c 0 N A", "c 0 N A", Some(Reason::TelomerePosition));
    check("c 0 NG N", "c 0 NG N", Some(Reason::TelomerePosition));
    check("c 0 . .A", "c 0 . .A", Some(Reason::Breakend));
}

#[test]
fn reference_is_checked() {
    let mut normaliser = normaliser();
    let mut check = |contig, position, reference: &str, expected: Option<&str>| {
        let found = normaliser
            .check_reference(ContigId(contig), Position(position), reference.as_bytes())
            .unwrap();
        let wanted = match expected {
            None => RefCheck::Match,
            Some("") if !is_bases(reference.as_bytes()) => RefCheck::NotBases,
            Some(expected) => RefCheck::Mismatch {
                expected: expected.as_bytes().to_vec(),
            },
        };
        assert_eq!(found, wanted, "{contig}:{position} {reference}");
    };
    check(0, 1, "gatt", None);
    check(0, 5, "N", None);
    check(0, 5, "A", Some("R"));
    check(0, 1, "GC", Some("GA"));
    check(0, 11, "A", Some("N"));
    check(0, 20, "TT", Some("T"));
    check(0, 20, "TN", Some("T"));
    check(0, 21, "N", Some(""));
    check(0, u32::MAX, "NN", Some(""));
    check(0, 0, "NGA", None);
    check(0, 0, "NC", Some("G"));
    check(0, 1, "", Some(""));
    check(0, 1, "<", Some(""));
}

#[test]
fn a_mismatch_names_both_sides() {
    let mut normaliser = normaliser();
    let mut message = |position, reference: &[u8]| {
        normaliser
            .normalise(ContigId(0), Position(position), reference, b"<DEL>")
            .unwrap_err()
            .to_string()
    };
    let text = message(1, b"C");
    assert!(text.starts_with("REF C at c:1 differs from "), "{text}");
    assert!(text.contains("which has G; give the FASTA"), "{text}");
    let text = message(20, b"TTT");
    assert!(text.contains("which has T and then ends"), "{text}");
    let text = message(1 << 31, &b"A".repeat(50));
    assert!(text.contains("... (50 bases) at c:2147483648"), "{text}");
    assert!(text.contains("no base there"), "{text}");
}

#[test]
fn no_bytes_are_too_strange() {
    let mut normaliser = normaliser();
    for strange in [
        &b""[..],
        b"\xff\xfe",
        b"\0",
        b"[",
        b"<",
        b"A\n",
        b"AAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        for position in [0, 1, 20, 21, u32::MAX] {
            for (reference, alternate) in
                [(strange, &b"G"[..]), (b"G", strange), (strange, strange)]
            {
                // Only that it returns.
                let _ = normaliser.normalise(ContigId(0), Position(position), reference, alternate);
            }
        }
    }
}

#[test]
fn how_far_indels_can_move_right() {
    let check = |position, reference: &str, alternate: &str, limit, expected| {
        let found = normaliser()
            .right_shift(
                ContigId(0),
                Position(position),
                reference.as_bytes(),
                alternate.as_bytes(),
                limit,
            )
            .unwrap();
        assert_eq!(found, expected, "{position} {reference} {alternate}");
    };
    // GATTRACACAnnnACGTTTT: four T from 17 on, ACACA from 6 on, N behind.
    check(16, "G", "GT", 100, 4);
    check(16, "G", "GT", 3, 3);
    check(16, "GT", "G", 100, 3);
    check(16, "GTT", "G", 100, 2);
    check(5, "R", "RAC", 100, 5);
    check(5, "RAC", "R", 100, 3);
    check(16, "G", "GA", 100, 0);
    check(16, "G", "A", 100, 0);
    check(16, "GT", "A", 100, 0);
    check(20, "T", "TT", 100, 0);
    check(10, "A", "AN", 100, 0);
}
