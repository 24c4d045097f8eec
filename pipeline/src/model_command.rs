//! `varisk model inspect|check`.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use varisk_alignments::READS_COLUMNS;
use varisk_annotate::columns::consequence_fields;

use varisk_core::{FeatureTable, Patient, site_schema};
use varisk_encode::{Bundle, Encoder, ModelKind, PatientEncoder, TensorSpec, VariantEncoder};
use varisk_knowledge::{Bundle as Knowledge, MatchKind, SourceKind};
use varisk_score::{Device, Model, ModelOptions, Runtime, check_graph, open_bundle};

use crate::arguments::{DeviceChoice, ModelAction, ModelArguments};
use crate::exit::Refusal;
use crate::plan::device;
use crate::print::print;

pub(crate) fn command(arguments: &ModelArguments) -> anyhow::Result<()> {
    match &arguments.action {
        ModelAction::Inspect { bundle } => inspect(bundle),
        ModelAction::Check {
            bundle,
            knowledge,
            device: choice,
            onnxruntime,
        } => {
            let bundle = open_bundle(bundle)?;
            let is_of_patients = bundle.manifest.kind == ModelKind::Patient;
            if is_of_patients && *choice == DeviceChoice::Cuda {
                return Err(Refusal::Usage(format!(
                    "'{}' is a patient model, and these run on the processor; leave --device out",
                    bundle.manifest.name
                ))
                .into());
            }
            let knowledge = knowledge.as_deref().map(Knowledge::open).transpose()?;
            let sources = sources(&bundle, knowledge.as_ref())?;
            let (tensors, batch_size) = tensors(&bundle, knowledge.as_ref())?;
            check_graph(&bundle, &tensors, batch_size)?;
            let name = bundle.manifest.name.clone();
            let runtime = Runtime::load(onnxruntime.as_deref())?;
            let model = Model::open(
                &runtime,
                bundle,
                ModelOptions {
                    device: if is_of_patients {
                        Device::Cpu
                    } else {
                        device(*choice)
                    },
                    ..ModelOptions::on_processor(1)
                },
            )?;
            print(format!(
                "model '{name}' is sound: manifest and graph agree, and {} opens it\n{sources}",
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
fn tensors(
    bundle: &Bundle,
    knowledge: Option<&Knowledge>,
) -> anyhow::Result<(Vec<TensorSpec>, usize)> {
    match bundle.manifest.kind {
        ModelKind::Variant => {
            let encoder = VariantEncoder::try_new(bundle, &wished_schema(bundle, knowledge))?;
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

/// The columns that a model asks for, as if every stage gave them; those of a bundle have the types
/// that they have there.
fn wished_schema(bundle: &Bundle, knowledge: Option<&Knowledge>) -> Schema {
    let info = VariantEncoder::info_fields(&bundle.manifest);
    let mut fields: Vec<Arc<Field>> = site_schema(&info).fields().iter().cloned().collect();
    fields.extend(consequence_fields().into_iter().map(Arc::new));
    let reads = READS_COLUMNS.map(|name| Field::new(name, DataType::Float32, true));
    fields.extend(reads.into_iter().map(Arc::new));
    let features = bundle
        .manifest
        .inputs
        .iter()
        .flat_map(|input| match &input.encoder {
            Encoder::Annotation(params) => params.features.as_slice(),
            _ => &[],
        });
    for (source, field) in bundle.manifest.needed_sources().knowledge {
        let column = format!("{source}.{field}");
        let is_text = features
            .clone()
            .any(|own| (own.name == column || own.name == source) && own.values.is_some());
        let known = knowledge.and_then(|knowledge| {
            let columns = &knowledge.source(&source).ok()?.columns;
            let column = columns.iter().find(|column| column.name == field)?;
            column.field_type.data_type()
        });
        let data_type = known.unwrap_or(if is_text {
            DataType::Utf8
        } else {
            DataType::Float64
        });
        fields.push(Arc::new(Field::new(column, data_type, true)));
    }
    Schema::new(fields)
}

/// What a model needs of other stages, in words; refused where a bundle is named that lacks a part.
fn sources(bundle: &Bundle, knowledge: Option<&Knowledge>) -> anyhow::Result<String> {
    let needs = bundle.manifest.needed_sources();
    let fields: Vec<String> = needs
        .knowledge
        .iter()
        .map(|(source, field)| format!("{source}.{field}"))
        .collect();
    let mut text = String::new();
    if needs.consequences {
        text += "needs consequences: gene models, or --consequences from-info\n";
    }
    if needs.reads {
        text += "needs reads: the samplesheet's column 'alignment'\n";
    }
    if !fields.is_empty() {
        text += &format!("needs of a knowledge bundle: {}\n", fields.join(", "));
    }
    if let Some(opened) = knowledge {
        let path = opened.folder();
        let by_gene = |source: &str| {
            opened.source(source).is_ok_and(|source| {
                matches!(source.matching, MatchKind::GeneSymbol | MatchKind::GeneId)
            })
        };
        let by_gene = needs.knowledge.iter().any(|(source, _)| by_gene(source));
        let mut lacking: Vec<String> = fields
            .iter()
            .filter(|field| opened.require(&[field]).is_err())
            .cloned()
            .collect();
        let has_models = opened
            .sources()
            .iter()
            .any(|source| source.kind == SourceKind::GeneModels);
        if (needs.consequences || by_gene) && !has_models {
            lacking.push("gene models".to_owned());
        }
        if !lacking.is_empty() {
            return Err(Refusal::Data(format!(
                "model '{}' needs what {} lacks: {}; build a bundle with them",
                bundle.manifest.name,
                path.display(),
                lacking.join(", ")
            ))
            .into());
        }
        text += &format!("{} has all of it\n", path.display());
    }
    Ok(text)
}
