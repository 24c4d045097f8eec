//! Which alleles of a haplotype change a protein together.
//!
//! As in `bcftools csq`: alleles of one codon are read together, and so are all alleles from one
//! that shifts the frame to the one that makes it good; others stand alone.

use super::edit::{CodingEdit, Edit, coding_edit};
use super::frame::Frame;
use super::regions::regions;
use super::{Annotator, Consequence, coding, nmd};
use crate::AnnotateError;
use crate::allele::Allele;
use crate::term::Term;
use crate::transcript::Transcript;

/// The consequence of several alleles of one haplotype on one transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compound {
    /// Indices of the alleles, in transcript direction.
    pub(crate) members: Vec<usize>,
    pub(crate) consequence: Consequence,
    /// A stop that the haplotype gained lies before it in the transcript.
    pub(crate) after_stop: bool,
}

impl Annotator {
    /// What the alleles of one haplotype do to a transcript together. Alleles that touch the same
    /// codon, or lie between shifts of the frame that make each other good, have one consequence.
    /// Also gives the indices of alleles that overlap another one before them, and so cannot lie
    /// on the same haplotype. Alleles that do not lie wholly in the coding region of one exon are
    /// left out: they have the consequence that each has alone.
    pub(crate) fn compounds(
        &mut self,
        index: usize,
        transcript: &Transcript,
        alleles: &[Allele],
    ) -> Result<(Vec<Compound>, Vec<usize>), AnnotateError> {
        let spliced = self.cache.get(index, transcript, &mut self.reader)?;
        let code = self
            .codes
            .get(transcript.contig.0 as usize)
            .copied()
            .unwrap_or_default();
        let frame = Frame::new(transcript, &spliced, code);
        let mut edits: Vec<(usize, Edit)> = alleles
            .iter()
            .enumerate()
            .filter_map(|(number, allele)| {
                let touched = regions(transcript, allele);
                if !touched.coding {
                    return None;
                }
                match coding_edit(transcript, allele, &touched, &frame) {
                    CodingEdit::Inside(edit) => Some((number, edit)),
                    _ => None,
                }
            })
            .collect();
        edits.sort_by_key(|(number, edit)| (edit.first, edit.removed, *number));
        let (groups, overlapping) = groups(edits);
        let mut found = Vec::with_capacity(groups.len());
        let mut after_stop = false;
        for group in groups {
            let edit = group.joined(&frame);
            let edited = edit.of(frame);
            let change = coding::change(transcript, &edited);
            let mut consequence = Consequence {
                terms: change.terms,
                transcript: Some(index),
                ..Consequence::default()
            };
            // A stop that only the shifted frame brings, somewhere behind, is the frame shift's own.
            if edited.shifts_frame() && change.protein.premature_stop > Some(group.first_end() / 3)
            {
                consequence.terms.remove(Term::StopGained);
            }
            consequence
                .terms
                .insert_if(transcript.is_nmd_target(), Term::NmdTranscript);
            let last = edit
                .first
                .saturating_add(edit.removed.max(1))
                .saturating_sub(1);
            consequence.cds = (
                Some(edit.first.saturating_add(1)),
                Some(last.saturating_add(1)),
            );
            if let Some((first, last)) = change.residues {
                consequence.protein = (Some(first), Some(last));
            }
            consequence.nmd = change
                .protein
                .premature_stop
                .map(|stop| nmd::predict(transcript, &edited, stop));
            let gains = change.protein.premature_stop.is_some();
            consequence.codons = change.codons;
            consequence.amino_acids = change.amino_acids;
            if let Some(protein_id) = transcript.protein_id()
                && !change.protein.name.is_empty()
            {
                consequence.hgvsp = format!("{protein_id}:{}", change.protein.name);
            }
            found.push(Compound {
                members: group.members().collect(),
                consequence,
                after_stop,
            });
            after_stop |= gains;
        }
        Ok((found, overlapping))
    }
}

/// Alleles that are read together, in transcript direction.
struct Group {
    edits: Vec<(usize, Edit)>,
}

/// Groups edits that are sorted by position. Edits that overlap one before them are left out and
/// given by number.
fn groups(edits: Vec<(usize, Edit)>) -> (Vec<Group>, Vec<usize>) {
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
    fn members(&self) -> impl Iterator<Item = usize> {
        self.edits.iter().map(|(number, _)| *number)
    }

    /// Position of the last base of the first edit, in the changed frame.
    fn first_end(&self) -> u32 {
        self.edits.first().map_or(0, |(_, edit)| {
            let added = u32::try_from(edit.added.len()).unwrap_or(u32::MAX);
            edit.first.saturating_add(added.max(1)).saturating_sub(1)
        })
    }

    /// One edit that does what all of them do, with the bases between them.
    fn joined(&self, frame: &Frame<'_>) -> Edit {
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
