//! The fold over batches: what each patient's alleles add up to in each score.

mod add;
mod choose;
mod classes;
mod observe;
mod rows;
mod state;
mod terms;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use varisk_core::{
    Analysis, AnalysisError, AnalysisOutput, Patient, Sex, SiteBatch, load_fold, part_of, save_fold,
};

pub(crate) use state::{AlleleCounts, StrandDecision};
pub(crate) use terms::TermValue;
pub(crate) use view::{AlleleState, Conflicts};

use crate::results::ScoreResults;
use crate::{PolygenicError, ScorePlan};
use rows::Encoder;
use state::{State, Sums};

/// Fewest patients whose mean stands for a frequency; plink2 asks for as many.
pub const MIN_COHORT: u32 = 50;

/// What a missing, partial or not assayed call adds to a sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum MissingPolicy {
    /// Nothing; results can be rescaled by what is called.
    #[default]
    None,
    /// The mean of the patients who are called at the row, where they are [`MIN_COHORT`] at least;
    /// else nothing. Alleles that are taken for reference do not make the mean.
    Cohort,
    /// The mean by ALT frequencies in a column of the batch (`Float32` or `Float64`); nothing where
    /// it is null. Beside other alternates the reference is taken to have the rest.
    Frequencies {
        /// The column.
        column: String,
    },
    /// The mean by the panel's frequencies; nothing for alleles that the panel lacks.
    Panel,
}

/// What is taken off and divided by before a weight is applied to a dosage, with the frequencies of
/// [`MissingPolicy`]. A row without a frequency adds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standardisation {
    /// Nothing.
    #[default]
    None,
    /// The mean is taken off: `center` of plink2.
    Centre,
    /// Then the difference is divided by its standard deviation under Hardy-Weinberg proportions,
    /// `sqrt(2 f (1 - f))`: `variance-standardize` of plink2 at sites of two alleles.
    Scale,
}

/// What the user decides about sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldOptions {
    /// Missing calls.
    pub missing: MissingPolicy,
    /// Centred and scaled dosages; the plan must have room for scaled ones.
    pub standardisation: Standardisation,
    /// Column of ALT frequencies that decides about ambiguous strands; without it the cohort's, where
    /// [`MIN_COHORT`] patients are called.
    pub frequency_column: Option<String>,
    /// Whether copies of effect alleles are added up too, as the plink2 layout lists them.
    pub dosage_sums: bool,
}

/// What folds must have in common to be merged.
#[derive(PartialEq, Serialize, Deserialize)]
struct Settings {
    plan: String,
    options: FoldOptions,
    patients: usize,
}

/// Polygenic scores of all patients.
///
/// # Memory
/// Eight bytes for each score and patient, as many for sums against a panel and for dosage sums, one
/// byte for each allele of the plan; for each score in which calls are missing, assumed or haploid 48
/// bytes a patient.
pub struct PolygenicScores {
    plan: Arc<ScorePlan>,
    sexes: Vec<Sex>,
    options: FoldOptions,
    state: State,
    scratch: observe::Scratch,
}

impl PolygenicScores {
    /// A fold that has seen nothing; `sexes` by patient, in the order of the calls' columns.
    ///
    /// # Errors
    /// Mean imputation from a cohort that is too small, or from a panel that the plan lacks.
    pub fn new(
        plan: Arc<ScorePlan>,
        sexes: Vec<Sex>,
        options: FoldOptions,
    ) -> Result<Self, PolygenicError> {
        let needed = MIN_COHORT as usize;
        if options.missing == MissingPolicy::Cohort && sexes.len() < needed {
            return Err(PolygenicError::FewPatients {
                patients: sexes.len(),
                needed,
            });
        }
        if options.missing == MissingPolicy::Panel && !plan.has_panel() {
            return Err(PolygenicError::NoPanel);
        }
        Ok(Self::fresh(plan, sexes, options))
    }

    fn fresh(plan: Arc<ScorePlan>, sexes: Vec<Sex>, options: FoldOptions) -> Self {
        let (scores, patients) = (plan.scores().len(), sexes.len());
        let sums = || Sums::new(scores, patients);
        let state = State {
            sums: sums(),
            panel: plan.has_panel().then(sums),
            dosages: options.dosage_sums.then(sums),
            statistics: vec![Vec::new(); scores],
            seen: vec![0; plan.alleles.keys.len()],
            ..State::default()
        };
        let scratch = observe::Scratch::new(Encoder::new(&sexes), scores);
        Self {
            plan,
            sexes,
            options,
            state,
            scratch,
        }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<ScorePlan> {
        &self.plan
    }

    /// Number of patients.
    #[must_use]
    pub fn patients(&self) -> usize {
        self.sexes.len()
    }

    /// The numbers as they stand.
    #[must_use]
    pub fn results(&self) -> ScoreResults<'_> {
        ScoreResults::new(self)
    }

    fn settings(&self) -> Settings {
        Settings {
            plan: self.plan.fingerprint().to_owned(),
            options: self.options.clone(),
            patients: self.sexes.len(),
        }
    }
}

const NAME: &str = "polygenic";

impl Analysis for PolygenicScores {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn empty(&self) -> Box<dyn Analysis> {
        Box::new(Self::fresh(
            Arc::clone(&self.plan),
            self.sexes.clone(),
            self.options.clone(),
        ))
    }

    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError> {
        Ok(observe::observe(self, batch)?)
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        save_fold(NAME, &self.settings(), &self.state)
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let state: State = load_fold(NAME, &self.settings(), saved)?;
        self.state.merge(state);
        Ok(())
    }

    fn take_patients(&mut self, part: &dyn Analysis, of: &[usize]) -> Result<(), AnalysisError> {
        let part: &Self = part_of(NAME, part)?;
        let is_same = part.plan.fingerprint() == self.plan.fingerprint()
            && part.options == self.options
            && part.sexes.len() == of.len()
            && of.iter().all(|at| *at < self.sexes.len());
        if !is_same {
            return Err(AnalysisError::foreign_part(NAME));
        }
        let taken = self.state.take_patients(&part.state, of, self.sexes.len());
        taken.ok_or_else(|| AnalysisError::foreign_part(NAME))
    }

    /// Nothing: thousands of scores make millions of features, of which hardly any is asked for.
    /// [`PolygenicScores::results`] gives what is.
    fn finish(&self, _: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        Ok(AnalysisOutput::default())
    }
}
