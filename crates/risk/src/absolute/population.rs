//! The joint distribution of factors in the population.

use std::path::Path;

use varisk_core::Sex;

use super::AbsoluteRiskError;
use super::config::ReferenceConfig;
use super::factor::{Factor, Kind, Parameter, Predictor, Spread, Value};
use super::hazard::Component;
use super::rates::{csv_error, open_csv};

/// Most combinations of categories that are enumerated.
const MAX_COMBINATIONS: usize = 16_384;

/// A person of the reference dataset, or a combination of categories.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) weight: f64,
    /// Sex, where the dataset says it.
    sex: Option<Sex>,
    /// One for each factor; `None` where the factor is normal and independent.
    pub(super) values: Vec<Option<Value>>,
    /// Of `values`.
    pub(super) predictor: Predictor,
}

/// The distribution: rows, and numbers that are normal and independent within a row.
#[derive(Clone, Debug)]
pub(super) struct Population {
    pub(super) rows: Vec<Row>,
    /// For each factor whether rows hold it.
    pub(super) held: Vec<bool>,
    /// Whether rows are persons, not combinations.
    pub(super) empirical: bool,
}

impl Population {
    /// Factors independent, with their declared shares, means and standard deviations.
    ///
    /// # Errors
    /// There are too many combinations of categories.
    pub(super) fn independent(
        factors: &[Factor],
        parameters: &[Parameter],
    ) -> Result<Self, String> {
        let mut rows = vec![Row {
            weight: 1.0,
            sex: None,
            values: vec![None; factors.len()],
            predictor: Predictor::zero(parameters.len()),
        }];
        for (place, factor) in factors.iter().enumerate() {
            let Kind::Categories(own) = &factor.kind else {
                continue;
            };
            if rows.len() * own.categories.len() > MAX_COMBINATIONS {
                return Err(format!(
                    "its factors have more than {MAX_COMBINATIONS} combinations of categories; give a reference dataset"
                ));
            }
            let mut next = Vec::with_capacity(rows.len() * own.categories.len());
            for row in &rows {
                for (category, declared) in own.categories.iter().enumerate() {
                    let mut more = row.clone();
                    more.weight *= declared.share;
                    if let Some(value) = more.values.get_mut(place) {
                        *value = Some(Value::Category(category));
                    }
                    more.predictor
                        .add_value(parameters, factor, Value::Category(category));
                    next.push(more);
                }
            }
            rows = next;
        }
        let held = factors
            .iter()
            .map(|factor| factor.as_number().is_none())
            .collect();
        Ok(Self {
            rows,
            held,
            empirical: false,
        })
    }

    /// The persons of a dataset: a CSV with a column for each factor, by the factor's name, and the
    /// columns of weights and sexes that the model names. A score without a column is normal.
    ///
    /// # Errors
    /// The file cannot be read, lacks a column, or a row is malformed.
    pub(super) fn read(
        path: &Path,
        config: &ReferenceConfig,
        factors: &[Factor],
        parameters: &[Parameter],
    ) -> Result<Self, AbsoluteRiskError> {
        let table = |detail: String| AbsoluteRiskError::Table {
            path: path.to_owned(),
            detail,
        };
        let (mut reader, names) = open_csv(path)?;
        let columns = Columns::find(&names, config, factors).map_err(table)?;
        let mut record = csv::StringRecord::new();
        let mut rows = Vec::new();
        while reader
            .read_record(&mut record)
            .map_err(|error| csv_error(path, error))?
        {
            let row = columns.row(&record, factors, parameters);
            rows.push(row.map_err(|detail| AbsoluteRiskError::Line {
                path: path.to_owned(),
                line: record.position().map_or(0, csv::Position::line),
                detail,
            })?);
        }
        Ok(Self {
            rows,
            held: columns.factors.iter().map(Option::is_some).collect(),
            empirical: true,
        })
    }

    /// Whether rows say the sex of persons.
    pub(super) fn by_sex(&self) -> bool {
        self.rows.iter().any(|row| row.sex.is_some())
    }

    /// The rows of one sex, where rows say it; `None` if none of them has a weight.
    pub(super) fn of(&self, sex: Option<Sex>) -> Option<Self> {
        let rows: Vec<Row> = self
            .rows
            .iter()
            .filter(|row| row.sex.is_none() || row.sex == sex)
            .cloned()
            .collect();
        let weight: f64 = rows.iter().map(|row| row.weight).sum();
        (weight > 0.0).then(|| Self {
            rows,
            held: self.held.clone(),
            empirical: self.empirical,
        })
    }

    /// The whole distribution of the linear predictor: components, and what is normal within each.
    /// Rows of the same values are one component.
    pub(super) fn distribution(
        &self,
        factors: &[Factor],
        parameters: &[Parameter],
    ) -> (Vec<Component>, Spread) {
        let free: Vec<&Factor> = factors
            .iter()
            .zip(&self.held)
            .filter_map(|(factor, held)| (!held).then_some(factor))
            .collect();
        let spread = Spread::of(
            free.iter().filter_map(|factor| factor.as_number()),
            parameters,
        );
        let mut places = std::collections::BTreeMap::new();
        let mut components: Vec<Component> = Vec::new();
        for row in &self.rows {
            let key: Vec<u64> = row.values.iter().map(|value| key(*value)).collect();
            let place = *places.entry(key).or_insert(components.len());
            if let Some(component) = components.get_mut(place) {
                component.weight += row.weight;
                continue;
            }
            let mut predictor = row.predictor.clone();
            add_means(&mut predictor, &free, factors, parameters, &row.values);
            components.push(Component {
                weight: row.weight,
                predictor,
            });
        }
        (components, spread)
    }
}

/// A value as an integer that differs whenever the value does.
fn key(value: Option<Value>) -> u64 {
    match value {
        None => u64::MAX,
        Some(Value::Number(number)) => number.to_bits(),
        Some(Value::Category(category)) => category as u64,
    }
}

/// Adds the means of numbers that are not known, given the values of the other factors.
pub(super) fn add_means(
    predictor: &mut Predictor,
    free: &[&Factor],
    factors: &[Factor],
    parameters: &[Parameter],
    values: &[Option<Value>],
) {
    for number in free.iter().filter_map(|factor| factor.as_number()) {
        let history = number
            .family_history
            .is_some_and(|place| has_history(factors, values, place));
        predictor.add_mean(parameters, number, history);
    }
}

/// Whether the factor at `place` has the value that is a family history.
pub(super) fn has_history(factors: &[Factor], values: &[Option<Value>], place: usize) -> bool {
    match (factors.get(place), values.get(place)) {
        (Some(factor), Some(Some(value))) => factor.is_history(*value),
        _ => false,
    }
}

/// Places of the columns of a dataset.
struct Columns {
    factors: Vec<Option<usize>>,
    weight: Option<usize>,
    sex: Option<usize>,
}

impl Columns {
    fn find(
        names: &[String],
        config: &ReferenceConfig,
        factors: &[Factor],
    ) -> Result<Self, String> {
        let place = |name: &str| names.iter().position(|own| own == name);
        let named = |name: &Option<String>, what: &str| {
            match name {
            None => Ok(None),
            Some(name) => place(name).map(Some).ok_or_else(|| {
                format!("it has no column '{name}' of {what}, which the model names; correct one of the two")
            }),
        }
        };
        let mut own = Vec::with_capacity(factors.len());
        for factor in factors {
            let found = place(&factor.name);
            let number = factor.as_number();
            if found.is_none() && number.is_none_or(|number| number.normal.is_none()) {
                return Err(format!(
                    "it has no column '{}', and only a score may be absent from a reference dataset; add the column",
                    factor.name
                ));
            }
            if found.is_some() && number.is_some_and(|number| number.family_history.is_some()) {
                return Err(format!(
                    "it has the score '{}', so how the score goes with family history is in the data; remove the factor's family_history, and give the effect of family history that is adjusted for the score",
                    factor.name
                ));
            }
            own.push(found);
        }
        Ok(Self {
            factors: own,
            weight: named(&config.weight, "weights")?,
            sex: named(&config.sex, "sexes")?,
        })
    }

    fn row(
        &self,
        record: &csv::StringRecord,
        factors: &[Factor],
        parameters: &[Parameter],
    ) -> Result<Row, String> {
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let weight = match self.weight {
            None => 1.0,
            Some(place) => cell(place)
                .parse::<f64>()
                .ok()
                .filter(|weight| weight.is_finite() && *weight >= 0.0)
                .ok_or("its weight is not a finite number of 0 or more; correct it")?,
        };
        let sex = match self.sex.map(|place| Sex::parse(cell(place))) {
            None => None,
            Some(Some(sex)) if sex != Sex::Unknown => Some(sex),
            Some(_) => return Err("its sex is not female or male; correct it".to_owned()),
        };
        let mut row = Row {
            weight,
            sex,
            values: Vec::with_capacity(factors.len()),
            predictor: Predictor::zero(parameters.len()),
        };
        for (factor, place) in factors.iter().zip(&self.factors) {
            let Some(place) = place else {
                row.values.push(None);
                continue;
            };
            let value = factor.text(cell(*place)).map_err(|_| {
                format!(
                    "factor '{}' is empty or outside what the model declares; correct it or remove the row",
                    factor.name
                )
            })?;
            row.predictor.add_value(parameters, factor, value);
            row.values.push(Some(value));
        }
        Ok(row)
    }
}
