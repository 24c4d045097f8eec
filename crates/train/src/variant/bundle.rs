//! A variant model as a bundle: manifest and card.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use varisk_encode::{
    Activation, Allele, AnnotationParams, Build, Encoder, InputSpec, KmerParams, Manifest,
    ModelKind, NPolicy, OutputSpec, Part, RiskDirection, VocabularySpec,
};
use varisk_onnx::{Model, OPSET_VERSION};

use super::config::{ClassWeights, SplitBy, VariantConfig};
use super::procedure::VariantModel;
use super::rows::VariantRows;
use crate::TrainError;
use crate::siamese::{LOGIT, Tensors};

/// Tensor of the reference window.
const REFERENCE: &str = "reference_tokens";
/// Tensor of the alternate window.
const ALTERNATE: &str = "alternate_tokens";
/// Tensor of annotations.
const ANNOTATION: &str = "annotation";
/// Token of what cannot be spelled.
const UNKNOWN: &str = "[UNK]";
/// Name of the output.
pub const PATHOGENICITY: &str = "pathogenicity";
/// Rows of a batch.
const BATCH_ROWS: u32 = 64;
/// With fewer genes or contigs than this, metrics say little of others, and the card says so.
const FEW_GROUPS: usize = 50;

/// The tensors that the encoder of a run makes for the model. Without a model annotations are not
/// standardised.
#[must_use]
pub fn variant_inputs(config: &VariantConfig, model: Option<&VariantModel>) -> Vec<InputSpec> {
    let encoding = &config.encoding;
    let kmer = |tensor: &str, allele| InputSpec {
        tensor: tensor.to_owned(),
        encoder: Encoder::Kmer(KmerParams {
            k: Some(encoding.k),
            stride: Some(1),
            window: encoding.window,
            allele,
            vocabulary: VocabularySpec::Alphabet {
                alphabet: "ACGT".to_owned(),
                specials: vec![UNKNOWN.to_owned()],
                singles: Vec::new(),
                trailing: Vec::new(),
            },
            n_policy: Some(NPolicy::Unknown),
            unknown: Some(UNKNOWN.to_owned()),
            prefix: None,
            suffix: None,
            length: None,
            pad: None,
            part: Part::Ids,
            dtype: varisk_encode::ElementType::I64,
        }),
    };
    let mut inputs = vec![kmer(REFERENCE, Allele::Ref), kmer(ALTERNATE, Allele::Alt)];
    let mut at = 0;
    let features: Vec<_> = encoding
        .annotations
        .iter()
        .map(|spec| {
            let mut feature = spec.feature();
            if let Some((mean, deviation)) = model.and_then(|own| own.scaling.get(at)) {
                (feature.mean, feature.std) = (*mean, *deviation);
            }
            at += 1 + usize::from(feature.missing_flag);
            feature
        })
        .collect();
    if !features.is_empty() {
        inputs.push(InputSpec {
            tensor: ANNOTATION.to_owned(),
            encoder: Encoder::Annotation(AnnotationParams { features }),
        });
    }
    inputs
}

/// The manifest of a variant model.
#[must_use]
pub fn variant_manifest(
    config: &VariantConfig,
    model: Option<&VariantModel>,
    build: Build,
    metrics: Map<String, Value>,
) -> Manifest {
    let spec = &config.label;
    let among = match config.class_weights {
        ClassWeights::Balanced if config.calibration == crate::CalibrationMethod::None => {
            "as many pathogenic as benign variants"
        }
        _ => "variants like those of the training data",
    };
    Manifest {
        schema_version: 1,
        name: config.name.clone(),
        version: config.version.clone(),
        licence: config.licence.clone(),
        intended_use: config.intended_use.clone(),
        training_data: config.training_data.clone(),
        metrics,
        genome_build: build,
        kind: ModelKind::Variant,
        model: "model.onnx".to_owned(),
        sha256: None,
        batch_size: BATCH_ROWS,
        inputs: variant_inputs(config, model),
        outputs: vec![OutputSpec {
            tensor: LOGIT.to_owned(),
            name: PATHOGENICITY.to_owned(),
            meaning: format!(
                "probability that {} is {} and not {}, among {among}, from 0 to 1",
                spec.field,
                spec.pathogenic.join(" or "),
                spec.benign.join(" or ")
            ),
            column: None,
            activation: Activation::Sigmoid,
            calibration: model.and_then(|own| own.calibration.clone()),
            threshold: None,
            higher_is: Some(RiskDirection::Riskier),
        }],
        training: None,
    }
}

/// The graph of a variant model.
///
/// # Errors
/// The network cannot be written.
pub fn variant_graph(config: &VariantConfig, model: &VariantModel) -> Result<Model, TrainError> {
    Ok(model.network.graph(
        &config.name,
        "Trained by varisk. Research output, not a diagnosis.",
        &Tensors {
            reference: REFERENCE,
            alternate: ALTERNATE,
            annotation: ANNOTATION,
        },
    )?)
}

/// What stands in the card beside the configuration.
pub struct VariantCardFacts<'a> {
    /// The variants.
    pub rows: &'a VariantRows,
    /// What the baseline knows: `consequence`, or `allele class`.
    pub baseline: &'static str,
    /// Metrics of variants that were left out: name, value and interval of the model, value and
    /// interval of the baseline.
    pub metrics: &'a [[String; 5]],
    /// AUROC within each large enough gene: name, variants, value and interval of the model, of the
    /// baseline.
    pub within: &'a [[String; 4]],
}

/// The model card (Mitchell 2019, Model Cards for Model Reporting), in Markdown.
#[must_use]
pub fn variant_card(config: &VariantConfig, facts: &VariantCardFacts<'_>) -> String {
    let (pathogenic, benign) = facts.rows.classes();
    let mut text = format!(
        "# {} {}\n\nResearch output, not a diagnosis. Licence: {}.\n\n## Intended use\n\n{}\n\n## Training data\n\n{}\n\n",
        config.name, config.version, config.licence, config.intended_use, config.training_data
    );
    let _ = writeln!(
        text,
        "{} variants: {pathogenic} pathogenic (`{field}` {}), {benign} benign (`{field}` {}).",
        pathogenic + benign,
        config.label.pathogenic.join(", "),
        config.label.benign.join(", "),
        field = config.label.field
    );
    for (field, accepted) in &config.label.require {
        let _ = writeln!(text, "Only with `{field}` {}.", accepted.join(", "));
    }
    if !facts.rows.left_out.is_empty() {
        let _ = writeln!(text, "\n| left out | variants |\n|---|---|");
        for (why, count) in &facts.rows.left_out {
            let _ = writeln!(text, "| {why} | {count} |");
        }
    }
    let by = config.split.by;
    let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    if by != SplitBy::Random {
        for (name, row) in facts.rows.group_names(by).into_iter().zip(&facts.rows.rows) {
            let counts = groups.entry(name).or_default();
            counts.0 += usize::from(row.is_pathogenic);
            counts.1 += usize::from(!row.is_pathogenic);
        }
    }
    let mut groups: Vec<(String, (usize, usize))> = groups.into_iter().collect();
    groups.sort_by_key(|(name, (a, b))| (std::cmp::Reverse(a + b), name.clone()));
    if !groups.is_empty() {
        let _ = writeln!(
            text,
            "\n{} groups by {}; the largest:\n\n| {} | pathogenic | benign |\n|---|---|---|",
            groups.len(),
            by.name(),
            by.name()
        );
        for (name, (pathogenic, benign)) in groups.iter().take(10) {
            let _ = writeln!(
                text,
                "| {} | {pathogenic} | {benign} |",
                name.replace('|', "/")
            );
        }
    }
    let encoding = &config.encoding;
    let annotations: Vec<String> = encoding
        .annotations
        .iter()
        .map(|own| format!("`{}`", own.feature().name))
        .collect();
    let _ = writeln!(
        text,
        "\n## Model\n\nA network of two arms with common weights reads the reference and the alternate window of {} bases as overlapping {}-mers (embedding, convolution, pooling); what differs between the two, what the reference has, and the annotations go through dense layers to log odds. ONNX opset {OPSET_VERSION}. Seed {}.\n\nAnnotations: {}.\n\nSettings: `{}`. Class weights: {}.",
        encoding.window,
        encoding.k,
        config.seed,
        if annotations.is_empty() {
            "none".to_owned()
        } else {
            annotations.join(", ")
        },
        serde_json::to_string(&config.network).unwrap_or_default(),
        match config.class_weights {
            ClassWeights::Balanced => "both classes count equally",
            ClassWeights::None => "none",
        }
    );
    let split = match by {
        SplitBy::Random => "**The split is random**: variants of one gene stand on both sides, so the metrics are too good for genes that the model does not know".to_owned(),
        by => format!("{} folds, and no {} stands on both sides of a split", config.split.folds, by.name()),
    };
    let _ = writeln!(
        text,
        "\n## Evaluation\n\n{split}. The baseline is the share of pathogenic variants among those with the same {} in the training part, weighted as the model is. Probabilities are {}. Intervals: 95 %, {} bootstrap resamples of {}. The model itself is learned from all variants but the share of {} that stopped it, and was not tested on other data.\n\n| metric | model | 95 % interval | baseline | 95 % interval |\n|---|---|---|---|---|",
        facts.baseline,
        if config.calibration == crate::CalibrationMethod::None {
            "as they are, not calibrated"
        } else {
            "calibrated on the other folds"
        },
        config.split.bootstrap,
        by.units(),
        config.split.stopping_share
    );
    for [name, value, interval, baseline, other] in facts.metrics {
        let _ = writeln!(
            text,
            "| {name} | {value} | {interval} | {baseline} | {other} |"
        );
    }
    if !facts.within.is_empty() {
        let _ = writeln!(
            text,
            "\nAUROC within a gene, whose variants the model has not seen; intervals resample its variants:\n\n| gene | variants | model | baseline |\n|---|---|---|---|"
        );
        for [gene, variants, model, baseline] in facts.within {
            let _ = writeln!(text, "| {gene} | {variants} | {model} | {baseline} |");
        }
    }
    text += "\n## Limits\n\nLabels of a database are opinions at a time, some of them made from what this model sees too; genes and kinds of variants that are much studied are over-represented. A score is no classification by the ACMG and AMP, and no evidence by itself. ";
    text += match config.class_weights {
        ClassWeights::Balanced if config.calibration == crate::CalibrationMethod::None => {
            "Probabilities are those of as many pathogenic as benign variants"
        }
        _ => "Probabilities hold for the share of pathogenic variants in the training data",
    };
    text += ", which is not that among a patient's variants.\n";
    if groups.len() < FEW_GROUPS && by != SplitBy::Random {
        let _ = writeln!(
            text,
            "\nThere are only {} groups. What the metrics say of other genes is a guess.",
            groups.len()
        );
    }
    text
}
