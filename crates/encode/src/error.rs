//! What can be wrong with a model bundle, and with a bundle in a run.

use std::path::PathBuf;

use varisk_core::BatchError;
use varisk_reference::ReferenceError;

/// A model bundle that cannot be used in any run.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file of the bundle cannot be read.
    #[error("{} cannot be read; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The path given is not a folder.
    #[error(
        "{} is not a folder with a manifest.json; give the folder of the model bundle",
        path.display()
    )]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The text is not JSON of the manifest's shape.
    #[error(
        "{}: the model manifest cannot be read: {source}; see schemas/model-manifest.schema.json",
        path.display()
    )]
    Syntax {
        /// The file that carries the manifest.
        path: PathBuf,
        /// The cause, with line and column.
        source: serde_json::Error,
    },
    /// A field has a value that makes no sense.
    #[error("{}: {field} {problem}", path.display())]
    Field {
        /// The file that carries the manifest.
        path: PathBuf,
        /// Which field, as a path into the JSON.
        field: String,
        /// What is wrong and what to write.
        problem: String,
    },
    /// The model file is not the one that the manifest was written for.
    #[error(
        "{} has SHA-256 {found}, its manifest says {expected}; fetch the model again or correct sha256",
        path.display()
    )]
    Checksum {
        /// The model file.
        path: PathBuf,
        /// What the manifest says.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// An output of the model has another width than the manifest assumes.
    #[error("output '{output}' (tensor '{tensor}') {problem}")]
    OutputWidth {
        /// Name of the output.
        output: String,
        /// Its tensor.
        tensor: String,
        /// What is wrong and what to write.
        problem: String,
    },
}

/// A model bundle that cannot be used in this run, or a row that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A model of one kind was given to the encoder of the other.
    #[error("model '{model}' is of kind '{found}'; a model of kind '{expected}' is needed here")]
    Kind {
        /// Name of the model.
        model: String,
        /// Its kind.
        found: &'static str,
        /// The kind that was needed.
        expected: &'static str,
    },
    /// The vocabulary of a k-mer tensor cannot be used.
    #[error("tensor '{tensor}': vocabulary {problem}")]
    Vocabulary {
        /// The tensor.
        tensor: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A vocabulary file cannot be read.
    #[error(
        "tensor '{tensor}': vocabulary file {} cannot be read; put it into the model bundle",
        path.display()
    )]
    VocabularyFile {
        /// The tensor.
        tensor: String,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The fixed number of tokens does not suit the window.
    #[error("tensor '{tensor}': {problem}")]
    TokenCount {
        /// The tensor.
        tensor: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A buffer of the declared shape would be too large.
    #[error(
        "tensor '{tensor}' of {elements} elements in a batch is more than {limit}; lower batch_size"
    )]
    TooLarge {
        /// The tensor.
        tensor: String,
        /// Elements of the whole batch.
        elements: usize,
        /// The limit.
        limit: usize,
    },
    /// An annotation has a name that does not exist.
    #[error("tensor '{tensor}': no annotation is called '{name}'; the known ones are {known}")]
    UnknownAnnotation {
        /// The tensor.
        tensor: String,
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
    /// An annotation comes from a source that this run does not have.
    #[error("tensor '{tensor}': annotation '{name}' needs {remedy}")]
    NoSuchSource {
        /// The tensor.
        tensor: String,
        /// The name.
        name: String,
        /// The source, and how to give it.
        remedy: String,
    },
    /// An annotation is of another kind than the manifest says.
    #[error("tensor '{tensor}': annotation '{name}' {problem}")]
    AnnotationKind {
        /// The tensor.
        tensor: String,
        /// The name.
        name: String,
        /// What it is and what to write.
        problem: String,
    },
    /// The batches of the run lack a column.
    #[error(
        "tensor '{tensor}': the input has no column '{column}' of type {expected}; add it to the \
         input file or use a model that does not need it"
    )]
    MissingColumn {
        /// The tensor.
        tensor: String,
        /// The column.
        column: String,
        /// The type it must have.
        expected: &'static str,
    },
    /// A column of numbers holds text.
    #[error(
        "tensor '{tensor}': column '{column}' of the samplesheet holds text for {patients} \
         patient(s) where the model needs a number; correct the samplesheet"
    )]
    TextInNumberColumn {
        /// The tensor.
        tensor: String,
        /// The column.
        column: String,
        /// How many patients have text there.
        patients: usize,
    },
    /// No analysis of the run gives a feature.
    #[error(
        "tensor '{tensor}': no analysis of this run gives feature '{name}'; add what it comes from: a \
         model, gene models for the burden of a gene, reads"
    )]
    UndeclaredFeature {
        /// The tensor.
        tensor: String,
        /// The feature.
        name: String,
    },
    /// A feature that was declared did not arrive, or not for all patients.
    #[error(
        "internal error: feature '{name}' was declared but has no value for patient number \
         {patient}; please report this"
    )]
    FeatureGone {
        /// The feature.
        name: String,
        /// Index of the patient in the run, from 0.
        patient: usize,
    },
    /// The buffers were made for another model, or a row is out of range.
    #[error("internal error: {0}; please report this")]
    Internal(&'static str),
    /// The batch lacks a column of its schema.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The reference cannot be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}
