//! What a model predicts from: which columns, numbers or categories, and what must not be among them.

use std::collections::{BTreeMap, BTreeSet};

use varisk_core::{Covariate, Sex};

use crate::cohort::text;
use crate::outcome::{Outcome, Target};
use crate::{Cohort, Predictors, TrainError};

/// The recorded sex is a column of its own kind.
pub(crate) const SEX: &str = "sex";
/// A text column with more values than this is a name, a date or free text, not a category.
const MOST_LEVELS: usize = 50;
/// With fewer rows than this a perfect predictor is no surprise.
const LEAKAGE_ROWS: usize = 30;

/// One predictor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predictor {
    /// Name of the column or feature.
    pub name: String,
    /// Where it comes from, and what it is.
    pub kind: PredictorKind,
    /// Whether a row of the table has no value.
    pub has_missing: bool,
}

/// What a predictor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PredictorKind {
    /// A column of numbers.
    Number,
    /// A column of categories, sorted.
    Category(Vec<String>),
    /// A feature of the run.
    Feature,
}

impl Predictor {
    /// The number of a row; categories have none.
    pub(crate) fn number(&self, cohort: &Cohort, row: usize) -> Option<f64> {
        match self.kind {
            PredictorKind::Number => match cohort.cell(row, &self.name)? {
                Covariate::Number(number) => Some(*number),
                Covariate::Text(_) => None,
            },
            PredictorKind::Feature => cohort.features.get(&self.name)?.get(row)?.ok(),
            PredictorKind::Category(_) => None,
        }
    }

    /// The text of a row of a category.
    pub(crate) fn level(&self, cohort: &Cohort, row: usize) -> Option<String> {
        level(cohort, row, &self.name)
    }
}

fn level(cohort: &Cohort, row: usize, name: &str) -> Option<String> {
    if name == SEX {
        return match cohort.patients.get(row)?.sex {
            Sex::Unknown => None,
            sex => Some(sex.name().to_owned()),
        };
    }
    cohort.cell(row, name).map(text)
}

impl Predictors {
    /// Chooses the predictors of a cohort. `taken` are columns of the outcome and of groups.
    ///
    /// # Errors
    /// A name is not there, a column has no value or holds numbers and text, a text column has too
    /// many values, nothing is left, or a column predicts the outcome perfectly.
    pub fn choose(
        &self,
        cohort: &Cohort,
        outcome: &Outcome,
        taken: &[&str],
    ) -> Result<Vec<Predictor>, TrainError> {
        let names = self.names(cohort, taken)?;
        let mut chosen = Vec::with_capacity(names.len());
        for (name, is_feature) in names {
            let predictor = self.predictor(cohort, outcome, &name, is_feature)?;
            if !self.trusted.contains(&predictor.name) {
                refuse_leakage(cohort, outcome, &predictor)?;
            }
            chosen.push(predictor);
        }
        if chosen.is_empty() {
            return Err(TrainError::NoPredictors);
        }
        Ok(chosen)
    }

    fn names(&self, cohort: &Cohort, taken: &[&str]) -> Result<Vec<(String, bool)>, TrainError> {
        let is_column = |name: &String| cohort.columns.contains(name);
        let feature_names: Vec<&str> = cohort.features.iter().map(|(name, _)| name).collect();
        let is_feature = |name: &String| feature_names.contains(&name.as_str());
        let named = [
            (&self.exclude, "predictors.exclude"),
            (&self.categorical, "predictors.categorical"),
            (&self.trusted, "predictors.trusted"),
        ];
        for (names, field) in named {
            if let Some(unknown) = names
                .iter()
                .find(|name| !is_column(name) && !is_feature(name))
            {
                return Err(TrainError::UnknownName {
                    field,
                    name: unknown.clone(),
                });
            }
        }
        let mut names = Vec::new();
        let columns = self.columns.as_ref().unwrap_or(&cohort.columns);
        for name in columns {
            if !is_column(name) {
                return Err(TrainError::UnknownName {
                    field: "predictors.columns",
                    name: name.clone(),
                });
            }
            let is_taken = taken.contains(&name.as_str());
            if is_taken && self.columns.is_some() {
                return Err(TrainError::Column {
                    column: name.clone(),
                    detail: "is the outcome or the group, so it cannot be a predictor; take it out of predictors.columns".to_owned(),
                });
            }
            if !is_taken && !self.exclude.contains(name) {
                names.push((name.clone(), false));
            }
        }
        let mut features = BTreeSet::new();
        match &self.features {
            None => features.extend(feature_names.iter().map(ToString::to_string)),
            Some(patterns) => {
                for pattern in patterns {
                    let found: Vec<_> = feature_names
                        .iter()
                        .filter(|name| matches(pattern, name))
                        .collect();
                    if found.is_empty() {
                        return Err(TrainError::UnknownName {
                            field: "predictors.features",
                            name: pattern.clone(),
                        });
                    }
                    features.extend(found.into_iter().map(ToString::to_string));
                }
            }
        }
        let kept = features
            .into_iter()
            .filter(|name| !self.exclude.contains(name));
        names.extend(kept.map(|name| (name, true)));
        Ok(names)
    }

    fn predictor(
        &self,
        cohort: &Cohort,
        outcome: &Outcome,
        name: &str,
        is_feature: bool,
    ) -> Result<Predictor, TrainError> {
        let refuse = |detail: String| TrainError::Column {
            column: name.to_owned(),
            detail,
        };
        let kind = if is_feature {
            PredictorKind::Feature
        } else if name == SEX || self.categorical.iter().any(|own| own == name) {
            self.categories(cohort, outcome, name)?
        } else {
            let cells = || {
                outcome
                    .rows
                    .iter()
                    .filter_map(|row| cohort.cell(*row, name))
            };
            let texts = cells()
                .filter(|cell| matches!(cell, Covariate::Text(_)))
                .count();
            if texts == 0 {
                PredictorKind::Number
            } else if texts < cells().count() {
                return Err(refuse(
                    "holds numbers and text; correct it, or name it in predictors.categorical or predictors.exclude".to_owned(),
                ));
            } else {
                self.categories(cohort, outcome, name)?
            }
        };
        let mut predictor = Predictor {
            name: name.to_owned(),
            kind,
            has_missing: false,
        };
        let present = outcome.rows.iter().filter(|row| match predictor.kind {
            PredictorKind::Category(_) => predictor.level(cohort, **row).is_some(),
            _ => predictor.number(cohort, **row).is_some(),
        });
        let present = present.count();
        if present == 0 {
            return Err(refuse(
                "has no value in any patient with an outcome; fill it in, or name it in predictors.exclude".to_owned(),
            ));
        }
        predictor.has_missing = present < outcome.rows.len();
        Ok(predictor)
    }

    fn categories(
        &self,
        cohort: &Cohort,
        outcome: &Outcome,
        name: &str,
    ) -> Result<PredictorKind, TrainError> {
        if name == SEX {
            let both = [Sex::Female, Sex::Male].map(|sex| sex.name().to_owned());
            return Ok(PredictorKind::Category(both.into()));
        }
        let levels = outcome
            .rows
            .iter()
            .filter_map(|row| level(cohort, *row, name));
        let levels: BTreeSet<String> = levels.collect();
        if levels.len() > MOST_LEVELS {
            return Err(TrainError::Column {
                column: name.to_owned(),
                detail: format!(
                    "has {} different texts, more than the {MOST_LEVELS} that a category may have; name it in predictors.exclude, or group its values",
                    levels.len()
                ),
            });
        }
        Ok(PredictorKind::Category(levels.into_iter().collect()))
    }
}

/// `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A column that tells the outcome without fail is most often the outcome under another name, or
/// something that is known only afterwards.
fn refuse_leakage(
    cohort: &Cohort,
    outcome: &Outcome,
    predictor: &Predictor,
) -> Result<(), TrainError> {
    if outcome.rows.len() < LEAKAGE_ROWS {
        return Ok(());
    }
    let strata = outcome.target.strata();
    let tells = match predictor.kind {
        PredictorKind::Category(_) => {
            let mut classes: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
            let mut rows = 0;
            for (row, class) in outcome.rows.iter().zip(&strata) {
                if let Some(level) = predictor.level(cohort, *row) {
                    classes.entry(level).or_default().insert(*class);
                    rows += 1;
                }
            }
            rows >= LEAKAGE_ROWS
                && classes.len() > 1
                && classes.len() * 3 <= rows
                && classes.values().all(|own| own.len() == 1)
                && classes.values().flatten().collect::<BTreeSet<_>>().len() > 1
        }
        _ => {
            let mut values: Vec<(f64, usize)> = outcome
                .rows
                .iter()
                .zip(&strata)
                .filter_map(|(row, class)| Some((predictor.number(cohort, *row)?, *class)))
                .collect();
            values.sort_by(|a, b| a.0.total_cmp(&b.0));
            values.len() >= LEAKAGE_ROWS
                && (separates(&values) || is_time(cohort, outcome, predictor))
        }
    };
    if tells {
        return Err(TrainError::Leakage {
            column: predictor.name.clone(),
        });
    }
    Ok(())
}

/// Whether each class has a stretch of its own on the sorted axis.
fn separates(values: &[(f64, usize)]) -> bool {
    let mut seen = BTreeSet::new();
    let mut last: Option<(f64, usize)> = None;
    for (value, class) in values {
        match last {
            Some((_, own)) if own == *class => {}
            Some((before, _)) if before == *value => return false,
            _ => {
                if !seen.insert(*class) {
                    return false;
                }
            }
        }
        last = Some((*value, *class));
    }
    seen.len() > 1
}

/// Whether a number is the time of a survival outcome, or a multiple of it.
fn is_time(cohort: &Cohort, outcome: &Outcome, predictor: &Predictor) -> bool {
    let Target::Survival { times, .. } = &outcome.target else {
        return false;
    };
    let mut pairs = outcome
        .rows
        .iter()
        .zip(times)
        .filter_map(|(row, time)| Some((predictor.number(cohort, *row)?, *time)));
    let Some((value, time)) = pairs.next() else {
        return false;
    };
    let factor = value / time;
    factor.is_finite()
        && factor != 0.0
        && pairs
            .all(|(value, time)| (value - factor * time).abs() <= 1e-3 * time.abs() * factor.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches("polygenic.*", "polygenic.PGS1.z"));
        assert!(matches("*.z", "polygenic.PGS1.z"));
        assert!(matches("polygenic.*.z", "polygenic.PGS1.z"));
        assert!(matches("a", "a"));
        assert!(!matches("a", "ab"));
        assert!(!matches("polygenic.*.z", "polygenic.PGS1.percentile"));
        assert!(matches("*", ""));
    }

    #[test]
    fn what_separates() {
        assert!(separates(&[(1.0, 0), (2.0, 0), (3.0, 1)]));
        assert!(separates(&[(1.0, 1), (2.0, 0), (3.0, 2)]));
        assert!(!separates(&[(1.0, 1), (2.0, 0), (3.0, 1)]));
        assert!(!separates(&[(1.0, 0), (1.0, 1)]));
        assert!(!separates(&[(1.0, 0), (2.0, 0)]));
    }
}
