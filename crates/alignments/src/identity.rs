//! Whether calls and reads are of one person: a fold over batches.
//!
//! Compared are diploid calls of single bases on autosomes that a record of the variant file makes,
//! where the reads tell genotypes well enough apart, and where the call or the reads show a variant:
//! sites at which everybody is reference would hide a swap.

use std::path::PathBuf;

use arrow::array::Array;
use serde::{Deserialize, Serialize};
use varisk_core::{
    AlleleClass, Analysis, AnalysisError, AnalysisOutput, Call, CallCode, CallOrigin, FeatureTable,
    Patient, Reason, SiteBatch, SiteClass, SiteEvidence, columns as c, part_of, place_patients,
};

use crate::AlignmentError;
use crate::likelihood::{GenotypeLikelihoods, MIN_READ_GENOTYPE_QUALITY, ReadPloidy};

/// Share of sites, at least, at which calls and reads of one person agree. By Hardy-Weinberg
/// proportions, unrelated people agree at no more than a third of the sites where either is not
/// reference (allele frequency 0.5; less at rarer ones), parent and child at 0.43, siblings at 0.53;
/// calls and reads of one person agree above 0.95 in the data that this was tried on.
pub const MIN_CONCORDANCE: f64 = 0.8;
/// Sites, at least, before a swap is claimed: at 20 sites one person's samples, which agree at 0.95
/// of them, fall below [`MIN_CONCORDANCE`] in fewer than three of a thousand runs.
pub const MIN_CONCORDANCE_SITES: u64 = 20;

/// Name of the feature: share of compared sites at which calls and reads agree.
pub const CONCORDANCE_FEATURE: &str = "reads.concordance";
/// Name of the feature: number of compared sites.
pub const SITES_FEATURE: &str = "reads.sites";
/// Name of the feature: reads at the alleles that the patient carries, on average.
pub const MEAN_DEPTH_FEATURE: &str = "reads.mean_depth";

/// The fold: it reads the evidence that [`crate::ReadsStage`] adds and gives the features
/// [`CONCORDANCE_FEATURE`], [`SITES_FEATURE`] and [`MEAN_DEPTH_FEATURE`].
pub struct IdentityCheck {
    state: Vec<Counts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    sites: u64,
    concordant: u64,
    /// Rows whose allele the patient carries, and the reads at them.
    carried: u64,
    reads: u64,
}

/// Agreement of one patient's calls with the reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concordance {
    /// Sites that were compared.
    pub sites: u64,
    /// Those at which both give the same genotype.
    pub concordant: u64,
}

impl Concordance {
    /// Whether this cannot be one person.
    #[must_use]
    pub fn is_swap(self) -> bool {
        self.sites >= MIN_CONCORDANCE_SITES
            && (self.concordant as f64) < MIN_CONCORDANCE * self.sites as f64
    }
}

impl IdentityCheck {
    /// A fold for a number of patients.
    #[must_use]
    pub fn new(patients: usize) -> Self {
        Self {
            state: vec![Counts::default(); patients],
        }
    }

    /// Agreement of each patient.
    pub fn concordances(&self) -> impl Iterator<Item = Concordance> + '_ {
        self.state.iter().map(|counts| Concordance {
            sites: counts.sites,
            concordant: counts.concordant,
        })
    }
}

/// Refuses calls and reads of different people, by the features of a finished [`IdentityCheck`].
/// `paths` are the files with the reads, by patient.
///
/// # Errors
/// The first patient whose reads are of someone else.
pub fn refuse_swaps(
    features: &FeatureTable,
    paths: &[Option<PathBuf>],
) -> Result<(), AlignmentError> {
    let values = |name| features.get(name).unwrap_or_default();
    let rows = values(CONCORDANCE_FEATURE)
        .iter()
        .zip(values(SITES_FEATURE));
    for ((concordance, sites), path) in rows.zip(paths) {
        let (Ok(concordance), Ok(sites), Some(path)) = (concordance, sites, path) else {
            continue;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole numbers from the fold"
        )]
        #[expect(clippy::cast_sign_loss, reason = "counts")]
        let agreement = Concordance {
            sites: *sites as u64,
            concordant: (concordance * sites).round() as u64,
        };
        if agreement.is_swap() {
            return Err(AlignmentError::Swap {
                path: path.clone(),
                concordant: agreement.concordant,
                sites: agreement.sites,
            });
        }
    }
    Ok(())
}

impl Counts {
    /// Compares a call of a record with the reads.
    fn compare(&mut self, call: Call, evidence: &SiteEvidence) {
        let genotype = GenotypeLikelihoods::from_evidence(evidence)
            .genotype(ReadPloidy::Diploid, evidence.depth());
        if genotype.quality < MIN_READ_GENOTYPE_QUALITY {
            return;
        }
        let mut seen = Call::default();
        for haplotype in genotype.haplotypes {
            seen.count(haplotype);
        }
        let is_variant = |call: Call| call.alternate + call.other > 0;
        if is_variant(call) || is_variant(seen) {
            self.sites += 1;
            let same = (call.alternate, call.other) == (seen.alternate, seen.other);
            self.concordant += u64::from(same);
        }
    }
}

impl Analysis for IdentityCheck {
    fn name(&self) -> String {
        "reads".to_owned()
    }

    fn empty(&self) -> Box<dyn Analysis> {
        Box::new(Self::new(self.state.len()))
    }

    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError> {
        let (references, alternates) = (batch.text(c::REFERENCE)?, batch.text(c::ALTERNATE)?);
        let classes = batch.site_class_column()?;
        for row in 0..batch.len() {
            let entries = batch.row_evidence(row);
            if entries.is_empty() || alternates.is_null(row) {
                continue;
            }
            let kind = AlleleClass::of(
                references.value(row).as_bytes(),
                alternates.value(row).as_bytes(),
            );
            let is_compared = kind == AlleleClass::Snv
                && SiteClass::from_number(classes.value(row)) == SiteClass::Autosomal;
            for entry in entries {
                let sample = entry.sample as usize;
                let Some(counts) = self.state.get_mut(sample) else {
                    continue;
                };
                let call = batch.calls().call(row, sample);
                if call.is_some_and(|call| call.alternate > 0) {
                    counts.carried += 1;
                    counts.reads += u64::from(entry.evidence.depth());
                }
                let code = batch.calls().row(row).get(sample).copied().map(CallCode);
                let is_recorded = code.and_then(CallCode::origin) == Some(CallOrigin::Record);
                if is_compared
                    && is_recorded
                    && let Some(call) = call.filter(|call| call.is_complete() && call.ploidy == 2)
                {
                    counts.compare(call, &entry.evidence);
                }
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        postcard::to_stdvec(&self.state).map_err(|error| self.unusable(&error.to_string()))
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let other: Vec<Counts> =
            postcard::from_bytes(saved).map_err(|error| self.unusable(&error.to_string()))?;
        if other.len() != self.state.len() {
            return Err(self.unusable("it was made for another number of patients"));
        }
        for (own, other) in self.state.iter_mut().zip(other) {
            own.sites = own.sites.saturating_add(other.sites);
            own.concordant = own.concordant.saturating_add(other.concordant);
            own.carried = own.carried.saturating_add(other.carried);
            own.reads = own.reads.saturating_add(other.reads);
        }
        Ok(())
    }

    fn take_patients(&mut self, part: &dyn Analysis, of: &[usize]) -> Result<(), AnalysisError> {
        let name = self.name();
        let part: &Self = part_of(&name, part)?;
        place_patients(&name, &mut self.state, part.state.iter().copied(), of)
    }

    fn finish(&self, _: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        let mut features = FeatureTable::default();
        let mut insert = |name: &str, value: &dyn Fn(&Counts) -> Option<f64>| {
            let values = self
                .state
                .iter()
                .map(|counts| value(counts).ok_or(Reason::NoInformativeCalls));
            features.insert(name.to_owned(), values.collect());
        };
        let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        insert(CONCORDANCE_FEATURE, &|counts| {
            ratio(counts.concordant, counts.sites)
        });
        insert(SITES_FEATURE, &|counts| {
            (counts.carried + counts.sites > 0).then_some(counts.sites as f64)
        });
        insert(MEAN_DEPTH_FEATURE, &|counts| {
            ratio(counts.reads, counts.carried)
        });
        Ok(AnalysisOutput {
            features,
            tables: Vec::new(),
        })
    }
}

impl IdentityCheck {
    fn unusable(&self, detail: &str) -> AnalysisError {
        AnalysisError::Saved {
            analysis: self.name(),
            detail: detail.to_owned(),
        }
    }
}
