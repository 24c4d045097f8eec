//! Contigs and alleles of tables, placed on the reference.

use varisk_core::{ContigId, Position, VariantKey};
use varisk_reference::{NormaliseError, Normaliser};

use super::REFERENCE_MISMATCH;
use crate::contigs::ContigRanks;
use crate::rows::{NO_KEY, RowKey};
use crate::{KnowledgeError, MatchKind, changed_span};

/// Finds contigs by name; most rows repeat the one before.
#[derive(Default)]
pub(super) struct ContigFinder {
    name: Vec<u8>,
    found: Option<ContigId>,
}

impl ContigFinder {
    pub(super) fn find(
        &mut self,
        contigs: &varisk_core::ContigSet,
        name: &[u8],
    ) -> Option<ContigId> {
        if self.name.is_empty() || self.name != name {
            self.found = std::str::from_utf8(name)
                .ok()
                .and_then(|name| contigs.find(name.trim()));
            self.name.clear();
            self.name.extend_from_slice(name);
        }
        self.found
    }
}

/// An allele as it is written, with its contig.
pub(super) struct WrittenAllele<'a> {
    pub(super) contig: ContigId,
    pub(super) position: u32,
    pub(super) reference: &'a [u8],
    pub(super) alternate: &'a [u8],
}

/// Normalises an allele and hands its key to `take`; says why it was left out where it was.
pub(super) fn with_key<T>(
    allele: &WrittenAllele<'_>,
    normaliser: &mut Normaliser,
    ranks: &ContigRanks,
    matching: MatchKind,
    take: impl FnOnce(RowKey<'_>) -> Result<T, KnowledgeError>,
) -> Result<Result<T, &'static str>, KnowledgeError> {
    let normalised = normaliser.normalise(
        allele.contig,
        Position(allele.position),
        allele.reference,
        allele.alternate,
    );
    let found = match normalised {
        Ok(found) => found,
        Err(NormaliseError::ReferenceMismatch { .. }) => return Ok(Err(REFERENCE_MISMATCH)),
        Err(NormaliseError::Reference(error)) => return Err(error.into()),
    };
    if let Some(reason) = found.reason {
        return Ok(Err(reason.name()));
    }
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let rank = ranks.rank(allele.contig);
    let key = if matching == MatchKind::Position {
        match changed_span(found.position.0, found.reference, found.alternate) {
            Some((start, end)) => interval_key(rank, start, end),
            None => return Ok(Err("no_changed_base")),
        }
    } else {
        let contig = ranks.name(rank);
        let key = VariantKey::encode(contig, found.position, found.reference, found.alternate);
        RowKey {
            rank,
            start: found.position.0,
            second: key.map_or(NO_KEY, |key| key.0),
            reference: text(found.reference),
            alternate: text(found.alternate),
        }
    };
    take(key).map(Ok)
}

/// Key of an interval.
pub(super) fn interval_key(rank: u32, start: u32, end: u32) -> RowKey<'static> {
    RowKey {
        rank,
        start,
        second: u64::from(end),
        reference: "",
        alternate: "",
    }
}
