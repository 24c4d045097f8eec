//! What the reads of one patient show at one site.

use serde::{Deserialize, Serialize};

/// Reads that show one allele. Bases and mates that the filters leave out are counted nowhere, and
/// two mates that overlap the site count once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlleleReads {
    /// Reads on the forward strand.
    pub forward: u32,
    /// Reads on the reverse strand.
    pub reverse: u32,
    /// Sum of base qualities (Phred) at the site; for an indel, of the base before it.
    pub base_quality: u64,
    /// Sum of mapping qualities (Phred).
    pub mapping_quality: u64,
}

impl AlleleReads {
    /// Reads on both strands.
    #[must_use]
    pub fn depth(self) -> u32 {
        self.forward.saturating_add(self.reverse)
    }

    /// Adds the reads of another patient or site.
    pub fn add(&mut self, other: Self) {
        self.forward = self.forward.saturating_add(other.forward);
        self.reverse = self.reverse.saturating_add(other.reverse);
        self.base_quality = self.base_quality.saturating_add(other.base_quality);
        self.mapping_quality = self.mapping_quality.saturating_add(other.mapping_quality);
    }
}

/// What the reads of one patient show at one biallelic allele of a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteEvidence {
    /// Reads that show the reference allele.
    pub reference: AlleleReads,
    /// Reads that show the alternate allele.
    pub alternate: AlleleReads,
    /// Reads that span the site and show something else, a deletion over it included.
    pub other: AlleleReads,
    /// Of all counted reads, those with a soft clip.
    pub soft_clipped: u32,
}

impl SiteEvidence {
    /// All counted reads.
    #[must_use]
    pub fn depth(&self) -> u32 {
        [self.reference, self.alternate, self.other]
            .into_iter()
            .fold(0, |sum, allele| sum.saturating_add(allele.depth()))
    }

    /// Adds the reads of another patient.
    pub fn add(&mut self, other: &Self) {
        self.reference.add(other.reference);
        self.alternate.add(other.alternate);
        self.other.add(other.other);
        self.soft_clipped = self.soft_clipped.saturating_add(other.soft_clipped);
    }
}
