//! Random numbers that are the same on every machine and in every release of the libraries.
//!
//! Only the stream of ChaCha is taken from outside: its definition never changes. What is made of it
//! is integer arithmetic here, because the distributions of `rand` may change between versions and
//! logarithms differ between platforms.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A seeded stream.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// A stream of its own for each (seed, purpose), so that a change in one part of the data leaves
    /// the others as they were.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(purpose);
        Self(generator)
    }

    /// A number below `bound` (0 if that is 0).
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product: its bias is below bound / 2^64.
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// An index below `bound`.
    pub(crate) fn index(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    /// A number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True in `per_mille` of 1,000 cases.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of the items.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// About normal, mean 0 and standard deviation 1,000: the sum of twelve uniform numbers.
    pub(crate) fn normal_thousandths(&mut self) -> i64 {
        (0..12).map(|_| self.below(1_001) as i64 - 500).sum()
    }

    /// Uniform in -1..1, with 24 bits, exact in f32.
    pub(crate) fn signed_unit(&mut self) -> f32 {
        (self.below(1 << 24) as i64 - (1 << 23)) as f32 / (1 << 23) as f32
    }
}

/// Draws copies of an allele among `haplotypes`, with the excess of rare ones of a population of
/// constant size: `k` copies with a weight of 1/k.
pub(crate) struct Copies {
    cumulative: Vec<u64>,
}

impl Copies {
    /// The draw for a number of haplotypes; from one copy to one fewer than all (to all if there
    /// are fewer than three).
    pub(crate) fn new(haplotypes: usize) -> Self {
        let largest = if haplotypes < 3 {
            haplotypes
        } else {
            haplotypes - 1
        };
        let mut sum = 0;
        let cumulative = (1..=largest as u64)
            .map(|copies| {
                sum += 1_000_000_000 / copies;
                sum
            })
            .collect();
        Self { cumulative }
    }

    /// One draw.
    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0);
        let value = random.below(total);
        self.cumulative.partition_point(|sum| *sum <= value) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_one_of_the_committed_data() {
        let mut random = Random::new(1, 2);
        let drawn: Vec<_> = (0..4).map(|_| random.below(1_000_000)).collect();
        assert_eq!(drawn, [876_394, 682_740, 336_666, 511_807]);
    }

    #[test]
    fn copies_stay_in_range_and_are_mostly_few() {
        for haplotypes in [1, 2, 3, 96] {
            let copies = Copies::new(haplotypes);
            let mut random = Random::new(7, 0);
            let draws: Vec<_> = (0..1_000).map(|_| copies.draw(&mut random)).collect();
            assert!(draws.iter().all(|k| (1..=haplotypes).contains(k)));
            if haplotypes == 96 {
                let single = draws.iter().filter(|k| **k == 1).count();
                assert!((150..250).contains(&single), "{single}");
            }
        }
    }
}
