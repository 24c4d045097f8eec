//! The network as a graph.

use varisk_onnx::{Attribute, Dimension, ElementType, GraphBuilder, Model};

use super::error::SiameseError;
use super::model::SiameseNetwork;
use crate::network::layer;

/// Name of the output: log odds of being pathogenic, of shape `[N, 1]`.
pub const LOGIT: &str = "logit";

/// Names of the input tensors.
#[derive(Clone, Copy, Debug)]
pub struct Tensors<'a> {
    /// Tokens of the reference window, int64 `[N, tokens]`.
    pub reference: &'a str,
    /// Tokens of the alternate window, int64 `[N, tokens]`.
    pub alternate: &'a str,
    /// Annotation, float32 `[N, elements]`; no input where the network reads none.
    pub annotation: &'a str,
}

impl SiameseNetwork {
    /// The network as a model with the output [`LOGIT`], in [`varisk_onnx::OPSET_VERSION`].
    ///
    /// # Errors
    /// Names of tensors that are empty, equal or taken by the graph itself (those that begin with
    /// `encoder.`, `reference.`, `alternate.`, `head.` or `logit.`).
    pub fn graph(
        &self,
        name: &str,
        documentation: &str,
        tensors: &Tensors<'_>,
    ) -> Result<Model, SiameseError> {
        let mut graph = GraphBuilder::new(name);
        graph.documentation(documentation);
        let shape = |columns: usize| [Dimension::symbolic("N"), Dimension::Fixed(columns as u64)];
        for tensor in [tensors.reference, tensors.alternate] {
            graph.input(tensor, ElementType::Int64, &shape(self.shape.tokens))?;
        }
        let has_annotation = self.shape.elements > 0;
        if has_annotation {
            let shape = shape(self.shape.elements);
            graph.input(tensors.annotation, ElementType::Float32, &shape)?;
        }
        self.write_constants(&mut graph)?;
        self.write_encoder(&mut graph, tensors.reference, "reference")?;
        self.write_encoder(&mut graph, tensors.alternate, "alternate")?;
        let pooled = ["alternate.pooled", "reference.pooled"];
        graph.node("Sub", &pooled, &["head.difference"], &[])?;
        let changed = ["head.difference", "head.scale"];
        graph.node("Mul", &changed, &["head.change"], &[])?;
        let mut parts = vec!["head.change", "reference.pooled"];
        if has_annotation {
            parts.push(tensors.annotation);
        }
        let columns = [Attribute::int("axis", 1)];
        graph.node("Concat", &parts, &["head.fused"], &columns)?;
        layer::write(self.parameters.dense(), &mut graph, "head.fused", LOGIT)?;
        graph.output(LOGIT, ElementType::Float32, &shape(1))?;
        Ok(graph.finish()?)
    }

    fn write_constants(&self, graph: &mut GraphBuilder) -> Result<(), SiameseError> {
        let shape = &self.shape;
        let scale = shape.scale().to_vec();
        graph.initializer_f32("head.scale", &[1, shape.pooled() as u64], &scale)?;
        let embedding: Vec<f32> = self.parameters.embedding().iter().copied().collect();
        graph.initializer_f32(
            "encoder.embedding",
            &[shape.vocabulary as u64, shape.embedding as u64],
            &embedding,
        )?;
        let channels = shape.channels();
        for (number, (layer, inputs)) in
            (self.parameters.convolutions().iter().zip(channels)).enumerate()
        {
            // Here a filter's weights are in the order of tokens, then channels; ONNX has channels first.
            let mut weights = Vec::with_capacity(layer.weights.len());
            for filter in layer.weights.rows() {
                for channel in 0..inputs {
                    weights.extend(filter.iter().skip(channel).step_by(inputs).copied());
                }
            }
            graph.initializer_f32(
                &format!("encoder.convolution{number}.weights"),
                &[shape.filters as u64, inputs as u64, shape.kernel as u64],
                &weights,
            )?;
            graph.initializer_f32(
                &format!("encoder.convolution{number}.bias"),
                &[shape.filters as u64],
                &layer.bias.to_vec(),
            )?;
        }
        Ok(())
    }

    /// Adds the encoder of an allele, with the constants that both share.
    fn write_encoder(
        &self,
        graph: &mut GraphBuilder,
        tokens: &str,
        allele: &str,
    ) -> Result<(), SiameseError> {
        let name = |what: &str| format!("{allele}.{what}");
        let (embedded, turned) = (name("embedded"), name("channels"));
        let (most, mean) = (name("largest"), name("mean"));
        graph.node("Gather", &["encoder.embedding", tokens], &[&embedded], &[])?;
        let channels_first = [Attribute::ints("perm", &[0, 2, 1])];
        graph.node("Transpose", &[&embedded], &[&turned], &channels_first)?;
        let mut value = turned;
        let gap = self.shape.kernel as i64 / 2;
        for number in 0..self.shape.convolutions {
            let (sum, filters) = (
                name(&format!("convolution{number}.sum")),
                name(&format!("convolution{number}.filters")),
            );
            let weights = format!("encoder.convolution{number}.weights");
            let bias = format!("encoder.convolution{number}.bias");
            let padding = [Attribute::ints("pads", &[gap, gap])];
            graph.node("Conv", &[&value, &weights, &bias], &[&sum], &padding)?;
            graph.node("Relu", &[&sum], &[&filters], &[])?;
            value = filters;
        }
        graph.node("GlobalMaxPool", &[&value], &[&most], &[])?;
        graph.node("GlobalAveragePool", &[&value], &[&mean], &[])?;
        let (both, pooled) = (name("both"), name("pooled"));
        let rows = [Attribute::int("axis", 1)];
        graph.node("Concat", &[&most, &mean], &[&both], &rows)?;
        graph.node("Flatten", &[&both], &[&pooled], &rows)?;
        Ok(())
    }
}
