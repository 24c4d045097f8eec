//! What bootstrap, groups and tables ask of a sample, whatever the outcome.

use crate::error::EvaluationError;
use crate::metric::MetricKey;
use crate::undefined::Value;

/// Predictions and outcomes of patients, with the metrics that apply to them.
pub trait Sample: Sized + Sync {
    /// How many patients.
    fn patients(&self) -> usize;

    /// Those of some patients who have the outcome, event or class that a metric is about. `None`
    /// where it is about several classes.
    fn events(&self, key: &MetricKey, rows: &[usize]) -> Option<usize>;

    /// The metrics, in the order of [`evaluate`](Self::evaluate).
    fn keys(&self) -> Vec<MetricKey>;

    /// The metrics where each patient counts as often as `counts` says. There is one count for each
    /// patient.
    fn evaluate(&self, counts: &[u32]) -> Vec<Value>;

    /// The sample of some of its patients.
    ///
    /// # Errors
    /// Nobody.
    fn subset(&self, rows: &[usize]) -> Result<Self, EvaluationError>;

    /// The metrics, each patient once.
    fn metrics(&self) -> Vec<(MetricKey, Value)> {
        let values = self.evaluate(&vec![1; self.patients()]);
        self.keys().into_iter().zip(values).collect()
    }
}
