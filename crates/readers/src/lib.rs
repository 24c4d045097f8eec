//! Streaming readers of variants and sample tables.
//!
//! A [`RecordSource`] cuts one or many VCF or BCF files into numbered [`RawBatch`]es of whole
//! positions; a [`SiteDecoder`] (one for each thread) turns a batch into a
//! [`varisk_core::SiteBatch`] of normalised biallelic alleles with a matrix of calls. What it takes a
//! single record apart with, without a reference, is [`RecordParser`].
//!
//! What a run needs besides the calls is asked for in the [`SiteDecoderSettings`]: states of sites
//! without a record ([`ReferenceEvidence`]), stated dosages ([`DosageField`]), and rows at some
//! positions only ([`WantedSites`]). Sites that no file need hold come from [`FileInput::of_sites`].
//!
//! The header and the record grammar are read here rather than by noodles: its header reader
//! refuses files that the specification's own suite lists as valid (repeated contigs, PEDIGREE
//! lines), and walking samples through it is several times slower than decoding them in place.
//! BGZF, tabix and CSI are noodles'.

mod annotated;
mod bcf;
mod bytes;
mod decoder;
mod dosage;
mod error;
mod evidence;
mod genotype;
mod header;
mod index;
mod info_text;
mod opened;
mod parser;
mod record;
mod regions;
mod samplesheet;
mod sites;
mod source;
mod stream;
mod vcf;
mod wanted;
mod weights;

pub use annotated::{
    AnnotatedWriter, OutputKind, RecordText, WriteError, append_info, escape_info_value,
    with_header_lines,
};
pub use decoder::{Decoded, RefMismatch, SiteDecoder, SiteDecoderSettings, decoded_schema};
pub use dosage::DosageField;
pub use error::{BadRecord, ReadError};
pub use evidence::{
    Block, BlockAnswer, BlockCall, BlockError, MAX_SHIFT, MAX_SITE, MIN_BLOCK_DEPTH, MIN_BLOCK_GQ,
    QualityLimits, ReferenceBlocks, ReferenceEvidence, Site,
};
pub use genotype::{
    GenotypeError, GenotypePlace, GenotypeRow, decode_biallelic, decode_biallelic_typed,
    decode_text, decode_typed,
};
pub use header::{Contig, Header, InfoDefinition, InfoNumber};
pub use parser::RecordParser;
pub use record::{Defect, ParsedRecord, RecordFormat, WantedInfo};
pub use regions::{RegionError, Regions};
pub use samplesheet::{SampleSheet, SheetError, SheetRow};
pub use sites::SiteAllele;
pub use source::{
    ClosedInput, Entry, FileInput, RawBatch, RecordSource, SourceSettings, SpareBatches,
};
pub use vcf::parse_line;
pub use wanted::WantedSites;
pub use weights::IndexWeights;
