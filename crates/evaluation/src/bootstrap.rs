//! Percentile intervals from resamples of patients (Efron and Tibshirani 1993, chapter 13).
//!
//! A resample is a count for each patient, so nothing is copied or sorted again. Each one has a random
//! stream of its own: results depend on the seed, not on the threads.
//!
//! Patients who resemble each other, as relatives or patients of one hospital do, are no independent
//! draws, and resampled one by one they make intervals too narrow. Given their clusters, whole clusters
//! are drawn, as many as there are, each with all of its patients (Davison and Hinkley 1997, Bootstrap
//! Methods and their Application, section 3.8).

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use crate::error::{self, EvaluationError};
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
pub struct BootstrapSettings<'a> {
    /// How many resamples; 0 for no intervals.
    pub resamples: usize,
    /// Of the random numbers.
    pub seed: u64,
    /// Share of the distribution within the interval.
    pub level: f64,
    /// Threads, which change nothing but the time.
    pub threads: NonZeroUsize,
    /// The cluster of each patient, any number that all of its patients share; `None` where patients
    /// are resampled one by one.
    pub clusters: Option<&'a [usize]>,
}

impl Default for BootstrapSettings<'_> {
    fn default() -> Self {
        Self {
            resamples: DEFAULT_RESAMPLES,
            seed: 0,
            level: DEFAULT_LEVEL,
            threads: NonZeroUsize::MIN,
            clusters: None,
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
/// A level that makes no sense, clusters of another number of patients or a single one, a thread that
/// ended early.
pub fn bootstrap(
    patients: usize,
    settings: &BootstrapSettings<'_>,
    statistics: impl Fn(&[u32]) -> Vec<Value> + Sync,
) -> Result<Vec<Resampled>, EvaluationError> {
    if !(settings.level > 0.0 && settings.level < 1.0) {
        return Err(EvaluationError::Setting {
            setting: "level",
            value: settings.level.to_string(),
            remedy: "give a share above 0 and below 1, as 0.95",
        });
    }
    let units = match settings.clusters {
        None => Units::Patients(patients),
        Some(clusters) => Units::of_clusters(clusters, patients)?,
    };
    let resamples = draw(&units, settings, &statistics)?;
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
    units: &Units,
    settings: &BootstrapSettings<'_>,
    statistics: &(impl Fn(&[u32]) -> Vec<Value> + Sync),
) -> Result<Vec<Vec<Value>>, EvaluationError> {
    let stretch = |from: usize, to: usize| {
        let one = |resample: usize| {
            let mut random = Random::new(settings.seed, resample as u64);
            statistics(&units.resampled(&mut random))
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

/// What is drawn.
enum Units {
    /// Each of so many patients.
    Patients(usize),
    /// Clusters: that of each patient, numbered in the order of their first patients, and how many
    /// there are.
    Clusters(Vec<usize>, usize),
}

impl Units {
    fn of_clusters(clusters: &[usize], patients: usize) -> Result<Self, EvaluationError> {
        error::same_length("the column of clusters", clusters.len(), patients)?;
        // In the order of the rows, so that clusters of one patient are drawn as patients are.
        let mut numbers = BTreeMap::new();
        let number = |cluster: &usize| {
            let next = numbers.len();
            *numbers.entry(*cluster).or_insert(next)
        };
        let own: Vec<usize> = clusters.iter().map(number).collect();
        if numbers.len() < 2 {
            // Every resample would be the same, and every interval a point.
            return Err(EvaluationError::Setting {
                setting: "clusters",
                value: "the same for every patient".to_owned(),
                remedy: "give patients of two clusters or more, or resample patients",
            });
        }
        Ok(Self::Clusters(own, numbers.len()))
    }

    /// Draws as many as there are, with repeats: how often each patient is in it.
    fn resampled(&self, random: &mut Random) -> Vec<u32> {
        let units = match self {
            Self::Patients(units) | Self::Clusters(_, units) => *units,
        };
        let mut drawn = vec![0; units];
        for _ in 0..units {
            drawn[random.below(units)] += 1;
        }
        match self {
            Self::Patients(_) => drawn,
            Self::Clusters(clusters, _) => clusters.iter().map(|own| drawn[*own]).collect(),
        }
    }
}

fn summarise(mut values: Vec<f64>, settings: &BootstrapSettings<'_>) -> Resampled {
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

    fn settings(resamples: usize, threads: usize) -> BootstrapSettings<'static> {
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

    fn clustered(clusters: &[usize], threads: usize) -> Result<Resampled, EvaluationError> {
        let settings = BootstrapSettings {
            clusters: Some(clusters),
            ..settings(2_000, threads)
        };
        // The mean of rows that are drawn, whose number differs from resample to resample.
        let mean = |counts: &[u32]| {
            let drawn: u32 = counts.iter().sum();
            let pairs = counts.iter().enumerate();
            let sum: f64 = pairs.map(|(row, own)| row as f64 * f64::from(*own)).sum();
            vec![Ok(sum / f64::from(drawn))]
        };
        Ok(bootstrap(clusters.len(), &settings, mean)?[0])
    }

    fn width(resampled: Resampled) -> f64 {
        let (lower, upper) = resampled.interval.unwrap();
        upper - lower
    }

    #[test]
    fn clusters_of_one_patient_are_patients() {
        // Whatever their numbers are.
        let clusters: Vec<usize> = (0..50).map(|row| 1_000 - 3 * row).collect();
        let plain = bootstrap(50, &settings(2_000, 1), mean).unwrap();
        assert_eq!(clustered(&clusters, 1).unwrap(), plain[0]);
    }

    #[test]
    fn clusters_of_alike_patients_widen_the_interval() {
        // Rows are their own values, so that stretches of rows are alike.
        let patients = 400;
        let alone: Vec<usize> = (0..patients).collect();
        let alike: Vec<usize> = (0..patients).map(|row| row / 20).collect();
        let mixed: Vec<usize> = (0..patients).map(|row| row % 20).collect();
        let plain = width(clustered(&alone, 2).unwrap());
        // 20 independent values in place of 400: the root of 20 times as wide.
        let wide = width(clustered(&alike, 2).unwrap()) / plain;
        assert!((4.0..5.0).contains(&wide), "{wide}");
        // Clusters that all look alike say more than as many patients.
        let narrow = width(clustered(&mixed, 2).unwrap()) / plain;
        assert!(narrow < 0.5, "{narrow}");
        assert_eq!(clustered(&alike, 1), clustered(&alike, 3));
    }

    #[test]
    fn a_cluster_is_drawn_as_a_whole() {
        let clusters = [7, 3, 7, 5, 3, 7];
        let settings = BootstrapSettings {
            clusters: Some(&clusters),
            ..settings(100, 1)
        };
        bootstrap(6, &settings, |counts| {
            assert_eq!([counts[0], counts[0]], [counts[2], counts[5]]);
            assert_eq!(counts[1], counts[4]);
            assert_eq!(counts[0] + counts[1] + counts[3], 3);
            Vec::new()
        })
        .unwrap();
    }

    #[test]
    fn clusters_that_say_nothing_are_refused() {
        let refused = clustered(&[4; 30], 1).unwrap_err().to_string();
        assert!(refused.contains("two clusters or more"), "{refused}");
        let settings = BootstrapSettings {
            clusters: Some(&[0, 1]),
            ..settings(10, 1)
        };
        assert!(bootstrap(3, &settings, mean).is_err());
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
