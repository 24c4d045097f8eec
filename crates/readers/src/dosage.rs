//! Dosages that a record states: copies of each alternate allele by FORMAT DS or GP.
//!
//! DS (Number=A) gives the copies of each alternate allele; GP (Number=G) the probability of each
//! genotype in the order of the VCF specification (section 1.6.2), from which the expected copies
//! follow. Both are defined there or, for DS, by what imputation servers write.

use memchr::{memchr, memchr_iter};
use varisk_core::{NO_DOSAGE, ONE_COPY, quantise_dosage};

use crate::Defect;
use crate::genotype::{MAX_ALLELE, diploid_code};

/// FORMAT field that dosages are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DosageField {
    /// `DS`: copies of each alternate allele, 0 to 2.
    Ds,
    /// `GP`: probabilities of the genotypes, 0 to 1.
    Gp,
}

impl DosageField {
    /// Its key in FORMAT.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ds => "DS",
            Self::Gp => "GP",
        }
    }
}

/// Most copies of an allele: what DS and GP are written for is haploid or diploid.
const MAX_COPIES: f64 = 2.0;

/// How far the probabilities of a sample may be from 1 together: 0.02, as three values of two decimals
/// differ by 0.015 at most, and the noise of 32-bit floats.
const MAX_SUM_ERROR: f64 = 0.020_001;

/// Dosages of one record, for each sample one for each alternate allele.
#[derive(Clone, Debug, Default)]
pub(crate) struct DosageRow {
    alternates: usize,
    copies: Vec<u32>,
}

impl DosageRow {
    /// Quantised copies of an alternate allele (0-based) in a sample.
    pub(crate) fn copies(&self, sample: usize, alternate: usize) -> u32 {
        let at = sample.saturating_mul(self.alternates) + alternate;
        let copies = self.copies.get(at).filter(|_| alternate < self.alternates);
        copies.copied().unwrap_or(NO_DOSAGE)
    }
}

/// What is wrong with the values of a sample.
enum Fault {
    NoNumber,
    Count { found: usize, expected: String },
    Range,
    Sum,
}

impl Fault {
    fn defect(&self, field: DosageField, sample: usize) -> Defect {
        let what = match self {
            Self::NoNumber => "holds something that is no number".to_owned(),
            Self::Count { found, expected } => {
                format!("has {found} values where {expected} are due")
            }
            Self::Range => "is not between 0 and 2 copies".to_owned(),
            Self::Sum => "is not a set of probabilities with the sum 1".to_owned(),
        };
        let (name, column) = (field.name(), sample + 1);
        Defect::new("dosage", format!("{name} in sample column {column} {what}"))
    }
}

/// Turns the values of a record's samples into dosages.
struct Decoder<'r> {
    field: DosageField,
    row: &'r mut DosageRow,
    /// Values of one sample, `None` for a missing one.
    values: Vec<Option<f64>>,
    /// Copies of each allele, the reference first.
    sums: Vec<f64>,
}

impl<'r> Decoder<'r> {
    fn try_new(
        field: DosageField,
        alternates: usize,
        row: &'r mut DosageRow,
    ) -> Result<Self, Defect> {
        if alternates > MAX_ALLELE as usize {
            let detail = format!("the record has more than {MAX_ALLELE} alternate alleles");
            return Err(Defect::new("dosage", detail));
        }
        row.alternates = alternates;
        row.copies.clear();
        Ok(Self {
            field,
            row,
            values: Vec::new(),
            sums: Vec::new(),
        })
    }

    /// Takes the values of the next sample.
    fn finish_sample(&mut self) -> Result<(), Fault> {
        let alternates = self.row.alternates;
        if self.values.iter().all(Option::is_none) {
            // One '.' stands for all values.
            if self.values.len() > 1 {
                self.check_count()?;
            }
            let all = std::iter::repeat_n(NO_DOSAGE, alternates);
            self.row.copies.extend(all);
            return Ok(());
        }
        self.check_count()?;
        match self.field {
            DosageField::Ds => {
                for value in &self.values {
                    let copies = value.map_or(Ok(NO_DOSAGE), quantised)?;
                    self.row.copies.push(copies);
                }
                Ok(())
            }
            DosageField::Gp => self.expected_copies(),
        }
    }

    fn check_count(&self) -> Result<(), Fault> {
        let (alternates, found) = (self.row.alternates, self.values.len());
        let is_right = match self.field {
            DosageField::Ds => found == alternates,
            DosageField::Gp => found == haploid(alternates) || found == diploid(alternates),
        };
        if is_right {
            return Ok(());
        }
        let expected = match self.field {
            DosageField::Ds => alternates.to_string(),
            DosageField::Gp => format!("{} or {}", diploid(alternates), haploid(alternates)),
        };
        Err(Fault::Count { found, expected })
    }

    /// Copies as they are expected from genotype probabilities.
    fn expected_copies(&mut self) -> Result<(), Fault> {
        let alternates = self.row.alternates;
        let mut total = 0.0;
        for value in &self.values {
            let Some(probability) = value else {
                // Without one of them the others say nothing.
                let all = std::iter::repeat_n(NO_DOSAGE, alternates);
                self.row.copies.extend(all);
                return Ok(());
            };
            if *probability < 0.0 {
                return Err(Fault::Sum);
            }
            total += probability;
        }
        // Also not so where one is no number.
        if !is_certain(total) {
            return Err(Fault::Sum);
        }
        self.sums.clear();
        self.sums.resize(alternates + 1, 0.0);
        let most = if self.values.len() == haploid(alternates) {
            for (sum, probability) in self.sums.iter_mut().zip(self.values.iter().flatten()) {
                *sum += probability;
            }
            1.0
        } else {
            let pairs = (0..=alternates).flat_map(|b| (0..=b).map(move |a| (a, b)));
            for ((a, b), probability) in pairs.zip(self.values.iter().flatten()) {
                self.sums[a] += probability;
                self.sums[b] += probability;
            }
            MAX_COPIES
        };
        for sum in &self.sums[1..] {
            // Rounded probabilities may add up to a little more than all copies.
            self.row.copies.push(quantised(sum.min(most))?);
        }
        Ok(())
    }
}

/// Values of GP for one haplotype.
fn haploid(alternates: usize) -> usize {
    alternates + 1
}

/// Values of GP for two haplotypes.
fn diploid(alternates: usize) -> usize {
    (alternates + 1) * (alternates + 2) / 2
}

/// Whether probabilities with this sum are those of all genotypes.
fn is_certain(total: f64) -> bool {
    (1.0 - MAX_SUM_ERROR..=1.0 + MAX_SUM_ERROR).contains(&total)
}

fn quantised(copies: f64) -> Result<u32, Fault> {
    quantise_dosage(copies)
        .filter(|_| copies <= MAX_COPIES)
        .ok_or(Fault::Range)
}

/// Decodes the field at a place of FORMAT (from 0) from the sample text of a VCF record.
pub(crate) fn decode_text(
    text: &[u8],
    place: usize,
    field: DosageField,
    alternates: usize,
    row: &mut DosageRow,
) -> Result<(), Defect> {
    let mut decoder = Decoder::try_new(field, alternates, row)?;
    let mut rest = Some(text);
    let mut sample = 0;
    while let Some(line) = rest {
        let (entry, after) = match memchr(b'\t', line) {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        };
        rest = after;
        // Trailing fields may be left out.
        let value = entry.split(|b| *b == b':').nth(place).unwrap_or(b".");
        decoder.values.clear();
        let read = value.split(|b| *b == b',').try_for_each(|number| {
            decoder.values.push(parse(number)?);
            Ok(())
        });
        read.and_then(|()| decoder.finish_sample())
            .map_err(|fault| fault.defect(field, sample))?;
        sample += 1;
    }
    Ok(())
}

/// A number as VCF writes it; `None` for a missing one.
fn parse(text: &[u8]) -> Result<Option<f64>, Fault> {
    if text == b"." {
        return Ok(None);
    }
    if let Some((number, _)) = plain_decimal(text).filter(|(_, used)| *used == text.len()) {
        return Ok(Some(number));
    }
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or(Fault::NoNumber)
}

/// Decodes the numbers of each sample of a BCF record, which `numbers` appends to a list.
pub(crate) fn decode_numbers(
    samples: usize,
    mut numbers: impl FnMut(usize, &mut Vec<Option<f64>>) -> Option<()>,
    field: DosageField,
    alternates: usize,
    row: &mut DosageRow,
) -> Result<(), Defect> {
    let mut decoder = Decoder::try_new(field, alternates, row)?;
    for sample in 0..samples {
        decoder.values.clear();
        numbers(sample, &mut decoder.values)
            .ok_or(Fault::NoNumber)
            .and_then(|()| decoder.finish_sample())
            .map_err(|fault| fault.defect(field, sample))?;
    }
    Ok(())
}

/// Decodes diploid, biallelic text whose FORMAT begins with GT and the field straight into codes and
/// dosages; `fields` is how many fields FORMAT names. Returns `false`, with both in an unspecified
/// state, where the text is anything but plain; the general decoders then take it.
#[must_use]
pub(crate) fn decode_biallelic_with_dosage(
    text: &[u8],
    fields: usize,
    field: DosageField,
    codes: &mut [u8],
    copies: &mut [u32],
) -> bool {
    let Some(last) = codes.len().checked_sub(1) else {
        return false;
    };
    let mut bad = 0;
    let mut rest = text;
    for (sample, (code, copies)) in codes.iter_mut().zip(copies).enumerate() {
        let [first, separator, second, b':', tail @ ..] = rest else {
            return false;
        };
        *code = diploid_code(*first, *separator, *second, &mut bad);
        let mut tail = match tail {
            [b'.', after @ ..] => {
                *copies = NO_DOSAGE;
                after
            }
            _ => {
                let plain = match field {
                    DosageField::Ds => plain_copies(tail),
                    DosageField::Gp => plain_probabilities(tail),
                };
                let Some((value, used)) = plain else {
                    return false;
                };
                *copies = value;
                &tail[used..]
            }
        };
        if tail.first() == Some(&b':') {
            let end = memchr(b'\t', tail).unwrap_or(tail.len());
            if 2 + memchr_iter(b':', &tail[..end]).count() > fields {
                return false;
            }
            tail = &tail[end..];
        }
        rest = match tail {
            [b'\t', after @ ..] if sample < last => after,
            [] if sample == last => tail,
            _ => return false,
        };
    }
    bad == 0
}

/// Digits that are read without detour: so many fit a 32-bit number.
const MAX_DIGITS: usize = 9;
/// Most of them behind the point: so that no value is so close to the middle of two dosages that it
/// matters how the quotient was rounded.
const MAX_DECIMALS: usize = 7;
const POWERS: [f64; MAX_DECIMALS + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];

/// Copies written as a plain decimal at the front of a text, quantised as [`quantise_dosage`] does,
/// and how many letters they are. `None` for any other text and for more than two copies.
fn plain_copies(text: &[u8]) -> Option<(u32, usize)> {
    let (copies, used) = plain_decimal(text)?;
    (copies <= MAX_COPIES).then(|| (rounded(copies), used))
}

/// As [`plain_copies`], from the probabilities of the three genotypes.
fn plain_probabilities(text: &[u8]) -> Option<(u32, usize)> {
    let (none, mut used) = plain_decimal(text)?;
    let mut next = || {
        let rest = text.get(used..)?.strip_prefix(b",")?;
        let (probability, more) = plain_decimal(rest)?;
        used += 1 + more;
        Some(probability)
    };
    let (one, two) = (next()?, next()?);
    if !is_certain(none + one + two) {
        return None;
    }
    Some((rounded((one + two + two).min(MAX_COPIES)), used))
}

/// Copies between 0 and 2, quantised without the call of a rounding function.
fn rounded(copies: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and two copies"
    )]
    let quantised = (copies * f64::from(ONE_COPY) + 0.5) as u32;
    quantised
}

/// A plain decimal up to the end of its field, and how many letters it is. It is the nearest number
/// of 64 bits, as other ways of reading it give: both parts of the quotient are exact.
fn plain_decimal(text: &[u8]) -> Option<(f64, usize)> {
    let mut value = 0u32;
    let mut at = 0;
    let mut digits = 0;
    let mut point = None;
    loop {
        match text.get(at) {
            Some(digit @ b'0'..=b'9') if digits < MAX_DIGITS => {
                value = value * 10 + u32::from(digit - b'0');
                digits += 1;
            }
            Some(b'.') if point.is_none() && at > 0 => point = Some(at + 1),
            Some(b'\t' | b':' | b',') | None if digits > 0 => break,
            _ => return None,
        }
        at += 1;
    }
    let decimals = point.map_or(0, |point| at - point);
    Some((f64::from(value) / POWERS.get(decimals)?, at))
}

#[cfg(test)]
mod tests;
