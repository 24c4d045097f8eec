//! Comparing rows by contig, position, key and alleles.

use std::cmp::Ordering;

use arrow::array::{Array, StringArray, UInt32Array, UInt64Array};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::KnowledgeError;

/// The key columns of a batch of rows, typed once. A clone shares them.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) rank: UInt32Array,
    pub(crate) start: UInt32Array,
    pub(crate) second: UInt64Array,
    pub(crate) reference: StringArray,
    pub(crate) alternate: StringArray,
}

impl Keys {
    pub(crate) fn try_new(batch: &RecordBatch) -> Result<Self, KnowledgeError> {
        Ok(Self {
            rank: column(batch, 0)?,
            start: column(batch, 1)?,
            second: column(batch, 2)?,
            reference: column(batch, 3)?,
            alternate: column(batch, 4)?,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.rank.len()
    }

    pub(crate) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let place = |keys: &Self, row: usize| {
            (
                keys.rank.value(row),
                keys.start.value(row),
                keys.second.value(row),
            )
        };
        place(self, row)
            .cmp(&place(other, other_row))
            .then_with(|| {
                let reference = self.reference.value(row);
                reference.cmp(other.reference.value(other_row))
            })
            .then_with(|| {
                let alternate = self.alternate.value(row);
                alternate.cmp(other.alternate.value(other_row))
            })
    }

    /// The order of the rows, equal ones as they stand; `None` where they are in order.
    pub(crate) fn order(&self) -> Option<UInt32Array> {
        let rows = self.len();
        if (1..rows).all(|row| self.compare(row - 1, self, row).is_le()) {
            return None;
        }
        let mut order: Vec<u32> = (0..u32::try_from(rows).unwrap_or(u32::MAX)).collect();
        order.sort_by(|a, b| self.compare(*a as usize, self, *b as usize));
        Some(UInt32Array::from(order))
    }
}

fn column<T: Array + Clone + 'static>(
    batch: &RecordBatch,
    index: usize,
) -> Result<T, KnowledgeError> {
    batch
        .columns()
        .get(index)
        .and_then(|array| array.as_any().downcast_ref::<T>())
        .cloned()
        .ok_or_else(|| {
            ArrowError::SchemaError(format!("key column {index} has another type")).into()
        })
}
