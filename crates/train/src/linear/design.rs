//! The matrix of features, with a column of ones behind them where there is an intercept.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayRef2, Axis, CowArray, Ix2, Slice};

/// Rows that are gathered at a time, so that they stay in the cache.
const CHUNK: usize = 512;
/// Columns of a block of the product; blocks below the diagonal are not computed.
const BLOCK: usize = 64;

/// The matrix of features. Parameters are a table with a row for each column of the design (the
/// intercept last) and a column for each output; a parameter's number counts through its rows.
#[derive(Debug)]
pub(super) struct Design<'a> {
    features: CowArray<'a, f64, Ix2>,
    intercept: bool,
    outputs: usize,
}

impl<'a> Design<'a> {
    pub(super) fn new(features: CowArray<'a, f64, Ix2>, intercept: bool, outputs: usize) -> Self {
        // Rows are walked through one by one, which is slow in any other layout.
        let features = if features.is_standard_layout() {
            features
        } else {
            CowArray::from(features.as_standard_layout().into_owned())
        };
        Self {
            features,
            intercept,
            outputs,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.features.nrows()
    }

    pub(super) fn features(&self) -> &ArrayRef2<f64> {
        &self.features
    }

    /// Columns without the intercept.
    pub(super) fn columns(&self) -> usize {
        self.features.ncols()
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Parameters of each output.
    pub(super) fn height(&self) -> usize {
        self.columns() + usize::from(self.intercept)
    }

    pub(super) fn column_of(&self, parameter: usize) -> usize {
        parameter / self.outputs
    }

    pub(super) fn output_of(&self, parameter: usize) -> usize {
        parameter % self.outputs
    }

    /// Whether a parameter belongs to a feature and not to the intercept.
    pub(super) fn penalised(&self, parameter: usize) -> bool {
        self.column_of(parameter) < self.columns()
    }

    /// The linear predictors of every row.
    pub(super) fn scores(&self, parameters: &Array2<f64>) -> Array2<f64> {
        scores(&self.features, parameters)
    }

    /// Derivatives by the parameters from those by the linear predictors.
    pub(super) fn gradient(&self, slopes: &Array2<f64>) -> Array2<f64> {
        let columns = self.columns();
        let mut gradient = Array2::zeros((self.outputs, self.height()));
        for (row, slopes) in self.features.rows().into_iter().zip(slopes.rows()) {
            for (mut sums, slope) in gradient.rows_mut().into_iter().zip(slopes) {
                sums.slice_axis_mut(Axis(0), Slice::from(..columns))
                    .scaled_add(*slope, &row);
                if self.intercept {
                    sums[columns] += slope;
                }
            }
        }
        gradient.t().as_standard_layout().into_owned()
    }

    /// Copies some columns of a row.
    pub(super) fn gather(&self, row: usize, columns: &[usize], target: &mut [f64]) {
        let features = self.features.row(row);
        for (value, column) in target.iter_mut().zip(columns) {
            *value = features.get(*column).copied().unwrap_or(1.0);
        }
    }

    /// The products of some columns, `X' diag(w) X`, for each column of weights.
    pub(super) fn products(&self, columns: &[usize], weights: &Array2<f64>) -> Vec<Array2<f64>> {
        let size = columns.len();
        let mut products = vec![Array2::zeros((size, size)); weights.ncols()];
        let mut chunk = Array2::zeros((CHUNK, size));
        let mut scaled = Array2::zeros((CHUNK, size));
        for start in (0..self.rows()).step_by(CHUNK) {
            let rows = CHUNK.min(self.rows() - start);
            for (row, mut target) in (start..start + rows).zip(chunk.rows_mut()) {
                if let Some(target) = target.as_slice_mut() {
                    self.gather(row, columns, target);
                }
            }
            let weights = weights.slice_axis(Axis(0), Slice::from(start..start + rows));
            for (weights, product) in weights.axis_iter(Axis(1)).zip(&mut products) {
                for ((mut target, row), weight) in
                    scaled.rows_mut().into_iter().zip(chunk.rows()).zip(weights)
                {
                    target.assign(&row);
                    target *= *weight;
                }
                add_product(
                    1.0,
                    &chunk.slice_axis(Axis(0), Slice::from(..rows)),
                    &scaled.slice_axis(Axis(0), Slice::from(..rows)),
                    product,
                );
            }
        }
        for product in &mut products {
            mirror(product);
        }
        products
    }
}

/// The linear predictors of every row of features.
pub(super) fn scores(features: &ArrayRef2<f64>, parameters: &Array2<f64>) -> Array2<f64> {
    let columns = features.ncols();
    let mut scores = Array2::zeros((features.nrows(), parameters.ncols()));
    for (output, mut scores) in scores.axis_iter_mut(Axis(1)).enumerate() {
        let own = parameters
            .column(output)
            .slice_axis(Axis(0), Slice::from(..columns))
            .to_owned();
        let intercept = parameters.get((columns, output)).copied().unwrap_or(0.0);
        scores.assign(&features.dot(&own));
        scores += intercept;
    }
    scores
}

/// Adds `factor * left' right`, which must be symmetric, to the upper triangle of `sum`.
pub(super) fn add_product(
    factor: f64,
    left: &ArrayRef2<f64>,
    right: &ArrayRef2<f64>,
    sum: &mut Array2<f64>,
) {
    let size = sum.nrows();
    for start in (0..size).step_by(BLOCK) {
        let end = (start + BLOCK).min(size);
        let mut rows = sum.slice_axis_mut(Axis(0), Slice::from(start..end));
        general_mat_mul(
            factor,
            &left.slice_axis(Axis(1), Slice::from(start..end)).t(),
            &right.slice_axis(Axis(1), Slice::from(start..)),
            1.0,
            &mut rows.slice_axis_mut(Axis(1), Slice::from(start..)),
        );
    }
}

/// Copies the upper triangle to the lower one.
pub(super) fn mirror(matrix: &mut Array2<f64>) {
    for row in 0..matrix.nrows() {
        for column in 0..row {
            matrix[(row, column)] = matrix[(column, row)];
        }
    }
}
