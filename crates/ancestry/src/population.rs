//! Which population of a panel a placed person is most similar to.
//!
//! Two views of the same training samples. Mahalanobis distances and their tail probabilities have
//! the meaning of pgscatalog-calc (`compare_ancestry`, method "Mahalanobis" with the empirical
//! covariance): the covariance of a population divides by its number of samples, and the squared
//! distance on n components is held against a chi-square distribution of n - 1 degrees of freedom.
//! They say whether a person is like a population at all. The probability compares populations with
//! each other: densities of normal distributions with equal priors, so that a wide population does
//! not draw in those who fit a narrow one.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use crate::chi_square::upper_tail;
use crate::factor::factor;
use crate::{Panel, PanelError, PlacedSample};

/// Samples' worth of the pooled covariance within populations that is mixed into the covariance of
/// each, for densities only: twice the number of components, so that a population of just enough
/// samples is not taken for narrower than it is. Populations of hundreds hardly change.
const PRIOR_SAMPLES_PER_COMPONENT: f64 = 2.0;

/// How far a person is from a population.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// Squared Mahalanobis distance.
    pub squared: f64,
    /// Probability of at least that distance (see the chi-square rule of the module).
    pub p: f64,
}

/// Distributions of the populations of a panel over its leading components.
#[derive(Clone, Debug)]
pub struct PopulationModel {
    components: usize,
    populations: Vec<Population>,
}

#[derive(Clone, Debug)]
struct Population {
    mean: DVector<f64>,
    empirical: Cholesky<f64, Dyn>,
    regular: Cholesky<f64, Dyn>,
    /// Half the logarithm of the determinant of the regular covariance.
    half_log_determinant: f64,
}

impl PopulationModel {
    /// Fits the training samples of each population on the first `components` components, at least
    /// 2 and at most those of the panel.
    ///
    /// # Errors
    /// A population does not vary in so many components.
    pub fn new(panel: &Panel, components: usize) -> Result<Self, PanelError> {
        Self::of_samples(panel.populations(), panel.samples(), components)
    }

    /// The same for people placed elsewhere: labels of populations and the people, who index them.
    ///
    /// # Errors
    /// As [`PopulationModel::new`].
    pub fn of_samples(
        populations: &[String],
        samples: &[PlacedSample],
        components: usize,
    ) -> Result<Self, PanelError> {
        let coordinates = samples.iter().map(|sample| sample.components.len());
        let most = coordinates.min().unwrap_or(0);
        if !(2..=most).contains(&components) {
            return Err(PanelError::Setting {
                setting: "population_components",
                value: components.to_string(),
                remedy: "give a number from 2 to the components of the panel",
            });
        }
        let moments: Vec<(usize, DVector<f64>, DMatrix<f64>)> = (0..populations.len())
            .map(|population| moments(samples, population, components))
            .collect();
        let total: usize = moments.iter().map(|(count, ..)| count).sum();
        let pooled = moments.iter().fold(
            DMatrix::zeros(components, components),
            |pooled, (count, _, covariance)| {
                pooled + covariance * (*count as f64 / total.max(1) as f64)
            },
        );
        let prior = PRIOR_SAMPLES_PER_COMPONENT * components as f64;
        let fit = |(population, (count, mean, covariance)): (&String, (usize, _, DMatrix<f64>))| {
            let count = count as f64;
            let regular = (&covariance * count + &pooled * prior) / (count + prior);
            let flat = || PanelError::FlatPopulation {
                population: population.clone(),
                components,
            };
            let empirical = factor(covariance).ok_or_else(flat)?;
            let regular = factor(regular).ok_or_else(flat)?;
            let diagonal = regular.l_dirty().diagonal();
            Ok(Population {
                mean,
                empirical,
                half_log_determinant: diagonal.iter().map(|value| value.ln()).sum(),
                regular,
            })
        };
        let populations = populations.iter().zip(moments).map(fit);
        Ok(Self {
            components,
            populations: populations.collect::<Result<_, PanelError>>()?,
        })
    }

    /// Distance of a person, by coordinates on at least the model's components, from each
    /// population.
    #[must_use]
    pub fn distances(&self, coordinates: &[f64]) -> Vec<Distance> {
        let distance = |population: &Population| {
            let squared = self.squared(coordinates, population, &population.empirical);
            Distance {
                squared,
                p: upper_tail(squared, self.components as u32 - 1),
            }
        };
        self.populations.iter().map(distance).collect()
    }

    /// Probability of each population, given that the person belongs to one of them.
    #[must_use]
    pub fn probabilities(&self, coordinates: &[f64]) -> Vec<f64> {
        let log_density = |population: &Population| {
            let squared = self.squared(coordinates, population, &population.regular);
            -0.5 * squared - population.half_log_determinant
        };
        let densities: Vec<f64> = self.populations.iter().map(log_density).collect();
        let largest = densities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Relative to the largest, so that one far from all populations does not divide 0 by 0.
        let relative: Vec<f64> = densities.iter().map(|d| (d - largest).exp()).collect();
        let total: f64 = relative.iter().sum();
        relative.into_iter().map(|value| value / total).collect()
    }

    fn squared(
        &self,
        coordinates: &[f64],
        population: &Population,
        covariance: &Cholesky<f64, Dyn>,
    ) -> f64 {
        let place = coordinates
            .iter()
            .copied()
            .chain(std::iter::repeat(f64::NAN));
        let offset =
            DVector::from_iterator(self.components, place.take(self.components)) - &population.mean;
        offset.dot(&covariance.solve(&offset))
    }
}

/// Number, mean and covariance (divided by the number) of a population's training samples.
fn moments(
    samples: &[PlacedSample],
    population: usize,
    components: usize,
) -> (usize, DVector<f64>, DMatrix<f64>) {
    let people: Vec<DVector<f64>> = samples
        .iter()
        .filter(|sample| sample.is_training && sample.population == population)
        .map(|sample| DVector::from_column_slice(&sample.components[..components]))
        .collect();
    let count = people.len().max(1) as f64;
    let zero = DVector::zeros(components);
    let mean = people.iter().fold(zero, |sum, person| sum + person) / count;
    let mut covariance = DMatrix::zeros(components, components);
    for person in &people {
        let offset = person - &mean;
        covariance.ger(1.0 / count, &offset, &offset, 1.0);
    }
    (people.len(), mean, covariance)
}

/// Index and value of the largest number; the first one of equals.
pub(crate) fn largest(values: impl IntoIterator<Item = f64>) -> Option<(usize, f64)> {
    let best = |best: Option<(usize, f64)>, (index, value): (usize, f64)| match best {
        Some((_, largest)) if largest >= value => best,
        _ => Some((index, value)),
    };
    values.into_iter().enumerate().fold(None, best)
}

#[cfg(test)]
mod tests;
