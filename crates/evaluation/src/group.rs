//! The same metrics for each value of a column, and gaps between the groups.

use crate::bootstrap::{BootstrapSettings, bootstrap};
use crate::error::{self, EvaluationError};
use crate::metric::MetricKey;
use crate::rows::MetricRow;
use crate::sample::Sample;
use crate::undefined::{Undefined, Value};

/// Fewest patients of a group for metrics of it. With fewer, a rate moves by more than three points
/// for one patient, and calibration says nothing.
const LEAST_PATIENTS: usize = 30;

/// How groups are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// Groups of fewer patients get counts but no metrics.
    pub least_patients: usize,
    /// The group that others are compared with; `None` for the largest one.
    pub reference: Option<String>,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            least_patients: LEAST_PATIENTS,
            reference: None,
        }
    }
}

/// A metric of a group less that of the reference group.
#[derive(Clone, Debug, PartialEq)]
pub struct GapRow {
    /// Metric, class, time, threshold, bins.
    pub key: MetricKey,
    /// Column that groups.
    pub group_column: String,
    /// The group; `None` where the column is missing.
    pub group: Option<String>,
    /// The group that it is compared with; `None` where the column is missing.
    pub reference: Option<String>,
    /// The difference, `None` where undefined.
    pub value: Option<f64>,
    /// Lower end of the interval. Both groups are resampled together.
    pub lower: Option<f64>,
    /// Upper end of the interval.
    pub upper: Option<f64>,
    /// Resamples in which the difference is undefined.
    pub undefined_resamples: usize,
    /// Why there is no value.
    pub reason: Option<Undefined>,
}

/// The largest difference of a metric between any two groups. It has no interval: chance alone makes
/// it positive, and the more so the smaller and more numerous the groups are.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeRow {
    /// Metric, class, time, threshold, bins.
    pub key: MetricKey,
    /// Column that groups.
    pub group_column: String,
    /// Group of the lowest value; `None` where the column is missing.
    pub lowest: Option<String>,
    /// Group of the highest value.
    pub highest: Option<String>,
    /// The difference.
    pub value: f64,
    /// Groups with a value.
    pub groups: usize,
}

/// What a column says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupResults {
    /// Metrics of each group; groups in the order of their names, missing last.
    pub metrics: Vec<MetricRow>,
    /// Differences to the reference group.
    pub gaps: Vec<GapRow>,
    /// Largest differences; metrics that fewer than two groups have are left out.
    pub ranges: Vec<RangeRow>,
}

/// A group.
struct Group<S> {
    name: Option<String>,
    rows: Vec<usize>,
    /// `None` where there are too few patients.
    sample: Option<S>,
}

impl<S: Sample> Group<S> {
    /// The metrics where each patient of the whole sample counts as often as `counts` says.
    fn evaluate(&self, counts: &[u32], keys: usize) -> Vec<Value> {
        match &self.sample {
            None => vec![Err(Undefined::GroupTooSmall); keys],
            Some(sample) => {
                let own: Vec<u32> = self.rows.iter().map(|row| counts[*row]).collect();
                sample.evaluate(&own)
            }
        }
    }
}

/// Metrics for each value of a column, and their differences. Missing is a group of its own.
///
/// # Errors
/// A column of another length, a reference that is no group, settings that make no sense.
pub fn by_group<S: Sample>(
    sample: &S,
    column: &str,
    values: &[Option<&str>],
    settings: &GroupSettings,
    resampling: &BootstrapSettings<'_>,
) -> Result<GroupResults, EvaluationError> {
    error::same_length("the column of groups", values.len(), sample.patients())?;
    let groups = groups(sample, values, settings)?;
    let reference = reference(&groups, settings)?;
    let keys = sample.keys();
    let statistics = |counts: &[u32]| {
        let own: Vec<Vec<Value>> = groups
            .iter()
            .map(|group| group.evaluate(counts, keys.len()))
            .collect();
        let gaps = own
            .iter()
            .flat_map(|values| differences(values, &own[reference]));
        let gaps: Vec<Value> = gaps.collect();
        own.into_iter()
            .flatten()
            .chain(gaps)
            .collect::<Vec<Value>>()
    };
    let values = statistics(&vec![1; sample.patients()]);
    let resampled = bootstrap(sample.patients(), resampling, statistics)?;
    let resampled = |place: usize| resampled.get(place).copied().unwrap_or_default();
    let mut results = GroupResults::default();
    for (place, group) in groups.iter().enumerate() {
        for (number, key) in keys.iter().enumerate() {
            let own = place * keys.len() + number;
            let (patients, events) = (group.rows.len(), sample.events(key, &group.rows));
            results.metrics.push(MetricRow {
                group_column: Some(column.to_owned()),
                group: group.name.clone(),
                ..MetricRow::new(key.clone(), values[own], resampled(own), patients, events)
            });
            if place != reference && key.metric.has_gap() {
                let gap = groups.len() * keys.len() + own;
                let interval = resampled(gap).interval.filter(|_| values[gap].is_ok());
                results.gaps.push(GapRow {
                    key: key.clone(),
                    group_column: column.to_owned(),
                    group: group.name.clone(),
                    reference: groups[reference].name.clone(),
                    value: values[gap].ok(),
                    lower: interval.map(|(lower, _)| lower),
                    upper: interval.map(|(_, upper)| upper),
                    undefined_resamples: resampled(gap).undefined,
                    reason: values[gap].err(),
                });
            }
        }
    }
    for (number, key) in keys
        .iter()
        .enumerate()
        .filter(|(_, key)| key.metric.has_gap())
    {
        let value = |place: usize| values[place * keys.len() + number].ok();
        let defined = (0..groups.len()).filter_map(|place| value(place).map(|own| (own, place)));
        let mut defined: Vec<(f64, usize)> = defined.collect();
        defined.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let [lowest, .., highest] = defined.as_slice() {
            results.ranges.push(RangeRow {
                key: key.clone(),
                group_column: column.to_owned(),
                lowest: groups[lowest.1].name.clone(),
                highest: groups[highest.1].name.clone(),
                value: highest.0 - lowest.0,
                groups: defined.len(),
            });
        }
    }
    Ok(results)
}
fn groups<S: Sample>(
    sample: &S,
    values: &[Option<&str>],
    settings: &GroupSettings,
) -> Result<Vec<Group<S>>, EvaluationError> {
    let mut names: Vec<Option<&str>> = values.to_vec();
    // Missing, which sorts first, goes last.
    names.sort_unstable_by_key(|name| (name.is_none(), *name));
    names.dedup();
    let group = |name: Option<&str>| {
        let rows: Vec<usize> = (0..values.len())
            .filter(|row| values[*row] == name)
            .collect();
        let enough = rows.len() >= settings.least_patients.max(1);
        Ok(Group {
            name: name.map(str::to_owned),
            sample: enough.then(|| sample.subset(&rows)).transpose()?,
            rows,
        })
    };
    names.into_iter().map(group).collect()
}

/// The place of the group that others are compared with.
fn reference<S>(groups: &[Group<S>], settings: &GroupSettings) -> Result<usize, EvaluationError> {
    match &settings.reference {
        Some(name) => groups
            .iter()
            .position(|group| group.name.as_ref() == Some(name))
            .ok_or_else(|| EvaluationError::Setting {
                setting: "reference group",
                value: format!("'{name}'"),
                remedy: "give a value that occurs in the column, or none for the largest group",
            }),
        // The first of those that are largest.
        None => Ok((0..groups.len())
            .rev()
            .max_by_key(|place| groups[*place].rows.len())
            .unwrap_or(0)),
    }
}

fn differences(values: &[Value], reference: &[Value]) -> Vec<Value> {
    let difference = |(own, other): (&Value, &Value)| match (own, other) {
        (Ok(own), Ok(other)) => Ok(own - other),
        (Err(Undefined::GroupTooSmall), _) | (_, Err(Undefined::GroupTooSmall)) => {
            Err(Undefined::GroupTooSmall)
        }
        _ => Err(Undefined::OperandUndefined),
    };
    values.iter().zip(reference).map(difference).collect()
}
