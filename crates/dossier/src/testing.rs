//! Run folders made by hand, for the tests of this crate and of those that read runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, ListArray, RecordBatch, StringArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use varisk_report::{
    ReportError, RunRecord, SCHEMA_VERSION, SourceRecord, Table, TableFolder, table_files,
    write_table,
};

use crate::folder::sha256;

/// A column of a made-up table.
#[derive(Clone, Debug)]
pub enum Values {
    /// Words.
    Texts(Vec<Option<String>>),
    /// Numbers; cast to the type of the published column.
    Numbers(Vec<Option<f64>>),
    /// Yes or no.
    Flags(Vec<Option<bool>>),
    /// Lists of numbers.
    Lists(Vec<Option<Vec<f64>>>),
}

impl Values {
    /// Words, none of them null.
    pub fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Self {
        Self::Texts(
            values
                .into_iter()
                .map(|value| Some(value.to_string()))
                .collect(),
        )
    }

    /// Numbers, none of them null.
    pub fn numbers(values: impl IntoIterator<Item = f64>) -> Self {
        Self::Numbers(values.into_iter().map(Some).collect())
    }

    fn array(&self) -> ArrayRef {
        match self {
            Self::Texts(values) => Arc::new(StringArray::from(values.clone())),
            Self::Numbers(values) => Arc::new(Float64Array::from(values.clone())),
            Self::Flags(values) => Arc::new(BooleanArray::from(values.clone())),
            Self::Lists(values) => {
                let lists = values.iter().map(|list| {
                    list.as_ref()
                        .map(|list| list.iter().map(|value| Some(*value)).collect::<Vec<_>>())
                });
                Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists))
            }
        }
    }
}

/// A run folder in the making.
#[derive(Debug)]
pub struct TestRun {
    record: RunRecord,
}

impl Default for TestRun {
    fn default() -> Self {
        Self {
            record: RunRecord {
                schema_version: SCHEMA_VERSION,
                notice: "Research output, not a diagnosis.".to_owned(),
                varisk: "0.1.0".to_owned(),
                verb: "run".to_owned(),
                genome_build: "GRCh38".to_owned(),
                onnxruntime: None,
                onnxruntime_version: None,
                inputs: Vec::new(),
                models: Vec::new(),
                knowledge: Vec::new(),
                parameters: serde_json::json!({}),
                plan_sha256: "00".repeat(32),
                patients: 1,
                counts: BTreeMap::new(),
                drift: Vec::new(),
                warnings: Vec::new(),
                tables: BTreeMap::new(),
                timings: Vec::new(),
                wall_seconds: 1.0,
            },
        }
    }
}

impl TestRun {
    /// The record, to be changed at will.
    pub fn record(&mut self) -> &mut RunRecord {
        &mut self.record
    }

    /// Adds a knowledge source.
    pub fn source(&mut self, name: &str, kind: &str, release: &str) -> &mut Self {
        self.record.knowledge.push(SourceRecord {
            name: name.to_owned(),
            kind: kind.to_owned(),
            release: release.to_owned(),
            licence: String::new(),
            sha256: format!("{release:0>64}"),
        });
        self
    }

    /// Writes a table of the published columns: those given, others null, or empty where they may not
    /// be. Columns that the published table does not have come behind.
    ///
    /// # Errors
    /// The file cannot be written, or columns differ in length.
    pub fn table(
        &mut self,
        folder: &TableFolder,
        table: Table,
        given: &[(&str, Values)],
    ) -> Result<&mut Self, ReportError> {
        let columns: BTreeMap<&str, ArrayRef> = given
            .iter()
            .map(|(name, values)| (*name, values.array()))
            .collect();
        let rows = columns.values().next().map_or(0, |column| column.len());
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for field in table.schema().fields() {
            let column = match columns.get(field.name().as_str()) {
                Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
                Some(column) => cast(column, field.data_type())?,
                None if field.is_nullable() => new_null_array(field.data_type(), rows),
                None if field.data_type() == &DataType::Utf8 => {
                    Arc::new(StringArray::from(vec!["x"; rows]))
                }
                None => {
                    let zeros: ArrayRef = Arc::new(Float64Array::from(vec![0.0; rows]));
                    cast(&zeros, field.data_type())?
                }
            };
            fields.push(field.as_ref().clone());
            arrays.push(column);
        }
        let published = |name: &str| table.columns.iter().any(|column| column.name == name);
        for (name, column) in columns.iter().filter(|(name, _)| !published(name)) {
            fields.push(Field::new(*name, column.data_type().clone(), true));
            arrays.push(Arc::clone(column));
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
        write_table(folder, table.name, batch)?;
        Ok(self)
    }

    /// Writes `run.json` with the hashes of all tables that are there.
    ///
    /// # Errors
    /// A table cannot be read, or the file not be written.
    pub fn finish(&mut self, folder: &Path) -> std::io::Result<()> {
        for (name, path) in table_files(folder)? {
            self.record.tables.insert(name, sha256(&path)?);
        }
        let json = serde_json::to_vec(&self.record)?;
        std::fs::write(folder.join("run.json"), json)
    }
}
