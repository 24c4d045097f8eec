//! Evidence from reads against samtools and bcftools on real data: depths and allele counts, CRAM
//! beside BAM, genotypes beside the published calls, GIAB micro-cases with a known answer, and files
//! that must be refused.
//!
//! A tool or file that is missing fails the test that needs it.
#![cfg(test)]

mod depths;
mod formats;
mod genotypes;
mod identity;
mod micro;
mod pileup;
mod refused;
mod support;
