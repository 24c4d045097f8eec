//! The numbers of a fold: per score, and per score and patient.
//!
//! They are computed when they are asked for: a table of all patients in thousands of scores would be
//! larger than all sums.

use varisk_core::{Reason, Sex, SiteClass};

use crate::fold::{AlleleState, Conflicts, PolygenicScores, TermValue};
use crate::{EffectType, MissingPolicy, ScoreInfo, Standardisation};

/// What the data have of a score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreSummary {
    /// Rows whose allele is in the data, known of somebody, and scored.
    pub matched_rows: u64,
    /// Their share of the total |weight|.
    pub matched_weight: f64,
    /// Share of the total |weight| that the panel has, and so the panel sum; `None` without a panel.
    pub panel_weight: Option<f64>,
    /// Why the score is computed for nobody.
    pub reason: Option<Reason>,
}

/// A score of a patient. Shares are of the |weight| of all rows of the file, the lost ones too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PatientScore {
    /// Why there is no score; the numbers then say nothing.
    pub reason: Option<Reason>,
    /// Sum of weight times copies of the effect allele.
    pub sum: f64,
    /// The sum over the alleles of the panel alone, with every missing call in place of which the
    /// panel's mean stands, and that of alleles that no record has: it does not depend on who else is
    /// in the run. Terms over several alleles are no part of it.
    pub panel_sum: Option<f64>,
    /// The sum by the copies that were looked at: those called, and those imputed where missing calls
    /// are.
    pub average: f64,
    /// The sum times the copies of all rows that could be scored by those that are called or imputed. A
    /// row that no record of the data has is missing like any other.
    pub rescaled: f64,
    /// Rows that are called in the patient, without the assumed ones.
    pub called: u64,
    /// Rows at which the patient is taken for reference.
    pub assumed: u64,
    /// Rows that could be scored and are missing, partial or not assayed in the patient, or that no
    /// record of the data has.
    pub missing: u64,
    /// Rows that do not count for the patient: Y of a female.
    pub not_counted: u64,
    /// Share of the weights that is called.
    pub weight_called: f64,
    /// Share that is assumed.
    pub weight_assumed: f64,
    /// Share that is missing in the patient.
    pub weight_missing: f64,
    /// Share that does not count for the patient.
    pub weight_not_counted: f64,
    /// Share of rows that cannot be scored whatever the data have: their reasons stand in the log.
    pub weight_lost: f64,
    /// Copies that are called, assumed ones too: `ALLELE_CT` of plink2.
    pub allele_count: u64,
    /// Copies behind the average: `allele_count`, and where missing calls are imputed theirs too, as
    /// far as there was a mean for them.
    pub denominator: u64,
    /// Copies of effect alleles: `NAMED_ALLELE_DOSAGE_SUM` of plink2; `None` where they were not added
    /// up.
    pub dosage_sum: Option<f64>,
}

/// What a score's matched rows come to, in its units.
#[derive(Clone, Debug, Default)]
struct Matched {
    rows: u64,
    /// Of these, rows of which something is known in somebody.
    found: u64,
    weight: i64,
    /// Rows of single alleles.
    plain_rows: u64,
    /// Terms of never seen alleles by the panel's frequencies, by sex.
    panel: [i64; 3],
    /// |weight| of what the panel has.
    panel_weight: i64,
    terms: Vec<usize>,
    /// Rows that could be scored and are not in the sums, by sex.
    unfound: [Absent; 3],
}

/// Rows that the data do not have.
#[derive(Clone, Copy, Debug, Default)]
struct Absent {
    rows: u64,
    weight: i64,
    /// Copies that are expected.
    copies: u64,
    /// Rows of which no copy is expected.
    not_counted: u64,
    not_counted_weight: i64,
}

impl Absent {
    fn add(&mut self, expected: Option<u8>, weight: i64) {
        if expected == Some(0) {
            self.not_counted += 1;
            self.not_counted_weight = self.not_counted_weight.wrapping_add(weight);
        } else {
            self.rows += 1;
            self.weight = self.weight.wrapping_add(weight);
            self.copies += u64::from(expected.unwrap_or(2));
        }
    }
}

const SEXES: [Sex; 3] = [Sex::Female, Sex::Male, Sex::Unknown];

fn number_of(sex: Sex) -> usize {
    match sex {
        Sex::Female => 0,
        Sex::Male => 1,
        Sex::Unknown => 2,
    }
}

/// Results of a fold as it stands.
pub struct ScoreResults<'a> {
    fold: &'a PolygenicScores,
    matched: Vec<Matched>,
    summaries: Vec<ScoreSummary>,
}

impl<'a> ScoreResults<'a> {
    pub(crate) fn new(fold: &'a PolygenicScores) -> Self {
        let plan = fold.plan();
        let scores = plan.scores().len();
        let mut matched = vec![Matched::default(); scores];
        let ploidy = plan.options.ploidy(&plan.contigs);
        for (allele, range) in (0..).zip(plan.starts.windows(2)) {
            for at in range[0] as usize..range[1] as usize {
                let entry = plan.entries[at];
                let own = &mut matched[entry.score() as usize];
                let place = plan.place(allele);
                let site = || {
                    place.map_or(SiteClass::Autosomal, |(contig, position)| {
                        ploidy.class(contig, position)
                    })
                };
                if plan.has_panel() && place.is_some() && fold.seen(allele) == 0 {
                    for (term, sex) in own.panel.iter_mut().zip(SEXES) {
                        let copies = site().expected_ploidy(sex).unwrap_or(2);
                        *term = term.wrapping_add(fold.panel_term(allele, entry, copies));
                    }
                }
                let of_panel = fold.panel_magnitude(allele, entry);
                own.panel_weight = own.panel_weight.wrapping_add(of_panel);
                if let AlleleState::Scored(applied) = fold.allele_state(allele, entry) {
                    own.rows += 1;
                    let unknown = fold.counts(allele).not_assayed as usize;
                    own.found += u64::from(unknown < fold.patients());
                    own.plain_rows += 1;
                    own.weight = own.weight.wrapping_add(applied.magnitude());
                } else if let Some(unfound) = fold.unfound(entry) {
                    for (absent, sex) in own.unfound.iter_mut().zip(SEXES) {
                        absent.add(site().expected_ploidy(sex), unfound.magnitude);
                    }
                }
            }
        }
        for (number, term) in plan.terms.iter().enumerate() {
            if fold.has_term(term) {
                let own = &mut matched[term.score as usize];
                own.rows += 1;
                own.found += 1;
                own.weight = own.weight.wrapping_add(term.weight.wrapping_abs());
                own.terms.push(number);
            } else {
                let weight = term.weight.wrapping_abs();
                for absent in &mut matched[term.score as usize].unfound {
                    // A term has no copies of its own.
                    absent.add(Some(1), weight);
                    absent.copies -= 1;
                }
            }
        }
        let conflicts = Conflicts::of(fold);
        let summaries = (0..scores)
            .map(|score| ScoreSummary {
                matched_rows: matched[score].found,
                matched_weight: share(
                    plan.value(score, matched[score].weight),
                    plan.scores()[score].total_weight,
                ),
                panel_weight: plan.has_panel().then(|| {
                    share(
                        plan.value(score, matched[score].panel_weight),
                        plan.scores()[score].total_weight,
                    )
                }),
                reason: if conflicts.has(score) {
                    Some(Reason::AmbiguousScoreMatch)
                } else if matched[score].found == 0 {
                    Some(Reason::NoScoreMatches)
                } else {
                    None
                },
            })
            .collect();
        Self {
            fold,
            matched,
            summaries,
        }
    }

    /// Number of scores.
    #[must_use]
    pub fn scores(&self) -> usize {
        self.matched.len()
    }

    /// Number of patients.
    #[must_use]
    pub fn patients(&self) -> usize {
        self.fold.patients()
    }

    /// What the files say of a score.
    ///
    /// # Panics
    /// There is no such score.
    #[must_use]
    pub fn info(&self, score: usize) -> &ScoreInfo {
        &self.fold.plan().scores()[score]
    }

    /// What the data have of a score.
    ///
    /// # Panics
    /// There is no such score.
    #[must_use]
    pub fn summary(&self, score: usize) -> &ScoreSummary {
        &self.summaries[score]
    }

    /// The score of a patient.
    ///
    /// # Panics
    /// There is no such score or patient.
    #[must_use]
    pub fn patient(&self, score: usize, patient: usize) -> PatientScore {
        let plan = self.fold.plan();
        let matched = &self.matched[score];
        let info = &plan.scores()[score];
        let statistics = self.fold.statistics(score, patient);
        let value = |sum| plan.value(score, sum);
        let mut sum = self.fold.sum(score, patient);
        let mut missing = u64::from(statistics.missing);
        let mut missing_weight = statistics.missing_weight;
        let mut assumed = u64::from(statistics.assumed);
        let mut assumed_weight = statistics.assumed_weight;
        let mut not_counted = u64::from(statistics.not_counted);
        let mut not_counted_weight = statistics.not_counted_weight;
        for number in &matched.terms {
            let term = &plan.terms[*number];
            match self.fold.term(term, patient) {
                TermValue::Copies(copies) => {
                    let times = match term.effect_type {
                        EffectType::Diplotype => i64::from(copies.min(1)),
                        _ => i64::from(copies),
                    };
                    sum = sum.wrapping_add(term.weight.wrapping_mul(times));
                    if self.fold.is_term_assumed(term, patient) {
                        assumed += 1;
                        assumed_weight = assumed_weight.wrapping_add(term.weight.wrapping_abs());
                    }
                }
                TermValue::Missing => {
                    missing += 1;
                    missing_weight = missing_weight.wrapping_add(term.weight.wrapping_abs());
                }
                TermValue::NotCounted => {
                    not_counted += 1;
                    not_counted_weight =
                        not_counted_weight.wrapping_add(term.weight.wrapping_abs());
                }
            }
        }
        let called = matched
            .rows
            .saturating_sub(missing)
            .saturating_sub(not_counted)
            .saturating_sub(assumed);
        let absent = matched.unfound[number_of(self.fold.sex(patient))];
        let seen_missing = missing_weight;
        let seen_not_counted = not_counted_weight;
        missing_weight = missing_weight.wrapping_add(absent.weight);
        not_counted_weight = not_counted_weight.wrapping_add(absent.not_counted_weight);
        missing += absent.rows;
        not_counted += absent.not_counted;
        let expected = (2 * matched.plain_rows).saturating_sub(statistics.lacking_copies.into());
        let allele_count = expected.saturating_sub(statistics.missing_copies.into());
        let imputes = self.fold.options().missing != MissingPolicy::None;
        let looked_at = if imputes {
            expected.saturating_sub(statistics.unimputed_copies.into())
        } else {
            allele_count
        };
        let sum = value(sum);
        let of_total = |weight: i64| share(value(weight), info.total_weight);
        let weight_missing = of_total(missing_weight);
        let weight_assumed = of_total(assumed_weight);
        let weight_not_counted = of_total(not_counted_weight);
        let called_weight = matched
            .weight
            .wrapping_sub(seen_missing)
            .wrapping_sub(assumed_weight)
            .wrapping_sub(seen_not_counted);
        let weight_called = of_total(called_weight.max(0));
        let reason = self.summaries[score]
            .reason
            .or_else(|| (called == 0 && assumed == 0).then_some(Reason::NoScoredCalls));
        PatientScore {
            reason,
            sum,
            panel_sum: self.fold.panel_sum(score, patient).map(|own| {
                let sex = number_of(self.fold.sex(patient));
                value(own.wrapping_add(matched.panel[sex]))
            }),
            average: if looked_at > 0 {
                sum / looked_at as f64
            } else {
                0.0
            },
            rescaled: {
                let all = expected + absent.copies;
                // What is missing has the mean already where dosages are centred.
                let is_plain = self.fold.options().standardisation == Standardisation::None;
                if is_plain && looked_at > 0 && looked_at != all {
                    sum * (all as f64 / looked_at as f64)
                } else {
                    sum
                }
            },
            called,
            assumed,
            missing,
            not_counted,
            weight_called,
            weight_assumed,
            weight_missing,
            weight_not_counted,
            weight_lost: (1.0
                - weight_called
                - weight_assumed
                - weight_missing
                - weight_not_counted)
                .max(0.0),
            allele_count,
            denominator: looked_at,
            dosage_sum: self.fold.dosage_sum(score, patient),
        }
    }
}

/// A share of a total; a score whose weights are all zero has everything of nothing.
fn share(part: f64, total: f64) -> f64 {
    if total > 0.0 {
        (part / total).clamp(0.0, 1.0)
    } else {
        1.0
    }
}
