//! The ONNX file format: reading what a model declares, and building and writing models.
//!
//! This crate knows the protobuf messages of `onnx.proto3` and the few rules of a well-formed graph.
//! It runs nothing (that is `varisk-score`) and knows nothing of manifests or encoders.
//!
//! # Example
//!
//! ```
//! use varisk_onnx::{Dimension, ElementType, GraphBuilder, Model};
//!
//! # fn main() -> Result<(), varisk_onnx::OnnxError> {
//! let mut graph = GraphBuilder::new("double");
//! graph.input("x", ElementType::Float32, &[Dimension::symbolic("N"), Dimension::Fixed(2)])?;
//! graph.initializer_f32("two", &[1], &[2.0])?;
//! graph.node("Mul", &["x", "two"], &["y"], &[])?;
//! graph.output("y", ElementType::Float32, &[Dimension::symbolic("N"), Dimension::Fixed(2)])?;
//! graph.metadata("author", "varisk")?;
//! let model = graph.finish()?;
//!
//! let again = Model::decode(model.encode())?;
//! assert_eq!(again.inputs()[0].name, "x");
//! assert_eq!(again.metadata().get("author"), Some(&"varisk"));
//! # Ok(())
//! # }
//! ```

mod attribute;
mod builder;
mod error;
mod model;
pub mod proto;
mod tensor;
mod zipmap;

pub use attribute::Attribute;
pub use builder::{GraphBuilder, IR_VERSION, ML_OPSET_VERSION, OPSET_VERSION};
pub use error::OnnxError;
pub use model::Model;
pub use tensor::{Dimension, ElementType, TensorInfo};
