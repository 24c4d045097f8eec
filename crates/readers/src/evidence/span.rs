//! How far a record reaches, from its bytes alone: cheap enough for every record of a run.

use memchr::memchr;
use varisk_core::{AlleleClass, Position};

use crate::{RecordFormat, bcf};

/// INFO END, or the length that a BCF record states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeclaredEnd {
    /// None, or that of REF.
    None,
    /// A position at or behind POS, 1-based.
    At(Position),
    /// Before POS, or no position at all.
    Invalid,
}

/// Where a record reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordSpan {
    /// Last base of REF, 1-based.
    pub(crate) reference_end: Position,
    /// What the record says of its end.
    pub(crate) declared: DeclaredEnd,
    /// A reference block: the record names no alternate allele, and either says so of any allele
    /// (`<NON_REF>`, `<*>`) or spans bases by END.
    pub(crate) block: bool,
}

impl RecordSpan {
    /// Last base that the record speaks of.
    pub(crate) fn last(self) -> Position {
        match self.declared {
            DeclaredEnd::At(end) => end.max(self.reference_end),
            DeclaredEnd::None | DeclaredEnd::Invalid => self.reference_end,
        }
    }
}

/// The span of a record at POS. Bytes that are no record reach as far as POS.
pub(crate) fn record_span(format: RecordFormat, bytes: &[u8], position: Position) -> RecordSpan {
    match format {
        RecordFormat::Vcf => vcf_span(bytes, position),
        RecordFormat::Bcf => bcf_span(bytes, position),
    }
}

fn end_of(position: Position, bases: usize) -> Position {
    let bases = u32::try_from(bases.saturating_sub(1)).unwrap_or(u32::MAX);
    Position(position.0.saturating_add(bases))
}

fn vcf_span(line: &[u8], position: Position) -> RecordSpan {
    let mut columns = Columns(Some(line));
    let reference = columns.nth(3).unwrap_or_default();
    let alternate = columns.next().unwrap_or_default();
    let info = columns.nth(2).unwrap_or_default();
    let declared = declared_end(info, position);
    RecordSpan {
        reference_end: end_of(position, reference.len()),
        declared,
        block: is_block(alternate, declared),
    }
}

fn declared_end(info: &[u8], position: Position) -> DeclaredEnd {
    let mut entries = info.split(|b| *b == b';');
    match entries.find_map(|entry| entry.strip_prefix(b"END=")) {
        None | Some(b".") => DeclaredEnd::None,
        Some(text) => {
            let end = std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok());
            match end.map(Position) {
                Some(end) if end >= position => DeclaredEnd::At(end),
                _ => DeclaredEnd::Invalid,
            }
        }
    }
}

/// `alternate` is the whole ALT column.
fn is_block(alternate: &[u8], declared: DeclaredEnd) -> bool {
    match AlleleClass::of(b"", alternate) {
        AlleleClass::NonRef => true,
        AlleleClass::Absent => declared != DeclaredEnd::None,
        _ => false,
    }
}

fn bcf_span(record: &[u8], position: Position) -> RecordSpan {
    let reference = bcf::reference_length(record).unwrap_or(1);
    let reference_end = end_of(position, reference);
    let declared = match bcf::stated_length(record) {
        None => DeclaredEnd::None,
        Some(length) => match usize::try_from(length) {
            Ok(0) | Err(_) => DeclaredEnd::Invalid,
            Ok(length) if length == reference => DeclaredEnd::None,
            Ok(length) => DeclaredEnd::At(end_of(position, length)),
        },
    };
    let block = match bcf::only_alternate(record) {
        Some(alternate) => is_block(alternate, declared),
        None => false,
    };
    RecordSpan {
        reference_end,
        declared,
        block,
    }
}

/// Walks tab-separated columns.
struct Columns<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Columns<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0?;
        let (column, after) = match memchr(b'\t', rest) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        self.0 = after;
        Some(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, info: &str, last: u32, declared: DeclaredEnd) {
        let line = format!("1\t10\t.\t{reference}\t<NON_REF>\t.\t.\t{info}\tGT\t0/0");
        let span = record_span(RecordFormat::Vcf, line.as_bytes(), Position(10));
        assert_eq!((span.last(), span.declared), (Position(last), declared));
    }

    #[test]
    fn ends_of_records() {
        check("A", "END=20", 20, DeclaredEnd::At(Position(20)));
        check("ACG", ".", 12, DeclaredEnd::None);
        check("ACG", "DP=3;END=10", 12, DeclaredEnd::At(Position(10)));
        check("A", "CIEND=5;XEND=9", 10, DeclaredEnd::None);
        check("A", "END=.", 10, DeclaredEnd::None);
        check("A", "END=9", 10, DeclaredEnd::Invalid);
        check("A", "END=x", 10, DeclaredEnd::Invalid);
        check("A", "END=99999999999", 10, DeclaredEnd::Invalid);
    }

    #[test]
    fn blocks_are_told_by_their_alternate_allele() {
        let check = |alternate: &str, info: &str, expected: bool| {
            let line = format!("1\t10\t.\tA\t{alternate}\t.\t.\t{info}");
            let span = record_span(RecordFormat::Vcf, line.as_bytes(), Position(10));
            assert_eq!(span.block, expected, "{alternate} {info}");
        };
        check("<NON_REF>", ".", true);
        check("<*>", "END=12", true);
        check(".", "END=12", true);
        check(".", ".", false);
        check("C,<NON_REF>", "END=12", false);
        check("<DEL>", "END=12", false);
    }

    #[test]
    fn bytes_that_are_no_record_reach_nowhere() {
        for format in [RecordFormat::Vcf, RecordFormat::Bcf] {
            for bytes in [&b""[..], b"1", b"1\t10", &[0; 40]] {
                let span = record_span(format, bytes, Position(10));
                assert_eq!(span.last(), Position(10));
            }
        }
        let far = record_span(RecordFormat::Vcf, b"1\t1\t.\tACG", Position(u32::MAX));
        assert_eq!(far.last(), Position(u32::MAX));
    }
}
