//! Tables keyed by gene: constraint, dosage, disease validity.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use super::delimited::{Delimited, NOT_SELECTED};
use super::{configured, defect};
use crate::build::{Made, Tally};
use crate::rows::FieldBuilder;
use crate::table_file::{TableCounts, TableWriter, names};
use crate::{FieldType, GeneKey, KnowledgeError, SourceConfig};

/// Why a row was left out: it names no gene.
const NO_GENE: &str = "no_gene";

/// Reads a table and writes it sorted by gene, rows of one gene in the order of the file.
///
/// # Memory
/// The table: genes are some tens of thousands.
pub(crate) fn build(source: &SourceConfig, output: &Path) -> Result<Made, KnowledgeError> {
    let key = source
        .key
        .as_ref()
        .ok_or_else(|| defect(source, "it lacks 'key'"))?;
    let fields = configured(source, FieldType::Text);
    let mut wanted = vec![&key.column];
    wanted.extend(source.fields.values().filter_map(|spec| spec.from()));
    let (mut table, columns) = Delimited::open(source, &wanted, true)?;
    let (key_column, values) = columns.split_at(1);
    let mut tally = Tally::default();
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    // Values are parsed once to name the line of one that is not what the field says.
    let mut probes: Vec<FieldBuilder> = fields
        .iter()
        .map(|field| FieldBuilder::new(field.field_type))
        .collect();
    while table.next()? {
        tally.records += 1;
        if !table.is_selected() {
            tally.drop_row(NOT_SELECTED);
            continue;
        }
        let text = table.text(key_column[0])?;
        let gene = match key.by {
            GeneKey::Symbol => text,
            GeneKey::Id => without_version(text),
        };
        if matches!(gene, "" | "." | "NA") || gene.chars().all(|c| "+-=*".contains(c)) {
            tally.drop_row(NO_GENE);
            continue;
        }
        let gene = gene.to_owned();
        let mut cells = Vec::with_capacity(fields.len());
        for ((column, field), probe) in values.iter().zip(&fields).zip(&mut probes) {
            let cell = table.text(*column)?;
            probe
                .push_text(cell)
                .map_err(|detail| table.malformed(format!("field '{}': {detail}", field.name)))?;
            cells.push(cell.to_owned());
        }
        rows.push((gene, cells));
    }
    if rows.is_empty() {
        return Err(KnowledgeError::Empty {
            name: source.name.clone(),
            path: source.path.clone(),
            records: tally.records,
            reasons: "none names a gene".to_owned(),
        });
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let duplicates = rows
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .count();
    tally.kept = rows.len() as u64;

    let mut schema = vec![Field::new(names::KEY, DataType::Utf8, false)];
    let keys: StringArray = rows.iter().map(|(gene, _)| Some(gene.as_str())).collect();
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(keys)];
    for (i, field) in fields.iter().enumerate() {
        let mut builder = FieldBuilder::new(field.field_type);
        for (_, cells) in &rows {
            let cell = cells.get(i).map_or("", String::as_str);
            builder
                .push_text(cell)
                .map_err(|detail| defect(source, detail))?;
        }
        let array = builder.finish();
        schema.push(Field::new(&field.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(schema));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    let mut writer = TableWriter::create(output, &source.name, schema)?;
    writer.write(batch)?;
    writer.finish()?;
    Ok(Made {
        counts: TableCounts {
            rows: tally.kept,
            duplicates: duplicates as u64,
            longest_interval: 0,
        },
        fields,
        tally,
        models: Vec::new(),
    })
}

/// An identifier without its version: `ENSG00000012048.23` is `ENSG00000012048`.
pub(crate) fn without_version(id: &str) -> &str {
    match id.split_once('.') {
        Some((stem, version))
            if !stem.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            stem
        }
        _ => id,
    }
}
