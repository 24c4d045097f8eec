//! The partial likelihood of Cox (1972, Journal of the Royal Statistical Society B 34:187).
//!
//! Rows are sorted by time once. Everything is sums over those at risk, which are kept while going
//! back in time; with delayed entry, those who enter later are taken out again.

use ndarray::{Array1, Array2, Axis, Slice};

use super::baseline::Baseline;
use super::design::{Design, add_product, mirror};
use super::settings::Ties;
use super::solver::Loss;

/// Terms that are gathered before their products are taken.
const CHUNK: usize = 512;

/// A time with events.
#[derive(Clone, Copy, Debug)]
struct Event {
    time: f64,
    /// First row at this time; its events come first, those at risk reach to the end.
    first: usize,
    /// Rows with an event at this time.
    deaths: usize,
    /// First one in the order of entries who enters at this time or later.
    entered: usize,
    /// Mean weight of the rows with an event.
    weight: f64,
}

/// The negative log partial likelihood of rows that are sorted with [`order`].
#[derive(Debug)]
pub(super) struct Cox {
    times: Vec<f64>,
    died: Vec<bool>,
    /// Sum to 1.
    weights: Vec<f64>,
    /// Logarithm of what they were divided by.
    log_total: f64,
    /// Rows in the order of their entry; empty without delayed entry.
    by_entry: Vec<usize>,
    events: Vec<Event>,
    /// Events up to the time of a row, and up to its entry.
    spans: Vec<(usize, usize)>,
    ties: Ties,
}

/// The order of rows by time, events first.
pub(super) fn order(times: &[f64], died: &[bool]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|left, right| {
        times[*left]
            .total_cmp(&times[*right])
            .then(died[*right].cmp(&died[*left]))
    });
    order
}

/// What each event time sums up to.
struct Sums {
    /// Added to the logarithm of every hazard that was exponentiated.
    shift: f64,
    /// Weight times hazard of each row.
    hazards: Vec<f64>,
    /// Those at risk at each event time.
    at_risk: Vec<f64>,
    /// Those who die.
    dying: Vec<f64>,
}

impl Cox {
    pub(super) fn new(
        times: Vec<f64>,
        died: Vec<bool>,
        entries: Option<&[f64]>,
        weights: Vec<f64>,
        log_total: f64,
        ties: Ties,
    ) -> Self {
        let mut by_entry = Vec::new();
        if let Some(entries) = entries {
            by_entry = (0..times.len()).collect();
            by_entry.sort_by(|left, right| entries[*left].total_cmp(&entries[*right]));
        }
        let mut events: Vec<Event> = Vec::new();
        let mut first = 0;
        while first < times.len() {
            let time = times[first];
            let rows = times[first..].iter().take_while(|t| **t == time).count();
            let deaths = died[first..first + rows].iter().filter(|d| **d).count();
            if deaths > 0 {
                let entered = entries.map_or(0, |entries| {
                    by_entry.partition_point(|row| entries[*row] < time)
                });
                let weight: f64 = weights[first..first + deaths].iter().sum();
                events.push(Event {
                    time,
                    first,
                    deaths,
                    entered,
                    weight: weight / deaths as f64,
                });
            }
            first += rows;
        }
        let until = |time: f64| events.partition_point(|event| event.time <= time);
        let spans = times
            .iter()
            .enumerate()
            .map(|(row, time)| {
                (
                    until(*time),
                    entries.map_or(0, |entries| until(entries[row])),
                )
            })
            .collect();
        Self {
            times,
            died,
            weights,
            log_total,
            by_entry,
            events,
            spans,
            ties,
        }
    }

    fn sums(&self, scores: &Array2<f64>) -> Sums {
        let shift = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let hazards: Vec<f64> = scores
            .iter()
            .zip(&self.weights)
            .map(|(score, weight)| weight * (score - shift).exp())
            .collect();
        let mut at_risk = vec![0.0; self.events.len()];
        let mut dying = vec![0.0; self.events.len()];
        let (mut present, mut waiting) = (0.0, 0.0);
        let (mut next, mut next_entry) = (hazards.len(), self.by_entry.len());
        for (index, event) in self.events.iter().enumerate().rev() {
            present += hazards[event.first..next].iter().sum::<f64>();
            next = event.first;
            if !self.by_entry.is_empty() {
                let entries = &self.by_entry[event.entered..next_entry];
                waiting += entries.iter().map(|row| hazards[*row]).sum::<f64>();
                next_entry = event.entered;
            }
            at_risk[index] = present - waiting;
            dying[index] = hazards[event.first..event.first + event.deaths]
                .iter()
                .sum();
        }
        Sums {
            shift,
            hazards,
            at_risk,
            dying,
        }
    }

    /// The terms of an event time: which share of the dying is left out, how often.
    fn terms(&self, event: &Event) -> Vec<(f64, f64)> {
        let deaths = event.deaths as f64;
        match self.ties {
            Ties::Breslow => vec![(0.0, deaths)],
            Ties::Efron => (0..event.deaths)
                .map(|death| (death as f64 / deaths, 1.0))
                .collect(),
        }
    }

    /// For each row, the sum over the events for which it is at risk of weight over risk: the
    /// increments of the cumulative hazard that it meets.
    fn exposures(&self, sums: &Sums) -> Vec<f64> {
        let mut cumulative = vec![0.0];
        let mut total = 0.0;
        let mut exposures = vec![0.0; self.times.len()];
        for (index, event) in self.events.iter().enumerate() {
            let mut left_out = 0.0;
            for (share, count) in self.terms(event) {
                let increment =
                    count * event.weight / (sums.at_risk[index] - share * sums.dying[index]);
                total += increment;
                left_out += share * increment;
            }
            cumulative.push(total);
            for exposure in &mut exposures[event.first..event.first + event.deaths] {
                *exposure -= left_out;
            }
        }
        for (exposure, (until, before)) in exposures.iter_mut().zip(&self.spans) {
            *exposure += cumulative[*until] - cumulative[*before];
        }
        exposures
    }

    /// Breslow's estimate of the cumulative hazard of a row whose features are all zero.
    pub(super) fn baseline(&self, scores: &Array2<f64>) -> Baseline {
        let sums = self.sums(scores);
        let scale = (-sums.shift).exp();
        let mut total = 0.0;
        let mut steps = Vec::with_capacity(self.events.len());
        for (event, at_risk) in self.events.iter().zip(&sums.at_risk) {
            total += event.deaths as f64 * event.weight / at_risk * scale;
            steps.push((event.time, total));
        }
        let last = self.times.last().copied().unwrap_or(0.0);
        Baseline::new(steps, last)
    }
}

impl Loss for Cox {
    fn value(&self, scores: &Array2<f64>) -> f64 {
        let sums = self.sums(scores);
        let mut value = 0.0;
        for ((died, weight), score) in self.died.iter().zip(&self.weights).zip(scores) {
            if *died {
                value -= weight * (score - sums.shift);
            }
        }
        for (index, event) in self.events.iter().enumerate() {
            for (share, count) in self.terms(event) {
                let risk = sums.at_risk[index] - share * sums.dying[index];
                if risk <= 0.0 {
                    return f64::INFINITY;
                }
                value += count * event.weight * (risk.ln() + self.log_total);
            }
        }
        value
    }

    fn slopes(&self, scores: &Array2<f64>) -> Array2<f64> {
        let sums = self.sums(scores);
        let exposures = self.exposures(&sums);
        let mut slopes = scores.clone();
        for (row, slope) in slopes.iter_mut().enumerate() {
            *slope = sums.hazards[row] * exposures[row]
                - if self.died[row] {
                    self.weights[row]
                } else {
                    0.0
                };
        }
        slopes
    }

    /// The sum of squares of everybody at risk, less the squares of their means at each event: two
    /// matrix products.
    fn hessian(&self, design: &Design<'_>, scores: &Array2<f64>, working: &[usize]) -> Array2<f64> {
        let sums = self.sums(scores);
        let exposures = Array1::from(self.exposures(&sums)) * Array1::from(sums.hazards.clone());
        let mut hessian = design
            .products(working, &exposures.insert_axis(Axis(1)))
            .remove(0);
        let size = working.len();
        let mut row = vec![0.0; size];
        let mut at_risk = Array1::<f64>::zeros(size);
        let mut chunk = Array2::<f64>::zeros((CHUNK, size));
        let mut filled = 0;
        let (mut next, mut next_entry) = (self.times.len(), self.by_entry.len());
        let mut add = |index: usize, factor: f64, target: &mut Array1<f64>| {
            design.gather(index, working, &mut row);
            for (sum, value) in target.iter_mut().zip(&row) {
                *sum += factor * sums.hazards[index] * value;
            }
        };
        for (index, event) in self.events.iter().enumerate().rev() {
            for row in event.first..next {
                add(row, 1.0, &mut at_risk);
            }
            next = event.first;
            if !self.by_entry.is_empty() {
                for row in &self.by_entry[event.entered..next_entry] {
                    add(*row, -1.0, &mut at_risk);
                }
                next_entry = event.entered;
            }
            let mut dying = Array1::zeros(size);
            if self.ties == Ties::Efron && event.deaths > 1 {
                for row in event.first..event.first + event.deaths {
                    add(row, 1.0, &mut dying);
                }
            }
            for (share, count) in self.terms(event) {
                let risk = sums.at_risk[index] - share * sums.dying[index];
                let scale = (count * event.weight).sqrt() / risk;
                let mut target = chunk.row_mut(filled);
                target.assign(&at_risk);
                target.scaled_add(-share, &dying);
                target *= scale;
                filled += 1;
                if filled == CHUNK {
                    add_product(-1.0, &chunk, &chunk, &mut hessian);
                    filled = 0;
                }
            }
        }
        let rest = chunk.slice_axis(Axis(0), Slice::from(..filled));
        add_product(-1.0, &rest, &rest, &mut hessian);
        mirror(&mut hessian);
        hessian
    }

    fn start(&self) -> Vec<f64> {
        Vec::new()
    }
}
