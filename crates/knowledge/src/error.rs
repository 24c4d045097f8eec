//! What can be wrong with a knowledge bundle, or with what it is made from.

use std::path::PathBuf;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use varisk_core::GenomeBuild;

/// A bundle that cannot be built, opened or joined.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// A file cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file or folder cannot be made.
    #[error("cannot create {}: {source}", path.display())]
    Create {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The output is there already.
    #[error("{} exists already; remove it, or give another output folder", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// Reading or writing failed in the middle.
    #[error("{}: {source}; if it was read, it is damaged or cut short: fetch it again", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// BGZF without its end marker.
    #[error(
        "{}: is cut short (it lacks the BGZF end-of-file block); fetch it again, or if it is whole, rewrite it with 'bgzip -d' and 'bgzip'",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// The configuration is not what it must be.
    #[error("{}: {detail}", path.display())]
    Config {
        /// The configuration.
        path: PathBuf,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// A source is not what its configuration says.
    #[error("source '{name}': {}: {detail}", path.display())]
    Source {
        /// Name of the source.
        name: String,
        /// Its file.
        path: PathBuf,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// A record or line of a source is malformed.
    #[error("source '{name}': {}: {unit} {number}: {detail}; correct it or remove it", path.display())]
    Record {
        /// Name of the source.
        name: String,
        /// Its file.
        path: PathBuf,
        /// `record` or `line`.
        unit: &'static str,
        /// 1-based number.
        number: u64,
        /// What is wrong.
        detail: String,
    },
    /// A source is out of order.
    #[error(
        "source '{name}': {}: record {record} ({place}) comes after {previous}; sort the file with 'bcftools sort'",
        path.display()
    )]
    Unsorted {
        /// Name of the source.
        name: String,
        /// Its file.
        path: PathBuf,
        /// 1-based number of the record.
        record: u64,
        /// Its contig and position.
        place: String,
        /// Contig and position of the record before.
        previous: String,
    },
    /// Too many alleles whose REF is not the reference's.
    #[error(
        "source '{name}': {}: REF differs from the reference in {mismatches} of {rows} alleles; the source is of another genome build, or the FASTA is: use those of {build}",
        path.display()
    )]
    OtherBuild {
        /// Name of the source.
        name: String,
        /// Its file.
        path: PathBuf,
        /// Alleles whose REF differs.
        mismatches: u64,
        /// Alleles on contigs of the reference.
        rows: u64,
        /// Build that the configuration names.
        build: &'static str,
    },
    /// Nothing of a source could be kept.
    #[error(
        "source '{name}': {}: none of its {records} records could be kept ({reasons}); check that its contigs and its build are those of the reference",
        path.display()
    )]
    Empty {
        /// Name of the source.
        name: String,
        /// Its file.
        path: PathBuf,
        /// Records read.
        records: u64,
        /// Counts by reason.
        reasons: String,
    },
    /// The folder holds no bundle.
    #[error("{}: {detail}; build the bundle with 'varisk knowledge build'", path.display())]
    NoBundle {
        /// The folder or lock file.
        path: PathBuf,
        /// What is missing or unreadable.
        detail: String,
    },
    /// A table is not the one that was built.
    #[error(
        "{}: changed since the lock was written ({detail}); build the bundle again, or restore the file",
        path.display()
    )]
    Changed {
        /// The table.
        path: PathBuf,
        /// What differs.
        detail: String,
    },
    /// The bundle lacks what is asked for.
    #[error("the knowledge bundle {} has no {wanted}; it has {available}; add it to the configuration and build the bundle again", path.display())]
    Absent {
        /// Folder of the bundle.
        path: PathBuf,
        /// Source or field asked for.
        wanted: String,
        /// What there is.
        available: String,
    },
    /// A source that cannot be used that way.
    #[error("source '{name}' {detail}")]
    Misuse {
        /// Name of the source.
        name: String,
        /// Why not, and the remedy.
        detail: String,
    },
    /// The bundle is of another build.
    #[error(
        "the knowledge bundle {} is of {bundle}, but the run is of {run}; use a bundle of {run}",
        path.display()
    )]
    BuildDiffers {
        /// Folder of the bundle.
        path: PathBuf,
        /// Build of the bundle.
        bundle: &'static str,
        /// Build of the run.
        run: &'static str,
    },
    /// A source and the run share no contig.
    #[error(
        "source '{name}' of the knowledge bundle has none of the run's contigs (it has {contigs}); use a bundle that was built with the run's reference"
    )]
    NoCommonContig {
        /// Name of the source.
        name: String,
        /// Some of its contigs.
        contigs: String,
    },
    /// A table cannot be read or written as Parquet.
    #[error("{}: cannot be read or written as Parquet: {source}", path.display())]
    Parquet {
        /// The table.
        path: PathBuf,
        /// The cause.
        source: ParquetError,
    },
    /// A variant file cannot be read.
    #[error("source '{name}': {source}")]
    Read {
        /// Name of the source.
        name: String,
        /// The cause; its message names file and remedy.
        source: Box<varisk_readers::ReadError>,
    },
    /// The reference cannot be read.
    #[error(transparent)]
    Reference(#[from] varisk_reference::ReferenceError),
    /// Our bug: columns that do not fit each other.
    #[error("internal error: columns of a knowledge table do not fit; please report this")]
    Arrow(#[from] ArrowError),
    /// Our bug: a batch without its columns.
    #[error(transparent)]
    Batch(#[from] varisk_core::BatchError),
}

/// A build as it is written in configuration and lock.
pub(crate) fn build_name(build: GenomeBuild) -> &'static str {
    match build {
        GenomeBuild::Grch37 => "GRCh37",
        GenomeBuild::Grch38 => "GRCh38",
        GenomeBuild::T2tChm13 => "T2T-CHM13v2.0",
        GenomeBuild::Other => "other",
    }
}
