//! Rows to learn from, to stop by or to predict, and their checks.

use ndarray::{ArrayView1, ArrayView2};

use super::error::SiameseError;
use super::parameters::Shape;

/// Variants: a row for each, in all three.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Tokens of the reference window, each from 0 to below the vocabulary. Padding and unknown tokens
    /// are tokens like any other.
    pub reference: ArrayView2<'a, i64>,
    /// Tokens of the alternate window, as many.
    pub alternate: ArrayView2<'a, i64>,
    /// Annotation, finite and standardised by the caller; may have no columns.
    pub annotation: ArrayView2<'a, f32>,
}

/// Variants with their classes.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The variants.
    pub rows: Rows<'a>,
    /// Whether each is pathogenic.
    pub labels: &'a [bool],
    /// Weight of each, of its class too. Rows of weight 0 are absent; only ratios matter.
    pub weights: &'a [f64],
}

/// A task that passed the checks, with weights whose mean is 1.
pub(super) struct Checked<'a> {
    pub(super) rows: Rows<'a>,
    labels: &'a [bool],
    weights: Vec<f64>,
    /// Rows of a weight above 0.
    pub(super) present: Vec<u32>,
}

impl Rows<'_> {
    /// Number of variants.
    pub(super) fn len(&self) -> usize {
        self.reference.nrows()
    }

    /// Refuses rows that do not fit together or do not fit the network.
    pub(super) fn check(&self, shape: &Shape) -> Result<(), SiameseError> {
        let rows = self.len();
        if u32::try_from(rows).is_err() {
            return Err(SiameseError::TooManyRows {
                rows,
                most: u32::MAX as usize,
            });
        }
        for (what, found) in [
            ("alternate windows", self.alternate.nrows()),
            ("rows of annotation", self.annotation.nrows()),
        ] {
            if found != rows {
                return Err(SiameseError::Length { what, found, rows });
            }
        }
        for (what, unit, found, expected) in [
            (
                "reference windows",
                "tokens",
                self.reference.ncols(),
                shape.tokens,
            ),
            (
                "alternate windows",
                "tokens",
                self.alternate.ncols(),
                shape.tokens,
            ),
            (
                "annotations",
                "elements",
                self.annotation.ncols(),
                shape.elements,
            ),
        ] {
            if found != expected {
                return Err(SiameseError::Width {
                    what,
                    unit,
                    found,
                    expected,
                });
            }
        }
        self.check_values(shape)
    }

    fn check_values(&self, shape: &Shape) -> Result<(), SiameseError> {
        let is_token =
            |token: &i64| usize::try_from(*token).is_ok_and(|own| own < shape.vocabulary);
        let alleles = [
            ("reference", &self.reference),
            ("alternate", &self.alternate),
        ];
        for (allele, windows) in alleles {
            for (row, window) in windows.rows().into_iter().enumerate() {
                if let Some(position) = window.iter().position(|token| !is_token(token)) {
                    return Err(SiameseError::Token {
                        allele,
                        row,
                        position,
                        token: window[position],
                        last: shape.vocabulary.saturating_sub(1),
                    });
                }
            }
        }
        for (row, values) in self.annotation.rows().into_iter().enumerate() {
            // ReLU would make a plausible 0 of what is no number.
            if let Some(element) = values.iter().position(|value| !value.is_finite()) {
                return Err(SiameseError::Annotation { row, element });
            }
        }
        Ok(())
    }
}

impl<'a> Task<'a> {
    /// Checks a task, and brings the mean weight of its present rows to 1.
    pub(super) fn check(
        &self,
        data: &'static str,
        shape: &Shape,
    ) -> Result<Checked<'a>, SiameseError> {
        let rows = self.rows.len();
        if rows == 0 || shape.tokens == 0 {
            return Err(SiameseError::Empty {
                data,
                rows,
                tokens: shape.tokens,
            });
        }
        self.rows.check(shape)?;
        for (what, found) in [
            ("labels", self.labels.len()),
            ("weights", self.weights.len()),
        ] {
            if found != rows {
                return Err(SiameseError::Length { what, found, rows });
            }
        }
        let wrong = |weight: &f64| !weight.is_finite() || *weight < 0.0;
        if let Some(row) = self.weights.iter().position(wrong) {
            return Err(SiameseError::Weight { row });
        }
        let present: Vec<u32> = (0_u32..)
            .zip(self.weights)
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(row, _)| row)
            .collect();
        // With one class alone, the lowest stopping loss would be that of the most one-sided network.
        for (label, class) in [(true, "pathogenic"), (false, "benign")] {
            if !present
                .iter()
                .any(|row| self.labels[*row as usize] == label)
            {
                return Err(SiameseError::OneClass { data, class });
            }
        }
        let mean = self.weights.iter().sum::<f64>() / present.len() as f64;
        if !(mean > 0.0 && mean.is_finite()) {
            return Err(SiameseError::WeightSum { data });
        }
        Ok(Checked {
            rows: self.rows,
            labels: self.labels,
            weights: self.weights.iter().map(|weight| weight / mean).collect(),
            present,
        })
    }
}

impl Checked<'_> {
    /// Which tokens of the vocabulary present rows have.
    pub(super) fn seen(&self, vocabulary: usize) -> Vec<bool> {
        let mut seen = vec![false; vocabulary];
        for row in &self.present {
            for windows in [&self.rows.reference, &self.rows.alternate] {
                for token in windows.row(*row as usize) {
                    seen[*token as usize] = true;
                }
            }
        }
        seen
    }

    /// Which annotations are other than 0 in a present row.
    pub(super) fn annotated(&self) -> Vec<bool> {
        let columns = self.rows.annotation.columns().into_iter();
        let is_there = |row: &u32, column: &ArrayView1<'_, f32>| column[*row as usize] != 0.0;
        columns
            .map(|column| self.present.iter().any(|row| is_there(row, &column)))
            .collect()
    }

    /// Class and weight of a row.
    pub(super) fn outcome(&self, row: u32) -> (f64, f64) {
        let row = row as usize;
        (f64::from(u8::from(self.labels[row])), self.weights[row])
    }
}
