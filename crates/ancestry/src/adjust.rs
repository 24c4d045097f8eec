//! A patient's score beside the scores of the panel's people.
//!
//! The four figures have the meaning that pgscatalog-calc (pgsc_calc) gives them:
//! * `percentile_MostSimilarPop` and `Z_MostSimilarPop`: against the training samples of the most
//!   similar population; of equal scores half count as lower (scipy `percentileofscore`, "rank"), and
//!   the deviation divides by their number.
//! * `Z_norm1`: what a linear regression of the score on the components leaves, divided by the
//!   standard deviation of what it leaves in the training samples (Khera et al. 2019, Circulation
//!   139:1593).
//! * `Z_norm2`: the same with a variance that depends on the components too (Khan et al. 2022, Nature
//!   Medicine 28:1412), mean and variance fitted together.
//!
//! The models are fitted once on the panel, so that what is said of one patient does not depend on
//! the others.

use nalgebra::{DMatrix, DVector};
use varisk_core::Reason;

use crate::regression::{MeanAndVariance, least_squares, mean_and_variance};
use crate::{Panel, PlacedSample};

/// Adjusts one score.
#[derive(Clone, Debug)]
pub struct ScoreAdjuster {
    /// By population.
    distributions: Vec<Option<Distribution>>,
    ancestry: Option<AncestryModel>,
}

/// Scores of a population's training samples.
#[derive(Clone, Debug)]
struct Distribution {
    /// Ascending.
    sums: Vec<f64>,
    mean: f64,
    deviation: f64,
}

/// Score as function of the components.
#[derive(Clone, Debug)]
struct AncestryModel {
    /// Mean and deviation of each component among training samples.
    components: Vec<(f64, f64)>,
    offset: f64,
    /// Standard deviation of what least squares leave: the unit of both fits.
    deviation: f64,
    mean: DVector<f64>,
    both: Option<MeanAndVariance>,
}

/// Sums of a score among the training samples of a population, to draw a patient's sum beside.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreReference {
    /// Index of the population.
    pub population: usize,
    /// Training samples of whom the sum is known.
    pub people: usize,
    /// Mean of their sums.
    pub mean: f64,
    /// Standard deviation of their sums, which divides by their number.
    pub deviation: f64,
    /// The 0th, 1st, ..., 100th percentile of their sums, by linear interpolation between ordered sums
    /// (type 7 of Hyndman and Fan 1996, American Statistician 50:361).
    pub quantiles: Vec<f64>,
}

/// A score beside the panel's; `None` where what it is compared with is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Adjusted {
    /// Percentile in the most similar population, 0 to 100.
    pub percentile: Option<f64>,
    /// Standard deviations from the mean of the most similar population.
    pub z_most_similar: Option<f64>,
    /// Deviation from the mean that the patient's components predict.
    pub z_norm1: Option<f64>,
    /// The same in units of the standard deviation that the components predict.
    pub z_norm2: Option<f64>,
}

impl ScoreAdjuster {
    /// Fits the models of a score to the panel's training samples, on the first `components`
    /// components (4 in pgscatalog-calc; fewer where the panel has fewer).
    ///
    /// # Errors
    /// [`Reason::ScoreNotInPanel`]: the panel lacks the score, or it does not vary there.
    pub fn new(panel: &Panel, score: &str, components: usize) -> Result<Self, Reason> {
        let score = panel.score(score).ok_or(Reason::ScoreNotInPanel)?;
        let components = components.min(panel.components());
        Self::of_samples(
            panel.populations().len(),
            panel.samples(),
            &score.sums,
            components,
        )
    }

    /// The same for people placed elsewhere, who index so many populations, and the sum of each.
    ///
    /// # Errors
    /// [`Reason::ScoreNotInPanel`]: the sums do not vary.
    pub fn of_samples(
        populations: usize,
        samples: &[PlacedSample],
        sums: &[f64],
        components: usize,
    ) -> Result<Self, Reason> {
        let known = samples.iter().map(|sample| sample.components.len());
        let components = components.clamp(1, known.min().unwrap_or(1).max(1));
        // Only whom a score is known of.
        let people: Vec<(usize, &[f64], f64)> = samples
            .iter()
            .zip(sums)
            .filter(|(sample, sum)| sample.is_training && sum.is_finite())
            .map(|(sample, sum)| (sample.population, &sample.components[..components], *sum))
            .collect();
        let sums: Vec<f64> = people.iter().map(|(.., sum)| *sum).collect();
        let (first, all_equal) = match sums.split_first() {
            Some((first, others)) => (*first, others.iter().all(|sum| sum == first)),
            None => return Err(Reason::ScoreNotInPanel),
        };
        if all_equal || !first.is_finite() {
            return Err(Reason::ScoreNotInPanel);
        }
        let distributions = (0..populations)
            .map(|population| {
                let own = people.iter().filter(|(label, ..)| *label == population);
                Distribution::of(own.map(|(.., sum)| *sum).collect())
            })
            .collect();
        Ok(Self {
            distributions,
            ancestry: AncestryModel::fit(&people, components),
        })
    }

    /// What percentiles and `z_most_similar` are taken from, for each population that has people, by its
    /// index.
    pub fn references(&self) -> impl Iterator<Item = ScoreReference> {
        let known = self.distributions.iter().enumerate();
        known.filter_map(|(population, distribution)| {
            let distribution = distribution.as_ref()?;
            Some(ScoreReference {
                population,
                people: distribution.sums.len(),
                mean: distribution.mean,
                deviation: distribution.deviation,
                quantiles: (0..=100).map(|k| distribution.quantile(k)).collect(),
            })
        })
    }

    /// Compares a patient's sum: with the most similar population where there is one, and by the
    /// components where the patient is placed.
    #[must_use]
    pub fn adjust(
        &self,
        sum: f64,
        components: Option<&[f64]>,
        population: Option<usize>,
    ) -> Adjusted {
        if !sum.is_finite() {
            return Adjusted::default();
        }
        let distribution = population.and_then(|index| self.distributions.get(index)?.as_ref());
        let fitted = self.ancestry.as_ref().zip(components);
        let (z_norm1, z_norm2) = fitted.map_or((None, None), |(model, components)| {
            model.adjust(sum, components)
        });
        Adjusted {
            percentile: distribution.map(|distribution| distribution.percentile(sum)),
            z_most_similar: distribution.and_then(|distribution| distribution.z(sum)),
            z_norm1,
            z_norm2,
        }
    }
}

impl Distribution {
    fn of(mut sums: Vec<f64>) -> Option<Self> {
        if sums.is_empty() {
            return None;
        }
        sums.sort_by(f64::total_cmp);
        let (mean, deviation) = moments(sums.iter().copied());
        Some(Self {
            sums,
            mean,
            deviation,
        })
    }

    /// The quantile of `percent` from 0 to 100. There is at least one sum.
    fn quantile(&self, percent: usize) -> f64 {
        let last = self.sums.len() - 1;
        // Whole numbers, so that a quantile that falls on a sum is that sum.
        let (place, rest) = (last * percent / 100, last * percent % 100);
        let (below, above) = (self.sums[place], self.sums[(place + 1).min(last)]);
        if rest == 0 {
            return below;
        }
        (below + (above - below) * (rest as f64 / 100.0)).clamp(below, above)
    }

    fn percentile(&self, sum: f64) -> f64 {
        let below = self.sums.partition_point(|own| *own < sum);
        let up_to = self.sums.partition_point(|own| *own <= sum);
        let tie = usize::from(below < up_to);
        (below + up_to + tie) as f64 * 50.0 / self.sums.len() as f64
    }

    fn z(&self, sum: f64) -> Option<f64> {
        finite((sum - self.mean) / self.deviation)
    }
}

impl AncestryModel {
    fn fit(people: &[(usize, &[f64], f64)], components: usize) -> Option<Self> {
        let standards: Vec<(f64, f64)> = (0..components)
            .map(|k| moments(people.iter().map(|(_, place, _)| place[k])))
            .collect();
        let design = DMatrix::from_fn(people.len(), components + 1, |i, k| {
            k.checked_sub(1).map_or(1.0, |k| {
                let (mean, deviation) = standards[k];
                (people[i].1[k] - mean) / deviation
            })
        });
        let (offset, _) = moments(people.iter().map(|(.., sum)| *sum));
        let centred = DVector::from_iterator(people.len(), people.iter().map(|p| p.2 - offset));
        let mean = least_squares(&design, &centred)?;
        let (_, deviation) = moments((&centred - &design * &mean).iter().copied());
        // A score that the components give exactly leaves nothing but rounding.
        if !(deviation.is_finite() && deviation > 1e-12 * centred.amax()) {
            return None;
        }
        Some(Self {
            components: standards,
            offset,
            deviation,
            mean: mean / deviation,
            // Fitted to a score of unit scale, so that limits on gradients mean the same for all.
            both: mean_and_variance(&design, &(centred / deviation)),
        })
    }

    fn adjust(&self, sum: f64, components: &[f64]) -> (Option<f64>, Option<f64>) {
        if components.len() < self.components.len() {
            return (None, None);
        }
        let standard = |((mean, deviation), value): (&(f64, f64), &f64)| (value - mean) / deviation;
        let place = self.components.iter().zip(components).map(standard);
        let row =
            DVector::from_iterator(self.components.len() + 1, std::iter::once(1.0).chain(place));
        let score = (sum - self.offset) / self.deviation;
        let both = self
            .both
            .as_ref()
            .map(|fit| (score - fit.mean.dot(&row)) / (0.5 * fit.log_variance.dot(&row)).exp());
        (finite(score - self.mean.dot(&row)), both.and_then(finite))
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Mean and standard deviation, which divides by the number.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests;
