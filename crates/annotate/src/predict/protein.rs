//! HGVS names of protein changes.
//!
//! Rules: HGVS Nomenclature, "Protein" (substitution, deletion, duplication, insertion,
//! deletion-insertion, frame shift, extension), written as VEP writes them: three letters, `Ter` for
//! a stop, no brackets. What those rules do not name plainly has no name here.

use std::fmt::Write as _;

use super::frame::Edited;
use crate::genetic_code::{STOP, UNKNOWN, three_letters};

/// A change of the protein.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ProteinChange {
    /// Name without the protein's identifier; empty where there is none.
    pub(super) name: String,
    /// Codon of a premature stop, numbered from 0 in the changed frame.
    pub(super) premature_stop: Option<u32>,
}

/// Names the change. `first` is the first codon that the edit touches, numbered from 0.
pub(super) fn change(edited: &Edited<'_>, first: u32, start_lost: bool) -> ProteinChange {
    if start_lost {
        return ProteinChange {
            name: "p.Met1?".to_owned(),
            premature_stop: None,
        };
    }
    let name = if edited.shifts_frame() {
        frameshift(edited, first)
    } else {
        inframe(edited, first)
    };
    name.unwrap_or_default()
}

fn residue(number: u32, residue: u8) -> String {
    format!("{}{}", three_letters(residue), number.saturating_add(1))
}

fn frameshift(edited: &Edited<'_>, first: u32) -> Option<ProteinChange> {
    let frame = &edited.frame;
    let mut at = first;
    let (old, new) = loop {
        let (old, new) = (frame.residue(at)?, edited.residue(at)?);
        if old == UNKNOWN || new == UNKNOWN {
            return None;
        }
        if old != new {
            break (old, new);
        }
        if old == STOP {
            // The protein ends as it did.
            return Some(ProteinChange {
                name: format!("p.{}=", residue(at, STOP)),
                premature_stop: None,
            });
        }
        at = at.checked_add(1)?;
    };
    if old == STOP {
        return Some(extension(edited, at, new));
    }
    let stop = edited.stop_from(at);
    let name = match stop {
        Some(stop) if stop == at => format!("p.{}Ter", residue(at, old)),
        Some(stop) => format!(
            "p.{}{}fsTer{}",
            residue(at, old),
            three_letters(new),
            (stop - at).saturating_add(1)
        ),
        None => format!("p.{}{}fsTer?", residue(at, old), three_letters(new)),
    };
    Some(ProteinChange {
        name,
        premature_stop: stop.filter(|stop| is_premature(edited, *stop)),
    })
}

/// Whether a stop of the changed frame lies before the place of the old one.
fn is_premature(edited: &Edited<'_>, stop: u32) -> bool {
    let end = i64::from(edited.frame.codons()) * 3 + i64::from(edited.added_length())
        - i64::from(edited.removed);
    i64::from(stop) * 3 + 3 < end
}

/// The stop codon reads as a residue: how far does translation go on?
fn extension(edited: &Edited<'_>, old_stop: u32, new: u8) -> ProteinChange {
    let until = match edited.stop_from(old_stop) {
        Some(stop) => (stop - old_stop).to_string(),
        None => "?".to_owned(),
    };
    ProteinChange {
        name: format!(
            "p.{}{}extTer{until}",
            residue(old_stop, STOP),
            three_letters(new)
        ),
        premature_stop: None,
    }
}

fn inframe(edited: &Edited<'_>, first: u32) -> Option<ProteinChange> {
    let frame = &edited.frame;
    // Codons from the first to the last touched, before and after.
    let old_end = edited.first.checked_add(edited.removed)?.div_ceil(3);
    let new_end = edited.first.checked_add(edited.added_length())?.div_ceil(3);
    let (old_end, new_end) = if edited.removed == edited.added_length() {
        (old_end, new_end)
    } else {
        // One whole codon more on both sides where the edit ends inside a codon of one of them.
        let last = old_end.max(first);
        let shift = i64::from(edited.added_length()) - i64::from(edited.removed);
        let new_last = u32::try_from(i64::from(last) + shift / 3).ok()?;
        (last, new_last.max(first).max(new_end.min(new_last)))
    };
    let mut old = Vec::new();
    for number in first..old_end {
        old.push(frame.residue(number)?);
    }
    let mut new = Vec::new();
    for number in first..new_end {
        let residue = edited.residue(number)?;
        new.push(residue);
        if residue == STOP {
            break;
        }
    }
    if old.contains(&UNKNOWN) || new.contains(&UNKNOWN) {
        return None;
    }
    if old == new {
        let last = first
            .checked_add(u32::try_from(old.len()).ok()?)?
            .checked_sub(1)?;
        let mut name = format!("p.{}", residue(first, *old.first()?));
        if last > first {
            let _ = write!(name, "_{}", residue(last, *old.last()?));
        }
        name.push('=');
        return Some(ProteinChange {
            name,
            premature_stop: None,
        });
    }
    // A terminator that stays the last is no part of the change.
    if old.last() == Some(&STOP) && new.last() == Some(&STOP) {
        old.pop();
        new.pop();
    }
    let prefix = old.iter().zip(&new).take_while(|(o, n)| o == n).count();
    let at = first.checked_add(u32::try_from(prefix).ok()?)?;
    let (old, new) = (&old[prefix..], &new[prefix..]);
    if new.first() == Some(&STOP) {
        let replaced = frame.residue(at)?;
        return Some(ProteinChange {
            name: format!("p.{}Ter", residue(at, replaced)),
            premature_stop: Some(at).filter(|stop| is_premature(edited, *stop)),
        });
    }
    if old.contains(&STOP) && !new.contains(&STOP) {
        // Only where the stop codon itself is the first to change has the extension a plain name.
        if old.first() == Some(&STOP)
            && let Some(new) = edited.residue(at)
        {
            return Some(extension(edited, at, new));
        }
        return Some(ProteinChange::default());
    }
    let suffix = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(o, n)| o == n)
        .count();
    let (old, new) = (&old[..old.len() - suffix], &new[..new.len() - suffix]);
    let premature_stop = new
        .iter()
        .position(|residue| *residue == STOP)
        .and_then(|within| at.checked_add(u32::try_from(within).ok()?))
        .filter(|stop| is_premature(edited, *stop));
    Some(ProteinChange {
        name: name_inframe(edited, at, old, new)?,
        premature_stop,
    })
}

/// Residues as one word: `LysArg`.
fn word(residues: &[u8]) -> String {
    residues.iter().map(|each| three_letters(*each)).collect()
}

fn name_inframe(edited: &Edited<'_>, at: u32, old: &[u8], new: &[u8]) -> Option<String> {
    let frame = &edited.frame;
    let mut at = at;
    let range = |first: u32, count: usize| -> Option<String> {
        let last = first
            .checked_add(u32::try_from(count).ok()?)?
            .checked_sub(1)?;
        let start = residue(first, frame.residue(first)?);
        Some(if last == first {
            start
        } else {
            format!("{start}_{}", residue(last, frame.residue(last)?))
        })
    };
    match (old, new) {
        ([one], [other]) => Some(format!("p.{}{}", residue(at, *one), three_letters(*other))),
        (_, []) => {
            // The 3' rule: the last of several equal places.
            let count = u32::try_from(old.len()).ok()?;
            while let (Some(here), Some(behind)) =
                (frame.residue(at), frame.residue(at.checked_add(count)?))
                && here == behind
                && behind != STOP
            {
                at += 1;
            }
            Some(format!("p.{}del", range(at, old.len())?))
        }
        ([], _) => {
            let mut inserted = new.to_vec();
            while let (Some(behind), Some(next)) = (frame.residue(at), inserted.first())
                && behind == *next
                && behind != STOP
            {
                inserted.rotate_left(1);
                at = at.checked_add(1)?;
            }
            let count = u32::try_from(inserted.len()).ok()?;
            if let Some(from) = at.checked_sub(count)
                && (0..count)
                    .zip(&inserted)
                    .all(|(step, each)| frame.residue(from + step) == Some(*each))
            {
                return Some(format!("p.{}dup", range(from, inserted.len())?));
            }
            let before = at.checked_sub(1)?;
            Some(format!("p.{}ins{}", range(before, 2)?, word(&inserted)))
        }
        _ => Some(format!("p.{}delins{}", range(at, old.len())?, word(new))),
    }
}
