//! A line of VCF as BCF record: its site.

use memchr::{memchr, memchr_iter};

use super::dictionary::{Dictionary, FieldType};
use super::samples::Samples;
use super::typed::{self, MISSING_FLOAT, Numeric};
use super::{Column, Refusal, Unfit};

/// Length of the two length words before a record.
const LENGTH_WORDS: usize = 8;
/// Columns before the samples.
const SITE_COLUMNS: usize = 8;
/// Their texts.
type Site<'l> = [&'l [u8]; SITE_COLUMNS];

/// Makes records for the header of one file.
#[derive(Debug)]
pub(in crate::annotated) struct Encoder {
    dictionary: Dictionary,
    samples: Samples,
    /// The record last made.
    record: Vec<u8>,
    /// FILTER and INFO of the record being made: their number stands before them.
    fields: Vec<u8>,
    values: Vec<i32>,
}

impl Encoder {
    pub(in crate::annotated) fn new(dictionary: Dictionary) -> Self {
        Self {
            dictionary,
            samples: Samples::default(),
            record: Vec::new(),
            fields: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The record of a line (without line end).
    pub(in crate::annotated) fn encode(&mut self, line: &[u8]) -> Result<&[u8], Refusal> {
        if memchr(0, line).is_some() {
            return Err(Refusal::ZeroByte);
        }
        let (site, samples) = split(line)?;
        self.record.clear();
        self.record.extend_from_slice(&[0; LENGTH_WORDS]);
        self.site(&site)?;
        let shared = self.record.len() - LENGTH_WORDS;
        let formats = self
            .samples
            .encode(&self.dictionary, samples, &mut self.record)?;
        // Both fit: the dictionary has at most 2^24 - 1 samples, and there are at most 255 fields.
        let samples = u32::try_from(self.dictionary.samples).unwrap_or(0);
        self.put(
            LENGTH_WORDS + 20,
            (u32::from(formats) << 24 | samples).to_le_bytes(),
        );
        let own = self.record.len() - LENGTH_WORDS - shared;
        for (at, length) in [(0, shared), (4, own)] {
            let length = u32::try_from(length).map_err(|_| Refusal::TooMany { what: "bytes" })?;
            self.put(at, length.to_le_bytes());
        }
        Ok(&self.record)
    }

    /// Overwrites a word that was left open.
    fn put(&mut self, at: usize, word: [u8; 4]) {
        if let Some(place) = self.record.get_mut(at..at + 4) {
            place.copy_from_slice(&word);
        }
    }

    fn site(&mut self, columns: &Site<'_>) -> Result<(), Refusal> {
        let [
            contig,
            position,
            id,
            reference,
            alternates,
            quality,
            filter,
            info,
        ] = *columns;
        let contig = self
            .dictionary
            .contig(contig)
            .ok_or_else(|| Refusal::Contig {
                name: lossy(contig),
            })?;
        let position = typed::integer(position)
            .ok()
            .and_then(|position| position.checked_sub(1))
            .filter(|position| *position >= -1)
            .ok_or(Refusal::Fixed {
                column: "POS",
                problem: "is not an integer of at most 31 bits",
            })?;
        let quality = match quality {
            b"." => MISSING_FLOAT,
            text => typed::float(text)
                .map_err(|_| Refusal::Fixed {
                    column: "QUAL",
                    problem: "is not a number that a 32-bit float holds",
                })?
                .to_bits(),
        };
        self.fields.clear();
        self.filter(filter)?;
        let (infos, end) = self.info(info)?;
        let length = end
            .and_then(|end| end.checked_sub(position))
            .filter(|length| *length > 0)
            .map_or_else(|| i32::try_from(reference.len()), Ok)
            .map_err(|_| Refusal::TooMany { what: "bases" })?;
        let mut alleles = 1u16;
        if alternates != b"." {
            let commas = memchr_iter(b',', alternates).count();
            alleles =
                u16::try_from(commas + 2).map_err(|_| Refusal::TooMany { what: "alleles" })?;
        }

        for word in [contig, position, length] {
            self.record.extend_from_slice(&word.to_le_bytes());
        }
        self.record.extend_from_slice(&quality.to_le_bytes());
        let counts = u32::from(alleles) << 16 | u32::from(infos);
        self.record.extend_from_slice(&counts.to_le_bytes());
        self.record.extend_from_slice(&[0; 4]);
        let id = if id == b"." { &[][..] } else { id };
        typed::text(id, &mut self.record)?;
        self.allele("REF", reference)?;
        if alleles > 1 {
            for alternate in alternates.split(|b| *b == b',') {
                self.allele("ALT", alternate)?;
            }
        }
        self.record.extend_from_slice(&self.fields);
        Ok(())
    }

    fn allele(&mut self, column: &'static str, allele: &[u8]) -> Result<(), Refusal> {
        if allele.is_empty() {
            let problem = "has an empty allele";
            return Err(Refusal::Fixed { column, problem });
        }
        typed::text(allele, &mut self.record)
    }

    fn filter(&mut self, filter: &[u8]) -> Result<(), Refusal> {
        self.values.clear();
        if filter == b"." {
            self.fields.push(0);
            return Ok(());
        }
        for name in filter.split(|b| *b == b';') {
            let entry = self.dictionary.entry(name).filter(|entry| entry.is_filter);
            let entry = entry.ok_or_else(|| undefined(Column::Filter, name))?;
            self.values.push(entry.index);
        }
        Numeric::Integer.write(self.values.len(), &self.values, &mut self.fields)
    }

    /// The number of fields, and the last position of the record where END says it.
    fn info(&mut self, info: &[u8]) -> Result<(u16, Option<i32>), Refusal> {
        let (mut count, mut last) = (0u16, None);
        if info == b"." {
            return Ok((count, last));
        }
        for entry in info.split(|b| *b == b';').filter(|entry| !entry.is_empty()) {
            let (name, value) = match memchr(b'=', entry) {
                Some(at) => (&entry[..at], Some(&entry[at + 1..])),
                None => (entry, None),
            };
            let definition = self.dictionary.entry(name);
            let (index, kind) = definition
                .and_then(|entry| Some((entry.index, entry.info?)))
                .ok_or_else(|| undefined(Column::Info, name))?;
            count = count.checked_add(1).ok_or(Refusal::TooMany {
                what: "INFO fields",
            })?;
            typed::key(index, &mut self.fields)?;
            let numeric = match (kind, value) {
                (_, None) => {
                    self.fields.push(0);
                    continue;
                }
                // A flag with a value keeps it.
                (FieldType::Text | FieldType::Flag, Some(value)) => {
                    typed::text(value, &mut self.fields)?;
                    continue;
                }
                (FieldType::Integer, Some(_)) => Numeric::Integer,
                (FieldType::Float, Some(_)) => Numeric::Float,
            };
            self.values.clear();
            for text in value.unwrap_or_default().split(|b| *b == b',') {
                let parsed = numeric.parse(text);
                let value = parsed.map_err(|problem| unfit(Column::Info, name, problem))?;
                self.values.push(value);
            }
            if name == b"END" && numeric == Numeric::Integer {
                last = self.values.first().copied();
            }
            numeric.write(self.values.len(), &self.values, &mut self.fields)?;
        }
        Ok((count, last))
    }
}

/// The columns of the site, and what follows them.
fn split(line: &[u8]) -> Result<(Site<'_>, Option<&[u8]>), Refusal> {
    let mut columns = [&[][..]; SITE_COLUMNS];
    let mut rest = Some(line);
    for column in &mut columns {
        let left = rest.ok_or(Refusal::Fixed {
            column: "INFO",
            problem: "is not there: the record has fewer than eight columns",
        })?;
        match memchr(b'\t', left) {
            Some(tab) => (*column, rest) = (&left[..tab], Some(&left[tab + 1..])),
            None => (*column, rest) = (left, None),
        }
    }
    Ok((columns, rest))
}

pub(super) fn undefined(column: Column, name: &[u8]) -> Refusal {
    let name = lossy(name);
    Refusal::Undefined { column, name }
}

pub(super) fn unfit(column: Column, name: &[u8], problem: Unfit) -> Refusal {
    let name = lossy(name);
    Refusal::Value {
        column,
        name,
        problem,
    }
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
