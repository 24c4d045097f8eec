//! Predicted risk of an event that some patients were not observed long enough to have.

mod censoring;
mod concordance;
mod kaplan_meier;

pub use kaplan_meier::{SurvivalPoint, kaplan_meier};

use self::censoring::Censoring;
use crate::error::{self, EvaluationError};
use crate::metric::{Metric, MetricKey};
use crate::ranking::Ranking;
use crate::sample::Sample;
use crate::undefined::{Undefined, Value};

/// A time at which predictions are judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Horizon {
    /// The time, above 0.
    pub time: f64,
    /// Predicted probability to be free of the event until then, for each patient; `None` where a
    /// model predicts none.
    pub survival: Option<Vec<f64>>,
}

/// Risk scores, times and events of patients, checked.
///
/// * Concordance is Harrell's (1996, Statistics in Medicine 15:361). Two patients are compared where
///   one has an event before the time of the other, or at the time at which the other is censored;
///   two events at the same time are not compared. Equal scores count half. So do lifelines and
///   scikit-survival.
/// * The area at a time is cumulative and dynamic (Uno et al. 2007, JASA 102:527): those with an
///   event up to the time against those observed after it, each event weighted by the inverse
///   probability to be uncensored at its time.
/// * The Brier score at a time is that of Graf et al. (1999, Statistics in Medicine 18:2529).
///
/// The censoring distribution is the Kaplan-Meier estimate from the same patients, and from those of a
/// resample within it. As in scikit-survival, an event comes before a censoring at the same time, and
/// a probability at a time includes the censorings at that time.
#[derive(Clone, Debug)]
pub struct SurvivalSample {
    scores: Vec<f64>,
    times: Vec<f64>,
    events: Vec<bool>,
    horizons: Vec<Horizon>,
    ranking: Ranking,
    /// Place of each patient's score among the distinct ones, ascending.
    ranks: Vec<usize>,
    /// Rows by ascending time.
    by_time: Vec<usize>,
}

impl SurvivalSample {
    /// A higher score is a higher risk. `events` are false for censored patients.
    ///
    /// # Errors
    /// Nobody, columns of different length, what is no time, no score or no probability.
    pub fn try_new(
        scores: &[f64],
        times: &[f64],
        events: &[bool],
        horizons: Vec<Horizon>,
    ) -> Result<Self, EvaluationError> {
        error::same_length("the time", times.len(), scores.len())?;
        error::same_length("the event", events.len(), scores.len())?;
        error::finite("the risk score", scores)?;
        check_times(times)?;
        for horizon in &horizons {
            if !(horizon.time > 0.0 && horizon.time.is_finite()) {
                return Err(EvaluationError::Setting {
                    setting: "horizon",
                    value: horizon.time.to_string(),
                    remedy: "give a time above 0",
                });
            }
            if let Some(survival) = &horizon.survival {
                let column = "the survival probability";
                error::same_length(column, survival.len(), scores.len())?;
                error::probabilities(column, survival)?;
            }
        }
        let ranking = Ranking::new(scores);
        let mut ranks = vec![0; scores.len()];
        let mut rank = ranking.ends.iter().filter(|end| **end).count();
        for (row, end) in ranking.order.iter().zip(&ranking.ends) {
            ranks[*row] = rank - 1;
            rank -= usize::from(*end);
        }
        Ok(Self {
            scores: scores.to_vec(),
            times: times.to_vec(),
            events: events.to_vec(),
            horizons,
            ranking,
            ranks,
            by_time: by_time(times),
        })
    }

    /// The area at a time.
    fn area(&self, time: f64, counts: &[u32], censoring: &Censoring) -> Value {
        if censoring.last_time.is_none_or(|last| time >= last) {
            return Err(Undefined::BeyondFollowUp);
        }
        let (mut cases, mut controls) = (0.0, 0.0);
        let (mut cases_before, mut controls_before) = (0.0, 0.0);
        let mut pairs = 0.0;
        for (row, end) in self.ranking.order.iter().zip(&self.ranking.ends) {
            let count = f64::from(counts[*row]);
            if count > 0.0 && self.times[*row] > time {
                controls += count;
            } else if count > 0.0 && self.events[*row] {
                cases += count * censoring.weight(self.times[*row])?;
            }
            if *end {
                // Those of equal score count half.
                pairs += (controls - controls_before) * (cases + cases_before) / 2.0;
                (cases_before, controls_before) = (cases, controls);
            }
        }
        if cases == 0.0 {
            return Err(Undefined::NoEvents);
        }
        Ok(pairs / (cases * controls))
    }

    /// The Brier score at a time.
    fn brier(&self, time: f64, survival: &[f64], counts: &[u32], censoring: &Censoring) -> Value {
        if censoring.last_time.is_none_or(|last| time >= last) {
            return Err(Undefined::BeyondFollowUp);
        }
        let control = censoring.weight(time)?;
        let (mut sum, mut patients) = (0.0, 0.0);
        for (row, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = f64::from(*count);
            patients += count;
            if self.times[row] > time {
                sum += count * control * (1.0 - survival[row]).powi(2);
            } else if self.events[row] {
                sum += count * censoring.weight(self.times[row])? * survival[row].powi(2);
            }
        }
        Ok(sum / patients)
    }
}

impl Sample for SurvivalSample {
    fn patients(&self) -> usize {
        self.times.len()
    }

    /// Events up to the time of the metric, or at any time.
    fn events(&self, key: &MetricKey, rows: &[usize]) -> Option<usize> {
        let has = |row: &&usize| {
            self.events[**row] && key.time.is_none_or(|time| self.times[**row] <= time)
        };
        Some(rows.iter().filter(has).count())
    }

    fn keys(&self) -> Vec<MetricKey> {
        let mut keys = vec![MetricKey::plain(Metric::Concordance)];
        for horizon in &self.horizons {
            let key = |metric| MetricKey {
                time: Some(horizon.time),
                ..MetricKey::plain(metric)
            };
            keys.push(key(Metric::TimeDependentAuroc));
            if horizon.survival.is_some() {
                keys.push(key(Metric::IpcwBrier));
            }
        }
        keys
    }

    fn evaluate(&self, counts: &[u32]) -> Vec<Value> {
        let mut values = vec![self.concordance(counts)];
        let censoring = Censoring::new(&self.by_time, &self.times, &self.events, counts);
        for horizon in &self.horizons {
            values.push(self.area(horizon.time, counts, &censoring));
            if let Some(survival) = &horizon.survival {
                values.push(self.brier(horizon.time, survival, counts, &censoring));
            }
        }
        values
    }

    fn subset(&self, rows: &[usize]) -> Result<Self, EvaluationError> {
        let pick = |values: &[f64]| -> Vec<f64> { rows.iter().map(|row| values[*row]).collect() };
        let horizon = |horizon: &Horizon| Horizon {
            time: horizon.time,
            survival: horizon.survival.as_deref().map(pick),
        };
        let events: Vec<bool> = rows.iter().map(|row| self.events[*row]).collect();
        Self::try_new(
            &pick(&self.scores),
            &pick(&self.times),
            &events,
            self.horizons.iter().map(horizon).collect(),
        )
    }
}

fn check_times(times: &[f64]) -> Result<(), EvaluationError> {
    error::finite("the time", times)?;
    match times.iter().position(|time| *time < 0.0) {
        Some(row) => Err(EvaluationError::NegativeTime { row: row + 1 }),
        None => Ok(()),
    }
}

/// Rows by ascending time.
fn by_time(times: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|a, b| times[*a].total_cmp(&times[*b]));
    order
}
