//! Evidence at sites: one pass over the reads of each neighbourhood.

use std::io;
use std::sync::Arc;

use varisk_core::{ContigId, Position};
use varisk_reference::SequenceReader;

use crate::AlignmentError;
use crate::bam::BamStream;
use crate::pileup::{Pileup, SiteReads};
use crate::read::AlignedRead;
use crate::site::{SitePlan, SiteQuery};
use crate::source::{Format, Inner};

/// Sites of a BAM that are farther apart than this many bases are asked one by one. The index points
/// to the first read of each 16,384 bases, so that a query of its own skips nothing nearer.
const BAM_GAP: u32 = 1 << 14;
/// The same of a CRAM, whose slices hold 10,000 reads (50,000 bases of a genome at depth 30), which
/// have to be decoded together.
#[cfg(feature = "cram")]
const CRAM_GAP: u32 = 1 << 16;

/// One thread's handle on the reads of a file.
pub struct AlignmentReader {
    source: Arc<Inner>,
    stream: Stream,
    sequence: Option<SequenceReader>,
    pileup: Pileup,
    plans: Vec<(SitePlan, usize)>,
}

enum Stream {
    Bam(BamStream),
    #[cfg(feature = "cram")]
    Cram(Box<crate::cram::CramStream>),
}

impl AlignmentReader {
    pub(crate) fn open(source: Arc<Inner>) -> Result<Self, AlignmentError> {
        let unreadable = |error| AlignmentError::Open {
            path: source.path.clone(),
            source: error,
        };
        let stream = match &source.format {
            Format::Bam(_) => Stream::Bam(BamStream::open(&source.path).map_err(unreadable)?),
            #[cfg(feature = "cram")]
            Format::Cram { index, reference } => {
                let stream = crate::cram::CramStream::open(&source.path, index, reference);
                Stream::Cram(Box::new(stream.map_err(unreadable)?))
            }
        };
        Ok(Self {
            source,
            stream,
            sequence: None,
            pileup: Pileup::default(),
            plans: Vec::new(),
        })
    }

    /// What the reads show at sites of one contig, sorted by position; `out` gets one entry for each
    /// site. A contig that the file lacks has no reads.
    ///
    /// # Errors
    /// The file or the reference cannot be read, reads are out of order, the contig has another
    /// checksum than the reference, or an indel is asked for without a reference.
    pub fn evidence(
        &mut self,
        contig: ContigId,
        sites: &[SiteQuery<'_>],
        out: &mut Vec<SiteReads>,
    ) -> Result<(), AlignmentError> {
        out.clear();
        out.resize(sites.len(), SiteReads::default());
        if !sites.is_sorted_by_key(|site| site.position) {
            return Err(AlignmentError::UnsortedSites {
                contig: self.source.contigs.name(contig).to_owned(),
            });
        }
        let Some(file_contig) = self.source.file_contig(contig) else {
            return Ok(());
        };
        if sites.is_empty() {
            return Ok(());
        }
        self.source.check_checksum(contig)?;
        let mut plans = std::mem::take(&mut self.plans);
        plans.clear();
        for (index, site) in sites.iter().enumerate() {
            plans.push((self.plan(contig, site)?, index));
        }
        // The base before an indel may lie before a site that was asked earlier.
        plans.sort_by_key(|(plan, _)| plan.start);
        let gap = match &self.stream {
            Stream::Bam(_) => BAM_GAP,
            #[cfg(feature = "cram")]
            Stream::Cram(_) => CRAM_GAP,
        };
        for group in plans.chunk_by(|(a, _), (b, _)| b.start - a.start <= gap) {
            self.pass(contig, file_contig, group, out)?;
        }
        self.plans = plans;
        Ok(())
    }

    fn plan(&mut self, contig: ContigId, site: &SiteQuery<'_>) -> Result<SitePlan, AlignmentError> {
        if !SitePlan::needs_sequence(site) {
            return Ok(SitePlan::new(site, None)?);
        }
        let Some(reference) = &self.source.reference else {
            return Err(AlignmentError::NoReference {
                path: self.source.path.clone(),
                purpose: "insertions and deletions are compared over the repeat that they stand in",
            });
        };
        let own = reference
            .reference()
            .contigs()
            .find(self.source.contigs.name(contig));
        let reader = match &mut self.sequence {
            Some(reader) => reader,
            empty => empty.insert(reference.reference().reader()?),
        };
        Ok(SitePlan::new(site, own.map(|own| (reader, own)))?)
    }

    /// One pass over the reads of sites that are near each other, sorted by start.
    fn pass(
        &mut self,
        contig: ContigId,
        file_contig: usize,
        plans: &[(SitePlan, usize)],
        out: &mut [SiteReads],
    ) -> Result<(), AlignmentError> {
        let (Some((first, _)), Some((last, _))) = (plans.first(), plans.last()) else {
            return Ok(());
        };
        let filters = self.source.options.filters;
        let failed = |source: &Inner, error: io::Error| AlignmentError::Read {
            path: source.path.clone(),
            contig: source.contigs.name(contig).to_owned(),
            position: Position(first.start.saturating_add(1)),
            source: error,
        };
        self.pileup.clear();
        self.stream
            .fetch(&self.source, file_contig, first.start, last.start)
            .map_err(|error| failed(&self.source, error))?;
        let mut waiting = plans;
        let mut previous = 0;
        while let Some((next, _)) = waiting.first() {
            let needed = next.start;
            let read = self.pileup.buffer();
            let more = self
                .stream
                .next(&self.source, read, needed)
                .map_err(|error| failed(&self.source, error))?;
            if !more {
                break;
            }
            let (start, end) = (read.start, read.end);
            if start < previous {
                return Err(AlignmentError::Unsorted {
                    path: self.source.path.clone(),
                    contig: self.source.contigs.name(contig).to_owned(),
                    position: Position(start.saturating_add(1)),
                });
            }
            previous = start;
            // A site is complete once a read starts beyond it.
            while let Some(((plan, index), rest)) = waiting.split_first()
                && plan.start < start
            {
                out[*index] = self.pileup.resolve(plan, filters);
                waiting = rest;
            }
            if waiting.first().is_some_and(|(plan, _)| end > plan.start) {
                self.pileup.push();
            }
        }
        for (plan, index) in waiting {
            out[*index] = self.pileup.resolve(plan, filters);
        }
        Ok(())
    }
}

impl Stream {
    /// Goes to the reads over 0-based positions `first` to `last`, both inclusive.
    fn fetch(&mut self, source: &Inner, contig: usize, first: u32, last: u32) -> io::Result<()> {
        let end = last.saturating_add(1);
        match (self, &source.format) {
            (Self::Bam(stream), Format::Bam(index)) => stream.fetch(index, contig, first, end),
            #[cfg(feature = "cram")]
            (Self::Cram(stream), Format::Cram { .. }) => stream.fetch(contig, first, end),
            #[cfg(feature = "cram")]
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn next(&mut self, source: &Inner, read: &mut AlignedRead, needed: u32) -> io::Result<bool> {
        let (filters, groups) = (source.options.filters, source.groups.as_ref());
        match self {
            Self::Bam(stream) => stream.next(read, filters, groups, needed),
            #[cfg(feature = "cram")]
            Self::Cram(stream) => stream.next(read, filters, groups, needed),
        }
    }
}

#[cfg(test)]
mod tests;
