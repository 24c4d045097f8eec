//! Evidence from BAM and CRAM at sites that matter.
//!
//! [`AlignmentSource`] is the immutable, shared description of an indexed file; an
//! [`AlignmentReader`] is one thread's handle on its reads and counts, at the sites it is asked for,
//! what they show of a biallelic allele. [`GenotypeLikelihoods`] turns that into a genotype,
//! [`ReadsStage`] brings it into batches, and [`IdentityCheck`] tells whether calls and reads are of
//! one person.
//!
//! BAM is read by noodles; CRAM by htslib, under the feature `cram`. Files are never indexed here: an
//! index that is missing or older than its file is an error.

mod bam;
#[cfg(feature = "cram")]
mod cram;
mod door;
mod error;
mod features;
mod filters;
mod header;
mod identity;
mod likelihood;
mod overlap;
mod pileup;
mod read;
mod reader;
mod site;
mod source;
mod stage;
#[cfg(test)]
mod testing;

pub use error::AlignmentError;
pub use features::READS_COLUMNS;
pub use filters::{
    AlignmentFilters, AlignmentOptions, DEFAULT_MIN_BASE_QUALITY, DEFAULT_MIN_MAPPING_QUALITY,
    EXCLUDED_FLAGS,
};
pub use identity::{
    CONCORDANCE_FEATURE, Concordance, IdentityCheck, MEAN_DEPTH_FEATURE, MIN_CONCORDANCE,
    MIN_CONCORDANCE_SITES, SITES_FEATURE, refuse_swaps,
};
pub use likelihood::{
    GenotypeLikelihoods, GenotypeThresholds, MIN_READ_GENOTYPE_DEPTH, MIN_READ_GENOTYPE_QUALITY,
    ReadGenotype, ReadPloidy,
};
pub use pileup::SiteReads;
pub use reader::AlignmentReader;
pub use site::SiteQuery;
pub use source::{AlignmentReference, AlignmentSource};
pub use stage::{ReadsOptions, ReadsStage};
