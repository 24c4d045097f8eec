//! Alleles in their one normal form, to know what the models will be shown. Written for the
//! generator alone, so that the test data do not depend on the code they test.

use super::genome::Genome;

/// An allele, trimmed and left-aligned. Position is 0-based.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Allele {
    pub(crate) contig: usize,
    pub(crate) position: usize,
    pub(crate) reference: Vec<u8>,
    pub(crate) alternate: Vec<u8>,
}

impl Allele {
    /// The normal form; `None` for alleles without a sequence of their own (`*`, `<DEL>`,
    /// breakends, `.`).
    pub(crate) fn normal(
        genome: &Genome,
        contig: usize,
        position: usize,
        reference: &str,
        alternate: &str,
    ) -> Option<Self> {
        let is_sequence = |text: &str| text.bytes().all(|base| b"ACGT".contains(&base));
        if !is_sequence(reference) || !is_sequence(alternate) || reference == alternate {
            return None;
        }
        let mut position = position;
        let mut reference = reference.as_bytes().to_vec();
        let mut alternate = alternate.as_bytes().to_vec();
        while reference.last() == alternate.last() {
            if (reference.len() == 1 || alternate.len() == 1) && position == 0 {
                break;
            }
            reference.pop();
            alternate.pop();
            if reference.is_empty() || alternate.is_empty() {
                position -= 1;
                let base = genome.contigs[contig][position];
                reference.insert(0, base);
                alternate.insert(0, base);
            }
        }
        while reference.len() > 1 && alternate.len() > 1 && reference[0] == alternate[0] {
            reference.remove(0);
            alternate.remove(0);
            position += 1;
        }
        Some(Self {
            contig,
            position,
            reference,
            alternate,
        })
    }

    /// The window around an allele: its left flank, `middle`, as much of the right flank as fits.
    pub(crate) fn window(
        &self,
        genome: &Genome,
        middle: &[u8],
        left: usize,
        size: usize,
    ) -> Vec<u8> {
        let base = |position: i64| genome.base(self.contig, position);
        let start = self.position as i64 - left as i64;
        let end = (self.position + self.reference.len()) as i64;
        (start..self.position as i64)
            .map(base)
            .chain(middle.iter().copied())
            .chain((end..end + size as i64).map(base))
            .take(size)
            .collect()
    }
}
