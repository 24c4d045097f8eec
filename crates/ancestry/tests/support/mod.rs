//! Python with the packages of outside tools, as set-up brings it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a script with arguments; its output.
pub(crate) fn python(script: &str, arguments: &[&Path]) -> String {
    let folder = std::env::var_os("VARISK_ORACLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.varisk/oracles"),
        PathBuf::from,
    );
    let python = folder.join("bin/python");
    assert!(
        python.exists(),
        "{} is not there; run 'make oracles' or set VARISK_ORACLES",
        python.display()
    );
    let output = Command::new(python)
        .arg("-c")
        .arg(script)
        .args(arguments)
        .output()
        .expect("python runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("python writes text")
}

/// A table of numbers and labels: rows of a file of comma-separated values after its header.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().skip(1).map(cells).collect()
}

/// Reads a number, `nan` included.
pub(crate) fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}
