//! A model bundle on disk: the manifest and the files beside it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{Manifest, ManifestError};

/// File name of the manifest in a bundle folder.
pub const MANIFEST_FILE: &str = "manifest.json";

/// Key under which the metadata of a one-file bundle carries the manifest.
pub const METADATA_KEY: &str = "varisk_manifest";

/// A model with its manifest, checked.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The manifest.
    pub manifest: Manifest,
    /// The ONNX file.
    pub model_path: PathBuf,
    /// Where the manifest's vocabulary files lie.
    pub folder: PathBuf,
    /// SHA-256 of the ONNX file, in lower-case hex.
    pub model_sha256: String,
}

impl Bundle {
    /// Opens a folder with a `manifest.json` and the ONNX file that it names, and checks the file
    /// against the manifest's `sha256`.
    ///
    /// # Errors
    /// The path is not such a folder, a file cannot be read, the manifest is not valid, or the ONNX
    /// file is another one than the manifest was written for.
    pub fn open(path: &Path) -> Result<Self, ManifestError> {
        let manifest_path = path.join(MANIFEST_FILE);
        if !manifest_path.is_file() {
            return Err(ManifestError::NotAFolder {
                path: path.to_owned(),
            });
        }
        let json =
            std::fs::read_to_string(&manifest_path).map_err(|source| ManifestError::Read {
                path: manifest_path.clone(),
                source,
            })?;
        let manifest = Manifest::parse(&json, &manifest_path)?;
        let model_path = path.join(&manifest.model);
        Self::checked(manifest, model_path, path.to_owned())
    }

    /// Makes a bundle of one ONNX file from the JSON in its metadata (key [`METADATA_KEY`]).
    /// `folder` is where vocabulary files are looked for. The manifest's `model` is not used.
    ///
    /// # Errors
    /// The manifest is not valid, or the ONNX file cannot be read.
    pub fn from_manifest_json(
        json: &str,
        onnx_path: &Path,
        folder: &Path,
    ) -> Result<Self, ManifestError> {
        let manifest = Manifest::parse(json, onnx_path)?;
        Self::checked(manifest, onnx_path.to_owned(), folder.to_owned())
    }

    fn checked(
        manifest: Manifest,
        model_path: PathBuf,
        folder: PathBuf,
    ) -> Result<Self, ManifestError> {
        let found = sha256_of(&model_path).map_err(|source| ManifestError::Read {
            path: model_path.clone(),
            source,
        })?;
        match &manifest.sha256 {
            Some(expected) if !expected.eq_ignore_ascii_case(&found) => {
                Err(ManifestError::Checksum {
                    path: model_path,
                    expected: expected.to_ascii_lowercase(),
                    found,
                })
            }
            _ => Ok(Self {
                manifest,
                model_path,
                folder,
                model_sha256: found,
            }),
        }
    }
}

fn sha256_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::manifest_json;

    /// SHA-256 of the three bytes `abc`, from FIPS 180-2.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn check(sha256: Option<&str>, model: Option<&[u8]>, expected: Result<(), &str>) {
        let folder = tempfile::tempdir().unwrap();
        let mut json = manifest_json();
        if let Some(sha256) = sha256 {
            json["sha256"] = sha256.into();
        }
        std::fs::write(folder.path().join(MANIFEST_FILE), json.to_string()).unwrap();
        if let Some(bytes) = model {
            std::fs::write(folder.path().join("model.onnx"), bytes).unwrap();
        }
        match (Bundle::open(folder.path()), expected) {
            (Ok(bundle), Ok(())) => assert_eq!(bundle.model_sha256, ABC),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{error}");
            }
            (got, expected) => panic!("{got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn folders() {
        check(None, Some(b"abc"), Ok(()));
        check(Some(ABC), Some(b"abc"), Ok(()));
        check(Some(&ABC.to_uppercase()), Some(b"abc"), Ok(()));
        check(Some(ABC), Some(b"abd"), Err("its manifest says"));
        check(None, None, Err("model.onnx cannot be read"));
    }

    #[test]
    fn a_path_without_a_manifest_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = Bundle::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("is not a folder with a"));
    }

    #[test]
    fn one_file_bundles_find_their_files_in_the_folder_given() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("all-in-one.onnx");
        std::fs::write(&model, b"abc").unwrap();
        let json = manifest_json().to_string();
        let bundle = Bundle::from_manifest_json(&json, &model, folder.path()).unwrap();
        assert_eq!(bundle.model_path, model);
        assert_eq!(bundle.model_sha256, ABC);
    }
}
