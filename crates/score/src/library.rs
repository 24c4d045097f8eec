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
    // Through links: a link to an installed program finds what is installed with it.
    let program = env::current_exe().and_then(|exe| exe.canonicalize()).ok();
    if let Some(folder) = program.as_deref().and_then(Path::parent) {
        places.extend(beside(folder));
    }
    for variable in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        let Some(prefix) = env::var_os(variable).filter(|value| !value.is_empty()) else {
            continue;
        };
        let prefix = Path::new(&prefix);
        places.push((variable.to_owned(), prefix.join("lib")));
        let packages = python_packages(prefix).into_iter();
        places.extend(packages.map(|folder| (variable.to_owned(), folder)));
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

/// What is installed with the program in this folder: the library itself, or the Python package, as in
/// the environment that both were installed into. It need not be the active one.
fn beside(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut places = vec![("beside the program".to_owned(), folder.to_owned())];
    if let Some(prefix) = folder.parent() {
        places.push(("lib beside the program".to_owned(), prefix.join("lib")));
        let packages = python_packages(prefix).into_iter();
        places.extend(packages.map(|folder| ("environment of the program".to_owned(), folder)));
    }
    places
}

/// Where Python packages under a prefix have the library, of the newest Python first.
fn python_packages(prefix: &Path) -> Vec<PathBuf> {
    let pythons = |lib: &Path| {
        let mut found = children(lib, "python3");
        found.sort_by_key(|path| std::cmp::Reverse(version(path)));
        found.into_iter()
    };
    let capi = |python: PathBuf, packages: &str| python.join(packages).join("onnxruntime/capi");
    let [lib, lib64] = ["lib", "lib64"].map(|name| prefix.join(name));
    let mut folders: Vec<PathBuf> = pythons(&lib)
        .map(|python| capi(python, "site-packages"))
        .collect();
    // Debian and Fedora have folders of their own for what is installed outside of environments.
    let mut others: Vec<PathBuf> = pythons(&lib)
        .map(|python| capi(python, "dist-packages"))
        .collect();
    // Within an environment this is a link to lib.
    if !lib64.is_symlink() {
        others.extend(pythons(&lib64).map(|python| capi(python, "site-packages")));
    }
    folders.extend(others.into_iter().filter(|folder| folder.is_dir()));
    folders
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

/// The numbers of a name, such as 1, 31 and 1 of `libonnxruntime.so.1.31.1`.
fn version(path: &Path) -> Vec<u32> {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.trim_start_matches("python")
        .split('.')
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

    /// The folders with Python's library among those that belong to a program in `bin`.
    fn beside_program(made: &[&str]) -> Vec<String> {
        let prefix = tempfile::tempdir().expect("a folder");
        for folder in made {
            std::fs::create_dir_all(prefix.path().join(folder)).expect("a folder");
        }
        let places = beside(&prefix.path().join("bin")).into_iter();
        places
            .map(|(_, place)| {
                let place = place.strip_prefix(prefix.path()).expect("under the prefix");
                place.display().to_string()
            })
            .collect()
    }

    #[test]
    fn a_program_finds_what_its_own_environment_has() {
        let capi = |python: &str| format!("lib/{python}/site-packages/onnxruntime/capi");
        assert_eq!(beside_program(&[]), ["bin", "lib"]);
        let environment = [&*capi("python3.9"), &capi("python3.12")];
        assert_eq!(
            beside_program(&environment),
            ["bin", "lib", &capi("python3.12"), &capi("python3.9")]
        );
        let debian = "lib/python3/dist-packages/onnxruntime/capi";
        assert!(beside_program(&[debian]).contains(&debian.to_owned()));
        let fedora = "lib64/python3.13/site-packages/onnxruntime/capi";
        assert!(beside_program(&[fedora]).contains(&fedora.to_owned()));
    }

    #[test]
    fn a_wheel_has_the_library_under_its_version() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(in_folder(folder.path()), None);
        for name in ["libonnxruntime.so.1.9.0", "libonnxruntime.so.1.31.1"] {
            std::fs::write(folder.path().join(name), "").expect("a file");
        }
        let newest = folder.path().join("libonnxruntime.so.1.31.1");
        assert_eq!(in_folder(folder.path()), Some(newest));
    }
}
