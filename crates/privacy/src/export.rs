//! Results for somebody else: a folder packed and encrypted into one file.
//!
//! The file is a tar archive in the age format (age-encryption.org/v1), which `age` and `rage` open. It
//! says nothing of this machine: no owners, no times, no rights, no path but the folder's own name.

mod archive;
mod recipients;

use std::io::{self, Write};
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{
    PrivacyError,
    private_file::{self, io_error},
};

pub use recipients::Recipients;

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Number of files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// SHA-256 of the encrypted file, as 64 hexadecimal digits.
    pub sha256: String,
}

/// Passes on what is written, and hashes it.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        if let Some(bytes) = bytes.get(..written) {
            self.hash.update(bytes);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Packs a folder and encrypts it to the recipients. The output, which its owner alone can read, has its
/// name only when it is complete. Nothing is written unencrypted, and memory does not grow with the files.
///
/// # Errors
/// The output exists or lies in the folder, the folder has anything but files and folders (a link would
/// take along what lies elsewhere), a file changes meanwhile, or something cannot be read or written.
pub fn export(
    folder: &Path,
    output: &Path,
    recipients: &Recipients,
) -> Result<Exported, PrivacyError> {
    if output.symlink_metadata().is_ok() {
        return Err(PrivacyError::Exists {
            path: output.into(),
        });
    }
    let source = folder
        .canonicalize()
        .map_err(io_error(folder, "opening it"))?;
    let place = private_file::folder_of(output);
    let place = place
        .canonicalize()
        .map_err(io_error(output, "opening its folder"))?;
    if place.starts_with(&source) {
        return Err(PrivacyError::Export {
            path: output.into(),
            detail: "the output would be a part of what it holds; write it outside the folder",
        });
    }
    let failed = |source| io_error(output, "writing it")(source);
    let file = private_file::begin(output)?;
    let writer = Hashing {
        inner: file,
        hash: Sha256::new(),
    };
    let encrypted = recipients
        .encryptor()?
        .wrap_output(writer)
        .map_err(failed)?;
    let (encrypted, files, bytes) = archive::pack(&source, encrypted, output)?;
    let writer = encrypted.finish().map_err(failed)?;
    let sha256 = HEXLOWER.encode(&writer.hash.finalize());
    if !private_file::complete(writer.inner, output, false)? {
        return Err(PrivacyError::Exists {
            path: output.into(),
        });
    }
    Ok(Exported {
        files,
        bytes,
        sha256,
    })
}

#[cfg(test)]
mod tests;
