//! How a linear model is fitted.

use serde::{Deserialize, Serialize};

use crate::linear::LinearError;

/// Deaths at the same time in the partial likelihood of Cox.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// Efron's approximation (1977, JASA 72:557), as in R's `coxph` and lifelines.
    #[default]
    Efron,
    /// Breslow's approximation (1974, Biometrics 30:89), as in glmnet and scikit-survival's Coxnet.
    Breslow,
}

/// How a linear model is fitted.
///
/// What is minimised is the mean loss with the elastic-net penalty, as glmnet scales it:
///
/// `sum(w * loss) / sum(w) + lambda * (l1_ratio * sum |b| + (1 - l1_ratio) / 2 * sum b^2)`
///
/// where the loss is minus the log-likelihood (for Cox: minus the log partial likelihood) and the
/// intercept is never penalised. Rows of weight zero are absent. Against other programs:
///
/// | program | its parameter |
/// |---|---|
/// | glmnet | `lambda`, and `alpha` for `l1_ratio` |
/// | scikit-learn `LogisticRegression` | `C = 1 / (lambda * sum(w))`; without weights `1 / (lambda * n)` |
/// | lifelines `CoxPHFitter` | `penalizer = lambda` without weights; its L1 part is a smooth approximation |
/// | scikit-survival | `alpha = lambda` of `CoxnetSurvivalAnalysis`, `alpha = lambda * n` of `CoxPHSurvivalAnalysis` |
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Strength of the penalty for each observation; 0 for none.
    pub lambda: f64,
    /// Share of the L1 penalty: 0 is ridge, 1 is lasso.
    pub l1_ratio: f64,
    /// Largest violation of the conditions of a minimum, in units of the gradient of the mean loss.
    pub tolerance: f64,
    /// Newton iterations before the fit is given up.
    pub max_iterations: usize,
    /// Deaths at the same time; for Cox only.
    pub ties: Ties,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lambda: 0.0,
            l1_ratio: 0.0,
            tolerance: 1e-10,
            max_iterations: 200,
            ties: Ties::default(),
        }
    }
}

impl Settings {
    /// Refuses values that make no sense.
    pub fn validate(&self) -> Result<(), LinearError> {
        let checks = [
            (
                "lambda",
                self.lambda,
                self.lambda.is_finite() && self.lambda >= 0.0,
                "give a number of 0 or more",
            ),
            (
                "l1_ratio",
                self.l1_ratio,
                (0.0..=1.0).contains(&self.l1_ratio),
                "give a number between 0 (ridge) and 1 (lasso)",
            ),
            (
                "tolerance",
                self.tolerance,
                self.tolerance > 0.0 && self.tolerance <= LOOSEST_TOLERANCE,
                "give a number above 0 and up to 0.0001",
            ),
            (
                "max_iterations",
                self.max_iterations as f64,
                self.max_iterations > 0,
                "give at least 1",
            ),
        ];
        for (setting, value, valid, remedy) in checks {
            if !valid {
                return Err(LinearError::Setting {
                    setting,
                    value: value.to_string(),
                    remedy,
                });
            }
        }
        Ok(())
    }

    /// The same with another strength of the penalty.
    #[must_use]
    pub fn with_lambda(&self, lambda: f64) -> Self {
        Self {
            lambda,
            ..self.clone()
        }
    }

    pub(super) fn penalty(&self) -> Penalty {
        Penalty {
            l1: self.lambda * self.l1_ratio,
            l2: self.lambda * (1.0 - self.l1_ratio),
        }
    }
}

/// Above this a fit would stop at coefficients that are not yet those of the minimum.
const LOOSEST_TOLERANCE: f64 = 1e-4;

/// The two parts of the penalty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Penalty {
    pub(super) l1: f64,
    pub(super) l2: f64,
}

impl Penalty {
    pub(super) fn none(self) -> bool {
        self.l1 == 0.0 && self.l2 == 0.0
    }

    pub(super) fn value(self, coefficient: f64) -> f64 {
        self.l1 * coefficient.abs() + 0.5 * self.l2 * coefficient * coefficient
    }

    /// By how much a penalised coefficient misses the conditions of a minimum, given the gradient
    /// of the loss (Friedman et al. 2010, Journal of Statistical Software 33:1).
    pub(super) fn violation(self, coefficient: f64, gradient: f64) -> f64 {
        let smooth = gradient + self.l2 * coefficient;
        if coefficient == 0.0 {
            (smooth.abs() - self.l1).max(0.0)
        } else {
            (smooth + self.l1 * coefficient.signum()).abs()
        }
    }
}
