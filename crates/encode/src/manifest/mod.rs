//! The model manifest: what a model is, what it eats and what it gives.
//!
//! The JSON is published as `schemas/model-manifest.schema.json`. [`Manifest::parse`] is the
//! only way in that checks it, and what came through it is not checked for ranges again. Not checked here is what needs the run (a
//! column, a feature) or another file (the vocabulary): that is the encoders' `try_new`.

mod check;
mod input;
mod output;
mod training;

use std::path::Path;

use serde::{Deserialize, Serialize};
use varisk_core::{GenomeBuild, columns};

use crate::{ManifestError, NeededSources};

pub use input::{
    Allele, AnnotationFeature, AnnotationParams, Channels, CovariateColumn, CovariateParams,
    Encoder, FeatureParams, Impute, InputSpec, KmerParams, Layout, NPolicy, OneHotN, OneHotParams,
    Part, PatientFeature, Preset, Strand, VocabularySpec,
};
pub use output::{Activation, Calibration, OutputSpec, RiskDirection};
pub use training::{PredictorSummary, QUANTILES, TrainingSummary};

/// Rows of a batch where the manifest does not say.
pub const DEFAULT_BATCH_SIZE: u32 = 64;
/// Rows of a batch, at most.
pub const MAX_BATCH_SIZE: u32 = 65_536;
/// Bases of a window, at most.
pub const MAX_WINDOW: u32 = 65_536;
/// Tokens of a row, at most: a full window of single bases with room for special tokens.
pub const MAX_TOKENS: u32 = 131_072;

/// What one row of a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// One allele: scored once, whoever carries it.
    Variant,
    /// One patient.
    Patient,
}

impl ModelKind {
    /// The published text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Variant => "variant",
            Self::Patient => "patient",
        }
    }
}

/// The genome build that a model was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Build {
    /// GRCh37.
    #[serde(rename = "GRCh37")]
    Grch37,
    /// GRCh38.
    #[serde(rename = "GRCh38")]
    Grch38,
    /// T2T-CHM13v2.0.
    #[serde(rename = "T2T-CHM13v2.0")]
    T2tChm13,
    /// The model does not depend on a build.
    #[serde(rename = "any")]
    Any,
}

impl Build {
    /// Whether a run on a build may use the model.
    #[must_use]
    pub fn accepts(self, build: GenomeBuild) -> bool {
        match self {
            Self::Grch37 => build == GenomeBuild::Grch37,
            Self::Grch38 => build == GenomeBuild::Grch38,
            Self::T2tChm13 => build == GenomeBuild::T2tChm13,
            Self::Any => true,
        }
    }

    /// The published text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Grch37 => "GRCh37",
            Self::Grch38 => "GRCh38",
            Self::T2tChm13 => "T2T-CHM13v2.0",
            Self::Any => "any",
        }
    }
}

/// A checked model manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the manifest's own format; 1.
    pub schema_version: u32,
    /// Name of the model in columns and features: letters, digits, `-` and `_`.
    pub name: String,
    /// Version of the model.
    pub version: String,
    /// Under which terms the model may be used.
    pub licence: String,
    /// What the model is meant for.
    pub intended_use: String,
    /// What the model was trained on.
    pub training_data: String,
    /// How well the model did; free form, carried into `run.json`.
    #[serde(default)]
    pub metrics: serde_json::Map<String, serde_json::Value>,
    /// The genome build it was trained on.
    pub genome_build: Build,
    /// What one row of it is.
    pub kind: ModelKind,
    /// File name of the ONNX file inside the bundle folder.
    #[serde(default = "default_model")]
    pub model: String,
    /// SHA-256 of the ONNX file in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Rows of a batch: 1 to [`MAX_BATCH_SIZE`].
    #[serde(default = "default_batch_size")]
    pub batch_size: u32,
    /// The model's input tensors.
    pub inputs: Vec<InputSpec>,
    /// The model's outputs.
    pub outputs: Vec<OutputSpec>,
    /// Of a patient model: its training rows, against which a run compares its patients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingSummary>,
}

fn default_model() -> String {
    "model.onnx".to_owned()
}

fn default_batch_size() -> u32 {
    DEFAULT_BATCH_SIZE
}

impl Manifest {
    /// Reads and checks a manifest. `path` is the file that carries it, for messages.
    ///
    /// # Errors
    /// The text is not JSON of the manifest's shape, or a field has a value that makes no sense.
    pub fn parse(json: &str, path: &Path) -> Result<Self, ManifestError> {
        let manifest: Self =
            serde_json::from_str(json).map_err(|source| ManifestError::Syntax {
                path: path.to_owned(),
                source,
            })?;
        check::manifest(&manifest).map_err(|problem| ManifestError::Field {
            path: path.to_owned(),
            field: problem.field,
            problem: problem.problem,
        })?;
        Ok(manifest)
    }

    /// INFO fields that the model's annotations read, each once, in the order of first use. They
    /// must be asked for before reading begins.
    #[must_use]
    pub fn info_fields(&self) -> Vec<String> {
        let mut fields: Vec<String> = Vec::new();
        for input in &self.inputs {
            let Encoder::Annotation(params) = &input.encoder else {
                continue;
            };
            for feature in &params.features {
                if let Some(name) = feature.name.strip_prefix(columns::INFO_PREFIX)
                    && !fields.iter().any(|known| known == name)
                {
                    fields.push(name.to_owned());
                }
            }
        }
        fields
    }

    /// What annotation tensors need of other stages.
    #[must_use]
    pub fn needed_sources(&self) -> NeededSources {
        let mut needs = NeededSources::default();
        for input in &self.inputs {
            if let Encoder::Annotation(params) = &input.encoder {
                let names = params.features.iter().map(|feature| &feature.name);
                names.for_each(|name| needs.note(name));
            }
        }
        needs
    }

    /// Whether the scores of an allele depend on nothing but the allele and the reference around it:
    /// such scores of an earlier run can be looked up instead of computed. What comes from the input,
    /// the cohort, reads or a release of a source may differ from run to run.
    #[must_use]
    pub fn depends_on_allele_alone(&self) -> bool {
        let fixed = |name: &str| name.starts_with("allele.") || name.starts_with("context.");
        self.inputs.iter().all(|input| match &input.encoder {
            Encoder::Annotation(params) => {
                params.features.iter().all(|feature| fixed(&feature.name))
            }
            _ => true,
        })
    }

    /// Rows of a batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.batch_size as usize
    }
}
