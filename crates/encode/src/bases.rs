//! Where reference bases come from, and what a base is to an encoder.

use varisk_core::ContigId;
use varisk_reference::{ReferenceError, SequenceReader};

/// Gives reference bases. The encoders need no more of a reference than this.
pub trait Bases {
    /// Fills `out` with the bases of a contig from **0-based** offset `start` on, upper case; `N`
    /// before the contig's first base and after its last.
    ///
    /// # Errors
    /// The reference cannot be read.
    fn fill(&mut self, contig: ContigId, start: i64, out: &mut [u8]) -> Result<(), ReferenceError>;
}

impl Bases for SequenceReader {
    fn fill(&mut self, contig: ContigId, start: i64, out: &mut [u8]) -> Result<(), ReferenceError> {
        SequenceReader::fill(self, contig, start, out)
    }
}

/// Bases of which some are replaced: what a model would see if the reference had others there.
pub struct Overlay<'a, B: Bases + ?Sized> {
    /// The bases below.
    pub below: &'a mut B,
    /// Contig of the replaced bases; on others there are none.
    pub contig: ContigId,
    /// Offset of the first one, **0-based**.
    pub start: i64,
    /// What stands there instead, upper case.
    pub bases: &'a [u8],
}

impl<B: Bases + ?Sized> Bases for Overlay<'_, B> {
    fn fill(&mut self, contig: ContigId, start: i64, out: &mut [u8]) -> Result<(), ReferenceError> {
        self.below.fill(contig, start, out)?;
        if contig != self.contig {
            return Ok(());
        }
        for (at, base) in (self.start..).zip(self.bases) {
            let place = usize::try_from(at - start).ok();
            if let Some(own) = place.and_then(|place| out.get_mut(place)) {
                *own = *base;
            }
        }
        Ok(())
    }
}

/// Whether a base is one of A, C, G, T, in upper case.
pub(crate) fn is_acgt(base: u8) -> bool {
    matches!(base, b'A' | b'C' | b'G' | b'T')
}

/// Whether an allele is written in A, C, G, T and N alone, in either case, and is not empty.
pub(crate) fn is_plain(allele: &[u8]) -> bool {
    !allele.is_empty()
        && allele
            .iter()
            .all(|base| matches!(base.to_ascii_uppercase(), b'A' | b'C' | b'G' | b'T' | b'N'))
}

/// The base on the other strand; anything but A, C, G, T is `N`.
pub(crate) fn complement(base: u8) -> u8 {
    match base {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' => b'A',
        _ => b'N',
    }
}

/// Whether a text is the four letters A, C, G, T, each once, in any order.
pub(crate) fn is_permutation(letters: &str) -> bool {
    letters.len() == 4 && "ACGT".chars().all(|base| letters.contains(base))
}
