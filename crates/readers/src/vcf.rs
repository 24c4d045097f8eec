//! A line of VCF taken apart.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use crate::InfoNumber;
use crate::genotype::{GenotypeError, GenotypePlace};
use crate::info_text::{InfoText, WantedText};
use crate::record::{
    Defect, GenotypeBytes, ParsedRecord, WantedInfo, check_alternates, check_reference_text,
    parse_float,
};

/// Parses the columns of a line (without its line end) after CHROM and POS.
///
/// `samples` is the number of sample columns of the header.
///
/// # Errors
/// The record is not what VCF allows; it can be set aside.
pub fn parse_line(
    line: &[u8],
    samples: usize,
    wanted: &[WantedInfo],
    record: &mut ParsedRecord,
) -> Result<(), Defect> {
    parse(line, samples, wanted, &[], record)
}

/// As [`parse_line`], with fields that are wanted as text.
pub(crate) fn parse(
    line: &[u8],
    samples: usize,
    wanted: &[WantedInfo],
    texts: &[WantedText],
    record: &mut ParsedRecord,
) -> Result<(), Defect> {
    record.clear(wanted.len(), texts.len());
    let mut columns = Columns {
        line,
        next: Some(0),
    };
    columns.next();
    columns.next();
    let mut column = |name: &str| {
        columns
            .next()
            .filter(|range| !range.is_empty())
            .ok_or_else(|| Defect::new("columns", format!("the column {name} is missing or empty")))
    };
    let id = column("ID")?;
    record.reference = column("REF")?;
    let alternates = column("ALT")?;
    let quality = column("QUAL")?;
    let filter = column("FILTER")?;
    let info = column("INFO")?;

    check_id(&line[id.clone()])?;
    record.id = (line[id.clone()] != *b".").then_some(id);
    check_reference_text(&line[record.reference.clone()])?;
    split(line, alternates, b',', &mut record.alternates);
    check_alternates(line, &record.alternates)?;
    record.quality = parse_quality(&line[quality])?;
    parse_filter(&line[filter], &mut record.filter)?;
    check_info(&line[info.clone()])?;
    let alternates = alternate_alleles(line, record);
    parse_info(&line[info.clone()], wanted, alternates, &mut record.info)?;
    parse_texts(&line[info], texts, alternates, &mut record.texts)?;

    let format = columns.next();
    match (format, samples) {
        (None, 0) => Ok(()),
        (None, _) => Err(Defect::new(
            "columns",
            format!("the header has {samples} samples but the record has none"),
        )),
        (Some(format), _) => {
            let start = columns
                .next
                .ok_or_else(|| Defect::new("columns", "the record has FORMAT but no sample"));
            let start = if samples == 0 && start.is_err() {
                line.len()
            } else {
                start?
            };
            if samples == 0 && start < line.len() {
                return Err(Defect::new(
                    "columns",
                    "the record has sample columns that the header lacks",
                ));
            }
            record.format = format.clone();
            record.genotypes = genotype_text(line, format, start, samples)?;
            Ok(())
        }
    }
}

/// REF and the whole ALT of a line; `None` where the line ends before.
pub(crate) fn allele_columns(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut columns = Columns {
        line,
        next: Some(0),
    };
    let reference = columns.nth(3)?;
    let alternates = columns.next()?;
    columns.next?;
    Some((line.get(reference)?, line.get(alternates)?))
}

/// Alternate alleles that the INFO counts go by: `.` is none.
fn alternate_alleles(line: &[u8], record: &ParsedRecord) -> usize {
    match record.alternates.as_slice() {
        [only] if line[only.clone()] == *b"." => 0,
        all => all.len(),
    }
}

fn genotype_text(
    line: &[u8],
    format: Range<usize>,
    start: usize,
    samples: usize,
) -> Result<GenotypeBytes, Defect> {
    let keys = &line[format];
    let mut seen: Vec<&[u8]> = Vec::with_capacity(8);
    for key in keys.split(|b| *b == b':') {
        if key.is_empty()
            || key
                .iter()
                .any(|b| !(b.is_ascii_alphanumeric() || b"_.".contains(b)))
        {
            return Err(Defect::new(
                "format",
                "FORMAT holds an empty or malformed key",
            ));
        }
        if seen.contains(&key) {
            return Err(Defect::new("format", "FORMAT holds a key twice"));
        }
        seen.push(key);
    }
    let field = seen.iter().position(|key| *key == b"GT");
    // VCF wants GT first; files where it is not are read, since nothing is ambiguous.
    if let Some(field) = field {
        return Ok(GenotypeBytes::Text {
            samples: start..line.len(),
            place: GenotypePlace {
                field,
                fields: seen.len(),
            },
        });
    }
    // Where there are genotypes, decoding them counts the columns.
    let found = memchr_iter(b'\t', &line[start..]).count() + usize::from(samples > 0);
    if found != samples {
        return Err(GenotypeError::Samples {
            expected: samples,
            found,
        }
        .into());
    }
    Ok(GenotypeBytes::None)
}

/// The first value of a FORMAT field for each sample, as number; empty where FORMAT lacks it.
pub(crate) fn first_numbers(format: &[u8], samples: &[u8], field: &str) -> Vec<Option<f32>> {
    let mut keys = format.split(|b| *b == b':');
    let Some(place) = keys.position(|key| key == field.as_bytes()) else {
        return Vec::new();
    };
    let first = |sample: &[u8]| {
        let values = sample.split(|b| *b == b':').nth(place)?;
        parse_float(values.split(|b| *b == b',').next()?)
    };
    samples.split(|b| *b == b'\t').map(first).collect()
}

fn check_id(id: &[u8]) -> Result<(), Defect> {
    if id.iter().any(u8::is_ascii_whitespace) {
        return Err(Defect::new("id", "ID holds white space"));
    }
    // A name twice is harmless, and merged panels have it.
    if id.split(|b| *b == b';').any(<[u8]>::is_empty) {
        return Err(Defect::new("id", "ID holds an empty name"));
    }
    Ok(())
}

fn parse_quality(text: &[u8]) -> Result<Option<f32>, Defect> {
    if text == b"." {
        return Ok(None);
    }
    let value = parse_float(text).ok_or_else(|| Defect::new("qual", "QUAL is not a number"))?;
    Ok(Some(value).filter(|value| value.is_finite()))
}

fn parse_filter(text: &[u8], filter: &mut String) -> Result<(), Defect> {
    if text == b"." {
        return Ok(());
    }
    let text =
        std::str::from_utf8(text).map_err(|_| Defect::new("filter", "FILTER is not UTF-8 text"))?;
    if text.split(';').any(|name| {
        name.is_empty() || name == "0" || name == "." || name.contains(char::is_whitespace)
    }) {
        return Err(Defect::new(
            "filter",
            "FILTER holds an empty or reserved name",
        ));
    }
    // PASS beside the name of a filter is odd but harmless: the text is kept as it is, and only PASS
    // alone counts as passed.
    let names: Vec<&str> = text.split(';').collect();
    let repeated = |(i, name): (usize, &&str)| names[..i].contains(name);
    if names.iter().enumerate().any(repeated) {
        return Err(Defect::new("filter", "FILTER holds a name twice"));
    }
    filter.push_str(text);
    Ok(())
}

fn check_info(info: &[u8]) -> Result<(), Defect> {
    if info == b"." {
        return Ok(());
    }
    for entry in info.split(|b| *b == b';') {
        let key = entry.split(|b| *b == b'=').next().unwrap_or_default();
        // A trailing semicolon is common and harmless.
        if key.is_empty() && !entry.is_empty() {
            return Err(Defect::new("info", "INFO holds a value without a key"));
        }
        if key
            .iter()
            .any(|b| b.is_ascii_whitespace() || b",:".contains(b))
        {
            return Err(Defect::new("info", "INFO holds a malformed key"));
        }
        if entry.contains(&b'\t') || entry.contains(&b' ') && key.len() == entry.len() {
            return Err(Defect::new("info", "INFO holds white space"));
        }
    }
    Ok(())
}

/// The entry of a field: its value, if it has one.
fn find_entry<'i>(info: &'i [u8], name: &str) -> Result<Option<Option<&'i [u8]>>, Defect> {
    let mut entries = info.split(|b| *b == b';').filter_map(|entry| {
        match entry.strip_prefix(name.as_bytes())? {
            b"" => Some(None),
            [b'=', value @ ..] => Some(Some(value)),
            _ => None,
        }
    });
    let entry = entries.next();
    if entries.next().is_some() {
        return Err(given_twice(name));
    }
    Ok(entry)
}

fn parse_texts(
    info: &[u8],
    wanted: &[WantedText],
    alternates: usize,
    out: &mut [InfoText],
) -> Result<(), Defect> {
    for (field, out) in wanted.iter().zip(out) {
        match find_entry(info, &field.name)? {
            None => {}
            Some(None | Some(b"1")) if field.number == InfoNumber::Flag => out.set("1"),
            // A flag that is written with a value says so itself.
            Some(Some(b"0" | b".")) if field.number == InfoNumber::Flag => {}
            Some(Some(_)) if field.number == InfoNumber::Flag => {
                return Err(flag_with_value(&field.name));
            }
            Some(None) => return Err(without_value(&field.name)),
            Some(Some(text)) => {
                let text = std::str::from_utf8(text).map_err(|_| {
                    let detail = format!("INFO field {} is not UTF-8 text", field.name);
                    Defect::new("info", detail)
                })?;
                out.set(text);
                field.check(out, alternates)?;
            }
        }
    }
    Ok(())
}

fn without_value(name: &str) -> Defect {
    Defect::new("info", format!("INFO field {name} has no value"))
}

fn flag_with_value(name: &str) -> Defect {
    let detail = format!("INFO field {name} is a flag but has a value");
    Defect::new("info", detail)
}

fn parse_info(
    info: &[u8],
    wanted: &[WantedInfo],
    alternates: usize,
    out: &mut [Vec<Option<f32>>],
) -> Result<(), Defect> {
    for (field, values) in wanted.iter().zip(out) {
        match find_entry(info, &field.name)? {
            None => {}
            Some(None) if field.number == InfoNumber::Flag => values.push(Some(1.0)),
            Some(None) => return Err(without_value(&field.name)),
            Some(Some(b".")) => {}
            // A flag that is written with a value says so itself.
            Some(Some(b"0")) if field.number == InfoNumber::Flag => values.push(Some(0.0)),
            Some(Some(b"1")) if field.number == InfoNumber::Flag => values.push(Some(1.0)),
            Some(Some(_)) if field.number == InfoNumber::Flag => {
                return Err(flag_with_value(&field.name));
            }
            Some(Some(text)) => {
                for value in text.split(|b| *b == b',') {
                    let number = if value == b"." {
                        None
                    } else {
                        Some(parse_float(value).ok_or_else(|| not_a_number(&field.name))?)
                    };
                    values.push(number.filter(|number| number.is_finite()));
                }
                check_count(field, values.len(), alternates)?;
            }
        }
    }
    Ok(())
}

pub(crate) fn not_a_number(name: &str) -> Defect {
    Defect::new("info", format!("INFO field {name} is not a number"))
}

pub(crate) fn given_twice(name: &str) -> Defect {
    Defect::new("info", format!("INFO field {name} stands there twice"))
}

/// Whether a field has as many values as its Number says. Where the Number does not say which value
/// belongs to which allele, there must be one value for all.
pub(crate) fn check_count(
    field: &WantedInfo,
    found: usize,
    alternates: usize,
) -> Result<(), Defect> {
    let expected = match field.number {
        // No allele to give a value to: what stands there is not read.
        InfoNumber::Alternate | InfoNumber::Allele if alternates == 0 => return Ok(()),
        InfoNumber::Alternate => alternates,
        InfoNumber::Allele => alternates + 1,
        InfoNumber::One | InfoNumber::Flag | InfoNumber::Other => 1,
    };
    if found == expected {
        return Ok(());
    }
    Err(wrong_count(&field.name, found, expected))
}

pub(crate) fn wrong_count(name: &str, found: usize, expected: usize) -> Defect {
    let detail = format!("INFO field {name} has {found} values where {expected} are due");
    Defect::new("info", detail)
}

fn split(line: &[u8], range: Range<usize>, separator: u8, out: &mut Vec<Range<usize>>) {
    let mut start = range.start;
    for at in memchr_iter(separator, &line[range.clone()]) {
        out.push(start..range.start + at);
        start = range.start + at + 1;
    }
    out.push(start..range.end);
}

/// Walks the tab-separated columns of a line.
struct Columns<'a> {
    line: &'a [u8],
    next: Option<usize>,
}

impl Iterator for Columns<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.next?;
        let end = memchr(b'\t', &self.line[start..]).map(|at| start + at);
        self.next = end.map(|end| end + 1);
        Some(start..end.unwrap_or(self.line.len()))
    }
}
