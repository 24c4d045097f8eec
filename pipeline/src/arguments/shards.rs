//! Flags of shards.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{EncryptionArguments, RunArguments};
use crate::plan::Purpose;

#[derive(Debug, Clone, Args)]
pub(crate) struct PlanArguments {
    /// Shards of the genome, at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) shards: u32,
    /// Groups of patients: each shard of the genome is run once for each. Memory is a group's, and the
    /// work for each allele is done again in each.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) patient_groups: u32,
    /// Verb that the shards are run with.
    #[arg(long, default_value = "run")]
    pub(crate) verb: PlannedVerb,
    /// What is equal in all shards [default: bytes where all files have an index, else records].
    #[arg(long)]
    pub(crate) balance: Option<BalanceChoice>,
    /// Seconds for which the run is tried, to say what time and memory shards take; 0 for neither.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub(crate) probe_seconds: f64,
    #[command(flatten)]
    pub(crate) run: RunArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlannedVerb {
    /// 'varisk run'.
    Run,
    /// 'varisk prs'.
    Prs,
    /// 'varisk score'.
    Score,
}

impl PlannedVerb {
    pub(crate) fn purpose(self) -> Purpose {
        match self {
            Self::Run => Purpose::Run,
            Self::Prs => Purpose::Prs,
            Self::Score => Purpose::Score,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BalanceChoice {
    /// Compressed bytes, by the indexes of the files.
    Bytes,
    /// Records: the files are read once.
    Records,
    /// Bases of the genome.
    Length,
}

impl BalanceChoice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Records => "records",
            Self::Length => "length",
        }
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct MergeArguments {
    /// Folders of all shards of one run, or folders that hold these and nothing else of the kind.
    #[arg(required = true, value_name = "SHARD")]
    pub(crate) shards: Vec<PathBuf>,
    /// Shard table (shards.json) that the shards were cut by: shards of another one are refused.
    #[arg(long, value_name = "FILE")]
    pub(crate) shard_table: Option<PathBuf>,
    /// Folder on a disk of this node for what is unfinished.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) scratch: Option<PathBuf>,
    /// Output folder; it must not exist.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// Library of ONNX Runtime, or its folder.
    #[arg(long, value_name = "PATH")]
    pub(crate) onnxruntime: Option<PathBuf>,
    /// Columns whose values name folders of the tables that have them (item=.../), with commas.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub(crate) partition_by: Vec<String>,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArguments,
}
