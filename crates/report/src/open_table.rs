//! Reads a table file, plain or encrypted.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::keys::Keyring;
use crate::{ReportError, TableKeys};

/// What stands at both ends of a plain file.
const PLAIN: [u8; 4] = *b"PAR1";
/// What stands at both ends of an encrypted file.
const ENCRYPTED: [u8; 4] = *b"PARE";

/// The rows of a table file.
pub struct TableReader {
    path: PathBuf,
    schema: SchemaRef,
    /// `None` after an error.
    reader: Option<ParquetRecordBatchReader>,
}

impl TableReader {
    /// Columns of the rows.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl Iterator for TableReader {
    type Item = Result<RecordBatch, ReportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        let failed = |detail: String| ReportError::Unreadable {
            path: self.path.clone(),
            detail,
        };
        let rows = caught(|| reader.next().transpose());
        match rows {
            Ok(Ok(rows)) => {
                let rows = rows?;
                self.reader = Some(reader);
                Some(Ok(rows))
            }
            Ok(Err(error)) => Some(Err(failed(error.to_string()))),
            Err(detail) => Some(Err(failed(detail))),
        }
    }
}

/// Opens a table file. Keys are not asked of a plain file. `columns` are those to read, in the order of
/// the file; `None` for all.
///
/// # Errors
/// The file cannot be opened, is damaged or no Parquet file; it is encrypted and a key is missing or
/// wrong; it lacks a column.
pub fn open_table(
    path: &Path,
    keys: Option<&TableKeys>,
    columns: Option<&[&str]>,
) -> Result<TableReader, ReportError> {
    let unreadable = |detail: String| ReportError::Unreadable {
        path: path.to_owned(),
        detail,
    };
    let open = |source| ReportError::Open {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(open)?;
    let is_encrypted = is_encrypted(&mut file)
        .map_err(open)?
        .ok_or_else(|| unreadable("its ends are not those of such a file".to_owned()))?;
    let mut options = ArrowReaderOptions::new();
    let mut keyring = None;
    if is_encrypted {
        let keys = keys.ok_or_else(|| ReportError::KeyMissing {
            path: path.to_owned(),
        })?;
        let own = Keyring::new(keys.clone());
        let properties = own.decryption();
        let properties = properties.map_err(|error| unreadable(error.to_string()))?;
        options = options.with_file_decryption_properties(properties);
        keyring = Some(own);
    }
    let builder = caught(|| ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))
        .map_err(unreadable)?
        .map_err(|error| {
            let detail = error.to_string();
            // The library has no kind of its own for this.
            if is_encrypted && detail.contains("decrypt") {
                ReportError::KeyWrong {
                    path: path.to_owned(),
                }
            } else {
                unreadable(detail)
            }
        })?;
    let all = Arc::clone(builder.schema());
    let places = match columns {
        Some(columns) => columns
            .iter()
            .map(|column| {
                all.index_of(column).map_err(|_| ReportError::NoColumn {
                    path: path.to_owned(),
                    column: (*column).to_owned(),
                })
            })
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..all.fields().len()).collect(),
    };
    if let Some(keyring) = keyring {
        let mut names = places.iter().map(|place| all.field(*place).name());
        if let Some(column) = names.find(|name| keyring.lacks(name)) {
            return Err(ReportError::ColumnKeyMissing {
                path: path.to_owned(),
                column: column.clone(),
            });
        }
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), places);
    let reader = caught(|| builder.with_projection(mask).build())
        .map_err(unreadable)?
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(TableReader {
        path: path.to_owned(),
        schema: arrow::array::RecordBatchReader::schema(&reader),
        reader: Some(reader),
    })
}

/// Whether a file is encrypted; `None` where it is no Parquet file.
fn is_encrypted(file: &mut File) -> std::io::Result<Option<bool>> {
    let mut ends = [[0; 4]; 2];
    let length = file.seek(SeekFrom::End(0))?;
    if length < 12 {
        return Ok(None);
    }
    for (end, place) in ends.iter_mut().zip([SeekFrom::Start(0), SeekFrom::End(-4)]) {
        file.seek(place)?;
        file.read_exact(end)?;
    }
    Ok(match ends {
        [PLAIN, PLAIN] => Some(false),
        [ENCRYPTED, ENCRYPTED] => Some(true),
        _ => None,
    })
}

/// Runs code of the library that may panic at lengths in damaged files.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "its lengths make no sense".to_owned())
}
