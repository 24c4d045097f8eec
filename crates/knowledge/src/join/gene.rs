//! The stage that joins tables keyed by gene, through the gene of each allele's consequence.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use varisk_core::{BatchError, SiteBatch, Stage, StageError, Worker};

use crate::sources::gene_table::without_version;
use crate::table_file::names;
use crate::{Bundle, KnowledgeError, LockedSource, MatchKind};

const NAME: &str = "genes";
/// Column with the symbol of the gene of an allele's consequence.
const SYMBOL_COLUMN: &str = "consequence.gene";
/// Column with its identifier.
const ID_COLUMN: &str = "consequence.gene_id";

/// Joins gene tables of a bundle: adds a column `<source>.<field>` for each field, null where the
/// allele has no gene or the table not that gene.
///
/// # Memory
/// The tables, shared by all threads.
pub struct GeneTableStage {
    tables: Arc<[GeneTable]>,
}

/// A gene table in memory.
struct GeneTable {
    /// Column of the batch that names the gene.
    key_column: &'static str,
    by_id: bool,
    rows: HashMap<String, u32>,
    /// Names of the columns added, and their values.
    columns: Vec<(String, ArrayRef)>,
}

impl GeneTableStage {
    /// Reads gene tables: sources (`constraint`: all fields) or fields (`constraint.loeuf`).
    ///
    /// # Errors
    /// The bundle lacks one, a source is not keyed by gene, or its table cannot be read.
    pub fn try_new<S: AsRef<str>>(bundle: &Bundle, wanted: &[S]) -> Result<Self, KnowledgeError> {
        let mut tables: Vec<(String, GeneTable)> = Vec::new();
        for name in wanted {
            let (source, field) = bundle.resolve(name.as_ref())?;
            let place = tables.iter().position(|(other, _)| *other == source.name);
            let at = match place {
                Some(at) => at,
                None => {
                    let table = GeneTable::read(bundle, source)?;
                    tables.push((source.name.clone(), table));
                    tables.len() - 1
                }
            };
            let batch = concat_table(bundle, source)?;
            let (_, table) = &mut tables[at];
            for column in source.columns.iter().map(|column| &column.name) {
                let added = format!("{}.{column}", source.name);
                let is_new = !table.columns.iter().any(|(name, _)| *name == added);
                if is_new && field.is_none_or(|field| field == column) {
                    let values = batch.column_by_name(column).cloned();
                    table
                        .columns
                        .push((added, values.ok_or_else(|| differs(bundle, source))?));
                }
            }
        }
        Ok(Self {
            tables: tables.into_iter().map(|(_, table)| table).collect(),
        })
    }
}

fn concat_table(bundle: &Bundle, source: &LockedSource) -> Result<RecordBatch, KnowledgeError> {
    let batches = bundle.table(&source.name)?;
    let schema = batches
        .first()
        .map(RecordBatch::schema)
        .ok_or_else(|| differs(bundle, source))?;
    Ok(concat_batches(&schema, &batches)?)
}

fn differs(bundle: &Bundle, source: &LockedSource) -> KnowledgeError {
    KnowledgeError::Changed {
        path: bundle.table_path(source),
        detail: "its columns are not those of the lock".to_owned(),
    }
}

impl GeneTable {
    fn read(bundle: &Bundle, source: &LockedSource) -> Result<Self, KnowledgeError> {
        let (key_column, by_id) = match source.matching {
            MatchKind::GeneSymbol => (SYMBOL_COLUMN, false),
            MatchKind::GeneId => (ID_COLUMN, true),
            _ => {
                return Err(KnowledgeError::Misuse {
                    name: source.name.clone(),
                    detail: "is not keyed by gene, so it is not joined by gene".to_owned(),
                });
            }
        };
        let batch = concat_table(bundle, source)?;
        let keys = batch
            .column_by_name(names::KEY)
            .and_then(|keys| keys.as_string_opt::<i32>())
            .ok_or_else(|| differs(bundle, source))?;
        let mut rows = HashMap::with_capacity(keys.len());
        for (row, key) in (0..).zip(keys.iter().flatten()) {
            // Of several rows of a gene the first counts, as in the file.
            rows.entry(key.to_owned()).or_insert(row);
        }
        Ok(Self {
            key_column,
            by_id,
            rows,
            columns: Vec::new(),
        })
    }

    /// Row of the table for each row of a batch. Alleles of one gene follow each other, so most look
    /// nothing up.
    fn find(&self, genes: &StringArray) -> UInt32Array {
        let mut last: Option<(&str, Option<u32>)> = None;
        genes
            .iter()
            .map(|gene| {
                let gene = gene?;
                let gene = if self.by_id {
                    without_version(gene)
                } else {
                    gene
                };
                match last {
                    Some((other, row)) if other == gene => row,
                    _ => {
                        let row = self.rows.get(gene).copied();
                        last = Some((gene, row));
                        row
                    }
                }
            })
            .collect()
    }
}

impl Stage for GeneTableStage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn output_schema(&self, input: &SchemaRef) -> Result<SchemaRef, StageError> {
        let mut fields: Vec<Arc<Field>> = input.fields().iter().cloned().collect();
        for table in self.tables.iter() {
            let key = input.field_with_name(table.key_column).ok();
            if key.is_none_or(|field| *field.data_type() != DataType::Utf8) {
                let error = BatchError::Column {
                    name: table.key_column.to_owned(),
                    expected: "Utf8",
                };
                return Err(StageError::new(NAME, error));
            }
            for (name, values) in &table.columns {
                fields.push(Arc::new(Field::new(name, values.data_type().clone(), true)));
            }
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    fn worker(&self) -> Result<Box<dyn Worker>, StageError> {
        Ok(Box::new(GeneWorker {
            tables: Arc::clone(&self.tables),
        }))
    }
}

struct GeneWorker {
    tables: Arc<[GeneTable]>,
}

impl Worker for GeneWorker {
    fn process(&mut self, batch: SiteBatch) -> Result<SiteBatch, StageError> {
        let mut added = Vec::new();
        for table in self.tables.iter() {
            let rows = table.find(batch.text(table.key_column)?);
            for (name, values) in &table.columns {
                let values =
                    take(values, &rows, None).map_err(|error| StageError::new(NAME, error))?;
                added.push((name.clone(), values));
            }
        }
        Ok(batch.with_columns(added)?)
    }
}
