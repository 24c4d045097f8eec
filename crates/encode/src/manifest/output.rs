//! Outputs of a model: what they mean and how the raw numbers become published ones.

use serde::{Deserialize, Serialize};
pub use varisk_evaluation::Calibrator as Calibration;

use crate::ManifestError;

/// One output of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// Name of the model's output tensor, shape (batch) or (batch, width).
    pub tensor: String,
    /// Name in columns and features: letters, digits, `-` and `_`; unique in the model.
    pub name: String,
    /// What the number says, for people.
    pub meaning: String,
    /// Index into the last dimension, from 0; may be left out where the width is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Applied to the raw numbers.
    #[serde(default)]
    pub activation: Activation,
    /// Applied to the result of the activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// A published value from which on an allele counts in the burden count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Which way risk goes, where the output has a way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub higher_is: Option<RiskDirection>,
}

/// What turns raw numbers into the score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Share of `exp(x)` in the sum over the last dimension.
    Softmax,
}

/// Which way risk goes as an output rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskDirection {
    /// A higher number is more risk.
    Riskier,
    /// A higher number is less risk.
    Safer,
}

impl OutputSpec {
    /// Checks the width (size of the last dimension, 1 for shape (batch)) that the model really
    /// has. To be called once, when the model is loaded.
    ///
    /// # Errors
    /// `column` is missing or out of range, or a softmax has one number only.
    pub fn check_width(&self, width: usize) -> Result<(), ManifestError> {
        let problem = match self.column {
            _ if width == 0 => "is empty; export the model again".to_owned(),
            None if width > 1 => {
                format!("has {width} columns; say which with column")
            }
            Some(column) if column as usize >= width => {
                format!("has {width} column(s), column {column} does not exist; correct column")
            }
            _ if self.activation == Activation::Softmax && width == 1 => {
                "has 1 column, of which a softmax is always 1; correct activation".to_owned()
            }
            _ => return Ok(()),
        };
        Err(ManifestError::OutputWidth {
            output: self.name.clone(),
            tensor: self.tensor.clone(),
            problem,
        })
    }

    /// Turns one row of the output tensor (its last dimension) into the published number:
    /// activation, then calibration, in `f64`, rounded once to `f32`. `None` where the result is
    /// not finite, any number of a softmax is not, or the row is not as [`Self::check_width`] wants
    /// it.
    #[must_use]
    pub fn finish(&self, raw: &[f32]) -> Option<f32> {
        let index = match self.column {
            Some(column) => column as usize,
            None if raw.len() == 1 => 0,
            None => return None,
        };
        let chosen = f64::from(*raw.get(index)?);
        // A sigmoid of an infinity is finite: it would hide that the model overflowed.
        if !chosen.is_finite() {
            return None;
        }
        let activated = match self.activation {
            Activation::None => chosen,
            Activation::Sigmoid => sigmoid(chosen),
            Activation::Softmax => softmax(raw, chosen)?,
        };
        let value = match &self.calibration {
            None => activated,
            Some(calibration) => calibration.apply(activated).ok()?,
        };
        let value = value as f32;
        value.is_finite().then_some(value)
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Share of `exp(chosen)` among the row, shifted by the largest so that nothing overflows.
fn softmax(raw: &[f32], chosen: f64) -> Option<f64> {
    if raw.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let largest = raw.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = raw
        .iter()
        .map(|x| (f64::from(*x) - f64::from(largest)).exp())
        .sum();
    Some((chosen - f64::from(largest)).exp() / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(column: Option<u32>, activation: Activation) -> OutputSpec {
        OutputSpec {
            tensor: "score".to_owned(),
            name: "pathogenicity".to_owned(),
            meaning: "test".to_owned(),
            column,
            activation,
            calibration: None,
            threshold: None,
            higher_is: None,
        }
    }

    #[test]
    fn raw_rows_become_numbers() {
        use Activation::{None as Plain, Sigmoid, Softmax};
        let check = |spec: &OutputSpec, raw: &[f32], expected: Option<f32>| {
            let got = spec.finish(raw);
            let near = match (got, expected) {
                (Some(got), Some(expected)) => (got - expected).abs() < 1e-6,
                (got, expected) => got == expected,
            };
            assert!(near, "{raw:?}: {got:?}, expected {expected:?}");
        };
        check(&output(None, Plain), &[0.25], Some(0.25));
        check(&output(None, Plain), &[0.25, 1.0], None);
        check(&output(Some(1), Plain), &[0.25, 1.0], Some(1.0));
        check(&output(Some(2), Plain), &[0.25, 1.0], None);
        check(&output(None, Plain), &[f32::NAN], None);
        check(&output(None, Sigmoid), &[0.0], Some(0.5));
        check(&output(None, Sigmoid), &[-200.0], Some(0.0));
        check(&output(None, Sigmoid), &[f32::INFINITY], None);
        check(&output(Some(0), Softmax), &[1000.0, 1000.0], Some(0.5));
        check(&output(Some(0), Softmax), &[0.0, f32::NEG_INFINITY], None);
        check(&output(Some(1), Softmax), &[0.0, 3f32.ln()], Some(0.75));
        let mut platt = output(None, Sigmoid);
        let json = r#"{"method": "platt", "slope": 2.0, "intercept": -1.0}"#;
        platt.calibration = Some(serde_json::from_str(json).unwrap());
        check(&platt, &[0.0], Some(0.5));
        check(&platt, &[f32::NAN], None);
    }

    #[test]
    fn widths() {
        let check = |spec: OutputSpec, width, fine| {
            assert_eq!(spec.check_width(width).is_ok(), fine, "{spec:?} {width}");
        };
        check(output(None, Activation::None), 1, true);
        check(output(None, Activation::None), 0, false);
        check(output(None, Activation::None), 2, false);
        check(output(Some(1), Activation::None), 2, true);
        check(output(Some(2), Activation::None), 2, false);
        check(output(Some(0), Activation::Softmax), 1, false);
        check(output(Some(0), Activation::Softmax), 2, true);
    }
}
