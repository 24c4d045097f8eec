//! Tensors of a fixed shape that rows are written into.

use ndarray::{ArrayD, IxDyn};
use serde::{Deserialize, Serialize};

use crate::EncodeError;

/// Elements of one tensor of a batch, at most: 2^28, 1 GiB of 32-bit floats. A larger buffer is a
/// slip in a manifest, not a model anybody runs.
pub(crate) const MAX_ELEMENTS: usize = 1 << 28;

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// 64-bit signed integer (ONNX `INT64`).
    #[default]
    I64,
    /// 32-bit signed integer (ONNX `INT32`).
    I32,
    /// 32-bit float (ONNX `FLOAT`).
    F32,
}

/// Name, element type and shape of one row of a tensor; the batch is dimension 0 and not in
/// `shape`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name of the model's input.
    pub name: String,
    /// Type of its elements.
    pub element: ElementType,
    /// Its dimensions after the batch dimension.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// Elements of one row.
    #[must_use]
    pub fn row_len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Refuses a batch that would not fit memory.
    pub(crate) fn check_size(&self, batch_size: usize) -> Result<(), EncodeError> {
        let elements = self.row_len().saturating_mul(batch_size);
        if elements > MAX_ELEMENTS {
            return Err(EncodeError::TooLarge {
                tensor: self.name.clone(),
                elements,
                limit: MAX_ELEMENTS,
            });
        }
        Ok(())
    }
}

/// Elements of a tensor: shape (batch size, then the shape of a row), row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(ArrayD<f32>),
    /// 64-bit integers.
    I64(ArrayD<i64>),
    /// 32-bit integers.
    I32(ArrayD<i32>),
}

impl TensorData {
    fn zeros(spec: &TensorSpec, batch_size: usize) -> Self {
        let mut shape = vec![batch_size];
        shape.extend(&spec.shape);
        let shape = IxDyn(&shape);
        match spec.element {
            ElementType::F32 => Self::F32(ArrayD::zeros(shape)),
            ElementType::I64 => Self::I64(ArrayD::zeros(shape)),
            ElementType::I32 => Self::I32(ArrayD::zeros(shape)),
        }
    }

    /// One row, to be written.
    pub(crate) fn row_mut(&mut self, slot: usize, len: usize) -> Result<RowMut<'_>, EncodeError> {
        let row = match self {
            Self::F32(array) => slice(array, slot, len).map(RowMut::F32),
            Self::I64(array) => slice(array, slot, len).map(RowMut::I64),
            Self::I32(array) => slice(array, slot, len).map(RowMut::I32),
        };
        row.ok_or(EncodeError::Internal(
            "tensor buffer is smaller than its batch",
        ))
    }
}

fn slice<T>(array: &mut ArrayD<T>, slot: usize, len: usize) -> Option<&mut [T]> {
    let start = slot.checked_mul(len)?;
    array
        .as_slice_mut()?
        .get_mut(start..start.checked_add(len)?)
}

/// One row of a tensor, flat.
pub(crate) enum RowMut<'a> {
    F32(&'a mut [f32]),
    I64(&'a mut [i64]),
    I32(&'a mut [i32]),
}

impl<'a> RowMut<'a> {
    /// The row as floats.
    pub(crate) fn floats(self) -> Result<&'a mut [f32], EncodeError> {
        match self {
            Self::F32(row) => Ok(row),
            _ => Err(EncodeError::Internal("tensor buffer is not of floats")),
        }
    }

    /// Writes whole numbers, then fills the rest of the row with one. The numbers must be below
    /// 2^24, so that every element type holds them exactly.
    pub(crate) fn write(self, values: impl IntoIterator<Item = i64>, rest: i64) {
        fn put<T: Copy>(
            row: &mut [T],
            values: impl IntoIterator<Item = i64>,
            rest: i64,
            cast: impl Fn(i64) -> T,
        ) {
            let mut values = values.into_iter();
            for element in row {
                *element = cast(values.next().unwrap_or(rest));
            }
        }
        match self {
            Self::F32(row) => put(row, values, rest, |value| value as f32),
            Self::I64(row) => put(row, values, rest, |value| value),
            Self::I32(row) => put(row, values, rest, |value| value as i32),
        }
    }
}

/// The input tensors of one batch of a model. Slots that hold no row hold neutral content, so the
/// whole batch is always a valid input.
#[derive(Clone, Debug)]
pub struct Tensors {
    names: Vec<String>,
    pub(crate) data: Vec<TensorData>,
    batch_size: usize,
    /// Slots from here on are neutral.
    pub(crate) used: usize,
}

impl Tensors {
    /// Zeroed buffers; the encoder makes every slot neutral before it hands them out.
    pub(crate) fn new(specs: &[TensorSpec], batch_size: usize) -> Self {
        Self {
            names: specs.iter().map(|spec| spec.name.clone()).collect(),
            data: specs
                .iter()
                .map(|spec| TensorData::zeros(spec, batch_size))
                .collect(),
            batch_size,
            used: batch_size,
        }
    }

    /// Row of a slot, the tensors one after the other; `None` beyond the batch, and where a tensor is
    /// not of floats.
    #[must_use]
    pub fn row(&self, slot: usize) -> Option<Vec<f32>> {
        let mut row = Vec::new();
        for data in &self.data {
            let TensorData::F32(array) = data else {
                return None;
            };
            let width = array.len() / self.batch_size.max(1);
            row.extend_from_slice(array.as_slice()?.get(slot * width..(slot + 1) * width)?);
        }
        Some(row)
    }

    /// Writes a row of [`Self::row`] into a slot; `false` where it does not fit.
    pub fn set_row(&mut self, slot: usize, row: &[f32]) -> bool {
        let mut rest = row;
        for data in &mut self.data {
            let TensorData::F32(array) = data else {
                return false;
            };
            let width = array.len() / self.batch_size.max(1);
            let own = array.as_slice_mut();
            let own = own.and_then(|own| own.get_mut(slot * width..(slot + 1) * width));
            let (Some(own), Some((values, after))) = (own, rest.split_at_checked(width)) else {
                return false;
            };
            own.copy_from_slice(values);
            rest = after;
        }
        self.used = self.used.max(slot + 1);
        rest.is_empty()
    }

    /// Rows of every tensor (dimension 0).
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Name and elements of every tensor, in the order of the manifest's inputs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TensorData)> {
        self.names.iter().map(String::as_str).zip(&self.data)
    }

    /// A tensor by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&TensorData> {
        self.iter()
            .find(|(own, _)| *own == name)
            .map(|(_, data)| data)
    }
}
