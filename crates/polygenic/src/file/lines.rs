//! Lines of a text file that may be compressed, and the hash of the file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::PolygenicError;

/// The last bytes of every complete BGZF file (SAM specification, 4.1.2).
const BGZF_EOF: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0,
    0, 0, 0, 0, 0, 0, 0,
];

/// Bytes read at once.
const BUFFER: usize = 1 << 16;

/// A line longer than this is no row of a table: the file is something else.
const LONGEST_LINE: usize = 1 << 20;

struct Hashed {
    file: File,
    hash: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.hash.update(&into[..read]);
        Ok(read)
    }
}

enum Input {
    Plain(BufReader<Hashed>),
    Gzip(Box<BufReader<MultiGzDecoder<BufReader<Hashed>>>>),
}

/// Reads lines into a buffer of its own.
pub(super) struct LineReader {
    path: PathBuf,
    input: Input,
    line: Vec<u8>,
    number: u64,
}

impl LineReader {
    pub(super) fn open(path: &Path) -> Result<Self, PolygenicError> {
        let failed = |source| PolygenicError::Open {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(PolygenicError::File {
                path: path.to_owned(),
                detail: "is a folder; name the files in it".to_owned(),
            });
        }
        let mut start = Vec::new();
        (&mut file)
            .take(16)
            .read_to_end(&mut start)
            .map_err(failed)?;
        if is_bgzf(&start) && !ends_complete(&mut file).map_err(failed)? {
            return Err(PolygenicError::File {
                path: path.to_owned(),
                detail: "lacks the BGZF end-of-file block, so it is cut short; download it again"
                    .to_owned(),
            });
        }
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let raw = BufReader::with_capacity(
            BUFFER,
            Hashed {
                file,
                hash: Sha256::new(),
            },
        );
        let input = if start.starts_with(&[0x1f, 0x8b]) {
            Input::Gzip(Box::new(BufReader::with_capacity(
                BUFFER,
                MultiGzDecoder::new(raw),
            )))
        } else {
            Input::Plain(raw)
        };
        Ok(Self {
            path: path.to_owned(),
            input,
            line: Vec::new(),
            number: 0,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of the line last read, 1-based.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The line last read, without its end.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>, PolygenicError> {
        Ok(self.advance()?.then_some(self.line.as_slice()))
    }

    /// Reads a line; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool, PolygenicError> {
        self.line.clear();
        let limit = LONGEST_LINE as u64 + 1;
        let read = match &mut self.input {
            Input::Plain(input) => input.take(limit).read_until(b'\n', &mut self.line),
            Input::Gzip(input) => input.take(limit).read_until(b'\n', &mut self.line),
        };
        let read = read.map_err(|source| PolygenicError::Read {
            path: self.path.clone(),
            line: self.number,
            source,
        })?;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        if read > LONGEST_LINE {
            return Err(PolygenicError::Line {
                path: self.path.clone(),
                line: self.number,
                detail: "the line is longer than 1 MiB; this is no scoring file".to_owned(),
            });
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        // A byte order mark, as spreadsheets write it.
        if self.number == 1 && self.line.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.line.drain(..3);
        }
        Ok(true)
    }

    /// Reads the rest of the file and gives its hash.
    pub(super) fn finish(mut self) -> Result<String, PolygenicError> {
        let failed = |source| PolygenicError::Read {
            path: self.path.clone(),
            line: self.number,
            source,
        };
        let mut raw = match self.input {
            Input::Plain(input) => input,
            Input::Gzip(mut input) => {
                io::copy(&mut input, &mut io::sink()).map_err(failed)?;
                input.into_inner().into_inner()
            }
        };
        io::copy(&mut raw, &mut io::sink()).map_err(failed)?;
        self.line.clear();
        Ok(hexadecimal(&raw.into_inner().hash.finalize()))
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn is_bgzf(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
        && start.get(3).is_some_and(|flags| flags & 4 != 0)
        && start.get(12..) == Some([b'B', b'C', 2, 0].as_slice())
}

/// A BGZF file cut at a block's end inflates without an error; only its mark tells.
fn ends_complete(file: &mut File) -> io::Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    let Some(offset) = size.checked_sub(BGZF_EOF.len() as u64) else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut tail = [0; BGZF_EOF.len()];
    file.read_exact(&mut tail)?;
    Ok(tail == BGZF_EOF)
}
