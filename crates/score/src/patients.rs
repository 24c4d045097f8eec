//! Scoring patients: the same fixed-shape batches over features and covariates.

use varisk_core::{FeatureTable, FeatureValue, Reason};
use varisk_encode::PatientEncoder;

use crate::{Model, ScoreError, check_graph};

/// Results of a patient model: for each output of the manifest one value for each patient.
pub type PatientScores = Vec<Vec<FeatureValue>>;

/// Scores all patients of a run.
///
/// # Errors
/// The graph does not take what the manifest builds, or the runtime refuses.
pub fn score_patients(
    model: &Model,
    encoder: &PatientEncoder,
    patients: usize,
    features: &FeatureTable,
) -> Result<PatientScores, ScoreError> {
    check_graph(model.bundle(), encoder.tensors(), encoder.batch_size())?;
    let outputs = model.bundle().manifest.outputs.len();
    let mut scores: PatientScores = vec![Vec::with_capacity(patients); outputs];
    let mut tensors = encoder.new_tensors();
    let mut done = 0;
    while done < patients {
        let outcomes = encoder.encode(done..patients, features, &mut tensors)?;
        if outcomes.is_empty() {
            break;
        }
        let filled: Vec<usize> = outcomes
            .iter()
            .enumerate()
            .filter(|(_, outcome)| outcome.is_ok())
            .map(|(i, _)| done + i)
            .collect();
        for output in &mut scores {
            output.extend(outcomes.iter().map(|outcome| outcome.map(|()| 0.0)));
        }
        if !filled.is_empty() {
            model.run(&tensors, |index, spec, width, elements| {
                for (patient, raw) in filled.iter().zip(elements.chunks_exact(width)) {
                    scores[index][*patient] = spec
                        .finish(raw)
                        .map(f64::from)
                        .ok_or(Reason::NonFiniteScore);
                }
            })?;
        }
        done += outcomes.len();
    }
    Ok(scores)
}
