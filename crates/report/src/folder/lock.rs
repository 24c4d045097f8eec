//! The lock of an unfinished output: it keeps a second process out.
//!
//! Its first line says whether the output can be taken up, its second one is the name of the scratch folder, which
//! nobody can guess.

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::files::{creating, writing};
use crate::ReportError;

/// Name of the file.
pub(super) const LOCK: &str = ".lock";

/// Whether an unfinished output can be taken up: the first line of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It can be taken up.
    Resumable,
    /// It is begun anew.
    Anew,
}

impl Kind {
    fn line(self) -> &'static str {
        match self {
            Self::Resumable => "resumable",
            Self::Anew => "anew",
        }
    }
}

/// Held as long as this process writes the output.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder: a job that a scheduler has given up may still be alive when its successor starts. With
    /// `is_begun` its text is written anew. `check` is asked once the lock is held: the process before may have ended its
    /// work meanwhile.
    pub(super) fn take(
        partial: &Path,
        kind: Kind,
        is_begun: bool,
        check: impl FnOnce() -> Result<(), ReportError>,
    ) -> Result<Self, ReportError> {
        let path = partial.join(LOCK);
        let in_use = || ReportError::InUse {
            path: partial.to_owned(),
        };
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(creating(&path))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(in_use());
        }
        check()?;
        let is_same = path
            .metadata()
            .and_then(|named| Ok((named.dev(), named.ino()) == inode(&file)?));
        if !is_same.unwrap_or(false) {
            return Err(in_use());
        }
        let mut write = || {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            // What is begun has nothing to do with what a killed attempt had there.
            let is_alike = text.lines().next() == Some(kind.line()) && text.lines().count() == 2;
            if !is_begun && is_alike {
                return Ok(());
            }
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}\n{}\n", kind.line(), token())
        };
        write().map_err(writing(&path))?;
        Ok(Self { _file: file })
    }

    /// Whether what stands there was made by an attempt that cannot be taken up and has ended.
    pub(super) fn is_leftover(partial: &Path) -> bool {
        let is_free = |file: &File| !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        let Ok(mut file) = File::open(partial.join(LOCK)) else {
            return false;
        };
        let mut text = String::new();
        is_free(&file)
            && file.read_to_string(&mut text).is_ok()
            && text.starts_with(Kind::Anew.line())
    }

    /// Name of the folder on a scratch disk: this output's alone.
    pub(super) fn scratch_name(partial: &Path) -> Result<String, ReportError> {
        let path = partial.join(LOCK);
        let text = std::fs::read_to_string(&path).map_err(writing(&path))?;
        let token = text.lines().nth(1).unwrap_or_default();
        Ok(format!("varisk-{token}"))
    }
}

fn inode(file: &File) -> io::Result<(u64, u64)> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

/// What nobody can guess, from the random keys of the standard library's hash maps.
fn token() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
