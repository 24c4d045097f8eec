//! Model manifests and the encoders that build the tensors a model asks for.
//!
//! A model bundle names, for every input tensor, the encoder that makes it. [`Bundle`] reads and
//! checks the manifest, [`VariantEncoder`] and [`PatientEncoder`] hold the plan of one model against
//! one run, and write rows into [`Tensors`] of a fixed shape. What a manifest asks for and this
//! build or this run cannot give is an error before the first variant is read.
//!
//! This crate runs no model: it neither knows ONNX Runtime nor reads ONNX files.

mod annotation;
mod bases;
mod bundle;
mod error;
mod kmer;
mod manifest;
mod onehot;
mod patient;
mod standardise;
mod tensor;
#[cfg(test)]
mod testing;
mod variant;
mod window;

pub use annotation::{GC_RADIUS, HOMOPOLYMER_RADIUS};
pub use annotation::{KNOWN_ANNOTATIONS, NeededSources};
pub use bases::{Bases, Overlay};
pub use bundle::{Bundle, MANIFEST_FILE, METADATA_KEY};
pub use error::{EncodeError, ManifestError};
pub use kmer::{Tokenizer, Vocabulary};
pub use manifest::{
    Activation, Allele, AnnotationFeature, AnnotationParams, Build, Calibration, Channels,
    CovariateColumn, CovariateParams, DEFAULT_BATCH_SIZE, Encoder, FeatureParams, Impute,
    InputSpec, KmerParams, Layout, MAX_BATCH_SIZE, MAX_TOKENS, MAX_WINDOW, Manifest, ModelKind,
    NPolicy, OneHotN, OneHotParams, OutputSpec, Part, PatientFeature, PredictorSummary, Preset,
    QUANTILES, RiskDirection, Strand, TrainingSummary, VocabularySpec,
};
pub use patient::PatientEncoder;
pub use tensor::{ElementType, TensorData, TensorSpec, Tensors};
pub use variant::{VariantEncoder, VariantScratch};
pub use window::flank;
