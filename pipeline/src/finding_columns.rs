//! What is known of the alleles in `findings.parquet` and `known_variants.parquet`: the columns that
//! stages added to the variants table, and the releases of the sources behind them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array, new_null_array,
};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use varisk_core::columns as c;
use varisk_report::SourceRecord;

use crate::annotation::is_annotation;

/// Column with names and releases of the sources.
const RELEASES: &str = "knowledge_releases";

/// An allele with its record of the input: contig, position, REF, ALT, then the same of the record.
type Key = (String, u32, String, String, u32, String, String);

/// Gathers the annotations of reported alleles while the variants table is written.
pub(crate) struct FindingColumns {
    findings: RecordBatch,
    fields: Vec<Arc<Field>>,
    /// Rows of the findings by allele.
    wanted: HashMap<Key, Vec<usize>>,
    /// For each field the values found so far, in pieces.
    pieces: Vec<Vec<ArrayRef>>,
    /// For each row of the findings the place of its values among all pieces.
    places: Vec<Option<u32>>,
    gathered: u32,
    releases: String,
}

impl FindingColumns {
    pub(crate) fn new(
        findings: RecordBatch,
        variants: &SchemaRef,
        sources: &[SourceRecord],
    ) -> Self {
        let fields: Vec<Arc<Field>> = variants
            .fields()
            .iter()
            // All lines of consequences stand in the variants table; here the chosen one serves.
            .filter(|field| {
                is_annotation(field.name()) && !matches!(field.data_type(), DataType::List(_))
            })
            .cloned()
            .collect();
        let mut wanted: HashMap<Key, Vec<usize>> = HashMap::new();
        if !fields.is_empty() {
            for (row, key) in keys(&findings) {
                wanted.entry(key).or_default().push(row);
            }
        }
        let releases: Vec<String> = sources
            .iter()
            .map(|source| format!("{}={}", source.name, source.release))
            .collect();
        Self {
            places: vec![None; findings.num_rows()],
            pieces: vec![Vec::new(); fields.len()],
            findings,
            fields,
            wanted,
            gathered: 0,
            releases: releases.join("; "),
        }
    }

    /// Takes in rows of the variants table.
    pub(crate) fn observe(&mut self, variants: &RecordBatch) -> anyhow::Result<()> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::new();
        for (row, key) in keys(variants) {
            let Some(findings) = self.wanted.get(&key) else {
                continue;
            };
            for finding in findings {
                // An allele that stands twice in the input has the same annotations twice.
                self.places[*finding].get_or_insert(self.gathered);
            }
            rows.push(u32::try_from(row).unwrap_or(u32::MAX));
            self.gathered += 1;
        }
        if rows.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from(rows);
        for (field, pieces) in self.fields.iter().zip(&mut self.pieces) {
            if let Some(column) = variants.column_by_name(field.name()) {
                pieces.push(take(column, &rows, None)?);
            }
        }
        Ok(())
    }

    /// The findings with their annotations.
    pub(crate) fn finish(self) -> anyhow::Result<RecordBatch> {
        if self.fields.is_empty() {
            return Ok(self.findings);
        }
        let rows = self.findings.num_rows();
        let places: UInt32Array = self.places.iter().copied().collect();
        let mut fields: Vec<Arc<Field>> = self.findings.schema().fields().iter().cloned().collect();
        let mut columns = self.findings.columns().to_vec();
        for (field, pieces) in self.fields.iter().zip(&self.pieces) {
            let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            columns.push(if pieces.is_empty() {
                new_null_array(field.data_type(), rows)
            } else {
                take(&concat(&pieces)?, &places, None)?
            });
            fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
        }
        fields.push(Arc::new(Field::new(RELEASES, DataType::Utf8, true)));
        let releases = (!self.releases.is_empty()).then_some(self.releases.as_str());
        columns.push(Arc::new(StringArray::from(vec![releases; rows])));
        Ok(RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            columns,
        )?)
    }
}

/// The alleles of a table with their rows; rows without an alternate allele are passed over.
fn keys(table: &RecordBatch) -> impl Iterator<Item = (usize, Key)> + '_ {
    let text = |name: &str| {
        table
            .column_by_name(name)
            .and_then(|column| column.as_string_opt::<i32>())
    };
    let number = |name: &str| {
        table
            .column_by_name(name)
            .and_then(|column| column.as_primitive_opt::<UInt32Type>())
    };
    let texts = [
        c::CONTIG,
        c::REFERENCE,
        c::ALTERNATE,
        c::INPUT_REFERENCE,
        c::INPUT_ALTERNATE,
    ]
    .map(text);
    let numbers = [c::POSITION, c::INPUT_POSITION].map(number);
    (0..table.num_rows()).filter_map(move |row| {
        let text = |at: usize| {
            let column = texts[at]?;
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        let number = |at: usize| Some(numbers[at]?.value(row));
        Some((
            row,
            (
                text(0)?,
                number(0)?,
                text(1)?,
                text(2)?,
                number(1)?,
                text(3)?,
                text(4)?,
            ),
        ))
    })
}
