//! The survival function.

use super::{by_time, check_times};
use crate::error::{self, EvaluationError};

/// Normal quantile of 97.5 %.
const Z_95: f64 = 1.959_963_984_540_054;

/// A step of the survival function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurvivalPoint {
    /// A time of somebody.
    pub time: f64,
    /// Chance to be free of the event after it.
    pub survival: f64,
    /// Lower end of the 95 % interval; `None` where it has none: before the first event, and where the
    /// estimate is 0.
    pub lower: Option<f64>,
    /// Its upper end.
    pub upper: Option<f64>,
    /// Patients at risk just before the time.
    pub at_risk: usize,
    /// Events at the time.
    pub events: usize,
    /// Patients censored at the time.
    pub censored: usize,
}

/// The estimate of Kaplan and Meier (1958, JASA 53:457) at each distinct time, with intervals of
/// Greenwood's variance on the scale of log(-log), as lifelines gives.
///
/// # Errors
/// Nobody, columns of different length, what is no time.
pub fn kaplan_meier(times: &[f64], events: &[bool]) -> Result<Vec<SurvivalPoint>, EvaluationError> {
    error::same_length("the event", events.len(), times.len())?;
    check_times(times)?;
    let mut at_risk = times.len();
    let mut survival = 1.0;
    let mut variance = 0.0;
    let mut points = Vec::new();
    for same in by_time(times).chunk_by(|a, b| times[*a] == times[*b]) {
        let had_event = same.iter().filter(|row| events[**row]).count();
        if had_event > 0 {
            let (risk, had) = (at_risk as f64, had_event as f64);
            survival *= 1.0 - had / risk;
            variance += had / (risk * (risk - had));
        }
        let interval = (survival > 0.0 && survival < 1.0).then(|| {
            let centre = (-f64::ln(survival)).ln();
            let half = Z_95 * f64::sqrt(variance) / f64::ln(survival).abs();
            let end = |place: f64| (-place.exp()).exp();
            (end(centre + half), end(centre - half))
        });
        points.push(SurvivalPoint {
            time: times[same[0]],
            survival,
            lower: interval.map(|(lower, _)| lower),
            upper: interval.map(|(_, upper)| upper),
            at_risk,
            events: had_event,
            censored: same.len() - had_event,
        });
        at_risk -= same.len();
    }
    Ok(points)
}
