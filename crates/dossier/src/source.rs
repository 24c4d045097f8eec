//! The files of one table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use varisk_report::{TableKeys, TableReader, open_table};

use crate::DossierError;

/// Reads one file of a table, batch by batch, in its order. The values that the file's path names
/// (`item=.../`) come as columns of text.
pub struct TableRows {
    path: PathBuf,
    reader: TableReader,
    partition: Vec<(String, Option<String>)>,
}

impl TableRows {
    /// Opens a file, for those of its columns whose names are wanted; `None` for all.
    pub(crate) fn open(
        folder: &Path,
        file: &str,
        keys: Option<&TableKeys>,
        is_wanted: Option<&dyn Fn(&str) -> bool>,
    ) -> Result<Self, DossierError> {
        let path = folder.join(file);
        let mut reader = open_table(&path, keys, None)?;
        let mut partition = partition_values(file);
        if let Some(is_wanted) = is_wanted {
            let all = Arc::clone(reader.schema());
            let names = all.fields().iter().map(|field| field.name().as_str());
            let wanted: Vec<&str> = names.filter(|name| is_wanted(name)).collect();
            reader = open_table(&path, keys, Some(&wanted))?;
            partition.retain(|(name, _)| is_wanted(name));
        }
        Ok(Self {
            reader,
            path,
            partition,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn damaged(&self, detail: String) -> DossierError {
        DossierError::Damaged {
            path: self.path.clone(),
            detail,
        }
    }

    /// Schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let own = self.reader.schema();
        if self.partition.is_empty() {
            return Arc::clone(own);
        }
        let mut fields: Vec<Arc<Field>> = own.fields().iter().cloned().collect();
        fields.extend(
            self.partition
                .iter()
                .map(|(name, _)| Arc::new(Field::new(name, DataType::Utf8, true))),
        );
        Arc::new(Schema::new(fields))
    }

    /// The next batch that has rows.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, DossierError> {
        for batch in self.reader.by_ref() {
            let batch = batch?;
            if batch.num_rows() == 0 {
                continue;
            }
            if self.partition.is_empty() {
                return Ok(Some(batch));
            }
            let mut columns = batch.columns().to_vec();
            columns.extend(self.partition.iter().map(|(_, value)| -> ArrayRef {
                Arc::new(StringArray::from(vec![value.as_deref(); batch.num_rows()]))
            }));
            return RecordBatch::try_new(self.schema(), columns)
                .map(Some)
                .map_err(|error| self.damaged(error.to_string()));
        }
        Ok(None)
    }
}

/// `item=a%2Fb/part-0.parquet` names the value `a/b` of the column `item`.
fn partition_values(file: &str) -> Vec<(String, Option<String>)> {
    file.split('/')
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| {
            let value = (value != "__HIVE_DEFAULT_PARTITION__").then(|| percent_decoded(value));
            (percent_decoded(name), value)
        })
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_values() {
        assert_eq!(
            partition_values("risk/item=a%2Fb%3D1/population=__HIVE_DEFAULT_PARTITION__/p.parquet"),
            [
                ("item".to_owned(), Some("a/b=1".to_owned())),
                ("population".to_owned(), None)
            ]
        );
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%C3%A9"), "%zzé");
    }
}
