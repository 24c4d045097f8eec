//! Solving with symmetric positive definite matrices.

use ndarray::{Array1, Array2, ArrayRef1, ArrayView1, Axis, Slice};

/// The lower triangle `L` of `A = L L'`.
#[derive(Debug)]
pub(super) struct Cholesky {
    lower: Array2<f64>,
}

/// The matrix is not positive definite: its row `index` depends on those before it.
#[derive(Debug)]
pub(super) struct Singular {
    pub(super) index: usize,
}

impl Cholesky {
    /// Factors a matrix. A row of which less than the share `limit` is left after those before it
    /// are taken out counts as dependent on them.
    pub(super) fn new(mut lower: Array2<f64>, limit: f64) -> Result<Self, Singular> {
        let size = lower.nrows();
        for row in 0..size {
            let (above, mut below) = lower.view_mut().split_at(Axis(0), row);
            let mut own = below.row_mut(0);
            for column in 0..row {
                let other = above.row(column);
                let taken = head(&own, column).dot(&head(&other, column));
                own[column] = (own[column] - taken) / other[column];
            }
            let whole = own[row];
            let before = head(&own, row);
            let left = whole - before.dot(&before);
            // Written so that NaN is refused as well.
            if !(left > limit * whole && left > 0.0 && left.is_finite()) {
                return Err(Singular { index: row });
            }
            own[row] = left.sqrt();
        }
        Ok(Self { lower })
    }

    /// Solves `A x = right`.
    pub(super) fn solve(&self, right: &ArrayRef1<f64>) -> Array1<f64> {
        let mut solution = right.to_owned();
        let size = solution.len();
        for row in 0..size {
            let own = self.lower.row(row);
            let taken = head(&own, row).dot(&head(&solution, row));
            solution[row] = (solution[row] - taken) / own[row];
        }
        for row in (0..size).rev() {
            let own = self.lower.row(row);
            solution[row] /= own[row];
            let value = solution[row];
            solution
                .slice_axis_mut(Axis(0), Slice::from(..row))
                .scaled_add(-value, &head(&own, row));
        }
        solution
    }

    /// The diagonal of the inverse.
    pub(super) fn inverse_diagonal(&self) -> Array1<f64> {
        let size = self.lower.nrows();
        Array1::from_iter((0..size).map(|index| {
            let mut unit = Array1::zeros(size);
            unit[index] = 1.0;
            self.solve(&unit)[index]
        }))
    }
}

fn head(row: &ArrayRef1<f64>, length: usize) -> ArrayView1<'_, f64> {
    row.slice_axis(Axis(0), Slice::from(..length))
}
