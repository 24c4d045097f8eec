//! Records of one file, one after the other, placed on the run's contigs and checked for order.

use std::cmp::Ordering;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use memchr::memchr;
use varisk_core::{ContigId, ContigSet, Interval, Position};

use crate::bytes::{ByteStream, Packing};
use crate::evidence::record_span;
use crate::index::FileIndex;
use crate::opened::OpenedFile;
use crate::{Header, ReadError, RecordFormat, Regions, bcf};

/// A BCF record longer than this is damage, not data.
const MAX_RECORD: usize = 1 << 30;

/// Contig and position of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Rank of the contig in the order that files must follow.
    pub(crate) rank: u32,
    pub(crate) position: Position,
    pub(crate) contig: ContigId,
}

/// The order of contigs that all files of a run follow: that of the first file's header, then that
/// of the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContigOrder(Vec<u32>);

impl ContigOrder {
    pub(crate) fn new(contigs: &ContigSet, header: &Header) -> Self {
        let unranked = u32::MAX;
        let mut ranks = vec![unranked; contigs.len()];
        let mut next = 0;
        let named = header
            .contigs
            .iter()
            .filter_map(|contig| contigs.find(&contig.name));
        for id in named.chain(contigs.iter().map(|(id, _, _)| id)) {
            let rank = &mut ranks[id.0 as usize];
            if *rank == unranked {
                *rank = next;
                next += 1;
            }
        }
        // `<1>` is the contig 1 of the header's assembly file; its records stand among those of the
        // reference's contig 1.
        for (id, name, _) in contigs.iter() {
            let inner = name
                .strip_prefix('<')
                .and_then(|name| name.strip_suffix('>'));
            if let Some(home) = inner.and_then(|inner| contigs.find(inner)) {
                ranks[id.0 as usize] = ranks[home.0 as usize];
            }
        }
        Self(ranks)
    }

    pub(crate) fn ranks(&self) -> &[u32] {
        &self.0
    }

    pub(crate) fn rank(&self, contig: ContigId) -> u32 {
        self.0.get(contig.0 as usize).copied().unwrap_or(u32::MAX)
    }
}

/// Records of one file in order.
pub(crate) struct RecordStream {
    pub(crate) file: OpenedFile,
    contigs: Arc<ContigSet>,
    order: Arc<ContigOrder>,
    /// What is read: the regions, widened where context is wanted.
    intervals: Option<Vec<Interval>>,
    /// The regions themselves where context is wanted: records outside are read for what they say
    /// of sites inside.
    own: Option<Regions>,
    /// Whether the current record is inside the regions.
    inside: bool,
    /// Records on contigs that the reference lacks are outside what was asked for.
    leave_out: bool,
    next_interval: usize,
    index: Option<FileIndex>,
    /// Records read so far, the current one included.
    records: u64,
    current: Vec<u8>,
    place: Option<Place>,
    previous: Option<Place>,
    /// Contig name of the record before and what it resolved to: most records repeat it.
    last_contig: (Vec<u8>, Option<ContigId>),
}

impl RecordStream {
    pub(crate) fn new(
        mut file: OpenedFile,
        contigs: Arc<ContigSet>,
        order: Arc<ContigOrder>,
        regions: &Regions,
        context: Option<u32>,
    ) -> Result<Self, ReadError> {
        // Only now is the order of the contigs known.
        if let Some(sites) = file.sites.take() {
            file.bytes = ByteStream::of(sites.lines(Arc::clone(&contigs), &order));
        }
        let wide = context.map(|bases| regions.widened(bases));
        let read = wide.as_ref().unwrap_or(regions);
        let mut intervals = read.intervals().map(<[Interval]>::to_vec);
        let mut index = None;
        if let Some(intervals) = &mut intervals {
            if file.packing == Packing::Gzip {
                return Err(ReadError::Unsupported {
                    file: file.name,
                    detail: "is gzip but not BGZF, so regions cannot be read from it; rewrite it with 'gzip -d' and 'bgzip'".to_owned(),
                });
            }
            intervals.sort_by_key(|interval| (order.rank(interval.contig), interval.start));
            if matches!(file.bytes, ByteStream::BgzfFile(_)) {
                index = FileIndex::beside(&file.path, &contigs, &file.header.contig_dictionary)?;
            }
        }
        let unknown = index.as_ref().and_then(FileIndex::unknown_contig);
        if let Some(contig) = unknown.filter(|_| !regions.leave_out()) {
            // Seeking would pass over such records in every shard.
            return Err(ReadError::Unsupported {
                file: file.name,
                detail: format!(
                    "has records on contig '{contig}', which the reference lacks; use the FASTA that the variants were called against"
                ),
            });
        }
        let mut stream = Self {
            file,
            contigs,
            order,
            intervals,
            own: wide.is_some().then(|| regions.clone()),
            inside: false,
            leave_out: regions.leave_out(),
            next_interval: 0,
            index,
            records: 0,
            current: Vec::new(),
            place: None,
            previous: None,
            last_contig: (Vec::new(), None),
        };
        stream.seek_interval(None)?;
        stream.advance()?;
        Ok(stream)
    }

    /// Place of the current record; `None` at the end.
    pub(crate) fn peek(&self) -> Option<Place> {
        self.place
    }

    /// 1-based number of that record.
    pub(crate) fn record_number(&self) -> u64 {
        self.records
    }

    /// Whether that record is inside the regions; others come only where context is wanted.
    pub(crate) fn is_inside(&self) -> bool {
        self.inside
    }

    /// Bytes of that record.
    pub(crate) fn current(&self) -> &[u8] {
        &self.current
    }

    /// Goes to the next record inside the regions.
    pub(crate) fn advance(&mut self) -> Result<(), ReadError> {
        loop {
            self.place = None;
            if self
                .intervals
                .as_ref()
                .is_some_and(|intervals| self.next_interval >= intervals.len())
            {
                return Ok(());
            }
            if !self.read()? {
                // The contig that is last in the file need not be the last of the regions.
                if self.leave_interval()? {
                    continue;
                }
                return self.check_end();
            }
            self.records += 1;
            let place = self.locate()?;
            if self.is_beyond_contig(place) && self.leave_interval()? {
                continue;
            }
            let Some(place) = place else {
                continue;
            };
            if let Some(previous) = self.previous.filter(|previous| place < *previous) {
                return Err(ReadError::Unsorted {
                    file: self.file.name.clone(),
                    record: self.records,
                    place: self.show(place),
                    previous: self.show(previous),
                });
            }
            self.previous = Some(place);
            match self.compare(place)? {
                Ordering::Equal => {
                    let regions = self.own.as_ref();
                    self.inside = regions
                        .is_none_or(|own| own.covers(place.contig, place.position, place.position));
                    self.place = Some(place);
                    return Ok(());
                }
                Ordering::Less if self.reaches_interval(place) => {
                    self.inside = false;
                    self.place = Some(place);
                    return Ok(());
                }
                _ => continue,
            }
        }
    }

    /// Where a place lies to the regions: inside (equal), before or after the current one. After it,
    /// the next region becomes the current one.
    fn compare(&mut self, place: Place) -> Result<Ordering, ReadError> {
        loop {
            let Some(intervals) = &self.intervals else {
                return Ok(Ordering::Equal);
            };
            let Some(interval) = intervals.get(self.next_interval) else {
                return Ok(Ordering::Greater);
            };
            let rank = self.order.rank(interval.contig);
            let key = (place.rank, place.position);
            if key < (rank, interval.start) {
                return Ok(Ordering::Less);
            }
            if key <= (rank, interval.end) {
                return Ok(Ordering::Equal);
            }
            self.next_interval += 1;
            if self.seek_interval(Some(place.contig))? {
                return Ok(Ordering::Greater);
            }
        }
    }

    /// Where context is wanted: whether the current record, before the current region, reaches it.
    fn reaches_interval(&self, place: Place) -> bool {
        let intervals = self.intervals.as_ref().filter(|_| self.own.is_some());
        let interval = intervals.and_then(|intervals| intervals.get(self.next_interval));
        interval.is_some_and(|interval| {
            let span = || record_span(self.file.format, &self.current, place.position);
            interval.contig == place.contig && span().last() >= interval.start
        })
    }

    /// With an index, goes on to the next region; says whether there is an index.
    fn leave_interval(&mut self) -> Result<bool, ReadError> {
        if self.index.is_none() {
            return Ok(false);
        }
        self.next_interval += 1;
        self.seek_interval(None)?;
        Ok(true)
    }

    /// Whether a record is on another contig than the current region. An indexed file has each
    /// contig in one piece, so the region has no more records then, wherever its contig stands.
    fn is_beyond_contig(&self, place: Option<Place>) -> bool {
        self.intervals
            .as_ref()
            .and_then(|intervals| intervals.get(self.next_interval))
            .is_some_and(|interval| place.is_none_or(|place| place.contig != interval.contig))
    }

    /// With an index, goes to where the current region starts; regions without records are passed
    /// over. Says whether the place in the file changed.
    ///
    /// `here` is the contig of the current record: never back on it, since what was read of it lies
    /// before the region.
    fn seek_interval(&mut self, here: Option<ContigId>) -> Result<bool, ReadError> {
        let (Some(intervals), Some(index)) = (&self.intervals, &self.index) else {
            return Ok(false);
        };
        while let Some(interval) = intervals.get(self.next_interval) {
            if let Some(position) = index.start(interval)? {
                let is_behind = self
                    .file
                    .bytes
                    .virtual_position()
                    .is_some_and(|now| position <= now);
                if here == Some(interval.contig) && is_behind {
                    return Ok(false);
                }
                let sought = self.file.bytes.seek(position);
                self.previous = None;
                return sought.map_err(|source| ReadError::Io {
                    file: self.file.name.clone(),
                    record: self.records,
                    source,
                });
            }
            self.next_interval += 1;
        }
        Ok(true)
    }

    /// Reads the next record into `current`; `false` at the end.
    fn read(&mut self) -> Result<bool, ReadError> {
        self.current.clear();
        let read = match self.file.format {
            RecordFormat::Vcf => self.read_line(),
            RecordFormat::Bcf => self.read_binary(),
        };
        read.map_err(|source| ReadError::Io {
            file: self.file.name.clone(),
            record: self.records,
            source,
        })
    }

    /// A line without a line end is the last one: then the file must be whole, or the line is a
    /// part of one that would read like another genotype.
    fn check_line_end(&self, ended: bool) -> io::Result<()> {
        if ended || self.file.bytes.ended_whole() {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    fn read_line(&mut self) -> io::Result<bool> {
        loop {
            if self.file.bytes.read_until(b'\n', &mut self.current)? == 0 {
                return Ok(false);
            }
            let ended = self.current.last() == Some(&b'\n');
            self.check_line_end(ended)?;
            if ended {
                self.current.pop();
            }
            if self.current.last() == Some(&b'\r') {
                self.current.pop();
            }
            if !self.current.is_empty() {
                return Ok(true);
            }
        }
    }

    fn read_binary(&mut self) -> io::Result<bool> {
        let bytes = &mut self.file.bytes;
        if bytes.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let mut words = [0; bcf::LENGTH_WORDS];
        bytes.read_exact(&mut words)?;
        let word = |at: usize| {
            u32::from_le_bytes([words[at], words[at + 1], words[at + 2], words[at + 3]]) as usize
        };
        let length = word(0).saturating_add(word(4));
        if length > MAX_RECORD {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a record claims more than 1 GiB",
            ));
        }
        self.current.extend_from_slice(&words);
        let read = bytes.take(length as u64).read_to_end(&mut self.current)?;
        if read < length {
            Err(io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(true)
        }
    }

    fn check_end(&self) -> Result<(), ReadError> {
        if self.file.bytes.ended_whole() {
            Ok(())
        } else {
            Err(ReadError::Truncated {
                file: self.file.name.clone(),
            })
        }
    }

    /// Place of the current record; `None` for a contig that is not in the reference where regions
    /// were chosen, since it cannot lie in one.
    fn locate(&mut self) -> Result<Option<Place>, ReadError> {
        let misplaced = |detail: &str| ReadError::Placement {
            file: self.file.name.clone(),
            record: self.records,
            detail: detail.to_owned(),
        };
        let (name, position) = match self.file.format {
            RecordFormat::Vcf => {
                let line = &self.current;
                let tab = memchr(b'\t', line)
                    .ok_or_else(|| misplaced("the columns are not parted by tabs"))?;
                let rest = &line[tab + 1..];
                let end = memchr(b'\t', rest).ok_or_else(|| misplaced("columns are missing"))?;
                let position = std::str::from_utf8(&rest[..end])
                    .ok()
                    .filter(|text| !text.starts_with('+'))
                    .and_then(|text| text.parse().ok());
                (
                    &line[..tab],
                    position.ok_or_else(|| misplaced("POS is not a position"))?,
                )
            }
            RecordFormat::Bcf => {
                let (index, position) = bcf::placement(&self.current)
                    .ok_or_else(|| misplaced("the binary record is damaged"))?;
                let name = self
                    .file
                    .header
                    .contig_dictionary
                    .get(index)
                    .filter(|name| !name.is_empty());
                (
                    name.ok_or_else(|| misplaced("CHROM is not in the header"))?
                        .as_bytes(),
                    position,
                )
            }
        };
        if name != self.last_contig.0 || self.last_contig.1.is_none() {
            let text = std::str::from_utf8(name)
                .ok()
                .filter(|text| !text.is_empty() && !text.contains(char::is_whitespace));
            let text = text.ok_or_else(|| misplaced("CHROM is not a contig name"))?;
            let found = self.contigs.find(text);
            if found.is_none() && !self.leave_out {
                return Err(ReadError::UnknownContig {
                    file: self.file.name.clone(),
                    record: self.records,
                    contig: text.to_owned(),
                });
            }
            self.last_contig = (name.to_vec(), found);
        }
        let Some(contig) = self.last_contig.1 else {
            return Ok(None);
        };
        Ok(Some(Place {
            rank: self.order.rank(contig),
            position: Position(position),
            contig,
        }))
    }

    fn show(&self, place: Place) -> String {
        format!("{}:{}", self.contigs.name(place.contig), place.position)
    }
}
