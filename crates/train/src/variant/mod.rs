//! Variant models: a k-mer network learned from labelled variants, tested on genes that it has not
//! seen.
//!
//! [`VariantConfig`] says what to learn, [`VariantRows`] holds variants as tensors that the encoder
//! of a run has made, [`VariantTraining::run`] tests and learns.

mod baseline;
mod bundle;
mod config;
mod label;
mod procedure;
mod rows;

pub use bundle::{
    PATHOGENICITY, VariantCardFacts, variant_card, variant_graph, variant_inputs, variant_manifest,
};
pub use config::{
    AnnotationSpec, ClassWeights, Encoding, FullAnnotation, Split, SplitBy, VariantConfig,
    VariantData, VariantKind,
};
pub use label::{Label, LabelSpec};
pub use procedure::{VariantModel, VariantTested, VariantTraining};
pub use rows::{Place, VariantRow, VariantRows};
