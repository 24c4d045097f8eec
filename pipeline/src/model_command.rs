//! `varisk model inspect|check`.
#![expect(clippy::print_stdout, reason = "the findings are what was asked for")]

use std::path::Path;

use varisk_core::{FeatureTable, Patient, site_schema};
use varisk_encode::{Bundle, Encoder, ModelKind, PatientEncoder, TensorSpec, VariantEncoder};
use varisk_score::{Model, ModelOptions, Runtime, check_graph, open_bundle};

use crate::arguments::{ModelAction, ModelArguments};
use crate::plan::device;

pub(crate) fn command(arguments: &ModelArguments) -> anyhow::Result<()> {
    match &arguments.action {
        ModelAction::Inspect { bundle } => inspect(bundle),
        ModelAction::Check {
            bundle,
            device: choice,
            onnxruntime,
        } => {
            let bundle = open_bundle(bundle)?;
            let (tensors, batch_size) = tensors(&bundle)?;
            check_graph(&bundle, &tensors, batch_size)?;
            let name = bundle.manifest.name.clone();
            let runtime = Runtime::load(onnxruntime.as_deref())?;
            let model = Model::open(
                &runtime,
                bundle,
                ModelOptions {
                    device: device(*choice),
                    threads: 1,
                    tf32: false,
                },
            )?;
            println!(
                "model '{name}' is sound: manifest and graph agree, and {} opens it",
                model.provider().name()
            );
            Ok(())
        }
    }
}

fn inspect(path: &Path) -> anyhow::Result<()> {
    let bundle = open_bundle(path)?;
    let graph = varisk_onnx::Model::read(&bundle.model_path)?;
    println!("{}", serde_json::to_string_pretty(&bundle.manifest)?);
    println!("sha256  {}", bundle.model_sha256);
    println!(
        "opset   {}",
        graph
            .opset()
            .map_or_else(|| "?".to_owned(), |opset| opset.to_string())
    );
    graph
        .inputs()
        .iter()
        .for_each(|info| println!("input   {info}"));
    graph
        .outputs()
        .iter()
        .for_each(|info| println!("output  {info}"));
    Ok(())
}

/// The tensors that the manifest builds, planned against columns that have all it asks for.
fn tensors(bundle: &Bundle) -> anyhow::Result<(Vec<TensorSpec>, usize)> {
    match bundle.manifest.kind {
        ModelKind::Variant => {
            let info = VariantEncoder::info_fields(&bundle.manifest);
            let encoder = VariantEncoder::try_new(bundle, &site_schema(&info))?;
            Ok((encoder.tensors().to_vec(), encoder.batch_size()))
        }
        ModelKind::Patient => {
            let mut features = FeatureTable::default();
            for input in &bundle.manifest.inputs {
                if let Encoder::Feature(params) = &input.encoder {
                    params
                        .features
                        .iter()
                        .for_each(|feature| features.insert(feature.name.clone(), Vec::new()));
                }
            }
            let names: Vec<String> = features.iter().map(|(name, _)| name.to_owned()).collect();
            let encoder = PatientEncoder::try_new(bundle, &[] as &[Patient], &names)?;
            Ok((encoder.tensors().to_vec(), encoder.batch_size()))
        }
    }
}
