//! Models made here: two small ones with a meaning for the test data, one for benchmarks.

pub(crate) mod patient_risk;
pub(crate) mod synth;
pub(crate) mod tokens;
pub(crate) mod variant_kmer;

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use varisk_onnx::Model;

/// Key of the metadata entry that makes the `.onnx` file a bundle of its own.
const METADATA_KEY: &str = "varisk_manifest";

/// A model with its manifest.
pub(crate) struct Bundle {
    pub(crate) model: Model,
    pub(crate) manifest: Value,
}

impl Bundle {
    /// Writes `model.onnx` and `manifest.json`; the model carries the manifest too.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut model = self.model.clone();
        model.set_metadata(METADATA_KEY, &self.manifest.to_string());
        model.write(folder.join("model.onnx"))?;
        let path = folder.join("manifest.json");
        let text = format!("{:#}\n", self.manifest);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// 1 / (1 + e^-x).
pub(crate) fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}
