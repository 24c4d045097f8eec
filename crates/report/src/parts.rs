//! Rows of the variants table on their way to it: restored to order, kept in part files, merged.
//!
//! Normalisation moves alleles to the left, so batches overlap a little. A writer holds rows back
//! for a window of positions and writes them sorted; a row that was moved farther than the window
//! goes to a file of its own. The final table is the ordered merge of all parts: of a resumed run,
//! of shards, of stragglers alike. So a table never depends on how the work was cut.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray, UInt16Array, UInt32Array};
use arrow::compute::{concat_batches, interleave_record_batch, take_record_batch};
use arrow::datatypes::{SchemaRef, UInt16Type, UInt32Type};
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use varisk_core::columns as c;

use crate::ReportError;

/// Bases that a normalised allele is expected to move at most; farther ones cost an extra file.
pub const REORDER_WINDOW: u32 = 100_000;

/// Rows of a merged piece.
const PIECE_ROWS: usize = 8_192;

/// The columns that rows are ordered by. The contig column holds indices until the final table.
struct Keys {
    contig: UInt32Array,
    position: UInt32Array,
    reference: StringArray,
    alternate: StringArray,
    input_position: UInt32Array,
    input_reference: StringArray,
    input_alternate: StringArray,
    alternate_index: UInt16Array,
}

impl Keys {
    fn try_new(batch: &RecordBatch) -> Result<Self, ReportError> {
        let column = |name: &str| {
            let missing = || arrow::error::ArrowError::SchemaError(format!("no column '{name}'"));
            batch.column_by_name(name).cloned().ok_or_else(missing)
        };
        Ok(Self {
            contig: column(c::CONTIG)?.as_primitive::<UInt32Type>().clone(),
            position: column(c::POSITION)?.as_primitive::<UInt32Type>().clone(),
            reference: column(c::REFERENCE)?.as_string().clone(),
            alternate: column(c::ALTERNATE)?.as_string().clone(),
            input_position: column(c::INPUT_POSITION)?
                .as_primitive::<UInt32Type>()
                .clone(),
            input_reference: column(c::INPUT_REFERENCE)?.as_string().clone(),
            input_alternate: column(c::INPUT_ALTERNATE)?.as_string().clone(),
            alternate_index: column(c::ALTERNATE_INDEX)?
                .as_primitive::<UInt16Type>()
                .clone(),
        })
    }

    fn place(&self, row: usize, ranks: &[u32]) -> (u32, u32) {
        let contig = self.contig.value(row) as usize;
        (
            ranks.get(contig).copied().unwrap_or(u32::MAX),
            self.position.value(row),
        )
    }

    fn allele(&self, row: usize) -> (&str, Option<&str>) {
        (self.reference.value(row), text(&self.alternate, row))
    }

    fn compare(&self, row: usize, other: &Self, other_row: usize, ranks: &[u32]) -> Ordering {
        self.place(row, ranks)
            .cmp(&other.place(other_row, ranks))
            .then_with(|| self.allele(row).cmp(&other.allele(other_row)))
            .then_with(|| {
                self.input_position
                    .value(row)
                    .cmp(&other.input_position.value(other_row))
            })
            .then_with(|| {
                self.input_reference
                    .value(row)
                    .cmp(other.input_reference.value(other_row))
            })
            .then_with(|| {
                text(&self.input_alternate, row).cmp(&text(&other.input_alternate, other_row))
            })
            .then_with(|| {
                self.alternate_index
                    .value(row)
                    .cmp(&other.alternate_index.value(other_row))
            })
    }
}

fn text(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

/// Writes the rows of one stretch of a run, in order, to one part file or, with stragglers, two.
pub struct PartWriter {
    folder: PathBuf,
    stem: String,
    schema: SchemaRef,
    ranks: Arc<[u32]>,
    pending: Vec<RecordBatch>,
    flushed: Option<(u32, u32)>,
    writer: Option<(PathBuf, FileWriter<BufWriter<File>>)>,
    stragglers: Vec<RecordBatch>,
}

impl PartWriter {
    /// A writer of `<folder>/<stem>.arrow`; `ranks` is the order of contigs by their index.
    #[must_use]
    pub fn new(folder: &Path, stem: &str, schema: SchemaRef, ranks: Arc<[u32]>) -> Self {
        Self {
            folder: folder.to_owned(),
            stem: stem.to_owned(),
            schema,
            ranks,
            pending: Vec::new(),
            flushed: None,
            writer: None,
            stragglers: Vec::new(),
        }
    }

    /// Takes the rows of the next batch. `first` is contig index and POS of its first input record:
    /// later batches start nowhere before it.
    ///
    /// # Errors
    /// The part file cannot be written.
    pub fn push(&mut self, batch: RecordBatch, first: (u32, u32)) -> Result<(), ReportError> {
        let rank = self
            .ranks
            .get(first.0 as usize)
            .copied()
            .unwrap_or(u32::MAX);
        self.flush(Some((rank, first.1.saturating_sub(REORDER_WINDOW))))?;
        if batch.num_rows() > 0 {
            self.pending.push(batch);
        }
        Ok(())
    }

    /// Writes all pending rows that lie before a place; all rows for `None`.
    fn flush(&mut self, before: Option<(u32, u32)>) -> Result<(), ReportError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let all = concat_batches(&self.schema, &self.pending)?;
        let keys = Keys::try_new(&all)?;
        let mut order: Vec<usize> = (0..all.num_rows()).collect();
        // Stable: rows that are equal in every key keep the order of the input.
        order.sort_by(|a, b| keys.compare(*a, &keys, *b, &self.ranks));
        let ready = before.map_or(order.len(), |before| {
            order.partition_point(|row| keys.place(*row, &self.ranks) < before)
        });
        let late = self
            .flushed
            .map_or(0, |flushed| {
                order.partition_point(|row| keys.place(*row, &self.ranks) < flushed)
            })
            .min(ready);
        self.pending.clear();
        if ready < order.len() {
            // Kept in the order of arrival, so that the next sort is stable over all of them.
            let mut kept = order[ready..].to_vec();
            kept.sort_unstable();
            self.pending.push(pick(&all, &kept)?);
        }
        if late > 0 {
            self.stragglers.push(pick(&all, &order[..late])?);
        }
        if late < ready {
            self.flushed = before;
            let rows = pick(&all, &order[late..ready])?;
            self.write(&rows)?;
        }
        Ok(())
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), ReportError> {
        if self.writer.is_none() {
            self.writer = Some(open_part(&self.folder, &self.stem, &self.schema)?);
        }
        if let Some((path, writer)) = &mut self.writer {
            for start in (0..rows.num_rows()).step_by(PIECE_ROWS) {
                let piece = rows.slice(start, PIECE_ROWS.min(rows.num_rows() - start));
                writer
                    .write(&piece)
                    .map_err(|error| write_error(path, error))?;
            }
        }
        Ok(())
    }

    /// Completes the part and returns its files.
    ///
    /// # Errors
    /// A part file cannot be written.
    pub fn finish(mut self) -> Result<Vec<PathBuf>, ReportError> {
        self.flush(None)?;
        let mut files = Vec::new();
        if let Some((path, writer)) = self.writer.take() {
            files.push(close_part(path, writer)?);
        }
        if !self.stragglers.is_empty() {
            let all = concat_batches(&self.schema, &self.stragglers)?;
            let keys = Keys::try_new(&all)?;
            let mut order: Vec<usize> = (0..all.num_rows()).collect();
            order.sort_by(|a, b| keys.compare(*a, &keys, *b, &self.ranks));
            let stem = format!("{}-stragglers", self.stem);
            let (path, mut writer) = open_part(&self.folder, &stem, &self.schema)?;
            writer
                .write(&pick(&all, &order)?)
                .map_err(|error| write_error(&path, error))?;
            files.push(close_part(path, writer)?);
        }
        Ok(files)
    }
}

fn pick(batch: &RecordBatch, rows: &[usize]) -> Result<RecordBatch, ReportError> {
    let indices: UInt32Array = rows
        .iter()
        .map(|row| u32::try_from(*row).unwrap_or(u32::MAX))
        .collect();
    Ok(take_record_batch(batch, &indices)?)
}

fn open_part(
    folder: &Path,
    stem: &str,
    schema: &SchemaRef,
) -> Result<(PathBuf, FileWriter<BufWriter<File>>), ReportError> {
    let path = folder.join(format!("{stem}.arrow"));
    // A part left by a crash before its checkpoint is written again.
    let file = File::create(&path).map_err(|source| ReportError::Create {
        path: path.clone(),
        source,
    })?;
    let writer =
        FileWriter::try_new_buffered(file, schema).map_err(|error| write_error(&path, error))?;
    Ok((path, writer))
}

fn close_part(path: PathBuf, writer: FileWriter<BufWriter<File>>) -> Result<PathBuf, ReportError> {
    let inner = writer
        .into_inner()
        .map_err(|error| write_error(&path, error))?;
    let file = inner.into_inner().map_err(|error| ReportError::Write {
        path: path.clone(),
        source: error.into_error(),
    })?;
    file.sync_all().map_err(|source| ReportError::Write {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

fn write_error(path: &Path, error: arrow::error::ArrowError) -> ReportError {
    match error {
        arrow::error::ArrowError::IoError(_, source) => ReportError::Write {
            path: path.into(),
            source,
        },
        other => ReportError::Layout(other),
    }
}

/// Merges part files into one ordered stream of rows.
///
/// # Memory
/// One piece of each part that overlaps the current place; of the others a single row.
pub struct PartMerge {
    cursors: Vec<Cursor>,
    /// Cursors with rows left, the one with the least row first.
    order: VecDeque<usize>,
    ranks: Arc<[u32]>,
    equal_alleles: u64,
    last: Option<RecordBatch>,
}

/// The place in one part file. Until its turn comes, only its first row is held.
struct Cursor {
    path: PathBuf,
    reader: Option<FileReader<BufReader<File>>>,
    head: RecordBatch,
    keys: Keys,
    row: usize,
}

impl PartMerge {
    /// Opens part files; where rows are equal, the earlier file's come first.
    ///
    /// # Errors
    /// A file is missing, damaged, or of another schema.
    pub fn open(
        files: &[PathBuf],
        schema: &SchemaRef,
        ranks: Arc<[u32]>,
    ) -> Result<Self, ReportError> {
        let mut merge = Self {
            cursors: Vec::with_capacity(files.len()),
            order: VecDeque::new(),
            ranks,
            equal_alleles: 0,
            last: None,
        };
        for path in files {
            let mut reader = read_part(path)?;
            if reader.schema() != *schema {
                return Err(ReportError::Damaged {
                    path: path.clone(),
                    detail: "its columns are those of another run".to_owned(),
                });
            }
            let Some(batch) = next_piece(&mut reader, path)? else {
                continue;
            };
            let head = pick(&batch, &[0])?;
            let keys = Keys::try_new(&head)?;
            merge.cursors.push(Cursor {
                path: path.clone(),
                reader: None,
                head,
                keys,
                row: 0,
            });
            merge.enqueue(merge.cursors.len() - 1);
        }
        Ok(merge)
    }

    /// Alleles met so far that equal the one before after normalisation, both of them able to be
    /// scored: they were written differently in the input, and each counts.
    #[must_use]
    pub fn equal_alleles(&self) -> u64 {
        self.equal_alleles
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let (left, right) = (&self.cursors[a], &self.cursors[b]);
        left.keys
            .compare(left.row, &right.keys, right.row, &self.ranks)
            .then(a.cmp(&b))
    }

    fn enqueue(&mut self, cursor: usize) {
        let at = self
            .order
            .partition_point(|other| self.compare(*other, cursor) == Ordering::Less);
        self.order.insert(at, cursor);
    }

    /// The next rows in order.
    ///
    /// # Errors
    /// A part file is damaged.
    pub fn next_rows(&mut self) -> Result<Option<RecordBatch>, ReportError> {
        let mut picks: Vec<(usize, usize)> = Vec::with_capacity(PIECE_ROWS);
        let mut exhausted = None;
        while let Some(least) = self.order.pop_front() {
            if self.cursors[least].reader.is_none() {
                self.cursors[least].load()?;
            }
            let cursor = &mut self.cursors[least];
            picks.push((least, cursor.row));
            cursor.row += 1;
            if cursor.row >= cursor.head.num_rows() {
                exhausted = Some(least);
                break;
            }
            self.enqueue(least);
            if picks.len() >= PIECE_ROWS {
                break;
            }
        }
        if picks.is_empty() {
            return Ok(None);
        }
        let heads: Vec<&RecordBatch> = self.cursors.iter().map(|cursor| &cursor.head).collect();
        let rows = interleave_record_batch(&heads, &picks)?;
        if let Some(index) = exhausted
            && self.cursors[index].advance()?
        {
            self.enqueue(index);
        }
        self.count_equal(&rows)?;
        Ok(Some(rows))
    }

    fn count_equal(&mut self, rows: &RecordBatch) -> Result<(), ReportError> {
        let joined;
        let all = match &self.last {
            Some(last) => {
                joined = concat_batches(&rows.schema(), [last, rows])?;
                &joined
            }
            None => rows,
        };
        let keys = Keys::try_new(all)?;
        let scorable = |row: usize| {
            all.column_by_name(c::REASON)
                .is_some_and(|reason| reason.is_null(row))
        };
        for row in 1..all.num_rows() {
            let equal = keys.place(row - 1, &self.ranks) == keys.place(row, &self.ranks)
                && keys.allele(row - 1) == keys.allele(row);
            self.equal_alleles += u64::from(equal && scorable(row - 1) && scorable(row));
        }
        self.last = Some(pick(rows, &[rows.num_rows().saturating_sub(1)])?);
        Ok(())
    }
}

impl Cursor {
    /// Opens the file at its first piece.
    fn load(&mut self) -> Result<(), ReportError> {
        self.reader = Some(read_part(&self.path)?);
        self.advance().map(drop)
    }

    /// Goes to the next piece; `false` at the end.
    fn advance(&mut self) -> Result<bool, ReportError> {
        let Some(reader) = &mut self.reader else {
            return Ok(false);
        };
        let piece = next_piece(reader, &self.path)?;
        let found = piece.is_some();
        self.head = piece.unwrap_or_else(|| RecordBatch::new_empty(self.head.schema()));
        self.keys = Keys::try_new(&self.head)?;
        self.row = 0;
        Ok(found)
    }
}

fn read_part(path: &Path) -> Result<FileReader<BufReader<File>>, ReportError> {
    let damaged = |detail: String| ReportError::Damaged {
        path: path.to_owned(),
        detail,
    };
    let file = File::open(path).map_err(|error| damaged(error.to_string()))?;
    FileReader::try_new(BufReader::new(file), None).map_err(|error| damaged(error.to_string()))
}

fn next_piece(
    reader: &mut FileReader<BufReader<File>>,
    path: &Path,
) -> Result<Option<RecordBatch>, ReportError> {
    for piece in reader {
        let piece = piece.map_err(|error| ReportError::Damaged {
            path: path.to_owned(),
            detail: error.to_string(),
        })?;
        if piece.num_rows() > 0 {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
