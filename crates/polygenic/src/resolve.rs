//! From a row's alleles to alleles of the run's reference.
//!
//! REF of every allele of the run equals the FASTA, so what a row can mean is known before any
//! variant is read. Order: effect and other allele as REF and ALT, as ALT and REF, the same on the
//! other strand; without an other allele the alleles that the effect allele can be part of. Strands
//! are flipped for single bases only: the complement of an anchored insertion or deletion has its
//! anchor on the wrong side, and is another change (pgscatalog-match tries it nevertheless).

use varisk_core::{ContigId, Position};
use varisk_reference::{Normaliser, RefCheck};

use crate::keys::complement;
use crate::{AmbiguousStrand, MatchType, PolygenicError, RowReason};

/// A normalised allele that a site can mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) position: u32,
    pub(crate) reference: Vec<u8>,
    pub(crate) alternate: Vec<u8>,
    pub(crate) match_type: MatchType,
    pub(crate) is_ambiguous: bool,
}

/// Resolves sites; in the order of the reference it reads each stretch once.
pub(crate) struct Resolver {
    normaliser: Normaliser,
    policy: AmbiguousStrand,
}

impl Resolver {
    pub(crate) fn new(normaliser: Normaliser, policy: AmbiguousStrand) -> Self {
        Self { normaliser, policy }
    }

    pub(crate) fn normaliser(&mut self) -> &mut Normaliser {
        &mut self.normaliser
    }

    /// Alleles that a site can mean, or why there are none. `effect` and `other` are upper case
    /// bases; `other` is empty where the file names none.
    pub(crate) fn resolve(
        &mut self,
        contig: ContigId,
        position: u32,
        effect: &[u8],
        other: &[u8],
    ) -> Result<Result<Vec<Found>, RowReason>, PolygenicError> {
        let length = self.normaliser.reader().contigs().length(contig);
        if position == 0 || position > length {
            return Ok(Err(RowReason::AllelesNotInReference));
        }
        let mut base = [0];
        self.normaliser
            .reader()
            .fill(contig, i64::from(position) - 1, &mut base)?;
        let [base] = base;
        if !matches!(base, b'A' | b'C' | b'G' | b'T') {
            return Ok(Err(RowReason::AllelesNotInReference));
        }
        match (effect, other) {
            ([effect], [other]) => Ok(self.bases(position, base, *effect, *other)),
            ([effect], []) => Ok(self.base(position, base, *effect)),
            (effect, []) => {
                // An insertion behind the base, or a deletion down to it.
                let anchor = [base];
                self.sequences(contig, position, effect, &anchor, true)
            }
            (effect, other) => self.sequences(contig, position, effect, other, false),
        }
    }

    fn found(position: u32, reference: u8, alternate: u8, match_type: MatchType) -> Found {
        Found {
            position,
            reference: vec![reference],
            alternate: vec![alternate],
            match_type,
            is_ambiguous: complement(reference) == alternate,
        }
    }

    fn bases(
        &self,
        position: u32,
        base: u8,
        effect: u8,
        other: u8,
    ) -> Result<Vec<Found>, RowReason> {
        let (flipped_effect, flipped_other) = (complement(effect), complement(other));
        let found = if base == effect {
            Self::found(position, base, other, MatchType::AltRef)
        } else if base == other {
            Self::found(position, base, effect, MatchType::RefAlt)
        } else if base == flipped_effect {
            Self::found(position, base, flipped_other, MatchType::AltRefFlipped)
        } else if base == flipped_other {
            Self::found(position, base, flipped_effect, MatchType::RefAltFlipped)
        } else {
            return Err(RowReason::AllelesNotInReference);
        };
        if found.is_ambiguous && self.policy == AmbiguousStrand::Drop {
            return Err(RowReason::AmbiguousStrand);
        }
        Ok(vec![found])
    }

    fn base(&self, position: u32, base: u8, effect: u8) -> Result<Vec<Found>, RowReason> {
        let mut found: Vec<Found> = Vec::new();
        let strands = [
            (effect, MatchType::NoOtherRef, MatchType::NoOtherAlt),
            (
                complement(effect),
                MatchType::NoOtherRefFlipped,
                MatchType::NoOtherAltFlipped,
            ),
        ];
        for (effect, as_reference, as_alternate) in strands {
            let alternates: Vec<u8> = if effect == base {
                b"ACGT"
                    .iter()
                    .copied()
                    .filter(|alternate| *alternate != base)
                    .collect()
            } else {
                vec![effect]
            };
            let match_type = if effect == base {
                as_reference
            } else {
                as_alternate
            };
            for alternate in alternates {
                // The same allele on the first strand comes first.
                if found.iter().all(|known| known.alternate != [alternate]) {
                    found.push(Self::found(position, base, alternate, match_type));
                }
            }
        }
        if found.iter().all(|one| one.is_ambiguous) && self.policy == AmbiguousStrand::Drop {
            return Err(RowReason::AmbiguousStrand);
        }
        Ok(found)
    }

    /// Alleles of which one at least has several bases.
    fn sequences(
        &mut self,
        contig: ContigId,
        position: u32,
        effect: &[u8],
        other: &[u8],
        is_open: bool,
    ) -> Result<Result<Vec<Found>, RowReason>, PolygenicError> {
        let (as_reference, as_alternate) = if is_open {
            (MatchType::NoOtherRef, MatchType::NoOtherAlt)
        } else {
            (MatchType::AltRef, MatchType::RefAlt)
        };
        let mut found: Vec<Found> = Vec::new();
        for (reference, alternate, match_type) in
            [(effect, other, as_reference), (other, effect, as_alternate)]
        {
            let at = Position(position);
            if self.normaliser.check_reference(contig, at, reference)? != RefCheck::Match {
                continue;
            }
            let normalised = self
                .normaliser
                .normalise(contig, at, reference, alternate)?;
            if normalised.reason.is_some() {
                continue;
            }
            found.push(Found {
                position: normalised.position.0,
                reference: normalised.reference.to_vec(),
                alternate: normalised.alternate.to_vec(),
                match_type,
                is_ambiguous: false,
            });
        }
        Ok(if found.is_empty() {
            Err(RowReason::AllelesNotInReference)
        } else {
            Ok(found)
        })
    }
}
