//! Why an ONNX file cannot be read, built or written.

use std::io;
use std::path::PathBuf;

/// Error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The file cannot be read.
    #[error("cannot read the model {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the model {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not a model; the source says why.
    #[error("{} is not a usable ONNX model", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<OnnxError>,
    },
    /// The bytes are not the protobuf message of a model.
    #[error("not an ONNX model, or damaged: export or download it again")]
    Decode {
        /// What the decoder met.
        source: prost::DecodeError,
    },
    /// The message has no format version: it is something other than a model.
    #[error("no ONNX format version in it: is it an ONNX file?")]
    NoVersion,
    /// The model has no graph.
    #[error("the model has no graph: export it again")]
    NoGraph,
    /// Two entries of the metadata have one key.
    #[error("the metadata key {key} stands twice: remove one")]
    DuplicateMetadata {
        /// The key.
        key: String,
    },
    /// A name is empty.
    #[error("a {what} needs a name")]
    EmptyName {
        /// What has no name.
        what: &'static str,
    },
    /// Two values of a graph have one name.
    #[error("two values have the name {name}: every input, constant and result needs its own")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A value is named as an output twice.
    #[error("{name} is an output twice")]
    DuplicateOutput {
        /// The name.
        name: String,
    },
    /// A node has two attributes of one name.
    #[error("{operator} has the attribute {name} twice")]
    DuplicateAttribute {
        /// The operator.
        operator: String,
        /// The attribute.
        name: String,
    },
    /// A value is used before anything gives it.
    #[error("{user} uses {name}, which no earlier input, constant or node gives")]
    UnknownValue {
        /// The value.
        name: String,
        /// What uses it.
        user: String,
    },
    /// A constant has another number of values than its shape.
    #[error(
        "the constant {name} has {values} values, its shape {dimensions:?} asks for {expected}"
    )]
    ShapeMismatch {
        /// The constant.
        name: String,
        /// Its shape.
        dimensions: Vec<u64>,
        /// Number of its values.
        values: usize,
        /// Number of values of the shape.
        expected: u128,
    },
    /// A dimension is more than the format can hold.
    #[error("{name} has a dimension of {size}, which is more than the format holds")]
    TooLarge {
        /// The value.
        name: String,
        /// The dimension.
        size: u64,
    },
    /// A graph has nothing to give.
    #[error("the graph {name} has no output")]
    NoOutput {
        /// The graph.
        name: String,
    },
}
