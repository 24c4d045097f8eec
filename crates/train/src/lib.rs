//! Training of patient models, from a table with outcomes, and of variant models, from labelled
//! variants, to a tested model as ONNX.
//!
//! [`Config`] says what to learn; [`Cohort`] holds the rows; [`Training::run`] tests the whole
//! procedure by nested cross-validation and learns the model from all rows; [`Trained::graph`] and
//! [`manifest`] make a bundle of it that `varisk run` scores with. The families are in [`linear`],
//! [`network`] and [`boosted`]; variant models, [`VariantTraining`], use [`siamese`]. This crate knows no command line and no Parquet.

pub mod boosted;
mod bundle;
mod candidates;
mod cohort;
mod config;
mod error;
mod fit;
mod folds;
pub mod linear;
mod loss;
mod model;
pub mod network;
mod outcome;
mod predictors;
mod preprocess;
mod procedure;
pub mod siamese;
mod store;
mod summary;
mod variant;

pub use bundle::{CardFacts, OUTPUT, card, class_output, horizon_output, manifest};
pub use cohort::Cohort;
pub use config::{
    CalibrationMethod, Candidate, Cell, Clip, Combine, Config, Data, FamilySpec, OutcomeSpec,
    PatientKind, Predictors, Validation,
};
pub use error::TrainError;
pub use folds::{Fold, folds, hold_out};
pub use model::{LOG_HAZARD, LOGITS, LearningCurve, Predictions, RISK, Trained};
pub use outcome::{Outcome, Target};
pub use predictors::{Predictor, PredictorKind};
pub use preprocess::{Element, Encoded, Preprocessing};
pub use procedure::{CandidateLoss, Progress, Tested, Training};
pub use store::Store;
pub use summary::training_summary;
pub use variant::{
    AnnotationSpec, ClassWeights, Encoding, FullAnnotation, Label, LabelSpec, PATHOGENICITY, Place,
    Split, SplitBy, VariantCardFacts, VariantConfig, VariantData, VariantKind, VariantModel,
    VariantRow, VariantRows, VariantTested, VariantTraining, variant_card, variant_graph,
    variant_inputs, variant_manifest,
};
