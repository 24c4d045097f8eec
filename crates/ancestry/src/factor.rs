//! Cholesky factors of matrices that may be singular.

use nalgebra::{Cholesky, DMatrix, Dyn};

/// What must be left of a variance once the variables before it are accounted for, as share of it:
/// less is rounding.
const LEAST_SHARE: f64 = 1e-10;

/// The factor of a symmetric matrix; `None` unless it is clearly positive definite.
pub(crate) fn factor(matrix: DMatrix<f64>) -> Option<Cholesky<f64, Dyn>> {
    let diagonal = matrix.diagonal();
    let factor = matrix.cholesky()?;
    let left = factor.l_dirty().diagonal();
    let mut shares = left.iter().zip(diagonal.iter());
    // NaN is not clear either.
    shares
        .all(|(left, all)| left * left > LEAST_SHARE * all)
        .then_some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_singular_is_singular() {
        let matrix = |off| DMatrix::from_row_slice(2, 2, &[1e-8, off, off, 1e-8]);
        assert!(factor(matrix(0.5e-8)).is_some());
        assert!(factor(matrix(1e-8)).is_none());
        assert!(factor(matrix(f64::NAN)).is_none());
    }
}
