//! Stated dosages: how many copies of an allele a patient has by imputation, as whole numbers.
//!
//! A dosage need not be whole, and a sum over dosages must not depend on its order, so a dosage is
//! rounded once to a multiple of 2^-24 copies: finer than the 32-bit floats that BCF holds.

/// One copy.
pub const ONE_COPY: u32 = 1 << 24;

/// Mark of a sample for which the file states no dosage.
pub const NO_DOSAGE: u32 = u32::MAX;

/// Most copies that can be held.
const MAX_COPIES: f64 = 250.0;

/// Copies as a multiple of 1/[`ONE_COPY`] (half away from zero); `None` for what is no number of
/// copies: negative, NaN, infinite or above 250.
#[must_use]
pub fn quantise_dosage(copies: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded"
    )]
    (0.0..=MAX_COPIES)
        .contains(&copies)
        .then(|| (copies * f64::from(ONE_COPY)).round() as u32)
}

/// The copies of a quantised dosage; `None` for [`NO_DOSAGE`].
#[must_use]
pub fn dosage_of(quantised: u32) -> Option<f64> {
    (quantised != NO_DOSAGE).then(|| f64::from(quantised) / f64::from(ONE_COPY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_of_copies_is_refused() {
        for copies in [-0.1, f64::NAN, f64::INFINITY, 251.0] {
            assert_eq!(quantise_dosage(copies), None, "{copies}");
        }
        assert_eq!(quantise_dosage(1.5), Some(3 << 23));
        assert_eq!(dosage_of(3 << 23), Some(1.5));
        assert_eq!(dosage_of(NO_DOSAGE), None);
    }
}
