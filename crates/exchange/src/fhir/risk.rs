//! Risk items: an observation of the value, and a risk assessment of what is a risk.
//!
//! R4 takes a decimal probability for a percentage (max = 100), while the guide's own example writes a
//! share of 1. A number that one reader takes for 0.4 % and another for 40 % must not be written, so
//! probabilities are ranges, whose limits R4 makes carry the unit `%`: the 95 % interval. Without an
//! interval the assessment says that the value stands in its basis, an observation in `%`.

use serde_json::{Value, json};
use varisk_dossier::{Risk, Score, State};

use super::code;
use super::element::{
    COUNT, Element, PERCENT, SHARE, Unit, YEARS, absent, absent_code, absent_value, count, measure,
    quantity, remark, string, words,
};

/// Whether an item is a probability that the run vouches for. The output of a patient model may be a
/// probability, a log hazard or anything else that its manifest says in words.
fn is_probability(risk: &Risk) -> bool {
    risk.kind == "absolute_risk"
}

/// A share as a percentage, its digits moved and not multiplied: 0.041 is 4.1, not 4.1000000000000005.
fn percent(share: f64) -> f64 {
    format!("{share}e2").parse().unwrap_or(share * 100.0)
}

/// An observation of a value: of the category laboratory and genetics, without a profile, for the
/// guide has none for scores.
fn observation(text: &str, value: Option<f64>, unit: Unit, reason: Option<&str>) -> Element {
    let element = Element::resource("Observation", None)
        .with(
            "status",
            if value.is_some() {
                "preliminary"
            } else {
                "cancelled"
            },
        )
        .with("category", code::categories())
        .with("code", words(text));
    match value.map(|value| quantity(value, unit)) {
        Some(Some(quantity)) => element.with("valueQuantity", quantity),
        Some(None) => element.with("dataAbsentReason", absent("not-a-number", reason)),
        None => element.with("dataAbsentReason", absent(absent_code(reason), reason)),
    }
}

fn notes(texts: impl IntoIterator<Item = Option<String>>) -> Vec<Value> {
    texts
        .into_iter()
        .flatten()
        .filter_map(|text| string(&text))
        .map(|text| json!({"text": text}))
        .collect()
}

fn method(risk: &Risk) -> String {
    let version = string(&risk.model_version).map_or(String::new(), |text| format!(" {text}"));
    format!("{}{version}, SHA-256 {}", risk.model, risk.model_sha256)
}

/// A flag in words.
fn flag(state: State, reason: Option<&str>) -> Option<String> {
    let reason = reason.unwrap_or("no reason given");
    match state {
        State::Ok => None,
        State::Flagged => Some(format!(
            "not to be trusted without a look at the reason: {reason}"
        )),
        State::NotComputed => Some(format!("not computed: {reason}")),
    }
}

/// The value of an item, with how it came about; of a score its row of `scores.parquet` too.
pub(super) fn estimate(risk: &Risk, score: Option<&Score>) -> Element {
    let (scale, unit): (fn(f64) -> f64, Unit) = if is_probability(risk) {
        (percent, PERCENT)
    } else {
        (|value| value, Unit::None)
    };
    let reason = risk.reason.as_deref();
    // A value beside "not computed" would be a damaged table; it is not passed on.
    let value = risk.value.filter(|_| risk.state != State::NotComputed);
    let mut parts = Vec::new();
    let mut number = |text: &str, value: Option<f64>, unit| {
        if value.is_some() {
            parts.push(measure(text, value, unit, None));
        }
    };
    number(
        "lower end of the 95 % interval",
        risk.lower.map(scale),
        unit,
    );
    number(
        "upper end of the 95 % interval",
        risk.upper.map(scale),
        unit,
    );
    number(
        "average of people of the same sex between the same ages",
        risk.population_value.map(scale),
        unit,
    );
    number("age at the beginning", risk.age_start, YEARS);
    number("age at the end", risk.age_end, YEARS);
    number(
        "share that is called of what the item needs",
        risk.coverage,
        SHARE,
    );
    number(
        "share taken for reference on the user's word",
        risk.assumed_reference,
        SHARE,
    );
    parts.extend(remark(
        "factors without a value, averaged over",
        Some(&risk.missing_factors.join("; ")),
    ));
    parts.extend(remark(
        "strongest contributions",
        risk.contributions.as_deref(),
    ));
    if risk.kind == "polygenic_score" {
        parts.push(measure(
            "percentile in the most similar population of the panel",
            risk.percentile,
            PERCENT,
            score
                .and_then(|score| score.adjustment_reason.as_deref())
                .or(Some("no_ancestry_panel")),
        ));
    }
    parts.extend(remark(
        "most similar population of the panel",
        risk.population.as_deref(),
    ));
    if let Some(score) = score {
        parts.extend(score_parts(score));
    }
    let observation = observation(&risk.item, value.map(scale), unit, reason);
    observation
        .with("method", words(&method(risk)))
        .list(
            "note",
            notes([Some(risk.meaning.clone()), flag(risk.state, reason)]),
        )
        .list("component", parts)
}

/// A score that `risk.parquet` does not have.
pub(super) fn score_alone(score: &Score) -> Element {
    let reason = score.reason.as_deref();
    let value = score.sum.filter(|_| score.state != State::NotComputed);
    let text = format!("sum of the polygenic score {}", score.score);
    observation(&text, value, Unit::None, reason)
        .list("note", notes([flag(score.state, reason)]))
        .list("component", score_parts(score))
}

fn score_parts(score: &Score) -> Vec<Value> {
    let reason = score.adjustment_reason.as_deref();
    let shares = [
        ("share of the score's weight that is called", score.coverage),
        ("share that is missing", score.missing),
        ("share of which the patient has no copy", score.not_counted),
        ("share that cannot be scored", score.not_scorable),
    ];
    let counts = [
        ("rows of the scoring file", score.alleles_total),
        ("rows that can be scored", score.alleles_scorable),
        ("rows that are called", score.alleles_called),
        ("rows without a complete call", score.alleles_missing),
    ];
    let mut parts = vec![measure(
        "sum",
        score.sum,
        Unit::None,
        score.reason.as_deref(),
    )];
    parts.extend(shares.map(|(text, value)| measure(text, value, SHARE, None)));
    parts.extend(counts.map(|(text, value)| measure(text, Some(count(value)), COUNT, None)));
    if score.population.is_some() {
        let distances = [
            (
                "distance from the population's mean in standard deviations",
                score.z_most_similar_population,
            ),
            ("Z, mean adjusted by principal components", score.z_norm1),
            (
                "Z, mean and variance adjusted by principal components",
                score.z_norm2,
            ),
        ];
        parts.extend(distances.map(|(text, value)| measure(text, value, Unit::None, reason)));
    }
    parts
}

/// The assessment of an item; none of a polygenic score, which is no risk.
pub(super) fn assessment(risk: &Risk, basis: Vec<Value>) -> Option<Element> {
    if risk.kind == "polygenic_score" {
        return None;
    }
    let reason = risk.reason.as_deref();
    let is_computed = risk.value.is_some() && risk.state != State::NotComputed;
    let prediction = Element::new().with("outcome", words(&risk.meaning));
    let limit = |value: Option<f64>| {
        value
            .filter(|value| (0.0..=1.0).contains(value))
            .and_then(|value| quantity(percent(value), PERCENT))
    };
    let interval = match (limit(risk.lower), limit(risk.upper)) {
        (Some(low), Some(high)) if is_probability(risk) && is_computed => {
            Some(json!({"low": low, "high": high}))
        }
        _ => None,
    };
    // An absent decimal would be shorter, but validators stumble over R4's ras-2 there.
    let prediction = prediction.with(
        "probabilityRange",
        interval.unwrap_or_else(|| {
            absent_value(if is_computed {
                "as-text"
            } else {
                absent_code(reason)
            })
        }),
    );
    let age = |value: Option<f64>| value.and_then(|value| quantity(value, YEARS));
    let ages = Element::new()
        .maybe("low", age(risk.age_start))
        .maybe("high", age(risk.age_end))
        .build();
    let prediction = prediction
        .maybe(
            "whenRange",
            Some(ages).filter(|ages| ages.get("low").is_some() || ages.get("high").is_some()),
        )
        .maybe("rationale", is_computed.then(|| rationale(risk)).flatten());
    Some(
        Element::resource("RiskAssessment", None)
            .with(
                "status",
                if is_computed {
                    "preliminary"
                } else {
                    "cancelled"
                },
            )
            .with("method", words(&method(risk)))
            .with("code", words(&risk.item))
            .list("basis", basis)
            .with("prediction", json!([prediction.build()]))
            .list("note", notes([flag(risk.state, reason)])),
    )
}

/// The value in words, with its unit.
fn rationale(risk: &Risk) -> Option<String> {
    let value = risk.value.filter(|value| value.is_finite())?;
    let text = if is_probability(risk) {
        let average = risk.population_value.map_or(String::new(), |average| {
            format!(
                "; average of people of the same sex between the same ages {:.3} %",
                percent(average)
            )
        });
        format!("estimate {:.3} %{average}", percent(value))
    } else {
        format!("output of the model {value}, in the unit that the outcome's words say")
    };
    string(&text)
}
