//! Developer tasks: `cargo xtask <task>`. This file only reads the arguments; a task is a module.

mod bench;
mod bgzf;
mod check;
mod models;
mod random;
mod sequence;
mod synth_genes;
mod synth_sources;
mod synth_vcf;
mod testdata;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Developer tasks of varisk", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write the committed test data again, from its fixed seed
    Testdata {
        /// Folder to write to
        #[arg(long, default_value = "testdata")]
        out: PathBuf,
        /// Write nothing: fail if a file in the folder differs from what would be written
        #[arg(long)]
        check: bool,
    },
    /// Write a large cohort for benchmarks: a BGZF VCF and its reference
    SynthVcf(synth_vcf::Options),
    /// Measure varisk beside its peers
    Bench(bench::Options),
    #[command(subcommand, hide = true)]
    BenchChild(bench::Child),
    /// Write a k-mer model for benchmarks, with random weights
    SynthModel {
        /// Channels and numbers of a token, as a multiple of those of the small one
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
        width: u8,
        /// Rows of a batch
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
        batch_size: u32,
        /// Folder of the model bundle
        #[arg(long)]
        out: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Testdata { out, check: false } => testdata::write(&out),
        Task::Testdata { out, check: true } => check::check(&out),
        Task::Bench(options) => bench::run(&options),
        Task::BenchChild(child) => bench::child(&child),
        Task::SynthVcf(options) => synth_vcf::write(&options),
        Task::SynthModel {
            width,
            batch_size,
            out,
        } => models::synth::bundle(usize::from(width), batch_size)?.write(&out),
    }
}
