//! Outcomes, and the checks that they and the features must pass.

use ndarray::{ArrayRef2, Axis, CowArray, Ix2};

use super::cox::{self, Cox};
use super::design::Design;
use super::logistic::{Binary, Multinomial};
use super::settings::Ties;
use super::solver::Loss;
use crate::linear::LinearError;

/// What is learnt, one value for each row of features.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// Two classes: logistic regression.
    Binary(&'a [bool]),
    /// Several classes: multinomial logistic regression in the symmetric parametrisation, with
    /// coefficients for each class. With two classes it is not the model of [`Target::Binary`]: its
    /// penalty counts both sets.
    /// With lasso alone and an even number of classes a constant can be added to the coefficients of
    /// a column at no cost, so only the probabilities are unique.
    Classes {
        /// The class of each row, from 0.
        labels: &'a [usize],
        /// How many classes there are; each must occur.
        classes: usize,
    },
    /// Time to an event or to the end of observation: Cox's proportional hazards.
    Survival {
        /// Time at which observation begins, for delayed entry; else all are observed from 0 on.
        /// Somebody is at risk after the entry, up to and at the time.
        entries: Option<&'a [f64]>,
        /// Time of the event or of the end of observation.
        times: &'a [f64],
        /// Whether the event happened at that time.
        events: &'a [bool],
    },
}

/// What a model predicts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// Log odds of two classes.
    Binary,
    /// Logits of several classes, whose softmax are probabilities.
    Multinomial,
    /// Logarithm of the hazard relative to the baseline.
    Cox,
}

impl Family {
    /// A word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary logistic regression",
            Self::Multinomial => "multinomial logistic regression",
            Self::Cox => "Cox regression",
        }
    }
}

/// The loss of a target.
#[derive(Debug)]
pub(super) enum AnyLoss {
    Binary(Binary),
    Multinomial(Multinomial),
    Cox(Cox),
}

impl AnyLoss {
    pub(super) fn family(&self) -> Family {
        match self {
            Self::Binary(_) => Family::Binary,
            Self::Multinomial(_) => Family::Multinomial,
            Self::Cox(_) => Family::Cox,
        }
    }

    pub(super) fn loss(&self) -> &dyn Loss {
        match self {
            Self::Binary(loss) => loss,
            Self::Multinomial(loss) => loss,
            Self::Cox(loss) => loss,
        }
    }
}

/// Checked rows of a weight above 0.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub(super) design: Design<'a>,
    pub(super) loss: AnyLoss,
    pub(super) total_weight: f64,
}

impl<'a> Problem<'a> {
    pub(super) fn new(
        features: &'a ArrayRef2<f64>,
        target: &Target<'_>,
        weights: Option<&[f64]>,
        ties: Ties,
    ) -> Result<Self, LinearError> {
        let rows = features.nrows();
        check_features(features)?;
        check_lengths(rows, target, weights)?;
        let mut kept: Vec<usize> = (0..rows).collect();
        if let Some(weights) = weights {
            let bad = |weight: &f64| !(weight.is_finite() && *weight >= 0.0);
            if let Some(row) = weights.iter().position(bad) {
                return Err(LinearError::Weight { row });
            }
            kept.retain(|row| weights[*row] > 0.0);
        }
        if kept.is_empty() {
            return Err(LinearError::Outcome {
                problem: "there is no row of a weight above 0 to train on".to_owned(),
                remedy: "give more rows",
            });
        }
        check_target(target, &kept)?;
        if let Target::Survival { times, events, .. } = target {
            let order = cox::order(&pick(times, &kept), &pick(events, &kept));
            kept = order.into_iter().map(|row| kept[row]).collect();
        }
        let mut own: Vec<f64> = kept
            .iter()
            .map(|row| weights.map_or(1.0, |weights| weights[*row]))
            .collect();
        // Their order is that of the rows, so the same rows have the same total.
        let total_weight: f64 = own.iter().sum();
        for weight in &mut own {
            *weight /= total_weight;
        }
        let in_order = kept.len() == rows && kept.iter().enumerate().all(|(to, from)| to == *from);
        let features: CowArray<'a, f64, Ix2> = if in_order {
            features.view().into()
        } else {
            features.select(Axis(0), &kept).into()
        };
        let (loss, outputs) = match target {
            Target::Binary(outcomes) => {
                (AnyLoss::Binary(Binary::new(pick(outcomes, &kept), own)), 1)
            }
            Target::Classes { labels, classes } => {
                let loss = Multinomial::new(pick(labels, &kept), *classes, own);
                (AnyLoss::Multinomial(loss), *classes)
            }
            Target::Survival {
                entries,
                times,
                events,
            } => {
                let entries = entries.map(|entries| pick(entries, &kept));
                let (times, events) = (pick(times, &kept), pick(events, &kept));
                let loss = Cox::new(
                    times,
                    events,
                    entries.as_deref(),
                    own,
                    total_weight.ln(),
                    ties,
                );
                (AnyLoss::Cox(loss), 1)
            }
        };
        let intercept = loss.family() != Family::Cox;
        Ok(Self {
            design: Design::new(features, intercept, outputs),
            loss,
            total_weight,
        })
    }
}

fn pick<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|row| values[*row]).collect()
}

/// Refuses features that are not finite.
pub(super) fn check_features(features: &ArrayRef2<f64>) -> Result<(), LinearError> {
    match features
        .indexed_iter()
        .find(|(_, value)| !value.is_finite())
    {
        Some(((row, column), _)) => Err(LinearError::Feature { column, row }),
        None => Ok(()),
    }
}

fn check_lengths(
    rows: usize,
    target: &Target<'_>,
    weights: Option<&[f64]>,
) -> Result<(), LinearError> {
    let mut lengths = vec![("weights", weights.map_or(rows, <[f64]>::len))];
    match target {
        Target::Binary(outcomes) => lengths.push(("outcomes", outcomes.len())),
        Target::Classes { labels, .. } => lengths.push(("labels", labels.len())),
        Target::Survival {
            entries,
            times,
            events,
        } => {
            lengths.push(("times", times.len()));
            lengths.push(("events", events.len()));
            lengths.push(("entries", entries.map_or(rows, <[f64]>::len)));
        }
    }
    match lengths.into_iter().find(|(_, found)| *found != rows) {
        Some((what, found)) => Err(LinearError::Length { what, found, rows }),
        None => Ok(()),
    }
}

fn check_target(target: &Target<'_>, kept: &[usize]) -> Result<(), LinearError> {
    let constant = |problem: String| {
        Err(LinearError::Outcome {
            problem,
            remedy: "train on rows of both outcomes, of a weight above 0",
        })
    };
    match target {
        Target::Binary(outcomes) => {
            for (value, word) in [(true, "positive"), (false, "negative")] {
                if kept.iter().all(|row| outcomes[*row] != value) {
                    return constant(format!("no row has the {word} outcome"));
                }
            }
            Ok(())
        }
        Target::Classes { labels, classes } => check_labels(labels, *classes, kept),
        Target::Survival {
            entries,
            times,
            events,
        } => {
            for row in kept {
                check_time(*row, times[*row], entries.map(|entries| entries[*row]))?;
            }
            if kept.iter().all(|row| !events[*row]) {
                return Err(LinearError::Outcome {
                    problem: "no row has an event".to_owned(),
                    remedy: "train on rows with events, of a weight above 0",
                });
            }
            Ok(())
        }
    }
}

fn check_labels(labels: &[usize], classes: usize, kept: &[usize]) -> Result<(), LinearError> {
    let mut seen = vec![false; classes];
    for row in kept {
        let label = labels[*row];
        match seen.get_mut(label) {
            Some(seen) => *seen = true,
            None => {
                return Err(LinearError::Class {
                    row: *row,
                    label,
                    classes,
                });
            }
        }
    }
    if classes < 2 {
        return Err(LinearError::Outcome {
            problem: format!("there is {classes} class"),
            remedy: "give at least two classes",
        });
    }
    match seen.iter().position(|seen| !seen) {
        Some(class) => Err(LinearError::Outcome {
            problem: format!("no row has class {class} of {classes}"),
            remedy: "leave the class out or train on rows of it, of a weight above 0",
        }),
        None => Ok(()),
    }
}

fn check_time(row: usize, time: f64, entry: Option<f64>) -> Result<(), LinearError> {
    let refuse = |problem, remedy| {
        Err(LinearError::Time {
            row,
            problem,
            remedy,
        })
    };
    if !(time.is_finite() && time >= 0.0) {
        return refuse(
            "a time that is negative or not finite",
            "give times of 0 or more",
        );
    }
    match entry {
        Some(entry) if !(entry.is_finite() && entry >= 0.0) => refuse(
            "an entry that is negative or not finite",
            "give entries of 0 or more",
        ),
        Some(entry) if entry >= time => refuse(
            "an entry that is not before its time",
            "leave out rows that were never observed",
        ),
        _ => Ok(()),
    }
}
