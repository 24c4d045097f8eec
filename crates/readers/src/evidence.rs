//! What shows that a patient has the reference where the patient's file has no record of an allele:
//! gVCF blocks, callable regions, and the user's word.

mod blocks;
mod observation;
mod span;

use std::sync::Arc;

use varisk_core::{ContigId, Position, Sex};

pub(crate) use self::blocks::judge;
pub use self::blocks::{
    Block, BlockAnswer, BlockCall, BlockError, QualityLimits, ReferenceBlocks, Site,
};
pub(crate) use self::observation::{Observation, Seen, VariantCall, observe};
pub(crate) use self::span::{DeclaredEnd, RecordSpan, record_span};
use crate::Regions;

/// Lowest genotype quality (phred) of a block that shows the reference: one in a hundred such blocks
/// may be wrong. GATK's GVCF bands and DeepVariant's `gvcf_gq_binsize` both have a border at 20, so
/// the limit falls between blocks, not inside.
pub const MIN_BLOCK_GQ: u32 = 20;

/// Lowest depth of a block that shows the reference. With fewer than 8 reads the chance that a
/// heterozygous site shows only its reference allele exceeds 1 in 2^8, about 0.4 %.
pub const MIN_BLOCK_DEPTH: u32 = 8;

/// Longest site, in bases, whose state is inferred: what lies around a batch is carried along this
/// far. Longer alleles stay "not assayed" where a patient has no record of them.
pub const MAX_SITE: u32 = 1000;

/// Farthest, in bases, that an insertion or deletion is followed to the right through a repeat of its
/// bases, to find all places where a caller may have written it. In a longer repeat the site stays
/// "not assayed".
pub const MAX_SHIFT: u32 = 200;

/// What a run takes for evidence that a patient has the reference.
#[derive(Clone, Debug)]
pub struct ReferenceEvidence {
    /// Lowest genotype quality of a block, phred.
    pub min_gq: u32,
    /// Lowest depth of a block, reads.
    pub min_depth: u32,
    /// For each patient the regions in which the patient's file would have a record if there were a
    /// variant; patients beyond the list have none.
    pub callable: Vec<Option<Arc<Regions>>>,
    /// Sites without any evidence are taken for reference, and marked as assumed.
    pub absent_as_reference: bool,
    /// Recorded sex of each patient, for the ploidy of inferred calls; patients beyond the list are
    /// unknown.
    pub sexes: Arc<[Sex]>,
}

impl Default for ReferenceEvidence {
    fn default() -> Self {
        Self {
            min_gq: MIN_BLOCK_GQ,
            min_depth: MIN_BLOCK_DEPTH,
            callable: Vec::new(),
            absent_as_reference: false,
            sexes: Arc::new([]),
        }
    }
}

impl ReferenceEvidence {
    /// The limits that blocks must reach.
    #[must_use]
    pub fn limits(&self) -> QualityLimits {
        QualityLimits {
            min_gq: self.min_gq,
            min_depth: self.min_depth,
        }
    }

    /// Whether a stretch (1-based, both ends inclusive) is callable in a patient.
    pub(crate) fn is_callable(
        &self,
        patient: usize,
        contig: ContigId,
        start: Position,
        end: Position,
    ) -> bool {
        let regions = self.callable.get(patient).and_then(Option::as_ref);
        regions.is_some_and(|regions| regions.covers(contig, start, end))
    }

    pub(crate) fn sex(&self, patient: usize) -> Sex {
        self.sexes.get(patient).copied().unwrap_or_default()
    }
}
