//! Changes come by patient and go out by category: each category has a buffer, and an unnamed
//! temporary file for what the buffer cannot hold.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::path::PathBuf;

use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use varisk_report::{Table, TableFolder, TableWriter};

use crate::table::change_batch;
use crate::{Category, Change, ComparisonError};

/// Changes that a category holds in memory: a megabyte or so.
const BUFFERED: usize = 2_048;

/// Changes by category.
pub(crate) struct Spool {
    folder: PathBuf,
    categories: Vec<Rows>,
    /// Of each category the first ones are kept for a page.
    list_limit: usize,
}

#[derive(Default)]
struct Rows {
    buffered: Vec<Change>,
    file: Option<StreamWriter<BufWriter<File>>>,
    first: Vec<Change>,
    count: u64,
}

impl Spool {
    pub(crate) fn new(folder: &TableFolder, list_limit: usize) -> Self {
        Self {
            folder: folder.path.clone(),
            categories: Category::ALL.map(|_| Rows::default()).into(),
            list_limit,
        }
    }

    pub(crate) fn push(&mut self, change: Change) -> Result<(), ComparisonError> {
        let Some(rows) = self.categories.get_mut(change.category as usize) else {
            return Ok(());
        };
        rows.count += 1;
        if rows.first.len() < self.list_limit {
            rows.first.push(change.clone());
        }
        rows.buffered.push(change);
        if rows.buffered.len() < BUFFERED {
            return Ok(());
        }
        let batch = change_batch(&rows.buffered)?;
        if rows.file.is_none() {
            let file = tempfile::tempfile_in(&self.folder).map_err(ComparisonError::Spool)?;
            rows.file = Some(StreamWriter::try_new(
                BufWriter::new(file),
                &Table::CHANGES.schema(),
            )?);
        }
        if let Some(file) = &mut rows.file {
            file.write(&batch).map_err(spool_error)?;
        }
        rows.buffered.clear();
        Ok(())
    }

    /// Writes the table, and gives the first changes and how many more there are.
    pub(crate) fn finish(
        self,
        output: &TableFolder,
    ) -> Result<(Vec<Change>, u64), ComparisonError> {
        let mut writer = TableWriter::create(output, Table::CHANGES.name, Table::CHANGES.schema())?;
        let (mut first, mut count) = (Vec::new(), 0);
        for mut rows in self.categories {
            if let Some(file) = rows.file.take() {
                let mut file = file
                    .into_inner()
                    .map_err(spool_error)?
                    .into_inner()
                    .map_err(|error| ComparisonError::Spool(error.into_error()))?;
                file.rewind().map_err(ComparisonError::Spool)?;
                for batch in StreamReader::try_new(BufReader::new(file), None)? {
                    writer.write(batch.map_err(spool_error)?)?;
                }
            }
            if !rows.buffered.is_empty() {
                writer.write(change_batch(&rows.buffered)?)?;
            }
            let room = self.list_limit.saturating_sub(first.len());
            first.extend(rows.first.into_iter().take(room));
            count += rows.count;
        }
        writer.finish()?;
        let left_out = count.saturating_sub(first.len() as u64);
        Ok((first, left_out))
    }
}

fn spool_error(error: arrow::error::ArrowError) -> ComparisonError {
    match error {
        arrow::error::ArrowError::IoError(_, source) => ComparisonError::Spool(source),
        other => ComparisonError::Layout(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Subject;

    #[test]
    fn what_does_not_fit_comes_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let output = TableFolder::plain(folder.path());
        let mut spool = Spool::new(&output, 3);
        let patients = 2 * BUFFERED + 5;
        for number in 0..patients {
            for category in [Category::ScoreChanged, Category::Reclassified] {
                let patient = format!("P{number:06}");
                spool
                    .push(Change::new(&patient, category, Subject::Patient))
                    .unwrap();
            }
        }
        let (first, left_out) = spool.finish(&output).unwrap();
        assert_eq!(first.len(), 3);
        assert!(
            first
                .iter()
                .all(|own| own.category == Category::Reclassified)
        );
        assert_eq!(left_out, 2 * patients as u64 - 3);
        // The temporary files have no names.
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(files.len(), 1);
    }
}
