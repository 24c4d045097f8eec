//! Records around a batch that may speak of its sites: those before it that are still open, and
//! those read ahead.

use std::collections::VecDeque;
use std::sync::Arc;

use varisk_core::Position;

use super::{Entry, RawBatch};
use crate::RecordFormat;
use crate::evidence::{MAX_SHIFT, MAX_SITE, record_span};
use crate::stream::{ContigOrder, Place};

/// A record with bytes of its own.
pub(super) struct CarriedRecord {
    pub(super) entry: Entry,
    pub(super) bytes: Vec<u8>,
}

impl CarriedRecord {
    /// Copies the bytes behind those of a batch; the entry there.
    pub(super) fn copy_to(&self, batch: &mut RawBatch) -> Entry {
        let start = batch.bytes.len();
        batch.bytes.extend_from_slice(&self.bytes);
        Entry {
            start,
            end: batch.bytes.len(),
            ..self.entry
        }
    }
}

/// A record that was read before its batch.
pub(super) struct Ahead {
    pub(super) place: Place,
    pub(super) record: CarriedRecord,
    pub(super) inside: bool,
}

/// What a source keeps between batches.
pub(super) struct Context {
    formats: Vec<RecordFormat>,
    order: Arc<ContigOrder>,
    pub(super) ahead: VecDeque<Ahead>,
    /// Records of earlier batches that reach sites of the next one.
    pub(super) open: Vec<CarriedRecord>,
}

impl Context {
    pub(super) fn new(
        formats: impl Iterator<Item = RecordFormat>,
        order: Arc<ContigOrder>,
    ) -> Self {
        Self {
            formats: formats.collect(),
            order,
            ahead: VecDeque::new(),
            open: Vec::new(),
        }
    }

    pub(super) fn ahead_place(&self) -> Option<Place> {
        self.ahead.front().map(|ahead| ahead.place)
    }

    /// Place of the last record of a batch, and how far the sites of its contig reach.
    pub(super) fn reach(&self, batch: &RawBatch) -> Option<(Place, Position)> {
        let last = batch.entries.last()?;
        let place = Place {
            rank: self.order.rank(last.contig),
            position: last.position,
            contig: last.contig,
        };
        let same_contig = batch
            .entries
            .iter()
            .rev()
            .take_while(|entry| self.order.rank(entry.contig) == place.rank);
        let reach = same_contig
            .map(|entry| {
                let end = self.span(batch, entry).reference_end.0;
                // An allele that adds bases needs the base after, and one that can be moved right
                // what lies there.
                let site = entry.position.0.saturating_add(MAX_SITE);
                end.saturating_add(1 + MAX_SHIFT).min(site)
            })
            .max()?;
        Some((place, Position(reach)))
    }

    /// Keeps the records of a batch, its first `before` ones of context included, that reach sites
    /// of the batch that begins at a place: those sites begin at most [`MAX_SITE`] before their POS.
    pub(super) fn keep_open(&mut self, batch: &RawBatch, before: usize, next: Option<Place>) {
        let Some(next) = next else {
            self.open.clear();
            return;
        };
        let first = next.position.0.saturating_sub(MAX_SITE);
        let context = batch.context.iter().take(before);
        let open = context
            .chain(&batch.entries)
            .filter(|entry| {
                self.order.rank(entry.contig) == next.rank
                    && self.span(batch, entry).last().0 >= first
            })
            .map(|entry| CarriedRecord {
                entry: *entry,
                bytes: batch.record(entry).to_vec(),
            })
            .collect();
        self.open = open;
    }

    fn span(&self, batch: &RawBatch, entry: &Entry) -> crate::evidence::RecordSpan {
        let format = self.formats.get(entry.file as usize);
        let format = format.copied().unwrap_or(RecordFormat::Vcf);
        record_span(format, batch.record(entry), entry.position)
    }
}
