//! `train.toml` of a variant model.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use varisk_encode::AnnotationFeature;

use super::label::LabelSpec;
use crate::CalibrationMethod;
use crate::siamese;

/// Everything that decides the training of a variant model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantConfig {
    /// Says that this is a variant model.
    pub kind: VariantKind,
    /// Name of the model in columns and features: letters, digits, `-` and `_`.
    pub name: String,
    /// Version of the model.
    pub version: String,
    /// Under which terms the model may be used.
    pub licence: String,
    /// What the model is meant for.
    pub intended_use: String,
    /// What it is trained on, for the card.
    pub training_data: String,
    /// Seed of folds, first weights, order of rows and dropout.
    #[serde(default = "one")]
    pub seed: u64,
    /// Labelled variants; several where each has a reference of its own.
    pub data: Vec<VariantData>,
    /// What is pathogenic and what is benign.
    pub label: LabelSpec,
    /// What the model sees of a variant.
    #[serde(default)]
    pub encoding: Encoding,
    /// How the model is tested.
    #[serde(default)]
    pub split: Split,
    /// Whether both classes count equally however many variants they have.
    #[serde(default)]
    pub class_weights: ClassWeights,
    /// The network.
    #[serde(default)]
    pub network: siamese::Settings,
    /// Calibration, fitted on predictions of variants that were left out.
    #[serde(default)]
    pub calibration: CalibrationMethod,
}

fn one() -> u64 {
    1
}

/// The word `variant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariantKind {
    /// A model of alleles.
    Variant,
}

/// Labelled variants and what they lie on. Paths are relative to the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantData {
    /// VCF or BCF; labels stand in INFO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcf: Option<PathBuf>,
    /// Instead of `vcf`: CSV or TSV (gzip or not) with the columns `contig`, `position` (1-based), `ref`, `alt`, and those
    /// that `label` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<PathBuf>,
    /// Reference FASTA with its index.
    pub reference: PathBuf,
    /// Genome build; detected where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Only variants in these regions (`CONTIG[:START[-END]]`).
    #[serde(default)]
    pub regions: Vec<String>,
    /// Only variants in the regions of a BED file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions_file: Option<PathBuf>,
    /// Gene models (GFF3 or GTF), for consequences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gene_models: Option<PathBuf>,
    /// Knowledge bundle, for its fields and gene models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<PathBuf>,
}

/// What the model sees of a variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Encoding {
    /// Bases of a window.
    pub window: u32,
    /// Bases of a token; tokens overlap by all bases but one.
    pub k: u8,
    /// Annotations beside the sequence.
    pub annotations: Vec<AnnotationSpec>,
}

impl Default for Encoding {
    fn default() -> Self {
        let names = [
            "allele.is_snv",
            "allele.is_transition",
            "allele.is_insertion",
            "allele.is_deletion",
            "allele.length_change",
            "context.gc_fraction",
            "context.is_cpg",
            "context.homopolymer_run",
        ];
        Self {
            window: 41,
            k: 3,
            annotations: names
                .into_iter()
                .map(|name| AnnotationSpec::Name(name.to_owned()))
                .collect(),
        }
    }
}

/// An annotation: a name, or a name with what stands for it where it is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AnnotationSpec {
    /// What depends on the allele and its sequence is always there; of everything else 0 stands for
    /// what is missing, with a flag.
    Name(String),
    /// In full.
    Full(FullAnnotation),
}

/// An annotation in full; mean and standard deviation are learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullAnnotation {
    /// Its name, as in a manifest.
    pub name: String,
    /// For a field of text: the number that stands for each text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<String, f64>>,
    /// Taken where the value is missing; without it a variant without the value is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<f64>,
    /// Whether the model is told that the value is missing.
    #[serde(default)]
    pub missing_flag: bool,
}

impl AnnotationSpec {
    /// As the encoder of a run takes it, not standardised.
    #[must_use]
    pub fn feature(&self) -> AnnotationFeature {
        let feature = |own: FullAnnotation| AnnotationFeature {
            name: own.name,
            values: own.values,
            fill: own.fill,
            mean: 0.0,
            std: 1.0,
            missing_flag: own.missing_flag,
        };
        match self {
            Self::Full(own) => feature(own.clone()),
            Self::Name(name) => {
                let is_sure = name.starts_with("allele.") || name.starts_with("context.");
                feature(FullAnnotation {
                    name: name.clone(),
                    values: None,
                    fill: (!is_sure).then_some(0.0),
                    missing_flag: !is_sure,
                })
            }
        }
    }
}

/// What must not stand on both sides of a split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// A gene: a model that has seen variants of a gene knows how many of them are pathogenic, which
    /// says nothing of other genes (Grimm et al. 2015, Human Mutation 36:513).
    #[default]
    Gene,
    /// A contig.
    Contig,
    /// Nothing. Metrics are then too good, and the card says so.
    Random,
}

impl SplitBy {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gene => "gene",
            Self::Contig => "contig",
            Self::Random => "random",
        }
    }

    /// What intervals resample.
    #[must_use]
    pub fn units(self) -> &'static str {
        match self {
            Self::Gene => "genes, each with all of its variants",
            Self::Contig => "contigs, each with all of its variants",
            Self::Random => "variants, as if those of one gene were independent",
        }
    }
}

/// How the model is tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// What is kept together.
    pub by: SplitBy,
    /// Folds.
    pub folds: usize,
    /// Share of the training variants that stops the training early.
    pub stopping_share: f64,
    /// Resamples of the intervals.
    pub bootstrap: usize,
}

impl Default for Split {
    fn default() -> Self {
        Self {
            by: SplitBy::Gene,
            folds: 5,
            stopping_share: 0.15,
            bootstrap: 1000,
        }
    }
}

/// Whether classes count equally.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// They do. Probabilities are then those of as many pathogenic as benign variants.
    #[default]
    Balanced,
    /// Each variant counts equally.
    None,
}
