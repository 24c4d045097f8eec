//! Windows of sequence around an allele.
//!
//! The reference and the alternate window of an allele share their left flank: both begin
//! [`flank`]`(length)` bases before the allele's POS. Then comes the allele, then the bases that
//! follow REF in the reference, as many as the declared length needs. So a window is the beginning
//! of the edited sequence, and both windows have the same length.

use varisk_core::ContigId;
use varisk_reference::ReferenceError;

use crate::Bases;

/// Bases before POS in a window of a length: `floor((length - 1) / 2)`. The base at POS has this
/// **0-based** index in the window.
#[must_use]
pub fn flank(length: usize) -> usize {
    length.saturating_sub(1) / 2
}

/// Longest allele that a window of a length shows whole. An allele that would be cut is refused:
/// two insertions that differ after the cut would get the same number.
pub(crate) fn room(length: usize) -> usize {
    length - flank(length)
}

/// A biallelic allele at its place, as the encoders see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) contig: ContigId,
    /// POS, 1-based, at least 1.
    pub(crate) position: u32,
    pub(crate) reference: &'a [u8],
    pub(crate) alternate: &'a [u8],
}

impl Site<'_> {
    /// POS as a 0-based offset.
    pub(crate) fn offset(&self) -> i64 {
        i64::from(self.position) - 1
    }
}

/// The two windows of one length, and scratch to make them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Windows {
    raw: Vec<u8>,
    pub(crate) reference: Vec<u8>,
    pub(crate) alternate: Vec<u8>,
}

impl Windows {
    /// Replaces both windows with those of a site, upper case, of `length` bases. Neither allele may
    /// be longer than [`room`].
    pub(crate) fn build<B: Bases + ?Sized>(
        &mut self,
        length: usize,
        site: &Site<'_>,
        bases: &mut B,
    ) -> Result<(), ReferenceError> {
        let left = flank(length);
        let shorter = site.reference.len().min(site.alternate.len());
        let right = length.saturating_sub(left + shorter);
        self.raw.clear();
        self.raw.resize(left + site.reference.len() + right, b'N');
        bases.fill(site.contig, site.offset() - left as i64, &mut self.raw)?;
        let (before, rest) = self.raw.split_at(left);
        let after = rest.get(site.reference.len()..).unwrap_or_default();
        for (allele, window) in [
            (site.reference, &mut self.reference),
            (site.alternate, &mut self.alternate),
        ] {
            window.clear();
            window.extend_from_slice(before);
            window.extend(allele.iter().map(u8::to_ascii_uppercase));
            window.extend_from_slice(after);
            window.truncate(length);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Memory;
    use proptest::prelude::*;

    fn windows(genome: &str, length: usize, site: &Site<'_>) -> (String, String) {
        let mut windows = Windows::default();
        windows
            .build(length, site, &mut Memory::new(&[genome]))
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&windows.reference), text(&windows.alternate))
    }

    #[test]
    fn windows_by_hand() {
        let check = |position, reference: &str, alternate: &str, length, expected: [&str; 2]| {
            let site = Site {
                contig: ContigId(0),
                position,
                reference: reference.as_bytes(),
                alternate: alternate.as_bytes(),
            };
            let got = windows("ACGTACGTAC", length, &site);
            assert_eq!(
                [got.0.as_str(), got.1.as_str()],
                expected,
                "{site:?} {length}"
            );
        };
        check(5, "A", "T", 5, ["GTACG", "GTTCG"]);
        check(5, "A", "T", 6, ["GTACGT", "GTTCGT"]);
        check(5, "A", "AGG", 5, ["GTACG", "GTAGG"]);
        check(5, "ACG", "A", 5, ["GTACG", "GTATA"]);
        check(1, "A", "G", 5, ["NNACG", "NNGCG"]);
        check(10, "C", "CT", 5, ["TACNN", "TACTN"]);
        check(9, "AC", "A", 5, ["GTACN", "GTANN"]);
        check(3, "g", "t", 1, ["G", "T"]);
        check(3, "G", "T", 2, ["GT", "TT"]);
    }

    proptest! {
        #[test]
        fn windows_are_the_edited_sequence(
            genome in "[ACGT]{1,60}",
            at in 0usize..60,
            removed in 1usize..12,
            alternate in "[ACGT]{1,12}",
            length in 1usize..40,
        ) {
            let at = at % genome.len();
            let removed = removed.min(genome.len() - at);
            let reference = &genome[at..at + removed];
            prop_assume!(removed.max(alternate.len()) <= room(length));
            let site = Site {
                contig: ContigId(0),
                position: at as u32 + 1,
                reference: reference.as_bytes(),
                alternate: alternate.as_bytes(),
            };
            let (own, edited) = windows(&genome, length, &site);
            prop_assert_eq!(own.len(), length);
            prop_assert_eq!(edited.len(), length);
            let left = flank(length);
            prop_assert_eq!(&own[..left], &edited[..left]);
            prop_assert!(edited[left..].starts_with(&alternate));
            prop_assert!(own[left..].starts_with(reference));

            let padded = |sequence: String| {
                let all = format!("{}{sequence}{}", "N".repeat(left), "N".repeat(length));
                all[at..at + length].to_owned()
            };
            prop_assert_eq!(own, padded(genome.clone()));
            let haplotype = format!("{}{alternate}{}", &genome[..at], &genome[at + removed..]);
            prop_assert_eq!(edited, padded(haplotype));
        }
    }
}
