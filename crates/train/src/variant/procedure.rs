//! Testing and learning of a variant model: folds that keep genes or contigs together.

use std::ops::ControlFlow;

use ndarray::Array2;
use varisk_encode::AnnotationFeature;
use varisk_evaluation::Calibrator;

use super::baseline::Baseline;
use super::config::{ClassWeights, SplitBy, VariantConfig};
use super::rows::{VariantRow, VariantRows};
use crate::siamese::{self, SiameseNetwork, Task};
use crate::{Fold, Progress, Store, TrainError, folds, hold_out, loss};

/// Everything that the training of a variant model needs.
pub struct VariantTraining<'a> {
    /// What to learn.
    pub config: &'a VariantConfig,
    /// From which variants.
    pub rows: &'a VariantRows,
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
    /// Log odds of each variant by a model that has not seen it, nor its gene or contig.
    pub logits: Vec<f64>,
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

impl VariantTested {
    /// The probability of each variant by a model that has not seen it.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f64> {
        self.logits.iter().map(|own| sigmoid(*own)).collect()
    }
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
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
            let known = Baseline::fit(rows, &fold.training);
            for (row, logit) in fold.test.iter().zip(own) {
                fold_of[*row] = number;
                logits[*row] = logit;
                baseline[*row] = known.probability(&rows[*row]);
            }
        }
        let mut model = self.learn(&all, &strata, by_group, 0, (outer.len(), parts))?;
        if self.config.calibration != crate::CalibrationMethod::None {
            let labels: Vec<bool> = rows.iter().map(|row| row.is_pathogenic).collect();
            model.calibration = Some(loss::calibrate(self.config.calibration, &logits, &labels)?);
        }
        Ok(VariantTested {
            model,
            fold: fold_of,
            logits,
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
        let network = siamese::fit(
            &learned.task(&learned_weights),
            Some(&watched.task(&watched_weights)),
            self.vocabulary(),
            &self.config.network,
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
        // What never varies says nothing: it is left at 0.
        let is_usable = deviation.is_finite() && deviation > 1e-9 * mean.abs().max(1e-9);
        scaling.push((mean, if is_usable { deviation } else { 1.0 }));
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
}
