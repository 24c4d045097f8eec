//! Which weights apply at a batch's rows: alleles of rows with a choice, strands that frequencies tell.

use super::MIN_COHORT;
use super::classes::Applied;
use super::observe::{Frequencies, Hit, Scratch};
use super::state::{State, StrandDecision, group};
use crate::plan::{Entry, EntryKind, ScorePlan};
use crate::{AmbiguousStrand, FREQUENCY_MARGIN, MatchType, Side};

/// Decides which weights apply: alleles of rows with a choice, strands that frequencies tell.
pub(super) fn choose(
    plan: &ScorePlan,
    rows: &[(usize, u32)],
    state: &mut State,
    scratch: &mut Scratch,
    strands: Option<&Frequencies>,
) {
    scratch.hits.clear();
    // Weights of one row of a file that this batch's rows could have: (group, place, entry, slot).
    let mut choices: Vec<(u32, u32, u32, u32)> = Vec::new();
    let mut hits = std::mem::take(&mut scratch.hits);
    for ((slot_number, slot), (row, _)) in (0..).zip(&scratch.slots).zip(rows) {
        let (first, entries) = plan.entries_of(slot.allele);
        for (at, entry) in (first..).zip(entries) {
            let Ok(number) = u32::try_from(at) else {
                continue;
            };
            let special = entry.special().and_then(|index| plan.specials.get(index));
            if let Some(special) = special {
                if special.is_ambiguous
                    && plan.options.ambiguous == AmbiguousStrand::ByFrequency
                    && let Some(index) = entry.special().and_then(|index| u32::try_from(index).ok())
                {
                    let alternate = match strands {
                        Some(column) => column.at(*row),
                        None => slot
                            .cohort_frequencies(MIN_COHORT)
                            .map(|(alternate, _)| alternate),
                    };
                    let side = special.match_type.side();
                    let decision = decide(side, special.frequency, alternate);
                    let own = state.strands.entry(index).or_insert(decision);
                    *own = decision.max(*own);
                }
                if let Some(group) = special.group {
                    let place = scratch.places[slot_number as usize];
                    choices.push((group, place, number, slot_number));
                    continue;
                }
            }
            hits.push(Hit {
                slot: slot_number,
                entry: number,
                is_own: true,
            });
        }
    }
    choices.sort_unstable();
    for same in choices.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let special = |entry: u32| {
            let index = plan.entries[entry as usize].special()?;
            plan.specials.get(index)
        };
        let is_flipped = |choice: &&(u32, u32, u32, u32)| {
            special(choice.2).is_some_and(|special| special.match_type.is_flipped())
        };
        // Alleles of the files come first. Of those that were only asked for, perhaps by another
        // score, the one that the row prefers stands for it; so that a choice does not depend on
        // what else is asked.
        let of_files = |choice: &&(u32, u32, u32, u32)| !scratch.asked[choice.3 as usize];
        let mut open: Vec<_> = same.iter().filter(of_files).collect();
        if open.is_empty() {
            let is_first = |choice: &&(u32, u32, u32, u32)| {
                special(choice.2).is_some_and(|special| special.candidate == 0)
            };
            open = same.iter().filter(is_first).collect();
        }
        // The strand as written comes before the other one.
        let written: Vec<_> = open
            .iter()
            .copied()
            .filter(|choice| !is_flipped(choice))
            .collect();
        let best = if written.is_empty() { open } else { written };
        let mut none = 0;
        let bits = if best.is_empty() {
            &mut none
        } else {
            state.groups.entry(same[0].0).or_default()
        };
        let mut chosen = None;
        match best.as_slice() {
            [(_, _, entry, slot)] => {
                let candidate = special(*entry).map_or(0, |special| special.candidate);
                *bits |= 1 << candidate.min(3);
                chosen = Some((*entry, *slot));
            }
            [(_, _, entry, _), ..] => {
                let is_open = special(*entry).is_some_and(|special| {
                    matches!(
                        special.match_type,
                        MatchType::NoOtherRef | MatchType::NoOtherRefFlipped
                    )
                });
                *bits |= if is_open {
                    group::SEVERAL_ALLELES
                } else {
                    group::TWO_ALLELES
                };
            }
            [] => {}
        }
        for (_, _, entry, slot) in same {
            let is_own = chosen == Some((*entry, *slot));
            if is_own || plan.has_panel() {
                hits.push(Hit {
                    slot: *slot,
                    entry: *entry,
                    is_own,
                });
            }
        }
    }
    scratch.hits = hits;
}

/// What frequencies say about the strand of a row whose effect allele has `side` as written.
pub(super) fn decide(side: Side, of_effect: f64, alternate: Option<f64>) -> StrandDecision {
    let Some(alternate) = alternate else {
        return StrandDecision::Drop;
    };
    let of_data = match side {
        Side::Alternate => alternate,
        Side::Reference => 1.0 - alternate,
    };
    let is_clear = |frequency: f64| (frequency - 0.5).abs() >= FREQUENCY_MARGIN;
    if !is_clear(of_effect) || !is_clear(of_data) {
        StrandDecision::Drop
    } else if (of_effect < 0.5) == (of_data < 0.5) {
        StrandDecision::Keep
    } else {
        StrandDecision::Flip
    }
}

/// How an entry applies; `None` where it does not.
pub(super) fn applied(
    plan: &ScorePlan,
    entry: Entry,
    strand: impl Fn(u32) -> Option<StrandDecision>,
) -> Option<Applied> {
    match entry.kind() {
        EntryKind::Plain(effect_type, side) => Some(Applied {
            effect_type,
            side,
            weights: [entry.weight, 0, 0],
        }),
        EntryKind::Dropped => None,
        EntryKind::Special => {
            let index = entry.special()?;
            let special = plan.specials.get(index)?;
            let side = special.match_type.side();
            let side = if special.is_ambiguous {
                match strand(u32::try_from(index).ok()?) {
                    Some(StrandDecision::Keep) => side,
                    Some(StrandDecision::Flip) => side.opposite(),
                    Some(StrandDecision::Drop) | None => return None,
                }
            } else {
                side
            };
            Some(Applied {
                effect_type: special.effect_type,
                side,
                weights: special.weights,
            })
        }
    }
}

/// How an entry applies in sums against the panel, and the panel's ALT frequency; `None` where the
/// panel lacks the allele or another candidate stands for the row. Frequencies of the panel, not those
/// of the run, tell ambiguous strands.
pub(super) fn applied_in_panel(
    plan: &ScorePlan,
    allele: u32,
    entry: Entry,
) -> Option<(Applied, f64)> {
    let frequency = *plan.panel.as_ref()?.get(allele as usize)?;
    if frequency.is_nan() {
        return None;
    }
    let special = match entry.special() {
        Some(index) => Some(plan.specials.get(index)?),
        None => None,
    };
    if special.is_some_and(|special| !special.is_panel) {
        return None;
    }
    let strand = |_| {
        let special = special?;
        (plan.options.ambiguous == AmbiguousStrand::ByFrequency).then(|| {
            decide(
                special.match_type.side(),
                special.frequency,
                Some(frequency),
            )
        })
    };
    applied(plan, entry, strand).map(|applied| (applied, frequency))
}
