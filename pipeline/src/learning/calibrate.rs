//! `varisk calibrate`: a bundle whose probabilities agree with what happened to local patients.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Component, Path};

use anyhow::Context;
use serde_json::{Map, Value, json};
use varisk_encode::{
    Activation, Bundle, Encoder, MANIFEST_FILE, Manifest, OutputSpec, VocabularySpec,
};
use varisk_evaluation::{
    BinarySample, BinarySettings, CalibrationMethod, Calibrator, Metric, Sample,
};
use varisk_report::OutputFolder;
use varisk_score::open_bundle;
use varisk_train::LOG_HAZARD;

use super::observed::{MadeBy, Pairs, made_by, pairs};
use crate::arguments::{CalibrateArguments, CalibrationChoice};
use crate::exit::Refusal;
use crate::log::Log;

/// What was calibrated and how, beside the manifest.
const RECORD: &str = "calibration.json";
/// The model card.
const CARD: &str = "MODEL_CARD.md";
/// What metrics of a calibrated model are of.
const MEASURED_ON: &str = "the patients that the calibration was fitted on, which flatters 'after'";

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
    refuse_parts(&manifest, &manifest.outputs[at])?;
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
    let pairs = pairs(&arguments.predictions, &arguments.observed, log)?;
    if pairs.of_times {
        return Err(Refusal::Data(
            "the predictions are of times to an event; a calibration does not take into account that patients are censored, so give predictions of a model of whether it happens"
                .to_owned(),
        )
        .into());
    }
    same_model(arguments, &bundle, &name, &pairs, log)?;
    let outcomes = pairs.happened(&arguments.observed.positive, log)?;
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
    let measured = Quality {
        patients: outcomes.len(),
        events: outcomes.iter().filter(|own| **own).count(),
        after: quality(&calibrated, &outcomes)?,
        before,
    };
    let (before, after) = (
        measured.before.as_deref().map(named_values),
        named_values(&measured.after),
    );
    manifest.metrics = Map::from_iter([
        ("output".to_owned(), json!(name)),
        ("measured_on".to_owned(), json!(MEASURED_ON)),
        ("patients".to_owned(), json!(measured.patients)),
        ("events".to_owned(), json!(measured.events)),
        ("before".to_owned(), json!(before)),
        ("after".to_owned(), json!(after)),
    ]);
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
        "patients": measured.patients,
        "events": measured.events,
        "before": before,
        "after_on_the_same_patients": after,
    });

    let folder = OutputFolder::create(&arguments.output)?;
    let write = || -> anyhow::Result<()> {
        let path = folder.partial();
        copy(&bundle, &manifest, path)?;
        let original = match arguments.model.is_dir() {
            true => std::fs::read_to_string(arguments.model.join(CARD)).ok(),
            false => None,
        };
        let card = card(
            arguments,
            [&bundle.manifest, &manifest],
            &pairs.outcome,
            &measured,
            original.as_deref(),
        );
        std::fs::write(path.join(CARD), card)?;
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
    let path = folder.complete(None)?;
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

/// Refuses outputs that a curve of one number would make wrong.
fn refuse_parts(manifest: &Manifest, output: &OutputSpec) -> anyhow::Result<()> {
    let refuse = |why: &str| -> anyhow::Error {
        Refusal::Data(format!(
            "the output '{}' of '{}' {why}",
            output.name, manifest.name
        ))
        .into()
    };
    if manifest.outputs.iter().any(|own| own.name == LOG_HAZARD) {
        return Err(refuse(
            "is of a model of times to an event, and a calibration does not take into account that patients are censored; train the model again on local patients, and judge it with 'varisk evaluate --time'",
        ));
    }
    if output.activation == Activation::Softmax {
        return Err(refuse(
            "is one of several classes, which would no longer add up to 1; calibrate a model of a binary outcome, or train this one again on local patients",
        ));
    }
    Ok(())
}

/// Refuses predictions of another model, version or output than the one that is calibrated.
fn same_model(
    arguments: &CalibrateArguments,
    bundle: &Bundle,
    output: &str,
    pairs: &Pairs,
    log: &Log,
) -> anyhow::Result<()> {
    let path = &arguments.predictions;
    let item = &pairs.items[0];
    let own = MadeBy::of(&bundle.manifest, &bundle.model_sha256);
    let Some(found) = made_by(path, item)? else {
        log.warn(&format!(
            "{} does not say which model made the predictions; make sure that it was '{}' {}, uncalibrated",
            path.display(),
            own.name,
            own.version
        ));
        return Ok(());
    };
    if let Some(other) = found.iter().find(|other| **other != own) {
        let why = if (&other.name, &other.version) == (&own.name, &own.version) {
            "with another SHA-256".to_owned()
        } else {
            format!("and not of '{}' {}", own.name, own.version)
        };
        return Err(Refusal::Data(format!(
            "'{item}' of {} is of '{}' {}, {why}; give predictions of the very model to calibrate",
            path.display(),
            other.name,
            other.version
        ))
        .into());
    }
    let last = item.strip_prefix(&format!("{}.", own.name));
    if last.unwrap_or(item) != output {
        return Err(Refusal::Usage(format!(
            "'{item}' is another output than '{output}', which is to be calibrated; correct --item or --model-output"
        ))
        .into());
    }
    Ok(())
}

/// Metrics before and after, and of whom.
struct Quality {
    patients: usize,
    events: usize,
    /// `None` of predictions that are no probabilities.
    before: Option<Vec<(Metric, Option<f64>)>>,
    after: Vec<(Metric, Option<f64>)>,
}

/// How well probabilities agree with outcomes.
fn quality(probabilities: &[f64], outcomes: &[bool]) -> anyhow::Result<Vec<(Metric, Option<f64>)>> {
    let sample = BinarySample::try_new(probabilities, outcomes, BinarySettings::default())?;
    let wanted = [
        Metric::Brier,
        Metric::LogLoss,
        Metric::CalibrationInTheLarge,
        Metric::CalibrationSlope,
        Metric::EceEqualWidth,
    ];
    let metrics = sample.metrics().into_iter();
    let all = metrics.map(|(key, value)| (key.metric, value.ok()));
    Ok(all.filter(|(metric, _)| wanted.contains(metric)).collect())
}

fn named_values(metrics: &[(Metric, Option<f64>)]) -> Value {
    let all = metrics.iter();
    let all = all.map(|(metric, value)| (metric.as_str().to_owned(), json!(value)));
    Value::Object(all.collect())
}

/// The files that a model is made of. Cards, metrics and predictions beside it speak of the model
/// before, so they stay behind.
fn copy(bundle: &Bundle, manifest: &Manifest, to: &Path) -> anyhow::Result<()> {
    let graph = varisk_onnx::Model::read(&bundle.model_path)?;
    let beside = bundle.model_path.parent().unwrap_or_else(|| Path::new(""));
    // From where, and under which name.
    let mut files = BTreeSet::from([(bundle.model_path.clone(), manifest.model.clone())]);
    for name in graph.external_files() {
        let is_inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(name).components().all(is_inside) {
            return Err(Refusal::Data(format!(
                "{} keeps values outside its own folder; export it again with them beside it",
                bundle.model_path.display()
            ))
            .into());
        }
        files.insert((beside.join(name), name.to_owned()));
    }
    for input in &manifest.inputs {
        if let Encoder::Kmer(params) = &input.encoder
            && let VocabularySpec::File { file } = &params.vocabulary
        {
            files.insert((bundle.folder.join(file), file.clone()));
        }
    }
    for (from, name) in files {
        let place = to.join(name);
        let made = place.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::copy(&from, &place))
            .with_context(|| format!("{} cannot be copied; check the disk", from.display()))?;
    }
    Ok(())
}

/// The card: what the calibration is and does, and the card of the model before.
fn card(
    arguments: &CalibrateArguments,
    [before, after]: [&Manifest; 2],
    outcome: &str,
    quality: &Quality,
    original: Option<&str>,
) -> String {
    let method = match arguments.method {
        CalibrationChoice::Platt => "platt, a logistic curve",
        CalibrationChoice::Isotonic => "isotonic, steps that only rise",
        CalibrationChoice::Beta => "beta, a curve of the beta family",
    };
    let mut text = format!(
        "# {} {}\n\nResearch output, not a diagnosis. Licence: {}.\n\nCalibrated version {} of {} {}: the same graph, with a curve from its probability to what happened to {} patients, {} of them with the outcome (`{outcome}`). Method: {method}.\n\n",
        after.name,
        after.version,
        after.licence,
        after.version,
        before.name,
        before.version,
        quality.patients,
        quality.events,
    );
    text += "## Calibration\n\n| metric | before | after |\n|---|---|---|\n";
    let number = |value: Option<f64>| {
        value.map_or_else(|| "undefined".to_owned(), |own| format!("{own:.3}"))
    };
    for (metric, own) in &quality.after {
        let before = match &quality.before {
            Some(all) => number(
                all.iter()
                    .find(|(name, _)| name == metric)
                    .and_then(|own| own.1),
            ),
            None => "no probability".to_owned(),
        };
        let _ = writeln!(text, "| {} | {before} | {} |", metric.label(), number(*own));
    }
    text += "\nBoth are of the patients that the calibration was fitted on, which flatters the second. Judge the calibrated model on other patients (`varisk evaluate`).\n";
    if let Some(original) = original {
        text += "\n## Card of the model before calibration\n\n";
        // Its headings come below this one.
        let mut is_code = false;
        for line in original.lines() {
            is_code ^= line.trim_start().starts_with("```");
            if line.starts_with('#') && !is_code {
                text += "##";
            }
            text += line;
            text.push('\n');
        }
    }
    text
}
