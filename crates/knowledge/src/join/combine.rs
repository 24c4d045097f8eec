//! From matching rows of a table to one value for each row of the batch.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringBuilder, UInt32Array,
    new_null_array,
};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::{Combine, KnowledgeError};

/// Rows of a table that match rows of a batch.
#[derive(Default)]
pub(super) struct Matches {
    /// Row of the batch of each match.
    pub(super) rows: Vec<u32>,
    /// Changed bases that the interval of each match covers; empty for alleles.
    pub(super) bases: Vec<u32>,
    /// Fields of the matches, segment by segment.
    pieces: Vec<Vec<ArrayRef>>,
}

impl Matches {
    /// Copies the fields of matching rows out of a segment, so that its pages can go.
    pub(super) fn take(
        &mut self,
        segment: &RecordBatch,
        fields: &[usize],
        indices: &UInt32Array,
    ) -> Result<(), KnowledgeError> {
        if indices.is_empty() {
            return Ok(());
        }
        let columns: Result<Vec<ArrayRef>, ArrowError> = fields
            .iter()
            .map(|field| take(segment.column(*field), indices, None))
            .collect();
        self.pieces.push(columns?);
        Ok(())
    }

    /// One field of all matches.
    fn field(&self, field: usize, data_type: &DataType) -> Result<ArrayRef, KnowledgeError> {
        let pieces: Vec<&dyn Array> = self
            .pieces
            .iter()
            .filter_map(|piece| piece.get(field).map(AsRef::as_ref))
            .collect();
        Ok(match pieces.as_slice() {
            [] => new_null_array(data_type, 0),
            _ => concat(&pieces)?,
        })
    }

    /// For each row of the batch its matches; `None` where some row has several.
    fn single(&self, len: usize) -> Option<UInt32Array> {
        let mut at = vec![None; len];
        for (index, row) in (0..).zip(&self.rows) {
            let slot: &mut Option<u32> = at.get_mut(*row as usize)?;
            if slot.replace(index).is_some() {
                return None;
            }
        }
        Some(UInt32Array::from(at))
    }

    /// Columns for a batch of `len` rows: null where nothing matches, several matches combined.
    pub(super) fn columns(
        &self,
        len: usize,
        fields: &[(usize, DataType)],
        how: Combine,
    ) -> Result<Vec<ArrayRef>, KnowledgeError> {
        if self.rows.is_empty() {
            return Ok(fields
                .iter()
                .map(|(_, data_type)| new_null_array(data_type, len))
                .collect());
        }
        let single = self.single(len);
        let groups = match &single {
            Some(_) => Vec::new(),
            None => self.groups(),
        };
        fields
            .iter()
            .map(|(field, data_type)| {
                let values = self.field(*field, data_type)?;
                match &single {
                    Some(indices) => Ok(take(&values, indices, None)?),
                    None => self.combine(len, &groups, &values, how),
                }
            })
            .collect()
    }

    /// Matches of each row, in the order of the table, as (row, match).
    fn groups(&self) -> Vec<(u32, u32)> {
        let mut groups: Vec<(u32, u32)> = self.rows.iter().copied().zip(0..).collect();
        groups.sort_unstable();
        groups
    }

    fn combine(
        &self,
        len: usize,
        groups: &[(u32, u32)],
        values: &ArrayRef,
        how: Combine,
    ) -> Result<ArrayRef, KnowledgeError> {
        let chunks = || groups.chunk_by(|a, b| a.0 == b.0);
        let row_of = |group: &[(u32, u32)]| group.first().map_or(0, |(row, _)| *row as usize);
        let valid = |group: &[(u32, u32)]| -> Vec<usize> {
            group
                .iter()
                .map(|(_, index)| *index as usize)
                .filter(|index| values.is_valid(*index))
                .collect()
        };
        if how == Combine::First {
            let mut at = vec![None; len];
            for group in chunks() {
                if let Some(slot) = at.get_mut(row_of(group)) {
                    *slot = group.first().map(|(_, index)| *index);
                }
            }
            return Ok(take(values, &UInt32Array::from(at), None)?);
        }
        Ok(match values.data_type() {
            DataType::Float64 => {
                let numbers = values.as_primitive::<Float64Type>();
                let mut out: Vec<Option<f64>> = vec![None; len];
                for group in chunks() {
                    let all = valid(group);
                    let each = all.iter().map(|index| numbers.value(*index));
                    let value = match how {
                        Combine::Min => each.reduce(f64::min),
                        Combine::Mean => self.mean(&all, numbers),
                        Combine::Max | Combine::First => each.reduce(f64::max),
                    };
                    if let Some(slot) = out.get_mut(row_of(group)) {
                        *slot = value;
                    }
                }
                Arc::new(Float64Array::from(out))
            }
            DataType::Int64 => {
                let numbers = values.as_primitive::<Int64Type>();
                let mut out: Vec<Option<i64>> = vec![None; len];
                for group in chunks() {
                    let all = valid(group);
                    let each = all.iter().map(|index| numbers.value(*index));
                    let value = match how {
                        Combine::Min => each.min(),
                        // The configuration refuses the mean of whole numbers.
                        Combine::Max | Combine::Mean | Combine::First => each.max(),
                    };
                    if let Some(slot) = out.get_mut(row_of(group)) {
                        *slot = value;
                    }
                }
                Arc::new(Int64Array::from(out))
            }
            DataType::Boolean => {
                let flags = values.as_boolean();
                let mut out: Vec<Option<bool>> = vec![None; len];
                for group in chunks() {
                    let value = valid(group)
                        .into_iter()
                        .map(|index| flags.value(index))
                        .reduce(|a, b| a || b);
                    if let Some(slot) = out.get_mut(row_of(group)) {
                        *slot = value;
                    }
                }
                Arc::new(BooleanArray::from(out))
            }
            DataType::Utf8 => {
                let texts = values.as_string::<i32>();
                let mut builder = StringBuilder::new();
                let mut next = 0;
                for group in chunks() {
                    let row = row_of(group);
                    (next..row).for_each(|_| builder.append_null());
                    next = row + 1;
                    let mut seen = BTreeSet::new();
                    let distinct: Vec<&str> = valid(group)
                        .into_iter()
                        .map(|index| texts.value(index))
                        .filter(|text| seen.insert(*text))
                        .collect();
                    builder.append_option((!distinct.is_empty()).then(|| distinct.join(",")));
                }
                (next..len).for_each(|_| builder.append_null());
                Arc::new(builder.finish())
            }
            other => {
                return Err(ArrowError::SchemaError(format!("no combination of {other}")).into());
            }
        })
    }

    /// Mean over the changed bases that have a value: an interval counts once for each of them.
    fn mean(&self, matches: &[usize], numbers: &Float64Array) -> Option<f64> {
        let weight = |index: &usize| f64::from(self.bases.get(*index).copied().unwrap_or(1));
        let total: f64 = matches.iter().map(weight).sum();
        let sum: f64 = matches
            .iter()
            .map(|index| numbers.value(*index) * weight(index))
            .sum();
        (total > 0.0).then(|| sum / total)
    }
}
