//! Merging sorted runs.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::BufReader;

use arrow::compute::interleave_record_batch;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;

use super::{BATCH_ROWS, Keys};
use crate::KnowledgeError;

type Run = StreamReader<BufReader<File>>;

/// Sorted rows of all runs.
///
/// # Memory
/// A batch of each run, and the batch in the making.
pub(crate) struct Merge {
    runs: Vec<Run>,
    /// The current batch of each run; `None` once it has ended.
    current: Vec<Option<RecordBatch>>,
    heap: BinaryHeap<Head>,
}

/// The next row of a run. The greatest of the heap is the row that comes first.
struct Head {
    keys: Keys,
    row: usize,
    run: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        // Runs are numbered in the order of the input, so equal rows keep it.
        self.keys
            .compare(self.row, &other.keys, other.row)
            .then(self.run.cmp(&other.run))
            .reverse()
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

impl Merge {
    pub(super) fn try_new(runs: Vec<Run>) -> Result<Self, KnowledgeError> {
        let mut merge = Self {
            current: vec![None; runs.len()],
            heap: BinaryHeap::with_capacity(runs.len()),
            runs,
        };
        if merge.runs.len() > 1 {
            for run in 0..merge.runs.len() {
                if let Some(head) = merge.advance(run)? {
                    merge.heap.push(head);
                }
            }
        }
        Ok(merge)
    }

    /// Reads the next batch of a run.
    fn advance(&mut self, run: usize) -> Result<Option<Head>, KnowledgeError> {
        let next = read(self.runs.get_mut(run))?;
        let head = match &next {
            Some(batch) => Some(Head {
                keys: Keys::try_new(batch)?,
                row: 0,
                run,
            }),
            None => None,
        };
        if let Some(current) = self.current.get_mut(run) {
            *current = next;
        }
        Ok(head)
    }

    /// The next rows, or `None` at the end.
    ///
    /// # Errors
    /// A run cannot be read.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>, KnowledgeError> {
        if self.runs.len() <= 1 {
            return read(self.runs.first_mut());
        }
        // Batches that rows are picked from, and which of them is the current one of each run.
        let mut batches: Vec<RecordBatch> = Vec::with_capacity(self.runs.len());
        let mut slots: Vec<usize> = Vec::with_capacity(self.runs.len());
        for batch in &self.current {
            slots.push(batches.len());
            batches.extend(batch.iter().cloned());
        }
        let mut picks = Vec::with_capacity(BATCH_ROWS);
        while picks.len() < BATCH_ROWS {
            let Some(mut head) = self.heap.pop() else {
                break;
            };
            let Some(slot) = slots.get_mut(head.run) else {
                break;
            };
            picks.push((*slot, head.row));
            head.row += 1;
            if head.row < head.keys.len() {
                self.heap.push(head);
            } else {
                *slot = batches.len();
                if let Some(next) = self.advance(head.run)? {
                    batches.extend(self.current.get(next.run).cloned().flatten());
                    self.heap.push(next);
                }
            }
        }
        if picks.is_empty() {
            return Ok(None);
        }
        let sources: Vec<&RecordBatch> = batches.iter().collect();
        Ok(Some(interleave_record_batch(&sources, &picks)?))
    }
}

fn read(run: Option<&mut Run>) -> Result<Option<RecordBatch>, KnowledgeError> {
    match run {
        // Empty batches never stand in a run: a piece without rows is not written.
        Some(run) => Ok(run.next().transpose()?),
        None => Ok(None),
    }
}
