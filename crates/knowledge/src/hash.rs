//! SHA-256 of files and of Parquet footers.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::KnowledgeError;

/// Bytes read at once.
const BUFFER: usize = 1 << 20;
/// The end of a Parquet file: the footer's length and the mark `PAR1`.
const FOOTER_TAIL: u64 = 8;
/// A footer longer than this is damage.
const MAX_FOOTER: u64 = 1 << 31;

/// SHA-256 and size in bytes of a file.
pub(crate) fn file(
    path: &Path,
    mut on_bytes: impl FnMut(u64),
) -> Result<(String, u64), KnowledgeError> {
    let mut file = open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut total = 0;
    loop {
        let count = file
            .read(&mut buffer)
            .map_err(|source| KnowledgeError::Io {
                path: path.to_owned(),
                source,
            })?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            return Ok((hex(&digest.finalize()), total));
        };
        digest.update(bytes);
        total += count as u64;
        on_bytes(total);
    }
}

/// SHA-256 of the footer of a Parquet file, its length included: cheap for a table of any size, and
/// different whenever another table was written.
pub(crate) fn footer(path: &Path) -> Result<String, KnowledgeError> {
    let mut file = open(path)?;
    let mut read = || -> std::io::Result<Option<Vec<u8>>> {
        let size = file.metadata()?.len();
        if size < FOOTER_TAIL {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(size - FOOTER_TAIL))?;
        let mut tail = [0; FOOTER_TAIL as usize];
        file.read_exact(&mut tail)?;
        let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
        let length = length + FOOTER_TAIL;
        if tail[4..] != *b"PAR1" || length > size || length > MAX_FOOTER {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(size - length))?;
        let mut footer = Vec::new();
        file.by_ref().take(length).read_to_end(&mut footer)?;
        Ok(Some(footer))
    };
    let footer = read().map_err(|source| KnowledgeError::Io {
        path: path.to_owned(),
        source,
    })?;
    let footer = footer.ok_or_else(|| KnowledgeError::Changed {
        path: path.to_owned(),
        detail: "it has no footer of Parquet".to_owned(),
    })?;
    Ok(hex(&Sha256::digest(&footer)))
}

fn open(path: &Path) -> Result<File, KnowledgeError> {
    File::open(path).map_err(|source| KnowledgeError::Open {
        path: path.to_owned(),
        source,
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
