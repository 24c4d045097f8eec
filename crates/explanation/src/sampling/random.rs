//! Random numbers that are the same everywhere.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What the numbers are for; each use has numbers of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Walks = 0,
    Surrogate = 1,
}

/// A generator with what sampling needs.
#[derive(Clone, Debug)]
pub(super) struct Random(ChaCha8Rng);

impl Random {
    pub(super) fn new(seed: u64, stream: Stream) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream as u64);
        Self(generator)
    }

    /// A number below a bound that is not 0, each equally often.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        // Numbers above the largest multiple of the bound would make the small ones more frequent.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let number = self.0.next_u64();
            if number < limit {
                return (number % bound) as usize;
            }
        }
    }

    /// Heads or tails.
    pub(super) fn coin(&mut self) -> bool {
        self.0.next_u32() & 1 == 1
    }

    /// Every order equally often (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
