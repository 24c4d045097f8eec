//! A run's results in the forms of other programs: FHIR R4, JSON, TSV, VCF, MultiQC.
//!
//! Everything is made from a run folder as `varisk-dossier` reads it, patient by patient or batch by
//! batch, and written to a writer of the caller. No number is computed here: what the run does not
//! say, an export does not say either, and where a form has a way to say so, it says that the value is
//! absent and why.
//!
//! | module | form | for |
//! |---|---|---|
//! | [`fhir`] | a `Bundle` for each patient, after the HL7 Genomics Reporting guide 3.0.0 | clinical systems |
//! | [`json`] | a document for each patient (`schemas/dossier.schema.json`) | programs |
//! | [`tsv`] | a table of the run as tab-separated text | spreadsheets, scripts |
//! | [`vcf`] | the alleles of the run with what it found, without genotypes | tools of the field |
//! | [`multiqc`] | quality of the patients' data | MultiQC reports |

mod cell;
mod error;
pub mod fhir;
pub mod json;
pub mod multiqc;
#[cfg(test)]
mod testing;
mod text;
pub mod tsv;
pub mod vcf;

pub use error::ExchangeError;
