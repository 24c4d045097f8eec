//! Predicted probabilities of several classes.

use ndarray::Array2;

use crate::binary::{BinarySample, BinarySettings, CLIP};
use crate::error::{self, EvaluationError};
use crate::metric::{Metric, MetricKey};
use crate::ranking::Ranking;
use crate::sample::Sample;
use crate::undefined::{Undefined, Value, share};

/// By how much probabilities of one patient may differ from 1 in sum: those of single-precision
/// models.
const SUM_ROUNDING: f64 = 1e-4;
/// Metrics over all classes.
const OVERALL: [Metric; 8] = [
    Metric::Accuracy,
    Metric::BalancedAccuracy,
    Metric::MacroAuroc,
    Metric::LogLoss,
    Metric::Brier,
    Metric::MacroPrecision,
    Metric::MacroRecall,
    Metric::MacroF1,
];
/// Metrics of each class against the others.
const OF_CLASS: [Metric; 5] = [
    Metric::EventRate,
    Metric::Auroc,
    Metric::Precision,
    Metric::Recall,
    Metric::F1,
];

/// Probabilities and classes of patients, checked. The class of the highest probability is predicted,
/// the first of several.
#[derive(Clone, Debug)]
pub struct MulticlassSample {
    names: Vec<String>,
    probabilities: Array2<f64>,
    classes: Vec<usize>,
    predicted: Vec<usize>,
    /// By class: the order of its probabilities, and who is of it.
    rankings: Vec<(Ranking, Vec<bool>)>,
    log_losses: Vec<f64>,
    squares: Vec<f64>,
}

impl MulticlassSample {
    /// `probabilities` has a row for each patient and a column for each name.
    ///
    /// # Errors
    /// Nobody, fewer than two classes, a name that stands twice, columns of different length, what is no probability or does
    /// not add up to 1, a class without a name.
    pub fn try_new(
        probabilities: &Array2<f64>,
        classes: &[usize],
        names: &[String],
    ) -> Result<Self, EvaluationError> {
        error::same_length("the class", classes.len(), probabilities.nrows())?;
        error::same_length(
            "the list of class names",
            names.len(),
            probabilities.ncols(),
        )?;
        if names.len() < 2 {
            return Err(EvaluationError::Setting {
                setting: "classes",
                value: names.len().to_string(),
                remedy: "give two or more",
            });
        }
        if (1..names.len()).any(|place| names[..place].contains(&names[place])) {
            return Err(EvaluationError::Setting {
                setting: "class names",
                value: "repeated".to_owned(),
                remedy: "give each class a name of its own",
            });
        }
        let mut rankings = Vec::new();
        for (class, column) in probabilities.columns().into_iter().enumerate() {
            let column: Vec<f64> = column.to_vec();
            error::probabilities("the predicted probability", &column)?;
            let own = classes.iter().map(|own| *own == class).collect();
            rankings.push((Ranking::new(&column), own));
        }
        let mut predicted = Vec::new();
        let mut log_losses = Vec::new();
        let mut squares = Vec::new();
        for (row, (own, class)) in probabilities.rows().into_iter().zip(classes).enumerate() {
            if *class >= names.len() {
                return Err(EvaluationError::UnknownClass {
                    row: row + 1,
                    classes: names.len(),
                });
            }
            if (own.sum() - 1.0).abs() > SUM_ROUNDING {
                return Err(EvaluationError::ProbabilitySum { row: row + 1 });
            }
            let mut best = 0;
            let mut square = 0.0;
            for (place, probability) in own.iter().enumerate() {
                if *probability > own[best] {
                    best = place;
                }
                square += (probability - f64::from(u8::from(place == *class))).powi(2);
            }
            predicted.push(best);
            squares.push(square);
            log_losses.push(-own[*class].clamp(CLIP, 1.0 - CLIP).ln());
        }
        Ok(Self {
            names: names.to_vec(),
            probabilities: probabilities.to_owned(),
            classes: classes.to_vec(),
            predicted,
            rankings,
            log_losses,
            squares,
        })
    }

    /// Patients by class (rows) and predicted class (columns).
    #[must_use]
    pub fn confusion(&self) -> Array2<u64> {
        self.confusion_of(&vec![1; self.classes.len()])
    }

    /// One class against all others, for its curves.
    ///
    /// # Errors
    /// A class that is not there, settings that make no sense.
    pub fn one_against_others(
        &self,
        class: usize,
        settings: BinarySettings,
    ) -> Result<BinarySample, EvaluationError> {
        let (_, own) = self.rankings.get(class).ok_or(EvaluationError::Setting {
            setting: "class",
            value: class.to_string(),
            remedy: "give the number of a class, from 0",
        })?;
        let probabilities = self.probabilities.column(class).to_vec();
        BinarySample::try_new(&probabilities, own, settings)
    }

    /// Names of the classes.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn confusion_of(&self, counts: &[u32]) -> Array2<u64> {
        let size = self.names.len();
        let mut confusion = Array2::zeros((size, size));
        for ((class, predicted), count) in self.classes.iter().zip(&self.predicted).zip(counts) {
            confusion[[*class, *predicted]] += u64::from(*count);
        }
        confusion
    }
}

/// Counts of one class against the others.
struct OneClass {
    right: u64,
    events: u64,
    predicted: u64,
}

impl OneClass {
    fn precision(&self) -> Value {
        share(self.right, self.predicted, Undefined::NothingPredicted)
    }

    fn recall(&self) -> Value {
        share(self.right, self.events, Undefined::AbsentClass)
    }

    fn f1(&self) -> Value {
        share(
            2 * self.right,
            self.events + self.predicted,
            Undefined::AbsentClass,
        )
    }
}

/// Undefined where any of them is.
fn mean_of(values: impl Iterator<Item = Value>) -> Value {
    let values: Vec<f64> = values.collect::<Result<_, _>>()?;
    if values.is_empty() {
        return Err(Undefined::NoPatients);
    }
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

fn weighted_mean(values: &[f64], counts: &[u32]) -> Value {
    let pairs = values.iter().zip(counts);
    let sum: f64 = pairs.map(|(value, count)| value * f64::from(*count)).sum();
    let patients: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    if patients == 0 {
        return Err(Undefined::NoPatients);
    }
    Ok(sum / patients as f64)
}

impl Sample for MulticlassSample {
    fn patients(&self) -> usize {
        self.classes.len()
    }

    fn events(&self, key: &MetricKey, rows: &[usize]) -> Option<usize> {
        let name = key.class.as_ref()?;
        let of_class = |row: &&usize| self.names.get(self.classes[**row]) == Some(name);
        Some(rows.iter().filter(of_class).count())
    }

    fn keys(&self) -> Vec<MetricKey> {
        let mut keys: Vec<MetricKey> = OVERALL.into_iter().map(MetricKey::plain).collect();
        for name in &self.names {
            keys.extend(OF_CLASS.into_iter().map(|metric| MetricKey {
                class: Some(name.clone()),
                ..MetricKey::plain(metric)
            }));
        }
        keys
    }

    /// Balanced accuracy is over the classes that occur, as in scikit-learn. Means over classes are
    /// undefined where the metric of any class is.
    fn evaluate(&self, counts: &[u32]) -> Vec<Value> {
        let confusion = self.confusion_of(counts);
        let patients = confusion.sum();
        let right = confusion.diag().sum();
        let classes: Vec<OneClass> = (0..self.names.len())
            .map(|class| OneClass {
                right: confusion[[class, class]],
                events: confusion.row(class).sum(),
                predicted: confusion.column(class).sum(),
            })
            .collect();
        let areas: Vec<Value> = self
            .rankings
            .iter()
            .map(|(ranking, own)| ranking.auroc(own, counts))
            .collect();
        let occurring = || classes.iter().filter(|class| class.events > 0);
        let mut values = vec![
            share(right, patients, Undefined::NoPatients),
            mean_of(occurring().map(OneClass::recall)),
            mean_of(areas.iter().copied()),
            weighted_mean(&self.log_losses, counts),
            weighted_mean(&self.squares, counts),
            mean_of(classes.iter().map(OneClass::precision)),
            mean_of(classes.iter().map(OneClass::recall)),
            mean_of(classes.iter().map(OneClass::f1)),
        ];
        for (class, area) in classes.iter().zip(areas) {
            values.extend([
                share(class.events, patients, Undefined::NoPatients),
                area,
                class.precision(),
                class.recall(),
                class.f1(),
            ]);
        }
        values
    }

    fn subset(&self, rows: &[usize]) -> Result<Self, EvaluationError> {
        let probabilities = self.probabilities.select(ndarray::Axis(0), rows);
        let classes: Vec<usize> = rows.iter().map(|row| self.classes[*row]).collect();
        Self::try_new(&probabilities, &classes, &self.names)
    }
}
