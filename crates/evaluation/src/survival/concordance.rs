//! Harrell's concordance.

use super::SurvivalSample;
use crate::undefined::{Undefined, Value};

/// Counts by rank with sums of the lower ranks (Fenwick 1994, Software: Practice and Experience
/// 24:327).
struct Counts(Vec<u64>);

impl Counts {
    fn new(ranks: usize) -> Self {
        Self(vec![0; ranks + 1])
    }

    fn add(&mut self, rank: usize, count: u64) {
        let mut place = rank + 1;
        while let Some(own) = self.0.get_mut(place) {
            *own += count;
            place += place & place.wrapping_neg();
        }
    }

    /// Of ranks below.
    fn below(&self, rank: usize) -> u64 {
        let mut place = rank;
        let mut sum = 0;
        while place > 0 {
            sum += self.0[place];
            place &= place - 1;
        }
        sum
    }
}

impl SurvivalSample {
    /// From the last time to the first: an event is compared with all who were observed longer. Exact,
    /// since it counts pairs.
    pub(super) fn concordance(&self, counts: &[u32]) -> Value {
        let mut later = Counts::new(self.ranks.len());
        let mut later_patients: u64 = 0;
        let (mut pairs, mut twice_concordant): (u128, u128) = (0, 0);
        let same_time = |a: &usize, b: &usize| self.times[*a] == self.times[*b];
        for same in self.by_time.chunk_by(same_time).rev() {
            let with = |event: bool| {
                same.iter()
                    .filter(move |row| self.events[**row] == event && counts[**row] > 0)
            };
            for row in with(false) {
                later.add(self.ranks[*row], u64::from(counts[*row]));
                later_patients += u64::from(counts[*row]);
            }
            for row in with(true) {
                let count = u128::from(counts[*row]);
                let lower = later.below(self.ranks[*row]);
                let not_higher = later.below(self.ranks[*row] + 1);
                pairs += count * u128::from(later_patients);
                twice_concordant += count * u128::from(lower + not_higher);
            }
            for row in with(true) {
                later.add(self.ranks[*row], u64::from(counts[*row]));
                later_patients += u64::from(counts[*row]);
            }
        }
        if pairs == 0 {
            return Err(Undefined::NoComparablePairs);
        }
        Ok(twice_concordant as f64 / (2.0 * pairs as f64))
    }
}
