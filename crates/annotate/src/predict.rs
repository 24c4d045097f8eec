//! Consequences of one allele on every transcript near it.

mod coding;
mod compound;
mod edit;
pub(crate) mod frame;
mod hgvs;
mod nmd;
mod protein;
pub(crate) mod regions;

use std::sync::Arc;

use varisk_core::{AlleleClass, ContigId, Position};
use varisk_reference::SequenceReader;

use crate::AnnotateError;
use crate::allele::{Allele, Direction, Placement, shift};
use crate::genetic_code::GeneticCode;
use crate::models::{FLANK_BASES, GeneModels};
use crate::sequence::{CACHE_BASES, SequenceCache};
use crate::term::{Term, TermSet};
use crate::transcript::{Strand, Transcript};
pub(crate) use compound::Compound;
use edit::{CodingEdit, coding_edit};
use frame::Frame;
pub use nmd::{NMD_JUNCTION_BASES, NmdPrediction};
use regions::splice_distance;
pub(crate) use regions::{Regions, regions};

/// For which transcripts an allele has a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lines {
    /// For all of them.
    #[default]
    All,
    /// For the one that [`crate::most_severe`] chooses among all. Names, codons and positions are
    /// made for it alone, which is several times faster where many transcripts overlap.
    MostSevere,
}

/// How consequences are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsequenceOptions {
    /// How far from a transcript an allele is upstream or downstream of it, in bases.
    pub flank: u32,
    /// For which transcripts there are lines.
    pub lines: Lines,
}

impl Default for ConsequenceOptions {
    fn default() -> Self {
        Self {
            flank: FLANK_BASES,
            lines: Lines::All,
        }
    }
}

/// First and last of a range, from 1; a side that cannot be said is `None`.
pub type Range = (Option<u32>, Option<u32>);

/// The consequence of an allele on one transcript, or of an allele near no transcript. Texts are
/// empty where there is nothing to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consequence {
    /// The terms; never empty.
    pub terms: TermSet,
    /// Index in [`GeneModels::transcripts`]; `None` for an intergenic allele.
    pub transcript: Option<usize>,
    /// First and last exon touched, in transcript direction, from 1.
    pub exons: Option<(u32, u32)>,
    /// First and last intron touched, in transcript direction, from 1.
    pub introns: Option<(u32, u32)>,
    /// Position in the spliced transcript, from 1.
    pub cdna: Range,
    /// Position in the coding sequence, from 1; where the first codon is partial, counted as if it
    /// were whole.
    pub cds: Range,
    /// Position in the protein, from 1.
    pub protein: Range,
    /// Codons before and after, changed bases in upper case: `gAt/gGt`.
    pub codons: String,
    /// Residues before and after: `D/G`.
    pub amino_acids: String,
    /// HGVS name on the transcript: `ENST00000357654.3:c.181T>G`.
    pub hgvsc: String,
    /// HGVS name on the protein: `ENSP00000350283.3:p.Cys61Gly`.
    pub hgvsp: String,
    /// Whether a premature stop leads to nonsense-mediated decay; `None` without one.
    pub nmd: Option<NmdPrediction>,
    /// Whether the allele lies in the last exon; `None` outside exons.
    pub last_exon: Option<bool>,
    /// Distance to the nearest splice junction in bases, signed in transcript direction: -1 is the
    /// last base before it, +1 the first after it, 0 spans it.
    pub splice_distance: Option<i32>,
    /// Bases between the allele and the transcript, for upstream and downstream ones.
    pub distance: Option<u32>,
}

/// Computes consequences; one for each thread.
///
/// # Memory
/// That of its reader, and at most 16 MiB of spliced sequences.
pub struct Annotator {
    models: Arc<GeneModels>,
    reader: SequenceReader,
    options: ConsequenceOptions,
    cache: SequenceCache,
    near: Vec<usize>,
    codes: Vec<GeneticCode>,
}

/// An allele with what its names need, made once for all transcripts.
struct Placed {
    allele: Allele,
    right: Placement,
    /// `None` where it is the same.
    left: Option<Placement>,
}

impl Annotator {
    /// An annotator over a reader of the reference that the models were read against.
    #[must_use]
    pub fn new(
        models: Arc<GeneModels>,
        reader: SequenceReader,
        options: ConsequenceOptions,
    ) -> Self {
        let codes = reader
            .contigs()
            .iter()
            .map(|(_, name, _)| GeneticCode::of_contig(name))
            .collect();
        Self {
            models,
            reader,
            options,
            cache: SequenceCache::new(CACHE_BASES),
            near: Vec::new(),
            codes,
        }
    }

    /// The gene models.
    #[must_use]
    pub fn models(&self) -> &Arc<GeneModels> {
        &self.models
    }

    /// Puts the consequences of an allele into `found`, in the order of the transcripts, and the
    /// allele's HGVS name on the contig into `hgvsg`. Both are left empty for an allele that is no
    /// sequence (symbolic, breakend, `*`, `<NON_REF>`, absent or equal to REF) and at the telomere
    /// position: nothing is guessed.
    ///
    /// `position` is that of the first base of REF, 1-based. The allele should be normalised: terms
    /// are those of the place where REF and ALT put it, once the bases that they share are gone.
    ///
    /// # Errors
    /// The reference cannot be read.
    pub fn annotate(
        &mut self,
        contig: ContigId,
        position: Position,
        reference: &[u8],
        alternate: &[u8],
        found: &mut Vec<Consequence>,
        hgvsg: &mut String,
    ) -> Result<(), AnnotateError> {
        found.clear();
        hgvsg.clear();
        let is_sequence = matches!(
            AlleleClass::of(reference, alternate),
            AlleleClass::Snv
                | AlleleClass::Mnv
                | AlleleClass::Insertion
                | AlleleClass::Deletion
                | AlleleClass::Complex
        );
        let letters = |allele: &[u8]| allele.iter().all(u8::is_ascii_alphabetic);
        if !is_sequence || !letters(reference) || !letters(alternate) {
            return Ok(());
        }
        let Some(allele) = Allele::trimmed(position.0, reference, alternate) else {
            return Ok(());
        };
        let right = shift(&allele, contig, Direction::Right, &mut self.reader)?;
        let placed = Placed {
            // Only insertions and deletions move.
            left: if allele.reference.is_empty() || allele.alternate.is_empty() {
                Some(shift(&allele, contig, Direction::Left, &mut self.reader)?)
            } else {
                None
            },
            right,
            allele,
        };
        hgvsg.push_str(self.reader.contigs().name(contig));
        hgvsg.push_str(":g.");
        if !hgvs::genomic(&placed.allele, &placed.right, hgvsg) {
            hgvsg.clear();
        }
        let mut near = std::mem::take(&mut self.near);
        let models = Arc::clone(&self.models);
        models.near(contig, placed.allele.span(), self.options.flank, &mut near);
        match self.options.lines {
            Lines::All => {
                for index in &near {
                    if let Some(transcript) = models.transcripts().get(*index)
                        && let Some(consequence) =
                            self.on_transcript(*index, transcript, &placed)?
                    {
                        found.push(consequence);
                    }
                }
            }
            Lines::MostSevere => {
                // The order of `most_severe`, with the terms alone.
                let mut best = None;
                for index in &near {
                    if let Some(transcript) = models.transcripts().get(*index)
                        && let Some(worst) = self.worst_on(*index, transcript, &placed.allele)?
                    {
                        let key = (worst, models.preference(*index), *index);
                        best = Some(best.map_or(key, |held| key.min(held)));
                    }
                }
                if let Some((_, _, index)) = best
                    && let Some(transcript) = models.transcripts().get(index)
                {
                    found.extend(self.on_transcript(index, transcript, &placed)?);
                }
            }
        }
        self.near = near;
        if found.is_empty() {
            found.push(Consequence {
                terms: [Term::Intergenic].into_iter().collect(),
                ..Consequence::default()
            });
        }
        Ok(())
    }

    fn on_transcript(
        &mut self,
        index: usize,
        transcript: &Transcript,
        placed: &Placed,
    ) -> Result<Option<Consequence>, AnnotateError> {
        let allele = &placed.allele;
        let mut consequence = Consequence {
            transcript: Some(index),
            ..Consequence::default()
        };
        if let Some((term, distance)) = whole(transcript, allele) {
            if distance.is_some_and(|distance| distance > self.options.flank) {
                return Ok(None);
            }
            consequence.terms.insert(term);
            consequence.distance = distance;
            return Ok(Some(consequence));
        }
        let touched = regions(transcript, allele);
        consequence.terms = touched.terms;
        consequence.exons = touched.exons;
        consequence.introns = touched.introns;
        consequence.splice_distance = splice_distance(transcript, allele);
        consequence.last_exon = touched
            .exons
            .map(|(_, last)| last as usize == transcript.exons.len());
        self.name(transcript, placed, &mut consequence.hgvsc);
        consequence.cdna = cdna_range(transcript, allele);
        if touched.coding {
            self.coding(index, transcript, allele, &touched, &mut consequence)?;
        }
        complete(transcript, &touched, &mut consequence.terms);
        Ok(Some(consequence))
    }

    /// The most severe term on one transcript.
    fn worst_on(
        &mut self,
        index: usize,
        transcript: &Transcript,
        allele: &Allele,
    ) -> Result<Option<Term>, AnnotateError> {
        if let Some((term, distance)) = whole(transcript, allele) {
            let is_near = distance.is_none_or(|distance| distance <= self.options.flank);
            return Ok(is_near.then_some(term));
        }
        let touched = regions(transcript, allele);
        let mut terms = touched.terms;
        if touched.coding {
            let mut consequence = Consequence {
                terms,
                ..Consequence::default()
            };
            self.coding(index, transcript, allele, &touched, &mut consequence)?;
            terms = consequence.terms;
        }
        complete(transcript, &touched, &mut terms);
        Ok(terms.worst())
    }

    fn name(&self, transcript: &Transcript, placed: &Placed, out: &mut String) {
        let placement = match transcript.strand {
            Strand::Forward => &placed.right,
            Strand::Reverse => placed.left.as_ref().unwrap_or(&placed.right),
        };
        out.reserve(transcript.id.len() + 16);
        out.push_str(&transcript.id);
        out.push(':');
        if !hgvs::transcript(transcript, &placed.allele, placement, out) {
            out.clear();
        }
    }

    /// An allele that touches bases of the coding region.
    fn coding(
        &mut self,
        index: usize,
        transcript: &Transcript,
        allele: &Allele,
        touched: &Regions,
        consequence: &mut Consequence,
    ) -> Result<(), AnnotateError> {
        let spliced = self.cache.get(index, transcript, &mut self.reader)?;
        let code = self
            .codes
            .get(transcript.contig.0 as usize)
            .copied()
            .unwrap_or_default();
        let frame = Frame::new(transcript, &spliced, code);
        consequence.cds = cds_range(&frame, transcript, consequence.cdna);
        consequence.protein = (
            consequence.cds.0.map(|position| position.div_ceil(3)),
            consequence.cds.1.map(|position| position.div_ceil(3)),
        );
        let edit = match coding_edit(transcript, allele, touched, &frame) {
            CodingEdit::Inside(edit) => edit,
            CodingEdit::Unknown => {
                consequence.terms.insert(Term::CodingSequence);
                return Ok(());
            }
            CodingEdit::Partial { cdna, added } => {
                let terms = &mut consequence.terms;
                coding::partial(transcript, &frame, cdna, added.as_deref(), terms);
                return Ok(());
            }
        };
        let edited = edit.of(frame);
        let change = coding::change(transcript, &edited);
        for term in change.terms.iter() {
            consequence.terms.insert(term);
        }
        if allele.is_insertion() || change.residues.is_none() {
            // VEP numbers an insertion between codons by both neighbours.
            if edited.first.is_multiple_of(3) && allele.is_insertion() {
                let after = edited.first / 3 + 1;
                consequence.protein = (after.checked_sub(1), Some(after));
            }
        } else if let Some((first, last)) = change.residues {
            consequence.protein = (Some(first), Some(last));
        }
        consequence.codons = change.codons;
        consequence.amino_acids = change.amino_acids;
        if let Some(protein_id) = transcript.protein_id()
            && !change.protein.name.is_empty()
        {
            consequence.hgvsp = format!("{protein_id}:{}", change.protein.name);
        }
        consequence.nmd = change
            .protein
            .premature_stop
            .map(|stop| nmd::predict(transcript, &edited, stop));
        Ok(())
    }
}

/// The one term of an allele that lies outside a transcript, with the bases between them, or that
/// deletes the whole of it; `None` for one that lies in it.
fn whole(transcript: &Transcript, allele: &Allele) -> Option<(Term, Option<u32>)> {
    let (start, end) = (transcript.start(), transcript.end());
    // An insertion overlaps where both its neighbours do.
    if allele.start <= end && allele.end >= start {
        let deleted = allele.alternate.is_empty() && allele.start <= start && allele.end >= end;
        return deleted.then_some((Term::TranscriptAblation, None));
    }
    let low = allele.span().start < start;
    let distance = match (allele.is_insertion(), low) {
        // An insertion just beside the transcript has a distance of one base.
        (true, true) => start.saturating_sub(allele.start).saturating_add(1),
        (true, false) => allele.end.saturating_sub(end).saturating_add(1),
        (false, true) => start.saturating_sub(allele.end),
        (false, false) => allele.start.saturating_sub(end),
    };
    let is_upstream = low == (transcript.strand == Strand::Forward);
    let term = if is_upstream {
        Term::Upstream
    } else {
        Term::Downstream
    };
    Some((term, Some(distance)))
}

/// Adds the terms that go with the kind of transcript.
fn complete(transcript: &Transcript, touched: &Regions, terms: &mut TermSet) {
    if transcript.coding.is_some() {
        terms.insert_if(touched.artefact && !touched.coding, Term::CodingSequence);
        // Between exon and intron parts that no term covers.
        terms.insert_if(terms.is_empty(), Term::Intron);
        terms.insert_if(transcript.is_nmd_target(), Term::NmdTranscript);
    } else {
        let exonic = touched.exons.is_some() || touched.artefact;
        terms.insert_if(exonic, Term::NonCodingTranscriptExon);
        terms.insert_if(!exonic, Term::NonCodingTranscript);
    }
}

/// First and last position in the spliced transcript, from 1, `None` for an end that is not in an
/// exon. An insertion is given by its two neighbours.
fn cdna_range(transcript: &Transcript, allele: &Allele) -> Range {
    let span = allele.span();
    let at = |position| transcript.cdna(position).map(|cdna| cdna.saturating_add(1));
    match transcript.strand {
        Strand::Forward => (at(span.start), at(span.end)),
        Strand::Reverse => (at(span.end), at(span.start)),
    }
}

fn cds_range(frame: &Frame<'_>, transcript: &Transcript, cdna: Range) -> Range {
    let (start, end) = transcript.coding_range;
    let at = |cdna: Option<u32>| {
        let cdna = cdna?.checked_sub(1)?;
        (start <= cdna && cdna < end).then(|| frame.position(cdna).saturating_add(1))
    };
    (at(cdna.0), at(cdna.1))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
