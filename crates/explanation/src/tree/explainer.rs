//! Exact interventional Shapley values of trees.
//!
//! Against one background row, a leaf is reached by the coalitions that take some players from the
//! patient and some others from the background; its value is shared among both groups with weights
//! that depend on their sizes alone (Lundberg et al. 2020, Nature Machine Intelligence 2:56, algorithm
//! 3; Laberge & Pequignot 2022, arXiv:2209.15123, for groups of columns). One walk over a tree gives
//! all of its leaves; where patient and background row agree, only one branch is walked.

use super::{Comparison, Node, TreeEnsemble};
use crate::{Background, Explanation, ExplanationError, Players, Scale};

/// Explains one output of an ensemble of trees.
#[derive(Clone, Debug)]
pub struct TreeExplainer {
    /// Nodes of all trees that matter for the output; children have their places in this list.
    nodes: Vec<FlatNode>,
    /// Places of the roots.
    roots: Vec<u32>,
    weights: Weights,
    background: Background,
    players: Players,
    /// What is added to the trees.
    base_value: f64,
    /// Mean prediction of the background.
    base: f64,
    scale: Scale,
}

/// A node as the walk needs it.
#[derive(Clone, Copy, Debug)]
struct FlatNode {
    /// `u32::MAX` for a leaf.
    player: u32,
    column: u32,
    threshold: f32,
    comparison: Comparison,
    missing_holds: bool,
    holds: u32,
    fails: u32,
    /// Of a leaf.
    value: f64,
}

const LEAF: u32 = u32::MAX;

impl TreeExplainer {
    /// Prepares the explanation of an output, counted from 0.
    ///
    /// # Errors
    /// Widths that differ, and an output that is not there.
    pub fn new(
        ensemble: &TreeEnsemble,
        output: usize,
        background: &Background,
        players: &Players,
    ) -> Result<Self, ExplanationError> {
        players.check_columns(ensemble.columns(), "the model")?;
        players.check_columns(background.columns(), "the background")?;
        let outputs = ensemble.outputs();
        let Some(base_value) = ensemble.base_values().get(output) else {
            return Err(ExplanationError::NoOutput { output, outputs });
        };
        let mut nodes = Vec::new();
        let mut roots = Vec::new();
        for tree in ensemble.trees() {
            // The trees of other classes say nothing of this one.
            let is_other = |node: &Node| match node {
                Node::Leaf { values } => values[output] == 0.0,
                Node::Split { .. } => true,
            };
            if tree.nodes.iter().all(is_other) {
                continue;
            }
            let first = index(nodes.len())?;
            roots.push(first);
            for node in &tree.nodes {
                nodes.push(FlatNode::new(
                    node,
                    first,
                    output,
                    ensemble.weight(),
                    players,
                )?);
            }
        }
        let depth = roots.iter().map(|root| depth(&nodes, *root)).max();
        let mut explainer = Self {
            weights: Weights::new(depth.unwrap_or(0).min(players.len())),
            nodes,
            roots,
            background: background.clone(),
            players: players.clone(),
            base_value: *base_value,
            base: 0.0,
            scale: ensemble.scale(),
        };
        let predictions = background.rows().map(|row| explainer.predict(row));
        explainer.base = predictions.sum::<f64>() / background.len() as f64;
        Ok(explainer)
    }

    /// Explains a patient. NaN is a missing value and goes where the trees send it.
    ///
    /// # Errors
    /// [`ExplanationError::Columns`].
    pub fn explain(&self, row: &[f32]) -> Result<Explanation, ExplanationError> {
        self.players.check_columns(row.len(), "the patient")?;
        let mut values = vec![0.0; self.players.len()];
        let mut walk = Walk {
            nodes: &self.nodes,
            weights: &self.weights,
            patient: row,
            background: &[],
            values: &mut values,
            owners: vec![Owner::Nobody; self.players.len()],
        };
        for root in &self.roots {
            for row in self.background.rows() {
                walk.background = row;
                walk.descend(*root, 0, 0);
            }
        }
        for value in &mut values {
            *value /= self.background.len() as f64;
        }
        Ok(Explanation {
            base: self.base,
            values,
            prediction: self.predict(row),
            scale: self.scale,
        })
    }

    fn predict(&self, row: &[f32]) -> f64 {
        let leaf = |root: &u32| {
            let mut node = self.nodes[*root as usize];
            while node.player != LEAF {
                node = self.nodes[node.next(row) as usize];
            }
            node.value
        };
        self.roots.iter().map(leaf).sum::<f64>() + self.base_value
    }
}

impl FlatNode {
    fn new(
        node: &Node,
        first: u32,
        output: usize,
        weight: f64,
        players: &Players,
    ) -> Result<Self, ExplanationError> {
        let mut flat = Self {
            player: LEAF,
            column: 0,
            threshold: 0.0,
            comparison: Comparison::Less,
            missing_holds: false,
            holds: 0,
            fails: 0,
            value: 0.0,
        };
        match node {
            Node::Leaf { values } => flat.value = values[output] * weight,
            Node::Split {
                column,
                threshold,
                comparison,
                missing_holds,
                holds,
                fails,
            } => {
                flat.player = index(players.of_columns()[*column])?;
                flat.column = index(*column)?;
                flat.threshold = *threshold;
                flat.comparison = *comparison;
                flat.missing_holds = *missing_holds;
                flat.holds = index(first as usize + holds)?;
                flat.fails = index(first as usize + fails)?;
            }
        }
        Ok(flat)
    }

    /// The child that a row goes to.
    fn next(&self, row: &[f32]) -> u32 {
        let value = row[self.column as usize];
        if self
            .comparison
            .holds(value, self.threshold, self.missing_holds)
        {
            self.holds
        } else {
            self.fails
        }
    }
}

/// From where the walk takes a player's columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Nobody,
    Patient,
    Background,
}

/// The walk over one tree for a patient and a background row.
struct Walk<'a> {
    nodes: &'a [FlatNode],
    weights: &'a Weights,
    patient: &'a [f32],
    background: &'a [f32],
    values: &'a mut [f64],
    owners: Vec<Owner>,
}

impl Walk<'_> {
    /// Visits the leaves below a node that need so many players from the patient and so many from the
    /// background. Returns what these leaves add to each player of the first kind, and to each of the
    /// second.
    fn descend(&mut self, mut place: u32, patient: usize, background: usize) -> (f64, f64) {
        loop {
            let node = &self.nodes[place as usize];
            if node.player == LEAF {
                let (gain, loss) = self.weights.of(patient, background);
                return (node.value * gain, -node.value * loss);
            }
            let own = node.next(self.patient);
            let other = node.next(self.background);
            let player = node.player as usize;
            place = match self.owners[player] {
                _ if own == other => own,
                Owner::Patient => own,
                Owner::Background => other,
                Owner::Nobody => {
                    self.owners[player] = Owner::Patient;
                    let with = self.descend(own, patient + 1, background);
                    self.owners[player] = Owner::Background;
                    let without = self.descend(other, patient, background + 1);
                    self.owners[player] = Owner::Nobody;
                    self.values[player] += with.0 + without.1;
                    return (with.0 + without.0, with.1 + without.1);
                }
            };
        }
    }
}

/// Shares of a leaf by the sizes of both groups.
#[derive(Clone, Debug)]
struct Weights {
    size: usize,
    table: Vec<(f64, f64)>,
}

impl Weights {
    /// For so many players at most on one path.
    fn new(players: usize) -> Self {
        let size = players + 1;
        let mut table = vec![(0.0, 0.0); size * size];
        for patient in 0..size {
            // Of a group of one, the share is 1 / sum of sizes.
            for background in 0..size - patient {
                let gain = share(patient, background);
                table[patient * size + background] = (gain, share(background, patient));
            }
        }
        Self { size, table }
    }

    fn of(&self, patient: usize, background: usize) -> (f64, f64) {
        self.table[patient * self.size + background]
    }
}

/// `(own - 1)! other! / (own + other)!`: how often the player that completes a group of `own` players
/// comes after all of these and before all of the `other` ones.
fn share(own: usize, other: usize) -> f64 {
    if own == 0 {
        return 0.0;
    }
    // 1 / ((own + other) * binomial(own + other - 1, other)), which no factorial overflows.
    let mut share = 1.0 / (own + other) as f64;
    for step in 1..=other {
        share *= step as f64 / (own - 1 + step) as f64;
    }
    share
}

fn depth(nodes: &[FlatNode], root: u32) -> usize {
    let node = &nodes[root as usize];
    if node.player == LEAF {
        return 0;
    }
    1 + depth(nodes, node.holds).max(depth(nodes, node.fails))
}

/// A place as the flat nodes keep it; `u32::MAX` means a leaf.
fn index(place: usize) -> Result<u32, ExplanationError> {
    let place = u32::try_from(place).ok().filter(|place| *place != LEAF);
    place.ok_or_else(|| ExplanationError::Model {
        detail: "it has more than four billion nodes".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_formula() {
        let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
        let weights = Weights::new(12);
        for own in 0..=12 {
            for other in 0..=12 - own {
                let all = factorial(own + other);
                let (gain, loss) = weights.of(own, other);
                let expected = |a: usize, b: usize| match a {
                    0 => 0.0,
                    a => factorial(a - 1) * factorial(b) / all,
                };
                assert!((gain - expected(own, other)).abs() < 1e-15);
                assert!((loss - expected(other, own)).abs() < 1e-15);
            }
        }
    }
}
