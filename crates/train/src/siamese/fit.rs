//! The epochs of a training.

use std::ops::ControlFlow;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use rayon::slice::ParallelSlice;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::error::SiameseError;
use super::model::{EpochLosses, ROWS_AT_ONCE, SiameseNetwork};
use super::parameters::{Parameters, Shape};
use super::part::Part;
use super::settings::{Settings, check};
use super::task::{Checked, Task};
use crate::network::adam::Adam;
use crate::network::layer;
use crate::network::loss::logistic;
use crate::network::pass::{Dropout, words_per_row};
use crate::network::random::{Purpose, Random};

/// Rows that are worked on at once. Gradients are summed part by part in the order of the rows, so that
/// the number of threads changes nothing.
const ROWS_PER_PART: usize = 16;
/// Parts of a batch at most: each has a gradient of its own, which takes time to sum.
const MOST_PARTS: usize = 16;

/// Trains a network on variants, whose tokens are from 0 to below `vocabulary`.
///
/// The loss is the weighted mean of the cross-entropy. The same data, settings and seed give the same
/// network on one machine, whatever `threads` is; other processors may round products differently. With
/// stopping rows, training ends after `patience` epochs without a lower loss, and the weights of the best
/// epoch are kept; without, every epoch is run and the last weights are kept. A token that no training
/// row has adds nothing to a prediction, as beyond the end of a window.
///
/// `progress` is called after each epoch; if it breaks, training ends with
/// [`SiameseError::Interrupted`].
///
/// # Errors
/// Settings, rows or weights that make no sense, rows of one class alone, or a loss that is no longer
/// finite.
///
/// # Example
///
/// ```
/// use std::ops::ControlFlow;
///
/// use ndarray::{Array2, array};
/// use varisk_train::siamese::{Rows, Settings, Task, fit};
///
/// # fn main() -> Result<(), varisk_train::siamese::SiameseError> {
/// let reference = array![[0, 1, 2, 3], [3, 2, 1, 0], [0, 1, 2, 3], [3, 2, 1, 0]];
/// let alternate = array![[0, 4, 2, 3], [3, 4, 1, 0], [0, 1, 3, 3], [3, 2, 0, 0]];
/// let annotation = Array2::zeros((4, 0));
/// let rows = Rows {
///     reference: reference.view(),
///     alternate: alternate.view(),
///     annotation: annotation.view(),
/// };
/// let task = Task { rows, labels: &[true, true, false, false], weights: &[1.0; 4] };
/// let settings = Settings { learning_rate: 0.01, ..Settings::default() };
/// let network = fit(&task, None, 5, &settings, 1, &mut |_| ControlFlow::Continue(()))?;
/// let logits = network.logits(&rows)?;
/// assert!(logits[0] > logits[2] && logits[1] > logits[3]);
/// # Ok(())
/// # }
/// ```
pub fn fit(
    training: &Task<'_>,
    stopping: Option<&Task<'_>>,
    vocabulary: usize,
    settings: &Settings,
    seed: u64,
    progress: &mut dyn FnMut(&EpochLosses) -> ControlFlow<()>,
) -> Result<SiameseNetwork, SiameseError> {
    settings.check()?;
    check(
        vocabulary > 0 && u32::try_from(vocabulary).is_ok(),
        "vocabulary",
        &vocabulary,
        "give the number of tokens that the encoder knows",
    )?;
    let shape = Shape::new(&training.rows, vocabulary, settings);
    let training = training.check("training", &shape)?;
    let stopping = stopping
        .map(|task| task.check("stopping", &shape))
        .transpose()?;
    let mut trainer = Trainer::new(&training, stopping.as_ref(), settings, &shape, seed)?;
    let mut curve: Vec<EpochLosses> = Vec::new();
    let mut best: Option<(EpochLosses, Parameters)> = None;
    for epoch in 1..=settings.epochs {
        let losses = trainer.epoch(epoch)?;
        curve.push(losses);
        // Without stopping rows no loss is lower than another, and the last weights are kept.
        let is_best = losses.stopping.is_some()
            && best
                .as_ref()
                .is_none_or(|(best, _)| losses.stopping < best.stopping);
        if is_best {
            best = Some((losses, trainer.parameters.clone()));
        }
        if progress(&losses).is_break() {
            return Err(SiameseError::Interrupted { epoch });
        }
        if let Some((best, _)) = &best
            && epoch - best.epoch >= settings.patience
        {
            break;
        }
    }
    let (best_epoch, parameters) = match best {
        Some((best, parameters)) => (best.epoch, parameters),
        None => (curve.len(), trainer.parameters),
    };
    Ok(SiameseNetwork {
        shape,
        parameters,
        curve,
        best_epoch,
    })
}

/// Memory and threads that are kept from epoch to epoch.
pub(super) struct Trainer<'a, 't, 's> {
    training: &'a Checked<'t>,
    stopping: Option<&'a Checked<'s>>,
    shape: &'a Shape,
    seed: u64,
    adam: Adam,
    dropout: Dropout,
    words_per_row: u64,
    pool: ThreadPool,
    batch: usize,
    rows_per_part: usize,
    parts: Vec<Part>,
    steps: u64,
    pub(super) parameters: Parameters,
    pub(super) gradient: Parameters,
    first_moments: Parameters,
    second_moments: Parameters,
}

impl<'a, 't, 's> Trainer<'a, 't, 's> {
    pub(super) fn new(
        training: &'a Checked<'t>,
        stopping: Option<&'a Checked<'s>>,
        settings: &Settings,
        shape: &'a Shape,
        seed: u64,
    ) -> Result<Self, SiameseError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .build()
            .map_err(|error| SiameseError::Threads {
                detail: error.to_string(),
            })?;
        let batch = settings.batch_size.min(training.present.len());
        let rows_per_part = batch.div_ceil(MOST_PARTS).max(ROWS_PER_PART).min(batch);
        Ok(Self {
            training,
            stopping,
            shape,
            seed,
            adam: Adam::new(settings.learning_rate, settings.l2),
            dropout: Dropout::new(settings.dropout),
            words_per_row: words_per_row(&shape.dense()),
            pool,
            batch,
            rows_per_part,
            parts: (0..batch.div_ceil(rows_per_part))
                .map(|_| Part::new(rows_per_part, shape, true))
                .collect(),
            steps: 0,
            parameters: shape.initial(
                seed,
                &training.seen(shape.vocabulary),
                &training.annotated(),
            ),
            gradient: shape.zeros(),
            first_moments: shape.zeros(),
            second_moments: shape.zeros(),
        })
    }

    /// Runs an epoch.
    fn epoch(&mut self, epoch: usize) -> Result<EpochLosses, SiameseError> {
        let diverged = |what| SiameseError::Diverged { what, epoch };
        let mut order = self.training.present.clone();
        Random::new(self.seed, Purpose::Order, epoch).shuffle(&mut order);
        let mut sum = 0.0;
        for (number, rows) in order.chunks(self.batch).enumerate() {
            let loss = self.gradient(epoch, number * self.batch, rows);
            if !loss.is_finite() {
                return Err(diverged("the training loss"));
            }
            sum += loss;
            self.step();
        }
        if !layer::is_finite(&self.parameters.layers) {
            return Err(diverged("a weight"));
        }
        let stopping = self.stopping.map(|task| self.loss(task));
        if stopping.is_some_and(|loss| !loss.is_finite()) {
            return Err(diverged("the stopping loss"));
        }
        Ok(EpochLosses {
            epoch,
            training: sum / order.len() as f64,
            stopping,
        })
    }

    /// A step of Adam along the gradient.
    pub(super) fn step(&mut self) {
        self.steps += 1;
        self.adam.step(
            self.steps,
            &mut self.parameters.layers,
            &self.gradient.layers,
            &mut self.first_moments.layers,
            &mut self.second_moments.layers,
        );
    }

    /// Finds the gradient of a batch whose first row is at a place of the epoch's order, and gives the
    /// sum of its weighted losses.
    pub(super) fn gradient(&mut self, epoch: usize, first: usize, rows: &[u32]) -> f64 {
        let (size, dropout, seed, words) = (
            self.rows_per_part,
            self.dropout,
            self.seed,
            self.words_per_row,
        );
        let (parameters, training) = (&self.parameters, self.training);
        let parts = &mut self.parts[..rows.len().div_ceil(size)];
        self.pool.install(|| {
            parts.par_iter_mut().enumerate().for_each(|(number, part)| {
                let start = number * size;
                let own = &rows[start..rows.len().min(start + size)];
                let mut random = Random::new(seed, Purpose::Dropout, epoch);
                random.seek((first + start) as u64 * words);
                part.gradient(parameters, training, own, rows.len(), dropout, &mut random);
            });
        });
        let total = &mut self.gradient;
        let mut loss = 0.0;
        total.layers[0].weights.fill(0.0);
        for (number, part) in parts.iter().enumerate() {
            let (encoder, dense) = (part.encoder(), part.dense_gradient());
            if number == 0 {
                total.assign(encoder.gradient(), dense);
            } else {
                total.add(encoder.gradient(), dense);
            }
            // Not a gradient for each part: most tokens of a large vocabulary are in none.
            encoder.add_to_embeddings(&mut total.layers[0].weights);
            loss += part.loss();
        }
        loss
    }

    /// Mean loss of rows, without dropout.
    fn loss(&self, task: &Checked<'_>) -> f64 {
        let scratch = || Part::new(ROWS_AT_ONCE, self.shape, false);
        let of_rows = |part: &mut Part, rows: &[u32]| {
            let logits = part.forward(&self.parameters, &task.rows, rows, Dropout::NONE, None);
            let of_row = |(row, logit): (&u32, f32)| {
                let (outcome, weight) = task.outcome(*row);
                weight * logistic(f64::from(logit), outcome).0
            };
            rows.iter().zip(logits).map(of_row).sum::<f64>()
        };
        let sums: Vec<f64> = self.pool.install(|| {
            let chunks = task.present.par_chunks(ROWS_AT_ONCE);
            chunks.map_init(scratch, of_rows).collect()
        });
        sums.iter().sum::<f64>() / task.present.len() as f64
    }
}
