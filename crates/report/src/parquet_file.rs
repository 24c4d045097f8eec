//! Parquet files whose bytes depend on their rows alone, not on how the rows arrived.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::compute::BatchCoalescer;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use crate::{ReportError, SCHEMA_VERSION};

/// Rows are handed to Parquet in pieces of exactly this many: page borders follow the pieces.
const PIECE_ROWS: usize = 8_192;
/// Rows of a row group: some 10 to 30 MB of the widest table, so memory stays bounded.
const ROW_GROUP_ROWS: usize = 16 * PIECE_ROWS;

/// Writes one table.
pub struct TableWriter {
    path: PathBuf,
    writer: ArrowWriter<File>,
    pieces: BatchCoalescer,
    rows: u64,
}

impl TableWriter {
    /// Creates `<folder>/<name>.parquet`.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(folder: &Path, name: &str, schema: SchemaRef) -> Result<Self, ReportError> {
        let path = folder.join(format!("{name}.parquet"));
        let file = File::create_new(&path).map_err(|source| ReportError::Create {
            path: path.clone(),
            source,
        })?;
        let metadata = vec![
            KeyValue::new("varisk.table".to_owned(), name.to_owned()),
            KeyValue::new(
                "varisk.schema_version".to_owned(),
                SCHEMA_VERSION.to_string(),
            ),
        ];
        let mut properties = WriterProperties::builder();
        for field in schema.fields() {
            // Numbers are mostly different ones: a dictionary of them costs time and memory, and is
            // thrown away when it is full. Integers are packed as differences, floats left plain.
            let column = ColumnPath::from(field.name().clone());
            let is_integer = matches!(field.data_type(), DataType::UInt32 | DataType::UInt64);
            let is_float = matches!(field.data_type(), DataType::Float32 | DataType::Float64);
            if is_integer || is_float {
                properties = properties.set_column_dictionary_enabled(column.clone(), false);
            }
            if is_integer {
                properties = properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
            }
        }
        let properties = properties
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_created_by(concat!("varisk ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(metadata))
            .build();
        let writer =
            ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(|source| {
                ReportError::Parquet {
                    path: path.clone(),
                    source,
                }
            })?;
        Ok(Self {
            path,
            writer,
            pieces: BatchCoalescer::new(schema, PIECE_ROWS),
            rows: 0,
        })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, batch: RecordBatch) -> Result<(), ReportError> {
        self.rows += batch.num_rows() as u64;
        self.pieces.push_batch(batch)?;
        self.drain()
    }

    fn drain(&mut self) -> Result<(), ReportError> {
        while let Some(piece) = self.pieces.next_completed_batch() {
            self.writer
                .write(&piece)
                .map_err(|source| ReportError::Parquet {
                    path: self.path.clone(),
                    source,
                })?;
        }
        Ok(())
    }

    /// Completes the file and returns its number of rows.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> Result<u64, ReportError> {
        self.pieces.finish_buffered_batch()?;
        self.drain()?;
        let file = self
            .writer
            .into_inner()
            .map_err(|source| ReportError::Parquet {
                path: self.path.clone(),
                source,
            })?;
        file.sync_all().map_err(|source| ReportError::Write {
            path: self.path,
            source,
        })?;
        Ok(self.rows)
    }
}

/// Writes a whole table at once.
///
/// # Errors
/// The file cannot be written.
pub fn write_table(folder: &Path, name: &str, batch: RecordBatch) -> Result<u64, ReportError> {
    let mut writer = TableWriter::create(folder, name, batch.schema())?;
    writer.write(batch)?;
    writer.finish()
}
