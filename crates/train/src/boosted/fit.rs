//! Round after round of trees.

use std::ops::ControlFlow;

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use super::bins::{Binned, bin};
use super::data::Data;
use super::grow::{Grown, grow};
use super::model::Boosted;
use super::objective::Objective;
use super::parallel::for_each;
use super::sample::draw;
use super::settings::Settings;
use super::tree::Tree;
use crate::boosted::BoostedError;

/// Rows that a thread predicts at a time.
const CHUNK: usize = 4_096;

/// Losses after a round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// The round, counted from 1; 0 before the first tree.
    pub round: usize,
    /// Loss of the training rows: log loss, half the squared error, or the negative logarithm of the
    /// partial likelihood, for each unit of weight (of events, for survival), the weights scaled to a mean of 1.
    pub training_loss: f64,
    /// That of the validation rows, if there are any.
    pub validation_loss: Option<f64>,
}

/// Boosts trees on `training`. With `validation`, the rounds up to the lowest loss there are kept.
///
/// `progress` is called before the first round and after each; it may end the training.
pub fn fit(
    training: &Data<'_>,
    validation: Option<&Data<'_>>,
    settings: &Settings,
    progress: &mut dyn FnMut(&Round) -> ControlFlow<()>,
) -> Result<Boosted, BoostedError> {
    settings.check()?;
    training.check(false)?;
    let family = training.target.family();
    if let Some(validation) = validation {
        validation.check(true)?;
        if validation.target.family() != family {
            return Err(BoostedError::ValidationOutcome);
        }
        if validation.features.ncols() != training.features.ncols() {
            return Err(BoostedError::Columns {
                found: validation.features.ncols(),
                expected: training.features.ncols(),
            });
        }
    }
    let columns = training.features.ncols();
    let objective = Objective::new(training);
    let binned = bin(
        &training.features,
        objective.rows(),
        settings.bins,
        settings.threads,
    );
    let base = objective.base();
    let mut judge = validation.map(|data| Scored::new(data, Objective::new(data), &base));
    let mut learner = Scored::new(training, objective, &base);
    let mut curve: Vec<Round> = Vec::new();
    let mut rounds: Vec<Vec<Tree>> = Vec::new();
    let mut best = 0;
    for round in 0..=settings.rounds {
        if round > 0 {
            let trees = learner.learn(&binned, settings, round as u64);
            if trees.iter().any(|tree| tree.problem(columns).is_some()) {
                return Err(BoostedError::Diverged { round });
            }
            let drawn = settings.subsample < 1.0 || settings.column_subsample < 1.0;
            // The next round would find the same.
            if !drawn && trees.iter().all(|tree| tree.nodes().len() == 1) {
                break;
            }
            if let Some(judge) = &mut judge {
                judge.add(&trees, settings.threads);
            }
            rounds.push(trees);
        }
        let losses = Round {
            round,
            training_loss: learner.loss(round)?,
            validation_loss: judge.as_ref().map(|judge| judge.loss(round)).transpose()?,
        };
        curve.push(losses);
        let least = curve[best].validation_loss;
        if losses.validation_loss.is_none() || losses.validation_loss < least {
            best = round;
        }
        if progress(&losses).is_break() {
            return Err(BoostedError::Interrupted { round });
        }
        let patience = settings.early_stopping_rounds;
        if patience > 0 && round - best >= patience {
            break;
        }
    }
    rounds.truncate(best);
    Boosted::try_new(family, columns, base, rounds, curve)
}

/// Data with the raw outputs of the trees so far.
struct Scored<'a> {
    objective: Objective<'a>,
    features: ArrayView2<'a, f32>,
    /// Rows by outputs.
    raw: Vec<f64>,
    outputs: usize,
    /// First and second derivatives, for each output those of all rows.
    derivatives: Vec<Vec<(f64, f64)>>,
}

impl<'a> Scored<'a> {
    fn new(data: &Data<'a>, objective: Objective<'a>, base: &[f32]) -> Self {
        let rows = data.features.nrows();
        Self {
            objective,
            features: data.features,
            raw: base
                .iter()
                .map(|value| f64::from(*value))
                .cycle()
                .take(rows * base.len())
                .collect(),
            outputs: base.len(),
            derivatives: Vec::new(),
        }
    }

    fn loss(&self, round: usize) -> Result<f64, BoostedError> {
        let loss = self.objective.loss(&self.raw);
        if loss.is_finite() {
            return Ok(loss);
        }
        Err(BoostedError::Diverged { round })
    }

    /// Grows the trees of a round, one for each output, and adds them.
    fn learn(&mut self, binned: &[Binned], settings: &Settings, round: u64) -> Vec<Tree> {
        let rows = self.features.nrows();
        self.derivatives
            .resize(self.outputs, vec![(0.0, 0.0); rows]);
        self.objective.derivatives(&self.raw, &mut self.derivatives);
        let all: Vec<usize> = (0..binned.len()).collect();
        // Rows and columns have streams of their own, so that one share does not change the other.
        let rows = draw(
            self.objective.rows(),
            settings.subsample,
            settings.seed,
            2 * round,
        );
        let columns = draw(
            &all,
            settings.column_subsample,
            settings.seed,
            2 * round + 1,
        );
        let grown: Vec<Grown> = self
            .derivatives
            .iter()
            .map(|derivatives| grow(binned, &rows, &columns, derivatives, settings))
            .collect();
        let drawn = rows.len() < self.objective.rows().len();
        if !drawn {
            for (output, grown) in grown.iter().enumerate() {
                for (row, value) in &grown.values {
                    self.raw[*row as usize * self.outputs + output] += f64::from(*value);
                }
            }
        }
        let trees: Vec<Tree> = grown.into_iter().map(|grown| grown.tree).collect();
        if drawn {
            self.add(&trees, settings.threads);
        }
        trees
    }

    /// Adds trees by walking them, one for each output.
    fn add(&mut self, trees: &[Tree], threads: usize) {
        let mut chunks: Vec<&mut [f64]> = self.raw.chunks_mut(CHUNK * self.outputs).collect();
        for_each(&mut chunks, threads, |number, chunk| {
            for (offset, raw) in chunk.chunks_mut(trees.len()).enumerate() {
                let row = self.features.row(number * CHUNK + offset);
                for (raw, tree) in raw.iter_mut().zip(trees) {
                    *raw += f64::from(tree.value(&row));
                }
            }
        });
    }
}
