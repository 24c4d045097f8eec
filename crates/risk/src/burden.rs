//! Burden of a model output: for each patient the dosage-weighted sum, the maximum, and the copies
//! at or above a threshold.

use serde::{Deserialize, Serialize};
use varisk_core::{
    Analysis, AnalysisError, AnalysisOutput, CallCode, DosageTable, ExactSum, FeatureTable,
    FeatureValue, Patient, Quantised, Reason, Sex, SiteBatch, SiteClass, agree, dequantise,
    load_fold, part_of, place_patients, quantise, save_fold,
};

use crate::ScoreOutput;
use crate::dosage::Dosages;

/// The fold. Features are `burden.<model>.<output>.sum`, `.max`, `.count_above` (where the manifest
/// names a threshold), `.coverage`: of the scored alleles at which the
/// patient is expected to have a copy, the share with a complete call, and `.assumed`: the share
/// taken for reference on the user's word.
///
/// # Memory
/// About 50 bytes for each patient.
pub struct Burden {
    settings: Settings,
    state: State,
    dosages: Dosages,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    output: ScoreOutput,
    /// On the published scale; the bits decide, so that settings compare exactly.
    threshold: Option<f64>,
    sexes: Vec<Sex>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct State {
    /// Scored alleles at which one copy at least is expected, for each sex in [`SEXES`].
    expected: [u64; 3],
    patients: Vec<PatientState>,
}

const SEXES: [Sex; 3] = [Sex::Female, Sex::Male, Sex::Unknown];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct PatientState {
    sum: ExactSum,
    maximum: Option<Quantised>,
    copies_above: u64,
    /// Scored alleles with a dosage that something shows.
    called: u64,
    /// Scored alleles taken for reference on the user's word.
    assumed: u64,
}

impl Burden {
    /// A fold for the patients of a run, in order, given by their sex.
    #[must_use]
    pub fn new(output: ScoreOutput, threshold: Option<f64>, sexes: Vec<Sex>) -> Self {
        Self::of(Settings {
            output,
            threshold,
            sexes,
        })
    }

    fn of(settings: Settings) -> Self {
        let state = State {
            expected: [0; 3],
            patients: vec![PatientState::default(); settings.sexes.len()],
        };
        let dosages = Dosages::new(&settings.sexes);
        Self {
            settings,
            state,
            dosages,
        }
    }
}

impl Analysis for Burden {
    fn name(&self) -> String {
        format!(
            "burden.{}.{}",
            self.settings.output.model, self.settings.output.output
        )
    }

    fn empty(&self) -> Box<dyn Analysis> {
        Box::new(Self::of(self.settings.clone()))
    }

    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError> {
        let scores = batch.floats(&self.settings.output.column())?;
        let classes = batch.site_class_column()?;
        for (row, score) in scores.iter().enumerate() {
            let Some(score) = score.map(f64::from) else {
                continue;
            };
            // The scoring stage gives a reason instead of a number that cannot be held.
            let Some(term) = quantise(score) else {
                continue;
            };
            let above = self
                .settings
                .threshold
                .is_some_and(|threshold| score >= threshold);
            let class = SiteClass::from_number(classes.value(row));
            for (expected, sex) in self.state.expected.iter_mut().zip(SEXES) {
                *expected += u64::from(class.expected_ploidy(sex) != Some(0));
            }
            let codes = batch.calls().row(row);
            let dosages = self.dosages.of(batch.calls(), row, class);
            for ((patient, dosage), code) in self.state.patients.iter_mut().zip(dosages).zip(codes)
            {
                if *dosage == DosageTable::NONE {
                    continue;
                }
                if CallCode(*code).is_assumed() {
                    patient.assumed += 1;
                    continue;
                }
                patient.called += 1;
                if *dosage > 0 {
                    patient.sum.add(term, u32::from(*dosage));
                    patient.maximum = patient.maximum.max(Some(term));
                    patient.copies_above += if above { u64::from(*dosage) } else { 0 };
                }
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        save_fold(&self.name(), &self.settings, &self.state)
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let other: State = load_fold(&self.name(), &self.settings, saved)?;
        for (own, other) in self.state.expected.iter_mut().zip(other.expected) {
            *own += other;
        }
        for (own, other) in self.state.patients.iter_mut().zip(other.patients) {
            own.sum.merge(other.sum);
            own.maximum = own.maximum.max(other.maximum);
            own.copies_above += other.copies_above;
            own.called += other.called;
            own.assumed += other.assumed;
        }
        Ok(())
    }

    fn take_patients(&mut self, part: &dyn Analysis, of: &[usize]) -> Result<(), AnalysisError> {
        let name = self.name();
        let part: &Self = part_of(&name, part)?;
        agree(&name, &mut self.state.expected, &part.state.expected)?;
        let patients = part.state.patients.iter().cloned();
        place_patients(&name, &mut self.state.patients, patients, of)
    }

    fn finish(&self, _patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        let name = self.name();
        let mut features = FeatureTable::default();
        let called = |value: f64, patient: &PatientState| {
            if patient.called + patient.assumed > 0 {
                Ok(value)
            } else {
                Err(Reason::NoScoredCalls)
            }
        };
        let column = |value: &dyn Fn(&PatientState) -> FeatureValue| {
            self.state.patients.iter().map(value).collect::<Vec<_>>()
        };
        features.insert(format!("{name}.sum"), column(&|p| called(p.sum.value(), p)));
        features.insert(
            format!("{name}.max"),
            column(&|p| p.maximum.map(dequantise).ok_or(Reason::NoInformativeCalls)),
        );
        if self.settings.threshold.is_some() {
            features.insert(
                format!("{name}.count_above"),
                column(&|p| called(p.copies_above as f64, p)),
            );
        }
        let expected = |sex: &Sex| {
            SEXES
                .iter()
                .position(|own| own == sex)
                .map_or(0, |index| self.state.expected[index])
        };
        let mut share = |suffix: &str, count: &dyn Fn(&PatientState) -> u64| {
            let share = |(patient, sex): (&PatientState, &Sex)| match expected(sex) {
                0 => Err(Reason::NoScoredCalls),
                expected => Ok(count(patient) as f64 / expected as f64),
            };
            let patients = self.state.patients.iter().zip(&self.settings.sexes);
            features.insert(format!("{name}.{suffix}"), patients.map(share).collect());
        };
        share("coverage", &|patient| patient.called);
        share("assumed", &|patient| patient.assumed);
        Ok(AnalysisOutput {
            features,
            tables: Vec::new(),
        })
    }
}
