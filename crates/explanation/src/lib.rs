//! Shapley values of patient models: what each feature adds to one patient's prediction.
//!
//! # Definition
//!
//! For a model `f`, a patient `x` and a background of rows `b`, the value of a set `S` of players is
//! the interventional (marginal) expectation
//!
//! ```text
//! v(S) = mean over b of f(x_S, b_rest)
//! ```
//!
//! where columns of players in `S` come from the patient and all others from the background row
//! (Lundberg & Lee 2017, NeurIPS 30; Janzing et al. 2020, AISTATS, on why the expectation is marginal
//! and not conditional). A player's Shapley value is its mean contribution `v(S + player) - v(S)`
//! over all orders of the players. The base value is `v(nobody)`, the mean prediction of the
//! background, and base plus values is the prediction `f(x)`.
//!
//! The values describe the model, not the disease: a feature that a model uses need not cause
//! anything. They depend on the background, which is therefore part of any statement about them.
//!
//! # Methods
//!
//! * [`LinearExplainer`]: exact, for models that are linear in their input.
//! * [`TreeExplainer`]: exact, for sums and averages of decision trees.
//! * [`SamplingExplainer`]: any [`Model`]; exact where all coalitions can be evaluated, otherwise with
//!   a standard error for each value.
//!
//! [`LinearModel::from_onnx`] and [`TreeEnsemble::from_onnx`] recognise graphs that can be explained
//! exactly, and say why another one cannot. This crate runs no graph and writes no file.
//!
//! # Example
//!
//! ```
//! use ndarray::array;
//! use varisk_explanation::{Background, LinearExplainer, LinearModel, Players};
//!
//! # fn main() -> Result<(), varisk_explanation::ExplanationError> {
//! // Age, and two columns of one category.
//! let model = LinearModel::try_new(array![[0.5, 1.0, -1.0]], vec![0.25])?;
//! let players = Players::try_new(vec![0, 1, 1])?;
//! let background = Background::try_new(array![[1.0, 1.0, 0.0], [3.0, 0.0, 1.0]])?;
//! let explainer = LinearExplainer::new(&model, 0, &background, &players)?;
//! let explanation = explainer.explain(&[4.0, 1.0, 0.0])?;
//! assert_eq!(explanation.values, [1.0, 1.0]);
//! assert_eq!(explanation.prediction, 3.25);
//! explanation.check_additivity(1e-12)?;
//! # Ok(())
//! # }
//! ```

mod background;
mod borders;
mod error;
mod explanation;
mod graph;
mod linear;
mod players;
mod sampling;
#[cfg(test)]
mod testing;
mod tree;

pub use background::Background;
pub use borders::Borders;
pub use error::{ExplanationError, SamplingError};
pub use explanation::{Explanation, Scale};
pub use linear::{LinearExplainer, LinearModel};
pub use players::Players;
pub use sampling::{Model, SampledExplanation, SamplingExplainer, SamplingSettings};
pub use tree::{Aggregate, Comparison, Node, Tree, TreeEnsemble, TreeExplainer};
