//! Columns of the published tables: their types, names and meanings.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};

/// Type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Unsigned 16-bit integer.
    U16,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// True or false.
    Bool,
    /// Unsigned, 8 bits.
    U8,
    /// A list of unsigned numbers of 32 bits.
    U32List,
    /// A list of 64-bit floats.
    F64List,
}

impl Kind {
    /// The Arrow type.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::U16 => DataType::UInt16,
            Self::U32 => DataType::UInt32,
            Self::U64 => DataType::UInt64,
            Self::F32 => DataType::Float32,
            Self::F64 => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::U8 => DataType::UInt8,
            Self::U32List => {
                DataType::List(Arc::new(Field::new_list_field(DataType::UInt32, true)))
            }
            Self::F64List => {
                DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)))
            }
        }
    }

    /// The published name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::U16 => "uint16",
            Self::U32 => "uint32",
            Self::U64 => "uint64",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::Bool => "bool",
            Self::U8 => "uint8",
            Self::U32List => "list of uint32",
            Self::F64List => "list of float64",
        }
    }
}

/// A column of a published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// Meaning and unit.
    pub meaning: &'static str,
}

pub(crate) const fn required(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column {
        name,
        kind,
        nullable: false,
        meaning,
    }
}

pub(crate) const fn optional(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column {
        name,
        kind,
        nullable: true,
        meaning,
    }
}
