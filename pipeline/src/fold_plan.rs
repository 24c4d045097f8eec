//! What folds and reports need to know of a run; it travels with every shard, so that `merge` is the
//! end of the same run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use varisk_core::{Analysis, GenomeBuild, Patient, Sex};
use varisk_report::{FileRecord, ModelRecord};
use varisk_risk::{Burden, Quality, ScoreOutput, TopVariants};

/// Role of a file with variants among the inputs.
pub(crate) const VARIANTS: &str = "variants";
/// Role of the FASTA; its whole hash would take longer than many a run.
pub(crate) const REFERENCE: &str = "reference";

/// An output of a variant model that is folded over patients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FoldedOutput {
    pub(crate) output: ScoreOutput,
    pub(crate) threshold: Option<f64>,
}

/// A patient model that the end of the run opens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PatientModel {
    pub(crate) path: PathBuf,
    pub(crate) sha256: String,
    pub(crate) manifest_sha256: String,
}

/// The plan of a run, as far as it decides the tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FoldPlan {
    pub(crate) varisk: String,
    pub(crate) verb: String,
    pub(crate) build: GenomeBuild,
    pub(crate) patients: Vec<Patient>,
    /// Contigs of the reference with their lengths in bases.
    pub(crate) contigs: Vec<(String, u32)>,
    /// Order of contigs in the tables, by contig index.
    pub(crate) contig_ranks: Vec<u32>,
    pub(crate) outputs: Vec<FoldedOutput>,
    pub(crate) patient_models: Vec<PatientModel>,
    pub(crate) top: u32,
    /// Marks of the input files: (role, path, fingerprint).
    pub(crate) fingerprints: Vec<(String, PathBuf, String)>,
    /// Settings that decide the tables, the shard left out.
    pub(crate) parameters: serde_json::Value,
    /// Variant models as they run; the provider does not decide the plan.
    pub(crate) variant_models: Vec<ModelRecord>,
}

impl FoldPlan {
    /// SHA-256 over everything that decides the tables: equal for all shards of a run and for its
    /// resumption. Paths do not count: another node may mount them elsewhere.
    pub(crate) fn sha256(&self) -> anyhow::Result<String> {
        let mut plan = self.clone();
        plan.fingerprints
            .iter_mut()
            .for_each(|(_, path, _)| path.clear());
        plan.patient_models
            .iter_mut()
            .for_each(|model| model.path.clear());
        plan.variant_models
            .iter_mut()
            .for_each(|model| model.provider.clear());
        Ok(crate::hash::bytes(&serde_json::to_vec(&plan)?))
    }

    /// Whether variants come from a pipe: it cannot be read again, nor told from another one.
    pub(crate) fn streams(&self) -> bool {
        let is_stream = |(role, _, mark): &(String, PathBuf, String)| {
            role == VARIANTS && mark == crate::hash::STREAM
        };
        self.fingerprints.iter().any(is_stream)
    }

    /// Adds the providers on which another part of the run had its models.
    pub(crate) fn note_providers(&mut self, others: &[ModelRecord]) {
        for (own, other) in self.variant_models.iter_mut().zip(others) {
            for provider in other.provider.split(", ") {
                if !own.provider.split(", ").any(|known| known == provider) {
                    own.provider = format!("{}, {provider}", own.provider);
                }
            }
        }
    }

    /// The folds of the run, empty.
    pub(crate) fn analyses(&self) -> Vec<Box<dyn Analysis>> {
        if self.patients.is_empty() {
            return Vec::new();
        }
        let sexes: Vec<Sex> = self.patients.iter().map(|patient| patient.sex).collect();
        let names: Vec<String> = self.contigs.iter().map(|(name, _)| name.clone()).collect();
        let mut analyses: Vec<Box<dyn Analysis>> = vec![Box::new(Quality::new(sexes.clone()))];
        for folded in &self.outputs {
            analyses.push(Box::new(Burden::new(
                folded.output.clone(),
                folded.threshold,
                sexes.clone(),
            )));
            analyses.push(Box::new(TopVariants::new(
                folded.output.clone(),
                self.top as usize,
                sexes.clone(),
                names.clone(),
            )));
        }
        analyses
    }

    /// Records of the input files; their hashes are filled in at the end of the run.
    pub(crate) fn file_records(&self) -> Vec<FileRecord> {
        let record = |(role, path, _): &(String, PathBuf, String)| FileRecord {
            role: role.clone(),
            path: path.display().to_string(),
            sha256: None,
            bytes: std::fs::metadata(path)
                .ok()
                .filter(std::fs::Metadata::is_file)
                .map(|metadata| metadata.len()),
        };
        self.fingerprints.iter().map(record).collect()
    }
}
