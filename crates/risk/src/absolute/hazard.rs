//! Hazards by age: the baseline that gives the population its incidence, and risk over an interval.

use super::config::Integration;
use super::factor::{Predictor, Spread};

/// A part of the population with one known linear predictor.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// Share of the population; any positive scale.
    pub(super) weight: f64,
    pub(super) predictor: Predictor,
}

/// Hazards of the outcome by age, with derivatives, and of other causes of death.
#[derive(Clone, Debug)]
pub(super) struct Hazards {
    /// Age of the first entry.
    pub(super) first: u16,
    /// Of the outcome at a linear predictor of 0, per person and year.
    baseline: Vec<f64>,
    /// Derivatives of `baseline`; shape (ages, parameters), row-major.
    gradient: Vec<f64>,
    /// Of death from other causes.
    competing: Vec<f64>,
    parameters: usize,
    rule: Integration,
}

/// Moments of the relative risk among survivors, for one component.
#[derive(Default)]
struct Moments {
    /// `E[e]`, `E[r e]`, `E[r^2 e]` with `e = exp(-r H)`.
    survivors: f64,
    risk: f64,
    square: f64,
    /// `E[u r e]`, `E[u r^2 e]`.
    risk_slope: f64,
    square_slope: f64,
}

impl Moments {
    fn of(component: &Component, spread: &Spread, cumulative: f64) -> Self {
        let mut moments = Self::default();
        for [u, weight] in &spread.nodes {
            let risk = (component.predictor.log + spread.deviation * u).exp();
            let survivors = component.weight * weight * (-risk * cumulative).exp();
            let risks = survivors * risk;
            moments.survivors += survivors;
            moments.risk += risks;
            moments.square += risks * risk;
            moments.risk_slope += u * risks;
            moments.square_slope += u * risks * risk;
        }
        moments
    }
}

impl Hazards {
    /// Hazards under which the population has the given incidence.
    ///
    /// At each age the incidence is the baseline hazard times the mean relative risk of those who
    /// are still free of the outcome (Gail et al. 1989, J Natl Cancer Inst 81:1879; Pal Choudhury
    /// et al. 2020). iCARE iterates to that; the hazard at an age depends on earlier ages alone, so
    /// one pass from the first age on is exact.
    pub(super) fn estimate(
        first: u16,
        incidence: &[f64],
        competing: Vec<f64>,
        components: &[Component],
        spread: &Spread,
        rule: Integration,
    ) -> Self {
        let parameters = spread.gradient.len();
        let mut hazards = Self {
            first,
            baseline: Vec::with_capacity(incidence.len()),
            gradient: Vec::with_capacity(incidence.len() * parameters),
            competing,
            parameters,
            rule,
        };
        let mut cumulative = 0.0;
        let mut cumulative_gradient = vec![0.0; parameters];
        for rate in incidence {
            let mut all = Moments::default();
            let mut risk_gradient = vec![0.0; parameters];
            let mut survivor_gradient = vec![0.0; parameters];
            for component in components {
                let own = Moments::of(component, spread, cumulative);
                all.survivors += own.survivors;
                all.risk += own.risk;
                all.square += own.square;
                let level = own.risk - cumulative * own.square;
                let slope = own.risk_slope - cumulative * own.square_slope;
                for (k, gradient) in component.predictor.gradient.iter().enumerate() {
                    risk_gradient[k] += gradient * level + spread.gradient[k] * slope;
                    survivor_gradient[k] -=
                        cumulative * (gradient * own.risk + spread.gradient[k] * own.risk_slope);
                }
            }
            let mean = all.risk / all.survivors;
            let hazard = rate / mean;
            for k in 0..parameters {
                let risk = risk_gradient[k] - cumulative_gradient[k] * all.square;
                let survivors = survivor_gradient[k] - cumulative_gradient[k] * all.risk;
                let slope = (risk - mean * survivors) / all.survivors;
                hazards.gradient.push(-hazard * slope / mean);
            }
            let own = hazards.gradient.len() - parameters;
            for (sum, more) in cumulative_gradient.iter_mut().zip(&hazards.gradient[own..]) {
                *sum += more;
            }
            hazards.baseline.push(hazard);
            cumulative += hazard;
        }
        hazards
    }

    /// Hazards of the population itself, without parameters.
    pub(super) fn population(
        first: u16,
        incidence: Vec<f64>,
        competing: Vec<f64>,
        rule: Integration,
    ) -> Self {
        Self {
            first,
            baseline: incidence,
            gradient: Vec::new(),
            competing,
            parameters: 0,
            rule,
        }
    }

    /// Whether every hazard and derivative is a number.
    pub(super) fn is_finite(&self) -> bool {
        self.baseline.iter().all(|hazard| hazard.is_finite())
            && self.gradient.iter().all(|slope| slope.is_finite())
    }

    /// Risk of the outcome from `start` to `end` (years, `end` not included) of a person who is free
    /// of it at `start`, before death from another cause. Its derivatives, times `weight`, are added
    /// to `gradient`, and the risk up to the end of each year, times `weight`, to `years`; the last of
    /// them is the result. An empty `years` is left alone.
    pub(super) fn risk(
        &self,
        start: u16,
        end: u16,
        predictor: &Predictor,
        weight: f64,
        gradient: &mut [f64],
        years: &mut [f64],
    ) -> f64 {
        let relative = predictor.log.exp();
        let from = usize::from(start.saturating_sub(self.first));
        let length = usize::from(end.saturating_sub(start));
        let mut years = years.iter_mut();
        // Of the baseline since `start`, with its derivatives.
        let mut cumulative = 0.0;
        let mut cumulative_gradient = vec![0.0; self.parameters];
        let (mut risk, mut exponent) = (0.0, 0.0_f64);
        let ages = self.baseline.iter().zip(&self.competing).enumerate();
        for (age, (baseline, competing)) in ages.skip(from).take(length) {
            let hazard = relative * baseline;
            let sum = hazard + competing;
            let survivors = exponent.exp();
            let (within, within_slope) = match self.rule {
                Integration::YearlySum => (1.0, 0.0),
                Integration::ConstantHazard => within_year(sum),
            };
            let part = survivors * hazard * within;
            risk += part;
            if let Some(year) = years.next() {
                *year += weight * risk;
            }
            let by_hazard = weight * relative * survivors * (within + hazard * within_slope);
            let by_past = weight * relative * part;
            let slopes = self.gradient.iter().skip(age * self.parameters);
            for (((own, past), slope), x) in gradient
                .iter_mut()
                .zip(&mut cumulative_gradient)
                .zip(slopes)
                .zip(&predictor.gradient)
            {
                *own += by_hazard * (baseline * x + slope) - by_past * (cumulative * x + *past);
                *past += slope;
            }
            cumulative += baseline;
            exponent -= sum;
        }
        risk
    }
}

/// Mean survival within a year of constant total hazard, and its derivative.
fn within_year(sum: f64) -> (f64, f64) {
    // Below this the series is exact to the last digit that matters.
    const SMALL: f64 = 1e-4;
    if sum < SMALL {
        return (
            1.0 - sum / 2.0 + sum * sum / 6.0,
            -0.5 + sum / 3.0 - sum * sum / 8.0,
        );
    }
    let mean = -(-sum).exp_m1() / sum;
    (mean, ((-sum).exp() - mean) / sum)
}
