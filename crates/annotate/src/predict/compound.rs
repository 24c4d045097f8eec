//! Which alleles of a haplotype change a protein together.
//!
//! As in `bcftools csq`: alleles of one codon are read together, and so are all alleles from one
//! that shifts the frame to the one that makes it good; others stand alone.

use super::Edit;
use super::frame::Frame;

/// Alleles that are read together, in transcript direction.
pub(super) struct Group {
    edits: Vec<(usize, Edit)>,
}

/// Groups edits that are sorted by position. Edits that overlap one before them are left out and
/// given by number.
pub(super) fn groups(edits: Vec<(usize, Edit)>) -> (Vec<Group>, Vec<usize>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut overlapping = Vec::new();
    let mut free_from = 0u32;
    let mut shift = 0i64;
    let mut last_codon: Option<u32> = None;
    for (number, edit) in edits {
        let end = edit.first.saturating_add(edit.removed);
        // Two insertions at one place, or an insertion just behind a deletion, have no order.
        if edit.first < free_from {
            overlapping.push(number);
            continue;
        }
        let added = i64::try_from(edit.added.len()).unwrap_or(i64::MAX);
        let change = added - i64::from(edit.removed);
        let joins = shift % 3 != 0 || last_codon.is_some_and(|last| edit.first / 3 <= last);
        // An insertion between two codons touches neither.
        let between = edit.removed == 0 && edit.first.is_multiple_of(3);
        let touched = if between {
            None
        } else {
            Some(end.saturating_sub(1).max(edit.first) / 3)
        };
        free_from = if edit.removed == 0 {
            end.saturating_add(1)
        } else {
            end
        };
        match groups.last_mut() {
            Some(group) if joins => {
                shift += change;
                last_codon = last_codon.max(touched);
                group.edits.push((number, edit));
            }
            _ => {
                shift = change;
                last_codon = touched;
                groups.push(Group {
                    edits: vec![(number, edit)],
                });
            }
        }
    }
    (groups, overlapping)
}

impl Group {
    pub(super) fn members(&self) -> impl Iterator<Item = usize> {
        self.edits.iter().map(|(number, _)| *number)
    }

    /// Position of the last base of the first edit, in the changed frame.
    pub(super) fn first_end(&self) -> u32 {
        self.edits.first().map_or(0, |(_, edit)| {
            let added = u32::try_from(edit.added.len()).unwrap_or(u32::MAX);
            edit.first.saturating_add(added.max(1)).saturating_sub(1)
        })
    }

    /// One edit that does what all of them do, with the bases between them.
    pub(super) fn joined(&self, frame: &Frame<'_>) -> Edit {
        let mut joined = Edit {
            first: self.edits.first().map_or(0, |(_, edit)| edit.first),
            removed: 0,
            added: Vec::new(),
        };
        for (_, edit) in &self.edits {
            let at = joined.first.saturating_add(joined.removed);
            joined
                .added
                .extend((at..edit.first).filter_map(|position| frame.base(position)));
            joined.added.extend_from_slice(&edit.added);
            joined.removed = edit
                .first
                .saturating_add(edit.removed)
                .saturating_sub(joined.first);
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(first: u32, removed: u32, added: &str) -> Edit {
        Edit {
            first,
            removed,
            added: added.as_bytes().to_vec(),
        }
    }

    #[test]
    fn codons_and_frames_decide() {
        let check = |edits: &[(u32, u32, &str)], expected: &[&[usize]], overlapping: &[usize]| {
            let edits: Vec<(usize, Edit)> = edits
                .iter()
                .map(|(first, removed, added)| edit(*first, *removed, added))
                .enumerate()
                .collect();
            let (groups, left_out) = groups(edits);
            let members: Vec<Vec<usize>> = groups
                .iter()
                .map(|group| group.members().collect())
                .collect();
            assert_eq!(members, expected);
            assert_eq!(left_out, overlapping);
        };
        check(
            &[(0, 1, "A"), (2, 1, "A"), (3, 1, "A")],
            &[&[0, 1], &[2]],
            &[],
        );
        // A deletion and an insertion that make each other good, and what lies between.
        check(
            &[(3, 1, ""), (30, 1, "A"), (60, 0, "A"), (90, 1, "A")],
            &[&[0, 1, 2], &[3]],
            &[],
        );
        // A shift that nothing makes good takes all that follows.
        check(&[(3, 1, ""), (300, 1, "A")], &[&[0, 1]], &[]);
        check(&[(3, 3, ""), (4, 1, "A"), (6, 1, "C")], &[&[0], &[2]], &[1]);
        check(&[(3, 0, "AAA"), (3, 1, "C")], &[&[0]], &[1]);
    }
}
