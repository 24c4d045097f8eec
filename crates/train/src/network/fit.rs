//! The epochs of a training.

use std::ops::ControlFlow;
use std::time::Instant;

use ndarray::{Array2, Slice};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::adam::Adam;
use super::checkpoint::{Best, Checkpoint, EpochRecord};
use super::layer::{self, Layer};
use super::loss::Loss;
use super::model::{Network, Training};
use super::pass::{Dropout, Part, ROWS, words_per_row};
use super::random::{Purpose, Random};
use super::settings::Settings;
use super::target::{Checked, Rows};
use crate::network::NetworkError;

/// Rows that are worked on at once. Gradients are summed part by part in the order of the rows, so that
/// the number of threads changes nothing; smaller parts would spend their time on calls.
const ROWS_PER_PART: usize = 64;
/// Parts of a batch at most: each has a gradient of its own, which takes time to sum.
const MOST_PARTS: usize = 16;
/// Rows that are validated at once by a thread.
const VALIDATED_ROWS: usize = 512;

/// What there is to say after an epoch.
#[derive(Clone, Copy, Debug)]
pub struct EpochReport<'a> {
    /// Losses and time.
    pub record: EpochRecord,
    /// Epoch of the lowest validation loss so far.
    pub best_epoch: Option<usize>,
    /// State to go on from, for the caller to write.
    pub checkpoint: &'a Checkpoint,
}

/// Trains a network.
///
/// The same data, settings and checkpoint give the same network on one machine, whatever `threads` is;
/// other processors may round products differently. With validation data, training ends after
/// `patience` epochs without a lower loss, and the weights of the best epoch are kept; without, every
/// epoch is run and the last weights are kept.
///
/// `progress` is called after each epoch; if it breaks, training ends with
/// [`NetworkError::NetworkInterrupted`] and can go on from the checkpoint of that report.
///
/// # Memory
///
/// Features are not copied. A batch needs its rows, twice the outputs of its layers, and one gradient
/// for each 64 rows, at most 16.
///
/// # Example
///
/// ```
/// use std::ops::ControlFlow;
/// use ndarray::array;
/// use varisk_train::network::{Rows, Settings, Target, fit};
///
/// # fn main() -> Result<(), varisk_train::network::NetworkError> {
/// let features = array![[-1.0], [-0.5], [0.5], [1.0]];
/// let rows = Rows {
///     features: features.view(),
///     target: Target::Binary(&[false, false, true, true]),
///     weights: None,
/// };
/// let settings = Settings { hidden: vec![4], dropout: 0.0, ..Settings::default() };
/// let training = fit(rows, None, &settings, &mut |_| ControlFlow::Continue(()), None)?;
/// let probabilities = training.network.predict(&features)?;
/// assert!(probabilities[[3, 0]] > probabilities[[0, 0]]);
/// # Ok(())
/// # }
/// ```
pub fn fit(
    training: Rows<'_>,
    validation: Option<Rows<'_>>,
    settings: &Settings,
    progress: &mut dyn FnMut(&EpochReport<'_>) -> ControlFlow<()>,
    checkpoint: Option<Checkpoint>,
) -> Result<Training, NetworkError> {
    settings.check()?;
    let (training, of_classes) = training.check_training(settings)?;
    let validation = validation
        .map(|rows| rows.check_validation(&training, &of_classes))
        .transpose()?;
    let sizes = sizes(&training, settings);
    let state = start(
        &training,
        validation.is_some(),
        settings,
        &sizes,
        checkpoint,
    )?;
    let mut trainer = Trainer::new(&training, validation.as_ref(), settings, &sizes, state)?;
    while !trainer.is_finished() {
        let record = trainer.epoch()?;
        let report = EpochReport {
            record,
            best_epoch: trainer.state.best.as_ref().map(|best| best.epoch),
            checkpoint: &trainer.state,
        };
        if progress(&report).is_break() {
            return Err(NetworkError::NetworkInterrupted {
                epoch: record.epoch,
            });
        }
    }
    Ok(finish(trainer.state))
}

pub(super) fn sizes(training: &Checked<'_>, settings: &Settings) -> Vec<usize> {
    let mut sizes = vec![training.features.ncols()];
    sizes.extend(&settings.hidden);
    sizes.push(training.target.family().outputs());
    sizes
}

/// The state before the first epoch, or that of the checkpoint.
pub(super) fn start(
    training: &Checked<'_>,
    has_validation: bool,
    settings: &Settings,
    sizes: &[usize],
    checkpoint: Option<Checkpoint>,
) -> Result<Checkpoint, NetworkError> {
    let family = training.target.family();
    let mut layers = layer::initial(sizes, settings.seed);
    if !family.has_level() {
        layer::clear_last_bias(&mut layers);
    }
    let fresh = Checkpoint {
        settings: settings.clone(),
        family,
        rows: training.present.len(),
        has_validation,
        steps: 0,
        layers,
        first_moments: layer::zeros(sizes),
        second_moments: layer::zeros(sizes),
        best: None,
        history: Vec::new(),
    };
    let Some(checkpoint) = checkpoint else {
        return Ok(fresh);
    };
    checkpoint.check(&fresh, sizes)?;
    Ok(Checkpoint {
        settings: fresh.settings,
        ..checkpoint
    })
}

fn finish(state: Checkpoint) -> Training {
    let (best_epoch, layers) = match state.best {
        Some(best) => (best.epoch, best.layers),
        None => (state.history.len(), state.layers),
    };
    Training {
        network: Network::new(layers, state.family),
        best_epoch,
        history: state.history,
    }
}

/// Memory and threads that are kept from epoch to epoch.
pub(super) struct Trainer<'a, 't, 'v> {
    training: &'a Checked<'t>,
    validation: Option<&'a Checked<'v>>,
    settings: &'a Settings,
    adam: Adam,
    dropout: Dropout,
    words_per_row: u64,
    pool: ThreadPool,
    rows_per_part: usize,
    /// The first holds the gradient of the last batch.
    pub(super) parts: Vec<Part>,
    raw: Array2<f32>,
    derivative: Array2<f32>,
    validators: Vec<Part>,
    pub(super) state: Checkpoint,
}

impl<'a, 't, 'v> Trainer<'a, 't, 'v> {
    pub(super) fn new(
        training: &'a Checked<'t>,
        validation: Option<&'a Checked<'v>>,
        settings: &'a Settings,
        sizes: &[usize],
        state: Checkpoint,
    ) -> Result<Self, NetworkError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(settings.threads)
            .build()
            .map_err(|error| NetworkError::Threads {
                detail: error.to_string(),
            })?;
        let batch = settings.batch_size.min(training.present.len());
        let rows_per_part = batch.div_ceil(MOST_PARTS).max(ROWS_PER_PART).min(batch);
        let parts = batch.div_ceil(rows_per_part);
        let outputs = training.target.family().outputs();
        let validators = validation.map_or(0, |_| settings.threads);
        Ok(Self {
            training,
            validation,
            settings,
            adam: Adam::new(settings.learning_rate, settings.weight_decay),
            dropout: Dropout::new(settings.dropout),
            words_per_row: words_per_row(sizes),
            pool,
            rows_per_part,
            parts: (0..parts)
                .map(|_| Part::new(rows_per_part, sizes, true))
                .collect(),
            raw: Array2::zeros((batch, outputs)),
            derivative: Array2::zeros((batch, outputs)),
            validators: (0..validators)
                .map(|_| Part::new(VALIDATED_ROWS, sizes, false))
                .collect(),
            state,
        })
    }

    fn is_finished(&self) -> bool {
        self.state.epoch() >= self.settings.epochs || self.state.waited() >= self.settings.patience
    }

    /// Runs the next epoch.
    pub(super) fn epoch(&mut self) -> Result<EpochRecord, NetworkError> {
        let started = Instant::now();
        let epoch = self.state.epoch() + 1;
        let mut order = self.training.present.clone();
        Random::new(self.settings.seed, Purpose::Order, epoch).shuffle(&mut order);
        let batch = self.settings.batch_size.min(order.len());
        let (mut sum, mut weight) = (0.0, 0.0);
        for (number, rows) in order.chunks(batch).enumerate() {
            let loss = self.batch(epoch, number * batch, rows);
            if !loss.mean.is_finite() {
                return Err(diverged("training loss", epoch));
            }
            sum += loss.mean * loss.weight;
            weight += loss.weight;
        }
        if !layer::is_finite(&self.state.layers) {
            return Err(diverged("weights", epoch));
        }
        let validation_loss = self.validate();
        if validation_loss.is_some_and(|loss| !loss.is_finite()) {
            return Err(diverged("validation loss", epoch));
        }
        let record = EpochRecord {
            epoch,
            training_loss: sum / weight,
            validation_loss,
            seconds: started.elapsed().as_secs_f64(),
        };
        self.state.history.push(record);
        self.remember(record);
        Ok(record)
    }

    /// Keeps the weights if they are the best so far.
    fn remember(&mut self, record: EpochRecord) {
        let Some(loss) = record.validation_loss else {
            return;
        };
        match &mut self.state.best {
            Some(best) if loss >= best.loss => {}
            Some(best) => {
                (best.epoch, best.loss) = (record.epoch, loss);
                layer::copy(&self.state.layers, &mut best.layers);
            }
            None => {
                self.state.best = Some(Best {
                    epoch: record.epoch,
                    loss,
                    layers: self.state.layers.clone(),
                });
            }
        }
    }

    /// Learns from a batch whose first row is at a place of the epoch's order.
    fn batch(&mut self, epoch: usize, first: usize, rows: &[u32]) -> Loss {
        let loss = self.gradient(epoch, first, rows);
        // A batch without an event must not move the moments.
        if loss.weight > 0.0 && loss.mean.is_finite() {
            self.state.steps += 1;
            self.adam.step(
                self.state.steps,
                &mut self.state.layers,
                self.parts[0].gradient(),
                &mut self.state.first_moments,
                &mut self.state.second_moments,
            );
        }
        loss
    }

    /// The loss of a batch; its gradient is left in the first part.
    pub(super) fn gradient(&mut self, epoch: usize, first: usize, rows: &[u32]) -> Loss {
        let layers = &self.state.layers;
        let (size, dropout, features) = (self.rows_per_part, self.dropout, &self.training.features);
        let parts = &mut self.parts[..rows.len().div_ceil(size)];
        let (seed, words) = (self.settings.seed, self.words_per_row);
        self.pool.install(|| {
            parts.par_iter_mut().enumerate().for_each(|(number, part)| {
                let start = number * size;
                let rows = &rows[start..rows.len().min(start + size)];
                let mut random = Random::new(seed, Purpose::Dropout, epoch);
                random.seek((first + start) as u64 * words);
                part.forward(layers, features, rows, dropout, Some(&mut random));
            });
        });
        let mut start = 0;
        for part in parts.iter() {
            let end = start + part.rows();
            self.raw
                .slice_axis_mut(ROWS, Slice::from(start..end))
                .assign(&part.raw());
            start = end;
        }
        let raw = self.raw.slice_axis(ROWS, Slice::from(..rows.len()));
        let derivative = self
            .derivative
            .slice_axis_mut(ROWS, Slice::from(..rows.len()));
        let loss = self.training.loss(rows, &raw, Some(derivative));
        let derivative = &self.derivative;
        self.pool.install(|| {
            parts.par_iter_mut().enumerate().for_each(|(number, part)| {
                let start = number * size;
                let slope = derivative.slice_axis(ROWS, Slice::from(start..start + part.rows()));
                part.backward(layers, &slope, dropout);
            });
        });
        if let Some((total, others)) = parts.split_first_mut() {
            for part in others {
                layer::add(total.gradient_mut(), part.gradient());
            }
            if !self.training.target.family().has_level() {
                layer::clear_last_bias(total.gradient_mut());
            }
        }
        loss
    }

    /// Mean loss of the validation data.
    fn validate(&mut self) -> Option<f64> {
        let validation = self.validation?;
        let rows = &validation.present;
        let mut raw = Array2::zeros((rows.len(), validation.target.family().outputs()));
        let layers: &[Layer] = &self.state.layers;
        let threads = self.validators.len();
        for (round, rows) in rows.chunks(VALIDATED_ROWS * threads).enumerate() {
            let shares: Vec<&[u32]> = rows.chunks(VALIDATED_ROWS).collect();
            let validators = &mut self.validators[..shares.len()];
            self.pool.install(|| {
                validators
                    .par_iter_mut()
                    .zip(shares)
                    .for_each(|(part, rows)| {
                        part.forward(layers, &validation.features, rows, Dropout::NONE, None);
                    });
            });
            let mut start = round * VALIDATED_ROWS * threads;
            for part in validators.iter() {
                let end = start + part.rows();
                raw.slice_axis_mut(ROWS, Slice::from(start..end))
                    .assign(&part.raw());
                start = end;
            }
        }
        Some(validation.loss(rows, &raw, None).mean)
    }
}

fn diverged(what: &'static str, epoch: usize) -> NetworkError {
    NetworkError::NetworkDiverged { what, epoch }
}
