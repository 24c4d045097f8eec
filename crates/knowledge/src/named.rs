//! Alleles by their names: which alleles of a source have one of some identifiers.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, UInt32Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use varisk_core::Position;

use crate::table_file::{names, open, parquet_error};
use crate::{Bundle, KnowledgeError, MatchKind};

/// An allele of a source, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAllele {
    /// Contig, by its canonical name.
    pub contig: String,
    /// Position, 1-based.
    pub position: Position,
    /// REF.
    pub reference: String,
    /// ALT.
    pub alternate: String,
}

/// Separators of several names in one value, as VCF's column ID has them.
const SEPARATORS: [char; 2] = [';', ','];

impl Bundle {
    /// The alleles whose text field holds one of some names, in the order of the table. The column is
    /// read once from end to end, in bounded memory.
    ///
    /// # Errors
    /// The bundle lacks the field, the source is not keyed by allele, the field holds no text, or the
    /// table cannot be read.
    pub fn alleles_named(
        &self,
        field: &str,
        wanted: &HashSet<&str>,
    ) -> Result<HashMap<String, Vec<NamedAllele>>, KnowledgeError> {
        let misuse = |detail: &str| KnowledgeError::Misuse {
            name: field.to_owned(),
            detail: detail.to_owned(),
        };
        let (source, column) = self.resolve(field)?;
        let column =
            column.ok_or_else(|| misuse("names a source alone; add the field, as dbsnp.id"))?;
        if source.matching != MatchKind::Allele {
            return Err(misuse("is of a source that is not keyed by allele"));
        }
        let path = self.table_path(source);
        let (file, metadata) = open(&path, false)?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        if reader.schema().field_with_name(column)?.data_type() != &DataType::Utf8 {
            return Err(misuse("holds no text, so no names can be found in it"));
        }
        let columns = [
            names::CONTIG,
            names::POSITION,
            names::REFERENCE,
            names::ALTERNATE,
            column,
        ];
        let mask = ProjectionMask::columns(reader.parquet_schema(), columns);
        let reader = reader
            .with_projection(mask)
            .build()
            .map_err(|error| parquet_error(&path, error))?;
        let mut found: HashMap<String, Vec<NamedAllele>> = HashMap::new();
        for batch in reader {
            let batch = batch?;
            let text = |name: &str| batch.column_by_name(name).map(AsArray::as_string::<i32>);
            let (Some(contigs), Some(references), Some(alternates), Some(values)) = (
                text(names::CONTIG),
                text(names::REFERENCE),
                text(names::ALTERNATE),
                text(column),
            ) else {
                return Err(misuse(
                    "lacks a column of its table; build the bundle again",
                ));
            };
            let Some(positions) = batch
                .column_by_name(names::POSITION)
                .map(AsArray::as_primitive::<UInt32Type>)
            else {
                return Err(misuse(
                    "lacks a column of its table; build the bundle again",
                ));
            };
            for row in (0..values.len()).filter(|row| values.is_valid(*row)) {
                for name in values.value(row).split(SEPARATORS).map(str::trim) {
                    if wanted.contains(name) {
                        found.entry(name.to_owned()).or_default().push(NamedAllele {
                            contig: contigs.value(row).to_owned(),
                            position: Position(positions.value(row)),
                            reference: references.value(row).to_owned(),
                            alternate: alternates.value(row).to_owned(),
                        });
                    }
                }
            }
        }
        Ok(found)
    }
}
