//! Risk items: absolute risks, polygenic scores, results of patient models, and what has no value.

use varisk_dossier::{Dossier, Risk, State};

use super::References;
use crate::format::{self, percent, significant};
use crate::svg::{percentile_strip, reference_curve, risk_curve};
use crate::words;

/// An absolute risk.
pub(crate) struct AbsoluteView {
    pub(crate) title: String,
    pub(crate) value: String,
    pub(crate) interval: String,
    pub(crate) average: String,
    pub(crate) ratio: String,
    pub(crate) ratio_number: f64,
    pub(crate) meaning: String,
    pub(crate) missing: String,
    pub(crate) coverage: String,
    pub(crate) caution: String,
    pub(crate) plot: String,
    pub(crate) model: String,
}

/// A polygenic score.
pub(crate) struct ScoreView {
    pub(crate) name: String,
    pub(crate) trait_name: String,
    pub(crate) percentile: String,
    pub(crate) percentile_number: Option<f64>,
    pub(crate) population: String,
    pub(crate) value: String,
    pub(crate) z: String,
    pub(crate) coverage: String,
    pub(crate) coverage_words: String,
    pub(crate) caution: String,
    pub(crate) plot: String,
    pub(crate) model: String,
}

/// A result of a patient model.
pub(crate) struct ModelView {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) number: f64,
    pub(crate) is_share: bool,
    pub(crate) meaning: String,
    pub(crate) coverage: String,
    pub(crate) caution: String,
    pub(crate) contributions: String,
    pub(crate) model: String,
}

/// An item without a value.
pub(crate) struct NoValue {
    pub(crate) item: String,
    pub(crate) kind: String,
    pub(crate) meaning: String,
    pub(crate) reason: String,
    pub(crate) code: String,
}

fn of<'d>(dossier: &'d Dossier, kind: &'d str) -> impl Iterator<Item = (&'d Risk, f64)> {
    dossier
        .risks
        .iter()
        .filter(move |risk| risk.kind == kind && risk.state != State::NotComputed)
        .filter_map(|risk| Some((risk, risk.value?)))
}

fn caution(risk: &Risk) -> String {
    match (&risk.reason, risk.state) {
        (Some(reason), State::Flagged) => words::reason(reason),
        (None, State::Flagged) => "flagged by the run".to_owned(),
        _ => String::new(),
    }
}

fn model(risk: &Risk) -> String {
    let version = &risk.model_version;
    let hash = format::short_hash(&risk.model_sha256);
    if version.is_empty() {
        format!("{}, SHA-256 {hash}", risk.model)
    } else {
        format!("{} {version}, SHA-256 {hash}", risk.model)
    }
}

fn coverage(risk: &Risk) -> String {
    let mut text = risk.coverage.map(percent).unwrap_or_default();
    if let Some(assumed) = risk.assumed_reference.filter(|share| *share > 0.0) {
        text.push_str(&format!(
            " (and {} assumed to be reference)",
            percent(assumed)
        ));
    }
    text
}

/// Absolute risks, those farthest above the average first.
pub(crate) fn absolute(dossier: &Dossier) -> Vec<AbsoluteView> {
    let mut views: Vec<AbsoluteView> = of(dossier, "absolute_risk")
        .map(|(risk, value)| {
            let interval = risk.lower.zip(risk.upper);
            let ratio = risk
                .population_value
                .filter(|average| *average > 0.0)
                .map(|average| value / average);
            let ages = match (risk.age_start, risk.age_end) {
                (Some(start), Some(end)) => {
                    format!(", age {} to {}", format::age(start), format::age(end))
                }
                _ => String::new(),
            };
            AbsoluteView {
                title: format!("{}{ages}", words::capital(&words::plain(&risk.model))),
                value: percent(value),
                interval: interval
                    .map(|(lower, upper)| format!("{} to {}", percent(lower), percent(upper)))
                    .unwrap_or_default(),
                average: risk.population_value.map(percent).unwrap_or_default(),
                ratio: ratio.map(times).unwrap_or_default(),
                ratio_number: ratio.unwrap_or(0.0),
                meaning: words::capital(&risk.meaning),
                missing: risk.missing_factors.join(", "),
                coverage: coverage(risk),
                caution: caution(risk),
                plot: risk
                    .curve
                    .as_ref()
                    .map(|curve| risk_curve(curve, interval))
                    .unwrap_or_default(),
                model: model(risk),
            }
        })
        .collect();
    views.sort_by(|a, b| b.ratio_number.total_cmp(&a.ratio_number));
    views
}

/// How many times the average, in words that fit small differences too.
fn times(ratio: f64) -> String {
    if ratio < 0.005 {
        return "less than 0.01\u{a0}×\u{a0}the average".to_owned();
    }
    if (0.95..1.05).contains(&ratio) {
        "about the average".to_owned()
    } else {
        format!(
            "{}\u{a0}×\u{a0}the average",
            significant((ratio * 100.0).round() / 100.0)
        )
    }
}

/// Polygenic scores, the highest percentile first.
pub(crate) fn scores(dossier: &Dossier, references: &References) -> Vec<ScoreView> {
    let mut views: Vec<ScoreView> = of(dossier, "polygenic_score")
        .map(|(risk, value)| {
            let name = risk.item.strip_prefix("polygenic.").unwrap_or(&risk.item);
            let row = dossier.scores.iter().find(|row| row.score == name);
            let population = risk.population.clone().unwrap_or_default();
            let plot = risk.percentile.map(|percentile| {
                let sum = row.and_then(|row| row.panel_sum);
                let reference = references.get(&(name.to_owned(), population.clone()));
                reference
                    .zip(sum)
                    .and_then(|(reference, sum)| reference_curve(reference, sum, percentile))
                    .unwrap_or_else(|| percentile_strip(percentile))
            });
            let no_percentile = row
                .and_then(|row| row.adjustment_reason.as_deref())
                .map(|reason| format!("no percentile: {}", words::reason(reason)));
            let caution = [caution(risk), no_percentile.unwrap_or_default()];
            let caution: Vec<String> = caution
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect();
            ScoreView {
                name: name.to_owned(),
                trait_name: risk
                    .meaning
                    .split_once("trait: ")
                    .map_or_else(|| risk.meaning.clone(), |(_, name)| name.to_owned()),
                percentile: risk.percentile.map(format::ordinal).unwrap_or_default(),
                percentile_number: risk.percentile,
                population,
                value: significant(value),
                z: row
                    .and_then(|row| row.z_norm2)
                    .map(|z| format!("{z:+.2}"))
                    .unwrap_or_default(),
                coverage: coverage(risk),
                coverage_words: row
                    .map(|row| {
                        format!(
                            "{} of {} alleles of the score called",
                            format::count(row.alleles_called),
                            format::count(row.alleles_total)
                        )
                    })
                    .unwrap_or_default(),
                caution: caution.join("; "),
                plot: plot.unwrap_or_default(),
                model: model(risk),
            }
        })
        .collect();
    let key = |view: &ScoreView| view.percentile_number.unwrap_or(-1.0);
    views.sort_by(|a, b| key(b).total_cmp(&key(a)));
    views
}

/// Results of patient models, in the order of their names.
pub(crate) fn models(dossier: &Dossier) -> Vec<ModelView> {
    of(dossier, "patient_model")
        .map(|(risk, value)| {
            let is_share = risk.meaning.contains("probability") && (0.0..=1.0).contains(&value);
            ModelView {
                name: words::plain(&risk.item),
                value: if is_share {
                    percent(value)
                } else {
                    significant(value)
                },
                number: value,
                is_share,
                meaning: words::capital(&risk.meaning),
                coverage: coverage(risk),
                caution: caution(risk),
                contributions: risk.contributions.clone().unwrap_or_default(),
                model: model(risk),
            }
        })
        .collect()
}

/// Items without a value.
pub(crate) fn not_computed(dossier: &Dossier) -> Vec<NoValue> {
    dossier
        .risks
        .iter()
        .filter(|risk| risk.state == State::NotComputed || risk.value.is_none())
        .map(|risk| {
            let code = risk.reason.clone().unwrap_or_default();
            NoValue {
                item: risk.item.clone(),
                kind: risk.kind.clone(),
                meaning: risk.meaning.clone(),
                reason: words::reason(&code),
                code,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios() {
        assert_eq!(times(1.0), "about the average");
        assert_eq!(times(2.327), "2.33\u{a0}×\u{a0}the average");
    }
}
