//! Bytes of a FASTA by uncompressed offset, whether it is plain or BGZF.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use noodles::bgzf;

use crate::gzi::BlockIndex;

/// One thread's handle on the FASTA.
pub(crate) enum ByteSource {
    Plain(File),
    Bgzf(bgzf::io::Reader<File>, Arc<BlockIndex>),
}

impl ByteSource {
    /// A handle on an open file; `blocks` where it is BGZF.
    pub(crate) fn new(file: File, blocks: Option<&Arc<BlockIndex>>) -> Self {
        match blocks {
            Some(blocks) => Self::Bgzf(bgzf::io::Reader::new(file), Arc::clone(blocks)),
            None => Self::Plain(file),
        }
    }

    /// Reads as many bytes as `buffer` takes or the file has from a 0-based uncompressed offset.
    pub(crate) fn read_up_to(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        match self {
            Self::Plain(file) => {
                file.seek(SeekFrom::Start(offset))?;
            }
            Self::Bgzf(reader, blocks) => {
                reader.seek(blocks.locate(offset)?)?;
            }
        }
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let read = match self {
                Self::Plain(file) => file.read(rest),
                Self::Bgzf(reader, _) => reader.read(rest),
            };
            match read {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Fills `buffer` from a 0-based uncompressed offset; the end of the file is an error.
    pub(crate) fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if self.read_up_to(offset, buffer)? < buffer.len() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file ends before the bases that its index lists",
            ));
        }
        Ok(())
    }
}
