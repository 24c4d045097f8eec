//! Rows to learn from, and the checks that they must pass.

use ndarray::{ArrayRef2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::settings::{ClassWeights, Settings};
use crate::network::NetworkError;

/// Events of a batch on average, at least: below it many batches have none or one.
const EVENTS_PER_BATCH: f64 = 4.0;

/// What is learnt, one value for each row of features.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// Two classes.
    Binary(&'a [bool]),
    /// Several classes.
    Classes {
        /// The class of each row, from 0.
        labels: &'a [usize],
        /// How many classes there are; each must occur.
        classes: usize,
    },
    /// Time to an event or to the end of observation, from 0 on.
    Survival {
        /// Time of the event or of the end of observation.
        times: &'a [f64],
        /// Whether the event happened at that time.
        events: &'a [bool],
    },
}

/// What the raw output of a network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// One column: log odds. Their logistic function is a probability.
    Binary,
    /// A column for each class, whose softmax are probabilities.
    Classes(usize),
    /// One column: logarithm of the hazard relative to an unknown baseline, without a bias (Katzman
    /// et al. 2018, DeepSurv, BMC Med Res Methodol 18:24).
    Cox,
}

impl Family {
    /// Columns of the raw output.
    #[must_use]
    pub fn outputs(self) -> usize {
        match self {
            Self::Binary | Self::Cox => 1,
            Self::Classes(classes) => classes,
        }
    }

    /// Whether the loss depends on the level of the outputs. That of Cox does not, so its last bias
    /// stays 0: Adam would follow nothing but rounding errors, at full step.
    pub(super) fn has_level(self) -> bool {
        self != Self::Cox
    }
}

impl Target<'_> {
    /// What a network for it gives.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Binary(_) => Family::Binary,
            Self::Classes { classes, .. } => Family::Classes(*classes),
            Self::Survival { .. } => Family::Cox,
        }
    }

    /// The class of a row, 0 for survival.
    fn class(&self, row: usize) -> usize {
        match self {
            Self::Binary(outcomes) => usize::from(outcomes[row]),
            Self::Classes { labels, .. } => labels[row],
            Self::Survival { .. } => 0,
        }
    }
}

/// Rows to learn from or to validate with.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// A row for each patient, a column for each feature; finite, and standardised by the caller.
    pub features: ArrayView2<'a, f32>,
    /// What is learnt.
    pub target: Target<'a>,
    /// Weight of each row; all 1 if not given. Rows of weight 0 are absent. Only their ratios matter.
    pub weights: Option<&'a [f64]>,
}

/// Rows that passed the checks, with weights whose mean is 1.
pub(super) struct Checked<'a> {
    pub(super) features: ArrayView2<'a, f32>,
    pub(super) target: Target<'a>,
    /// Weight of each row, of classes too.
    weights: Vec<f64>,
    /// Rows of a weight above 0.
    pub(super) present: Vec<u32>,
}

/// Weight of each class.
pub(super) type OfClasses = Vec<f64>;

impl<'a> Rows<'a> {
    /// Checks rows, and finds the weights of classes.
    pub(super) fn check_training(
        &self,
        settings: &Settings,
    ) -> Result<(Checked<'a>, OfClasses), NetworkError> {
        let weights = self.check("training")?;
        self.check_outcome("training", &weights)?;
        self.check_batches(settings, &weights)?;
        let of_classes = self.class_weights(settings, &weights)?;
        Ok((self.weigh("training", &of_classes, weights)?, of_classes))
    }

    /// Checks rows for a network of this family, features and weights of classes.
    pub(super) fn check_validation(
        &self,
        training: &Checked<'_>,
        of_classes: &OfClasses,
    ) -> Result<Checked<'a>, NetworkError> {
        if self.target.family() != training.target.family() {
            return Err(NetworkError::ValidationOutcome);
        }
        if self.features.ncols() != training.features.ncols() {
            return Err(NetworkError::Columns {
                found: self.features.ncols(),
                expected: training.features.ncols(),
            });
        }
        let weights = self.check("validation")?;
        // The loss of a single class is well defined; that of no event is not.
        if matches!(self.target, Target::Survival { .. }) {
            self.check_outcome("validation", &weights)?;
        }
        self.weigh("validation", of_classes, weights)
    }

    /// Checks shapes, features, outcomes and weights, which are given back.
    fn check(&self, data: &'static str) -> Result<Vec<f64>, NetworkError> {
        let (rows, columns) = self.features.dim();
        if rows == 0 || columns == 0 {
            return Err(NetworkError::Empty {
                data,
                rows,
                columns,
            });
        }
        if u32::try_from(rows).is_err() {
            return Err(NetworkError::TooManyRows {
                rows,
                most: u32::MAX as usize,
            });
        }
        self.check_lengths(rows)?;
        check_finite(&self.features)?;
        self.check_values()?;
        let weights = self
            .weights
            .map_or_else(|| vec![1.0; rows], <[f64]>::to_vec);
        let wrong = |weight: &f64| !weight.is_finite() || *weight < 0.0;
        match weights.iter().position(wrong) {
            Some(row) => Err(NetworkError::Weight { row }),
            None => Ok(weights),
        }
    }

    fn check_lengths(&self, rows: usize) -> Result<(), NetworkError> {
        let same = |what, found| {
            if found == rows {
                return Ok(());
            }
            Err(NetworkError::Length { what, found, rows })
        };
        match self.target {
            Target::Binary(outcomes) => same("outcomes", outcomes.len())?,
            Target::Classes { labels, .. } => same("labels", labels.len())?,
            Target::Survival { times, events } => {
                same("times", times.len())?;
                same("events", events.len())?;
            }
        }
        self.weights
            .map_or(Ok(()), |weights| same("weights", weights.len()))
    }

    fn check_values(&self) -> Result<(), NetworkError> {
        match self.target {
            Target::Binary(_) => Ok(()),
            Target::Classes { labels, classes } => {
                match labels.iter().position(|label| *label >= classes) {
                    None => Ok(()),
                    Some(row) => Err(NetworkError::Class {
                        row,
                        label: labels[row],
                        classes,
                    }),
                }
            }
            Target::Survival { times, .. } => {
                let wrong = |time: &f64| !time.is_finite() || *time < 0.0;
                match times.iter().position(wrong) {
                    None => Ok(()),
                    Some(row) => Err(NetworkError::Time {
                        row,
                        problem: "a time that is negative or not finite",
                        remedy: "give times from 0 on, in one unit",
                    }),
                }
            }
        }
    }

    /// Refuses outcomes that do not vary among the rows of a weight above 0.
    fn check_outcome(&self, data: &str, weights: &[f64]) -> Result<(), NetworkError> {
        let present = |row: &usize| weights[*row] > 0.0;
        let rows = || (0..weights.len()).filter(present);
        let absent = match self.target {
            Target::Binary(outcomes) => [true, false]
                .into_iter()
                .find(|class| !rows().any(|row| outcomes[row] == *class))
                .map(|class| if class { "cases" } else { "controls" }.to_owned()),
            Target::Classes { labels, classes } => {
                if classes < 2 {
                    return Err(NetworkError::Outcome {
                        problem: format!("there are {classes} classes"),
                        remedy: "give at least two",
                    });
                }
                let mut seen = vec![false; classes];
                rows().for_each(|row| seen[labels[row]] = true);
                let missing = seen.iter().position(|seen| !seen);
                missing.map(|class| format!("rows of class {class}"))
            }
            Target::Survival { events, .. } => {
                let any = rows().any(|row| events[row]);
                (!any).then(|| "events".to_owned())
            }
        };
        absent.map_or(Ok(()), |what| {
            Err(NetworkError::Outcome {
                problem: format!("the {data} data have no {what} of a weight above 0"),
                remedy: "give rows of each outcome",
            })
        })
    }

    /// Refuses batches that teach little of survival: without events, or with one whose risk set is a
    /// few rows.
    fn check_batches(&self, settings: &Settings, weights: &[f64]) -> Result<(), NetworkError> {
        let Target::Survival { events, .. } = self.target else {
            return Ok(());
        };
        let present = weights
            .iter()
            .zip(events)
            .filter(|(weight, _)| **weight > 0.0);
        let (rows, events) = present.fold((0_usize, 0_usize), |(rows, events), (_, event)| {
            (rows + 1, events + usize::from(*event))
        });
        let batch = settings.batch_size;
        if batch >= rows || batch as f64 * events as f64 >= EVENTS_PER_BATCH * rows as f64 {
            return Ok(());
        }
        Err(NetworkError::Setting {
            setting: "batch_size",
            value: batch.to_string(),
            remedy: "batches have fewer than 4 events on average, so raise it",
        })
    }

    /// The weight of each class: total / (classes x weight of the class), as scikit-learn's `balanced`.
    fn class_weights(
        &self,
        settings: &Settings,
        weights: &[f64],
    ) -> Result<OfClasses, NetworkError> {
        let classes = match self.target.family() {
            Family::Binary => 2,
            Family::Classes(classes) => classes,
            Family::Cox => 1,
        };
        if settings.class_weights == ClassWeights::None {
            return Ok(vec![1.0; classes]);
        }
        if classes == 1 {
            return Err(NetworkError::Setting {
                setting: "class_weights",
                value: "balanced".to_owned(),
                remedy: "survival has no classes, so set it to none",
            });
        }
        let mut sums = vec![0.0; classes];
        for (row, weight) in weights.iter().enumerate() {
            sums[self.target.class(row)] += weight;
        }
        let total: f64 = sums.iter().sum();
        Ok(sums
            .iter()
            .map(|sum| total / (classes as f64 * sum))
            .collect())
    }

    /// Brings the mean weight of present rows to 1.
    fn weigh(
        &self,
        data: &str,
        of_classes: &OfClasses,
        mut weights: Vec<f64>,
    ) -> Result<Checked<'a>, NetworkError> {
        for (row, weight) in weights.iter_mut().enumerate() {
            *weight *= of_classes[self.target.class(row)];
        }
        let present: Vec<u32> = (0_u32..)
            .zip(&weights)
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(row, _)| row)
            .collect();
        let mean = weights.iter().sum::<f64>() / present.len() as f64;
        if !(mean > 0.0 && mean.is_finite()) {
            return Err(NetworkError::Outcome {
                problem: format!("the weights of the {data} data have no finite sum above 0"),
                remedy: "give weights of about 1",
            });
        }
        weights.iter_mut().for_each(|weight| *weight /= mean);
        Ok(Checked {
            features: self.features,
            target: self.target,
            weights,
            present,
        })
    }
}

/// Refuses features that are no finite numbers.
pub(super) fn check_finite(features: &ArrayRef2<f32>) -> Result<(), NetworkError> {
    for (row, values) in features.rows().into_iter().enumerate() {
        if let Some(column) = values.iter().position(|value| !value.is_finite()) {
            return Err(NetworkError::Feature { column, row });
        }
    }
    Ok(())
}

impl Checked<'_> {
    pub(super) fn weight(&self, row: u32) -> f64 {
        self.weights[row as usize]
    }
}
