//! One weight of one score on one allele.

use crate::{EffectType, MatchType, Side};

/// A weight; entries are sorted by allele, then score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) allele: u32,
    /// Score in the high 29 bits, kind in the low 3.
    pub(crate) meta: u32,
    /// The weight as a whole multiple of the score's unit, or the index of a [`Special`].
    pub(crate) weight: i64,
}

/// Scores that an entry can tell apart.
pub(crate) const MAX_SCORES: u32 = 1 << 29;

/// What an entry's weight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// The weight of a plain row.
    Plain(EffectType, Side),
    /// Everything that does not fit into an entry.
    Special,
    /// Left out, while a plan is built.
    Dropped,
}

const SPECIAL: u32 = 6;
const DROPPED: u32 = 7;

impl Entry {
    pub(crate) fn new(allele: u32, score: u32, kind: EntryKind, weight: i64) -> Self {
        let code = match kind {
            EntryKind::Plain(effect, side) => {
                let effect = match effect {
                    EffectType::Dominant => 1,
                    EffectType::Recessive => 2,
                    _ => 0,
                };
                effect + if side == Side::Reference { 3 } else { 0 }
            }
            EntryKind::Special => SPECIAL,
            EntryKind::Dropped => DROPPED,
        };
        Self {
            allele,
            meta: score << 3 | code,
            weight,
        }
    }

    pub(crate) fn score(self) -> u32 {
        self.meta >> 3
    }

    pub(crate) fn kind(self) -> EntryKind {
        let effect = |code| match code {
            0 => EffectType::Additive,
            1 => EffectType::Dominant,
            _ => EffectType::Recessive,
        };
        match self.meta & 7 {
            code @ 0..3 => EntryKind::Plain(effect(code), Side::Alternate),
            code @ 3..SPECIAL => EntryKind::Plain(effect(code - 3), Side::Reference),
            SPECIAL => EntryKind::Special,
            _ => EntryKind::Dropped,
        }
    }

    pub(crate) fn drop_it(&mut self) {
        self.meta |= DROPPED;
    }

    /// The special that the entry stands for.
    pub(crate) fn special(self) -> Option<usize> {
        (self.kind() == EntryKind::Special)
            .then(|| usize::try_from(self.weight).ok())
            .flatten()
    }
}

/// What does not fit into an entry: weights by dosage, a strand that frequencies decide, an allele
/// that the data choose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Special {
    pub(crate) effect_type: EffectType,
    /// The weight, or the weights of none, one and two copies.
    pub(crate) weights: [i64; 3],
    pub(crate) match_type: MatchType,
    /// Whether the strand cannot be told from the alleles, and what is done then.
    pub(crate) is_ambiguous: bool,
    /// The file's frequency of the effect allele; NaN where it has none.
    pub(crate) frequency: f64,
    /// Rows whose allele the data choose are numbered; `None` for any other.
    pub(crate) group: Option<u32>,
    /// Number among the candidates of the group.
    pub(crate) candidate: u8,
    /// Whether this candidate stands for its row in sums against the panel: which one does must not
    /// depend on the data of the run.
    pub(crate) is_panel: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_16_bytes_and_keeps_what_it_is_given() {
        assert_eq!(size_of::<Entry>(), 16);
        for effect in [
            EffectType::Additive,
            EffectType::Dominant,
            EffectType::Recessive,
        ] {
            for side in [Side::Alternate, Side::Reference] {
                let kind = EntryKind::Plain(effect, side);
                let mut entry = Entry::new(7, MAX_SCORES - 1, kind, -5);
                assert_eq!((entry.kind(), entry.score()), (kind, MAX_SCORES - 1));
                entry.drop_it();
                assert_eq!(
                    (entry.kind(), entry.score()),
                    (EntryKind::Dropped, MAX_SCORES - 1)
                );
            }
        }
        let special = Entry::new(1, 0, EntryKind::Special, 9);
        assert_eq!(special.special(), Some(9));
    }
}
