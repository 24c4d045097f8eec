//! Newton's method for a convex loss with the elastic-net penalty (proximal Newton; Lee, Sun and
//! Saunders 2014, SIAM Journal on Optimization 24:1420).
//!
//! glmnet approximates the second derivatives by their diagonal in the linear predictors, which is
//! slow for Cox and several classes; here they are exact, so the last steps double the digits.

use ndarray::{Array1, Array2};

use super::cholesky::Cholesky;
use super::design::Design;
use super::quadratic::Quadratic;
use super::settings::{Penalty, Settings};
use crate::linear::LinearError;

/// Parameters of one Newton step; where more would move, the steepest ones do.
const WORKING_LIMIT: usize = 2_000;
/// Halvings of a step before it is given up.
const MAX_HALVINGS: usize = 60;
/// Share of the predicted descent that a step must bring (Armijo).
const SUFFICIENT: f64 = 1e-4;
/// A column of which less than this share is left beside the others counts as their combination.
const COLLINEAR: f64 = 1e-11;
/// Share of the violation that the problem of a step is solved to.
const INEXACT: f64 = 0.01;
/// Below this lambda the penalty may leave directions so flat that a small gradient says little, and
/// the last step is looked at as well.
const WEAK: f64 = 1e-6;
/// Change of a linear predictor by the last step. Where a maximum is at infinity every step moves
/// some by about 1, however small the gradient; at a true maximum the last one moves none.
const SETTLED: f64 = 0.01;
/// Gradient below which steps that still move mean that there is no maximum.
const FLAT: f64 = 1e-10;
/// Curvature given to directions that change no probability; see [`add_gauge`].
const GAUGE: f64 = 1.0;

/// A loss as a function of the linear predictors: a row for each observation, a column for each
/// output. Means over the weights of rows.
pub(super) trait Loss {
    /// The mean loss; may be infinite.
    fn value(&self, scores: &Array2<f64>) -> f64;
    /// Its derivatives by the linear predictors.
    fn slopes(&self, scores: &Array2<f64>) -> Array2<f64>;
    /// Its second derivatives by some parameters.
    fn hessian(&self, design: &Design<'_>, scores: &Array2<f64>, working: &[usize]) -> Array2<f64>;
    /// Intercepts of the best model without features; empty where there is no intercept.
    fn start(&self) -> Vec<f64>;
}

/// A minimum.
#[derive(Debug)]
pub(super) struct Minimum {
    pub(super) parameters: Array2<f64>,
    pub(super) loss: f64,
    pub(super) iterations: usize,
    /// Variances of the parameters for a sum of weights of 1; without a penalty only.
    pub(super) variances: Option<Array2<f64>>,
}

/// The parameters of the model without features.
pub(super) fn null_parameters(design: &Design<'_>, loss: &dyn Loss) -> Array2<f64> {
    let mut parameters = Array2::zeros((design.height(), design.outputs()));
    for (output, intercept) in loss.start().into_iter().enumerate() {
        parameters[(design.columns(), output)] = intercept;
    }
    parameters
}

/// Minimises the penalised mean loss from a starting point.
pub(super) fn minimise(
    design: &Design<'_>,
    loss: &dyn Loss,
    settings: &Settings,
    start: Array2<f64>,
) -> Result<Minimum, LinearError> {
    let penalty = settings.penalty();
    let mut fit = Fit {
        design,
        loss,
        penalty,
        scores: design.scores(&start),
        parameters: start,
    };
    let weak = settings.lambda < WEAK;
    let mut value = loss.value(&fit.scores);
    let mut violation = f64::INFINITY;
    let mut iterations = 0;
    for iteration in 0..settings.max_iterations {
        let gradient = design.gradient(&loss.slopes(&fit.scores));
        let violations = fit.violations(&gradient);
        violation = violations.iter().fold(0.0, |worst: f64, v| worst.max(*v));
        let reached = violation <= settings.tolerance;
        if reached && !weak {
            return Ok(Minimum {
                loss: value,
                parameters: fit.parameters,
                iterations: iteration,
                variances: None,
            });
        }
        let working = fit.working(&violations);
        let hessian = fit.hessian(&working);
        let step = fit.step(
            &gradient,
            &working,
            &hessian,
            if weak {
                INEXACT * violation
            } else {
                INEXACT * violation.max(10.0 * settings.tolerance)
            },
            iteration,
        )?;
        let moved = design.scores(&step);
        if reached && moved.iter().all(|change| change.abs() < SETTLED) {
            return Ok(Minimum {
                loss: value,
                variances: penalty.none().then(|| fit.variances(hessian)).transpose()?,
                parameters: fit.parameters,
                iterations: iteration,
            });
        }
        if reached && penalty.none() && violation <= FLAT {
            return Err(LinearError::Separated);
        }
        match fit.search(&gradient, &step, &moved, value) {
            Some(next) => value = next,
            None => break,
        }
        iterations = iteration + 1;
    }
    Err(LinearError::NotConverged {
        lambda: settings.lambda,
        iterations,
        violation,
        tolerance: settings.tolerance,
    })
}

struct Fit<'a, 'd> {
    design: &'a Design<'d>,
    loss: &'a dyn Loss,
    penalty: Penalty,
    parameters: Array2<f64>,
    scores: Array2<f64>,
}

impl Fit<'_, '_> {
    fn penalty_of(&self, parameter: usize) -> Penalty {
        if self.design.penalised(parameter) {
            self.penalty
        } else {
            Penalty { l1: 0.0, l2: 0.0 }
        }
    }

    fn violations(&self, gradient: &Array2<f64>) -> Vec<f64> {
        self.parameters
            .iter()
            .zip(gradient)
            .enumerate()
            .map(|(parameter, (value, gradient))| {
                let violation = self.penalty_of(parameter).violation(*value, *gradient);
                // A comparison with NaN would take it for reached.
                if violation.is_nan() {
                    f64::INFINITY
                } else {
                    violation
                }
            })
            .collect()
    }

    /// The parameters of the next step: those that are not zero or should not be.
    fn working(&self, violations: &[f64]) -> Vec<usize> {
        let values: Vec<f64> = self.parameters.iter().copied().collect();
        let mut working: Vec<usize> = (0..values.len())
            .filter(|parameter| {
                self.penalty_of(*parameter).l1 == 0.0
                    || values[*parameter] != 0.0
                    || violations[*parameter] > 0.0
            })
            .collect();
        if working.len() > WORKING_LIMIT && !self.penalty.none() {
            working.sort_by(|left, right| {
                let free = |parameter: &usize| self.design.penalised(*parameter);
                free(left)
                    .cmp(&free(right))
                    .then(violations[*right].total_cmp(&violations[*left]))
            });
            working.truncate(WORKING_LIMIT);
            working.sort_unstable();
        }
        working
    }

    fn hessian(&self, working: &[usize]) -> Array2<f64> {
        let mut hessian = self.loss.hessian(self.design, &self.scores, working);
        add_gauge(self.design, self.penalty, working, &mut hessian);
        hessian
    }

    /// The Newton step as a table like the parameters.
    fn step(
        &self,
        gradient: &Array2<f64>,
        working: &[usize],
        hessian: &Array2<f64>,
        tolerance: f64,
        iteration: usize,
    ) -> Result<Array2<f64>, LinearError> {
        let outputs = self.design.outputs();
        let pick = |table: &Array2<f64>| {
            Array1::from_iter(working.iter().map(|p| table[(p / outputs, p % outputs)]))
        };
        let quadratic = Quadratic {
            gradient: pick(gradient),
            hessian,
            start: pick(&self.parameters),
            penalised: working.iter().map(|p| self.design.penalised(*p)).collect(),
            penalty: self.penalty,
        };
        let limit = if self.penalty.none() && iteration == 0 {
            COLLINEAR
        } else {
            0.0
        };
        let target = quadratic.minimise(tolerance, limit).map_err(|singular| {
            let column = self.design.column_of(working[singular.index]);
            if iteration == 0 && column < self.design.columns() {
                LinearError::Collinear { column }
            } else {
                LinearError::Separated
            }
        })?;
        let mut step = Array2::zeros(self.parameters.raw_dim());
        for ((parameter, value), start) in working.iter().zip(target).zip(&quadratic.start) {
            step[(parameter / outputs, parameter % outputs)] = value - start;
        }
        Ok(step)
    }

    /// Halves the step until it descends, and takes it.
    fn search(
        &mut self,
        gradient: &Array2<f64>,
        step: &Array2<f64>,
        moved: &Array2<f64>,
        loss: f64,
    ) -> Option<f64> {
        let before = loss + self.penalty_sum(&self.parameters);
        let whole = &self.parameters + step;
        let predicted =
            (gradient * step).sum() + self.penalty_sum(&whole) - self.penalty_sum(&self.parameters);
        // Close to the minimum the objective no longer changes in a double.
        let rounding = 64.0 * f64::EPSILON * (1.0 + before.abs());
        let mut share = 1.0;
        for _ in 0..MAX_HALVINGS {
            let mut parameters = &self.parameters + &(step * share);
            let scores = &self.scores + &(moved * share);
            let value = self.loss.value(&scores);
            let after = value + self.penalty_sum(&parameters);
            if after <= before + SUFFICIENT * share * predicted + rounding {
                // A whole step leaves exact zeros; scores are computed anew so that rounding does
                // not gather in them.
                self.centre(&mut parameters);
                self.scores = self.design.scores(&parameters);
                self.parameters = parameters;
                return Some(value);
            }
            share *= 0.5;
        }
        None
    }

    /// Makes coefficients of classes sum to zero where no penalty decides, which changes no
    /// probability. Steps do so but for rounding and for how exactly they are solved for.
    fn centre(&self, parameters: &mut Array2<f64>) {
        let outputs = self.design.outputs();
        for (column, mut row) in parameters.rows_mut().into_iter().enumerate() {
            if outputs > 1 && (column >= self.design.columns() || self.penalty.none()) {
                let mean = row.sum() / outputs as f64;
                row -= mean;
            }
        }
    }

    fn penalty_sum(&self, parameters: &Array2<f64>) -> f64 {
        let terms = parameters.iter().enumerate();
        terms
            .map(|(parameter, value)| self.penalty_of(parameter).value(*value))
            .sum()
    }

    /// Variances of all parameters from the second derivatives at the minimum.
    fn variances(&self, hessian: Array2<f64>) -> Result<Array2<f64>, LinearError> {
        let outputs = self.design.outputs();
        let factor = Cholesky::new(hessian, 0.0).map_err(|_| LinearError::Separated)?;
        let mut diagonal = factor.inverse_diagonal();
        if outputs > 1 {
            // What the gauge itself contributes.
            diagonal -= 1.0 / (GAUGE * (outputs * outputs) as f64);
        }
        let mut variances = Array2::zeros(self.parameters.raw_dim());
        for (target, value) in variances.iter_mut().zip(diagonal) {
            *target = value;
        }
        Ok(variances)
    }
}

/// With one set of coefficients for each class, adding a constant to all classes changes nothing.
/// Where no penalty decides, this gives such directions a curvature, so that no step goes along
/// them.
fn add_gauge(design: &Design<'_>, penalty: Penalty, working: &[usize], hessian: &mut Array2<f64>) {
    if design.outputs() == 1 {
        return;
    }
    for (row, left) in working.iter().enumerate() {
        if design.penalised(*left) && !penalty.none() {
            continue;
        }
        for (column, right) in working.iter().enumerate() {
            if design.column_of(*left) == design.column_of(*right) {
                hessian[(row, column)] += GAUGE;
            }
        }
    }
}
