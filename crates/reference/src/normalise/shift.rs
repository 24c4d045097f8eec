//! Trimming and left-alignment of a pair of alleles that are bases, upper case and different.

use varisk_core::ContigId;

use super::comparable;
use crate::{ReferenceError, SequenceReader};

/// Bases looked at to the left of an allele: first, and at most at once. Most alleles shift by a
/// few bases; one in a run of N may shift by millions.
const FLANK: (u32, u32) = (64, 8_192);

/// Trims and left-aligns a pair whose REF starts at a 0-based offset; returns its new offset.
pub(super) fn minimise(
    reader: &mut SequenceReader,
    contig: ContigId,
    mut offset: u32,
    reference: &mut Vec<u8>,
    alternate: &mut Vec<u8>,
) -> Result<u32, ReferenceError> {
    let suffix = common(reference.iter().rev(), alternate.iter().rev());
    reference.truncate(reference.len() - suffix);
    alternate.truncate(alternate.len() - suffix);

    let shortest = reference.len().min(alternate.len());
    if shortest > 0 {
        // The last bases differ, so the pair cannot shift; one base of each must stay.
        let prefix = common(reference.iter(), alternate.iter()).min(shortest - 1);
        reference.drain(..prefix);
        alternate.drain(..prefix);
        return Ok(offset.saturating_add(u32::try_from(prefix).unwrap_or(u32::MAX)));
    }

    // A pure insertion or deletion: one allele is empty, the other slides along the sequence for
    // as long as its last base equals the base before it.
    let deleted = reference.len();
    let moving = if deleted > 0 {
        &mut *reference
    } else {
        &mut *alternate
    };
    let shift = shift_left(reader, contig, offset, moving)?;
    offset -= shift;
    let turn = shift as usize % moving.len().max(1);
    moving.rotate_right(turn);

    let mut anchor = [0];
    if offset > 0 {
        offset -= 1;
        reader.fill(contig, i64::from(offset), &mut anchor)?;
        reference.insert(0, comparable(anchor[0]));
        alternate.insert(0, comparable(anchor[0]));
    } else {
        // No base before the contig's first: VCF anchors the alleles on the base after them.
        reader.fill(
            contig,
            i64::try_from(deleted).unwrap_or(i64::MAX),
            &mut anchor,
        )?;
        reference.push(comparable(anchor[0]));
        alternate.push(comparable(anchor[0]));
    }
    Ok(offset)
}

/// Number of leading items that are equal.
fn common<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).count()
}

/// By how many bases an inserted or deleted sequence can slide left from a 0-based offset.
fn shift_left(
    reader: &mut SequenceReader,
    contig: ContigId,
    offset: u32,
    moving: &[u8],
) -> Result<u32, ReferenceError> {
    let mut buffer = [0; FLANK.1 as usize];
    let mut size = FLANK.0;
    let mut at = offset;
    // Sliding by one turns the sequence by one, so its last base walks backwards through it.
    let mut last = moving.iter().rev().cycle();
    while at > 0 {
        let taken = size.min(at);
        let flank = &mut buffer[..taken as usize];
        reader.fill(contig, i64::from(at - taken), flank)?;
        for base in flank.iter().rev() {
            if last.next() != Some(&comparable(*base)) {
                return Ok(offset - at);
            }
            at -= 1;
        }
        size = (size * 2).min(FLANK.1);
    }
    Ok(offset)
}
