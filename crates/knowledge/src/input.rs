//! Bytes and lines of a source's file, whatever it is packed in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use noodles::bgzf;

use crate::KnowledgeError;

/// A buffer that suits disks.
const BUFFER: usize = 256 << 10;
/// The last block of every whole BGZF file (SAM specification, section 4.1.2).
const END_OF_FILE_BLOCK: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0,
    0, 0, 0, 0, 0, 0, 0,
];
/// A line longer than this is no line of a table.
const MAX_LINE: u64 = 1 << 28;

/// Opens a file, plain, gzip or BGZF.
///
/// # Errors
/// It cannot be opened, or is BGZF without its end marker.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead>, KnowledgeError> {
    let unreadable = |source| KnowledgeError::Open {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut start = Vec::new();
    file.by_ref()
        .take(16)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    let is_gzip = start.starts_with(&[0x1f, 0x8b]);
    let is_bgzf = is_gzip
        && start.get(3).is_some_and(|flags| flags & 4 != 0)
        && start.get(12..14) == Some(b"BC");
    if is_bgzf && !ends_whole(&mut file).map_err(unreadable)? {
        return Err(KnowledgeError::Truncated {
            path: path.to_owned(),
        });
    }
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let inner = BufReader::with_capacity(BUFFER, file);
    Ok(match (is_bgzf, is_gzip) {
        (true, _) => Box::new(bgzf::io::Reader::new(inner)),
        (false, true) => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(inner))),
        (false, false) => Box::new(inner),
    })
}

/// A BGZF file cut at a block border reads like a whole one; only its end marker tells.
fn ends_whole(file: &mut File) -> io::Result<bool> {
    let size = file.metadata()?.len();
    let Some(offset) = size.checked_sub(END_OF_FILE_BLOCK.len() as u64) else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut tail = [0; END_OF_FILE_BLOCK.len()];
    file.read_exact(&mut tail)?;
    Ok(tail == END_OF_FILE_BLOCK)
}

/// Lines of a file, numbered from 1.
pub(crate) struct Lines {
    path: PathBuf,
    bytes: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, KnowledgeError> {
        Ok(Self {
            path: path.to_owned(),
            bytes: open(path)?,
            line: Vec::new(),
            number: 0,
        })
    }

    /// The next line without its line end, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, KnowledgeError> {
        self.line.clear();
        let read = self
            .bytes
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut self.line)
            .map_err(|source| KnowledgeError::Io {
                path: self.path.clone(),
                source: io::Error::new(
                    source.kind(),
                    format!("after line {}: {source}", self.number),
                ),
            })?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if read as u64 >= MAX_LINE {
            return Err(KnowledgeError::Io {
                path: self.path.clone(),
                source: io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("line {} is longer than 256 MiB", self.number),
                ),
            });
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        Ok(Some(&self.line))
    }

    /// The first byte of the next line; `None` at the end.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, KnowledgeError> {
        let bytes = self.peek_bytes()?;
        Ok(bytes.first().copied())
    }

    /// What is buffered of the next lines; empty at the end only.
    pub(crate) fn peek_bytes(&mut self) -> Result<&[u8], KnowledgeError> {
        let path = &self.path;
        self.bytes.fill_buf().map_err(|source| KnowledgeError::Io {
            path: path.clone(),
            source,
        })
    }

    /// The bytes after the line given last.
    pub(crate) fn into_bytes(self) -> Box<dyn BufRead> {
        self.bytes
    }

    /// Number of the line given last.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The line given last.
    pub(crate) fn current(&self) -> &[u8] {
        &self.line
    }
}
