//! Unpenalised logistic regression on one or two columns, by Newton's method.

/// Intercept and two columns.
const MOST: usize = 3;
/// Rounds until the search is given up; a dozen are usual.
const MAX_ROUNDS: usize = 200;
/// Longest step, in standard deviations of the columns: from a flat place Newton's own step leaps.
const MAX_STEP: f64 = 5.0;
/// A step this small, relative to the coefficients, is the last one: the error after it is about its
/// square.
const LAST_STEP: f64 = 1e-9;
/// Loss of the likelihood, relative to it, that is rounding: near the maximum it hides what a step
/// gains.
const ROUNDING: f64 = 1e-12;
/// Log odds whose probability is 1 to the last bit.
const MAX_LOGIT: f64 = 40.0;
/// How often a step that does not gain is halved.
const MAX_HALVINGS: usize = 40;

/// What is regressed on what.
pub(crate) struct Logistic<'a> {
    /// Columns besides the intercept, two at most.
    pub(crate) columns: &'a [&'a [f64]],
    /// Part of the linear predictor with coefficient 1.
    pub(crate) offset: Option<&'a [f64]>,
    /// From 0 to 1.
    pub(crate) targets: &'a [f64],
    /// How often each row counts.
    pub(crate) counts: &'a [u32],
}

/// Coefficients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fit {
    /// Intercept first; those of columns that are not there are 0.
    pub(crate) coefficients: [f64; MOST],
    /// The logarithm of the likelihood there.
    pub(crate) log_likelihood: f64,
}

/// Value and derivatives at one place.
struct Slope {
    log_likelihood: f64,
    gradient: [f64; MOST],
    information: [[f64; MOST]; MOST],
}

/// The logistic function.
pub(crate) fn sigmoid(value: f64) -> f64 {
    if value >= 0.0 {
        1.0 / (1.0 + (-value).exp())
    } else {
        let power = value.exp();
        power / (1.0 + power)
    }
}

impl Logistic<'_> {
    /// The maximum of the likelihood, searched from `start`. `None` where a column does not vary or
    /// the search does not arrive, as where the likelihood has no maximum.
    pub(crate) fn fit(&self, start: [f64; MOST]) -> Option<Fit> {
        let size = 1 + self.columns.len().min(MOST - 1);
        let scales = self.scales()?;
        if self.columns.is_empty() {
            return self.fit_intercept(start[0]);
        }
        let mut place = [0.0; MOST];
        place[0] = start[0];
        for (column, (mean, deviation)) in scales.iter().enumerate().take(size - 1) {
            place[column + 1] = start[column + 1] * deviation;
            place[0] += start[column + 1] * mean;
        }
        let mut slope = self.slope(&place, &scales);
        for _ in 0..MAX_ROUNDS {
            let mut step = solve(slope.information, slope.gradient, size)?;
            let length = largest(&step);
            if !length.is_finite() {
                return None;
            }
            if length > MAX_STEP {
                step = step.map(|own| own * MAX_STEP / length);
            }
            let last = length <= LAST_STEP * (1.0 + largest(&place));
            let mut moved = sum(&place, &step);
            let mut next = self.slope(&moved, &scales);
            for _ in 0..MAX_HALVINGS {
                let slack = ROUNDING * slope.log_likelihood.abs();
                if last || next.log_likelihood >= slope.log_likelihood - slack {
                    break;
                }
                step = step.map(|own| own * 0.5);
                moved = sum(&place, &step);
                next = self.slope(&moved, &scales);
            }
            place = moved;
            slope = next;
            if last {
                return Some(self.unscale(&place, &scales, slope.log_likelihood));
            }
        }
        None
    }

    /// The intercept alone: its slope falls all the way, so it can be held between two ends, also where
    /// it is so flat (offsets of 30 to either side) that Newton's steps go astray.
    fn fit_intercept(&self, start: f64) -> Option<Fit> {
        let at = |intercept: f64| self.slope(&[intercept, 0.0, 0.0], &[(0.0, 1.0); MOST - 1]);
        let offsets = self.offset.unwrap_or_default().iter();
        let most = offsets.fold(0.0, |most: f64, own| most.max(own.abs()));
        let (mut low, mut high) = (-most - MAX_LOGIT, most + MAX_LOGIT);
        if at(low).gradient[0] <= 0.0 || at(high).gradient[0] >= 0.0 {
            return None;
        }
        let mut place = start.clamp(low, high);
        for _ in 0..MAX_ROUNDS {
            let slope = at(place);
            let gradient = slope.gradient[0];
            let newton = gradient / slope.information[0][0];
            let small = |step: f64| step.abs() <= LAST_STEP * (1.0 + place.abs());
            let is_flat = high - low <= LAST_STEP * (1.0 + place.abs()) * 1e-3;
            if gradient == 0.0 || is_flat || (newton.is_finite() && small(newton)) {
                let last = if newton.is_finite() && small(newton) {
                    newton
                } else {
                    0.0
                };
                let place = [place + last, 0.0, 0.0];
                return Some(Fit {
                    coefficients: place,
                    log_likelihood: at(place[0]).log_likelihood,
                });
            }
            if gradient > 0.0 {
                low = place;
            } else {
                high = place;
            }
            let next = place + newton;
            place = if next > low && next < high {
                next
            } else {
                low + (high - low) / 2.0
            };
        }
        None
    }

    /// Mean and standard deviation of each column: on their scale Newton's equations are well posed.
    fn scales(&self) -> Option<[(f64, f64); MOST - 1]> {
        let total: f64 = self.counts.iter().map(|count| f64::from(*count)).sum();
        let mut scales = [(0.0, 1.0); MOST - 1];
        for (scale, column) in scales.iter_mut().zip(self.columns) {
            let pairs = || column.iter().zip(self.counts);
            let sum: f64 = pairs()
                .map(|(value, count)| value * f64::from(*count))
                .sum();
            let mean = sum / total;
            let squares: f64 = pairs()
                .map(|(value, count)| (value - mean).powi(2) * f64::from(*count))
                .sum();
            let deviation = (squares / total).sqrt();
            if !(deviation > 0.0 && deviation.is_finite()) {
                return None;
            }
            *scale = (mean, deviation);
        }
        Some(scales)
    }

    fn unscale(
        &self,
        place: &[f64; MOST],
        scales: &[(f64, f64); MOST - 1],
        log_likelihood: f64,
    ) -> Fit {
        let mut coefficients = *place;
        for (column, (mean, deviation)) in scales.iter().enumerate().take(self.columns.len()) {
            coefficients[column + 1] = place[column + 1] / deviation;
            coefficients[0] -= coefficients[column + 1] * mean;
        }
        Fit {
            coefficients,
            log_likelihood,
        }
    }

    fn slope(&self, place: &[f64; MOST], scales: &[(f64, f64); MOST - 1]) -> Slope {
        let mut slope = Slope {
            log_likelihood: 0.0,
            gradient: [0.0; MOST],
            information: [[0.0; MOST]; MOST],
        };
        let size = 1 + self.columns.len().min(MOST - 1);
        for (row, (target, count)) in self.targets.iter().zip(self.counts).enumerate() {
            if *count == 0 {
                continue;
            }
            let weight = f64::from(*count);
            let mut values = [1.0, 0.0, 0.0];
            for (column, own) in self.columns.iter().enumerate().take(size - 1) {
                let (mean, deviation) = scales[column];
                values[column + 1] = (own[row] - mean) / deviation;
            }
            let mut predictor = self.offset.map_or(0.0, |offset| offset[row]);
            for (value, coefficient) in values.iter().zip(place) {
                predictor += value * coefficient;
            }
            // One exponential serves the probability and the likelihood, without overflow.
            let power = (-predictor.abs()).exp();
            let smaller = power / (1.0 + power);
            let softplus = predictor.max(0.0) + power.ln_1p();
            slope.log_likelihood += weight * (target * predictor - softplus);
            // Away from 1 and from 0 alike without cancellation.
            let residual = if predictor >= 0.0 {
                (target - 1.0) + smaller
            } else {
                target - smaller
            };
            let information = weight * smaller * (1.0 - smaller);
            for i in 0..size {
                slope.gradient[i] += weight * residual * values[i];
                for j in 0..=i {
                    slope.information[i][j] += information * values[i] * values[j];
                }
            }
        }
        slope
    }
}

fn sum(a: &[f64; MOST], b: &[f64; MOST]) -> [f64; MOST] {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

fn largest(values: &[f64; MOST]) -> f64 {
    values.iter().fold(0.0, |most, value| {
        // Not `max`, which would hide a NaN.
        if value.abs() <= most {
            most
        } else {
            value.abs()
        }
    })
}

/// Solves by Cholesky's decomposition of the lower triangle. `None` where it is not positive definite.
fn solve(matrix: [[f64; MOST]; MOST], right: [f64; MOST], size: usize) -> Option<[f64; MOST]> {
    let mut lower = [[0.0; MOST]; MOST];
    for i in 0..size {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = matrix[i][j] - inner;
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                lower[i][i] = rest.sqrt();
            } else {
                lower[i][j] = rest / lower[j][j];
            }
        }
    }
    let mut result = [0.0; MOST];
    for i in 0..size {
        let inner: f64 = (0..i).map(|k| lower[i][k] * result[k]).sum();
        result[i] = (right[i] - inner) / lower[i][i];
    }
    for i in (0..size).rev() {
        let inner: f64 = (i + 1..size).map(|k| lower[k][i] * result[k]).sum();
        result[i] = (result[i] - inner) / lower[i][i];
    }
    Some(result)
}
