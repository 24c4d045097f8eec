//! A BCF record taken apart (VCF specification, section 6).

mod text;
mod typed;

use crate::info_text::{InfoText, WantedText};
use crate::record::{
    Defect, FormatField, GenotypeBytes, ParsedRecord, WantedInfo, check_alternates,
    check_reference_text,
};
use crate::vcf::{check_count, given_twice};
use crate::{Header, InfoNumber};

pub(crate) use self::text::to_line;
use self::typed::{Cursor, Kind, Number, Value};

/// Length of the two length words before a record.
pub(crate) const LENGTH_WORDS: usize = 8;
/// Length of the fixed part of the shared block.
const FIXED: usize = 24;

/// Contig dictionary index and 1-based POS of a record (length words included), 0 for the telomere.
pub(crate) fn placement(record: &[u8]) -> Option<(usize, u32)> {
    let contig = usize::try_from(int32(record, LENGTH_WORDS)?).ok()?;
    let position = u32::try_from(int32(record, LENGTH_WORDS + 4)?.checked_add(1)?).ok()?;
    Some((contig, position))
}

/// Bases that the record says it spans (`rlen`): by END or by REF.
pub(crate) fn stated_length(record: &[u8]) -> Option<i32> {
    int32(record, LENGTH_WORDS + 8)
}

/// Number of letters of REF.
pub(crate) fn reference_length(record: &[u8]) -> Option<usize> {
    let mut cursor = Cursor {
        bytes: record,
        at: LENGTH_WORDS + FIXED,
    };
    cursor.text()?;
    cursor.text().map(|range| range.len().max(1))
}

/// ALT of a record with at most one alternate allele; empty where it has none.
pub(crate) fn only_alternate(record: &[u8]) -> Option<&[u8]> {
    let alleles = uint32(record, LENGTH_WORDS + 16)? >> 16;
    let mut cursor = Cursor {
        bytes: record,
        at: LENGTH_WORDS + FIXED,
    };
    cursor.text()?;
    cursor.text()?;
    match alleles {
        1 => Some(&[]),
        2 => cursor.text().and_then(|range| record.get(range)),
        _ => None,
    }
}

/// Asks for each allele of a record, REF as number 0, until one answers no; `None` then, and where
/// the record is damaged.
pub(crate) fn all_alleles(record: &[u8], mut ask: impl FnMut(u32, &[u8]) -> bool) -> Option<()> {
    let alleles = uint32(record, LENGTH_WORDS + 16)? >> 16;
    let mut cursor = Cursor {
        bytes: record,
        at: LENGTH_WORDS + FIXED,
    };
    cursor.text()?;
    for place in 0..alleles {
        let allele = cursor.text().and_then(|range| record.get(range))?;
        if !ask(place, allele) {
            return None;
        }
    }
    Some(())
}

/// The first value of a FORMAT field for each sample, as number.
pub(crate) fn first_numbers(bytes: &[u8], field: &FormatField, samples: usize) -> Vec<Option<f32>> {
    let Some(kind) = Kind::of(field.kind) else {
        return Vec::new();
    };
    let value = Value {
        kind,
        count: field.per_sample.saturating_mul(samples),
        range: field.values.clone(),
    };
    (0..samples)
        .map(|sample| {
            if field.per_sample == 0 {
                return None;
            }
            match value.number(bytes, sample.checked_mul(field.per_sample)?)? {
                Number::Value(number) => Some(number),
                Number::Missing | Number::End => None,
            }
        })
        .collect()
}

/// Appends the numbers of a FORMAT field of one sample, `None` for a missing one; the whole is `None`
/// where they are no numbers.
pub(crate) fn sample_numbers(
    bytes: &[u8],
    field: &FormatField,
    sample: usize,
    out: &mut Vec<Option<f64>>,
) -> Option<()> {
    let first = sample.checked_mul(field.per_sample)?;
    let end = first.checked_add(field.per_sample)?;
    let value = Value {
        kind: Kind::of(field.kind)?,
        count: end,
        range: field.values.clone(),
    };
    for at in first..end {
        match value.number(bytes, at)? {
            Number::End => break,
            Number::Missing => out.push(None),
            Number::Value(number) => out.push(Some(f64::from(number))),
        }
    }
    Some(())
}

fn int32(bytes: &[u8], at: usize) -> Option<i32> {
    let raw: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(i32::from_le_bytes(raw))
}

fn uint32(bytes: &[u8], at: usize) -> Option<u32> {
    int32(bytes, at).map(i32::cast_unsigned)
}

/// Parses a record (length words included) after its placement.
pub(crate) fn parse(
    bytes: &[u8],
    header: &Header,
    genotype_key: Option<usize>,
    wanted: &[WantedInfo],
    texts: &[WantedText],
    record: &mut ParsedRecord,
) -> Result<(), Defect> {
    record.clear(wanted.len(), texts.len());
    parse_parts(bytes, header, genotype_key, wanted, texts, record)
        .unwrap_or_else(|| Err(Defect::new("layout", "the binary record is damaged")))
}

/// `None` where the bytes end early or a length is impossible.
fn parse_parts(
    bytes: &[u8],
    header: &Header,
    genotype_key: Option<usize>,
    wanted: &[WantedInfo],
    texts: &[WantedText],
    record: &mut ParsedRecord,
) -> Option<Result<(), Defect>> {
    let shared = usize::try_from(uint32(bytes, 0)?).ok()?;
    let shared_end = LENGTH_WORDS.checked_add(shared)?;
    if shared < FIXED || shared_end > bytes.len() {
        return None;
    }
    let quality = uint32(bytes, LENGTH_WORDS + 12)?;
    let alleles_info = uint32(bytes, LENGTH_WORDS + 16)?;
    let format_samples = uint32(bytes, LENGTH_WORDS + 20)?;
    let (alleles, infos) = (alleles_info >> 16, alleles_info & 0xffff);
    let (formats, samples) = (format_samples >> 24, format_samples & 0x00ff_ffff);
    // 0x7f800001 is the missing float.
    record.quality = Some(f32::from_bits(quality)).filter(|value| value.is_finite());

    let mut cursor = Cursor {
        bytes: bytes.get(..shared_end)?,
        at: LENGTH_WORDS + FIXED,
    };
    let id = cursor.text()?;
    record.id = (!id.is_empty() && bytes.get(id.clone())? != b".").then_some(id);
    record.reference = cursor.text()?;
    for _ in 1..alleles {
        record.alternates.push(cursor.text()?);
    }
    let reference = bytes.get(record.reference.clone())?;
    if let Err(defect) = check_reference_text(reference) {
        return Some(Err(defect));
    }
    if let Err(defect) = check_alternates(bytes, &record.alternates) {
        return Some(Err(defect));
    }
    let alternates = match record.alternates.as_slice() {
        [only] if bytes[only.clone()] == *b"." => 0,
        all => all.len(),
    };

    let filters = cursor.value()?;
    for i in 0..filters.count {
        let name = header
            .strings
            .get(usize::try_from(filters.integer(bytes, i)??).ok()?)
            .filter(|name| !name.is_empty())?;
        if i > 0 {
            record.filter.push(';');
        }
        record.filter.push_str(name);
    }
    let mut seen = Vec::new();
    for _ in 0..infos {
        let key = usize::try_from(cursor.value()?.integer(bytes, 0)??).ok()?;
        let value = cursor.value()?;
        let text = texts
            .iter()
            .zip(&mut record.texts)
            .find(|(field, _)| field.dictionary_index == Some(key));
        if let Some((field, out)) = text
            && let Err(defect) = text_value(bytes, &value, field, alternates, out)?
        {
            return Some(Err(defect));
        }
        let Some((field, out)) = wanted
            .iter()
            .zip(&mut record.info)
            .find(|(field, _)| field.dictionary_index == Some(key))
        else {
            continue;
        };
        if seen.contains(&key) {
            return Some(Err(given_twice(&field.name)));
        }
        seen.push(key);
        if let Err(defect) = numbers(bytes, &value, field, alternates, out)? {
            return Some(Err(defect));
        }
    }
    if cursor.at != shared_end {
        return None;
    }

    if usize::try_from(samples).ok()? != header.samples.len() {
        return Some(Err(Defect::new(
            "columns",
            format!(
                "the record has {samples} samples where the header has {}",
                header.samples.len()
            ),
        )));
    }
    let samples = header.samples.len();
    let mut cursor = Cursor {
        bytes,
        at: shared_end,
    };
    for _ in 0..formats {
        let key = usize::try_from(cursor.value()?.integer(bytes, 0)??).ok()?;
        let (kind, per_sample) = cursor.descriptor()?;
        let width = kind.width();
        let length = width.checked_mul(per_sample)?.checked_mul(samples)?;
        let values = cursor.skip(length)?;
        let field = FormatField {
            kind: kind.byte(),
            per_sample,
            values: values.clone(),
        };
        record.format_fields.push((key, field));
        if Some(key) == genotype_key {
            let is_integer = matches!(kind, Kind::Int8 | Kind::Int16 | Kind::Int32);
            if !is_integer || record.genotypes != GenotypeBytes::None {
                return Some(Err(Defect::new(
                    "format",
                    "GT stands there twice or is not typed as genotypes",
                )));
            }
            record.genotypes = GenotypeBytes::Typed {
                width,
                per_sample,
                values,
            };
        }
    }
    (cursor.at == bytes.len()).then_some(Ok(()))
}

/// An INFO field as VCF text; `None` where the vector is damaged.
fn text_value(
    bytes: &[u8],
    value: &Value,
    field: &WantedText,
    alternates: usize,
    out: &mut InfoText,
) -> Option<Result<(), Defect>> {
    if out.is_present() {
        return Some(Err(given_twice(&field.name)));
    }
    // The presence of a flag is its value, whatever the writer put there.
    if field.number == InfoNumber::Flag {
        out.set("1");
        return Some(Ok(()));
    }
    value.render(bytes, out.start())?;
    Some(field.check(out, alternates))
}

fn numbers(
    bytes: &[u8],
    value: &Value,
    field: &WantedInfo,
    alternates: usize,
    out: &mut Vec<Option<f32>>,
) -> Option<Result<(), Defect>> {
    // The presence of a flag is its value, whatever the writer put there.
    if field.number == InfoNumber::Flag {
        out.push(Some(1.0));
        return Some(Ok(()));
    }
    match value.kind {
        Kind::Missing => return Some(Ok(())),
        Kind::Text => return Some(Err(crate::vcf::not_a_number(&field.name))),
        _ => {}
    }
    for i in 0..value.count {
        match value.number(bytes, i)? {
            Number::End => break,
            Number::Missing => out.push(None),
            Number::Value(number) => out.push(Some(number).filter(|number| number.is_finite())),
        }
    }
    if out.iter().all(Option::is_none) {
        out.clear();
        return Some(Ok(()));
    }
    Some(check_count(field, out.len(), alternates))
}
