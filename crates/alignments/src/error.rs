//! What can go wrong with a BAM or CRAM.

use std::io;
use std::path::PathBuf;

use varisk_core::Position;
use varisk_reference::ReferenceError;

/// What can go wrong with a BAM or CRAM. Positions are 1-based; no message holds the name of a
/// sample or of a read.
#[derive(Debug, thiserror::Error)]
pub enum AlignmentError {
    /// A file cannot be opened.
    #[error("{} cannot be opened; check the path and its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is neither BAM nor CRAM.
    #[error(
        "{} is neither BAM nor CRAM; convert it with `samtools view -b`, sort and index it",
        path.display()
    )]
    NotAlignments {
        /// The file.
        path: PathBuf,
    },
    /// This program was built without CRAM.
    #[error(
        "{} is CRAM, and this program was built without it; convert the file with \
         `samtools view -b`, or build with the feature `cram`",
        path.display()
    )]
    CramNotBuilt {
        /// The file.
        path: PathBuf,
    },
    /// The end-of-file mark is missing.
    #[error(
        "{} lacks its end-of-file mark, so it is cut short; copy or write it again",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// There is no index.
    #[error("index {} is missing; make it with `samtools index {}`", index.display(), path.display())]
    MissingIndex {
        /// The file.
        path: PathBuf,
        /// The index that is not there.
        index: PathBuf,
    },
    /// The index was made before the file.
    #[error(
        "index {} is older than {}; make it again with `samtools index {}`",
        index.display(), path.display(), path.display()
    )]
    OldIndex {
        /// The file.
        path: PathBuf,
        /// The index.
        index: PathBuf,
    },
    /// The index cannot be read as what it should be.
    #[error("index {} is damaged; make it again with `samtools index {}`", index.display(), path.display())]
    BadIndex {
        /// The file.
        path: PathBuf,
        /// The index.
        index: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The header cannot be read.
    #[error("the header of {}: {detail}; write the file again, or fix it with `samtools reheader`", path.display())]
    BadHeader {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// No contig of the file is one of the run's.
    #[error(
        "no contig of {} is one of the reference's; align the reads to the run's reference, or \
         give the reference that they were aligned to",
        path.display()
    )]
    NoSharedContig {
        /// The file.
        path: PathBuf,
    },
    /// A contig has another length, so the reads were aligned to another reference.
    #[error(
        "contig {contig} has {found} bases in {} and {expected} in the reference; the reads were \
         aligned to another build, give that one or align them again",
        path.display()
    )]
    OtherBuild {
        /// The file.
        path: PathBuf,
        /// The contig, as the run calls it.
        contig: String,
        /// Length in the file's header, in bases.
        found: u64,
        /// Length in the run's reference, in bases.
        expected: u32,
    },
    /// A contig has another checksum (`@SQ` M5).
    #[error(
        "contig {contig} of {} has another M5 checksum than the reference; the reads were aligned \
         to other bases, give the reference that they were aligned to",
        path.display()
    )]
    OtherReference {
        /// The file.
        path: PathBuf,
        /// The contig, as the run calls it.
        contig: String,
    },
    /// Several samples, and none chosen.
    #[error(
        "{} holds reads of {samples} samples and none is chosen; name one in the samplesheet, or \
         split the file with `samtools split`",
        path.display()
    )]
    SeveralSamples {
        /// The file.
        path: PathBuf,
        /// How many there are.
        samples: usize,
    },
    /// The chosen sample is not in the file.
    #[error(
        "{} has no read group of the chosen sample; correct the samplesheet, or the read groups \
         with `samtools addreplacerg`",
        path.display()
    )]
    NoSuchSample {
        /// The file.
        path: PathBuf,
    },
    /// CRAM or an indel needs the reference, and none was given.
    #[error("{} cannot be read without the reference sequence ({purpose}); give it with `--reference`", path.display())]
    NoReference {
        /// The file.
        path: PathBuf,
        /// What it is needed for.
        purpose: &'static str,
    },
    /// The file ends or does not decode where reads should be.
    #[error(
        "{} cannot be read near {contig}:{position}; the file is cut short or damaged, or its \
         index is of another file; copy it again and run `samtools index`",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The contig, as the run calls it.
        contig: String,
        /// First position that was asked for, 1-based.
        position: Position,
        /// The cause.
        source: io::Error,
    },
    /// Reads do not stand in the order of their positions.
    #[error(
        "reads of {} are out of order near {contig}:{position}; sort it with `samtools sort` and \
         index it again",
        path.display()
    )]
    Unsorted {
        /// The file.
        path: PathBuf,
        /// The contig, as the run calls it.
        contig: String,
        /// Position of the read that comes too late, 1-based.
        position: Position,
    },
    /// Calls and reads are of different people.
    #[error(
        "calls and the reads of {} agree at {concordant} of {sites} sites where either shows a \
         variant, so they are of different people; correct the samplesheet",
        path.display()
    )]
    Swap {
        /// The file with the reads.
        path: PathBuf,
        /// Sites at which they agree.
        concordant: u64,
        /// Sites that were compared.
        sites: u64,
    },
    /// Sites were not asked in order: a defect of the caller.
    #[error(
        "internal error: sites of contig {contig} are not sorted by position; please report this"
    )]
    UnsortedSites {
        /// The contig, as the run calls it.
        contig: String,
    },
    /// A batch has calls of more or fewer patients than the plan: a defect of the caller.
    #[error(
        "internal error: a batch has calls of {calls} patients and the plan has {reads}; please \
         report this"
    )]
    Patients {
        /// Columns of the calls.
        calls: usize,
        /// Patients of the plan, with or without reads.
        reads: usize,
    },
    /// The reference cannot be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}
