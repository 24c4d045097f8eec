//! Builds small graphs, refusing at once what a runtime would refuse late.

use std::collections::BTreeSet;

use crate::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
};
use crate::{Attribute, Dimension, ElementType, Model, OnnxError, TensorInfo};

/// Format version of the models built here: the one that came with [`OPSET_VERSION`].
pub const IR_VERSION: i64 = 8;

/// Standard operator set of the models built here: known to every ONNX Runtime since 1.12 (2022).
pub const OPSET_VERSION: i64 = 17;

/// Domain of the operators of classical machine learning.
const ML_DOMAIN: &str = "ai.onnx.ml";

/// Operator set of classical machine learning of the models built here: known to every ONNX Runtime
/// since 1.12 (2022), too.
pub const ML_OPSET_VERSION: i64 = 3;

/// Builds a model node by node, in topological order.
///
/// Every value (input, constant or result of a node) has a name of its own, and a node can only use
/// values that are already there.
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    graph: GraphProto,
    metadata: Vec<StringStringEntryProto>,
    documentation: String,
    values: BTreeSet<String>,
    opset: i64,
}

impl GraphBuilder {
    /// Starts an empty graph.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            graph: GraphProto {
                name: name.to_owned(),
                ..GraphProto::default()
            },
            metadata: Vec::new(),
            documentation: String::new(),
            values: BTreeSet::new(),
            opset: OPSET_VERSION,
        }
    }

    /// Sets the standard operator set, for operators that [`OPSET_VERSION`] does not have.
    pub fn opset(&mut self, version: i64) -> &mut Self {
        self.opset = version;
        self
    }

    /// Sets the text for people.
    pub fn documentation(&mut self, text: &str) -> &mut Self {
        text.clone_into(&mut self.documentation);
        self
    }

    /// Adds an input.
    pub fn input(
        &mut self,
        name: &str,
        element: ElementType,
        dimensions: &[Dimension],
    ) -> Result<&mut Self, OnnxError> {
        check_dimensions(name, dimensions)?;
        self.define(name, "input")?;
        self.graph
            .input
            .push(TensorInfo::value_info(name, element, dimensions));
        Ok(self)
    }

    /// Adds a constant of float32, its values in row-major order; no dimensions for a scalar.
    pub fn initializer_f32(
        &mut self,
        name: &str,
        dimensions: &[u64],
        values: &[f32],
    ) -> Result<&mut Self, OnnxError> {
        let raw = values.iter().flat_map(|value| value.to_le_bytes());
        self.initializer(name, ElementType::Float32, dimensions, values.len(), raw)
    }

    /// Adds a constant of int64, its values in row-major order; no dimensions for a scalar.
    pub fn initializer_i64(
        &mut self,
        name: &str,
        dimensions: &[u64],
        values: &[i64],
    ) -> Result<&mut Self, OnnxError> {
        let raw = values.iter().flat_map(|value| value.to_le_bytes());
        self.initializer(name, ElementType::Int64, dimensions, values.len(), raw)
    }

    fn initializer(
        &mut self,
        name: &str,
        element: ElementType,
        dimensions: &[u64],
        values: usize,
        raw: impl Iterator<Item = u8>,
    ) -> Result<&mut Self, OnnxError> {
        let expected = dimensions.iter().fold(1_u128, |product, size| {
            product.saturating_mul(u128::from(*size))
        });
        if expected != values as u128 {
            return Err(OnnxError::ShapeMismatch {
                name: name.to_owned(),
                dimensions: dimensions.to_vec(),
                values,
                expected,
            });
        }
        let dims = dimensions
            .iter()
            .map(|size| signed(name, *size))
            .collect::<Result<_, _>>()?;
        self.define(name, "constant")?;
        self.graph.initializer.push(TensorProto {
            name: name.to_owned(),
            dims,
            data_type: element.number(),
            raw_data: raw.collect::<Vec<u8>>().into(),
            ..TensorProto::default()
        });
        Ok(self)
    }

    /// Adds a node of the standard operators. An empty name stands for an optional input left out.
    pub fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[Attribute],
    ) -> Result<&mut Self, OnnxError> {
        self.node_of("", operator, inputs, outputs, attributes)
    }

    /// Adds a node of the operators of classical machine learning (domain `ai.onnx.ml`), such as
    /// `TreeEnsembleRegressor`. The model then names [`ML_OPSET_VERSION`] beside the standard set.
    pub fn ml_node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[Attribute],
    ) -> Result<&mut Self, OnnxError> {
        self.node_of(ML_DOMAIN, operator, inputs, outputs, attributes)
    }

    fn node_of(
        &mut self,
        domain: &str,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[Attribute],
    ) -> Result<&mut Self, OnnxError> {
        if operator.is_empty() {
            return Err(OnnxError::EmptyName { what: "node" });
        }
        for name in inputs.iter().filter(|name| !name.is_empty()) {
            self.known(name, operator)?;
        }
        let mut names = BTreeSet::new();
        for attribute in attributes {
            if !names.insert(attribute.name()) {
                return Err(OnnxError::DuplicateAttribute {
                    operator: operator.to_owned(),
                    name: attribute.name().to_owned(),
                });
            }
        }
        for name in outputs {
            self.define(name, "result")?;
        }
        let number = self.graph.node.len();
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: outputs.iter().map(ToString::to_string).collect(),
            name: format!("{operator}_{number}"),
            op_type: operator.to_owned(),
            domain: domain.to_owned(),
            attribute: attributes.iter().map(|a| a.0.clone()).collect(),
            ..NodeProto::default()
        });
        Ok(self)
    }

    /// Names a value as an output.
    pub fn output(
        &mut self,
        name: &str,
        element: ElementType,
        dimensions: &[Dimension],
    ) -> Result<&mut Self, OnnxError> {
        check_dimensions(name, dimensions)?;
        self.known(name, "the output")?;
        if self.graph.output.iter().any(|value| value.name == name) {
            return Err(OnnxError::DuplicateOutput {
                name: name.to_owned(),
            });
        }
        self.graph
            .output
            .push(TensorInfo::value_info(name, element, dimensions));
        Ok(self)
    }

    /// Adds an entry to the metadata.
    pub fn metadata(&mut self, key: &str, value: &str) -> Result<&mut Self, OnnxError> {
        if key.is_empty() {
            return Err(OnnxError::EmptyName {
                what: "metadata entry",
            });
        }
        if self.metadata.iter().any(|entry| entry.key == key) {
            return Err(OnnxError::DuplicateMetadata {
                key: key.to_owned(),
            });
        }
        self.metadata.push(StringStringEntryProto {
            key: key.to_owned(),
            value: value.to_owned(),
        });
        Ok(self)
    }

    /// Ends the graph.
    pub fn finish(self) -> Result<Model, OnnxError> {
        if self.graph.name.is_empty() {
            return Err(OnnxError::EmptyName { what: "graph" });
        }
        if self.graph.output.is_empty() {
            return Err(OnnxError::NoOutput {
                name: self.graph.name,
            });
        }
        let mut opset_import = vec![OperatorSetIdProto {
            domain: String::new(),
            version: self.opset,
        }];
        // A set that no node uses would only shut out runtimes that lack it.
        if self.graph.node.iter().any(|node| node.domain == ML_DOMAIN) {
            opset_import.push(OperatorSetIdProto {
                domain: ML_DOMAIN.to_owned(),
                version: ML_OPSET_VERSION,
            });
        }
        Model::from_proto(ModelProto {
            ir_version: IR_VERSION,
            producer_name: "varisk".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            model_version: 1,
            doc_string: self.documentation,
            graph: Some(self.graph),
            opset_import,
            metadata_props: self.metadata,
            ..ModelProto::default()
        })
    }

    fn define(&mut self, name: &str, what: &'static str) -> Result<(), OnnxError> {
        if name.is_empty() {
            return Err(OnnxError::EmptyName { what });
        }
        if !self.values.insert(name.to_owned()) {
            return Err(OnnxError::DuplicateName {
                name: name.to_owned(),
            });
        }
        Ok(())
    }

    fn known(&self, name: &str, user: &str) -> Result<(), OnnxError> {
        if self.values.contains(name) {
            return Ok(());
        }
        Err(OnnxError::UnknownValue {
            name: name.to_owned(),
            user: user.to_owned(),
        })
    }
}

fn signed(name: &str, size: u64) -> Result<i64, OnnxError> {
    i64::try_from(size).map_err(|_| OnnxError::TooLarge {
        name: name.to_owned(),
        size,
    })
}

fn check_dimensions(name: &str, dimensions: &[Dimension]) -> Result<(), OnnxError> {
    for size in dimensions.iter().filter_map(Dimension::fixed) {
        signed(name, size)?;
    }
    Ok(())
}
