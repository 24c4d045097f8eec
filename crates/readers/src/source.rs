//! Numbered batches of raw records from one file or many.
//!
//! Several files are merged by position. A batch holds whole positions: all records of a contig and
//! position, from all files, stand in the same batch, so what is decided among them (one row for an
//! allele that several files have, repeated records) does not depend on the batch size.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use varisk_core::{ContigId, ContigSet, Position, RunLimits};

use crate::stream::{ContigOrder, OpenedFile, Place, RecordStream};
use crate::{Header, ReadError, RecordFormat, Regions};

/// Room taken for a batch before its first record, at most: a limit set high costs nothing until it
/// is used.
const MAX_ROOM: usize = 18 << 20;

/// A file whose header has been read.
pub struct FileInput {
    opened: OpenedFile,
    /// For each patient column that this file fills: (sample column of the file, patient column).
    columns: Vec<(usize, usize)>,
}

impl FileInput {
    /// Opens a file (`-` for standard input) and reads its header.
    ///
    /// # Errors
    /// The file cannot be opened, is cut short, or has no valid header.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self {
            opened: OpenedFile::open(path)?,
            columns: Vec::new(),
        })
    }

    /// Says which patient column each sample of this file fills; samples not named are not decoded.
    ///
    /// # Errors
    /// A sample that the file does not have, or that two patients claim.
    pub fn assign(&mut self, samples: &[(String, usize)]) -> Result<(), ReadError> {
        let by_name: HashMap<&str, usize> = self
            .opened
            .header
            .samples
            .iter()
            .map(String::as_str)
            .zip(0..)
            .collect();
        let mut taken: HashSet<usize> = self.columns.iter().map(|(column, _)| *column).collect();
        for (sample, patient) in samples {
            let column = by_name.get(sample.as_str()).copied();
            let column = column.ok_or_else(|| ReadError::Sample {
                file: self.name().to_owned(),
                detail: "lacks a sample that the samplesheet names; correct the column 'sample' (names are not printed)".to_owned(),
            })?;
            if !taken.insert(column) {
                return Err(ReadError::Sample {
                    file: self.name().to_owned(),
                    detail: format!(
                        "its sample column {} is given to two patients; correct the column 'sample' of the samplesheet",
                        column + 1
                    ),
                });
            }
            self.columns.push((column, *patient));
        }
        self.columns.sort_unstable();
        Ok(())
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.opened.header
    }

    /// The file's name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.opened.name
    }

    /// How its records are written.
    #[must_use]
    pub fn format(&self) -> RecordFormat {
        self.opened.format
    }

    pub(crate) fn columns(&self) -> &[(usize, usize)] {
        &self.columns
    }
}

/// What a source reads and how it cuts.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Contigs of the reference.
    pub contigs: Arc<ContigSet>,
    /// Which records.
    pub regions: Regions,
    /// How large a batch is.
    pub limits: RunLimits,
}

/// A record of a batch: where its bytes are and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Index of the file.
    pub file: u32,
    /// 1-based number of the record in what was read of its file.
    pub record: u64,
    /// Contig.
    pub contig: ContigId,
    /// POS.
    pub position: Position,
    /// First byte in the batch.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// Raw records of whole positions.
#[derive(Clone, Debug, Default)]
pub struct RawBatch {
    /// Bytes of all records.
    pub bytes: Vec<u8>,
    /// The records in order.
    pub entries: Vec<Entry>,
}

/// Memory of batches that are done with, for those to come. A fresh buffer of this size costs more
/// in page faults than filling it does.
#[derive(Clone, Debug, Default)]
pub struct SpareBatches(Arc<Mutex<Vec<RawBatch>>>);

impl SpareBatches {
    /// Gives a batch back once it is decoded.
    pub fn give_back(&self, mut batch: RawBatch) {
        batch.bytes.clear();
        batch.entries.clear();
        self.lock().push(batch);
    }

    fn take(&self) -> RawBatch {
        self.lock().pop().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RawBatch>> {
        // A list of empty buffers is sound whatever a panicking thread left of it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the records of all files in order.
pub struct RecordSource {
    streams: Vec<RecordStream>,
    queue: BinaryHeap<Reverse<(Place, usize)>>,
    order: Arc<ContigOrder>,
    limits: RunLimits,
    records: u64,
    spare: SpareBatches,
}

impl RecordSource {
    /// Starts reading.
    ///
    /// # Errors
    /// The first records cannot be read, or an index does not serve.
    pub fn try_new(files: Vec<FileInput>, settings: &SourceSettings) -> Result<Self, ReadError> {
        let first = files
            .first()
            .map(|file| file.header().clone())
            .unwrap_or_default();
        let order = Arc::new(ContigOrder::new(&settings.contigs, &first));
        let mut streams = Vec::with_capacity(files.len());
        let mut queue = BinaryHeap::with_capacity(files.len());
        for (index, file) in files.into_iter().enumerate() {
            let stream = RecordStream::new(
                file.opened,
                Arc::clone(&settings.contigs),
                Arc::clone(&order),
                &settings.regions,
            )?;
            if let Some(place) = stream.peek() {
                queue.push(Reverse((place, index)));
            }
            streams.push(stream);
        }
        Ok(Self {
            streams,
            queue,
            order,
            limits: settings.limits.clone(),
            records: 0,
            spare: SpareBatches::default(),
        })
    }

    /// For each contig of the reference its rank in the order that the files follow.
    #[must_use]
    pub fn contig_ranks(&self) -> Vec<u32> {
        self.order.ranks().to_vec()
    }

    /// Where decoded batches go back to.
    #[must_use]
    pub fn spare(&self) -> SpareBatches {
        self.spare.clone()
    }

    /// Records given so far, over all files.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The next batch, or `None` at the end.
    ///
    /// # Errors
    /// A record cannot be read or placed, or is out of order.
    pub fn next_batch(&mut self) -> Result<Option<RawBatch>, ReadError> {
        let mut batch = self.spare.take();
        batch.bytes.reserve(self.limits.batch_bytes.min(MAX_ROOM));
        while let Some(Reverse((place, _))) = self.queue.peek() {
            let place = *place;
            // One record at least: an empty batch would read like the end.
            let full = batch.entries.len() >= self.limits.batch_records.max(1)
                || batch.bytes.len() >= self.limits.batch_bytes.max(1);
            let inside = batch
                .entries
                .last()
                .is_some_and(|last| (last.contig, last.position) == (place.contig, place.position));
            if full && !inside {
                break;
            }
            self.take(&mut batch)?;
        }
        Ok((!batch.entries.is_empty()).then_some(batch))
    }

    /// Passes over records that an earlier run has done.
    ///
    /// # Errors
    /// A record cannot be read, or the input ends before.
    pub fn skip(&mut self, records: u64) -> Result<bool, ReadError> {
        let mut scratch = RawBatch::default();
        while self.records < records {
            if self.queue.is_empty() {
                return Ok(false);
            }
            scratch.bytes.clear();
            scratch.entries.clear();
            self.take(&mut scratch)?;
        }
        Ok(true)
    }

    fn take(&mut self, batch: &mut RawBatch) -> Result<(), ReadError> {
        let Some(Reverse((place, index))) = self.queue.pop() else {
            return Ok(());
        };
        let stream = &mut self.streams[index];
        let start = batch.bytes.len();
        batch.bytes.extend_from_slice(stream.current());
        batch.entries.push(Entry {
            file: u32::try_from(index).unwrap_or(u32::MAX),
            record: stream.record_number(),
            contig: place.contig,
            position: place.position,
            start,
            end: batch.bytes.len(),
        });
        self.records += 1;
        stream.advance()?;
        if let Some(next) = stream.peek() {
            self.queue.push(Reverse((next, index)));
        }
        Ok(())
    }
}
