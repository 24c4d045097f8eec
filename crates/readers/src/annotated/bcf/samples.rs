//! A line of VCF as BCF record: its samples, field by field.

use memchr::{memchr_iter, memchr2, memchr2_iter};

use super::dictionary::{Dictionary, FieldType};
use super::record::{undefined, unfit};
use super::typed::{self, Numeric, TEXT};
use super::{Column, Refusal, Unfit};

/// What a sample has where its value was dropped or is not known.
const MISSING: &[u8] = b".";

/// Scratch space for the samples of one record.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// Start and end of each value in the columns, for each sample the fields in their order. Dropped
    /// values are empty.
    cells: Vec<(usize, usize)>,
    values: Vec<i32>,
}

/// The values of one field for all samples.
#[derive(Clone, Copy)]
struct Cells<'a> {
    columns: &'a [u8],
    cells: &'a [(usize, usize)],
    field: usize,
    fields: usize,
}

impl<'a> Cells<'a> {
    fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let of_field = self.cells.iter().skip(self.field).step_by(self.fields);
        of_field.map(move |(start, end)| match self.columns.get(*start..*end) {
            Some(text) if !text.is_empty() => text,
            _ => MISSING,
        })
    }

    /// The largest of what each sample needs, one at least.
    fn most(self, need: impl Fn(&[u8]) -> usize) -> usize {
        self.iter().map(need).max().unwrap_or(1).max(1)
    }
}

impl Samples {
    /// Appends the fields of FORMAT and the columns after it; their number.
    pub(super) fn encode(
        &mut self,
        dictionary: &Dictionary,
        columns: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<u8, Refusal> {
        let (format, columns) = match columns.map(|columns| memchr::memchr(b'\t', columns)) {
            None => (&[][..], None),
            Some(None) => (columns.unwrap_or_default(), None),
            Some(Some(tab)) => {
                let (format, rest) = columns.unwrap_or_default().split_at(tab);
                (format, rest.get(1..))
            }
        };
        let found = columns.map_or(0, |columns| memchr_iter(b'\t', columns).count() + 1);
        let expected = dictionary.samples;
        if found != expected {
            return Err(Refusal::Samples { found, expected });
        }
        let columns = columns.unwrap_or_default();
        if expected == 0 || format == MISSING {
            return Ok(0);
        }
        let names: Vec<&[u8]> = format.split(|b| *b == b':').collect();
        let fields = u8::try_from(names.len()).map_err(|_| Refusal::TooMany {
            what: "FORMAT fields",
        })?;
        self.find(columns, names.len())?;
        for (field, name) in names.iter().enumerate() {
            let (index, kind) = dictionary
                .entry(name)
                .and_then(|entry| Some((entry.index, entry.format?)))
                .ok_or_else(|| undefined(Column::Format, name))?;
            typed::key(index, out)?;
            let cells = Cells {
                columns,
                cells: &self.cells,
                field,
                fields: names.len(),
            };
            let refuse = |problem| unfit(Column::Format, name, problem);
            self.values.clear();
            let (numeric, count) = match kind {
                // Genotypes are numbers whatever the header says.
                _ if *name == b"GT" => {
                    let count = genotypes(cells, &mut self.values).map_err(refuse)?;
                    (Numeric::Integer, count)
                }
                FieldType::Text => {
                    texts(cells, out)?;
                    continue;
                }
                FieldType::Integer | FieldType::Float => {
                    let numeric = match kind {
                        FieldType::Float => Numeric::Float,
                        _ => Numeric::Integer,
                    };
                    let count = numbers(cells, numeric, &mut self.values).map_err(refuse)?;
                    (numeric, count)
                }
                FieldType::Flag => return Err(refuse(Unfit::Flag)),
            };
            numeric.write(count, &self.values, out)?;
        }
        Ok(fields)
    }

    /// Finds the values of each sample.
    fn find(&mut self, columns: &[u8], fields: usize) -> Result<(), Refusal> {
        self.cells.clear();
        let (mut start, mut sample) = (0, 0);
        let ends = memchr2_iter(b'\t', b':', columns).chain([columns.len()]);
        for end in ends {
            if self.cells.len() >= (sample + 1) * fields {
                return Err(Refusal::Surplus { column: sample + 1 });
            }
            self.cells.push((start, end));
            start = end + 1;
            if columns.get(end) != Some(&b':') {
                sample += 1;
                self.cells.resize(sample * fields, (0, 0));
            }
        }
        Ok(())
    }
}

/// Texts of one length, shorter ones filled up with zero bytes.
fn texts(cells: Cells<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let length = cells.most(<[u8]>::len);
    typed::descriptor(TEXT, length, out)?;
    for text in cells.iter() {
        let end = out.len() + length;
        out.extend_from_slice(text);
        out.resize(end, 0);
    }
    Ok(())
}

/// Vectors of one length, shorter ones filled up; the length.
fn numbers(cells: Cells<'_>, numeric: Numeric, values: &mut Vec<i32>) -> Result<usize, Unfit> {
    let count = cells.most(|text| memchr_iter(b',', text).count() + 1);
    for text in cells.iter() {
        let end = values.len() + count;
        for value in text.split(|b| *b == b',') {
            values.push(numeric.parse(value)?);
        }
        values.resize(end, numeric.end());
    }
    Ok(count)
}

/// Genotypes as `(allele + 1) << 1 | phased`, 0 for an allele that is not called, those of lower
/// ploidy filled up; the highest ploidy.
fn genotypes(cells: Cells<'_>, values: &mut Vec<i32>) -> Result<usize, Unfit> {
    let ploidy = cells.most(|text| memchr2_iter(b'/', b'|', leading(text).1).count() + 1);
    for text in cells.iter() {
        let end = values.len() + ploidy;
        let (mut phased, mut rest) = leading(text);
        loop {
            let separator = memchr2(b'/', b'|', rest);
            let allele = &rest[..separator.unwrap_or(rest.len())];
            values.push(haplotype(allele)? | i32::from(phased));
            let Some(at) = separator else {
                break;
            };
            phased = rest[at] == b'|';
            rest = &rest[at + 1..];
        }
        values.resize(end, Numeric::Integer.end());
    }
    Ok(ploidy)
}

/// Whether the first allele is said to be phased (a separator before it, VCF 4.4), and the rest.
fn leading(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'|', rest)) => (true, rest),
        Some((b'/', rest)) => (false, rest),
        _ => (false, text),
    }
}

/// An allele without its phase.
fn haplotype(allele: &[u8]) -> Result<i32, Unfit> {
    if allele == MISSING {
        return Ok(0);
    }
    if !allele.iter().all(u8::is_ascii_digit) {
        return Err(Unfit::Genotype);
    }
    let index = typed::integer(allele).map_err(|_| Unfit::Genotype)?;
    let stored = index.checked_add(1).and_then(|next| next.checked_mul(2));
    stored.ok_or(Unfit::Genotype)
}
