//! Joining the tables of a bundle onto batches of alleles.
//!
//! Both sides are sorted, so a batch touches a short stretch of each table: the page index says which
//! pages, these are read in order, and rows are matched by walking both sides at once. Nothing is
//! kept but the pages read last.

mod allele;
mod combine;
mod directory;
mod gene;
mod interval;
mod pages;
mod rows;
mod stage;

pub use gene::GeneTableStage;
pub use stage::KnowledgeStage;
