//! Likelihoods of genotypes from bases and their qualities.
//!
//! The model is the classic one of independent errors (Li, Ruan and Durbin, Genome Research 18,
//! 1851, 2008; McKenna et al., Genome Research 20, 1297, 2010): with error e a read shows its own
//! allele with probability 1 - e, each other base with e / 3, and comes from either haplotype with
//! probability 1/2. "Other" stands for the two bases that are neither REF nor ALT, and for
//! deletions over the site, so that it is shown by mistake with 2e / 3.
//!
//! Log-likelihoods are summed as integers, so that a sum does not depend on the order of reads.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use varisk_core::{CallCode, Haplotype};

use crate::site::Shown;

/// A read is not trusted beyond this quality: errors that qualities do not tell of (preparation of
/// the library, wrong reference) are about one in ten thousand.
const MAX_QUALITY: u8 = 40;
/// Nor mistrusted beyond this one: a base that passed the filters says more than chance. The same floor
/// as in `bcftools mpileup`.
const MIN_QUALITY: u8 = 4;
/// Log-likelihoods are sums of log10 in steps of this fraction.
const STEPS: f64 = 1e6;
/// Highest genotype quality that is reported, as in VCF files of the common callers.
const MAX_GENOTYPE_QUALITY: u8 = 99;

/// Reads, at least, for a genotype from reads: with fewer a second allele is missed in more than
/// one of a hundred heterozygous sites (two tails of a fair coin, 2^-7).
pub const MIN_READ_GENOTYPE_DEPTH: u32 = 8;
/// Quality, at least, of a genotype from reads: at 20 the next best genotype is a hundred times less
/// likely.
pub const MIN_READ_GENOTYPE_QUALITY: u8 = 20;

/// Genotypes in the order of their likelihoods; the haploid ones are the first of each pair.
const DIPLOID: [[Haplotype; 2]; 6] = {
    use Haplotype::{Alternate, Other, Reference};
    [
        [Reference, Reference],
        [Reference, Alternate],
        [Alternate, Alternate],
        [Reference, Other],
        [Alternate, Other],
        [Other, Other],
    ]
};
/// Of these, the ones of two equal haplotypes: their likelihoods are those of a single one.
const HAPLOID: [usize; 3] = [0, 2, 5];

/// Log-likelihoods (log10, in millionths) of the genotypes of reference, alternate and other
/// alleles: RR, RA, AA, RO, AO, OO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenotypeLikelihoods([i64; 6]);

/// log10 likelihoods of one read in steps, by quality and by what it shows.
static TERMS: LazyLock<Vec<[[i64; 6]; 3]>> = LazyLock::new(|| {
    (0..=MAX_QUALITY)
        .map(|quality| {
            let error = 10f64.powf(-f64::from(quality.max(MIN_QUALITY)) / 10.0);
            [Shown::Reference, Shown::Alternate, Shown::Other].map(|shown| {
                // Probability that a read of this haplotype shows that.
                let given = |haplotype: Haplotype| match (haplotype, shown) {
                    (Haplotype::Reference, Shown::Reference)
                    | (Haplotype::Alternate, Shown::Alternate)
                    | (Haplotype::Other, Shown::Other) => 1.0 - error,
                    (_, Shown::Other) => 2.0 * error / 3.0,
                    _ => error / 3.0,
                };
                DIPLOID.map(|[first, second]| {
                    let likelihood = 0.5 * (given(first) + given(second));
                    #[expect(clippy::cast_possible_truncation, reason = "log10 of a probability")]
                    let steps = (likelihood.log10() * STEPS).round() as i64;
                    steps
                })
            })
        })
        .collect()
});

impl GenotypeLikelihoods {
    /// Adds a read.
    pub(crate) fn add(&mut self, shown: Shown, base_quality: u8, mapping_quality: u8) {
        self.add_reads(shown, base_quality.min(mapping_quality), 1);
    }

    /// Adds reads of one quality.
    fn add_reads(&mut self, shown: Shown, quality: u8, reads: u32) {
        let terms = TERMS
            .get(usize::from(quality.min(MAX_QUALITY)))
            .map(|terms| &terms[shown as usize]);
        for (sum, term) in self.0.iter_mut().zip(terms.into_iter().flatten()) {
            *sum = sum.saturating_add(term.saturating_mul(i64::from(reads)));
        }
    }

    /// The likelihoods that sums alone tell of: each read counts with the mean quality of the reads
    /// that show its allele. Close to, but not, the likelihoods of the reads themselves.
    #[must_use]
    pub fn from_evidence(evidence: &varisk_core::SiteEvidence) -> Self {
        let mut likelihoods = Self::default();
        for (shown, reads) in [
            (Shown::Reference, evidence.reference),
            (Shown::Alternate, evidence.alternate),
            (Shown::Other, evidence.other),
        ] {
            let depth = u64::from(reads.depth());
            let (Some(base), Some(mapping)) = (
                reads.base_quality.checked_div(depth),
                reads.mapping_quality.checked_div(depth),
            ) else {
                continue;
            };
            let quality = u8::try_from(base.min(mapping)).unwrap_or(u8::MAX);
            likelihoods.add_reads(shown, quality, reads.depth());
        }
        likelihoods
    }

    /// The most likely genotype.
    #[must_use]
    pub fn genotype(&self, ploidy: ReadPloidy, depth: u32) -> ReadGenotype {
        let indices: &[usize] = match ploidy {
            ReadPloidy::Haploid => &HAPLOID,
            ReadPloidy::Diploid => &[0, 1, 2, 3, 4, 5],
        };
        let likelihood = |index: usize| self.0.get(index).copied().unwrap_or(i64::MIN);
        let best = indices
            .iter()
            .copied()
            .max_by_key(|index| (likelihood(*index), std::cmp::Reverse(*index)))
            .unwrap_or(0);
        let phred = |index: usize| {
            let difference = likelihood(best).saturating_sub(likelihood(index));
            #[expect(clippy::cast_possible_truncation, reason = "floats saturate")]
            #[expect(clippy::cast_sign_loss, reason = "the best one is subtracted from")]
            let phred = (10.0 * difference as f64 / STEPS).round() as u32;
            phred
        };
        let quality = indices
            .iter()
            .filter(|index| **index != best)
            .map(|index| phred(*index))
            .min()
            .unwrap_or(0);
        let [first, second] = DIPLOID.get(best).copied().unwrap_or(DIPLOID[0]);
        ReadGenotype {
            haplotypes: match ploidy {
                ReadPloidy::Haploid => [first, Haplotype::Absent],
                ReadPloidy::Diploid => [first, second],
            },
            phred_likelihoods: indices.iter().map(|index| phred(*index)).collect(),
            quality: u8::try_from(quality)
                .unwrap_or(u8::MAX)
                .min(MAX_GENOTYPE_QUALITY),
            depth,
        }
    }
}

/// Haplotypes that a genotype from reads has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPloidy {
    /// One: X and Y of a male outside the pseudoautosomal regions, the mitochondrion.
    Haploid,
    /// Two.
    Diploid,
}

/// A genotype from reads, seen from one alternate allele.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadGenotype {
    /// The most likely haplotypes; the second one is absent of a haploid genotype.
    pub haplotypes: [Haplotype; 2],
    /// Phred-scaled likelihoods relative to the best: of RR, RA, AA, RO, AO, OO (R reference, A
    /// alternate, O another allele), or of R, A, O of a haploid genotype.
    pub phred_likelihoods: Vec<u32>,
    /// Phred-scaled distance to the next best genotype, at most 99 (GQ).
    pub quality: u8,
    /// Reads that it rests on.
    pub depth: u32,
}

impl ReadGenotype {
    /// The call, if there are enough reads and they tell the genotypes well enough apart.
    #[must_use]
    pub fn call(&self, thresholds: GenotypeThresholds) -> Option<CallCode> {
        if self.depth < thresholds.min_depth || self.quality < thresholds.min_quality {
            return None;
        }
        let [first, second] = self.haplotypes;
        CallCode::from_reads(first, second)
    }
}

/// What a genotype from reads needs to become a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenotypeThresholds {
    /// Reads, at least.
    pub min_depth: u32,
    /// Phred-scaled quality, at least.
    pub min_quality: u8,
}

impl Default for GenotypeThresholds {
    fn default() -> Self {
        Self {
            min_depth: MIN_READ_GENOTYPE_DEPTH,
            min_quality: MIN_READ_GENOTYPE_QUALITY,
        }
    }
}

#[cfg(test)]
mod tests;
