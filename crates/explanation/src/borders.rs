//! What may stand before a model and treats every column alone: inputs are joined, and numbers drawn
//! to borders. A function of columns one by one changes no Shapley value of what follows it.

use varisk_onnx::proto::{GraphProto, NodeProto};
use varisk_onnx::{Dimension, ElementType, Model, TensorInfo};

/// Number of the element type FLOAT in the format.
const FLOAT: i32 = 1;

/// The part of a graph before its model.
#[derive(Clone, Debug, PartialEq)]
pub struct Borders {
    inputs: Vec<String>,
    lower: Vec<f32>,
    upper: Vec<f32>,
}

impl Borders {
    /// Takes a graph apart: the join of its inputs and the `Max` and `Min` with constants after it,
    /// as trained bundles have them, and the model that is left, of one input. `None` where the graph
    /// does not begin like this.
    #[must_use]
    pub fn split(model: &Model) -> Option<(Self, Model)> {
        let graph = model.graph();
        let inputs = model.inputs();
        let mut taken = Vec::new();
        let (mut value, names) = match inputs.as_slice() {
            [] => return None,
            [one] => (one.name.clone(), vec![one.name.clone()]),
            _ => {
                let at = graph.node.iter().position(|node| {
                    node.op_type == "Concat"
                        && node.domain.is_empty()
                        && axis(node) == Some(1)
                        && node.input.len() == inputs.len()
                        && inputs.iter().all(|own| node.input.contains(&own.name))
                })?;
                taken.push(at);
                let node = graph.node.get(at)?;
                (node.output.first()?.clone(), node.input.clone())
            }
        };
        let mut borders = [None, None];
        for (border, operator) in borders.iter_mut().zip(["Max", "Min"]) {
            let found = graph.node.iter().position(|node| {
                node.op_type == operator
                    && node.domain.is_empty()
                    && node.input.len() == 2
                    && node.input.first() == Some(&value)
            });
            let Some((at, constant)) = found.and_then(|at| {
                let name = graph.node.get(at)?.input.get(1)?;
                Some((at, floats(graph, name)?))
            }) else {
                continue;
            };
            *border = Some(constant);
            taken.push(at);
            value.clone_from(graph.node.get(at)?.output.first()?);
        }
        if taken.is_empty() {
            return None;
        }
        let [lower, upper] = borders;
        let width = lower.as_ref().or(upper.as_ref()).map_or_else(
            || {
                let widths = inputs.iter().map(|own| match own.dimensions.as_deref() {
                    Some([_, Dimension::Fixed(width)]) => usize::try_from(*width).ok(),
                    _ => None,
                });
                widths.sum::<Option<usize>>()
            },
            |own| Some(own.len()),
        )?;
        let lower = lower.unwrap_or_else(|| vec![f32::NEG_INFINITY; width]);
        let upper = upper.unwrap_or_else(|| vec![f32::INFINITY; width]);
        if lower.len() != width || upper.len() != width {
            return None;
        }

        let mut proto = model.clone().into_proto();
        let rest = proto.graph.as_mut()?;
        let nodes = std::mem::take(&mut rest.node);
        let kept = nodes.into_iter().enumerate();
        rest.node = kept
            .filter(|(at, _)| !taken.contains(at))
            .map(|(_, node)| node)
            .collect();
        // Something else that reads what is not there any more would be another model.
        let gone = |name: &String| *name != value && names.contains(name);
        let reads_gone = |node: &NodeProto| node.input.iter().any(gone);
        if rest.node.iter().any(reads_gone) {
            return None;
        }
        let dimensions = [Dimension::symbolic("N"), Dimension::Fixed(width as u64)];
        rest.input = vec![TensorInfo::value_info(
            &value,
            ElementType::Float32,
            &dimensions,
        )];
        let rest = Model::from_proto(proto).ok()?;
        Some((
            Self {
                inputs: names,
                lower,
                upper,
            },
            rest,
        ))
    }

    /// The inputs, in the order in which they are joined.
    #[must_use]
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// Draws the numbers of a row to the borders, in place.
    pub fn apply(&self, row: &mut [f32]) {
        let borders = self.lower.iter().zip(&self.upper);
        for (value, (lower, upper)) in row.iter_mut().zip(borders) {
            // NaN stays: it is a missing value.
            if *value < *lower {
                *value = *lower;
            }
            if *value > *upper {
                *value = *upper;
            }
        }
    }
}

fn axis(node: &NodeProto) -> Option<i64> {
    let attribute = node.attribute.iter().find(|own| own.name == "axis");
    attribute.map(|own| own.i)
}

/// A constant of floats, flat.
fn floats(graph: &GraphProto, name: &str) -> Option<Vec<f32>> {
    let tensor = graph.initializer.iter().find(|own| own.name == name)?;
    if tensor.data_type != FLOAT || !tensor.external_data.is_empty() {
        return None;
    }
    if !tensor.float_data.is_empty() {
        return Some(tensor.float_data.clone());
    }
    let bytes = tensor.raw_data.chunks_exact(4);
    Some(
        bytes
            .filter_map(|own| Some(f32::from_le_bytes(own.try_into().ok()?)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use varisk_onnx::{Attribute, GraphBuilder};

    use super::*;
    use crate::LinearModel;

    fn row(width: u64) -> [Dimension; 2] {
        [Dimension::symbolic("N"), Dimension::Fixed(width)]
    }

    /// Two inputs, joined and bordered, then a linear model; `twice` also reads an input directly.
    fn model(twice: bool) -> Model {
        let mut graph = GraphBuilder::new("test");
        graph.input("a", ElementType::Float32, &row(1)).unwrap();
        graph.input("b", ElementType::Float32, &row(2)).unwrap();
        graph
            .node(
                "Concat",
                &["a", "b"],
                &["joined"],
                &[Attribute::int("axis", 1)],
            )
            .unwrap();
        graph
            .initializer_f32("lower", &[1, 3], &[-1.0, -2.0, 0.0])
            .unwrap();
        graph
            .initializer_f32("upper", &[1, 3], &[1.0, 2.0, 1.0])
            .unwrap();
        graph
            .node("Max", &["joined", "lower"], &["raised"], &[])
            .unwrap();
        graph
            .node("Min", &["raised", "upper"], &["elements"], &[])
            .unwrap();
        graph
            .initializer_f32("weights", &[3, 1], &[1.0, 2.0, 3.0])
            .unwrap();
        graph.initializer_f32("bias", &[1], &[0.5]).unwrap();
        graph
            .node("Gemm", &["elements", "weights", "bias"], &["y"], &[])
            .unwrap();
        let mut output = "y";
        if twice {
            graph.node("Add", &["y", "a"], &["z"], &[]).unwrap();
            output = "z";
        }
        graph.output(output, ElementType::Float32, &row(1)).unwrap();
        graph.finish().unwrap()
    }

    #[test]
    fn what_is_left_is_the_model() {
        let (borders, rest) = Borders::split(&model(false)).unwrap();
        assert_eq!(borders.inputs(), ["a", "b"]);
        let mut own = [5.0, -5.0, f32::NAN];
        borders.apply(&mut own);
        assert_eq!(own[..2], [1.0, -2.0]);
        assert!(own[2].is_nan());
        let linear = LinearModel::from_onnx(&rest, "y").unwrap();
        assert_eq!(linear.predict(&[1.0, -2.0, 0.0]).unwrap(), [-2.5]);
    }

    #[test]
    fn another_reader_of_an_input_is_not_forgotten() {
        assert!(Borders::split(&model(true)).is_none());
    }

    #[test]
    fn a_graph_without_borders_is_left_alone() {
        let (_, rest) = Borders::split(&model(false)).unwrap();
        assert!(Borders::split(&rest).is_none());
    }
}
