//! One aligned read, and where its bases lie on the contig.

/// CIGAR operations, by their number in BAM (SAM specification, 4.2).
pub(crate) mod op {
    pub(crate) const MATCH: u8 = 0;
    pub(crate) const INSERTION: u8 = 1;
    pub(crate) const DELETION: u8 = 2;
    pub(crate) const SKIP: u8 = 3;
    pub(crate) const SOFT_CLIP: u8 = 4;
    pub(crate) const EQUAL: u8 = 7;
    pub(crate) const DIFFERENT: u8 = 8;
}

/// One CIGAR operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CigarOp {
    pub(crate) kind: u8,
    pub(crate) length: u32,
}

impl CigarOp {
    /// From its 32 bits in BAM.
    pub(crate) fn from_bits(bits: u32) -> Self {
        Self {
            kind: (bits & 0xf) as u8,
            length: bits >> 4,
        }
    }

    /// Bases of the read and of the contig that stand side by side.
    pub(crate) fn is_aligned(self) -> bool {
        matches!(self.kind, op::MATCH | op::EQUAL | op::DIFFERENT)
    }

    /// Bases of the contig that the operation covers.
    pub(crate) fn on_contig(self) -> u32 {
        match self.kind {
            op::MATCH | op::EQUAL | op::DIFFERENT | op::DELETION | op::SKIP => self.length,
            _ => 0,
        }
    }

    /// Bases of the read that the operation takes.
    pub(crate) fn on_read(self) -> u32 {
        match self.kind {
            op::MATCH | op::EQUAL | op::DIFFERENT | op::INSERTION | op::SOFT_CLIP => self.length,
            _ => 0,
        }
    }
}

/// What a read has at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// A base, by its 0-based offset in the read.
    Base(usize),
    /// A deletion; the offset is that of the first base after it.
    Deleted(usize),
    /// A gap that is no deletion (`N`): the read says nothing here.
    Skipped,
    /// The read does not reach there.
    Outside,
}

/// Where a walk along the read stands: before operation `op`, at 0-based contig position `contig`
/// and 0-based read offset `read`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) op: usize,
    pub(crate) contig: u32,
    pub(crate) read: u32,
}

/// A read as the pileup needs it. All buffers are reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlignedRead {
    pub(crate) flags: u16,
    pub(crate) mapping_quality: u8,
    /// First aligned base on the contig, 0-based.
    pub(crate) start: u32,
    /// Just beyond the last aligned base, 0-based.
    pub(crate) end: u32,
    /// Index of the mate's contig in the file; negative where there is none.
    pub(crate) mate_contig: i32,
    /// Index of the own contig in the file.
    pub(crate) contig: i32,
    /// Start of the mate, 0-based; -1 where it is not known.
    pub(crate) mate_start: i64,
    /// `TLEN`.
    pub(crate) template_length: i64,
    pub(crate) name: Vec<u8>,
    pub(crate) cigar: Vec<CigarOp>,
    /// Bases of the read.
    pub(crate) length: usize,
    /// Two bases a byte, as BAM packs them.
    pub(crate) packed: Vec<u8>,
    /// Phred qualities, one for each base.
    pub(crate) qualities: Vec<u8>,
    pub(crate) soft_clipped: bool,
    cursor: Cursor,
}

/// Letters of the packed bases (SAM specification, 4.2.3).
const LETTERS: &[u8; 16] = b"=ACMGRSVTWYHKDBN";

impl AlignedRead {
    /// To be called once start and CIGAR are filled in.
    pub(crate) fn settle(&mut self) {
        let covered = self
            .cigar
            .iter()
            .fold(0u32, |sum, op| sum.saturating_add(op.on_contig()));
        self.end = self.start.saturating_add(covered);
        self.soft_clipped = self.cigar.iter().any(|op| op.kind == op::SOFT_CLIP);
        self.cursor = self.first();
    }

    /// The walk's start.
    pub(crate) fn first(&self) -> Cursor {
        Cursor {
            op: 0,
            contig: self.start,
            read: 0,
        }
    }

    /// The letter of a base, upper case; `N` beyond the read.
    pub(crate) fn base(&self, offset: usize) -> u8 {
        if offset >= self.length {
            return b'N';
        }
        let byte = self.packed.get(offset / 2).copied().unwrap_or(0xff);
        let code = if offset.is_multiple_of(2) {
            byte >> 4
        } else {
            byte & 0xf
        };
        LETTERS[usize::from(code)]
    }

    /// The quality of a base; 0 beyond the read, as in htslib.
    pub(crate) fn quality(&self, offset: usize) -> u8 {
        self.qualities.get(offset).copied().unwrap_or(0)
    }

    /// What the read has at a 0-based position, which must not lie before an earlier one asked for.
    pub(crate) fn at(&mut self, position: u32) -> At {
        let (cursor, at) = self.seek(self.cursor, position);
        self.cursor = cursor;
        at
    }

    /// The same from any place before it: the operation that covers the position, and what is there.
    pub(crate) fn seek(&self, mut cursor: Cursor, position: u32) -> (Cursor, At) {
        if position < cursor.contig {
            return (cursor, At::Outside);
        }
        while let Some(op) = self.cigar.get(cursor.op) {
            let into = position - cursor.contig;
            if into < op.on_contig() {
                let read = cursor.read as usize;
                let at = match op.kind {
                    op::DELETION => At::Deleted(read),
                    op::SKIP => At::Skipped,
                    _ => At::Base(read.saturating_add(into as usize)),
                };
                return (cursor, at);
            }
            cursor = Cursor {
                op: cursor.op + 1,
                contig: cursor.contig.saturating_add(op.on_contig()),
                read: cursor.read.saturating_add(op.on_read()),
            };
            if position < cursor.contig {
                return (cursor, At::Outside);
            }
        }
        (cursor, At::Outside)
    }

    /// Where [`AlignedRead::at`] last stood: before the operation that covers the position.
    pub(crate) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Whether the read is on the forward strand.
    pub(crate) fn is_forward(&self) -> bool {
        self.flags & 0x10 == 0
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A read from its SAM fields; `start` is 1-based.
    pub(crate) fn read(start: u32, cigar: &str, bases: &str, quality: u8) -> AlignedRead {
        let mut ops = Vec::new();
        let mut length = 0;
        for letter in cigar.bytes() {
            if letter.is_ascii_digit() {
                length = length * 10 + u32::from(letter - b'0');
                continue;
            }
            let kind = b"MIDNSHP=X".iter().position(|l| *l == letter).unwrap() as u8;
            ops.push(CigarOp { kind, length });
            length = 0;
        }
        let code = |letter: u8| LETTERS.iter().position(|l| *l == letter).unwrap() as u8;
        let packed = bases
            .as_bytes()
            .chunks(2)
            .map(|pair| code(pair[0]) << 4 | pair.get(1).map_or(0, |b| code(*b)))
            .collect();
        let mut read = AlignedRead {
            mapping_quality: 60,
            start: start - 1,
            mate_contig: -1,
            mate_start: -1,
            name: b"r".to_vec(),
            cigar: ops,
            length: bases.len(),
            packed,
            qualities: vec![quality; bases.len()],
            ..AlignedRead::default()
        };
        read.settle();
        read
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::read, *};

    #[test]
    fn positions_of_bases() {
        let mut clipped = read(11, "2S3M1I2M2D1M3N1M1S", "TTACGTACGAC", 30);
        assert_eq!((clipped.start, clipped.end), (10, 22));
        assert!(clipped.soft_clipped);
        let found: Vec<At> = (9..23).map(|position| clipped.at(position)).collect();
        use At::{Base, Deleted, Outside, Skipped};
        assert_eq!(
            found,
            [
                Outside,
                Base(2),
                Base(3),
                Base(4),
                Base(6),
                Base(7),
                Deleted(8),
                Deleted(8),
                Base(8),
                Skipped,
                Skipped,
                Skipped,
                Base(9),
                Outside
            ]
        );
        assert_eq!(clipped.base(4), b'G');
        assert_eq!(clipped.base(99), b'N');
    }
}
