//! Permutation importance (Breiman 2001, Machine Learning 45:5): how much worse predictions become
//! when columns are shuffled between patients.
//!
//! Columns that stand in for each other share their importance, so each may seem to matter little;
//! group them to see it.

use ndarray::{Array2, Axis};

use crate::error::EvaluationError;
use crate::random::Random;
use crate::undefined::{Undefined, Value};

/// Repeats where none are set.
const DEFAULT_REPEATS: usize = 10;

/// Columns that are shuffled together, as the one-hot columns of one feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnGroup {
    /// Name of the feature.
    pub name: String,
    /// Its columns.
    pub columns: Vec<usize>,
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As AUROC.
    HigherIsBetter,
    /// As the Brier score.
    LowerIsBetter,
}

/// How shuffling goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportanceSettings {
    /// How often each group is shuffled.
    pub repeats: usize,
    /// Of the random numbers.
    pub seed: u64,
    /// Of the metric.
    pub direction: Direction,
}

impl Default for ImportanceSettings {
    fn default() -> Self {
        Self {
            repeats: DEFAULT_REPEATS,
            seed: 0,
            direction: Direction::HigherIsBetter,
        }
    }
}

/// How much a feature matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// Name of the feature.
    pub name: String,
    /// Mean loss of the metric; above 0 the feature helps. `None` where undefined.
    pub mean: Option<f64>,
    /// Standard error of the mean over repeats. It says how far more repeats would move the mean, not
    /// how far other patients would. `None` for one repeat.
    pub standard_error: Option<f64>,
    /// Repeats.
    pub repeats: usize,
    /// Why there is no value.
    pub reason: Option<Undefined>,
}

/// What can go wrong: the prediction, or what it is asked with.
#[derive(Debug, thiserror::Error)]
pub enum ImportanceError<E> {
    /// The prediction failed.
    #[error("the model cannot predict from permuted features")]
    Predict(#[source] E),
    /// The settings are wrong.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
}

/// The importance of each group of columns, in their order. `predict` is given features of the same
/// shape each time; `metric` is of what it answers. What a group gets depends on its place and
/// the seed, not on the other groups.
///
/// # Errors
/// A prediction that fails, no repeats, columns that are not there or stand twice in a group.
pub fn permutation_importance<E>(
    features: &Array2<f64>,
    groups: &[ColumnGroup],
    settings: &ImportanceSettings,
    mut predict: impl FnMut(&Array2<f64>) -> Result<Vec<f64>, E>,
    mut metric: impl FnMut(&[f64]) -> Value,
) -> Result<Vec<Importance>, ImportanceError<E>>
where
    E: std::error::Error + 'static,
{
    check(features, groups, settings)?;
    let mut evaluate = |features: &Array2<f64>| -> Result<Value, ImportanceError<E>> {
        let predicted = predict(features).map_err(ImportanceError::Predict)?;
        if predicted.len() != features.nrows() {
            return Err(EvaluationError::Lengths {
                column: "the prediction",
                found: predicted.len(),
                expected: features.nrows(),
            }
            .into());
        }
        Ok(metric(&predicted))
    };
    let baseline = evaluate(features)?;
    let mut permuted = features.clone();
    let mut all = Vec::with_capacity(groups.len());
    for (place, group) in groups.iter().enumerate() {
        let mut losses = Vec::with_capacity(settings.repeats);
        for repeat in 0..settings.repeats {
            let stream = (place as u64) << 32 | repeat as u64;
            let order = Random::new(settings.seed, stream).permutation(features.nrows());
            for column in &group.columns {
                for (row, from) in order.iter().enumerate() {
                    permuted[[row, *column]] = features[[*from, *column]];
                }
            }
            let value = evaluate(&permuted)?;
            losses.push(loss(baseline, value, settings.direction));
        }
        for column in &group.columns {
            let own = features.index_axis(Axis(1), *column);
            permuted.index_axis_mut(Axis(1), *column).assign(&own);
        }
        all.push(summary(
            &group.name,
            losses.into_iter().collect(),
            settings.repeats,
        ));
    }
    Ok(all)
}

fn check(
    features: &Array2<f64>,
    groups: &[ColumnGroup],
    settings: &ImportanceSettings,
) -> Result<(), EvaluationError> {
    if features.nrows() == 0 {
        return Err(EvaluationError::Empty);
    }
    if settings.repeats == 0 || u32::try_from(settings.repeats).is_err() {
        return Err(EvaluationError::Setting {
            setting: "repeats",
            value: settings.repeats.to_string(),
            remedy: "give a number above 0",
        });
    }
    for group in groups {
        let mut columns = group.columns.clone();
        columns.sort_unstable();
        columns.dedup();
        let known = columns.last().is_some_and(|last| *last < features.ncols());
        if !known || columns.len() != group.columns.len() {
            return Err(EvaluationError::Setting {
                setting: "columns of a feature",
                value: format!("'{}'", group.name),
                remedy: "name one or more columns that are there, each once",
            });
        }
    }
    Ok(())
}

fn loss(baseline: Value, permuted: Value, direction: Direction) -> Value {
    let baseline = baseline?;
    let permuted = permuted.map_err(|_| Undefined::PermutedUndefined)?;
    Ok(match direction {
        Direction::HigherIsBetter => baseline - permuted,
        Direction::LowerIsBetter => permuted - baseline,
    })
}

fn summary(name: &str, losses: Result<Vec<f64>, Undefined>, repeats: usize) -> Importance {
    let moments = losses.map(|losses| {
        let count = losses.len() as f64;
        let mean = losses.iter().sum::<f64>() / count;
        let squares: f64 = losses.iter().map(|loss| (loss - mean).powi(2)).sum();
        let error = (losses.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt());
        (mean, error)
    });
    Importance {
        name: name.to_owned(),
        mean: moments.ok().map(|(mean, _)| mean),
        standard_error: moments.ok().and_then(|(_, error)| error),
        repeats,
        reason: moments.err(),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn group(name: &str, columns: &[usize]) -> ColumnGroup {
        ColumnGroup {
            name: name.to_owned(),
            columns: columns.to_vec(),
        }
    }

    /// 60 patients, columns: used, one-hot in two, unused.
    fn features() -> Array2<f64> {
        Array2::from_shape_fn((60, 4), |(row, column)| match column {
            0 => (row * 7 % 60) as f64,
            1 => (row % 2) as f64,
            2 => 1.0 - (row % 2) as f64,
            _ => (row * 11 % 60) as f64,
        })
    }

    fn model(features: &Array2<f64>) -> Result<Vec<f64>, Infallible> {
        // One-hot columns that do not agree would show as 0 or 40.
        let one = |row: ndarray::ArrayView1<'_, f64>| row[0] + 20.0 * row[1] * (1.0 - row[2]);
        Ok(features.rows().into_iter().map(one).collect())
    }

    fn squared_error(predicted: &[f64]) -> Value {
        let truth = model(&features()).unwrap();
        let pairs = predicted.iter().zip(&truth);
        Ok(pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 60.0)
    }

    fn settings() -> ImportanceSettings {
        ImportanceSettings {
            repeats: 200,
            direction: Direction::LowerIsBetter,
            ..ImportanceSettings::default()
        }
    }

    #[test]
    fn it_is_twice_the_variance_of_what_is_used() {
        let groups = [
            group("used", &[0]),
            group("kind", &[1, 2]),
            group("idle", &[3]),
        ];
        let found = permutation_importance(&features(), &groups, &settings(), model, squared_error)
            .unwrap();
        // A shuffled column is off by twice its variance: (60^2 - 1) / 12, and 20^2 / 4.
        for (own, variance) in found.iter().zip([3_599.0 / 12.0, 100.0, 0.0]) {
            let (mean, error) = (own.mean.unwrap(), own.standard_error.unwrap());
            assert!((mean - 2.0 * variance).abs() <= 4.0 * error, "{own:?}");
        }
        assert_eq!(found[2].mean, Some(0.0));
    }

    #[test]
    fn a_group_does_not_depend_on_the_others_after_it() {
        let of = |groups: &[ColumnGroup]| {
            permutation_importance(&features(), groups, &settings(), model, squared_error).unwrap()
        };
        let both = of(&[group("used", &[0]), group("kind", &[1, 2])]);
        assert_eq!(of(&[group("used", &[0])])[0], both[0]);
    }

    #[test]
    fn what_is_undefined_says_so_and_what_is_wrong_is_refused() {
        let groups = [group("used", &[0])];
        let never = |_: &[f64]| Err(Undefined::OneOutcome);
        let found =
            permutation_importance(&features(), &groups, &settings(), model, never).unwrap();
        assert_eq!(
            (found[0].mean, found[0].reason),
            (None, Some(Undefined::OneOutcome))
        );
        for columns in [&[4][..], &[0, 0], &[]] {
            let groups = [group("used", columns)];
            let found =
                permutation_importance(&features(), &groups, &settings(), model, squared_error);
            assert!(found.is_err());
        }
        let short = |_: &Array2<f64>| Ok::<_, Infallible>(vec![0.0; 3]);
        let found = permutation_importance(&features(), &groups, &settings(), short, squared_error);
        assert!(found.is_err());
    }
}
