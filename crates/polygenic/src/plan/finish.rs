//! From rows on sites to weights on alleles.

use super::entries::{Entry, EntryKind, Special};
use super::read::{Rows, lose, unsupported_detail};
use super::{Component, Term};
use crate::options::{AmbiguousStrand, UnsupportedRows};
use crate::sites::{Candidate, Resolution, SiteTable};
use crate::{EffectType, PlanOptions, PolygenicError, RowReason, ScoreSource};

/// Turns entries on sites into entries on alleles.
pub(super) struct Finisher<'a> {
    pub(super) sites: &'a SiteTable,
    pub(super) ranks: &'a [u32],
    pub(super) policy: AmbiguousStrand,
    pub(super) specials: Vec<Special>,
    /// Weights of specials before they are rounded.
    pub(super) special_weights: Vec<[f64; 3]>,
    pub(super) groups: u32,
}

impl Finisher<'_> {
    pub(super) fn finish(&mut self, rows: &mut Rows) {
        let mut more = Vec::new();
        for entry in &mut rows.entries {
            let pending = entry.special().and_then(|index| rows.pending.get(index));
            let (effect_type, weights, frequency) = match (pending, entry.kind()) {
                (Some(pending), _) => (pending.effect_type, pending.weights, pending.frequency),
                (None, EntryKind::Plain(effect_type, _)) => {
                    let weight = f64::from_bits(entry.weight.cast_unsigned());
                    (effect_type, [weight, 0.0, 0.0], f64::NAN)
                }
                _ => continue,
            };
            let score = entry.score();
            let resolution = self.sites.resolution(self.ranks[entry.allele as usize]);
            let mut special = |candidate: Candidate, group, number| {
                let index = i64::try_from(self.specials.len()).unwrap_or(i64::MAX);
                self.specials.push(Special {
                    effect_type,
                    weights: [0; 3],
                    match_type: candidate.match_type,
                    is_ambiguous: candidate.is_ambiguous && self.policy != AmbiguousStrand::Keep,
                    frequency,
                    group,
                    candidate: number,
                    is_panel: false,
                });
                self.special_weights.push(weights);
                Entry::new(candidate.allele, score, EntryKind::Special, index)
            };
            match resolution {
                Resolution::Lost(reason) => {
                    lose(&mut rows.scores[score as usize], reason, largest(weights));
                    entry.drop_it();
                }
                Resolution::One(candidate) => {
                    let is_plain = effect_type != EffectType::Nonadditive
                        && !(candidate.is_ambiguous && self.policy == AmbiguousStrand::ByFrequency);
                    *entry = if is_plain {
                        let kind = EntryKind::Plain(effect_type, candidate.match_type.side());
                        let bits = weights[0].to_bits().cast_signed();
                        Entry::new(candidate.allele, score, kind, bits)
                    } else {
                        special(candidate, None, 0)
                    };
                }
                Resolution::Choice(candidates) => {
                    for (number, candidate) in (0..=u8::MAX).zip(candidates) {
                        let made = special(*candidate, Some(self.groups), number);
                        if number == 0 {
                            *entry = made;
                        } else {
                            more.push(made);
                        }
                    }
                    self.groups += 1;
                }
            }
        }
        rows.entries
            .retain(|entry| entry.kind() != EntryKind::Dropped);
        rows.entries.append(&mut more);
        rows.pending = Vec::new();
    }

    /// Terms whose alleles all are known, with their weights.
    pub(super) fn terms(
        &self,
        rows: &mut Rows,
        options: &PlanOptions,
        sources: &[ScoreSource],
    ) -> Result<Vec<(Term, f64)>, PolygenicError> {
        let mut terms = Vec::new();
        for pending in std::mem::take(&mut rows.terms) {
            let component = |site: &u32| match self.sites.resolution(self.ranks[*site as usize]) {
                Resolution::Lost(reason) => Err(reason),
                Resolution::One(candidate)
                    if candidate.is_ambiguous && self.policy != AmbiguousStrand::Keep =>
                {
                    Err(RowReason::AmbiguousStrand)
                }
                Resolution::One(candidate) => Ok(Component {
                    allele: candidate.allele,
                    side: candidate.match_type.side(),
                }),
                Resolution::Choice(_) if pending.effect_type == EffectType::Interaction => {
                    Err(RowReason::UnsupportedInteraction)
                }
                Resolution::Choice(_) => Err(RowReason::UnsupportedHaplotype),
            };
            let groups: Result<Vec<Vec<Component>>, RowReason> = pending
                .groups
                .iter()
                .map(|group| group.iter().map(component).collect())
                .collect();
            match groups {
                Ok(groups) => terms.push((
                    Term {
                        score: pending.score,
                        effect_type: pending.effect_type,
                        weight: 0,
                        groups,
                        is_apoe: pending.is_apoe,
                        source: pending.source,
                        row: pending.row,
                    },
                    pending.weight,
                )),
                Err(reason) => {
                    if reason.is_unsupported() && options.unsupported == UnsupportedRows::Refuse {
                        return Err(PolygenicError::UnsupportedRow {
                            path: sources[pending.source as usize].path.clone(),
                            line: pending.line,
                            detail: unsupported_detail(reason).to_owned(),
                        });
                    }
                    let score = &mut rows.scores[pending.score as usize];
                    lose(score, reason, pending.weight.abs());
                }
            }
        }
        Ok(terms)
    }
}

/// What weights by dosage, or a single weight, weigh.
pub(super) fn largest(weights: [f64; 3]) -> f64 {
    weights.into_iter().map(f64::abs).fold(0.0, f64::max)
}
