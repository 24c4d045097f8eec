//! What several tests need: Shapley values by the definition, and graphs.

use varisk_onnx::Model;
use varisk_onnx::proto::{
    AttributeProto, AttributeType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto, type_proto,
};

use crate::{Background, Players};

/// Shapley values by enumeration of all coalitions.
pub(crate) fn by_definition(
    mut f: impl FnMut(&[f32]) -> f64,
    row: &[f32],
    background: &Background,
    players: &Players,
) -> Vec<f64> {
    let count = players.len();
    let worth: Vec<f64> = (0..1_usize << count)
        .map(|coalition| {
            let mut sum = 0.0;
            for other in background.rows() {
                let mut mixture = other.to_vec();
                for (column, player) in players.of_columns().iter().enumerate() {
                    if coalition >> player & 1 == 1 {
                        mixture[column] = row[column];
                    }
                }
                sum += f(&mixture);
            }
            sum / background.len() as f64
        })
        .collect();
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    (0..count)
        .map(|player| {
            let without = (0..worth.len()).filter(|coalition| coalition >> player & 1 == 0);
            let gain = |coalition: usize| {
                let size = coalition.count_ones() as usize;
                let weight = factorial(size) * factorial(count - size - 1) / factorial(count);
                weight * (worth[coalition | 1 << player] - worth[coalition])
            };
            without.map(gain).sum()
        })
        .collect()
}

/// A graph of operators in a row: domain, name, inputs, outputs and attributes of each. The input is
/// `x` of so many columns (any number for 0), the output `y`.
pub(crate) struct Graph {
    pub(crate) columns: i64,
    pub(crate) nodes: Vec<NodeProto>,
    pub(crate) constants: Vec<TensorProto>,
}

impl Graph {
    pub(crate) fn new(columns: i64) -> Self {
        Self {
            columns,
            nodes: Vec::new(),
            constants: Vec::new(),
        }
    }

    /// A standard operator if the name has no dot.
    pub(crate) fn node(
        mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> Self {
        let (domain, operator) = operator.rsplit_once('.').unwrap_or(("", operator));
        self.nodes.push(NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: outputs.iter().map(ToString::to_string).collect(),
            op_type: operator.to_owned(),
            domain: domain.to_owned(),
            attribute: attributes,
            ..NodeProto::default()
        });
        self
    }

    pub(crate) fn constant(mut self, name: &str, dims: &[i64], values: &[f32]) -> Self {
        self.constants.push(TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: 1,
            float_data: values.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    pub(crate) fn indices(mut self, name: &str, values: &[i64]) -> Self {
        self.constants.push(TensorProto {
            name: name.to_owned(),
            dims: vec![i64::try_from(values.len()).unwrap()],
            data_type: 7,
            int64_data: values.to_vec(),
            ..TensorProto::default()
        });
        self
    }

    pub(crate) fn finish(self) -> Model {
        let dimension = |size: Option<i64>| tensor_shape_proto::Dimension {
            value: size.map(tensor_shape_proto::Value::DimValue),
            denotation: String::new(),
        };
        let value = |name: &str, columns: Option<i64>| ValueInfoProto {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                value: Some(type_proto::Value::TensorType(type_proto::Tensor {
                    elem_type: 1,
                    shape: Some(TensorShapeProto {
                        dim: vec![dimension(None), dimension(columns)],
                    }),
                })),
                denotation: String::new(),
            }),
            ..ValueInfoProto::default()
        };
        let columns = (self.columns > 0).then_some(self.columns);
        Model::from_proto(ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: 17,
            }],
            graph: Some(GraphProto {
                node: self.nodes,
                initializer: self.constants,
                input: vec![value("x", columns)],
                output: vec![value("y", None)],
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        })
        .unwrap()
    }
}

/// An attribute of integers.
pub(crate) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints: ints.to_vec(),
        r#type: AttributeType::Ints.into(),
        ..AttributeProto::default()
    }
}

/// An attribute of numbers.
pub(crate) fn floats(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        floats: floats.to_vec(),
        r#type: AttributeType::Floats.into(),
        ..AttributeProto::default()
    }
}

/// An attribute of texts.
pub(crate) fn strings(name: &str, strings: &[&str]) -> AttributeProto {
    let bytes = strings.iter().map(|text| text.as_bytes().to_vec().into());
    AttributeProto {
        name: name.to_owned(),
        strings: bytes.collect(),
        r#type: AttributeType::Strings.into(),
        ..AttributeProto::default()
    }
}

/// An attribute of one text.
pub(crate) fn text(name: &str, text: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        s: text.as_bytes().to_vec().into(),
        r#type: AttributeType::String.into(),
        ..AttributeProto::default()
    }
}

/// An attribute of one integer.
pub(crate) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: value,
        r#type: AttributeType::Int.into(),
        ..AttributeProto::default()
    }
}

/// Numbers that look like chance, from -1 to 1, the same each time.
pub(crate) fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f32 / (1_u64 << 23) as f32) - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}
