//! Records that nobody needs are passed over, and nothing else changes.
#![cfg(test)]

mod common;

use std::path::PathBuf;

use common::{Options, Outcome, Place, header, records, short};
use proptest::prelude::*;
use varisk_readers::{ReadError, RefMismatch, ReferenceEvidence};

const META: &str = "INFO=<ID=END,Number=1,Type=Integer,Description=\"x\">";

fn wanted(positions: &[(u32, u32)]) -> Options {
    Options {
        wanted: Some(positions.to_vec()),
        ..Options::default()
    }
}

fn with_evidence(options: Options) -> Options {
    Options {
        evidence: Some(ReferenceEvidence::default()),
        ..options
    }
}

fn one_file(lines: &str, options: &Options) -> Result<Outcome, ReadError> {
    let place = Place::new();
    let file = place.write("a", header(META, "a") + &records(lines));
    place.read(&[file], options)
}

// Contig 1 is `ACGTACGTTT` again and again: `A` at 5, `C` at 6, `G` at 7, `T` at 8 to 10.

#[test]
fn single_bases_elsewhere_are_passed_over() {
    let lines = "1 5 . A C . . . GT 0/1\n\
                 1 6 . C T,G . . . GT 1/2\n\
                 1 7 . GT G . . . GT 0/1\n\
                 1 11 . A <NON_REF> . . END=13 GT 0/0\n\
                 1 15 . A G,<NON_REF> . . . GT 0/1\n\
                 1 16 . CG TA . . . GT 1/1\n\
                 1 17 . G * . . . GT 0/1\n\
                 1 18 . T . . . . GT 0/0\n\
                 1 19 . T <DEL> . . END=21 GT 0/1\n\
                 2 5 . A C . . . GT 0/1";
    let outcome = one_file(lines, &wanted(&[(0, 15), (1, 6)])).unwrap();
    assert_eq!(outcome.bad, []);
    assert_eq!(
        short(&outcome),
        [
            "1:7 GT>G | 0/1",
            "1:15 A>G | 0/1",
            "1:15 A><NON_REF> | 0/o",
            "1:16 CG>TA | 1/1",
            "1:19 T><DEL> | 0/1",
        ]
    );
    assert_eq!(outcome.rows_per_record, [0, 0, 1, 0, 2, 1, 0, 0, 1, 0]);
    assert_eq!(
        (outcome.records, outcome.passed_over, outcome.alleles),
        (10, 6, 5)
    );
}

#[test]
fn a_position_is_passed_over_as_a_whole() {
    let place = Place::new();
    let files = [
        place.write("a", header("", "a") + &records("1 15 . A C . . . GT 0/1")),
        place.write("b", header("", "b") + &records("1 15 . ACG A . . . GT 1/1")),
    ];
    let outcome = place.read(&files, &wanted(&[])).unwrap();
    assert_eq!(short(&outcome), ["1:15 A>C | 0/1 -", "1:15 ACG>A | - 1/1"]);
    assert_eq!(outcome.passed_over, 0);
}

#[test]
fn a_file_of_another_build_is_refused_though_nobody_needs_its_records() {
    for line in [
        "1 5 . G C . . . GT 0/1",
        "1 5 . G <NON_REF> . . END=9 GT 0/0",
        "1 500 . A C . . . GT 0/1",
    ] {
        let error = one_file(line, &wanted(&[])).unwrap_err();
        assert!(
            matches!(error, ReadError::ReferenceMismatch { record: 1, .. }),
            "{line}: {error}"
        );
        let quarantine = Options {
            ref_mismatch: RefMismatch::Quarantine,
            ..wanted(&[])
        };
        let outcome = one_file(line, &quarantine).unwrap();
        assert!(outcome.rows[0].contains("reason=reference_mismatch"));
        assert_eq!(outcome.passed_over, 0);
    }
}

#[test]
fn a_record_without_samples_columns_or_with_a_block_that_lies_is_set_aside() {
    let check = |lines: &str, kind: &str| {
        let outcome = one_file(lines, &with_evidence(wanted(&[]))).unwrap();
        assert_eq!(outcome.bad.len(), 1, "{lines}");
        assert_eq!(outcome.bad[0].kind, kind);
        assert_eq!(outcome.rows_per_record.last(), Some(&0));
    };
    check("1 5 . A", "columns");
    check("1 5 . A C,, . . . GT 0/1", "alt");
    check("1 5 . A <NON_REF> . . END=3 GT 0/0", "block");
    check(
        "1 5 . A <NON_REF> . . END=9 GT 0/0\n1 8 . T <NON_REF> . . END=11 GT 0/0",
        "block",
    );
}

#[test]
fn what_is_passed_over_is_still_evidence() {
    let place = Place::new();
    let site = "1 15 . A C . . . GT 0/1";
    let second = "1 5 . A <NON_REF> . . END=14 GT:DP:GQ 0/0:40:50\n\
                  1 15 . A <NON_REF> . . END=30 GT:DP:GQ 0/0:40:50";
    let third = "1 11 . A <NON_REF> . . END=30 GT:DP:GQ 0/0:40:50";
    let files = [
        place.write("a", header("", "a") + &records(site)),
        place.write("b", header("", "b") + &records(second)),
        place.write("c", header("", "c") + &records(third)),
    ];
    let outcome = place
        .read(&files, &with_evidence(wanted(&[(0, 15)])))
        .unwrap();
    assert_eq!(
        short(&outcome),
        ["1:15 A>C | 0/1 b0/0 b0/0", "1:15 A><NON_REF> | - 0/0 -"]
    );
    assert_eq!(outcome.passed_over, 2);
}

/// A record: how far behind the one before, what it is, and its call.
type Part = (u32, u8, u8);

fn bases(start: u32, length: u32) -> String {
    let base = |at: u32| char::from(b"ACGTACGTTT"[(at as usize - 1) % 10]);
    (start..start + length).map(base).collect()
}

fn lines(parts: &[Part]) -> String {
    const CALLS: [&str; 7] = ["0/1", "1/1", "0/0", "./.", "1", "0|1", "./1"];
    let mut start = 1;
    let mut text = String::new();
    for (step, kind, call) in parts {
        start += step;
        if start > 180 {
            break;
        }
        let one = bases(start, 1);
        let other = if one == "G" { "T" } else { "G" };
        let third = if one == "C" { "A" } else { "C" };
        let long = bases(start, 2 + u32::from(*call) % 3);
        let end = start + u32::from(*call) * 3;
        let (alleles, info) = match kind {
            0..=3 => (format!("{one} {other}"), ".".to_owned()),
            4 => (format!("{one} {other},{third}"), ".".to_owned()),
            5 => (format!("{one} {other},<NON_REF>"), ".".to_owned()),
            6 => (format!("{one} *"), ".".to_owned()),
            7 | 8 => (format!("{one} <NON_REF>"), format!("END={end}")),
            9 => (format!("{one} ."), format!("END={end}")),
            10 => (format!("{long} {one}"), ".".to_owned()),
            11 => (format!("{one} {long}"), ".".to_owned()),
            12 => (
                format!("{long} {}", bases(start + 3, long.len() as u32)),
                ".".to_owned(),
            ),
            13 => (format!("{one} <DEL>"), format!("END={end}")),
            14 => (format!("{one} {one}"), ".".to_owned()),
            _ => (
                format!("{long} {}{},{one}", other, &long[1..]),
                ".".to_owned(),
            ),
        };
        let call = match kind {
            7..=9 => "0/0",
            6 if *call > 1 => "0/0",
            _ => CALLS[usize::from(*call)],
        };
        text += &format!("1 {start} . {alleles} . . {info} GT:DP:GQ {call}:40:50\n");
    }
    text
}

/// POS of the input of a row, and its REF and ALT there.
fn input(row: &str) -> (u32, String) {
    let (_, input) = row.split_once(" in 1:").unwrap();
    let mut words = input.split(' ');
    let position = words.next().unwrap().parse().unwrap();
    (position, words.next().unwrap().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn rows_that_are_needed_are_the_same(
        files in prop::collection::vec(
            prop::collection::vec((0u32..5, 0u8..16, 0u8..7), 0..50), 1..4),
        positions in prop::collection::vec(1u32..180, 0..30),
        batch_records in 1usize..8, evidence in any::<bool>(),
    ) {
        let place = Place::new();
        let files: Vec<PathBuf> = files
            .iter()
            .zip(["a", "b", "c"])
            .map(|(parts, name)| place.write(name, header(META, name) + &records(&lines(parts))))
            .collect();
        let mut all = Options::default();
        all.limits.batch_records = batch_records;
        if evidence {
            all = with_evidence(all);
        }
        let some = Options {
            wanted: Some(positions.iter().map(|position| (0, *position)).collect()),
            ..all.clone()
        };
        let (all, some) = (place.read(&files, &all).unwrap(), place.read(&files, &some).unwrap());
        prop_assert_eq!(some.records, all.records);
        // What is left out is a single base elsewhere, and all else is there in the same order.
        let mut left = some.rows.iter().peekable();
        for row in &all.rows {
            if left.next_if_eq(&row).is_some() {
                continue;
            }
            let (position, alleles) = input(row);
            prop_assert!(!positions.contains(&position), "{row}");
            let (reference, alternate) = alleles.split_once('>').unwrap();
            prop_assert!(reference.len() == 1, "{row}");
            prop_assert!(alternate.len() == 1 || alternate == "<NON_REF>", "{row}");
        }
        prop_assert_eq!(left.next(), None);
        prop_assert!(some.bad.iter().all(|bad| all.bad.contains(bad)));
        let blocks = |outcome: &Outcome| outcome.bad.iter().filter(|bad| bad.kind == "block").count();
        prop_assert_eq!(blocks(&some), blocks(&all));
        // Every position with nothing but single bases that is not wanted is passed over.
        let kept: std::collections::HashSet<u32> = some.rows.iter().map(|row| input(row).0).collect();
        for (position, _) in all.rows.iter().map(|row| input(row)) {
            let own = all.rows.iter().map(|row| input(row)).filter(|(at, _)| *at == position);
            let moves = own.map(|(_, alleles)| alleles).any(|alleles| {
                let (reference, alternate) = alleles.split_once('>').unwrap();
                reference.len() > 1 || alternate.len() > 1 && alternate != "<NON_REF>"
            });
            let is_bad = all.bad.iter().any(|bad| bad.position == position);
            let is_wanted = positions.contains(&position);
            prop_assert!(is_bad || kept.contains(&position) == (moves || is_wanted));
        }
    }
}
