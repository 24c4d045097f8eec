//! The plan of a run's scores: immutable, shared by all folds.
//!
//! Weights lie sorted by allele, 16 bytes each, so that a row of the data finds all its weights in one
//! place. They are whole multiples of a power of two that is chosen once for each score, so that a
//! sum over any patient's alleles is exact and cannot overflow.

mod build;
mod entries;
mod finish;
mod identify;
mod locate;
mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use varisk_core::{ContigId, ContigSet, Position};
use varisk_reference::Reference;

pub(crate) use build::MAX_SCALE;
pub(crate) use entries::{Entry, EntryKind, Special};
pub(crate) use identify::identified;

use crate::keys::{Primaries, position_of};
use crate::options::IdentifiedAllele;
use crate::sites::{AlleleTable, Resolution, SiteTable};
use crate::{
    EffectType, PanelFrequencies, PlanOptions, PolygenicError, RowReason, RsidResolver,
    ScoreMetadata, ScoreSource, Side, SiteAllele,
};

/// Rows that are not scored for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lost {
    /// Number of rows.
    pub rows: u64,
    /// Sum of their |weight|.
    pub weight: f64,
}

/// A score of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreInfo {
    /// Name in outputs and features; unique in a run.
    pub name: String,
    /// What the file's header says.
    pub metadata: ScoreMetadata,
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file as it lies on disk.
    pub sha256: String,
    /// The column of weights, where the file has several.
    pub column: Option<String>,
    /// Rows of the file.
    pub rows: u64,
    /// Rows that name alleles of the reference and are scored where the data have them.
    pub resolved_rows: u64,
    /// Rows that no data can make scored, by reason.
    pub lost: BTreeMap<RowReason, Lost>,
    /// Sum of |weight| over all rows, the lost ones too.
    pub total_weight: f64,
}

/// An allele of a term over several alleles, and its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) allele: u32,
    pub(crate) side: Side,
}

/// A weight on several alleles together.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) score: u32,
    pub(crate) effect_type: EffectType,
    pub(crate) weight: i64,
    /// One group, or two for a diplotype.
    pub(crate) groups: Vec<Vec<Component>>,
    pub(crate) is_apoe: bool,
    /// Which row of which source it is.
    pub(crate) source: u32,
    pub(crate) row: u64,
}

/// What all scoring files of a run say, on the run's reference.
///
/// # Memory
/// 16 bytes a weight, about 25 bytes a distinct site of the files, and twice the weights' share for
/// sorting while it is built.
#[derive(Debug)]
pub struct ScorePlan {
    pub(crate) scores: Vec<ScoreInfo>,
    /// Weights of a score are multiples of two to the minus this.
    pub(crate) exponents: Vec<i32>,
    pub(crate) alleles: AlleleTable,
    /// Where each allele's entries start; one more at the end.
    pub(crate) starts: Vec<u32>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) specials: Vec<Special>,
    pub(crate) terms: Vec<Term>,
    /// Alleles of terms, sorted.
    pub(crate) components: Vec<u32>,
    pub(crate) sites: SiteTable,
    pub(crate) primaries: Primaries,
    /// ALT frequency of each allele in the panel, NaN where it lacks it.
    pub(crate) panel: Option<Vec<f64>>,
    pub(crate) sources: Vec<ScoreSource>,
    /// First score of each source.
    pub(crate) first_scores: Vec<u32>,
    pub(crate) options: PlanOptions,
    pub(crate) identifiers: HashMap<String, Vec<IdentifiedAllele>>,
    pub(crate) contigs: Arc<ContigSet>,
    /// How many bases right of its normalised position an allele can be written.
    shifts: Vec<(u64, u32)>,
    needs_sex: Vec<bool>,
    fingerprint: String,
}

impl ScorePlan {
    /// Reads the files and resolves their rows; the result depends on files, options, reference and
    /// panel alone.
    ///
    /// # Errors
    /// A file cannot be read or is no scoring file of this build, a row is malformed or of a kind
    /// that is not scored (unless the options let it go), or names are not unique.
    pub fn build(
        sources: &[ScoreSource],
        options: &PlanOptions,
        reference: &Reference,
        resolver: Option<&dyn RsidResolver>,
        panel: Option<&PanelFrequencies>,
    ) -> Result<Self, PolygenicError> {
        build::build(sources, options, reference, resolver, panel)
    }

    /// Whether a score has rows over several alleles: interactions, haplotypes, diplotypes.
    #[must_use]
    pub fn has_terms(&self, score: usize) -> bool {
        self.terms.iter().any(|term| term.score as usize == score)
    }

    /// The scores, in the order of files and columns.
    #[must_use]
    pub fn scores(&self) -> &[ScoreInfo] {
        &self.scores
    }

    /// Places at which a record can matter to a score, sorted, each once: normalised positions of
    /// all candidates, positions as the files write them (of rows that can be scored), and for an
    /// insertion or deletion in a repeat the places further right at which it can be written too.
    #[must_use]
    pub fn wanted(&self) -> Vec<(ContigId, Position)> {
        let place = |key: u64| Some((self.primaries.contig(key)?, position_of(key)));
        let sites = (0..).zip(&self.sites.keys).filter_map(|(site, key)| {
            match self.sites.resolution(site) {
                Resolution::Lost(_) => None,
                Resolution::One(_) | Resolution::Choice(_) => place(*key),
            }
        });
        let alleles = self.alleles.keys.iter().filter_map(|key| place(*key));
        let mut wanted: Vec<(ContigId, Position)> = sites.chain(alleles).collect();
        for (key, shift) in &self.shifts {
            if let Some((contig, position)) = place(*key) {
                let further = (1..=*shift).map(|by| (contig, Position(position.0 + by)));
                wanted.extend(further);
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// The allele that each row means most likely, sorted by key, each once: what to look for in
    /// patients whose files lack the site. Rows that can mean alleles with opposite effects (an
    /// insertion or the deletion of the same bases) have none.
    pub fn sites(&self) -> impl Iterator<Item = SiteAllele> + '_ {
        let sites = 0..u32::try_from(self.sites.outcomes.len()).unwrap_or(u32::MAX);
        let mut preferred: Vec<u32> = sites
            .filter_map(|site| match self.sites.resolution(site) {
                Resolution::Lost(_) => None,
                Resolution::One(candidate) => Some(candidate.allele),
                Resolution::Choice(candidates) => {
                    let first = candidates.first()?;
                    candidates
                        .iter()
                        .filter(|other| {
                            other.match_type.is_flipped() == first.match_type.is_flipped()
                        })
                        .all(|other| other.match_type.side() == first.match_type.side())
                        .then_some(first.allele)
                }
            })
            .collect();
        preferred.sort_unstable();
        preferred.dedup();
        preferred.into_iter().filter_map(|allele| {
            let (contig, position) = self.place(allele)?;
            let (reference, alternate) = self.alleles.text(allele);
            Some(SiteAllele {
                contig,
                position,
                reference,
                alternate,
            })
        })
    }

    /// Contig and position of an allele.
    pub(crate) fn place(&self, allele: u32) -> Option<(ContigId, Position)> {
        let key = *self.alleles.keys.get(allele as usize)?;
        Some((self.primaries.contig(key)?, position_of(key)))
    }

    /// Names of the scores with alleles on X or Y outside the pseudoautosomal regions: without the
    /// patients' sexes a call there cannot be counted.
    #[must_use]
    pub fn needs_sex(&self) -> Vec<&str> {
        let needing = self.scores.iter().zip(&self.needs_sex);
        needing
            .filter(|(_, needs)| **needs)
            .map(|(score, _)| score.name.as_str())
            .collect()
    }

    /// Whether sums against a panel are kept.
    #[must_use]
    pub fn has_panel(&self) -> bool {
        self.panel.is_some()
    }

    /// SHA-256 over all that results depend on.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Entries of an allele with the index of the first.
    pub(crate) fn entries_of(&self, allele: u32) -> (usize, &[Entry]) {
        let allele = allele as usize;
        let (Some(start), Some(end)) = (self.starts.get(allele), self.starts.get(allele + 1))
        else {
            return (0, &[]);
        };
        let (start, end) = (*start as usize, *end as usize);
        (start, self.entries.get(start..end).unwrap_or_default())
    }

    /// The number behind a sum of a score's weights.
    pub(crate) fn value(&self, score: usize, sum: i64) -> f64 {
        sum as f64 * 2f64.powi(-self.exponents[score])
    }
}
