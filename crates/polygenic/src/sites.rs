//! Distinct sites of all scoring files and what each is on the run's reference.
//!
//! Files of many scores share their sites, so a site (contig, position, effect allele, other allele)
//! is resolved once, in the order of the reference, and rows only name it.

use std::collections::HashMap;

use varisk_core::{ContigId, Position};

use crate::keys::{BuildKeyHasher, is_hashed, key_of};
use crate::{MatchType, RowReason};

/// A normalised allele that a row can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Index in the plan's alleles.
    pub(crate) allele: u32,
    pub(crate) match_type: MatchType,
    /// Whether the alleles read the same on both strands, and that matters.
    pub(crate) is_ambiguous: bool,
}

/// What a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution<'a> {
    Lost(RowReason),
    One(Candidate),
    /// Several alleles; the data decide.
    Choice(&'a [Candidate]),
}

/// Sites whose alleles do not fit into their key, by key and text.
pub(crate) type LongSites = HashMap<(u64, Box<[u8]>), u32>;

/// REF and ALT of alleles that do not fit into their key.
pub(crate) type AlleleTexts = HashMap<u64, (Box<[u8]>, Box<[u8]>)>;

/// Sites while files are read, in order of first appearance.
#[derive(Default)]
pub(crate) struct SiteInterner {
    known: HashMap<u64, u32, BuildKeyHasher>,
    long: LongSites,
    pub(crate) keys: Vec<u64>,
}

impl SiteInterner {
    /// Number of a site; `None` where its position cannot be held. Alleles are upper case.
    pub(crate) fn intern(
        &mut self,
        bits: u64,
        position: u32,
        effect: &[u8],
        other: &[u8],
    ) -> Option<u32> {
        let key = key_of(bits, position, effect, other)?;
        let next = u32::try_from(self.keys.len()).ok()?;
        let number = if is_hashed(key) {
            *self
                .long
                .entry((key, joined(effect, other)))
                .or_insert(next)
        } else {
            *self.known.entry(key).or_insert(next)
        };
        if number == next {
            self.keys.push(key);
        }
        Some(number)
    }

    /// Gives keys and the texts of those that are hashed.
    pub(crate) fn into_parts(self) -> (Vec<u64>, LongSites) {
        (self.keys, self.long)
    }
}

/// Two alleles as one text.
pub(crate) fn joined(effect: &[u8], other: &[u8]) -> Box<[u8]> {
    [effect, b"/", other].concat().to_ascii_uppercase().into()
}

/// Sites of a finished plan, sorted by key.
#[derive(Debug, Default)]
pub(crate) struct SiteTable {
    pub(crate) keys: Vec<u64>,
    pub(crate) long: LongSites,
    pub(crate) outcomes: Vec<u8>,
    pub(crate) values: Vec<u32>,
    pub(crate) choices: Vec<Box<[Candidate]>>,
}

/// Marks in an outcome: what the value beside it is.
const LOST: u8 = 0x40;
const CHOICE: u8 = 0x80;
const AMBIGUOUS: u8 = 0x20;

impl SiteTable {
    /// Adds the outcome of the next site.
    pub(crate) fn push_lost(&mut self, reason: RowReason) {
        self.outcomes.push(LOST | reason as u8);
        self.values.push(0);
    }

    pub(crate) fn push_one(&mut self, candidate: Candidate) {
        let ambiguous = if candidate.is_ambiguous { AMBIGUOUS } else { 0 };
        self.outcomes.push(candidate.match_type as u8 | ambiguous);
        self.values.push(candidate.allele);
    }

    pub(crate) fn push_choice(&mut self, candidates: Vec<Candidate>) {
        self.outcomes.push(CHOICE);
        self.values
            .push(u32::try_from(self.choices.len()).unwrap_or(u32::MAX));
        self.choices.push(candidates.into());
    }

    /// What a site is.
    pub(crate) fn resolution(&self, site: u32) -> Resolution<'_> {
        let site = site as usize;
        let (Some(outcome), Some(value)) = (self.outcomes.get(site), self.values.get(site)) else {
            return Resolution::Lost(RowReason::AllelesNotInReference);
        };
        match *outcome {
            CHOICE => Resolution::Choice(
                self.choices
                    .get(*value as usize)
                    .map(Box::as_ref)
                    .unwrap_or_default(),
            ),
            lost if lost & LOST != 0 => Resolution::Lost(RowReason::from_number(lost & !LOST)),
            one => Resolution::One(Candidate {
                allele: *value,
                match_type: *MatchType::ALL
                    .get(usize::from(one & !AMBIGUOUS))
                    .unwrap_or(&MatchType::RefAlt),
                is_ambiguous: one & AMBIGUOUS != 0,
            }),
        }
    }

    /// Finds a site by what a row says.
    pub(crate) fn find(
        &self,
        bits: u64,
        position: u32,
        effect: &[u8],
        other: &[u8],
    ) -> Option<u32> {
        let key = key_of(bits, position, effect, other)?;
        if is_hashed(key) {
            return self.long.get(&(key, joined(effect, other))).copied();
        }
        u32::try_from(self.keys.binary_search(&key).ok()?).ok()
    }
}

/// The plan's alleles, sorted by key.
#[derive(Debug, Default)]
pub(crate) struct AlleleTable {
    pub(crate) keys: Vec<u64>,
    /// REF and ALT of hashed keys.
    pub(crate) texts: AlleleTexts,
}

impl AlleleTable {
    /// Finds an allele by its key.
    pub(crate) fn find(&self, key: u64) -> Option<u32> {
        u32::try_from(self.keys.binary_search(&key).ok()?).ok()
    }

    /// Whether a hashed key stands for these alleles.
    pub(crate) fn is_text(&self, key: u64, reference: &[u8], alternate: &[u8]) -> bool {
        self.texts
            .get(&key)
            .is_some_and(|(r, a)| r.as_ref() == reference && a.as_ref() == alternate)
    }

    /// REF and ALT.
    pub(crate) fn text(&self, allele: u32) -> (Vec<u8>, Vec<u8>) {
        let Some(key) = self.keys.get(allele as usize) else {
            return (Vec::new(), Vec::new());
        };
        match self.texts.get(key) {
            Some((reference, alternate)) => (reference.to_vec(), alternate.to_vec()),
            None => crate::keys::alleles_of(*key),
        }
    }
}

/// A normalised allele that the run should look at in every patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteAllele {
    /// Contig.
    pub contig: ContigId,
    /// Position of the first base of REF, 1-based.
    pub position: Position,
    /// REF.
    pub reference: Vec<u8>,
    /// ALT.
    pub alternate: Vec<u8>,
}
