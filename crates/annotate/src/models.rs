//! Gene models: the transcripts of a run and how they are found by position.

mod assemble;
mod attributes;
mod lines;
mod summary;
mod table;

use std::path::Path;

use varisk_core::{ContigId, ContigSet};

pub(crate) use attributes::percent_decode;
pub use summary::{ModelsSummary, SkipReason};
pub use table::transcript_schema;

use crate::AnnotateError;
use crate::choice::preferences;
use crate::transcript::{Span, Transcript};

/// How far from a transcript an allele still counts as upstream or downstream of it, in bases: the
/// default of VEP (`--distance 5000`).
pub const FLANK_BASES: u32 = 5_000;

/// The transcripts of a run, found by position. Immutable; made once and shared.
///
/// # Memory
/// All transcripts with their exons: about 150 MB for the whole of GENCODE.
#[derive(Clone, Debug, Default)]
pub struct GeneModels {
    /// By contig, then start, then end, then id.
    transcripts: Vec<Transcript>,
    /// For each contig, its first transcript and the one after its last.
    contigs: Vec<(usize, usize)>,
    /// For each transcript, the largest end among its contig's transcripts up to it: a look back
    /// may stop where that lies before the allele.
    reach: Vec<u32>,
    /// For each transcript its place in the order of preference.
    preferences: Vec<u32>,
    summary: ModelsSummary,
}

impl GeneModels {
    /// Reads GFF3 or GTF (Ensembl, GENCODE or RefSeq flavour), plain, gzip or BGZF; the format is
    /// told from the content. Contigs are found by any of their usual names.
    ///
    /// # Errors
    /// The file cannot be read, a line is malformed, an exon or coding part names no parent, or no
    /// transcript lies on a contig of the reference. Transcripts that cannot be used are counted in
    /// [`GeneModels::summary`].
    pub fn read(path: impl AsRef<Path>, contigs: &ContigSet) -> Result<Self, AnnotateError> {
        let path = path.as_ref();
        let (transcripts, summary) = lines::read(path, contigs)?;
        if transcripts.is_empty() {
            return Err(AnnotateError::NoTranscripts {
                path: path.to_owned(),
                detail: summary.to_string(),
            });
        }
        Ok(Self::index(transcripts, contigs, summary))
    }

    fn index(
        mut transcripts: Vec<Transcript>,
        contigs: &ContigSet,
        summary: ModelsSummary,
    ) -> Self {
        transcripts.sort_by(|a, b| {
            let key = |t: &Transcript| (t.contig, t.start(), t.end());
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        let mut reach = Vec::with_capacity(transcripts.len());
        let mut last: Option<(ContigId, u32)> = None;
        for transcript in &transcripts {
            let end = match last {
                Some((contig, end)) if contig == transcript.contig => end.max(transcript.end()),
                _ => transcript.end(),
            };
            reach.push(end);
            last = Some((transcript.contig, end));
        }
        let ranges = contigs
            .iter()
            .map(|(id, _, _)| {
                (
                    transcripts.partition_point(|transcript| transcript.contig < id),
                    transcripts.partition_point(|transcript| transcript.contig <= id),
                )
            })
            .collect();
        Self {
            preferences: preferences(&transcripts),
            transcripts,
            contigs: ranges,
            reach,
            summary,
        }
    }

    /// All transcripts, by contig, start, end and id.
    #[must_use]
    pub fn transcripts(&self) -> &[Transcript] {
        &self.transcripts
    }

    /// Place of a transcript in the order of preference, 0 the first.
    pub(crate) fn preference(&self, index: usize) -> u32 {
        self.preferences.get(index).copied().unwrap_or(u32::MAX)
    }

    /// What was read, and what was left out for which reason.
    #[must_use]
    pub fn summary(&self) -> &ModelsSummary {
        &self.summary
    }

    /// Puts the indices of the transcripts within `flank` bases of a stretch (1-based, inclusive)
    /// into `found`, ascending.
    pub fn near(&self, contig: ContigId, span: Span, flank: u32, found: &mut Vec<usize>) {
        found.clear();
        let Some(&(first, after)) = self.contigs.get(contig.0 as usize) else {
            return;
        };
        let (low, high) = (
            span.start.saturating_sub(flank),
            span.end.saturating_add(flank),
        );
        let of_contig = self.transcripts.get(first..after).unwrap_or_default();
        let end = first + of_contig.partition_point(|transcript| transcript.start() <= high);
        for index in (first..end).rev() {
            if self.reach.get(index).is_none_or(|reach| *reach < low) {
                break;
            }
            if self.transcripts.get(index).is_some_and(|t| t.end() >= low) {
                found.push(index);
            }
        }
        found.reverse();
    }
}

#[cfg(test)]
mod tests;
