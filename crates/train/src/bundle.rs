//! A trained model as a bundle: manifest and card.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use varisk_encode::{
    Activation, Build, Manifest, ModelKind, OutputSpec, RiskDirection, TrainingSummary,
};
use varisk_onnx::OPSET_VERSION;

use crate::model::{LOG_HAZARD, LOGITS, RISK};
use crate::outcome::Target;
use crate::predictors::{Predictor, PredictorKind};
use crate::preprocess::BATCH_ROWS;
use crate::procedure::CandidateLoss;
use crate::{Combine, Config, Outcome, OutcomeSpec, TrainError, Trained};

/// Name of an output that is of one thing only.
pub const OUTPUT: &str = "risk";

/// Letters, digits, `-` and `_`, as names in columns are.
fn plain(text: &str) -> String {
    let kept = text.chars().map(|own| match own {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => own,
        _ => '_',
    });
    kept.collect()
}

/// Name of the output of a class.
#[must_use]
pub fn class_output(class: &str) -> String {
    format!("class_{}", plain(class))
}

/// Name of the output of a horizon.
#[must_use]
pub fn horizon_output(horizon: f64) -> String {
    format!("risk_{}", plain(&horizon.to_string()))
}

/// The manifest of a trained model.
///
/// # Errors
/// Two classes or horizons would have the same name.
pub fn manifest(
    config: &Config,
    outcome: &Outcome,
    model: &Trained,
    metrics: Map<String, Value>,
    training: TrainingSummary,
) -> Result<Manifest, TrainError> {
    let outputs = outputs(config, outcome, model);
    for (at, output) in outputs.iter().enumerate() {
        if outputs.iter().take(at).any(|own| own.name == output.name) {
            return Err(TrainError::Outcome {
                column: config.outcome.columns().join(", "),
                detail: format!(
                    "has two classes or horizons that would both be called '{}'; rename one",
                    output.name
                ),
            });
        }
    }
    Ok(Manifest {
        schema_version: 1,
        name: config.name.clone(),
        version: config.version.clone(),
        licence: config.licence.clone(),
        intended_use: config.intended_use.clone(),
        training_data: config.training_data.clone(),
        metrics,
        genome_build: Build::Any,
        kind: ModelKind::Patient,
        model: "model.onnx".to_owned(),
        sha256: None,
        batch_size: BATCH_ROWS,
        inputs: model.preprocessing().inputs.clone(),
        outputs,
        training: Some(training),
    })
}

fn outputs(config: &Config, outcome: &Outcome, model: &Trained) -> Vec<OutputSpec> {
    let output = |tensor: &str, name: String, meaning: String| OutputSpec {
        tensor: tensor.to_owned(),
        name,
        meaning,
        column: None,
        activation: Activation::None,
        calibration: None,
        threshold: None,
        higher_is: None,
    };
    match (&config.outcome, &outcome.target) {
        (
            OutcomeSpec::Binary {
                column, positive, ..
            },
            _,
        ) => {
            let what: Vec<String> = positive.iter().map(crate::Cell::text).collect();
            vec![OutputSpec {
                activation: Activation::Sigmoid,
                calibration: model.calibration().cloned(),
                higher_is: Some(RiskDirection::Riskier),
                ..output(
                    LOGITS,
                    OUTPUT.to_owned(),
                    format!(
                        "probability that {column} is {}, from 0 to 1",
                        what.join(" or ")
                    ),
                )
            }]
        }
        (OutcomeSpec::Classes { column, .. }, Target::Classes { names, .. }) => names
            .iter()
            .enumerate()
            .map(|(at, name)| OutputSpec {
                column: u32::try_from(at).ok(),
                activation: Activation::Softmax,
                ..output(
                    LOGITS,
                    class_output(name),
                    format!("probability that {column} is {name}, from 0 to 1"),
                )
            })
            .collect(),
        (OutcomeSpec::Survival { time, horizons, .. }, _) => {
            let mut all = vec![OutputSpec {
                higher_is: Some(RiskDirection::Riskier),
                ..output(
                    LOG_HAZARD,
                    LOG_HAZARD.to_owned(),
                    "logarithm of the hazard, against a patient with a log hazard of 0".to_owned(),
                )
            }];
            all.extend(horizons.iter().enumerate().map(|(at, horizon)| OutputSpec {
                column: u32::try_from(at).ok(),
                higher_is: Some(RiskDirection::Riskier),
                ..output(
                    RISK,
                    horizon_output(*horizon),
                    format!("probability of the event before {horizon}, in units of {time}, from 0 to 1; other causes of death are not taken into account"),
                )
            }));
            all
        }
        (OutcomeSpec::Classes { .. }, _) => Vec::new(),
    }
}

/// What stands in the card beside the configuration.
pub struct CardFacts<'a> {
    /// The outcome.
    pub outcome: &'a Outcome,
    /// What is predicted from.
    pub predictors: &'a [Predictor],
    /// The search over all rows.
    pub candidates: &'a [CandidateLoss],
    /// Metrics of rows that were left out, as lines of a Markdown table: name, value, interval.
    pub metrics: &'a [[String; 3]],
    /// Whether a group was kept together.
    pub group: Option<&'a str>,
}

/// The model card (Mitchell 2019, Model Cards for Model Reporting), in Markdown.
#[must_use]
pub fn card(config: &Config, model: &Trained, facts: &CardFacts<'_>) -> String {
    let mut text = format!(
        "# {} {}\n\nResearch output, not a diagnosis. Licence: {}.\n\n## Intended use\n\n{}\n\n## Training data\n\n{}\n\n",
        config.name, config.version, config.licence, config.intended_use, config.training_data
    );
    let rows = facts.outcome.rows.len();
    let columns = config.outcome.columns().join(", ");
    let counts = match &facts.outcome.target {
        Target::Binary(happens) => {
            let positive = happens.iter().filter(|own| **own).count();
            format!("{positive} positive, {} negative", rows - positive)
        }
        Target::Classes { labels, names } => {
            let of = |class: usize| labels.iter().filter(|own| **own == class).count();
            let each: Vec<String> = names
                .iter()
                .enumerate()
                .map(|(at, name)| format!("{} of {name}", of(at)))
                .collect();
            each.join(", ")
        }
        Target::Survival { events, .. } => {
            let happened = events.iter().filter(|own| **own).count();
            format!("{happened} events, {} censored", rows - happened)
        }
    };
    let _ = writeln!(
        text,
        "{rows} patients with an outcome (`{columns}`): {counts}. {} patients without an outcome were left out.\n",
        facts.outcome.without
    );
    let _ = writeln!(
        text,
        "| predictor | kind | has missing values |\n|---|---|---|"
    );
    for predictor in facts.predictors {
        let kind = match &predictor.kind {
            PredictorKind::Number => "number".to_owned(),
            PredictorKind::Feature => "feature of a run".to_owned(),
            PredictorKind::Category(levels) => format!("category: {}", levels.join(", ")),
        };
        let missing = if predictor.has_missing { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| `{}` | {} | {missing} |",
            predictor.name,
            kind.replace('|', "/")
        );
    }
    let validation = &config.validation;
    let combined = match config.combine {
        Combine::Best => "the family with the smallest loss",
        Combine::Mean => "the mean of log odds, logits or log hazards of the families",
        Combine::Stack => "a ridge regression over the families' predictions",
    };
    let _ = writeln!(
        text,
        "\nMissing numbers are replaced by the median, categories by the commonest, each with a flag; numbers are standardised, and drawn to the quantiles {} and {} of the training rows. A value that is missing at scoring in a predictor that had none missing here gives no result.\n\n## Model\n\nFamilies: {}. Combination: {combined}. ONNX opset {OPSET_VERSION} (and ai.onnx.ml 3 with trees). Seed {}.",
        config.predictors.clip.0,
        1.0 - config.predictors.clip.0,
        model.families().join(", "),
        config.seed
    );
    let _ = writeln!(
        text,
        "\n| family | settings | loss of left-out rows |\n|---|---|---|"
    );
    for candidate in facts.candidates {
        let settings = serde_json::to_string(&candidate.settings).unwrap_or_default();
        let loss = match (candidate.loss, &candidate.refused) {
            (Some(loss), _) => format!("{loss:.6}"),
            (None, why) => why.clone().unwrap_or_default(),
        };
        let _ = writeln!(text, "| {} | `{settings}` | {loss} |", candidate.family);
    }
    if let Some(coefficients) = model.coefficients() {
        let _ = writeln!(
            text,
            "\n| element (standardised) | coefficient |\n|---|---|"
        );
        for (element, coefficient) in model.preprocessing().elements.iter().zip(coefficients) {
            let _ = writeln!(text, "| `{}` | {coefficient:.6} |", element.name);
        }
    }
    let _ = writeln!(
        text,
        "\n## Evaluation\n\nNested cross-validation: {} outer folds test the whole procedure, in each of them {} inner folds choose the settings. Folds balance the outcome{}. Intervals: 95 %, {} bootstrap resamples of {}. The model itself is learned from all rows, and was not tested on other data.\n\n| metric | value | 95 % interval |\n|---|---|---|",
        validation.outer_folds,
        validation.inner_folds,
        facts
            .group
            .map_or_else(String::new, |group| format!(" and keep `{group}` together")),
        validation.bootstrap,
        facts.group.map_or_else(
            || "patients".to_owned(),
            |group| format!("the values of `{group}`, each with all of its patients")
        )
    );
    for [name, value, interval] in facts.metrics {
        let _ = writeln!(text, "| {name} | {value} | {interval} |");
    }
    text += "\n## Limits\n\nMetrics hold for patients like those of the training data. Before use elsewhere, evaluate on local patients (`varisk evaluate`), by sex and ancestry, and calibrate again (`varisk calibrate`).\n";
    text
}
