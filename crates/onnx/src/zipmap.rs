//! Classifiers that give a map from class to score for each row, as converters of scikit-learn and
//! LightGBM make them unless told otherwise: a `ZipMap` node behind a plain tensor.

use crate::proto::{GraphProto, NodeProto, OperatorSetIdProto, ValueInfoProto};
use crate::{Dimension, ElementType, Model, TensorInfo};

const ZIP_MAP: &str = "ZipMap";
const ML_DOMAIN: &str = "ai.onnx.ml";
/// Attributes that list the classes, in the order of the tensor's columns.
const LABELS: [&str; 2] = ["classlabels_int64s", "classlabels_strings"];
/// Of the standard operators, where the model names none: the first with today's `Identity`.
const OPSET: i64 = 13;

impl Model {
    /// Makes every output that is a sequence of maps from class to score the tensor that the maps
    /// are made of: a row for each row, a column for each class in the order of the labels. Says
    /// whether there was one; else nothing changes.
    pub fn unzip_maps(&mut self) -> bool {
        let (proto, graph) = self.parts_mut();
        let GraphProto { node, output, .. } = graph;
        let mut found = false;
        for node in node {
            if node.op_type != ZIP_MAP || node.domain != ML_DOMAIN {
                continue;
            }
            let given = node.output.first();
            let Some(value) = output.iter_mut().find(|own| Some(&own.name) == given) else {
                continue;
            };
            *value = tensor(value, classes(node));
            *node = NodeProto {
                op_type: "Identity".to_owned(),
                domain: String::new(),
                attribute: Vec::new(),
                ..std::mem::take(node)
            };
            found = true;
        }
        let opsets = &mut proto.opset_import;
        let is_standard = |set: &OperatorSetIdProto| matches!(set.domain.as_str(), "" | "ai.onnx");
        if found && !opsets.iter().any(is_standard) {
            opsets.push(OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            });
        }
        found
    }
}

/// How many classes a node names.
fn classes(node: &NodeProto) -> usize {
    let labels = node.attribute.iter();
    let labels = labels.filter(|attribute| LABELS.contains(&attribute.name.as_str()));
    labels
        .map(|attribute| attribute.ints.len() + attribute.strings.len())
        .sum()
}

/// The output as a tensor. The batch keeps no name: the maps had none.
fn tensor(value: &ValueInfoProto, classes: usize) -> ValueInfoProto {
    let dimensions = [Dimension::Unknown, Dimension::Fixed(classes as u64)];
    ValueInfoProto {
        r#type: TensorInfo::value_info(&value.name, ElementType::Float32, &dimensions).r#type,
        ..value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{TypeProto, type_proto};
    use crate::{Attribute, GraphBuilder};

    /// A model whose output is made by a node with the labels given.
    fn zipped(labels: Attribute, opset: &str) -> Model {
        let mut graph = GraphBuilder::new("classifier");
        let shape = [Dimension::symbolic("N"), Dimension::Fixed(2)];
        graph.input("x", ElementType::Float32, &shape).unwrap();
        graph.node("Softmax", &["x"], &["scores"], &[]).unwrap();
        graph.node("Identity", &["scores"], &["maps"], &[]).unwrap();
        graph
            .output("scores", ElementType::Float32, &shape)
            .unwrap();
        graph.output("maps", ElementType::Float32, &shape).unwrap();
        let mut proto = graph.finish().unwrap().into_proto();
        let graph = proto.graph.as_mut().unwrap();
        graph.node[1].op_type = ZIP_MAP.to_owned();
        graph.node[1].domain = ML_DOMAIN.to_owned();
        graph.node[1].attribute = vec![labels.0];
        let map = TypeProto {
            value: Some(type_proto::Value::SequenceType(Box::default())),
            ..TypeProto::default()
        };
        graph.output[1].r#type = Some(map);
        for set in &mut proto.opset_import {
            if set.domain.is_empty() {
                set.domain = opset.to_owned();
            }
        }
        Model::from_proto(proto).unwrap()
    }

    #[test]
    fn maps_become_the_tensor_they_are_made_of() {
        for labels in [
            Attribute::ints(LABELS[0], &[0, 1]),
            Attribute::strings(LABELS[1], &["case", "control"]),
        ] {
            let mut model = zipped(labels, "");
            let before = model.outputs();
            assert_eq!(before[1].element, ElementType::NotATensor);
            assert!(model.unzip_maps());
            let after = model.outputs();
            assert_eq!(after[0], before[0]);
            assert_eq!(after[1].to_string(), "maps float32 [?, 2]");
            let node = &model.graph().node[1];
            assert_eq!(
                (node.op_type.as_str(), node.domain.as_str()),
                ("Identity", "")
            );
            assert_eq!(
                (&node.input[..], &node.output[..]),
                (&["scores".to_owned()][..], &["maps".to_owned()][..])
            );
            assert!(!model.unzip_maps());
        }
    }

    #[test]
    fn the_operator_that_takes_its_place_has_an_operator_set() {
        let mut model = zipped(Attribute::ints(LABELS[0], &[0, 1]), ML_DOMAIN);
        assert_eq!(model.opset(), None);
        assert!(model.unzip_maps());
        assert_eq!(model.opset(), Some(OPSET));
    }
}
