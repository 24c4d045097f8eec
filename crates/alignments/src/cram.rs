//! CRAM as a stream of the reads of a region, by htslib.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use rust_htslib::bam::record::Aux;
use rust_htslib::bam::{IndexedReader, Read, Reader, Record};

use crate::bam::replace;
use crate::filters::AlignmentFilters;
use crate::header::AlignmentHeader;
use crate::read::{AlignedRead, CigarOp};

/// Reads the header. An indexed reader does not notice one that cannot be read, so this comes first.
pub(crate) fn read_header(path: &Path) -> Result<AlignmentHeader, String> {
    let reader = Reader::from_path(path).map_err(|error| error.to_string())?;
    AlignmentHeader::parse(reader.header().as_bytes())
}

/// The reads of one region after another.
pub(crate) struct CramStream {
    reader: IndexedReader,
    record: Record,
}

impl CramStream {
    pub(crate) fn open(path: &Path, index: &Path, reference: &Path) -> io::Result<Self> {
        let mut reader =
            IndexedReader::from_path_and_index(path, index).map_err(io::Error::other)?;
        reader.set_reference(reference).map_err(io::Error::other)?;
        Ok(Self {
            reader,
            record: Record::new(),
        })
    }

    /// Goes to the reads that overlap a stretch, 0-based and half open.
    pub(crate) fn fetch(&mut self, contig: usize, start: u32, end: u32) -> io::Result<()> {
        let contig = i32::try_from(contig).map_err(io::Error::other)?;
        self.reader
            .fetch((contig, i64::from(start), i64::from(end)))
            .map_err(io::Error::other)
    }

    /// The next read that passes the filters and reaches beyond `needed` (0-based); `false` at the
    /// end of the region.
    pub(crate) fn next(
        &mut self,
        read: &mut AlignedRead,
        filters: AlignmentFilters,
        groups: Option<&HashSet<Vec<u8>>>,
        needed: u32,
    ) -> io::Result<bool> {
        loop {
            match self.reader.read(&mut self.record) {
                None => return Ok(false),
                Some(result) => result.map_err(io::Error::other)?,
            }
            let record = &self.record;
            if !filters.keep(record.flags(), record.mapq()) {
                continue;
            }
            let Ok(start) = u32::try_from(record.pos()) else {
                continue;
            };
            read.start = start;
            read.cigar.clear();
            read.cigar.extend(
                record
                    .raw_cigar()
                    .iter()
                    .map(|bits| CigarOp::from_bits(*bits)),
            );
            read.settle();
            if read.end <= needed || !in_groups(record, groups) {
                continue;
            }
            read.flags = record.flags();
            read.mapping_quality = record.mapq();
            read.contig = record.tid();
            read.mate_contig = record.mtid();
            read.mate_start = record.mpos();
            read.template_length = record.insert_size();
            read.length = record.seq_len();
            replace(&mut read.name, record.qname());
            replace(&mut read.packed, record.seq().encoded);
            replace(&mut read.qualities, record.qual());
            return Ok(true);
        }
    }
}

fn in_groups(record: &Record, groups: Option<&HashSet<Vec<u8>>>) -> bool {
    let Some(groups) = groups else {
        return true;
    };
    match record.aux(b"RG") {
        Ok(Aux::String(group)) => groups.contains(group.as_bytes()),
        _ => false,
    }
}
