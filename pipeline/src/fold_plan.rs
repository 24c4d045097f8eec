//! What folds and reports need to know of a run; it travels with every shard, so that `merge` is the
//! end of the same run.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use serde::{Deserialize, Serialize};
use varisk_alignments::IdentityCheck;
use varisk_annotate::{GeneModels, HaplotypeConsequences};
use varisk_core::{Analysis, GenomeBuild, Patient, Sex, columns as c};
use varisk_knowledge::Bundle;
use varisk_reference::Reference;
use varisk_report::{FileRecord, ModelRecord, SourceRecord, numbered};
use varisk_risk::{
    Burden, GeneBurden, KnownSelection, KnownVariants, Quality, ScoreOutput, TopVariants,
};

use crate::annotation::models_of_bundle;
use crate::arguments::HaplotypeChoice;
use crate::exit::Refusal;
use crate::scores::ScoreContext;
use crate::settings::ScoreSettings;

/// Role of a file with variants among the inputs.
pub(crate) const VARIANTS: &str = "variants";
/// Role of the FASTA; its whole hash would take longer than many a run.
pub(crate) const REFERENCE: &str = "reference";

/// Role of a file with reads; its whole hash would take longer than the run.
pub(crate) const ALIGNMENT: &str = "alignment";

/// The verb of a run of scores alone.
pub(crate) const PRS: &str = "prs";
/// Role of a scoring file.
pub(crate) const SCORING_FILE: &str = "scoring_file";
/// Role of the description of a panel.
pub(crate) const ANCESTRY: &str = "ancestry_panel";
/// Role of the pseudoautosomal regions.
pub(crate) const PAR: &str = "par";
/// Role of an absolute risk model.
pub(crate) const ABSOLUTE_RISK: &str = "absolute_risk";
/// Role of a table that an absolute risk model names.
pub(crate) const RISK_TABLE: &str = "risk_table";

/// Role of the index of the FASTA.
pub(crate) const REFERENCE_INDEX: &str = "reference_index";
/// Role of a file with gene models.
pub(crate) const GENE_MODELS: &str = "gene_models";
/// Role of the lock of a knowledge bundle.
pub(crate) const KNOWLEDGE_LOCK: &str = "knowledge_lock";

/// The burden of genes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GeneBurdenPlan {
    /// Column with a frequency and the limit.
    pub(crate) frequency: Option<(String, f64)>,
    /// Features that patient models ask for.
    pub(crate) features: Vec<String>,
}

/// What folds need that no state saves: opened again where a state is taken up.
#[derive(Clone, Default)]
pub(crate) struct FoldContext {
    /// Gene models and reference, where consequences of haplotypes are asked for.
    pub(crate) haplotypes: Option<(Arc<GeneModels>, Reference)>,
    /// Scores, panel and absolute risk models.
    pub(crate) scores: Option<Arc<ScoreContext>>,
}

/// The files behind it have fingerprints of their own.
impl PartialEq for FoldContext {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::fmt::Debug for FoldContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FoldContext")
    }
}

/// Schema of the rows of variants on their way to the table, contigs as indices: an Arrow IPC stream
/// without rows, in hex. It travels with shards, so that `merge` writes the columns of the run
/// without opening what made them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RowsSchema(String);

impl RowsSchema {
    pub(crate) fn try_new(schema: &Schema) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        StreamWriter::try_new(&mut bytes, schema)?.finish()?;
        Ok(Self(bytes.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })))
    }

    pub(crate) fn schema(&self) -> anyhow::Result<SchemaRef> {
        let damaged = || Refusal::Data("the saved state is damaged; start the run anew".to_owned());
        let bytes = (0..self.0.len() / 2)
            .map(|at| {
                let digits = self.0.get(2 * at..2 * at + 2)?;
                u8::from_str_radix(digits, 16).ok()
            })
            .collect::<Option<Vec<u8>>>()
            .ok_or_else(damaged)?;
        let reader = StreamReader::try_new(bytes.as_slice(), None).map_err(|_| damaged())?;
        Ok(reader.schema())
    }
}

/// The columns of the variants table, with contigs still as indices.
pub(crate) fn part_schema(variants: &Schema) -> Schema {
    let fields = variants.fields().iter().map(|field| {
        if field.name() == c::CONTIG {
            Arc::new(Field::new(c::CONTIG, DataType::UInt32, false))
        } else {
            Arc::clone(field)
        }
    });
    Schema::new(fields.collect::<Vec<_>>())
}

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
    /// Knowledge sources that were used.
    pub(crate) sources: Vec<SourceRecord>,
    /// Files with the reads of each patient.
    pub(crate) alignments: Vec<Option<PathBuf>>,
    /// Which known alleles are reported; set where a source says so.
    pub(crate) known: Option<KnownSelection>,
    /// Set where alleles have consequences.
    pub(crate) burden: Option<GeneBurdenPlan>,
    /// Whether and how consequences of haplotypes are asked for.
    pub(crate) haplotypes: Option<HaplotypeChoice>,
    /// Whether results of patient models are explained.
    pub(crate) explain: bool,
    /// Scores, panel and absolute risk models, if there are any.
    pub(crate) scores: Option<ScoreSettings>,
    pub(crate) rows: RowsSchema,
    /// Folder in which the run was started: where its files are not there any more, they are looked
    /// for in the same place below the folder of `merge`.
    pub(crate) started_in: PathBuf,
    #[serde(skip)]
    pub(crate) context: FoldContext,
}

impl FoldPlan {
    /// SHA-256 over everything that decides the tables: equal for all shards of a run and for its
    /// resumption. Paths do not count: another node may mount them elsewhere.
    pub(crate) fn sha256(&self) -> anyhow::Result<String> {
        let mut plan = self.clone();
        plan.started_in.clear();
        plan.fingerprints
            .iter_mut()
            .for_each(|(_, path, _)| path.clear());
        plan.patient_models
            .iter_mut()
            .for_each(|model| model.path.clear());
        plan.variant_models
            .iter_mut()
            .for_each(|model| model.provider.clear());
        plan.alignments
            .iter_mut()
            .flatten()
            .for_each(PathBuf::clear);
        if let Some(scores) = &mut plan.scores {
            scores.clear_paths();
        }
        Ok(crate::hash::bytes(&serde_json::to_vec(&plan)?))
    }

    /// The plan of a run of some of the patients, who stand one after the other.
    pub(crate) fn of_patients(&self, range: Range<usize>) -> Self {
        Self {
            patients: self
                .patients
                .get(range.clone())
                .unwrap_or_default()
                .to_vec(),
            alignments: self.alignments.get(range).unwrap_or_default().to_vec(),
            ..self.clone()
        }
    }

    /// Finds the files of the run again: engines of workflows run each part in a folder of its own,
    /// into which they bring the files by their names, and may remove it afterwards.
    pub(crate) fn relocate(&mut self) {
        let Ok(here) = std::env::current_dir() else {
            return;
        };
        let started_in = std::mem::take(&mut self.started_in);
        let relocate = |path: &mut PathBuf| {
            if path.is_relative() {
                // As it was given there.
                let there = started_in.join(&path);
                if !path.as_os_str().is_empty() && !path.exists() && there.exists() {
                    *path = there;
                }
                return;
            }
            let Ok(rest) = path.strip_prefix(&started_in) else {
                return;
            };
            let moved = here.join(rest);
            if !path.exists() && moved.exists() {
                *path = moved;
            }
        };
        self.fingerprints
            .iter_mut()
            .for_each(|(_, path, _)| relocate(path));
        self.patient_models
            .iter_mut()
            .for_each(|model| relocate(&mut model.path));
        self.alignments.iter_mut().flatten().for_each(relocate);
        if let Some(scores) = &mut self.scores {
            scores.paths().for_each(relocate);
        }
        self.started_in = started_in;
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
        let mut analyses: Vec<Box<dyn Analysis>> = Vec::new();
        if self.writes_variants() {
            analyses.push(Box::new(Quality::new(sexes.clone())));
        }
        if self.alignments.iter().any(Option::is_some) {
            analyses.push(Box::new(IdentityCheck::new(self.patients.len())));
        }
        if let Some(burden) = &self.burden {
            analyses.push(Box::new(GeneBurden::new(
                sexes.clone(),
                burden.frequency.clone(),
                burden.features.iter().cloned(),
            )));
        }
        if let Some(known) = &self.known {
            analyses.push(Box::new(KnownVariants::new(
                known.clone(),
                sexes.clone(),
                names.clone(),
                self.contig_ranks.clone(),
            )));
        }
        if let Some(scores) = &self.context.scores {
            analyses.extend(scores.analyses());
        }
        if let (Some(choice), Some((models, reference))) =
            (self.haplotypes, &self.context.haplotypes)
        {
            analyses.push(Box::new(HaplotypeConsequences::new(
                Arc::clone(models),
                reference.clone(),
                choice.options(),
                self.patients.len(),
            )));
        }
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

    /// Whether rows of alleles and the quality of patients' data are written: not where scores alone
    /// are asked for.
    pub(crate) fn writes_variants(&self) -> bool {
        self.verb != PRS
    }

    /// Opens what the folds need, from the paths of the run.
    pub(crate) fn open_context(&mut self) -> anyhow::Result<()> {
        let wants_haplotypes = self.haplotypes.is_some() && self.context.haplotypes.is_none();
        let wants_scores = self.scores.is_some() && self.context.scores.is_none();
        if !wants_haplotypes && !wants_scores {
            return Ok(());
        }
        let missing = || {
            Refusal::Data(
                "the saved state names no reference or gene models; start the run anew".to_owned(),
            )
        };
        self.refuse_changed()?;
        let reference = Reference::open(self.path(REFERENCE).ok_or_else(missing)?)?;
        if wants_haplotypes {
            let models = match (self.path(GENE_MODELS), self.path(KNOWLEDGE_LOCK)) {
                (Some(path), _) => GeneModels::read(path, reference.contigs())?,
                (None, Some(lock)) => {
                    let bundle = Bundle::open(lock.parent().unwrap_or(lock))?;
                    models_of_bundle(&bundle, &reference)?
                        .ok_or_else(missing)?
                        .0
                }
                (None, None) => return Err(missing().into()),
            };
            self.context.haplotypes = Some((Arc::new(models), reference.clone()));
        }
        if let Some(settings) = self.scores.as_ref().filter(|_| wants_scores) {
            let lock = self.path(KNOWLEDGE_LOCK);
            let bundle = lock.map(|lock| Bundle::open(lock.parent().unwrap_or(lock)));
            let bundle = bundle.transpose()?;
            let context = ScoreContext::open(
                settings,
                self.build,
                &self.patients,
                &reference,
                bundle.as_ref(),
            )?;
            self.context.scores = Some(Arc::new(context));
        }
        Ok(())
    }

    /// What is opened again must be what it was.
    fn refuse_changed(&self) -> anyhow::Result<()> {
        let mut reopened = vec![REFERENCE, REFERENCE_INDEX, GENE_MODELS, KNOWLEDGE_LOCK, PAR];
        reopened.extend([SCORING_FILE, ANCESTRY, ABSOLUTE_RISK, RISK_TABLE]);
        for (role, path, mark) in &self.fingerprints {
            if reopened.contains(&role.as_str())
                && crate::hash::fingerprint(path).ok().as_ref() != Some(mark)
            {
                return Err(Refusal::Data(format!(
                    "{} is not there any more as it was when the run was made; restore it, or start the run anew",
                    path.display()
                ))
                .into());
            }
        }
        Ok(())
    }

    /// Path of the first input of a role.
    fn path(&self, wanted: &str) -> Option<&Path> {
        let mut own = self.fingerprints.iter();
        own.find(|(role, _, _)| role == wanted)
            .map(|(_, path, _)| path.as_path())
    }

    /// Records of the input files; their hashes are filled in at the end of the run.
    pub(crate) fn file_records(&self) -> Vec<FileRecord> {
        let record = |(number, (role, path, _)): (usize, &(String, PathBuf, String))| FileRecord {
            role: role.clone(),
            path: self.shown(number, role, path),
            sha256: None,
            bytes: std::fs::metadata(path)
                .ok()
                .filter(std::fs::Metadata::is_file)
                .map(|metadata| metadata.len()),
        };
        self.fingerprints.iter().enumerate().map(record).collect()
    }

    /// Numbers of the patients in the order in which they are written: that of the input, or, where they
    /// have pseudonyms, of these, for whoever knows the input would know who comes when.
    pub(crate) fn written_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.patients.len()).collect();
        if self.is_pseudonymous() {
            order.sort_by_key(|patient| &self.patients[*patient].id);
        }
        order
    }

    /// Whether patients have pseudonyms.
    pub(crate) fn is_pseudonymous(&self) -> bool {
        self.parameters["pseudonyms"].as_bool() == Some(true)
    }

    /// How a file is named in what is written: by its path, or, where patients have pseudonyms, by its
    /// place among the inputs, for names of files are often names of patients.
    fn shown(&self, number: usize, role: &str, path: &Path) -> String {
        if self.is_pseudonymous() {
            numbered(role, number + 1)
        } else {
            path.display().to_string()
        }
    }

    /// The same for a file that a record was read from.
    pub(crate) fn shown_file(&self, file: &str) -> String {
        let files = self.fingerprints.iter().enumerate();
        let found = files
            .into_iter()
            .find(|(_, (_, path, _))| path.as_path() == Path::new(file));
        match found {
            Some((number, (role, path, _))) => self.shown(number, role, path),
            None => self.shown(self.fingerprints.len(), VARIANTS, Path::new(file)),
        }
    }
}
