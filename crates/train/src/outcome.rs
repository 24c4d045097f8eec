//! What is predicted: read from the table, with reasons where it cannot be learned.

use std::collections::BTreeSet;

use varisk_core::Covariate;

use crate::cohort::text;
use crate::{Cohort, OutcomeSpec, TrainError};

/// A class with fewer rows than this cannot be in training and test of every fold.
const LEAST_ROWS: usize = 10;

/// The outcome of each row.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Whether it happens.
    Binary(Vec<bool>),
    /// Index of the class.
    Classes {
        /// One for each row.
        labels: Vec<usize>,
        /// Their names.
        names: Vec<String>,
    },
    /// Time of the event or of the end of observation.
    Survival {
        /// Greater than 0.
        times: Vec<f64>,
        /// Whether the event happened then.
        events: Vec<bool>,
    },
}

impl Target {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Binary(happens) => happens.len(),
            Self::Classes { labels, .. } => labels.len(),
            Self::Survival { times, .. } => times.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers that a model of it gives.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match self {
            Self::Classes { names, .. } => names.len(),
            _ => 1,
        }
    }

    /// What folds are balanced by: the class, or whether the event happened.
    #[must_use]
    pub fn strata(&self) -> Vec<usize> {
        match self {
            Self::Binary(happens) => happens.iter().map(|own| usize::from(*own)).collect(),
            Self::Classes { labels, .. } => labels.clone(),
            Self::Survival { events, .. } => events.iter().map(|own| usize::from(*own)).collect(),
        }
    }

    /// The same of some rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        fn of<T: Copy>(all: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter()
                .filter_map(|row| all.get(*row).copied())
                .collect()
        }
        match self {
            Self::Binary(happens) => Self::Binary(of(happens, rows)),
            Self::Classes { labels, names } => Self::Classes {
                labels: of(labels, rows),
                names: names.clone(),
            },
            Self::Survival { times, events } => Self::Survival {
                times: of(times, rows),
                events: of(events, rows),
            },
        }
    }
}

/// The outcome of a cohort.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Rows of the cohort that have one.
    pub rows: Vec<usize>,
    /// Theirs, in this order.
    pub target: Target,
    /// Rows that have none.
    pub without: usize,
}

impl OutcomeSpec {
    /// Columns that it is read from.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Self::Binary { column, .. } | Self::Classes { column, .. } => vec![column],
            Self::Survival { time, event, .. } => vec![time, event],
        }
    }

    /// Reads the outcome of each patient.
    ///
    /// # Errors
    /// A column is missing, a cell is none of those named, a time is not greater than 0, nothing or
    /// everything happens, or a class is too rare to be tested.
    pub fn read(&self, cohort: &Cohort) -> Result<Outcome, TrainError> {
        for name in self.columns() {
            if !cohort.columns.iter().any(|column| column == name) {
                return Err(self.refuse("is not in the table; correct [outcome]".to_owned(), name));
            }
        }
        let outcome = match self {
            Self::Binary {
                column,
                positive,
                negative,
            } => self.binary(cohort, column, positive, negative.as_deref())?,
            Self::Classes { column, classes } => {
                self.classes(cohort, column, classes.as_deref())?
            }
            Self::Survival { .. } => self.survival(cohort)?,
        };
        if outcome.rows.is_empty() {
            let name = self.columns()[0].to_owned();
            return Err(self.refuse(
                "is missing in every patient; give a table with outcomes".to_owned(),
                &name,
            ));
        }
        self.check(&outcome.target)?;
        Ok(outcome)
    }

    fn refuse(&self, detail: String, column: &str) -> TrainError {
        TrainError::Outcome {
            column: column.to_owned(),
            detail,
        }
    }

    fn binary(
        &self,
        cohort: &Cohort,
        column: &str,
        positive: &[crate::Cell],
        negative: Option<&[crate::Cell]>,
    ) -> Result<Outcome, TrainError> {
        let mut rows = Vec::new();
        let mut happens = Vec::new();
        for row in 0..cohort.patients.len() {
            let Some(cell) = cohort.cell(row, column) else {
                continue;
            };
            let is_positive = positive.iter().any(|own| own.is(cell));
            let is_negative = negative.is_none_or(|cells| cells.iter().any(|own| own.is(cell)));
            if !is_positive && !is_negative {
                return Err(self.refuse(
                    format!("has a value in row {} that is neither positive nor negative; name it in one of these lists, or empty the cell", row + 1),
                    column,
                ));
            }
            rows.push(row);
            happens.push(is_positive);
        }
        Ok(Outcome {
            without: cohort.patients.len() - rows.len(),
            rows,
            target: Target::Binary(happens),
        })
    }

    fn classes(
        &self,
        cohort: &Cohort,
        column: &str,
        classes: Option<&[crate::Cell]>,
    ) -> Result<Outcome, TrainError> {
        let cells = |row: usize| cohort.cell(row, column);
        let names: Vec<String> = match classes {
            Some(classes) => classes.iter().map(crate::Cell::text).collect(),
            None => {
                let all: BTreeSet<String> = (0..cohort.patients.len())
                    .filter_map(|row| cells(row).map(text))
                    .collect();
                all.into_iter().collect()
            }
        };
        let mut rows = Vec::new();
        let mut labels = Vec::new();
        for row in 0..cohort.patients.len() {
            let Some(cell) = cells(row) else {
                continue;
            };
            let found = match classes {
                Some(classes) => classes.iter().position(|own| own.is(cell)),
                None => names.iter().position(|name| *name == text(cell)),
            };
            let found = found.ok_or_else(|| {
                self.refuse(
                    format!("has a value in row {} that is none of the classes; add it to outcome.classes, or empty the cell", row + 1),
                    column,
                )
            })?;
            rows.push(row);
            labels.push(found);
        }
        Ok(Outcome {
            without: cohort.patients.len() - rows.len(),
            rows,
            target: Target::Classes { labels, names },
        })
    }

    fn survival(&self, cohort: &Cohort) -> Result<Outcome, TrainError> {
        let Self::Survival {
            time,
            event,
            happened,
            horizons,
        } = self
        else {
            return Err(TrainError::Internal("an outcome without times"));
        };
        if horizons.is_empty() || horizons.iter().any(|own| !(own.is_finite() && *own > 0.0)) {
            return Err(self.refuse(
                "needs outcome.horizons: one or more times greater than 0 at which the risk is given out".to_owned(),
                time,
            ));
        }
        let mut rows = Vec::new();
        let (mut times, mut events) = (Vec::new(), Vec::new());
        for row in 0..cohort.patients.len() {
            let (Some(own_time), Some(own_event)) =
                (cohort.cell(row, time), cohort.cell(row, event))
            else {
                continue;
            };
            let Covariate::Number(own_time) = own_time else {
                return Err(self.refuse(
                    format!("holds text in row {}; times are numbers", row + 1),
                    time,
                ));
            };
            if *own_time <= 0.0 {
                return Err(self.refuse(
                    format!(
                        "is not greater than 0 in row {}; correct it, or empty the cell",
                        row + 1
                    ),
                    time,
                ));
            }
            rows.push(row);
            times.push(*own_time);
            events.push(happened.iter().any(|own| own.is(own_event)));
        }
        let last = times.iter().copied().fold(0.0, f64::max);
        if let Some(beyond) = horizons
            .iter()
            .find(|own| !times.is_empty() && **own > last)
        {
            // The last time is that of a patient, and is not told.
            return Err(self.refuse(
                format!("ends before the horizon {beyond}, so nothing is known of it; give earlier horizons"),
                time,
            ));
        }
        Ok(Outcome {
            without: cohort.patients.len() - rows.len(),
            rows,
            target: Target::Survival { times, events },
        })
    }

    /// Whether every class is there often enough.
    fn check(&self, target: &Target) -> Result<(), TrainError> {
        let strata = target.strata();
        let name = self
            .columns()
            .last()
            .copied()
            .unwrap_or_default()
            .to_owned();
        let classes = match target {
            Target::Classes { names, .. } => names.len(),
            _ => 2,
        };
        let mut counts = vec![0_usize; classes];
        for own in strata {
            if let Some(count) = counts.get_mut(own) {
                *count += 1;
            }
        }
        let of_class = |class: usize| match target {
            Target::Classes { names, .. } => format!("the class '{}'", names[class]),
            Target::Binary(_) if class == 1 => "the positive class".to_owned(),
            Target::Binary(_) => "the negative class".to_owned(),
            Target::Survival { .. } if class == 1 => "the event".to_owned(),
            Target::Survival { .. } => "the end of observation".to_owned(),
        };
        if counts.iter().filter(|count| **count > 0).count() < 2
            && !matches!(target, Target::Survival { .. })
        {
            return Err(self.refuse(
                "is the same in every patient, so there is nothing to learn; correct the column or the lists of values".to_owned(),
                &name,
            ));
        }
        for (class, count) in counts.iter().enumerate() {
            // Nobody needs to be censored.
            let needed = !(matches!(target, Target::Survival { .. }) && class == 0);
            if needed && *count < LEAST_ROWS {
                return Err(self.refuse(
                    format!(
                        "has {count} row(s) of {}; at least {LEAST_ROWS} are needed to learn and to test it: add patients, or merge classes",
                        of_class(class)
                    ),
                    &name,
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
