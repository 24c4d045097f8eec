//! Areas that depend on the order of scores alone.

use std::cmp::Ordering;

use crate::undefined::{Undefined, Value};

/// Patients by descending score, with ties marked. Made once; a resample only counts.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    /// Rows.
    pub(crate) order: Vec<usize>,
    /// Whether the patient at a place of `order` is the last one with its score.
    pub(crate) ends: Vec<bool>,
}

/// Counts at or above a score.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Above {
    /// Place in the order of the last patient.
    pub(crate) place: usize,
    pub(crate) events: u64,
    pub(crate) others: u64,
}

impl Ranking {
    /// Scores must be finite.
    pub(crate) fn new(scores: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| {
            scores[*b]
                .partial_cmp(&scores[*a])
                .unwrap_or(Ordering::Equal)
        });
        let ends = (0..order.len())
            .map(|place| {
                order
                    .get(place + 1)
                    .is_none_or(|next| scores[*next] != scores[order[place]])
            })
            .collect();
        Self { order, ends }
    }

    /// At each distinct score, from the highest. In a resample some of them have nobody more than the
    /// one before.
    pub(crate) fn steps<'a>(
        &'a self,
        outcomes: &'a [bool],
        counts: &'a [u32],
    ) -> impl Iterator<Item = Above> + 'a {
        let (mut events, mut others) = (0, 0);
        let places = self.order.iter().zip(&self.ends).enumerate();
        places.filter_map(move |(place, (row, end))| {
            let count = u64::from(counts[*row]);
            if outcomes[*row] {
                events += count;
            } else {
                others += count;
            }
            end.then_some(Above {
                place,
                events,
                others,
            })
        })
    }

    /// Exact: a count of pairs.
    pub(crate) fn auroc(&self, outcomes: &[bool], counts: &[u32]) -> Value {
        let (mut events, mut others) = (0, 0);
        // Twice the pairs in which the event has the higher score, and once those of ties.
        let mut pairs: u128 = 0;
        for step in self.steps(outcomes, counts) {
            pairs += u128::from(step.others - others) * u128::from(events + step.events);
            (events, others) = (step.events, step.others);
        }
        if events == 0 || others == 0 {
            return Err(reason(events, others));
        }
        Ok(pairs as f64 / (2.0 * events as f64 * others as f64))
    }

    /// The sum over distinct scores of precision times gain of recall.
    pub(crate) fn average_precision(&self, outcomes: &[bool], counts: &[u32]) -> Value {
        let (mut events, mut others) = (0, 0);
        let mut sum = 0.0;
        for step in self.steps(outcomes, counts) {
            if step.events > events {
                let precision = step.events as f64 / (step.events + step.others) as f64;
                sum += (step.events - events) as f64 * precision;
            }
            (events, others) = (step.events, step.others);
        }
        if events == 0 || others == 0 {
            return Err(reason(events, others));
        }
        Ok(sum / events as f64)
    }
}

/// Why something that needs both outcomes has no value.
pub(crate) fn reason(events: u64, others: u64) -> Undefined {
    match (events, others) {
        (0, 0) => Undefined::NoPatients,
        _ => Undefined::OneOutcome,
    }
}
