//! Where the shared library of ONNX Runtime may be, in the order it is looked for.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// File name of the library.
pub const LIBRARY_NAME: &str = if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// A place where the library may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What leads there, such as `--onnxruntime` or `ORT_DYLIB_PATH`.
    pub origin: String,
    /// The library's absolute path, if it exists there.
    pub path: Option<PathBuf>,
}

/// All places in order. An explicit path, or `ORT_DYLIB_PATH`, is the only place looked at.
#[must_use]
pub fn candidates(explicit: Option<&Path>) -> Vec<Candidate> {
    let only = |origin: &str, path: &Path| {
        let found = if path.is_dir() {
            in_folder(path)
        } else {
            Some(path.to_owned()).filter(|path| path.is_file())
        };
        vec![Candidate {
            origin: format!("{origin} = {}", path.display()),
            path: found.and_then(absolute),
        }]
    };
    if let Some(path) = explicit {
        return only("--onnxruntime", path);
    }
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|value| !value.is_empty()) {
        return only("ORT_DYLIB_PATH", Path::new(&path));
    }
    let mut places: Vec<(String, PathBuf)> = Vec::new();
    if let Some(folder) = env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_path_buf))
    {
        places.push(("beside the program".to_owned(), folder.clone()));
        places.push(("lib beside the program".to_owned(), folder.join("../lib")));
    }
    for variable in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        let Some(prefix) = env::var_os(variable).filter(|value| !value.is_empty()) else {
            continue;
        };
        let lib = Path::new(&prefix).join("lib");
        places.push((variable.to_owned(), lib.clone()));
        for python in children(&lib, "python3") {
            places.push((
                variable.to_owned(),
                python.join("site-packages/onnxruntime/capi"),
            ));
        }
    }
    let library_path = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    places.extend(
        env::split_paths(&library_path)
            .filter(|path| path.is_absolute())
            .map(|path| ("LD_LIBRARY_PATH".to_owned(), path)),
    );
    for folder in [
        "/usr/local/lib",
        "/usr/lib",
        "/usr/lib64",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/opt/onnxruntime/lib",
    ] {
        places.push(("system".to_owned(), PathBuf::from(folder)));
    }
    places
        .into_iter()
        .map(|(origin, folder)| Candidate {
            origin: format!("{origin} ({})", folder.display()),
            path: in_folder(&folder).and_then(absolute),
        })
        .collect()
}

/// The library in a folder: by its plain name, else the newest of its versioned names, as wheels
/// carry it.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let plain = folder.join(LIBRARY_NAME);
    if plain.is_file() {
        return Some(plain);
    }
    let mut versioned: Vec<PathBuf> = children(folder, &format!("{LIBRARY_NAME}."));
    versioned.sort_by_key(|path| version(path));
    versioned.pop()
}

fn version(path: &Path) -> Vec<u32> {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.split('.')
        .filter_map(|part| part.parse().ok())
        .collect()
}

fn children(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The loader resolves a relative path against the program, not the working folder.
fn absolute(path: PathBuf) -> Option<PathBuf> {
    std::path::absolute(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(
            version(Path::new("/x/libonnxruntime.so.1.31.1"))
                > version(Path::new("/x/libonnxruntime.so.1.9.0"))
        );
    }

    #[test]
    fn an_explicit_path_is_the_only_candidate() {
        let found = candidates(Some(Path::new("/nowhere/libonnxruntime.so")));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, None);
    }
}
