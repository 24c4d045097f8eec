//! Bytes of an input file, whatever it is packed in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::bufread::MultiGzDecoder;
use noodles::bgzf;

use crate::ReadError;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Bgzf,
}

/// The last block of every whole BGZF file (SAM specification, section 4.1.2).
const END_OF_FILE_BLOCK: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0,
    0, 0, 0, 0, 0, 0, 0,
];

/// A buffer that suits both disks and pipes.
const BUFFER: usize = 256 << 10;
/// Bytes that tell how a file is packed: the header of a BGZF block.
const FRONT: u64 = 18;

/// Something that bytes are read from: a file or standard input.
type Raw = Box<dyn Read + Send>;

/// Plain gzip, several members allowed.
type Gunzip = MultiGzDecoder<BufReader<Raw>>;

/// Unpacked bytes of an input, seekable where packed as BGZF on disk.
pub(crate) enum ByteStream {
    Plain(BufReader<Raw>),
    Gzip(Box<BufReader<Gunzip>>),
    BgzfFile(Box<bgzf::io::Reader<BufReader<File>>>),
    BgzfPipe(Box<bgzf::io::Reader<BufReader<TailWatch>>>, Arc<AtomicBool>),
}

impl ByteStream {
    /// Opens a path, `-` for standard input.
    pub(crate) fn open(path: &Path) -> Result<(Self, Packing), ReadError> {
        if path == Path::new("-") {
            return Self::pipe(Box::new(io::stdin())).map_err(|source| ReadError::Open {
                path: path.into(),
                source,
            });
        }
        let open = || -> io::Result<(Self, Packing)> {
            let mut file = File::open(path)?;
            if file.metadata()?.is_dir() {
                return Err(io::Error::new(
                    io::ErrorKind::IsADirectory,
                    "it is a folder",
                ));
            }
            if !file.metadata()?.is_file() {
                // A named pipe or process substitution: no seeking.
                return Self::pipe(Box::new(file));
            }
            let mut start = Vec::new();
            file.by_ref().take(FRONT).read_to_end(&mut start)?;
            file.seek(SeekFrom::Start(0))?;
            Ok(match packing(&start) {
                Packing::Plain => (
                    Self::Plain(BufReader::with_capacity(BUFFER, Box::new(file))),
                    Packing::Plain,
                ),
                Packing::Gzip => (
                    Self::gzip(BufReader::with_capacity(BUFFER, Box::new(file))),
                    Packing::Gzip,
                ),
                Packing::Bgzf => {
                    let inner = BufReader::with_capacity(BUFFER, file);
                    (
                        Self::BgzfFile(Box::new(bgzf::io::Reader::new(inner))),
                        Packing::Bgzf,
                    )
                }
            })
        };
        let (stream, packing) = open().map_err(|source| ReadError::Open {
            path: path.into(),
            source,
        })?;
        if packing == Packing::Bgzf && matches!(stream, Self::BgzfFile(_)) {
            check_end(path)?;
        }
        Ok((stream, packing))
    }

    /// Bytes that are made while they are read.
    pub(crate) fn of(raw: impl Read + Send + 'static) -> Self {
        Self::Plain(BufReader::new(Box::new(raw)))
    }

    fn gzip(inner: BufReader<Raw>) -> Self {
        Self::Gzip(Box::new(BufReader::with_capacity(
            BUFFER,
            MultiGzDecoder::new(inner),
        )))
    }

    fn pipe(mut raw: Raw) -> io::Result<(Self, Packing)> {
        // A pipe may give its first bytes in pieces. Taking BGZF for plain gzip would lose the check
        // of its end marker.
        let mut start = Vec::new();
        raw.by_ref().take(FRONT).read_to_end(&mut start)?;
        let packing = packing(&start);
        let whole: Raw = Box::new(Cursor::new(start).chain(raw));
        let reader = BufReader::with_capacity(BUFFER, whole);
        let stream = match packing {
            Packing::Plain => Self::Plain(reader),
            Packing::Gzip => Self::gzip(reader),
            Packing::Bgzf => {
                let whole = Arc::new(AtomicBool::new(false));
                let watch = TailWatch {
                    inner: reader,
                    tail: Vec::new(),
                    whole: Arc::clone(&whole),
                };
                let inner = BufReader::with_capacity(BUFFER, watch);
                Self::BgzfPipe(Box::new(bgzf::io::Reader::new(inner)), whole)
            }
        };
        Ok((stream, packing))
    }

    /// After the end was reached: whether the end marker of a packed pipe was seen. Files are
    /// checked when opened.
    pub(crate) fn ended_whole(&self) -> bool {
        match self {
            Self::BgzfPipe(_, whole) => whole.load(Ordering::SeqCst),
            _ => true,
        }
    }

    /// Where the next byte is read from; `None` where the stream cannot seek.
    pub(crate) fn virtual_position(&self) -> Option<bgzf::VirtualPosition> {
        match self {
            Self::BgzfFile(reader) => Some(reader.virtual_position()),
            _ => None,
        }
    }

    /// Goes to a virtual position of a BGZF file; `false` where the stream cannot seek.
    pub(crate) fn seek(&mut self, position: bgzf::VirtualPosition) -> io::Result<bool> {
        match self {
            Self::BgzfFile(reader) => reader.seek(position).map(|_| true),
            _ => Ok(false),
        }
    }
}

impl Read for ByteStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(r) => r.read(buf),
            Self::Gzip(r) => r.read(buf),
            Self::BgzfFile(r) => r.read(buf),
            Self::BgzfPipe(r, _) => r.read(buf),
        }
    }
}

impl BufRead for ByteStream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(r) => r.fill_buf(),
            Self::Gzip(r) => r.fill_buf(),
            Self::BgzfFile(r) => r.fill_buf(),
            Self::BgzfPipe(r, _) => r.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Plain(r) => r.consume(amount),
            Self::Gzip(r) => r.consume(amount),
            Self::BgzfFile(r) => r.consume(amount),
            Self::BgzfPipe(r, _) => r.consume(amount),
        }
    }
}

/// Remembers the last bytes of a pipe, to tell whether it ended with the end marker.
pub(crate) struct TailWatch {
    inner: BufReader<Raw>,
    tail: Vec<u8>,
    whole: Arc<AtomicBool>,
}

impl Read for TailWatch {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        let keep = END_OF_FILE_BLOCK.len();
        self.tail
            .extend_from_slice(&buf[..count][count.saturating_sub(keep)..]);
        let excess = self.tail.len().saturating_sub(keep);
        self.tail.drain(..excess);
        if count == 0 && !buf.is_empty() {
            self.whole
                .store(self.tail == END_OF_FILE_BLOCK, Ordering::SeqCst);
        }
        Ok(count)
    }
}

fn packing(start: &[u8]) -> Packing {
    match start {
        // gzip with an extra field whose first subfield is BC.
        [0x1f, 0x8b, _, flags, _, _, _, _, _, _, _, _, b'B', b'C', ..] if flags & 4 != 0 => {
            Packing::Bgzf
        }
        [0x1f, 0x8b, ..] => Packing::Gzip,
        _ => Packing::Plain,
    }
}

/// A BGZF file cut at a block border reads like a whole one; only its end marker tells.
fn check_end(path: &Path) -> Result<(), ReadError> {
    let read = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        if file.metadata()?.len() < END_OF_FILE_BLOCK.len() as u64 {
            return Ok(false);
        }
        file.seek(SeekFrom::End(-(END_OF_FILE_BLOCK.len() as i64)))?;
        let mut tail = [0; END_OF_FILE_BLOCK.len()];
        file.read_exact(&mut tail)?;
        Ok(tail == END_OF_FILE_BLOCK)
    };
    match read() {
        Ok(true) => Ok(()),
        Ok(false) => Err(ReadError::Truncated {
            file: path.display().to_string(),
        }),
        Err(source) => Err(ReadError::Open {
            path: path.into(),
            source,
        }),
    }
}
