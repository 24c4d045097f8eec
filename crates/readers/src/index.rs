//! Tabix and CSI indexes beside a file: where to start reading for an interval.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use noodles::core::Position as IndexPosition;
use noodles::csi::BinningIndex;
use noodles::csi::binning_index::index::Header;
use noodles::csi::binning_index::index::reference_sequence::Metadata;
use noodles::csi::binning_index::index::reference_sequence::bin::Chunk;
use noodles::{bgzf, csi, tabix};
use varisk_core::{ContigId, ContigSet, Interval};

use crate::ReadError;

/// An index of a BGZF file.
pub(crate) struct FileIndex {
    index: Box<dyn BinningIndex + Send>,
    path: PathBuf,
    file: PathBuf,
    /// Contigs of the run by their number in the index.
    contigs: Vec<(ContigId, usize)>,
    /// A contig that has records but that the run does not know.
    unknown: Option<String>,
}

impl FileIndex {
    /// The index beside a file, if there is one; `dictionary` is the contig order of a BCF header.
    pub(crate) fn beside(
        file: &Path,
        contigs: &ContigSet,
        dictionary: &[String],
    ) -> Result<Option<Self>, ReadError> {
        for extension in ["csi", "tbi"] {
            let mut name = file.as_os_str().to_owned();
            name.push(".");
            name.push(extension);
            let path = PathBuf::from(name);
            if !path.exists() {
                continue;
            }
            let refuse = |detail: String| ReadError::Index {
                file: path.display().to_string(),
                detail,
            };
            let unreadable = |e| refuse(format!("cannot be read: {e}"));
            let index: Box<dyn BinningIndex + Send> = match extension {
                "csi" => Box::new(csi::fs::read(&path).map_err(unreadable)?),
                _ => Box::new(tabix::fs::read(&path).map_err(unreadable)?),
            };
            let mut found = Self {
                index,
                path: path.clone(),
                file: file.to_owned(),
                contigs: Vec::new(),
                unknown: None,
            };
            found.refuse_outdated().map_err(&refuse)?;
            found.resolve(contigs, dictionary);
            return Ok(Some(found));
        }
        Ok(None)
    }

    /// Finds the run's contigs among those of the index.
    fn resolve(&mut self, contigs: &ContigSet, dictionary: &[String]) {
        let own = self.index.header().map(Header::reference_sequence_names);
        let own = own.filter(|names| !names.is_empty());
        let names: Vec<String> = match own {
            Some(names) => names.iter().map(ToString::to_string).collect(),
            None => dictionary.to_vec(),
        };
        let is_named = own.is_some();
        for (id, (name, sequence)) in names
            .iter()
            .zip(self.index.reference_sequences())
            .enumerate()
        {
            // An index with names lists the contigs that have records; that of a BCF file has one
            // entry for each contig of the header.
            let records = || sequence.metadata().map_or(0, Metadata::mapped_record_count);
            match contigs.find(name) {
                Some(contig) => self.contigs.push((contig, id)),
                None if is_named || records() > 0 => {
                    self.unknown.get_or_insert_with(|| name.clone());
                }
                None => {}
            }
        }
    }

    /// A contig that has records but that the run does not know.
    pub(crate) fn unknown_contig(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// Records of the file, where the index counts them.
    pub(crate) fn records(&self) -> Option<u64> {
        let sequences = self.index.reference_sequences();
        let counts = sequences.filter_map(|own| own.metadata().map(Metadata::mapped_record_count));
        Some(counts.sum()).filter(|records| *records > 0)
    }

    /// Where the records of a contig end; `None` where it has none.
    pub(crate) fn end(&self, contig: ContigId) -> Result<Option<bgzf::VirtualPosition>, ReadError> {
        let mut last = None;
        for (_, id) in self.contigs.iter().filter(|(own, _)| *own == contig) {
            let chunks = self.index.query(*id, (IndexPosition::MIN..).into());
            let chunks = chunks.map_err(|e| ReadError::Index {
                file: self.path.display().to_string(),
                detail: format!("cannot be used: {e}"),
            })?;
            last = last.max(chunks.iter().map(Chunk::end).max());
        }
        Ok(last)
    }

    /// Where the records of an interval start; `None` where it has none.
    pub(crate) fn start(
        &self,
        interval: &Interval,
    ) -> Result<Option<bgzf::VirtualPosition>, ReadError> {
        // The index cannot hold positions from 2^29 on (tabix); it says so itself.
        let start = usize::try_from(interval.start.0.max(1))
            .ok()
            .and_then(IndexPosition::new)
            .unwrap_or(IndexPosition::MIN);
        let range = match usize::try_from(interval.end.0.max(1))
            .ok()
            .and_then(IndexPosition::new)
        {
            Some(end) if interval.end.0 < 1 << 29 => (start..=end).into(),
            _ => (start..).into(),
        };
        let mut first = None;
        let ids = self
            .contigs
            .iter()
            .filter(|(contig, _)| *contig == interval.contig);
        for (_, id) in ids {
            let chunks = self.index.query(*id, range).map_err(|e| ReadError::Index {
                file: self.path.display().to_string(),
                detail: format!("cannot be used: {e}"),
            })?;
            let start = chunks.iter().map(Chunk::start).min();
            if first.is_some() && start.is_some() {
                return Err(ReadError::Unsupported {
                    file: self.file.display().to_string(),
                    detail: "has records of one contig under two names; give it one with 'bcftools annotate --rename-chrs'".to_owned(),
                });
            }
            first = first.or(start);
        }
        Ok(first)
    }

    /// An index older than its file points to the wrong places. Times alone do not tell: nodes' clocks
    /// differ, and files that are staged one by one get the times of their copies. So one that seems
    /// older must end where the file ends.
    fn refuse_outdated(&self) -> Result<(), String> {
        let unreadable = |e: std::io::Error| format!("cannot be read: {e}");
        let modified = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified());
        let index = modified(&self.path).map_err(unreadable)?;
        // File systems keep times to the second or better, and copies arrive in any order within one.
        let tolerance = std::time::Duration::from_secs(2);
        if index + tolerance >= modified(&self.file).map_err(unreadable)?
            || self.ends_with_file().map_err(unreadable)?
        {
            return Ok(());
        }
        Err(format!("is older than {}", self.file.display()))
    }

    /// Whether the last record of the index ends where the file does.
    fn ends_with_file(&self) -> std::io::Result<bool> {
        let count = self.index.reference_sequences().count();
        let mut end = None;
        for id in 0..count {
            let chunks = self.index.query(id, (IndexPosition::MIN..).into())?;
            end = end.max(chunks.iter().map(Chunk::end).max());
        }
        let Some(end) = end else {
            // That the file has no records either would have to be read.
            return Ok(false);
        };
        let mut file = File::open(&self.file)?;
        let last = file.metadata()?.len().saturating_sub(END_BLOCK_BYTES);
        if end.uncompressed() == 0 {
            return Ok(end.compressed() == last);
        }
        file.seek(SeekFrom::Start(end.compressed()))?;
        let mut header = [0; 18];
        if file.read_exact(&mut header).is_err() {
            return Ok(false);
        }
        // BSIZE, the size of the block less one, where the extra field has nothing before it.
        let size = u64::from(u16::from_le_bytes([header[16], header[17]])) + 1;
        if !header.starts_with(&[0x1f, 0x8b]) || end.compressed() + size != last {
            return Ok(false);
        }
        // ISIZE, what the block holds: the last record ends there too.
        let mut holds = [0; 4];
        file.seek(SeekFrom::Start(last.saturating_sub(4)))?;
        file.read_exact(&mut holds)?;
        Ok(u32::from_le_bytes(holds) == u32::from(end.uncompressed()))
    }
}

/// The empty block that ends a BGZF file.
const END_BLOCK_BYTES: u64 = 28;
