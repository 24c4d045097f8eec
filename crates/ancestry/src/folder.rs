//! The folder of a panel: `ancestry.json`, which says what the panel is and holds the SHA-256 of
//! every table, and the tables. It has no time stamps: the same panel gives the same bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use varisk_report::{TableFolder, write_table};

use crate::build::{MOST_SITES, PanelSettings, SiteCounts};
use crate::panel::Panel;
use crate::{PanelError, PanelScore, PopulationModel};

mod tables;

/// Version of the folder; it changes when an older program could misread a newer folder.
const VERSION: u32 = 1;
/// The description.
pub const PANEL_FILE: &str = "ancestry.json";
/// What stands between the description and its check.
const CHECK: &str = ",\n  \"checksum\": \"";
/// A longer description is damage.
const MAX_DESCRIPTION: u64 = 64 << 20;
/// Bytes read at once.
const BUFFER: usize = 1 << 20;
/// Loadings are columns of unit length, orthogonal to each other, to this precision at least.
const ORTHONORMAL: f64 = 1e-6;

#[derive(Debug, Serialize, Deserialize)]
struct Description {
    schema_version: u32,
    created_by: String,
    settings: PanelSettings,
    sites: SiteCounts,
    samples: usize,
    training_samples: usize,
    populations: Vec<String>,
    scores: Vec<ScoreDescription>,
    tables: Vec<TableDescription>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ScoreDescription {
    name: String,
    sha256: String,
    settings: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct TableDescription {
    name: String,
    sha256: String,
}

impl Panel {
    /// Writes the panel into a folder that exists and holds none yet.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), PanelError> {
        let mut written = Vec::new();
        let tables = TableFolder::plain(folder);
        for (name, table) in tables::encode(self)? {
            write_table(&tables, name, table)?;
            written.push(TableDescription {
                name: name.to_owned(),
                sha256: hash(&file(folder, name))?,
            });
        }
        let description = Description {
            schema_version: VERSION,
            created_by: concat!("varisk ", env!("CARGO_PKG_VERSION")).to_owned(),
            settings: self.settings.clone(),
            sites: self.counts,
            samples: self.samples.len(),
            training_samples: self.samples.iter().filter(|s| s.is_training).count(),
            populations: self.populations.clone(),
            scores: self.scores.iter().map(ScoreDescription::of).collect(),
            tables: written,
        };
        let path = folder.join(PANEL_FILE);
        let failed = |source: std::io::Error| PanelError::Io {
            path: path.clone(),
            action: "it cannot be written",
            source,
        };
        let body = serde_json::to_string_pretty(&description)
            .map_err(|error| failed(std::io::Error::other(error)))?;
        let check = hex(&Sha256::digest(body.as_bytes()));
        let open_end = body.trim_end_matches("\n}");
        std::fs::write(&path, format!("{open_end}{CHECK}{check}\"\n}}\n")).map_err(failed)
    }

    /// Opens the panel of a folder.
    ///
    /// # Errors
    /// A file is missing, damaged or edited, or from another version of the format.
    pub fn open(folder: &Path) -> Result<Self, PanelError> {
        let path = folder.join(PANEL_FILE);
        let damaged = |detail: &str| PanelError::Damaged {
            path: path.clone(),
            detail: detail.to_owned(),
        };
        let description = Description::read(&path)?;
        let mut panel = Self {
            singular: Vec::new(),
            loadings: Vec::new(),
            sites: Vec::new(),
            samples: Vec::new(),
            scores: description
                .scores
                .iter()
                .map(ScoreDescription::empty)
                .collect(),
            frequencies: Vec::new(),
            populations: description.populations,
            counts: description.sites,
            settings: description.settings,
        };
        if panel.settings.check().is_err() || !panel.populations.is_sorted() {
            return Err(damaged("its settings make no sense"));
        }
        let names = description.tables.iter().map(|table| table.name.as_str());
        if !names.eq(tables::NAMES) {
            return Err(damaged("it does not name the tables of a panel"));
        }
        for table in &description.tables {
            let path = file(folder, &table.name);
            let damaged = |detail: &str| PanelError::Damaged {
                path: path.clone(),
                detail: detail.to_owned(),
            };
            if hash(&path)? != table.sha256 {
                return Err(damaged("its SHA-256 is not that in ancestry.json"));
            }
            let rows = read(&path, &tables::schema(&table.name))?;
            tables::decode(&mut panel, &table.name, &rows).map_err(damaged)?;
        }
        let training = panel.samples.iter().filter(|s| s.is_training).count();
        if (panel.samples.len(), training) != (description.samples, description.training_samples) {
            return Err(damaged("samples.parquet has another number of samples"));
        }
        if !panel.has_sound_loadings() {
            return Err(damaged("loadings.parquet does not hold unit vectors"));
        }
        let sums = panel.scores.iter().map(|score| score.sums.len());
        if sums.into_iter().any(|sums| sums != panel.samples.len()) {
            return Err(damaged("scores.parquet lacks samples of a score"));
        }
        PopulationModel::new(&panel, panel.population_components())?;
        Ok(panel)
    }

    /// SHA-256 of all that places people: sites, loadings, singular values and coordinates.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for site in &self.sites {
            digest.update(site.contig.as_bytes());
            digest.update([0, site.reference, site.alternate]);
            digest.update(site.position.0.to_le_bytes());
            digest.update(site.frequency.to_le_bytes());
        }
        let coordinates = self.samples.iter().flat_map(|sample| &sample.components);
        let numbers = self.singular.iter().chain(&self.loadings);
        for number in numbers.chain(coordinates) {
            digest.update(number.to_le_bytes());
        }
        for sample in &self.samples {
            digest.update((sample.population as u64).to_le_bytes());
            digest.update([u8::from(sample.is_training)]);
        }
        for population in &self.populations {
            digest.update(population.as_bytes());
            digest.update([0]);
        }
        hex(&digest.finalize())
    }

    /// Whether sums over loadings stay within their bounds.
    fn has_sound_loadings(&self) -> bool {
        let held = self.singular.len();
        if !(self.settings.components..=2 * self.settings.components).contains(&held)
            || self.sites.len() <= held
            || self.sites.len() > MOST_SITES
            || self.loadings.len() != held * self.sites.len()
        {
            return false;
        }
        let mut products = vec![0.0; held * held];
        for row in self.loadings.chunks_exact(held) {
            for (k, left) in row.iter().enumerate() {
                for (product, right) in products[k * held..].iter_mut().zip(&row[..=k]) {
                    *product += left * right;
                }
            }
        }
        (0..held).all(|k| {
            (0..=k).all(|l| {
                let expected = if k == l { 1.0 } else { 0.0 };
                (products[k * held + l] - expected).abs() <= ORTHONORMAL
            })
        })
    }
}

impl ScoreDescription {
    fn of(score: &PanelScore) -> Self {
        Self {
            name: score.name.clone(),
            sha256: score.sha256.clone(),
            settings: score.settings.clone(),
        }
    }

    fn empty(&self) -> PanelScore {
        PanelScore {
            name: self.name.clone(),
            sha256: self.sha256.clone(),
            settings: self.settings.clone(),
            sums: Vec::new(),
        }
    }
}

impl Description {
    fn read(path: &Path) -> Result<Self, PanelError> {
        let damaged = |detail: &str| PanelError::Damaged {
            path: path.to_owned(),
            detail: detail.to_owned(),
        };
        let failed = |source| PanelError::Io {
            path: path.to_owned(),
            action: "it cannot be read",
            source,
        };
        let mut text = Vec::new();
        let source = File::open(path).map_err(failed)?;
        source
            .take(MAX_DESCRIPTION)
            .read_to_end(&mut text)
            .map_err(failed)?;
        let text = String::from_utf8(text).map_err(|_| damaged("it is no text"))?;
        let (body, check) = text
            .rsplit_once(CHECK)
            .ok_or_else(|| damaged("it has no checksum at its end"))?;
        // The version goes first: another one may be checked in another way.
        let body = format!("{body}\n}}");
        let value: serde_json::Value =
            serde_json::from_str(&body).map_err(|_| damaged("it is no JSON"))?;
        let found = value
            .get("schema_version")
            .and_then(serde_json::Value::as_u64);
        match found {
            Some(found) if found == u64::from(VERSION) => {}
            Some(found) => {
                return Err(PanelError::Version {
                    path: path.to_owned(),
                    found: u32::try_from(found).unwrap_or(u32::MAX),
                    known: VERSION,
                });
            }
            None => return Err(damaged("it has no schema_version")),
        }
        if check.trim_end_matches("\"\n}\n") != hex(&Sha256::digest(body.as_bytes())) {
            return Err(damaged("it was edited: its checksum is another"));
        }
        serde_json::from_value(value).map_err(|_| damaged("it does not describe a panel"))
    }
}

fn file(folder: &Path, table: &str) -> std::path::PathBuf {
    folder.join(format!("{table}.parquet"))
}

/// All rows of a table.
fn read(path: &Path, schema: &SchemaRef) -> Result<RecordBatch, PanelError> {
    let damaged = |detail: &str| PanelError::Damaged {
        path: path.to_owned(),
        detail: detail.to_owned(),
    };
    let file = File::open(path).map_err(|source| PanelError::Io {
        path: path.to_owned(),
        action: "it cannot be opened",
        source,
    })?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|_| damaged("it is no Parquet table"))?;
    let batches: Vec<RecordBatch> = reader
        .collect::<Result<_, _>>()
        .map_err(|_| damaged("its rows cannot be read"))?;
    let other = |batch: &RecordBatch| batch.schema().fields() != schema.fields();
    if batches.iter().any(other) {
        return Err(damaged("its columns are not those of a panel"));
    }
    Ok(concat_batches(schema, &batches)?)
}

fn hash(path: &Path) -> Result<String, PanelError> {
    let failed = |source| PanelError::Io {
        path: path.to_owned(),
        action: "it cannot be read",
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            return Ok(hex(&digest.finalize()));
        };
        digest.update(bytes);
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
