//! `testdata --check`: are the committed files what the generator writes?

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::testdata;

/// Writes the test data to a temporary folder and compares it with `folder`, byte by byte.
pub(crate) fn check(folder: &Path) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
    testdata::write(temporary.path())?;
    let made = files_below(temporary.path())?;
    let differing: Vec<String> = made
        .iter()
        .filter(|name| {
            let fresh = fs::read(temporary.path().join(name)).ok();
            fresh.is_none() || fresh != fs::read(folder.join(name)).ok()
        })
        .map(|name| name.display().to_string())
        .collect();
    if !differing.is_empty() {
        bail!(
            "{} differs from what the generator writes: {}; run `cargo xtask testdata`",
            folder.display(),
            differing.join(", ")
        );
    }
    // Files of another hand are allowed, but a file the generator wrote once and no longer does
    // would be tested against for ever.
    for name in files_below(folder)?.difference(&made) {
        note(name);
    }
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "a developer's task talks to a developer"
)]
fn note(name: &Path) {
    eprintln!("note: {} is not made by the generator", name.display());
}

/// All files below a folder, by relative path.
fn files_below(folder: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        let entries = fs::read_dir(&current)
            .with_context(|| format!("cannot list the folder {}", current.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder)?.to_owned());
            }
        }
    }
    Ok(files)
}
