//! What a file of gene models held, and what of it was left out for which reason.

use std::collections::BTreeMap;
use std::fmt;

/// Why something of the file was left out or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// The reference has no such contig (features).
    UnknownContig,
    /// The parent that an exon or coding part names is not in the file (features).
    MissingParent,
    /// Lies beyond the end of the contig (features): another genome build.
    BeyondContig,
    /// A transcript has neither exons nor coding parts (transcripts).
    NoExons,
    /// Exons of one transcript overlap (transcripts).
    OverlappingExons,
    /// A coding part lies outside the exons (transcripts).
    CodingOutsideExons,
    /// Coding parts leave out or repeat exonic bases, as in ribosomal slippage (transcripts).
    CodingNotContiguous,
    /// Parts lie on several strands or contigs, or on none, as in trans-splicing (transcripts).
    MixedStrands,
}

impl SkipReason {
    /// Name in summaries.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownContig => "contig_unknown",
            Self::MissingParent => "parent_missing",
            Self::BeyondContig => "beyond_contig",
            Self::NoExons => "no_exons",
            Self::OverlappingExons => "exons_overlap",
            Self::CodingOutsideExons => "cds_outside_exons",
            Self::CodingNotContiguous => "cds_not_contiguous",
            Self::MixedStrands => "mixed_strands",
        }
    }
}

/// Counts of what was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelsSummary {
    /// Transcripts in use.
    pub transcripts: u64,
    /// Of these, transcripts with a coding region.
    pub coding: u64,
    /// Coding regions whose phase the file does not give; it was computed from the length of the
    /// parts before, or taken as 0.
    pub phase_missing: u64,
    /// Transcripts without exons, whose coding parts were taken as exons.
    pub exons_from_coding: u64,
    /// Coding regions whose start or end is not known, or whose length is no multiple of three.
    pub incomplete: u64,
    /// Transcripts whose own sequence is said to differ from the reference.
    pub differs_from_reference: u64,
    /// What was left out, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

impl ModelsSummary {
    pub(crate) fn skip(&mut self, reason: SkipReason) {
        *self.skipped.entry(reason).or_default() += 1;
    }
}

impl fmt::Display for ModelsSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} transcripts", self.transcripts)?;
        let notes = [
            ("coding", self.coding),
            ("phase_missing", self.phase_missing),
            ("exons_from_cds", self.exons_from_coding),
            ("cds_incomplete", self.incomplete),
            ("differs_from_reference", self.differs_from_reference),
        ];
        let skipped = self
            .skipped
            .iter()
            .map(|(reason, count)| (reason.name(), *count));
        for (name, count) in notes.into_iter().chain(skipped).filter(|note| note.1 > 0) {
            write!(f, ", {name} {count}")?;
        }
        Ok(())
    }
}
