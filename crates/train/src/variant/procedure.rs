//! Testing and learning of a variant model: folds that keep genes or contigs together.

use std::ops::ControlFlow;

use ndarray::Array2;
use varisk_encode::AnnotationFeature;
use varisk_evaluation::Calibrator;

use super::baseline::Baseline;
use super::config::{ClassWeights, SplitBy, VariantConfig};
use super::rows::{VariantRow, VariantRows};
use crate::loss::sigmoid;
use crate::siamese::{self, SiameseNetwork, Task};
use crate::{CalibrationMethod, Fold, Progress, Store, TrainError, folds, hold_out, loss};

/// Everything that the training of a variant model needs.
pub struct VariantTraining<'a> {
    /// What to learn.
    pub config: &'a VariantConfig,
    /// From which variants.
    pub rows: &'a VariantRows,
    /// Threads; results do not depend on them.
    pub threads: usize,
    /// Finished parts.
    pub store: &'a Store,
    /// Told after each epoch; `false` stops the training.
    pub progress: &'a (dyn Fn(&Progress) -> bool + Sync),
}

/// A tested variant model.
#[derive(Debug)]
pub struct VariantTested {
    /// The model, learned from all variants.
    pub model: VariantModel,
    /// Fold in which each variant was tested, from 1.
    pub fold: Vec<usize>,
    /// The probability of each variant by a model that has not seen it, nor others of its group,
    /// calibrated on the other folds where the model is.
    pub probabilities: Vec<f64>,
    /// The probabilities of the baseline, learned from the same variants.
    pub baseline: Vec<f64>,
}

/// A variant model.
#[derive(Clone, Debug)]
pub struct VariantModel {
    /// The network.
    pub network: SiameseNetwork,
    /// Mean and standard deviation of each annotation; 0 and 1 of flags.
    pub scaling: Vec<(f64, f64)>,
    /// Of log odds.
    pub calibration: Option<Calibrator>,
}

impl VariantTraining<'_> {
    /// Tests the procedure in folds, then learns from all variants.
    ///
    /// # Errors
    /// There are fewer groups than folds, a fold leaves one class only, or the network is refused.
    pub fn run(&self) -> Result<VariantTested, TrainError> {
        let rows = &self.rows.rows;
        let split = &self.config.split;
        let all: Vec<usize> = (0..rows.len()).collect();
        let strata: Vec<usize> = rows
            .iter()
            .map(|row| usize::from(row.is_pathogenic))
            .collect();
        let groups = self.rows.groups(split.by);
        let by_group = (split.by != SplitBy::Random).then_some(groups.as_slice());
        let outer = folds(&all, &strata, by_group, split.folds, self.config.seed)?;
        let parts = outer.len() + 1;
        let mut fold_of = vec![0; rows.len()];
        let mut logits = vec![f64::NAN; rows.len()];
        let mut baseline = vec![f64::NAN; rows.len()];
        for (number, fold) in (1..).zip(&outer) {
            let part = format!("fold{number}");
            let own = match self.store.get(&part, fold.test.len()) {
                Some(own) => own,
                None => {
                    let model = self.learn(
                        &fold.training,
                        &strata,
                        by_group,
                        number,
                        (number - 1, parts),
                    )?;
                    let own = model.logits(rows, &fold.test)?;
                    self.store.put(&part, &own)?;
                    own
                }
            };
            let weights = self.weights(&fold.training, &strata);
            let known = Baseline::fit(rows, &fold.training, &weights);
            for (row, logit) in fold.test.iter().zip(own) {
                fold_of[*row] = number;
                logits[*row] = logit;
                baseline[*row] = known.probability(&rows[*row]);
            }
        }
        let mut model = self.learn(&all, &strata, by_group, 0, (outer.len(), parts))?;
        let mut probabilities: Vec<f64> = logits.iter().map(|own| sigmoid(*own)).collect();
        if self.config.calibration != CalibrationMethod::None {
            let labels: Vec<bool> = rows.iter().map(|row| row.is_pathogenic).collect();
            model.calibration = Some(loss::calibrate(self.config.calibration, &logits, &labels)?);
            // What is measured must not have been calibrated on.
            for fold in &outer {
                let of =
                    |own: &[usize]| -> Vec<f64> { own.iter().map(|row| logits[*row]).collect() };
                let known: Vec<bool> = fold.training.iter().map(|row| labels[*row]).collect();
                let calibrator =
                    loss::calibrate(self.config.calibration, &of(&fold.training), &known)?;
                for row in &fold.test {
                    probabilities[*row] = calibrator.apply(probabilities[*row])?;
                }
            }
        }
        Ok(VariantTested {
            model,
            fold: fold_of,
            probabilities,
            baseline,
        })
    }

    fn learn(
        &self,
        training: &[usize],
        strata: &[usize],
        groups: Option<&[usize]>,
        number: usize,
        (part, parts): (usize, usize),
    ) -> Result<VariantModel, TrainError> {
        let seed = self.config.seed.wrapping_add(number as u64);
        let both = |own: &[usize]| (0..2).all(|class| own.iter().any(|row| strata[*row] == class));
        if !both(training) {
            return Err(TrainError::Setting {
                field: "split.folds".to_owned(),
                value: self.config.split.folds.to_string(),
                expected: "one of the folds leaves variants of one class only to learn from; use more folds, or variants of more genes",
            });
        }
        let stopping = self.stopping(training, strata, groups, seed)?;
        let rows = &self.rows.rows;
        let scaling = scaling(&self.features(), rows, &stopping.training);
        let learned = Arrays::of(rows, &stopping.training, &scaling);
        let watched = Arrays::of(rows, &stopping.test, &scaling);
        let weights = |own: &[usize]| self.weights(own, strata);
        let (learned_weights, watched_weights) =
            (weights(&stopping.training), weights(&stopping.test));
        let mut epoch = 0;
        let settings = siamese::Settings {
            threads: self.threads,
            ..self.config.network.clone()
        };
        let network = siamese::fit(
            &learned.task(&learned_weights),
            Some(&watched.task(&watched_weights)),
            self.vocabulary(),
            &settings,
            seed,
            &mut |_| {
                epoch += 1;
                let goes_on = (self.progress)(&Progress {
                    done: part,
                    total: parts,
                    part: format!("epoch {epoch}"),
                });
                if goes_on {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        )?;
        Ok(VariantModel {
            network,
            scaling,
            calibration: None,
        })
    }

    /// Variants that say when to stop: of other groups than those that are learned from where groups
    /// can be parted so, else any.
    fn stopping(
        &self,
        training: &[usize],
        strata: &[usize],
        groups: Option<&[usize]>,
        seed: u64,
    ) -> Result<Fold, TrainError> {
        let share = self.config.split.stopping_share;
        let wanted = share * training.len() as f64;
        let is_fit = |own: &Fold| {
            let both = |rows: &[usize]| {
                (0..2).all(|class| rows.iter().filter(|row| strata[**row] == class).count() > 1)
            };
            let size = own.test.len() as f64;
            both(&own.training) && both(&own.test) && (0.5 * wanted..=2.0 * wanted).contains(&size)
        };
        if let Ok(own) = hold_out(training, strata, groups, share, seed)
            && is_fit(&own)
        {
            return Ok(own);
        }
        hold_out(training, strata, None, share, seed)
    }

    /// Tokens of the vocabulary: the unknown one and all k-mers.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        1 + 4_usize.pow(u32::from(self.config.encoding.k))
    }

    fn features(&self) -> Vec<AnnotationFeature> {
        let annotations = self.config.encoding.annotations.iter();
        annotations.map(super::AnnotationSpec::feature).collect()
    }

    fn weights(&self, rows: &[usize], strata: &[usize]) -> Vec<f64> {
        let count = |class: usize| rows.iter().filter(|row| strata[**row] == class).count();
        let counts = [count(0), count(1)];
        let weight = |row: &usize| match self.config.class_weights {
            ClassWeights::Balanced => rows.len() as f64 / (2.0 * counts[strata[*row]] as f64),
            ClassWeights::None => 1.0,
        };
        rows.iter().map(weight).collect()
    }
}

/// Mean and standard deviation of each annotation over some rows, by feature.
fn scaling(
    features: &[AnnotationFeature],
    rows: &[VariantRow],
    training: &[usize],
) -> Vec<(f64, f64)> {
    let mut at = 0;
    let mut scaling = Vec::with_capacity(features.len());
    for feature in features {
        let values = training
            .iter()
            .map(|row| f64::from(rows[*row].annotation[at]));
        let count = training.len().max(1) as f64;
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.map(|own| (own - mean).powi(2)).sum::<f64>() / count;
        let deviation = variance.sqrt();
        let is_usable = deviation.is_finite() && deviation > 1e-9 * mean.abs().max(1e-9);
        // What never varies says nothing. It is exactly 0 after its own value is taken off, and the
        // network gives no weight to what is 0 in all rows; a mean may be off in its last bit.
        let first = training
            .first()
            .map_or(0.0, |row| f64::from(rows[*row].annotation[at]));
        scaling.push(if is_usable {
            (mean, deviation)
        } else {
            (first, 1.0)
        });
        at += 1 + usize::from(feature.missing_flag);
        if feature.missing_flag {
            scaling.push((0.0, 1.0));
        }
    }
    scaling
}

/// Rows as arrays.
struct Arrays {
    reference: Array2<i64>,
    alternate: Array2<i64>,
    annotation: Array2<f32>,
    labels: Vec<bool>,
}

impl Arrays {
    fn of(rows: &[VariantRow], chosen: &[usize], scaling: &[(f64, f64)]) -> Self {
        let tokens = rows.first().map_or(0, |row| row.reference_tokens.len());
        let shape = (chosen.len(), tokens);
        Self {
            reference: Array2::from_shape_fn(shape, |(at, token)| {
                rows[chosen[at]].reference_tokens[token]
            }),
            alternate: Array2::from_shape_fn(shape, |(at, token)| {
                rows[chosen[at]].alternate_tokens[token]
            }),
            annotation: Array2::from_shape_fn((chosen.len(), scaling.len()), |(at, element)| {
                let (mean, deviation) = scaling[element];
                let raw = f64::from(rows[chosen[at]].annotation[element]);
                ((raw - mean) / deviation) as f32
            }),
            labels: chosen.iter().map(|row| rows[*row].is_pathogenic).collect(),
        }
    }

    fn rows(&self) -> siamese::Rows<'_> {
        siamese::Rows {
            reference: self.reference.view(),
            alternate: self.alternate.view(),
            annotation: self.annotation.view(),
        }
    }

    fn task<'a>(&'a self, weights: &'a [f64]) -> Task<'a> {
        Task {
            rows: self.rows(),
            labels: &self.labels,
            weights,
        }
    }
}

impl VariantModel {
    /// Log odds of some variants, before the calibration.
    ///
    /// # Errors
    /// A row is not of the model's shape.
    pub fn logits(&self, rows: &[VariantRow], chosen: &[usize]) -> Result<Vec<f64>, TrainError> {
        let arrays = Arrays::of(rows, chosen, &self.scaling);
        Ok(self.network.logits(&arrays.rows())?)
    }

    /// What the bundle says of some variants: probabilities, calibrated where the model is.
    ///
    /// # Errors
    /// A row is not of the model's shape.
    pub fn probabilities(
        &self,
        rows: &[VariantRow],
        chosen: &[usize],
    ) -> Result<Vec<f64>, TrainError> {
        let plain = self.logits(rows, chosen)?;
        let plain: Vec<f64> = plain.into_iter().map(sigmoid).collect();
        Ok(match &self.calibration {
            Some(own) => own.apply_all(&plain)?,
            None => plain,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variant::rows::testing::row;

    const CONFIG: &str = r#"kind = "variant"
name = "a"
version = "1"
licence = "x"
intended_use = "x"
training_data = "x"
data = [{vcf = "a.vcf", reference = "g.fa"}]
label = {field = "SIG", pathogenic = ["5"], benign = ["2"]}
encoding = {k = 1, annotations = ["allele.is_snv", "allele.length_change", "info.AF"]}
split = {folds = 3}
network = {epochs = 40, patience = 40, embedding = 3, filters = 4, hidden = [4], learning_rate = 0.02}
"#;

    /// Substitutions of ten genes: the length never changes, and no frequency is missing.
    fn rows() -> VariantRows {
        let of = |at: u32| VariantRow {
            genes: vec![format!("G{}", at % 10)],
            reference_tokens: vec![1, 2, i64::from(at % 4) + 1],
            alternate_tokens: vec![1, i64::from(at % 3) + 1, i64::from(at % 4) + 1],
            annotation: vec![0.1, 0.0, at as f32 / 100.0, 0.0],
            ..row(at, at.is_multiple_of(3))
        };
        VariantRows {
            rows: (0..120).map(of).collect(),
            ..VariantRows::default()
        }
    }

    fn run(config: &VariantConfig, rows: &VariantRows) -> VariantTested {
        let training = VariantTraining {
            config,
            rows,
            threads: 1,
            store: &Store::none(),
            progress: &|_| true,
        };
        training.run().unwrap()
    }

    #[test]
    fn what_training_never_saw_moves_no_score() {
        let config: VariantConfig = toml::from_str(CONFIG).unwrap();
        let rows = rows();
        let tested = run(&config, &rows);
        let mut others = rows.rows.clone();
        for (element, value) in [(0, 0.0), (1, -15.0), (3, 1.0)] {
            others[7].annotation[element] = value;
            let of = |own: &[VariantRow]| tested.model.logits(own, &[7]).unwrap()[0];
            assert_eq!(of(&rows.rows), of(&others), "{element}");
        }
        others[7].annotation[2] = 5.0;
        let logits = |own: &[VariantRow]| tested.model.logits(own, &[7]).unwrap();
        assert_ne!(logits(&rows.rows), logits(&others));
    }

    #[test]
    fn folds_do_not_see_what_they_are_tested_on() {
        let config: VariantConfig = toml::from_str(CONFIG).unwrap();
        let rows = rows();
        let tested = run(&config, &rows);
        // Another annotation of the variants of fold 1 changes the models of the other folds, and what
        // is made of the others for fold 1 does not know of it.
        let mut changed = rows.clone();
        let own: Vec<usize> = (0..120).filter(|row| tested.fold[*row] == 1).collect();
        for row in &own {
            changed.rows[*row].annotation[2] *= 3.0;
        }
        let again = run(&config, &changed);
        assert_eq!(tested.fold, again.fold);
        let of = |tested: &VariantTested, fold: usize| -> Vec<f64> {
            let rows = (0..120).filter(|row| tested.fold[*row] == fold);
            rows.map(|row| tested.probabilities[row]).collect()
        };
        assert_ne!(of(&tested, 2), of(&again, 2));
        assert_eq!(
            own.iter()
                .map(|row| tested.baseline[*row])
                .collect::<Vec<_>>(),
            own.iter()
                .map(|row| again.baseline[*row])
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_is_measured_is_calibrated_by_the_other_folds() {
        let mut config: VariantConfig = toml::from_str(CONFIG).unwrap();
        let rows = rows();
        let plain = run(&config, &rows);
        config.calibration = CalibrationMethod::Platt;
        let calibrated = run(&config, &rows);
        assert!(calibrated.model.calibration.is_some());
        assert_ne!(plain.probabilities, calibrated.probabilities);
    }
}
