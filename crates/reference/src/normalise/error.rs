//! Why an allele cannot be normalised.

use std::path::PathBuf;

use varisk_core::Position;

use crate::ReferenceError;

/// Why an allele cannot be normalised.
#[derive(Debug, thiserror::Error)]
pub enum NormaliseError {
    /// REF is not what the FASTA has there.
    #[error(
        "REF {} at {contig}:{position} differs from {}, which has {}; give the FASTA of the build \
         that the VCF was made with",
        shortened(found), path.display(), described(expected, found.len())
    )]
    ReferenceMismatch {
        /// The FASTA.
        path: PathBuf,
        /// The contig, by the FASTA's name.
        contig: String,
        /// POS of the record, 1-based.
        position: Position,
        /// REF of the record.
        found: Vec<u8>,
        /// What the FASTA has, upper case; shorter than REF where the contig ends.
        expected: Vec<u8>,
    },
    /// The FASTA cannot be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// An allele that fits a message.
fn shortened(allele: &[u8]) -> String {
    const SHOWN: usize = 30;
    match allele.get(..SHOWN) {
        Some(start) if allele.len() > SHOWN => {
            let start = String::from_utf8_lossy(start);
            format!("{start}... ({} bases)", allele.len())
        }
        _ => String::from_utf8_lossy(allele).into_owned(),
    }
}

fn described(expected: &[u8], length: usize) -> String {
    match expected.len() {
        0 => "no base there (the contig ends before)".to_owned(),
        bases if bases < length => format!("{} and then ends", shortened(expected)),
        _ => shortened(expected),
    }
}
