//! Shapley values of any model, from its predictions alone.
//!
//! Against one background row, an order of the players is walked from the background row to the
//! patient, one player at a time, and each player gets the change of the prediction that it causes
//! (Castro et al. 2009, Computers & Operations Research 36:1726). Every order is also walked backwards,
//! which removes most of the noise of interactions (antithetic pairs: Mitchell et al. 2022, JMLR 23:43).
//! The contributions of a walk add up to the difference of both predictions exactly.
//!
//! Three things make the values better than that:
//!
//! * Background rows take turns, so that each is used as often as any other, but for one.
//! * Players whose columns are the same in the patient and the background row cause no change and are
//!   not walked. Where all coalitions of the others can be evaluated for every row within the budget,
//!   they are, and the values are exact.
//! * A linear surrogate of the model, fitted once to mixtures of background rows, is explained exactly
//!   over the whole background; only what the model adds to it is sampled (a control variate, so the
//!   surrogate's own errors cancel). For a linear model nothing is left to sample.
//!
//! The random numbers begin anew for each patient, and no batch holds rows of two patients: what is
//! said of one does not depend on the others.

mod evaluate;
mod exact;
mod random;
mod summary;
mod surrogate;
mod walk;

use ndarray::ArrayView2;

use evaluate::Evaluator;
use random::Random;
use summary::Summary;
use surrogate::Surrogate;

use crate::{Background, Explanation, ExplanationError, Players, SamplingError, Scale};

/// A model that is known by its predictions only.
pub trait Model {
    /// Why it cannot predict.
    type Error: std::error::Error + 'static;

    /// One prediction for each row. Batches always have the same number of rows.
    ///
    /// # Errors
    /// Whatever keeps the model from predicting.
    fn predict(&mut self, rows: ArrayView2<'_, f32>) -> Result<Vec<f64>, Self::Error>;
}

/// How much is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamplingSettings {
    /// Rows to predict for each patient, at most; the last batch is filled up beyond this. With two for
    /// each player and background row every row is used once, with four the standard errors are no
    /// longer too large.
    pub evaluations: usize,
    /// Rows in a batch. Large ones keep a network busy; filling up the last wastes half of one on average.
    pub batch: usize,
    /// Where the random numbers begin.
    pub seed: u64,
}

impl Default for SamplingSettings {
    fn default() -> Self {
        Self {
            evaluations: 10_000,
            batch: 512,
            seed: 0,
        }
    }
}

/// Shapley values of one patient that may be sampled.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledExplanation {
    /// The values, which add up to the prediction with the base.
    pub explanation: Explanation,
    /// Standard error of each value; 0 where it is exact. An estimate too: it is too small for a player
    /// that matters in rare combinations only, none of which was drawn.
    pub standard_errors: Vec<f64>,
    /// Whether all coalitions were evaluated.
    pub is_exact: bool,
    /// What was missing to the prediction and was divided among the players in proportion to the
    /// squares of their standard errors. It is not 0 where not every background row was used.
    pub residual: f64,
    /// Background rows that were used.
    pub background_rows: usize,
    /// Rows predicted for this patient, without those that fill up a batch.
    pub evaluations: usize,
}

/// Explains a model by sampling.
///
/// It is immutable and can be shared by threads, each with a model of its own; what it says does not
/// depend on how patients are divided among these.
///
/// # Example
///
/// ```
/// use std::convert::Infallible;
///
/// use ndarray::{ArrayView2, array};
/// use varisk_explanation::{
///     Background, Model, Players, SamplingExplainer, SamplingSettings, Scale,
/// };
///
/// struct Product;
///
/// impl Model for Product {
///     type Error = Infallible;
///
///     fn predict(&mut self, rows: ArrayView2<'_, f32>) -> Result<Vec<f64>, Infallible> {
///         Ok(rows.rows().into_iter().map(|row| f64::from(row.product())).collect())
///     }
/// }
///
/// # fn main() -> Result<(), varisk_explanation::SamplingError<Infallible>> {
/// let background = Background::try_new(array![[0.0, 0.0], [1.0, 1.0]])?;
/// let players = Players::one_per_column(2)?;
/// let settings = SamplingSettings::default();
/// let scale = Scale::Output;
/// let explainer = SamplingExplainer::new(&mut Product, &background, &players, settings, scale)?;
/// let sampled = explainer.explain(&mut Product, &[2.0, 3.0])?;
/// assert!(sampled.is_exact);
/// assert_eq!(sampled.explanation.values, [2.5, 3.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SamplingExplainer {
    background: Background,
    players: Players,
    settings: SamplingSettings,
    scale: Scale,
    /// Prediction of each background row.
    predictions: Vec<f64>,
    base: f64,
    surrogate: Surrogate,
}

impl SamplingExplainer {
    /// Predicts the background and fits the surrogate: some 1,000 evaluations, more for wide inputs.
    /// `scale` says what the model's predictions are.
    ///
    /// # Errors
    /// Widths that differ, a budget that is too small for a standard error, an empty batch, and what
    /// the model says.
    pub fn new<M: Model>(
        model: &mut M,
        background: &Background,
        players: &Players,
        settings: SamplingSettings,
        scale: Scale,
    ) -> Result<Self, SamplingError<M::Error>> {
        players.check_columns(background.columns(), "the background")?;
        settings.check(players.len())?;
        let mut evaluator = Evaluator::new(model, settings.batch, "the background");
        for row in background.rows() {
            evaluator.push(|to| to.copy_from_slice(row), row.len())?;
        }
        let predictions = evaluator.finish()?;
        let base = predictions.iter().sum::<f64>() / background.len() as f64;
        let surrogate = Surrogate::fit(model, background, players, &settings)?;
        Ok(Self {
            background: background.clone(),
            players: players.clone(),
            settings,
            scale,
            predictions,
            base,
            surrogate,
        })
    }

    /// Mean prediction of the background.
    #[must_use]
    pub fn base(&self) -> f64 {
        self.base
    }

    /// Explains a patient.
    ///
    /// # Errors
    /// A row of another width, predictions that are not numbers, and what the model says.
    pub fn explain<M: Model>(
        &self,
        model: &mut M,
        row: &[f32],
    ) -> Result<SampledExplanation, SamplingError<M::Error>> {
        self.players.check_columns(row.len(), "the patient")?;
        let differing: Vec<Vec<u32>> = self
            .background
            .rows()
            .map(|other| self.differing(row, other))
            .collect();
        let background: Vec<&[f32]> = self.background.rows().collect();
        let mut evaluator = Evaluator::new(model, self.settings.batch, "the patient");
        evaluator.push(|to| to.copy_from_slice(row), row.len())?;
        let budget = self.settings.evaluations - 1;
        if exact::cost(&differing).is_some_and(|cost| cost <= budget) {
            exact::evaluate(&mut evaluator, row, &background, &differing, &self.players)?;
            let predicted = evaluator.finish()?;
            let values = exact::values(&predicted, &self.predictions, &differing, &self.players);
            return Ok(self.finish(
                Summary::exact(values),
                &predicted,
                self.background.len(),
                true,
            ));
        }
        let mut random = Random::new(self.settings.seed, random::Stream::Walks);
        let walks = walk::plan(&differing, budget, &mut random);
        for walk in &walks {
            walk.evaluate(&mut evaluator, row, background[walk.row], &self.players)?;
        }
        let predicted = evaluator.finish()?;
        let contributions =
            walk::contributions(&walks, &predicted, &self.predictions, &self.players);
        let summary = summary::of_walks(
            &walks,
            contributions,
            &differing,
            self.surrogate.explain(row),
            |row| self.surrogate.deviations(row),
        );
        let used = summary.background_rows;
        Ok(self.finish(summary, &predicted, used, false))
    }

    /// Divides what is missing to the prediction.
    fn finish(
        &self,
        summary: Summary,
        predicted: &[f64],
        background_rows: usize,
        is_exact: bool,
    ) -> SampledExplanation {
        let prediction = predicted[0];
        let mut values = summary.values;
        let residual = prediction - self.base - values.iter().sum::<f64>();
        let variances: Vec<f64> = summary
            .standard_errors
            .iter()
            .map(|error| error * error)
            .collect();
        let total: f64 = variances.iter().sum();
        // Rounding is all that enumeration misses, and players that add nothing keep their 0.
        if !is_exact {
            for (value, variance) in values.iter_mut().zip(&variances) {
                // Where nothing is known of who varies, all share alike.
                let share = if total > 0.0 {
                    variance / total
                } else {
                    1.0 / variances.len() as f64
                };
                *value += residual * share;
            }
        }
        SampledExplanation {
            explanation: Explanation {
                base: self.base,
                values,
                prediction,
                scale: self.scale,
            },
            standard_errors: summary.standard_errors,
            is_exact,
            residual,
            background_rows,
            evaluations: predicted.len(),
        }
    }

    /// Players with a column of another value. Compared by bits: -0 and a NaN are values too.
    fn differing(&self, row: &[f32], other: &[f32]) -> Vec<u32> {
        let is_other = |column: &usize| row[*column].to_bits() != other[*column].to_bits();
        let players = (0_u32..).zip(self.players.columns());
        let differing = players.filter(|(_, columns)| columns.iter().any(is_other));
        differing.map(|(player, _)| player).collect()
    }
}

impl SamplingSettings {
    fn check(&self, players: usize) -> Result<(), ExplanationError> {
        // A standard error needs two pairs of walks.
        let needed = players.saturating_mul(4);
        if self.evaluations < needed {
            return Err(ExplanationError::Setting {
                setting: "evaluations",
                value: self.evaluations,
                remedy: format!("{players} predictors need at least {needed}"),
            });
        }
        if self.batch == 0 {
            return Err(ExplanationError::Setting {
                setting: "batch",
                value: 0,
                remedy: "give at least 1".to_owned(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
