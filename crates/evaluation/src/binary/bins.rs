//! Bins of predicted probabilities.

use crate::quantile::quantile;
use crate::undefined::{Undefined, Value};

/// Normal quantile of 97.5 %.
const Z_95: f64 = 1.959_963_984_540_054;

/// How probabilities are cut into bins. A probability on an edge is in the lower bin, and edges are
/// rounded as NumPy's are, so bins are those of scikit-learn's `calibration_curve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binning {
    /// Edges at 0, 1/n, 2/n, ...
    EqualWidth(usize),
    /// Edges at quantiles of the probabilities. Equal probabilities are in the same bin.
    EqualCount(usize),
}

impl Binning {
    /// How many.
    #[must_use]
    pub fn bins(self) -> usize {
        match self {
            Self::EqualWidth(bins) | Self::EqualCount(bins) => bins,
        }
    }
}

/// A bin of the calibration curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Its number, from 0.
    pub bin: usize,
    /// Mean predicted probability.
    pub predicted: f64,
    /// Share with the outcome.
    pub observed: f64,
    /// Lower end of Wilson's 95 % interval of the share.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
    /// Patients.
    pub patients: u64,
    /// Those with the outcome.
    pub events: u64,
}

/// Sums of a bin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BinSums {
    predicted: f64,
    patients: u64,
    events: u64,
}

impl BinSums {
    pub(super) fn add(&mut self, probability: f64, outcome: bool, count: u32) {
        self.predicted += probability * f64::from(count);
        self.patients += u64::from(count);
        self.events += u64::from(count) * u64::from(outcome);
    }

    pub(super) fn bin(&self, bin: usize) -> Option<CalibrationBin> {
        if self.patients == 0 {
            return None;
        }
        let (lower, upper) = wilson(self.events, self.patients);
        Some(CalibrationBin {
            bin,
            predicted: self.predicted / self.patients as f64,
            observed: self.events as f64 / self.patients as f64,
            lower,
            upper,
            patients: self.patients,
            events: self.events,
        })
    }
}

/// Mean distance of predicted and observed, weighted by patients (Naeini et al. 2015, AAAI).
pub(super) fn expected_error(sums: &[BinSums]) -> Value {
    let patients: u64 = sums.iter().map(|sums| sums.patients).sum();
    if patients == 0 {
        return Err(Undefined::NoPatients);
    }
    let distance = |sums: &BinSums| (sums.predicted - sums.events as f64).abs();
    Ok(sums.iter().map(distance).sum::<f64>() / patients as f64)
}

/// Wilson's 95 % interval (1927, JASA 22:209).
fn wilson(events: u64, patients: u64) -> (f64, f64) {
    let n = patients as f64;
    let share = events as f64 / n;
    let square = Z_95 * Z_95;
    let centre = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half =
        (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt() * Z_95 / (1.0 + square / n);
    // Exact at the ends, where rounding would leave a tiny number.
    let lower = if events == 0 { 0.0 } else { centre - half };
    let upper = if events == patients {
        1.0
    } else {
        centre + half
    };
    (lower, upper)
}

/// Inner edges of bins of equal width.
pub(super) fn width_edges(bins: usize) -> Vec<f64> {
    let step = 1.0 / bins as f64;
    (1..bins).map(|edge| edge as f64 * step).collect()
}

/// Inner edges of bins of equal count: quantiles of probabilities in ascending order, each with its
/// count. There is at least one.
pub(super) fn count_edges(ascending: impl Iterator<Item = (f64, u32)>, bins: usize) -> Vec<f64> {
    // Values with the number of patients up to and with each of them.
    let mut values: Vec<(u64, f64)> = Vec::new();
    let mut total = 0;
    for (value, count) in ascending.filter(|(_, count)| *count > 0) {
        total += u64::from(count);
        values.push((total, value));
    }
    let at = |rank: u64| {
        let place = values.partition_point(|(end, _)| *end <= rank);
        values.get(place).map_or(0.0, |(_, value)| *value)
    };
    let step = 1.0 / bins as f64;
    (1..bins)
        // By way of percent, as scikit-learn goes: an edge on a patient's value must not move.
        .map(|edge| quantile(total, edge as f64 * step * 100.0 / 100.0, at))
        .collect()
}

/// The bin of a probability.
pub(super) fn bin_of(edges: &[f64], probability: f64) -> usize {
    edges.partition_point(|edge| *edge < probability)
}
