//! Losses of a batch and their derivatives by the raw output.
//!
//! Sums are in 64-bit floats, in the order of the rows.

use ndarray::{ArrayRef2, ArrayViewMut2};

use super::target::{Checked, Target};

/// The loss of some rows: its mean, and the weight with which it counts among other batches.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Loss {
    pub(super) mean: f64,
    pub(super) weight: f64,
}

impl Checked<'_> {
    /// Mean loss of rows with these raw outputs, in the order of `rows`.
    ///
    /// Of classes it is the cross-entropy, its weighted sum divided by the number of rows: weights have
    /// a mean of 1 over all rows, and a batch of heavy rows shall count more. Of survival it is minus the
    /// partial likelihood (Cox 1972, with Breslow's treatment of ties) among these rows, divided by the
    /// weight of their events; without an event there is nothing to learn and the weight is 0.
    pub(super) fn loss(
        &self,
        rows: &[u32],
        raw: &ArrayRef2<f32>,
        mut derivative: Option<ArrayViewMut2<'_, f32>>,
    ) -> Loss {
        let count = rows.len() as f64;
        let mut sum = 0.0;
        match self.target {
            Target::Binary(outcomes) => {
                for (place, row) in rows.iter().enumerate() {
                    let outcome = f64::from(u8::from(outcomes[*row as usize]));
                    let (value, slope) = logistic(f64::from(raw[[place, 0]]), outcome);
                    let weight = self.weight(*row);
                    sum += weight * value;
                    if let Some(derivative) = &mut derivative {
                        derivative[[place, 0]] = (weight * slope / count) as f32;
                    }
                }
            }
            Target::Classes { labels, .. } => {
                for (place, row) in rows.iter().enumerate() {
                    let logits = raw.row(place);
                    let label = labels[*row as usize];
                    let weight = self.weight(*row);
                    let largest = logits.fold(f32::NEG_INFINITY, |a, b| a.max(*b));
                    let exponential = |logit: &f32| f64::from(logit - largest).exp();
                    let total: f64 = logits.iter().map(exponential).sum();
                    sum += weight * (total.ln() - f64::from(logits[label] - largest));
                    if let Some(derivative) = &mut derivative {
                        for (class, logit) in logits.iter().enumerate() {
                            let own = f64::from(u8::from(class == label));
                            let slope = exponential(logit) / total - own;
                            derivative[[place, class]] = (weight * slope / count) as f32;
                        }
                    }
                }
            }
            Target::Survival { times, events } => {
                return self.partial_likelihood(rows, times, events, raw, derivative);
            }
        }
        Loss {
            mean: sum / count,
            weight: count,
        }
    }

    fn partial_likelihood(
        &self,
        rows: &[u32],
        times: &[f64],
        events: &[bool],
        raw: &ArrayRef2<f32>,
        mut derivative: Option<ArrayViewMut2<'_, f32>>,
    ) -> Loss {
        let of = |place: usize| rows[place] as usize;
        let is_event = |place: &usize| events[of(*place)];
        let weight = |place: usize| self.weight(rows[place]);
        let total: f64 = (0..rows.len()).filter(is_event).map(weight).sum();
        if total <= 0.0 {
            if let Some(derivative) = &mut derivative {
                derivative.fill(0.0);
            }
            return Loss::default();
        }
        let largest = raw.fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        let hazard = |place: usize| weight(place) * f64::from(raw[[place, 0]] - largest).exp();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        // Latest first, so that the sum over those at risk grows.
        order.sort_by(|a, b| times[of(*b)].total_cmp(&times[of(*a)]));
        let ties = |a: &usize, b: &usize| times[of(*a)] == times[of(*b)];
        let (mut at_risk, mut sum) = (0.0, 0.0);
        let mut increments = Vec::new();
        for tied in order.chunk_by(ties) {
            at_risk += tied.iter().map(|place| hazard(*place)).sum::<f64>();
            let deaths: f64 = tied
                .iter()
                .filter(|p| is_event(p))
                .map(|p| weight(*p))
                .sum();
            for place in tied.iter().filter(|place| is_event(place)) {
                let relative = f64::from(raw[[*place, 0]] - largest);
                sum += weight(*place) * (at_risk.ln() - relative);
            }
            increments.push(if deaths > 0.0 { deaths / at_risk } else { 0.0 });
        }
        if let Some(derivative) = &mut derivative {
            // Earliest first: the baseline hazard that a row has lived through.
            let mut cumulative = 0.0;
            let groups: Vec<&[usize]> = order.chunk_by(ties).collect();
            for (tied, increment) in groups.iter().zip(&increments).rev() {
                cumulative += increment;
                for place in *tied {
                    let own = if is_event(place) { weight(*place) } else { 0.0 };
                    let slope = hazard(*place) * cumulative - own;
                    derivative[[*place, 0]] = (slope / total) as f32;
                }
            }
        }
        Loss {
            mean: sum / total,
            weight: total,
        }
    }
}

/// Cross-entropy of log odds and its derivative, without overflow.
pub(crate) fn logistic(logit: f64, outcome: f64) -> (f64, f64) {
    let small = (-logit.abs()).exp();
    let value = logit.max(0.0) - logit * outcome + small.ln_1p();
    let probability = if logit >= 0.0 {
        1.0 / (1.0 + small)
    } else {
        small / (1.0 + small)
    };
    (value, probability - outcome)
}
