//! A model as nodes of a graph.

use varisk_onnx::{Attribute, GraphBuilder};

use super::data::Family;
use super::model::Boosted;
use super::tree::{Node, Tree};
use crate::boosted::BoostedError;

impl Boosted {
    /// Adds the model to a graph.
    ///
    /// `input` names a value of float32 `[N, features]`, NaN where missing; infinite values have no
    /// defined way. `raw` becomes the name of the raw outputs, float32 `[N, outputs]`. `probability`
    /// becomes that of the probability of a binary outcome, `[N, 1]`, or of each class, `[N, classes]`;
    /// the other families give none.
    ///
    /// Every row ends in the leaves it ended in here, but runtimes add leaves in 32 bits: a few hundred
    /// trees differ by some 1e-6 from [`Boosted::predict_raw`].
    pub fn add_to(
        &self,
        graph: &mut GraphBuilder,
        input: &str,
        raw: &str,
        probability: Option<&str>,
    ) -> Result<(), BoostedError> {
        let link = match self.family() {
            Family::Binary => Ok(("Sigmoid", Vec::new())),
            Family::Classes(_) => Ok(("Softmax", vec![Attribute::int("axis", 1)])),
            Family::Survival => Err("time to an event"),
            Family::Number => Err("a number"),
        };
        let link = match (probability, link) {
            (None, _) => None,
            (Some(name), Ok((operator, attributes))) => Some((name, operator, attributes)),
            (Some(_), Err(family)) => return Err(BoostedError::NoProbability { family }),
        };
        graph.ml_node(
            "TreeEnsembleRegressor",
            &[input],
            &[raw],
            &self.attributes(),
        )?;
        if let Some((name, operator, attributes)) = link {
            graph.node(operator, &[raw], &[name], &attributes)?;
        }
        Ok(())
    }

    fn attributes(&self) -> Vec<Attribute> {
        let mut columns = Columns::default();
        for (number, tree) in self.rounds().iter().flatten().enumerate() {
            columns.add(number, number % self.base().len(), tree);
        }
        // An ensemble without any tree is not well-formed.
        if self.rounds().is_empty() {
            let nothing = Node::Leaf {
                value: 0.0,
                cover: 0.0,
            };
            columns.add(0, 0, &Tree::new(vec![nothing]));
        }
        vec![
            Attribute::string("aggregate_function", "SUM"),
            Attribute::floats("base_values", self.base()),
            Attribute::int("n_targets", self.base().len() as i64),
            Attribute::ints("nodes_falsenodeids", &columns.right),
            Attribute::ints("nodes_featureids", &columns.feature),
            Attribute::floats("nodes_hitrates", &columns.cover),
            Attribute::ints("nodes_missing_value_tracks_true", &columns.missing_left),
            Attribute::strings("nodes_modes", &columns.mode),
            Attribute::ints("nodes_nodeids", &columns.node),
            Attribute::ints("nodes_treeids", &columns.tree),
            Attribute::ints("nodes_truenodeids", &columns.left),
            Attribute::floats("nodes_values", &columns.threshold),
            Attribute::string("post_transform", "NONE"),
            Attribute::ints("target_ids", &columns.target),
            Attribute::ints("target_nodeids", &columns.target_node),
            Attribute::ints("target_treeids", &columns.target_tree),
            Attribute::floats("target_weights", &columns.value),
        ]
    }
}

/// The lists of the operator: those of nodes, then those of leaves.
#[derive(Default)]
struct Columns {
    tree: Vec<i64>,
    node: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f32>,
    mode: Vec<&'static str>,
    left: Vec<i64>,
    right: Vec<i64>,
    missing_left: Vec<i64>,
    cover: Vec<f32>,
    target: Vec<i64>,
    target_tree: Vec<i64>,
    target_node: Vec<i64>,
    value: Vec<f32>,
}

impl Columns {
    fn add(&mut self, number: usize, output: usize, tree: &Tree) {
        for (index, node) in tree.nodes().iter().enumerate() {
            self.tree.push(number as i64);
            self.node.push(index as i64);
            match *node {
                Node::Split {
                    feature,
                    threshold,
                    missing_left,
                    left,
                    right,
                    cover,
                    ..
                } => {
                    self.feature.push(i64::from(feature));
                    self.threshold.push(threshold);
                    self.mode.push("BRANCH_LEQ");
                    self.left.push(i64::from(left));
                    self.right.push(i64::from(right));
                    self.missing_left.push(i64::from(missing_left));
                    self.cover.push(cover as f32);
                }
                Node::Leaf { value, cover } => {
                    self.feature.push(0);
                    self.threshold.push(0.0);
                    self.mode.push("LEAF");
                    self.left.push(0);
                    self.right.push(0);
                    self.missing_left.push(0);
                    self.cover.push(cover as f32);
                    self.target.push(output as i64);
                    self.target_tree.push(number as i64);
                    self.target_node.push(index as i64);
                    self.value.push(value);
                }
            }
        }
    }
}
