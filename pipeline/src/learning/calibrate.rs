//! `varisk calibrate`: a bundle whose probabilities agree with what happened to local patients.

use std::path::Path;

use anyhow::Context;
use serde_json::json;
use varisk_encode::{MANIFEST_FILE, Manifest};
use varisk_evaluation::{
    BinarySample, BinarySettings, CalibrationMethod, Calibrator, Metric, Sample,
};
use varisk_report::OutputFolder;
use varisk_score::open_bundle;

use super::observed::pairs;
use crate::arguments::{CalibrateArguments, CalibrationChoice};
use crate::exit::Refusal;
use crate::log::Log;

/// What was calibrated and how, beside the manifest.
const RECORD: &str = "calibration.json";

pub(crate) fn command(arguments: &CalibrateArguments, log: &Log) -> anyhow::Result<()> {
    OutputFolder::check(&arguments.output, false)?;
    let bundle = open_bundle(&arguments.model)?;
    let mut manifest = bundle.manifest.clone();
    let at = output(&manifest, arguments)?;
    let name = manifest.outputs[at].name.clone();
    if manifest.outputs[at].calibration.is_some() {
        return Err(Refusal::Data(format!(
            "the output '{name}' of '{}' is calibrated already, and predictions with it say nothing about the model without; take the calibration out of a copy of the manifest, run that, and calibrate it",
            manifest.name
        ))
        .into());
    }
    if arguments.observed.items.len() > 1 {
        return Err(Refusal::Usage(
            "a calibration is of one prediction; give one --item".to_owned(),
        )
        .into());
    }
    if manifest.version == arguments.model_version {
        return Err(Refusal::Usage(format!(
            "--model-version {} is that of the model before; a calibrated model gives other numbers and needs a version of its own",
            arguments.model_version
        ))
        .into());
    }
    let pairs = pairs(&arguments.observed, log)?;
    let outcomes = pairs.happened(&arguments.observed.positive)?;
    let scores = &pairs.values[0];
    let are_probabilities = scores.iter().all(|own| (0.0..=1.0).contains(own));
    let method = match arguments.method {
        CalibrationChoice::Platt if are_probabilities => CalibrationMethod::PlattLogit,
        CalibrationChoice::Platt => CalibrationMethod::PlattRaw,
        CalibrationChoice::Isotonic => CalibrationMethod::Isotonic,
        CalibrationChoice::Beta => CalibrationMethod::Beta,
    };
    let calibrator = Calibrator::fit(method, scores, &outcomes)?;
    let calibrated = calibrator.apply_all(scores)?;
    let before = if are_probabilities {
        Some(quality(scores, &outcomes)?)
    } else {
        None
    };
    let after = quality(&calibrated, &outcomes)?;
    manifest.outputs[at].calibration = Some(calibrator.clone());
    manifest.version.clone_from(&arguments.model_version);
    manifest.sha256 = Some(bundle.model_sha256.clone());
    let record = json!({
        "schema_version": 1,
        "varisk_version": env!("CARGO_PKG_VERSION"),
        "statement": crate::finish::NOTICE,
        "model": manifest.name,
        "version_before": bundle.manifest.version,
        "version": manifest.version,
        "output": name,
        "calibration": calibrator,
        "patients": outcomes.len(),
        "events": outcomes.iter().filter(|own| **own).count(),
        "before": before,
        "after_on_the_same_patients": after,
    });

    let folder = OutputFolder::create(&arguments.output)?;
    let write = || -> anyhow::Result<()> {
        let path = folder.partial();
        if arguments.model.is_dir() {
            copy(&arguments.model, path)?;
        } else {
            std::fs::copy(&bundle.model_path, path.join(&manifest.model))?;
        }
        let json = serde_json::to_string_pretty(&manifest)? + "\n";
        Manifest::parse(&json, &path.join(MANIFEST_FILE))?;
        std::fs::write(path.join(MANIFEST_FILE), json)?;
        std::fs::write(
            path.join(RECORD),
            serde_json::to_string_pretty(&record)? + "\n",
        )?;
        Ok(())
    };
    if let Err(error) = write() {
        folder.discard();
        return Err(error);
    }
    let path = folder.complete()?;
    log.info(&format!(
        "calibrated '{name}' on {} patients; written to {}. Judge it on other patients than these.",
        outcomes.len(),
        path.display()
    ));
    Ok(())
}

/// The output to calibrate.
fn output(manifest: &Manifest, arguments: &CalibrateArguments) -> anyhow::Result<usize> {
    let names: Vec<&str> = manifest
        .outputs
        .iter()
        .map(|own| own.name.as_str())
        .collect();
    match &arguments.model_output {
        None if names.len() == 1 => Ok(0),
        None => Err(Refusal::Usage(format!(
            "'{}' has several outputs; name one with --model-output: {}",
            manifest.name,
            names.join(", ")
        ))
        .into()),
        Some(name) => names.iter().position(|own| own == name).ok_or_else(|| {
            Refusal::Usage(format!(
                "'{}' has no output '{name}'; it has {}",
                manifest.name,
                names.join(", ")
            ))
            .into()
        }),
    }
}

/// How well probabilities agree with outcomes.
fn quality(probabilities: &[f64], outcomes: &[bool]) -> anyhow::Result<serde_json::Value> {
    let sample = BinarySample::try_new(probabilities, outcomes, BinarySettings::default())?;
    let wanted = [
        Metric::Brier,
        Metric::LogLoss,
        Metric::CalibrationInTheLarge,
        Metric::CalibrationSlope,
        Metric::EceEqualWidth,
    ];
    let metrics = sample.metrics().into_iter();
    let all = metrics
        .filter(|(key, _)| wanted.contains(&key.metric))
        .map(|(key, value)| (key.metric.as_str().to_owned(), json!(value.ok())));
    Ok(serde_json::Value::Object(all.collect()))
}

/// The files of a bundle; folders in it are none of a bundle's.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).with_context(|| {
                format!(
                    "{} cannot be copied; check the disk",
                    entry.path().display()
                )
            })?;
        }
    }
    Ok(())
}
