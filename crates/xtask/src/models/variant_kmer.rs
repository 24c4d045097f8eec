//! `demo-variant-kmer`: a k-mer convolution whose weights are written by hand, not trained.
//!
//! It looks for three things that a change of sequence can do, on either strand:
//! * a stop codon that was not there before, at one of the three k-mers over the allele's first base;
//! * the loss of a splice donor (`MAG|GTRAGT`) or acceptor (`YYYYYNCAG|`) anywhere in the window;
//! * an insertion or deletion whose length is no multiple of three.
//!
//! A common allele (INFO AF, or frequency in the cohort) counts against all of them. Reading frames
//! are not known to it: a stop codon in an intron looks like any other.
//!
//! The layers: tokens -> embedding (which base starts the k-mer, is it a stop codon) plus a position
//! embedding (does the k-mer cover the centre) -> convolution over nine tokens, six detectors ->
//! ReLU -> maximum over the window; gains and losses between the two alleles and the annotation ->
//! one linear unit -> sigmoid.

use serde_json::{Value, json};
use varisk_onnx::{Attribute, Dimension, ElementType, GraphBuilder, OnnxError};

use super::tokens::{ORDER, SPECIALS, kmers, vocabulary_size};
use super::{Bundle, sigmoid};
use crate::sequence::{STOPS, reverse_complement};

/// Name of the model, as feature names have it.
pub(crate) const NAME: &str = "demo-variant-kmer";
/// Name of its output.
pub(crate) const OUTPUT: &str = "pathogenicity";
/// Scores from here on are called damaging.
pub(crate) const THRESHOLD: f32 = 0.5;
/// Bases of a k-mer.
pub(crate) const K: usize = 3;
/// Bases of a window.
pub(crate) const WINDOW: usize = 41;
/// Bases of a window before the allele.
pub(crate) const LEFT_FLANK: usize = (WINDOW - 1) / 2;
/// Tokens of a window: its k-mers, one special token before and one after.
const TOKENS: usize = WINDOW - K + 1 + 2;

/// Embedding: four for the k-mer's first base, one for a stop codon on each strand, one for the
/// centre.
const EMBEDDING: usize = 7;
const STOP_FORWARD: usize = 4;
const STOP_REVERSE: usize = 5;
const CENTRE: usize = 6;

/// Tokens under one detector.
const TAPS: usize = 9;
/// Detectors: donor, acceptor and stop codon, each on both strands.
const CHANNELS: usize = 6;

/// Weight of each base at each place of a splice motif; the two bases next to the cut count most.
type Motif = [(&'static [u8], f32); TAPS];

const DONOR: Motif = [
    (b"AC", 1.0),
    (b"A", 1.0),
    (b"G", 1.0),
    (b"G", 3.0),
    (b"T", 3.0),
    (b"AG", 1.0),
    (b"A", 1.0),
    (b"G", 1.0),
    (b"T", 1.0),
];
const ACCEPTOR: Motif = [
    (b"CT", 1.0),
    (b"CT", 1.0),
    (b"CT", 1.0),
    (b"CT", 1.0),
    (b"CT", 1.0),
    (b"", 0.0),
    (b"C", 1.0),
    (b"A", 3.0),
    (b"G", 3.0),
];
/// What a splice motif has to exceed: a perfect donor has 13, a perfect acceptor 12.
const MOTIF_BIAS: f32 = -10.0;

/// Annotation columns with the weight of each.
const ANNOTATION: [(&str, f32); 5] = [
    // Enters through its remainder by three only.
    ("allele.length_change", 0.0),
    ("allele.is_insertion", 0.5),
    ("allele.is_deletion", 0.5),
    ("info.AF", -30.0),
    // Small: in a file of one patient every allele that is there is common.
    ("cohort.alternate_frequency", -2.0),
];
/// Weights of gained detectors (donor, donor reverse, acceptor, acceptor reverse, stop, stop
/// reverse).
const GAIN: [f32; CHANNELS] = [0.25, 0.25, 0.25, 0.25, 6.0, 6.0];
/// Weights of lost detectors. A donor loses up to 3, an acceptor up to 2.
const LOSS: [f32; CHANNELS] = [2.5, 2.5, 3.0, 3.0, 0.0, 0.0];
const FRAMESHIFT: f32 = 4.5;
const INTERCEPT: f32 = -3.0;

/// Values of the annotation columns of one allele.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Annotation {
    pub(crate) length_change: f32,
    /// INFO AF; 0 where it is missing.
    pub(crate) info_frequency: f32,
    pub(crate) cohort_frequency: f32,
}

impl Annotation {
    fn columns(self) -> [f32; ANNOTATION.len()] {
        let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
        [
            self.length_change,
            flag(self.length_change > 0.0),
            flag(self.length_change < 0.0),
            self.info_frequency,
            self.cohort_frequency,
        ]
    }
}

/// The weights.
pub(crate) struct VariantModel {
    /// [vocabulary, embedding]
    embedding: Vec<f32>,
    /// [tokens, embedding]
    position: Vec<f32>,
    /// [channels, embedding, taps]
    kernel: Vec<f32>,
    /// (channels)
    bias: [f32; CHANNELS],
}

impl VariantModel {
    pub(crate) fn new() -> Self {
        let mut embedding = vec![0.0; vocabulary_size(K as u32) * EMBEDDING];
        for (number, kmer) in kmers(K as u32).enumerate() {
            let row = &mut embedding[(SPECIALS + number) * EMBEDDING..][..EMBEDDING];
            if let Some(base) = ORDER.iter().position(|base| *base == kmer[0]) {
                row[base] = 1.0;
            }
            let is_stop = |codon: &[u8]| STOPS.iter().any(|stop| codon == *stop);
            if is_stop(&kmer) {
                row[STOP_FORWARD] = 1.0;
            }
            if is_stop(&reverse_complement(&kmer)) {
                row[STOP_REVERSE] = 1.0;
            }
        }
        let mut position = vec![0.0; TOKENS * EMBEDDING];
        // Token t is the k-mer from base t - 1 on, because of the special token before it.
        for token in LEFT_FLANK + 2 - K..=LEFT_FLANK + 1 {
            position[token * EMBEDDING + CENTRE] = 1.0;
        }

        let mut kernel = vec![0.0; CHANNELS * EMBEDDING * TAPS];
        let mut set = |channel: usize, dimension: usize, tap: usize, weight: f32| {
            kernel[(channel * EMBEDDING + dimension) * TAPS + tap] = weight;
        };
        for (channel, motif) in [(0, &DONOR), (2, &ACCEPTOR)] {
            for (tap, (bases, weight)) in motif.iter().enumerate() {
                for (index, base) in ORDER.iter().enumerate() {
                    if bases.contains(base) {
                        set(channel, index, tap, *weight);
                    }
                    if reverse_complement(bases).contains(base) {
                        set(channel + 1, index, TAPS - 1 - tap, *weight);
                    }
                }
            }
        }
        for (channel, stop) in [(4, STOP_FORWARD), (5, STOP_REVERSE)] {
            // Both have to hold: 1 + 1 - 1 > 0.
            set(channel, stop, TAPS / 2, 1.0);
            set(channel, CENTRE, TAPS / 2, 1.0);
        }
        let bias = [MOTIF_BIAS, MOTIF_BIAS, MOTIF_BIAS, MOTIF_BIAS, -1.0, -1.0];
        Self {
            embedding,
            position,
            kernel,
            bias,
        }
    }

    /// The score of an allele, computed as the graph does.
    pub(crate) fn score(
        &self,
        reference: &[i64],
        alternate: &[i64],
        annotation: Annotation,
    ) -> f32 {
        let before = self.detect(reference);
        let after = self.detect(alternate);
        let mut sum = INTERCEPT;
        for channel in 0..CHANNELS {
            sum += GAIN[channel] * (after[channel] - before[channel]).max(0.0);
            sum += LOSS[channel] * (before[channel] - after[channel]).max(0.0);
        }
        for (value, (_, weight)) in annotation.columns().iter().zip(ANNOTATION) {
            sum += value * weight;
        }
        sum += FRAMESHIFT * (annotation.length_change.abs() % 3.0).min(1.0);
        sigmoid(sum)
    }

    /// Maximum of each detector over the window.
    fn detect(&self, tokens: &[i64]) -> [f32; CHANNELS] {
        let embedded = |token: usize, dimension: usize| {
            let id = tokens[token] as usize;
            self.embedding[id * EMBEDDING + dimension]
                + self.position[token * EMBEDDING + dimension]
        };
        let mut largest = [0.0_f32; CHANNELS];
        for (channel, maximum) in largest.iter_mut().enumerate() {
            for centre in 0..tokens.len() {
                let mut sum = self.bias[channel];
                for tap in 0..TAPS {
                    let Some(token) = (centre + tap).checked_sub(TAPS / 2) else {
                        continue;
                    };
                    if token >= tokens.len() {
                        continue;
                    }
                    for dimension in 0..EMBEDDING {
                        let weight = self.kernel[(channel * EMBEDDING + dimension) * TAPS + tap];
                        sum += weight * embedded(token, dimension);
                    }
                }
                *maximum = maximum.max(sum);
            }
        }
        largest
    }

    /// The model with its manifest.
    pub(crate) fn bundle(&self, metrics: &Value) -> Result<Bundle, OnnxError> {
        let mut graph = GraphBuilder::new(NAME);
        graph.documentation(
            "Gained stop codons, lost splice motifs and frameshifts, against frequency. Weights \
             written by hand.",
        );
        let tokens = [Dimension::symbolic("N"), Dimension::Fixed(TOKENS as u64)];
        graph.input("ref_tokens", ElementType::Int64, &tokens)?;
        graph.input("alt_tokens", ElementType::Int64, &tokens)?;
        let columns = ANNOTATION.len();
        graph.input(
            "annotation",
            ElementType::Float32,
            &[Dimension::symbolic("N"), Dimension::Fixed(columns as u64)],
        )?;

        let size = |numbers: &[usize]| -> Vec<u64> { numbers.iter().map(|n| *n as u64).collect() };
        graph.initializer_f32(
            "embedding",
            &size(&[vocabulary_size(K as u32), EMBEDDING]),
            &self.embedding,
        )?;
        graph.initializer_f32("position", &size(&[TOKENS, EMBEDDING]), &self.position)?;
        graph.initializer_f32("kernel", &size(&[CHANNELS, EMBEDDING, TAPS]), &self.kernel)?;
        graph.initializer_f32("kernel_bias", &size(&[CHANNELS]), &self.bias)?;
        for allele in ["ref", "alt"] {
            let name = |part: &str| format!("{allele}_{part}");
            let pad = (TAPS / 2) as i64;
            graph.node(
                "Gather",
                &["embedding", &name("tokens")],
                &[&name("token_embedding")],
                &[Attribute::int("axis", 0)],
            )?;
            graph.node(
                "Add",
                &[&name("token_embedding"), "position"],
                &[&name("embedded")],
                &[],
            )?;
            graph.node(
                "Transpose",
                &[&name("embedded")],
                &[&name("channels_first")],
                &[Attribute::ints("perm", &[0, 2, 1])],
            )?;
            graph.node(
                "Conv",
                &[&name("channels_first"), "kernel", "kernel_bias"],
                &[&name("convolved")],
                &[
                    Attribute::ints("kernel_shape", &[TAPS as i64]),
                    Attribute::ints("pads", &[pad, pad]),
                ],
            )?;
            graph.node("Relu", &[&name("convolved")], &[&name("detected")], &[])?;
            graph.node(
                "GlobalMaxPool",
                &[&name("detected")],
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
        for (result, left, right) in [
            ("gain", "alt_pooled", "ref_pooled"),
            ("loss", "ref_pooled", "alt_pooled"),
        ] {
            let difference = format!("{result}_difference");
            graph.node("Sub", &[left, right], &[&difference], &[])?;
            graph.node("Relu", &[&difference], &[result], &[])?;
        }

        // 1 where the length change, column 0, is no multiple of three.
        graph.initializer_i64("first_column", &[1], &[0])?;
        graph.initializer_f32("three", &[], &[3.0])?;
        graph.initializer_f32("zero", &[], &[0.0])?;
        graph.initializer_f32("one", &[], &[1.0])?;
        graph.node(
            "Gather",
            &["annotation", "first_column"],
            &["length_change"],
            &[Attribute::int("axis", 1)],
        )?;
        graph.node("Abs", &["length_change"], &["changed_bases"], &[])?;
        graph.node(
            "Mod",
            &["changed_bases", "three"],
            &["remainder"],
            &[Attribute::int("fmod", 1)],
        )?;
        graph.node("Clip", &["remainder", "zero", "one"], &["frameshift"], &[])?;

        let weights: Vec<f32> = GAIN
            .into_iter()
            .chain(LOSS)
            .chain(ANNOTATION.map(|(_, weight)| weight))
            .chain([FRAMESHIFT])
            .collect();
        graph.initializer_f32("weights", &size(&[weights.len(), 1]), &weights)?;
        graph.initializer_f32("intercept", &[1], &[INTERCEPT])?;
        graph.node(
            "Concat",
            &["gain", "loss", "annotation", "frameshift"],
            &["evidence"],
            &[Attribute::int("axis", 1)],
        )?;
        graph.node(
            "Gemm",
            &["evidence", "weights", "intercept"],
            &["logit"],
            &[],
        )?;
        graph.node("Sigmoid", &["logit"], &["score"], &[])?;
        graph.output(
            "score",
            ElementType::Float32,
            &[Dimension::symbolic("N"), Dimension::Fixed(1)],
        )?;
        Ok(Bundle {
            model: graph.finish()?,
            manifest: manifest(metrics),
        })
    }
}

fn manifest(metrics: &Value) -> Value {
    let tokens = |tensor: &str, allele: &str| {
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
    let features: Vec<Value> = ANNOTATION
        .iter()
        .map(|(name, _)| {
            json!({"name": name, "fill": 0.0, "mean": 0.0, "std": 1.0, "missing_flag": false})
        })
        .collect();
    json!({
        "schema_version": 1,
        "name": NAME,
        "version": "1.0.0",
        "licence": "MIT OR Apache-2.0",
        "intended_use": "demonstration on synthetic data; research output, not a diagnosis",
        "training_data": "none: the weights are written by hand to find gained stop codons, lost \
            splice motifs and frameshifts, weighed against allele frequency",
        "metrics": metrics,
        "genome_build": "any",
        "kind": "variant",
        "model": "model.onnx",
        "batch_size": 64,
        "inputs": [
            tokens("ref_tokens", "ref"),
            tokens("alt_tokens", "alt"),
            {"tensor": "annotation", "encoder": "annotation", "params": {"features": features}}
        ],
        "outputs": [{
            "tensor": "score",
            "name": OUTPUT,
            "meaning": "resemblance to a damaging change of sequence, from 0 to 1; not a probability",
            "column": 0,
            "activation": "none",
            "threshold": THRESHOLD
        }]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::tokens::tokens;

    /// Score of replacing `reference` by `alternate` in flanks of neutral sequence.
    fn score(left: &str, reference: &str, alternate: &str, right: &str, frequency: f32) -> f32 {
        let window = |allele: &str| {
            let left = format!("{left:C>LEFT_FLANK$}");
            let all = format!("{left}{allele}{right}{}", "C".repeat(WINDOW));
            tokens(&all.as_bytes()[..WINDOW], K)
        };
        let annotation = Annotation {
            length_change: alternate.len() as f32 - reference.len() as f32,
            info_frequency: frequency,
            cohort_frequency: frequency,
        };
        VariantModel::new().score(&window(reference), &window(alternate), annotation)
    }

    #[test]
    fn the_model_means_what_it_says() {
        let damaging = |left, reference, alternate, right| {
            let rare = score(left, reference, alternate, right, 0.01);
            assert!(rare > 0.7, "{left} {reference}>{alternate} {right}: {rare}");
            let common = score(left, reference, alternate, right, 0.3);
            assert!(
                common < 0.1,
                "{left} {reference}>{alternate} {right}: {common}"
            );
        };
        let harmless = |left, reference, alternate, right| {
            let rare = score(left, reference, alternate, right, 0.0);
            assert!(rare < 0.2, "{left} {reference}>{alternate} {right}: {rare}");
        };
        damaging("CTA", "C", "A", "CC"); // TAC > TAA
        damaging("C", "C", "T", "GAC"); // CGA > TGA
        damaging("CTT", "C", "A", "CC"); // on the other strand: GAA > TAA
        damaging("CAG", "G", "A", "TAAGT"); // donor
        damaging("ACTTA", "C", "T", "CTG"); // donor, other strand
        damaging("TTTTTCA", "G", "C", ""); // acceptor
        damaging("C", "T", "CGG", "GC"); // +2 bases
        damaging("C", "CGGCG", "C", "GC"); // -4 bases
        harmless("CTA", "C", "T", "CC");
        harmless("C", "C", "CGGC", "GC"); // in frame
        harmless("C", "CGGC", "C", "GC");
        harmless("CTA", "A", "C", "CC"); // a stop codon lost
    }
}
