//! Settings of a run: `varisk.toml` and flags, made one and checked.

mod scores;
mod tables;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use varisk_core::{GenomeBuild, RunLimits};

use varisk_alignments::{DEFAULT_MIN_BASE_QUALITY, DEFAULT_MIN_MAPPING_QUALITY};
use varisk_annotate::FLANK_BASES;
use varisk_readers::{MIN_BLOCK_DEPTH, MIN_BLOCK_GQ};
use varisk_report::TableLayout;
use varisk_risk::ClinicalClass;

use crate::arguments::{
    AmbiguousChoice, AnnotationArguments, BurdenArguments, ConsequenceChoice, DeviceChoice,
    DosageChoice, DuplicatesChoice, EvidenceArguments, HaplotypeChoice, ImputeChoice, LinesChoice,
    LowCoverageChoice, RefMismatchChoice, RunArguments, ScoreFormatChoice, StandardiseChoice,
    UnsupportedChoice,
};
use crate::exit::Refusal;
use crate::fold_plan::FoldPlan;
use crate::privacy::PseudonymSettings;
use crate::shards::{Shard, ShardChoice};

pub(crate) use self::scores::ScoreSettings;
use self::scores::{SCORE_BATCH_BYTES, scores};
use self::tables::{pseudonyms, tables};

/// `varisk.toml`. Its keys are the names of the flags with underscores; paths are relative to its
/// folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    vcf: Option<PathBuf>,
    samplesheet: Option<PathBuf>,
    reference: Option<PathBuf>,
    build: Option<String>,
    par: Option<PathBuf>,
    #[serde(default)]
    models: Vec<PathBuf>,
    output: Option<PathBuf>,
    #[serde(default)]
    regions: Vec<String>,
    regions_file: Option<PathBuf>,
    threads: Option<u16>,
    batch_size: Option<u32>,
    batch_bytes: Option<u32>,
    max_bad_records: Option<u64>,
    ref_mismatch: Option<RefMismatchChoice>,
    device: Option<DeviceChoice>,
    tf32: Option<bool>,
    onnxruntime: Option<PathBuf>,
    top: Option<u32>,
    #[serde(default)]
    report_classes: Vec<String>,
    explain: Option<bool>,
    ignore_unlisted_samples: Option<bool>,
    checkpoint_seconds: Option<f64>,
    knowledge: Option<PathBuf>,
    #[serde(default)]
    sources: Vec<String>,
    gene_models: Option<PathBuf>,
    consequences: Option<ConsequenceChoice>,
    sites: Option<PathBuf>,
    callable: Option<PathBuf>,
    absent_as_reference: Option<bool>,
    min_reference_gq: Option<u32>,
    min_reference_depth: Option<u32>,
    genotype_from_reads: Option<bool>,
    min_mapq: Option<u8>,
    min_baseq: Option<u8>,
    burden_max_frequency: Option<f64>,
    burden_frequency: Option<String>,
    consequence_lines: Option<LinesChoice>,
    flank: Option<u32>,
    haplotypes: Option<HaplotypeChoice>,
    #[serde(default)]
    scores: Vec<PathBuf>,
    score_columns: Option<String>,
    score_build: Option<String>,
    ambiguous: Option<AmbiguousChoice>,
    duplicates: Option<DuplicatesChoice>,
    unsupported_rows: Option<UnsupportedChoice>,
    impute: Option<ImputeChoice>,
    standardise: Option<StandardiseChoice>,
    frequencies: Option<String>,
    rsids: Option<String>,
    dosages: Option<DosageChoice>,
    min_coverage: Option<f64>,
    low_coverage: Option<LowCoverageChoice>,
    ancestry: Option<PathBuf>,
    #[serde(default)]
    absolute_risk: Vec<PathBuf>,
    #[serde(default)]
    score_formats: Vec<ScoreFormatChoice>,
    sampleset: Option<String>,
    #[serde(default)]
    partition_by: Vec<String>,
    encryption_key_file: Option<PathBuf>,
    encryption_key_env: Option<String>,
    encryption_key_command: Option<String>,
    pseudonym_key_file: Option<PathBuf>,
    pseudonym_key_env: Option<String>,
    pseudonym_key_command: Option<String>,
    pseudonym_label: Option<String>,
    pseudonym_table: Option<PathBuf>,
    /// Rules of 'varisk diff', which a run passes over.
    #[serde(rename = "alert")]
    _alert: Option<toml::Value>,
    #[serde(rename = "tolerance")]
    _tolerance: Option<toml::Value>,
}

impl ConfigFile {
    pub(crate) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// Settings in force.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Settings {
    pub(crate) vcf: Option<PathBuf>,
    pub(crate) samplesheet: Option<PathBuf>,
    pub(crate) reference: PathBuf,
    pub(crate) build: Option<GenomeBuild>,
    pub(crate) par: Option<PathBuf>,
    pub(crate) models: Vec<PathBuf>,
    pub(crate) output: PathBuf,
    pub(crate) regions: Vec<String>,
    pub(crate) regions_file: Option<PathBuf>,
    pub(crate) shard: Option<ShardChoice>,
    /// Folder on a disk of this node for what is unfinished.
    #[serde(skip)]
    pub(crate) scratch: Option<PathBuf>,
    pub(crate) limits: RunLimits,
    /// Whether somebody has said how many records a batch has.
    #[serde(skip)]
    pub(crate) is_batch_size_given: bool,
    pub(crate) ref_mismatch: RefMismatchChoice,
    pub(crate) device: DeviceChoice,
    pub(crate) tf32: bool,
    pub(crate) onnxruntime: Option<PathBuf>,
    pub(crate) top: u32,
    /// Classes of known alleles that are reported; empty for none, `None` where nothing was said.
    pub(crate) report_classes: Option<Vec<ClinicalClass>>,
    pub(crate) explain: bool,
    pub(crate) ignore_unlisted_samples: bool,
    pub(crate) checkpoint_seconds: f64,
    pub(crate) annotation: AnnotationSettings,
    pub(crate) evidence: EvidenceSettings,
    /// Column with a frequency and the limit, for the burden of genes.
    pub(crate) burden: Option<(String, f64)>,
    pub(crate) haplotypes: Option<HaplotypeChoice>,
    pub(crate) scores: ScoreSettings,
    /// How tables are laid out; it changes no row.
    #[serde(skip)]
    pub(crate) tables: TableLayout,
    /// How patients are named; `None` by their identifiers.
    #[serde(skip)]
    pub(crate) pseudonyms: Option<PseudonymSettings>,
    #[serde(skip)]
    pub(crate) resume: bool,
    #[serde(skip)]
    pub(crate) dry_run: bool,
}

/// What is joined onto alleles.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AnnotationSettings {
    pub(crate) knowledge: Option<PathBuf>,
    /// Sources or fields of the bundle; empty for all.
    pub(crate) sources: Vec<String>,
    pub(crate) gene_models: Option<PathBuf>,
    /// `None` where nothing was said: gene models where there are some.
    pub(crate) consequences: Option<ConsequenceChoice>,
    pub(crate) consequence_lines: LinesChoice,
    /// Bases from a transcript within which an allele is upstream or downstream of it.
    pub(crate) flank: u32,
    /// Nothing is joined but what is asked for by name.
    #[serde(skip)]
    pub(crate) named_only: bool,
    /// All lines as the text of `CSQ`, for output that needs nothing else of them.
    #[serde(skip)]
    pub(crate) csq_text: bool,
}

impl AnnotationSettings {
    /// Whether anything would be added to an allele.
    pub(crate) fn is_empty(&self) -> bool {
        self.knowledge.is_none()
            && self.gene_models.is_none()
            && self.consequences != Some(ConsequenceChoice::FromInfo)
    }
}

/// What shows, or lets assume, what a site is in a patient.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EvidenceSettings {
    pub(crate) sites: Option<PathBuf>,
    pub(crate) callable: Option<PathBuf>,
    pub(crate) absent_as_reference: bool,
    pub(crate) min_reference_gq: u32,
    pub(crate) min_reference_depth: u32,
    pub(crate) genotype_from_reads: bool,
    pub(crate) min_mapq: u8,
    pub(crate) min_baseq: u8,
}

/// Variants reported for each patient and output unless set.
const DEFAULT_TOP: u32 = 10;
/// Seconds between saved states unless set: what a crash costs at most.
const DEFAULT_CHECKPOINT_SECONDS: f64 = 60.0;

/// As the command line has it: more are a mistake.
const MAX_THREADS: usize = 1024;

/// A path of the settings file; `-` stays standard input.
fn beside(folder: &Path, path: PathBuf) -> PathBuf {
    if path == Path::new("-") {
        path
    } else {
        folder.join(path)
    }
}

impl Settings {
    /// Settings of a run of scores alone: nothing is joined but the frequencies that they need.
    pub(crate) fn for_scores_alone(mut self) -> anyhow::Result<Self> {
        if self.scores.is_empty() {
            return Err(Refusal::Usage(
                "no score is given; name scoring files with --score, or a panel with --ancestry"
                    .to_owned(),
            )
            .into());
        }
        // Nothing is computed for each allele, so small batches cost little and hold less.
        if self.limits.batch_bytes == RunLimits::default().batch_bytes {
            self.limits.batch_bytes = SCORE_BATCH_BYTES;
        }
        self.models.clear();
        self.haplotypes = None;
        self.explain = false;
        self.burden = None;
        self.report_classes = None;
        self.annotation = AnnotationSettings {
            knowledge: self.annotation.knowledge,
            sources: Vec::new(),
            gene_models: None,
            consequences: Some(ConsequenceChoice::None),
            named_only: true,
            ..self.annotation
        };
        Ok(self)
    }

    /// Which part of a run this is.
    pub(crate) fn shard(&self) -> Option<Shard> {
        self.shard.as_ref().map(|choice| choice.shard.clone())
    }

    /// Refuses a plan that is not the one that the shard table cuts.
    pub(crate) fn refuse_other_shards(&self, plan: &FoldPlan) -> anyhow::Result<()> {
        match &self.shard {
            Some(choice) => choice.refuse_other_run(plan),
            None => Ok(()),
        }
    }

    pub(crate) fn resolve(flags: &RunArguments) -> anyhow::Result<Self> {
        let (mut file, folder) = read_config(flags.config.as_deref())?;
        let annotation = annotation(&flags.annotation, &mut file, &folder);
        let tables = tables(&flags.tables, &mut file, &folder)?;
        let pseudonyms = pseudonyms(&flags.tables.pseudonyms, &mut file, &folder)?;
        let evidence = evidence(&flags.evidence, &file, &folder);
        let burden = burden(&flags.burden, &file)?;
        let path = |flag: &Option<PathBuf>, own: Option<PathBuf>| {
            flag.clone()
                .or_else(|| own.map(|path| beside(&folder, path)))
        };
        let mut scores = scores(&flags.scores, &mut file, &folder)?;
        scores.par = path(&flags.par, file.par.clone());
        let missing = |flag: &str| {
            Refusal::Usage(format!(
                "--{flag} is missing; give it, or set '{}' in varisk.toml",
                flag.replace('-', "_")
            ))
        };
        let build = genome_build(flags.build.clone().or(file.build))?;
        let models = if flags.models.is_empty() {
            file.models.iter().map(|model| folder.join(model)).collect()
        } else {
            flags.models.clone()
        };
        if !file.regions.is_empty() && file.regions_file.is_some() {
            return Err(Refusal::Usage(
                "varisk.toml sets both 'regions' and 'regions_file'; leave one out".to_owned(),
            )
            .into());
        }
        let regions_given = !flags.regions.is_empty() || flags.regions_file.is_some();
        let defaults = RunLimits::default();
        let limits = RunLimits {
            threads: flags
                .threads
                .or(file.threads)
                .map_or_else(available_threads, usize::from),
            batch_records: flags
                .batch_size
                .or(file.batch_size)
                .map_or(defaults.batch_records, |size| size as usize),
            batch_bytes: flags
                .batch_bytes
                .or(file.batch_bytes)
                .map_or(defaults.batch_bytes, |size| size as usize),
            max_bad_records: flags
                .max_bad_records
                .or(file.max_bad_records)
                .unwrap_or(defaults.max_bad_records),
        };
        if limits.threads == 0
            || limits.threads > MAX_THREADS
            || limits.batch_records == 0
            || limits.batch_bytes == 0
        {
            return Err(Refusal::Usage(format!(
                "threads must be from 1 to {MAX_THREADS}, batch_size and batch_bytes at least 1; correct varisk.toml"
            ))
            .into());
        }
        let checkpoint_seconds = flags
            .checkpoint_seconds
            .or(file.checkpoint_seconds)
            .unwrap_or(DEFAULT_CHECKPOINT_SECONDS);
        if !checkpoint_seconds.is_finite() || checkpoint_seconds < 0.0 {
            return Err(Refusal::Usage(
                "checkpoint_seconds must be 0 or more; correct it".to_owned(),
            )
            .into());
        }
        Ok(Self {
            vcf: path(&flags.vcf, file.vcf),
            samplesheet: path(&flags.samplesheet, file.samplesheet),
            reference: path(&flags.reference, file.reference)
                .ok_or_else(|| missing("reference"))?,
            build,
            par: path(&flags.par, file.par),
            models,
            output: path(&flags.output, file.output).ok_or_else(|| missing("output"))?,
            regions: if regions_given {
                flags.regions.clone()
            } else {
                file.regions
            },
            regions_file: if regions_given {
                flags.regions_file.clone()
            } else {
                path(&None, file.regions_file)
            },
            shard: ShardChoice::resolve(flags.shard.as_deref(), flags.shard_table.as_deref())?,
            scratch: flags.scratch.clone(),
            limits,
            is_batch_size_given: flags.batch_size.or(file.batch_size).is_some(),
            ref_mismatch: flags
                .ref_mismatch
                .or(file.ref_mismatch)
                .unwrap_or(RefMismatchChoice::Refuse),
            device: flags.device.or(file.device).unwrap_or(DeviceChoice::Cpu),
            tf32: flags.tf32 || file.tf32.unwrap_or(false),
            onnxruntime: path(&flags.onnxruntime, file.onnxruntime),
            top: flags.top.or(file.top).unwrap_or(DEFAULT_TOP),
            report_classes: report_classes(if flags.report_classes.is_empty() {
                &file.report_classes
            } else {
                &flags.report_classes
            })?,
            explain: flags.explain || file.explain.unwrap_or(false),
            ignore_unlisted_samples: flags.ignore_unlisted_samples
                || file.ignore_unlisted_samples.unwrap_or(false),
            checkpoint_seconds,
            annotation,
            evidence,
            burden,
            haplotypes: flags.burden.haplotypes.or(file.haplotypes),
            scores,
            tables,
            pseudonyms,
            resume: flags.resume,
            dry_run: flags.dry_run,
        })
    }
}

fn annotation(
    flags: &AnnotationArguments,
    file: &mut ConfigFile,
    folder: &Path,
) -> AnnotationSettings {
    let path = |flag: &Option<PathBuf>, own: Option<PathBuf>| {
        flag.clone().or_else(|| own.map(|path| folder.join(path)))
    };
    let sources = if flags.sources.is_empty() {
        std::mem::take(&mut file.sources)
    } else {
        flags.sources.clone()
    };
    AnnotationSettings {
        knowledge: path(&flags.knowledge, file.knowledge.take()),
        sources,
        gene_models: path(&flags.gene_models, file.gene_models.take()),
        consequences: flags.consequences.or(file.consequences),
        consequence_lines: flags
            .consequence_lines
            .or(file.consequence_lines)
            .unwrap_or(LinesChoice::All),
        flank: flags.flank.or(file.flank).unwrap_or(FLANK_BASES),
        named_only: false,
        csq_text: false,
    }
}

fn evidence(flags: &EvidenceArguments, file: &ConfigFile, folder: &Path) -> EvidenceSettings {
    let path = |flag: &Option<PathBuf>, own: &Option<PathBuf>| {
        flag.clone()
            .or_else(|| own.as_ref().map(|path| folder.join(path)))
    };
    EvidenceSettings {
        sites: path(&flags.sites, &file.sites),
        callable: path(&flags.callable, &file.callable),
        absent_as_reference: flags.absent_as_reference || file.absent_as_reference.unwrap_or(false),
        min_reference_gq: flags
            .min_reference_gq
            .or(file.min_reference_gq)
            .unwrap_or(MIN_BLOCK_GQ),
        min_reference_depth: flags
            .min_reference_depth
            .or(file.min_reference_depth)
            .unwrap_or(MIN_BLOCK_DEPTH),
        genotype_from_reads: flags.genotype_from_reads || file.genotype_from_reads.unwrap_or(false),
        min_mapq: flags
            .min_mapq
            .or(file.min_mapq)
            .unwrap_or(DEFAULT_MIN_MAPPING_QUALITY),
        min_baseq: flags
            .min_baseq
            .or(file.min_baseq)
            .unwrap_or(DEFAULT_MIN_BASE_QUALITY),
    }
}

/// Classes by their names, each once and in the vocabulary's order. A combined class, such as
/// `pathogenic/likely_pathogenic`, names its parts.
fn report_classes(names: &[String]) -> anyhow::Result<Option<Vec<ClinicalClass>>> {
    if names.is_empty() {
        return Ok(None);
    }
    if names.iter().any(|name| name == "none") {
        if names.len() > 1 {
            return Err(Refusal::Usage(
                "report_classes has 'none' beside other classes; leave one of the two out"
                    .to_owned(),
            )
            .into());
        }
        return Ok(Some(Vec::new()));
    }
    let mut classes = Vec::new();
    for name in names.iter().flat_map(|name| name.split('/')) {
        classes.push(ClinicalClass::parse(name).ok_or_else(|| {
            let known: Vec<&str> = ClinicalClass::ALL.iter().map(|own| own.name()).collect();
            Refusal::Usage(format!(
                "'{name}' in report_classes is no class of ClinVar; use none, or some of {}",
                known.join(", ")
            ))
        })?);
    }
    classes.sort_unstable();
    classes.dedup();
    Ok(Some(classes))
}

fn burden(flags: &BurdenArguments, file: &ConfigFile) -> anyhow::Result<Option<(String, f64)>> {
    let column = flags
        .burden_frequency
        .clone()
        .or_else(|| file.burden_frequency.clone());
    match (
        column,
        flags.burden_max_frequency.or(file.burden_max_frequency),
    ) {
        (Some(column), Some(limit)) if (0.0..=1.0).contains(&limit) => Ok(Some((column, limit))),
        (Some(_), Some(_)) => Err(Refusal::Usage(
            "burden_max_frequency must be from 0 to 1; correct it".to_owned(),
        )
        .into()),
        (None, None) => Ok(None),
        _ => Err(Refusal::Usage(
            "--burden-frequency and --burden-max-frequency go together; give both or none"
                .to_owned(),
        )
        .into()),
    }
}

fn genome_build(text: Option<String>) -> anyhow::Result<Option<GenomeBuild>> {
    let Some(text) = text else {
        return Ok(None);
    };
    match GenomeBuild::parse(&text) {
        Some(build) => Ok(Some(build)),
        None => Err(Refusal::Usage(format!(
            "genome build '{text}' is unknown; use GRCh37, GRCh38, T2T-CHM13v2.0 or other"
        ))
        .into()),
    }
}

fn read_config(path: Option<&Path>) -> anyhow::Result<(ConfigFile, PathBuf)> {
    let Some(path) = path else {
        return Ok((ConfigFile::default(), PathBuf::new()));
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Refusal::NoInput(format!("cannot open {}: {error}", path.display())))?;
    let file = ConfigFile::parse(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.as_bytes()[..start]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        Refusal::Usage(format!(
            "{}: line {line}: {}; correct it",
            path.display(),
            error.message()
        ))
    })?;
    Ok((
        file,
        path.parent().unwrap_or_else(|| Path::new("")).to_owned(),
    ))
}

/// Threads that affinity and cgroup grant.
pub(crate) fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published schema names exactly the keys that the program reads.
    #[test]
    fn published_schema_is_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/config.schema.json");
        let schema: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut published: Vec<&str> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        published.sort_unstable();
        // serde lists the fields it knows when it meets one that it does not.
        let error = ConfigFile::parse("no_such_key = 1")
            .unwrap_err()
            .to_string();
        let listed = error.split("expected one of").nth(1).unwrap_or_default();
        let mut known: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
        known.sort_unstable();
        assert_eq!(known, published);
    }
}
