//! Percentile intervals from resamples of patients (Efron and Tibshirani 1993, chapter 13).
//!
//! A resample is a count for each patient, so nothing is copied or sorted again. Each one has a random
//! stream of its own: results depend on the seed, not on the threads.

use std::num::NonZeroUsize;

use crate::error::EvaluationError;
use crate::quantile::quantile;
use crate::random::Random;
use crate::undefined::Value;

/// Resamples where none are set.
const DEFAULT_RESAMPLES: usize = 1_000;
/// Level where none is set.
const DEFAULT_LEVEL: f64 = 0.95;
/// Least share of resamples in which a metric must be defined for an interval of it: the interval
/// speaks only of those resamples, and with fewer it would speak of a minority.
const LEAST_DEFINED: f64 = 0.5;

/// How resampling goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BootstrapSettings {
    /// How many resamples; 0 for no intervals.
    pub resamples: usize,
    /// Of the random numbers.
    pub seed: u64,
    /// Share of the distribution within the interval.
    pub level: f64,
    /// Threads, which change nothing but the time.
    pub threads: NonZeroUsize,
}

impl Default for BootstrapSettings {
    fn default() -> Self {
        Self {
            resamples: DEFAULT_RESAMPLES,
            seed: 0,
            level: DEFAULT_LEVEL,
            threads: NonZeroUsize::MIN,
        }
    }
}

/// What resamples say of one statistic.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Resampled {
    /// Lower and upper end. `None` without resamples, and where the statistic is defined in less than
    /// half of them.
    pub interval: Option<(f64, f64)>,
    /// Resamples in which the statistic has no value; the interval is of the others.
    pub undefined: usize,
}

/// Resamples `patients` and summarises each statistic. `statistics` is given how often each patient
/// is drawn and answers with the same number of values each time.
///
/// # Errors
/// A level that makes no sense, a thread that ended early.
pub fn bootstrap(
    patients: usize,
    settings: &BootstrapSettings,
    statistics: impl Fn(&[u32]) -> Vec<Value> + Sync,
) -> Result<Vec<Resampled>, EvaluationError> {
    if !(settings.level > 0.0 && settings.level < 1.0) {
        return Err(EvaluationError::Setting {
            setting: "level",
            value: settings.level.to_string(),
            remedy: "give a share above 0 and below 1, as 0.95",
        });
    }
    let resamples = draw(patients, settings, &statistics)?;
    let Some(first) = resamples.first() else {
        return Ok(Vec::new());
    };
    let summary = |statistic: usize| {
        let values = resamples.iter().filter_map(|values| values.get(statistic));
        summarise(values.filter_map(|value| value.ok()).collect(), settings)
    };
    Ok((0..first.len()).map(summary).collect())
}

/// The statistics of each resample, in the order of resamples.
fn draw(
    patients: usize,
    settings: &BootstrapSettings,
    statistics: &(impl Fn(&[u32]) -> Vec<Value> + Sync),
) -> Result<Vec<Vec<Value>>, EvaluationError> {
    let stretch = |from: usize, to: usize| {
        let mut counts = vec![0; patients];
        let one = |resample: usize| {
            resampled(settings.seed, resample, &mut counts);
            statistics(&counts)
        };
        (from..to).map(one).collect::<Vec<_>>()
    };
    let threads = settings.threads.get().min(settings.resamples.max(1));
    if threads == 1 {
        return Ok(stretch(0, settings.resamples));
    }
    let share = settings.resamples.div_ceil(threads);
    let cut = |thread: usize| (thread * share).min(settings.resamples);
    std::thread::scope(|scope| {
        let stretch = &stretch;
        let workers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || stretch(cut(thread), cut(thread + 1))))
            .collect();
        let mut all = Vec::with_capacity(settings.resamples);
        for worker in workers {
            all.extend(worker.join().map_err(|_| EvaluationError::Worker)?);
        }
        Ok(all)
    })
}

/// Draws as many patients as there are, with repeats.
fn resampled(seed: u64, resample: usize, counts: &mut [u32]) {
    counts.fill(0);
    let mut random = Random::new(seed, resample as u64);
    for _ in 0..counts.len() {
        counts[random.below(counts.len())] += 1;
    }
}

fn summarise(mut values: Vec<f64>, settings: &BootstrapSettings) -> Resampled {
    values.sort_by(f64::total_cmp);
    let defined = values.len();
    let enough = defined as f64 >= LEAST_DEFINED * settings.resamples as f64 && defined > 0;
    let tail = (1.0 - settings.level) / 2.0;
    let end = |share| quantile(defined as u64, share, |rank| values[rank as usize]);
    Resampled {
        interval: enough.then(|| (end(tail), end(1.0 - tail))),
        undefined: settings.resamples - defined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::undefined::Undefined;

    fn settings(resamples: usize, threads: usize) -> BootstrapSettings {
        BootstrapSettings {
            resamples,
            seed: 7,
            threads: NonZeroUsize::new(threads).unwrap(),
            ..BootstrapSettings::default()
        }
    }

    fn mean(counts: &[u32]) -> Vec<Value> {
        let sum: f64 = counts
            .iter()
            .enumerate()
            .map(|(row, count)| row as f64 * f64::from(*count))
            .sum();
        vec![Ok(sum / counts.len() as f64)]
    }

    #[test]
    fn threads_change_nothing() {
        let one = bootstrap(50, &settings(101, 1), mean).unwrap();
        for threads in [2, 3, 8, 200] {
            assert_eq!(bootstrap(50, &settings(101, threads), mean).unwrap(), one);
        }
    }

    #[test]
    fn the_interval_of_a_mean_is_about_normal() {
        let patients = 400;
        let found = bootstrap(patients, &settings(4_000, 2), mean).unwrap()[0];
        let (lower, upper) = found.interval.unwrap();
        // Standard deviation of 0..n over the root of n.
        let n = patients as f64;
        let half = 1.96 * ((n * n - 1.0) / 12.0 / n).sqrt();
        let centre = (n - 1.0) / 2.0;
        assert!((lower - (centre - half)).abs() < 0.06 * half, "{lower}");
        assert!((upper - (centre + half)).abs() < 0.06 * half, "{upper}");
        assert_eq!(found.undefined, 0);
    }

    #[test]
    fn every_resample_has_as_many_patients() {
        bootstrap(37, &settings(50, 1), |counts| {
            assert_eq!(counts.iter().sum::<u32>(), 37);
            Vec::new()
        })
        .unwrap();
    }

    #[test]
    fn undefined_resamples_are_counted() {
        // Defined where the first patient is drawn: about 63 % of resamples.
        let often = |counts: &[u32]| match counts[0] {
            0 => vec![Err(Undefined::NoEvents), Ok(1.0)],
            _ => vec![Ok(1.0), Err(Undefined::NoEvents)],
        };
        let found = bootstrap(100, &settings(1_000, 1), often).unwrap();
        assert_eq!(found[0].undefined + found[1].undefined, 1_000);
        assert!((300..440).contains(&found[0].undefined));
        assert!(found[0].interval.is_some());
        assert_eq!(found[1].interval, None);
    }

    #[test]
    fn none_are_wanted_or_the_level_is_wrong() {
        assert_eq!(bootstrap(5, &settings(0, 1), mean).unwrap(), []);
        for level in [0.0, 1.0, 95.0, f64::NAN] {
            let settings = BootstrapSettings {
                level,
                ..settings(5, 1)
            };
            assert!(bootstrap(5, &settings, mean).is_err());
        }
    }
}
