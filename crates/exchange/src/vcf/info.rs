//! Values of INFO.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use varisk_readers::escape_info_value;

use crate::cell::{Cell, cell};

/// The types of VCF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InfoType {
    Integer,
    Float,
    String,
}

impl InfoType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Integer => "Integer",
            Self::Float => "Float",
            Self::String => "String",
        }
    }
}

/// A column as an INFO field.
pub(super) struct InfoField {
    pub column: String,
    pub key: String,
    pub kind: InfoType,
    pub number: &'static str,
    pub description: String,
}

/// The least integer that VCF can hold: those below are reserved (section 1.3).
const LEAST: i64 = -2_147_483_640;
const GREATEST: i64 = 2_147_483_647;

/// Whether all integers of a column, or in its lists, are such as VCF can hold.
pub(super) fn fits(column: &dyn Array) -> bool {
    if let Some(lists) = column.as_list_opt::<i32>() {
        return fits(lists.values());
    }
    match column.data_type() {
        DataType::Boolean => true,
        DataType::UInt64 => column.as_primitive_opt::<UInt64Type>().is_some_and(|own| {
            own.iter()
                .flatten()
                .all(|value| i64::try_from(value).is_ok_and(|value| value <= GREATEST))
        }),
        kind if kind.is_integer() => cast(&column.slice(0, column.len()), &DataType::Int64)
            .is_ok_and(|wide| {
                let wide = wide.as_primitive::<Int64Type>();
                wide.iter()
                    .flatten()
                    .all(|value| (LEAST..=GREATEST).contains(&value))
            }),
        _ => true,
    }
}

/// Adds the value of a row. False where there is nothing to write, none for an unknown type.
pub(super) fn push_value(column: &dyn Array, row: usize, line: &mut String) -> Option<bool> {
    if let Some(lists) = column.as_list_opt::<i32>() {
        let items = lists.value(row);
        for item in 0..items.len() {
            if item > 0 {
                line.push(',');
            }
            match items.as_struct_opt() {
                Some(parts) => {
                    for (index, part) in parts.columns().iter().enumerate() {
                        if index > 0 {
                            line.push('|');
                        }
                        push_part(part, item, line)?;
                    }
                }
                None => push_single(&cell(&items, item)?, line),
            }
        }
        return Some(!items.is_empty());
    }
    let cell = cell(column, row)?;
    // An empty text has no form of its own in INFO: the key with nothing behind it is malformed.
    if matches!(cell, Cell::Null | Cell::Text("")) {
        return Some(false);
    }
    push_single(&cell, line);
    Some(true)
}

/// A field of a line: `|` parts fields, so it is encoded too, and null is nothing.
fn push_part(part: &dyn Array, item: usize, line: &mut String) -> Option<()> {
    match cell(part, item)? {
        Cell::Null => {}
        Cell::Text(text) => line.push_str(&escape_info_value(text).replace('|', "%7C")),
        other => push_single(&other, line),
    }
    Some(())
}

fn push_single(cell: &Cell<'_>, line: &mut String) {
    match cell {
        Cell::Null => line.push('.'),
        Cell::Text(text) => line.push_str(&escape_info_value(text)),
        Cell::Integer(integer) => line.push_str(&integer.to_string()),
        // VCF 4.3 knows NaN and infinities by these names (section 1.3).
        Cell::Float(digits) => line.push_str(match digits.as_str() {
            "inf" => "Infinity",
            "-inf" => "-Infinity",
            digits => digits,
        }),
        Cell::Flag(flag) => line.push(if *flag { '1' } else { '0' }),
        Cell::Nested(value) => line.push_str(&escape_info_value(&value.to_string())),
    }
}
