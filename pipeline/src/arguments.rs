//! The command line.

mod learning;
mod privacy;
mod reporting;
mod scores;
mod shards;

use std::path::PathBuf;

use crate::build_info::{LONG_VERSION, VERSION};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use varisk_annotate::{HaplotypeOptions, UnphasedCalls};

pub(crate) use self::learning::{
    CalibrateArguments, CalibrationChoice, DEFAULT_BACKGROUND_ROWS, DEFAULT_EVALUATIONS,
    DEFAULT_SEED, EvaluateArguments, ExplainArguments, ExplainChoice, ObservedArguments,
    TrainArguments,
};
pub(crate) use self::privacy::{
    AuditAction, AuditArguments, DeidentifyArguments, EncryptionArguments, ExportArguments,
    FileAccess, GuardArguments, KeyAction, KeyArguments, OutputArguments, PseudonymArguments,
};
pub(crate) use self::reporting::{DiffArguments, ReportArguments, ReportFormat};
pub(crate) use self::scores::{
    AmbiguousChoice, AncestryAction, AncestryArguments, AncestryBuildArguments, DosageChoice,
    DuplicatesChoice, ImputeChoice, LowCoverageChoice, ScoreArguments, ScoreFormatChoice,
    ScoringFileArguments, StandardiseChoice, UnsupportedChoice,
};
pub(crate) use self::shards::{BalanceChoice, MergeArguments, PlanArguments};

/// From patients' variants to risk reports.
///
/// Reads VCF or BCF, scores every allele with ONNX models, folds the scores over patients, and
/// writes Parquet tables. Research output, not a diagnosis.
#[derive(Debug, Parser)]
#[command(
    name = "varisk",
    version = VERSION,
    long_version = LONG_VERSION.as_str(),
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes: 0 done, 3 done and 'varisk diff' has alerts, 64 usage, 65 data, 66 no input, 69 library or device unavailable, 70 bug, 73 cannot create output, 74 I/O, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) logging: Logging,
    #[command(flatten)]
    pub(crate) guard: GuardArguments,
}

/// How varisk talks.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Logging {
    /// Print the causes of an error too.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Print nothing but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print log lines as JSON objects.
    #[arg(long, global = true)]
    pub(crate) json_log: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Score variants, fold them over patients, run patient models, write the report tables.
    Run(Box<RunArguments>),
    /// Score variants only: variants.parquet and run.json, no patients.
    Score(Box<RunArguments>),
    /// Polygenic scores of patients: risk, scores and the log of every scoring-file row; no models.
    Prs(Box<RunArguments>),
    /// Build a reference panel for ancestry, or look into one.
    Ancestry(AncestryArguments),
    /// Annotate a VCF or BCF: consequences and knowledge sources, as INFO fields or Parquet.
    Annotate(Box<AnnotateArguments>),
    /// Say for each patient and site whether it is called, reference, or unknown, and on what grounds.
    Evidence(Box<RunArguments>),
    /// Build, list or verify a knowledge bundle.
    Knowledge(KnowledgeArguments),
    /// Train a patient model on a table with outcomes, or a variant model on labelled variants; the
    /// output is a model bundle.
    Train(TrainArguments),
    /// Say how good predictions are: metrics with intervals, by group, curves, a page.
    Evaluate(EvaluateArguments),
    /// Fit the probabilities of a model to what happened to local patients.
    Calibrate(CalibrateArguments),
    /// Say what each predictor adds to the predictions of a patient model (Shapley values), or what of
    /// its surroundings the score of a variant needs.
    Explain(ExplainArguments),
    /// Cut a run into shards of equal work: a table with what each is expected to take.
    Plan(Box<PlanArguments>),
    /// Join the shards of one run into its report.
    Merge(MergeArguments),
    /// Make pages, and other forms, of a finished run.
    Report(ReportArguments),
    /// Say what changed for whom between two runs, and why; ends with 3 where an alert rule fires.
    Diff(DiffArguments),
    /// Leave out and coarsen what tells who patients are, and refuse if too few are alike.
    Deidentify(DeidentifyArguments),
    /// Pack a folder and encrypt it (age) to those who may open it.
    Export(ExportArguments),
    /// Make a key for pseudonyms, encrypted tables or the audit log.
    Key(KeyArguments),
    /// Check an audit log.
    Audit(AuditArguments),
    /// Look into a model bundle.
    Model(ModelArguments),
    /// Say what varisk finds on this machine, what is missing, and how to get it.
    Doctor(DoctorArguments),
    /// Run on the bundled synthetic cohort and show the result.
    Demo(DemoArguments),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff).
    Man,
}

impl Verb {
    /// Its word on the command line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Score(_) => "score",
            Self::Prs(_) => "prs",
            Self::Ancestry(_) => "ancestry",
            Self::Annotate(_) => "annotate",
            Self::Evidence(_) => "evidence",
            Self::Knowledge(_) => "knowledge",
            Self::Train(_) => "train",
            Self::Evaluate(_) => "evaluate",
            Self::Calibrate(_) => "calibrate",
            Self::Explain(_) => "explain",
            Self::Plan(_) => "plan",
            Self::Merge(_) => "merge",
            Self::Report(_) => "report",
            Self::Diff(_) => "diff",
            Self::Deidentify(_) => "deidentify",
            Self::Export(_) => "export",
            Self::Key(_) => "key",
            Self::Audit(_) => "audit",
            Self::Model(_) => "model",
            Self::Doctor(_) => "doctor",
            Self::Demo(_) => "demo",
            Self::Completions { .. } => "completions",
            Self::Man => "man",
        }
    }

    /// Whether it reads or writes data of patients: then what it writes is private, and an audit log
    /// says of it.
    pub(crate) fn has_patients(&self) -> bool {
        !matches!(
            self,
            Self::Audit(_)
                | Self::Key(_)
                | Self::Knowledge(_)
                | Self::Model(_)
                | Self::Doctor(_)
                | Self::Completions { .. }
                | Self::Man
        )
    }
}

/// Settings of a run. Each can stand in varisk.toml under the same name; flags override it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RunArguments {
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// VCF or BCF with the variants; '-' for standard input. Not needed where the samplesheet names
    /// a file for each patient.
    #[arg(long, value_name = "FILE")]
    pub(crate) vcf: Option<PathBuf>,
    /// Patients, their samples or files, sex and covariates (CSV).
    #[arg(long, value_name = "FILE")]
    pub(crate) samplesheet: Option<PathBuf>,
    /// Reference FASTA with .fai (and .gzi where BGZF).
    #[arg(long, value_name = "FILE")]
    pub(crate) reference: Option<PathBuf>,
    /// Genome build: GRCh37, GRCh38, T2T-CHM13v2.0 or other. Detected where not given.
    #[arg(long)]
    pub(crate) build: Option<String>,
    /// Pseudoautosomal regions (BED), for genomes of build 'other'.
    #[arg(long, value_name = "FILE")]
    pub(crate) par: Option<PathBuf>,
    /// Model bundle (folder, or .onnx with its manifest inside); repeat for several.
    #[arg(long = "model", value_name = "PATH")]
    pub(crate) models: Vec<PathBuf>,
    /// Output folder; it must not exist.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
    /// Only records with POS in this region (CONTIG[:START[-END]], 1-based, inclusive); repeatable.
    #[arg(long = "region", value_name = "REGION")]
    pub(crate) regions: Vec<String>,
    /// Only records with POS in the regions of a BED file.
    #[arg(long, value_name = "FILE", conflicts_with = "regions")]
    pub(crate) regions_file: Option<PathBuf>,
    /// Run only shard K of N (K/N), or K of a shard table; join the shards with 'varisk merge'.
    #[arg(long, value_name = "K/N")]
    pub(crate) shard: Option<String>,
    /// Shard table (shards.json), made by 'varisk plan': how the run is cut.
    #[arg(long, value_name = "FILE")]
    pub(crate) shard_table: Option<PathBuf>,
    /// Threads [default: what the scheduler grants].
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Records in a batch, at most [default: 2048, or nearly 4 batches of the largest model].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_size: Option<u32>,
    /// Bytes of records in a batch, at most [default: 16777216].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_bytes: Option<u32>,
    /// Malformed records that may be set aside before the run is refused [default: 0].
    #[arg(long)]
    pub(crate) max_bad_records: Option<u64>,
    /// What to do where REF is not what the reference has [default: refuse].
    #[arg(long)]
    pub(crate) ref_mismatch: Option<RefMismatchChoice>,
    /// Device for variant models [default: cpu]. 'cuda' fails where CUDA does not take a whole model; patient models run on
    /// the processor.
    #[arg(long)]
    pub(crate) device: Option<DeviceChoice>,
    /// Let CUDA round 32-bit products to TF32 (faster for some models; scores differ by some 1e-4).
    #[arg(long)]
    pub(crate) tf32: bool,
    /// Library of ONNX Runtime, or its folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) onnxruntime: Option<PathBuf>,
    /// Variants reported for each patient and model output [default: 10].
    #[arg(long)]
    pub(crate) top: Option<u32>,
    /// Classes of ClinVar that known_variants.parquet reports, with commas, such as
    /// pathogenic,likely_pathogenic,conflicting; 'none' for no table [default: pathogenic and likely
    /// pathogenic, of low penetrance too].
    #[arg(long, value_name = "CLASSES", value_delimiter = ',')]
    pub(crate) report_classes: Vec<String>,
    /// Explain the results of patient models: what each predictor adds, against the other patients of
    /// the run.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Leave out samples of the cohort file that the samplesheet does not list, instead of refusing.
    #[arg(long)]
    pub(crate) ignore_unlisted_samples: bool,
    /// Seconds between saved states of a run; 0 for none [default: 60].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) checkpoint_seconds: Option<f64>,
    /// Continue the unfinished run of this output folder.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Folder on a disk of this node for what is unfinished; the output goes to its place when it is
    /// complete.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) scratch: Option<PathBuf>,
    /// Print what would run, and check it, without reading variants.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) annotation: AnnotationArguments,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArguments,
    #[command(flatten)]
    pub(crate) burden: BurdenArguments,
    #[command(flatten)]
    pub(crate) scores: ScoreArguments,
    #[command(flatten)]
    pub(crate) tables: OutputArguments,
}

/// What is known about alleles.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Annotation")]
pub(crate) struct AnnotationArguments {
    /// Knowledge bundle, made by 'varisk knowledge build'.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) knowledge: Option<PathBuf>,
    /// Sources or fields of the bundle to join (such as gnomad or gnomad.af), with commas
    /// [default: all].
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) sources: Vec<String>,
    /// Gene models (GFF3 or GTF), instead of those of the bundle.
    #[arg(long, value_name = "FILE")]
    pub(crate) gene_models: Option<PathBuf>,
    /// Where consequences come from [default: gene-models where there are some, else none].
    #[arg(long)]
    pub(crate) consequences: Option<ConsequenceChoice>,
    /// Lines of consequences for each allele [default: all].
    #[arg(long)]
    pub(crate) consequence_lines: Option<LinesChoice>,
    /// How far from a transcript an allele is upstream or downstream of it, in bases [default: 5000].
    #[arg(long, value_name = "BASES")]
    pub(crate) flank: Option<u32>,
}

/// What is known about sites in patients.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Site states")]
pub(crate) struct EvidenceArguments {
    /// Sites that are needed in every patient (VCF or BCF); their alleles have rows too.
    #[arg(long, value_name = "FILE")]
    pub(crate) sites: Option<PathBuf>,
    /// Regions (BED) in which a patient without a record is reference; the samplesheet's column
    /// 'callable' names one for each patient.
    #[arg(long, value_name = "FILE")]
    pub(crate) callable: Option<PathBuf>,
    /// Take sites of which nothing is known for reference. They are marked in every output.
    #[arg(long)]
    pub(crate) absent_as_reference: bool,
    /// Least GQ of a gVCF block that shows reference [default: 20].
    #[arg(long, value_name = "PHRED")]
    pub(crate) min_reference_gq: Option<u32>,
    /// Least depth (MIN_DP, else DP) of a gVCF block that shows reference [default: 8].
    #[arg(long, value_name = "READS")]
    pub(crate) min_reference_depth: Option<u32>,
    /// Call sites that the variant files leave out from the reads of the samplesheet's column
    /// 'alignment'.
    #[arg(long)]
    pub(crate) genotype_from_reads: bool,
    /// Least mapping quality of a read [default: 20].
    #[arg(long, value_name = "PHRED")]
    pub(crate) min_mapq: Option<u8>,
    /// Least quality of a base [default: 13].
    #[arg(long, value_name = "PHRED")]
    pub(crate) min_baseq: Option<u8>,
}

/// Genes and haplotypes of patients.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Genes of patients")]
pub(crate) struct BurdenArguments {
    /// Only alleles with at most this frequency, by --burden-frequency; one that the source does not
    /// have counts as rare.
    #[arg(long, value_name = "SHARE")]
    pub(crate) burden_max_frequency: Option<f64>,
    /// Field of the bundle with the frequency, such as gnomad.af.
    #[arg(long, value_name = "SOURCE.FIELD")]
    pub(crate) burden_frequency: Option<String>,
    /// Also read the alleles of each haplotype of a patient together, and how: as 'bcftools csq' does.
    #[arg(long)]
    pub(crate) haplotypes: Option<HaplotypeChoice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LinesChoice {
    /// One for each transcript.
    All,
    /// The most severe one alone: faster, and a smaller output.
    MostSevere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HaplotypeChoice {
    /// Heterozygous calls without phase are left out.
    Phased,
    /// The order of alleles in GT is taken for their phase.
    AsWritten,
}

impl HaplotypeChoice {
    pub(crate) fn options(self) -> HaplotypeOptions {
        HaplotypeOptions {
            unphased: match self {
                Self::Phased => UnphasedCalls::Skip,
                Self::AsWritten => UnphasedCalls::AsWritten,
            },
            ..HaplotypeOptions::default()
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ConsequenceChoice {
    /// Computed from gene models.
    GeneModels,
    /// Read from INFO: CSQ, ANN or BCSQ, whichever the header defines first in this order.
    FromInfo,
    /// None.
    None,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AnnotateArguments {
    /// VCF or BCF; '-' for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) vcf: PathBuf,
    /// Reference FASTA with .fai (and .gzi where BGZF).
    #[arg(long, value_name = "FILE")]
    pub(crate) reference: PathBuf,
    /// Genome build. Detected where not given.
    #[arg(long)]
    pub(crate) build: Option<String>,
    /// Output: .vcf, .vcf.gz, .bcf or .parquet; '-' for VCF on standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Only records with POS in this region; repeatable.
    #[arg(long = "region", value_name = "REGION")]
    pub(crate) regions: Vec<String>,
    /// Only records with POS in the regions of a BED file.
    #[arg(long, value_name = "FILE", conflicts_with = "regions")]
    pub(crate) regions_file: Option<PathBuf>,
    /// Threads [default: what the scheduler grants].
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Records in a batch, at most [default: 2048].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_size: Option<u32>,
    /// What to do where REF is not what the reference has [default: refuse].
    #[arg(long)]
    pub(crate) ref_mismatch: Option<RefMismatchChoice>,
    #[command(flatten)]
    pub(crate) annotation: AnnotationArguments,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct KnowledgeArguments {
    #[command(subcommand)]
    pub(crate) action: KnowledgeAction,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum KnowledgeAction {
    /// Build a bundle from the files that a configuration names.
    Build {
        /// Configuration (TOML): sources, their files, releases, licences and fields.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Reference FASTA with .fai (and .gzi where BGZF), to normalise alleles against.
        #[arg(long, value_name = "FILE")]
        reference: PathBuf,
        /// Output folder; it must not exist.
        #[arg(long, short, value_name = "FOLDER")]
        output: PathBuf,
    },
    /// Print the sources of a bundle with releases, rows and fields.
    List {
        /// The bundle.
        bundle: PathBuf,
    },
    /// Compare every table of a bundle with its lock.
    Verify {
        /// The bundle.
        bundle: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RefMismatchChoice {
    /// The run stops.
    Refuse,
    /// The alleles are kept as rows with a reason.
    Quarantine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeviceChoice {
    /// The processor.
    Cpu,
    /// An NVIDIA card.
    Cuda,
    /// CUDA where it takes the model, else the processor.
    Auto,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ModelArguments {
    #[command(subcommand)]
    pub(crate) action: ModelAction,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ModelAction {
    /// Print manifest, inputs and outputs of a bundle.
    Inspect {
        /// The bundle.
        bundle: PathBuf,
    },
    /// Check a bundle: manifest, graph against manifest, and that ONNX Runtime opens it.
    Check {
        /// The bundle.
        bundle: PathBuf,
        /// Knowledge bundle that the model is to run with: says which of its sources lack.
        #[arg(long, value_name = "FOLDER")]
        knowledge: Option<PathBuf>,
        /// Device to open a variant model on.
        #[arg(long, default_value = "cpu")]
        device: DeviceChoice,
        /// Library of ONNX Runtime, or its folder.
        #[arg(long, value_name = "PATH")]
        onnxruntime: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorArguments {
    /// Library of ONNX Runtime, or its folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) onnxruntime: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArguments {
    /// Folder with the demo's data [default: testdata here, else what is installed with the program].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Output folder; it must not exist.
    #[arg(long, short, default_value = "demo-report", value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Library of ONNX Runtime, or its folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) onnxruntime: Option<PathBuf>,
}

pub(crate) fn print_completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "varisk", &mut script);
    crate::print::print(script)
}

pub(crate) fn print_man() -> anyhow::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
    crate::print::print(page)
}
