//! The stage that computes consequences from gene models.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::SchemaRef;
use varisk_core::{
    BatchError, ContigId, Position, SiteBatch, Stage, StageError, Worker, columns as site,
};
use varisk_reference::Reference;

use crate::AnnotateError;
use crate::choice::most_severe;
use crate::columns::{ConsequenceColumns, with_consequences};
use crate::csq::CsqText;
use crate::line::Line;
use crate::models::GeneModels;
use crate::predict::{Annotator, Consequence, ConsequenceOptions, NmdPrediction, Range};
use crate::term::Term;
use crate::transcript::{Transcript, TranscriptFlags};

const NAME: &str = "consequences";

/// Adds the consequences of every allele, from gene models.
pub struct ConsequenceStage {
    models: Arc<GeneModels>,
    reference: Reference,
    options: ConsequenceOptions,
    csq: Option<Arc<CsqText>>,
}

impl ConsequenceStage {
    /// A stage over gene models that were read against the contigs of this reference.
    ///
    /// # Errors
    /// A transcript lies beyond the contigs of the reference: the models are of another one.
    pub fn try_new(
        models: Arc<GeneModels>,
        reference: Reference,
        options: ConsequenceOptions,
    ) -> Result<Self, AnnotateError> {
        let contigs = reference.contigs();
        let beyond = models.transcripts().iter().find(|transcript| {
            transcript.contig().0 as usize >= contigs.len()
                || transcript.end() > contigs.length(transcript.contig())
        });
        if let Some(transcript) = beyond {
            return Err(AnnotateError::Table {
                detail: format!(
                    "transcript {} lies beyond the contigs of {}, so it is of another reference",
                    transcript.id(),
                    reference.path().display()
                ),
            });
        }
        Ok(Self {
            models,
            reference,
            options,
            csq: None,
        })
    }

    /// Also gives all lines as text, in the column [`crate::columns::CSQ_TEXT`] instead of
    /// [`crate::columns::ALL`]: for output as VCF, which is several times faster so.
    #[must_use]
    pub fn with_csq_text(mut self) -> Self {
        self.csq = Some(Arc::new(CsqText::new(self.models.transcripts())));
        self
    }
}

impl Stage for ConsequenceStage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn output_schema(&self, input: &SchemaRef) -> Result<SchemaRef, StageError> {
        for name in [
            site::CONTIG,
            site::POSITION,
            site::REFERENCE,
            site::ALTERNATE,
        ] {
            if input.column_with_name(name).is_none() {
                return Err(StageError::new(
                    NAME,
                    BatchError::Column {
                        name: name.to_owned(),
                        expected: "a site column",
                    },
                ));
            }
        }
        Ok(with_consequences(input, self.csq.is_some()))
    }

    fn worker(&self) -> Result<Box<dyn Worker>, StageError> {
        let reader = self
            .reference
            .reader()
            .map_err(|error| StageError::new(NAME, error))?;
        Ok(Box::new(ConsequenceWorker {
            annotator: Annotator::new(Arc::clone(&self.models), reader, self.options),
            found: Vec::new(),
            hgvsg: String::new(),
            texts: Texts::default(),
            csq: self.csq.clone(),
            lines: String::new(),
        }))
    }
}

struct ConsequenceWorker {
    annotator: Annotator,
    found: Vec<Consequence>,
    hgvsg: String,
    texts: Texts,
    csq: Option<Arc<CsqText>>,
    /// Lines of the row in the making.
    lines: String,
}

impl Worker for ConsequenceWorker {
    fn process(&mut self, batch: SiteBatch) -> Result<SiteBatch, StageError> {
        let added = {
            let contigs = batch.contig_column()?;
            let positions = batch.position_column()?;
            let references = batch.text(site::REFERENCE)?;
            let alternates = batch.text(site::ALTERNATE)?;
            let input_references = batch.text(site::INPUT_REFERENCE)?;
            let input_alternates = batch.text(site::INPUT_ALTERNATE)?;
            let mut columns = ConsequenceColumns::new();
            for row in 0..batch.len() {
                if alternates.is_null(row) {
                    match self.csq {
                        Some(_) => columns.end_text_row(None, None, None),
                        None => columns.end_row(None),
                    }
                    continue;
                }
                self.annotator
                    .annotate(
                        ContigId(contigs.value(row)),
                        Position(positions.value(row)),
                        references.value(row).as_bytes(),
                        alternates.value(row).as_bytes(),
                        &mut self.found,
                        &mut self.hgvsg,
                    )
                    .map_err(|error| StageError::new(NAME, error))?;
                let models = self.annotator.models();
                let chosen = most_severe(&self.found, models);
                if let Some(csq) = &self.csq {
                    let allele = (input_references.value(row), input_alternates.value(row));
                    self.lines.clear();
                    for consequence in &self.found {
                        if !self.lines.is_empty() {
                            self.lines.push(',');
                        }
                        csq.write(allele, consequence, &self.hgvsg, &mut self.lines);
                    }
                    let chosen = chosen.and_then(|index| self.found.get(index));
                    let line = chosen.map(|consequence| {
                        let transcript = consequence
                            .transcript
                            .and_then(|index| models.transcripts().get(index));
                        self.texts.fill(consequence, transcript);
                        self.texts.line(consequence, transcript)
                    });
                    columns.end_text_row(line.as_ref(), text(&self.hgvsg), text(&self.lines));
                    continue;
                }
                for (index, consequence) in self.found.iter().enumerate() {
                    let transcript = consequence
                        .transcript
                        .and_then(|index| models.transcripts().get(index));
                    self.texts.fill(consequence, transcript);
                    columns.line(
                        &self.texts.line(consequence, transcript),
                        chosen == Some(index),
                    );
                }
                columns.end_row(text(&self.hgvsg));
            }
            columns.finish().map_err(BatchError::from)?
        };
        Ok(batch.with_columns(added)?)
    }
}

/// Texts that a line borrows, kept between lines so that nothing is allocated for them.
#[derive(Default)]
pub(crate) struct Texts {
    terms: String,
    exon: String,
    intron: String,
    cdna: String,
    cds: String,
    protein: String,
}

fn text(value: &str) -> Option<&str> {
    Some(value).filter(|value| !value.is_empty())
}

impl Texts {
    pub(crate) fn fill(&mut self, consequence: &Consequence, transcript: Option<&Transcript>) {
        self.terms.clear();
        let _ = write!(self.terms, "{}", consequence.terms);
        let exons = transcript.map_or(0, |transcript| transcript.exons().len());
        let texts = [
            &mut self.exon,
            &mut self.intron,
            &mut self.cdna,
            &mut self.cds,
        ];
        texts.into_iter().for_each(String::clear);
        self.protein.clear();
        number(&mut self.exon, consequence.exons, exons);
        number(
            &mut self.intron,
            consequence.introns,
            exons.saturating_sub(1),
        );
        range(&mut self.cdna, consequence.cdna);
        range(&mut self.cds, consequence.cds);
        range(&mut self.protein, consequence.protein);
    }

    pub(crate) fn line<'a>(
        &'a self,
        consequence: &'a Consequence,
        transcript: Option<&'a Transcript>,
    ) -> Line<'a> {
        let worst = consequence.terms.worst();
        let flags = transcript.map(Transcript::flags);
        Line {
            term: worst.map(Term::name),
            terms: text(&self.terms),
            rank: worst.map(Term::rank),
            impact: worst.map(|term| term.impact().name()),
            gene: transcript.and_then(Transcript::gene),
            gene_id: transcript.and_then(Transcript::gene_id),
            transcript: transcript.map(Transcript::id),
            biotype: transcript.and_then(Transcript::biotype),
            mane: flags.map(|flags| flags.mane_select),
            mane_plus_clinical: flags.map(|flags| flags.mane_plus_clinical),
            canonical: flags.map(|flags| flags.canonical),
            support_level: transcript.and_then(Transcript::support_level),
            flags: flags.and_then(TranscriptFlags::incomplete),
            strand: transcript.map(|transcript| transcript.strand().number()),
            exon: text(&self.exon),
            intron: text(&self.intron),
            hgvsc: text(&consequence.hgvsc),
            hgvsp: text(&consequence.hgvsp),
            cdna: text(&self.cdna),
            cds: text(&self.cds),
            protein: text(&self.protein),
            cds_position: consequence.cds.0.or(consequence.cds.1),
            protein_position: consequence.protein.0.or(consequence.protein.1),
            amino_acids: text(&consequence.amino_acids),
            codons: text(&consequence.codons),
            nmd: consequence.nmd.map(NmdPrediction::name),
            last_exon: consequence.last_exon,
            splice_distance: consequence.splice_distance,
            distance: consequence.distance,
        }
    }
}

/// Adds `3/12` or `3-4/12`; nothing for none.
pub(crate) fn number(out: &mut String, range: Option<(u32, u32)>, of: usize) {
    let _ = match range {
        None => Ok(()),
        Some((first, last)) if first == last => write!(out, "{first}/{of}"),
        Some((first, last)) => write!(out, "{first}-{last}/{of}"),
    };
}

/// Adds `76`, `76-78`, `?-78`; nothing for none.
pub(crate) fn range(out: &mut String, range: Range) {
    let _ = match range {
        (None, None) => Ok(()),
        (Some(first), Some(last)) if first == last => write!(out, "{first}"),
        (Some(first), Some(last)) => write!(out, "{first}-{last}"),
        (None, Some(last)) => write!(out, "?-{last}"),
        (Some(first), None) => write!(out, "{first}-?"),
    };
}

#[cfg(test)]
pub(crate) mod tests;
