//! Arguments of learning: training, evaluation, calibration, explanation.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::settings::available_threads;

#[derive(Debug, Clone, Args)]
pub(crate) struct TrainArguments {
    /// What to learn, from what and how (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Output folder, the model bundle; it must not exist.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Continue the unfinished training of this output folder: the same model as an uninterrupted one.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Threads [default: what the scheduler grants]. Results do not depend on them.
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Check configuration and table, print what would be learned, and stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Library of ONNX Runtime, or its folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) onnxruntime: Option<PathBuf>,
}

impl TrainArguments {
    /// Threads to train and to measure with.
    pub(crate) fn threads(&self) -> usize {
        self.threads.map_or_else(available_threads, usize::from)
    }
}

/// Which predictions, and what really happened.
#[derive(Debug, Clone, Args)]
pub(crate) struct ObservedArguments {
    /// Which prediction: item of risk.parquet (MODEL.OUTPUT), output of a training, or column of the
    /// table. Repeat for the classes of one outcome.
    #[arg(long = "item", value_name = "NAME")]
    pub(crate) items: Vec<String>,
    /// Table of outcomes (CSV or Parquet), a row for each patient. Not needed of a training, or where
    /// the predictions stand beside the outcome.
    #[arg(long, value_name = "FILE")]
    pub(crate) outcomes: Option<PathBuf>,
    /// Column of patient identifiers of tables.
    #[arg(long, value_name = "COLUMN", default_value = "patient")]
    pub(crate) patient: String,
    /// Column of the outcome; that of the event with --time.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) outcome: Option<String>,
    /// Value of --outcome that means that it happened; repeat for several.
    #[arg(long, value_name = "VALUE")]
    pub(crate) positive: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct EvaluateArguments {
    /// Predictions: folder of a run or of a training, or a table (CSV or Parquet) with a row for each
    /// patient.
    #[arg(
        long,
        value_name = "PATH",
        required_unless_present = "model",
        conflicts_with = "model"
    )]
    pub(crate) predictions: Option<PathBuf>,
    /// Model bundle that makes the predictions of the patients of --table.
    #[arg(long, value_name = "BUNDLE", requires = "table")]
    pub(crate) model: Option<PathBuf>,
    /// Patients that --model predicts: a table (CSV or Parquet) with their covariates.
    #[arg(long, value_name = "FILE", requires = "model")]
    pub(crate) table: Option<PathBuf>,
    /// Folder of the run with their features, where the model needs features.
    #[arg(long, value_name = "FOLDER", requires = "model")]
    pub(crate) run: Option<PathBuf>,
    /// How often the values of each predictor of --model are permuted among the patients, to see how
    /// much worse predictions become: importance.parquet.
    #[arg(long, value_name = "REPEATS", requires = "model", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) importance: Option<u16>,
    #[command(flatten)]
    pub(crate) observed: ObservedArguments,
    /// Column of times to the event or to the end of observation [default: those of a training of
    /// times].
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// Times at which survival predictions are judged, with commas; the item is then a risk score,
    /// such as a log hazard.
    #[arg(long, value_name = "TIMES", value_delimiter = ',')]
    pub(crate) horizons: Vec<f64>,
    /// Column of the table of outcomes whose values are evaluated apart, such as sex or ancestry;
    /// repeat for several.
    #[arg(long = "by", value_name = "COLUMN")]
    pub(crate) groups: Vec<String>,
    /// Column of the table of outcomes whose values are resampled as a whole, such as a family or a
    /// hospital.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) cluster: Option<String>,
    /// A probability of at least this is a prediction that it happens.
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.5)]
    pub(crate) threshold: f64,
    /// Bootstrap resamples of the intervals.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    pub(crate) bootstrap: usize,
    /// Seed of the resamples and permutations.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Output folder; it must not exist.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Library of ONNX Runtime, or its folder, for --model.
    #[arg(long, value_name = "PATH", requires = "model")]
    pub(crate) onnxruntime: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct CalibrateArguments {
    /// The model bundle; it stays as it is.
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) model: PathBuf,
    /// Its output to calibrate, where it has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) model_output: Option<String>,
    /// Predictions of this model: folder of a run or of the training, or a table (CSV or Parquet) with
    /// a row for each patient.
    #[arg(long, value_name = "PATH")]
    pub(crate) predictions: PathBuf,
    #[command(flatten)]
    pub(crate) observed: ObservedArguments,
    /// How.
    #[arg(long, default_value = "platt")]
    pub(crate) method: CalibrationChoice,
    /// Version of the calibrated model.
    #[arg(long, value_name = "VERSION")]
    pub(crate) model_version: String,
    /// Output folder, the calibrated bundle; it must not exist.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CalibrationChoice {
    /// A logistic curve over the log odds: few patients are enough.
    Platt,
    /// Steps that only rise: some hundred patients and more.
    Isotonic,
    /// A curve of the beta family.
    Beta,
}

/// Patients of the background, at most.
pub(crate) const DEFAULT_BACKGROUND_ROWS: usize = 100;
/// Evaluations of the model for each patient.
pub(crate) const DEFAULT_EVALUATIONS: usize = 2000;
/// Seed of samples.
pub(crate) const DEFAULT_SEED: u64 = 1;

#[derive(Debug, Clone, Args)]
pub(crate) struct ExplainArguments {
    /// The model bundle.
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) model: PathBuf,
    /// Patients to explain: a table (CSV or Parquet) with their covariates. Of patient models.
    #[arg(long, value_name = "FILE", required_unless_present = "vcf")]
    pub(crate) table: Option<PathBuf>,
    /// Column of patient identifiers of tables.
    #[arg(long, value_name = "COLUMN", default_value = "patient")]
    pub(crate) patient: String,
    /// Folder of the run with their features, where the model needs features.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) run: Option<PathBuf>,
    /// Table of patients that the explanation compares with [default: the explained ones].
    #[arg(long, value_name = "FILE")]
    pub(crate) background: Option<PathBuf>,
    /// Folder of the run with the features of the background.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) background_run: Option<PathBuf>,
    /// Patients of the background, at most; drawn with --seed where there are more.
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_BACKGROUND_ROWS)]
    pub(crate) background_rows: usize,
    /// How [default: exact where the model is linear or of trees, else sampling].
    #[arg(long)]
    pub(crate) method: Option<ExplainChoice>,
    /// Evaluations of the model for each patient, with sampling.
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_EVALUATIONS)]
    pub(crate) evaluations: usize,
    /// Seed of the samples.
    #[arg(long, value_name = "NUMBER", default_value_t = DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// Output folder; it must not exist.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Threads [default: what the scheduler grants].
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Library of ONNX Runtime, or its folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) onnxruntime: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) variants: ExplainVariantsArguments,
}

/// Variants to explain.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Variant models")]
pub(crate) struct ExplainVariantsArguments {
    /// VCF or BCF with the variants to explain. Of variant models.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["table", "patient", "run", "background", "background_run", "background_rows", "method", "evaluations", "seed"], requires = "reference")]
    pub(crate) vcf: Option<PathBuf>,
    /// Reference FASTA with .fai (and .gzi where BGZF).
    #[arg(long, value_name = "FILE", requires = "vcf")]
    pub(crate) reference: Option<PathBuf>,
    /// Genome build: GRCh37, GRCh38, T2T-CHM13v2.0 or other. Detected where not given.
    #[arg(long, requires = "vcf")]
    pub(crate) build: Option<String>,
    /// Only records with POS in this region (CONTIG[:START[-END]], 1-based, inclusive); repeatable.
    #[arg(long = "region", value_name = "REGION", requires = "vcf")]
    pub(crate) regions: Vec<String>,
    /// Only records with POS in the regions of a BED file.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "regions",
        requires = "vcf"
    )]
    pub(crate) regions_file: Option<PathBuf>,
    /// Gene models (GFF3 or GTF), where the model needs consequences.
    #[arg(long, value_name = "FILE", requires = "vcf")]
    pub(crate) gene_models: Option<PathBuf>,
    /// Knowledge bundle, where the model needs its fields or gene models.
    #[arg(long, value_name = "FOLDER", requires = "vcf")]
    pub(crate) knowledge: Option<PathBuf>,
    /// Bases to either side of the allele that are changed [default: all that the model sees].
    #[arg(long, value_name = "BASES", requires = "vcf")]
    pub(crate) radius: Option<u32>,
    /// Bases that are occluded together; 0 for no occlusion [default: 5].
    #[arg(long, value_name = "BASES", requires = "vcf", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) occluded: Option<u32>,
    /// Leave mutagenesis out: three evaluations for each base.
    #[arg(long, requires = "vcf")]
    pub(crate) no_mutagenesis: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainChoice {
    /// Shapley values in closed form; refused where the graph is not of this kind.
    Exact,
    /// Shapley values from sampled orders, with standard errors.
    Sampling,
}
