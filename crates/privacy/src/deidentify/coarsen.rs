//! Making the values of a column coarser.

mod date;
mod number;
mod text;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;

use crate::{PrivacyError, deidentify::Coarsening};

/// Why a column is not coarsened.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is of a type that the rule does not take; what the rule takes.
    Type(&'static str),
    /// A value cannot be coarsened; the row and why.
    Value(usize, &'static str),
}

impl Refusal {
    /// The error of a column of a table.
    pub(super) fn of(
        self,
        table: &str,
        column: &str,
        rule: &Coarsening,
        found: &DataType,
    ) -> PrivacyError {
        match self {
            Self::Type(takes) => PrivacyError::ColumnType {
                table: table.into(),
                column: column.into(),
                found: found.to_string(),
                rule: rule.name(),
                takes,
            },
            Self::Value(row, detail) => PrivacyError::Value {
                table: table.into(),
                column: column.into(),
                row: row + 1,
                detail,
            },
        }
    }
}

/// The type of a column when it is coarsened.
pub(super) fn output_type(rule: &Coarsening, input: &DataType) -> Result<DataType, Refusal> {
    match rule {
        Coarsening::Bins { write, .. } | Coarsening::Limits { write, .. } => {
            number::check(input)?;
            Ok(number::written_type(*write))
        }
        Coarsening::Cuts { .. } => number::check(input).map(|()| DataType::Utf8),
        Coarsening::Round { .. } => number::rounded_type(input),
        Coarsening::Date { .. } => date::check(input).map(|()| DataType::Utf8),
        Coarsening::Prefix { .. } | Coarsening::Map { .. } => {
            text::check(input).map(|()| DataType::Utf8)
        }
    }
}

/// A column, coarsened.
pub(super) fn apply(rule: &Coarsening, column: &dyn Array) -> Result<ArrayRef, Refusal> {
    match rule {
        Coarsening::Bins {
            width,
            origin,
            bottom,
            top,
            write,
        } => {
            let bins = number::Bins::new(*width, *origin, *bottom, *top);
            number::bins(column, &bins, *write)
        }
        Coarsening::Cuts { at } => number::cuts(column, at),
        Coarsening::Limits { bottom, top, write } => number::limits(column, *bottom, *top, *write),
        Coarsening::Round { significant_digits } => number::round(column, *significant_digits),
        Coarsening::Date { to } => date::shorten(column, *to),
        Coarsening::Prefix { length } => text::prefix(column, *length),
        Coarsening::Map { values, other } => text::map(column, values, other.as_deref()),
    }
}

#[cfg(test)]
mod tests;
