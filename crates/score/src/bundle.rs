//! Opening a model bundle, whichever of its two forms it has.

use std::path::Path;

use varisk_encode::{Bundle, METADATA_KEY, ManifestError};

use crate::ScoreError;

/// Opens a bundle: a folder with `manifest.json`, or one `.onnx` file whose metadata carries the
/// manifest under [`METADATA_KEY`].
///
/// # Errors
/// There is no such bundle, its manifest is not valid, or its ONNX file is damaged.
pub fn open_bundle(path: &Path) -> Result<Bundle, ScoreError> {
    if !path.is_file() {
        return Ok(Bundle::open(path)?);
    }
    let model = varisk_onnx::Model::read(path)?;
    let metadata = model.metadata();
    let Some(json) = metadata.get(METADATA_KEY) else {
        return Err(ManifestError::NotAFolder {
            path: path.to_owned(),
        }
        .into());
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    Ok(Bundle::from_manifest_json(json, path, folder)?)
}
