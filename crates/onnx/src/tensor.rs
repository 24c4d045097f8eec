//! What a model says of a tensor: name, element type, shape.

use crate::proto::{
    TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto as shape, type_proto,
};

/// Element type of a tensor, as the standard's `TensorProto.DataType` numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// FLOAT.
    Float32,
    /// UINT8.
    Uint8,
    /// INT8.
    Int8,
    /// UINT16.
    Uint16,
    /// INT16.
    Int16,
    /// INT32.
    Int32,
    /// INT64.
    Int64,
    /// STRING.
    String,
    /// BOOL.
    Bool,
    /// FLOAT16.
    Float16,
    /// DOUBLE.
    Float64,
    /// UINT32.
    Uint32,
    /// UINT64.
    Uint64,
    /// COMPLEX64.
    Complex64,
    /// COMPLEX128.
    Complex128,
    /// BFLOAT16.
    Bfloat16,
    /// Any other number: the 8-bit and 4-bit types, and 0 for "not said".
    Other(i32),
    /// The value is not a dense tensor but a sequence, map, optional or sparse tensor.
    NotATensor,
}

impl ElementType {
    /// The types with a number of their own here.
    const NUMBERED: [(Self, i32, &str); 16] = [
        (Self::Float32, 1, "float32"),
        (Self::Uint8, 2, "uint8"),
        (Self::Int8, 3, "int8"),
        (Self::Uint16, 4, "uint16"),
        (Self::Int16, 5, "int16"),
        (Self::Int32, 6, "int32"),
        (Self::Int64, 7, "int64"),
        (Self::String, 8, "string"),
        (Self::Bool, 9, "bool"),
        (Self::Float16, 10, "float16"),
        (Self::Float64, 11, "float64"),
        (Self::Uint32, 12, "uint32"),
        (Self::Uint64, 13, "uint64"),
        (Self::Complex64, 14, "complex64"),
        (Self::Complex128, 15, "complex128"),
        (Self::Bfloat16, 16, "bfloat16"),
    ];

    /// The type with a number of the standard.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        Self::NUMBERED
            .iter()
            .find(|(_, n, _)| *n == number)
            .map_or(Self::Other(number), |(element, _, _)| *element)
    }

    /// The number of the standard; 0 for what is not a tensor.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Other(number) => number,
            _ => self.entry().map_or(0, |(number, _)| number),
        }
    }

    /// Name for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Other(_) => "another element type",
            _ => self.entry().map_or("not a tensor", |(_, name)| name),
        }
    }

    fn entry(self) -> Option<(i32, &'static str)> {
        Self::NUMBERED
            .iter()
            .find(|(element, _, _)| *element == self)
            .map(|(_, number, name)| (*number, *name))
    }
}

impl std::fmt::Display for ElementType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other(number) => write!(f, "element type {number}"),
            _ => f.write_str(self.name()),
        }
    }
}

/// One dimension of a shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// A size that never changes.
    Fixed(u64),
    /// A name, such as `N` for the batch; equal names are equal sizes.
    Symbolic(String),
    /// Neither is said (or a size below zero, which some exporters write for "any").
    Unknown,
}

impl Dimension {
    /// A dimension with a name.
    #[must_use]
    pub fn symbolic(name: &str) -> Self {
        Self::Symbolic(name.to_owned())
    }

    /// The size, where it is fixed.
    #[must_use]
    pub fn fixed(&self) -> Option<u64> {
        match self {
            Self::Fixed(size) => Some(*size),
            Self::Symbolic(_) | Self::Unknown => None,
        }
    }

    fn from_proto(dimension: &shape::Dimension) -> Self {
        match &dimension.value {
            Some(shape::Value::DimValue(size)) => {
                u64::try_from(*size).map_or(Self::Unknown, Self::Fixed)
            }
            Some(shape::Value::DimParam(name)) if !name.is_empty() => Self::Symbolic(name.clone()),
            _ => Self::Unknown,
        }
    }

    fn to_proto(&self) -> shape::Dimension {
        let value = match self {
            // No runtime takes a dimension of more than i64::MAX.
            Self::Fixed(size) => i64::try_from(*size).ok().map(shape::Value::DimValue),
            Self::Symbolic(name) => Some(shape::Value::DimParam(name.clone())),
            Self::Unknown => None,
        };
        shape::Dimension {
            value,
            denotation: String::new(),
        }
    }
}

impl std::fmt::Display for Dimension {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Symbolic(name) => f.write_str(name),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// An input or output of a model as the file declares it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorInfo {
    /// Name.
    pub name: String,
    /// Element type.
    pub element: ElementType,
    /// Shape, outermost dimension first; empty for a scalar; `None` where the file gives no shape.
    pub dimensions: Option<Vec<Dimension>>,
}

impl TensorInfo {
    pub(crate) fn from_proto(value: &ValueInfoProto) -> Self {
        let kind = value.r#type.as_ref().and_then(|kind| kind.value.as_ref());
        let (element, shape) = match kind {
            Some(type_proto::Value::TensorType(tensor)) => (
                ElementType::from_number(tensor.elem_type),
                tensor.shape.as_ref(),
            ),
            Some(_) => (ElementType::NotATensor, None),
            None => (ElementType::Other(0), None),
        };
        Self {
            name: value.name.clone(),
            element,
            dimensions: shape.map(|shape| shape.dim.iter().map(Dimension::from_proto).collect()),
        }
    }

    /// The message of a tensor's name, type and shape, as inputs and outputs of a graph have it.
    #[must_use]
    pub fn value_info(
        name: &str,
        element: ElementType,
        dimensions: &[Dimension],
    ) -> ValueInfoProto {
        let shape = TensorShapeProto {
            dim: dimensions.iter().map(Dimension::to_proto).collect(),
        };
        ValueInfoProto {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                value: Some(type_proto::Value::TensorType(type_proto::Tensor {
                    elem_type: element.number(),
                    shape: Some(shape),
                })),
                denotation: String::new(),
            }),
            ..ValueInfoProto::default()
        }
    }
}

impl std::fmt::Display for TensorInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.element)?;
        let Some(dimensions) = &self.dimensions else {
            return Ok(());
        };
        f.write_str(" [")?;
        for (index, dimension) in dimensions.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{dimension}")?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_element_types_are_those_of_the_standard() {
        for number in -1..40 {
            assert_eq!(ElementType::from_number(number).number(), number);
        }
        assert_eq!(ElementType::Int64.number(), 7);
        assert_eq!(ElementType::NotATensor.number(), 0);
        assert_eq!(ElementType::Other(17).to_string(), "element type 17");
    }

    #[test]
    fn a_description_reads_like_a_shape() {
        let dimensions = [
            Dimension::symbolic("N"),
            Dimension::Fixed(41),
            Dimension::Unknown,
        ];
        let value = TensorInfo::value_info("tokens", ElementType::Int64, &dimensions);
        let info = TensorInfo::from_proto(&value);
        assert_eq!(info.to_string(), "tokens int64 [N, 41, ?]");
        assert_eq!(info.dimensions.as_deref(), Some(&dimensions[..]));
    }
}
