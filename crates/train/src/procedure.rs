//! The whole procedure from rows to a model: settings are chosen by inner folds, the chosen ones are
//! fitted on all rows, families are combined, and predictions of rows that were left out give the
//! calibration. Outer folds test this procedure, not one model of it.

use ndarray::{Array2, Axis, concatenate};

use crate::fit::{Fitted, Job};
use crate::folds::{Fold, folds};
use crate::model::{Combination, Trained};
use crate::outcome::{Outcome, Target};
use crate::predictors::Predictor;
use crate::preprocess::Preprocessing;
use crate::store::Store;
use crate::{CalibrationMethod, Candidate, Cohort, Combine, Config, OutcomeSpec, TrainError, loss};

/// What is being done, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Parts that are done.
    pub done: usize,
    /// Parts that there are.
    pub total: usize,
    /// The last one.
    pub part: String,
}

/// Everything that a training needs.
pub struct Training<'a> {
    /// What to learn.
    pub config: &'a Config,
    /// From whom.
    pub cohort: &'a Cohort,
    /// The outcome.
    pub outcome: &'a Outcome,
    /// From what.
    pub predictors: &'a [Predictor],
    /// The group of each row of the outcome, where there are groups.
    pub groups: Option<Vec<usize>>,
    /// Threads; results do not depend on them.
    pub threads: usize,
    /// Finished parts.
    pub store: &'a Store,
    /// Told after each part; `false` stops the training.
    pub progress: &'a (dyn Fn(&Progress) -> bool + Sync),
    /// Parts that are done; 0 at the start.
    pub done: std::sync::atomic::AtomicUsize,
}

/// How a candidate did in the inner folds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CandidateLoss {
    /// The family.
    pub family: &'static str,
    /// Its settings.
    pub settings: Candidate,
    /// Mean loss of rows that were left out: log loss, or 1 minus the C-index; none where a fit was
    /// refused.
    pub loss: Option<f64>,
    /// Why it was refused.
    pub refused: Option<String>,
}

/// A tested model.
#[derive(Debug)]
pub struct Tested {
    /// The model, learned from all rows.
    pub model: Trained,
    /// How every candidate did with all rows.
    pub candidates: Vec<CandidateLoss>,
    /// Predictions for each row of the outcome by a model that did not see it, shape (rows,
    /// outputs): probabilities, or risks at the horizons.
    pub predictions: Array2<f64>,
    /// What the risk is ranked by: log odds, or log hazard; shape (rows, outputs).
    pub raw: Array2<f64>,
    /// The same for each family alone, in the order of the configuration.
    pub family_raw: Vec<(&'static str, Array2<f64>)>,
    /// Outer fold that each row was tested in.
    pub fold: Vec<usize>,
    /// The candidate that each outer fold chose, for each family.
    pub chosen: Vec<Vec<Candidate>>,
}

/// What a procedure has made of some rows.
struct Learned {
    model: Trained,
    candidates: Vec<CandidateLoss>,
    chosen: Vec<Candidate>,
}

impl Training<'_> {
    /// Tests the procedure in outer folds, then runs it on all rows.
    ///
    /// # Errors
    /// Every candidate of a family is refused, or there are too few rows or groups for the folds.
    pub fn run(&self) -> Result<Tested, TrainError> {
        let rows: Vec<usize> = (0..self.outcome.rows.len()).collect();
        let outputs = self.outcome.target.outputs();
        let outer = self.folds(&rows, self.config.validation.outer_folds, 0)?;
        let horizons = self.horizons().len();
        let width = if horizons > 0 { horizons } else { outputs };
        let mut tested = Array2::from_elem((rows.len(), width), f64::NAN);
        let mut raw = Array2::from_elem((rows.len(), outputs), f64::NAN);
        let mut family_raw: Vec<(&'static str, Array2<f64>)> = self
            .config
            .families
            .iter()
            .map(|family| (family.name(), raw.clone()))
            .collect();
        let mut fold_of = vec![0; rows.len()];
        let mut chosen = Vec::new();
        for (number, fold) in outer.iter().enumerate() {
            let learned =
                self.learn(&format!("outer{}", number + 1), &fold.training, number + 1)?;
            let own = learned
                .model
                .predict(self.cohort, &self.cohort_rows(&fold.test))?;
            for (at, row) in fold.test.iter().enumerate() {
                tested.row_mut(*row).assign(&own.predictions.row(at));
                raw.row_mut(*row).assign(&own.raw.row(at));
                for ((_, all), one) in family_raw.iter_mut().zip(&own.family_raw) {
                    all.row_mut(*row).assign(&one.row(at));
                }
                fold_of[*row] = number + 1;
            }
            chosen.push(learned.chosen);
        }
        let learned = self.learn("final", &rows, 0)?;
        Ok(Tested {
            model: learned.model,
            candidates: learned.candidates,
            predictions: tested,
            raw,
            family_raw,
            fold: fold_of,
            chosen,
        })
    }

    fn horizons(&self) -> &[f64] {
        match &self.config.outcome {
            OutcomeSpec::Survival { horizons, .. } => horizons,
            _ => &[],
        }
    }

    fn cohort_rows(&self, rows: &[usize]) -> Vec<usize> {
        rows.iter()
            .filter_map(|row| self.outcome.rows.get(*row).copied())
            .collect()
    }

    fn folds(&self, rows: &[usize], count: usize, number: usize) -> Result<Vec<Fold>, TrainError> {
        // Each cut has a seed of its own, so that no two are the same by accident.
        let seed = self
            .config
            .seed
            .wrapping_mul(1_000_003)
            .wrapping_add(number as u64);
        folds(
            rows,
            &self.outcome.target.strata(),
            self.groups.as_deref(),
            count,
            seed,
        )
    }

    /// Parts of the whole training.
    fn parts(&self) -> usize {
        let candidates: usize = self
            .config
            .families
            .iter()
            .map(|family| family.candidates().len())
            .sum();
        let each = candidates * self.config.validation.inner_folds + self.config.families.len();
        each * (self.config.validation.outer_folds + 1)
    }
}

impl Training<'_> {
    /// The procedure on some rows of the outcome.
    fn learn(&self, prefix: &str, rows: &[usize], number: usize) -> Result<Learned, TrainError> {
        let config = self.config;
        let outputs = self.outcome.target.outputs();
        let inner = self.folds(rows, config.validation.inner_folds, 1000 + number)?;
        let mut searches: Vec<Vec<Search>> = config
            .families
            .iter()
            .map(|family| {
                let candidates = family.candidates().into_iter();
                candidates
                    .map(|own| Search::new(own, self.outcome.rows.len(), outputs))
                    .collect()
            })
            .collect();
        for (at, fold) in inner.iter().enumerate() {
            self.search_fold(prefix, at, fold, number, &mut searches)?;
        }

        let mut candidates = Vec::new();
        let mut chosen = Vec::new();
        for (family, searches) in config.families.iter().zip(&searches) {
            candidates.extend(searches.iter().map(|own| own.report(family.name())));
            let best = searches
                .iter()
                .filter(|own| own.refused.is_none())
                .min_by(|a, b| a.mean_loss().total_cmp(&b.mean_loss()));
            let Some(best) = best else {
                let detail = searches.iter().find_map(|own| own.refused.clone());
                return Err(TrainError::AllRefused {
                    family: family.name(),
                    detail: detail.unwrap_or_default(),
                });
            };
            chosen.push(best);
        }

        let preprocessing = Preprocessing::fit(
            self.predictors,
            self.cohort,
            &self.cohort_rows(rows),
            config.predictors.clip.0,
        )?;
        let matrix = self.matrix(&preprocessing)?;
        let split = self.stopping(rows, number)?;
        let jobs: Vec<Job<'_>> = chosen
            .iter()
            .map(|own| Job {
                candidate: &own.candidate,
                matrix: matrix.view(),
                elements: &preprocessing.elements,
                target: &self.outcome.target,
                rows,
                split: &split,
                seed: config.seed,
            })
            .collect();
        let mut members = Vec::new();
        for (family, fitted) in config.families.iter().zip(self.fit_all(&jobs)) {
            self.told(&format!("{prefix} {}", family.name()))?;
            members.push((family.name(), fitted?));
        }

        let unseen: Vec<Array2<f64>> = chosen
            .iter()
            .map(|own| own.raw.select(Axis(0), rows))
            .collect();
        let target = self.outcome.target.select(rows);
        let losses: Vec<f64> = chosen.iter().map(|own| own.mean_loss()).collect();
        let combination = self.combination(&unseen, &target, &losses)?;
        let combined = combination.apply(&unseen)?;
        let calibration = match (&target, config.calibration) {
            (_, CalibrationMethod::None) => None,
            (Target::Binary(happens), method) => {
                let logits: Vec<f64> = combined.column(0).to_vec();
                Some(loss::calibrate(method, &logits, happens)?)
            }
            _ => {
                return Err(TrainError::Setting {
                    field: "calibration".to_owned(),
                    value: format!("{:?}", config.calibration).to_lowercase(),
                    expected: "only a binary outcome can be calibrated; leave it out",
                });
            }
        };
        let hazards = match &target {
            Target::Survival { times, events } => {
                let log_hazard: Vec<f64> = combined.column(0).to_vec();
                loss::baseline(&log_hazard, times, events, self.horizons())
            }
            _ => Vec::new(),
        };
        Ok(Learned {
            model: Trained {
                preprocessing,
                members,
                combination,
                calibration,
                hazards,
                outputs,
            },
            candidates,
            chosen: chosen
                .into_iter()
                .map(|own| own.candidate.clone())
                .collect(),
        })
    }

    /// Fits every candidate on one inner fold and predicts the rows that were left out.
    fn search_fold(
        &self,
        prefix: &str,
        at: usize,
        fold: &Fold,
        number: usize,
        searches: &mut [Vec<Search>],
    ) -> Result<(), TrainError> {
        let outputs = self.outcome.target.outputs();
        let target = self.outcome.target.select(&fold.test);
        let part = |family: usize, candidate: usize| {
            format!("{prefix}-inner{}-{}-{}", at + 1, family + 1, candidate + 1)
        };
        let mut wanted = Vec::new();
        for (family, own) in searches.iter_mut().enumerate() {
            for (candidate, search) in own.iter_mut().enumerate() {
                let stored = self
                    .store
                    .get(&part(family, candidate), fold.test.len() * outputs);
                match stored
                    .and_then(|own| Array2::from_shape_vec((fold.test.len(), outputs), own).ok())
                {
                    Some(raw) => {
                        search.add(&fold.test, &raw, &target)?;
                        self.told(&part(family, candidate))?;
                    }
                    None => wanted.push((family, candidate)),
                }
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let preprocessing = Preprocessing::fit(
            self.predictors,
            self.cohort,
            &self.cohort_rows(&fold.training),
            self.config.predictors.clip.0,
        )?;
        let matrix = self.matrix(&preprocessing)?;
        let split = self.stopping(&fold.training, number * 100 + at + 1)?;
        let candidates: Vec<Candidate> = wanted
            .iter()
            .filter_map(|(family, candidate)| {
                Some(searches.get(*family)?.get(*candidate)?.candidate.clone())
            })
            .collect();
        let jobs: Vec<Job<'_>> = candidates
            .iter()
            .map(|candidate| Job {
                candidate,
                matrix: matrix.view(),
                elements: &preprocessing.elements,
                target: &self.outcome.target,
                rows: &fold.training,
                split: &split,
                seed: self.config.seed,
            })
            .collect();
        let unseen = matrix.select(Axis(0), &fold.test);
        for ((family, candidate), fitted) in wanted.into_iter().zip(self.fit_all(&jobs)) {
            let name = part(family, candidate);
            let Some(search) = searches
                .get_mut(family)
                .and_then(|own| own.get_mut(candidate))
            else {
                continue;
            };
            match fitted {
                Ok(fitted) => {
                    let raw = fitted.raw(&unseen.view())?;
                    self.store
                        .put(&name, &raw.iter().copied().collect::<Vec<_>>())?;
                    search.add(&fold.test, &raw, &target)?;
                }
                Err(TrainError::Interrupted) => return Err(TrainError::Interrupted),
                // Without a penalty some folds have no answer: another candidate may.
                Err(error) => search.refused = Some(error.to_string()),
            }
            self.told(&name)?;
        }
        Ok(())
    }

    /// Encoded rows of the outcome.
    fn matrix(&self, preprocessing: &Preprocessing) -> Result<Array2<f32>, TrainError> {
        let (matrix, outcomes) = preprocessing.encode(self.cohort)?;
        let rows = &self.outcome.rows;
        if let Some((row, reason)) = rows
            .iter()
            .find_map(|row| Some((*row, outcomes.get(*row)?.err()?)))
        {
            return Err(TrainError::Row {
                row: row + 1,
                reason: reason.name(),
            });
        }
        Ok(matrix.select(Axis(0), rows))
    }

    fn stopping(&self, rows: &[usize], number: usize) -> Result<Fold, TrainError> {
        let seed = self
            .config
            .seed
            .wrapping_mul(7_919)
            .wrapping_add(number as u64);
        crate::folds::hold_out(
            rows,
            &self.outcome.target.strata(),
            self.groups.as_deref(),
            self.config.validation.stopping_share,
            seed,
        )
    }

    /// Fits jobs, as many at a time as there are threads, and gives their results in order.
    fn fit_all(&self, jobs: &[Job<'_>]) -> Vec<Result<Fitted, TrainError>> {
        let next = std::sync::atomic::AtomicUsize::new(0);
        let workers = self.threads.clamp(1, jobs.len().max(1));
        // A single job has all threads to itself.
        let each = if jobs.len() == 1 { self.threads } else { 1 };
        let mut results: Vec<Option<Result<Fitted, TrainError>>> =
            jobs.iter().map(|_| None).collect();
        let done: Vec<Vec<(usize, Result<Fitted, TrainError>)>> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..workers)
                .map(|_| {
                    scope.spawn(|| {
                        let mut own = Vec::new();
                        loop {
                            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            let Some(job) = jobs.get(at) else {
                                return own;
                            };
                            own.push((at, job.fit(each)));
                        }
                    })
                })
                .collect();
            handles
                .into_iter()
                .map(|handle| handle.join().unwrap_or_default())
                .collect()
        });
        for (at, result) in done.into_iter().flatten() {
            if let Some(slot) = results.get_mut(at) {
                *slot = Some(result);
            }
        }
        results
            .into_iter()
            .map(|own| own.unwrap_or(Err(TrainError::Internal("a fit ended without a result"))))
            .collect()
    }

    fn combination(
        &self,
        unseen: &[Array2<f64>],
        target: &Target,
        losses: &[f64],
    ) -> Result<Combination, TrainError> {
        match self.config.combine {
            Combine::Best => {
                let best = losses
                    .iter()
                    .enumerate()
                    .min_by(|a, b| a.1.total_cmp(b.1))
                    .map_or(0, |(at, _)| at);
                Ok(Combination::One(best))
            }
            Combine::Mean => Ok(Combination::Mean),
            Combine::Stack => {
                let views: Vec<_> = unseen.iter().map(|own| own.view()).collect();
                let all = concatenate(Axis(1), &views)
                    .map_err(|_| TrainError::Internal("families differ in shape"))?;
                Ok(Combination::Stack(Box::new(crate::fit::stack(
                    &all, target,
                )?)))
            }
        }
    }

    /// One part more is done.
    fn told(&self, part: &str) -> Result<(), TrainError> {
        let done = self.done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        let progress = Progress {
            done,
            total: self.parts(),
            part: part.to_owned(),
        };
        if (self.progress)(&progress) {
            Ok(())
        } else {
            Err(TrainError::Interrupted)
        }
    }
}

/// A candidate in the inner folds.
struct Search {
    candidate: Candidate,
    /// Raw predictions of rows that were left out, by row of the outcome.
    raw: Array2<f64>,
    /// Loss and number of rows of each fold.
    losses: Vec<(f64, usize)>,
    refused: Option<String>,
}

impl Search {
    fn new(candidate: Candidate, rows: usize, outputs: usize) -> Self {
        Self {
            candidate,
            raw: Array2::from_elem((rows, outputs), f64::NAN),
            losses: Vec::new(),
            refused: None,
        }
    }

    fn add(
        &mut self,
        rows: &[usize],
        raw: &Array2<f64>,
        target: &Target,
    ) -> Result<(), TrainError> {
        for (row, own) in rows.iter().zip(raw.rows()) {
            self.raw.row_mut(*row).assign(&own);
        }
        self.losses.push((loss::loss(raw, target)?, rows.len()));
        Ok(())
    }

    /// Mean over the folds, by their rows.
    fn mean_loss(&self) -> f64 {
        let rows: usize = self.losses.iter().map(|(_, rows)| rows).sum();
        let sum: f64 = self
            .losses
            .iter()
            .map(|(loss, rows)| loss * *rows as f64)
            .sum();
        sum / rows.max(1) as f64
    }

    fn report(&self, family: &'static str) -> CandidateLoss {
        CandidateLoss {
            family,
            settings: self.candidate.clone(),
            loss: self.refused.is_none().then(|| self.mean_loss()),
            refused: self.refused.clone(),
        }
    }
}
