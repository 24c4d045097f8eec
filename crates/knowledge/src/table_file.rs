//! The Parquet tables of a bundle, laid out so that a lookup reads few pages.
//!
//! A row group holds rows of one contig only, and key columns have statistics for each page: the
//! page index says where any position is. The bytes of a file depend on its rows alone.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, UInt32Array, UInt64Array};
use arrow::compute::BatchCoalescer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, PageIndexPolicy};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::contigs::ContigRanks;
use crate::rows::{KEY_COLUMNS, NO_KEY, OutputField};
use crate::sort::Keys;
use crate::{KnowledgeError, LOCK_VERSION, MatchKind};

/// Names of the key columns of tables.
pub(crate) mod names {
    /// Contig, by its canonical name.
    pub(crate) const CONTIG: &str = "contig";
    /// Position of a normalised allele, 1-based.
    pub(crate) const POSITION: &str = "position";
    /// First base of an interval, 1-based.
    pub(crate) const START: &str = "start";
    /// Last base of an interval, 1-based.
    pub(crate) const END: &str = "end";
    /// `VariantKey` of a normalised allele; null on contigs that have none.
    pub(crate) const VARIANT_KEY: &str = "variant_key";
    /// Normalised REF.
    pub(crate) const REFERENCE: &str = "ref";
    /// Normalised ALT.
    pub(crate) const ALTERNATE: &str = "alt";
    /// Symbol or identifier of a gene.
    pub(crate) const KEY: &str = "key";
}

/// Rows of a page: what one lookup decodes at least. Some 4,000 rows decode in well under a
/// millisecond, and the page index of a million rows stays near 250 entries.
pub(crate) const PAGE_ROWS: usize = 4_096;
/// Rows of a row group, a multiple of the page's: some megabytes to write at once.
const ROW_GROUP_ROWS: usize = 32 * PAGE_ROWS;

/// Schema of a positional table.
pub(crate) fn table_schema(
    matching: MatchKind,
    fields: &[OutputField],
) -> Result<SchemaRef, KnowledgeError> {
    let mut columns = vec![Field::new(names::CONTIG, DataType::Utf8, false)];
    if matching == MatchKind::Allele {
        columns.extend([
            Field::new(names::POSITION, DataType::UInt32, false),
            Field::new(names::VARIANT_KEY, DataType::UInt64, true),
            Field::new(names::REFERENCE, DataType::Utf8, false),
            Field::new(names::ALTERNATE, DataType::Utf8, false),
        ]);
    } else {
        columns.extend([
            Field::new(names::START, DataType::UInt32, false),
            Field::new(names::END, DataType::UInt32, false),
        ]);
    }
    let rows = crate::rows::row_schema(fields)?;
    columns.extend(
        rows.fields()
            .iter()
            .skip(KEY_COLUMNS)
            .map(|f| f.as_ref().clone()),
    );
    Ok(Arc::new(Schema::new(columns)))
}

/// Writes a table of the bundle.
pub(crate) struct TableWriter {
    path: PathBuf,
    writer: ArrowWriter<File>,
    pieces: BatchCoalescer,
    schema: SchemaRef,
}

impl TableWriter {
    /// Creates a table.
    ///
    /// # Errors
    /// The file cannot be created.
    pub(crate) fn create(
        path: &Path,
        source: &str,
        schema: SchemaRef,
    ) -> Result<Self, KnowledgeError> {
        let file = File::create_new(path).map_err(|error| KnowledgeError::Create {
            path: path.to_owned(),
            source: error,
        })?;
        let metadata = vec![
            KeyValue::new("varisk.table".to_owned(), source.to_owned()),
            KeyValue::new("varisk.schema_version".to_owned(), LOCK_VERSION.to_string()),
        ];
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_write_batch_size(PAGE_ROWS)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_statistics_truncate_length(None)
            .set_created_by(concat!("varisk ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(metadata));
        for name in [
            names::POSITION,
            names::START,
            names::END,
            names::VARIANT_KEY,
        ] {
            // Sorted numbers are small steps; a dictionary of them would be as long as they are.
            let column = ColumnPath::from(name);
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
        for name in [names::POSITION, names::START, names::END] {
            properties = properties
                .set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Page);
        }
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties.build()))
            .map_err(|source| parquet_error(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            pieces: BatchCoalescer::new(Arc::clone(&schema), PAGE_ROWS),
            schema,
        })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&mut self, batch: RecordBatch) -> Result<(), KnowledgeError> {
        self.pieces.push_batch(batch)?;
        self.drain()
    }

    /// Ends the row group.
    pub(crate) fn end_group(&mut self) -> Result<(), KnowledgeError> {
        self.pieces.finish_buffered_batch()?;
        self.drain()?;
        self.writer
            .flush()
            .map_err(|source| parquet_error(&self.path, source))
    }

    fn drain(&mut self) -> Result<(), KnowledgeError> {
        while let Some(piece) = self.pieces.next_completed_batch() {
            self.writer
                .write(&piece)
                .map_err(|source| parquet_error(&self.path, source))?;
        }
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn finish(mut self) -> Result<(), KnowledgeError> {
        self.pieces.finish_buffered_batch()?;
        self.drain()?;
        let file = self
            .writer
            .into_inner()
            .map_err(|source| parquet_error(&self.path, source))?;
        file.sync_all().map_err(|source| KnowledgeError::Io {
            path: self.path,
            source,
        })
    }
}

/// What is counted of a positional table while it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableCounts {
    pub(crate) rows: u64,
    pub(crate) duplicates: u64,
    pub(crate) longest_interval: u32,
}

/// Turns sorted rows into the table's columns, with a new row group at each contig.
pub(crate) struct PositionalWriter<'a> {
    table: TableWriter,
    ranks: &'a ContigRanks,
    matching: MatchKind,
    /// The last row written.
    last: Option<Keys>,
    counts: TableCounts,
}

impl<'a> PositionalWriter<'a> {
    pub(crate) fn new(table: TableWriter, ranks: &'a ContigRanks, matching: MatchKind) -> Self {
        Self {
            table,
            ranks,
            matching,
            last: None,
            counts: TableCounts::default(),
        }
    }

    /// Adds sorted rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), KnowledgeError> {
        let keys = Keys::try_new(rows)?;
        let mut start = 0;
        while start < keys.len() {
            let rank = keys.rank.value(start);
            let end = start
                + keys
                    .rank
                    .values()
                    .get(start..)
                    .unwrap_or_default()
                    .partition_point(|other| *other == rank);
            let last_rank = self.last.as_ref().map(|last| last.rank.value(0));
            if last_rank.is_some_and(|last| last != rank) {
                self.table.end_group()?;
            }
            self.write_contig(&rows.slice(start, end - start))?;
            start = end;
        }
        Ok(())
    }

    fn write_contig(&mut self, rows: &RecordBatch) -> Result<(), KnowledgeError> {
        let keys = Keys::try_new(rows)?;
        let count = keys.len();
        self.count(&keys);
        let name = self.ranks.name(keys.rank.value(0));
        let contig: StringArray = std::iter::repeat_n(Some(name), count).collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(contig), Arc::new(keys.start.clone())];
        if self.matching == MatchKind::Allele {
            let key: UInt64Array = keys
                .second
                .values()
                .iter()
                .map(|key| (*key != NO_KEY).then_some(*key))
                .collect();
            columns.extend([
                Arc::new(key) as ArrayRef,
                Arc::new(keys.reference.clone()),
                Arc::new(keys.alternate.clone()),
            ]);
        } else {
            let end: UInt32Array = keys
                .second
                .values()
                .iter()
                .map(|end| u32::try_from(*end).ok())
                .collect();
            columns.push(Arc::new(end));
        }
        columns.extend(rows.columns().iter().skip(KEY_COLUMNS).cloned());
        let batch = RecordBatch::try_new(Arc::clone(self.table.schema()), columns)?;
        self.table.write(batch)?;
        self.last = Some(Keys::try_new(&rows.slice(count - 1, 1))?);
        Ok(())
    }

    fn count(&mut self, keys: &Keys) {
        self.counts.rows += keys.len() as u64;
        if self.matching == MatchKind::Allele {
            let first_repeats = self
                .last
                .as_ref()
                .is_some_and(|last| last.compare(0, keys, 0).is_eq());
            let repeats = (1..keys.len())
                .filter(|row| keys.compare(row - 1, keys, *row).is_eq())
                .count();
            self.counts.duplicates += repeats as u64 + u64::from(first_repeats);
        } else {
            let starts = keys.start.values().iter();
            let longest = starts
                .zip(keys.second.values())
                .map(|(start, end)| end.saturating_add(1).saturating_sub(u64::from(*start)))
                .max()
                .unwrap_or_default();
            let longest = u32::try_from(longest).unwrap_or(u32::MAX);
            self.counts.longest_interval = self.counts.longest_interval.max(longest);
        }
    }

    /// Completes the table and says what was counted.
    pub(crate) fn finish(self) -> Result<TableCounts, KnowledgeError> {
        self.table.finish()?;
        Ok(self.counts)
    }
}

/// Opens a table for reading: its footer, and where asked its page index.
pub(crate) fn open(
    path: &Path,
    page_index: bool,
) -> Result<(File, ArrowReaderMetadata), KnowledgeError> {
    let file = File::open(path).map_err(|source| KnowledgeError::Open {
        path: path.to_owned(),
        source,
    })?;
    let policy = if page_index {
        PageIndexPolicy::Required
    } else {
        PageIndexPolicy::Skip
    };
    let options = ArrowReaderOptions::new().with_page_index_policy(policy);
    let metadata =
        ArrowReaderMetadata::load(&file, options).map_err(|source| parquet_error(path, source))?;
    Ok((file, metadata))
}

pub(crate) fn parquet_error(path: &Path, source: ParquetError) -> KnowledgeError {
    KnowledgeError::Parquet {
        path: path.to_owned(),
        source,
    }
}
