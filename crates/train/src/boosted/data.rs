//! Rows to learn from, checked.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::boosted::BoostedError;

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// A binary outcome; raw output: log odds.
    Binary,
    /// One of several classes; raw output: a logit for each.
    Classes(usize),
    /// Time to an event, right-censored; raw output: log hazard, up to a constant.
    Survival,
    /// A number; raw output: the number.
    Number,
}

impl Family {
    /// Raw outputs of a row.
    #[must_use]
    pub fn outputs(self) -> usize {
        match self {
            Self::Classes(classes) => classes,
            Self::Binary | Self::Survival | Self::Number => 1,
        }
    }
}

/// Outcomes, one for each row.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// Whether each row has the outcome.
    Binary(&'a [bool]),
    /// The class of each row, counted from 0.
    Classes {
        /// Number of classes, at least 2.
        classes: usize,
        /// The class of each row.
        labels: &'a [usize],
    },
    /// Follow-up of each row, with whether it ended in the event.
    Survival {
        /// Time to event or censoring, at least 0.
        times: &'a [f64],
        /// Whether the event happened then.
        events: &'a [bool],
    },
    /// A number for each row.
    Number(&'a [f64]),
}

impl Target<'_> {
    /// The family of models for such outcomes.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Binary(_) => Family::Binary,
            Self::Classes { classes, .. } => Family::Classes(*classes),
            Self::Survival { .. } => Family::Survival,
            Self::Number(_) => Family::Number,
        }
    }
}

/// Rows to learn from or to validate on.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// Features, rows by columns; NaN where missing, never infinite.
    pub features: ArrayView2<'a, f32>,
    /// Outcomes.
    pub target: Target<'a>,
    /// Weights of 0 or more; 1 for each row if absent. Only their ratios matter.
    pub weights: Option<&'a [f64]>,
}

impl Data<'_> {
    /// Refuses what cannot be learnt from or, of `validation` data, what has no loss.
    pub(crate) fn check(&self, validation: bool) -> Result<(), BoostedError> {
        let (rows, columns) = self.features.dim();
        if rows == 0 || columns == 0 {
            return Err(BoostedError::Empty {
                data: if validation { "validation" } else { "training" },
                rows,
                columns,
            });
        }
        let most = u32::MAX as usize;
        if rows > most {
            return Err(BoostedError::TooManyRows { rows, most });
        }
        for ((row, column), value) in self.features.indexed_iter() {
            if value.is_infinite() {
                return Err(BoostedError::Infinite { column, row });
            }
        }
        if let Some(weights) = self.weights {
            same_length("weights", weights.len(), rows)?;
            let wrong = |weight: &f64| !(*weight >= 0.0 && weight.is_finite());
            if let Some(row) = weights.iter().position(wrong) {
                return Err(BoostedError::Weight { row });
            }
            if !weights.iter().any(|weight| *weight > 0.0) {
                return Err(outcome(
                    "every row has a weight of 0",
                    "give weights above 0",
                ));
            }
        }
        self.check_target(rows, validation)
    }

    fn check_target(&self, rows: usize, validation: bool) -> Result<(), BoostedError> {
        let counts = |row: &usize| self.weights.is_none_or(|weights| weights[*row] > 0.0);
        let used = || (0..rows).filter(counts);
        match self.target {
            Target::Binary(outcomes) => {
                same_length("outcomes", outcomes.len(), rows)?;
                let with = used().filter(|row| outcomes[*row]).count();
                if !validation && (with == 0 || with == used().count()) {
                    return Err(outcome(
                        "all rows of a weight above 0 have the same outcome",
                        "give rows with and without it",
                    ));
                }
            }
            Target::Classes { classes, labels } => {
                same_length("classes", labels.len(), rows)?;
                if classes < 2 {
                    return Err(outcome(
                        format!("the outcome has {classes} classes"),
                        "give at least 2",
                    ));
                }
                if let Some(row) = labels.iter().position(|label| *label >= classes) {
                    return Err(BoostedError::Class {
                        row,
                        label: labels[row],
                        classes,
                    });
                }
                let mut seen = vec![false; classes];
                for row in used() {
                    seen[labels[row]] = true;
                }
                if let Some(class) = seen.iter().position(|seen| !seen).filter(|_| !validation) {
                    return Err(outcome(
                        format!("class {class} (counted from 0) has no row of a weight above 0"),
                        "leave out that class or give rows of it",
                    ));
                }
            }
            Target::Survival { times, events } => {
                same_length("times", times.len(), rows)?;
                same_length("events", events.len(), rows)?;
                let wrong = |time: &f64| !(*time >= 0.0 && time.is_finite());
                if let Some(row) = times.iter().position(wrong) {
                    return Err(BoostedError::Time {
                        row,
                        problem: "a time that is negative or not finite",
                        remedy: "give times of 0 or more",
                    });
                }
                if !used().any(|row| events[row]) {
                    return Err(outcome(
                        "no row of a weight above 0 has the event",
                        "give rows with it",
                    ));
                }
            }
            Target::Number(numbers) => {
                same_length("numbers", numbers.len(), rows)?;
                if let Some(row) = numbers.iter().position(|number| !number.is_finite()) {
                    return Err(BoostedError::Number { row });
                }
                let mut values = used().map(|row| numbers[row]);
                let first = values.next();
                if !validation && values.all(|value| Some(value) == first) {
                    return Err(outcome(
                        "all rows of a weight above 0 have the same number",
                        "give rows that differ",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Weights of a mean of 1 over the rows that count, so that settings mean the same whatever their
    /// scale.
    pub(crate) fn scaled_weights(&self) -> Vec<f64> {
        let Some(weights) = self.weights else {
            return vec![1.0; self.features.nrows()];
        };
        // The largest is divided out first, for sums of very large weights overflow.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let shares: Vec<f64> = weights.iter().map(|weight| weight / largest).collect();
        let positive = shares.iter().filter(|share| **share > 0.0).count();
        let mean = shares.iter().sum::<f64>() / positive as f64;
        shares.iter().map(|share| share / mean).collect()
    }
}

fn same_length(what: &'static str, found: usize, rows: usize) -> Result<(), BoostedError> {
    if found == rows {
        return Ok(());
    }
    Err(BoostedError::Length { what, found, rows })
}

fn outcome(problem: impl Into<String>, remedy: &'static str) -> BoostedError {
    BoostedError::Outcome {
        problem: problem.into(),
        remedy,
    }
}
