//! Numbered batches of raw records from one file or many.
//!
//! Several files are merged by position. A batch holds whole positions: all records of a contig and
//! position, from all files, stand in the same batch, so what is decided among them (one row for an
//! allele that several files have, repeated records) does not depend on the batch size.

mod context;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use varisk_core::{ContigId, ContigSet, Position, RunLimits};

use self::context::{Ahead, CarriedRecord, Context};
use crate::evidence::MAX_SITE;
use crate::opened::OpenedFile;
use crate::sites::{SiteAllele, SiteList};
use crate::stream::{ContigOrder, Place, RecordStream};
use crate::{Header, ReadError, RecordFormat, Regions};

/// Room taken for a batch before its first record, at most: a limit set high costs nothing until it
/// is used.
const MAX_ROOM: usize = 18 << 20;

/// Records that are passed over together.
const SKIPPED_TOGETHER: usize = 4096;

/// A file that is not open for now.
pub enum ClosedInput {
    /// A file on disk, and who is in which of its columns.
    File {
        /// The file.
        path: PathBuf,
        /// As in [`FileInput`].
        columns: Vec<(usize, usize)>,
        /// As in [`FileInput`].
        asked: bool,
    },
    /// What has no file.
    Kept(Box<FileInput>),
}

impl ClosedInput {
    /// Opens it again.
    ///
    /// # Errors
    /// As [`FileInput::open`].
    pub fn open(self) -> Result<FileInput, ReadError> {
        match self {
            Self::File {
                path,
                columns,
                asked,
            } => Ok(FileInput {
                opened: OpenedFile::open(&path)?,
                columns,
                asked,
            }),
            Self::Kept(input) => Ok(*input),
        }
    }
}

/// A file whose header has been read.
pub struct FileInput {
    opened: OpenedFile,
    /// For each patient column that this file fills: (sample column of the file, patient column).
    columns: Vec<(usize, usize)>,
    /// Sites that are only asked for.
    asked: bool,
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
            asked: false,
        })
    }

    /// Sites that are asked for, as a file without samples: each makes a row of which only the other
    /// files and other evidence speak. They may come in any order; each is read once. There is no
    /// INFO: every field asked for is missing.
    ///
    /// `name` stands for the file in messages, and a record there is a place in the run's order.
    ///
    /// # Errors
    /// A site is on no contig of the set, or REF or ALT is not a sequence of bases; the message counts
    /// sites as they were given, from 1.
    pub fn of_sites(
        name: &str,
        contigs: &ContigSet,
        sites: Vec<SiteAllele>,
    ) -> Result<Self, ReadError> {
        let sites = SiteList::try_new(name, contigs, sites)?;
        Ok(Self {
            opened: OpenedFile::of_sites(name, sites)?,
            columns: Vec::new(),
            asked: true,
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

    /// Leaves only the samples of patients `range`, who are patients 0 and following from now on. A file
    /// of which none is left makes its rows, of which the other files speak.
    pub fn keep_patients(&mut self, range: &Range<usize>) {
        self.columns.retain(|(_, patient)| range.contains(patient));
        for (_, patient) in &mut self.columns {
            *patient -= range.start;
        }
    }

    /// Closes the file; it can be opened again as it was. Sites in memory stay as they are.
    #[must_use]
    pub fn close(self) -> ClosedInput {
        match self.path().map(Path::to_path_buf) {
            Some(path) => ClosedInput::File {
                path,
                columns: self.columns,
                asked: self.asked,
            },
            None => ClosedInput::Kept(Box::new(self)),
        }
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.opened.header
    }

    /// The text of the header, its column line included.
    #[must_use]
    pub fn header_text(&self) -> &str {
        &self.opened.header_text
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

    pub(crate) fn is_in_memory(&self) -> bool {
        self.opened.is_in_memory()
    }

    /// The file on disk; `None` for standard input and for sites in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        let is_file = !self.is_in_memory() && self.opened.path != Path::new("-");
        is_file.then_some(self.opened.path.as_path())
    }

    /// Whether its sites are only asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked
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
    /// Records of other batches, or outside the regions, that may speak of sites of this one.
    pub(crate) context: Vec<Entry>,
    /// The source carries context, so that there is none where `context` is empty.
    pub(crate) has_context: bool,
}

impl RawBatch {
    /// Bytes of a record; empty where the batch has no such bytes.
    #[must_use]
    pub fn record(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.start..entry.end).unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.context.clear();
        self.has_context = false;
    }
}

/// Memory of batches that are done with, for those to come. A fresh buffer of this size costs more
/// in page faults than filling it does.
#[derive(Clone, Debug, Default)]
pub struct SpareBatches(Arc<Mutex<Vec<RawBatch>>>);

impl SpareBatches {
    /// Gives a batch back once it is decoded.
    pub fn give_back(&self, mut batch: RawBatch) {
        batch.clear();
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
    context: Option<Context>,
}

impl RecordSource {
    /// Starts reading.
    ///
    /// # Errors
    /// The first records cannot be read, or an index does not serve.
    pub fn try_new(files: Vec<FileInput>, settings: &SourceSettings) -> Result<Self, ReadError> {
        Self::start(files, settings, false)
    }

    /// As [`RecordSource::try_new`]; each batch also carries the records around it that may speak of
    /// its sites, as decoding with [`crate::ReferenceEvidence`] needs: gVCF blocks and deletions that
    /// begin before, also before a region or shard, and what follows within [`crate::MAX_SITE`].
    ///
    /// With an index, records that begin before a region are found if the index knows their END, as
    /// those of `bcftools index` and `tabix` do.
    ///
    /// # Errors
    /// The first records cannot be read, or an index does not serve.
    pub fn with_context(
        files: Vec<FileInput>,
        settings: &SourceSettings,
    ) -> Result<Self, ReadError> {
        Self::start(files, settings, true)
    }

    fn start(
        files: Vec<FileInput>,
        settings: &SourceSettings,
        context: bool,
    ) -> Result<Self, ReadError> {
        let first = files
            .first()
            .map(|file| file.header().clone())
            .unwrap_or_default();
        let order = Arc::new(ContigOrder::new(&settings.contigs, &first));
        let context =
            context.then(|| Context::new(files.iter().map(FileInput::format), Arc::clone(&order)));
        let mut streams = Vec::with_capacity(files.len());
        let mut queue = BinaryHeap::with_capacity(files.len());
        for (index, file) in files.into_iter().enumerate() {
            let stream = RecordStream::new(
                file.opened,
                Arc::clone(&settings.contigs),
                Arc::clone(&order),
                &settings.regions,
                context.as_ref().map(|_| MAX_SITE),
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
            context,
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
        self.begin(&mut batch);
        let carried = batch.bytes.len();
        while let Some(place) = self.next_place() {
            // One record at least: an empty batch would read like the end. What is only carried for
            // its context, such as blocks between two regions, is no record of the batch.
            let full = batch.entries.len() >= self.limits.batch_records.max(1)
                || !batch.entries.is_empty()
                    && batch.bytes.len() - carried >= self.limits.batch_bytes.max(1);
            let inside = batch
                .entries
                .last()
                .is_some_and(|last| (last.contig, last.position) == (place.contig, place.position));
            if full && !inside {
                break;
            }
            self.take(&mut batch)?;
        }
        self.complete(&mut batch)?;
        Ok((!batch.entries.is_empty()).then_some(batch))
    }

    /// Passes over records that an earlier run has done.
    ///
    /// # Errors
    /// A record cannot be read, or the input ends before.
    pub fn skip(&mut self, records: u64) -> Result<bool, ReadError> {
        let mut scratch = RawBatch::default();
        while self.records < records {
            scratch.clear();
            self.begin(&mut scratch);
            // What is still open behind these records is found once for many.
            while self.records < records && scratch.entries.len() < SKIPPED_TOGETHER {
                if self.next_place().is_none() {
                    return Ok(false);
                }
                self.take(&mut scratch)?;
                if self.context.is_none() {
                    scratch.clear();
                }
            }
            if let Some(context) = &mut self.context {
                let next = context.ahead_place().or(self.queue.peek().map(first_place));
                context.keep_open(&scratch, scratch.context.len(), next);
            }
        }
        Ok(true)
    }

    /// Place of the next record.
    fn next_place(&self) -> Option<Place> {
        let ahead = self.context.as_ref().and_then(Context::ahead_place);
        ahead.or_else(|| self.queue.peek().map(first_place))
    }

    fn take(&mut self, batch: &mut RawBatch) -> Result<(), ReadError> {
        let ahead = self
            .context
            .as_mut()
            .and_then(|context| context.ahead.pop_front());
        let (entry, inside) = match ahead {
            Some(ahead) => (ahead.record.copy_to(batch), ahead.inside),
            None => match self.read(&mut batch.bytes)? {
                Some(read) => read,
                None => return Ok(()),
            },
        };
        if inside {
            batch.entries.push(entry);
            self.records += 1;
        } else {
            batch.context.push(entry);
        }
        Ok(())
    }

    /// Reads the next record of the files to the end of some bytes; says whether it is inside the
    /// regions.
    fn read(&mut self, bytes: &mut Vec<u8>) -> Result<Option<(Entry, bool)>, ReadError> {
        let Some(Reverse((place, index))) = self.queue.pop() else {
            return Ok(None);
        };
        let stream = &mut self.streams[index];
        let start = bytes.len();
        bytes.extend_from_slice(stream.current());
        let entry = Entry {
            file: u32::try_from(index).unwrap_or(u32::MAX),
            record: stream.record_number(),
            contig: place.contig,
            position: place.position,
            start,
            end: bytes.len(),
        };
        let inside = stream.is_inside();
        stream.advance()?;
        if let Some(next) = stream.peek() {
            self.queue.push(Reverse((next, index)));
        }
        Ok(Some((entry, inside)))
    }

    /// Puts what is still open into a new batch.
    fn begin(&self, batch: &mut RawBatch) {
        let Some(context) = &self.context else {
            return;
        };
        batch.has_context = true;
        for open in &context.open {
            let entry = open.copy_to(batch);
            batch.context.push(entry);
        }
    }

    /// Adds to a batch what follows it within the reach of its sites, and notes what is open behind.
    fn complete(&mut self, batch: &mut RawBatch) -> Result<(), ReadError> {
        let before = batch.context.len();
        let Some((mut place, reach)) = self.context.as_ref().and_then(|c| c.reach(batch)) else {
            return Ok(());
        };
        place.position = reach;
        let is_near = |next: Place| next.rank == place.rank && next.position <= reach;
        while let Some(next) = self.queue.peek().map(first_place)
            && is_near(next)
        {
            let mut bytes = Vec::new();
            let Some((entry, inside)) = self.read(&mut bytes)? else {
                break;
            };
            if let Some(context) = &mut self.context {
                let record = CarriedRecord { entry, bytes };
                context.ahead.push_back(Ahead {
                    place: next,
                    record,
                    inside,
                });
            }
        }
        let next = self.next_place();
        if let Some(context) = &mut self.context {
            for ahead in context
                .ahead
                .iter()
                .take_while(|ahead| is_near(ahead.place))
            {
                let entry = ahead.record.copy_to(batch);
                batch.context.push(entry);
            }
            context.keep_open(batch, before, next);
        }
        Ok(())
    }
}

fn first_place(next: &Reverse<(Place, usize)>) -> Place {
    next.0.0
}
