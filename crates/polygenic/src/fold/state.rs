//! What a fold has seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is counted for a patient in a score beyond the sum, where something is not a complete
/// diploid call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PatientStatistics {
    pub(crate) missing: u32,
    pub(crate) missing_copies: u32,
    /// Of these, copies in whose place no mean could be put.
    pub(crate) unimputed_copies: u32,
    pub(crate) assumed: u32,
    pub(crate) not_counted: u32,
    /// Copies by which rows fall short of two: haploid calls, and rows that do not count.
    pub(crate) lacking_copies: u32,
    pub(crate) missing_weight: i64,
    pub(crate) assumed_weight: i64,
    pub(crate) not_counted_weight: i64,
}

impl PatientStatistics {
    pub(super) fn add(&mut self, other: &Self) {
        self.missing = self.missing.saturating_add(other.missing);
        self.missing_copies = self.missing_copies.saturating_add(other.missing_copies);
        self.unimputed_copies = self.unimputed_copies.saturating_add(other.unimputed_copies);
        self.assumed = self.assumed.saturating_add(other.assumed);
        self.not_counted = self.not_counted.saturating_add(other.not_counted);
        self.lacking_copies = self.lacking_copies.saturating_add(other.lacking_copies);
        self.missing_weight = self.missing_weight.wrapping_add(other.missing_weight);
        self.assumed_weight = self.assumed_weight.wrapping_add(other.assumed_weight);
        self.not_counted_weight = self
            .not_counted_weight
            .wrapping_add(other.not_counted_weight);
    }
}

/// Patients at an allele who are not called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AlleleCounts {
    pub(crate) assumed: u32,
    pub(crate) no_call: u32,
    pub(crate) not_assayed: u32,
}

impl AlleleCounts {
    fn add(&mut self, other: &Self) {
        self.assumed = self.assumed.saturating_add(other.assumed);
        self.no_call = self.no_call.saturating_add(other.no_call);
        self.not_assayed = self.not_assayed.saturating_add(other.not_assayed);
    }
}

/// Sums of all patients in all scores, shape (scores, patients), and a term for each score that all
/// patients share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) own: Vec<i64>,
    pub(super) common: Vec<i64>,
}

impl Sums {
    pub(super) fn new(scores: usize, patients: usize) -> Self {
        Self {
            own: vec![0; scores * patients],
            common: vec![0; scores],
        }
    }

    pub(super) fn of(&self, score: usize, patient: usize, patients: usize) -> i64 {
        self.own[score * patients + patient].wrapping_add(self.common[score])
    }

    /// Takes in the sums of some of the patients, what these share among them added to each.
    fn take_patients(&mut self, part: &Self, of: &[usize], patients: usize) {
        for score in 0..self.common.len() {
            for (patient, at) in of.iter().enumerate() {
                self.own[score * patients + at] = part.of(score, patient, of.len());
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        for (own, more) in [
            (&mut self.own, &other.own),
            (&mut self.common, &other.common),
        ] {
            for (sum, term) in own.iter_mut().zip(more) {
                *sum = sum.wrapping_add(*term);
            }
        }
    }
}

/// The call codes of an allele that terms over several alleles need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ComponentCalls {
    /// [`varisk_core::SiteClass`] as number.
    pub(super) site: u8,
    pub(super) codes: Vec<u8>,
}

/// How frequencies decided about a row whose strand is ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum StrandDecision {
    Keep,
    Flip,
    Drop,
}

/// Bits of a group's state: the candidates that were scored, and refusals.
pub(super) mod group {
    pub(in crate::fold) const CANDIDATES: u8 = 0b0000_1111;
    pub(in crate::fold) const SEVERAL_ALLELES: u8 = 1 << 6;
    pub(in crate::fold) const TWO_ALLELES: u8 = 1 << 7;
}

/// All that is summed and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) sums: Sums,
    pub(super) panel: Option<Sums>,
    /// Copies of effect alleles in multiples of 2^-24.
    pub(super) dosages: Option<Sums>,
    /// By score; empty where nothing had to be counted.
    pub(super) statistics: Vec<Vec<PatientStatistics>>,
    /// Rows seen of each allele.
    pub(super) seen: Vec<u8>,
    /// Alleles at which not all patients are called.
    pub(super) counts: BTreeMap<u32, AlleleCounts>,
    pub(super) groups: BTreeMap<u32, u8>,
    pub(super) strands: BTreeMap<u32, StrandDecision>,
    pub(super) components: BTreeMap<u32, ComponentCalls>,
}

impl State {
    pub(super) fn merge(&mut self, other: Self) {
        self.sums.merge(&other.sums);
        for (own, more) in [
            (&mut self.panel, &other.panel),
            (&mut self.dosages, &other.dosages),
        ] {
            if let (Some(own), Some(more)) = (own, more) {
                own.merge(more);
            }
        }
        for (own, more) in self.statistics.iter_mut().zip(other.statistics) {
            if own.is_empty() {
                *own = more;
            } else {
                for (one, add) in own.iter_mut().zip(&more) {
                    one.add(add);
                }
            }
        }
        for (own, more) in self.seen.iter_mut().zip(&other.seen) {
            *own = own.saturating_add(*more);
        }
        for (allele, counts) in &other.counts {
            self.counts.entry(*allele).or_default().add(counts);
        }
        for (group, bits) in other.groups {
            *self.groups.entry(group).or_default() |= bits;
        }
        for (special, decision) in other.strands {
            // Two decisions mean that the allele was seen twice, and the score is not computed.
            let own = self.strands.entry(special).or_insert(decision);
            *own = decision.max(*own);
        }
        for (allele, calls) in other.components {
            self.components.entry(allele).or_insert(calls);
        }
    }

    /// Takes in the state of some of the patients: patient `i` of it is patient `of[i]` of all
    /// `patients` here. `None` where it has seen other alleles than the parts before.
    pub(super) fn take_patients(
        &mut self,
        part: &Self,
        of: &[usize],
        patients: usize,
    ) -> Option<()> {
        let is_first = self.seen.iter().all(|seen| *seen == 0);
        if is_first {
            self.seen.clone_from(&part.seen);
            self.groups.clone_from(&part.groups);
            self.strands.clone_from(&part.strands);
        }
        let is_same = self.seen == part.seen
            && self.groups == part.groups
            && self.strands == part.strands
            && (is_first || self.components.keys().eq(part.components.keys()));
        if !is_same {
            return None;
        }
        self.sums.take_patients(&part.sums, of, patients);
        for (own, part) in [
            (&mut self.panel, &part.panel),
            (&mut self.dosages, &part.dosages),
        ] {
            if let (Some(own), Some(part)) = (own, part) {
                own.take_patients(part, of, patients);
            }
        }
        for (score, statistics) in part.statistics.iter().enumerate() {
            if statistics.is_empty() {
                continue;
            }
            let own = self.statistics_of(score, patients);
            for (statistics, at) in statistics.iter().zip(of) {
                *own.get_mut(*at)? = *statistics;
            }
        }
        for (allele, counts) in &part.counts {
            self.counts.entry(*allele).or_default().add(counts);
        }
        for (allele, calls) in &part.components {
            let own = self
                .components
                .entry(*allele)
                .or_insert_with(|| ComponentCalls {
                    site: calls.site,
                    codes: vec![0; patients],
                });
            if own.site != calls.site {
                return None;
            }
            for (code, at) in calls.codes.iter().zip(of) {
                *own.codes.get_mut(*at)? = *code;
            }
        }
        Some(())
    }

    /// Statistics of a score, made when they are first needed.
    pub(super) fn statistics_of(
        &mut self,
        score: usize,
        patients: usize,
    ) -> &mut [PatientStatistics] {
        let own = &mut self.statistics[score];
        if own.is_empty() {
            own.resize(patients, PatientStatistics::default());
        }
        own
    }
}
