//! The parallel lists of attributes that describe trees.

use std::collections::BTreeMap;

use super::{ExplanationError, Step};
use crate::tree::{Comparison, Node, Tree};

/// Trees as the attributes give them.
pub(super) struct Trees {
    pub(super) trees: Vec<Tree>,
    /// Columns that splits need.
    pub(super) columns: usize,
    /// Whether no weight is negative.
    pub(super) are_positive: bool,
    /// Whether a tree gives the second output a value in each of its leaves.
    pub(super) has_second_score: bool,
}

/// Identifiers of a tree and of a node in it.
type Key = (i64, i64);

/// The lists of one length that describe nodes.
struct Lists<'a> {
    trees: &'a [i64],
    nodes: &'a [i64],
    columns: &'a [i64],
    holds: &'a [i64],
    fails: &'a [i64],
    missing: &'a [i64],
    thresholds: Vec<f64>,
}

/// Reads the nodes of all trees and the weights of their leaves, whose attributes begin with a prefix.
pub(super) fn read(step: &Step<'_>, prefix: &str, sums: usize) -> Result<Trees, ExplanationError> {
    let lists = Lists {
        trees: step.ints("nodes_treeids"),
        nodes: step.ints("nodes_nodeids"),
        columns: step.ints("nodes_featureids"),
        holds: step.ints("nodes_truenodeids"),
        fails: step.ints("nodes_falsenodeids"),
        missing: step.ints("nodes_missing_value_tracks_true"),
        thresholds: step.floats("nodes_values")?,
    };
    let modes = step
        .attribute("nodes_modes")
        .map_or(&[][..], |a| &a.strings);
    let count = lists.trees.len();
    let lengths = [
        lists.nodes.len(),
        lists.columns.len(),
        lists.holds.len(),
        lists.fails.len(),
        lists.thresholds.len(),
        modes.len(),
    ];
    let is_short = !(lists.missing.is_empty() || lists.missing.len() == count);
    if is_short || lengths.iter().any(|length| *length != count) {
        return Err(step.refuse("has lists of nodes of different lengths"));
    }
    // Where each node stands, within its tree.
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    let mut order: BTreeMap<i64, usize> = BTreeMap::new();
    let mut sizes: Vec<usize> = Vec::new();
    for key in lists.trees.iter().copied().zip(lists.nodes.iter().copied()) {
        let next = order.len();
        let tree = *order.entry(key.0).or_insert(next);
        if tree == sizes.len() {
            sizes.push(0);
        }
        if places.insert(key, sizes[tree]).is_some() {
            return Err(step.refuse(&format!("has node {} of tree {} twice", key.1, key.0)));
        }
        sizes[tree] += 1;
    }
    let mut weights = weights(step, prefix, sums, &places)?;
    let mut trees: Vec<Tree> = sizes
        .iter()
        .map(|size| Tree {
            nodes: Vec::with_capacity(*size),
        })
        .collect();
    let mut has_second_score = vec![sums > 1; sizes.len()];
    let mut needed = 0;
    for (entry, mode) in modes.iter().enumerate() {
        let key = (lists.trees[entry], lists.nodes[entry]);
        let node = if &mode[..] == b"LEAF" {
            // A leaf without weights adds nothing.
            let values = weights.by_node.remove(&key);
            let second = values.as_ref().and_then(|values| *values.get(1)?);
            has_second_score[order[&key.0]] &= second.is_some();
            let values = values.map(|values| values.into_iter().map(Option::unwrap_or_default));
            Node::Leaf {
                values: values.map_or_else(|| vec![0.0; sums], Iterator::collect),
            }
        } else {
            let node = split(step, &lists, entry, mode, &places)?;
            if let Node::Split { column, .. } = &node {
                needed = needed.max(column + 1);
            }
            node
        };
        trees[order[&key.0]].nodes.push(node);
    }
    Ok(Trees {
        trees,
        columns: needed,
        are_positive: weights.are_positive,
        has_second_score: has_second_score.contains(&true),
    })
}

fn split(
    step: &Step<'_>,
    lists: &Lists<'_>,
    entry: usize,
    mode: &[u8],
    places: &BTreeMap<Key, usize>,
) -> Result<Node, ExplanationError> {
    let (tree, node) = (lists.trees[entry], lists.nodes[entry]);
    // The opposite comparisons are these with the branches exchanged.
    let (comparison, is_opposite) = match mode {
        b"BRANCH_LT" => (Comparison::Less, false),
        b"BRANCH_LEQ" => (Comparison::LessOrEqual, false),
        b"BRANCH_GTE" => (Comparison::Less, true),
        b"BRANCH_GT" => (Comparison::LessOrEqual, true),
        other => {
            return Err(step.refuse(&format!(
                "has nodes of mode {}",
                String::from_utf8_lossy(other)
            )));
        }
    };
    let child = |id: i64| {
        let place = places.get(&(tree, id)).copied();
        place.ok_or_else(|| {
            step.refuse(&format!(
                "has no node {id} in tree {tree}, which node {node} names"
            ))
        })
    };
    let tracks_true = lists.missing.get(entry).is_some_and(|flag| *flag != 0);
    let column = usize::try_from(lists.columns[entry]);
    let (holds, fails) = (child(lists.holds[entry])?, child(lists.fails[entry])?);
    let (holds, fails) = if is_opposite {
        (fails, holds)
    } else {
        (holds, fails)
    };
    Ok(Node::Split {
        column: column
            .map_err(|_| step.refuse(&format!("splits a negative column in tree {tree}")))?,
        threshold: threshold(lists.thresholds[entry], comparison),
        comparison,
        // A missing value takes the false branch unless told otherwise.
        missing_holds: tracks_true != is_opposite,
        holds,
        fails,
    })
}

/// The float32 threshold that divides float32 values as a float64 one does.
fn threshold(exact: f64, comparison: Comparison) -> f32 {
    let near = exact as f32;
    match comparison {
        Comparison::Less if f64::from(near) < exact => near.next_up(),
        Comparison::LessOrEqual if f64::from(near) > exact => near.next_down(),
        _ => near,
    }
}

/// Weights of nodes, by output.
struct LeafWeights {
    by_node: BTreeMap<Key, Vec<Option<f64>>>,
    are_positive: bool,
}

fn weights(
    step: &Step<'_>,
    prefix: &str,
    sums: usize,
    places: &BTreeMap<Key, usize>,
) -> Result<LeafWeights, ExplanationError> {
    let trees = step.ints(&format!("{prefix}_treeids"));
    let nodes = step.ints(&format!("{prefix}_nodeids"));
    let ids = step.ints(&format!("{prefix}_ids"));
    let numbers = step.floats(&format!("{prefix}_weights"))?;
    if [nodes.len(), ids.len(), numbers.len()] != [trees.len(); 3] {
        return Err(step.refuse("has lists of weights of different lengths"));
    }
    let are_positive = numbers.iter().all(|weight| *weight >= 0.0);
    let mut by_node: BTreeMap<Key, Vec<Option<f64>>> = BTreeMap::new();
    for (entry, weight) in numbers.into_iter().enumerate() {
        let (tree, node, id) = (trees[entry], nodes[entry], ids[entry]);
        if !places.contains_key(&(tree, node)) {
            return Err(step.refuse(&format!(
                "has a weight for node {node} of tree {tree}, which is not there"
            )));
        }
        let values = by_node
            .entry((tree, node))
            .or_insert_with(|| vec![None; sums]);
        let value = usize::try_from(id).ok().and_then(|id| values.get_mut(id));
        let value =
            value.ok_or_else(|| step.refuse(&format!("has a weight for output {id} of {sums}")))?;
        if value.replace(weight).is_some() {
            return Err(step.refuse(&format!(
                "has two weights for output {id} in node {node} of tree {tree}"
            )));
        }
    }
    Ok(LeafWeights {
        by_node,
        are_positive,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_divide_the_same_values() {
        let exact = 0.1_f64;
        for comparison in [Comparison::Less, Comparison::LessOrEqual] {
            for exact in [exact, -exact, 0.5, 1.0 / 3.0] {
                let threshold = threshold(exact, comparison);
                let near = exact as f32;
                for value in [near.next_down(), near, near.next_up()] {
                    let expected = match comparison {
                        Comparison::Less => f64::from(value) < exact,
                        Comparison::LessOrEqual => f64::from(value) <= exact,
                    };
                    assert_eq!(comparison.holds(value, threshold, false), expected);
                }
            }
        }
    }
}
