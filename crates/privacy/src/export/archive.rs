//! Packing a folder.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

use crate::{PrivacyError, private_file::io_error};

/// Packs what lies in a folder, sorted by name, under the folder's own name. Gives back the writer, the
/// number of files and their bytes.
pub(super) fn pack<W: Write>(
    folder: &Path,
    writer: W,
    output: &Path,
) -> Result<(W, u64, u64), PrivacyError> {
    let name = folder.file_name().ok_or_else(|| PrivacyError::Export {
        path: folder.into(),
        detail: "the folder has no name; choose another folder",
    })?;
    let mut builder = Builder::new(writer);
    let (mut files, mut bytes) = (0, 0);
    let mut waiting = vec![(folder.to_path_buf(), PathBuf::from(name))];
    // The next one to be packed stands at the end.
    while let Some((path, name)) = waiting.pop() {
        let metadata = path
            .symlink_metadata()
            .map_err(io_error(&path, "reading it"))?;
        if metadata.is_dir() {
            let mut header = header(EntryType::Directory, 0o700, 0);
            builder
                .append_data(&mut header, &name, io::empty())
                .map_err(io_error(output, "writing it"))?;
            let mut inside = Vec::new();
            for entry in path.read_dir().map_err(io_error(&path, "reading it"))? {
                let entry = entry.map_err(io_error(&path, "reading it"))?;
                inside.push((entry.path(), name.join(entry.file_name())));
            }
            inside.sort_by(|one, other| other.cmp(one));
            waiting.append(&mut inside);
        } else if metadata.is_file() {
            let mut file = File::open(&path).map_err(io_error(&path, "opening it"))?;
            let size = file
                .metadata()
                .map_err(io_error(&path, "reading it"))?
                .len();
            let mut content = Read::take(&mut file, size);
            let mut header = header(EntryType::Regular, 0o600, size);
            builder
                .append_data(&mut header, &name, &mut content)
                .map_err(io_error(output, "packing a file"))?;
            let missing = content.limit();
            let more = file.read(&mut [0]).map_err(io_error(&path, "reading it"))?;
            if missing > 0 || more > 0 {
                return Err(PrivacyError::Export {
                    path,
                    detail: "the file changed while it was packed; wait until nothing writes to it",
                });
            }
            files += 1;
            bytes += size;
        } else {
            return Err(PrivacyError::Export {
                path,
                detail: "it is neither a file nor a folder; replace a link with what it points to, or take it out",
            });
        }
    }
    let writer = builder
        .into_inner()
        .map_err(io_error(output, "writing it"))?;
    Ok((writer, files, bytes))
}

/// A header that says nothing of this machine.
fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
