//! Reference sequence, genome build detection and allele normalisation.
//!
//! [`Reference`] is the immutable, shared description of an indexed FASTA (plain or BGZF); a
//! [`SequenceReader`] is one thread's handle on its bases. [`detect_build`] decides which genome
//! build a run is on and refuses inputs that contradict each other. [`Normaliser`] checks REF
//! against the FASTA, trims and left-aligns one allele at a time; it gives what
//! `bcftools norm -m -any -f` gives.
//!
//! The FASTA is never loaded whole and never indexed here: an index that is missing or does not
//! describe its file is an error.

mod build;
mod check;
mod error;
mod fai;
mod gzi;
mod normalise;
mod reference;
mod sequence;
mod source;
#[cfg(test)]
mod testing;

pub use build::{
    BuildError, BuildEvidence, BuildFinding, Claim, ClaimSource, HeaderContig, HeaderHints,
    detect_build,
};
pub use error::ReferenceError;
pub use normalise::{NormaliseError, Normalised, Normaliser, RefCheck};
pub use reference::Reference;
pub use sequence::SequenceReader;
