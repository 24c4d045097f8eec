//! Dates: their year, or year and month.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type};
use chrono::{Datelike, NaiveDate};

use super::{Refusal, text};
use crate::deidentify::DatePart;

const TAKES: &str = "dates, times without a time zone, and text that begins with YYYY-MM-DD";

/// Whether the rule takes a type.
pub(super) fn check(input: &DataType) -> Result<(), Refusal> {
    let dates = matches!(
        input,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, None)
    );
    if dates || text::check(input).is_ok() {
        Ok(())
    } else {
        Err(Refusal::Type(TAKES))
    }
}

/// Dates without what is not to stay, as text.
pub(super) fn shorten(column: &dyn Array, to: DatePart) -> Result<ArrayRef, Refusal> {
    check(column.data_type())?;
    let write = |date: NaiveDate| match to {
        DatePart::Year => format!("{:04}", date.year()),
        DatePart::Month => format!("{:04}-{:02}", date.year(), date.month()),
    };
    let refused = |row| Refusal::Value(row, "the value is no date of the form YYYY-MM-DD");
    let shortened: Vec<Option<String>> = if text::check(column.data_type()).is_ok() {
        let short = |(row, value): (usize, Option<String>)| {
            let Some(value) = value else { return Ok(None) };
            let date = value.get(..10).and_then(|date| date.parse().ok());
            // After the date only a time may follow, or it is another kind of text.
            let ends = value
                .get(10..)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['T', ' ']));
            match date {
                Some(date) if ends => Ok(Some(write(date))),
                _ => Err(refused(row)),
            }
        };
        text::values(column)?
            .into_iter()
            .enumerate()
            .map(short)
            .collect::<Result<_, _>>()?
    } else {
        let days = cast(column, &DataType::Date32).map_err(|_| Refusal::Type(TAKES))?;
        let days = days.as_primitive::<Date32Type>();
        let short = |row| match (days.is_null(row), column.is_null(row)) {
            (true, true) => Ok(None),
            _ => match days.value_as_date(row) {
                Some(date) if !days.is_null(row) => Ok(Some(write(date))),
                _ => Err(refused(row)),
            },
        };
        (0..days.len()).map(short).collect::<Result<_, _>>()?
    };
    Ok(Arc::new(StringArray::from(shortened)))
}
