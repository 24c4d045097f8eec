//! Sums that do not depend on the order of their terms.
//!
//! Floating-point addition is not associative, so a sum over variants would depend on how the work
//! was cut into batches, threads and shards. Terms are therefore rounded once to a multiple of
//! 2^-[`SCALE_BITS`] and added as integers, which is exact and associative.

use serde::{Deserialize, Serialize};

/// Terms are multiples of 2^-40: about 9e-13, finer than a 32-bit float of magnitude 1.
pub const SCALE_BITS: u32 = 40;

/// Largest magnitude of a term. 2^40 x 2^40 (scale) x 2^40 (alleles times copies) still leaves
/// seven bits of an `i128`.
const MAX_MAGNITUDE: f64 = (1u64 << 40) as f64;

/// A number rounded once to a multiple of 2^-[`SCALE_BITS`].
pub type Quantised = i128;

/// Rounds a number to the fixed scale (half away from zero); `None` for NaN, infinities and
/// magnitudes above 2^40.
#[must_use]
pub fn quantise(value: f64) -> Option<Quantised> {
    if !value.is_finite() || value.abs() > MAX_MAGNITUDE {
        return None;
    }
    // A product with a power of two is exact, and the bound above keeps it inside i128.
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    Some((value * (1u64 << SCALE_BITS) as f64).round() as i128)
}

/// The nearest `f64` of a quantised number.
#[must_use]
pub fn dequantise(value: Quantised) -> f64 {
    value as f64 / (1u64 << SCALE_BITS) as f64
}

/// A sum of quantised terms; addition is exact, so `merge` is associative and commutative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactSum(Quantised);

impl ExactSum {
    /// Adds `copies` times a term.
    pub fn add(&mut self, term: Quantised, copies: u32) {
        self.0 += term * i128::from(copies);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Self) {
        self.0 += other.0;
    }

    /// The sum, rounded once to `f64`.
    #[must_use]
    pub fn value(self) -> f64 {
        dequantise(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_where_floats_would_differ() {
        let terms = [1e9, 1e-9, -1e9, 0.1, 0.2, -0.3];
        let sum = |order: &[usize]| {
            let mut total = ExactSum::default();
            for i in order {
                total.add(quantise(terms[*i]).unwrap(), 2);
            }
            total.value()
        };
        assert_eq!(
            sum(&[0, 1, 2, 3, 4, 5]).to_bits(),
            sum(&[5, 3, 1, 4, 2, 0]).to_bits()
        );
    }

    #[test]
    fn what_cannot_be_held_is_refused() {
        for value in [f64::NAN, f64::INFINITY, 2e12, -2e12] {
            assert_eq!(quantise(value), None);
        }
        assert_eq!(quantise(-0.5), Some(-(1 << 39)));
    }
}
