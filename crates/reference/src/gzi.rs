//! The `.gzi` index: where the blocks of a BGZF file start.

use std::io;
use std::path::Path;

use noodles::bgzf::VirtualPosition;

use crate::ReferenceError;

/// (compressed, uncompressed) start of every block but the first, both 0-based and rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockIndex(Vec<(u64, u64)>);

impl BlockIndex {
    /// Reads the bytes of a `.gzi`: a count, then that many pairs, all 64-bit little-endian.
    pub(crate) fn parse(path: &Path, index: &Path, bytes: &[u8]) -> Result<Self, ReferenceError> {
        let bad = |detail: &str| ReferenceError::BadIndex {
            path: path.to_owned(),
            index: index.to_owned(),
            detail: detail.to_owned(),
        };
        let (words, rest) = bytes.as_chunks::<8>();
        let (Some((count, words)), true) = (words.split_first(), rest.is_empty()) else {
            return Err(bad("it is cut short"));
        };
        let (pairs, rest) = words.as_chunks::<2>();
        if !rest.is_empty() || u64::from_le_bytes(*count) != pairs.len() as u64 {
            return Err(bad("its size does not fit the number of blocks it gives"));
        }
        let blocks: Vec<_> = pairs
            .iter()
            .map(|[compressed, uncompressed]| {
                (
                    u64::from_le_bytes(*compressed),
                    u64::from_le_bytes(*uncompressed),
                )
            })
            .collect();
        // Equal uncompressed offsets are legal: an empty block in the middle of a file.
        let rising = |pair: &[(u64, u64)]| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1;
        if !blocks.windows(2).all(rising) {
            return Err(bad("its blocks are not in order"));
        }
        Ok(Self(blocks))
    }

    /// Where an uncompressed offset lies.
    pub(crate) fn locate(&self, offset: u64) -> io::Result<VirtualPosition> {
        let after = self.0.partition_point(|(_, start)| *start <= offset);
        let (compressed, start) = after
            .checked_sub(1)
            .and_then(|block| self.0.get(block))
            .copied()
            .unwrap_or((0, 0));
        u16::try_from(offset - start)
            .ok()
            .and_then(|within| VirtualPosition::try_from((compressed, within)).ok())
            .ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the .gzi names no block for this offset",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[u64]) -> Result<BlockIndex, String> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        BlockIndex::parse(Path::new("x.fa.gz"), Path::new("x.fa.gz.gzi"), &bytes)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_offset_is_found_in_its_block() {
        let index = read(&[2, 100, 65_280, 250, 130_560]).unwrap();
        let check = |offset, expected| {
            let found = index.locate(offset).unwrap();
            assert_eq!((found.compressed(), found.uncompressed()), expected);
        };
        check(0, (0, 0));
        check(65_279, (0, 65_279));
        check(65_280, (100, 0));
        check(130_561, (250, 1));
        assert!(index.locate(1 << 40).is_err());
    }

    #[test]
    fn what_is_no_index_is_refused() {
        assert!(read(&[]).unwrap_err().contains("cut short"));
        assert!(read(&[2, 1, 2]).unwrap_err().contains("its size"));
        assert!(read(&[u64::MAX, 1, 2]).unwrap_err().contains("its size"));
        assert!(read(&[2, 9, 9, 5, 12]).unwrap_err().contains("in order"));
    }
}
