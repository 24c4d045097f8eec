//! The bundled knowledge as a bundle, and runs with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::demo::run;
use super::program::{Call, testdata, text};
use super::refusal::write;

/// The bundled configuration with paths that hold from any folder.
pub(crate) fn configuration() -> String {
    let path = testdata("knowledge/knowledge.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    text.replace("path = \"", &format!("path = \"{}", testdata("knowledge/")))
}

/// Building a bundle of a configuration.
pub(crate) fn build(config: &str, output: &Path) -> Call {
    Call::new("knowledge build")
        .with("--config", config)
        .with("--reference", testdata("genome.fa"))
        .with("--output", text(output))
}

/// Builds the bundled sources into a bundle.
pub(crate) fn bundle(folder: &Path) -> PathBuf {
    let output = folder.join("bundle");
    build(&testdata("knowledge/knowledge.toml"), &output).succeed();
    output
}

/// Builds a bundle of a configuration given as text.
pub(crate) fn bundle_of(folder: &Path, name: &str, config: &str) -> PathBuf {
    let output = folder.join(name);
    build(&write(folder, &format!("{name}.toml"), config), &output).succeed();
    output
}

/// The bundled run with a bundle.
pub(crate) fn annotated(output: &Path, bundle: &Path) -> Call {
    run(output).with("--knowledge", text(bundle))
}

/// Every file of a folder with its bytes.
pub(crate) fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let file = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().expect("names are text");
        (name, std::fs::read(entry.path()).expect("a file"))
    };
    entries
        .map(|entry| file(entry.expect("an entry")))
        .collect()
}

/// A copy of a bundle, changed.
pub(crate) fn copied(bundle: &Path, folder: &Path, change: impl Fn(&Path)) -> PathBuf {
    let target = folder.join("changed");
    std::fs::create_dir(&target).expect("a folder");
    for (name, bytes) in bytes(bundle) {
        std::fs::write(target.join(name), bytes).expect("a copy");
    }
    change(&target);
    target
}
