//! `varisk model inspect|check`.

use std::path::Path;

use varisk_core::{FeatureTable, Patient, site_schema};
use varisk_encode::{Bundle, Encoder, ModelKind, PatientEncoder, TensorSpec, VariantEncoder};
use varisk_score::{Model, ModelOptions, Runtime, check_graph, open_bundle};

use crate::arguments::{ModelAction, ModelArguments};
use crate::plan::device;
use crate::print::print;

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
            print(format!(
                "model '{name}' is sound: manifest and graph agree, and {} opens it\n",
                model.provider().name()
            ))
        }
    }
}

fn inspect(path: &Path) -> anyhow::Result<()> {
    let bundle = open_bundle(path)?;
    let graph = varisk_onnx::Model::read(&bundle.model_path)?;
    let opset = graph
        .opset()
        .map_or_else(|| "?".to_owned(), |opset| opset.to_string());
    let mut text = serde_json::to_string_pretty(&bundle.manifest)?;
    text += &format!("\nsha256  {}\nopset   {opset}\n", bundle.model_sha256);
    for info in graph.inputs() {
        text += &format!("input   {info}\n");
    }
    for info in graph.outputs() {
        text += &format!("output  {info}\n");
    }
    print(text)
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
