//! Rows cut into pieces at places that depend on the rows alone, not on how they arrived.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

/// Rows of a piece, at most: page borders follow the pieces.
pub(crate) const PIECE_ROWS: usize = 8_192;
/// Bytes of a piece, about: texts of 8,192 long alleles would be gigabytes. A row that is longer is a
/// piece of its own.
const PIECE_BYTES: u64 = 4 << 20;
/// Bytes of an offset of text or a list.
const OFFSET_BYTES: u64 = 4;
/// Bytes of a value of a type that no table of ours has.
const OTHER_BYTES: u64 = 16;

/// Collects rows into pieces.
pub(crate) struct Pieces {
    schema: SchemaRef,
    pending: Vec<RecordBatch>,
    rows: usize,
    bytes: u64,
}

/// Some rows with their size, by [`row_bytes`].
pub(crate) struct Piece {
    pub(crate) rows: RecordBatch,
    pub(crate) bytes: u64,
}

impl Pieces {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            pending: Vec::new(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Columns of the rows.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Adds rows and returns the pieces that they complete.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<Vec<Piece>, ArrowError> {
        let mut done = Vec::new();
        let mut start = 0;
        for (row, bytes) in row_bytes(batch).into_iter().enumerate() {
            self.rows += 1;
            self.bytes += bytes;
            if self.rows == PIECE_ROWS || self.bytes >= PIECE_BYTES {
                self.pending.push(batch.slice(start, row + 1 - start));
                start = row + 1;
                done.extend(self.take()?);
            }
        }
        if start < batch.num_rows() {
            self.pending
                .push(batch.slice(start, batch.num_rows() - start));
        }
        Ok(done)
    }

    /// What is left.
    pub(crate) fn take(&mut self) -> Result<Option<Piece>, ArrowError> {
        let pending = std::mem::take(&mut self.pending);
        let bytes = std::mem::take(&mut self.bytes);
        self.rows = 0;
        if pending.is_empty() {
            return Ok(None);
        }
        let rows = concat_batches(&self.schema, &pending)?;
        Ok(Some(Piece { rows, bytes }))
    }
}

/// Bytes of each row as it stands in memory: widths of numbers, lengths of texts and lists. The same
/// rows have the same size however they arrive.
pub(crate) fn row_bytes(batch: &RecordBatch) -> Vec<u64> {
    let mut sizes = vec![0; batch.num_rows()];
    batch
        .columns()
        .iter()
        .for_each(|column| add_bytes(column, &mut sizes));
    sizes
}

fn add_bytes(column: &ArrayRef, sizes: &mut [u64]) {
    let each = |sizes: &mut [u64], bytes: u64| sizes.iter_mut().for_each(|size| *size += bytes);
    // What stands under a null does not count: it may be anything.
    let lengths = |sizes: &mut [u64], length: &dyn Fn(usize) -> u64| {
        for (row, size) in sizes.iter_mut().enumerate() {
            let own = if column.is_null(row) { 0 } else { length(row) };
            *size += OFFSET_BYTES + own;
        }
    };
    let between = |offsets: &[i32], row: usize| offsets[row].abs_diff(offsets[row + 1]).into();
    match column.data_type() {
        DataType::Boolean => each(sizes, 1),
        DataType::Utf8 => {
            let offsets = column.as_string::<i32>().value_offsets();
            lengths(sizes, &|row| between(offsets, row));
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let mut of_values = vec![0; list.values().len()];
            add_bytes(list.values(), &mut of_values);
            let offsets = list.value_offsets();
            lengths(sizes, &|row| {
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                of_values[range].iter().sum()
            });
        }
        DataType::Struct(_) => {
            let parts = column.as_struct().columns();
            parts.iter().for_each(|part| add_bytes(part, sizes));
        }
        other => each(
            sizes,
            other
                .primitive_width()
                .map_or(OTHER_BYTES, |width| width as u64),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, ListArray, StringArray, StructArray};
    use arrow::datatypes::{Field, UInt32Type};

    use super::*;

    #[test]
    fn a_row_has_the_size_of_its_values() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("abc"), None, Some("")]));
        let number: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(2.0)]));
        let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<UInt32Type, _, _>([
            Some(vec![Some(1), Some(2)]),
            None,
            Some(vec![]),
        ]));
        let inner = Arc::new(Field::new("inner", DataType::Utf8, true));
        let nested: ArrayRef = Arc::new(StructArray::from(vec![(inner, Arc::clone(&text))]));
        let columns = [("a", text), ("b", number), ("c", list), ("d", nested)];
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.map(|(name, values)| (name, values, true)),
        )
        .unwrap();
        let expected = [7 + 8 + 12 + 7, 4 + 8 + 4 + 4, 4 + 8 + 4 + 4];
        assert_eq!(row_bytes(&batch), expected);
        assert_eq!(row_bytes(&batch.slice(1, 2)), expected[1..]);
    }
}
