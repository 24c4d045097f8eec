//! What an allele does to the bases of a reading frame.

use super::frame::{Edited, Frame};
use super::hgvs;
use super::regions::Regions;
use crate::allele::Allele;
use crate::transcript::{Strand, Transcript};

/// Bases of a reading frame that an allele replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Position of the first one in the frame, from 0.
    pub(crate) first: u32,
    pub(crate) removed: u32,
    /// In transcript direction.
    pub(crate) added: Vec<u8>,
}

impl Edit {
    pub(crate) fn of<'a>(&'a self, frame: Frame<'a>) -> Edited<'a> {
        Edited {
            frame,
            first: self.first,
            removed: self.removed,
            added: &self.added,
        }
    }
}

/// What an allele that touches the coding region does to the reading frame.
pub(crate) enum CodingEdit {
    /// It lies wholly in the coding region of one exon.
    Inside(Edit),
    /// It reaches out of it: the stretch of the spliced transcript, and what is put there where it
    /// lies in one exon.
    Partial {
        cdna: (u32, u32),
        added: Option<Vec<u8>>,
    },
    /// It lies at the edge of an exon, and may be spliced in or out; or REF is not what the
    /// reference has.
    Unknown,
}

pub(crate) fn coding_edit(
    transcript: &Transcript,
    allele: &Allele,
    touched: &Regions,
    frame: &Frame<'_>,
) -> CodingEdit {
    let Some((first, end)) = coding_cdna(transcript, allele) else {
        return CodingEdit::Unknown;
    };
    let added = hgvs::in_direction(transcript.strand, &allele.alternate);
    let in_one_exon = allele.span().start >= transcript.start()
        && allele.span().end <= transcript.end()
        && touched.introns.is_none()
        && touched.exons.is_some_and(|(first, last)| first == last)
        && !touched.artefact;
    let removed = hgvs::in_direction(transcript.strand, &allele.reference);
    let is_as_read = (first..end)
        .map(|at| frame.cdna_base(at))
        .eq(removed.iter().map(|base| Some(*base)));
    if in_one_exon && !is_as_read {
        return CodingEdit::Unknown;
    }
    let (start, stop) = transcript.coding_range;
    if !in_one_exon || first < start || end > stop {
        return CodingEdit::Partial {
            cdna: (first, end),
            added: in_one_exon.then_some(added),
        };
    }
    CodingEdit::Inside(Edit {
        first: frame.position(first),
        removed: end - first,
        added,
    })
}

/// Stretch of the spliced transcript that an allele replaces, half-open; empty for an insertion.
/// `None` for an insertion at the edge of an exon.
fn coding_cdna(transcript: &Transcript, allele: &Allele) -> Option<(u32, u32)> {
    let forward = transcript.strand == Strand::Forward;
    if allele.is_insertion() {
        let (before, behind) = if forward {
            (allele.end, allele.start)
        } else {
            (allele.start, allele.end)
        };
        let (before, behind) = (transcript.cdna(before)?, transcript.cdna(behind)?);
        return (before.checked_add(1)? == behind).then_some((behind, behind));
    }
    let mut range: Option<(u32, u32)> = None;
    let first = transcript
        .exons
        .partition_point(|exon| exon.end < allele.start);
    for exon in transcript.exons.iter().skip(first) {
        if exon.start > allele.end {
            break;
        }
        let ends = [allele.start.max(exon.start), allele.end.min(exon.end)];
        for cdna in ends.into_iter().filter_map(|at| transcript.cdna(at)) {
            let (low, high) = range.unwrap_or((cdna, cdna));
            range = Some((low.min(cdna), high.max(cdna)));
        }
    }
    range.map(|(low, high)| (low, high.saturating_add(1)))
}
