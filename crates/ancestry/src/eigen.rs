//! Leading eigenpairs of a symmetric positive semidefinite matrix.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::PanelError;

/// Up to this size the whole decomposition takes about a second.
const DENSE: usize = 400;
/// Vectors carried beside those asked for: they take up what converges last.
const GUARD: usize = 20;
/// Greatest gain of the first vector over the last between two orthonormalisations: beyond it the
/// last ones would drown in the rounding errors of the first.
const GAIN: f64 = 1e9;
/// Highest degree of the polynomial.
const MAX_DEGREE: usize = 12;
/// Residual of a converged pair, relative to the first eigenvalue.
const TOLERANCE: f64 = 1e-10;
/// Far more rounds than any panel needs.
const MAX_ROUNDS: usize = 2_000;

/// The `count` largest eigenvalues, descending, and their vectors as columns.
///
/// # Errors
/// No convergence.
pub(crate) fn leading(
    matrix: &DMatrix<f64>,
    count: usize,
) -> Result<(DVector<f64>, DMatrix<f64>), PanelError> {
    let size = matrix.nrows();
    if size <= DENSE || count + GUARD >= size {
        let (values, vectors) = sorted(&symmetric(matrix.clone())?);
        return Ok((
            values.rows(0, count).into_owned(),
            vectors.columns(0, count).into_owned(),
        ));
    }
    subspace(matrix, count)
}

fn symmetric(matrix: DMatrix<f64>) -> Result<SymmetricEigen<f64, nalgebra::Dyn>, PanelError> {
    let steps = 1_000 * matrix.nrows().max(1);
    SymmetricEigen::try_new(matrix, f64::EPSILON, steps).ok_or(PanelError::NoConvergence)
}

fn sorted(eigen: &SymmetricEigen<f64, nalgebra::Dyn>) -> (DVector<f64>, DMatrix<f64>) {
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    let values = DVector::from_iterator(order.len(), order.iter().map(|i| eigen.eigenvalues[*i]));
    (values, eigen.eigenvectors.select_columns(&order))
}

/// Block subspace iteration with Rayleigh-Ritz and a Chebyshev filter (Zhou et al. 2006, Journal of
/// Computational Physics 219:172): the polynomial is small on the eigenvalues below those carried
/// and grows fast above them.
fn subspace(
    matrix: &DMatrix<f64>,
    count: usize,
) -> Result<(DVector<f64>, DMatrix<f64>), PanelError> {
    let size = matrix.nrows();
    let width = (count + GUARD).min(size);
    let mut basis = start(size, width).qr().q();
    for _ in 0..MAX_ROUNDS {
        let image = matrix * &basis;
        let small = basis.tr_mul(&image);
        let small = (&small + small.transpose()) * 0.5;
        let (values, rotation) = sorted(&symmetric(small)?);
        basis *= &rotation;
        let image = image * rotation;
        let first = values[0].max(f64::MIN_POSITIVE);
        let residual = |i: usize| (image.column(i) - basis.column(i) * values[i]).norm();
        if (0..count).all(|i| residual(i) <= TOLERANCE * first) {
            return Ok((
                values.rows(0, count).into_owned(),
                basis.columns(0, count).into_owned(),
            ));
        }
        basis = filtered(matrix, basis, values[width - 1].max(0.0), first)
            .qr()
            .q();
    }
    Err(PanelError::NoConvergence)
}

/// The Chebyshev polynomial that maps [0, `bound`] to [-1, 1], applied to the columns. Its degree
/// follows from the first eigenvalue.
fn filtered(matrix: &DMatrix<f64>, basis: DMatrix<f64>, bound: f64, first: f64) -> DMatrix<f64> {
    let half = bound / 2.0;
    let growth = (first / half - 1.0).max(1.0).acosh();
    if half <= 0.0 || !growth.is_finite() {
        return matrix * basis;
    }
    // The polynomial of degree m is about exp(m x growth) / 2 at the first eigenvalue.
    let degree = (1..=MAX_DEGREE).rev();
    let degree = degree
        .map(|m| (m, m as f64 * growth))
        .find(|(_, log)| *log <= GAIN.ln());
    let apply = |columns: &DMatrix<f64>| (matrix * columns) / half - columns;
    let mut current = apply(&basis);
    let mut before = basis;
    for _ in 1..degree.map_or(1, |(degree, _)| degree) {
        let next = apply(&current) * 2.0 - &before;
        before = current;
        current = next;
    }
    current
}

/// A fixed start that is orthogonal to nothing in particular.
fn start(rows: usize, columns: usize) -> DMatrix<f64> {
    let mut state = 0x5eed_u64;
    DMatrix::from_fn(rows, columns, |_, _| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix with three large eigenvalues above a bulk, as genotypes give.
    fn spiked(size: usize) -> DMatrix<f64> {
        let noise = start(size, 2 * size);
        let spikes = start(size + 7, 3).rows(7, size).into_owned();
        &noise * noise.transpose() + (&spikes * spikes.transpose()) * 50.0
    }

    #[test]
    fn iteration_gives_what_the_whole_decomposition_gives() {
        let matrix = spiked(150);
        let (values, vectors) = sorted(&symmetric(matrix.clone()).unwrap());
        let (found, basis) = subspace(&matrix, 12).unwrap();
        for i in 0..12 {
            assert!((found[i] / values[i] - 1.0).abs() < 1e-10, "{i}");
            let dot = basis.column(i).dot(&vectors.column(i)).abs();
            assert!((dot - 1.0).abs() < 1e-6, "{i}: {dot}");
        }
    }

    #[test]
    fn a_large_matrix_converges_and_repeats_bit_for_bit() {
        let matrix = spiked(500);
        let (values, vectors) = leading(&matrix, 20).unwrap();
        let residual = &matrix * &vectors - &vectors * DMatrix::from_diagonal(&values);
        assert!(residual.amax() < 1e-8 * values[0]);
        assert_eq!(leading(&matrix, 20).unwrap().1, vectors);
    }
}
