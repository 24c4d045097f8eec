//! What the tests on real data share: where the data is, running outside tools.

use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Runs a shell pipeline and gives its standard output.
pub(crate) fn shell(script: &str) -> String {
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .output()
        .expect("bash runs");
    assert!(
        output.status.success(),
        "`{script}` failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("output is text")
}
