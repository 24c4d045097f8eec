//! Burden of a model output: for each patient the dosage-weighted sum, the maximum, and the copies
//! at or above a threshold.

use serde::{Deserialize, Serialize};
use varisk_core::{
    Analysis, AnalysisError, AnalysisOutput, DosageTable, ExactSum, FeatureTable, FeatureValue,
    Patient, Quantised, Reason, Sex, SiteBatch, SiteClass, dequantise, quantise,
};

use crate::ScoreOutput;
use crate::dosage::Dosages;
use crate::saved::{load, save};

/// The fold. Features are `burden.<model>.<output>.sum`, `.max`, `.count_above` (where the manifest
/// names a threshold) and `.coverage`: the share of scored alleles at which the patient has a
/// complete call.
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
    /// Alleles with a score.
    scored: u64,
    patients: Vec<PatientState>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct PatientState {
    sum: ExactSum,
    maximum: Option<Quantised>,
    copies_above: u64,
    /// Scored alleles with a dosage.
    called: u64,
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
            scored: 0,
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
            self.state.scored += 1;
            let class = SiteClass::from_number(classes.value(row));
            let dosages = self.dosages.of(batch.calls(), row, class);
            for (patient, dosage) in self.state.patients.iter_mut().zip(dosages) {
                if *dosage == DosageTable::NONE {
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
        save(&self.name(), &self.settings, &self.state)
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let other: State = load(&self.name(), &self.settings, saved)?;
        self.state.scored += other.scored;
        for (own, other) in self.state.patients.iter_mut().zip(other.patients) {
            own.sum.merge(other.sum);
            own.maximum = own.maximum.max(other.maximum);
            own.copies_above += other.copies_above;
            own.called += other.called;
        }
        Ok(())
    }

    fn finish(&self, _patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        let name = self.name();
        let mut features = FeatureTable::default();
        let called = |value: f64, patient: &PatientState| {
            if patient.called > 0 {
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
        let scored = self.state.scored;
        let coverage = |p: &PatientState| {
            if scored > 0 {
                Ok(p.called as f64 / scored as f64)
            } else {
                Err(Reason::NoScoredCalls)
            }
        };
        features.insert(format!("{name}.coverage"), column(&coverage));
        Ok(AnalysisOutput {
            features,
            tables: Vec::new(),
        })
    }
}
