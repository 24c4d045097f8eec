//! A BAM file with its index, written from a few reads of one length.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::program::text;

/// Contigs with their lengths, in the order of the file.
pub(crate) type Contigs<'c> = [(&'c str, u32)];

/// A read that is aligned without a gap.
pub(crate) struct Read {
    /// Index of the contig.
    pub(crate) contig: i32,
    /// 1-based.
    pub(crate) position: u32,
    pub(crate) bases: String,
    pub(crate) is_reverse: bool,
    pub(crate) mapping_quality: u8,
    pub(crate) base_quality: u8,
}

/// Most bytes of a block before it is packed.
const BLOCK: usize = 0xff00;

/// A block of BGZF.
fn block(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("bytes in memory");
    let packed = encoder.finish().expect("bytes in memory");
    let mut crc = Crc::new();
    crc.update(bytes);
    // Header of 18 bytes, the size of the block less 1 at its end; check sum and length behind.
    let size = u16::try_from(packed.len() + 18 + 8 - 1).expect("a small block");
    let mut out = vec![
        0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, b'B', b'C', 2, 0,
    ];
    out.extend(size.to_le_bytes());
    out.extend(packed);
    out.extend(crc.sum().to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

fn blocks(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(BLOCK).flat_map(block).collect()
}

fn header(contigs: &Contigs<'_>, sample: &str) -> Vec<u8> {
    let lines = contigs
        .iter()
        .map(|(name, length)| format!("@SQ\tSN:{name}\tLN:{length}\n"));
    let lines: String = lines.collect();
    let words = format!("@HD\tVN:1.6\tSO:coordinate\n{lines}@RG\tID:1\tSM:{sample}\n");
    let mut out = b"BAM\x01".to_vec();
    out.extend((words.len() as u32).to_le_bytes());
    out.extend(words.as_bytes());
    out.extend((contigs.len() as u32).to_le_bytes());
    for (name, length) in contigs {
        out.extend((name.len() as u32 + 1).to_le_bytes());
        out.extend(name.as_bytes());
        out.push(0);
        out.extend(length.to_le_bytes());
    }
    out
}

/// The bin of a stretch, 0-based half-open, as the SAM specification computes it.
fn bin(start: u32, end: u32) -> u16 {
    let last = end - 1;
    for (shift, first) in [(14, 4681), (17, 585), (20, 73), (23, 9), (26, 1)] {
        if start >> shift == last >> shift {
            return first + (start >> shift) as u16;
        }
    }
    0
}

fn record(read: &Read, number: usize) -> Vec<u8> {
    let length = read.bases.len() as u32;
    let start = read.position - 1;
    let name = format!("read{number}\0");
    let mut out = Vec::new();
    out.extend(read.contig.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([name.len() as u8, read.mapping_quality]);
    out.extend(bin(start, start + length).to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend((if read.is_reverse { 16u16 } else { 0 }).to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend((-1i32).to_le_bytes());
    out.extend((-1i32).to_le_bytes());
    out.extend(0i32.to_le_bytes());
    out.extend(name.as_bytes());
    // All of it is M.
    out.extend((length << 4).to_le_bytes());
    let codes: Vec<u8> = read
        .bases
        .bytes()
        .map(|base| match base {
            b'A' => 1,
            b'C' => 2,
            b'G' => 4,
            b'T' => 8,
            _ => 15,
        })
        .collect();
    let pairs = codes.chunks(2);
    out.extend(pairs.map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)));
    out.extend(vec![read.base_quality; read.bases.len()]);
    out.extend(b"RGZ1\0");
    let mut sized = (out.len() as u32).to_le_bytes().to_vec();
    sized.extend(out);
    sized
}

/// Writes `<name>` and `<name>.bai`; reads stand in order. Every bin of the index points at all reads,
/// which is more than a reader needs and as right.
pub(crate) fn write_bam(
    folder: &Path,
    name: &str,
    contigs: &Contigs<'_>,
    sample: &str,
    reads: &[Read],
) -> String {
    let mut bytes = blocks(&header(contigs, sample));
    let first = (bytes.len() as u64) << 16;
    let records: Vec<u8> = reads
        .iter()
        .enumerate()
        .flat_map(|(number, read)| record(read, number))
        .collect();
    bytes.extend(blocks(&records));
    let last = (bytes.len() as u64) << 16;
    bytes.extend(block(b""));
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");

    let mut index = b"BAI\x01".to_vec();
    index.extend((contigs.len() as u32).to_le_bytes());
    for contig in 0..contigs.len() as i32 {
        let own = reads.iter().filter(|read| read.contig == contig);
        let spans: Vec<(u32, u32)> = own
            .map(|read| {
                (
                    read.position - 1,
                    read.position - 1 + read.bases.len() as u32,
                )
            })
            .collect();
        let bins: BTreeSet<u16> = spans.iter().map(|(start, end)| bin(*start, *end)).collect();
        index.extend((bins.len() as u32).to_le_bytes());
        for bin in bins {
            index.extend(u32::from(bin).to_le_bytes());
            index.extend(1u32.to_le_bytes());
            index.extend(first.to_le_bytes());
            index.extend(last.to_le_bytes());
        }
        // Stretches of 16 kb, each with the first read that reaches into it.
        let stretches = spans.iter().map(|(_, end)| ((end - 1) >> 14) + 1).max();
        let stretches = stretches.unwrap_or(0);
        index.extend(stretches.to_le_bytes());
        (0..stretches).for_each(|_| index.extend(first.to_le_bytes()));
    }
    std::fs::write(folder.join(format!("{name}.bai")), index).expect("a file");
    text(&path)
}
