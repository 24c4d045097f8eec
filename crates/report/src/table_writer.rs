//! Writes tables, each as one file or partitioned.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::layout::EXTENSION;
use crate::parquet_file::{FileForm, ParquetFile};
use crate::partitions::{Partitions, partition_columns};
use crate::row_order::OrderCheck;
use crate::{ReportError, TableFolder};

/// Writes one table.
pub struct TableWriter {
    order: OrderCheck,
    target: Target,
}

enum Target {
    File(Box<ParquetFile>),
    Partitions(Box<Partitions>),
}

impl TableWriter {
    /// Creates `<folder>/<name>.parquet`, or `<folder>/<name>/` where the layout partitions the table.
    ///
    /// # Errors
    /// The file or folder cannot be created.
    pub fn create(
        folder: &TableFolder,
        name: &str,
        schema: SchemaRef,
    ) -> Result<Self, ReportError> {
        let order = OrderCheck::new(name, &schema);
        let layout = &folder.layout;
        let columns = partition_columns(&schema, &layout.partition_by);
        let form = FileForm {
            table: name.to_owned(),
            schema,
            order: order.names().to_vec(),
            keys: layout.encryption.clone(),
        };
        let target = if columns.is_empty() {
            let path = folder.path.join(format!("{name}.{EXTENSION}"));
            Target::File(Box::new(ParquetFile::create(path, &form)?))
        } else {
            let path = folder.path.join(name);
            Target::Partitions(Box::new(Partitions::create(path, form, columns)?))
        };
        Ok(Self { order, target })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The table cannot be written, has too many partitions, or its rows are not in its order.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "whoever writes rows is done with them"
    )]
    pub fn write(&mut self, batch: RecordBatch) -> Result<(), ReportError> {
        self.order.observe(&batch)?;
        match &mut self.target {
            Target::File(file) => file.write(&batch),
            Target::Partitions(partitions) => partitions.write(&batch),
        }
    }

    /// Completes the table and returns its number of rows.
    ///
    /// # Errors
    /// The table cannot be written.
    pub fn finish(self) -> Result<u64, ReportError> {
        match self.target {
            Target::File(file) => file.finish(),
            Target::Partitions(partitions) => partitions.finish(),
        }
    }
}

/// Writes a whole table at once.
///
/// # Errors
/// The table cannot be written.
pub fn write_table(
    folder: &TableFolder,
    name: &str,
    batch: RecordBatch,
) -> Result<u64, ReportError> {
    let mut writer = TableWriter::create(folder, name, batch.schema())?;
    writer.write(batch)?;
    writer.finish()
}

#[cfg(test)]
mod tests;
