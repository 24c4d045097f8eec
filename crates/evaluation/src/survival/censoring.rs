//! The chance not to be censored.

use crate::undefined::{Undefined, Value};

/// Kaplan-Meier estimate of the chance to be uncensored, where censoring is the event.
#[derive(Clone, Debug)]
pub(super) struct Censoring {
    /// Times at which somebody is censored, with the chance from then on.
    steps: Vec<(f64, f64)>,
    /// Last time of anybody.
    pub(super) last_time: Option<f64>,
}

impl Censoring {
    pub(super) fn new(by_time: &[usize], times: &[f64], events: &[bool], counts: &[u32]) -> Self {
        let mut at_risk: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        let mut chance = 1.0;
        let mut steps = Vec::new();
        let mut last_time = None;
        for same in by_time.chunk_by(|a, b| times[*a] == times[*b]) {
            let (mut had_event, mut censored) = (0, 0);
            for row in same {
                let count = u64::from(counts[*row]);
                if events[*row] {
                    had_event += count;
                } else {
                    censored += count;
                }
            }
            if had_event + censored == 0 {
                continue;
            }
            last_time = same.first().map(|row| times[*row]);
            // An event comes first, so that those who have one are no longer at risk.
            at_risk -= had_event;
            if censored > 0 {
                chance *= 1.0 - censored as f64 / at_risk as f64;
                steps.extend(last_time.map(|time| (time, chance)));
            }
            at_risk -= censored;
        }
        Self { steps, last_time }
    }

    /// The inverse of the chance to be uncensored at a time.
    pub(super) fn weight(&self, time: f64) -> Value {
        let place = self.steps.partition_point(|(own, _)| *own <= time);
        match place.checked_sub(1).and_then(|place| self.steps.get(place)) {
            None => Ok(1.0),
            Some((_, chance)) if *chance > 0.0 => Ok(1.0 / chance),
            Some(_) => Err(Undefined::CensoringZero),
        }
    }
}
