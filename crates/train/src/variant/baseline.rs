//! What a variant model has to be better than: the share of pathogenic variants among those with the
//! same consequence.

use std::collections::HashMap;

use super::rows::VariantRow;

/// Shares of pathogenic variants by consequence.
pub(super) struct Baseline<'a> {
    shares: HashMap<Option<&'a str>, f64>,
    overall: f64,
}

impl<'a> Baseline<'a> {
    /// Learns from some rows, with the weights that the model learns with: else it would carry the
    /// share of pathogenic variants of the training genes into the others, and look worse than it is.
    /// Each consequence has one variant more, of which the share of all is pathogenic, so that a rare
    /// one is not 0 or 1.
    pub(super) fn fit(rows: &'a [VariantRow], training: &[usize], weights: &[f64]) -> Self {
        let own = || {
            let own = training.iter().zip(weights);
            own.filter_map(|(row, weight)| Some((rows.get(*row)?, *weight)))
        };
        let of_pathogenic = own().filter(|(row, _)| row.is_pathogenic);
        let of_pathogenic: f64 = of_pathogenic.map(|(_, weight)| weight).sum();
        let overall = of_pathogenic / own().map(|(_, weight)| weight).sum::<f64>().max(1e-300);
        let mut counts: HashMap<Option<&str>, (f64, f64)> = HashMap::new();
        for (row, weight) in own() {
            let count = counts.entry(row.term.as_deref()).or_default();
            count.0 += weight * f64::from(u8::from(row.is_pathogenic));
            count.1 += weight;
        }
        let shares = counts
            .into_iter()
            .map(|(term, (pathogenic, all))| (term, (pathogenic + overall) / (all + 1.0)));
        Self {
            shares: shares.collect(),
            overall,
        }
    }

    pub(super) fn probability(&self, row: &VariantRow) -> f64 {
        let share = self.shares.get(&row.term.as_deref());
        share.copied().unwrap_or(self.overall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variant::rows::testing::row;

    #[test]
    fn shares_by_term() {
        let of = |term: &str, is_pathogenic| VariantRow {
            term: Some(term.to_owned()),
            ..row(1, is_pathogenic)
        };
        let rows = [
            of("stop", true),
            of("stop", true),
            of("missense", false),
            of("missense", true),
            of("missense", false),
            of("new", true),
            of("stop", false),
        ];
        // The last two are not learned from.
        let baseline = Baseline::fit(&rows, &[0, 1, 2, 3, 4], &[1.0; 5]);
        let close = |row: usize, expected: f64| {
            let found = baseline.probability(&rows[row]);
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        };
        close(0, 2.6 / 3.0);
        close(2, 1.6 / 4.0);
        close(5, 0.6);
        // Of equal weight of both classes.
        let weights = [5.0 / 6.0, 5.0 / 6.0, 1.25, 5.0 / 6.0, 1.25];
        let baseline = Baseline::fit(&rows, &[0, 1, 2, 3, 4], &weights);
        assert!((baseline.probability(&rows[5]) - 0.5).abs() < 1e-15);
    }
}
