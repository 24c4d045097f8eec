//! The rows that a patient is compared with.

use ndarray::{Array2, ArrayView2, Axis};

use crate::ExplanationError;

/// Rows of model input that stand for everybody else; there is at least one row and one column.
///
/// Every row has the same weight. NaN is a missing value.
#[derive(Clone, Debug, PartialEq)]
pub struct Background {
    /// In row-major order.
    rows: Array2<f32>,
}

impl Background {
    /// Takes rows of model input.
    ///
    /// # Errors
    /// [`ExplanationError::EmptyBackground`].
    pub fn try_new(rows: Array2<f32>) -> Result<Self, ExplanationError> {
        if rows.is_empty() {
            return Err(ExplanationError::EmptyBackground);
        }
        // Rows are read as slices.
        let rows = if rows.is_standard_layout() {
            rows
        } else {
            rows.as_standard_layout().into_owned()
        };
        Ok(Self { rows })
    }

    /// The rows.
    #[must_use]
    pub fn view(&self) -> ArrayView2<'_, f32> {
        self.rows.view()
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.nrows()
    }

    /// Never: a background has at least one row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.rows.ncols()
    }

    /// The rows as slices.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        let rows = self.rows.axis_iter(Axis(0));
        rows.filter_map(|row| row.to_slice())
    }
}
