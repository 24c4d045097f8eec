//! The partial likelihood of Cox (1972, JRSS B 34:187), with ties as Breslow (1974, Biometrics 30:89)
//! has them.

/// Rows that share a time.
struct Tie {
    /// Where its rows end among those sorted by falling time.
    end: usize,
    /// Sum of the weights of its events.
    events: f64,
}

/// The order of the rows, which does not change between rounds.
pub(crate) struct Cox {
    /// Rows by falling time, with their weight and whether they had the event.
    rows: Vec<(usize, f64, bool)>,
    ties: Vec<Tie>,
    /// Sum of the weights of all events.
    events: f64,
}

impl Cox {
    pub(crate) fn new(rows: &[u32], times: &[f64], events: &[bool], weights: &[f64]) -> Self {
        let mut order: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
        order.sort_by(|a, b| times[*b].total_cmp(&times[*a]));
        let mut ties = Vec::new();
        let mut end = 0;
        for tie in order.chunk_by(|a, b| times[*a] == times[*b]) {
            end += tie.len();
            let with = tie.iter().filter(|row| events[**row]);
            ties.push(Tie {
                end,
                events: with.map(|row| weights[*row]).sum(),
            });
        }
        let row = |row: &usize| (*row, weights[*row], events[*row]);
        Self {
            rows: order.iter().map(row).collect(),
            events: ties.iter().map(|tie| tie.events).sum(),
            ties,
        }
    }

    /// Weighted sums of hazards over those at risk at each time, and the largest log hazard, which is
    /// taken off before the exponential.
    fn at_risk(&self, raw: &[f64]) -> (Vec<f64>, f64) {
        let hazards = self.rows.iter().map(|(row, _, _)| raw[*row]);
        let largest = hazards.fold(f64::NEG_INFINITY, f64::max);
        let (mut start, mut sum) = (0, 0.0);
        let sums = self.ties.iter().map(|tie| {
            for (row, weight, _) in &self.rows[start..tie.end] {
                sum += weight * (raw[*row] - largest).exp();
            }
            start = tie.end;
            sum
        });
        (sums.collect(), largest)
    }

    /// Negative logarithm of the partial likelihood for each unit of weight of events.
    pub(crate) fn loss(&self, raw: &[f64]) -> f64 {
        let (sums, largest) = self.at_risk(raw);
        let risks = self.ties.iter().zip(sums);
        // Times without events have no term; their sum may be 0.
        let risks: f64 = risks
            .filter(|(tie, _)| tie.events > 0.0)
            .map(|(tie, sum)| tie.events * (sum.ln() + largest))
            .sum();
        let own = self.rows.iter().filter(|(_, _, event)| *event);
        let own: f64 = own.map(|(row, weight, _)| weight * raw[*row]).sum();
        (risks - own) / self.events
    }

    /// First derivatives of the summed loss, and the diagonal of the second ones. The entries beside
    /// the diagonal are negative, so the sum of a leaf's diagonal bounds its curvature.
    pub(crate) fn derivatives(&self, raw: &[f64], pairs: &mut [(f64, f64)]) {
        let (sums, largest) = self.at_risk(raw);
        let (mut first, mut second) = (0.0, 0.0);
        let mut end = self.rows.len();
        // By rising time: a row's terms come from the events up to its own time.
        for (place, tie) in self.ties.iter().enumerate().rev() {
            if tie.events > 0.0 {
                first += tie.events / sums[place];
                second += tie.events / (sums[place] * sums[place]);
            }
            let start = if place == 0 {
                0
            } else {
                self.ties[place - 1].end
            };
            for (row, weight, event) in &self.rows[start..end] {
                let hazard = weight * (raw[*row] - largest).exp();
                let happened = if *event { *weight } else { 0.0 };
                // Rounding may bring what is 0 below it.
                let curvature = (hazard * first - hazard * hazard * second).max(0.0);
                pairs[*row] = (hazard * first - happened, curvature);
            }
            end = start;
        }
    }
}
