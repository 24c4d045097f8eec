//! `synth-model`: a k-mer convolution of about five million multiply-adds for each allele, with
//! random weights: as heavy as a small published model, and free to pass on. Eight times as wide it
//! is as heavy as a larger one.

use serde_json::json;
use varisk_onnx::{Attribute, Dimension, ElementType, GraphBuilder, OnnxError};

use super::Bundle;
use super::tokens::vocabulary_size;
use crate::random::Random;

const K: usize = 6;
const WINDOW: usize = 101;
const TOKENS: usize = WINDOW - K + 1 + 2;
/// Numbers of a token and of a place, for each unit of width.
const EMBEDDING: usize = 32;
const CHANNELS: usize = 64;
const FIRST_TAPS: usize = 7;
const SECOND_TAPS: usize = 9;
const HIDDEN: usize = 32;

/// The model with its manifest, so many times as wide, for batches of so many rows.
pub(crate) fn bundle(width: usize, batch_size: u32) -> Result<Bundle, OnnxError> {
    let (embedding, channels) = (width * EMBEDDING, width * CHANNELS);
    // Multiply-adds of the two convolutions for one allele; both keep the number of tokens.
    let per_allele = TOKENS * channels * (embedding * FIRST_TAPS + channels * SECOND_TAPS);
    // Of the two dense layers for one variant.
    let per_variant = 2 * channels * HIDDEN + HIDDEN;
    let mut random = Random::new(1, 100);
    // Uniform weights whose sums keep the spread of their inputs.
    let mut weights = |count: usize, summands: usize| -> Vec<f32> {
        let bound = (3.0 / summands as f32).sqrt();
        (0..count).map(|_| random.signed_unit() * bound).collect()
    };
    let mut graph = GraphBuilder::new("synth-kmer");
    let tokens = [Dimension::symbolic("N"), Dimension::Fixed(TOKENS as u64)];
    graph.input("ref_tokens", ElementType::Int64, &tokens)?;
    graph.input("alt_tokens", ElementType::Int64, &tokens)?;

    for (name, shape, summands) in [
        ("embedding", vec![vocabulary_size(K as u32), embedding], 1),
        (
            "first",
            vec![channels, embedding, FIRST_TAPS],
            embedding * FIRST_TAPS,
        ),
        (
            "second",
            vec![channels, channels, SECOND_TAPS],
            channels * SECOND_TAPS,
        ),
        ("hidden_weights", vec![2 * channels, HIDDEN], 2 * channels),
        ("score_weights", vec![HIDDEN, 1], HIDDEN),
    ] {
        let values = weights(shape.iter().product(), summands);
        let shape: Vec<u64> = shape.iter().map(|size| *size as u64).collect();
        graph.initializer_f32(name, &shape, &values)?;
    }
    for allele in ["ref", "alt"] {
        let name = |part: &str| format!("{allele}_{part}");
        graph.node(
            "Gather",
            &["embedding", &name("tokens")],
            &[&name("embedded")],
            &[Attribute::int("axis", 0)],
        )?;
        graph.node(
            "Transpose",
            &[&name("embedded")],
            &[&name("layer0")],
            &[Attribute::ints("perm", &[0, 2, 1])],
        )?;
        for (layer, kernel, taps) in [(1, "first", FIRST_TAPS), (2, "second", SECOND_TAPS)] {
            let pad = (taps / 2) as i64;
            let convolved = format!("{allele}_convolved{layer}");
            graph.node(
                "Conv",
                &[&format!("{allele}_layer{}", layer - 1), kernel],
                &[&convolved],
                &[
                    Attribute::ints("kernel_shape", &[taps as i64]),
                    Attribute::ints("pads", &[pad, pad]),
                ],
            )?;
            graph.node(
                "Relu",
                &[&convolved],
                &[&format!("{allele}_layer{layer}")],
                &[],
            )?;
        }
        graph.node(
            "GlobalMaxPool",
            &[&name("layer2")],
            &[&name("maximum")],
            &[],
        )?;
        graph.node(
            "Flatten",
            &[&name("maximum")],
            &[&name("pooled")],
            &[Attribute::int("axis", 1)],
        )?;
    }
    graph.node("Sub", &["alt_pooled", "ref_pooled"], &["difference"], &[])?;
    graph.node(
        "Concat",
        &["ref_pooled", "difference"],
        &["both"],
        &[Attribute::int("axis", 1)],
    )?;
    graph.node("MatMul", &["both", "hidden_weights"], &["hidden"], &[])?;
    graph.node("Relu", &["hidden"], &["active"], &[])?;
    graph.node("MatMul", &["active", "score_weights"], &["logit"], &[])?;
    graph.node("Sigmoid", &["logit"], &["score"], &[])?;
    graph.output(
        "score",
        ElementType::Float32,
        &[Dimension::symbolic("N"), Dimension::Fixed(1)],
    )?;

    let input = |tensor: &str, allele: &str| {
        json!({
            "tensor": tensor,
            "encoder": "kmer",
            "params": {
                "k": K,
                "window": WINDOW,
                "allele": allele,
                "vocabulary": {"preset": "dnabert"}
            }
        })
    };
    let manifest = json!({
        "schema_version": 1,
        "name": "synth-kmer",
        "version": "1.0.0",
        "licence": "MIT OR Apache-2.0",
        "intended_use": "benchmarks; its scores mean nothing",
        "training_data": "none: the weights are random, from a fixed seed",
        "metrics": {
            "multiply_adds_per_allele": per_allele,
            "multiply_adds_per_variant": 2 * per_allele + per_variant
        },
        "genome_build": "any",
        "kind": "variant",
        "model": "model.onnx",
        "batch_size": batch_size,
        "inputs": [input("ref_tokens", "ref"), input("alt_tokens", "alt")],
        "outputs": [{
            "tensor": "score",
            "name": "score",
            "meaning": "nothing",
            "column": 0,
            "activation": "none"
        }]
    });
    Ok(Bundle {
        model: graph.finish()?,
        manifest,
    })
}
