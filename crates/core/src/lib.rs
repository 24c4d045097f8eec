//! Types and contracts that every part of varisk shares: positions and contigs, alleles,
//! genotype calls, batches of sites, the [`Stage`] and [`Analysis`] contracts and run limits.
//!
//! This crate does no I/O: it neither opens files nor prints.

mod allele;
mod analysis;
mod assembly;
mod batch;
mod call;
mod contig;
mod dosage;
mod evidence;
mod exact;
mod feature;
mod limits;
mod patient;
mod ploidy;
mod position;
mod reason;
mod saved;
mod stage;
mod state;
mod variant_key;

pub use allele::AlleleClass;
pub use analysis::{Analysis, AnalysisError, AnalysisOutput, agree, part_of, place_patients};
pub use assembly::GenomeBuild;
pub use batch::{BatchError, RowEvidence, SiteBatch, columns, site_schema};
pub use call::{Call, CallCode, CallMatrix, Haplotype, PolyploidCall};
pub use contig::{ContigId, ContigSet, canonical_name};
pub use dosage::{NO_DOSAGE, ONE_COPY, dosage_of, quantise_dosage};
pub use evidence::{AlleleReads, SiteEvidence};
pub use exact::{ExactSum, Quantised, SCALE_BITS, dequantise, quantise};
pub use feature::{FeatureTable, FeatureValue};
pub use limits::RunLimits;
pub use patient::{Covariate, Patient, Sex};
pub use ploidy::{DosageTable, PloidyMap, SiteClass};
pub use position::{Interval, Position};
pub use reason::Reason;
pub use saved::{load_fold, save_fold};
pub use stage::{Stage, StageError, Worker};
pub use state::{CallOrigin, InferredReference, SiteState};
pub use variant_key::VariantKey;
