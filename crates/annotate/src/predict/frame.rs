//! The reading frame of a transcript, as it is and as an allele changes it. Nothing is copied:
//! codons are read where they are asked for.
//!
//! Positions count from 0 at the first base of codon 1. Where the first codon is partial, the bases
//! that it lacks are counted too and read `N`, as VEP does, so that codon numbers stay in frame.

use crate::genetic_code::{GeneticCode, SELENOCYSTEINE, STOP};
use crate::transcript::Transcript;

/// The reading frame as it is.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    /// The spliced transcript.
    cdna: &'a [u8],
    /// Offset of the coding region in it.
    start: u32,
    pad: u32,
    /// Bases of the coding region, with the pad.
    length: u32,
    code: GeneticCode,
    selenocysteine: bool,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(transcript: &Transcript, cdna: &'a [u8], code: GeneticCode) -> Self {
        Self {
            cdna,
            start: transcript.coding_range.0,
            pad: transcript.pad(),
            length: transcript.coding_length().saturating_add(transcript.pad()),
            code,
            selenocysteine: transcript.flags.selenocysteine,
        }
    }

    /// Position of an offset in the spliced transcript.
    pub(crate) fn position(&self, cdna: u32) -> u32 {
        cdna.saturating_sub(self.start).saturating_add(self.pad)
    }

    /// Offset in the spliced transcript of a position.
    pub(crate) fn cdna(&self, position: u32) -> u32 {
        position.saturating_add(self.start).saturating_sub(self.pad)
    }

    /// Bases of the coding region, with those that the first codon lacks.
    pub(crate) fn length(&self) -> u32 {
        self.length
    }

    pub(crate) fn pad(&self) -> u32 {
        self.pad
    }

    /// Whole codons of the coding region, the stop codon included.
    pub(crate) fn codons(&self) -> u32 {
        self.length / 3
    }

    /// A base of the frame or of the 3' UTR behind it; `None` behind the transcript's end.
    pub(crate) fn base(&self, position: u32) -> Option<u8> {
        if position < self.pad {
            return Some(b'N');
        }
        self.cdna.get(self.cdna(position) as usize).copied()
    }

    /// A base of the spliced transcript.
    pub(crate) fn cdna_base(&self, cdna: u32) -> Option<u8> {
        self.cdna.get(cdna as usize).copied()
    }

    /// Bases of a codon, numbered from 0.
    pub(crate) fn codon(&self, number: u32) -> Option<[u8; 3]> {
        codon(number, |position| self.base(position))
    }

    /// Residue of a codon, numbered from 0. `TGA` inside the coding region of a selenoprotein is
    /// selenocysteine.
    pub(crate) fn residue(&self, number: u32) -> Option<u8> {
        let codon = self.codon(number)?;
        let residue = self.code.translate(codon);
        let recoded = self.selenocysteine
            && residue == STOP
            && &codon == b"TGA"
            && number.saturating_add(1) < self.codons();
        Some(if recoded { SELENOCYSTEINE } else { residue })
    }

    /// Whether translation is known to start at codon 0 of this frame.
    pub(crate) fn has_start(&self, transcript: &Transcript) -> bool {
        let flags = transcript.flags;
        if self.pad > 0 || flags.cds_start_incomplete {
            return false;
        }
        let Some(codon) = self.codon(0) else {
            return false;
        };
        // Another start codon is believed where the source says so, or where a 5' UTR shows that
        // the coding region does not just begin where the transcript is cut off.
        let may_start = self.code.is_start(codon);
        &codon == b"ATG"
            || flags.other_start
            || (may_start && (self.start > 0 || self.code != GeneticCode::Standard))
    }

    /// Whether the last whole codon is a stop codon.
    pub(crate) fn has_stop(&self) -> bool {
        self.length.is_multiple_of(3)
            && self
                .codons()
                .checked_sub(1)
                .and_then(|last| self.residue(last))
                == Some(STOP)
    }
}

fn codon(number: u32, base: impl Fn(u32) -> Option<u8>) -> Option<[u8; 3]> {
    let first = number.checked_mul(3)?;
    Some([base(first)?, base(first + 1)?, base(first + 2)?])
}

/// The reading frame with some bases replaced.
#[derive(Clone, Copy)]
pub(crate) struct Edited<'a> {
    pub(crate) frame: Frame<'a>,
    /// Position of the first base replaced.
    pub(crate) first: u32,
    /// Number of bases replaced.
    pub(crate) removed: u32,
    /// Bases in their place, in transcript direction.
    pub(crate) added: &'a [u8],
}

impl Edited<'_> {
    pub(crate) fn added_length(&self) -> u32 {
        u32::try_from(self.added.len()).unwrap_or(u32::MAX)
    }

    /// Whether bases behind the edit change their frame.
    pub(crate) fn shifts_frame(&self) -> bool {
        !self.added_length().abs_diff(self.removed).is_multiple_of(3)
    }

    pub(crate) fn base(&self, position: u32) -> Option<u8> {
        if position < self.first {
            return self.frame.base(position);
        }
        let within = position - self.first;
        match self.added.get(within as usize) {
            Some(base) => Some(*base),
            None => self.frame.base(
                (within - self.added_length())
                    .checked_add(self.removed)?
                    .checked_add(self.first)?,
            ),
        }
    }

    pub(crate) fn codon(&self, number: u32) -> Option<[u8; 3]> {
        codon(number, |position| self.base(position))
    }

    /// Residue of a codon. A `TGA` stays selenocysteine only where the edit leaves codon and frame
    /// alone.
    pub(crate) fn residue(&self, number: u32) -> Option<u8> {
        let codon = self.codon(number)?;
        let residue = self.frame.code.translate(codon);
        if residue == STOP && self.frame.selenocysteine && &codon == b"TGA" {
            let untouched_before = number.saturating_mul(3).saturating_add(3) <= self.first;
            let added = self.added_length();
            let untouched_after = !self.shifts_frame()
                && number.saturating_mul(3) >= self.first.saturating_add(added);
            if untouched_before {
                return self.frame.residue(number);
            }
            if untouched_after {
                let shift = (i64::from(self.removed) - i64::from(added)) / 3;
                let original = u32::try_from(i64::from(number) + shift).ok()?;
                return self.frame.residue(original);
            }
        }
        Some(residue)
    }

    /// Number of the first stop codon from a codon on; `None` where the transcript ends before.
    pub(crate) fn stop_from(&self, number: u32) -> Option<u32> {
        let mut number = number;
        loop {
            if self.residue(number)? == STOP {
                return Some(number);
            }
            number = number.checked_add(1)?;
        }
    }
}
