//! External sort: rows are sorted in pieces that fit in memory, spilled, and merged.
//!
//! A piece that starts where the one before ended is written behind it, so a source that is sorted
//! already becomes a single run and is not merged at all.

mod key;
mod merge;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

pub(crate) use self::key::Keys;
pub(crate) use self::merge::Merge;
use crate::KnowledgeError;

/// Rows of a batch in a run: what each open run of a merge keeps in memory.
const BATCH_ROWS: usize = 4_096;
/// Runs merged at once: bounds open files and memory.
const FAN_IN: usize = 64;

/// Sorts rows of any number in bounded memory.
///
/// # Memory
/// About three times the piece that is pushed at once.
pub(crate) struct Sorter {
    schema: SchemaRef,
    folder: PathBuf,
    fan_in: usize,
    runs: Vec<PathBuf>,
    files: usize,
    open: Option<OpenRun>,
}

/// The run that the next piece may continue.
struct OpenRun {
    path: PathBuf,
    writer: StreamWriter<BufWriter<File>>,
    /// Its last rows.
    tail: RecordBatch,
}

impl Sorter {
    /// A sorter that spills into a folder.
    pub(crate) fn new(schema: SchemaRef, folder: &Path) -> Self {
        Self {
            schema,
            folder: folder.to_owned(),
            fan_in: FAN_IN,
            runs: Vec::new(),
            files: 0,
            open: None,
        }
    }

    #[cfg(test)]
    pub(crate) fn with_fan_in(mut self, fan_in: usize) -> Self {
        self.fan_in = fan_in.max(2);
        self
    }

    /// Sorts a piece and spills it.
    ///
    /// # Errors
    /// The spill cannot be written.
    pub(crate) fn push(&mut self, piece: &RecordBatch) -> Result<(), KnowledgeError> {
        if piece.num_rows() == 0 {
            return Ok(());
        }
        let keys = Keys::try_new(piece)?;
        let order = keys.order();
        let sorted = match order {
            Some(order) => take_record_batch(piece, &order)?,
            None => piece.clone(),
        };
        let first = Keys::try_new(&sorted)?;
        let continues = match &self.open {
            Some(run) => {
                let tail = Keys::try_new(&run.tail)?;
                tail.compare(run.tail.num_rows() - 1, &first, 0).is_le()
            }
            None => false,
        };
        if !continues {
            self.close()?;
            let path = self.next_path();
            self.open = Some(OpenRun {
                writer: self.writer(&path)?,
                path,
                tail: sorted.slice(0, 0),
            });
        }
        if let Some(run) = &mut self.open {
            write(&mut run.writer, &sorted, &run.path)?;
            run.tail = sorted.slice(sorted.num_rows() - 1, 1);
        }
        Ok(())
    }

    /// The rows in order; equal ones as they came.
    ///
    /// # Errors
    /// A spill cannot be written or read.
    pub(crate) fn finish(mut self) -> Result<Merge, KnowledgeError> {
        self.close()?;
        while self.runs.len() > self.fan_in {
            let runs = std::mem::take(&mut self.runs);
            for group in runs.chunks(self.fan_in) {
                let path = self.next_path();
                let mut writer = self.writer(&path)?;
                let mut merge = Merge::try_new(open_runs(group)?)?;
                while let Some(batch) = merge.next_batch()? {
                    write(&mut writer, &batch, &path)?;
                }
                finish(writer, &path)?;
                for path in group {
                    std::fs::remove_file(path).map_err(|source| io_error(path, source))?;
                }
                self.runs.push(path);
            }
        }
        Merge::try_new(open_runs(&self.runs)?)
    }

    fn close(&mut self) -> Result<(), KnowledgeError> {
        if let Some(run) = self.open.take() {
            finish(run.writer, &run.path)?;
            self.runs.push(run.path);
        }
        Ok(())
    }

    fn next_path(&mut self) -> PathBuf {
        self.files += 1;
        self.folder.join(format!("run-{}.arrow", self.files))
    }

    fn writer(&self, path: &Path) -> Result<StreamWriter<BufWriter<File>>, KnowledgeError> {
        let file = File::create_new(path).map_err(|source| KnowledgeError::Create {
            path: path.to_owned(),
            source,
        })?;
        StreamWriter::try_new(BufWriter::new(file), &self.schema)
            .map_err(|error| io_error(path, std::io::Error::other(error)))
    }
}

/// Writes in batches of a size that a merge can hold many of.
fn write(
    writer: &mut StreamWriter<BufWriter<File>>,
    batch: &RecordBatch,
    path: &Path,
) -> Result<(), KnowledgeError> {
    let mut offset = 0;
    while offset < batch.num_rows() {
        let rows = BATCH_ROWS.min(batch.num_rows() - offset);
        writer
            .write(&batch.slice(offset, rows))
            .map_err(|error| io_error(path, std::io::Error::other(error)))?;
        offset += rows;
    }
    Ok(())
}

fn finish(mut writer: StreamWriter<BufWriter<File>>, path: &Path) -> Result<(), KnowledgeError> {
    writer
        .finish()
        .and_then(|()| writer.flush())
        .map_err(|error| io_error(path, std::io::Error::other(error)))
}

fn open_runs(paths: &[PathBuf]) -> Result<Vec<StreamReader<BufReader<File>>>, KnowledgeError> {
    let open = |path: &PathBuf| {
        let file = File::open(path).map_err(|source| io_error(path, source))?;
        StreamReader::try_new(BufReader::new(file), None)
            .map_err(|error| io_error(path, std::io::Error::other(error)))
    };
    paths.iter().map(open).collect()
}

fn io_error(path: &Path, source: std::io::Error) -> KnowledgeError {
    KnowledgeError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
