//! What can be wrong with an input file.

use std::path::PathBuf;

use varisk_reference::ReferenceError;

/// An input file that cannot be read, or that is not what it claims.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Reading failed in the middle.
    #[error(
        "{file}: cannot be read after record {record}: {source}; the file is damaged or cut short: fetch it again"
    )]
    Io {
        /// The file.
        file: String,
        /// Records read before.
        record: u64,
        /// The cause.
        source: std::io::Error,
    },
    /// BGZF without its end marker.
    #[error(
        "{file}: is cut short (it lacks the BGZF end-of-file block); fetch it again, or if it is whole, rewrite it with 'bgzip -d' and 'bgzip'"
    )]
    Truncated {
        /// The file.
        file: String,
    },
    /// The header is not one of VCF.
    #[error(
        "{file}: {detail}; correct the header, for example with 'bcftools reheader', or give a VCF or BCF file"
    )]
    Header {
        /// The file.
        file: String,
        /// What is wrong.
        detail: String,
    },
    /// A record whose place is not known, so that nothing after it can be trusted.
    #[error("{file}: record {record}: {detail}; correct the record or remove it")]
    Placement {
        /// The file.
        file: String,
        /// 1-based number of the record.
        record: u64,
        /// What is wrong.
        detail: String,
    },
    /// Records out of order.
    #[error(
        "{file}: record {record} ({place}) comes after {previous}; sort the file with 'bcftools sort'; its header must list contigs as that of the first file does, which 'bcftools reheader --fai' sees to"
    )]
    Unsorted {
        /// The file.
        file: String,
        /// 1-based number of the record.
        record: u64,
        /// Its contig and position.
        place: String,
        /// Contig and position of the record before.
        previous: String,
    },
    /// A contig that the reference does not have.
    #[error(
        "{file}: record {record} is on contig '{contig}', which the reference lacks; use the FASTA that the variants were called against"
    )]
    UnknownContig {
        /// The file.
        file: String,
        /// 1-based number of the record.
        record: u64,
        /// The contig.
        contig: String,
    },
    /// REF is not what the reference has.
    #[error(
        "{file}: record {record} ({place}): REF is {found} but the reference has {expected}; use the FASTA that the variants were called against, or set such records aside with --ref-mismatch quarantine"
    )]
    ReferenceMismatch {
        /// The file.
        file: String,
        /// 1-based number of the record.
        record: u64,
        /// Contig and position.
        place: String,
        /// REF of the record.
        found: String,
        /// Bases of the reference.
        expected: String,
    },
    /// A file of a kind that the request does not fit.
    #[error("{file}: {detail}")]
    Unsupported {
        /// The file.
        file: String,
        /// What does not fit, and the remedy.
        detail: String,
    },
    /// More bad records than allowed.
    #[error("{bad}; correct it, or allow bad records to be set aside with --max-bad-records")]
    TooManyBadRecords {
        /// The one too many.
        bad: BadRecord,
    },
    /// An index that does not serve.
    #[error("{file}: {detail}; make a new one with 'bcftools index'")]
    Index {
        /// The index file.
        file: String,
        /// What is wrong.
        detail: String,
    },
    /// A sample that is asked for twice or not there.
    #[error("{file}: {detail}")]
    Sample {
        /// The file.
        file: String,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// Our bug.
    #[error(
        "internal error: evidence of the reference was asked for without the records around a batch; please report this"
    )]
    NoContext,
    /// The reference cannot be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Our bug.
    #[error(transparent)]
    Batch(#[from] varisk_core::BatchError),
}

/// A record that was set aside, with the reason. It never holds a genotype or a sample name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// The file.
    pub file: String,
    /// 1-based number of the record in what was read of the file.
    pub record: u64,
    /// Contig, in the reference's naming.
    pub contig: String,
    /// POS, 1-based.
    pub position: u32,
    /// Machine-readable kind, such as `genotype` or `columns`.
    pub kind: &'static str,
    /// What is wrong, in words.
    pub detail: String,
}

impl std::fmt::Display for BadRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: record {} ({}:{}): {}",
            self.file, self.record, self.contig, self.position, self.detail
        )
    }
}
