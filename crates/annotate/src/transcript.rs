//! A transcript: where its exons and its coding region lie, and how positions map to it.

use varisk_core::ContigId;

/// Strand of a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strand {
    /// `+`: the transcript reads as the reference does.
    Forward,
    /// `-`: the transcript is the reverse complement of the reference.
    Reverse,
}

impl Strand {
    /// `+` or `-`.
    #[must_use]
    pub const fn symbol(self) -> char {
        match self {
            Self::Forward => '+',
            Self::Reverse => '-',
        }
    }

    /// `1` or `-1`, as VEP writes it.
    #[must_use]
    pub const fn number(self) -> i8 {
        match self {
            Self::Forward => 1,
            Self::Reverse => -1,
        }
    }
}

/// A stretch of a contig, 1-based, both ends inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First position.
    pub start: u32,
    /// Last position.
    pub end: u32,
}

impl Span {
    /// Number of bases.
    #[must_use]
    pub const fn length(self) -> u32 {
        self.end.saturating_sub(self.start).saturating_add(1)
    }

    /// Whether two stretches share a base.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// Whether a position lies inside.
    #[must_use]
    pub const fn contains(self, position: u32) -> bool {
        self.start <= position && position <= self.end
    }
}

/// What is known of a transcript beside its sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TranscriptFlags {
    /// MANE Select: the one transcript on which Ensembl and NCBI agree.
    pub mane_select: bool,
    /// MANE Plus Clinical: further transcripts needed to report clinical variants.
    pub mane_plus_clinical: bool,
    /// Ensembl canonical, or RefSeq Select.
    pub canonical: bool,
    /// The coding region's start is not known (`cds_start_NF`, or a first phase that is not 0).
    pub cds_start_incomplete: bool,
    /// The coding region's end is not known (`cds_end_NF`), or its length is no multiple of three.
    pub cds_end_incomplete: bool,
    /// In-frame `TGA` of the reference reads as selenocysteine.
    pub selenocysteine: bool,
    /// Translation is known to start at another codon than `ATG` (`non_ATG_start`).
    pub other_start: bool,
    /// The transcript's own sequence differs from the reference (RefSeq `exception` or `Note`).
    pub differs_from_reference: bool,
}

impl TranscriptFlags {
    /// Which ends of the coding region are not known, as VEP writes it.
    pub(crate) const fn incomplete(self) -> Option<&'static str> {
        match (self.cds_start_incomplete, self.cds_end_incomplete) {
            (true, true) => Some("cds_start_NF&cds_end_NF"),
            (true, false) => Some("cds_start_NF"),
            (false, true) => Some("cds_end_NF"),
            (false, false) => None,
        }
    }
}

/// A transcript of the gene models. Positions are 1-based; exons ascend on the reference whatever
/// the strand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    pub(crate) contig: ContigId,
    pub(crate) strand: Strand,
    /// Never empty; ascending and disjoint.
    pub(crate) exons: Vec<Span>,
    /// Bases of the transcript before each exon, in transcript direction.
    pub(crate) offsets: Vec<u32>,
    /// First and last position of the coding region on the reference, stop codon included.
    pub(crate) coding: Option<Span>,
    /// Coding region in the spliced transcript: 0-based, half-open.
    pub(crate) coding_range: (u32, u32),
    /// Bases of the first, partial codon of the coding region: 0, 1 or 2, as GFF3 defines it.
    pub(crate) phase: u8,
    pub(crate) length: u32,
    pub(crate) flags: TranscriptFlags,
    pub(crate) support_level: Option<u8>,
    pub(crate) id: Box<str>,
    pub(crate) gene: Option<Box<str>>,
    pub(crate) gene_id: Option<Box<str>>,
    pub(crate) biotype: Option<Box<str>>,
    pub(crate) protein_id: Option<Box<str>>,
    pub(crate) ccds: Option<Box<str>>,
}

/// Where a position lies in a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the exon of this index (ascending on the reference).
    Exon(usize),
    /// In the intron after the exon of this index (ascending on the reference).
    Intron(usize),
    /// Not in the transcript.
    Outside,
}

/// Why exons and coding parts make no transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    NoExons,
    OverlappingExons,
    CodingOutsideExons,
    CodingNotContiguous,
}

/// What a transcript is made from.
pub(crate) struct Parts {
    pub(crate) contig: ContigId,
    pub(crate) strand: Strand,
    pub(crate) exons: Vec<Span>,
    /// Parts of the coding region.
    pub(crate) coding: Vec<Span>,
    pub(crate) phase: u8,
    pub(crate) flags: TranscriptFlags,
    pub(crate) support_level: Option<u8>,
    pub(crate) id: Box<str>,
    pub(crate) gene: Option<Box<str>>,
    pub(crate) gene_id: Option<Box<str>>,
    pub(crate) biotype: Option<Box<str>>,
    pub(crate) protein_id: Option<Box<str>>,
    pub(crate) ccds: Option<Box<str>>,
}

impl Transcript {
    /// Lays out a transcript.
    pub(crate) fn try_new(mut parts: Parts) -> Result<Self, Misfit> {
        parts.exons.sort_unstable();
        parts.exons.dedup();
        parts.coding.sort_unstable();
        parts.coding.dedup();
        if parts.exons.is_empty() {
            return Err(Misfit::NoExons);
        }
        if parts.exons.windows(2).any(|w| w[1].start <= w[0].end) {
            return Err(Misfit::OverlappingExons);
        }
        if parts.coding.windows(2).any(|w| w[1].start <= w[0].end) {
            return Err(Misfit::CodingNotContiguous);
        }
        let coding = match (parts.coding.first(), parts.coding.last()) {
            (Some(first), Some(last)) => Some(Span {
                start: first.start,
                end: last.end,
            }),
            _ => None,
        };
        if let Some(coding) = coding {
            check_coding(&parts.exons, &parts.coding, coding)?;
        }
        let mut offsets = vec![0; parts.exons.len()];
        let mut length = 0u32;
        let mut place = |(offset, exon): (&mut u32, &Span)| {
            *offset = length;
            length = length.saturating_add(exon.length());
        };
        match parts.strand {
            Strand::Forward => offsets.iter_mut().zip(&parts.exons).for_each(&mut place),
            Strand::Reverse => {
                let reversed = offsets.iter_mut().rev().zip(parts.exons.iter().rev());
                reversed.for_each(&mut place);
            }
        }
        let mut transcript = Self {
            contig: parts.contig,
            strand: parts.strand,
            exons: parts.exons,
            offsets,
            coding,
            coding_range: (0, 0),
            phase: parts.phase.min(2),
            length,
            flags: parts.flags,
            support_level: parts.support_level,
            id: parts.id,
            gene: parts.gene,
            gene_id: parts.gene_id,
            biotype: parts.biotype,
            protein_id: parts.protein_id,
            ccds: parts.ccds,
        };
        if let Some(coding) = coding {
            let (first, last) = match transcript.strand {
                Strand::Forward => (coding.start, coding.end),
                Strand::Reverse => (coding.end, coding.start),
            };
            let range = transcript
                .cdna(first)
                .zip(transcript.cdna(last))
                .ok_or(Misfit::CodingOutsideExons)?;
            transcript.coding_range = (range.0, range.1.saturating_add(1));
            transcript.flags.cds_start_incomplete |= transcript.phase != 0;
            transcript.flags.cds_end_incomplete |= !transcript.coding_length().is_multiple_of(3);
        }
        Ok(transcript)
    }

    /// The contig.
    #[must_use]
    pub fn contig(&self) -> ContigId {
        self.contig
    }

    /// First position, 1-based.
    #[must_use]
    pub fn start(&self) -> u32 {
        self.exons.first().map_or(0, |exon| exon.start)
    }

    /// Last position, 1-based, inclusive.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.exons.last().map_or(0, |exon| exon.end)
    }

    /// The strand.
    #[must_use]
    pub fn strand(&self) -> Strand {
        self.strand
    }

    /// The exons, ascending on the reference.
    #[must_use]
    pub fn exons(&self) -> &[Span] {
        &self.exons
    }

    /// First and last position of the coding region, stop codon included.
    #[must_use]
    pub fn coding(&self) -> Option<Span> {
        self.coding
    }

    /// Parts of the coding region, one for each exon that has some, ascending on the reference.
    pub fn coding_parts(&self) -> impl Iterator<Item = Span> {
        let coding = self.coding;
        self.exons.iter().filter_map(move |exon| {
            let coding = coding.filter(|coding| coding.overlaps(*exon))?;
            Some(Span {
                start: exon.start.max(coding.start),
                end: exon.end.min(coding.end),
            })
        })
    }

    /// Phase of the first part of the coding region: bases before its first whole codon.
    #[must_use]
    pub fn phase(&self) -> u8 {
        self.phase
    }

    /// Identifier, with its version where the file gives one (`ENST00000357654.3`).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Gene symbol.
    #[must_use]
    pub fn gene(&self) -> Option<&str> {
        self.gene.as_deref()
    }

    /// Identifier of the gene, without version.
    #[must_use]
    pub fn gene_id(&self) -> Option<&str> {
        self.gene_id.as_deref()
    }

    /// Biotype as the file's source names it.
    #[must_use]
    pub fn biotype(&self) -> Option<&str> {
        self.biotype.as_deref()
    }

    /// Identifier of the protein, with its version where the file gives one.
    #[must_use]
    pub fn protein_id(&self) -> Option<&str> {
        self.protein_id.as_deref()
    }

    /// Identifier in the Consensus CDS set.
    #[must_use]
    pub fn ccds(&self) -> Option<&str> {
        self.ccds.as_deref()
    }

    /// Flags.
    #[must_use]
    pub fn flags(&self) -> TranscriptFlags {
        self.flags
    }

    /// Ensembl's transcript support level, 1 (best) to 5.
    #[must_use]
    pub fn support_level(&self) -> Option<u8> {
        self.support_level
    }

    /// Bases of the coding region, without the bases that complete a partial first codon.
    #[must_use]
    pub fn coding_length(&self) -> u32 {
        self.coding_range.1.saturating_sub(self.coding_range.0)
    }

    /// Whether the source says that the transcript is degraded by nonsense-mediated decay.
    #[must_use]
    pub fn is_nmd_target(&self) -> bool {
        self.biotype() == Some("nonsense_mediated_decay")
    }

    /// Bases that would complete the partial first codon.
    pub(crate) fn pad(&self) -> u32 {
        (3 - u32::from(self.phase)) % 3
    }

    /// Where a position lies.
    pub(crate) fn place(&self, position: u32) -> Place {
        let after = self.exons.partition_point(|exon| exon.start <= position);
        let Some(index) = after.checked_sub(1) else {
            return Place::Outside;
        };
        match self.exons.get(index) {
            Some(exon) if position <= exon.end => Place::Exon(index),
            Some(_) if after < self.exons.len() => Place::Intron(index),
            _ => Place::Outside,
        }
    }

    /// Offset of an exonic position in the spliced transcript, 0-based.
    pub(crate) fn cdna(&self, position: u32) -> Option<u32> {
        let Place::Exon(index) = self.place(position) else {
            return None;
        };
        let exon = self.exons.get(index)?;
        let within = match self.strand {
            Strand::Forward => position - exon.start,
            Strand::Reverse => exon.end - position,
        };
        self.offsets.get(index)?.checked_add(within)
    }

    /// Number of an exon in transcript direction, from 1.
    pub(crate) fn exon_number(&self, index: usize) -> u32 {
        let number = match self.strand {
            Strand::Forward => index + 1,
            Strand::Reverse => self.exons.len().saturating_sub(index),
        };
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Number of the intron after an exon (ascending on the reference) in transcript direction,
    /// from 1.
    pub(crate) fn intron_number(&self, index: usize) -> u32 {
        let number = match self.strand {
            Strand::Forward => index + 1,
            Strand::Reverse => self.exons.len().saturating_sub(index + 1),
        };
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Offset in the spliced transcript of the first base of the last exon, `None` where there is
    /// one exon only.
    pub(crate) fn last_junction(&self) -> Option<u32> {
        let last = match self.strand {
            Strand::Forward => self.offsets.last(),
            Strand::Reverse => self.offsets.first(),
        };
        last.copied().filter(|offset| *offset > 0)
    }
}

/// Whether the coding parts are just the exons cut at the ends of the coding region.
fn check_coding(exons: &[Span], parts: &[Span], coding: Span) -> Result<(), Misfit> {
    let inside = |part: &Span| {
        exons
            .iter()
            .any(|exon| exon.start <= part.start && part.end <= exon.end)
    };
    if !parts.iter().all(inside) {
        return Err(Misfit::CodingOutsideExons);
    }
    let bases = |spans: &mut dyn Iterator<Item = Span>| {
        spans.fold(0u64, |sum, span| sum + u64::from(span.length()))
    };
    let expected = bases(
        &mut exons
            .iter()
            .filter(|exon| exon.overlaps(coding))
            .map(|exon| Span {
                start: exon.start.max(coding.start),
                end: exon.end.min(coding.end),
            }),
    );
    if expected == bases(&mut parts.iter().copied()) {
        Ok(())
    } else {
        Err(Misfit::CodingNotContiguous)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A transcript of spans, for tests.
    pub(crate) fn transcript(
        strand: Strand,
        exons: &[(u32, u32)],
        coding: &[(u32, u32)],
    ) -> Transcript {
        let spans = |spans: &[(u32, u32)]| {
            spans
                .iter()
                .map(|(start, end)| Span {
                    start: *start,
                    end: *end,
                })
                .collect()
        };
        Transcript::try_new(Parts {
            contig: ContigId(0),
            strand,
            exons: spans(exons),
            coding: spans(coding),
            phase: 0,
            flags: TranscriptFlags::default(),
            support_level: None,
            id: "T1".into(),
            gene: Some("G".into()),
            gene_id: None,
            biotype: Some("protein_coding".into()),
            protein_id: Some("P1".into()),
            ccds: None,
        })
        .unwrap()
    }

    #[test]
    fn positions_map_in_transcript_direction() {
        let check = |strand, position, place, cdna| {
            let transcript = transcript(
                strand,
                &[(10, 19), (30, 39), (50, 59)],
                &[(15, 19), (30, 34)],
            );
            assert_eq!(transcript.place(position), place, "{position}");
            assert_eq!(transcript.cdna(position), cdna, "{position}");
        };
        check(Strand::Forward, 9, Place::Outside, None);
        check(Strand::Forward, 10, Place::Exon(0), Some(0));
        check(Strand::Forward, 19, Place::Exon(0), Some(9));
        check(Strand::Forward, 20, Place::Intron(0), None);
        check(Strand::Forward, 30, Place::Exon(1), Some(10));
        check(Strand::Forward, 59, Place::Exon(2), Some(29));
        check(Strand::Forward, 60, Place::Outside, None);
        check(Strand::Reverse, 59, Place::Exon(2), Some(0));
        check(Strand::Reverse, 39, Place::Exon(1), Some(10));
        check(Strand::Reverse, 10, Place::Exon(0), Some(29));
    }

    #[test]
    fn the_coding_region_lies_in_the_spliced_transcript() {
        let exons = [(10, 19), (30, 39), (50, 59)];
        let forward = transcript(Strand::Forward, &exons, &[(15, 19), (30, 33)]);
        assert_eq!(forward.coding_range, (5, 14));
        assert!(!forward.flags.cds_end_incomplete);
        assert_eq!(forward.last_junction(), Some(20));
        let reverse = transcript(Strand::Reverse, &exons, &[(15, 19), (30, 34)]);
        assert_eq!(reverse.coding_range, (15, 25));
        assert!(reverse.flags.cds_end_incomplete);
        assert_eq!((reverse.exon_number(0), reverse.intron_number(0)), (3, 2));
    }
}
