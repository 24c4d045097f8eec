//! Does the graph take what the manifest builds, and give what it names? Checked on the ONNX file
//! before anything is read, without the runtime.

use varisk_encode::{Bundle, ElementType, TensorSpec};
use varisk_onnx::{Dimension, TensorInfo};

use crate::ScoreError;

/// Compares the graph of a bundle with the tensors that its encoders make and the outputs that its
/// manifest names.
///
/// # Errors
/// A tensor is missing on either side, or its type or shape differs.
pub fn check_graph(
    bundle: &Bundle,
    tensors: &[TensorSpec],
    batch_size: usize,
) -> Result<(), ScoreError> {
    let mut model = varisk_onnx::Model::read(&bundle.model_path)?;
    model.unzip_maps();
    let refuse = |detail: String| ScoreError::Graph {
        model: bundle.manifest.name.clone(),
        path: bundle.model_path.clone(),
        detail,
    };
    let beside = model.external_files();
    if !beside.is_empty() {
        return Err(refuse(format!(
            "weights stand in other files ({}), which its SHA-256 does not cover; export it as one file",
            beside.join(", ")
        )));
    }
    let inputs = model.inputs();
    for input in &inputs {
        let spec = tensors.iter().find(|spec| spec.name == input.name);
        let spec = spec.ok_or_else(|| {
            refuse(format!(
                "the graph needs an input '{}' that the manifest does not describe",
                input.name
            ))
        })?;
        check_input(input, spec, batch_size).map_err(&refuse)?;
    }
    for spec in tensors {
        if !inputs.iter().any(|input| input.name == spec.name) {
            let known = inputs
                .iter()
                .map(|input| input.name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            return Err(refuse(format!(
                "the manifest describes an input '{}' that the graph lacks (it has {known})",
                spec.name
            )));
        }
    }
    let outputs = model.outputs();
    for output in &bundle.manifest.outputs {
        let Some(info) = outputs.iter().find(|info| info.name == output.tensor) else {
            let known = outputs
                .iter()
                .map(|info| info.name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            return Err(refuse(format!(
                "the manifest names an output '{}' that the graph lacks (it has {known})",
                output.tensor
            )));
        };
        check_output(info, output.column, batch_size).map_err(&refuse)?;
    }
    Ok(())
}

fn check_input(info: &TensorInfo, spec: &TensorSpec, batch_size: usize) -> Result<(), String> {
    let element = match spec.element {
        ElementType::F32 => varisk_onnx::ElementType::Float32,
        ElementType::I64 => varisk_onnx::ElementType::Int64,
        ElementType::I32 => varisk_onnx::ElementType::Int32,
    };
    if info.element != element {
        return Err(format!(
            "input '{}' takes {} in the graph but its encoder gives {element}",
            info.name, info.element
        ));
    }
    let Some(dimensions) = &info.dimensions else {
        return Ok(());
    };
    let built: Vec<usize> = std::iter::once(batch_size)
        .chain(spec.shape.iter().copied())
        .collect();
    let fits = |(dimension, size): (&Dimension, &usize)| match dimension {
        Dimension::Fixed(fixed) => *fixed == *size as u64,
        Dimension::Symbolic(_) | Dimension::Unknown => true,
    };
    if dimensions.len() == built.len() && dimensions.iter().zip(&built).all(fits) {
        return Ok(());
    }
    Err(format!(
        "input '{}' has shape {} in the graph but {built:?} by the manifest",
        info.name,
        shape(dimensions)
    ))
}

fn check_output(info: &TensorInfo, column: Option<u32>, batch_size: usize) -> Result<(), String> {
    if info.element != varisk_onnx::ElementType::Float32 {
        return Err(format!(
            "output '{}' is {}; only tensors of float32 can be read, such as probabilities and not labels",
            info.name, info.element
        ));
    }
    let Some(dimensions) = &info.dimensions else {
        return Ok(());
    };
    let width = match dimensions.as_slice() {
        [_] => Some(1),
        [_, Dimension::Fixed(width)] => Some(*width),
        [_, _] => None,
        _ => {
            return Err(format!(
                "output '{}' has shape {}; (batch) or (batch, width) is needed",
                info.name,
                shape(dimensions)
            ));
        }
    };
    if let Some(Dimension::Fixed(first)) = dimensions.first()
        && *first != batch_size as u64
    {
        return Err(format!(
            "output '{}' has a fixed batch of {first} but the manifest's batch_size is {batch_size}",
            info.name
        ));
    }
    match (width, column) {
        (Some(width), Some(column)) if u64::from(column) >= width => Err(format!(
            "output '{}' has {width} columns; the manifest asks for column {column} (from 0)",
            info.name
        )),
        (Some(width), None) if width != 1 => Err(format!(
            "output '{}' has {width} columns; the manifest must say which with 'column'",
            info.name
        )),
        _ => Ok(()),
    }
}

fn shape(dimensions: &[Dimension]) -> String {
    let text = dimensions.iter().map(|dimension| match dimension {
        Dimension::Fixed(size) => size.to_string(),
        Dimension::Symbolic(name) => name.clone(),
        Dimension::Unknown => "?".to_owned(),
    });
    format!("[{}]", text.collect::<Vec<_>>().join(", "))
}
