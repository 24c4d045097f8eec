//! Dosages that records state, beside the calls of their rows.
#![cfg(test)]

mod common;

use common::{Options, Outcome, Place, header, read_one, records, short};
use proptest::prelude::*;
use varisk_readers::DosageField;

const META: &str = "FORMAT=<ID=DS,Number=A,Type=Float,Description=\"x\">\n\
                    FORMAT=<ID=GP,Number=G,Type=Float,Description=\"x\">";

fn dosages(field: DosageField) -> Options {
    Options {
        dosages: Some(field),
        ..Options::default()
    }
}

fn two_samples(meta: &str, lines: &str, field: DosageField) -> Outcome {
    let place = Place::new();
    let file = place.write("x", header(meta, "a b") + &records(lines));
    place.read(&[file], &dosages(field)).unwrap()
}

// Contig 1 is `ACGTACGTTT` again and again: `A` at 5, `C` at 6, `G` at 7, `T` at 8 to 10.

#[test]
fn each_row_has_the_copies_of_its_own_allele() {
    let lines = "1 5 . A C . . . GT:DS 0|1:0.75 1|1:1.5\n\
                 1 6 . C T,G . . . GT:DS 0/1:0.5,0.25 1/2:1.25,0.75\n\
                 1 7 . GT G . . . DS:GT 1:0/1 .:./.\n\
                 1 9 . T C . . . GT 0/1 1/1\n\
                 1 11 . A C . . . DS 0.125 1.875\n\
                 1 12 . C . . . . GT:DS 0/0:. 0/0:.\n\
                 1 13 . G T . . . GT:DP:DS 0/1:7:1.5 1\n\
                 1 14 . T G . . . GT:DS 0|1:0.123456789 0|0:1e-1";
    let outcome = two_samples(META, lines, DosageField::Ds);
    assert_eq!(outcome.bad, []);
    assert_eq!(
        short(&outcome),
        [
            "1:5 A>C | 0|1 1|1 ds=0.75,1.5",
            "1:6 C>T | 0/1 1/o ds=0.5,1.25",
            "1:6 C>G | 0/o o/1 ds=0.25,0.75",
            "1:7 GT>G | 0/1 ./. ds=1,.",
            "1:9 T>C | 0/1 1/1",
            "1:11 A>C | ./. ./. ds=0.125,1.875",
            "1:12 C>. | 0/0 0/0",
            "1:13 G>T | 0/1 1 ds=1.5,.",
            "1:14 T>G | 0|1 0|0 ds=0.12345677614212036,0.10000002384185791",
        ]
    );
}

#[test]
fn expected_copies_come_from_probabilities() {
    let lines = "1 5 . A C . . . GT:GP 0|1:0.25,0.5,0.25 1:0.25,0.75\n\
                 1 6 . C T,G . . . GP 0,0,0,0,1,0 0,0,0,0,0,1\n\
                 1 9 . T C . . . GT:DS 0/1:0.5 1/1:1.5";
    let outcome = two_samples(META, lines, DosageField::Gp);
    assert_eq!(outcome.bad, []);
    assert_eq!(
        short(&outcome),
        [
            "1:5 A>C | 0|1 1 ds=1,0.75",
            "1:6 C>T | ./. ./. ds=1,0",
            "1:6 C>G | ./. ./. ds=1,2",
            "1:9 T>C | 0/1 1/1",
        ]
    );
}

#[test]
fn records_with_impossible_dosages_are_set_aside() {
    let check = |meta: &str, line: &str, field: DosageField, part: &str| {
        let outcome = two_samples(meta, &format!("1 5 . A {line}"), field);
        assert_eq!(outcome.rows, Vec::<String>::new(), "{line}");
        assert_eq!(outcome.bad.len(), 1, "{line}");
        let bad = &outcome.bad[0];
        assert_eq!(bad.kind, "dosage");
        assert!(bad.detail.contains(part), "{}", bad.detail);
    };
    let (ds, gp) = (DosageField::Ds, DosageField::Gp);
    let one = META.replace("Number=A", "Number=1");
    check(&one, "C,G . . . GT:DS 0/1:1 0/0:0", ds, "Number=1");
    check(META, "C,G . . . GT:DS 0/1:1 0/0:0", ds, "1 values where 2");
    check(META, "C . . . GT:DS 0|1:2.5 0|0:0", ds, "sample column 1");
    check(META, "C . . . GT:DS 0|1:1 0|0:x", ds, "sample column 2");
    check(META, "C . . . DS 1 -1", ds, "between 0 and 2");
    check(META, "C . . . GT:GP 0|1:0,1,0 0|0:20,0,30", gp, "sum 1");
    // Genotypes are looked at first.
    let outcome = two_samples(META, "1 5 . A C . . . GT:DS 0|3:9 0|0:0", ds);
    assert_eq!(outcome.bad[0].kind, "genotype");
    // One value for one allele is right whatever the header calls it.
    let outcome = two_samples(&one, "1 5 . A C . . . GT:DS 0|1:1 0|0:0", ds);
    assert_eq!(short(&outcome), ["1:5 A>C | 0|1 0|0 ds=1,0"]);
}

#[test]
fn patients_get_the_dosages_of_their_own_files() {
    let place = Place::new();
    let files = [
        place.write(
            "x",
            header(META, "a b") + &records("1 5 . A C . . . GT:DS 0|1:0.75 1|1:1.5"),
        ),
        place.write(
            "y",
            header(META, "c d") + &records("1 5 . A C,G . . . GT:DS 0/1:1,0.5 2/2:0,2"),
        ),
        place.write("z", header("", "e") + &records("1 5 . A C . . . GT 0/1")),
    ];
    let name = |name: &str, patient| (name.to_owned(), patient);
    let options = Options {
        samples: Some(vec![
            vec![name("b", 3)],
            vec![name("d", 0), name("c", 2)],
            vec![name("e", 1)],
        ]),
        ..dosages(DosageField::Ds)
    };
    let outcome = place.read(&files, &options).unwrap();
    assert_eq!(
        short(&outcome),
        [
            "1:5 A>C | o/o 0/1 0/1 1|1 ds=0,.,1,1.5",
            "1:5 A>G | 1/1 0/o 0/o o|o ds=2,.,0.5,.",
        ]
    );
}

#[test]
fn nothing_changes_where_dosages_are_not_wanted() {
    let place = Place::new();
    let lines = "1 5 . A C . . . GT:DS 0|1:9 1|1:x";
    let file = place.write("x", header(META, "a b") + &records(lines));
    let outcome = read_one(&place, file, &Options::default());
    assert_eq!(short(&outcome), ["1:5 A>C | 0|1 1|1"]);
}

/// A record by hand (VCF specification, section 6), with GT and a float vector of 4 bytes a value.
fn bcf(alleles: &[&str], key: u8, per_sample: u8, values: &[u32]) -> Vec<u8> {
    let text = |text: &str| [&[(text.len() as u8) << 4 | 7], text.as_bytes()].concat();
    let samples = values.len() as u32 / u32::from(per_sample);
    let mut shared = Vec::new();
    for number in [0i32, 4, 1] {
        shared.extend(number.to_le_bytes());
    }
    shared.extend(0x7f80_0001u32.to_le_bytes());
    shared.extend(((alleles.len() as u32) << 16).to_le_bytes());
    shared.extend((2 << 24 | samples).to_le_bytes());
    shared.extend(text("."));
    alleles
        .iter()
        .for_each(|allele| shared.extend(text(allele)));
    shared.push(0);
    let mut own = vec![0x11, 2, 0x21];
    (0..samples).for_each(|_| own.extend([2, 4]));
    own.extend([0x11, key, per_sample << 4 | 5]);
    values
        .iter()
        .for_each(|bits| own.extend(bits.to_le_bytes()));
    let mut bytes = (shared.len() as u32).to_le_bytes().to_vec();
    bytes.extend((own.len() as u32).to_le_bytes());
    bytes.extend(shared);
    bytes.extend(own);
    bytes
}

#[test]
fn binary_floats_are_dosages() {
    const MISSING: u32 = 0x7f80_0001;
    const END: u32 = 0x7f80_0002;
    let place = Place::new();
    // Dictionary: PASS 0, q10 1, GT 2, DP 3, DS 4, GP 5.
    let text = header(META, "a b");
    let read = |record: Vec<u8>, field| {
        let mut bytes = b"BCF\x02\x02".to_vec();
        bytes.extend((text.len() as u32 + 1).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.push(0);
        bytes.extend(record);
        let file = place.write("x.bcf", bytes);
        place.read(&[file], &dosages(field)).unwrap()
    };
    let float = f32::to_bits;
    let (ds, gp) = (DosageField::Ds, DosageField::Gp);
    let outcome = read(bcf(&["A", "C"], 4, 1, &[float(0.75), MISSING]), ds);
    assert_eq!(short(&outcome), ["1:5 A>C | 0/1 0/1 ds=0.75,."]);
    let values = [float(0.5), float(1.5), MISSING, END];
    let outcome = read(bcf(&["A", "C", "G"], 4, 2, &values), ds);
    assert_eq!(
        short(&outcome),
        ["1:5 A>C | 0/1 0/1 ds=0.5,.", "1:5 A>G | 0/o 0/o ds=1.5,."]
    );
    let values = [
        float(0.25),
        float(0.5),
        float(0.25),
        float(0.5),
        float(0.5),
        END,
    ];
    let outcome = read(bcf(&["A", "C"], 5, 3, &values), gp);
    assert_eq!(short(&outcome), ["1:5 A>C | 0/1 0/1 ds=1,0.5"]);
    let outcome = read(bcf(&["A", "C"], 4, 1, &[float(0.5), float(f32::NAN)]), ds);
    assert_eq!(outcome.bad[0].kind, "dosage");
    let outcome = read(bcf(&["A", "C"], 4, 1, &[float(0.5), float(2.5)]), ds);
    assert_eq!(outcome.bad[0].kind, "dosage");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    /// The fast path and the general one, told apart by a field before DS, give the same.
    #[test]
    fn the_order_of_fields_does_not_matter(
        cells in prop::collection::vec((0usize..6, 0u32..=2300, 0usize..5), 2),
    ) {
        const CALLS: [&str; 6] = ["0|0", "0/1", "1|1", "0|1", "./.", "1"];
        let value = |copies: u32, decimals: usize| match copies {
            2250.. => "x".to_owned(),
            2200.. => ".".to_owned(),
            2100.. => "2.5".to_owned(),
            _ => format!("{:.decimals$}", f64::from(copies.min(2000)) / 1000.0),
        };
        let cell = |fast: bool| -> Vec<String> {
            cells.iter().map(|(call, copies, decimals)| {
                let (call, copies) = (CALLS[*call], value(*copies, *decimals));
                if fast { format!("{call}:{copies}:7") } else { format!("{call}:7:{copies}") }
            }).collect()
        };
        let fast = format!("1 5 . A C . . . GT:DS:DP {}", cell(true).join(" "));
        let slow = format!("1 5 . A C . . . GT:DP:DS {}", cell(false).join(" "));
        let fast = two_samples(META, &fast, DosageField::Ds);
        let slow = two_samples(META, &slow, DosageField::Ds);
        prop_assert_eq!(fast.rows, slow.rows);
        let details = |bad: Vec<varisk_readers::BadRecord>| -> Vec<String> {
            bad.into_iter().map(|bad| bad.detail).collect()
        };
        prop_assert_eq!(details(fast.bad), details(slow.bad));
    }
}
