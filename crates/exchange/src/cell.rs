//! A value of a table, whatever its type.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use serde_json::{Map, Value};

/// A value of a table.
pub(crate) enum Cell<'a> {
    /// Null.
    Null,
    /// Words.
    Text(&'a str),
    /// An integer, in decimal.
    Integer(i128),
    /// A number, with the fewest digits that give it back in its own precision.
    Float(String),
    /// Yes or no.
    Flag(bool),
    /// A list or a struct.
    Nested(Value),
}

impl Cell<'_> {
    /// As JSON. NaN and infinities, which JSON does not have, are text.
    fn json(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => text.into(),
            Self::Integer(integer) => match i64::try_from(integer) {
                Ok(small) => small.into(),
                Err(_) => u64::try_from(integer).map_or(Value::Null, Value::from),
            },
            Self::Float(digits) => match digits.parse::<f64>() {
                Ok(number) if number.is_finite() => number.into(),
                _ => digits.into(),
            },
            Self::Flag(flag) => flag.into(),
            Self::Nested(value) => value,
        }
    }
}

/// The value of a column in a row; none for types that no table of a run has.
pub(crate) fn cell(column: &dyn Array, row: usize) -> Option<Cell<'_>> {
    macro_rules! integer {
        ($kind:ty) => {
            Cell::Integer(column.as_primitive_opt::<$kind>()?.value(row).into())
        };
    }
    if column.is_null(row) {
        // The type is looked at all the same: an unknown one must not pass because it is empty.
        return is_known(column.data_type()).then_some(Cell::Null);
    }
    Some(match column.data_type() {
        DataType::Utf8 => Cell::Text(column.as_string_opt::<i32>()?.value(row)),
        DataType::LargeUtf8 => Cell::Text(column.as_string_opt::<i64>()?.value(row)),
        DataType::Boolean => Cell::Flag(column.as_boolean_opt()?.value(row)),
        DataType::Float32 => Cell::Float(
            column
                .as_primitive_opt::<Float32Type>()?
                .value(row)
                .to_string(),
        ),
        DataType::Float64 => Cell::Float(
            column
                .as_primitive_opt::<Float64Type>()?
                .value(row)
                .to_string(),
        ),
        DataType::Int8 => integer!(Int8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::UInt8 => integer!(UInt8Type),
        DataType::UInt16 => integer!(UInt16Type),
        DataType::UInt32 => integer!(UInt32Type),
        DataType::UInt64 => integer!(UInt64Type),
        DataType::List(_) => {
            let list = column.as_list_opt::<i32>()?.value(row);
            let items = (0..list.len()).map(|item| cell(&list, item).map(Cell::json));
            Cell::Nested(Value::Array(items.collect::<Option<_>>()?))
        }
        DataType::Struct(fields) => {
            let parts = column.as_struct_opt()?;
            let mut object = Map::new();
            for (field, part) in fields.iter().zip(parts.columns()) {
                object.insert(field.name().clone(), cell(part, row)?.json());
            }
            Cell::Nested(Value::Object(object))
        }
        _ => return None,
    })
}

/// Whether [`cell`] can read a type.
pub(crate) fn is_known(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Boolean => true,
        DataType::Float32 | DataType::Float64 => true,
        DataType::List(item) => is_known(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_known(field.data_type())),
        _ => kind.is_integer(),
    }
}
