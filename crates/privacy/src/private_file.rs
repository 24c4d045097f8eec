//! Files that only their owner can read.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::PrivacyError;

/// Reading and writing by the owner, nothing by anybody else.
pub(crate) const OWNER_ONLY: u32 = 0o600;
/// Bits of group and others.
const OTHERS: u32 = 0o077;
/// No file with a secret is longer; a device or a wrong file must not fill the memory.
const LONGEST_SECRET: u64 = 64 * 1024;

/// An error of a file, with what was tried.
pub(crate) fn io_error(
    path: &Path,
    action: &'static str,
) -> impl FnOnce(io::Error) -> PrivacyError + use<> {
    let path = path.to_path_buf();
    move |source| PrivacyError::Io {
        path,
        action,
        source,
    }
}

/// Opens a file and refuses it where group or others have any right to it.
///
/// The rights are those of the open file, so that it cannot be exchanged in between.
pub(crate) fn open_private(path: &Path) -> Result<File, PrivacyError> {
    let file = File::open(path).map_err(io_error(path, "opening it"))?;
    refuse_shared(path, &file)?;
    Ok(file)
}

/// Refuses an open file to which group or others have any right.
pub(crate) fn refuse_shared(path: &Path, file: &File) -> Result<(), PrivacyError> {
    let metadata = file
        .metadata()
        .map_err(io_error(path, "asking who may read it"))?;
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(PrivacyError::SharedFile {
            path: path.into(),
            mode: mode & 0o777,
        });
    }
    Ok(())
}

/// Text of a file with a secret.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<String>, PrivacyError> {
    let file = open_private(path)?;
    read_secret_text(file).map_err(io_error(path, "reading it"))
}

/// Text of a secret, which is never long.
pub(crate) fn read_secret_text(source: impl Read) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    source.take(LONGEST_SECRET + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_SECRET {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is longer than any file with a key",
        ));
    }
    Ok(text)
}

/// The folder of a path, `.` where it has none.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.into(),
        _ => PathBuf::from("."),
    }
}

/// An unnamed beginning of a file beside its final place, readable by the owner alone.
pub(crate) fn begin(path: &Path) -> Result<NamedTempFile, PrivacyError> {
    tempfile::Builder::new()
        .prefix(".varisk-")
        .permissions(Permissions::from_mode(OWNER_ONLY))
        .tempfile_in(folder_of(path))
        .map_err(io_error(path, "writing in its folder"))
}

/// Gives a complete file its name; `false` where the name is taken and is not to be replaced.
pub(crate) fn complete(
    file: NamedTempFile,
    path: &Path,
    replace: bool,
) -> Result<bool, PrivacyError> {
    file.as_file()
        .sync_all()
        .map_err(io_error(path, "writing it"))?;
    let persisted = if replace {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    match persisted {
        Ok(_) => {}
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(failed) => return Err(io_error(path, "giving it its name")(failed.error)),
    }
    // Without this a crash could lose the name although the content is on the disk.
    File::open(folder_of(path))
        .and_then(|folder| folder.sync_all())
        .map_err(io_error(path, "giving it its name"))?;
    Ok(true)
}

/// Writes a new file; `false` where the name is taken.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<bool, PrivacyError> {
    let mut file = begin(path)?;
    file.write_all(content)
        .map_err(io_error(path, "writing it"))?;
    complete(file, path, false)
}

/// Writes a file anew in one step.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), PrivacyError> {
    let mut file = begin(path)?;
    file.write_all(content)
        .map_err(io_error(path, "writing it"))?;
    complete(file, path, true)?;
    Ok(())
}

/// Opens a file for reading and for lines at its end; a new one is readable by the owner alone.
pub(crate) fn open_to_append(path: &Path) -> Result<File, PrivacyError> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(OWNER_ONLY)
        .open(path)
        .map_err(io_error(path, "opening it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn new_files_belong_to_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(write_new(&path, b"a").unwrap());
        assert_eq!(mode(&path), OWNER_ONLY);
        assert!(!write_new(&path, b"b").unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"a");
        replace(&path, b"c").unwrap();
        assert_eq!(mode(&path), OWNER_ONLY);
        assert_eq!(std::fs::read(&path).unwrap(), b"c");
        open_to_append(&folder.path().join("log")).unwrap();
        assert_eq!(mode(&folder.path().join("log")), OWNER_ONLY);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn any_right_of_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_new(&path, b"a").unwrap();
        for bits in [0o040, 0o004, 0o020, 0o002, 0o010, 0o001, 0o044] {
            std::fs::set_permissions(&path, Permissions::from_mode(0o600 | bits)).unwrap();
            let error = read_secret(&path).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{bits:o}: {error}");
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(*read_secret(&path).unwrap(), "a");
    }

    #[test]
    fn endless_and_binary_files_are_refused() {
        assert!(read_secret_text(io::repeat(b'a')).is_err());
        assert!(read_secret_text(&[0xff, 0xfe][..]).is_err());
    }
}
