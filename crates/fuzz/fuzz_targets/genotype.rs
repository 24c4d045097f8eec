//! Genotypes from text and from typed vectors with any parameters. Where the fast path takes a text
//! the general decoder must take it too and give the same codes; and a text that is read, written as
//! a typed vector, must read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use varisk_core::CallCode;
use varisk_readers::{GenotypePlace, GenotypeRow, decode_biallelic, decode_text, decode_typed};

fuzz_target!(|data: &[u8]| {
    let [
        samples,
        alternates,
        field,
        fields,
        width,
        per_sample,
        from,
        to,
        body @ ..,
    ] = data
    else {
        return;
    };
    let (samples, alternates) = (usize::from(*samples), usize::from(*alternates));
    let place = GenotypePlace {
        field: usize::from(*field % 4),
        fields: usize::from(*fields % 6),
    };
    let mut row = GenotypeRow::default();
    let text = decode_text(body, place, samples, alternates, &mut row);
    if text.is_ok() {
        assert_eq!(row.samples(), samples);
        agrees_with_typed(body, place, samples, alternates, &row);
    }

    let mut fast = vec![0; samples];
    if decode_biallelic(body, &mut fast) {
        let alone = decode_text(body, GenotypePlace::ALONE, samples, 1, &mut row);
        alone.expect("the general decoder takes what the fast path takes");
        assert_eq!(codes(&row, 1), fast);
    }

    let _ = decode_typed(
        body,
        usize::from(*from)..usize::from(*to),
        usize::from(*width),
        usize::from(*per_sample),
        samples,
        alternates,
        &mut row,
    );
});

fn codes(row: &GenotypeRow, alternate: u8) -> Vec<u8> {
    let mut codes = vec![CallCode::NOT_ASSAYED.0; row.samples()];
    row.codes(Some(alternate), &mut |sample, code| codes[sample] = code.0);
    codes
}

/// Writes genotypes as BCF does and reads them back.
fn agrees_with_typed(
    text: &[u8],
    place: GenotypePlace,
    samples: usize,
    alternates: usize,
    row: &GenotypeRow,
) {
    let mut vectors: Vec<Vec<i16>> = Vec::new();
    for entry in text.split(|b| *b == b'\t').take(samples) {
        let genotype = entry.split(|b| *b == b':').nth(place.field).unwrap_or(b".");
        // The phase mark before the first allele is of VCF 4.4, and only text has it here.
        if matches!(genotype.first(), Some(b'/' | b'|')) {
            return;
        }
        let mut vector = Vec::new();
        let mut phased = false;
        for part in genotype.split_inclusive(|b| matches!(b, b'/' | b'|')) {
            let allele = part
                .strip_suffix(b"|")
                .or(part.strip_suffix(b"/"))
                .unwrap_or(part);
            let text = std::str::from_utf8(allele).expect("genotypes are ASCII");
            let number = text.parse::<i16>().map_or(0, |index| index + 1);
            vector.push(number << 1 | i16::from(phased));
            phased = part.ends_with(b"|");
        }
        vectors.push(vector);
    }
    let per_sample = vectors.iter().map(Vec::len).max().unwrap_or(0);
    let mut bytes = Vec::new();
    for vector in &vectors {
        let padding = std::iter::repeat_n(i16::MIN + 1, per_sample - vector.len());
        bytes.extend(
            vector
                .iter()
                .copied()
                .chain(padding)
                .flat_map(i16::to_le_bytes),
        );
    }
    let mut typed = GenotypeRow::default();
    decode_typed(
        &bytes,
        0..bytes.len(),
        2,
        per_sample,
        vectors.len(),
        alternates,
        &mut typed,
    )
    .expect("what was read can be written");
    assert_eq!(&typed, row);
}
