//! Ensembles of decision trees, and their exact Shapley values.

mod explainer;
mod reader;

pub use explainer::TreeExplainer;

use crate::{ExplanationError, Scale};

/// Levels that a tree may have. Learners make tens; recursion over thousands would exhaust the stack.
const MAXIMUM_DEPTH: usize = 1024;

/// How a split compares a value with its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `value < threshold`, as XGBoost splits.
    Less,
    /// `value <= threshold`, as scikit-learn and LightGBM split.
    LessOrEqual,
}

/// How the trees' values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// Their sum.
    Sum,
    /// Their mean.
    Average,
}

/// A node of a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Compares a column of the input.
    Split {
        /// The column, from 0.
        column: usize,
        /// What the value is compared with.
        threshold: f32,
        /// How.
        comparison: Comparison,
        /// Whether a missing value (NaN) goes where the comparison holds.
        missing_holds: bool,
        /// Index of the node where the comparison holds.
        holds: usize,
        /// Index of the node where it does not.
        fails: usize,
    },
    /// Ends the tree with a value for each output.
    Leaf {
        /// By output.
        values: Vec<f64>,
    },
}

/// A decision tree: its nodes, the root first.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The nodes; a split names others by their index.
    pub nodes: Vec<Node>,
}

/// A sum or an average of trees, plus base values.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeEnsemble {
    columns: usize,
    trees: Vec<Tree>,
    base_values: Vec<f64>,
    aggregate: Aggregate,
    scale: Scale,
}

impl TreeEnsemble {
    /// Takes trees over so many columns. There are as many outputs as base values; these are added
    /// after the aggregation.
    ///
    /// # Errors
    /// [`ExplanationError::Model`] where a tree is none: a node that is not there, is reached twice or
    /// never, a column that is not there, a number that is not finite.
    pub fn try_new(
        columns: usize,
        trees: Vec<Tree>,
        base_values: Vec<f64>,
        aggregate: Aggregate,
        scale: Scale,
    ) -> Result<Self, ExplanationError> {
        let refuse = |detail: String| Err(ExplanationError::Model { detail });
        if trees.is_empty() || base_values.is_empty() {
            return refuse("it has no trees or no outputs".to_owned());
        }
        if !base_values.iter().all(|value| value.is_finite()) {
            return refuse("a base value is not finite".to_owned());
        }
        for (index, tree) in trees.iter().enumerate() {
            if let Err(detail) = tree.check(columns, base_values.len()) {
                return refuse(format!("tree {index} {detail}"));
            }
        }
        Ok(Self {
            columns,
            trees,
            base_values,
            aggregate,
            scale,
        })
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.base_values.len()
    }

    /// Number of columns of the input.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// What the scores are.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The trees.
    #[must_use]
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// What is added to the aggregate, by output.
    #[must_use]
    pub fn base_values(&self) -> &[f64] {
        &self.base_values
    }

    /// The scores of a row, on the scale of [`TreeEnsemble::scale`].
    ///
    /// # Errors
    /// [`ExplanationError::Columns`].
    pub fn predict(&self, row: &[f32]) -> Result<Vec<f64>, ExplanationError> {
        if row.len() != self.columns {
            return Err(ExplanationError::Columns {
                what: "a row",
                columns: row.len(),
                expected: self.columns,
            });
        }
        let mut scores = vec![0.0; self.outputs()];
        for tree in &self.trees {
            for (score, value) in scores.iter_mut().zip(tree.leaf(row)) {
                *score += value;
            }
        }
        for (score, base) in scores.iter_mut().zip(&self.base_values) {
            *score = *score * self.weight() + base;
        }
        Ok(scores)
    }

    /// What each tree's value is multiplied by.
    fn weight(&self) -> f64 {
        match self.aggregate {
            Aggregate::Sum => 1.0,
            Aggregate::Average => 1.0 / self.trees.len() as f64,
        }
    }
}

impl Tree {
    /// The values of the leaf that a row comes to.
    fn leaf(&self, row: &[f32]) -> &[f64] {
        let mut index = 0;
        loop {
            match &self.nodes[index] {
                Node::Leaf { values } => return values,
                Node::Split {
                    column,
                    threshold,
                    comparison,
                    missing_holds,
                    holds,
                    fails,
                } => {
                    let is_held = comparison.holds(row[*column], *threshold, *missing_holds);
                    index = if is_held { *holds } else { *fails };
                }
            }
        }
    }

    /// Levels below the root; the error ends the sentence "the tree".
    fn check(&self, columns: usize, outputs: usize) -> Result<(), String> {
        let mut is_reached = vec![false; self.nodes.len()];
        let mut stack = vec![(0, 0)];
        while let Some((index, depth)) = stack.pop() {
            let node = self.nodes.get(index);
            let node = node.ok_or_else(|| format!("has no node {index}"))?;
            if std::mem::replace(&mut is_reached[index], true) {
                return Err(format!("reaches its node {index} twice"));
            }
            match node {
                Node::Leaf { values } => {
                    if values.len() != outputs || !values.iter().all(|value| value.is_finite()) {
                        return Err(format!(
                            "has a leaf {index} without {outputs} finite values"
                        ));
                    }
                }
                Node::Split {
                    column,
                    threshold,
                    holds,
                    fails,
                    ..
                } => {
                    if *column >= columns {
                        return Err(format!("splits column {column} of {columns}"));
                    }
                    if threshold.is_nan() {
                        return Err(format!("has no threshold in its node {index}"));
                    }
                    if depth == MAXIMUM_DEPTH {
                        return Err(format!("is deeper than {MAXIMUM_DEPTH} levels"));
                    }
                    stack.extend([(*holds, depth + 1), (*fails, depth + 1)]);
                }
            }
        }
        match is_reached.iter().position(|reached| !reached) {
            None => Ok(()),
            Some(index) => Err(format!("never reaches its node {index}")),
        }
    }
}

impl Comparison {
    /// Whether a value takes the branch of a comparison that holds.
    fn holds(self, value: f32, threshold: f32, missing_holds: bool) -> bool {
        match self {
            Self::Less => value < threshold || (missing_holds && value.is_nan()),
            Self::LessOrEqual => value <= threshold || (missing_holds && value.is_nan()),
        }
    }
}

#[cfg(test)]
mod tests;
