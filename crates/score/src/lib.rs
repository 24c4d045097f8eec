//! ONNX Runtime: finding its library, opening models on a device, scoring in fixed-shape batches.
//!
//! This is the only crate that knows ONNX Runtime. What a session really runs on is decided when it
//! is opened and never changes silently: a device that was asked for and is not there is an error.

mod bundle;
mod error;
mod graph;
mod library;
mod model;
mod patients;
mod perturb;
mod runtime;
mod stage;

pub use bundle::open_bundle;
pub use error::ScoreError;
pub use graph::check_graph;
pub use library::{Candidate, LIBRARY_NAME, candidates};
pub use model::{Model, ModelOptions};
pub use patients::{PatientScores, score_patients};
pub use perturb::{PerturbExplainer, PerturbScratch, PerturbSettings, Perturbation, Perturbed};
pub use runtime::{Device, Provider, Runtime};
pub use stage::ScoreStage;
