//! An allele without the bases that it shares with the reference, and where it lies once shifted as
//! far as the sequence allows.

use varisk_core::ContigId;
use varisk_reference::{ReferenceError, SequenceReader};

use crate::genetic_code::reverse_complement;
use crate::transcript::Span;

/// Longest shift that is looked for, in bases. No tandem repeat of a reference comes near it.
const LONGEST_SHIFT: u32 = 20_000;
/// Bases fetched at once while shifting.
const CHUNK: usize = 128;

/// An allele by what it changes. Positions are 1-based; an insertion has `end = start - 1` and lies
/// between the two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allele {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) reference: Vec<u8>,
    pub(crate) alternate: Vec<u8>,
}

impl Allele {
    /// Takes what REF and ALT share off, the start first, as VEP does: VCF anchors an insertion at
    /// the base before it. `None` where nothing is left or the position is the telomere.
    pub(crate) fn trimmed(position: u32, reference: &[u8], alternate: &[u8]) -> Option<Self> {
        let equal = |(r, a): &(&u8, &u8)| r.eq_ignore_ascii_case(a);
        let prefix = reference.iter().zip(alternate).take_while(equal).count();
        let (reference, alternate) = (&reference[prefix..], &alternate[prefix..]);
        let ends = reference.iter().rev().zip(alternate.iter().rev());
        let suffix = ends.take_while(equal).count();
        let reference = &reference[..reference.len() - suffix];
        let alternate = &alternate[..alternate.len() - suffix];
        if position == 0 || (reference.is_empty() && alternate.is_empty()) {
            return None;
        }
        let start = position.checked_add(u32::try_from(prefix).ok()?)?;
        let end = start.checked_add(u32::try_from(reference.len()).ok()?)? - 1;
        Some(Self {
            start,
            end,
            reference: reference.to_ascii_uppercase(),
            alternate: alternate.to_ascii_uppercase(),
        })
    }

    pub(crate) fn is_insertion(&self) -> bool {
        self.reference.is_empty()
    }

    /// The stretch from its first to its last position; for an insertion, its two neighbours.
    pub(crate) fn span(&self) -> Span {
        Span {
            start: self.start.min(self.end),
            end: self.start.max(self.end),
        }
    }
}

/// An allele after a shift, with the sequence that it repeats noted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) alternate: Vec<u8>,
    /// An insertion that repeats the bases before it, in the direction of the shift.
    pub(crate) duplicates: bool,
}

/// Direction of a shift on the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To higher positions: the 3' rule of a forward transcript and of `g.`.
    Right,
    /// To lower positions: the 3' rule of a reverse transcript.
    Left,
}

/// Shifts an allele as far as the sequence allows. Only pure insertions and deletions move.
pub(crate) fn shift(
    allele: &Allele,
    contig: ContigId,
    direction: Direction,
    reader: &mut SequenceReader,
) -> Result<Placement, ReferenceError> {
    let mut placement = Placement {
        start: allele.start,
        end: allele.end,
        alternate: allele.alternate.clone(),
        duplicates: false,
    };
    let moving = match (allele.reference.as_slice(), allele.alternate.as_slice()) {
        (moving, []) | ([], moving) => moving,
        _ => return Ok(placement),
    };
    let length = reader.contigs().length(contig);
    let mut chunk = [0u8; CHUNK];
    let mut moved = 0u32;
    'shifting: while moved < LONGEST_SHIFT {
        let (first, available) = match direction {
            Direction::Right => {
                let next = allele.end.saturating_add(1).saturating_add(moved);
                let left = length.saturating_add(1).saturating_sub(next) as usize;
                (i64::from(next) - 1, left.min(CHUNK))
            }
            Direction::Left => {
                let before = allele.start.saturating_sub(1).saturating_sub(moved) as usize;
                let taken = before.min(CHUNK);
                (before as i64 - taken as i64, taken)
            }
        };
        if available == 0 {
            break;
        }
        let bases = &mut chunk[..available];
        reader.fill(contig, first, bases)?;
        for step in 0..available {
            let turn = moved as usize % moving.len();
            let (next, own) = match direction {
                Direction::Right => (bases[step], moving[turn]),
                Direction::Left => (bases[available - 1 - step], moving[moving.len() - 1 - turn]),
            };
            if next != own || next == b'N' {
                break 'shifting;
            }
            moved += 1;
        }
    }
    let turn = moved as usize % moving.len();
    match direction {
        Direction::Right => {
            placement.start = allele.start.saturating_add(moved);
            placement.end = allele.end.saturating_add(moved);
            if allele.is_insertion() {
                placement.alternate.rotate_left(turn);
            }
        }
        Direction::Left => {
            placement.start = allele.start.saturating_sub(moved);
            placement.end = allele.end.saturating_sub(moved);
            if allele.is_insertion() {
                placement.alternate.rotate_right(turn);
            }
        }
    }
    if allele.is_insertion() {
        placement.duplicates = duplicates(&placement, contig, direction, moved, reader)?;
    }
    Ok(placement)
}

/// Whether the bases behind a shifted insertion are the same as the inserted ones.
fn duplicates(
    placement: &Placement,
    contig: ContigId,
    direction: Direction,
    moved: u32,
    reader: &mut SequenceReader,
) -> Result<bool, ReferenceError> {
    let length = placement.alternate.len();
    if moved as usize >= length {
        return Ok(true);
    }
    let first = match direction {
        Direction::Right => i64::from(placement.start) - 1 - length as i64,
        Direction::Left => i64::from(placement.start) - 1,
    };
    let mut bases = vec![0; length];
    reader.fill(contig, first, &mut bases)?;
    Ok(bases == placement.alternate && !bases.contains(&b'N'))
}

/// Whether an alternate is the reverse complement of what it replaces.
pub(crate) fn is_inversion(reference: &[u8], alternate: &[u8]) -> bool {
    if reference.len() < 2 || reference.len() != alternate.len() {
        return false;
    }
    let mut turned = reference.to_vec();
    reverse_complement(&mut turned);
    turned == alternate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_bases_go() {
        let check = |r: &str, a: &str, expected: Option<(u32, u32, &str, &str)>| {
            let allele = Allele::trimmed(10, r.as_bytes(), a.as_bytes());
            let found = allele.as_ref().map(|allele| {
                (
                    allele.start,
                    allele.end,
                    std::str::from_utf8(&allele.reference).unwrap(),
                    std::str::from_utf8(&allele.alternate).unwrap(),
                )
            });
            assert_eq!(found, expected, "{r} {a}");
        };
        check("A", "G", Some((10, 10, "A", "G")));
        check("A", "AT", Some((11, 10, "", "T")));
        check("AT", "A", Some((11, 11, "T", "")));
        check("TA", "A", Some((10, 10, "T", "")));
        check("CAT", "CGT", Some((11, 11, "A", "G")));
        check("a", "A", None);
        check("AC", "GT", Some((10, 11, "AC", "GT")));
        check("A", "AAA", Some((11, 10, "", "AA")));
        assert_eq!(Allele::trimmed(0, b"A", b"G"), None);
        assert_eq!(Allele::trimmed(u32::MAX, b"AC", b"AG"), None);
    }

    #[test]
    fn inversions() {
        assert!(is_inversion(b"ACG", b"CGT"));
        assert!(!is_inversion(b"A", b"T"));
        assert!(!is_inversion(b"AC", b"AC"));
    }
}
