//! HGVS names of DNA changes: `g.` on a contig, `c.` and `n.` on a transcript.
//!
//! Rules: HGVS Nomenclature, "DNA". The 3' rule is applied on the reference, introns included, in
//! the direction of the name's sequence, as VEP does.

use std::fmt::Write as _;

use crate::allele::{Allele, Placement, is_inversion};
use crate::genetic_code::{complement, reverse_complement};
use crate::transcript::{Place, Strand, Transcript};

/// Longest sequence written out in a name, in bases; a longer one has no name.
const LONGEST_SEQUENCE: usize = 5_000;

/// Writes the name of an allele on its contig, after `contig:g.`. Whether it could be named.
pub(super) fn genomic(allele: &Allele, placement: &Placement, out: &mut String) -> bool {
    if placement.alternate.len() > LONGEST_SEQUENCE {
        return false;
    }
    let write_position = |position: u32, out: &mut String| {
        let _ = write!(out, "{position}");
        true
    };
    change(
        &allele.reference,
        &placement.alternate,
        placement.start,
        placement.end,
        placement.duplicates,
        false,
        &write_position,
        out,
    )
}

/// Writes the name of an allele on a transcript, after its identifier and colon; `placement` is
/// shifted in the transcript's direction. Whether it could be named: an allele that reaches beyond
/// the transcript has no name on it.
pub(super) fn transcript(
    transcript: &Transcript,
    allele: &Allele,
    placement: &Placement,
    out: &mut String,
) -> bool {
    if placement.alternate.len() > LONGEST_SEQUENCE {
        return false;
    }
    out.push_str(if transcript.coding.is_some() {
        "c."
    } else {
        "n."
    });
    let write_position = |at: u32, out: &mut String| position(transcript, at, out);
    let reverse = transcript.strand == Strand::Reverse;
    change(
        &allele.reference,
        &placement.alternate,
        placement.start,
        placement.end,
        placement.duplicates,
        reverse,
        &write_position,
        out,
    )
}

#[expect(
    clippy::too_many_arguments,
    reason = "one rule for both kinds of sequence; a struct would only name the same eight values"
)]
fn change(
    reference: &[u8],
    alternate: &[u8],
    start: u32,
    end: u32,
    duplicates: bool,
    reverse: bool,
    position: &dyn Fn(u32, &mut String) -> bool,
    out: &mut String,
) -> bool {
    // First and last in the direction of the sequence.
    let range = |low: u32, high: u32, out: &mut String| -> bool {
        let (first, last) = if reverse { (high, low) } else { (low, high) };
        if !position(first, out) {
            return false;
        }
        if first != last {
            out.push('_');
            return position(last, out);
        }
        true
    };
    let oriented = |bases: &[u8], out: &mut String| {
        if reverse {
            out.extend(bases.iter().rev().map(|base| char::from(complement(*base))));
        } else {
            out.extend(bases.iter().map(|base| char::from(*base)));
        }
    };
    match (reference, alternate) {
        ([one], [other]) => {
            if !range(start, end, out) {
                return false;
            }
            oriented(&[*one], out);
            out.push('>');
            oriented(&[*other], out);
            true
        }
        (_, []) => {
            let named = range(start, end, out);
            out.push_str("del");
            named
        }
        ([], inserted) => {
            let length = u32::try_from(inserted.len()).unwrap_or(u32::MAX);
            if duplicates {
                // The repeated bases lie before the insertion in the direction of the sequence.
                let named = if reverse {
                    range(start, start.saturating_add(length).saturating_sub(1), out)
                } else {
                    range(start.saturating_sub(length), end, out)
                };
                out.push_str("dup");
                return named;
            }
            let named = range(end, start, out);
            out.push_str("ins");
            oriented(inserted, out);
            named
        }
        _ if is_inversion(reference, alternate) => {
            let named = range(start, end, out);
            out.push_str("inv");
            named
        }
        _ => {
            let named = range(start, end, out);
            out.push_str("delins");
            oriented(alternate, out);
            named
        }
    }
}

/// Writes a position on a transcript: `76`, `-14`, `*46`, `88+2`, `89-1`. Whether it lies in it.
pub(super) fn position(transcript: &Transcript, position: u32, out: &mut String) -> bool {
    match transcript.place(position) {
        Place::Outside => false,
        Place::Exon(_) => {
            let Some(cdna) = transcript.cdna(position) else {
                return false;
            };
            base(transcript, cdna, out);
            true
        }
        Place::Intron(index) => {
            let (Some(before), Some(behind)) =
                (transcript.exons.get(index), transcript.exons.get(index + 1))
            else {
                return false;
            };
            let (low, high) = (position - before.end, behind.start - position);
            let (from_donor, from_acceptor, donor, acceptor) = match transcript.strand {
                Strand::Forward => (low, high, before.end, behind.start),
                Strand::Reverse => (high, low, behind.start, before.end),
            };
            // The middle of an intron of odd length counts from the donor.
            let (edge, sign, distance) = if from_donor <= from_acceptor {
                (donor, '+', from_donor)
            } else {
                (acceptor, '-', from_acceptor)
            };
            let Some(cdna) = transcript.cdna(edge) else {
                return false;
            };
            base(transcript, cdna, out);
            let _ = write!(out, "{sign}{distance}");
            true
        }
    }
}

fn base(transcript: &Transcript, cdna: u32, out: &mut String) {
    let (start, end) = transcript.coding_range;
    let _ = if transcript.coding.is_none() {
        write!(out, "{}", cdna.saturating_add(1))
    } else if cdna < start {
        write!(out, "-{}", start - cdna)
    } else if cdna >= end {
        write!(out, "*{}", (cdna - end).saturating_add(1))
    } else {
        write!(out, "{}", (cdna - start).saturating_add(1))
    };
}

/// Bases in transcript direction.
pub(super) fn in_direction(strand: Strand, bases: &[u8]) -> Vec<u8> {
    let mut bases = bases.to_vec();
    if strand == Strand::Reverse {
        reverse_complement(&mut bases);
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::tests::transcript as sample;

    #[test]
    fn positions() {
        let exons = [(10, 19), (30, 39), (50, 59)];
        let coding = [(15, 19), (30, 33)];
        let check = |strand, at, expected: &str| {
            let transcript = sample(strand, &exons, &coding);
            let mut name = String::new();
            position(&transcript, at, &mut name);
            assert_eq!(name, expected, "{strand:?} {at}");
        };
        use Strand::{Forward, Reverse};
        check(Forward, 15, "1");
        check(Forward, 14, "-1");
        check(Forward, 20, "5+1");
        check(Forward, 24, "5+5");
        check(Forward, 25, "6-5");
        check(Forward, 29, "6-1");
        check(Forward, 34, "*1");
        check(Forward, 40, "*6+1");
        check(Reverse, 33, "1");
        check(Reverse, 34, "-1");
        check(Reverse, 29, "4+1");
        check(Reverse, 20, "5-1");
        check(Reverse, 14, "*1");
        check(Reverse, 60, "");
    }
}
