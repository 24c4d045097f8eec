//! A learnt tree.

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};

/// A node of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Node {
    /// Asks a feature.
    Split {
        /// The feature's column.
        feature: u32,
        /// Values of at most this go left.
        threshold: f32,
        /// Whether a missing value goes left.
        missing_left: bool,
        /// Index of the left child.
        left: u32,
        /// Index of the right child.
        right: u32,
        /// By how much the second-order approximation of the loss, summed over weighted rows, fell.
        gain: f64,
        /// Sum of the second derivatives of the training rows that came here.
        cover: f64,
    },
    /// Ends in a value.
    Leaf {
        /// What is added to the raw output.
        value: f32,
        /// Sum of the second derivatives of the training rows that came here.
        cover: f64,
    },
}

/// A learnt tree: its nodes, the root first, children after their parents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub(crate) fn new(nodes: Vec<Node>) -> Self {
        Self { nodes }
    }

    /// The nodes, the root first, children after their parents.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The value of the leaf that a row ends in. A value equal to a threshold goes left.
    pub(crate) fn value(&self, row: &ArrayView1<'_, f32>) -> f32 {
        let mut index = 0;
        loop {
            match self.nodes[index] {
                Node::Leaf { value, .. } => return value,
                Node::Split {
                    feature,
                    threshold,
                    missing_left,
                    left,
                    right,
                    ..
                } => {
                    let value = row[feature as usize];
                    let goes_left = value <= threshold || (value.is_nan() && missing_left);
                    index = if goes_left { left } else { right } as usize;
                }
            }
        }
    }

    /// What is wrong with a tree that was read from a file.
    pub(crate) fn problem(&self, features: usize) -> Option<&'static str> {
        if self.nodes.is_empty() {
            return Some("a tree has no nodes");
        }
        // Each node but the root is the child of exactly one earlier node, so every walk ends.
        let mut parents = vec![0_u8; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            match node {
                Node::Leaf { value, .. } if !value.is_finite() => {
                    return Some("the value of a leaf is not finite");
                }
                Node::Leaf { .. } => {}
                Node::Split {
                    feature,
                    threshold,
                    left,
                    right,
                    ..
                } => {
                    if *feature as usize >= features {
                        return Some("a tree asks a feature that is not there");
                    }
                    if !threshold.is_finite() {
                        return Some("a threshold is not finite");
                    }
                    for child in [*left as usize, *right as usize] {
                        if child <= index || child >= parents.len() {
                            return Some("a child does not follow its parent");
                        }
                        parents[child] = parents[child].saturating_add(1);
                    }
                }
            }
        }
        (parents[1..].iter().any(|parents| *parents != 1)).then_some("a node has no single parent")
    }
}
