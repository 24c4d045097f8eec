//! Linear models from ONNX graphs.

use varisk_onnx::Model;

use super::LinearModel;
use crate::ExplanationError;
use crate::graph::{Chain, MAXIMUM_COLUMNS, Scores};

const KIND: &str = "linear in its input";

impl LinearModel {
    /// Recognises a graph whose named output is linear in its input up to a final sigmoid or softmax.
    ///
    /// `Gemm`, `MatMul`, `Add`, `Sub`, `Mul`, `Div` and `Neg` with constants are linear, so are
    /// `Scaler`, `LinearRegressor` and `LinearClassifier` of the domain `ai.onnx.ml`; `Gather` and
    /// `ArrayFeatureExtractor` may choose columns. What is explained is the scale before sigmoid or
    /// softmax, which [`LinearModel::scale`] names.
    ///
    /// # Errors
    /// [`ExplanationError::Operator`] names the first operator that is none of these.
    pub fn from_onnx(model: &Model, output: &str) -> Result<Self, ExplanationError> {
        let chain = Chain::read(model, output, KIND)?;
        let columns = chain.columns().ok_or_else(|| ExplanationError::Graph {
            kind: KIND,
            detail: format!(
                "its input {} does not say how many columns it has",
                chain.input
            ),
        })?;
        let mut scores = Scores::identity(columns);
        for step in &chain.steps {
            scores.push(step)?;
        }
        // More would be a matrix that fits no memory, and no patient model.
        if scores.len().saturating_mul(columns) > MAXIMUM_COLUMNS {
            return Err(ExplanationError::Graph {
                kind: KIND,
                detail: format!("it has {} outputs for {columns} columns", scores.len()),
            });
        }
        let scale = scores.scale;
        let (coefficients, intercepts) = scores.into_parts();
        Self::with_scale(coefficients, intercepts, scale)
    }
}
