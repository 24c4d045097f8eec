//! Sizes and parameters of the network.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use super::task::Rows;
use crate::network::Layer;
use crate::network::layer;
use crate::network::random::{Purpose, Random};

/// Bound of the uniform distribution of embeddings before training: that of Keras. With windows that
/// differ much from row to row, larger ones drown the annotation.
const FIRST_EMBEDDING: f32 = 0.05;

/// Sizes of the network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Shape {
    pub(super) vocabulary: usize,
    /// Tokens of a window.
    pub(super) tokens: usize,
    /// Elements of annotation.
    pub(super) elements: usize,
    pub(super) embedding: usize,
    pub(super) kernel: usize,
    pub(super) filters: usize,
    pub(super) convolutions: usize,
    pub(super) hidden: Vec<usize>,
}

impl Shape {
    pub(super) fn new(rows: &Rows<'_>, vocabulary: usize, settings: &Settings) -> Self {
        Self {
            vocabulary,
            tokens: rows.reference.ncols(),
            elements: rows.annotation.ncols(),
            embedding: settings.embedding,
            kernel: settings.kernel,
            filters: settings.filters,
            convolutions: usize::from(settings.convolutions),
            hidden: settings.hidden.clone(),
        }
    }

    /// Whether a network can have these sizes.
    pub(super) fn is_sound(&self) -> bool {
        let settings = Settings {
            embedding: self.embedding,
            kernel: self.kernel,
            filters: self.filters,
            convolutions: u8::try_from(self.convolutions).unwrap_or(u8::MAX),
            hidden: self.hidden.clone(),
            ..Settings::default()
        };
        let is_size = |size| (1..=u32::MAX as usize).contains(&size);
        settings.check().is_ok()
            && is_size(self.vocabulary)
            && is_size(self.tokens)
            && (self.elements == 0 || is_size(self.elements))
    }

    /// Channels before the first convolution and after each.
    pub(super) fn channels(&self) -> Vec<usize> {
        let mut channels = vec![self.embedding];
        channels.resize(self.convolutions + 1, self.filters);
        channels
    }

    /// What the change of each pooled value is multiplied by: a mean over the window by the square root
    /// of its tokens. An allele changes few of them, so that the change of the mean alone is so small
    /// that training hardly sees it; the sum of all changes would be as large as what is common to all
    /// variants and be learned by heart.
    pub(super) fn scale(&self) -> Array1<f32> {
        let tokens = (self.tokens as f32).sqrt();
        Array1::from_shape_fn(
            self.pooled(),
            |at| {
                if at < self.filters { 1.0 } else { tokens }
            },
        )
    }

    /// Values that pooling leaves of a window: the largest of each filter, then the mean of each.
    pub(super) fn pooled(&self) -> usize {
        2 * self.filters
    }

    /// Sizes of the dense layers, from their input on: what the allele changes, the reference, the
    /// annotation.
    pub(super) fn dense(&self) -> Vec<usize> {
        let mut sizes = vec![2 * self.pooled() + self.elements];
        sizes.extend(&self.hidden);
        sizes.push(1);
        sizes
    }

    /// Outputs, inputs and biases of each layer. Tokens are looked up, so they have no bias.
    fn sizes(&self) -> Vec<(usize, usize, usize)> {
        let mut sizes = vec![(self.vocabulary, self.embedding, 0)];
        for inputs in &self.channels()[..self.convolutions] {
            sizes.push((self.filters, self.kernel * inputs, self.filters));
        }
        let dense = self.dense();
        sizes.extend(dense.windows(2).map(|pair| (pair[1], pair[0], pair[1])));
        sizes
    }

    /// Zeros: a gradient or moments.
    pub(super) fn zeros(&self) -> Parameters {
        let of_layer = |(outputs, inputs, biases)| Layer {
            weights: Array2::zeros((outputs, inputs)),
            bias: Array1::zeros(biases),
        };
        Parameters {
            layers: self.sizes().into_iter().map(of_layer).collect(),
            convolutions: self.convolutions,
        }
    }

    /// Parameters before training: embeddings uniform within a small bound, the layers as in
    /// [`Layer::initialise`].
    ///
    /// What no training row has stays 0: the embedding of a token, and the weights of an annotation that
    /// is 0 in all of them. Random ones would be noise in predictions, and nothing would ever teach them.
    pub(super) fn initial(&self, seed: u64, is_seen: &[bool], is_annotated: &[bool]) -> Parameters {
        let mut random = Random::new(seed, Purpose::Initial, 0);
        let mut parameters = self.zeros();
        for (number, layer) in parameters.layers.iter_mut().enumerate() {
            if number > 0 {
                layer.initialise(&mut random);
                if number == 1 + self.convolutions {
                    let first = 2 * self.pooled();
                    for (at, _) in (first..).zip(is_annotated).filter(|(_, own)| !**own) {
                        layer.weights.column_mut(at).fill(0.0);
                    }
                }
                continue;
            }
            // All are drawn, so that those of seen tokens do not depend on what else is seen.
            layer
                .weights
                .map_inplace(|value| *value = FIRST_EMBEDDING * random.symmetric());
            let tokens = layer.weights.rows_mut().into_iter().zip(is_seen);
            tokens
                .filter(|(_, is_seen)| !**is_seen)
                .for_each(|(mut token, _)| token.fill(0.0));
        }
        parameters
    }
}

/// Parameters, their gradient, or moments of it: embeddings, convolutions, dense layers.
///
/// A convolution is a layer whose inputs are the channels of all tokens that a filter reads, token by
/// token.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Parameters {
    pub(super) layers: Vec<Layer>,
    convolutions: usize,
}

impl Parameters {
    /// A row for each token.
    pub(super) fn embedding(&self) -> &Array2<f32> {
        &self.layers[0].weights
    }

    pub(super) fn convolutions(&self) -> &[Layer] {
        &self.layers[1..=self.convolutions]
    }

    pub(super) fn dense(&self) -> &[Layer] {
        &self.layers[1 + self.convolutions..]
    }

    /// Whether the layers are those of a shape.
    pub(super) fn have_sizes_of(&self, shape: &Shape) -> bool {
        let own = self.layers.iter().map(|layer| {
            let (outputs, inputs) = layer.weights.dim();
            (outputs, inputs, layer.bias.len())
        });
        self.convolutions == shape.convolutions && own.eq(shape.sizes())
    }

    /// Sets a gradient to that of the convolutions and the dense layers of a part.
    pub(super) fn assign(&mut self, convolutions: &[Layer], dense: &[Layer]) {
        let (own, rest) = self.layers[1..].split_at_mut(self.convolutions);
        layer::copy(convolutions, own);
        layer::copy(dense, rest);
    }

    /// Adds that of another part.
    pub(super) fn add(&mut self, convolutions: &[Layer], dense: &[Layer]) {
        let (own, rest) = self.layers[1..].split_at_mut(self.convolutions);
        layer::add(own, convolutions);
        layer::add(rest, dense);
    }
}
