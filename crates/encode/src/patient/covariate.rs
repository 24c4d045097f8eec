//! Columns of the samplesheet as numbers.

use varisk_core::{Covariate, Patient, Reason, Sex};

use crate::EncodeError;
use crate::manifest::{CovariateColumn, CovariateParams, Impute};
use crate::standardise::Standardise;

/// The column name under which the recorded sex is found.
const SEX: &str = "sex";

/// One covariate tensor of all patients of a run, computed once.
#[derive(Clone, Debug)]
pub(super) struct CovariateTable {
    width: usize,
    /// Shape (patients, width), row-major; a row with a reason is not meaningful.
    values: Vec<f32>,
    outcomes: Vec<Result<(), Reason>>,
    columns_without_values: Vec<String>,
}

impl CovariateTable {
    pub(super) fn try_new(
        tensor: &str,
        params: &CovariateParams,
        patients: &[Patient],
    ) -> Result<Self, EncodeError> {
        let columns: Vec<Column<'_>> = params.columns.iter().map(Column::new).collect();
        for column in &columns {
            column.check(tensor, patients)?;
        }
        let width = columns.iter().map(Column::width).sum();
        let mut table = Self {
            width,
            values: vec![0.0; width * patients.len()],
            outcomes: Vec::with_capacity(patients.len()),
            columns_without_values: columns
                .iter()
                .filter(|column| {
                    patients
                        .iter()
                        .all(|patient| column.cell(patient).is_none())
                })
                .map(|column| column.name.to_owned())
                .collect(),
        };
        for (patient, row) in patients.iter().zip(table.values.chunks_exact_mut(width)) {
            table.outcomes.push(write_row(&columns, patient, row));
        }
        Ok(table)
    }

    /// Elements of a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Columns in which no patient has a value.
    pub(super) fn columns_without_values(&self) -> &[String] {
        &self.columns_without_values
    }

    /// Writes the row of a patient, or says why there is none.
    pub(super) fn write(&self, patient: usize, row: &mut [f32]) -> Result<(), Reason> {
        let missing = Reason::CovariateMissing;
        self.outcomes
            .get(patient)
            .copied()
            .unwrap_or(Err(missing))?;
        let start = patient * self.width;
        let own = self.values.get(start..start + self.width);
        row.copy_from_slice(own.filter(|own| own.len() == row.len()).ok_or(missing)?);
        Ok(())
    }
}

fn write_row(columns: &[Column<'_>], patient: &Patient, row: &mut [f32]) -> Result<(), Reason> {
    let mut rest = row;
    for column in columns {
        let (own, after) = rest
            .split_at_mut_checked(column.width())
            .ok_or(Reason::CovariateMissing)?;
        column.write(patient, own)?;
        rest = after;
    }
    Ok(())
}

/// What a patient has in a column.
enum Cell<'a> {
    Number(f64),
    Text(&'a str),
}

/// One column of a model.
struct Column<'a> {
    name: &'a str,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Number(Standardise),
    Categories {
        categories: &'a [String],
        /// Index of the category that stands in for an empty cell.
        impute: Option<usize>,
        missing_flag: bool,
    },
}

impl<'a> Column<'a> {
    fn new(column: &'a CovariateColumn) -> Self {
        let kind = match &column.categories {
            None => Kind::Number(Standardise {
                fill: match column.impute {
                    Some(Impute::Number(number)) => Some(number),
                    _ => None,
                },
                mean: column.mean,
                std: column.std,
                missing_flag: column.missing_flag,
            }),
            Some(categories) => Kind::Categories {
                categories,
                impute: match &column.impute {
                    Some(Impute::Category(category)) => {
                        categories.iter().position(|own| own == category)
                    }
                    _ => None,
                },
                missing_flag: column.missing_flag,
            },
        };
        Self {
            name: &column.name,
            kind,
        }
    }

    fn width(&self) -> usize {
        match &self.kind {
            Kind::Number(rule) => rule.width(),
            Kind::Categories {
                categories,
                missing_flag,
                ..
            } => categories.len() + usize::from(*missing_flag),
        }
    }

    fn cell<'p>(&self, patient: &'p Patient) -> Option<Cell<'p>> {
        if self.name == SEX {
            return match patient.sex {
                Sex::Unknown => None,
                sex => Some(Cell::Text(sex.name())),
            };
        }
        patient.covariates.get(self.name).map(|value| match value {
            Covariate::Number(number) => Cell::Number(*number),
            Covariate::Text(text) => Cell::Text(text),
        })
    }

    /// Refuses text in a column of numbers. Says in how many rows, never in whose.
    fn check(&self, tensor: &str, patients: &[Patient]) -> Result<(), EncodeError> {
        if matches!(self.kind, Kind::Categories { .. }) {
            return Ok(());
        }
        let patients = patients
            .iter()
            .filter(|patient| matches!(self.cell(patient), Some(Cell::Text(_))))
            .count();
        if patients > 0 {
            return Err(EncodeError::TextInNumberColumn {
                tensor: tensor.to_owned(),
                column: self.name.to_owned(),
                patients,
            });
        }
        Ok(())
    }

    fn write(&self, patient: &Patient, row: &mut [f32]) -> Result<(), Reason> {
        let cell = self.cell(patient);
        match &self.kind {
            Kind::Number(rule) => {
                let number = match cell {
                    Some(Cell::Number(number)) => Some(number),
                    _ => None,
                };
                rule.write(number, row).ok_or(Reason::CovariateMissing)
            }
            Kind::Categories {
                categories,
                impute,
                missing_flag,
            } => {
                let missing = cell.is_none();
                let index = match cell {
                    Some(cell) => categories
                        .iter()
                        .position(|category| is_category(&cell, category))
                        .ok_or(Reason::CovariateUnknownCategory)?,
                    None => impute.ok_or(Reason::CovariateMissing)?,
                };
                for (place, element) in row.iter_mut().enumerate() {
                    let set = if place < categories.len() {
                        place == index
                    } else {
                        *missing_flag && missing
                    };
                    *element = f32::from(u8::from(set));
                }
                Ok(())
            }
        }
    }
}

/// The samplesheet reads `01` as the number 1, so a category that is a number is compared as one.
fn is_category(cell: &Cell<'_>, category: &str) -> bool {
    match cell {
        Cell::Text(text) => *text == category,
        Cell::Number(number) => category.parse::<f64>() == Ok(*number),
    }
}
