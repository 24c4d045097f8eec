//! The reference FASTA of a run: opened once, shared by all threads.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use varisk_core::{ContigId, ContigSet};

use crate::fai::{self, ContigLayout};
use crate::gzi::BlockIndex;
use crate::sequence::{SequenceReader, WindowSize};
use crate::source::ByteSource;
use crate::{ReferenceError, check};

/// The last bytes of every complete BGZF file: an empty block (SAM specification, 4.1.2).
const BGZF_EOF: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0,
    0, 0, 0, 0, 0, 0, 0,
];

/// An indexed FASTA, plain or BGZF. Immutable; a clone shares everything.
///
/// # Memory
/// The indexes only; bases are read by [`SequenceReader`] in windows.
#[derive(Clone, Debug)]
pub struct Reference(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    contigs: Arc<ContigSet>,
    layouts: Vec<ContigLayout>,
    blocks: Option<Arc<BlockIndex>>,
}

impl Reference {
    /// Opens a FASTA by its `.fai` (and, for BGZF, `.gzi`) and checks that they describe it.
    ///
    /// # Errors
    /// A file is missing or cannot be read, the FASTA is gzip but not BGZF or is cut short, an
    /// index is malformed or of another file, or two contigs have the same name.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReferenceError> {
        let path = path.as_ref();
        let mut file = open(path)?;
        let is_bgzf = sniff_bgzf(path, &mut file)?;

        let index = with_suffix(path, ".fai");
        let text = read_index(path, &index)?;
        let text = String::from_utf8(text).map_err(|_| ReferenceError::BadIndex {
            path: path.to_owned(),
            index: index.clone(),
            detail: "it is not text".to_owned(),
        })?;
        let layouts = fai::parse(path, &index, &text)?;

        let blocks = if is_bgzf {
            let index = with_suffix(path, ".gzi");
            let bytes = read_index(path, &index)?;
            Some(Arc::new(BlockIndex::parse(path, &index, &bytes)?))
        } else {
            None
        };
        check::index_fits(path, &layouts, &mut ByteSource::new(file, blocks.as_ref()))?;

        let contigs = ContigSet::new(
            layouts
                .iter()
                .map(|layout| (layout.name.clone(), layout.length)),
        );
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            contigs: Arc::new(contigs),
            layouts,
            blocks,
        })))
    }

    /// The contigs, in the order of the `.fai`.
    #[must_use]
    pub fn contigs(&self) -> &Arc<ContigSet> {
        &self.0.contigs
    }

    /// The FASTA.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// A reader with a file handle and windows of its own; one for each thread.
    ///
    /// # Errors
    /// The file cannot be opened (any more).
    pub fn reader(&self) -> Result<SequenceReader, ReferenceError> {
        self.reader_with(WindowSize::default())
    }

    pub(crate) fn reader_with(&self, size: WindowSize) -> Result<SequenceReader, ReferenceError> {
        let source = ByteSource::new(open(self.path())?, self.0.blocks.as_ref());
        Ok(SequenceReader::new(self.clone(), source, size))
    }

    pub(crate) fn layout(&self, contig: ContigId) -> Result<&ContigLayout, ReferenceError> {
        self.0
            .layouts
            .get(contig.0 as usize)
            .ok_or_else(|| ReferenceError::UnknownContig {
                path: self.0.path.clone(),
                number: contig.0,
                count: self.0.layouts.len(),
            })
    }
}

fn open(path: &Path) -> Result<File, ReferenceError> {
    File::open(path).map_err(|source| ReferenceError::Open {
        path: path.to_owned(),
        source,
    })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn read_index(path: &Path, index: &Path) -> Result<Vec<u8>, ReferenceError> {
    std::fs::read(index).map_err(|source| {
        if source.kind() == io::ErrorKind::NotFound {
            ReferenceError::MissingIndex {
                path: path.to_owned(),
                index: index.to_owned(),
            }
        } else {
            ReferenceError::Open {
                path: index.to_owned(),
                source,
            }
        }
    })
}

/// Whether the file is BGZF, by its content and not by its name; plain gzip is refused.
fn sniff_bgzf(path: &Path, file: &mut File) -> Result<bool, ReferenceError> {
    let unreadable = |source| ReferenceError::Open {
        path: path.to_owned(),
        source,
    };
    let mut head = Vec::new();
    file.take(16).read_to_end(&mut head).map_err(unreadable)?;
    if !head.starts_with(&[0x1f, 0x8b]) {
        return Ok(false);
    }
    // The BGZF extra field: FLG says that there is one, and its subfield is `BC` of two bytes.
    let is_bgzf = head.get(3).is_some_and(|flags| flags & 4 != 0)
        && head.get(12..) == Some([b'B', b'C', 2, 0].as_slice());
    if !is_bgzf {
        return Err(ReferenceError::NotBgzf {
            path: path.to_owned(),
        });
    }
    // A file cut at a block boundary inflates without an error; only the missing mark tells.
    let mut tail = [0; BGZF_EOF.len()];
    let size = file.metadata().map_err(unreadable)?.len();
    let complete = match size.checked_sub(BGZF_EOF.len() as u64) {
        Some(offset) => {
            file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
            file.read_exact(&mut tail).map_err(unreadable)?;
            tail == BGZF_EOF
        }
        None => false,
    };
    if !complete {
        return Err(ReferenceError::Truncated {
            path: path.to_owned(),
        });
    }
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
