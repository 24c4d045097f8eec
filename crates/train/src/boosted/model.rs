//! A learnt model.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::data::Family;
use super::fit::Round;
use super::tree::{Node, Tree};
use crate::boosted::BoostedError;

/// A learnt model: a constant and rounds of trees, whose values are added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Boosted {
    family: Family,
    features: usize,
    base: Vec<f32>,
    rounds: Vec<Vec<Tree>>,
    curve: Vec<Round>,
}

/// What is read from a file, not yet checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    family: Family,
    features: usize,
    base: Vec<f32>,
    rounds: Vec<Vec<Tree>>,
    curve: Vec<Round>,
}

impl TryFrom<Stored> for Boosted {
    type Error = BoostedError;

    fn try_from(stored: Stored) -> Result<Self, BoostedError> {
        Self::try_new(
            stored.family,
            stored.features,
            stored.base,
            stored.rounds,
            stored.curve,
        )
    }
}

impl Boosted {
    pub(crate) fn try_new(
        family: Family,
        features: usize,
        base: Vec<f32>,
        rounds: Vec<Vec<Tree>>,
        curve: Vec<Round>,
    ) -> Result<Self, BoostedError> {
        let damaged = |problem| Err(BoostedError::Damaged { problem });
        let outputs = family.outputs();
        if matches!(family, Family::Classes(..2)) {
            return damaged("it has fewer than two classes");
        }
        if base.len() != outputs || rounds.iter().any(|trees| trees.len() != outputs) {
            return damaged("it has another number of trees than outputs");
        }
        if !base.iter().all(|value| value.is_finite()) {
            return damaged("its constant is not finite");
        }
        if let Some(problem) = rounds
            .iter()
            .flatten()
            .find_map(|tree| tree.problem(features))
        {
            return damaged(problem);
        }
        Ok(Self {
            family,
            features,
            base,
            rounds,
            curve,
        })
    }

    /// What is predicted.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Columns of the features.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// The constant that the trees are added to, one number for each output.
    #[must_use]
    pub fn base(&self) -> &[f32] {
        &self.base
    }

    /// The rounds kept, each with one tree for each output. None, if nothing beat the constant.
    #[must_use]
    pub fn rounds(&self) -> &[Vec<Tree>] {
        &self.rounds
    }

    /// Losses after every round, those after the last one kept too.
    #[must_use]
    pub fn curve(&self) -> &[Round] {
        &self.curve
    }

    /// Raw outputs, rows by outputs: log odds of a binary outcome, logits of classes, log hazard up to
    /// a constant, or the number itself. NaN is a missing value.
    pub fn predict_raw(&self, features: &ArrayView2<'_, f32>) -> Result<Array2<f64>, BoostedError> {
        if features.ncols() != self.features {
            return Err(BoostedError::Columns {
                found: features.ncols(),
                expected: self.features,
            });
        }
        for ((row, column), value) in features.indexed_iter() {
            if value.is_infinite() {
                return Err(BoostedError::Infinite { column, row });
            }
        }
        let mut raw = Array2::zeros((features.nrows(), self.base.len()));
        for (row, mut out) in features.rows().into_iter().zip(raw.rows_mut()) {
            for (output, value) in out.iter_mut().enumerate() {
                let trees = self.rounds.iter().map(|trees| &trees[output]);
                // In the order of training, so that its losses are met to the last bit.
                *value = trees.fold(f64::from(self.base[output]), |sum, tree| {
                    sum + f64::from(tree.value(&row))
                });
            }
        }
        Ok(raw)
    }

    /// Sum of the gains of the splits on each column: by how much the second-order approximation of
    /// the training loss, summed over weighted rows, fell.
    #[must_use]
    pub fn feature_gain(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.features];
        for node in self.rounds.iter().flatten().flat_map(Tree::nodes) {
            if let Node::Split { feature, gain, .. } = node {
                gains[*feature as usize] += gain;
            }
        }
        gains
    }
}
