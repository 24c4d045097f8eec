//! Linear models: logistic regression of two or several classes and Cox's proportional hazards, with
//! the elastic-net penalty.
//!
//! Features are finite numbers that the caller has standardised: a penalty treats all columns alike,
//! and the tolerance is one of gradients. Weights count as numbers of observations, so a row of
//! weight 2 is a row that stands twice (with Efron's ties that holds of rows without an event only,
//! since two rows that die at the same time are tied).
//!
//! Left out: covariates that change in time, strata, robust standard errors.
//!
//! # Example
//!
//! ```
//! use ndarray::array;
//! use varisk_train::linear::{Settings, Target, fit};
//!
//! # fn main() -> Result<(), varisk_train::linear::LinearError> {
//! let features = array![[-1.0], [-0.5], [0.5], [1.0]];
//! let outcomes = [false, true, false, true];
//! let settings = Settings { lambda: 0.1, ..Settings::default() };
//! let model = fit(&features, &Target::Binary(&outcomes), None, &settings)?;
//! let log_odds = model.predict_raw(&array![[2.0]])?;
//! assert!(log_odds[(0, 0)] > 0.0);
//! # Ok(())
//! # }
//! ```

mod baseline;
mod cholesky;
mod cox;
mod design;
mod error;
mod logistic;
mod model;
mod quadratic;
mod rotation;
mod settings;
mod solver;
mod target;
#[cfg(test)]
mod tests;

use ndarray::{Array2, ArrayRef2};

pub use baseline::Baseline;
pub use error::LinearError;
pub use model::Linear;
pub use settings::{Settings, Ties};
pub use target::{Family, Target};

use rotation::Rotation;
use solver::{Minimum, minimise, null_parameters};
use target::{AnyLoss, Problem};

/// Share of L1 that the largest lambda of a path is computed with where there is less: with ridge
/// alone no lambda makes all coefficients zero. glmnet does the same.
const SMALLEST_L1_RATIO: f64 = 1e-3;

/// Fits a model.
///
/// Refused are: features, weights and times that are not finite or negative, outcomes that do not
/// vary, and, without a penalty, fits that have no unique answer (more coefficients than rows,
/// columns that depend on each other, perfect separation). A fit that does not converge is an error.
pub fn fit(
    features: &ArrayRef2<f64>,
    target: &Target<'_>,
    weights: Option<&[f64]>,
    settings: &Settings,
) -> Result<Linear, LinearError> {
    let mut models = path(features, target, weights, settings, &[settings.lambda])?;
    Ok(models.remove(0))
}

/// Fits a model for each lambda, each from the one before; fastest where they descend. The lambda of
/// the settings is not used.
pub fn path(
    features: &ArrayRef2<f64>,
    target: &Target<'_>,
    weights: Option<&[f64]>,
    settings: &Settings,
    lambdas: &[f64],
) -> Result<Vec<Linear>, LinearError> {
    for lambda in lambdas {
        settings.with_lambda(*lambda).validate()?;
    }
    let problem = Problem::new(features, target, weights, settings.ties)?;
    let (rows, coefficients) = (problem.design.rows(), problem.design.height());
    if coefficients > rows && lambdas.contains(&0.0) {
        return Err(LinearError::TooFewRows { coefficients, rows });
    }
    let null = null_parameters(&problem.design, problem.loss.loss());
    let null_loss = problem.loss.loss().value(&problem.design.scores(&null));
    let mut start = null.clone();
    let wide = problem.design.columns() > problem.design.rows();
    let rotation = (wide && settings.l1_ratio == 0.0).then(|| Rotation::new(&problem.design));
    let mut models = Vec::with_capacity(lambdas.len());
    for lambda in lambdas {
        let settings = settings.with_lambda(*lambda);
        if settings.penalty().none() {
            // A singular matrix means dependent columns only where no coefficient is large.
            start.clone_from(&null);
        }
        let minimum = match &rotation {
            Some(rotation) => {
                rotation.minimise(&problem.design, problem.loss.loss(), &settings, &start)?
            }
            None => minimise(&problem.design, problem.loss.loss(), &settings, start)?,
        };
        start = minimum.parameters.clone();
        models.push(linear(&problem, minimum, &settings, null_loss));
    }
    Ok(models)
}

/// The smallest lambda at which all coefficients are zero.
///
/// With a share of L1 below 0.001 it is that of 0.001, as in glmnet; coefficients are then not zero.
pub fn lambda_max(
    features: &ArrayRef2<f64>,
    target: &Target<'_>,
    weights: Option<&[f64]>,
    settings: &Settings,
) -> Result<f64, LinearError> {
    settings.validate()?;
    let problem = Problem::new(features, target, weights, settings.ties)?;
    let loss = problem.loss.loss();
    let scores = problem
        .design
        .scores(&null_parameters(&problem.design, loss));
    let gradient = problem.design.gradient(&loss.slopes(&scores));
    let largest = gradient
        .rows()
        .into_iter()
        .take(problem.design.columns())
        .flatten()
        .fold(0.0, |largest: f64, value| largest.max(value.abs()));
    Ok(largest / settings.l1_ratio.max(SMALLEST_L1_RATIO))
}

/// Lambdas from the largest down to a share of it, in equal ratios.
#[must_use]
pub fn descending(largest: f64, smallest_share: f64, count: usize) -> Vec<f64> {
    let steps = count.saturating_sub(1).max(1) as f64;
    (0..count)
        .map(|step| largest * smallest_share.powf(step as f64 / steps))
        .collect()
}

fn linear(problem: &Problem<'_>, minimum: Minimum, settings: &Settings, null_loss: f64) -> Linear {
    let baseline = match &problem.loss {
        AnyLoss::Cox(cox) => Some(cox.baseline(&problem.design.scores(&minimum.parameters))),
        _ => None,
    };
    let errors = |variances: Array2<f64>| variances.mapv(|v| (v / problem.total_weight).sqrt());
    Linear {
        family: problem.loss.family(),
        columns: problem.design.columns(),
        lambda: settings.lambda,
        l1_ratio: settings.l1_ratio,
        standard_errors: minimum.variances.map(errors),
        // Minus the mean loss could be minus zero.
        log_likelihood: 0.0 - minimum.loss * problem.total_weight,
        null_log_likelihood: 0.0 - null_loss * problem.total_weight,
        iterations: minimum.iterations,
        baseline,
        parameters: minimum.parameters,
    }
}
