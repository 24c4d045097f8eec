//! What is checked before a read is taken: kind of file, end-of-file mark, index and its age.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::AlignmentError;

/// The last bytes of every complete BGZF file: an empty block (SAM specification, 4.1.2).
const BGZF_EOF: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0,
    0, 0, 0, 0, 0, 0, 0,
];
/// The last container of every complete CRAM of version 3 (CRAM specification, 9).
pub(crate) const CRAM_3_EOF: &[u8] = &[
    0x0f, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xe0, 0x45, 0x4f, 0x46, 0, 0, 0, 0, 0x01, 0, 0x05,
    0xbd, 0xd9, 0x4f, 0, 0x01, 0, 0x06, 0x06, 0x01, 0, 0x01, 0, 0x01, 0, 0xee, 0x63, 0x01, 0x4b,
];
/// The same of version 2.1.
const CRAM_2_EOF: &[u8] = &[
    0x0b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xe0, 0x45, 0x4f, 0x46, 0, 0, 0, 0, 0x01, 0, 0,
    0x01, 0, 0x06, 0x06, 0x01, 0, 0x01, 0, 0x01, 0,
];
/// File systems keep times to the second or better, and copies arrive in any order within one.
const INDEX_AGE_TOLERANCE: Duration = Duration::from_secs(2);

/// Kind of file, by its first bytes and not by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Bam,
    Cram,
}

/// Finds the kind and checks that the file is complete.
pub(crate) fn check_file(path: &Path) -> Result<FileKind, AlignmentError> {
    let unreadable = |source| AlignmentError::Open {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::new();
    file.by_ref()
        .take(6)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    let (kind, mark) = match head.as_slice() {
        [0x1f, 0x8b, ..] => (FileKind::Bam, BGZF_EOF),
        [b'C', b'R', b'A', b'M', 2, _] => (FileKind::Cram, CRAM_2_EOF),
        [b'C', b'R', b'A', b'M', ..] => (FileKind::Cram, CRAM_3_EOF),
        _ => {
            return Err(AlignmentError::NotAlignments {
                path: path.to_owned(),
            });
        }
    };
    if !ends_with(&mut file, mark).map_err(unreadable)? {
        return Err(AlignmentError::Truncated {
            path: path.to_owned(),
        });
    }
    Ok(kind)
}

fn ends_with(file: &mut File, mark: &[u8]) -> io::Result<bool> {
    let size = file.metadata()?.len();
    let Some(offset) = size.checked_sub(mark.len() as u64) else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    Ok(tail == mark)
}

/// Finds the index in its usual spellings (`x.bam.bai`, `x.bai`) and checks its age.
pub(crate) fn find_index(path: &Path, kind: FileKind) -> Result<PathBuf, AlignmentError> {
    let endings: &[&str] = match kind {
        FileKind::Bam => &["bai", "csi"],
        FileKind::Cram => &["crai"],
    };
    let beside = |ending: &str| {
        let mut name = OsString::from(path);
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    };
    let found = endings
        .iter()
        .flat_map(|ending| [beside(ending), path.with_extension(ending)])
        .find(|index| index.is_file());
    let Some(index) = found else {
        return Err(AlignmentError::MissingIndex {
            path: path.to_owned(),
            index: beside(endings.first().copied().unwrap_or_default()),
        });
    };
    let modified = |path: &Path| {
        std::fs::metadata(path)
            .and_then(|about| about.modified())
            .map_err(|source| AlignmentError::Open {
                path: path.to_owned(),
                source,
            })
    };
    if modified(&index)? + INDEX_AGE_TOLERANCE < modified(path)? {
        return Err(AlignmentError::OldIndex {
            path: path.to_owned(),
            index,
        });
    }
    Ok(index)
}
