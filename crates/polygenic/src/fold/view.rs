//! What results read from a fold.

use varisk_core::Sex;

use super::choose::{applied, applied_in_panel};
use super::classes::Applied;
use super::state::{PatientStatistics, group};
use super::{AlleleCounts, FoldOptions, PolygenicScores, StrandDecision};
use crate::plan::Entry;
use crate::{AmbiguousStrand, RowReason, Side};

/// What became of a weight on an allele.
pub(crate) enum AlleleState {
    /// It is part of the sums.
    Scored(Weighed),
    /// No record has the allele, or the weight is left out for a reason of its row.
    LeftOut,
}

/// A weight that is part of the sums.
pub(crate) struct Weighed(Applied);

/// A weight of a row that could be scored and is not, as its patients miss it.
pub(crate) struct Unfound {
    /// |weight|, in the score's units.
    pub(crate) magnitude: i64,
}

impl Weighed {
    /// |weight|, in the score's units.
    pub(crate) fn magnitude(&self) -> i64 {
        self.0.magnitude()
    }
}

impl PolygenicScores {
    pub(crate) fn options(&self) -> &FoldOptions {
        &self.options
    }

    pub(crate) fn sex(&self, patient: usize) -> Sex {
        self.sexes.get(patient).copied().unwrap_or_default()
    }

    pub(crate) fn sum(&self, score: usize, patient: usize) -> i64 {
        self.state.sums.of(score, patient, self.patients())
    }

    pub(crate) fn panel_sum(&self, score: usize, patient: usize) -> Option<i64> {
        let sums = self.state.panel.as_ref()?;
        Some(sums.of(score, patient, self.patients()))
    }

    pub(crate) fn dosage_sum(&self, score: usize, patient: usize) -> Option<f64> {
        let sums = self.state.dosages.as_ref()?;
        let sum = sums.of(score, patient, self.patients());
        Some(sum as f64 / f64::from(varisk_core::ONE_COPY))
    }

    pub(crate) fn statistics(&self, score: usize, patient: usize) -> PatientStatistics {
        self.state.statistics[score]
            .get(patient)
            .copied()
            .unwrap_or_default()
    }

    /// Rows of the data that had an allele.
    pub(crate) fn seen(&self, allele: u32) -> u8 {
        self.state.seen.get(allele as usize).copied().unwrap_or(0)
    }

    pub(crate) fn counts(&self, allele: u32) -> AlleleCounts {
        self.state.counts.get(&allele).copied().unwrap_or_default()
    }

    /// What became of an entry.
    pub(crate) fn allele_state(&self, allele: u32, entry: Entry) -> AlleleState {
        match self.reason(allele, entry) {
            None => match applied(&self.plan, entry, |special| self.strand(special)) {
                Some(applied) => AlleleState::Scored(Weighed(applied)),
                None => AlleleState::LeftOut,
            },
            Some(_) => AlleleState::LeftOut,
        }
    }

    /// |weight| of an entry that the panel has, 0 of any other.
    pub(crate) fn panel_magnitude(&self, allele: u32, entry: Entry) -> i64 {
        applied_in_panel(&self.plan, allele, entry).map_or(0, |(applied, _)| applied.magnitude())
    }

    /// The weight of an entry that is not part of the sums; `None` where another candidate of its row
    /// stands for the row.
    pub(crate) fn unfound(&self, entry: Entry) -> Option<Unfound> {
        let special = entry.special().and_then(|at| self.plan.specials.get(at));
        if let Some(special) = special
            && let Some(number) = special.group
        {
            let bits = self.state.groups.get(&number).copied().unwrap_or(0);
            let is_refused = bits & (group::SEVERAL_ALLELES | group::TWO_ALLELES) != 0;
            let is_scored = bits & group::CANDIDATES != 0 && !is_refused;
            if special.candidate > 0 || is_scored {
                return None;
            }
        }
        let applied = applied(&self.plan, entry, |_| Some(StrandDecision::Keep))?;
        Some(Unfound {
            magnitude: applied.magnitude(),
        })
    }

    pub(crate) fn strand(&self, special: u32) -> Option<StrandDecision> {
        self.state.strands.get(&special).copied()
    }

    /// Why an entry is not part of the sums.
    pub(crate) fn reason(&self, allele: u32, entry: Entry) -> Option<RowReason> {
        let index = entry.special();
        let special = index.and_then(|index| self.plan.specials.get(index));
        if let Some(number) = special.and_then(|special| special.group) {
            let bits = self.state.groups.get(&number).copied().unwrap_or(0);
            let own = special.map_or(0, |special| 1 << special.candidate.min(3));
            if bits & group::SEVERAL_ALLELES != 0 {
                return Some(RowReason::SeveralAlleles);
            }
            if bits & group::TWO_ALLELES != 0 {
                return Some(RowReason::MatchesTwoAlleles);
            }
            if bits & own == 0 {
                return Some(if bits == 0 {
                    RowReason::NotInData
                } else {
                    // Another candidate of the row has the weight.
                    RowReason::SeveralAlleles
                });
            }
        }
        if self.seen(allele) == 0 {
            return Some(RowReason::NotInData);
        }
        if special.is_some_and(|special| special.is_ambiguous) {
            if self.plan.options.ambiguous != AmbiguousStrand::ByFrequency {
                return Some(RowReason::AmbiguousStrand);
            }
            let number = index.and_then(|index| u32::try_from(index).ok())?;
            if matches!(self.strand(number), None | Some(StrandDecision::Drop)) {
                return Some(RowReason::AmbiguousFrequency);
            }
        }
        None
    }

    /// The panel's mean of a weight whose allele no record has; 0 where it is no part of the panel's
    /// sums.
    pub(crate) fn panel_term(&self, allele: u32, entry: Entry, copies: u8) -> i64 {
        let Some((applied, frequency)) = applied_in_panel(&self.plan, allele, entry) else {
            return 0;
        };
        if copies == 0 {
            return 0;
        }
        let of_side = match applied.side {
            Side::Alternate => frequency,
            Side::Reference => 1.0 - frequency,
        };
        applied.imputed(of_side, copies)
    }
}

/// Scores of which a row matched alleles of two records: which of them counts cannot be known.
pub(crate) struct Conflicts(Vec<bool>);

impl Conflicts {
    pub(crate) fn of(fold: &PolygenicScores) -> Self {
        let plan = &fold.plan;
        let mut conflicts = vec![false; plan.scores().len()];
        for (allele, seen) in (0..).zip(&fold.state.seen) {
            if *seen < 2 {
                continue;
            }
            for entry in plan.entries_of(allele).1 {
                conflicts[entry.score() as usize] = true;
            }
            for term in &plan.terms {
                if term.groups.iter().flatten().any(|one| one.allele == allele) {
                    conflicts[term.score as usize] = true;
                }
            }
        }
        if fold.state.groups.values().any(|bits| is_conflict(*bits)) {
            for entry in &plan.entries {
                let special = entry.special().and_then(|index| plan.specials.get(index));
                let bits = special
                    .and_then(|special| fold.state.groups.get(&special.group?))
                    .copied();
                if bits.is_some_and(is_conflict) {
                    conflicts[entry.score() as usize] = true;
                }
            }
        }
        Self(conflicts)
    }

    pub(crate) fn has(&self, score: usize) -> bool {
        self.0.get(score).copied().unwrap_or(false)
    }
}

/// Whether a row was scored on several candidates, or scored and refused.
fn is_conflict(bits: u8) -> bool {
    bits.count_ones() > 1 && (bits & group::CANDIDATES) != 0
}
