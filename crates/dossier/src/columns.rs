//! Typed access to the columns of a batch, each looked up once.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, ListArray, RecordBatch, StringArray,
    UInt64Array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, UInt64Type};

use crate::DossierError;
use crate::source::TableRows;

/// The columns of one batch of a table. A column that the table does not have reads as null, so that
/// folders of an older program of the same schema version can be read.
pub(crate) struct Columns<'b> {
    batch: &'b RecordBatch,
    table: &'b TableRows,
}

impl<'b> Columns<'b> {
    pub(crate) fn new(batch: &'b RecordBatch, table: &'b TableRows) -> Self {
        Self { batch, table }
    }

    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    pub(crate) fn damaged(&self, detail: String) -> DossierError {
        self.table.damaged(detail)
    }

    fn column(&self, name: &str, kind: &DataType) -> Result<Option<ArrayRef>, DossierError> {
        let Some(column) = self.batch.column_by_name(name) else {
            return Ok(None);
        };
        if column.data_type() == kind {
            return Ok(Some(column.clone()));
        }
        // A value that does not fit must not become a missing one.
        let options = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        cast_with_options(column, kind, &options)
            .map(Some)
            .map_err(|_| DossierError::Kind {
                path: self.table.path().to_owned(),
                column: name.to_owned(),
                found: column.data_type().to_string(),
                expected: kind.to_string(),
            })
    }

    pub(crate) fn text(&self, name: &str) -> Result<Texts, DossierError> {
        let column = self.column(name, &DataType::Utf8)?;
        Ok(Texts(column.map(|column| column.as_string().clone())))
    }

    pub(crate) fn number(&self, name: &str) -> Result<Numbers, DossierError> {
        let column = self.column(name, &DataType::Float64)?;
        Ok(Numbers(column.map(|column| {
            column.as_primitive::<Float64Type>().clone()
        })))
    }

    pub(crate) fn count(&self, name: &str) -> Result<Counts, DossierError> {
        let column = self.column(name, &DataType::UInt64)?;
        Ok(Counts(
            column.map(|column| column.as_primitive::<UInt64Type>().clone()),
        ))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Flags, DossierError> {
        let column = self.column(name, &DataType::Boolean)?;
        Ok(Flags(column.map(|column| column.as_boolean().clone())))
    }

    pub(crate) fn numbers(&self, name: &str) -> Result<Lists, DossierError> {
        let Some(column) = self.batch.column_by_name(name) else {
            return Ok(Lists(None));
        };
        match column.as_list_opt::<i32>() {
            Some(list) if list.values().data_type() == &DataType::Float64 => {
                Ok(Lists(Some(list.clone())))
            }
            _ => Err(self.damaged(format!("column {name} is no list of numbers"))),
        }
    }

    /// A value that every row must have.
    pub(crate) fn required<T>(&self, value: Option<T>, name: &str) -> Result<T, DossierError> {
        value.ok_or_else(|| self.damaged(format!("column {name} is missing or has no value")))
    }
}

/// A column of texts.
pub(crate) struct Texts(Option<StringArray>);

impl Texts {
    pub(crate) fn get(&self, row: usize) -> Option<String> {
        let column = self.0.as_ref().filter(|column| column.is_valid(row))?;
        Some(column.value(row).to_owned())
    }
}

/// A column of numbers.
pub(crate) struct Numbers(Option<Float64Array>);

impl Numbers {
    pub(crate) fn get(&self, row: usize) -> Option<f64> {
        let column = self.0.as_ref().filter(|column| column.is_valid(row))?;
        Some(column.value(row))
    }
}

/// A column of counts.
pub(crate) struct Counts(Option<UInt64Array>);

impl Counts {
    pub(crate) fn get(&self, row: usize) -> Option<u64> {
        let column = self.0.as_ref().filter(|column| column.is_valid(row))?;
        Some(column.value(row))
    }

    /// A count that a table keeps in 32 bits.
    pub(crate) fn small(&self, row: usize) -> Option<u32> {
        self.get(row).and_then(|value| u32::try_from(value).ok())
    }
}

/// A column of flags.
pub(crate) struct Flags(Option<BooleanArray>);

impl Flags {
    pub(crate) fn get(&self, row: usize) -> Option<bool> {
        let column = self.0.as_ref().filter(|column| column.is_valid(row))?;
        Some(column.value(row))
    }
}

/// A column of lists of numbers.
pub(crate) struct Lists(Option<ListArray>);

impl Lists {
    pub(crate) fn get(&self, row: usize) -> Option<Vec<f64>> {
        let column = self.0.as_ref().filter(|column| column.is_valid(row))?;
        let list = column.value(row);
        let values = list.as_primitive_opt::<Float64Type>()?;
        // A null among the numbers of a list would shift those behind it.
        (values.null_count() == 0).then(|| values.values().to_vec())
    }
}
