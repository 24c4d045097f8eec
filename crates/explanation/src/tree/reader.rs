//! Ensembles of trees from ONNX graphs.
//!
//! Where the standard is vague, what counts is what ONNX Runtime computes, since that is what scores
//! patients; where versions of it differ or ignore what the graph says, the graph is refused.

mod nodes;

use ndarray::Array2;
use varisk_onnx::Model;

use super::{Aggregate, TreeEnsemble};
use crate::ExplanationError;
use crate::graph::{Chain, MAXIMUM_COLUMNS, Scores, Step};

const KIND: &str = "an ensemble of trees";

/// More classes than any model of patients has.
const MAXIMUM_OUTPUTS: usize = 1024;

impl TreeEnsemble {
    /// Recognises a graph whose named output is a `TreeEnsembleRegressor` or `TreeEnsembleClassifier`
    /// of the domain `ai.onnx.ml` (operator sets 1 to 4), as skl2onnx and onnxmltools export them.
    ///
    /// Operators after it may be linear, and a sigmoid or softmax may follow; what is explained is the
    /// scale before that, which [`TreeEnsemble::scale`] names. A classifier of two classes that keeps
    /// one score has two outputs here too: the second class has the score, the first its opposite.
    ///
    /// # Errors
    /// [`ExplanationError::Operator`] or [`ExplanationError::Graph`] say why a graph is none of these,
    /// [`ExplanationError::Model`] why its trees are none.
    pub fn from_onnx(model: &Model, output: &str) -> Result<Self, ExplanationError> {
        let chain = Chain::read(model, output, KIND)?;
        let mut steps = chain.steps.iter();
        let step = loop {
            let step = steps.next().ok_or_else(|| ExplanationError::Graph {
                kind: KIND,
                detail: "it has none".to_owned(),
            })?;
            match step.operator().as_str() {
                "ai.onnx.ml.TreeEnsembleRegressor" | "ai.onnx.ml.TreeEnsembleClassifier" => {
                    break step;
                }
                _ if step.is_identity() => {}
                _ => return Err(step.refuse("stands where the trees are expected")),
            }
        };
        let (mut ensemble, mut scores) = read(step, chain.columns())?;
        for step in steps {
            scores.push(step)?;
        }
        ensemble.scale = scores.scale;
        let (factors, offsets) = scores.into_parts();
        ensemble.transform(&factors, &offsets)
    }

    /// New outputs that are linear in the outputs.
    fn transform(self, factors: &Array2<f64>, offsets: &[f64]) -> Result<Self, ExplanationError> {
        let combine = |values: &[f64]| factors.dot(&ndarray::aview1(values)).to_vec();
        let mut trees = self.trees;
        for node in trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
            if let super::Node::Leaf { values } = node {
                *values = combine(values);
            }
        }
        let base = combine(&self.base_values);
        let base = base
            .iter()
            .zip(offsets)
            .map(|(base, offset)| base + offset)
            .collect();
        Self::try_new(self.columns, trees, base, self.aggregate, self.scale)
    }
}

/// The trees of an operator, and its outputs as functions of their sums.
fn read(
    step: &Step<'_>,
    columns: Option<usize>,
) -> Result<(TreeEnsemble, Scores), ExplanationError> {
    let is_classifier = step.operator().ends_with("Classifier");
    let prefix = if is_classifier { "class" } else { "target" };
    let aggregate = match step.text("aggregate_function", "SUM")? {
        "SUM" => Aggregate::Sum,
        "AVERAGE" => Aggregate::Average,
        other => return Err(step.refuse(&format!("has aggregate_function {other}"))),
    };
    let outputs = if is_classifier {
        if step.output != 1 {
            return Err(step.refuse("gives a label, which is no number to explain"));
        }
        step.labels()
    } else {
        usize::try_from(step.int("n_targets", 1)).unwrap_or(0)
    };
    // Each leaf has a value for each output, so a damaged number would ask for any amount of memory.
    if !(1..=MAXIMUM_OUTPUTS).contains(&outputs) {
        return Err(step.refuse(&format!("has {outputs} outputs")));
    }
    let ids = step.ints(&format!("{prefix}_ids"));
    let base = step.floats("base_values")?;
    let has_one_score = is_classifier && outputs == 2 && ids.iter().all(|id| *id == 0);
    check_base(step, &base, is_classifier, outputs, has_one_score)?;
    if is_classifier && outputs == 2 && ids.iter().all(|id| *id == 1) {
        return Err(step.refuse(
            "has weights of the second of two classes only, which runtimes do not agree on",
        ));
    }
    let sums = if has_one_score { 1 } else { outputs };
    let trees = nodes::read(step, prefix, sums)?;
    // ONNX Runtime takes a row without a score of the second class for one of a single score.
    if is_classifier && outputs == 2 && !has_one_score && !trees.has_second_score {
        return Err(step.refuse("has leaves without a score of the second of two classes"));
    }
    let base = if base.is_empty() {
        vec![0.0; sums]
    } else {
        base
    };
    let needed = trees.columns;
    let columns = match columns {
        Some(columns) => columns,
        None if needed <= MAXIMUM_COLUMNS => needed,
        None => return Err(step.refuse(&format!("splits column {}", needed - 1))),
    };
    let scale = crate::Scale::Output;
    let ensemble = TreeEnsemble::try_new(columns, trees.trees, base, aggregate, scale)?;
    let mut scores = Scores::identity(sums);
    let transform = step.text("post_transform", "NONE")?;
    if has_one_score {
        scores.of_two_classes(step, transform, trees.are_positive)?;
    } else {
        scores.post_transform(step, transform)?;
    }
    Ok((ensemble, scores))
}

/// Refuses base values that no two runtimes read alike.
fn check_base(
    step: &Step<'_>,
    base: &[f64],
    is_classifier: bool,
    outputs: usize,
    has_one_score: bool,
) -> Result<(), ExplanationError> {
    let expected = if has_one_score { 1 } else { outputs };
    if base.is_empty() {
        return Ok(());
    }
    if base.len() != expected {
        return Err(step.refuse(&format!(
            "has {} base_values for {expected} scores",
            base.len()
        )));
    }
    // ONNX Runtime drops the scores of the second class then.
    if is_classifier && outputs == 2 && !has_one_score {
        return Err(step.refuse(
            "has base_values beside scores of both classes, which runtimes do not agree on",
        ));
    }
    Ok(())
}
