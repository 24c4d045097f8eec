//! Attributes of nodes.

use prost::bytes::Bytes;

use crate::proto::{AttributeProto, AttributeType};

/// A named attribute for [`crate::GraphBuilder::node`].
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute(pub(crate) AttributeProto);

impl Attribute {
    /// An integer.
    #[must_use]
    pub fn int(name: &str, value: i64) -> Self {
        Self(AttributeProto {
            i: value,
            ..Self::empty(name, AttributeType::Int)
        })
    }

    /// Integers.
    #[must_use]
    pub fn ints(name: &str, values: &[i64]) -> Self {
        Self(AttributeProto {
            ints: values.to_vec(),
            ..Self::empty(name, AttributeType::Ints)
        })
    }

    /// A number.
    #[must_use]
    pub fn float(name: &str, value: f32) -> Self {
        Self(AttributeProto {
            f: value,
            ..Self::empty(name, AttributeType::Float)
        })
    }

    /// Numbers.
    #[must_use]
    pub fn floats(name: &str, values: &[f32]) -> Self {
        Self(AttributeProto {
            floats: values.to_vec(),
            ..Self::empty(name, AttributeType::Floats)
        })
    }

    /// A text.
    #[must_use]
    pub fn string(name: &str, value: &str) -> Self {
        Self(AttributeProto {
            s: Bytes::copy_from_slice(value.as_bytes()),
            ..Self::empty(name, AttributeType::String)
        })
    }

    /// Texts.
    #[must_use]
    pub fn strings(name: &str, values: &[&str]) -> Self {
        Self(AttributeProto {
            strings: values
                .iter()
                .map(|value| Bytes::copy_from_slice(value.as_bytes()))
                .collect(),
            ..Self::empty(name, AttributeType::Strings)
        })
    }

    /// Name of the attribute.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    fn empty(name: &str, kind: AttributeType) -> AttributeProto {
        AttributeProto {
            name: name.to_owned(),
            r#type: kind.into(),
            ..AttributeProto::default()
        }
    }
}
