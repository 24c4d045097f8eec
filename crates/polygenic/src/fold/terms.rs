//! Weights on several alleles together: interactions, haplotypes, diplotypes.
//!
//! They need hard calls of all their alleles in one patient, so those calls are kept and the terms
//! evaluated when everything is seen. Whole phased genotypes are taken to be in one phase set.

use varisk_core::{CallCode, Haplotype, Sex, SiteClass};

use super::PolygenicScores;
use crate::plan::{Component, Term};
use crate::{EffectType, Side};

/// What a term is for one patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TermValue {
    /// How often the weight counts.
    Copies(u32),
    /// A call is missing, or the phase that the term needs.
    Missing,
    /// No copy is expected of the patient.
    NotCounted,
}

impl PolygenicScores {
    /// Whether all alleles of a term were seen.
    pub(crate) fn has_term(&self, term: &Term) -> bool {
        let mut alleles = term.groups.iter().flatten();
        alleles.all(|one| self.state.components.contains_key(&one.allele))
    }

    /// Whether a call of a term's alleles is the user's word alone.
    pub(crate) fn is_term_assumed(&self, term: &Term, patient: usize) -> bool {
        term.groups.iter().flatten().any(|component| {
            let calls = self.state.components.get(&component.allele);
            let code = calls.and_then(|calls| calls.codes.get(patient));
            code.is_some_and(|code| CallCode(*code).is_assumed())
        })
    }

    /// Evaluates a term whose alleles all were seen.
    pub(crate) fn term(&self, term: &Term, patient: usize) -> TermValue {
        let sex = self.sexes.get(patient).copied().unwrap_or_default();
        if term.effect_type == EffectType::Interaction {
            let mut product: u32 = 1;
            for component in term.groups.iter().flatten() {
                let Some((haplotypes, _)) = self.haplotypes(component, patient, sex) else {
                    return TermValue::NotCounted;
                };
                let Some(copies) = copies(&haplotypes, component.side) else {
                    return TermValue::Missing;
                };
                product = product.saturating_mul(u32::from(copies));
            }
            return TermValue::Copies(product);
        }
        let Some(pair) = self.arranged(term, patient, sex) else {
            return TermValue::NotCounted;
        };
        let Some(pair) = pair else {
            return TermValue::Missing;
        };
        match (term.groups.as_slice(), pair.as_slice()) {
            ([_], matches) => {
                let carried = matches.iter().filter(|groups| groups[0]).count();
                TermValue::Copies(u32::try_from(carried).unwrap_or(2))
            }
            ([_, _], [one, two]) => {
                let both = one[0] && two[1] || one[1] && two[0];
                TermValue::Copies(u32::from(both))
            }
            _ => TermValue::Missing,
        }
    }

    /// The haplotypes of a patient at a component as they count, and whether they are phased; `None`
    /// where no copy is expected.
    fn haplotypes(
        &self,
        component: &Component,
        patient: usize,
        sex: Sex,
    ) -> Option<(Vec<Haplotype>, bool)> {
        let missing = Some((vec![Haplotype::Missing], false));
        let Some(calls) = self.state.components.get(&component.allele) else {
            return missing;
        };
        let site = SiteClass::from_number(calls.site);
        if site.expected_ploidy(sex) == Some(0) {
            return None;
        }
        let code = CallCode(
            calls
                .codes
                .get(patient)
                .copied()
                .unwrap_or(CallCode::NOT_ASSAYED.0),
        );
        let Some(call) = code.call() else {
            return missing;
        };
        if !call.is_complete() {
            return missing;
        }
        let counted = site.counted(call, sex)?;
        if counted.ploidy == 1 {
            let one = match (counted.alternate, counted.other) {
                (1, _) => Haplotype::Alternate,
                (_, 1) => Haplotype::Other,
                _ => Haplotype::Reference,
            };
            return Some((vec![one], true));
        }
        Some((code.haplotypes().to_vec(), call.phased))
    }

    /// For each haplotype of the patient, which of the term's groups it carries whole; `None`
    /// inside where calls or phase are missing.
    #[expect(
        clippy::option_option,
        reason = "not counted and missing are two things"
    )]
    fn arranged(&self, term: &Term, patient: usize, sex: Sex) -> Option<Option<Vec<Vec<bool>>>> {
        let mut ploidy = None;
        let mut calls: Vec<(u32, Vec<Haplotype>, bool)> = Vec::new();
        for component in term.groups.iter().flatten() {
            if calls.iter().any(|(allele, ..)| *allele == component.allele) {
                continue;
            }
            let (haplotypes, phased) = self.haplotypes(component, patient, sex)?;
            if haplotypes.contains(&Haplotype::Missing)
                || ploidy.is_some_and(|ploidy| ploidy != haplotypes.len())
            {
                return Some(None);
            }
            ploidy = Some(haplotypes.len());
            calls.push((component.allele, haplotypes, phased));
        }
        let different = |(_, haplotypes, _): &&(u32, Vec<Haplotype>, bool)| {
            haplotypes.windows(2).any(|pair| pair[0] != pair[1])
        };
        let heterozygous = calls.iter().filter(different).count();
        let unphased = calls.iter().filter(different).any(|(_, _, phased)| !phased);
        if heterozygous > 1 && unphased {
            if !term.is_apoe {
                return Some(None);
            }
            // T/C at rs429358 (REF T) and C/T at rs7412 (REF C) without phase: e2/e4, since the
            // other reading needs e1, which hardly anybody has.
            for (at, (_, haplotypes, _)) in calls.iter_mut().enumerate() {
                haplotypes.sort_by_key(|one| *one as u8);
                if at == 1 {
                    haplotypes.reverse();
                }
            }
        }
        let ploidy = ploidy.unwrap_or(0);
        let carries = |haplotype: usize, group: &[Component]| {
            group.iter().all(|component| {
                let expected = match component.side {
                    Side::Alternate => Haplotype::Alternate,
                    Side::Reference => Haplotype::Reference,
                };
                calls
                    .iter()
                    .find(|(allele, ..)| *allele == component.allele)
                    .is_some_and(|(_, haplotypes, _)| haplotypes[haplotype] == expected)
            })
        };
        let arranged = (0..ploidy).map(|haplotype| {
            let groups = term.groups.iter();
            groups.map(|group| carries(haplotype, group)).collect()
        });
        Some(Some(arranged.collect()))
    }
}

/// Copies of one side; `None` where a haplotype is missing.
fn copies(haplotypes: &[Haplotype], side: Side) -> Option<u8> {
    let wanted = match side {
        Side::Alternate => Haplotype::Alternate,
        Side::Reference => Haplotype::Reference,
    };
    if haplotypes.contains(&Haplotype::Missing) {
        return None;
    }
    let copies = haplotypes.iter().filter(|one| **one == wanted).count();
    u8::try_from(copies).ok()
}
