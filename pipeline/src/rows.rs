//! Rows of alleles on their way to a table: chosen columns, contigs by name instead of index.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use varisk_core::columns as c;

use crate::exit::Refusal;
use crate::fold_plan::FoldPlan;

/// The columns of a schema, out of all that stages gave.
pub(crate) fn project(sites: &RecordBatch, part: &SchemaRef) -> anyhow::Result<RecordBatch> {
    let missing = |name: &str| {
        Refusal::Software(format!(
            "internal error: batch has no column '{name}'; please report this"
        ))
    };
    let columns = part.fields().iter().map(|field| {
        sites
            .column_by_name(field.name())
            .cloned()
            .ok_or_else(|| missing(field.name()))
    });
    Ok(RecordBatch::try_new(
        Arc::clone(part),
        columns.collect::<Result<Vec<_>, _>>()?,
    )?)
}

/// Names the contigs of rows whose first column is their index.
pub(crate) struct NamedRows {
    schema: SchemaRef,
    names: Vec<String>,
}

impl NamedRows {
    pub(crate) fn try_new(plan: &FoldPlan) -> anyhow::Result<Self> {
        let part = plan.rows.schema()?;
        let mut fields: Vec<Arc<Field>> = part.fields().iter().cloned().collect();
        fields[0] = Arc::new(Field::new(c::CONTIG, DataType::Utf8, false));
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            names: plan.contigs.iter().map(|(name, _)| name.clone()).collect(),
        })
    }

    /// Schema of the named rows.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn named(&self, rows: &RecordBatch) -> anyhow::Result<RecordBatch> {
        let contigs = rows.column(0).as_primitive::<UInt32Type>();
        let contigs: StringArray = contigs
            .iter()
            .map(|index| index.and_then(|index| self.names.get(index as usize)))
            .collect();
        let mut columns = rows.columns().to_vec();
        columns[0] = Arc::new(contigs);
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
