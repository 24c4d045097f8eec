//! What it costs to cut a run into shards, how long the program takes to start, and what a biobank
//! would take.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::polygenic::one_score;
use super::process::{self, Measured, best_of, measure};
use super::{Options, cohort, model, shared, text};

const SAMPLES: u32 = 2_504;
const VARIANTS: u32 = 40_000;
/// Numbers of shards.
const COUNTS: [usize; 4] = [1, 2, 4, 8];
/// Shards that run at the same time.
const AT_ONCE: usize = 2;

/// A run whose cuts are measured.
struct Work {
    name: &'static str,
    verb: &'static str,
    arguments: Vec<String>,
}

/// A run with a model of some weight, and one that is over in a second, which shows what each shard costs.
fn works(options: &Options) -> Result<Vec<Work>> {
    let heavy = model(options)?;
    Ok(vec![
        Work {
            name: "160,000 variants, convolution of 5 million multiply-adds",
            verb: "run",
            arguments: arguments(options, 4 * VARIANTS, &["--model", text(&heavy)])?,
        },
        Work {
            name: "40,000 variants, small model",
            verb: "run",
            arguments: arguments(options, VARIANTS, &["--model", SMALL_MODEL])?,
        },
    ])
}

/// The bundled variant model.
const SMALL_MODEL: &str = "testdata/models/variant-kmer";

fn arguments(options: &Options, variants: u32, own: &[&str]) -> Result<Vec<String>> {
    let (vcf, reference) = cohort(options, SAMPLES, variants)?;
    index(&vcf)?;
    let inputs = [
        "--vcf",
        text(&vcf),
        "--reference",
        text(&reference),
        "--build",
        "other",
        "--threads",
        "1",
    ];
    let all = inputs.iter().chain(own);
    Ok(all.map(|word| (*word).to_owned()).collect())
}

fn index(vcf: &Path) -> Result<()> {
    let status = Command::new("bcftools")
        .args(["index", "--force", "--csi", text(vcf)])
        .status();
    if status.context("bcftools cannot be started")?.success() {
        Ok(())
    } else {
        bail!("bcftools index failed")
    }
}

/// Processor and wall time of a cut run: plan, shards, merge.
fn cut(options: &Options, program: &str, work: &Work, count: usize) -> Result<Measured> {
    let folder = options.data.join("shards");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    // The shell starts the shards, so that one process stands for all that is done.
    let script = format!(
        r#"set -eu
program=$1 verb=$2 folder=$3
shift 3
"$program" plan --verb "$verb" "$@" --shards {count} --probe-seconds 0 --output "$folder/plan" 2>"$folder/log"
shards=$(($(wc -l <"$folder/plan/shards.tsv") - 1))
seq "$shards" | xargs -P {AT_ONCE} -I {{}} "$program" --quiet "$verb" "$@" --shard-table "$folder/plan/shards.json" --shard {{}} --output "$folder/shards/{{}}"
"$program" --quiet merge "$folder/shards" --shard-table "$folder/plan/shards.json" --output "$folder/merged""#
    );
    let mut arguments = vec!["-c", &script, "sh", program, work.verb, text(&folder)];
    arguments.extend(work.arguments.iter().map(String::as_str));
    measure("sh", &arguments)
}

pub(super) fn table(options: &Options) -> Result<String> {
    let program = process::program_path()?;
    let whole = options.data.join("whole");
    let mut lines = String::from(
        "| what | shards | CPU time (s) | ratio to one run | wall time (s) | ratio to one run |\n|---|---|---|---|---|---|\n",
    );
    for work in works(options)? {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            if whole.exists() {
                std::fs::remove_dir_all(&whole)?;
            }
            let mut arguments = vec!["--quiet", work.verb];
            arguments.extend(work.arguments.iter().map(String::as_str));
            arguments.extend(["--output", text(&whole)]);
            let mut round = vec![measure(&program, &arguments)?];
            for count in COUNTS {
                round.push(cut(options, &program, &work, count)?);
                same_tables(&whole, &options.data.join("shards/merged"))?;
            }
            rounds.push(round);
        }
        let mut best = best_of(&rounds);
        // Of processor time too the best round counts.
        for (column, own) in best.iter_mut().enumerate() {
            let times = rounds.iter().map(|round| round[column].cpu_seconds);
            own.cpu_seconds = times.fold(f64::INFINITY, f64::min);
        }
        let names =
            std::iter::once("one run".to_owned()).chain(COUNTS.map(|count| count.to_string()));
        for (name, own) in names.zip(&best) {
            let _ = writeln!(
                lines,
                "| {} | {name} | {:.2} | {:.2} | {:.2} | {:.2} |",
                work.name,
                own.cpu_seconds,
                own.cpu_seconds / best[0].cpu_seconds,
                own.seconds,
                own.seconds / best[0].seconds
            );
        }
    }
    Ok(lines)
}

/// A figure of other tables than those of the run would say nothing.
fn same_tables(whole: &Path, merged: &Path) -> Result<()> {
    for entry in std::fs::read_dir(whole)? {
        let path = entry?.path();
        if path.extension().is_some_and(|own| own == "parquet") {
            let name = path.file_name().unwrap_or_default();
            if std::fs::read(&path)? != std::fs::read(merged.join(name))? {
                bail!("{} differs when it is merged", path.display());
            }
        }
    }
    Ok(())
}

/// Starts of the program that are timed.
const STARTS: u32 = 30;

pub(super) fn start(_: &Options) -> Result<String> {
    let program = process::program_path()?;
    let nowhere = "/nonexistent/libonnxruntime.so";
    let mut lines = String::from("| command | mean (ms) | least (ms) |\n|---|---|---|\n");
    for (name, arguments, code) in [
        ("`varisk --help`", vec!["--help"], 0),
        ("`varisk run --help`", vec!["run", "--help"], 0),
        ("`varisk --version`", vec!["--version"], 0),
        (
            "`varisk doctor`, no ONNX Runtime",
            vec!["doctor", "--onnxruntime", nowhere],
            69,
        ),
        (
            "`varisk doctor`, which loads ONNX Runtime",
            vec!["doctor"],
            0,
        ),
        ("`varisk completions bash`", vec!["completions", "bash"], 0),
    ] {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let started = Instant::now();
            let status = Command::new(&program)
                .args(&arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
            if status.code() != Some(code) {
                bail!("{name} ended with {status}");
            }
        }
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        let least = times.iter().copied().fold(f64::INFINITY, f64::min);
        let _ = writeln!(lines, "| {name} | {mean:.1} | {least:.1} |");
    }
    Ok(lines)
}

/// Genomes of the biobank.
const GENOMES: f64 = 500_000.0;
/// What a processor hour costs, in US dollars.
const DOLLARS_PER_HOUR: f64 = 0.04;
/// Hours that a shard is meant to take on one processor.
const SHARD_HOURS: f64 = 4.0;

/// What one call takes.
struct PerCall {
    bytes: f64,
    cpu_seconds: f64,
}

/// Measures a run of the cohort on one thread.
fn per_call(options: &Options, verb: &str, vcf: &Path, own: &[&str]) -> Result<PerCall> {
    let program = process::program_path()?;
    let output = options.data.join("biobank");
    let arguments = arguments(options, VARIANTS, own)?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        if output.exists() {
            std::fs::remove_dir_all(&output)?;
        }
        let mut all = vec!["--quiet", verb];
        all.extend(arguments.iter().map(String::as_str));
        all.extend(["--output", text(&output)]);
        rounds.push(measure(&program, &all)?.cpu_seconds);
    }
    let (samples, records) = shape(vcf)?;
    let calls = samples as f64 * records as f64;
    Ok(PerCall {
        bytes: std::fs::metadata(vcf)?.len() as f64 / calls,
        cpu_seconds: rounds.into_iter().fold(f64::INFINITY, f64::min) / calls,
    })
}

/// Samples and records of a file.
fn shape(vcf: &Path) -> Result<(usize, usize)> {
    let lines = |arguments: &[&str]| -> Result<usize> {
        let output = Command::new("bcftools").args(arguments).output()?;
        Ok(output.stdout.iter().filter(|byte| **byte == b'\n').count())
    };
    let samples = lines(&["query", "--list-samples", text(vcf)])?;
    let records = lines(&["query", "--format", "%POS\n", text(vcf)])?;
    Ok((samples, records))
}

pub(super) fn biobank(options: &Options) -> Result<String> {
    let (vcf, _) = cohort(options, SAMPLES, VARIANTS)?;
    let score = one_score(options, &vcf)?;
    let scores = [
        "--score",
        text(&score),
        "--score-build",
        "other",
        "--min-coverage",
        "0",
    ];
    let model = ["--model", SMALL_MODEL];
    let mut lines = String::from(
        "| what | sites | bytes read (TB) | CPU hours | shards | cost (USD) |\n|---|---|---|---|---|---|\n",
    );
    let real = real_bytes_per_call();
    for (name, sites, verb, arguments) in [
        (
            "polygenic scores on imputed genotypes",
            10e6,
            "prs",
            &scores[..],
        ),
        ("polygenic scores on whole genomes", 1e9, "prs", &scores[..]),
        (
            "variant model, rows and burdens of an exome",
            20e6,
            "run",
            &model[..],
        ),
        (
            "variant model, rows and burdens of whole genomes",
            1e9,
            "run",
            &model[..],
        ),
    ] {
        let own = per_call(options, verb, &vcf, arguments)?;
        let calls = sites * GENOMES;
        let bytes = real.unwrap_or(own.bytes) * calls / 1e12;
        let hours = own.cpu_seconds * calls / 3600.0;
        let _ = writeln!(
            lines,
            "| {name} | {:.0} million | {bytes:.1} | {hours:.0} | {:.0} | {:.1} |",
            sites / 1e6,
            (hours / SHARD_HOURS).ceil(),
            hours * DOLLARS_PER_HOUR
        );
    }
    let bytes = real.map_or_else(
        || "bytes are those of the synthetic file".to_owned(),
        |bytes| format!("a call takes {bytes:.3} bytes, as in the chromosome 22 of 1000 Genomes of the shared data"),
    );
    let _ = writeln!(
        lines,
        "\nAssumed: {GENOMES:.0} genomes in files of all patients (VCF, GT alone), cut by the genome; time grows with calls, measured with one thread on {SAMPLES} x {VARIANTS}; {bytes}; a shard of {SHARD_HOURS:.0} hours on one processor; {DOLLARS_PER_HOUR} USD a processor hour; no waiting for storage, and no retries. Merging, which reads each shard's sums once, is not in it."
    );
    Ok(lines)
}

/// Bytes of a call in real, bgzipped genotypes.
fn real_bytes_per_call() -> Option<f64> {
    let vcf: PathBuf = REAL.iter().find_map(|name| shared(name))?;
    let (samples, records) = shape(&vcf).ok()?;
    let size = std::fs::metadata(&vcf).ok()?.len() as f64;
    Some(size / (samples as f64 * records as f64))
}

/// Real cohorts of the shared data.
const REAL: [&str; 1] =
    ["cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz"];
