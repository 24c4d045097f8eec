//! A run folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use varisk_report::{RunRecord, SCHEMA_VERSION, TableKeys};

use crate::rows::{ScoreReference, score_references};
use crate::{DossierError, Dossiers, TableRows};

/// A finished run on disk.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    record: RunRecord,
    /// SHA-256 of `run.json`.
    sha256: String,
    keys: Option<TableKeys>,
}

impl RunFolder {
    /// Opens a run folder: reads `run.json` and looks whether every table that it lists is there.
    ///
    /// # Errors
    /// It is no finished run, of a newer schema, or incomplete.
    pub fn open(path: &Path) -> Result<Self, DossierError> {
        let partial = path
            .extension()
            .is_some_and(|extension| extension == "partial");
        let file = path.join("run.json");
        let bytes = std::fs::read(&file).map_err(|source| {
            if partial && source.kind() == ErrorKind::NotFound {
                DossierError::Unfinished { path: path.into() }
            } else {
                DossierError::Open {
                    path: file.clone(),
                    source,
                }
            }
        })?;
        let record = |detail: String| DossierError::Record {
            path: file.clone(),
            detail,
        };
        // The version first: the form of a newer record need not be known.
        let json: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| record(error.to_string()))?;
        let version = json
            .get("schema_version")
            .and_then(serde_json::Value::as_u64);
        let found = version
            .and_then(|version| u32::try_from(version).ok())
            .ok_or_else(|| record("it has no schema_version".to_owned()))?;
        if found > SCHEMA_VERSION {
            let varisk = json.get("varisk").and_then(serde_json::Value::as_str);
            return Err(DossierError::Newer {
                path: path.into(),
                found,
                known: SCHEMA_VERSION,
                varisk: varisk.unwrap_or("unknown version").to_owned(),
            });
        }
        let run = Self {
            path: path.into(),
            record: serde_json::from_value(json).map_err(|error| record(error.to_string()))?,
            sha256: hex(&Sha256::digest(&bytes)),
            keys: None,
        };
        for name in run.record.tables.keys() {
            let file = file_of(name);
            // A record that was tampered with must not lead out of the folder.
            if file.starts_with('/') || file.split('/').any(|part| part == "..") {
                return Err(record("it lists a table outside the folder".to_owned()));
            }
            let path = run.path.join(file);
            if !path.is_file() {
                return Err(DossierError::Missing { path });
            }
        }
        Ok(run)
    }

    /// The run with keys for its encrypted tables.
    #[must_use]
    pub fn with_keys(self, keys: Option<TableKeys>) -> Self {
        Self { keys, ..self }
    }

    /// Compares every table with its hash in `run.json`.
    ///
    /// # Errors
    /// A table was changed after the run, or cannot be read.
    pub fn verify(&self) -> Result<(), DossierError> {
        for (name, expected) in &self.record.tables {
            let path = self.path.join(file_of(name));
            let found = sha256(&path).map_err(|source| DossierError::Open {
                path: path.clone(),
                source,
            })?;
            if found != *expected {
                return Err(DossierError::Changed { path });
            }
        }
        Ok(())
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The record of the run.
    #[must_use]
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// SHA-256 of `run.json` in lower-case hex: with it all tables are fixed, for the record holds
    /// their hashes.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Names of the tables, each once.
    #[must_use]
    pub fn tables(&self) -> BTreeSet<&str> {
        let names = self.record.tables.keys();
        names.map(|name| table_of(name)).collect()
    }

    /// Whether the run wrote a table, by its name.
    #[must_use]
    pub fn has_table(&self, name: &str) -> bool {
        self.files(name).next().is_some()
    }

    fn files<'r>(&'r self, table: &'r str) -> impl Iterator<Item = String> + 'r {
        self.record
            .tables
            .keys()
            .filter(move |name| table_of(name) == table)
            .map(|name| file_of(name))
    }

    /// The files of a table, by its name; none where the run did not write it.
    ///
    /// # Errors
    /// A file cannot be opened.
    pub fn rows(&self, table: &str) -> Result<Vec<TableRows>, DossierError> {
        self.open_rows(table, None)
    }

    /// The files of a table, as [`RunFolder::rows`] gives them, of which only the columns with the
    /// wanted names are read: a wide table need not be read whole for some of its columns.
    ///
    /// # Errors
    /// A file cannot be opened.
    pub fn rows_with(
        &self,
        table: &str,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<TableRows>, DossierError> {
        self.open_rows(table, Some(is_wanted))
    }

    fn open_rows(
        &self,
        table: &str,
        is_wanted: Option<&dyn Fn(&str) -> bool>,
    ) -> Result<Vec<TableRows>, DossierError> {
        self.files(table)
            .map(|file| TableRows::open(&self.path, &file, self.keys.as_ref(), is_wanted))
            .collect()
    }

    /// The patients, one after the other.
    ///
    /// # Errors
    /// The run has no patients, or a table cannot be opened.
    pub fn dossiers(&self) -> Result<Dossiers, DossierError> {
        let has_patients = self.has_table("risk") || self.has_table("qc");
        if !has_patients || self.record.patients == 0 {
            return Err(DossierError::NoPatients {
                path: self.path.clone(),
                verb: self.record.verb.clone(),
            });
        }
        Dossiers::open(self)
    }

    /// Reference distributions of polygenic scores, by score and population; empty without
    /// `--ancestry`.
    ///
    /// # Errors
    /// The table is damaged.
    pub fn score_references(
        &self,
    ) -> Result<BTreeMap<(String, String), ScoreReference>, DossierError> {
        let mut references = BTreeMap::new();
        for mut source in self.rows("score_references")? {
            while let Some(batch) = source.next_batch()? {
                for reference in score_references(&batch, &source)? {
                    let key = (reference.score.clone(), reference.population.clone());
                    references.insert(key, reference);
                }
            }
        }
        Ok(references)
    }

    /// Names of the knowledge sources of a kind, such as `clinvar`.
    pub fn sources_of(&self, kind: &str) -> impl Iterator<Item = &str> {
        let sources = self.record.knowledge.iter();
        sources
            .filter(move |source| source.kind == kind)
            .map(|source| source.name.as_str())
    }
}

/// The table that an entry of `tables` is of.
fn table_of(name: &str) -> &str {
    let first = name.split('/').next().unwrap_or(name);
    first.strip_suffix(".parquet").unwrap_or(first)
}

/// The file of an entry of `tables`: `risk` is a file, `risk/item=a/part-0.parquet` a part.
fn file_of(name: &str) -> String {
    if name.ends_with(".parquet") {
        name.to_owned()
    } else {
        format!("{name}.parquet")
    }
}

pub(crate) fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
