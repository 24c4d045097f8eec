//! The regressions of a score on ancestry.

use nalgebra::{DMatrix, DVector};

use crate::factor::factor;

/// Rounds of alternating fits; each one gains about a digit and a half.
const MAX_ROUNDS: usize = 500;
/// Halvings of a step of Newton's method before it is given up.
const MAX_HALVINGS: usize = 60;
/// Gradient of a finished fit, for each sample, of a score of unit variance.
const TOLERANCE: f64 = 1e-13;

/// Mean and variance of a score as functions of ancestry: the mean is linear, the logarithm of the
/// variance too. Coefficients begin with the intercept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MeanAndVariance {
    pub(crate) mean: DVector<f64>,
    pub(crate) log_variance: DVector<f64>,
}

/// Ordinary least squares on a design matrix that begins with a column of ones. `None` where its
/// columns depend on each other.
pub(crate) fn least_squares(design: &DMatrix<f64>, score: &DVector<f64>) -> Option<DVector<f64>> {
    weighted(design, score, &DVector::from_element(score.len(), 1.0))
}

fn weighted(
    design: &DMatrix<f64>,
    score: &DVector<f64>,
    weights: &DVector<f64>,
) -> Option<DVector<f64>> {
    let scaled = scale_rows(design, weights);
    let right = scaled.tr_mul(score);
    Some(factor(scaled.tr_mul(design))?.solve(&right))
}

fn scale_rows(design: &DMatrix<f64>, weights: &DVector<f64>) -> DMatrix<f64> {
    let mut scaled = design.clone();
    for (mut row, weight) in scaled.row_iter_mut().zip(weights.iter()) {
        row *= *weight;
    }
    scaled
}

/// The most likely normal distributions whose mean and logarithm of variance are linear in the
/// design (Khan et al. 2022, Nature Medicine 28:1412). pgscatalog-calc minimises the same function
/// with a general minimiser that stops at a gradient of 1e-5; here the two convex halves take turns
/// until the gradient is that of rounding. `score` should be of unit scale. `None` where nothing
/// varies or no minimum is reached.
pub(crate) fn mean_and_variance(
    design: &DMatrix<f64>,
    score: &DVector<f64>,
) -> Option<MeanAndVariance> {
    let mut mean = least_squares(design, score)?;
    let mut squares = (score - design * &mean).map(|e| e * e);
    let variance = squares.mean();
    if !(variance.is_finite() && variance > f64::EPSILON) {
        return None;
    }
    let mut log_variance = DVector::zeros(design.ncols());
    log_variance[0] = variance.ln();
    let limit = TOLERANCE * score.len() as f64;
    for _ in 0..MAX_ROUNDS {
        log_variance = newton_step(design, &squares, &log_variance)?;
        let precision = (design * &log_variance).map(|value| (-value).exp());
        let next = weighted(design, score, &precision)?;
        let moved = (&next - &mean).amax();
        mean = next;
        squares = (score - design * &mean).map(|e| e * e);
        let gradient = design.tr_mul(&slope(&squares, &(design * &log_variance)));
        if gradient.amax() <= limit && moved <= TOLERANCE {
            break;
        }
    }
    let finite = |values: &DVector<f64>| values.iter().all(|value| value.is_finite());
    // What has not quite reached the limit of rounding is still a minimum to many digits.
    let gradient = design.tr_mul(&slope(&squares, &(design * &log_variance)));
    (finite(&mean) && finite(&log_variance) && gradient.amax() <= 1e6 * limit)
        .then_some(MeanAndVariance { mean, log_variance })
}

/// Derivative of the negative log-likelihood by each sample's logarithm of variance.
fn slope(squares: &DVector<f64>, log_variances: &DVector<f64>) -> DVector<f64> {
    squares.zip_map(log_variances, |square, log| {
        0.5 * (1.0 - square * (-log).exp())
    })
}

/// A step of Newton's method on the coefficients of the variance, halved until it descends.
fn newton_step(
    design: &DMatrix<f64>,
    squares: &DVector<f64>,
    coefficients: &DVector<f64>,
) -> Option<DVector<f64>> {
    let loss = |coefficients: &DVector<f64>| -> f64 {
        let logs = design * coefficients;
        let terms = squares.zip_map(&logs, |square, log| 0.5 * (log + square * (-log).exp()));
        terms.sum()
    };
    let logs = design * coefficients;
    let gradient = design.tr_mul(&slope(squares, &logs));
    let curvature = squares.zip_map(&logs, |square, log| 0.5 * square * (-log).exp());
    let hessian = scale_rows(design, &curvature).tr_mul(design);
    let mut step = factor(hessian)?.solve(&gradient);
    let before = loss(coefficients);
    for _ in 0..MAX_HALVINGS {
        let next = coefficients - &step;
        // Close to the minimum the loss no longer changes in a double.
        if loss(&next) <= before + before.abs() * f64::EPSILON * squares.len() as f64 {
            return Some(next);
        }
        step *= 0.5;
    }
    Some(coefficients.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn coefficients_of_a_known_distribution_come_back() {
        let mut random = Random::new(11);
        let n = 40_000;
        let design = DMatrix::from_fn(n, 3, |_, k| if k == 0 { 1.0 } else { random.normal() });
        let score = DVector::from_fn(n, |i, _| {
            let (a, b) = (design[(i, 1)], design[(i, 2)]);
            0.3 + 0.5 * a - b + (0.5 * (0.2 + 0.4 * a - 0.3 * b)).exp() * random.normal()
        });
        let fit = mean_and_variance(&design, &score).unwrap();
        for (got, expected) in fit.mean.iter().zip([0.3, 0.5, -1.0]) {
            assert!((got - expected).abs() < 0.03, "{got} {expected}");
        }
        for (got, expected) in fit.log_variance.iter().zip([0.2, 0.4, -0.3]) {
            assert!((got - expected).abs() < 0.03, "{got} {expected}");
        }
    }

    #[test]
    fn what_does_not_vary_has_no_fit() {
        let design = DMatrix::from_fn(50, 2, |i, k| if k == 0 { 1.0 } else { i as f64 });
        let line = DVector::from_fn(50, |i, _| 2.0 * i as f64);
        assert_eq!(mean_and_variance(&design, &line), None);
        let repeated = DMatrix::from_element(50, 2, 1.0);
        assert_eq!(least_squares(&repeated, &line), None);
    }
}
