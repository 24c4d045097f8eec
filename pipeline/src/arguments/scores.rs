//! Arguments of polygenic scores, ancestry and absolute risk.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Scoring files and how their rows are matched.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Polygenic scores")]
pub(crate) struct ScoringFileArguments {
    /// Scoring file (PGS Catalog, or a table with named columns; plain or gzip), or a folder of them;
    /// repeat for several.
    #[arg(long = "score", value_name = "PATH")]
    pub(crate) scores: Vec<PathBuf>,
    /// Columns of scoring files that have other names: NAME=COLUMN with commas, such as
    /// effect_allele=A1,effect_weight=BETA; several weight columns as effect_weight=W1+W2.
    #[arg(long, value_name = "MAP")]
    pub(crate) score_columns: Option<String>,
    /// Build of scoring files that do not say theirs.
    #[arg(long, value_name = "BUILD")]
    pub(crate) score_build: Option<String>,
    /// What to do with alleles whose strand cannot be told (A/T, C/G) [default: drop].
    #[arg(long)]
    pub(crate) ambiguous: Option<AmbiguousChoice>,
    /// What to do with rows of one score that stand for the same allele [default: drop].
    #[arg(long)]
    pub(crate) duplicates: Option<DuplicatesChoice>,
    /// What to do with rows that cannot be scored here, such as HLA alleles [default: refuse].
    #[arg(long)]
    pub(crate) unsupported_rows: Option<UnsupportedChoice>,
}

/// Polygenic scores and what is made of them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Polygenic scores")]
pub(crate) struct ScoreArguments {
    #[command(flatten)]
    pub(crate) files: ScoringFileArguments,
    /// What stands for a missing call [default: nothing, and the sum is rescaled to the alleles that
    /// are called].
    #[arg(long)]
    pub(crate) impute: Option<ImputeChoice>,
    /// Take the mean off each dosage (centre), and divide by its standard deviation too (scale), by the
    /// frequencies of --impute [default: none].
    #[arg(long)]
    pub(crate) standardise: Option<StandardiseChoice>,
    /// Field of the bundle with the frequency of the alternate allele, such as gnomad.af: for
    /// --impute frequencies and --ambiguous by-frequency.
    #[arg(long, value_name = "SOURCE.FIELD")]
    pub(crate) frequencies: Option<String>,
    /// Field of the bundle with rsIDs, such as dbsnp.id, for scoring files without positions.
    #[arg(long, value_name = "SOURCE.FIELD")]
    pub(crate) rsids: Option<String>,
    /// Where copies of alleles come from [default: gt]. Where a record has no DS or GP, GT counts.
    #[arg(long)]
    pub(crate) dosages: Option<DosageChoice>,
    /// Least share of a score's summed absolute weight that must be called in a patient [default: 0.75].
    #[arg(long, value_name = "SHARE")]
    pub(crate) min_coverage: Option<f64>,
    /// What to do with a score below --min-coverage [default: refuse].
    #[arg(long)]
    pub(crate) low_coverage: Option<LowCoverageChoice>,
    /// Reference panel, made by 'varisk ancestry build': places patients and adjusts scores.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) ancestry: Option<PathBuf>,
    /// Absolute risk model (TOML); repeat for several.
    #[arg(long = "absolute-risk", value_name = "FILE")]
    pub(crate) absolute_risk: Vec<PathBuf>,
    /// Also write the scores as other programs do, with commas.
    #[arg(long, value_name = "FORMATS", value_delimiter = ',')]
    pub(crate) score_formats: Vec<ScoreFormatChoice>,
    /// Name of the sample set in the pgsc_calc layout [default: varisk].
    #[arg(long, value_name = "NAME")]
    pub(crate) sampleset: Option<String>,
}

impl ScoreArguments {
    /// The first flag that says something of scores and names none.
    pub(crate) fn idle(&self) -> Option<&'static str> {
        let files = &self.files;
        let given = [
            ("--score-columns", files.score_columns.is_some()),
            ("--score-build", files.score_build.is_some()),
            ("--ambiguous", files.ambiguous.is_some()),
            ("--duplicates", files.duplicates.is_some()),
            ("--unsupported-rows", files.unsupported_rows.is_some()),
            ("--impute", self.impute.is_some()),
            ("--standardise", self.standardise.is_some()),
            ("--frequencies", self.frequencies.is_some()),
            ("--rsids", self.rsids.is_some()),
            ("--dosages", self.dosages.is_some()),
            ("--min-coverage", self.min_coverage.is_some()),
            ("--low-coverage", self.low_coverage.is_some()),
            ("--score-formats", !self.score_formats.is_empty()),
            ("--sampleset", self.sampleset.is_some()),
        ];
        given
            .iter()
            .find(|(_, given)| *given)
            .map(|(flag, _)| *flag)
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
            #[serde(rename_all = "kebab-case")]
            pub(crate) enum $name {
                $($(#[$variant_doc])* $variant,)*
            }
        )*
    };
}

choices! {
    AmbiguousChoice {
        /// They are left out, and logged.
        Drop,
        /// The strand is taken to be that of the reference.
        Keep,
        /// Frequencies tell the strand where both are far enough from one half.
        ByFrequency,
    }
    DuplicatesChoice {
        /// The scoring file is refused.
        Refuse,
        /// Their weights add up.
        Sum,
        /// None of them counts, and they are logged.
        Drop,
    }
    UnsupportedChoice {
        /// The scoring file is refused.
        Refuse,
        /// They are left out and logged; their weight counts as not covered.
        Drop,
    }
    ImputeChoice {
        /// Nothing: the sum is rescaled to the alleles that are called.
        None,
        /// The mean of the cohort, of at least 50 called patients.
        Cohort,
        /// The mean by the frequency that --frequencies names.
        Frequencies,
        /// The mean of the panel that --ancestry names.
        Panel,
    }
    StandardiseChoice {
        /// Dosages as they are.
        None,
        /// Dosages without their mean.
        Centre,
        /// Dosages without their mean, by their standard deviation.
        Scale,
    }
    DosageChoice {
        /// Called genotypes.
        Gt,
        /// Dosages of imputation (DS).
        Ds,
        /// Genotype probabilities (GP).
        Gp,
    }
    LowCoverageChoice {
        /// The score has no value.
        Refuse,
        /// The score keeps its value and is marked.
        Flag,
    }
    ScoreFormatChoice {
        /// A file for each score in the layout of 'plink2 --score'.
        Sscore,
        /// The tables of pgsc_calc.
        PgscCalc,
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AncestryArguments {
    #[command(subcommand)]
    pub(crate) action: AncestryAction,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AncestryAction {
    /// Build a panel from genotypes and population labels.
    Build(Box<AncestryBuildArguments>),
    /// Print what a panel holds.
    List {
        /// The panel.
        panel: PathBuf,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AncestryBuildArguments {
    /// VCF or BCF with the genotypes of the panel.
    #[arg(long, value_name = "FILE")]
    pub(crate) vcf: PathBuf,
    /// Population of each sample (CSV in the form of a samplesheet: patient, population and, where some
    /// are relatives of others, unrelated as true or false; sample where names differ; sex where
    /// scores lie on X).
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: PathBuf,
    /// Reference FASTA with .fai (and .gzi where BGZF).
    #[arg(long, value_name = "FILE")]
    pub(crate) reference: PathBuf,
    /// Genome build. Detected where not given.
    #[arg(long)]
    pub(crate) build: Option<String>,
    /// Pseudoautosomal regions (BED), for genomes of build 'other'.
    #[arg(long, value_name = "FILE")]
    pub(crate) par: Option<PathBuf>,
    /// Name of the panel.
    #[arg(long)]
    pub(crate) name: String,
    /// Release of the panel.
    #[arg(long)]
    pub(crate) release: String,
    /// Licence of the panel's data.
    #[arg(long)]
    pub(crate) licence: String,
    /// Output folder; it must not exist.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Regions of long-range linkage disequilibrium (BED) that are left out of the components.
    #[arg(long, value_name = "FILE")]
    pub(crate) exclude: Option<PathBuf>,
    /// Principal components that are kept [default: 10].
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..=20))]
    pub(crate) components: u16,
    /// Least minor allele frequency of a site.
    #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
    pub(crate) min_maf: f64,
    /// Highest squared correlation of two sites within the window.
    #[arg(long, default_value_t = 0.05, value_name = "R2")]
    pub(crate) max_r2: f64,
    /// Window of linkage disequilibrium, in bases.
    #[arg(long, default_value_t = 1_000_000, value_name = "BASES")]
    pub(crate) window: u32,
    /// Threads [default: what the scheduler grants].
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    #[command(flatten)]
    pub(crate) scores: ScoringFileArguments,
}
