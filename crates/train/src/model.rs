//! A trained model: preprocessing, families, their combination, calibration, and all of it as a
//! graph.

use ndarray::{Array2, Axis, concatenate};
use varisk_onnx::{Attribute, Dimension, ElementType, GraphBuilder, Model};

use crate::fit::Fitted;
use crate::loss::sigmoid;
use crate::preprocess::Preprocessing;
use crate::{Cohort, TrainError, linear};

/// Log odds, or logits of classes.
pub const LOGITS: &str = "logits";
/// Log hazard.
pub const LOG_HAZARD: &str = "log_hazard";
/// Risks of an event before the horizons.
pub const RISK: &str = "risk";

/// Loss of training rows, and of those that say when to stop, by epoch or round.
pub type LearningCurve = Vec<(f64, Option<f64>)>;

/// How families become one prediction.
#[derive(Clone, Debug)]
pub(crate) enum Combination {
    /// One of them.
    One(usize),
    /// The mean of log odds, logits or log hazards.
    Mean,
    /// A regression over them.
    Stack(Box<linear::Linear>),
}

impl Combination {
    /// Combines raw predictions of families, each of shape (rows, outputs).
    pub(crate) fn apply(&self, raw: &[Array2<f64>]) -> Result<Array2<f64>, TrainError> {
        let missing = TrainError::Internal("a family is without predictions");
        match self {
            Self::One(at) => raw.get(*at).cloned().ok_or(missing),
            Self::Mean => {
                let mut families = raw.iter();
                let mut sum = families.next().cloned().ok_or(missing)?;
                families.for_each(|own| sum += own);
                Ok(sum / raw.len() as f64)
            }
            Self::Stack(model) => {
                let views: Vec<_> = raw.iter().map(|own| own.view()).collect();
                let all = concatenate(Axis(1), &views)
                    .map_err(|_| TrainError::Internal("families differ in shape"))?;
                Ok(model.predict_raw(&all)?)
            }
        }
    }

    /// Whether the prediction of a family is used.
    fn uses(&self, family: usize) -> bool {
        !matches!(self, Self::One(only) if *only != family)
    }
}

/// A trained model.
#[derive(Clone, Debug)]
pub struct Trained {
    pub(crate) preprocessing: Preprocessing,
    pub(crate) members: Vec<(&'static str, Fitted)>,
    pub(crate) combination: Combination,
    pub(crate) calibration: Option<varisk_evaluation::Calibrator>,
    /// Baseline cumulative hazard at each horizon, of a survival model.
    pub(crate) hazards: Vec<f64>,
    pub(crate) outputs: usize,
}

/// Predictions of rows.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// Probabilities, or risks at the horizons.
    pub predictions: Array2<f64>,
    /// Log odds, logits or log hazard.
    pub raw: Array2<f64>,
    /// The same of each family alone.
    pub family_raw: Vec<Array2<f64>>,
}

impl Trained {
    /// How rows become elements.
    #[must_use]
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// Names of the families that the model is made of.
    #[must_use]
    pub fn families(&self) -> Vec<&'static str> {
        let used = self.members.iter().enumerate();
        used.filter(|(at, _)| self.combination.uses(*at))
            .map(|(_, (name, _))| *name)
            .collect()
    }

    /// Loss of the training rows, and of those that say when to stop, by epoch or round, of each
    /// family that learns in steps.
    #[must_use]
    pub fn learning_curves(&self) -> Vec<(&'static str, LearningCurve)> {
        let all = self.members.iter();
        all.map(|(name, fitted)| (*name, fitted.curve()))
            .filter(|(_, curve)| !curve.is_empty())
            .collect()
    }

    /// The calibration, of a binary model that has one.
    #[must_use]
    pub fn calibration(&self) -> Option<&varisk_evaluation::Calibrator> {
        self.calibration.as_ref()
    }

    /// Coefficient of each element, where the model is a linear one of one output.
    #[must_use]
    pub fn coefficients(&self) -> Option<Vec<f64>> {
        match &self.combination {
            Combination::One(at) if self.outputs == 1 => self.members.get(*at)?.1.coefficients(),
            _ => None,
        }
    }

    /// Predicts rows of a cohort.
    ///
    /// # Errors
    /// A row cannot be encoded.
    pub fn predict(&self, cohort: &Cohort, rows: &[usize]) -> Result<Predictions, TrainError> {
        let (matrix, outcomes) = self.preprocessing.encode(cohort)?;
        for row in rows {
            if let Some(Err(reason)) = outcomes.get(*row) {
                return Err(TrainError::Row {
                    row: row + 1,
                    reason: reason.name(),
                });
            }
        }
        let matrix = matrix.select(Axis(0), rows);
        let family_raw: Vec<Array2<f64>> = self
            .members
            .iter()
            .map(|(_, fitted)| fitted.raw(&matrix.view()))
            .collect::<Result<_, _>>()?;
        let raw = self.combination.apply(&family_raw)?;
        Ok(Predictions {
            predictions: self.published(&raw)?,
            raw,
            family_raw,
        })
    }

    /// What is given out, as `varisk run` computes it from the graph's outputs.
    fn published(&self, raw: &Array2<f64>) -> Result<Array2<f64>, TrainError> {
        if !self.hazards.is_empty() {
            let shape = (raw.nrows(), self.hazards.len());
            return Ok(Array2::from_shape_fn(shape, |(row, at)| {
                -(-self.hazards[at] * raw[[row, 0]].exp()).exp_m1()
            }));
        }
        if self.outputs == 1 {
            let mut all = raw.mapv(sigmoid);
            if let Some(calibration) = &self.calibration {
                for own in &mut all {
                    *own = calibration.apply(*own)?;
                }
            }
            return Ok(all);
        }
        let mut all = raw.clone();
        for mut row in all.rows_mut() {
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.mapv_inplace(|own| (own - most).exp());
            let sum = row.sum();
            row.mapv_inplace(|own| own / sum);
        }
        Ok(all)
    }

    /// The model as ONNX: from the tensors of the manifest's inputs to [`LOGITS`], or to
    /// [`LOG_HAZARD`] and [`RISK`].
    ///
    /// # Errors
    /// A number does not fit the format.
    pub fn graph(&self, name: &str, documentation: &str) -> Result<Model, TrainError> {
        let mut graph = GraphBuilder::new(name);
        graph.documentation(documentation);
        let row = |width: usize| [Dimension::symbolic("N"), Dimension::Fixed(width as u64)];
        let mut tensors = Vec::new();
        for (tensor, width) in self.preprocessing.widths() {
            graph.input(tensor, ElementType::Float32, &row(width))?;
            tensors.push(tensor);
        }
        let elements = &self.preprocessing.elements;
        let width = elements.len() as u64;
        let joined = match tensors.as_slice() {
            [one] => *one,
            several => {
                graph.node("Concat", several, &["joined"], &[Attribute::int("axis", 1)])?;
                "joined"
            }
        };
        // Outliers are drawn to the borders of the training data.
        let borders = |of: &dyn Fn(&crate::preprocess::Element) -> f32| -> Vec<f32> {
            elements.iter().map(of).collect()
        };
        graph.initializer_f32("lower", &[1, width], &borders(&|own| own.lower))?;
        graph.initializer_f32("upper", &[1, width], &borders(&|own| own.upper))?;
        graph.node("Max", &[joined, "lower"], &["raised"], &[])?;
        graph.node("Min", &["raised", "upper"], &["elements"], &[])?;

        let result = if self.hazards.is_empty() {
            LOGITS
        } else {
            LOG_HAZARD
        };
        let mut parts = Vec::new();
        let used: Vec<_> = self
            .members
            .iter()
            .enumerate()
            .filter(|(at, _)| self.combination.uses(*at))
            .collect();
        for (at, (family, fitted)) in &used {
            let output = match &self.combination {
                Combination::One(_) => result.to_owned(),
                _ => format!("{family}_{}", at + 1),
            };
            fitted.write(&mut graph, "elements", &output)?;
            parts.push(output);
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match &self.combination {
            Combination::One(_) => {}
            Combination::Mean => {
                graph.node("Mean", &parts, &[result], &[])?;
            }
            Combination::Stack(model) => {
                graph.node(
                    "Concat",
                    &parts,
                    &["families"],
                    &[Attribute::int("axis", 1)],
                )?;
                model.write(&mut graph, "families", result)?;
            }
        }
        graph.output(result, ElementType::Float32, &row(self.outputs))?;
        if !self.hazards.is_empty() {
            let minus: Vec<f32> = self.hazards.iter().map(|own| -*own as f32).collect();
            let horizons = self.hazards.len();
            graph.initializer_f32("minus_baseline", &[1, horizons as u64], &minus)?;
            graph.initializer_f32("one", &[1], &[1.0])?;
            graph.node("Exp", &[LOG_HAZARD], &["relative_hazard"], &[])?;
            graph.node(
                "Mul",
                &["relative_hazard", "minus_baseline"],
                &["exponent"],
                &[],
            )?;
            graph.node("Exp", &["exponent"], &["survival"], &[])?;
            graph.node("Sub", &["one", "survival"], &[RISK], &[])?;
            graph.output(RISK, ElementType::Float32, &row(horizons))?;
        }
        Ok(graph.finish()?)
    }
}
