//! `varisk explain` for variant models: what of its surroundings an allele's score needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use serde_json::json;
use varisk_core::Reason;
use varisk_encode::Bundle;
use varisk_report::{OutputFolder, Table, TableFolder, TableWriter};
use varisk_score::{
    Model, ModelOptions, PerturbExplainer, PerturbScratch, PerturbSettings, Perturbation, Runtime,
};
use varisk_train::Place;

use super::super::measures::{numbers, texts};
use super::read::{Places, Reader};
use crate::arguments::{AnnotationArguments, ExplainArguments, RunArguments};
use crate::log::Log;
use crate::plan::Plan;
use crate::run::cancel_on_signal;
use crate::settings::Settings;

/// Bases that are occluded together unless said otherwise.
const OCCLUDED: u32 = 5;
/// Alleles of a batch: each of them is scored hundreds of times.
const BATCH_RECORDS: u32 = 64;

/// A row of the table.
struct Row {
    place: Place,
    output: usize,
    change: Perturbation,
    score: f64,
    changed: Option<f64>,
}

/// What a batch gives.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    explained: u64,
    /// Alleles without a score, by why.
    without: BTreeMap<&'static str, u64>,
}

/// What one thread has of its own.
struct Own {
    bases: varisk_reference::SequenceReader,
    scratch: PerturbScratch,
}

pub(crate) fn explain(
    arguments: &ExplainArguments,
    bundle: Bundle,
    log: &Log,
) -> anyhow::Result<()> {
    let variants = &arguments.variants;
    let mut settings = Settings::resolve(&RunArguments {
        vcf: variants.vcf.clone(),
        reference: variants.reference.clone(),
        build: variants.build.clone(),
        output: Some(arguments.output.clone()),
        regions: variants.regions.clone(),
        regions_file: variants.regions_file.clone(),
        threads: arguments.threads,
        batch_size: Some(BATCH_RECORDS),
        annotation: AnnotationArguments {
            knowledge: variants.knowledge.clone(),
            gene_models: variants.gene_models.clone(),
            ..AnnotationArguments::default()
        },
        onnxruntime: arguments.onnxruntime.clone(),
        ..RunArguments::default()
    })?;
    settings.annotation.named_only = true;
    let cancel = cancel_on_signal();
    let mut plan = Plan::for_tensors(&settings, bundle.clone(), &[])?;
    plan.warnings.iter().for_each(|warning| log.warn(warning));
    let runtime = Runtime::load(arguments.onnxruntime.as_deref())?;
    let options = ModelOptions::on_processor(settings.limits.threads);
    let model = Arc::new(Model::open(&runtime, bundle, options)?);
    let perturbing = PerturbSettings {
        radius: variants.radius,
        occluded: variants.occluded.unwrap_or(OCCLUDED),
        mutates: !variants.no_mutagenesis,
    };
    let explainer = PerturbExplainer::try_new(Arc::clone(&model), &plan.schema, perturbing)?;
    let outputs: Vec<&str> = explainer.outputs().collect();
    let folder = OutputFolder::create(&arguments.output)?;
    let mut alleles = 0_u64;
    let mut without: BTreeMap<&str, u64> = BTreeMap::new();
    let mut write = || -> anyhow::Result<()> {
        let table = Table::VARIANT_EXPLANATIONS;
        let mut writer = TableWriter::create(
            &TableFolder::plain(folder.partial()),
            table.name,
            table.schema(),
        )?;
        let reference = plan.reference.clone();
        let worker = || {
            Ok(Own {
                bases: reference.reader()?,
                scratch: explainer.scratch()?,
            })
        };
        let reader = Reader {
            settings: &settings,
            keeps_repeats: false,
            cancel: &cancel,
            log,
        };
        reader.each_batch(
            &mut plan,
            worker,
            |own: &mut Own, batch| {
                let places = Places::of(batch)?;
                let mut found = Found::default();
                for row in 0..batch.len() {
                    let Some(place) = places.get(row)? else {
                        *found
                            .without
                            .entry(Reason::NoAlternateAllele.name())
                            .or_default() += 1;
                        continue;
                    };
                    let explained =
                        explainer.explain(batch, row, &mut own.bases, &mut own.scratch)?;
                    let explained = match explained {
                        Ok(explained) => explained,
                        Err(reason) => {
                            *found.without.entry(reason.name()).or_default() += 1;
                            continue;
                        }
                    };
                    found.explained += 1;
                    for (output, score) in explained.scores.iter().enumerate() {
                        for (change, changed) in &explained.changes {
                            found.rows.push(Row {
                                place: place.clone(),
                                output,
                                change: *change,
                                score: *score,
                                changed: changed[output],
                            });
                        }
                    }
                }
                Ok(found)
            },
            |found: Found| {
                alleles += found.explained;
                for (reason, count) in found.without {
                    *without.entry(reason).or_default() += count;
                }
                if !found.rows.is_empty() {
                    writer.write(batch(&found.rows, &outputs)?)?;
                }
                Ok(())
            },
        )?;
        writer.finish()?;
        let manifest = &model.bundle().manifest;
        let record = json!({
            "schema_version": 1,
            "varisk_version": env!("CARGO_PKG_VERSION"),
            "statement": crate::finish::NOTICE,
            "model": manifest.name,
            "model_version": manifest.version,
            "model_sha256": model.bundle().model_sha256,
            "alleles": alleles,
            "alleles_without_score": without,
            "radius": perturbing.radius,
            "occluded": perturbing.occluded,
            "mutagenesis": perturbing.mutates,
        });
        let text = serde_json::to_string_pretty(&record)? + "\n";
        std::fs::write(folder.partial().join("explain.json"), text)?;
        Ok(())
    };
    if let Err(error) = write() {
        folder.discard();
        return Err(error);
    }
    let path = folder.complete(None)?;
    log.info(&format!(
        "{} alleles explained, {} without a score; written to {}",
        alleles,
        without.values().sum::<u64>(),
        path.display()
    ));
    Ok(())
}

fn batch(rows: &[Row], outputs: &[&str]) -> anyhow::Result<RecordBatch> {
    let text = |of: &dyn Fn(&Row) -> Option<String>| texts(rows, of);
    let number = |of: &dyn Fn(&Row) -> u32| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| Some(of(row)))
                .collect::<UInt32Array>(),
        )
    };
    let real = |of: &dyn Fn(&Row) -> Option<f64>| numbers(rows, of);
    let columns = vec![
        text(&|row| Some(row.place.contig.clone())),
        number(&|row| row.place.position),
        text(&|row| Some(row.place.reference.clone())),
        text(&|row| Some(row.place.alternate.clone())),
        text(&|row| outputs.get(row.output).map(|own| (*own).to_owned())),
        text(&|row| {
            let method = if row.change.base.is_some() {
                "mutagenesis"
            } else {
                "occlusion"
            };
            Some(method.to_owned())
        }),
        number(&|row| row.change.start),
        number(&|row| row.change.end),
        text(&|row| row.change.base.map(|base| char::from(base).to_string())),
        real(&|row| Some(row.score)),
        real(&|row| row.changed),
        real(&|row| Some(row.changed? - row.score)),
    ];
    let schema = Table::VARIANT_EXPLANATIONS.schema();
    Ok(RecordBatch::try_new(schema, columns)?)
}
