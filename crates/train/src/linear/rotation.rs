//! Ridge with more columns than rows, as a problem with as many columns as rows.
//!
//! Without an L1 penalty the coefficients of the minimum are a combination of the rows of features,
//! and the penalty is the same in any orthonormal basis of what they span (Hastie and Tibshirani
//! 2004, Biostatistics 5:329). So the features are turned into coordinates in such a basis, and the
//! coefficients turned back.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayRef2, Axis, Slice};

use super::design::Design;
use super::settings::Settings;
use super::solver::{Loss, Minimum, minimise};
use crate::linear::LinearError;

/// Rows that are made orthogonal to those before them at a time, in matrix products.
const BLOCK: usize = 64;
/// A row of which less than this share is left beside those before it adds nothing.
const DEPENDENT: f64 = 1e-12;
/// The coordinates are solved for to this share of the tolerance, which then holds for the columns.
const TIGHTER: f64 = 0.1;

/// An orthonormal basis of the rows of a design, and the design in its coordinates.
#[derive(Debug)]
pub(super) struct Rotation {
    basis: Array2<f64>,
    design: Design<'static>,
}

impl Rotation {
    pub(super) fn new(design: &Design<'_>) -> Self {
        let basis = basis(design.features());
        let coordinates = design.features().dot(&basis.t());
        Self {
            design: Design::new(
                coordinates.into(),
                design.height() > design.columns(),
                design.outputs(),
            ),
            basis,
        }
    }

    /// The minimum in the original columns, whose conditions are checked there.
    pub(super) fn minimise(
        &self,
        design: &Design<'_>,
        loss: &dyn Loss,
        settings: &Settings,
        start: &Array2<f64>,
    ) -> Result<Minimum, LinearError> {
        let tighter = Settings {
            tolerance: TIGHTER * settings.tolerance,
            ..settings.clone()
        };
        let start = turn(&self.basis, start, design.columns());
        let turned = minimise(&self.design, loss, &tighter, start)?;
        let back = self.basis.t();
        let start = turn(&back, &turned.parameters, self.design.columns());
        let mut minimum = minimise(design, loss, settings, start)?;
        minimum.iterations += turned.iterations;
        Ok(minimum)
    }
}

/// Multiplies the coefficients and leaves the intercepts as they are.
fn turn(matrix: &ArrayRef2<f64>, parameters: &Array2<f64>, columns: usize) -> Array2<f64> {
    let (coefficients, intercepts) = parameters.view().split_at(Axis(0), columns);
    let mut turned = Array2::zeros((matrix.nrows() + intercepts.nrows(), parameters.ncols()));
    let (mut top, mut bottom) = turned.view_mut().split_at(Axis(0), matrix.nrows());
    top.assign(&matrix.dot(&coefficients));
    bottom.assign(&intercepts);
    turned
}

/// An orthonormal basis of the rows: Gram-Schmidt in blocks, twice over for the digits.
fn basis(features: &ArrayRef2<f64>) -> Array2<f64> {
    let mut basis = Array2::zeros(features.raw_dim());
    let mut rank = 0;
    for start in (0..features.nrows()).step_by(BLOCK) {
        let end = (start + BLOCK).min(features.nrows());
        let mut block = features
            .slice_axis(Axis(0), Slice::from(start..end))
            .to_owned();
        for _ in 0..2 {
            block = orthogonal(block, &basis.slice_axis(Axis(0), Slice::from(..rank)));
        }
        let next = rank + block.nrows();
        basis
            .slice_axis_mut(Axis(0), Slice::from(rank..next))
            .assign(&block);
        rank = next;
    }
    basis.slice_axis(Axis(0), Slice::from(..rank)).to_owned()
}

/// Rows without their part in the basis and in each other, of length 1; those that nothing is left
/// of are gone.
fn orthogonal(mut block: Array2<f64>, basis: &ArrayRef2<f64>) -> Array2<f64> {
    let lengths: Vec<f64> = block
        .rows()
        .into_iter()
        .map(|row| row.dot(&row).sqrt())
        .collect();
    let shares = block.dot(&basis.t());
    general_mat_mul(-1.0, &shares, basis, 1.0, &mut block);
    let mut kept: Vec<usize> = Vec::new();
    for (index, whole) in lengths.iter().enumerate() {
        let (before, mut after) = block.view_mut().split_at(Axis(0), index);
        let mut row = after.row_mut(0);
        for other in &kept {
            let other = before.row(*other);
            let share = other.dot(&row);
            row.scaled_add(-share, &other);
        }
        let length = row.dot(&row).sqrt();
        if length > DEPENDENT * whole {
            row /= length;
            kept.push(index);
        }
    }
    block.select(Axis(0), &kept)
}
