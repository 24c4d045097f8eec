//! Random numbers that are the same on every machine: the stream of ChaCha, and integer arithmetic.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A seeded stream.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// A stream of its own for each seed and number: what one resample draws does not depend on which
    /// thread draws it, nor on the resamples before.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// A number below `bound` (0 if that is 0).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // The high half of the product: its bias is below bound / 2^64.
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// An order of the numbers below `count` (Fisher and Yates).
    pub(crate) fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}
