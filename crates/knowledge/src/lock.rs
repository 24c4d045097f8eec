//! `knowledge.lock`: what a bundle is made of. It holds no times and no paths, so that building
//! twice gives the same bytes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use varisk_core::GenomeBuild;

use crate::{Combine, FieldType, KnowledgeError, MatchKind, SourceKind};

/// Name of the lock in the folder of a bundle.
pub const LOCK_FILE: &str = "knowledge.lock";
/// Version of the form of the lock and of the tables.
pub const LOCK_VERSION: u32 = 1;

/// The lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Version of the form of this file.
    pub schema_version: u32,
    /// Version of varisk that built the bundle.
    pub varisk: String,
    /// Genome build of all positional sources.
    pub genome_build: GenomeBuild,
    /// The sources, in the order of the configuration.
    pub sources: Vec<LockedSource>,
}

/// One source of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedSource {
    /// First part of the names of its columns.
    pub name: String,
    /// What it was made from.
    pub kind: SourceKind,
    /// Its release.
    pub release: String,
    /// Its licence.
    pub licence: String,
    /// How its rows are found.
    #[serde(rename = "match")]
    pub matching: MatchKind,
    /// What several rows at one place become, where it matches by position.
    pub combine: Option<Combine>,
    /// The file it was made from.
    pub input: LockedFile,
    /// Its table.
    pub table: LockedTable,
    /// Its fields.
    pub columns: Vec<LockedColumn>,
    /// Records or lines read.
    pub records: u64,
    /// Rows left out, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Rows that repeat the allele or gene of the row before; the first one wins in the join.
    pub duplicates: u64,
    /// Bases of the longest interval, where it matches by position.
    pub longest_interval: Option<u32>,
    /// Rows of its table that were kept: those that have these texts in these columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, String>,
    /// Models that made its scores, where it is of kind `scores`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<LockedModel>,
}

/// A file that a source was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFile {
    /// Its name without folders.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

/// A table of the bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedTable {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the file in lower-case hex.
    pub sha256: String,
    /// SHA-256 of its Parquet footer, the eight bytes of length and mark included.
    pub footer_sha256: String,
    /// Its rows.
    pub rows: u64,
}

/// A field of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedColumn {
    /// Name.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// INFO field or column that it comes from, where there is one.
    pub from: Option<String>,
    /// What it means.
    pub meaning: String,
}

/// A model whose scores a source holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedModel {
    /// Name.
    pub name: String,
    /// SHA-256 of the ONNX file.
    pub sha256: String,
    /// SHA-256 of its manifest, as `run.json` gives it.
    pub manifest_sha256: String,
}

impl Lock {
    /// Reads the lock of a bundle.
    ///
    /// # Errors
    /// The folder has none, or it is of another version or damaged.
    pub fn read(folder: &Path) -> Result<Self, KnowledgeError> {
        let path = folder.join(LOCK_FILE);
        let refuse = |detail: String| KnowledgeError::NoBundle {
            path: path.clone(),
            detail,
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| refuse(format!("it cannot be read ({error})")))?;
        let value: serde_json::Value = serde_json::from_str(&text)
            .map_err(|error| refuse(format!("it is damaged ({error})")))?;
        let version = value
            .get("schema_version")
            .and_then(serde_json::Value::as_u64);
        if version != Some(u64::from(LOCK_VERSION)) {
            return Err(refuse(format!(
                "its schema_version is not {LOCK_VERSION}, which this varisk reads"
            )));
        }
        let lock: Self = serde_json::from_value(value)
            .map_err(|error| refuse(format!("it is damaged ({error})")))?;
        let outside = |source: &&LockedSource| {
            let name = Path::new(&source.table.name);
            name.file_name() != Some(name.as_os_str())
        };
        if let Some(source) = lock.sources.iter().find(outside) {
            return Err(refuse(format!(
                "the table of source '{}' is not a file of the folder",
                source.name
            )));
        }
        Ok(lock)
    }

    /// The lock as text, the same for the same content.
    pub(crate) fn to_text(&self, path: &Path) -> Result<String, KnowledgeError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| KnowledgeError::Create {
            path: path.to_owned(),
            source: error.into(),
        })?;
        Ok(text + "\n")
    }
}
