//! Polygenic scores: scoring files, allele matching, exact sums over patients.
//!
//! [`ScorePlan`] is what the scoring files of a run say, on the run's reference: every row is resolved
//! to normalised alleles before any variant is read. [`PolygenicScores`] is the fold that adds up
//! what patients carry, exactly and in any order; [`ScoreResults`] are its numbers, and
//! [`ScoreVariantLog`] says for every row of every file how it was matched or why it was not.

mod error;
mod file;
mod fold;
mod keys;
mod log;
mod options;
mod panel;
mod plan;
mod resolve;
mod results;
mod sites;
#[cfg(test)]
mod testing;
mod vocabulary;

pub use error::PolygenicError;
pub use file::ScoreMetadata;
pub use fold::{FoldOptions, MIN_COHORT, MissingPolicy, PolygenicScores, Standardisation};
pub use log::{LOG_BATCH_ROWS, ScoreVariantLog};
pub use options::{
    AmbiguousStrand, ColumnNames, DuplicateRows, FREQUENCY_MARGIN, IdentifiedAllele, PlanOptions,
    RsidResolver, ScoreSource, UnsupportedRows,
};
pub use panel::PanelFrequencies;
pub use plan::{Lost, ScoreInfo, ScorePlan};
pub use results::{PatientScore, ScoreResults, ScoreSummary};
pub use sites::SiteAllele;
pub use vocabulary::{EffectType, MatchType, RowReason, Side};
