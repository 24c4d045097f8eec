//! Small references and alignments for tests.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use noodles::sam::alignment::io::Write as _;
use noodles::{bam, sam};
use varisk_core::ContigSet;
use varisk_reference::Reference;

use crate::{AlignmentReference, SiteQuery};
use varisk_core::Position;

/// Bases of the test contig `1`: no repeats but a run of `A` (21-28) and one of `CA` (41-48).
pub(crate) const BASES: &str =
    "GATCTGCATGCTAGTCGTACAAAAAAAAGTCTGATCGTAGCACACACAGTTGCATGACTGGATCCGTATCGATTGCCATGCTAAGGCTTACG";

/// Writes a FASTA with the contigs, indexed, and opens it.
pub(crate) fn reference(folder: &Path, contigs: &[(&str, &str)]) -> AlignmentReference {
    let path = folder.join("reference.fa");
    let (mut text, mut index) = (String::new(), String::new());
    for (name, bases) in contigs {
        text += &format!(">{name}\n");
        let length = bases.len();
        index += &format!(
            "{name}\t{length}\t{}\t{length}\t{}\n",
            text.len(),
            length + 1
        );
        text += bases;
        text += "\n";
    }
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.join("reference.fa.fai"), index).unwrap();
    AlignmentReference::new(Reference::open(path).unwrap())
}

/// The usual contigs of a test.
pub(crate) fn contigs() -> Arc<ContigSet> {
    Arc::new(ContigSet::new([("1".to_owned(), BASES.len() as u32)]))
}

/// Header lines of a file with reads of one sample.
pub(crate) fn header() -> String {
    format!(
        "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:1\tLN:{}\n@RG\tID:g\tSM:NA00001\n",
        BASES.len()
    )
}

/// A read in SAM: mapping quality 60, base quality 30, read group `g`.
pub(crate) fn sam(name: &str, flags: u16, start: usize, cigar: &str, bases: &str) -> String {
    let qualities = "?".repeat(bases.len());
    format!("{name}\t{flags}\t1\t{start}\t60\t{cigar}\t*\t0\t0\t{bases}\t{qualities}\tRG:Z:g\n")
}

/// Writes SAM as BAM, without an index.
pub(crate) fn write_bam(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    let mut reader = sam::io::Reader::new(text.as_bytes());
    let header = reader.read_header().unwrap();
    let mut writer = bam::io::Writer::new(File::create(&path).unwrap());
    writer.write_header(&header).unwrap();
    for record in reader.records() {
        writer
            .write_alignment_record(&header, &record.unwrap())
            .unwrap();
    }
    writer.try_finish().unwrap();
    path
}

/// Writes SAM as BAM with its index.
pub(crate) fn indexed_bam(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = write_bam(folder, name, text);
    let bam::Index::Bai(index) = bam::fs::index(&path).unwrap() else {
        panic!("indexes of small contigs are BAI");
    };
    bam::bai::fs::write(folder.join(format!("{name}.bai")), &index).unwrap();
    path
}

/// An allele that is asked for.
pub(crate) fn site<'a>(position: u32, reference: &'a str, alternate: &'a str) -> SiteQuery<'a> {
    SiteQuery {
        position: Position(position),
        reference: reference.as_bytes(),
        alternate: alternate.as_bytes(),
    }
}
