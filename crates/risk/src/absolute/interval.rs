//! The 95 % interval of a risk.

use super::effect::NORMAL_975;
use super::factor::Parameter;

/// Bounds from the standard errors of the log relative risks, by the delta method on the scale of
/// `ln(-ln(1 - risk))`, on which a log relative risk acts almost linearly; so the bounds stay
/// between 0 and 1. Log relative risks are taken as estimated independently; the tables and the
/// distribution of factors are taken as known.
///
/// `None` where a parameter has no standard error, or the risk is 1.
pub(super) fn bounds(risk: f64, gradient: &[f64], parameters: &[Parameter]) -> Option<[f64; 2]> {
    let mut variance = 0.0;
    for (slope, parameter) in gradient.iter().zip(parameters) {
        variance += (slope * parameter.standard_error?).powi(2);
    }
    if risk <= 0.0 {
        return Some([0.0, 0.0]);
    }
    let hazard = -(-risk).ln_1p();
    if !hazard.is_finite() {
        return None;
    }
    let error = variance.sqrt() / ((1.0 - risk) * hazard);
    let at = |shift: f64| -(-hazard * shift.exp()).exp_m1();
    let bounds = [at(-NORMAL_975 * error), at(NORMAL_975 * error)];
    bounds
        .iter()
        .all(|bound| bound.is_finite())
        .then_some(bounds)
}
