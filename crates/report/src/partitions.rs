//! A table in a folder for each value of a column, as Hive lays it out: `risk/item=X/part-0.parquet`.
//! The column itself is in the names of the folders only.
//!
//! # Memory
//! Rows are held, all partitions together, up to a fixed number of bytes; then each partition gets what
//! it has of them as a row group. With many partitions that take turns row groups are small.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, interleave_record_batch};
use arrow::datatypes::{DataType, Schema, SchemaRef};

use crate::ReportError;
use crate::layout::EXTENSION;
use crate::parquet_file::{FileForm, ParquetFile};
use crate::pieces::{PIECE_ROWS, Pieces};

/// Folders that a table may have.
pub const MOST_PARTITIONS: usize = 4_096;
/// Bytes of rows that are held.
const HELD_BYTES: u64 = 128 << 20;
/// What names the folder of rows without a value.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Columns of a table that can be partitioned by, of those wanted.
pub(crate) fn partition_columns(schema: &Schema, wanted: &[String]) -> Vec<usize> {
    let can = |kind: &DataType| {
        *kind == DataType::Utf8 || *kind == DataType::Boolean || kind.is_unsigned_integer()
    };
    let place = |name: &String| {
        let place = schema.index_of(name).ok()?;
        can(schema.field(place).data_type()).then_some(place)
    };
    let mut places: Vec<usize> = wanted.iter().filter_map(place).collect();
    // A file has a column at least.
    places.truncate(schema.fields().len().saturating_sub(1));
    places
}

/// Writes a partitioned table.
pub(crate) struct Partitions {
    folder: PathBuf,
    form: FileForm,
    columns: Vec<usize>,
    kept: Vec<usize>,
    pieces: Pieces,
    held: Vec<RecordBatch>,
    held_bytes: u64,
    most_held: u64,
    files: BTreeMap<String, ParquetFile>,
}

impl Partitions {
    /// Writes into `<folder>/<column>=<value>/`; `form` is that of the whole table.
    pub(crate) fn create(
        folder: PathBuf,
        form: FileForm,
        columns: Vec<usize>,
    ) -> Result<Self, ReportError> {
        std::fs::create_dir(&folder).map_err(|source| ReportError::Create {
            path: folder.clone(),
            source,
        })?;
        let schema = SchemaRef::clone(&form.schema);
        let kept: Vec<usize> = (0..schema.fields().len())
            .filter(|column| !columns.contains(column))
            .collect();
        let of_file = SchemaRef::new(schema.project(&kept)?);
        // Within a partition its column is constant: rows sorted by it are sorted by the others.
        let mut order = form.order;
        order.retain(|name| of_file.index_of(name).is_ok());
        Ok(Self {
            folder,
            form: FileForm {
                schema: of_file,
                order,
                ..form
            },
            columns,
            kept,
            pieces: Pieces::new(schema),
            held: Vec::new(),
            held_bytes: 0,
            most_held: HELD_BYTES,
            files: BTreeMap::new(),
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        for piece in self.pieces.push(batch)? {
            self.held.push(piece.rows);
            self.held_bytes += piece.bytes;
            if self.held_bytes >= self.most_held {
                self.distribute()?;
            }
        }
        Ok(())
    }

    /// Gives each partition its rows of those held.
    fn distribute(&mut self) -> Result<(), ReportError> {
        self.held_bytes = 0;
        let held = std::mem::take(&mut self.held);
        let mut rows_of: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (number, batch) in held.iter().enumerate() {
            for (row, folder) in self.folders(batch)?.into_iter().enumerate() {
                rows_of.entry(folder).or_default().push((number, row));
            }
        }
        let own = held
            .iter()
            .map(|batch| batch.project(&self.kept))
            .collect::<Result<Vec<_>, _>>()?;
        let batches: Vec<&RecordBatch> = own.iter().collect();
        for (folder, rows) in rows_of {
            let file = self.file(&folder)?;
            for rows in rows.chunks(PIECE_ROWS) {
                file.write(&interleave_record_batch(&batches, rows)?)?;
            }
            file.rest()?;
        }
        Ok(())
    }

    /// The folder of each row, below that of the table.
    fn folders(&self, batch: &RecordBatch) -> Result<Vec<String>, ReportError> {
        let schema = batch.schema();
        let mut folders = vec![String::new(); batch.num_rows()];
        for column in &self.columns {
            let name = escaped(schema.field(*column).name());
            let values: ArrayRef = cast(batch.column(*column), &DataType::Utf8)?;
            for (folder, value) in folders.iter_mut().zip(values.as_string::<i32>()) {
                if !folder.is_empty() {
                    folder.push('/');
                }
                folder.push_str(&name);
                folder.push('=');
                match value {
                    Some(value) => folder.push_str(&escaped(value)),
                    None => folder.push_str(NO_VALUE),
                }
            }
        }
        Ok(folders)
    }

    fn file(&mut self, folder: &str) -> Result<&mut ParquetFile, ReportError> {
        let is_full = self.files.len() == MOST_PARTITIONS;
        match self.files.entry(folder.to_owned()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(_) if is_full => Err(ReportError::Partitions {
                table: self.form.table.clone(),
                most: MOST_PARTITIONS,
            }),
            Entry::Vacant(entry) => {
                let path = self.folder.join(folder);
                std::fs::create_dir_all(&path).map_err(|source| ReportError::Create {
                    path: path.clone(),
                    source,
                })?;
                let path = path.join(format!("part-0.{EXTENSION}"));
                Ok(entry.insert(ParquetFile::create(path, &self.form)?))
            }
        }
    }

    /// Completes all files and returns the number of rows.
    pub(crate) fn finish(mut self) -> Result<u64, ReportError> {
        if let Some(piece) = self.pieces.take()? {
            self.held.push(piece.rows);
        }
        self.distribute()?;
        if self.files.is_empty() {
            // A table without rows still has columns to tell.
            let names = self.columns.iter();
            let folders = names.map(|column| {
                let schema = self.pieces.schema();
                format!("{}={NO_VALUE}", escaped(schema.field(*column).name()))
            });
            let folder = folders.collect::<Vec<_>>().join("/");
            self.file(&folder)?;
        }
        let mut rows = 0;
        for file in self.files.into_values() {
            rows += file.finish()?;
        }
        Ok(rows)
    }
}

/// A text as part of a folder's name. All readers undo `%XX`; they differ in which other characters
/// they escape themselves. Beyond ASCII nothing is escaped, for Spark undoes single bytes only.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        let is_plain = !character.is_ascii()
            || character.is_ascii_alphanumeric()
            || matches!(character, '-' | '_' | '.' | '~');
        if is_plain {
            escaped.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{:02X}", u32::from(character));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringArray, UInt64Array};
    use arrow::datatypes::UInt64Type;

    use super::*;
    use crate::{open_table, table_files};

    #[test]
    fn row_groups_follow_what_is_held_and_not_how_rows_arrive() {
        let count = 60_000_u64;
        let items: ArrayRef = Arc::new(StringArray::from_iter_values(
            (0..count).map(|row| format!("item-{}", row * row % 7)),
        ));
        let numbers: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..count));
        let rows = RecordBatch::try_from_iter([("item", items), ("number", numbers)]).unwrap();
        let mut first = None;
        for step in [60_000, 4_321, 100] {
            let folder = tempfile::tempdir().unwrap();
            let form = FileForm {
                table: "risk".to_owned(),
                schema: rows.schema(),
                order: Vec::new(),
                keys: None,
            };
            let mut writer = Partitions::create(folder.path().join("risk"), form, vec![0]).unwrap();
            writer.most_held = 300_000;
            for start in (0..rows.num_rows()).step_by(step) {
                let length = step.min(rows.num_rows() - start);
                writer.write(&rows.slice(start, length)).unwrap();
            }
            assert_eq!(writer.finish().unwrap(), count);
            let mut bytes = Vec::new();
            let mut numbers = Vec::new();
            for (_, path) in table_files(folder.path()).unwrap() {
                let batches: Vec<RecordBatch> = open_table(&path, None, None)
                    .unwrap()
                    .map(Result::unwrap)
                    .collect();
                let of_file: Vec<u64> = batches
                    .iter()
                    .flat_map(|batch| {
                        batch
                            .column(0)
                            .as_primitive::<UInt64Type>()
                            .values()
                            .to_vec()
                    })
                    .collect();
                assert!(of_file.is_sorted());
                numbers.extend(of_file);
                bytes.push(std::fs::read(path).unwrap());
            }
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..count));
            // Squares have four remainders of seven.
            assert_eq!(bytes.len(), 4);
            assert_eq!(*first.get_or_insert_with(|| bytes.clone()), bytes, "{step}");
        }
    }

    #[test]
    fn signs_of_paths_are_escaped() {
        assert_eq!(
            escaped("a b/c=d%e:f\"\\é..~-_"),
            "a%20b%2Fc%3Dd%25e%3Af%22%5Cé..~-_"
        );
        assert_eq!(escaped("\n"), "%0A");
    }
}
