//! Which reads and bases count.

use serde::{Deserialize, Serialize};

/// SAM flags of reads that never count: unmapped, secondary, failed quality checks, duplicate.
/// `samtools mpileup` leaves out the same; supplementary alignments count, as there.
pub const EXCLUDED_FLAGS: u16 = 0x4 | 0x100 | 0x200 | 0x400;

/// Reads with a lower mapping quality are left out: at 20 one placement in a hundred is wrong, the
/// usual limit of germline callers (`samtools mpileup` has 0).
pub const DEFAULT_MIN_MAPPING_QUALITY: u8 = 20;

/// Bases with a lower quality are left out; the default of `samtools mpileup`.
pub const DEFAULT_MIN_BASE_QUALITY: u8 = 13;

/// Limits on reads and bases that count, Phred-scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlignmentFilters {
    /// `--min-mapq`: least mapping quality of a read.
    pub min_mapping_quality: u8,
    /// `--min-baseq`: least quality of a base, after mates that overlap were settled.
    pub min_base_quality: u8,
}

impl Default for AlignmentFilters {
    fn default() -> Self {
        Self {
            min_mapping_quality: DEFAULT_MIN_MAPPING_QUALITY,
            min_base_quality: DEFAULT_MIN_BASE_QUALITY,
        }
    }
}

impl AlignmentFilters {
    /// Whether a read with these flags and mapping quality counts.
    pub(crate) fn keep(self, flags: u16, mapping_quality: u8) -> bool {
        flags & EXCLUDED_FLAGS == 0 && mapping_quality >= self.min_mapping_quality
    }
}

/// How a file is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlignmentOptions {
    /// Which reads and bases count.
    pub filters: AlignmentFilters,
    /// The sample (`@RG` SM) whose reads count, for a file that holds several.
    pub sample: Option<String>,
    /// Compares `@SQ` M5 of a BAM with the reference where both are there. CRAM is always compared,
    /// since its bases are differences from the reference; a BAM holds its own, so that a reference
    /// that is masked elsewhere is no error.
    pub check_checksums: bool,
}
