//! A network for variants that reads k-mers of both alleles.
//!
//! One encoder reads the window of the reference and that of the alternate allele (siamese networks:
//! Bromley et al. 1993, Int J Pattern Recogn 7:669): tokens become vectors, one or two convolutions read
//! neighbouring vectors, and the largest and the mean value of each filter over the window are kept.
//! What the allele changes in them, what the reference has, and annotation go into dense layers with one
//! output, the log odds. Kernels, Adam and random numbers are those of [`crate::network`].
//!
//! [`fit`] trains a [`SiameseNetwork`], which predicts and writes itself as a graph. The inputs are those
//! that the encoders `kmer` and `annotation` of a variant model make; this module knows neither bases nor
//! files.

mod encoder;
mod error;
mod fit;
mod graph;
mod model;
mod parameters;
mod part;
mod settings;
mod strip;
mod task;
#[cfg(test)]
mod tests;

pub use error::SiameseError;
pub use fit::fit;
pub use graph::{LOGIT, Tensors};
pub use model::{EpochLosses, SiameseNetwork};
pub use settings::Settings;
pub use task::{Rows, Task};
