//! Columns of the log in the making.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, RecordBatch, StringBuilder, UInt32Builder};
use arrow::error::ArrowError;
use varisk_report::Table;

use super::Outcome;
use crate::ScorePlan;
use crate::file::{Meaning, Row, Subject, Weights};

/// One builder for each column of the table, in its order.
#[derive(Default)]
pub(super) struct Builders {
    rows: usize,
    score: StringBuilder,
    row: UInt32Builder,
    rsid: StringBuilder,
    contig: StringBuilder,
    position: UInt32Builder,
    effect_allele: StringBuilder,
    other_allele: StringBuilder,
    weight: Float64Builder,
    effect_type: StringBuilder,
    match_type: StringBuilder,
    matched_position: UInt32Builder,
    matched_reference: StringBuilder,
    matched_alternate: StringBuilder,
    reason: StringBuilder,
    called: UInt32Builder,
    assumed: UInt32Builder,
    missing: UInt32Builder,
    not_assayed: UInt32Builder,
}

/// Text of a cell; `None` where it is empty.
fn text(cell: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    (!cell.is_empty()).then(|| String::from_utf8_lossy(cell))
}

impl Builders {
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call, and each is a thing of its own"
    )]
    pub(super) fn push(
        &mut self,
        plan: &ScorePlan,
        score: u32,
        row: &Row,
        meaning: &Meaning,
        weight: f64,
        outcome: &Outcome,
        patients: u32,
    ) {
        let layout = row.layout();
        self.rows += 1;
        self.score.append_value(&plan.scores[score as usize].name);
        self.row
            .append_value(u32::try_from(row.number).unwrap_or(u32::MAX));
        self.rsid
            .append_option(text(row.cell(layout.rsid)).filter(|id| id != "."));
        // A plink table has them in its identifier only.
        let site = match &meaning.subject {
            Subject::Site(site) | Subject::Identifier(_, site) => Some(*site),
            Subject::Lost(_) | Subject::Together { .. } => None,
        };
        let place = site.filter(|site| !site.contig.is_empty());
        let written = std::str::from_utf8(row.cell(layout.position))
            .ok()
            .and_then(|position| position.parse().ok());
        self.contig.append_option(text(
            place.map_or_else(|| row.cell(layout.contig), |site| site.contig),
        ));
        self.position
            .append_option(place.map(|site| site.position).or(written));
        self.effect_allele
            .append_option(text(row.cell(layout.effect)));
        let other = match row.cell(layout.other) {
            b"" => site.map_or(b"".as_slice(), |site| site.other),
            other => other,
        };
        self.other_allele.append_option(text(other));
        self.weight
            .append_option((meaning.weights == Weights::Single).then_some(weight));
        self.effect_type.append_value(meaning.effect_type.name());
        self.match_type
            .append_option(outcome.match_type.map(crate::MatchType::name));
        match outcome.allele {
            Some(allele) => {
                let (reference, alternate) = plan.alleles.text(allele);
                self.matched_position
                    .append_option(plan.place(allele).map(|(_, position)| position.0));
                self.matched_reference.append_option(text(&reference));
                self.matched_alternate.append_option(text(&alternate));
            }
            None => {
                self.matched_position.append_null();
                self.matched_reference.append_null();
                self.matched_alternate.append_null();
            }
        }
        self.reason
            .append_option(outcome.reason.map(crate::RowReason::name));
        let counts = outcome.counts;
        let (called, not_assayed) = if outcome.seen {
            let others = counts.assumed + counts.no_call + counts.not_assayed;
            (patients.saturating_sub(others), counts.not_assayed)
        } else {
            (0, patients)
        };
        self.called.append_value(called);
        self.assumed.append_value(counts.assumed);
        self.missing.append_value(counts.no_call);
        self.not_assayed.append_value(not_assayed);
    }

    pub(super) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.score.finish()),
            Arc::new(self.row.finish()),
            Arc::new(self.rsid.finish()),
            Arc::new(self.contig.finish()),
            Arc::new(self.position.finish()),
            Arc::new(self.effect_allele.finish()),
            Arc::new(self.other_allele.finish()),
            Arc::new(self.weight.finish()),
            Arc::new(self.effect_type.finish()),
            Arc::new(self.match_type.finish()),
            Arc::new(self.matched_position.finish()),
            Arc::new(self.matched_reference.finish()),
            Arc::new(self.matched_alternate.finish()),
            Arc::new(self.reason.finish()),
            Arc::new(self.called.finish()),
            Arc::new(self.assumed.finish()),
            Arc::new(self.missing.finish()),
            Arc::new(self.not_assayed.finish()),
        ];
        RecordBatch::try_new(Table::SCORE_VARIANTS.schema(), columns)
    }
}
