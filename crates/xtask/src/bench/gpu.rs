//! A model on an NVIDIA card: the same scores as on the processor, how fast, how busy the card is, and
//! whether memory stays flat.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray};
use arrow::datatypes::Float32Type;
use varisk_report::open_table;

use super::process::{self, Measured, best_of, measure};
use super::score::{self, Call};
use super::{Options, cohort};

/// Alleles of the runs with each model, some of which have two in a record.
const VARIANTS: [(Weight, u32); 2] = [(Weight::Light, 500_000), (Weight::Heavy, 50_000)];
/// Records of the runs of the light model that are compared with the processor; an eighth of them for the heavy one.
const COMPARED: u32 = 20_000;
/// Rows of a model's batch.
const BATCHES: [u32; 4] = [64, 256, 1_024, 4_096];
/// The batch of all that is not about batches.
const BATCH: u32 = 1_024;
/// Records of the runs whose memory is compared.
const LENGTHS: [u32; 3] = [250_000, 500_000, 1_000_000];

/// The two models: of the size of a small and of a larger published one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Light,
    Heavy,
}

impl Weight {
    fn width(self) -> usize {
        match self {
            Self::Light => 1,
            Self::Heavy => 8,
        }
    }

    /// Multiply-adds for each allele.
    fn name(self) -> &'static str {
        match self {
            Self::Light => "5 million",
            Self::Heavy => "321 million",
        }
    }
}

fn model(options: &Options, weight: Weight, batch: u32) -> Result<PathBuf> {
    let folder = options
        .data
        .join(format!("model-{}-{batch}", weight.width()));
    crate::models::synth::bundle(weight.width(), batch)?.write(&folder)?;
    Ok(folder)
}

/// What `nvidia-smi` says of the card while something runs, ten times a second.
struct Watch {
    child: Child,
    reader: JoinHandle<Vec<(f64, u64)>>,
}

/// Mean share of the time in which the card computed, and its greatest used memory in MiB, that of
/// others included.
struct Busy {
    percent: f64,
    peak_mib: u64,
}

impl Watch {
    /// `None` where there is no card.
    fn start() -> Option<Self> {
        let mut child = Command::new("nvidia-smi")
            .args(["--query-gpu=utilization.gpu,memory.used", "--loop-ms=100"])
            .arg("--format=csv,noheader,nounits")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let lines = BufReader::new(child.stdout.take()?).lines();
        let reader = std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .filter_map(|line| {
                    let (busy, memory) = line.split_once(',')?;
                    Some((busy.trim().parse().ok()?, memory.trim().parse().ok()?))
                })
                .collect()
        });
        Some(Self { child, reader })
    }

    fn stop(mut self) -> Option<Busy> {
        self.child.kill().ok()?;
        self.child.wait().ok()?;
        let seen = self.reader.join().ok()?;
        let sum: f64 = seen.iter().map(|(busy, _)| busy).sum();
        Some(Busy {
            percent: sum / seen.len() as f64,
            peak_mib: seen.iter().map(|(_, memory)| *memory).max()?,
        })
    }
}

fn watched(program: &str, arguments: &[&str]) -> Result<(Measured, Option<Busy>)> {
    let watch = Watch::start();
    let measured = measure(program, arguments);
    let busy = watch.and_then(Watch::stop);
    Ok((measured?, busy))
}

/// Runs and ready tensors of a model on a device.
struct Trial(Call);

impl Trial {
    fn new(options: &Options, weight: Weight, batch: u32, variants: u32) -> Result<Self> {
        let data = cohort(options, 1, variants)?;
        let model = model(options, weight, batch)?;
        Ok(Self(Call::new(options, data, model, "gpu-report")))
    }

    fn score(&self, device: &str, own: &[&str]) -> Result<(Measured, Option<Busy>)> {
        let mut words = self.0.words("score")?;
        words.extend(["--device", device]);
        words.extend_from_slice(own);
        let measured = watched(&process::program_path()?, &words)?;
        let provider = self.provider()?;
        if !provider.to_lowercase().starts_with(device) {
            bail!("{device} was asked for and {provider} took the model");
        }
        Ok(measured)
    }

    /// What the model of the last run ran on.
    fn provider(&self) -> Result<String> {
        let record = std::fs::read(self.0.output().join("run.json"))?;
        let record: serde_json::Value = serde_json::from_slice(&record)?;
        let provider = record["models"][0]["provider"].as_str();
        Ok(provider.unwrap_or_default().to_owned())
    }

    /// Sessions with ready tensors.
    fn ready(&self, device: &str, own: &[&str]) -> Result<(Measured, Option<Busy>)> {
        let mut words = self.0.ready_words();
        words.extend(["--device", device]);
        words.extend_from_slice(own);
        let (measured, busy) = watched(&process::own_path()?, &words)?;
        Ok((score::timed(measured)?, busy))
    }

    /// Scores of the last run, by allele.
    fn scores(&self) -> Result<Vec<f32>> {
        let mut scores = Vec::new();
        let column = "score.synth-kmer.score";
        for batch in open_table(
            &self.0.output().join("variants.parquet"),
            None,
            Some(&[column]),
        )? {
            let batch = batch?;
            let values = batch.column(0).as_primitive::<Float32Type>();
            // A missing score is compared as well.
            scores.extend((0..values.len()).map(|row| {
                if values.is_null(row) {
                    f32::NAN
                } else {
                    values.value(row)
                }
            }));
        }
        Ok(scores)
    }
}

pub(super) fn table(options: &Options) -> Result<String> {
    let mut text = card()?;
    for part in [agreement, throughput, memory, without_card] {
        if let Err(error) = part(options, &mut text) {
            // Time on a card is dear: what was measured is shown.
            println!("{text}");
            return Err(error);
        }
    }
    Ok(text)
}

/// Card, driver and library.
fn card() -> Result<String> {
    let card = Command::new("nvidia-smi")
        .args([
            "--query-gpu=name,driver_version,memory.total",
            "--format=csv,noheader",
        ])
        .output();
    let card = card.map_or_else(
        |_| "no card".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    let runtime = varisk_score::Runtime::load(None)?;
    Ok(format!(
        "Card: {card}. ONNX Runtime {}.\n",
        runtime.version()
    ))
}

/// The largest difference of two runs, of all scores.
fn largest_difference(left: &[f32], right: &[f32]) -> Result<f32> {
    if left.len() != right.len() || left.is_empty() {
        bail!("{} and {} scores are compared", left.len(), right.len());
    }
    let mut largest = 0.0f32;
    for (left, right) in left.iter().zip(right) {
        if left.is_nan() != right.is_nan() {
            bail!("one device gives a score and the other none");
        }
        if !left.is_nan() {
            largest = largest.max((left - right).abs());
        }
    }
    Ok(largest)
}

fn agreement(options: &Options, page: &mut String) -> Result<()> {
    page.push_str("\nScores, between 0 and 1, beside those of the processor:\n\n| multiply-adds for an allele | rows of a batch | largest difference | with TF32 | same bytes twice |\n|---|---|---|---|---|\n");
    for weight in [Weight::Light, Weight::Heavy] {
        // The processor takes minutes for more, and gives the same bytes whatever the batches are.
        let variants = COMPARED / weight.width() as u32;
        let call = Trial::new(options, weight, 64, variants)?;
        call.score("cpu", &["--batch-size", "64"])?;
        let expected = call.scores()?;
        for batch in [64, BATCH] {
            let call = Trial::new(options, weight, batch, variants)?;
            call.score(&options.device, &[])?;
            let own = call.scores()?;
            call.score(&options.device, &[])?;
            let again = call.scores()?;
            call.score(&options.device, &["--tf32"])?;
            let rounded = call.scores()?;
            let bits = |scores: &[f32]| {
                scores
                    .iter()
                    .map(|score| score.to_bits())
                    .collect::<Vec<_>>()
            };
            let _ = writeln!(
                page,
                "| {} | {batch} | {:.1e} | {:.1e} | {} |",
                weight.name(),
                largest_difference(&expected, &own)?,
                largest_difference(&expected, &rounded)?,
                if bits(&own) == bits(&again) {
                    "yes"
                } else {
                    "no"
                }
            );
        }
    }
    Ok(())
}

/// The processor is a peer for ready tensors alone: it would need more alleles to keep all threads busy in a run.
fn throughput(options: &Options, page: &mut String) -> Result<()> {
    page.push_str("\n| multiply-adds for an allele | device | rows of a batch | ready tensors (alleles per second) | `varisk score`, whole process | ratio | card busy, ready | card busy, varisk | memory of the card (MiB) |\n|---|---|---|---|---|---|---|---|---|\n");
    for (weight, variants) in VARIANTS {
        let peer = Trial::new(options, weight, 64, variants / 20)?;
        let (ready, _) = peer.ready("cpu", &[])?;
        peer.score("cpu", &["--batch-size", "64"])?;
        let rows = score::scored(peer.0.output())? as f64;
        let per_second = rows / ready.seconds;
        let name = weight.name();
        let _ = writeln!(page, "| {name} | cpu | 64 | {per_second:.0} | | | | | |");
        let card = BATCHES.map(|batch| (batch, &[][..]));
        for (batch, own) in card.into_iter().chain([(BATCH, &["--tf32"][..])]) {
            let call = Trial::new(options, weight, batch, variants)?;
            let mut rounds = Vec::new();
            let mut busy = Vec::new();
            for _ in 0..options.rounds {
                let (ready, ready_busy) = call.ready(&options.device, own)?;
                let (whole, whole_busy) = call.score(&options.device, own)?;
                rounds.push(vec![ready, whole]);
                busy.push([ready_busy, whole_busy]);
            }
            let rows = score::scored(call.0.output())? as f64;
            let best = best_of(&rounds);
            let [ready, whole] = busy.pop().context("a round")?;
            let percent = |busy: Option<&Busy>| {
                busy.map_or_else(String::new, |busy| format!("{:.0} %", busy.percent))
            };
            let _ = writeln!(
                page,
                "| {name} | {} | {batch}{} | {:.0} | {:.0} | {:.3} | {} | {} | {} |",
                options.device,
                if own.is_empty() { "" } else { ", TF32" },
                rows / best[0].seconds,
                rows / best[1].seconds,
                best[0].seconds / best[1].seconds,
                percent(ready.as_ref()),
                percent(whole.as_ref()),
                whole.map_or_else(String::new, |busy| busy.peak_mib.to_string())
            );
        }
    }
    Ok(())
}

fn memory(options: &Options, page: &mut String) -> Result<()> {
    page.push_str("\n| records | peak memory of the process (MiB) | of the card (MiB) | wall time (s) |\n|---|---|---|---|\n");
    for variants in LENGTHS {
        let call = Trial::new(options, Weight::Light, BATCH, variants)?;
        let (measured, busy) = call.score(&options.device, &[])?;
        let _ = writeln!(
            page,
            "| {variants} | {} | {} | {:.2} |",
            measured.peak_mib,
            busy.map_or_else(String::new, |busy| busy.peak_mib.to_string()),
            measured.seconds
        );
    }
    Ok(())
}

/// Asked for and not there: a refusal. Where it can be had or not: the processor.
fn without_card(options: &Options, page: &mut String) -> Result<()> {
    let call = Trial::new(options, Weight::Light, BATCH, 1_000)?;
    let run = |device: &str| {
        Command::new(process::program_path()?)
            .args(call.0.words("score")?)
            .args(["--device", device])
            .env("CUDA_VISIBLE_DEVICES", "")
            .output()
            .context("varisk cannot be started")
    };
    let refused = run("cuda")?;
    let said = String::from_utf8_lossy(&refused.stderr);
    if refused.status.code() != Some(69) || call.0.output().exists() {
        bail!("a card that is not there is not refused: {said}");
    }
    let auto = run("auto")?;
    if !auto.status.success() || call.provider()? != "CPUExecutionProvider" {
        bail!("auto does not take the processor where there is no card");
    }
    let _ = writeln!(
        page,
        "\nWithout a card (`CUDA_VISIBLE_DEVICES=`) `--device cuda` ends with 69 and `--device auto` takes the processor and says so in `run.json`."
    );
    Ok(())
}
