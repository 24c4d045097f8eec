//! Hashes of files and plans.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Fingerprint of what is no regular file.
pub(crate) const STREAM: &str = "stream";

/// SHA-256 of bytes, in lower-case hex.
pub(crate) fn bytes(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// SHA-256 of a file; `None` for what is no regular file.
pub(crate) fn file(path: &Path) -> std::io::Result<Option<String>> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(Some(hex(&hasher.finalize())));
        }
        hasher.update(&buffer[..count]);
    }
}

/// A quick mark of a file's content: its size, first and last MiB. Shards and resumed runs compare
/// it, since hashing a whole genome file for each of a thousand shards would cost more than they do.
pub(crate) fn fingerprint(path: &Path) -> std::io::Result<String> {
    const EDGE: u64 = 1 << 20;
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(STREAM.to_owned());
    }
    let mut hasher = Sha256::new();
    hasher.update(metadata.len().to_le_bytes());
    let mut edge = Vec::new();
    file.by_ref().take(EDGE).read_to_end(&mut edge)?;
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(EDGE)))?;
    file.take(EDGE).read_to_end(&mut edge)?;
    hasher.update(&edge);
    Ok(hex(&hasher.finalize()))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
