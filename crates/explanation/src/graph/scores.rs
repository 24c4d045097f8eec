//! Columns that operators compute as linear functions of earlier numbers, up to a final sigmoid or
//! softmax.

use ndarray::{Array1, Array2, Axis};

use super::{ML, Step};
use crate::{ExplanationError, Scale};

/// Linear functions of sources: columns of a model's input, or outputs of a tree ensemble.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    factors: Factors,
    offsets: Array1<f64>,
    /// What the graph does to the scores afterwards; they themselves stay as they are.
    pub(crate) scale: Scale,
}

/// How scores depend on sources.
#[derive(Clone, Debug)]
enum Factors {
    /// Each score on the source of its place. The matrix of a wide input would not fit in memory.
    Diagonal(Array1<f64>),
    /// By score and source.
    Dense(Array2<f64>),
}

impl Scores {
    /// Every source is a score.
    pub(crate) fn identity(sources: usize) -> Self {
        Self {
            factors: Factors::Diagonal(Array1::ones(sources)),
            offsets: Array1::zeros(sources),
            scale: Scale::Output,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Factors by score and source, and what is added to each score.
    pub(crate) fn into_parts(self) -> (Array2<f64>, Vec<f64>) {
        let factors = match self.factors {
            Factors::Diagonal(diagonal) => Array2::from_diag(&diagonal),
            Factors::Dense(matrix) => matrix,
        };
        (factors, self.offsets.to_vec())
    }

    /// Takes an operator.
    pub(crate) fn push(&mut self, step: &Step<'_>) -> Result<(), ExplanationError> {
        if step.is_identity() {
            return Ok(());
        }
        let operator = step.operator();
        let operator = operator.strip_prefix(ML).unwrap_or(&operator);
        match operator {
            "Gather" => self.gather(step),
            ".ArrayFeatureExtractor" if step.place == 0 => {
                self.select(step, step.other()?.values.as_slice())
            }
            "Flatten" if step.int("axis", 1) == 1 => Ok(()),
            "Squeeze" if self.len() == 1 => Ok(()),
            _ if self.scale != Scale::Output => self.push_after(operator, step),
            "Sigmoid" => {
                self.scale = Scale::LogOdds;
                Ok(())
            }
            "Softmax" => {
                step.check_softmax()?;
                self.softmax(step)
            }
            "Gemm" => self.gemm(step),
            "MatMul" => self.matrix_product(step),
            "Add" | "Sub" | "Mul" | "Div" | "Neg" => self.arithmetic(operator, step),
            ".Scaler" => self.scaler(step),
            ".LinearRegressor" => self.linear(step, step.int("targets", 1)),
            ".LinearClassifier" => self.linear(step, i64::try_from(step.labels()).unwrap_or(0)),
            _ => Err(step.refuse("is not known to be linear")),
        }
    }

    /// Once the scores are probabilities, only what leaves these as they are.
    fn push_after(&mut self, operator: &str, step: &Step<'_>) -> Result<(), ExplanationError> {
        let is_same = match operator {
            // Exporters multiply by the number 1.
            "Mul" | "Div" if step.place == 0 || operator == "Mul" => {
                step.other()?.values.iter().all(|value| *value == 1.0)
            }
            ".Normalizer" => {
                let norm = step.text("norm", "MAX")?;
                norm == "L1" && (self.scale == Scale::ClassScore || self.are_opposite())
            }
            _ => false,
        };
        if is_same {
            return Ok(());
        }
        Err(step.refuse("changes the probabilities"))
    }

    /// Whether two scores are each other's negative, so that their sigmoids add up to 1.
    fn are_opposite(&self) -> bool {
        let Factors::Dense(matrix) = &self.factors else {
            return false;
        };
        matrix.nrows() == 2
            && matrix.row(0) == -&matrix.row(1)
            && self.offsets[0] == -self.offsets[1]
    }

    /// What the classical operators do in the end.
    pub(crate) fn post_transform(
        &mut self,
        step: &Step<'_>,
        name: &str,
    ) -> Result<(), ExplanationError> {
        match name {
            "NONE" => Ok(()),
            // ONNX Runtime gives a single score as it is, whatever the attribute says.
            _ if self.len() == 1 => Err(step.refuse(&format!(
                "has post_transform {name} for one output, which runtimes do not agree on; put it \
                 into an operator of its own"
            ))),
            "LOGISTIC" => {
                self.scale = Scale::LogOdds;
                Ok(())
            }
            "SOFTMAX" => self.softmax(step),
            _ => Err(step.refuse(&format!("has post_transform {name}"))),
        }
    }

    /// The outputs of a classifier of two classes that keeps one score. ONNX Runtime takes the score
    /// for a probability if no weight is negative and no transformation follows.
    pub(crate) fn of_two_classes(
        &mut self,
        step: &Step<'_>,
        transform: &str,
        are_positive: bool,
    ) -> Result<(), ExplanationError> {
        self.multiply(&ndarray::array![[-1.0], [1.0]]);
        match transform {
            "LOGISTIC" => self.scale = Scale::LogOdds,
            "NONE" if are_positive => self.offsets[0] += 1.0,
            "NONE" => {}
            _ => return Err(step.refuse(&format!("has post_transform {transform} for one score"))),
        }
        Ok(())
    }

    fn softmax(&mut self, step: &Step<'_>) -> Result<(), ExplanationError> {
        match self.len() {
            0 | 1 => return Err(step.refuse("has a softmax of one class, which is always 1")),
            2 => {
                self.multiply(&ndarray::array![[1.0, -1.0], [-1.0, 1.0]]);
                self.scale = Scale::LogOdds;
            }
            _ => self.scale = Scale::ClassScore,
        }
        Ok(())
    }

    fn gemm(&mut self, step: &Step<'_>) -> Result<(), ExplanationError> {
        if step.place != 0 || step.int("transA", 0) != 0 {
            return Err(step.refuse("does not multiply the rows by a constant"));
        }
        let weights = self.weights(step, step.int("transB", 0) == 0)?;
        self.multiply(&(weights * step.float("alpha", 1.0)));
        if let Some(constant) = step.constant(2) {
            let added = constant.for_columns(self.len());
            let added = added.ok_or_else(|| step.refuse("adds something else to each row"))?;
            self.offsets += &(Array1::from(added) * step.float("beta", 1.0));
        }
        Ok(())
    }

    fn matrix_product(&mut self, step: &Step<'_>) -> Result<(), ExplanationError> {
        if step.place != 0 {
            return Err(step.refuse("does not multiply the rows by a constant"));
        }
        let weights = self.weights(step, true)?;
        self.multiply(&weights);
        Ok(())
    }

    /// The second input by output and input.
    fn weights(
        &self,
        step: &Step<'_>,
        has_inputs_first: bool,
    ) -> Result<Array2<f64>, ExplanationError> {
        let constant = step.other()?;
        let [rows, columns] = constant.dimensions[..] else {
            return Err(step.refuse("has weights that are no matrix"));
        };
        let matrix = Array2::from_shape_vec((rows, columns), constant.values.clone());
        let matrix = matrix.map_err(|_| step.refuse("has weights that are no matrix"))?;
        let matrix = if has_inputs_first {
            matrix.reversed_axes()
        } else {
            matrix
        };
        if matrix.ncols() != self.len() {
            return Err(step.refuse(&format!(
                "has weights for {} columns where there are {}",
                matrix.ncols(),
                self.len()
            )));
        }
        Ok(matrix)
    }

    fn arithmetic(&mut self, operator: &str, step: &Step<'_>) -> Result<(), ExplanationError> {
        if operator == "Neg" {
            self.scale_by(&Array1::from_elem(self.len(), -1.0));
            return Ok(());
        }
        let numbers = step.other()?.for_columns(self.len());
        let numbers = numbers.ok_or_else(|| {
            step.refuse(&format!(
                "has a constant that is not one row of {} columns",
                self.len()
            ))
        })?;
        let numbers = Array1::from(numbers);
        match (operator, step.place) {
            ("Add", _) => self.offsets += &numbers,
            ("Sub", 0) => self.offsets -= &numbers,
            ("Sub", _) => {
                self.scale_by(&Array1::from_elem(self.len(), -1.0));
                self.offsets += &numbers;
            }
            ("Mul", _) => self.scale_by(&numbers),
            ("Div", 0) if numbers.iter().all(|number| *number != 0.0) => {
                self.scale_by(&numbers.recip());
            }
            _ => return Err(step.refuse("divides by its input or by zero")),
        }
        Ok(())
    }

    fn scaler(&mut self, step: &Step<'_>) -> Result<(), ExplanationError> {
        let columns = self.len();
        let read = |name: &str| {
            let values = step.floats(name)?;
            match values.len() {
                1 => Ok(Array1::from_elem(columns, values[0])),
                length if length == columns => Ok(Array1::from(values)),
                length => Err(step.refuse(&format!(
                    "has {length} numbers in {name} for {columns} columns"
                ))),
            }
        };
        self.offsets -= &read("offset")?;
        self.scale_by(&read("scale")?);
        Ok(())
    }

    /// `LinearRegressor` and `LinearClassifier` with so many outputs.
    fn linear(&mut self, step: &Step<'_>, outputs: i64) -> Result<(), ExplanationError> {
        let coefficients = step.floats("coefficients")?;
        let intercepts = step.floats("intercepts")?;
        let rows = coefficients.len() / self.len().max(1);
        let matrix = Array2::from_shape_vec((rows, self.len()), coefficients);
        let matrix =
            matrix.map_err(|_| step.refuse("has another number of coefficients than columns"))?;
        if !(intercepts.is_empty() || intercepts.len() == rows) {
            return Err(step.refuse("has another number of intercepts than outputs"));
        }
        self.multiply(&matrix);
        if !intercepts.is_empty() {
            self.offsets += &Array1::from(intercepts);
        }
        let transform = step.text("post_transform", "NONE")?;
        let is_classifier = step.labels() > 0;
        if is_classifier && step.output != 1 {
            return Err(step.refuse("gives a label, which is no number to explain"));
        }
        if is_classifier && rows == 1 && outputs == 2 && transform == "LOGISTIC" {
            // One row of coefficients is the second class; the first is its opposite.
            self.multiply(&ndarray::array![[-1.0], [1.0]]);
        } else if i64::try_from(rows) != Ok(outputs) {
            return Err(step.refuse(&format!(
                "has {rows} rows of coefficients for {outputs} outputs"
            )));
        }
        self.post_transform(step, transform)
    }

    fn gather(&mut self, step: &Step<'_>) -> Result<(), ExplanationError> {
        if step.place != 0 || !matches!(step.int("axis", 0), 1 | -1) {
            return Err(step.refuse("does not choose columns"));
        }
        self.select(step, step.other()?.values.as_slice())
    }

    /// Keeps chosen columns.
    fn select(&mut self, step: &Step<'_>, chosen: &[f64]) -> Result<(), ExplanationError> {
        if self.scale == Scale::ClassScore {
            return Err(
                step.refuse("chooses one of several classes; name the output with all of them")
            );
        }
        let mut picker = Array2::zeros((chosen.len(), self.len()));
        for (row, column) in chosen.iter().enumerate() {
            let from_end = if *column < 0.0 {
                self.len() as f64
            } else {
                0.0
            };
            let column = (column + from_end) as usize;
            let picked = picker.get_mut((row, column));
            *picked.ok_or_else(|| step.refuse("chooses a column that is not there"))? = 1.0;
        }
        self.multiply(&picker);
        Ok(())
    }

    /// Multiplies each score by a number.
    fn scale_by(&mut self, numbers: &Array1<f64>) {
        match &mut self.factors {
            Factors::Diagonal(diagonal) => *diagonal *= numbers,
            Factors::Dense(matrix) => *matrix *= &numbers.view().insert_axis(Axis(1)),
        }
        self.offsets *= numbers;
    }

    /// New scores from these, by a matrix of new by old ones.
    fn multiply(&mut self, matrix: &Array2<f64>) {
        self.offsets = matrix.dot(&self.offsets);
        self.factors = Factors::Dense(match &self.factors {
            Factors::Diagonal(diagonal) => matrix * &diagonal.view().insert_axis(Axis(0)),
            Factors::Dense(factors) => matrix.dot(factors),
        });
    }
}
