//! Predicted probabilities of an outcome that a patient has or has not.

mod bins;
mod calibration;
mod confusion;
mod curves;

pub use bins::{Binning, CalibrationBin};
pub(crate) use calibration::{CLIP, Overlap, logit, overlap};
pub use confusion::Confusion;
pub use curves::{DecisionPoint, ThresholdPoint};

use self::bins::{BinSums, bin_of, count_edges, expected_error, width_edges};
use self::calibration::Recalibration;
use crate::error::{self, EvaluationError};
use crate::metric::{Metric, MetricKey};
use crate::ranking::Ranking;
use crate::sample::Sample;
use crate::undefined::{Undefined, Value};

/// Bins of calibration errors where none are set.
const DEFAULT_BINS: usize = 10;
/// More bins than this are a slip.
const MOST_BINS: usize = 10_000;

/// What metrics of an outcome depend on besides predictions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinarySettings {
    /// A probability of at least this is a prediction of the outcome.
    pub threshold: f64,
    /// Bins of the calibration errors.
    pub bins: usize,
}

impl Default for BinarySettings {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            bins: DEFAULT_BINS,
        }
    }
}

/// Probabilities and outcomes of patients, checked.
#[derive(Clone, Debug)]
pub struct BinarySample {
    probabilities: Vec<f64>,
    outcomes: Vec<bool>,
    settings: BinarySettings,
    ranking: Ranking,
    recalibration: Recalibration,
    log_losses: Vec<f64>,
    width_bins: Vec<usize>,
    ones: Vec<u32>,
}

impl BinarySample {
    /// # Errors
    /// Nobody, columns of different length, what is no probability, settings that make no sense.
    pub fn try_new(
        probabilities: &[f64],
        outcomes: &[bool],
        settings: BinarySettings,
    ) -> Result<Self, EvaluationError> {
        error::same_length("the outcome", outcomes.len(), probabilities.len())?;
        error::probabilities("the predicted probability", probabilities)?;
        if !(0.0..=1.0).contains(&settings.threshold) {
            return Err(EvaluationError::Setting {
                setting: "threshold",
                value: settings.threshold.to_string(),
                remedy: "give a probability from 0 to 1",
            });
        }
        check_bins(settings.bins)?;
        let edges = width_edges(settings.bins);
        let pairs = probabilities.iter().zip(outcomes);
        Ok(Self {
            ranking: Ranking::new(probabilities),
            recalibration: Recalibration::new(probabilities, outcomes),
            log_losses: pairs
                .map(|(own, outcome)| log_loss(*own, *outcome))
                .collect(),
            width_bins: probabilities
                .iter()
                .map(|own| bin_of(&edges, *own))
                .collect(),
            ones: vec![1; probabilities.len()],
            probabilities: probabilities.to_vec(),
            outcomes: outcomes.to_vec(),
            settings,
        })
    }

    /// The area under the receiver operating characteristic.
    ///
    /// # Errors
    /// All or nobody has the outcome.
    pub fn auroc(&self) -> Value {
        self.ranking.auroc(&self.outcomes, &self.ones)
    }

    /// Predictions at the threshold against outcomes.
    #[must_use]
    pub fn confusion(&self) -> Confusion {
        self.confusion_at(self.settings.threshold, &self.ones)
    }

    /// How many probabilities are so near 0 or 1 that logarithms clip them (at 2.2e-16): log loss,
    /// calibration intercept and slope depend on where.
    #[must_use]
    pub fn clipped(&self) -> usize {
        let clips = |own: &&f64| !(CLIP..=1.0 - CLIP).contains(*own);
        self.probabilities.iter().filter(clips).count()
    }

    fn confusion_at(&self, threshold: f64, counts: &[u32]) -> Confusion {
        let mut confusion = Confusion::default();
        let rows = self.probabilities.iter().zip(&self.outcomes).zip(counts);
        for ((probability, outcome), count) in rows {
            let cell = match (*probability >= threshold, outcome) {
                (true, true) => &mut confusion.true_positives,
                (true, false) => &mut confusion.false_positives,
                (false, false) => &mut confusion.true_negatives,
                (false, true) => &mut confusion.false_negatives,
            };
            *cell += u64::from(*count);
        }
        confusion
    }

    fn bin_sums(&self, binning: Binning, counts: &[u32]) -> Vec<BinSums> {
        let mut sums = vec![BinSums::default(); binning.bins()];
        let edges = match binning {
            Binning::EqualWidth(bins) if bins == self.settings.bins => {
                for (row, bin) in self.width_bins.iter().enumerate() {
                    sums[*bin].add(self.probabilities[row], self.outcomes[row], counts[row]);
                }
                return sums;
            }
            Binning::EqualWidth(bins) => width_edges(bins),
            Binning::EqualCount(bins) => {
                let ascending = self.ranking.order.iter().rev();
                count_edges(
                    ascending.map(|row| (self.probabilities[*row], counts[*row])),
                    bins,
                )
            }
        };
        // Ascending, so that the bin never goes back.
        let mut bin = 0;
        for row in self.ranking.order.iter().rev() {
            let probability = self.probabilities[*row];
            while edges.get(bin).is_some_and(|edge| *edge < probability) {
                bin += 1;
            }
            sums[bin].add(probability, self.outcomes[*row], counts[*row]);
        }
        sums
    }

    fn mean(&self, counts: &[u32], loss: impl Fn(usize) -> f64) -> Value {
        let (mut sum, mut patients) = (0.0, 0.0);
        for (row, count) in counts.iter().enumerate() {
            sum += loss(row) * f64::from(*count);
            patients += f64::from(*count);
        }
        if patients == 0.0 {
            return Err(Undefined::NoPatients);
        }
        Ok(sum / patients)
    }
}

impl Sample for BinarySample {
    fn patients(&self) -> usize {
        self.outcomes.len()
    }

    fn events(&self, _key: &MetricKey, rows: &[usize]) -> Option<usize> {
        Some(rows.iter().filter(|row| self.outcomes[**row]).count())
    }

    fn keys(&self) -> Vec<MetricKey> {
        let key = |metric| {
            let mut key = MetricKey::plain(metric);
            match metric {
                Metric::EceEqualWidth | Metric::EceEqualCount => {
                    key.bins = Some(self.settings.bins);
                }
                _ if AT_THRESHOLD.contains(&metric) => {
                    key.threshold = Some(self.settings.threshold);
                }
                _ => {}
            }
            key
        };
        WITHOUT_THRESHOLD
            .into_iter()
            .chain(AT_THRESHOLD)
            .map(key)
            .collect()
    }

    fn evaluate(&self, counts: &[u32]) -> Vec<Value> {
        let confusion = self.confusion_at(self.settings.threshold, counts);
        let bins = self.settings.bins;
        let value = |metric| match metric {
            Metric::EventRate => confusion.event_rate(),
            Metric::Auroc => self.ranking.auroc(&self.outcomes, counts),
            Metric::AveragePrecision => self.ranking.average_precision(&self.outcomes, counts),
            Metric::Brier => self.mean(counts, |row| {
                (self.probabilities[row] - f64::from(u8::from(self.outcomes[row]))).powi(2)
            }),
            Metric::LogLoss => self.mean(counts, |row| self.log_losses[row]),
            Metric::CalibrationInTheLarge => self.recalibration.in_the_large(counts),
            Metric::CalibrationSlope => self.recalibration.slope(counts),
            Metric::EceEqualWidth => {
                expected_error(&self.bin_sums(Binning::EqualWidth(bins), counts))
            }
            Metric::EceEqualCount => {
                expected_error(&self.bin_sums(Binning::EqualCount(bins), counts))
            }
            Metric::Accuracy => confusion.accuracy(),
            Metric::BalancedAccuracy => confusion.balanced_accuracy(),
            Metric::Precision => confusion.precision(),
            Metric::Recall => confusion.recall(),
            Metric::Specificity => confusion.specificity(),
            Metric::FalsePositiveRate => confusion.false_positive_rate(),
            Metric::SelectionRate => confusion.selection_rate(),
            Metric::F1 => confusion.f1(),
            Metric::MatthewsCorrelation => confusion.matthews_correlation(),
            // None of the keys.
            _ => Err(Undefined::NoPatients),
        };
        WITHOUT_THRESHOLD
            .into_iter()
            .chain(AT_THRESHOLD)
            .map(value)
            .collect()
    }

    fn subset(&self, rows: &[usize]) -> Result<Self, EvaluationError> {
        let probabilities: Vec<f64> = rows.iter().map(|row| self.probabilities[*row]).collect();
        let outcomes: Vec<bool> = rows.iter().map(|row| self.outcomes[*row]).collect();
        Self::try_new(&probabilities, &outcomes, self.settings)
    }
}

/// In the order of tables.
const WITHOUT_THRESHOLD: [Metric; 9] = [
    Metric::EventRate,
    Metric::Auroc,
    Metric::AveragePrecision,
    Metric::Brier,
    Metric::LogLoss,
    Metric::CalibrationInTheLarge,
    Metric::CalibrationSlope,
    Metric::EceEqualWidth,
    Metric::EceEqualCount,
];

/// Those that depend on the threshold.
const AT_THRESHOLD: [Metric; 9] = [
    Metric::Accuracy,
    Metric::BalancedAccuracy,
    Metric::Precision,
    Metric::Recall,
    Metric::Specificity,
    Metric::FalsePositiveRate,
    Metric::SelectionRate,
    Metric::F1,
    Metric::MatthewsCorrelation,
];

/// Of one patient, clipped as in scikit-learn.
fn log_loss(probability: f64, outcome: bool) -> f64 {
    let own = if outcome {
        probability
    } else {
        1.0 - probability
    };
    -own.clamp(CLIP, 1.0 - CLIP).ln()
}

fn check_bins(bins: usize) -> Result<(), EvaluationError> {
    if (1..=MOST_BINS).contains(&bins) {
        return Ok(());
    }
    Err(EvaluationError::Setting {
        setting: "bins",
        value: bins.to_string(),
        remedy: "give a number from 1 to 10000",
    })
}
