//! `run.json`: what really ran.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An input file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// What it is: `variants`, `reference`, `samplesheet`.
    pub role: String,
    /// Path as given.
    pub path: String,
    /// SHA-256 in lower-case hex; null for standard input, for files with reads, and for the reference (whose index is
    /// hashed instead, under the role `reference_index`).
    pub sha256: Option<String>,
    /// Size in bytes, where it is a file.
    pub bytes: Option<u64>,
}

/// A model that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// `variant` or `patient`.
    pub kind: String,
    /// SHA-256 of the ONNX file.
    pub sha256: String,
    /// SHA-256 of the manifest, as JSON in our own order of fields, and of its vocabulary files: it
    /// decides the tensors as much as the ONNX file decides the result.
    pub manifest_sha256: String,
    /// The execution provider that really ran it; several, with commas, where parts of a run had
    /// different ones.
    pub provider: String,
    /// Rows of a batch.
    pub batch_size: usize,
}

/// A knowledge source that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Name in the bundle and in column names.
    pub name: String,
    /// Kind, such as `clinvar`, `vcf` or `gene_models`.
    pub kind: String,
    /// Release, as the bundle's maker wrote it.
    pub release: String,
    /// Licence, likewise.
    pub licence: String,
    /// SHA-256 of its table in the bundle, or of the file where there is no bundle.
    pub sha256: String,
}

/// The patients of a run against the training rows of a patient model that has a summary of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftRecord {
    /// Name of the model.
    pub model: String,
    /// Patients that it was trained on.
    pub training_patients: u64,
    /// Its predictors.
    pub predictors: Vec<PredictorDrift>,
}

/// One predictor over the patients of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictorDrift {
    /// Column or feature.
    pub name: String,
    /// Share of patients without a value.
    pub missing: f64,
    /// Patients outside the training range or far from most of it.
    pub outside: u64,
    /// Population stability index; null with fewer than 50 patients.
    pub stability_index: Option<f64>,
}

/// Time of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// Name of the stage.
    pub stage: String,
    /// Seconds, summed over threads.
    pub seconds: f64,
}

/// The record of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this file's form.
    pub schema_version: u32,
    /// A plain statement for whoever finds the folder.
    pub notice: String,
    /// Version of varisk.
    pub varisk: String,
    /// The verb: `run`, `score` or `merge`.
    pub verb: String,
    /// Genome build of the run.
    pub genome_build: String,
    /// Path of ONNX Runtime's library.
    pub onnxruntime: Option<String>,
    /// Its release.
    pub onnxruntime_version: Option<String>,
    /// Inputs.
    pub inputs: Vec<FileRecord>,
    /// Models.
    pub models: Vec<ModelRecord>,
    /// Knowledge sources that were used.
    #[serde(default)]
    pub knowledge: Vec<SourceRecord>,
    /// Settings in force.
    pub parameters: serde_json::Value,
    /// SHA-256 over everything that decides the tables.
    pub plan_sha256: String,
    /// Patients in the report.
    pub patients: u64,
    /// Counts by name: records, alleles, and each reason.
    pub counts: BTreeMap<String, u64>,
    /// Patients against the training rows of each patient model that has a summary of them.
    #[serde(default)]
    pub drift: Vec<DriftRecord>,
    /// Warnings that were given.
    pub warnings: Vec<String>,
    /// SHA-256 of each table.
    pub tables: BTreeMap<String, String>,
    /// Time by stage.
    pub timings: Vec<StageTime>,
    /// Wall time in seconds, over all parts of a resumed run.
    pub wall_seconds: f64,
}

impl RunRecord {
    /// The warnings, with inputs named by role and number: pages and exports of one patient must not
    /// hold names of files, which are often names of others.
    #[must_use]
    pub fn warnings_without_paths(&self) -> Vec<String> {
        let named = |(number, input): (usize, &FileRecord)| {
            (input.path.clone(), numbered(&input.role, number))
        };
        let mut names: Vec<(String, String)> = (1..).zip(&self.inputs).map(named).collect();
        // A path that begins another one comes after it.
        names.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        let cleaned = |warning: &String| {
            let given = names.iter().filter(|(path, _)| !path.is_empty());
            given.fold(warning.clone(), |text, (path, name)| {
                text.replace(path, name)
            })
        };
        self.warnings.iter().map(cleaned).collect()
    }

    /// The record with inputs named by role and number, and without the path of the library.
    #[must_use]
    pub fn without_paths(mut self) -> Self {
        self.warnings = self.warnings_without_paths();
        for (number, input) in (1..).zip(&mut self.inputs) {
            input.path = numbered(&input.role, number);
        }
        self.onnxruntime = None;
        self
    }
}

/// How an input is named where its path is not: by its role and its number among the inputs, from 1.
#[must_use]
pub fn numbered(role: &str, number: usize) -> String {
    format!("{role}-{number}")
}
