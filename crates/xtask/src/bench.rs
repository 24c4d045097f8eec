//! `cargo xtask bench`: varisk beside its named peers, in one run on one machine.
//!
//! Every figure is a ratio to a peer that ran moments before or after, the best of several rounds.
//! The tables go to standard output and into `docs/benchmarks.md` between their marks.
#![expect(clippy::print_stdout, reason = "figures are what was asked for")]

mod consequences;
mod decode;
mod encryption;
mod gpu;
mod join;
mod pages;
mod polygenic;
mod process;
mod reads;
mod score;
mod shapley;
mod shards;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use process::{Measured, best_of, measure};

/// Where the benchmark's data are kept between runs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder for the generated data
    #[arg(long, default_value = ".varisk/bench")]
    data: PathBuf,
    /// Rounds; the best one counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Threads of every program that takes a number
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Only these measurements
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(MEASUREMENTS.map(|(name, _)| name)))]
    only: Vec<String>,
    /// Leave docs/benchmarks.md as it is
    #[arg(long)]
    dry: bool,
    /// The release program stands beside this one already: a machine with a card may have no Rust
    #[arg(long)]
    built: bool,
    /// Device of 'gpu'; 'cpu' tries that measurement where there is no card
    #[arg(long, default_value = "cuda", value_parser = ["cuda", "cpu"])]
    device: String,
}

type Measurement = fn(&Options) -> Result<String>;

/// What can be measured, by the name of its block in the document.
const MEASUREMENTS: [(&str, Measurement); 14] = [
    ("decode", decode_table),
    ("score", score_table),
    ("memory", memory_table),
    ("consequences", consequences::table),
    ("join", join::table),
    ("reads", reads::table),
    ("polygenic", polygenic::table),
    ("shapley", shapley::table),
    ("encryption", encryption::table),
    ("pages", pages::table),
    ("shards", shards::table),
    ("biobank", shards::biobank),
    ("start", shards::start),
    ("gpu", gpu::table),
];

/// Measured only when asked for: it needs an NVIDIA card.
const ON_REQUEST: &str = "gpu";

/// Work done in a process of its own, so that it is timed like its peers.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Child {
    /// Decode a VCF into call matrices
    Decode {
        vcf: PathBuf,
        reference: PathBuf,
        #[arg(long)]
        threads: usize,
    },
    /// Feed a model with tensors that are ready
    Tensors {
        vcf: PathBuf,
        reference: PathBuf,
        model: PathBuf,
        #[arg(long)]
        threads: usize,
        #[arg(long, default_value = "cpu")]
        device: String,
        #[arg(long)]
        tf32: bool,
    },
    /// Write or read a table of risks, and say how many seconds that took
    Table {
        folder: PathBuf,
        #[arg(long)]
        read: bool,
        #[arg(long)]
        encrypted: bool,
    },
}

pub(crate) fn child(child: &Child) -> Result<()> {
    match child {
        Child::Decode {
            vcf,
            reference,
            threads,
        } => decode::decode(vcf, reference, *threads),
        Child::Tensors {
            vcf,
            reference,
            model,
            threads,
            device,
            tf32,
        } => score::tensors(vcf, reference, model, *threads, device, *tf32),
        Child::Table {
            folder,
            read,
            encrypted,
        } => encryption::work(folder, *read, *encrypted),
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    std::fs::create_dir_all(&options.data)?;
    let is_wanted = |name: &str| {
        if options.only.is_empty() {
            name != ON_REQUEST
        } else {
            options.only.iter().any(|only| only == name)
        }
    };
    let wanted = MEASUREMENTS.iter().filter(|(name, _)| is_wanted(name));
    // Encryption is measured in this program alone.
    if !options.built && wanted.clone().any(|(name, _)| *name != "encryption") {
        process::build_program()?;
    }
    for (name, measurement) in wanted {
        // Before the measurement, which is a load itself.
        let machine = machine(options);
        let table = format!("{machine}\n{}", measurement(options)?);
        println!("## {name}\n\n{table}");
        if !options.dry {
            insert(Path::new("docs/benchmarks.md"), name, &table)?;
        }
    }
    Ok(())
}

/// A generated cohort, made once.
fn cohort(options: &Options, samples: u32, variants: u32) -> Result<(PathBuf, PathBuf)> {
    let stem = options.data.join(format!("cohort-{samples}x{variants}"));
    let (vcf, reference) = (stem.with_extension("vcf.gz"), stem.with_extension("fa"));
    if !vcf.is_file() || !reference.is_file() {
        let options = crate::synth_vcf::Options {
            samples,
            variants,
            seed: 1,
            out: vcf.clone(),
            reference_out: reference.clone(),
        };
        crate::synth_vcf::write(&options)?;
    }
    Ok((vcf, reference))
}

fn model(options: &Options) -> Result<PathBuf> {
    let folder = options.data.join("model");
    if !folder.join("manifest.json").is_file() {
        crate::models::synth::bundle(1, 64)?.write(&folder)?;
    }
    Ok(folder)
}

/// What the figures were measured on.
fn machine(options: &Options) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            text.lines().find_map(|line| {
                line.strip_prefix("model name")?
                    .split_once(':')
                    .map(|(_, name)| name.trim().to_owned())
            })
        });
    let version = |program: &str, argument: &str| {
        let output = std::process::Command::new(program)
            .arg(argument)
            .output()
            .ok()?;
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()
            .map(str::to_owned)
    };
    let mut text = format!(
        "Machine: {}, {} threads used. ",
        cpu.unwrap_or_else(|| "unknown processor".to_owned()),
        options.threads
    );
    for (program, argument) in [
        ("bgzip", "--version"),
        ("bcftools", "--version"),
        ("plink2", "--version"),
        ("samtools", "--version"),
    ] {
        if let Some(version) = version(program, argument) {
            let _ = write!(text, "{version}. ");
        }
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    let _ = writeln!(
        text,
        "Best of {} rounds. Load of the machine before: {load}.",
        options.rounds
    );
    text
}

/// A file of the shared data, where it is there.
fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("VARISK_SHARED").unwrap_or_else(|| "../shared".into());
    let path = Path::new(&folder).join("data").join(name);
    path.is_file().then_some(path)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

fn decode_table(options: &Options) -> Result<String> {
    let (vcf, reference) = cohort(options, 2_504, 40_000)?;
    let threads = options.threads.to_string();
    let pgen = options.data.join("pgen");
    let own = process::own_path()?;
    let mut rounds: Vec<Vec<Measured>> = Vec::new();
    for _ in 0..options.rounds {
        rounds.push(vec![
            measure("bgzip", &["-dc", text(&vcf)])?,
            measure(
                "bcftools",
                &["view", "-H", "--threads", &threads, text(&vcf)],
            )?,
            measure(
                "plink2",
                &[
                    "--vcf",
                    text(&vcf),
                    "--make-pgen",
                    "--threads",
                    &threads,
                    "--out",
                    text(&pgen),
                    "--silent",
                ],
            )?,
            measure(
                &own,
                &[
                    "bench-child",
                    "decode",
                    text(&vcf),
                    text(&reference),
                    "--threads",
                    "1",
                ],
            )?,
            measure(
                &own,
                &[
                    "bench-child",
                    "decode",
                    text(&vcf),
                    text(&reference),
                    "--threads",
                    &threads,
                ],
            )?,
        ]);
    }
    let best = best_of(&rounds);
    let peers = [
        "`bgzip -dc`",
        "`bcftools view -H`",
        "`plink2 --vcf --make-pgen`",
        "varisk, decode into call matrix, 1 thread",
        "varisk, decode into call matrix",
    ];
    let mut table = String::from(
        "| program | wall time (s) | ratio to `bgzip -dc` | ratio to plink2 |\n|---|---|---|---|\n",
    );
    for (name, measured) in peers.iter().zip(&best) {
        let _ = writeln!(
            table,
            "| {name} | {:.2} | {:.2} | {:.2} |",
            measured.seconds,
            measured.seconds / best[0].seconds,
            measured.seconds / best[2].seconds
        );
    }
    Ok(table)
}

fn score_table(options: &Options) -> Result<String> {
    const VARIANTS: u32 = 100_000;
    let model = model(options)?;
    let data = cohort(options, 1, VARIANTS)?;
    let call = score::Call::new(options, data, model.clone(), "score-report");
    let own = process::own_path()?;
    let program = process::program_path()?;
    let mut rounds: Vec<Vec<Measured>> = Vec::new();
    for _ in 0..options.rounds {
        rounds.push(vec![
            score::timed(measure(&own, &call.ready_words())?)?,
            measure(&program, &call.words("score")?)?,
        ]);
    }
    let best = best_of(&rounds);
    let rows = score::scored(call.output())?;
    let mut table = format!(
        "Model: {}. {rows} alleles scored.\n\n",
        score::describe(&model)?
    );
    table.push_str(
        "| what | wall time (s) | alleles per second | ratio of throughput |\n|---|---|---|---|\n",
    );
    for (name, measured) in [
        "sessions fed with ready tensors",
        "`varisk score`, whole process",
    ]
    .iter()
    .zip(&best)
    {
        let _ = writeln!(
            table,
            "| {name} | {:.2} | {:.0} | {:.3} |",
            measured.seconds,
            rows as f64 / measured.seconds,
            best[0].seconds / measured.seconds
        );
    }
    Ok(table)
}

fn memory_table(options: &Options) -> Result<String> {
    let model = model(options)?;
    let program = process::program_path()?;
    let mut table =
        String::from("| records x samples | peak memory (MiB) | wall time (s) |\n|---|---|---|\n");
    for variants in [40_000, 80_000] {
        let data = cohort(options, 2_504, variants)?;
        let call = score::Call::new(options, data, model.clone(), "memory-report");
        let measured = measure(&program, &call.words("run")?)?;
        let _ = writeln!(
            table,
            "| {variants} x 2,504 | {} | {:.1} |",
            measured.peak_mib, measured.seconds
        );
    }
    Ok(table)
}

/// Puts a table between its marks.
fn insert(path: &Path, name: &str, table: &str) -> Result<()> {
    let page = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let (start, end) = (format!("<!-- bench:{name} -->\n"), "<!-- end -->");
    let Some((before, rest)) = page.split_once(&start) else {
        bail!("{} has no mark {}", path.display(), start.trim())
    };
    let Some((_, after)) = rest.split_once(end) else {
        bail!("{} has no {end} after {}", path.display(), start.trim())
    };
    std::fs::write(path, format!("{before}{start}\n{table}\n{end}{after}"))?;
    Ok(())
}
