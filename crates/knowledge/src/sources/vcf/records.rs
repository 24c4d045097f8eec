//! Lines of a sites VCF in batches of whole positions.

use std::path::Path;
use std::sync::Arc;

use varisk_core::{ContigId, ContigSet, Position};
use varisk_readers::{Entry, RawBatch};

use super::{BATCH_BYTES, BATCH_RECORDS};
use crate::build::TableSink;
use crate::input::Lines;
use crate::sources::place::ContigFinder;
use crate::sources::{UNKNOWN_CONTIG, malformed};
use crate::{KnowledgeError, SourceConfig};

/// Copies a line. `KEY=` without a value is no VCF, but public sources write it for one that is
/// missing (ClinVar of 2016 does of genes; bcftools makes it `KEY`), so both are read as `KEY=.`;
/// `valued` are the keys that are no flags.
fn push_record(line: &[u8], valued: &[String], into: &mut Vec<u8>) {
    /// Place of INFO among the columns.
    const INFO: usize = 7;
    let start = into.len();
    into.extend_from_slice(line);
    let mut tabs = memchr::memchr_iter(b'\t', line).skip(INFO - 1);
    let Some(first) = tabs.next().map(|tab| tab + 1) else {
        return;
    };
    let last = tabs.next().unwrap_or(line.len());
    let info = line.get(first..last).unwrap_or_default();
    let is_empty = |field: &[u8]| match memchr::memchr(b'=', field) {
        Some(at) => at + 1 == field.len(),
        None => valued.iter().any(|key| key.as_bytes() == field),
    };
    let mut fields = info.split(|byte| *byte == b';');
    if !fields.any(is_empty) {
        return;
    }
    into.truncate(start + first);
    for (i, field) in info.split(|byte| *byte == b';').enumerate() {
        if i > 0 {
            into.push(b';');
        }
        into.extend_from_slice(field);
        if is_empty(field) {
            into.extend_from_slice(if field.ends_with(b"=") { b"." } else { b"=." });
        }
    }
    into.extend_from_slice(line.get(last..).unwrap_or_default());
}

/// Lines of a VCF in batches of whole positions. Unlike the patients' reader it passes over records
/// on contigs that the reference lacks (public sources list alternate loci), counting them, and
/// takes contigs in any order, as long as each stands in one piece.
pub(super) struct VcfRecords<'s> {
    source: &'s SourceConfig,
    contigs: Arc<ContigSet>,
    lines: Lines,
    /// INFO fields that have a value where they stand.
    valued: Vec<String>,
    finder: ContigFinder,
    records: u64,
    /// Contigs that have begun.
    seen: Vec<bool>,
    previous: Option<(ContigId, Position)>,
    /// A record that was read but starts the next batch.
    waiting: Option<(ContigId, Position)>,
}

impl<'s> VcfRecords<'s> {
    pub(super) fn open(
        source: &'s SourceConfig,
        contigs: &Arc<ContigSet>,
        valued: Vec<String>,
    ) -> Result<Self, KnowledgeError> {
        let mut lines = Lines::open(&source.path)?;
        while lines.peek()? == Some(b'#') {
            lines.next()?;
        }
        Ok(Self {
            source,
            seen: vec![false; contigs.len()],
            contigs: Arc::clone(contigs),
            lines,
            valued,
            finder: ContigFinder::default(),
            records: 0,
            previous: None,
            waiting: None,
        })
    }

    pub(super) fn next_batch(
        &mut self,
        sink: &mut TableSink<'_, '_>,
    ) -> Result<Option<RawBatch>, KnowledgeError> {
        let mut batch = RawBatch::default();
        loop {
            let place = match self.waiting.take() {
                Some(place) => place,
                None => match self.advance(sink)? {
                    Some(place) => place,
                    None => break,
                },
            };
            let full = batch.entries.len() >= BATCH_RECORDS || batch.bytes.len() >= BATCH_BYTES;
            let inside = batch
                .entries
                .last()
                .is_some_and(|last| (last.contig, last.position) == place);
            if full && !inside {
                self.waiting = Some(place);
                break;
            }
            let start = batch.bytes.len();
            push_record(self.lines.current(), &self.valued, &mut batch.bytes);
            batch.entries.push(Entry {
                file: 0,
                record: self.records,
                contig: place.0,
                position: place.1,
                start,
                end: batch.bytes.len(),
            });
        }
        Ok((!batch.entries.is_empty()).then_some(batch))
    }

    /// Reads the next record on a contig of the reference.
    fn advance(
        &mut self,
        sink: &mut TableSink<'_, '_>,
    ) -> Result<Option<(ContigId, Position)>, KnowledgeError> {
        loop {
            if self.lines.next()?.is_none() {
                return Ok(None);
            }
            let line = self.lines.current();
            if line.is_empty() {
                continue;
            }
            self.records += 1;
            let mut cells = line.split(|byte| *byte == b'\t');
            let name = cells.next().unwrap_or_default();
            let position = cells
                .next()
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .map(Position);
            let Some(position) = position else {
                let detail = "it has no POS, or its columns are not parted by tabs";
                return Err(malformed(
                    self.source,
                    Path::new(&self.source.path),
                    "record",
                    self.records,
                    detail,
                ));
            };
            let Some(contig) = self.finder.find(&self.contigs, name) else {
                sink.tally.drop_row(UNKNOWN_CONTIG);
                sink.count_records(1);
                continue;
            };
            self.check_order((contig, position))?;
            return Ok(Some((contig, position)));
        }
    }

    fn check_order(&mut self, place: (ContigId, Position)) -> Result<(), KnowledgeError> {
        let goes_back = match self.previous {
            Some((contig, position)) if contig == place.0 => place.1 < position,
            _ => self
                .seen
                .get_mut(place.0.0 as usize)
                .is_some_and(|seen| std::mem::replace(seen, true)),
        };
        if let (true, Some(previous)) = (goes_back, self.previous) {
            let show = |(contig, position): (ContigId, Position)| {
                format!("{}:{position}", self.contigs.name(contig))
            };
            return Err(KnowledgeError::Unsorted {
                name: self.source.name.clone(),
                path: self.source.path.clone(),
                record: self.records,
                place: show(place),
                previous: show(previous),
            });
        }
        self.previous = Some(place);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_missing_are_written_out() {
        let check = |info: &str, expected: &str| {
            let line = |info: &str| format!("1\t5\ta=;b\tA\tC\t.\t.\t{info}");
            for rest in ["", "\tGT=;"] {
                let mut found = Vec::new();
                let written = format!("{}{rest}", line(info));
                push_record(written.as_bytes(), &["GENE".to_owned()], &mut found);
                let found = String::from_utf8(found).unwrap();
                assert_eq!(found, format!("{}{rest}", line(expected)));
            }
        };
        check("A=1;B;C=x=y", "A=1;B;C=x=y");
        check("GENE=;A=1", "GENE=.;A=1");
        check("A=1;GENE=", "A=1;GENE=.");
        check("GENE;A=1", "GENE=.;A=1");
        check(".", ".");
        let mut short = Vec::new();
        push_record(b"1\t5\tx=;", &[], &mut short);
        assert_eq!(short, b"1\t5\tx=;");
    }
}
