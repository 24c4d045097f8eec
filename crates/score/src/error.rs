//! What can go wrong with the runtime, a model or a device.

use std::path::PathBuf;

use varisk_core::BatchError;
use varisk_encode::{EncodeError, ManifestError};
use varisk_onnx::OnnxError;

use crate::Provider;

/// Why nothing can be scored.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// No library anywhere.
    #[error(
        "ONNX Runtime is not found (looked in: {looked}); install it with 'pip install onnxruntime' into the active environment, or name libonnxruntime.so with --onnxruntime"
    )]
    LibraryMissing {
        /// Where it was looked for.
        looked: String,
    },
    /// The library that was named does not serve.
    #[error("ONNX Runtime at {} cannot be used: {detail}; name a release from 1.17 on with --onnxruntime", path.display())]
    LibraryUnusable {
        /// The library.
        path: PathBuf,
        /// The loader's words.
        detail: String,
    },
    /// The device that was asked for is not there or does not take the model.
    #[error(
        "device 'cuda' cannot run model '{model}': {detail}; install onnxruntime-gpu with its CUDA libraries, or use --device cpu"
    )]
    Device {
        /// The model.
        model: String,
        /// The runtime's words.
        detail: String,
    },
    /// The card is there, and ONNX Runtime would run a part of the model on the processor.
    #[error(
        "device 'cuda' cannot run all of model '{model}': ONNX Runtime leaves some of its operators, such as trees, to the processor; use --device auto, which runs such a model on the processor"
    )]
    Kernel {
        /// The model.
        model: String,
    },
    /// No change was asked for, or none that fits.
    #[error(
        "nothing would be changed: {occluded} bases occluded together, within {radius} bases of the allele; give an occlusion that fits, or 0 with mutagenesis, and a radius above 0"
    )]
    NothingToChange {
        /// Bases that were to be occluded together.
        occluded: u32,
        /// Bases to a side that can be changed.
        radius: u32,
    },
    /// There are no bases to change.
    #[error(
        "model '{model}' looks at no sequence, so there are no bases to change; explain a model with a kmer or onehot input"
    )]
    NoSequence {
        /// The model.
        model: String,
    },
    /// The runtime refuses the model.
    #[error("model '{model}' ({}) cannot be opened: {detail}; export it again", path.display())]
    Session {
        /// The model.
        model: String,
        /// Its file.
        path: PathBuf,
        /// The runtime's words.
        detail: String,
    },
    /// Manifest and graph do not agree.
    #[error("model '{model}' ({}): {detail}; correct the manifest or export the model again", path.display())]
    Graph {
        /// The model.
        model: String,
        /// Its file.
        path: PathBuf,
        /// What differs.
        detail: String,
    },
    /// A run on the processor failed.
    #[error("model '{model}' failed while scoring: {detail}")]
    Run {
        /// The model.
        model: String,
        /// The runtime's words.
        detail: String,
    },
    /// There is too little memory to open a model or to run it.
    #[error(
        "model '{model}' finds too little memory on the {device} for batches of {rows} rows: {detail}; {}, or begin anew with a smaller batch_size in its manifest",
        more_memory(device)
    )]
    Memory {
        /// The model.
        model: String,
        /// What it runs on.
        device: Provider,
        /// Rows of its batches.
        rows: usize,
        /// The runtime's words.
        detail: String,
    },
    /// A run on a card failed: a fault of the card, or of what the model does there.
    #[error("model '{model}' failed on the card: {detail}; look at the card, or use --device cpu")]
    Card {
        /// The model.
        model: String,
        /// The runtime's words.
        detail: String,
    },
    /// The ONNX file is not one.
    #[error("{0}; give the model's ONNX file, or fetch it again")]
    Onnx(#[from] OnnxError),
    /// The manifest is not valid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A tensor cannot be built.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The batch lacks a column of its schema.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl ScoreError {
    /// Whether a library or device is not there or too small, rather than a model or data being wrong.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::LibraryMissing { .. }
                | Self::LibraryUnusable { .. }
                | Self::Device { .. }
                | Self::Kernel { .. }
                | Self::Memory { .. }
                | Self::Card { .. }
        )
    }
}

/// How memory is had without another model.
fn more_memory(device: &Provider) -> &'static str {
    match device {
        Provider::Cpu => "give the job more memory or fewer --threads",
        Provider::Cuda => "take a card that has more memory free, or --device cpu",
    }
}

/// Whether a runtime's message says that there is too little memory: its arena, CUDA, cuBLAS and cuDNN each in their way.
pub(crate) fn is_about_memory(detail: &str) -> bool {
    [
        "Failed to allocate memory",
        "out of memory",
        "bad allocation",
        "std::bad_alloc",
        "ALLOC_FAILED",
    ]
    .iter()
    .any(|words| detail.contains(words))
}

/// The first line of a runtime's message: the rest is its stack.
pub(crate) fn first_line(error: &impl std::fmt::Display) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_owned()
}
