//! Constants of a graph as numbers.

use varisk_onnx::ElementType;
use varisk_onnx::proto::{NodeProto, TensorProto};

/// Numbers with a shape; none of the dimensions for a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) dimensions: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

impl Constant {
    /// The numbers for each of so many columns, where the same ones are for every row.
    pub(crate) fn for_columns(&self, columns: usize) -> Option<Vec<f64>> {
        let (last, outer) = match self.dimensions.split_last() {
            None => (1, &[][..]),
            Some((last, outer)) => (*last, outer),
        };
        if outer.len() > 1 || outer.iter().any(|size| *size != 1) {
            return None;
        }
        match last {
            1 => Some(vec![*self.values.first()?; columns]),
            last if last == columns => Some(self.values.clone()),
            _ => None,
        }
    }
}

/// Reads a tensor; the error ends the sentence "the constant, which".
pub(crate) fn read_tensor(tensor: &TensorProto) -> Result<Constant, &'static str> {
    if tensor.data_location != 0 || !tensor.external_data.is_empty() {
        return Err("is in another file");
    }
    let element = ElementType::from_number(tensor.data_type);
    let raw = &tensor.raw_data;
    let values: Vec<f64> = match element {
        ElementType::Float32 if raw.is_empty() => {
            tensor.float_data.iter().map(|v| f64::from(*v)).collect()
        }
        ElementType::Float32 => numbers(raw, |bytes| f64::from(f32::from_le_bytes(bytes)))?,
        ElementType::Float64 if raw.is_empty() => tensor.double_data.clone(),
        ElementType::Float64 => numbers(raw, f64::from_le_bytes)?,
        ElementType::Int64 if raw.is_empty() => {
            tensor.int64_data.iter().map(|v| *v as f64).collect()
        }
        ElementType::Int64 => numbers(raw, |bytes| i64::from_le_bytes(bytes) as f64)?,
        _ => return Err("is neither float32, float64 nor int64"),
    };
    let dimensions = tensor.dims.iter().map(|size| usize::try_from(*size));
    let dimensions: Vec<usize> = dimensions
        .collect::<Result<_, _>>()
        .map_err(|_| "has a negative dimension")?;
    let size = dimensions
        .iter()
        .try_fold(1_usize, |product, size| product.checked_mul(*size));
    if size != Some(values.len()) {
        return Err("has another number of values than its shape");
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err("has a value that is not finite");
    }
    Ok(Constant { dimensions, values })
}

/// Reads a node of the operator `Constant`.
pub(crate) fn read_node(node: &NodeProto) -> Result<Constant, &'static str> {
    let attribute = node.attribute.first().ok_or("has no value")?;
    let (dimensions, values) = match attribute.name.as_str() {
        "value" => return read_tensor(attribute.t.as_ref().ok_or("has no value")?),
        "value_float" => (vec![], vec![f64::from(attribute.f)]),
        "value_int" => (vec![], vec![attribute.i as f64]),
        "value_floats" => {
            let values: Vec<f64> = attribute.floats.iter().map(|v| f64::from(*v)).collect();
            (vec![values.len()], values)
        }
        "value_ints" => {
            let values: Vec<f64> = attribute.ints.iter().map(|v| *v as f64).collect();
            (vec![values.len()], values)
        }
        _ => return Err("is no tensor of numbers"),
    };
    Ok(Constant { dimensions, values })
}

fn numbers<const SIZE: usize>(
    raw: &[u8],
    number: impl Fn([u8; SIZE]) -> f64,
) -> Result<Vec<f64>, &'static str> {
    let (chunks, rest) = raw.as_chunks::<SIZE>();
    if !rest.is_empty() {
        return Err("is cut off");
    }
    Ok(chunks.iter().map(|bytes| number(*bytes)).collect())
}
