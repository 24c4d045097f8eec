//! Networks of dense layers, trained by Adam.
//!
//! [`fit`] trains a [`Network`], which predicts and writes itself as a graph. Forward and backward of such
//! a network are a few matrix products, written out here on `ndarray`: parts of a batch are worked on
//! side by side and their gradients summed in order, so that results do not depend on threads. A library
//! of tensors shares out each product instead, takes its threads from the environment, and is slower on
//! networks of this size.

pub(crate) mod adam;
mod checkpoint;
mod error;
mod fit;
pub(crate) mod layer;
pub(crate) mod loss;
mod model;
pub(crate) mod pass;
pub(crate) mod random;
mod settings;
mod target;
#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, EpochRecord};
pub use error::NetworkError;
pub use fit::{EpochReport, fit};
pub use layer::Layer;
pub use model::{Network, Training};
pub use settings::{Activation, ClassWeights, FixedSettings, Settings};
pub use target::{Family, Rows, Target};
