//! Lines of `CSQ` straight from consequences, for output that needs nothing else of them: a column
//! for each field, written and read again for every line, costs several times as much.

use std::fmt::Write as _;

use super::{escape, vep_allele};
use crate::predict::{Consequence, NmdPrediction, Range};
use crate::stage::{number, range};
use crate::transcript::Transcript;

/// What the lines of a transcript have in common.
struct TranscriptText {
    /// `SYMBOL` to `BIOTYPE`, with a bar after it.
    head: Box<str>,
    /// `STRAND` to `TSL`, with a bar before and after it.
    tail: Box<str>,
    exons: usize,
}

/// Writes lines as [`super::CsqWriter`] does from columns.
pub(crate) struct CsqText {
    transcripts: Vec<TranscriptText>,
}

impl CsqText {
    pub(crate) fn new(transcripts: &[Transcript]) -> Self {
        Self {
            transcripts: transcripts.iter().map(TranscriptText::new).collect(),
        }
    }

    /// Adds a line. `reference` and `alternate` are those of the record.
    pub(crate) fn write(
        &self,
        (reference, alternate): (&str, &str),
        consequence: &Consequence,
        hgvsg: &str,
        out: &mut String,
    ) {
        let transcript = consequence
            .transcript
            .and_then(|index| self.transcripts.get(index));
        escape(vep_allele(reference, alternate), out);
        out.push('|');
        for (index, term) in consequence.terms.iter().enumerate() {
            if index > 0 {
                out.push('&');
            }
            out.push_str(term.name());
        }
        out.push('|');
        if let Some(worst) = consequence.terms.worst() {
            out.push_str(worst.impact().name());
        }
        out.push('|');
        out.push_str(transcript.map_or("|||||", |transcript| &transcript.head));
        let exons = transcript.map_or(0, |transcript| transcript.exons);
        number(out, consequence.exons, exons);
        out.push('|');
        number(out, consequence.introns, exons.saturating_sub(1));
        for text in [&consequence.hgvsc, &consequence.hgvsp] {
            out.push('|');
            escape(text, out);
        }
        for positions in [consequence.cdna, consequence.cds, consequence.protein] {
            out.push('|');
            if positions != Range::default() {
                range(out, positions);
            }
        }
        for text in [&consequence.amino_acids, &consequence.codons] {
            out.push('|');
            escape(text, out);
        }
        out.push('|');
        if let Some(distance) = consequence.distance {
            // Writing to a string cannot fail.
            let _ = write!(out, "{distance}");
        }
        out.push_str(transcript.map_or("||||||", |transcript| &transcript.tail));
        escape(hgvsg, out);
        out.push('|');
        out.push_str(consequence.nmd.map_or("", NmdPrediction::name));
    }
}

impl TranscriptText {
    fn new(transcript: &Transcript) -> Self {
        let mut head = String::new();
        for text in [transcript.gene(), transcript.gene_id()] {
            escape(text.unwrap_or_default(), &mut head);
            head.push('|');
        }
        head.push_str("Transcript|");
        escape(transcript.id(), &mut head);
        head.push('|');
        escape(transcript.biotype().unwrap_or_default(), &mut head);
        head.push('|');
        let flags = transcript.flags();
        let mane = match (flags.mane_select, flags.mane_plus_clinical) {
            (true, _) => "MANE_Select",
            (false, true) => "MANE_Plus_Clinical",
            (false, false) => "",
        };
        let level = transcript.support_level();
        let tail = format!(
            "|{}|{}|{}|{mane}|{}|",
            transcript.strand().number(),
            flags.incomplete().unwrap_or_default(),
            if flags.canonical { "YES" } else { "" },
            level.map_or_else(String::new, |level| level.to_string()),
        );
        Self {
            head: head.into(),
            tail: tail.into(),
            exons: transcript.exons().len(),
        }
    }
}
