//! What a search minimises, and what predictions of rows that were left out are good for.

use ndarray::Array2;
use varisk_evaluation::{Calibrator, Metric, Sample, SurvivalSample};

use crate::outcome::Target;
use crate::{CalibrationMethod, TrainError};

/// Mean log loss of log odds or logits, or 1 minus Harrell's C-index of log hazards.
pub(crate) fn loss(raw: &Array2<f64>, target: &Target) -> Result<f64, TrainError> {
    Ok(match target {
        Target::Binary(happens) => {
            let each = raw.column(0).to_vec().into_iter().zip(happens);
            each.map(|(logit, happens)| softplus(if *happens { -logit } else { logit }))
                .sum::<f64>()
                / happens.len() as f64
        }
        Target::Classes { labels, .. } => {
            let each = raw.rows().into_iter().zip(labels).map(|(row, label)| {
                let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = row.iter().map(|own| (own - most).exp()).sum();
                most + sum.ln() - row[*label]
            });
            each.sum::<f64>() / labels.len() as f64
        }
        Target::Survival { times, events } => {
            let risk: Vec<f64> = raw.column(0).to_vec();
            let sample = SurvivalSample::try_new(&risk, times, events, Vec::new())?;
            let metrics = sample.metrics();
            let concordance = metrics
                .iter()
                .find(|(key, _)| key.metric == Metric::Concordance)
                .and_then(|(_, value)| value.ok());
            // Without a comparable pair a fold says nothing.
            concordance.map_or(0.5, |own| 1.0 - own)
        }
    })
}

/// ln(1 + exp(x)) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The probability of log odds.
pub(crate) fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// A calibration of probabilities, fitted on log odds of rows that were left out.
pub(crate) fn calibrate(
    method: CalibrationMethod,
    logits: &[f64],
    happens: &[bool],
) -> Result<Calibrator, TrainError> {
    let probabilities: Vec<f64> = logits.iter().map(|own| sigmoid(*own)).collect();
    let method = match method {
        CalibrationMethod::Isotonic => varisk_evaluation::CalibrationMethod::Isotonic,
        CalibrationMethod::Beta => varisk_evaluation::CalibrationMethod::Beta,
        CalibrationMethod::Platt | CalibrationMethod::None => {
            varisk_evaluation::CalibrationMethod::PlattLogit
        }
    };
    Ok(Calibrator::fit(method, &probabilities, happens)?)
}

/// Breslow's cumulative hazard at each horizon, given log hazards of rows that were left out: those
/// of rows that a flexible family has learned by heart would make it too small.
pub(crate) fn baseline(
    log_hazard: &[f64],
    times: &[f64],
    events: &[bool],
    horizons: &[f64],
) -> Vec<f64> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|a, b| times[*b].total_cmp(&times[*a]));
    // From the last time back: the sum over those at risk, and what each time adds.
    let mut at_risk = 0.0;
    let mut steps: Vec<(f64, f64)> = Vec::new();
    let mut at = 0;
    while at < order.len() {
        let time = times[order[at]];
        let mut deaths = 0.0;
        while at < order.len() && times[order[at]] == time {
            at_risk += log_hazard[order[at]].exp();
            deaths += f64::from(u8::from(events[order[at]]));
            at += 1;
        }
        if deaths > 0.0 {
            steps.push((time, deaths / at_risk));
        }
    }
    horizons
        .iter()
        .map(|horizon| {
            let until = steps.iter().filter(|(time, _)| time <= horizon);
            until.map(|(_, step)| step).sum()
        })
        .collect()
}
