//! What the weights of a batch add to each patient.

use varisk_core::{CallMatrix, ONE_COPY};

use super::choose::{applied, applied_in_panel};
use super::classes::{Applied, CLASSES, class, copies, missing_copies};
use super::observe::{Frequencies, Scratch};
use super::rows::{CLASS_BITS, CLASS_MASK, Dosed, Encoder, Item, PLAIN_CODES, Slot};
use super::state::{PatientStatistics, State};
use super::{MIN_COHORT, MissingPolicy, Standardisation};
use crate::plan::{Entry, ScorePlan};
use crate::{EffectType, Side};

/// What is fixed while a batch is added up.
pub(super) struct Context<'a> {
    pub(super) plan: &'a ScorePlan,
    pub(super) policy: &'a MissingPolicy,
    pub(super) standardisation: Standardisation,
    pub(super) frequencies: Option<Frequencies<'a>>,
    pub(super) rows: &'a [(usize, u32)],
    pub(super) calls: &'a CallMatrix,
    pub(super) patients: usize,
}

impl Context<'_> {
    pub(super) fn add_up(&self, state: &mut State, scratch: &Scratch) {
        // Frequencies of alternate and reference by slot, once for all scores.
        let frequencies: Vec<Option<(f64, f64)>> = scratch
            .slots
            .iter()
            .zip(self.rows)
            .map(|(slot, (row, _))| self.imputed_from(slot, *row))
            .collect();
        for (score, range) in scratch.starts.windows(2).enumerate() {
            let [start, end] = [range[0] as usize, range[1] as usize];
            for hit in &scratch.sorted[start..end] {
                let entry = self.plan.entries[hit.entry as usize];
                let slot = &scratch.slots[hit.slot as usize];
                if state.panel.is_some() {
                    self.add_to_panel(state, &scratch.encoder, slot, score, entry);
                }
                let strand = |special| state.strands.get(&special).copied();
                if hit.is_own
                    && let Some(applied) = applied(self.plan, entry, strand)
                {
                    let frequency = frequencies[hit.slot as usize];
                    self.add(state, &scratch.encoder, slot, score, &applied, frequency);
                }
            }
        }
    }

    fn imputed_from(&self, slot: &Slot, row: usize) -> Option<(f64, f64)> {
        let both = |alternate: f64| (alternate, 1.0 - alternate);
        match self.policy {
            MissingPolicy::None => None,
            MissingPolicy::Cohort => slot.cohort_frequencies(MIN_COHORT),
            MissingPolicy::Frequencies { .. } => self.frequencies.as_ref()?.at(row).map(both),
            MissingPolicy::Panel => self.of_panel(slot.allele).map(both),
        }
    }

    fn of_panel(&self, allele: u32) -> Option<f64> {
        let frequency = *self.plan.panel.as_ref()?.get(allele as usize)?;
        (!frequency.is_nan()).then_some(frequency)
    }

    fn add_to_panel(
        &self,
        state: &mut State,
        encoder: &Encoder,
        slot: &Slot,
        score: usize,
        entry: Entry,
    ) {
        let Some(sums) = &mut state.panel else {
            return;
        };
        let Some((applied, alternate)) = applied_in_panel(self.plan, slot.allele, entry) else {
            return;
        };
        let frequency = match applied.side {
            Side::Alternate => alternate,
            Side::Reference => 1.0 - alternate,
        };
        let own = score * self.patients..(score + 1) * self.patients;
        let items = &encoder.items[slot.items.clone()];
        let terms = applied.terms(Some(frequency));
        let common = &mut sums.common[score];
        if let Some(row) = slot.dense {
            let terms = encoder.by_code(&terms);
            add_codes(&mut sums.own[own], self.calls.row(row), &terms);
            return;
        }
        add_terms(&mut sums.own[own.clone()], common, slot.base, items, &terms);
        add_dosed(
            &mut sums.own[own],
            &encoder.dosed[slot.dosed.clone()],
            &applied,
            |term, _| term,
        );
    }

    fn add(
        &self,
        state: &mut State,
        encoder: &Encoder,
        slot: &Slot,
        score: usize,
        applied: &Applied,
        frequencies: Option<(f64, f64)>,
    ) {
        let of_side = |(alternate, reference): (f64, f64)| match applied.side {
            Side::Alternate => alternate,
            Side::Reference => reference,
        };
        let own = score * self.patients..(score + 1) * self.patients;
        let items = &encoder.items[slot.items.clone()];
        let dosed = &encoder.dosed[slot.dosed.clone()];
        let frequency = frequencies.map(of_side);
        let terms = match self.standardisation {
            Standardisation::None => applied.terms(frequency),
            how => applied.standardised_terms(frequency, how),
        };
        let sums = &mut state.sums;
        if let Some(row) = slot.dense {
            let codes = self.calls.row(row);
            add_codes(&mut sums.own[own.clone()], codes, &encoder.by_code(&terms));
            if let Some(sums) = &mut state.dosages {
                let terms = encoder.by_code(&counted(applied).terms(None));
                add_codes(&mut sums.own[own], codes, &terms);
            }
            return;
        }
        let common = &mut sums.common[score];
        add_terms(&mut sums.own[own.clone()], common, slot.base, items, &terms);
        let term = |term: i64, ploidy: u8| match (self.standardisation, frequency) {
            (Standardisation::None, _) => term,
            (how, Some(frequency)) => applied.standardised(term, ploidy, frequency, how),
            (_, None) => 0,
        };
        add_dosed(&mut sums.own[own.clone()], dosed, applied, term);
        if let Some(sums) = &mut state.dosages {
            let counted = counted(applied);
            let common = &mut sums.common[score];
            let terms = counted.terms(None);
            add_terms(&mut sums.own[own.clone()], common, slot.base, items, &terms);
            add_dosed(&mut sums.own[own], dosed, &counted, |term, _| term);
        }
        let haploid_dosed = dosed.iter().any(|one| one.ploidy < 2);
        if !slot.remarkable.is_empty() || haploid_dosed {
            let statistics = state.statistics_of(score, self.patients);
            let remarkable = &encoder.items[slot.remarkable.clone()];
            let has_mean = frequencies.is_some();
            count(statistics, remarkable, applied.magnitude(), has_mean);
            for one in dosed.iter().filter(|one| one.ploidy < 2) {
                if let Some(own) = statistics.get_mut(one.patient as usize) {
                    own.lacking_copies = own.lacking_copies.saturating_add(1);
                }
            }
        }
    }
}

/// What counts the copies of a weight's effect allele.
fn counted(applied: &Applied) -> Applied {
    Applied {
        effect_type: EffectType::Additive,
        side: applied.side,
        weights: [i64::from(ONE_COPY), 0, 0],
    }
}

/// Adds a term for each patient by their code.
fn add_codes(sums: &mut [i64], codes: &[u8], terms: &[i64; PLAIN_CODES]) {
    for (sum, code) in sums.iter_mut().zip(codes) {
        *sum = sum.wrapping_add(terms[usize::from(code & 0x7f)]);
    }
}

/// Adds a term for each patient: that of the common class for all, the difference for the others.
fn add_terms(
    sums: &mut [i64],
    common: &mut i64,
    base: Option<u8>,
    items: &[Item],
    terms: &[i64; CLASSES],
) {
    let of_base = base.map_or(0, |base| terms[usize::from(base)]);
    *common = common.wrapping_add(of_base);
    let differences = terms.map(|term| term.wrapping_sub(of_base));
    for item in items {
        if let Some(sum) = sums.get_mut((item >> CLASS_BITS) as usize) {
            *sum = sum.wrapping_add(differences[(item & CLASS_MASK) as usize]);
        }
    }
}

fn add_dosed(sums: &mut [i64], dosed: &[Dosed], applied: &Applied, term: impl Fn(i64, u8) -> i64) {
    for one in dosed {
        let dosage = match applied.side {
            Side::Alternate => one.alternate,
            Side::Reference => one.reference,
        };
        if let Some(sum) = sums.get_mut(one.patient as usize) {
            *sum = sum.wrapping_add(term(applied.dosed(dosage, one.ploidy), one.ploidy));
        }
    }
}

/// Counts a weight for the patients who are not simply called.
fn count(statistics: &mut [PatientStatistics], remarkable: &[Item], weight: i64, has_mean: bool) {
    for item in remarkable {
        let Some(own) = statistics.get_mut((item >> CLASS_BITS) as usize) else {
            continue;
        };
        let of = (item & CLASS_MASK) as u8;
        let missing = missing_copies(of);
        let ploidy = copies(of).map_or(missing, |(_, _, ploidy)| ploidy);
        own.lacking_copies += 2 - u32::from(ploidy.min(2));
        if missing > 0 {
            own.missing += 1;
            own.missing_copies += u32::from(missing);
            own.unimputed_copies += if has_mean { 0 } else { u32::from(missing) };
            own.missing_weight = own.missing_weight.wrapping_add(weight);
        } else if of == class::NOT_COUNTED {
            own.not_counted += 1;
            own.not_counted_weight = own.not_counted_weight.wrapping_add(weight);
        } else if of == class::ASSUMED_1 || of == class::ASSUMED_2 {
            own.assumed += 1;
            own.assumed_weight = own.assumed_weight.wrapping_add(weight);
        }
    }
}
