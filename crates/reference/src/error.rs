//! What can go wrong with the reference FASTA and its indexes.

use std::io;
use std::path::PathBuf;

/// What can go wrong with the reference FASTA and its indexes. Positions are 1-based.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// A file cannot be opened.
    #[error("{} cannot be opened; check the path and its permissions", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The FASTA has no `.fai`, or a BGZF FASTA has no `.gzi`.
    #[error(
        "index {} is missing; make it with `samtools faidx {}`",
        index.display(), path.display()
    )]
    MissingIndex {
        /// The FASTA.
        path: PathBuf,
        /// The index that is not there.
        index: PathBuf,
    },
    /// The FASTA is compressed with gzip, which has no random access.
    #[error(
        "{} is gzip but not BGZF; recompress it with `gunzip -c FILE | bgzip > NEW.fa.gz` and \
         index that with `samtools faidx NEW.fa.gz`",
        path.display()
    )]
    NotBgzf {
        /// The FASTA.
        path: PathBuf,
    },
    /// A BGZF FASTA does not end with the BGZF end-of-file block.
    #[error(
        "{} lacks the BGZF end-of-file block, so it is cut short; copy or compress it again",
        path.display()
    )]
    Truncated {
        /// The FASTA.
        path: PathBuf,
    },
    /// An index cannot be read as what it should be.
    #[error(
        "index {}: {detail}; make it again with `samtools faidx {}`",
        index.display(), path.display()
    )]
    BadIndex {
        /// The FASTA.
        path: PathBuf,
        /// The index.
        index: PathBuf,
        /// What is wrong, with the line where there is one.
        detail: String,
    },
    /// Two sequences of the FASTA have the same name.
    #[error(
        "{} holds contig {contig} twice; remove one copy and index the file again with \
         `samtools faidx`",
        path.display()
    )]
    DuplicateContig {
        /// The FASTA.
        path: PathBuf,
        /// The name.
        contig: String,
    },
    /// The index does not describe the file beside it.
    #[error(
        "the index of {} does not fit the file at contig {contig}: {detail}; make it again with \
         `samtools faidx {}`",
        path.display(), path.display()
    )]
    StaleIndex {
        /// The FASTA.
        path: PathBuf,
        /// The contig.
        contig: String,
        /// What does not fit.
        detail: String,
    },
    /// The file ends, cannot be read or does not inflate where bases should be.
    #[error(
        "{} cannot be read at {contig}:{position}; the file is cut short or damaged, copy it again",
        path.display()
    )]
    Read {
        /// The FASTA.
        path: PathBuf,
        /// The contig.
        contig: String,
        /// First position of the stretch that was asked for, 1-based.
        position: u64,
        /// The cause.
        source: io::Error,
    },
    /// What lies where bases should be is no sequence.
    #[error(
        "{} has something other than bases near {contig}:{position}; the file is damaged or its \
         index is of another file, check it and run `samtools faidx` again",
        path.display()
    )]
    NotSequence {
        /// The FASTA.
        path: PathBuf,
        /// The contig.
        contig: String,
        /// First position of the line, 1-based.
        position: u64,
    },
    /// A contig id that this reference did not give out.
    #[error(
        "contig number {number} is not one of the {count} of {}; this is a defect of varisk, \
         please report it",
        path.display()
    )]
    UnknownContig {
        /// The FASTA.
        path: PathBuf,
        /// The id asked for.
        number: u32,
        /// How many contigs there are.
        count: usize,
    },
}
