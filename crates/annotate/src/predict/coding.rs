//! What an allele does to the coding sequence and to the protein.

use super::frame::{Edited, Frame};
use super::protein::{self, ProteinChange};
use crate::genetic_code::{STOP, UNKNOWN};
use crate::term::{Term, TermSet};
use crate::transcript::Transcript;

/// Change of the coding sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CodingChange {
    pub(super) terms: TermSet,
    /// Codons before and after, changed bases in upper case: `gAt/gGt`.
    pub(super) codons: String,
    /// Residues before and after: `D/G`; one letter where they are equal.
    pub(super) amino_acids: String,
    /// First and last residue touched, from 1.
    pub(super) residues: Option<(u32, u32)>,
    pub(super) protein: ProteinChange,
}

/// Longest stretch of codons that is written out; beyond it the columns hold nothing.
const LONGEST_CODONS: u32 = 600;

/// The change by an edit that lies wholly in the coding region.
pub(super) fn change(transcript: &Transcript, edited: &Edited<'_>) -> CodingChange {
    let frame = &edited.frame;
    let added = edited.added_length();
    let first = edited.first / 3;
    let end = edited.first.saturating_add(edited.removed).div_ceil(3);
    // An insertion between two codons touches none of them.
    let end = end.max(first);
    let mut change = CodingChange {
        residues: Some((first + 1, end.max(first + 1))),
        ..CodingChange::default()
    };
    // Codons of a partial end cannot be translated.
    if end > frame.codons() && !frame.length().is_multiple_of(3) {
        change.terms.insert(Term::IncompleteTerminalCodon);
        change.terms.insert(Term::CodingSequence);
        return change;
    }
    let window_removed = (end - first).saturating_mul(3);
    let window_added = window_removed
        .saturating_add(added)
        .saturating_sub(edited.removed);
    let Some((old, new)) = residues(edited, first, window_removed, window_added) else {
        change.terms.insert(Term::CodingSequence);
        return change;
    };
    if window_removed.max(window_added) <= LONGEST_CODONS {
        change.codons = codons(edited, first, window_removed, window_added);
        change.amino_acids = amino_acids(&old, &new, window_added, edited.shifts_frame());
    }
    if old.contains(&UNKNOWN) || new.contains(&UNKNOWN) {
        change.terms.insert(Term::CodingSequence);
        change
            .terms
            .insert_if(edited.shifts_frame(), Term::Frameshift);
        return change;
    }
    let terms = &mut change.terms;
    let start_touched = first == 0 && end > 0 && frame.has_start(transcript);
    if start_touched && edited.removed != added && restores_start(edited) {
        // Translation starts as it did, and every codon behind the first is as it was.
        terms.insert(Term::StartRetained);
        return change;
    }
    let start_lost = start_touched && edited.residue(0) != old.first().copied();
    terms.insert_if(start_lost, Term::StartLost);
    terms.insert_if(start_touched && !start_lost, Term::StartRetained);
    if stop_terms(edited, first, &old, &new, terms) {
        change.protein = protein::change(edited, first, start_lost);
        return change;
    }
    if edited.shifts_frame() {
        terms.insert(Term::Frameshift);
    } else if added == edited.removed {
        let settled = start_lost
            || terms.contains(Term::StopGained)
            || terms.contains(Term::StopLost)
            || terms.contains(Term::StopRetained);
        if old == new {
            terms.insert_if(
                !settled && !terms.contains(Term::StartRetained),
                Term::Synonymous,
            );
        } else {
            terms.insert_if(!settled, Term::Missense);
        }
    } else {
        // VEP's rule: an insertion keeps the old codons at one end, a deletion leaves a part of them.
        let kept = keeps_codons(edited, first, window_removed, window_added);
        terms.insert(match (kept, added > edited.removed) {
            (false, _) => Term::ProteinAltering,
            (true, true) => Term::InframeInsertion,
            (true, false) => Term::InframeDeletion,
        });
    }
    change.protein = protein::change(edited, first, start_lost);
    change
}

/// Whether `ATG` stands before the unchanged second codon, since the bases before the edit serve
/// again: a deletion of `GA` from `GAATG` leaves `ATG` where it was seen from the protein.
fn restores_start(edited: &Edited<'_>) -> bool {
    let end = edited.first.saturating_add(edited.removed);
    if end > 3 {
        return false;
    }
    let shift = i64::from(edited.added_length()) - i64::from(edited.removed);
    let base = |position: i64| -> Option<u8> {
        let position = position + shift;
        if position < 0 {
            let before = u32::try_from(-position).ok()?;
            let cdna = edited.frame.cdna(edited.frame.pad()).checked_sub(before)?;
            return edited.frame.cdna_base(cdna);
        }
        edited.base(u32::try_from(position).ok()?)
    };
    [0, 1, 2].map(base) == [Some(b'A'), Some(b'T'), Some(b'G')]
}

/// Terms about stop codons. Whether the protein ends as it did, so that nothing else can be said.
fn stop_terms(
    edited: &Edited<'_>,
    first: u32,
    old: &[u8],
    new: &[u8],
    terms: &mut TermSet,
) -> bool {
    let stop_of = |residues: &[u8]| residues.iter().position(|residue| *residue == STOP);
    let old_stop = stop_of(old);
    let new_stop = stop_of(new);
    match (old_stop, new_stop) {
        (None, None) => false,
        (None, Some(new_at)) => {
            // An insertion just before the terminator may bring one of its own.
            let end = first.saturating_add(u32::try_from(new_at).unwrap_or(u32::MAX));
            let same = end.saturating_add(1) == edited.frame.codons()
                && (first..=end)
                    .all(|number| edited.residue(number) == edited.frame.residue(number));
            terms.insert(if same {
                Term::StopRetained
            } else {
                Term::StopGained
            });
            same
        }
        (Some(old_at), found) => {
            // Behind the edit the 3' UTR may give a stop at the same place.
            let same = old[..old_at]
                .iter()
                .chain([&STOP])
                .enumerate()
                .all(|(step, residue)| {
                    let number = first.saturating_add(u32::try_from(step).unwrap_or(u32::MAX));
                    edited.residue(number) == Some(*residue)
                });
            if same {
                terms.insert(Term::StopRetained);
                return true;
            }
            // Residues come or go before the terminator, which stays the last of the window.
            let stays_last = !edited.shifts_frame()
                && old_at + 1 == old.len()
                && found.is_some_and(|new_at| new_at + 1 == new.len());
            if stays_last && edited.added_length() != edited.removed {
                terms.insert(Term::StopRetained);
                return false;
            }
            match found {
                Some(new_at) if new_at < old_at => terms.insert(Term::StopGained),
                Some(new_at) if new_at == old_at => {
                    // The residues before it differ; the stop is the same.
                    terms.insert_if(!edited.shifts_frame(), Term::Missense);
                    terms.insert_if(edited.shifts_frame(), Term::Frameshift);
                    terms.insert(Term::StopRetained);
                    return true;
                }
                Some(_) => {}
                None => terms.insert(Term::StopLost),
            }
            false
        }
    }
}

/// Residues of the window before and after; a codon left incomplete is not translated.
fn residues(
    edited: &Edited<'_>,
    first: u32,
    removed: u32,
    added: u32,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let old = (first..first + removed / 3)
        .map(|number| edited.frame.residue(number))
        .collect::<Option<_>>()?;
    let new = (first..first + added / 3)
        .map(|number| edited.residue(number))
        .collect::<Option<_>>()?;
    Some((old, new))
}

fn keeps_codons(edited: &Edited<'_>, first: u32, removed: u32, added: u32) -> bool {
    let start = first * 3;
    let old = |at: u32| edited.frame.base(start + at);
    let new = |at: u32| edited.base(start + at);
    let short = removed.min(added);
    let head = (0..short).all(|at| old(at) == new(at));
    let tail = (1..=short).all(|back| old(removed - back) == new(added - back));
    head || tail
}

fn codons(edited: &Edited<'_>, first: u32, removed: u32, added: u32) -> String {
    let start = first.saturating_mul(3);
    let lead = edited.first - start;
    let mut text = String::with_capacity((removed + added + 3) as usize);
    let mut write = |length: u32, changed: u32, base: &dyn Fn(u32) -> Option<u8>| {
        if !text.is_empty() {
            text.push('/');
        }
        if length == 0 {
            text.push('-');
        }
        for at in 0..length {
            let base = base(start + at).unwrap_or(b'N');
            let is_changed = at >= lead && at < lead + changed;
            text.push(char::from(if is_changed {
                base
            } else {
                base.to_ascii_lowercase()
            }));
        }
    };
    write(removed, edited.removed, &|at| edited.frame.base(at));
    write(added, edited.added_length(), &|at| edited.base(at));
    text
}

fn amino_acids(old: &[u8], new: &[u8], added: u32, shifts: bool) -> String {
    let word = |residues: &[u8], more: bool| -> String {
        let mut word: String = residues.iter().map(|each| char::from(*each)).collect();
        if more {
            word.push(char::from(UNKNOWN));
        }
        if word.is_empty() {
            word.push('-');
        }
        word
    };
    let (old, new) = (
        word(old, false),
        word(new, shifts && !added.is_multiple_of(3)),
    );
    if old == new {
        old
    } else {
        format!("{old}/{new}")
    }
}

/// Terms of an allele that takes some coding bases and others too: of a UTR, or of an intron.
/// `cdna` is the stretch of the spliced transcript that it replaces, half-open; `added` what it puts
/// there, where it lies in one exon.
pub(super) fn partial(
    transcript: &Transcript,
    frame: &Frame<'_>,
    cdna: (u32, u32),
    added: Option<&[u8]>,
    terms: &mut TermSet,
) {
    let (first, end) = cdna;
    let (start, stop) = transcript.coding_range;
    let touches = |from: u32, to: u32| first < to && end > from;
    let mut told = false;
    if frame.has_start(transcript) && touches(start, start.saturating_add(3)) {
        let retained = added.is_some_and(|added| {
            end <= start.saturating_add(3)
                && ends_with_start(frame, first, added, end, start.saturating_add(3))
        });
        terms.insert(if retained {
            Term::StartRetained
        } else {
            Term::StartLost
        });
        told = true;
    }
    if frame.has_stop() && touches(stop.saturating_sub(3), stop) {
        let retained = added.is_some_and(|added| {
            first >= start && {
                let edited = Edited {
                    frame: *frame,
                    first: frame.position(first),
                    removed: end.saturating_sub(first),
                    added,
                };
                let codons = frame.codons();
                let from = edited.first / 3;
                (from..codons).all(|codon| edited.residue(codon) == frame.residue(codon))
            }
        });
        terms.insert(if retained {
            Term::StopRetained
        } else {
            Term::StopLost
        });
        told = true;
    }
    if !told {
        terms.insert(Term::CodingSequence);
    }
}

/// Whether the three bases before the second codon read `ATG` after the replacement.
fn ends_with_start(frame: &Frame<'_>, first: u32, added: &[u8], end: u32, second: u32) -> bool {
    let mut tail = Vec::with_capacity(3);
    let behind = (end..second).rev().filter_map(|at| frame.cdna_base(at));
    tail.extend(behind);
    tail.extend(added.iter().rev());
    let before = (0..first)
        .rev()
        .take(3)
        .filter_map(|at| frame.cdna_base(at));
    tail.extend(before);
    tail.get(..3) == Some(b"GTA")
}
