//! A fitted linear model.

use ndarray::{Array2, ArrayRef2, ArrayView2, Axis, Slice};
use varisk_onnx::GraphBuilder;

use super::baseline::Baseline;
use super::design::scores;
use super::target::{Family, check_features};
use crate::linear::LinearError;

/// A fitted linear model.
#[derive(Clone, Debug)]
pub struct Linear {
    pub(super) family: Family,
    /// Rows are features, then the intercept unless the model is Cox; columns are outputs.
    pub(super) parameters: Array2<f64>,
    pub(super) columns: usize,
    pub(super) lambda: f64,
    pub(super) l1_ratio: f64,
    pub(super) standard_errors: Option<Array2<f64>>,
    pub(super) log_likelihood: f64,
    pub(super) null_log_likelihood: f64,
    pub(super) iterations: usize,
    pub(super) baseline: Option<Baseline>,
}

impl Linear {
    /// What the model predicts.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Number of feature columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of outputs: classes of a multinomial model, else 1.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.parameters.ncols()
    }

    /// Coefficients: a row for each feature, a column for each output.
    #[must_use]
    pub fn coefficients(&self) -> ArrayView2<'_, f64> {
        self.parameters
            .slice_axis(Axis(0), Slice::from(..self.columns))
    }

    /// The intercept of each output; none in a Cox model. Those of classes sum to zero.
    #[must_use]
    pub fn intercepts(&self) -> Option<Vec<f64>> {
        (self.parameters.nrows() > self.columns).then(|| self.parameters.row(self.columns).to_vec())
    }

    /// Standard errors of the coefficients, from the information matrix with weights counted as
    /// numbers of observations; in a model without a penalty only, since those of penalised
    /// coefficients mean nothing. Of classes, they are those of coefficients that sum to zero.
    #[must_use]
    pub fn standard_errors(&self) -> Option<ArrayView2<'_, f64>> {
        let errors = self.standard_errors.as_ref()?;
        Some(errors.slice_axis(Axis(0), Slice::from(..self.columns)))
    }

    /// Standard errors of the intercepts, where there are intercepts and errors.
    #[must_use]
    pub fn intercept_errors(&self) -> Option<Vec<f64>> {
        let errors = self.standard_errors.as_ref()?;
        (errors.nrows() > self.columns).then(|| errors.row(self.columns).to_vec())
    }

    /// Strength of the penalty.
    #[must_use]
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// Share of the L1 penalty.
    #[must_use]
    pub fn l1_ratio(&self) -> f64 {
        self.l1_ratio
    }

    /// Log-likelihood of the training data, weighted and without the penalty; for Cox the log
    /// partial likelihood.
    #[must_use]
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// The same of the best model without features.
    #[must_use]
    pub fn null_log_likelihood(&self) -> f64 {
        self.null_log_likelihood
    }

    /// Newton iterations that the fit took.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// The baseline cumulative hazard, of a Cox model.
    #[must_use]
    pub fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_ref()
    }

    /// What the model says before it is made a probability: log odds, logits of classes or log
    /// hazard. A row for each row of features, a column for each output.
    pub fn predict_raw(&self, features: &ArrayRef2<f64>) -> Result<Array2<f64>, LinearError> {
        if features.ncols() != self.columns {
            return Err(LinearError::Columns {
                found: features.ncols(),
                expected: self.columns,
            });
        }
        check_features(features)?;
        Ok(scores(features, &self.parameters))
    }

    /// The probability to have no event up to a time, given a log hazard of [`Self::predict_raw`].
    pub fn survival(&self, log_hazard: f64, time: f64) -> Result<f64, LinearError> {
        match &self.baseline {
            Some(baseline) => baseline.survival(log_hazard, time),
            None => Err(LinearError::NoSurvival {
                family: self.family.name(),
            }),
        }
    }

    /// Adds the model to a graph: from features, float32 of shape `[N, columns]`, to what
    /// [`Self::predict_raw`] says, float32 of shape `[N, outputs]`. Its constants are named after
    /// the output.
    pub fn write(
        &self,
        graph: &mut GraphBuilder,
        input: &str,
        output: &str,
    ) -> Result<(), LinearError> {
        let (columns, outputs) = (self.columns as u64, self.outputs() as u64);
        let weights = format!("{output}_weights");
        graph.initializer_f32(
            &weights,
            &[columns, outputs],
            &self.float32(0..self.columns)?,
        )?;
        let mut inputs = vec![input, weights.as_str()];
        let intercepts = format!("{output}_intercepts");
        if self.parameters.nrows() > self.columns {
            let values = self.float32(self.columns..self.parameters.nrows())?;
            graph.initializer_f32(&intercepts, &[outputs], &values)?;
            inputs.push(&intercepts);
        }
        graph.node("Gemm", &inputs, &[output], &[])?;
        Ok(())
    }

    /// Some rows of parameters in the precision of the file.
    fn float32(&self, rows: std::ops::Range<usize>) -> Result<Vec<f32>, LinearError> {
        let mut values = Vec::with_capacity(rows.len() * self.outputs());
        for column in rows {
            for value in self.parameters.row(column) {
                let value = *value as f32;
                if !value.is_finite() {
                    return Err(LinearError::CoefficientRange { column });
                }
                values.push(value);
            }
        }
        Ok(values)
    }
}
