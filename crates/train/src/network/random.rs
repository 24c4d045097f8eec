//! Random numbers that do not depend on threads, interruptions or releases of libraries.
//!
//! Each use has a stream of ChaCha of its own, found from seed, purpose and epoch alone, so that a
//! checkpoint holds no state of a generator.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// First weights.
    Initial = 0,
    /// Order of the rows in an epoch.
    Order = 1,
    /// Units dropped in an epoch.
    Dropout = 2,
}

/// A stream of random numbers.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64, purpose: Purpose, epoch: usize) -> Self {
        // Not `seed_from_u64`, which may change with a release.
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(((purpose as u64) << 48) | epoch as u64);
        Self(generator)
    }

    /// Goes to a number of 32 bits of the stream.
    pub(crate) fn seek(&mut self, word: u64) {
        self.0.set_word_pos(u128::from(word));
    }

    /// A number from -1 to below 1, on a grid of 2^-23.
    pub(crate) fn symmetric(&mut self) -> f32 {
        // 24 bits fit an f32 exactly.
        let unit = (self.0.next_u32() >> 8) as f32 / (1_u32 << 24) as f32;
        2.0 * unit - 1.0
    }

    /// Brings values into random order (Fisher and Yates).
    pub(crate) fn shuffle(&mut self, values: &mut [u32]) {
        for last in (1..values.len()).rev() {
            // The high half of the product: its bias is below values / 2^64.
            let product = u128::from(self.0.next_u64()) * (last as u128 + 1);
            values.swap(last, (product >> 64) as usize);
        }
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}
