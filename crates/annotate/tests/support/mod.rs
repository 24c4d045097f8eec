//! What the tests on real data share: where the data is, running outside tools.

use std::path::{Path, PathBuf};

/// Folder of the shared data sets.
pub(crate) fn data() -> PathBuf {
    let folder = match std::env::var_os("VARISK_SHARED") {
        Some(folder) => PathBuf::from(folder).join("data"),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    assert!(
        folder.is_dir(),
        "{} is missing; set VARISK_SHARED to the folder of the shared data",
        folder.display()
    );
    folder
}
