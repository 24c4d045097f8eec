//! Consequences of alleles on transcripts, from gene models or from INFO.
//!
//! [`GeneModels`] are read from GFF3 or GTF once and shared. An [`Annotator`] is one thread's
//! machine that gives the [`Consequence`]s of an allele on every transcript near it.
//! [`ConsequenceStage`] adds them to batches as the columns named in [`columns`]; [`CsqWriter`]
//! writes these as VEP does.

mod allele;
mod choice;
pub mod columns;
mod csq;
mod error;
mod from_info;
mod genetic_code;
mod haplotype;
mod line;
mod models;
mod predict;
mod sequence;
mod stage;
mod term;
mod transcript;

pub use choice::most_severe;
pub use csq::{CsqWriter, csq_header_format, vep_allele, write_csq};
pub use error::AnnotateError;
pub use from_info::{FromInfoStage, InfoFormat, InfoKind};
pub use genetic_code::{GeneticCode, three_letters};
pub use haplotype::{
    HAPLOTYPE_TABLE, HaplotypeConsequences, HaplotypeOptions, UnphasedCalls, haplotype_schema,
};
pub use models::{FLANK_BASES, GeneModels, ModelsSummary, SkipReason, transcript_schema};
pub use predict::{
    Annotator, Consequence, ConsequenceOptions, Lines, NMD_JUNCTION_BASES, NmdPrediction, Range,
};
pub use stage::ConsequenceStage;
pub use term::{Impact, Term, TermSet};
pub use transcript::{Span, Strand, Transcript, TranscriptFlags};

#[cfg(test)]
mod testing;
