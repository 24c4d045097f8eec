//! Tabix and CSI indexes beside a file: where to start reading for an interval.

use std::path::{Path, PathBuf};

use noodles::core::Position as IndexPosition;
use noodles::csi::BinningIndex;
use noodles::{bgzf, csi, tabix};
use varisk_core::Interval;

use crate::ReadError;

/// An index of a BGZF file.
pub(crate) struct FileIndex {
    index: Box<dyn BinningIndex + Send>,
    path: PathBuf,
}

impl FileIndex {
    /// The index beside a file, if there is one.
    pub(crate) fn beside(file: &Path) -> Result<Option<Self>, ReadError> {
        for extension in ["csi", "tbi"] {
            let mut name = file.as_os_str().to_owned();
            name.push(".");
            name.push(extension);
            let path = PathBuf::from(name);
            if !path.exists() {
                continue;
            }
            let refuse = |detail: String| ReadError::Index {
                file: path.display().to_string(),
                detail,
            };
            check_age(file, &path).map_err(&refuse)?;
            let index: Box<dyn BinningIndex + Send> = match extension {
                "csi" => Box::new(
                    csi::fs::read(&path).map_err(|e| refuse(format!("cannot be read: {e}")))?,
                ),
                _ => Box::new(
                    tabix::fs::read(&path).map_err(|e| refuse(format!("cannot be read: {e}")))?,
                ),
            };
            return Ok(Some(Self { index, path }));
        }
        Ok(None)
    }

    /// Where the records of an interval start; `None` where it has none. `names` are the names a
    /// contig may have in the file; `dictionary` is the contig order of a BCF header.
    pub(crate) fn start(
        &self,
        interval: &Interval,
        is_contig: impl Fn(&str) -> bool,
        dictionary: &[String],
    ) -> Result<Option<bgzf::VirtualPosition>, ReadError> {
        let id = match self.index.header() {
            Some(header) if !header.reference_sequence_names().is_empty() => header
                .reference_sequence_names()
                .iter()
                .position(|name| is_contig(&name.to_string())),
            _ => dictionary.iter().position(|name| is_contig(name)),
        };
        let Some(id) = id else { return Ok(None) };
        // The index cannot hold positions from 2^29 on (tabix); it says so itself.
        let start = usize::try_from(interval.start.0.max(1))
            .ok()
            .and_then(IndexPosition::new)
            .unwrap_or(IndexPosition::MIN);
        let range = match usize::try_from(interval.end.0.max(1))
            .ok()
            .and_then(IndexPosition::new)
        {
            Some(end) if interval.end.0 < 1 << 29 => (start..=end).into(),
            _ => (start..).into(),
        };
        match self.index.query(id, range) {
            Ok(chunks) => Ok(chunks
                .iter()
                .map(csi::binning_index::index::reference_sequence::bin::Chunk::start)
                .min()),
            // A contig of the index's dictionary may have no records and hence no bins.
            Err(e)
                if e.kind() == std::io::ErrorKind::InvalidInput
                    && id >= self.index.reference_sequences().count() =>
            {
                Ok(None)
            }
            Err(e) => Err(ReadError::Index {
                file: self.path.display().to_string(),
                detail: format!("cannot be used: {e}"),
            }),
        }
    }
}

/// An index older than its file points to the wrong places.
fn check_age(file: &Path, index: &Path) -> Result<(), String> {
    let modified = |path: &Path| {
        std::fs::metadata(path)
            .and_then(|m| m.modified())
            .map_err(|e| format!("cannot be read: {e}"))
    };
    // File systems keep times to the second or better, and copies arrive in any order within one.
    let tolerance = std::time::Duration::from_secs(2);
    if modified(index)? + tolerance < modified(file)? {
        return Err(format!("is older than {}", file.display()));
    }
    Ok(())
}
