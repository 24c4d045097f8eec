//! Gradient-boosted trees.
//!
//! [`fit`] grows trees on quantile bins from the first and second derivatives of the loss (Friedman
//! 2001, Annals of Statistics 29:1189; Chen & Guestrin 2016, KDD, doi:10.1145/2939672.2939785), level
//! by level; missing values go to the better side of each split. Outcomes are binary, one of several
//! classes (softmax, one tree for each class in a round), times to an event (partial likelihood of
//! Cox) or numbers.
//!
//! A model is the same for a seed, whatever the number of threads: derivatives are added as whole
//! numbers. Thresholds and leaf values are 32-bit numbers from the start, so a graph in ONNX Runtime
//! sends every row the way training did.
//!
//! # Example
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use ndarray::array;
//! use varisk_train::boosted::{Data, Settings, Target, fit};
//!
//! # fn main() -> Result<(), varisk_train::boosted::BoostedError> {
//! let features = array![[0.0], [1.0], [2.0], [f32::NAN], [4.0], [5.0]];
//! let data = Data {
//!     features: features.view(),
//!     target: Target::Binary(&[false, false, false, true, true, true]),
//!     weights: None,
//! };
//! let settings = Settings {
//!     rounds: 20,
//!     min_child_weight: 0.1,
//!     ..Settings::default()
//! };
//! let model = fit(&data, None, &settings, &mut |_| ControlFlow::Continue(()))?;
//! let raw = model.predict_raw(&features.view())?;
//! assert!(raw[[0, 0]] < 0.0 && raw[[3, 0]] > 0.0);
//! # Ok(())
//! # }
//! ```

mod bins;
mod cox;
mod data;
mod error;
mod fit;
mod grow;
mod histogram;
mod model;
mod objective;
mod onnx;
mod parallel;
mod sample;
mod settings;
#[cfg(test)]
mod tests;
mod tree;

pub use data::{Data, Family, Target};
pub use error::BoostedError;
pub use fit::{Round, fit};
pub use model::Boosted;
pub use settings::{FixedSettings, Settings};
pub use tree::{Node, Tree};
