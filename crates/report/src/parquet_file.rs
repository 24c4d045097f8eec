//! One Parquet file whose bytes depend on its rows alone, not on how the rows arrived. (An encrypted
//! file has random bytes besides.)

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::pieces::{PIECE_ROWS, Piece, Pieces};
use crate::row_order::sorting_columns;
use crate::{ReportError, SCHEMA_VERSION, TableKeys};

/// Rows of a row group, about: borders of groups are borders of pieces.
const ROW_GROUP_ROWS: usize = 16 * PIECE_ROWS;
/// Bytes of a row group in memory, about, before encoding. The usual tables come to 20 to 60 MB with
/// 131,072 rows; wide ones with long texts would come to gigabytes.
const ROW_GROUP_BYTES: u64 = 64 << 20;
/// Columns that readers look up single values of.
const LOOKED_UP: [&str; 2] = ["patient", "variant_key"];
/// Share of the row groups without a value that their Bloom filters let through. Filters have a power
/// of two of bytes: with this one, that of a full row group of distinct values has 128 KiB, a byte for
/// each; with a hundredth it had twice as many.
const FALSE_POSITIVES: f64 = 0.03;

/// What a file is, and how it is written.
#[derive(Clone)]
pub(crate) struct FileForm {
    pub(crate) table: String,
    pub(crate) schema: SchemaRef,
    /// Columns that the rows are sorted by; empty for none.
    pub(crate) order: Vec<String>,
    pub(crate) keys: Option<TableKeys>,
}

impl FileForm {
    fn properties(&self) -> Result<WriterProperties, ParquetError> {
        let metadata = vec![
            KeyValue::new("varisk.table".to_owned(), self.table.clone()),
            KeyValue::new(
                "varisk.schema_version".to_owned(),
                SCHEMA_VERSION.to_string(),
            ),
        ];
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::Page)
            // Groups end where we say.
            .set_max_row_group_row_count(None)
            .set_created_by(concat!("varisk ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(metadata));
        for field in self.schema.fields() {
            // Numbers are mostly different ones: a dictionary of them costs time and memory, and is
            // thrown away when it is full. Integers are packed as differences, floats left plain.
            let column = ColumnPath::from(field.name().clone());
            let is_integer = matches!(field.data_type(), DataType::UInt32 | DataType::UInt64);
            let is_float = matches!(field.data_type(), DataType::Float32 | DataType::Float64);
            if is_integer || is_float {
                properties = properties.set_column_dictionary_enabled(column.clone(), false);
            }
            if is_integer {
                properties =
                    properties.set_column_encoding(column.clone(), Encoding::DELTA_BINARY_PACKED);
            }
            // The writer leaves Bloom filters in clear even in an encrypted file: whoever has the file
            // could ask whether a patient is in it.
            if self.keys.is_none() && LOOKED_UP.contains(&field.name().as_str()) {
                properties = properties
                    .set_column_bloom_filter_fpp(column.clone(), FALSE_POSITIVES)
                    // The most there can be; the filter is folded to what there is.
                    .set_column_bloom_filter_max_ndv(column, ROW_GROUP_ROWS as u64);
            }
        }
        let order = sorting_columns(
            &self.order,
            &ArrowSchemaConverter::new().convert(&self.schema)?,
        );
        if !order.is_empty() {
            properties = properties.set_sorting_columns(Some(order));
        }
        if let Some(keys) = &self.keys {
            // DuckDB (2.0.1) counts pages wrongly when it decrypts: it opens columns of one data page
            // only. A second page comes where a dictionary is full, too.
            let whole = usize::try_from(2 * ROW_GROUP_BYTES).unwrap_or(usize::MAX);
            properties = properties
                .set_data_page_row_count_limit(usize::MAX)
                .set_data_page_size_limit(whole)
                .set_dictionary_page_size_limit(whole)
                .with_file_encryption_properties(keys.encryption(&self.schema)?);
        }
        Ok(properties.build())
    }
}

/// Writes one file.
pub(crate) struct ParquetFile {
    path: PathBuf,
    writer: ArrowWriter<Appended>,
    pieces: Pieces,
    group_rows: usize,
    group_bytes: u64,
    rows: u64,
}

impl ParquetFile {
    pub(crate) fn create(path: PathBuf, form: &FileForm) -> Result<Self, ReportError> {
        let refused = |source| ReportError::Parquet {
            path: path.clone(),
            source,
        };
        let file = Appended::create(&path).map_err(|source| ReportError::Create {
            path: path.clone(),
            source,
        })?;
        let properties = form.properties().map_err(refused)?;
        let writer =
            ArrowWriter::try_new(file, form.schema.clone(), Some(properties)).map_err(refused)?;
        Ok(Self {
            path,
            writer,
            pieces: Pieces::new(form.schema.clone()),
            group_rows: 0,
            group_bytes: 0,
            rows: 0,
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        for piece in self.pieces.push(batch)? {
            self.write_piece(&piece)?;
        }
        Ok(())
    }

    fn write_piece(&mut self, piece: &Piece) -> Result<(), ReportError> {
        let written = self.writer.write(&piece.rows);
        written.map_err(|source| self.refused(source))?;
        self.rows += piece.rows.num_rows() as u64;
        self.group_rows += piece.rows.num_rows();
        self.group_bytes += piece.bytes;
        if self.group_rows >= ROW_GROUP_ROWS || self.group_bytes >= ROW_GROUP_BYTES {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ReportError> {
        (self.group_rows, self.group_bytes) = (0, 0);
        self.writer.flush().map_err(|source| self.refused(source))
    }

    /// Ends the row group here and holds neither rows nor a file handle until more rows come.
    pub(crate) fn rest(&mut self) -> Result<(), ReportError> {
        if let Some(piece) = self.pieces.take()? {
            self.write_piece(&piece)?;
        }
        self.end_group()?;
        let path = &self.path;
        self.writer.sync().map_err(|source| ReportError::Write {
            path: path.clone(),
            source,
        })?;
        self.writer.inner_mut().file = None;
        Ok(())
    }

    /// Completes the file and returns its number of rows.
    pub(crate) fn finish(mut self) -> Result<u64, ReportError> {
        if let Some(piece) = self.pieces.take()? {
            self.write_piece(&piece)?;
        }
        let path = self.path;
        let file = self
            .writer
            .into_inner()
            .map_err(|source| ReportError::Parquet {
                path: path.clone(),
                source,
            })?;
        file.complete()
            .map_err(|source| ReportError::Write { path, source })?;
        Ok(self.rows)
    }

    fn refused(&self, source: ParquetError) -> ReportError {
        ReportError::Parquet {
            path: self.path.clone(),
            source,
        }
    }
}

/// A new file that is opened again where it was closed: partitioned tables have more files than a
/// process may have open.
struct Appended {
    path: PathBuf,
    file: Option<File>,
}

impl Appended {
    fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: Some(File::create_new(path)?),
            path: path.to_owned(),
        })
    }

    fn open(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::options().append(true).open(&self.path)?,
        };
        Ok(self.file.insert(file))
    }

    fn complete(mut self) -> io::Result<()> {
        self.open()?.sync_all()
    }
}

impl Write for Appended {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.flush(),
            None => Ok(()),
        }
    }
}
