//! A BCF record as a line of VCF.

use super::typed::{Cursor, Kind, Value};
use super::{FIXED, LENGTH_WORDS, placement, uint32};
use crate::{Header, InfoNumber};

/// Appends the line (without line end); `None` where the record is damaged or names what the header
/// lacks, with `out` in an unspecified state.
pub(crate) fn to_line(bytes: &[u8], header: &Header, out: &mut Vec<u8>) -> Option<()> {
    let shared_end = LENGTH_WORDS.checked_add(usize::try_from(uint32(bytes, 0)?).ok()?)?;
    let (contig, position) = placement(bytes)?;
    let quality = uint32(bytes, LENGTH_WORDS + 12)?;
    let alleles_info = uint32(bytes, LENGTH_WORDS + 16)?;
    let format_samples = uint32(bytes, LENGTH_WORDS + 20)?;
    let (alleles, infos) = (alleles_info >> 16, alleles_info & 0xffff);
    let (formats, samples) = (format_samples >> 24, format_samples & 0x00ff_ffff);
    // A record that claims more samples than there are would write without end.
    let samples = usize::try_from(samples)
        .ok()
        .filter(|samples| *samples == header.samples.len())?;
    let mut line = Line { header, bytes, out };
    let mut cursor = Cursor {
        bytes: bytes.get(..shared_end)?,
        at: LENGTH_WORDS + FIXED,
    };

    let name = header.contig_dictionary.get(contig)?;
    line.push(name);
    line.column(&position.to_string());
    line.out.push(b'\t');
    line.text_or_missing(&cursor.value()?)?;
    line.out.push(b'\t');
    line.text_or_missing(&cursor.value()?)?;
    line.out.push(b'\t');
    if alleles <= 1 {
        line.out.push(b'.');
    }
    for i in 1..alleles {
        if i > 1 {
            line.out.push(b',');
        }
        line.text_or_missing(&cursor.value()?)?;
    }
    match f32::from_bits(quality) {
        _ if quality == MISSING_FLOAT => line.column("."),
        quality => line.column(&super::typed::float_text(quality)),
    }
    line.out.push(b'\t');
    let filters = cursor.value()?;
    for i in 0..filters.count {
        if i > 0 {
            line.out.push(b';');
        }
        line.key(filters.integer(bytes, i)??)?;
    }
    if filters.count == 0 {
        line.out.push(b'.');
    }
    line.out.push(b'\t');
    for i in 0..infos {
        if i > 0 {
            line.out.push(b';');
        }
        let key = cursor.value()?.integer(bytes, 0)??;
        line.info(key, &cursor.value()?)?;
    }
    if infos == 0 {
        line.out.push(b'.');
    }
    (cursor.at == shared_end).then_some(())?;
    let cursor = Cursor {
        bytes,
        at: shared_end,
    };
    line.samples(cursor, formats, samples)
}

/// The float that stands for "missing".
const MISSING_FLOAT: u32 = 0x7f80_0001;

struct Line<'a> {
    header: &'a Header,
    bytes: &'a [u8],
    out: &'a mut Vec<u8>,
}

/// Values of one FORMAT field of all samples.
struct Field {
    is_genotype: bool,
    kind: Kind,
    per_sample: usize,
    start: usize,
}

impl Line<'_> {
    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn column(&mut self, text: &str) {
        self.out.push(b'\t');
        self.push(text);
    }

    fn name(&self, key: i32) -> Option<&str> {
        let name = self.header.strings.get(usize::try_from(key).ok()?)?;
        Some(name.as_str()).filter(|name| !name.is_empty())
    }

    fn key(&mut self, key: i32) -> Option<()> {
        let name = self.name(key)?.to_owned();
        self.push(&name);
        Some(())
    }

    /// A vector as text, `.` where it has nothing.
    fn text_or_missing(&mut self, value: &Value) -> Option<()> {
        let mut text = String::new();
        value.render(self.bytes, &mut text)?;
        self.push(if text.is_empty() { "." } else { &text });
        Some(())
    }

    fn info(&mut self, key: i32, value: &Value) -> Option<()> {
        let name = self.name(key)?;
        let definition = self.header.info.get(name);
        let is_flag = definition.is_some_and(|info| info.number == InfoNumber::Flag);
        self.key(key)?;
        if is_flag {
            return Some(());
        }
        self.out.push(b'=');
        self.text_or_missing(value)
    }

    fn samples(&mut self, mut cursor: Cursor<'_>, formats: u32, samples: usize) -> Option<()> {
        let mut fields = Vec::new();
        for i in 0..formats {
            let key = cursor.value()?.integer(self.bytes, 0)??;
            let (kind, per_sample) = cursor.descriptor()?;
            let length = kind.width().checked_mul(per_sample)?.checked_mul(samples)?;
            self.out.push(if i == 0 { b'\t' } else { b':' });
            self.key(key)?;
            fields.push(Field {
                is_genotype: self.name(key)? == "GT",
                kind,
                per_sample,
                start: cursor.skip(length)?.start,
            });
        }
        (cursor.at == self.bytes.len()).then_some(())?;
        if fields.is_empty() {
            // Samples without any field still have their columns.
            if samples > 0 {
                self.column(".");
            }
            (0..samples).for_each(|_| self.column("."));
            return Some(());
        }
        for sample in 0..samples {
            for (i, field) in fields.iter().enumerate() {
                self.out.push(if i == 0 { b'\t' } else { b':' });
                let length = field.kind.width().checked_mul(field.per_sample)?;
                let start = field.start.checked_add(length.checked_mul(sample)?)?;
                let value = Value {
                    kind: field.kind,
                    count: field.per_sample,
                    range: start..start.checked_add(length)?,
                };
                if field.is_genotype && field.kind != Kind::Text {
                    self.genotype(&value)?;
                } else {
                    self.text_or_missing(&value)?;
                }
            }
        }
        Some(())
    }

    /// Alleles as `(allele + 1) << 1 | phased`, 0 for one that is not called.
    fn genotype(&mut self, value: &Value) -> Option<()> {
        let before = self.out.len();
        for i in 0..value.count {
            let Some(allele) = value.allele(self.bytes, i)? else {
                break;
            };
            if i > 0 {
                self.out.push(if allele & 1 == 1 { b'|' } else { b'/' });
            }
            match (allele >> 1).checked_sub(1) {
                Some(index) if index >= 0 => self.push(&index.to_string()),
                _ => self.out.push(b'.'),
            }
        }
        if self.out.len() == before {
            self.out.push(b'.');
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RecordFormat;
    use crate::evidence::record_span;
    use proptest::prelude::*;
    use varisk_core::Position;

    fn header() -> Header {
        Header::parse(
            b"##fileformat=VCFv4.3\n##contig=<ID=1,length=100>\n##FILTER=<ID=q10,Description=\"x\">\n\
              ##INFO=<ID=DB,Number=0,Type=Flag,Description=\"x\">\n##INFO=<ID=AF,Number=A,Type=Float,Description=\"x\">\n\
              ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"x\">\n\
              #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n",
        )
        .unwrap()
    }

    /// `1 5 rs1 A C 1.5 q10 DB;AF=0.25 GT:DP 0|1:7 .:300`. Dictionary: PASS, q10, DB, AF, GT, DP.
    fn record() -> Vec<u8> {
        let mut shared = Vec::new();
        for word in [0i32, 4, 1] {
            shared.extend(word.to_le_bytes());
        }
        shared.extend(1.5f32.to_le_bytes());
        shared.extend((2u32 << 16 | 2).to_le_bytes());
        shared.extend((2u32 << 24 | 2).to_le_bytes());
        shared.extend(b"\x37rs1\x17A\x17C\x11\x01\x11\x02\x00\x11\x03\x15");
        shared.extend(0.25f32.to_le_bytes());
        let own = [
            &[0x11, 4, 0x21, 2, 5, 0, 0x81][..],
            &[0x11, 5, 0x12, 7, 0, 44, 1],
        ]
        .concat();
        let mut bytes = (shared.len() as u32).to_le_bytes().to_vec();
        bytes.extend((own.len() as u32).to_le_bytes());
        bytes.extend(shared);
        bytes.extend(own);
        bytes
    }

    #[test]
    fn a_record_of_every_part() {
        let mut out = Vec::new();
        to_line(&record(), &header(), &mut out).unwrap();
        let expected = "1\t5\trs1\tA\tC\t1.5\tq10\tDB;AF=0.25\tGT:DP\t0|1:7\t.:300";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    proptest! {
        /// Whatever the bytes: no panic, and no more text than the bytes account for.
        #[test]
        fn damaged_records_are_survived(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(), is_cut in any::<bool>(),
        ) {
            let mut bytes = record();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if is_cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let mut out = Vec::new();
            let _ = to_line(&bytes, &header(), &mut out);
            prop_assert!(out.len() < 10_000);
            record_span(RecordFormat::Bcf, &bytes, Position(5));
        }
    }
}
