//! Files and folders that are moved, copied and synced on the way to their place.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::OutputFolder;
use crate::ReportError;

pub(super) fn absolute(path: &Path) -> Result<PathBuf, ReportError> {
    std::path::absolute(path).map_err(creating(path))
}

pub(super) fn absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}

pub(super) fn creating(path: &Path) -> impl Fn(io::Error) -> ReportError {
    move |source| ReportError::Create {
        path: path.into(),
        source,
    }
}

pub(super) fn writing(path: &Path) -> impl Fn(io::Error) -> ReportError {
    move |source| ReportError::Write {
        path: path.into(),
        source,
    }
}

/// What is in a folder, its own entries left out; those that say what is whole, which are JSON, last.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let entries = std::fs::read_dir(folder).map_err(writing(folder))?;
    let entries: Result<Vec<PathBuf>, _> = entries.map(|own| own.map(|own| own.path())).collect();
    let mut entries = entries.map_err(writing(folder))?;
    entries.retain(|entry| !OutputFolder::is_own(entry));
    let is_json = |entry: &PathBuf| entry.extension().is_some_and(|own| own == "json");
    entries.sort_by_key(|entry| (is_json(entry), entry.clone()));
    Ok(entries)
}

/// Moves what is in a folder to another one.
pub(super) fn shift(from: &Path, to: &Path) -> Result<(), ReportError> {
    for entry in entries(from)? {
        let target = to.join(entry.file_name().unwrap_or_default());
        std::fs::rename(&entry, &target).map_err(writing(&target))?;
    }
    Ok(())
}

/// Copies a folder with all that is in it, but for an entry that is left out, and syncs it.
pub(super) fn copy_folder(
    from: &Path,
    to: &Path,
    leaves_out: Option<&str>,
) -> Result<(), ReportError> {
    std::fs::create_dir_all(to).map_err(creating(to))?;
    for entry in entries(from)? {
        let name = entry.file_name().unwrap_or_default();
        if leaves_out.is_some_and(|left_out| name == left_out) {
            continue;
        }
        let target = to.join(name);
        if entry.is_dir() {
            copy_folder(&entry, &target, None)?;
        } else {
            std::fs::copy(&entry, &target).map_err(writing(&target))?;
            sync(&target).map_err(writing(&target))?;
        }
    }
    sync(to).map_err(writing(to))
}

/// Brings a folder and all that is in it to the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_folder(&path)?;
        } else {
            sync(&path)?;
        }
    }
    sync(folder)
}

pub(super) fn sync(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        // Some file systems have no such thing for a file that was opened to be read, or a folder.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) || error.raw_os_error() == Some(EBADF) =>
        {
            Ok(())
        }
        done => done,
    }
}

/// The file is not open for writing.
const EBADF: i32 = 9;
