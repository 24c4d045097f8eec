//! The rules that a manifest's fields keep, beyond their JSON types.

use std::collections::BTreeSet;

use super::{
    Activation, AnnotationParams, CovariateColumn, CovariateParams, Encoder, FeatureParams, Impute,
    InputSpec, KmerParams, MAX_BATCH_SIZE, MAX_TOKENS, MAX_WINDOW, Manifest, ModelKind,
    OneHotParams, OutputSpec, TrainingSummary, VocabularySpec,
};
use crate::bases::is_permutation;
use crate::kmer::Scheme;

/// A field that breaks a rule.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Path into the JSON.
    pub(crate) field: String,
    /// What is wrong and what to write.
    pub(crate) problem: String,
}

type Checked = Result<(), Problem>;

pub(crate) fn fail<T>(field: impl Into<String>, problem: impl Into<String>) -> Result<T, Problem> {
    Err(Problem {
        field: field.into(),
        problem: problem.into(),
    })
}

pub(super) fn manifest(manifest: &Manifest) -> Checked {
    if manifest.schema_version != 1 {
        return fail(
            "schema_version",
            format!(
                "is {}, this varisk reads 1; use a newer varisk",
                manifest.schema_version
            ),
        );
    }
    name("name", &manifest.name)?;
    for (field, text) in [
        ("version", &manifest.version),
        ("licence", &manifest.licence),
        ("intended_use", &manifest.intended_use),
        ("training_data", &manifest.training_data),
    ] {
        not_blank(field, text)?;
    }
    file_name("model", &manifest.model)?;
    if let Some(hash) = &manifest.sha256
        && !(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        return fail(
            "sha256",
            "is not 64 hexadecimal digits; run sha256sum on the model",
        );
    }
    range("batch_size", manifest.batch_size, 1, MAX_BATCH_SIZE)?;
    inputs(manifest)?;
    if let Some((field, problem)) = manifest
        .training
        .as_ref()
        .and_then(TrainingSummary::problem)
    {
        return fail(field, problem);
    }
    let predictors = manifest.training.iter().flat_map(|own| &own.predictors);
    for (at, predictor) in predictors.enumerate() {
        let is_named = manifest.inputs.iter().any(|input| match &input.encoder {
            Encoder::Covariate(own) => own.columns.iter().any(|own| own.name == predictor.name),
            Encoder::Feature(own) => own.features.iter().any(|own| own.name == predictor.name),
            _ => false,
        });
        if !is_named {
            return fail(
                format!("training.predictors[{at}].name"),
                "is no column or feature of the inputs; correct the name",
            );
        }
    }
    outputs(&manifest.outputs)
}

fn inputs(manifest: &Manifest) -> Checked {
    if manifest.inputs.is_empty() {
        return fail("inputs", "is empty; name every input tensor of the model");
    }
    unique("inputs", manifest.inputs.iter().map(|input| &input.tensor))?;
    for (index, input) in manifest.inputs.iter().enumerate() {
        let field = format!("inputs[{index}]");
        not_blank(&format!("{field}.tensor"), &input.tensor)?;
        let needed = match input.encoder {
            Encoder::Kmer(_) | Encoder::OneHot(_) | Encoder::Annotation(_) => ModelKind::Variant,
            Encoder::Covariate(_) | Encoder::Feature(_) => ModelKind::Patient,
        };
        if needed != manifest.kind {
            return fail(
                format!("{field}.encoder"),
                format!(
                    "'{}' of tensor '{}' is for models of kind '{}', this one is of kind '{}'; \
                     correct kind or encoder",
                    input.encoder.name(),
                    input.tensor,
                    needed.name(),
                    manifest.kind.name()
                ),
            );
        }
        params(&format!("{field}.params"), input)?;
    }
    Ok(())
}

fn params(field: &str, input: &InputSpec) -> Checked {
    match &input.encoder {
        Encoder::Kmer(params) => kmer(field, params),
        Encoder::OneHot(params) => one_hot(field, params),
        Encoder::Annotation(params) => annotation(field, params),
        Encoder::Covariate(params) => covariate(field, params),
        Encoder::Feature(params) => feature(field, params),
    }
}

fn kmer(field: &str, params: &KmerParams) -> Checked {
    range(&format!("{field}.window"), params.window, 1, MAX_WINDOW)?;
    if let Some(length) = params.length {
        range(&format!("{field}.length"), length, 1, MAX_TOKENS)?;
    }
    match &params.vocabulary {
        VocabularySpec::Alphabet { alphabet, .. } if !is_permutation(alphabet) => {
            return fail(
                format!("{field}.vocabulary.alphabet"),
                "is not the letters A, C, G and T, each once; write them in the model's order",
            );
        }
        VocabularySpec::File { file } => file_name(&format!("{field}.vocabulary.file"), file)?,
        _ => {}
    }
    Scheme::try_new(params)
        .map(|_| ())
        .or_else(|problem| fail(format!("{field}.{}", problem.field), problem.problem))
}

fn one_hot(field: &str, params: &OneHotParams) -> Checked {
    range(&format!("{field}.window"), params.window, 1, MAX_WINDOW)?;
    if !is_permutation(&params.channels.0) {
        return fail(
            format!("{field}.channels"),
            "is not the letters A, C, G and T, each once; write them in the model's order",
        );
    }
    Ok(())
}

fn annotation(field: &str, params: &AnnotationParams) -> Checked {
    let field = format!("{field}.features");
    not_empty(&field, params.features.len())?;
    unique(&field, params.features.iter().map(|feature| &feature.name))?;
    for (index, feature) in params.features.iter().enumerate() {
        let field = format!("{field}[{index}]");
        not_blank(&format!("{field}.name"), &feature.name)?;
        scale(&field, feature.mean, feature.std)?;
        flag(&field, feature.missing_flag, feature.fill.is_some(), "fill")?;
        if let Some(values) = &feature.values {
            not_empty(&format!("{field}.values"), values.len())?;
            if values.values().any(|value| !value.is_finite()) {
                return fail(
                    format!("{field}.values"),
                    "holds a number that is not finite",
                );
            }
        }
    }
    Ok(())
}

fn covariate(field: &str, params: &CovariateParams) -> Checked {
    let field = format!("{field}.columns");
    not_empty(&field, params.columns.len())?;
    unique(&field, params.columns.iter().map(|column| &column.name))?;
    for (index, column) in params.columns.iter().enumerate() {
        covariate_column(&format!("{field}[{index}]"), column)?;
    }
    Ok(())
}

fn covariate_column(field: &str, column: &CovariateColumn) -> Checked {
    not_blank(&format!("{field}.name"), &column.name)?;
    scale(field, column.mean, column.std)?;
    flag(
        field,
        column.missing_flag,
        column.impute.is_some(),
        "impute",
    )?;
    let Some(categories) = &column.categories else {
        if column.name == "sex" {
            return fail(
                format!("{field}.categories"),
                "is missing, and sex is text; write [\"female\", \"male\"]",
            );
        }
        if matches!(column.impute, Some(Impute::Category(_))) {
            return fail(
                format!("{field}.impute"),
                "is text, and the column is a number; write a number or add categories",
            );
        }
        return Ok(());
    };
    not_empty(&format!("{field}.categories"), categories.len())?;
    unique(&format!("{field}.categories"), categories.iter())?;
    // A cell that reads as a number is compared as a number: `1` and `1.0` would be one category.
    unique(
        &format!("{field}.categories"),
        categories
            .iter()
            .filter_map(|category| category.parse::<f64>().ok())
            .filter(|number| number.is_finite())
            .map(f64::to_bits),
    )?;
    for category in categories {
        not_blank(&format!("{field}.categories"), category)?;
    }
    if column.mean != 0.0 || column.std != 1.0 {
        return fail(
            format!("{field}.mean"),
            "and std belong to numbers, and the column has categories; leave them out",
        );
    }
    match &column.impute {
        None => Ok(()),
        Some(Impute::Category(category)) if categories.contains(category) => Ok(()),
        Some(_) => fail(
            format!("{field}.impute"),
            "is not one of the categories; write one of them or null",
        ),
    }
}

fn feature(field: &str, params: &FeatureParams) -> Checked {
    let field = format!("{field}.features");
    not_empty(&field, params.features.len())?;
    unique(&field, params.features.iter().map(|feature| &feature.name))?;
    for (index, feature) in params.features.iter().enumerate() {
        let field = format!("{field}[{index}]");
        not_blank(&format!("{field}.name"), &feature.name)?;
        scale(&field, feature.mean, feature.std)?;
        flag(
            &field,
            feature.missing_flag,
            feature.impute.is_some(),
            "impute",
        )?;
    }
    Ok(())
}

fn outputs(outputs: &[OutputSpec]) -> Checked {
    not_empty("outputs", outputs.len())?;
    unique("outputs", outputs.iter().map(|output| &output.name))?;
    for (index, output) in outputs.iter().enumerate() {
        let field = format!("outputs[{index}]");
        not_blank(&format!("{field}.tensor"), &output.tensor)?;
        name(&format!("{field}.name"), &output.name)?;
        not_blank(&format!("{field}.meaning"), &output.meaning)?;
        if output.activation == Activation::Softmax && output.column.is_none() {
            return fail(
                format!("{field}.column"),
                "is missing, and a softmax has several; say which",
            );
        }
    }
    Ok(())
}

fn name(field: &str, text: &str) -> Checked {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if text.is_empty() || !text.bytes().all(fine) {
        return fail(
            field,
            format!(
                "'{text}' is not a name of letters, digits, - and _; dots separate names in columns"
            ),
        );
    }
    Ok(())
}

fn file_name(field: &str, text: &str) -> Checked {
    if text.is_empty() || matches!(text, "." | "..") || text.contains(['/', '\\']) {
        return fail(
            field,
            format!("'{text}' is not a plain file name; put the file into the bundle folder"),
        );
    }
    Ok(())
}

fn not_blank(field: &str, text: &str) -> Checked {
    if text.trim().is_empty() {
        return fail(field, "is empty; write what it is");
    }
    Ok(())
}

fn not_empty(field: &str, len: usize) -> Checked {
    if len == 0 {
        return fail(field, "is empty; name at least one");
    }
    Ok(())
}

fn unique<T: Ord>(field: &str, items: impl Iterator<Item = T>) -> Checked {
    let mut seen = BTreeSet::new();
    for (index, item) in items.enumerate() {
        if !seen.insert(item) {
            return fail(
                field,
                format!("repeats the name of an earlier entry at index {index}; remove one"),
            );
        }
    }
    Ok(())
}

fn range(field: &str, value: u32, least: u32, most: u32) -> Checked {
    if !(least..=most).contains(&value) {
        return fail(
            field,
            format!("is {value}; write a number from {least} to {most}"),
        );
    }
    Ok(())
}

fn scale(field: &str, mean: f64, std: f64) -> Checked {
    if !mean.is_finite() {
        return fail(format!("{field}.mean"), "is not finite; write a number");
    }
    if !(std.is_finite() && std > 0.0) {
        return fail(
            format!("{field}.std"),
            format!("is {std}; write a number above 0, or leave the constant feature out"),
        );
    }
    Ok(())
}

/// A flag for what is missing needs something to put in its place: without it the row has no number
/// at all and the flag could never be 1.
fn flag(field: &str, flagged: bool, filled: bool, fill: &str) -> Checked {
    if flagged && !filled {
        return fail(
            format!("{field}.missing_flag"),
            format!("is true without {fill}; write the {fill} value too"),
        );
    }
    Ok(())
}
