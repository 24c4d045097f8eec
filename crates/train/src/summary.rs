//! What the training rows look like, for the manifest: a run compares its patients with them.

use std::collections::BTreeMap;

use varisk_encode::{PredictorSummary, QUANTILES, TrainingSummary};

use crate::predictors::{Predictor, PredictorKind};
use crate::preprocess::quantile;
use crate::{Cohort, Outcome};

/// Sums up the predictors over the rows with an outcome.
#[must_use]
pub fn training_summary(
    predictors: &[Predictor],
    cohort: &Cohort,
    outcome: &Outcome,
) -> TrainingSummary {
    let rows = &outcome.rows;
    let own = predictors
        .iter()
        .map(|predictor| match &predictor.kind {
            PredictorKind::Category(levels) => category(predictor, levels, cohort, rows),
            PredictorKind::Number | PredictorKind::Feature => number(predictor, cohort, rows),
        })
        .collect();
    TrainingSummary {
        patients: rows.len() as u64,
        predictors: own,
    }
}

fn share(count: usize, of: usize) -> f64 {
    count as f64 / of.max(1) as f64
}

fn number(predictor: &Predictor, cohort: &Cohort, rows: &[usize]) -> PredictorSummary {
    let values = rows.iter().filter_map(|row| predictor.number(cohort, *row));
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let steps = (QUANTILES - 1) as f64;
    let quantiles: Vec<f64> = (0..QUANTILES)
        .map(|step| quantile(&values, step as f64 / steps))
        .collect();
    let borders = PredictorSummary::bins(&quantiles);
    let mut counts = vec![0_usize; borders.len() + 1];
    for value in &values {
        counts[PredictorSummary::bin(&borders, *value)] += 1;
    }
    PredictorSummary {
        name: predictor.name.clone(),
        missing: share(rows.len() - values.len(), rows.len()),
        quantiles: Some(quantiles),
        shares: Some(counts.iter().map(|own| share(*own, values.len())).collect()),
        categories: None,
    }
}

fn category(
    predictor: &Predictor,
    levels: &[String],
    cohort: &Cohort,
    rows: &[usize],
) -> PredictorSummary {
    let mut counts: BTreeMap<&str, usize> = levels.iter().map(|own| (own.as_str(), 0)).collect();
    let mut present = 0;
    for level in rows.iter().filter_map(|row| predictor.level(cohort, *row)) {
        if let Some(count) = counts.get_mut(level.as_str()) {
            *count += 1;
            present += 1;
        }
    }
    let shares = counts
        .into_iter()
        .map(|(level, count)| (level.to_owned(), share(count, present)));
    PredictorSummary {
        name: predictor.name.clone(),
        missing: share(rows.len() - present, rows.len()),
        quantiles: None,
        shares: None,
        categories: Some(shares.collect()),
    }
}
