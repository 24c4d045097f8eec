//! BAM as a stream of the reads of a region.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

use noodles::bam::{self, RecordRef};
use noodles::bgzf::{self, VirtualPosition};
use noodles::core::{Position, region::Interval};
use noodles::csi::{self, BinningIndex, binning_index::index::reference_sequence::bin::Chunk};
use noodles::sam::alignment::record::data::field::{Tag, Value};

use crate::filters::AlignmentFilters;
use crate::header::{AlignmentHeader, FileContig};
use crate::read::{AlignedRead, CigarOp};

/// No header of a real file has more text: a length beyond it is damage.
const MAX_HEADER: u32 = 1 << 30;

/// The index of a BAM.
#[derive(Debug)]
pub(crate) enum BamIndex {
    Bai(bam::bai::Index),
    Csi(csi::Index),
}

impl BamIndex {
    /// Reads an index, by the ending of its name.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        if path.extension().is_some_and(|ending| ending == "csi") {
            csi::fs::read(path).map(Self::Csi)
        } else {
            bam::bai::fs::read(path).map(Self::Bai)
        }
    }

    /// Contigs that it knows.
    pub(crate) fn contigs(&self) -> usize {
        match self {
            Self::Bai(index) => index.reference_sequences().len(),
            Self::Csi(index) => index.reference_sequences().len(),
        }
    }

    /// Chunks of the file that hold the reads of a stretch, 0-based and half open.
    fn chunks(&self, contig: usize, start: u32, end: u32) -> io::Result<Vec<Chunk>> {
        let position = |offset: u32| {
            Position::try_from(offset as usize + 1)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
        };
        let interval = Interval::from(position(start)?..=position(end.saturating_sub(1))?);
        match self {
            Self::Bai(index) => index.query(contig, interval),
            Self::Csi(index) => index.query(contig, interval),
        }
    }
}

/// Reads the header; the contigs are those of the binary list, in the order that reads refer to.
pub(crate) fn read_header(path: &Path) -> io::Result<AlignmentHeader> {
    let invalid = |detail: &str| io::Error::new(io::ErrorKind::InvalidData, detail.to_owned());
    let mut reader = bgzf::io::Reader::new(File::open(path)?);
    let mut magic = [0; 4];
    reader.read_exact(&mut magic)?;
    if magic != *b"BAM\x01" {
        return Err(invalid("it is not BAM"));
    }
    let number = |reader: &mut bgzf::io::Reader<File>| -> io::Result<u32> {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    };
    let text = |reader: &mut bgzf::io::Reader<File>, length: u32| -> io::Result<Vec<u8>> {
        if length > MAX_HEADER {
            return Err(invalid("a length in it is impossible"));
        }
        let mut text = Vec::new();
        reader.take(length.into()).read_to_end(&mut text)?;
        if text.len() < length as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(text)
    };
    let length = number(&mut reader)?;
    let parsed = AlignmentHeader::parse(&text(&mut reader, length)?);
    let mut header = parsed.map_err(|detail| invalid(&detail))?;
    let checksums: HashMap<String, Option<String>> = header
        .contigs
        .drain(..)
        .map(|contig| (contig.name, contig.checksum))
        .collect();
    let mut contigs = Vec::new();
    for _ in 0..number(&mut reader)? {
        let length = number(&mut reader)?;
        let name = text(&mut reader, length)?;
        let name = String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(&name)).into_owned();
        let length = number(&mut reader)?.into();
        let checksum = checksums.get(&name).cloned().flatten();
        contigs.push(FileContig {
            name,
            length,
            checksum,
        });
    }
    header.contigs = contigs;
    Ok(header)
}

/// The reads of one region after another.
pub(crate) struct BamStream {
    reader: bgzf::io::Reader<File>,
    /// The record at hand, as it stands in the file, without its length.
    record: Vec<u8>,
    contig: usize,
    /// Chunks still to be read, the next one last.
    chunks: Vec<Chunk>,
    until: VirtualPosition,
    end: u32,
}

impl BamStream {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            reader: bgzf::io::Reader::new(File::open(path)?),
            record: Vec::new(),
            contig: 0,
            chunks: Vec::new(),
            until: VirtualPosition::MIN,
            end: 0,
        })
    }

    /// Goes to the reads that overlap a stretch, 0-based and half open.
    pub(crate) fn fetch(
        &mut self,
        index: &BamIndex,
        contig: usize,
        start: u32,
        end: u32,
    ) -> io::Result<()> {
        self.contig = contig;
        self.end = end;
        self.until = VirtualPosition::MIN;
        self.chunks = index.chunks(contig, start, end)?;
        self.chunks.reverse();
        Ok(())
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
            let now = self.reader.virtual_position();
            if now >= self.until {
                let Some(chunk) = self.chunks.pop() else {
                    return Ok(false);
                };
                if self.until == VirtualPosition::MIN || chunk.start() > now {
                    self.reader.seek(chunk.start())?;
                }
                self.until = chunk.end();
            }
            if !read_record(&mut self.reader, &mut self.record)? {
                return Ok(false);
            }
            let record = &view(&self.record)?;
            let contig = record.reference_sequence_id().transpose()?;
            match contig.map(|contig| contig.cmp(&self.contig)) {
                Some(std::cmp::Ordering::Less) => continue,
                Some(std::cmp::Ordering::Equal) => {}
                Some(std::cmp::Ordering::Greater) | None => return Ok(false),
            }
            let Some(start) = record.alignment_start().transpose()? else {
                continue;
            };
            let start = u32::try_from(usize::from(start) - 1).unwrap_or(u32::MAX);
            if start >= self.end {
                return Ok(false);
            }
            let flags = record.flags().bits();
            let mapping_quality = record.mapping_quality().map_or(u8::MAX, u8::from);
            if !filters.keep(flags, mapping_quality) {
                continue;
            }
            read.start = start;
            read.cigar.clear();
            let cigar = record.cigar();
            read.cigar.extend(
                cigar
                    .as_bytes()
                    .chunks_exact(4)
                    .map(|bits| CigarOp::from_bits(bits.try_into().map_or(0, u32::from_le_bytes))),
            );
            read.settle();
            if read.end <= needed || !in_groups(record, groups) {
                continue;
            }
            read.flags = flags;
            read.mapping_quality = mapping_quality;
            read.contig = index(contig);
            read.mate_contig = index(record.mate_reference_sequence_id().transpose()?);
            read.mate_start = match record.mate_alignment_start().transpose()? {
                Some(start) => usize::from(start) as i64 - 1,
                None => -1,
            };
            read.template_length = record.template_length().into();
            read.length = record.sequence().len();
            replace(&mut read.name, record.name().map_or(&[][..], |name| name));
            replace(&mut read.packed, record.sequence().as_bytes());
            replace(&mut read.qualities, record.quality_scores().as_bytes());
            return Ok(true);
        }
    }
}

/// Records up to this length are read at once; the length of a longer one may be damage, and memory
/// for it is taken only as far as the file has bytes.
const USUAL_RECORD: usize = 1 << 20;

/// Reads the next record; `false` at the end of the file.
fn read_record(reader: &mut bgzf::io::Reader<File>, record: &mut Vec<u8>) -> io::Result<bool> {
    if reader.fill_buf()?.is_empty() {
        return Ok(false);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length <= USUAL_RECORD {
        record.resize(length, 0);
        reader.read_exact(record)?;
        return Ok(true);
    }
    record.clear();
    reader.take(length as u64).read_to_end(record)?;
    if record.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(true)
}

/// A record whose parts fit into its length (SAM specification, 4.2).
fn view(record: &[u8]) -> io::Result<RecordRef<'_>> {
    let byte = |at: usize| record.get(at).copied().map_or(0, usize::from);
    let short = |at: usize| byte(at) | byte(at + 1) << 8;
    let (name, operations) = (byte(8), short(12));
    let bases = short(16) | short(18) << 16;
    let parts = [32, name, operations * 4, bases.div_ceil(2), bases];
    let fits = name > 0 && parts.iter().sum::<usize>() <= record.len();
    let view = RecordRef::new(record).filter(|_| fits);
    view.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "a record does not fit its length",
        )
    })
}

fn index(contig: Option<usize>) -> i32 {
    contig.map_or(-1, |contig| i32::try_from(contig).unwrap_or(i32::MAX))
}

pub(crate) fn replace(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(bytes);
}

fn in_groups(record: &RecordRef<'_>, groups: Option<&HashSet<Vec<u8>>>) -> bool {
    let Some(groups) = groups else {
        return true;
    };
    match record.data().get(&Tag::READ_GROUP) {
        Some(Ok(Value::String(group))) => groups.contains::<[u8]>(group.as_ref()),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
