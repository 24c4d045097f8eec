//! Mates that overlap count once.
//!
//! The rule is that of htslib's pileup (since 1.13), so that depths equal those of
//! `samtools mpileup`: where both mates have a base at a position and these agree, one of the two,
//! chosen by a hash of the name, keeps the sum of both qualities (at most 200) and the other one
//! drops to 0; where they differ, the better one keeps four fifths of its quality. What drops to 0
//! fails the filter on base quality.
//!
//! Two things differ. Supplementary alignments are not paired, since which of several parts of a read
//! would meet the mate depended on what else is asked. And mates are settled at the first base after
//! a deletion too, which htslib passes over. As in htslib, pairs that are not proper are left alone.

use crate::read::{AlignedRead, At, Cursor};

const PROPER_PAIR: u16 = 0x2;
const MATE_UNMAPPED: u16 = 0x8;
const SUPPLEMENTARY: u16 = 0x800;
/// The sum of the qualities of two mates that agree is at most this.
const MAX_SUM: u16 = 200;

/// Whether a read can have a mate that overlaps it.
pub(crate) fn may_overlap(read: &AlignedRead) -> bool {
    if read.flags & (MATE_UNMAPPED | SUPPLEMENTARY) != 0 || read.flags & PROPER_PAIR == 0 {
        return false;
    }
    let elsewhere = read.mate_contig >= 0 && read.mate_contig != read.contig;
    let apart = read.template_length.unsigned_abs() >= 2 * read.length as u64
        && read.mate_start >= i64::from(read.end);
    !elsewhere && !apart
}

/// Whether the mate is still to come.
pub(crate) fn awaits_mate(read: &AlignedRead) -> bool {
    read.mate_start >= i64::from(read.start) || read.mate_start == -1
}

/// Settles the qualities of two mates; `first` is the one that came first.
pub(crate) fn settle(first: &mut AlignedRead, second: &mut AlignedRead) {
    let keep_first = hash(&first.name) & 1 == 1;
    let end = first.end.min(second.end);
    let (mut a, mut b) = (first.first(), second.first());
    let mut position = second.start;
    while position < end {
        let (at_a, at_b);
        (a, at_a) = first.seek(a, position);
        (b, at_b) = second.seek(b, position);
        let (At::Base(at_a), At::Base(at_b)) = (at_a, at_b) else {
            // Gaps can be as long as introns: what lies in one is passed over at once.
            position = beyond_gap(first, a, at_a)
                .max(beyond_gap(second, b, at_b))
                .max(position.saturating_add(1));
            continue;
        };
        position += 1;
        let same = first.base(at_a) == second.base(at_b);
        let (Some(a), Some(b)) = (
            first.qualities.get_mut(at_a),
            second.qualities.get_mut(at_b),
        ) else {
            continue;
        };
        (*a, *b) = if same {
            let sum = (u16::from(*a) + u16::from(*b)).min(MAX_SUM) as u8;
            if keep_first { (sum, 0) } else { (0, sum) }
        } else if *a > *b || (*a == *b && keep_first) {
            (four_fifths(*a), 0)
        } else {
            (0, four_fifths(*b))
        };
    }
}

/// First position behind the gap that a read has at a position, or 0.
fn beyond_gap(read: &AlignedRead, cursor: Cursor, at: At) -> u32 {
    match (at, read.cigar.get(cursor.op)) {
        (At::Deleted(_) | At::Skipped, Some(op)) => cursor.contig.saturating_add(op.on_contig()),
        _ => 0,
    }
}

fn four_fifths(quality: u8) -> u8 {
    (u16::from(quality) * 4 / 5) as u8
}

/// The hash of a name by which htslib chooses a mate: the string hash with factor 31, mixed by
/// Wang's integer hash.
fn hash(name: &[u8]) -> u32 {
    let mut key = name.iter().fold(0u32, |hash, letter| {
        hash.wrapping_mul(31).wrapping_add(u32::from(*letter))
    });
    key = key.wrapping_add(!(key << 15));
    key ^= key >> 10;
    key = key.wrapping_add(key << 3);
    key ^= key >> 6;
    key = key.wrapping_add(!(key << 11));
    key ^ (key >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::testing::read;

    #[test]
    fn of_two_mates_one_keeps_both_qualities() {
        for name in ["one", "two", "three", "four"] {
            let mut first = read(1, "4M", "ACGT", 30);
            let mut second = read(3, "4M", "GTAC", 20);
            first.name = name.into();
            settle(&mut first, &mut second);
            let shared = [
                (first.qualities[2], second.qualities[0]),
                (first.qualities[3], second.qualities[1]),
            ];
            assert!(
                shared == [(50, 0); 2] || shared == [(0, 50); 2],
                "{shared:?}"
            );
            assert_eq!(first.qualities[..2], [30, 30]);
            assert_eq!(second.qualities[2..], [20, 20]);
        }
    }

    #[test]
    fn where_mates_differ_the_better_base_stays_with_less_quality() {
        let mut first = read(1, "4M", "ACGT", 31);
        let mut second = read(1, "4M", "ACCT", 40);
        settle(&mut first, &mut second);
        assert_eq!((first.qualities[2], second.qualities[2]), (0, 32));
    }

    #[test]
    fn a_deletion_in_one_mate_leaves_the_other_as_it_is() {
        let mut first = read(1, "2M2D2M", "ACAC", 30);
        let mut second = read(1, "6M", "ACGTAC", 30);
        settle(&mut first, &mut second);
        assert_eq!(second.qualities[2..4], [30, 30]);
        assert_eq!(first.qualities[0] + second.qualities[0], 60);
    }

    #[test]
    fn bases_behind_an_intron_are_settled() {
        let mut first = read(1, "2M100000000N2M", "ACGT", 30);
        let mut second = read(2, "1M100000000N3M", "CGTA", 30);
        settle(&mut first, &mut second);
        let sums = (1..4).map(|i| first.qualities[i] + second.qualities[i - 1]);
        assert_eq!(sums.collect::<Vec<u8>>(), [60; 3]);
        assert_eq!((first.qualities[0], second.qualities[3]), (30, 30));
        assert!(first.qualities[2] == 0 || second.qualities[1] == 0);
    }

    #[test]
    fn mates_that_cannot_overlap_are_not_kept_waiting() {
        let mut mate = read(1, "4M", "ACGT", 30);
        mate.flags = 0x1 | PROPER_PAIR;
        (mate.contig, mate.mate_contig) = (0, 0);
        (mate.mate_start, mate.template_length) = (2, 6);
        assert!(may_overlap(&mate) && awaits_mate(&mate));
        (mate.mate_start, mate.template_length) = (100, 104);
        assert!(!may_overlap(&mate));
        (mate.mate_start, mate.mate_contig) = (2, 1);
        assert!(!may_overlap(&mate));
    }
}
