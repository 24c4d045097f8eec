//! The part of an ONNX graph that leads from its input to one output, as a chain of operators.
//!
//! Only chains are read: each operator takes one computed value, everything else it takes is constant.

mod constant;
mod scores;

use std::collections::BTreeMap;

use varisk_onnx::proto::{AttributeProto, GraphProto, NodeProto};
use varisk_onnx::{ElementType, Model, TensorInfo};

pub(crate) use constant::Constant;
pub(crate) use scores::Scores;

use crate::ExplanationError;

/// Domain of the operators of classical models.
pub(crate) const ML: &str = "ai.onnx.ml";

/// A model with more columns than this is damaged; its width is memory that is asked for.
pub(crate) const MAXIMUM_COLUMNS: usize = 1 << 24;

/// Operators from an input to an output, in the order they run.
pub(crate) struct Chain<'a> {
    pub(crate) input: TensorInfo,
    pub(crate) steps: Vec<Step<'a>>,
}

/// One operator.
pub(crate) struct Step<'a> {
    /// What the reader looks for; part of its messages.
    kind: &'static str,
    node: &'a NodeProto,
    /// Which of its inputs is the computed value.
    pub(crate) place: usize,
    /// Its other inputs by their places; `None` for those left out.
    constants: Vec<Option<Constant>>,
    /// Which of its outputs is used.
    pub(crate) output: usize,
    /// Version of the standard operators.
    pub(crate) opset: i64,
}

impl<'a> Chain<'a> {
    /// Follows an output back to the input that it comes from.
    pub(crate) fn read(
        model: &'a Model,
        output: &str,
        kind: &'static str,
    ) -> Result<Self, ExplanationError> {
        let graph = model.graph();
        if graph.output.iter().all(|value| value.name != output) {
            let known: Vec<&str> = graph.output.iter().map(|v| v.name.as_str()).collect();
            return Err(ExplanationError::UnknownGraphOutput {
                name: output.to_owned(),
                known: known.join(", "),
            });
        }
        let inputs = model.inputs();
        let constants = constants(graph);
        let mut producers: BTreeMap<&str, (&NodeProto, usize)> = BTreeMap::new();
        for node in &graph.node {
            for (place, name) in node.output.iter().enumerate() {
                producers.insert(name, (node, place));
            }
        }
        let mut steps = Vec::new();
        let mut name = output;
        let input = loop {
            if let Some(input) = inputs.iter().find(|input| input.name == name) {
                break input.clone();
            }
            let Some((node, place)) = producers.get(name).copied() else {
                return Err(ExplanationError::Graph {
                    kind,
                    detail: format!("'{name}' does not come from its input"),
                });
            };
            // A damaged graph can go in circles.
            if steps.len() > graph.node.len() {
                return Err(ExplanationError::Graph {
                    kind,
                    detail: format!("'{name}' is computed from itself"),
                });
            }
            let mut step = Step {
                kind,
                node,
                place: 0,
                constants: Vec::new(),
                output: place,
                opset: model.opset().unwrap_or(1),
            };
            let mut computed = Vec::new();
            for (place, name) in node.input.iter().enumerate() {
                let constant = constants.get(name.as_str());
                if constant.is_none() && !name.is_empty() {
                    computed.push((place, name));
                }
                let constant = constant.map(Source::read);
                step.constants.push(constant.transpose().map_err(|detail| {
                    step.refuse(&format!("has the constant '{name}', which {detail}"))
                })?);
            }
            let [(place, from)] = computed[..] else {
                return Err(step.refuse(&format!(
                    "takes {} computed values where one is expected",
                    computed.len()
                )));
            };
            step.place = place;
            name = from;
            steps.push(step);
        };
        steps.reverse();
        let chain = Self { input, steps };
        chain.check_input(kind)?;
        Ok(chain)
    }

    /// Number of columns, if the input says it and they can be.
    pub(crate) fn columns(&self) -> Option<usize> {
        let dimensions = self.input.dimensions.as_ref()?;
        let columns = usize::try_from(dimensions.get(1)?.fixed()?).ok()?;
        (columns <= MAXIMUM_COLUMNS).then_some(columns)
    }

    /// Rows of numbers only.
    fn check_input(&self, kind: &'static str) -> Result<(), ExplanationError> {
        let element = self.input.element;
        let is_float = matches!(element, ElementType::Float32 | ElementType::Float64);
        let rank = self.input.dimensions.as_ref().map(Vec::len);
        if is_float && rank.is_none_or(|rank| rank == 2) {
            return Ok(());
        }
        Err(ExplanationError::Graph {
            kind,
            detail: format!("its input {} is not rows of float32 or float64", self.input),
        })
    }
}

impl Step<'_> {
    /// Name of the operator, with its domain unless that is the standard one.
    pub(crate) fn operator(&self) -> String {
        match self.node.domain.as_str() {
            "" | "ai.onnx" => self.node.op_type.clone(),
            domain => format!("{domain}.{}", self.node.op_type),
        }
    }

    /// The error that this operator ends the search.
    pub(crate) fn refuse(&self, detail: &str) -> ExplanationError {
        ExplanationError::Operator {
            kind: self.kind,
            operator: self.operator(),
            detail: detail.to_owned(),
        }
    }

    /// The constant input at a place, if there is one.
    pub(crate) fn constant(&self, place: usize) -> Option<&Constant> {
        self.constants.get(place)?.as_ref()
    }

    /// The constant of an operator with two inputs.
    pub(crate) fn other(&self) -> Result<&Constant, ExplanationError> {
        let other = self.constant(1 - self.place.min(1));
        other.ok_or_else(|| self.refuse("has no second input"))
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.node.attribute.iter().find(|a| a.name == name)
    }

    /// Integers of an attribute; none where it is left out.
    pub(crate) fn ints(&self, name: &str) -> &[i64] {
        self.attribute(name).map_or(&[], |a| &a.ints)
    }

    /// An integer attribute or its default.
    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |a| a.i)
    }

    /// Numbers of an attribute, or of the tensor that can stand for it; none where both are left out.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f64>, ExplanationError> {
        if let Some(tensor) = self.attribute(&format!("{name}_as_tensor")) {
            let tensor = tensor.t.as_ref().map(constant::read_tensor);
            return match tensor {
                Some(Ok(constant)) => Ok(constant.values),
                Some(Err(detail)) => {
                    Err(self.refuse(&format!("has {name}_as_tensor, which {detail}")))
                }
                None => Err(self.refuse(&format!("has no tensor in {name}_as_tensor"))),
            };
        }
        let attribute = self.attribute(name);
        Ok(attribute.map_or_else(Vec::new, |a| {
            a.floats.iter().map(|v| f64::from(*v)).collect()
        }))
    }

    /// A number attribute or its default.
    pub(crate) fn float(&self, name: &str, default: f32) -> f64 {
        f64::from(self.attribute(name).map_or(default, |a| a.f))
    }

    /// A text attribute or its default.
    pub(crate) fn text<'b>(
        &'b self,
        name: &str,
        default: &'b str,
    ) -> Result<&'b str, ExplanationError> {
        self.attribute(name).map_or(Ok(default), |a| {
            std::str::from_utf8(&a.s).map_err(|_| self.refuse(&format!("has a damaged {name}")))
        })
    }

    /// Number of classes that a classifier names.
    pub(crate) fn labels(&self) -> usize {
        let names = [
            "classlabels_strings",
            "classlabels_int64s",
            "classlabels_ints",
        ];
        let count = |name: &&str| {
            self.attribute(name)
                .map_or(0, |a| a.ints.len().max(a.strings.len()))
        };
        names.iter().map(count).max().unwrap_or(0)
    }

    /// Whether the operator leaves every number as it is.
    pub(crate) fn is_identity(&self) -> bool {
        match self.operator().as_str() {
            "Identity" => true,
            // Between float32 and float64 only the rounding differs.
            "Cast" => matches!(
                i32::try_from(self.int("to", 0)).map(ElementType::from_number),
                Ok(ElementType::Float32 | ElementType::Float64)
            ),
            _ => false,
        }
    }

    /// Refuses a softmax over anything but the columns.
    pub(crate) fn check_softmax(&self) -> Result<(), ExplanationError> {
        let default = if self.opset < 13 { 1 } else { -1 };
        if matches!(self.int("axis", default), 1 | -1) {
            return Ok(());
        }
        Err(self.refuse("is not over columns"))
    }
}

/// Where a constant stands.
enum Source<'a> {
    Tensor(&'a varisk_onnx::proto::TensorProto),
    Node(&'a NodeProto),
}

impl Source<'_> {
    fn read(&self) -> Result<Constant, &'static str> {
        match self {
            Self::Tensor(tensor) => constant::read_tensor(tensor),
            Self::Node(node) => constant::read_node(node),
        }
    }
}

fn constants(graph: &GraphProto) -> BTreeMap<&str, Source<'_>> {
    let mut constants = BTreeMap::new();
    for tensor in &graph.initializer {
        constants.insert(tensor.name.as_str(), Source::Tensor(tensor));
    }
    for node in &graph.node {
        if let (true, Some(name)) = (node.op_type == "Constant", node.output.first()) {
            constants.insert(name, Source::Node(node));
        }
    }
    constants
}
