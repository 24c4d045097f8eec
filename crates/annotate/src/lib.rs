//! Consequences of alleles on transcripts, from gene models or from INFO.
//!
//! [`GeneModels`] are read from GFF3 or GTF once and shared. An [`Annotator`] is one thread's
//! machine that gives the [`Consequence`]s of an allele on every transcript near it.

mod allele;
mod error;
mod genetic_code;
mod models;
mod predict;
mod sequence;
mod term;
mod transcript;

pub use error::AnnotateError;
pub use genetic_code::{GeneticCode, three_letters};
pub use models::{FLANK_BASES, GeneModels, ModelsSummary, SkipReason, transcript_schema};
pub use predict::{
    Annotator, Consequence, ConsequenceOptions, NMD_JUNCTION_BASES, NmdPrediction, Range,
};
pub use term::{Impact, Term, TermSet};
pub use transcript::{Span, Strand, Transcript, TranscriptFlags};
