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
    /// Learns from some rows. Each consequence has one variant more, of which the share of all is
    /// pathogenic, so that a rare one is not 0 or 1.
    pub(super) fn fit(rows: &'a [VariantRow], training: &[usize]) -> Self {
        let own = || training.iter().filter_map(|row| rows.get(*row));
        let pathogenic = own().filter(|row| row.is_pathogenic).count();
        let overall = pathogenic as f64 / training.len().max(1) as f64;
        let mut counts: HashMap<Option<&str>, (f64, f64)> = HashMap::new();
        for row in own() {
            let count = counts.entry(row.term.as_deref()).or_default();
            count.0 += f64::from(u8::from(row.is_pathogenic));
            count.1 += 1.0;
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
