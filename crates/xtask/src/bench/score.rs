//! The same sessions as in a run, fed with tensors that are ready.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use varisk_core::site_schema;
use varisk_encode::{Tensors, VariantEncoder, VariantScratch};
use varisk_flow::{CancelToken, Executor};
use varisk_reference::Reference;
use varisk_score::{Device, Model, ModelOptions, Runtime, open_bundle};

use super::process::Measured;
use super::{Options, text};

/// Encodes all alleles first, then times nothing but the runs.
pub(super) fn tensors(
    vcf: &Path,
    reference: &Path,
    model: &Path,
    threads: usize,
    device: &str,
    tf32: bool,
) -> Result<()> {
    let device = match device {
        "cpu" => Device::Cpu,
        "cuda" => Device::Cuda,
        _ => bail!("{device} is no device"),
    };
    let reference = Reference::open(reference)?;
    let runtime = Runtime::load(None)?;
    let model = Arc::new(Model::open(
        &runtime,
        open_bundle(model)?,
        ModelOptions {
            device,
            threads,
            tf32,
        },
    )?);
    let encoder = VariantEncoder::try_new(model.bundle(), &site_schema(&[]))?;
    let (mut bases, mut scratch) = (reference.reader()?, VariantScratch::default());
    let mut ready: Vec<Tensors> = Vec::new();
    let mut filling = encoder.new_tensors()?;
    let mut slot = 0;
    super::decode::batches(vcf, &reference, 1, |batch| {
        let rows: Vec<usize> = (0..batch.len()).collect();
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            slot =
                encoder.encode_rows(&batch, rest, &mut bases, &mut scratch, slot, &mut filling)?;
            rest = &rest[scratch.outcomes().len()..];
            if slot == encoder.batch_size() {
                ready.push(std::mem::replace(&mut filling, encoder.new_tensors()?));
                slot = 0;
            }
        }
        Ok(())
    })?;
    if slot > 0 {
        ready.push(filling);
    }
    if device == Device::Cuda {
        // What the card does once is not what is asked here.
        if let Some(first) = ready.first() {
            model.run(first, |_, _, _, _| {})?;
        }
    }
    let mut waiting = ready.iter();
    let started = Instant::now();
    let mut source = || -> Result<Option<&Tensors>> { Ok(waiting.next()) };
    let work = |(): &mut (), _: u64, tensors: &Tensors| -> Result<f32> {
        let mut total = 0.0;
        model.run(tensors, |_, _, _, elements| {
            total += elements.iter().sum::<f32>();
        })?;
        Ok(total)
    };
    let outcome = Executor::new(threads, CancelToken::default()).run(
        &mut source,
        &mut vec![(); threads],
        0,
        u64::MAX,
        work,
        |_| Ok(()),
    );
    outcome.map_err(|error| anyhow!("{error:?}"))?;
    println!("seconds {}", started.elapsed().as_secs_f64());
    Ok(())
}

/// A run of `varisk` with one model, and the sessions of that model with ready tensors.
pub(super) struct Call {
    vcf: PathBuf,
    reference: PathBuf,
    model: PathBuf,
    output: PathBuf,
    threads: String,
}

impl Call {
    /// `data` are a VCF and its reference; `report` is the name of the output folder.
    pub(super) fn new(
        options: &Options,
        data: (PathBuf, PathBuf),
        model: PathBuf,
        report: &str,
    ) -> Self {
        let (vcf, reference) = data;
        Self {
            vcf,
            reference,
            model,
            output: options.data.join(report),
            threads: options.threads.to_string(),
        }
    }

    /// What it writes.
    pub(super) fn output(&self) -> &Path {
        &self.output
    }

    /// The words of the program; what an earlier call has written is removed.
    pub(super) fn words<'w>(&'w self, verb: &'w str) -> Result<Vec<&'w str>> {
        if self.output.exists() {
            std::fs::remove_dir_all(&self.output)?;
        }
        Ok(vec![
            verb,
            "--vcf",
            text(&self.vcf),
            "--reference",
            text(&self.reference),
            "--build",
            "other",
            "--model",
            text(&self.model),
            "--threads",
            &self.threads,
            "--output",
            text(&self.output),
        ])
    }

    /// The words of this program for ready tensors; [`timed`] reads what it prints.
    pub(super) fn ready_words(&self) -> Vec<&str> {
        vec![
            "bench-child",
            "tensors",
            text(&self.vcf),
            text(&self.reference),
            text(&self.model),
            "--threads",
            &self.threads,
        ]
    }
}

/// With the time that the child printed in place of that of the process, which makes the tensors as well.
pub(super) fn timed(child: Measured) -> Result<Measured> {
    Ok(Measured {
        seconds: parse_seconds(&child.stdout)?,
        ..child
    })
}

/// The time that the child printed.
fn parse_seconds(stdout: &str) -> Result<f64> {
    let text = stdout
        .lines()
        .find_map(|line| line.strip_prefix("seconds "))
        .context("the child printed no time")?;
    Ok(text.trim().parse()?)
}

/// Alleles with a score, from `run.json`.
pub(super) fn scored(output: &Path) -> Result<u64> {
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(output.join("run.json"))?)?;
    let counts = record["counts"]
        .as_object()
        .context("run.json has no counts")?;
    counts
        .iter()
        .find(|(name, _)| name.starts_with("score."))
        .and_then(|(_, count)| count.as_u64())
        .context("run.json counts no score")
}

/// Name and size of the model, from its manifest.
pub(super) fn describe(model: &Path) -> Result<String> {
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(model.join("manifest.json"))?)?;
    Ok(format!(
        "{}, {}",
        manifest["name"].as_str().unwrap_or_default(),
        manifest["metrics"]
    ))
}
