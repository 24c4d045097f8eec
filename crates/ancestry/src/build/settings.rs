//! What a panel is made with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use varisk_core::canonical_name;

use crate::{PanelError, PanelInput};

/// A stretch of a contig: 1-based, both ends inclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Contig, by any of its usual names.
    pub contig: String,
    /// First position.
    pub start: u32,
    /// Last position.
    pub end: u32,
}

impl Region {
    /// Whether a position of a contig, by its canonical name, lies inside.
    pub(crate) fn contains(&self, contig: &str, position: u32) -> bool {
        (self.start..=self.end).contains(&position) && canonical_name(&self.contig) == contig
    }
}

/// What a panel is called and how its sites are chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanelSettings {
    /// Name of the panel.
    pub name: String,
    /// Its release.
    pub release: String,
    /// Genome build of its positions, by its published name.
    pub genome_build: String,
    /// Licence of the data that it is made from.
    pub licence: String,
    /// Files that it is made from.
    pub inputs: Vec<PanelInput>,
    /// Components by which people are placed; as many again are held to correct shrinkage.
    pub components: usize,
    /// Lowest frequency of the rarer allele among training samples.
    pub minimum_frequency: f64,
    /// Greatest share of training samples without a call.
    pub maximum_missing: f64,
    /// Bases within which kept sites are nearly uncorrelated.
    pub window: u32,
    /// Greatest squared correlation of two kept sites within the window.
    pub maximum_r2: f64,
    /// Sites kept at most; beyond it they are thinned evenly over the genome.
    pub max_sites: usize,
    /// Regions without sites: those of long-range linkage, such as the HLA region and common
    /// inversions, whose haplotypes would become components of their own.
    pub excluded: Vec<Region>,
}

impl Default for PanelSettings {
    /// The limits of pgsc_calc's reference panels (Lambert et al. 2024, medRxiv 2024.05.29.24307783):
    /// frequency 0.05, missing 0.1, `--indep-pairwise 1000 50 0.05`, 10 components.
    fn default() -> Self {
        Self {
            name: String::new(),
            release: String::new(),
            genome_build: String::new(),
            licence: String::new(),
            inputs: Vec::new(),
            components: 10,
            minimum_frequency: 0.05,
            maximum_missing: 0.1,
            window: 1_000_000,
            maximum_r2: 0.05,
            max_sites: 200_000,
            excluded: Vec::new(),
        }
    }
}

/// Components at most: sums over pairs of them are kept for each patient.
const MAX_COMPONENTS: usize = 20;
/// Rarer alleles would make standardised genotypes too large for sums that are exact.
pub(crate) const LOWEST_FREQUENCY: f64 = 0.001;
/// More sites place nobody better, and exact sums are proven to fit for so many.
pub(crate) const MOST_SITES: usize = 1 << 20;
/// Training samples of a population at least, for each component of its distribution.
const SAMPLES_PER_COMPONENT: usize = 2;
/// Components that distributions of populations use at most (5 in pgscatalog-calc).
pub(crate) const POPULATION_COMPONENTS: usize = 5;

impl PanelSettings {
    pub(crate) fn check(&self) -> Result<(), PanelError> {
        let check = |holds: bool, setting, value: &dyn ToString, remedy| {
            if holds {
                return Ok(());
            }
            Err(PanelError::Setting {
                setting,
                value: value.to_string(),
                remedy,
            })
        };
        check(
            (2..=MAX_COMPONENTS).contains(&self.components),
            "components",
            &self.components,
            "give a number from 2 to 20",
        )?;
        check(
            (LOWEST_FREQUENCY..0.5).contains(&self.minimum_frequency),
            "minimum_frequency",
            &self.minimum_frequency,
            "give a number from 0.001 to below 0.5",
        )?;
        check(
            (0.0..1.0).contains(&self.maximum_missing),
            "maximum_missing",
            &self.maximum_missing,
            "give a number from 0 to below 1",
        )?;
        check(
            self.maximum_r2 > 0.0 && self.maximum_r2 <= 1.0,
            "maximum_r2",
            &self.maximum_r2,
            "give a number above 0 and at most 1",
        )?;
        check(
            (1..=MOST_SITES).contains(&self.max_sites),
            "max_sites",
            &self.max_sites,
            "give a number from 1 to 1048576",
        )
    }
}

/// A sample of the panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelSample {
    /// Its population label.
    pub population: String,
    /// Whether components and distributions are computed from it. Relatives of others are not
    /// training samples; they are placed like patients.
    pub is_training: bool,
}

pub(super) fn check_samples(
    settings: &PanelSettings,
    samples: &[PanelSample],
) -> Result<(), PanelError> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for sample in samples {
        *sizes.entry(&sample.population).or_default() += usize::from(sample.is_training);
    }
    let training: usize = sizes.values().sum();
    if training <= 2 * settings.components {
        return Err(PanelError::TooFewSamples {
            training,
            components: settings.components,
        });
    }
    let needed = SAMPLES_PER_COMPONENT * settings.components.min(POPULATION_COMPONENTS);
    let small = sizes.iter().find(|(_, size)| **size < needed);
    small.map_or(Ok(()), |(population, size)| {
        Err(PanelError::SmallPopulation {
            population: (*population).to_owned(),
            training: *size,
            needed,
        })
    })
}

/// What became of the alleles of the panel's file. An allele is counted under the first that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteCounts {
    /// Set aside by the reader, such as alleles whose REF is not the reference's.
    pub set_aside: u64,
    /// On no autosome.
    pub not_autosomal: u64,
    /// No substitution of one base.
    pub not_substitution: u64,
    /// A/T or C/G: the same on both strands.
    pub ambiguous_strand: u64,
    /// Inside an excluded region.
    pub excluded_region: u64,
    /// Missing in too many training samples.
    pub often_missing: u64,
    /// Too rare.
    pub rare: u64,
    /// Another allele stands at the position.
    pub several_alleles: u64,
    /// Correlated with a kept site.
    pub correlated: u64,
    /// Left out by thinning.
    pub thinned: u64,
    /// Kept.
    pub kept: u64,
}

impl std::fmt::Display for SiteCounts {
    /// What was dropped, by name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} set aside, {} not autosomal, {} not substitutions, {} of ambiguous strand, {} in excluded regions, {} often missing, {} rare, {} with several alleles, {} correlated, {} thinned",
            self.set_aside,
            self.not_autosomal,
            self.not_substitution,
            self.ambiguous_strand,
            self.excluded_region,
            self.often_missing,
            self.rare,
            self.several_alleles,
            self.correlated,
            self.thinned
        )
    }
}
