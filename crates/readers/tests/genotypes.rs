//! The ways to decode a genotype agree: the fast path with the general decoder, typed vectors with
//! text, and whole batches that are decoded in place with batches that are not.
#![cfg(test)]

mod common;

use common::{Options, Place, header};
use proptest::prelude::*;
use varisk_core::CallCode;
use varisk_readers::{GenotypePlace, GenotypeRow, decode_biallelic, decode_text, decode_typed};

/// Mostly genotypes, some nearly, some not at all.
fn genotype() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => "[01][|/][01]",
        2 => "[.0-3]([|/][.0-3]){0,3}",
        1 => "[|/]?[.0-9]([|/][.0-9]){0,2}",
        1 => "[|/.0-9a:-]{0,4}",
    ]
}

/// What is surely a genotype of up to three alternates.
fn valid() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[01][|/][01]", 2 => "[.0-3]([|/][.0-3]){0,3}"]
}

fn codes(row: &GenotypeRow, alternate: u8) -> Vec<u8> {
    let mut codes = vec![CallCode::NOT_ASSAYED.0; row.samples()];
    row.codes(Some(alternate), &mut |sample, code| codes[sample] = code.0);
    codes
}

/// The typed vector that BCF has for genotypes.
fn typed(genotypes: &[String], width: usize) -> (Vec<u8>, usize) {
    let vectors: Vec<Vec<i32>> = genotypes
        .iter()
        .map(|genotype| {
            let mut phased = 0;
            let parts = genotype.split_inclusive(['|', '/']);
            parts
                .map(|part| {
                    let allele = part.trim_end_matches(['|', '/']).parse::<i32>();
                    let value = allele.map_or(0, |allele| allele + 1) << 1 | phased;
                    phased = i32::from(part.ends_with('|'));
                    value
                })
                .collect()
        })
        .collect();
    let per_sample = vectors.iter().map(Vec::len).max().unwrap_or(0);
    let end = match width {
        1 => i32::from(i8::MIN) + 1,
        2 => i32::from(i16::MIN) + 1,
        _ => i32::MIN + 1,
    };
    let bytes = vectors
        .iter()
        .flat_map(|vector| {
            let padding = std::iter::repeat_n(end, per_sample - vector.len());
            vector.iter().copied().chain(padding)
        })
        .flat_map(|value| value.to_le_bytes().into_iter().take(width))
        .collect();
    (bytes, per_sample)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_fast_path_equals_the_general_decoder(genotypes in prop::collection::vec(genotype(), 1..6), samples in 1usize..6) {
        let text = genotypes.join("\t");
        let mut fast = vec![0; samples];
        let mut row = GenotypeRow::default();
        if decode_biallelic(text.as_bytes(), &mut fast) {
            let general = decode_text(text.as_bytes(), GenotypePlace::ALONE, samples, 1, &mut row);
            prop_assert_eq!(general, Ok(()));
            prop_assert_eq!(fast, codes(&row, 1));
        }
    }

    #[test]
    fn the_fast_path_takes_all_that_it_is_for(genotypes in prop::collection::vec("[01][|/][01]", 1..9)) {
        let mut fast = vec![0; genotypes.len()];
        prop_assert!(decode_biallelic(genotypes.join("\t").as_bytes(), &mut fast));
    }

    #[test]
    fn typed_equals_text(genotypes in prop::collection::vec(valid(), 1..8), width in prop_oneof![Just(1usize), Just(2), Just(4)]) {
        let text = genotypes.join("\t");
        let mut from_text = GenotypeRow::default();
        decode_text(text.as_bytes(), GenotypePlace::ALONE, genotypes.len(), 3, &mut from_text).unwrap();
        let (bytes, per_sample) = typed(&genotypes, width);
        let mut from_typed = GenotypeRow::default();
        decode_typed(&bytes, 0..bytes.len(), width, per_sample, genotypes.len(), 3, &mut from_typed).unwrap();
        prop_assert_eq!(from_text, from_typed);
    }

    /// Any bytes with any parameters give genotypes or an error.
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..40), numbers in prop::array::uniform6(0usize..20)) {
        let [a, b, c, d, e, f] = numbers;
        let mut row = GenotypeRow::default();
        let _ = decode_text(&bytes, GenotypePlace { field: a, fields: b }, c, d, &mut row);
        let _ = decode_typed(&bytes, a..b, c % 6, d, e, f, &mut row);
        let _ = decode_biallelic(&bytes, &mut vec![0; a]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A column after GT, or samples in another order, takes a record off the fast path.
    #[test]
    fn batches_in_place_equal_general_batches(rows in prop::collection::vec(prop::array::uniform3("[01][|/][01]"), 1..10)) {
        let place = Place::new();
        let lines = |format: &str, end: &str, order: [usize; 3]| -> String {
            rows.iter()
                .map(|row| {
                    let calls = order.map(|at| format!("{}{end}", row[at])).join("\t");
                    format!("1\t5\t.\tA\tC\t.\t.\t.\t{format}\t{calls}\n")
                })
                .collect()
        };
        // One record a position: here each stands in a file of its own.
        let fast = lines("GT", "", [0, 1, 2]);
        let general = lines("GT:DP", ":7", [0, 1, 2]);
        for (fast, general) in fast.lines().zip(general.lines()) {
            let read = |name: &str, text: String, samples: Option<Vec<Vec<(String, usize)>>>| {
                let options = Options { samples, ..Options::default() };
                place.read(&[place.write(name, text)], &options).unwrap().rows
            };
            let expected = read("f.vcf", header("", "a b c") + fast + "\n", None);
            prop_assert_eq!(&read("g.vcf", header("", "a b c") + general + "\n", None), &expected);
            let given = vec![["c", "b", "a"].iter().zip([2, 1, 0]).map(|(name, at)| ((*name).to_owned(), at)).collect()];
            let columns: Vec<&str> = fast.split('\t').collect();
            let turned = [&columns[..9], &[columns[11], columns[10], columns[9]]].concat().join("\t");
            prop_assert_eq!(&read("h.vcf", header("", "c b a") + &turned + "\n", Some(given)), &expected);
        }
    }
}

/// The phase of a call with three and more haplotypes was lost.
#[test]
fn polyploid_calls_keep_their_phase() {
    let mut row = GenotypeRow::default();
    decode_text(b"0|1|1\t0/1/1", GenotypePlace::ALONE, 2, 1, &mut row).unwrap();
    let phased: Vec<bool> = row
        .polyploid(Some(1))
        .map(|(_, call)| call.phased)
        .collect();
    assert_eq!(phased, [true, false]);
}
