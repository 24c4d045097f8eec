//! Spliced sequences of transcripts, each loaded once for a worker and kept while they are used.

use std::collections::HashMap;
use std::sync::Arc;

use varisk_reference::{ReferenceError, SequenceReader};

use crate::genetic_code::reverse_complement;
use crate::transcript::{Strand, Transcript};

/// Bases that a worker keeps at most: several thousand transcripts, more than lie around one place.
pub(crate) const CACHE_BASES: usize = 16 << 20;

/// Bases of a spliced transcript, in transcript direction, upper case.
pub(crate) type Spliced = Arc<[u8]>;

/// Loads and keeps spliced sequences.
pub(crate) struct SequenceCache {
    held: HashMap<usize, (u64, Spliced)>,
    bases: usize,
    limit: usize,
    looks: u64,
}

impl SequenceCache {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            held: HashMap::new(),
            bases: 0,
            limit,
            looks: 0,
        }
    }

    /// The sequence of a transcript, which the caller numbers.
    pub(crate) fn get(
        &mut self,
        number: usize,
        transcript: &Transcript,
        reader: &mut SequenceReader,
    ) -> Result<Spliced, ReferenceError> {
        self.looks += 1;
        if let Some((used, spliced)) = self.held.get_mut(&number) {
            *used = self.looks;
            return Ok(Arc::clone(spliced));
        }
        let spliced: Spliced = splice(transcript, reader)?.into();
        self.make_room(spliced.len());
        self.bases += spliced.len();
        self.held.insert(number, (self.looks, Arc::clone(&spliced)));
        Ok(spliced)
    }

    /// Drops the half that was not looked at for longest: once in many loads, not at each.
    fn make_room(&mut self, needed: usize) {
        if self.bases + needed <= self.limit {
            return;
        }
        let mut stamps: Vec<u64> = self.held.values().map(|(used, _)| *used).collect();
        stamps.sort_unstable();
        let middle = stamps.get(stamps.len() / 2).copied().unwrap_or(0);
        self.held.retain(|_, (used, _)| *used > middle);
        self.bases = self.held.values().map(|(_, spliced)| spliced.len()).sum();
    }
}

fn splice(transcript: &Transcript, reader: &mut SequenceReader) -> Result<Vec<u8>, ReferenceError> {
    let mut bases = vec![b'N'; transcript.length as usize];
    let mut rest = bases.as_mut_slice();
    for exon in &transcript.exons {
        let (part, after) = rest.split_at_mut((exon.length() as usize).min(rest.len()));
        reader.fill(transcript.contig, i64::from(exon.start) - 1, part)?;
        rest = after;
    }
    if transcript.strand == Strand::Reverse {
        reverse_complement(&mut bases);
    }
    Ok(bases)
}
