//! What can go wrong with the runtime, a model or a device.

use std::path::PathBuf;

use varisk_core::BatchError;
use varisk_encode::{EncodeError, ManifestError};
use varisk_onnx::OnnxError;

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
    /// The card is there, and has no kernel for a part of the model.
    #[error(
        "device 'cuda' cannot run all of model '{model}': ONNX Runtime has no CUDA kernel for some of its operators, such as trees; with --device auto it runs on the processor and the other models on the card"
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
    /// A run failed.
    #[error("model '{model}' failed while scoring: {detail}")]
    Run {
        /// The model.
        model: String,
        /// The runtime's words.
        detail: String,
    },
    /// A run found no memory.
    #[error(
        "model '{model}' finds too little memory for batches of {rows} rows: {detail}; give it a smaller batch_size in its manifest"
    )]
    Memory {
        /// The model.
        model: String,
        /// Rows of its batches.
        rows: usize,
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
        )
    }
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
