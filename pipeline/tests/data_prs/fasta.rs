//! Reference genomes for variants whose genome is not at hand: N, and at each record its REF.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::{Compression, Crc, write::DeflateEncoder};

/// Bases to a block of BGZF.
const BLOCK: usize = 65_280;
/// The block that ends a file of BGZF.
const END: [u8; 28] = [
    31, 139, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, 66, 67, 2, 0, 27, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// A genome in the making.
#[derive(Default)]
pub(crate) struct Genome {
    contigs: Vec<(String, u64, BTreeMap<u64, u8>)>,
    /// Alleles that contradict an earlier one.
    pub(crate) contradictions: usize,
}

impl Genome {
    /// Adds a contig of N.
    pub(crate) fn contig(mut self, name: &str, length: u64) -> Self {
        self.contigs
            .push((name.to_owned(), length, BTreeMap::new()));
        self
    }

    /// Writes an allele at a 1-based position, making the contig where there is none. What is there
    /// already stays.
    pub(crate) fn put(&mut self, contig: &str, position: u64, allele: &str) {
        let at = self.contigs.iter().position(|own| own.0 == contig);
        let at = at.unwrap_or_else(|| {
            self.contigs.push((contig.to_owned(), 0, BTreeMap::new()));
            self.contigs.len() - 1
        });
        let (_, length, bases) = &mut self.contigs[at];
        *length = (*length).max(position + allele.len() as u64 + 100);
        let mut is_new = true;
        for (place, base) in (position..).zip(allele.bytes()) {
            is_new &= *bases.entry(place).or_insert(base) == base;
        }
        self.contradictions += usize::from(!is_new);
    }

    /// Writes a bgzipped FASTA with both indices. Blocks of nothing but N are copies of one another,
    /// so that a whole genome takes some megabytes.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("genome.fa.gz");
        let mut out = Bgzip {
            bytes: Vec::new(),
            block: Vec::new(),
            unknown: deflated(&[b'N'; BLOCK]),
            index: Vec::new(),
            written: 0,
        };
        let mut fai = String::new();
        for (name, length, bases) in &self.contigs {
            out.put(format!(">{name}\n").as_bytes());
            let offset = out.written + out.block.len() as u64;
            let _ = writeln!(fai, "{name}\t{length}\t{offset}\t{length}\t{}", length + 1);
            let mut next = 1;
            for (position, base) in bases {
                out.unknown(position - next);
                out.put(&[*base]);
                next = position + 1;
            }
            out.unknown(length + 1 - next);
            out.put(b"\n");
        }
        out.end_block();
        out.bytes.extend(END);
        let write = |suffix: &str, bytes: &[u8]| {
            std::fs::write(format!("{}{suffix}", path.display()), bytes).expect("a file");
        };
        // The first block is not in the index.
        let rest = &out.index[1..];
        let mut gzi = (rest.len() as u64).to_le_bytes().to_vec();
        for (compressed, uncompressed) in rest {
            gzi.extend(compressed.to_le_bytes());
            gzi.extend(uncompressed.to_le_bytes());
        }
        write("", &out.bytes);
        write(".fai", fai.as_bytes());
        write(".gzi", &gzi);
        path
    }
}

struct Bgzip {
    bytes: Vec<u8>,
    block: Vec<u8>,
    /// A block of N.
    unknown: Vec<u8>,
    /// Offsets of blocks: compressed, uncompressed.
    index: Vec<(u64, u64)>,
    /// Uncompressed bytes of ended blocks.
    written: u64,
}

impl Bgzip {
    fn put(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.block.push(*byte);
            if self.block.len() == BLOCK {
                self.end_block();
            }
        }
    }

    fn unknown(&mut self, mut count: u64) {
        while count > 0 {
            if self.block.is_empty() && count >= BLOCK as u64 {
                self.index.push((self.bytes.len() as u64, self.written));
                self.bytes.extend_from_slice(&self.unknown);
                self.written += BLOCK as u64;
                count -= BLOCK as u64;
                continue;
            }
            let some = count.min((BLOCK - self.block.len()) as u64);
            self.block.resize(self.block.len() + some as usize, b'N');
            if self.block.len() == BLOCK {
                self.end_block();
            }
            count -= some;
        }
    }

    fn end_block(&mut self) {
        if self.block.is_empty() {
            return;
        }
        self.index.push((self.bytes.len() as u64, self.written));
        self.bytes.extend(deflated(&self.block));
        self.written += self.block.len() as u64;
        self.block.clear();
    }
}

fn deflated(block: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(block).expect("memory");
    let data = encoder.finish().expect("memory");
    let mut bytes = END[..16].to_vec();
    bytes.extend((data.len() as u16 + 25).to_le_bytes());
    bytes.extend(data);
    let mut crc = Crc::new();
    crc.update(block);
    bytes.extend(crc.sum().to_le_bytes());
    bytes.extend((block.len() as u32).to_le_bytes());
    bytes
}
