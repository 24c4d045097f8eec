//! A reference panel: sites with loadings, people with coordinates, and the scores of those people.

use std::collections::BTreeSet;

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};
use varisk_core::Position;

use crate::build::{Candidate, PanelSample, PanelSettings, SiteCounts};
use crate::genotype::{MISSING, Packed};
use crate::gram::{self, TrainingSite};
use crate::site::PanelSite;
use crate::terms::{Layout, Observed, SiteTerms, add};
use crate::{PanelError, PopulationModel, eigen, place};

/// A file that a panel is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanelInput {
    /// Its part: `variants`, `labels`.
    pub role: String,
    /// File name, without a path.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A person of the panel.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedSample {
    /// Index into [`Panel::populations`].
    pub population: usize,
    /// Whether components and distributions are computed from this person.
    pub is_training: bool,
    /// Coordinates on the components.
    pub components: Vec<f64>,
}

/// A score of the panel's people.
#[derive(Clone, Debug)]
pub struct PanelScore {
    /// Name of the score.
    pub name: String,
    /// SHA-256 of the scoring file.
    pub sha256: String,
    /// Fingerprint of the settings under which the sums were computed: sums under other settings do
    /// not compare.
    pub settings: String,
    /// Sum of each sample; NaN where there is none.
    pub sums: Vec<f64>,
}

/// Frequency of an allele in the panel.
#[derive(Clone, Debug, PartialEq)]
pub struct AlleleFrequency {
    /// Contig, by its canonical name.
    pub contig: String,
    /// Position of the normalised allele, 1-based.
    pub position: Position,
    /// Normalised REF.
    pub reference: String,
    /// Normalised ALT.
    pub alternate: String,
    /// Frequency of ALT, between 0 and 1.
    pub frequency: f64,
}

/// A reference panel. It holds no genotypes and no names of people.
#[derive(Clone, Debug)]
pub struct Panel {
    pub(crate) settings: PanelSettings,
    pub(crate) counts: SiteCounts,
    pub(crate) populations: Vec<String>,
    pub(crate) samples: Vec<PlacedSample>,
    pub(crate) sites: Vec<PanelSite>,
    /// Singular values of the standardised genotypes of training samples, descending: twice as many
    /// as components where there are so many.
    pub(crate) singular: Vec<f64>,
    /// Left singular vectors, shape (sites, singular values), row-major.
    pub(crate) loadings: Vec<f64>,
    pub(crate) scores: Vec<PanelScore>,
    pub(crate) frequencies: Vec<AlleleFrequency>,
}

impl Panel {
    /// Name of the panel.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Its release.
    #[must_use]
    pub fn release(&self) -> &str {
        &self.settings.release
    }

    /// Genome build of its positions, by its published name.
    #[must_use]
    pub fn genome_build(&self) -> &str {
        &self.settings.genome_build
    }

    /// Licence of the data that it is made from.
    #[must_use]
    pub fn licence(&self) -> &str {
        &self.settings.licence
    }

    /// Files that it is made from.
    #[must_use]
    pub fn inputs(&self) -> &[PanelInput] {
        &self.settings.inputs
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &PanelSettings {
        &self.settings
    }

    /// What became of the alleles of its file.
    #[must_use]
    pub fn counts(&self) -> &SiteCounts {
        &self.counts
    }

    /// Components by which people are placed.
    #[must_use]
    pub fn components(&self) -> usize {
        self.settings.components
    }

    /// Labels of populations, sorted.
    #[must_use]
    pub fn populations(&self) -> &[String] {
        &self.populations
    }

    /// People of the panel, in the order in which they were given.
    #[must_use]
    pub fn samples(&self) -> &[PlacedSample] {
        &self.samples
    }

    /// Sites by contig number and position.
    #[must_use]
    pub fn sites(&self) -> &[PanelSite] {
        &self.sites
    }

    /// Loadings of a site on all held components.
    #[must_use]
    pub fn loadings(&self, site: usize) -> &[f64] {
        let held = self.singular.len();
        self.loadings
            .get(site * held..(site + 1) * held)
            .unwrap_or(&[])
    }

    /// Singular values of the held components, descending. A squared one, divided by the number of
    /// training samples, is the variance of their coordinates.
    #[must_use]
    pub fn singular_values(&self) -> &[f64] {
        &self.singular
    }

    /// Scores of the panel's people.
    #[must_use]
    pub fn scores(&self) -> &[PanelScore] {
        &self.scores
    }

    /// A score by its name.
    #[must_use]
    pub fn score(&self, name: &str) -> Option<&PanelScore> {
        self.scores.iter().find(|score| score.name == name)
    }

    /// Adds a score: the SHA-256 of its scoring file, a fingerprint of the settings of scoring, and
    /// the sum of each sample, NaN where there is none.
    ///
    /// # Errors
    /// A score of that name is there, or the number of sums is not that of the samples.
    pub fn add_score(
        &mut self,
        name: &str,
        sha256: &str,
        settings: &str,
        sums: Vec<f64>,
    ) -> Result<(), PanelError> {
        if self.score(name).is_some() {
            return Err(PanelError::RepeatedScore {
                score: name.to_owned(),
            });
        }
        if sums.len() != self.samples.len() {
            return Err(PanelError::Sums {
                score: name.to_owned(),
                sums: sums.len(),
                samples: self.samples.len(),
            });
        }
        self.scores.push(PanelScore {
            name: name.to_owned(),
            sha256: sha256.to_owned(),
            settings: settings.to_owned(),
            sums,
        });
        Ok(())
    }

    /// Frequencies of alleles that scores use, sorted by contig, position, REF and ALT.
    #[must_use]
    pub fn frequencies(&self) -> &[AlleleFrequency] {
        &self.frequencies
    }

    /// Sets the frequencies of alleles that scores use; of repeated alleles the first one stays.
    ///
    /// # Errors
    /// A frequency is not between 0 and 1.
    pub fn set_frequencies(
        &mut self,
        mut frequencies: Vec<AlleleFrequency>,
    ) -> Result<(), PanelError> {
        let wrong = |allele: &&AlleleFrequency| !(0.0..=1.0).contains(&allele.frequency);
        if let Some(allele) = frequencies.iter().find(wrong) {
            return Err(PanelError::Frequency {
                contig: allele.contig.clone(),
                position: allele.position.0,
                frequency: allele.frequency,
            });
        }
        frequencies.sort_by(|a, b| allele_key(a).cmp(&allele_key(b)));
        frequencies.dedup_by(|a, b| allele_key(a) == allele_key(b));
        self.frequencies = frequencies;
        Ok(())
    }

    /// Computes components from the training samples and places the others.
    pub(crate) fn compute(
        settings: PanelSettings,
        samples: &[PanelSample],
        sites: Vec<Candidate>,
        counts: SiteCounts,
        threads: usize,
    ) -> Result<Self, PanelError> {
        let training = samples.iter().filter(|sample| sample.is_training).count();
        let held = (2 * settings.components)
            .min(training - 1)
            .min(sites.len() - 1);
        let genotypes: Vec<TrainingSite<'_>> = sites
            .iter()
            .map(|candidate| (&candidate.site, candidate.training.as_ref()))
            .collect();
        let products = gram::gram(&genotypes, training, threads);
        let (values, mut right) = eigen::leading(&products, held)?;
        drop(products);
        let singular: Vec<f64> = values.iter().map(|value| value.max(0.0).sqrt()).collect();
        // Without so many independent people the last directions are noise of rounding.
        if singular
            .last()
            .is_none_or(|last| *last < 1e-6 * singular[0])
        {
            return Err(PanelError::TooFewSamples {
                training,
                components: settings.components,
            });
        }
        let scaled = DMatrix::from_fn(training, held, |i, k| right[(i, k)] / singular[k]);
        let mut loadings = gram::times(&genotypes, scaled.as_view());
        for k in 0..held {
            let column = loadings.iter().skip(k).step_by(held);
            let largest = column.fold(0.0f64, |a, b| if b.abs() > a.abs() { *b } else { a });
            if largest < 0.0 {
                loadings
                    .iter_mut()
                    .skip(k)
                    .step_by(held)
                    .for_each(|value| *value = -*value);
                right.column_mut(k).neg_mut();
            }
        }
        let labels: BTreeSet<&str> = samples.iter().map(|s| s.population.as_str()).collect();
        let populations: Vec<String> = labels.into_iter().map(str::to_owned).collect();
        let mut panel = Self {
            counts,
            populations,
            samples: Vec::new(),
            singular,
            loadings,
            scores: Vec::new(),
            frequencies: Vec::new(),
            sites: Vec::new(),
            settings,
        };
        drop(genotypes);
        let (sites, others): (Vec<PanelSite>, Vec<Packed>) =
            sites.into_iter().map(|c| (c.site, c.others)).unzip();
        panel.sites = sites;
        panel.place_samples(samples, &right, &others)?;
        PopulationModel::new(&panel, panel.population_components())?;
        Ok(panel)
    }

    fn place_samples(
        &mut self,
        samples: &[PanelSample],
        right: &DMatrix<f64>,
        others: &[Packed],
    ) -> Result<(), PanelError> {
        let components = self.settings.components;
        let others_count = samples.iter().filter(|sample| !sample.is_training).count();
        let mut outside = self.observe_packed(others, others_count).into_iter();
        let mut row = 0;
        let mut placed = Vec::with_capacity(samples.len());
        for sample in samples {
            let coordinates = if sample.is_training {
                row += 1;
                let training = right.row(row - 1);
                (0..components)
                    .map(|k| training[k] * self.singular[k])
                    .collect()
            } else {
                let person = outside.next().ok_or(PanelError::NoConvergence)?;
                let placed = place::place(&self.singular, self.sites.len(), &person);
                // One with too few calls cannot be placed; NaN keeps the order of samples.
                placed.map_or_else(
                    || vec![f64::NAN; components],
                    |mut placed| {
                        placed.truncate(components);
                        placed
                    },
                )
            };
            let label = self.populations.binary_search(&sample.population);
            placed.push(PlacedSample {
                population: label.unwrap_or_default(),
                is_training: sample.is_training,
                components: coordinates,
            });
        }
        self.samples = placed;
        Ok(())
    }

    /// Sums of people from packed genotypes, one entry for each site.
    fn observe_packed(&self, genotypes: &[Packed], people: usize) -> Vec<Observed> {
        let layout = self.layout();
        let mut terms = SiteTerms::new(layout);
        let mut values = vec![0; people * layout.values()];
        let mut pairs = vec![0; people * layout.pairs()];
        let mut called = vec![0u64; people];
        for (site, genotypes) in genotypes.iter().enumerate() {
            terms.set(self, site);
            for (person, called) in called.iter_mut().enumerate() {
                let genotype = genotypes.genotype(person);
                if genotype == MISSING {
                    continue;
                }
                *called += 1;
                let values = &mut values[person * layout.values()..][..layout.values()];
                add(values, &terms.none, 1);
                if genotype > 0 {
                    add(values, &terms.copies[usize::from(genotype) - 1], 1);
                }
                let pairs = &mut pairs[person * layout.pairs()..][..layout.pairs()];
                add(pairs, &terms.pairs, 1);
            }
        }
        let people = values
            .chunks(layout.values())
            .zip(pairs.chunks(layout.pairs()));
        people
            .zip(called)
            .map(|((values, pairs), called)| Observed::new(called, values, pairs))
            .collect()
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout {
            held: self.singular.len(),
        }
    }

    /// Components that distributions of populations use.
    pub(crate) fn population_components(&self) -> usize {
        crate::build::POPULATION_COMPONENTS.min(self.settings.components)
    }
}

/// Order of alleles: contigs by name, as text.
fn allele_key(allele: &AlleleFrequency) -> (u8, &str, Position, &str, &str) {
    (
        crate::site::autosome(&allele.contig).unwrap_or(u8::MAX),
        &allele.contig,
        allele.position,
        &allele.reference,
        &allele.alternate,
    )
}
