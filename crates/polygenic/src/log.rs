//! The log of score variants: for every row of every scoring file what became of it.
//!
//! Nothing of a row is kept while variants are read; the log reads the files a second time and asks
//! plan and fold about each row.

mod builders;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use arrow::record_batch::RecordBatch;

use crate::file::{Meaning, Row, ScoringFile, SiteText, Subject, interpret};
use crate::fold::{AlleleCounts, StrandDecision, TermValue};
use crate::keys::Keyer;
use crate::plan::{Entry, Term, identified};
use crate::sites::{Candidate, Resolution};
use crate::{
    AmbiguousStrand, EffectType, MatchType, PolygenicError, PolygenicScores, RowReason, ScorePlan,
};
use builders::Builders;

/// Rows of a batch, at most.
pub const LOG_BATCH_ROWS: usize = 8_192;

/// What became of a row in one score.
#[derive(Clone, Debug, Default, PartialEq)]
struct Outcome {
    match_type: Option<MatchType>,
    /// The normalised allele.
    allele: Option<u32>,
    reason: Option<RowReason>,
    counts: AlleleCounts,
    /// Whether a record of the data had the allele, so that counts say something.
    seen: bool,
}

impl Outcome {
    fn lost(reason: RowReason) -> Self {
        Self {
            reason: Some(reason),
            ..Self::default()
        }
    }
}

/// Gives the log as batches of at most [`LOG_BATCH_ROWS`] rows, in the order of files, then rows,
/// then columns of weights; the schema is that of `varisk_report::Table::SCORE_VARIANTS`. A file that
/// cannot be read any more is an error, after which there is nothing.
pub struct ScoreVariantLog<'a> {
    fold: &'a PolygenicScores,
    plan: &'a ScorePlan,
    keyer: Keyer<'a>,
    /// Terms over several alleles by source, row and score.
    terms: HashMap<(u32, u64, u32), &'a Term>,
    source: usize,
    file: Option<ScoringFile>,
    builders: Builders,
    weights: Vec<f64>,
    is_over: bool,
}

impl<'a> ScoreVariantLog<'a> {
    /// The log of a fold as it stands.
    #[must_use]
    pub fn new(fold: &'a PolygenicScores) -> Self {
        let plan: &ScorePlan = fold.plan();
        let terms = plan
            .terms
            .iter()
            .map(|term| ((term.source, term.row, term.score), term))
            .collect();
        Self {
            fold,
            plan,
            keyer: Keyer::new(&plan.contigs),
            terms,
            source: 0,
            file: None,
            builders: Builders::default(),
            weights: Vec::new(),
            is_over: false,
        }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, PolygenicError> {
        while self.builders.len() < LOG_BATCH_ROWS {
            if self.file.is_none() {
                let Some(source) = self.plan.sources.get(self.source) else {
                    break;
                };
                self.file = Some(ScoringFile::open(source, &self.plan.options)?);
            }
            let mut file = self.file.take();
            let read = match &mut file {
                Some(open) => self.read_row(open)?,
                None => false,
            };
            if read {
                self.file = file;
            } else {
                self.source += 1;
            }
        }
        if self.builders.len() == 0 {
            return Ok(None);
        }
        self.builders
            .finish()
            .map(Some)
            .map_err(|source| PolygenicError::Table { source })
    }

    /// Logs one row; `false` at the end of the file.
    fn read_row(&mut self, file: &mut ScoringFile) -> Result<bool, PolygenicError> {
        let path = file.path().to_owned();
        let Some(row) = file.next_row()? else {
            return Ok(false);
        };
        let mut weights = std::mem::take(&mut self.weights);
        let meaning = interpret(&row, self.plan.options.build, &mut weights).map_err(|detail| {
            PolygenicError::Line {
                path,
                line: row.line,
                detail,
            }
        })?;
        let first = self.plan.first_scores[self.source];
        for (score, weight) in (first..).zip(&weights) {
            let outcome = self.outcome(score, &row, &meaning);
            let patients = u32::try_from(self.fold.patients()).unwrap_or(u32::MAX);
            self.builders.push(
                self.plan, score, &row, &meaning, *weight, &outcome, patients,
            );
        }
        self.weights = weights;
        Ok(true)
    }

    fn outcome(&mut self, score: u32, row: &Row, meaning: &Meaning) -> Outcome {
        let plan = self.plan;
        match &meaning.subject {
            Subject::Lost(reason) => Outcome::lost(*reason),
            Subject::Site(site) => match self.site(site) {
                Ok(site) => self.on_site(score, meaning, site),
                Err(reason) => Outcome::lost(reason),
            },
            Subject::Identifier(identifier, site) => {
                let place = identified(&plan.identifiers, identifier, site);
                let number = place.and_then(|(contig, position)| {
                    let bits = self.keyer.bits(contig).ok_or(RowReason::UnknownContig)?;
                    plan.sites
                        .find(bits, position, site.effect, site.other)
                        .ok_or(RowReason::AllelesNotInReference)
                });
                match number {
                    Ok(site) => self.on_site(score, meaning, site),
                    Err(reason) => Outcome::lost(reason),
                }
            }
            Subject::Together { groups, .. } => {
                let source = u32::try_from(self.source).unwrap_or(u32::MAX);
                match self.terms.get(&(source, row.number, score)) {
                    Some(term) => self.on_term(term),
                    None => Outcome::lost(self.lost_component(groups, meaning.effect_type)),
                }
            }
        }
    }

    fn site(&mut self, site: &SiteText) -> Result<u32, RowReason> {
        let (_, bits) = self
            .keyer
            .contig(site.contig)
            .ok_or(RowReason::UnknownContig)?;
        self.plan
            .sites
            .find(bits, site.position, site.effect, site.other)
            .ok_or(RowReason::AllelesNotInReference)
    }

    /// A row on one site.
    fn on_site(&self, score: u32, meaning: &Meaning, site: u32) -> Outcome {
        match self.plan.sites.resolution(site) {
            Resolution::Lost(reason) => Outcome::lost(reason),
            Resolution::One(candidate) => self.on_candidate(score, meaning, &candidate, None),
            Resolution::Choice(candidates) => {
                let mut outcomes = (0..).zip(candidates).map(|(number, candidate)| {
                    self.on_candidate(score, meaning, candidate, Some(number))
                });
                let mut best = outcomes.next().unwrap_or_default();
                for outcome in outcomes {
                    // The candidate that is scored, else one that the data have.
                    if best.reason.is_some()
                        && (outcome.reason.is_none()
                            || best.reason == Some(RowReason::NotInData) && outcome.seen)
                    {
                        best = outcome;
                    }
                }
                best
            }
        }
    }

    fn on_candidate(
        &self,
        score: u32,
        meaning: &Meaning,
        candidate: &Candidate,
        number: Option<u8>,
    ) -> Outcome {
        let (_, entries) = self.plan.entries_of(candidate.allele);
        let special = |entry: &Entry| self.plan.specials.get(entry.special()?);
        let is_own = |entry: &&Entry| {
            // A row whose allele the data choose has no plain weight: that is another row's.
            entry.score() == score
                && match special(entry) {
                    None => number.is_none(),
                    Some(special) => {
                        let frequency = meaning.frequency.unwrap_or(f64::NAN);
                        special.group.is_some() == number.is_some()
                            && number.is_none_or(|number| special.candidate == number)
                            && (!special.is_ambiguous
                                || special.frequency.to_bits() == frequency.to_bits()
                                || self.plan.options.ambiguous != AmbiguousStrand::ByFrequency)
                    }
                }
        };
        let seen = self.fold.seen(candidate.allele);
        let mut outcome = Outcome {
            match_type: (seen > 0).then_some(candidate.match_type),
            allele: (seen > 0).then_some(candidate.allele),
            reason: None,
            counts: self.fold.counts(candidate.allele),
            seen: seen > 0,
        };
        let Some(entry) = entries.iter().find(is_own) else {
            outcome.reason = Some(RowReason::DuplicateRow);
            return outcome;
        };
        outcome.reason = self.fold.reason(candidate.allele, *entry);
        if seen > 1 {
            outcome.reason = Some(RowReason::MatchesTwoAlleles);
        }
        let patients = self.fold.patients();
        if outcome.reason.is_none()
            && patients > 0
            && outcome.counts.not_assayed as usize >= patients
        {
            outcome.reason = Some(RowReason::NotAssayed);
        }
        let decision = entry
            .special()
            .and_then(|index| self.fold.strand(u32::try_from(index).ok()?));
        if decision == Some(StrandDecision::Flip) {
            outcome.match_type = outcome.match_type.map(MatchType::other_strand);
        }
        outcome
    }

    fn on_term(&self, term: &Term) -> Outcome {
        if !self.fold.has_term(term) {
            return Outcome::lost(RowReason::NotInData);
        }
        let mut outcome = Outcome {
            match_type: Some(MatchType::AllComponents),
            seen: true,
            ..Outcome::default()
        };
        for patient in 0..self.fold.patients() {
            if self.fold.term(term, patient) == TermValue::Missing {
                outcome.counts.no_call += 1;
            }
        }
        outcome
    }

    /// Why a row over several alleles is not part of the plan.
    fn lost_component(&mut self, groups: &[Vec<SiteText>], effect_type: EffectType) -> RowReason {
        for site in groups.iter().flatten() {
            let reason = match self.site(site).map(|site| self.plan.sites.resolution(site)) {
                Err(reason) | Ok(Resolution::Lost(reason)) => reason,
                Ok(Resolution::One(candidate)) if candidate.is_ambiguous => {
                    RowReason::AmbiguousStrand
                }
                Ok(Resolution::One(_)) => continue,
                Ok(Resolution::Choice(_)) if effect_type == EffectType::Interaction => {
                    RowReason::UnsupportedInteraction
                }
                Ok(Resolution::Choice(_)) => RowReason::UnsupportedHaplotype,
            };
            return reason;
        }
        RowReason::NotInData
    }
}

impl Iterator for ScoreVariantLog<'_> {
    type Item = Result<RecordBatch, PolygenicError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let batch = self.next_batch().transpose();
        self.is_over = !matches!(batch, Some(Ok(_)));
        batch
    }
}
