//! What is known of a site in one patient, and where that knowledge comes from.

use serde::{Deserialize, Serialize};

use crate::{CallCode, Haplotype};

/// State of a site in one patient. Absent is never silently "reference".
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SiteState {
    /// A complete call with at least one alternate allele of the site.
    Called,
    /// Shown to be reference: a `0/0` call, a gVCF block that covers the whole site with enough
    /// quality and depth, a callable region, or reads.
    CalledReference,
    /// Taken for reference because the user says so (`--absent-as-reference`).
    AssumedReference,
    /// The site was looked at and not called, or only in part (`./.`, `0/.`).
    NoCall,
    /// Nothing is known here.
    #[default]
    NotAssayed,
}

impl SiteState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Called,
        Self::CalledReference,
        Self::AssumedReference,
        Self::NoCall,
        Self::NotAssayed,
    ];

    /// The published text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Called => "called",
            Self::CalledReference => "called_reference",
            Self::AssumedReference => "assumed_reference",
            Self::NoCall => "no_call",
            Self::NotAssayed => "not_assayed",
        }
    }
}

impl std::fmt::Display for SiteState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a call rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOrigin {
    /// A record of the patient's variant file at the site.
    Record,
    /// A reference block of the patient's gVCF that covers the site.
    ReferenceBlock,
    /// A region in which the patient's file would have a record if there were a variant.
    CallableRegion,
    /// Reads of the patient.
    Reads,
    /// `--absent-as-reference`.
    Assumption,
}

impl CallOrigin {
    /// Every origin.
    pub const ALL: [Self; 5] = [
        Self::Record,
        Self::ReferenceBlock,
        Self::CallableRegion,
        Self::Reads,
        Self::Assumption,
    ];

    /// The published text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::ReferenceBlock => "reference_block",
            Self::CallableRegion => "callable_region",
            Self::Reads => "reads",
            Self::Assumption => "assumption",
        }
    }
}

impl CallCode {
    /// What the call rests on; `None` where nothing is known.
    #[must_use]
    pub fn origin(self) -> Option<CallOrigin> {
        if self == Self::NOT_ASSAYED {
            return None;
        }
        Some(match self.inference() {
            Some((origin, _)) => origin,
            None => CallOrigin::Record,
        })
    }

    /// Whether the site is taken for reference on the user's word alone.
    #[must_use]
    pub const fn is_assumed(self) -> bool {
        self.0 | HAPLOID_BIT == Self::inferred_reference(InferredReference::Assumption, true).0
    }

    /// State of the site as this call shows it. A polyploid call counts as called; what it holds
    /// stands beside the matrix.
    #[must_use]
    pub fn state(self) -> SiteState {
        if self.is_polyploid() {
            return SiteState::Called;
        }
        let Some(call) = self.call() else {
            return SiteState::NotAssayed;
        };
        if !call.is_complete() {
            SiteState::NoCall
        } else if call.alternate + call.other > 0 {
            SiteState::Called
        } else if self.origin() == Some(CallOrigin::Assumption) {
            SiteState::AssumedReference
        } else {
            SiteState::CalledReference
        }
    }

    /// Reference on every haplotype, on the word of something else than a record or reads.
    #[must_use]
    pub const fn inferred_reference(origin: InferredReference, haploid: bool) -> Self {
        Self(INFERRED | ((origin as u8) << 1 | haploid as u8) << 3)
    }

    /// A genotype from reads: haplotypes in any order; `second` is [`Haplotype::Absent`] for a
    /// haploid one. `None` where a haplotype is missing or the first one absent.
    #[must_use]
    pub fn from_reads(first: Haplotype, second: Haplotype) -> Option<Self> {
        let sorted = if first as u8 <= second as u8 {
            [first, second]
        } else {
            [second, first]
        };
        let index = FROM_READS.iter().position(|genotype| *genotype == sorted)?;
        let index = u8::try_from(index).ok()?;
        Some(match index.checked_sub(8) {
            None => Self(READS | index << 3),
            Some(beyond) => Self(MORE_READS | beyond << 3),
        })
    }

    /// Origin and haplotypes of a code that is not a plain call.
    pub(crate) const fn inference(self) -> Option<(CallOrigin, [Haplotype; 2])> {
        let (kind, detail) = (self.0 & 0b111, self.0 >> 3 & 0b111);
        if self.is_polyploid() {
            return None;
        }
        match kind {
            INFERRED => {
                let second = if detail & 1 == 1 {
                    Haplotype::Absent
                } else {
                    Haplotype::Reference
                };
                let origin = match detail >> 1 {
                    0 => CallOrigin::ReferenceBlock,
                    1 => CallOrigin::CallableRegion,
                    _ => CallOrigin::Assumption,
                };
                Some((origin, [Haplotype::Reference, second]))
            }
            READS => Some((CallOrigin::Reads, FROM_READS[detail as usize])),
            MORE_READS => Some((CallOrigin::Reads, FROM_READS[8])),
            _ => None,
        }
    }
}

/// What shows, or lets assume, that a site without a record is reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum InferredReference {
    /// A gVCF reference block.
    Block = 0,
    /// A callable region.
    Region = 1,
    /// The user's word.
    Assumption = 2,
}

/// Tells a haploid inferred reference from a diploid one.
const HAPLOID_BIT: u8 = 1 << 3;
/// Values of a code's first three bits that no haplotype has.
const INFERRED: u8 = 5;
const READS: u8 = 6;
const MORE_READS: u8 = 7;

/// Genotypes that reads can give, haplotypes sorted.
const FROM_READS: [[Haplotype; 2]; 9] = {
    use Haplotype::{Absent, Alternate, Other, Reference};
    [
        [Reference, Reference],
        [Reference, Alternate],
        [Alternate, Alternate],
        [Reference, Other],
        [Alternate, Other],
        [Other, Other],
        [Reference, Absent],
        [Alternate, Absent],
        [Other, Absent],
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_calls() {
        use Haplotype::{Absent, Alternate, Missing, Other, Reference};
        let check = |first, second, state| {
            let code = CallCode::diploid(first, second, false);
            assert_eq!(code.state(), state, "{first:?} {second:?}");
        };
        check(Reference, Alternate, SiteState::Called);
        check(Reference, Other, SiteState::Called);
        check(Reference, Reference, SiteState::CalledReference);
        check(Reference, Missing, SiteState::NoCall);
        check(Alternate, Missing, SiteState::NoCall);
        check(Missing, Absent, SiteState::NoCall);
        check(Absent, Absent, SiteState::NotAssayed);
    }

    #[test]
    fn inferred_codes_are_distinct_and_say_where_they_come_from() {
        let mut seen = std::collections::HashSet::new();
        for (inferred, origin, state) in [
            (
                InferredReference::Block,
                CallOrigin::ReferenceBlock,
                SiteState::CalledReference,
            ),
            (
                InferredReference::Region,
                CallOrigin::CallableRegion,
                SiteState::CalledReference,
            ),
            (
                InferredReference::Assumption,
                CallOrigin::Assumption,
                SiteState::AssumedReference,
            ),
        ] {
            for haploid in [false, true] {
                let code = CallCode::inferred_reference(inferred, haploid);
                assert!(seen.insert(code));
                assert_eq!((code.origin(), code.state()), (Some(origin), state));
                let call = code.call().unwrap();
                assert_eq!(call.ploidy, if haploid { 1 } else { 2 });
                assert_eq!(call.reference(), call.ploidy);
                assert_eq!(code.is_assumed(), origin == CallOrigin::Assumption);
            }
        }
        for genotype in FROM_READS {
            let code = CallCode::from_reads(genotype[1], genotype[0]).unwrap();
            assert!(seen.insert(code));
            assert_eq!(code.haplotypes(), genotype);
            assert_eq!(code.origin(), Some(CallOrigin::Reads));
        }
        assert_eq!(
            CallCode::from_reads(Haplotype::Missing, Haplotype::Reference),
            None
        );
        let assumed = (0..=u8::MAX).filter(|code| CallCode(*code).is_assumed());
        assert_eq!(assumed.count(), 2);
        assert!(!seen.contains(&CallCode::NOT_ASSAYED));
        assert!(!seen.contains(&CallCode::POLYPLOID));
    }
}
