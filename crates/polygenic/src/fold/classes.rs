//! What a call is to a weight: sixteen classes, and the term of a weight for each.

use varisk_core::{Call, CallCode, Sex, SiteClass};

use super::Standardisation;
use crate::plan::MAX_SCALE;
use crate::{EffectType, Side};

/// Number of classes; a class fits into four bits.
pub(super) const CLASSES: usize = 16;

/// Class of a call as it counts for one patient. Copies are (alternate, reference) of two, or one of
/// one.
pub(super) mod class {
    pub(in crate::fold) const NO_CALL_2: u8 = 0;
    pub(in crate::fold) const NO_CALL_1: u8 = 1;
    pub(in crate::fold) const NOT_ASSAYED_2: u8 = 2;
    pub(in crate::fold) const NOT_ASSAYED_1: u8 = 3;
    /// No copy is expected: Y of a female.
    pub(in crate::fold) const NOT_COUNTED: u8 = 4;
    pub(in crate::fold) const ASSUMED_2: u8 = 5;
    pub(in crate::fold) const ASSUMED_1: u8 = 6;
    pub(in crate::fold) const HAPLOID_REFERENCE: u8 = 7;
    pub(in crate::fold) const HAPLOID_ALTERNATE: u8 = 8;
    pub(in crate::fold) const HAPLOID_OTHER: u8 = 9;
    /// The first of those that need no statistics: complete diploid calls.
    pub(in crate::fold) const REFERENCE: u8 = 10;
    pub(in crate::fold) const HETEROZYGOUS: u8 = 11;
    pub(in crate::fold) const ALTERNATE: u8 = 12;
    pub(in crate::fold) const REFERENCE_OTHER: u8 = 13;
    pub(in crate::fold) const ALTERNATE_OTHER: u8 = 14;
    pub(in crate::fold) const OTHER: u8 = 15;
}

/// Alternate copies, reference copies and ploidy of a class; `None` where there is no call.
pub(super) fn copies(of: u8) -> Option<(u8, u8, u8)> {
    Some(match of {
        class::ASSUMED_2 | class::REFERENCE => (0, 2, 2),
        class::ASSUMED_1 | class::HAPLOID_REFERENCE => (0, 1, 1),
        class::HAPLOID_ALTERNATE => (1, 0, 1),
        class::HAPLOID_OTHER => (0, 0, 1),
        class::HETEROZYGOUS => (1, 1, 2),
        class::ALTERNATE => (2, 0, 2),
        class::REFERENCE_OTHER => (0, 1, 2),
        class::ALTERNATE_OTHER => (1, 0, 2),
        class::OTHER => (0, 0, 2),
        _ => return None,
    })
}

/// Copies that a missing call would have; 0 for any other class.
pub(super) fn missing_copies(of: u8) -> u8 {
    match of {
        class::NO_CALL_2 | class::NOT_ASSAYED_2 => 2,
        class::NO_CALL_1 | class::NOT_ASSAYED_1 => 1,
        _ => 0,
    }
}

/// Class of every call code for one site class and sex.
#[derive(Clone)]
pub(super) struct ClassTable(pub(super) [u8; 256]);

impl ClassTable {
    pub(super) fn new(site: SiteClass, sex: Sex) -> Self {
        let mut table = [class::NO_CALL_2; 256];
        for (code, entry) in (0..=u8::MAX).zip(&mut table) {
            *entry = class_of(CallCode(code), site, sex);
        }
        Self(table)
    }
}

fn class_of(code: CallCode, site: SiteClass, sex: Sex) -> u8 {
    let expected = site.expected_ploidy(sex);
    if expected == Some(0) {
        return class::NOT_COUNTED;
    }
    let is_haploid = expected == Some(1);
    if code == CallCode::NOT_ASSAYED {
        return if is_haploid {
            class::NOT_ASSAYED_1
        } else {
            class::NOT_ASSAYED_2
        };
    }
    let counted: Option<Call> = code.call().and_then(|call| site.counted(call, sex));
    let Some(call) = counted.filter(|call| call.is_complete()) else {
        let one = counted.map_or(is_haploid, |call| call.ploidy == 1);
        return if one {
            class::NO_CALL_1
        } else {
            class::NO_CALL_2
        };
    };
    match (call.ploidy, call.alternate, call.reference()) {
        (1, _, 1) if code.is_assumed() => class::ASSUMED_1,
        (_, _, 2) if code.is_assumed() => class::ASSUMED_2,
        (1, 1, _) => class::HAPLOID_ALTERNATE,
        (1, _, 1) => class::HAPLOID_REFERENCE,
        (1, ..) => class::HAPLOID_OTHER,
        (_, 0, 2) => class::REFERENCE,
        (_, 1, 1) => class::HETEROZYGOUS,
        (_, 2, _) => class::ALTERNATE,
        (_, 0, 1) => class::REFERENCE_OTHER,
        (_, 1, 0) => class::ALTERNATE_OTHER,
        _ => class::OTHER,
    }
}

/// A weight as it applies to a row: what it adds for copies of the allele.
#[derive(Clone, Copy, Debug)]
pub(super) struct Applied {
    pub(super) effect_type: EffectType,
    pub(super) side: Side,
    pub(super) weights: [i64; 3],
}

impl Applied {
    /// |weight| as it counts in shares.
    pub(super) fn magnitude(&self) -> i64 {
        match self.effect_type {
            EffectType::Nonadditive => self.weights.into_iter().map(i64::abs).max().unwrap_or(0),
            _ => self.weights[0].abs(),
        }
    }

    /// The term of a complete call.
    fn term(&self, copies: u8, ploidy: u8) -> i64 {
        let weight = self.weights[0];
        match self.effect_type {
            EffectType::Dominant if copies == 0 => 0,
            EffectType::Recessive if copies < ploidy => 0,
            EffectType::Dominant | EffectType::Recessive => weight,
            EffectType::Nonadditive => self.weights[usize::from(copies.min(2))],
            _ => weight * i64::from(copies),
        }
    }

    /// The term in place of a missing call, from the frequency of the effect allele: for each copy
    /// the weight times the frequency; for dominant and recessive weights the weight times the
    /// frequency, which is what plink2 does; for weights by dosage their mean under Hardy-Weinberg
    /// proportions.
    pub(super) fn imputed(&self, frequency: f64, ploidy: u8) -> i64 {
        let weight = self.weights[0] as f64;
        let absent = 1.0 - frequency;
        let mean = match self.effect_type {
            EffectType::Dominant | EffectType::Recessive => weight * frequency,
            EffectType::Nonadditive => {
                let [none, one, two] = self.weights.map(|weight| weight as f64);
                if ploidy == 1 {
                    none * absent + one * frequency
                } else {
                    none * absent * absent
                        + one * 2.0 * absent * frequency
                        + two * frequency * frequency
                }
            }
            _ => weight * frequency * f64::from(ploidy),
        };
        #[expect(clippy::cast_possible_truncation, reason = "a mean of terms that fit")]
        let rounded = mean.round() as i64;
        rounded
    }

    /// The term of a stated dosage of the effect allele, as a multiple of 2^-24 copies: dosages
    /// above one count as one for dominant weights, those below one as none for recessive ones, as
    /// in plink2; weights by dosage are interpolated.
    pub(super) fn dosed(&self, dosage: u32, ploidy: u8) -> i64 {
        const ONE: u32 = varisk_core::ONE_COPY;
        let full = ONE * u32::from(ploidy);
        let dosage = dosage.min(full);
        let times = |weight: i64, dosage: u32| {
            let product = i128::from(weight) * i128::from(dosage) + i128::from(ONE / 2);
            #[expect(clippy::cast_possible_truncation, reason = "at most twice the weight")]
            let term = (product >> ONE.trailing_zeros()) as i64;
            term
        };
        let weight = self.weights[0];
        match self.effect_type {
            EffectType::Dominant => times(weight, dosage.min(ONE)),
            EffectType::Recessive => times(weight, dosage.saturating_sub(full - ONE)),
            EffectType::Nonadditive => {
                let below = (dosage / ONE).min(1) as usize;
                #[expect(clippy::cast_possible_truncation, reason = "0 or 1")]
                let above = dosage - ONE * below as u32;
                times(self.weights[below], ONE - above) + times(self.weights[below + 1], above)
            }
            _ => times(weight, dosage),
        }
    }

    /// A term of a call of some ploidy, centred and scaled by the effect allele's frequency.
    pub(super) fn standardised(
        &self,
        term: i64,
        ploidy: u8,
        frequency: f64,
        how: Standardisation,
    ) -> i64 {
        let centred = term.wrapping_sub(self.imputed(frequency, ploidy));
        match how {
            Standardisation::None => term,
            Standardisation::Centre => centred,
            Standardisation::Scale => {
                let deviation = (2.0 * frequency * (1.0 - frequency)).sqrt();
                // Everybody has the mean of an allele that does not vary; the plan has room for no
                // larger factor.
                if deviation * MAX_SCALE < 1.0 {
                    return 0;
                }
                #[expect(clippy::cast_possible_truncation, reason = "the plan has room")]
                let scaled = (centred as f64 / deviation).round() as i64;
                scaled
            }
        }
    }

    /// Terms by class as they are standardised; all are 0 without a frequency.
    pub(super) fn standardised_terms(
        &self,
        frequency: Option<f64>,
        how: Standardisation,
    ) -> [i64; CLASSES] {
        let Some(frequency) = frequency else {
            return [0; CLASSES];
        };
        let mut terms = self.terms(Some(frequency));
        for (of, term) in (0..).zip(&mut terms) {
            let ploidy = copies(of).map_or(missing_copies(of), |(_, _, ploidy)| ploidy);
            // Where no copy is expected there is none to centre.
            if ploidy > 0 {
                *term = self.standardised(*term, ploidy, frequency, how);
            }
        }
        terms
    }

    /// Terms by class; missing calls are imputed from the effect allele's frequency if there is one.
    pub(super) fn terms(&self, frequency: Option<f64>) -> [i64; CLASSES] {
        let mut terms = [0; CLASSES];
        for (of, term) in (0..).zip(&mut terms) {
            *term = match (copies(of), missing_copies(of), frequency) {
                (Some((alternate, reference, ploidy)), ..) => {
                    let copies = match self.side {
                        Side::Alternate => alternate,
                        Side::Reference => reference,
                    };
                    self.term(copies, ploidy)
                }
                (None, 1.., Some(frequency)) => self.imputed(frequency, missing_copies(of)),
                _ => 0,
            };
        }
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_copies_that_core_counts() {
        for site in SiteClass::ALL {
            for sex in [Sex::Female, Sex::Male, Sex::Unknown] {
                let table = ClassTable::new(site, sex);
                for code in 0..=u8::MAX {
                    let call = CallCode(code).call();
                    let counted = call.and_then(|call| site.counted(call, sex));
                    let expected = counted
                        .filter(|call| call.is_complete())
                        .map(|call| (call.alternate, call.reference(), call.ploidy));
                    let of = table.0[usize::from(code)];
                    if site.expected_ploidy(sex) == Some(0) {
                        assert_eq!(of, class::NOT_COUNTED);
                    } else {
                        assert_eq!(copies(of), expected, "{code:#x} {site:?} {sex:?}");
                        assert_eq!(copies(of).is_none(), missing_copies(of) > 0);
                    }
                }
            }
        }
    }

    #[test]
    fn terms_of_effect_types() {
        let check = |effect_type, side, expected: [(u8, i64); 4]| {
            let applied = Applied {
                effect_type,
                side,
                weights: [10, 20, 50],
            };
            let terms = applied.terms(None);
            for (of, term) in expected {
                assert_eq!(
                    terms[usize::from(of)],
                    term,
                    "{effect_type:?} {side:?} {of}"
                );
            }
        };
        use class::{ALTERNATE, HAPLOID_ALTERNATE, HETEROZYGOUS, REFERENCE_OTHER};
        let all = |a, b, c, d| {
            [
                (HETEROZYGOUS, a),
                (ALTERNATE, b),
                (HAPLOID_ALTERNATE, c),
                (REFERENCE_OTHER, d),
            ]
        };
        check(EffectType::Additive, Side::Alternate, all(10, 20, 10, 0));
        check(EffectType::Additive, Side::Reference, all(10, 0, 0, 10));
        check(EffectType::Dominant, Side::Alternate, all(10, 10, 10, 0));
        check(EffectType::Recessive, Side::Alternate, all(0, 10, 10, 0));
        check(EffectType::Recessive, Side::Reference, all(0, 0, 0, 0));
        check(
            EffectType::Nonadditive,
            Side::Alternate,
            all(20, 50, 20, 10),
        );
        check(
            EffectType::Nonadditive,
            Side::Reference,
            all(20, 10, 10, 20),
        );
    }

    #[test]
    fn whole_dosages_are_calls() {
        for effect_type in [
            EffectType::Additive,
            EffectType::Dominant,
            EffectType::Recessive,
            EffectType::Nonadditive,
        ] {
            let applied = Applied {
                effect_type,
                side: Side::Alternate,
                weights: [-7, 20, 51],
            };
            for ploidy in [1, 2] {
                for copies in 0..=ploidy {
                    let dosage = varisk_core::ONE_COPY * u32::from(copies);
                    assert_eq!(
                        applied.dosed(dosage, ploidy),
                        applied.term(copies, ploidy),
                        "{effect_type:?} {copies} of {ploidy}"
                    );
                }
            }
        }
    }
}
