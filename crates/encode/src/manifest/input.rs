//! Inputs of a model: tensor names, encoders and their parameters, as the manifest writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ElementType;

/// An input tensor and the encoder that makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawInput")]
pub struct InputSpec {
    /// Name of the model's input.
    pub tensor: String,
    /// What makes it.
    #[serde(flatten)]
    pub encoder: Encoder,
}

/// An encoder with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "encoder", content = "params", rename_all = "lowercase")]
pub enum Encoder {
    /// Tokens of k bases; shape (tokens).
    Kmer(KmerParams),
    /// One channel for each base; shape (4, window) or (window, 4).
    OneHot(OneHotParams),
    /// Numbers about the allele and its site; shape (features).
    Annotation(AnnotationParams),
    /// Columns of the samplesheet; shape (features).
    Covariate(CovariateParams),
    /// Results of analyses; shape (features).
    Feature(FeatureParams),
}

impl Encoder {
    /// The published name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kmer(_) => "kmer",
            Self::OneHot(_) => "onehot",
            Self::Annotation(_) => "annotation",
            Self::Covariate(_) => "covariate",
            Self::Feature(_) => "feature",
        }
    }
}

/// The JSON of an input. Serde cannot refuse unknown fields beside a flattened enum, so the
/// parameters are read in a second step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput {
    tensor: String,
    encoder: EncoderName,
    params: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum EncoderName {
    Kmer,
    OneHot,
    Annotation,
    Covariate,
    Feature,
}

impl TryFrom<RawInput> for InputSpec {
    type Error = String;

    fn try_from(raw: RawInput) -> Result<Self, String> {
        use serde_json::from_value;
        let params = raw.params;
        let encoder = match raw.encoder {
            EncoderName::Kmer => from_value(params).map(Encoder::Kmer),
            EncoderName::OneHot => from_value(params).map(Encoder::OneHot),
            EncoderName::Annotation => from_value(params).map(Encoder::Annotation),
            EncoderName::Covariate => from_value(params).map(Encoder::Covariate),
            EncoderName::Feature => from_value(params).map(Encoder::Feature),
        };
        match encoder {
            Ok(encoder) => Ok(Self {
                tensor: raw.tensor,
                encoder,
            }),
            Err(error) => Err(format!("params of tensor '{}': {error}", raw.tensor)),
        }
    }
}

/// Which haplotype a window shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Allele {
    /// The reference allele in its flanks.
    Ref,
    /// The alternate allele in the same flanks.
    Alt,
}

/// Parameters of the k-mer encoder. What is absent is taken from the vocabulary's preset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KmerParams {
    /// Bases of a token: 1 to 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<u8>,
    /// Bases from the start of a token to the start of the next: 1 or k.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<u8>,
    /// Bases of the window: 1 to [`crate::MAX_WINDOW`].
    pub window: u32,
    /// Which haplotype the window shows.
    pub allele: Allele,
    /// Which tokens there are, and their ids.
    pub vocabulary: VocabularySpec,
    /// What becomes of N.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_policy: Option<NPolicy>,
    /// Token of what cannot be spelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Tokens before the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Vec<String>>,
    /// Tokens after the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<Vec<String>>,
    /// Tokens of a row in all; may be left out where the window decides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Token that fills a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<String>,
    /// Which of the tensors of a tokenised row this is.
    #[serde(default)]
    pub part: Part,
    /// Type of the tensor's elements.
    #[serde(default)]
    pub dtype: ElementType,
}

/// A published vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// DNABERT: five special tokens, then all k-mers in the order A, T, C, G; k of 3 to 6.
    Dnabert,
    /// Nucleotide Transformer (first release): four special tokens, all 6-mers in the order
    /// A, T, C, G, single bases, `<eos>`, `<bos>`.
    NucleotideTransformer,
}

/// Which tokens there are; a token's id is its place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawVocabulary", untagged)]
pub enum VocabularySpec {
    /// A published vocabulary.
    Preset {
        /// Its name.
        preset: Preset,
    },
    /// Specials, then all k-mers in the order of the alphabet, then singles, then trailing.
    Alphabet {
        /// The letters A, C, G, T in the order that decides the order of the k-mers.
        alphabet: String,
        /// The first tokens.
        specials: Vec<String>,
        /// Tokens right after the k-mers.
        singles: Vec<String>,
        /// The last tokens.
        trailing: Vec<String>,
    },
    /// A file in the bundle folder with one token in a line.
    File {
        /// Its name.
        file: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVocabulary {
    preset: Option<Preset>,
    alphabet: Option<String>,
    specials: Option<Vec<String>>,
    singles: Option<Vec<String>>,
    trailing: Option<Vec<String>>,
    file: Option<String>,
}

impl TryFrom<RawVocabulary> for VocabularySpec {
    type Error = &'static str;

    fn try_from(raw: RawVocabulary) -> Result<Self, Self::Error> {
        let lists = raw.specials.is_some() || raw.singles.is_some() || raw.trailing.is_some();
        match (raw.preset, raw.alphabet, raw.file) {
            (Some(preset), None, None) if !lists => Ok(Self::Preset { preset }),
            (None, None, Some(file)) if !lists => Ok(Self::File { file }),
            (None, Some(alphabet), None) => Ok(Self::Alphabet {
                alphabet,
                specials: raw.specials.unwrap_or_default(),
                singles: raw.singles.unwrap_or_default(),
                trailing: raw.trailing.unwrap_or_default(),
            }),
            _ => Err(
                "vocabulary needs exactly one of preset, alphabet or file; specials, singles and \
                 trailing go with alphabet only",
            ),
        }
    }
}

/// What becomes of a base that is not A, C, G or T.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NPolicy {
    /// A k-mer that holds one is the unknown token.
    Unknown,
    /// N is a token of its own and never inside a k-mer; what is left over before it, and at the
    /// end, is spelled in single bases (Nucleotide Transformer).
    Single,
}

/// Which of the tensors of a tokenised row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The token ids.
    #[default]
    Ids,
    /// 1 for a token, 0 for padding.
    AttentionMask,
    /// 0 everywhere: there is one sequence.
    TokenTypeIds,
}

/// Parameters of the one-hot encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHotParams {
    /// Bases of the window: 1 to [`crate::MAX_WINDOW`].
    pub window: u32,
    /// Which haplotype the window shows.
    pub allele: Allele,
    /// Order of the channels.
    #[serde(default)]
    pub channels: Channels,
    /// Order of the dimensions.
    #[serde(default)]
    pub layout: Layout,
    /// Strand that the window is read from.
    #[serde(default)]
    pub strand: Strand,
    /// What becomes of a base that is not A, C, G or T.
    #[serde(default)]
    pub n: OneHotN,
}

/// The letters A, C, G, T in the order of the channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Channels(pub String);

impl Default for Channels {
    fn default() -> Self {
        Self("ACGT".to_owned())
    }
}

/// Order of the dimensions after the batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Layout {
    /// Channels, then positions.
    #[default]
    #[serde(rename = "NCL")]
    ChannelsFirst,
    /// Positions, then channels.
    #[serde(rename = "NLC")]
    ChannelsLast,
}

/// Strand that a window is read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Strand {
    /// As the reference is written.
    #[default]
    #[serde(rename = "+")]
    Forward,
    /// The reverse complement of the whole window.
    #[serde(rename = "-")]
    Reverse,
}

/// Channels of a base that is not A, C, G or T.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OneHotN {
    /// 0 in all.
    #[default]
    Zero,
    /// 1/4 in all.
    Uniform,
}

/// Parameters of the annotation encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationParams {
    /// The features, in the tensor's order.
    pub features: Vec<AnnotationFeature>,
}

/// One annotation: element `(value - mean) / std`, then the missing flag where declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationFeature {
    /// Its name, such as `allele.is_snv`, `info.AF`, `consequence.missense` or `gnomad.af`.
    pub name: String,
    /// For a field of text: the number that stands for each text. Any other text is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<String, f64>>,
    /// Taken where the value is missing, in the value's own units; without it the value is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<f64>,
    /// Subtracted.
    #[serde(default)]
    pub mean: f64,
    /// Divided by.
    #[serde(default = "one")]
    pub std: f64,
    /// Whether an element of 0 (present) or 1 (missing) follows.
    #[serde(default)]
    pub missing_flag: bool,
}

/// Parameters of the covariate encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CovariateParams {
    /// The columns, in the tensor's order.
    pub columns: Vec<CovariateColumn>,
}

/// One column of the samplesheet: a number, or one element for each category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CovariateColumn {
    /// Its name; `sex` is the recorded sex, with the categories `female` and `male`.
    pub name: String,
    /// Taken where the cell is empty: a number, or one of the categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impute: Option<Impute>,
    /// Subtracted from a number.
    #[serde(default)]
    pub mean: f64,
    /// Divided by.
    #[serde(default = "one")]
    pub std: f64,
    /// Whether an element of 0 (present) or 1 (missing) follows.
    #[serde(default)]
    pub missing_flag: bool,
    /// The categories; without them the column is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

/// What stands in for an empty cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Impute {
    /// A number, in the column's own units.
    Number(f64),
    /// A category.
    Category(String),
}

/// Parameters of the feature encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureParams {
    /// The features, in the tensor's order.
    pub features: Vec<PatientFeature>,
}

/// One result of an analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientFeature {
    /// Its name, such as `burden.demo-pathogenicity.pathogenicity.sum`.
    pub name: String,
    /// Taken where the patient has no value, in the feature's own units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impute: Option<f64>,
    /// Subtracted.
    #[serde(default)]
    pub mean: f64,
    /// Divided by.
    #[serde(default = "one")]
    pub std: f64,
    /// Whether an element of 0 (present) or 1 (missing) follows.
    #[serde(default)]
    pub missing_flag: bool,
}

fn one() -> f64 {
    1.0
}
