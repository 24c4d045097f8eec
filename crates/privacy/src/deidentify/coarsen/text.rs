//! Text: its beginning, or other text in its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;

use super::Refusal;

const TAKES: &str = "text";

/// Whether the rules for text take a type.
pub(super) fn check(input: &DataType) -> Result<(), Refusal> {
    match input {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(()),
        _ => Err(Refusal::Type(TAKES)),
    }
}

/// The values of a column.
pub(super) fn values(column: &dyn Array) -> Result<Vec<Option<String>>, Refusal> {
    let own = |value: Option<&str>| value.map(str::to_owned);
    Ok(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().map(own).collect(),
        DataType::LargeUtf8 => column.as_string::<i64>().iter().map(own).collect(),
        DataType::Utf8View => column.as_string_view().iter().map(own).collect(),
        _ => return Err(Refusal::Type(TAKES)),
    })
}

/// The first characters of text.
pub(super) fn prefix(column: &dyn Array, length: u32) -> Result<ArrayRef, Refusal> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let short = |value: String| value.chars().take(length).collect::<String>();
    let shortened = values(column)?.into_iter().map(|value| value.map(short));
    Ok(Arc::new(shortened.collect::<StringArray>()))
}

/// Other text in the place of text.
pub(super) fn map(
    column: &dyn Array,
    new: &BTreeMap<String, String>,
    other: Option<&str>,
) -> Result<ArrayRef, Refusal> {
    let replaced = |(row, value): (usize, Option<String>)| {
        let Some(value) = value else { return Ok(None) };
        match (new.get(&value), other) {
            (Some(new), _) => Ok(Some(new.as_str())),
            (None, Some(other)) => Ok(Some(other)),
            (None, None) => Err(Refusal::Value(
                row,
                "the map has nothing for the value; add it, or 'other' for all the rest",
            )),
        }
    };
    let mapped = values(column)?;
    let mapped: Result<StringArray, Refusal> =
        mapped.into_iter().enumerate().map(replaced).collect();
    Ok(Arc::new(mapped?))
}
