//! The front of an input: what it is, and its header.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use crate::bytes::{ByteStream, Packing};
use crate::sites::{SITES_HEADER, SiteList};
use crate::{Header, ReadError, RecordFormat};

/// A header longer than this is no header.
const MAX_HEADER: usize = 1 << 30;

/// The opened front of a file: header read, records not yet.
pub(crate) struct OpenedFile {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) format: RecordFormat,
    pub(crate) header: Header,
    /// Its text.
    pub(crate) header_text: String,
    /// Sites in memory instead of a file; taken when reading starts.
    pub(crate) sites: Option<SiteList>,
    in_memory: bool,
    pub(crate) packing: Packing,
    pub(crate) bytes: ByteStream,
}

impl OpenedFile {
    /// Sites in memory as a file.
    pub(crate) fn of_sites(name: &str, sites: SiteList) -> Result<Self, ReadError> {
        let header = Header::parse(SITES_HEADER.as_bytes());
        Ok(Self {
            path: PathBuf::from(name),
            name: name.to_owned(),
            format: RecordFormat::Vcf,
            header: header.map_err(|detail| ReadError::Header {
                file: name.to_owned(),
                detail,
            })?,
            header_text: SITES_HEADER.to_owned(),
            sites: Some(sites),
            in_memory: true,
            packing: Packing::Plain,
            bytes: ByteStream::of(io::empty()),
        })
    }

    /// Whether the records are sites in memory, which have no INFO.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let name = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        let (mut bytes, packing) = ByteStream::open(path)?;
        let damaged = |source| ReadError::Io {
            file: name.clone(),
            record: 0,
            source,
        };
        let bad_header = |detail| ReadError::Header {
            file: name.clone(),
            detail,
        };
        let start = bytes.fill_buf().map_err(damaged)?;
        if start.is_empty() {
            return Err(bad_header("the file is empty".to_owned()));
        }
        let format = if start.starts_with(b"BCF") {
            RecordFormat::Bcf
        } else {
            RecordFormat::Vcf
        };
        let text = match format {
            RecordFormat::Vcf => vcf_header(&mut bytes),
            RecordFormat::Bcf => bcf_header(&mut bytes),
        };
        let text = text.map_err(damaged)?;
        let header = Header::parse(&text).map_err(bad_header)?;
        Ok(Self {
            path: path.to_owned(),
            name,
            format,
            header,
            header_text: String::from_utf8_lossy(&text).into_owned(),
            sites: None,
            in_memory: false,
            packing,
            bytes,
        })
    }
}

fn vcf_header(bytes: &mut ByteStream) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    while bytes.fill_buf()?.first() == Some(&b'#') && text.len() < MAX_HEADER {
        bytes.read_until(b'\n', &mut text)?;
    }
    Ok(text)
}

fn bcf_header(bytes: &mut ByteStream) -> io::Result<Vec<u8>> {
    let mut front = [0; 9];
    bytes.read_exact(&mut front)?;
    let length = u32::from_le_bytes([front[5], front[6], front[7], front[8]]) as usize;
    if front[3] != 2 || length > MAX_HEADER {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is not BCF version 2",
        ));
    }
    let mut text = Vec::new();
    bytes.take(length as u64).read_to_end(&mut text)?;
    if text.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    while text.last() == Some(&0) {
        text.pop();
    }
    Ok(text)
}
