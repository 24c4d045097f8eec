//! Reference sequence, genome build detection and allele normalisation.

use varisk_core::ContigId;

/// What can go wrong with the reference.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {}

/// Reads bases; one for each thread.
pub struct SequenceReader;

impl SequenceReader {
    /// Fills `out` with the bases from 0-based offset `start` on, upper case; `N` where `start + i`
    /// is before the contig's first base or beyond its last.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn fill(&mut self, _contig: ContigId, _start: i64, _out: &mut [u8]) -> Result<(), ReferenceError> {
        Ok(())
    }
}
