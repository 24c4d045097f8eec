//! Exact Shapley values of models that are linear in their input.
//!
//! For `f(x) = intercept + sum of coefficient * x` a column adds `coefficient * (x - mean of the
//! background)` in whatever order it comes, so that is its Shapley value (Lundberg & Lee 2017,
//! corollary 1), and a player's is the sum over its columns.

mod reader;

use ndarray::{Array1, Array2, Axis};

use crate::{Background, Explanation, ExplanationError, Players, Scale};

/// A model whose scores are linear in its input.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    /// By output and column.
    coefficients: Array2<f64>,
    intercepts: Array1<f64>,
    scale: Scale,
}

impl LinearModel {
    /// Takes coefficients by output and column, and the intercept of each output.
    ///
    /// # Errors
    /// [`ExplanationError::Model`] where the numbers do not fit or are not finite.
    pub fn try_new(
        coefficients: Array2<f64>,
        intercepts: Vec<f64>,
    ) -> Result<Self, ExplanationError> {
        Self::with_scale(coefficients, intercepts, Scale::Output)
    }

    /// The same with what the scores are.
    ///
    /// # Errors
    /// As [`LinearModel::try_new`].
    pub fn with_scale(
        coefficients: Array2<f64>,
        intercepts: Vec<f64>,
        scale: Scale,
    ) -> Result<Self, ExplanationError> {
        let refuse = |detail: String| Err(ExplanationError::Model { detail });
        if coefficients.is_empty() {
            return refuse("it has no coefficients".to_owned());
        }
        if coefficients.nrows() != intercepts.len() {
            let (rows, given) = (coefficients.nrows(), intercepts.len());
            return refuse(format!("it has {given} intercepts for {rows} outputs"));
        }
        if !coefficients
            .iter()
            .chain(&intercepts)
            .all(|v| v.is_finite())
        {
            return refuse("a coefficient or an intercept is not finite".to_owned());
        }
        Ok(Self {
            coefficients,
            intercepts: Array1::from(intercepts),
            scale,
        })
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// Number of columns of the input.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.coefficients.ncols()
    }

    /// What the scores are.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Coefficients by output and column.
    #[must_use]
    pub fn coefficients(&self) -> &Array2<f64> {
        &self.coefficients
    }

    /// Intercept of each output.
    #[must_use]
    pub fn intercepts(&self) -> &[f64] {
        self.intercepts.as_slice().unwrap_or_default()
    }

    /// The scores of a row, on the scale of [`LinearModel::scale`].
    ///
    /// # Errors
    /// [`ExplanationError::Columns`].
    pub fn predict(&self, row: &[f32]) -> Result<Vec<f64>, ExplanationError> {
        if row.len() != self.columns() {
            return Err(ExplanationError::Columns {
                what: "a row",
                columns: row.len(),
                expected: self.columns(),
            });
        }
        let row: Array1<f64> = row.iter().map(|value| f64::from(*value)).collect();
        Ok((self.coefficients.dot(&row) + &self.intercepts).to_vec())
    }
}

/// Explains one output of a linear model.
#[derive(Clone, Debug)]
pub struct LinearExplainer {
    coefficients: Vec<f64>,
    /// Of each column of the background.
    means: Vec<f64>,
    intercept: f64,
    base: f64,
    players: Players,
    scale: Scale,
}

impl LinearExplainer {
    /// Prepares the explanation of an output, counted from 0.
    ///
    /// # Errors
    /// Widths that differ, an output that is not there, and a background with missing values.
    pub fn new(
        model: &LinearModel,
        output: usize,
        background: &Background,
        players: &Players,
    ) -> Result<Self, ExplanationError> {
        players.check_columns(model.columns(), "the model")?;
        players.check_columns(background.columns(), "the background")?;
        if output >= model.outputs() {
            let outputs = model.outputs();
            return Err(ExplanationError::NoOutput { output, outputs });
        }
        for row in background.rows() {
            check_finite(row, "the background")?;
        }
        let rows = background.view().mapv(f64::from);
        let means = rows.sum_axis(Axis(0)) / background.len() as f64;
        let coefficients = model.coefficients.row(output);
        let intercept = model.intercepts[output];
        Ok(Self {
            base: intercept + coefficients.dot(&means),
            coefficients: coefficients.to_vec(),
            means: means.to_vec(),
            intercept,
            players: players.clone(),
            scale: model.scale,
        })
    }

    /// Explains a patient.
    ///
    /// # Errors
    /// A row of another width, and missing or infinite values.
    pub fn explain(&self, row: &[f32]) -> Result<Explanation, ExplanationError> {
        self.players.check_columns(row.len(), "the patient")?;
        check_finite(row, "the patient")?;
        let mut values = vec![0.0; self.players.len()];
        let mut prediction = self.intercept;
        for (column, player) in self.players.of_columns().iter().enumerate() {
            let value = f64::from(row[column]);
            values[*player] += self.coefficients[column] * (value - self.means[column]);
            prediction += self.coefficients[column] * value;
        }
        Ok(Explanation {
            base: self.base,
            values,
            prediction,
            scale: self.scale,
        })
    }
}

fn check_finite(row: &[f32], what: &'static str) -> Result<(), ExplanationError> {
    match row.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(column) => Err(ExplanationError::NotFinite { what, column }),
    }
}

#[cfg(test)]
mod tests;
