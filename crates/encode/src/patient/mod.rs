//! The plan of a patient model against a run, and the rows it writes.

mod covariate;

use std::ops::Range;

use varisk_core::{FeatureTable, FeatureValue, Patient, Reason};

use crate::manifest::{Encoder, FeatureParams, InputSpec, ModelKind};
use crate::standardise::Standardise;
use crate::{Bundle, ElementType, EncodeError, TensorSpec, Tensors};
use covariate::CovariateTable;

/// Builds the input tensors of one patient model. Covariates are read once, when it is made;
/// features when the analyses have finished.
#[derive(Clone, Debug)]
pub struct PatientEncoder {
    specs: Vec<TensorSpec>,
    plans: Vec<Plan>,
    patients: usize,
    batch_size: usize,
    columns_without_values: Vec<String>,
}

/// How one tensor is made.
#[derive(Clone, Debug)]
enum Plan {
    Covariate(CovariateTable),
    Feature(Vec<(String, Standardise)>),
}

/// A plan with the values it reads.
enum Source<'a> {
    Covariate(&'a CovariateTable),
    Feature(Vec<(&'a [FeatureValue], Standardise)>),
}

impl PatientEncoder {
    /// Plans a model against the patients of a run and the names of the features that its analyses
    /// will give.
    ///
    /// # Errors
    /// The model is not of kind `patient`, a column of numbers holds text, or no analysis gives a
    /// feature.
    pub fn try_new(
        bundle: &Bundle,
        patients: &[Patient],
        feature_names: &[String],
    ) -> Result<Self, EncodeError> {
        let manifest = &bundle.manifest;
        if manifest.kind != ModelKind::Patient {
            return Err(EncodeError::Kind {
                model: manifest.name.clone(),
                found: manifest.kind.name(),
                expected: ModelKind::Patient.name(),
            });
        }
        Self::for_inputs(&manifest.inputs, manifest.rows(), patients, feature_names)
    }

    /// The same for the inputs of a model that has no bundle yet: what a training sees is then what
    /// a run will see.
    ///
    /// # Errors
    /// An input is none of a patient model, a column of numbers holds text, or a feature is not
    /// among the names.
    pub fn for_inputs(
        inputs: &[InputSpec],
        batch_size: usize,
        patients: &[Patient],
        feature_names: &[String],
    ) -> Result<Self, EncodeError> {
        let mut encoder = Self {
            specs: Vec::new(),
            plans: Vec::new(),
            patients: patients.len(),
            batch_size,
            columns_without_values: Vec::new(),
        };
        for input in inputs {
            let (width, plan) = match &input.encoder {
                Encoder::Covariate(params) => {
                    let table = CovariateTable::try_new(&input.tensor, params, patients)?;
                    for column in table.columns_without_values() {
                        if !encoder.columns_without_values.contains(column) {
                            encoder.columns_without_values.push(column.clone());
                        }
                    }
                    (table.width(), Plan::Covariate(table))
                }
                Encoder::Feature(params) => feature_plan(&input.tensor, params, feature_names)?,
                Encoder::Kmer(_) | Encoder::OneHot(_) | Encoder::Annotation(_) => {
                    return Err(EncodeError::Internal(
                        "a variant encoder is in a patient model",
                    ));
                }
            };
            let spec = TensorSpec {
                name: input.tensor.clone(),
                element: ElementType::F32,
                shape: vec![width],
            };
            spec.check_size(encoder.batch_size)?;
            encoder.specs.push(spec);
            encoder.plans.push(plan);
        }
        Ok(encoder)
    }

    /// The tensors, in the order of the manifest's inputs.
    #[must_use]
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.specs
    }

    /// Rows of a batch of the model.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Columns that the model reads and no patient has a value in. A samplesheet that lacks the
    /// column looks the same as one with empty cells, so this deserves a word to the user.
    #[must_use]
    pub fn columns_without_values(&self) -> &[String] {
        &self.columns_without_values
    }

    /// Buffers of one batch, every slot neutral (zeros).
    #[must_use]
    pub fn new_tensors(&self) -> Tensors {
        let mut out = Tensors::new(&self.specs, self.batch_size);
        out.used = 0;
        out
    }

    /// Writes patients (indices in the run's order, from 0) into the slots from 0 on and makes all
    /// slots after them neutral. The result says what became of each patient, in order: each that is
    /// `Ok` took the next slot, the others took none. It may be shorter than the range: then the
    /// slots were full, and the rest is to be given again.
    ///
    /// # Errors
    /// A patient or a declared feature does not exist, or the buffers are not those of the plan.
    pub fn encode(
        &self,
        patients: Range<usize>,
        features: &FeatureTable,
        out: &mut Tensors,
    ) -> Result<Vec<Result<(), Reason>>, EncodeError> {
        if out.data.len() != self.plans.len() || out.batch_size() != self.batch_size {
            return Err(EncodeError::Internal("tensors were made for another model"));
        }
        if patients.end > self.patients {
            return Err(EncodeError::Internal("a patient is beyond the run"));
        }
        let sources = self.sources(features)?;
        let mut outcomes = Vec::with_capacity(patients.len().min(self.batch_size));
        let mut slot = 0;
        for patient in patients {
            if slot >= self.batch_size {
                break;
            }
            out.used = out.used.max(slot + 1);
            let outcome = self.write(&sources, patient, slot, out)?;
            slot += usize::from(outcome.is_ok());
            outcomes.push(outcome);
        }
        for (spec, data) in self.specs.iter().zip(&mut out.data) {
            for unused in slot..out.used {
                data.row_mut(unused, spec.row_len())?.floats()?.fill(0.0);
            }
        }
        out.used = out.used.min(slot);
        Ok(outcomes)
    }

    fn sources<'a>(&'a self, features: &'a FeatureTable) -> Result<Vec<Source<'a>>, EncodeError> {
        let values = |name: &'a String| match features.get(name) {
            Some(values) if values.len() == self.patients => Ok(values),
            found => Err(EncodeError::FeatureGone {
                name: name.clone(),
                patient: found.map_or(0, <[FeatureValue]>::len),
            }),
        };
        self.plans
            .iter()
            .map(|plan| match plan {
                Plan::Covariate(table) => Ok(Source::Covariate(table)),
                Plan::Feature(features) => features
                    .iter()
                    .map(|(name, rule)| Ok((values(name)?, *rule)))
                    .collect::<Result<_, _>>()
                    .map(Source::Feature),
            })
            .collect()
    }

    fn write(
        &self,
        sources: &[Source<'_>],
        patient: usize,
        slot: usize,
        out: &mut Tensors,
    ) -> Result<Result<(), Reason>, EncodeError> {
        for ((source, spec), data) in sources.iter().zip(&self.specs).zip(&mut out.data) {
            let row = data.row_mut(slot, spec.row_len())?.floats()?;
            let outcome = match source {
                Source::Covariate(table) => table.write(patient, row),
                Source::Feature(features) => write_features(features, patient, row),
            };
            if outcome.is_err() {
                return Ok(outcome);
            }
        }
        Ok(Ok(()))
    }
}

fn feature_plan(
    tensor: &str,
    params: &FeatureParams,
    feature_names: &[String],
) -> Result<(usize, Plan), EncodeError> {
    let mut features = Vec::with_capacity(params.features.len());
    for feature in &params.features {
        if !feature_names.contains(&feature.name) {
            return Err(EncodeError::UndeclaredFeature {
                tensor: tensor.to_owned(),
                name: feature.name.clone(),
            });
        }
        let rule = Standardise {
            fill: feature.impute,
            mean: feature.mean,
            std: feature.std,
            missing_flag: feature.missing_flag,
        };
        features.push((feature.name.clone(), rule));
    }
    let width = features.iter().map(|(_, rule)| rule.width()).sum();
    Ok((width, Plan::Feature(features)))
}

fn write_features(
    features: &[(&[FeatureValue], Standardise)],
    patient: usize,
    row: &mut [f32],
) -> Result<(), Reason> {
    let mut rest = row;
    for (values, rule) in features {
        let (own, after) = rest
            .split_at_mut_checked(rule.width())
            .ok_or(Reason::FeatureMissing)?;
        let value = values.get(patient).copied().and_then(Result::ok);
        rule.write(value, own).ok_or(Reason::FeatureMissing)?;
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
