//! Knowledge bundle: build from public sources, lock, verify, merge join.
//!
//! A bundle is a folder of sorted Parquet tables, one for each source, and `knowledge.lock`, which
//! says what they were made from. [`BundleBuilder`] makes one from what [`KnowledgeConfig`] names;
//! alleles are normalised by the code that normalises those of the patients. [`Bundle`] opens and
//! verifies it. [`KnowledgeStage`] joins positional sources onto batches, [`GeneTableStage`] those
//! that are keyed by gene.
//!
//! The tables have no index but Parquet's own page index, so other programs can query them. Gene
//! models are not parsed here: another part prepares them as a table ([`BundleBuilder::add_table`]).

mod build;
mod bundle;
mod config;
mod contigs;
mod error;
mod hash;
mod input;
mod join;
mod lock;
mod named;
mod progress;
mod rows;
mod sort;
mod sources;
mod span;
mod table_file;
mod vocabulary;

pub use build::{BundleBuilder, TableMeta};
pub use bundle::Bundle;
pub use config::{
    ColumnRef, ConfiguredMatch, FieldSpec, FullFieldSpec, GeneTableKey, KnowledgeConfig,
    SourceConfig, TableColumns,
};
pub use error::KnowledgeError;
pub use join::{GeneTableStage, KnowledgeStage};
pub use lock::{
    LOCK_FILE, LOCK_VERSION, Lock, LockedColumn, LockedFile, LockedModel, LockedSource, LockedTable,
};
pub use named::NamedAllele;
pub use progress::{Progress, ProgressCallback, Step};
pub use span::changed_span;
pub use vocabulary::{Combine, FieldType, GeneKey, MatchKind, SourceKind};
