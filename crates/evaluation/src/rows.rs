//! Rows of tables.

use crate::bootstrap::{BootstrapSettings, Resampled, bootstrap};
use crate::error::EvaluationError;
use crate::metric::MetricKey;
use crate::sample::Sample;
use crate::undefined::{Undefined, Value};

/// A metric of all patients or of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRow {
    /// Metric, class, time, threshold, bins.
    pub key: MetricKey,
    /// Column that groups; `None` for all patients.
    pub group_column: Option<String>,
    /// Its value; `None` where it is missing, and for all patients.
    pub group: Option<String>,
    /// The value, `None` where undefined.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub lower: Option<f64>,
    /// Upper end of the interval.
    pub upper: Option<f64>,
    /// Patients.
    pub patients: usize,
    /// Those with the outcome, event or class; `None` for metrics of several classes.
    pub events: Option<usize>,
    /// Resamples in which the metric is undefined. The interval is of the others.
    pub undefined_resamples: usize,
    /// Why there is no value.
    pub reason: Option<Undefined>,
}

impl MetricRow {
    pub(crate) fn new(
        key: MetricKey,
        value: Value,
        resampled: Resampled,
        patients: usize,
        events: Option<usize>,
    ) -> Self {
        let interval = resampled.interval.filter(|_| value.is_ok());
        Self {
            key,
            group_column: None,
            group: None,
            value: value.ok(),
            lower: interval.map(|(lower, _)| lower),
            upper: interval.map(|(_, upper)| upper),
            patients,
            events,
            undefined_resamples: resampled.undefined,
            reason: value.err(),
        }
    }
}

/// The metrics of a sample, with intervals.
///
/// # Errors
/// Settings that make no sense.
pub fn metric_rows<S: Sample>(
    sample: &S,
    settings: &BootstrapSettings<'_>,
) -> Result<Vec<MetricRow>, EvaluationError> {
    let patients = sample.patients();
    let resampled = bootstrap(patients, settings, |counts| sample.evaluate(counts))?;
    let all: Vec<usize> = (0..patients).collect();
    let rows = sample.metrics().into_iter().enumerate();
    let row = |(place, (key, value)): (usize, (MetricKey, Value))| {
        let resampled = resampled.get(place).copied().unwrap_or_default();
        let events = sample.events(&key, &all);
        MetricRow::new(key, value, resampled, patients, events)
    };
    Ok(rows.map(row).collect())
}
