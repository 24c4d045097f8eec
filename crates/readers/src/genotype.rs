//! Genotypes in place: from the text or the typed vector of a record to allele indices, and from
//! there to the codes of one alternate allele.

use std::ops::Range;

use memchr::{memchr, memchr_iter};
use varisk_core::{Call, CallCode, Haplotype};

/// Mark of a haplotype that is not called.
const MISSING: u8 = 254;
/// Mark of a haplotype that does not exist.
const ABSENT: u8 = 255;
/// Highest allele index that a row holds; a site of more alleles is refused, not recoded.
pub(crate) const MAX_ALLELE: u32 = 250;

/// Why genotypes cannot be read. Never quotes the genotype.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenotypeError {
    /// The text is no genotype.
    #[error("the genotype in sample column {0} is malformed")]
    Malformed(usize),
    /// Fields that FORMAT does not name, or none at all.
    #[error("sample column {0} is empty or has more fields than FORMAT names")]
    Fields(usize),
    /// An allele that the record does not have.
    #[error("the genotype in sample column {0} names an allele that the record lacks")]
    NoSuchAllele(usize),
    /// The record has not as many samples as the header.
    #[error("the record has {found} sample columns where the header has {expected}")]
    Samples {
        /// Samples of the header.
        expected: usize,
        /// Samples of the record (at least, where it has more).
        found: usize,
    },
    /// More alleles than a row can hold.
    #[error("the record has more than 250 alternate alleles")]
    TooManyAlleles,
    /// The typed vector does not fit the record.
    #[error("the typed genotypes do not fit the record")]
    Layout,
}

/// Where GT stands in FORMAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenotypePlace {
    /// Place of GT, from 0.
    pub field: usize,
    /// How many fields FORMAT names; a sample may leave out the last ones.
    pub fields: usize,
}

impl GenotypePlace {
    /// FORMAT is GT alone.
    pub const ALONE: Self = Self {
        field: 0,
        fields: 1,
    };
}

/// Allele indices of one record: for each sample two haplotypes, and a sparse list of calls with
/// three and more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GenotypeRow {
    alleles: Vec<[u8; 2]>,
    phased: Vec<bool>,
    polyploid: Vec<(usize, Vec<u8>)>,
}

impl GenotypeRow {
    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.alleles.len()
    }

    /// Allele indices of a sample; values from [`MAX_ALLELE`] on stand for none.
    pub(crate) fn haplotypes(&self, sample: usize) -> [u8; 2] {
        self.alleles
            .get(sample)
            .copied()
            .unwrap_or([ABSENT, ABSENT])
    }

    fn clear(&mut self) {
        self.alleles.clear();
        self.phased.clear();
        self.polyploid.clear();
    }

    fn push(&mut self, haplotypes: &[u8], phased: bool) {
        let pair = match haplotypes {
            [] => [MISSING, ABSENT],
            [one] => [*one, ABSENT],
            [first, second] => [*first, *second],
            more => {
                self.polyploid.push((self.alleles.len(), more.to_vec()));
                [ABSENT, ABSENT]
            }
        };
        self.alleles.push(pair);
        // A haploid call is trivially phased; one code for it keeps equal calls equal.
        self.phased.push(phased && haplotypes.len() > 1);
    }

    /// Calls of every sample seen from one alternate allele (1-based index), in sample order, as
    /// codes; without one, every alternate allele is another.
    pub fn codes(&self, alternate: Option<u8>, out: &mut impl FnMut(usize, CallCode)) {
        let table = haplotype_table(alternate);
        let mut polyploid = self.polyploid.iter().peekable();
        for (sample, (pair, phased)) in self.alleles.iter().zip(&self.phased).enumerate() {
            let code = if polyploid.next_if(|(at, _)| *at == sample).is_some() {
                CallCode::POLYPLOID
            } else {
                let [first, second] = pair.map(|allele| table[usize::from(allele)]);
                CallCode::diploid(first, second, *phased)
            };
            out(sample, code);
        }
    }

    /// Calls of three and more haplotypes, as (sample, call).
    pub fn polyploid(&self, alternate: Option<u8>) -> impl Iterator<Item = (usize, Call)> {
        let table = haplotype_table(alternate);
        self.polyploid.iter().map(move |(sample, haplotypes)| {
            let mut call = Call {
                phased: self.phased.get(*sample).copied().unwrap_or(false),
                ..Call::default()
            };
            haplotypes
                .iter()
                .for_each(|allele| call.count(table[usize::from(*allele)]));
            (*sample, call)
        })
    }
}

/// What each allele index is, seen from one alternate allele.
fn haplotype_table(alternate: Option<u8>) -> [Haplotype; 256] {
    let mut table = [Haplotype::Other; 256];
    table[0] = Haplotype::Reference;
    if let Some(index) = alternate {
        table[usize::from(index)] = Haplotype::Alternate;
    }
    table[usize::from(MISSING)] = Haplotype::Missing;
    table[usize::from(ABSENT)] = Haplotype::Absent;
    table
}

/// Decodes biallelic, diploid text that holds nothing but GT (`0|1`, tab, `./.`, ...) straight into
/// codes: four bytes a sample, no branch in the loop. Returns `false`, with `codes` in an unspecified
/// state, where the text is anything else; the general decoder then takes it.
#[must_use]
pub fn decode_biallelic(text: &[u8], codes: &mut [u8]) -> bool {
    if text.len() + 1 != codes.len() * 4 || text.is_empty() {
        return false;
    }
    let (body, last) = text.split_at(text.len() - 3);
    let mut bad = 0u8;
    let (codes, last_code) = codes.split_at_mut(codes.len() - 1);
    for (field, code) in body.chunks_exact(4).zip(codes) {
        *code = diploid_code(field[0], field[1], field[2], &mut bad);
        bad |= field[3] ^ b'\t';
    }
    last_code[0] = diploid_code(last[0], last[1], last[2], &mut bad);
    bad == 0
}

/// Code of `0|1` and its like; sets bits of `bad` for anything but 0, 1 and `.`.
#[inline]
pub(crate) fn diploid_code(first: u8, separator: u8, second: u8, bad: &mut u8) -> u8 {
    let phased = u8::from(separator == b'|');
    *bad |= (separator ^ b'/') * (1 - phased);
    haplotype_code(first, bad) | haplotype_code(second, bad) << 3 | phased << 6
}

/// Code of an allele as text: `0` and `1` as they are, `.` as missing.
#[inline]
fn haplotype_code(allele: u8, bad: &mut u8) -> u8 {
    /// What `.` and `0` differ in; its fifth bit no digit has.
    const DOT: u8 = b'.' ^ b'0';
    let value = allele ^ b'0';
    let is_dot = (value >> 4) & 1;
    *bad |= value ^ ((is_dot * DOT) | ((1 - is_dot) * (value & 1)));
    ((1 - is_dot) * (value & 1)) | (is_dot * Haplotype::Missing as u8)
}

/// Decodes the typed genotypes of a BCF record with two integers of one byte a sample and one
/// alternate allele straight into codes, as [`decode_biallelic`] does text. Returns `false`, with
/// `codes` in an unspecified state, where they are anything else, such as a haploid call.
#[must_use]
pub fn decode_biallelic_typed(values: &[u8], codes: &mut [u8]) -> bool {
    if values.len() != codes.len() * 2 {
        return false;
    }
    let mut bad = 0u8;
    for (pair, code) in values.chunks_exact(2).zip(codes) {
        // (allele + 1) << 1 | phased: 0 for missing, 1 and 2 for the alleles.
        let (first, second) = (pair[0] >> 1, pair[1] >> 1);
        bad |= ((first + 1) | (second + 1)) & 0xfc;
        // Missing wraps to 3, its code.
        let haplotype = |allele: u8| allele.wrapping_sub(1) & 0b11;
        *code = haplotype(first) | haplotype(second) << 3 | (pair[1] & 1) << 6;
    }
    bad == 0
}

/// Decodes the sample text of a VCF record.
///
/// `text` starts after the tab that follows FORMAT; `alternates` is the number of alternate alleles.
///
/// # Errors
/// The text is not one genotype for each of `samples` samples.
pub fn decode_text(
    text: &[u8],
    place: GenotypePlace,
    samples: usize,
    alternates: usize,
    row: &mut GenotypeRow,
) -> Result<(), GenotypeError> {
    row.clear();
    let limit = u32::try_from(alternates).unwrap_or(u32::MAX);
    if limit > MAX_ALLELE {
        return Err(GenotypeError::TooManyAlleles);
    }
    // A file without samples has no text, not one empty column.
    if samples == 0 && text.is_empty() {
        return Ok(());
    }
    let mut rest = Some(text);
    let mut haplotypes = Vec::with_capacity(4);
    for sample in 0..samples {
        let Some(line) = rest else {
            return Err(GenotypeError::Samples {
                expected: samples,
                found: sample,
            });
        };
        let (entry, after) = match memchr(b'\t', line) {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        };
        rest = after;
        // More fields than FORMAT names, or none: the columns do not mean what they seem to.
        if entry.is_empty() || memchr_iter(b':', entry).count() >= place.fields {
            return Err(GenotypeError::Fields(sample + 1));
        }
        // Trailing fields may be left out: then the genotype is not called.
        let genotype = entry.split(|b| *b == b':').nth(place.field).unwrap_or(b".");
        haplotypes.clear();
        let phased =
            parse_genotype(genotype, limit, &mut haplotypes).map_err(|error| match error {
                Parse::Malformed => GenotypeError::Malformed(sample + 1),
                Parse::NoSuchAllele => GenotypeError::NoSuchAllele(sample + 1),
            })?;
        row.push(&haplotypes, phased);
    }
    match rest {
        None => Ok(()),
        Some(_) => Err(GenotypeError::Samples {
            expected: samples,
            found: samples + 1,
        }),
    }
}

enum Parse {
    Malformed,
    NoSuchAllele,
}

/// Parses one genotype; returns whether all its separators say phased. A separator before the first
/// allele is that of VCF 4.4.
fn parse_genotype(text: &[u8], limit: u32, haplotypes: &mut Vec<u8>) -> Result<bool, Parse> {
    let mut phased = true;
    let mut at = 0;
    if let Some(first @ (b'/' | b'|')) = text.first() {
        phased = *first == b'|';
        at = 1;
    }
    loop {
        let (allele, end) = match text.get(at) {
            Some(b'.') => (MISSING, at + 1),
            Some(b'0'..=b'9') => {
                let mut value = 0u32;
                let mut end = at;
                while let Some(digit @ b'0'..=b'9') = text.get(end) {
                    value = value
                        .saturating_mul(10)
                        .saturating_add(u32::from(digit - b'0'));
                    end += 1;
                }
                if value > limit {
                    return Err(Parse::NoSuchAllele);
                }
                (u8::try_from(value).map_err(|_| Parse::NoSuchAllele)?, end)
            }
            _ => return Err(Parse::Malformed),
        };
        haplotypes.push(allele);
        match text.get(end) {
            None => return Ok(phased),
            Some(b'|') => {}
            Some(b'/') => phased = false,
            Some(_) => return Err(Parse::Malformed),
        }
        at = end + 1;
    }
}

/// Decodes the typed genotypes of a BCF record: `width` bytes an integer (1, 2 or 4), `per_sample`
/// integers a sample, the values at `values` in `bytes`.
///
/// # Errors
/// The vector does not fit, or names alleles that the record lacks.
pub fn decode_typed(
    bytes: &[u8],
    values: Range<usize>,
    width: usize,
    per_sample: usize,
    samples: usize,
    alternates: usize,
    row: &mut GenotypeRow,
) -> Result<(), GenotypeError> {
    row.clear();
    let limit = u32::try_from(alternates).unwrap_or(u32::MAX);
    if limit > MAX_ALLELE {
        return Err(GenotypeError::TooManyAlleles);
    }
    let data = bytes.get(values).ok_or(GenotypeError::Layout)?;
    let stride = width.checked_mul(per_sample).ok_or(GenotypeError::Layout)?;
    if !matches!(width, 1 | 2 | 4) || stride.checked_mul(samples) != Some(data.len()) {
        return Err(GenotypeError::Layout);
    }
    if per_sample == 0 {
        (0..samples).for_each(|_| row.push(&[], false));
        return Ok(());
    }
    let mut haplotypes = Vec::with_capacity(per_sample);
    for (sample, entry) in data.chunks_exact(stride).enumerate() {
        haplotypes.clear();
        let mut phased = true;
        for (i, raw) in entry.chunks_exact(width).enumerate() {
            let Some(value) = typed_integer(raw) else {
                break;
            };
            // (allele + 1) << 1 | phased; 0 and 1 are "missing". The bit of the first haplotype
            // carries nothing before VCF 4.4.
            let allele =
                u32::try_from(value >> 1).map_err(|_| GenotypeError::Malformed(sample + 1))?;
            phased &= i == 0 || value & 1 == 1;
            haplotypes.push(match allele.checked_sub(1) {
                None => MISSING,
                Some(index) if index > limit => {
                    return Err(GenotypeError::NoSuchAllele(sample + 1));
                }
                Some(index) => u8::try_from(index).map_err(|_| GenotypeError::TooManyAlleles)?,
            });
        }
        row.push(&haplotypes, phased);
    }
    Ok(())
}

/// An integer of a typed vector; `None` for the end of a shorter vector. The reserved "missing"
/// integer counts as a haplotype that is not called.
fn typed_integer(raw: &[u8]) -> Option<i32> {
    let (value, missing, end) = match *raw {
        [a] => (
            i32::from(a.cast_signed()),
            i32::from(i8::MIN),
            i32::from(i8::MIN) + 1,
        ),
        [a, b] => (
            i32::from(i16::from_le_bytes([a, b])),
            i32::from(i16::MIN),
            i32::from(i16::MIN) + 1,
        ),
        [a, b, c, d] => (i32::from_le_bytes([a, b, c, d]), i32::MIN, i32::MIN + 1),
        _ => return None,
    };
    match value {
        v if v == end => None,
        v if v == missing => Some(0),
        v => Some(v),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varisk_core::Haplotype::{Alternate, Missing, Other, Reference};

    fn check(text: &str, alternates: usize, expected: &[CallCode]) {
        let mut row = GenotypeRow::default();
        let place = GenotypePlace {
            field: 0,
            fields: 3,
        };
        decode_text(text.as_bytes(), place, expected.len(), alternates, &mut row).unwrap();
        let mut codes = vec![CallCode::NOT_ASSAYED; expected.len()];
        row.codes(Some(1), &mut |sample, code| codes[sample] = code);
        assert_eq!(codes, expected, "{text}");
        let mut fast = vec![0; expected.len()];
        if decode_biallelic(text.as_bytes(), &mut fast) {
            assert_eq!(
                fast,
                expected.iter().map(|code| code.0).collect::<Vec<_>>(),
                "{text}"
            );
        }
    }

    #[test]
    fn every_shape_of_genotype() {
        let d = CallCode::diploid;
        check(
            "0|1\t1/1\t0/0",
            1,
            &[
                d(Reference, Alternate, true),
                d(Alternate, Alternate, false),
                CallCode::HOMOZYGOUS_REFERENCE,
            ],
        );
        check(
            "1|2\t2/.\t.",
            2,
            &[
                d(Alternate, Other, true),
                d(Other, Missing, false),
                CallCode::haploid(Missing),
            ],
        );
        check(
            "0/.\t./.\t1",
            1,
            &[
                d(Reference, Missing, false),
                CallCode::MISSING,
                CallCode::haploid(Alternate),
            ],
        );
        check(
            "0/1:3,4:7\t.:.",
            1,
            &[d(Reference, Alternate, false), CallCode::haploid(Missing)],
        );
        check(
            "|0|1\t/0/1",
            1,
            &[
                d(Reference, Alternate, true),
                d(Reference, Alternate, false),
            ],
        );
        check(
            "10/1\t0/0",
            12,
            &[d(Other, Alternate, false), CallCode::HOMOZYGOUS_REFERENCE],
        );
        check(
            "0/1/1\t0|1",
            1,
            &[CallCode::POLYPLOID, d(Reference, Alternate, true)],
        );
    }

    #[test]
    fn fields_before_the_genotype_and_missing_trailing_fields() {
        let mut row = GenotypeRow::default();
        let place = GenotypePlace {
            field: 1,
            fields: 2,
        };
        decode_text(b"7:0|1\t5", place, 2, 1, &mut row).unwrap();
        assert_eq!(row.alleles, [[0, 1], [MISSING, ABSENT]]);
    }

    #[test]
    fn malformed_text_is_refused_with_its_column() {
        let error = |text: &str, samples, alternates| {
            decode_text(
                text.as_bytes(),
                GenotypePlace::ALONE,
                samples,
                alternates,
                &mut GenotypeRow::default(),
            )
            .unwrap_err()
        };
        assert_eq!(error("0/1\t0/x", 2, 1), GenotypeError::Malformed(2));
        assert_eq!(error("0/2", 1, 1), GenotypeError::NoSuchAllele(1));
        assert_eq!(error("0/", 1, 1), GenotypeError::Malformed(1));
        assert_eq!(error("", 1, 1), GenotypeError::Fields(1));
        assert_eq!(error("0/1\t0/1:7", 2, 1), GenotypeError::Fields(2));
        assert_eq!(
            error("0/1", 2, 1),
            GenotypeError::Samples {
                expected: 2,
                found: 1
            }
        );
        assert_eq!(
            error("0/1\t0/1\t0/1", 2, 1),
            GenotypeError::Samples {
                expected: 2,
                found: 3
            }
        );
        assert_eq!(error("0/1", 1, 251), GenotypeError::TooManyAlleles);
    }

    #[test]
    fn the_fast_path_refuses_all_it_cannot_hold() {
        let mut codes = [0; 2];
        for text in [
            "0|1\t1/2",
            "0|1\t.",
            "0|1\t>/1",
            "0|1\t0-1",
            "0|1 0/1",
            "0|1\t0",
            "0|1\t0/1\t",
            "",
            "a|1\t0/1",
            "0|1\t0\u{0}1",
        ] {
            assert!(!decode_biallelic(text.as_bytes(), &mut codes), "{text}");
        }
        assert!(decode_biallelic(b"0|1\t1/0", &mut codes));
        assert!(decode_biallelic(b"0|.\t./.", &mut codes));
        assert_eq!(codes[1], CallCode::MISSING.0);
    }

    /// Every pair of bytes: what the fast path takes is what the general one makes of it.
    #[test]
    fn typed_fast_path_is_the_general_one() {
        let mut taken = 0;
        for pair in 0..=u16::MAX {
            let bytes = pair.to_le_bytes();
            let mut fast = [0];
            if !decode_biallelic_typed(&bytes, &mut fast) {
                continue;
            }
            taken += 1;
            let mut row = GenotypeRow::default();
            decode_typed(&bytes, 0..2, 1, 2, 1, 1, &mut row).unwrap();
            row.codes(Some(1), &mut |_, code| {
                assert_eq!(code.0, fast[0], "{bytes:?}");
            });
        }
        // Three alleles (one of them missing), two bits of phase.
        assert_eq!(taken, 36);
        assert!(!decode_biallelic_typed(&[2, 4, 4], &mut [0]));
    }

    #[test]
    fn typed_genotypes() {
        // 0/1, haploid 1, ./., 1|1.
        let bytes = [2, 4, 4, 0x81, 0, 0, 4, 5];
        let mut row = GenotypeRow::default();
        decode_typed(&bytes, 0..8, 1, 2, 4, 1, &mut row).unwrap();
        assert_eq!(
            row.alleles,
            [[0, 1], [1, ABSENT], [MISSING, MISSING], [1, 1]]
        );
        assert_eq!(row.phased, [false, false, false, true]);
        assert_eq!(
            decode_typed(&bytes, 0..8, 1, 2, 3, 1, &mut row),
            Err(GenotypeError::Layout)
        );
        assert_eq!(
            decode_typed(&[2, 6], 0..2, 1, 2, 1, 1, &mut row),
            Err(GenotypeError::NoSuchAllele(1))
        );
    }
}
