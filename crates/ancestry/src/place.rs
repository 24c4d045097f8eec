//! Placing one person on the components of a panel.
//!
//! First by least squares over the sites with a call. A person who was not among those from whom the
//! components were computed then lies too near the origin: loadings fit the noise of the panel's own
//! people too. Online augmentation, decomposition and Procrustes transformation (OADP; Zhang, Dey
//! and Lee 2020, Bioinformatics 36:3439) corrects that: the components are computed again with the
//! person added, and the new coordinates of the panel's people are turned and scaled onto their old
//! ones; the same transformation brings the person home. With the panel held as its leading singular
//! values this needs matrices of the size of the components only.
//!
//! FRAPOSA holds four times as many directions as components and lets the Procrustes transformation
//! find the target of the further ones by iteration; here twice as many are held and the panel's own
//! further components are their target. Places differ by about a thousandth of their distance from
//! the middle (`tests/data_panel.rs`).

use nalgebra::{DMatrix, DVector, SVD, SymmetricEigen};

use crate::factor::factor;
use crate::terms::Observed;

/// Steps of an iterative decomposition of a matrix of some 20 rows, which takes about a hundred.
const MAX_STEPS: usize = 10_000;

/// Coordinates of a person on all held components. `None` where the sites do not determine them.
pub(crate) fn place(singular: &[f64], sites: usize, person: &Observed) -> Option<Vec<f64>> {
    let (coordinates, residual) = least_squares(sites, person)?;
    augmented(singular, &coordinates, residual)
}

/// Coordinates by least squares, and the squared distance from the panel's space, scaled from the
/// sites with a call to all sites.
pub(crate) fn least_squares(sites: usize, person: &Observed) -> Option<(DVector<f64>, f64)> {
    let held = person.projections.len();
    let free = person.sites as f64 - held as f64;
    if free < 1.0 {
        return None;
    }
    let mut products = DMatrix::zeros(held, held);
    let mut pairs = person.pairs.iter();
    for k in 0..held {
        for l in 0..=k {
            let value = *pairs.next()?;
            products[(k, l)] = value;
            products[(l, k)] = value;
        }
    }
    let projections = DVector::from_column_slice(&person.projections);
    let coordinates = factor(products)?.solve(&projections);
    let residual = (person.square - coordinates.dot(&projections)).max(0.0);
    let scale = (sites as f64 - held as f64) / free;
    coordinates
        .iter()
        .all(|value| value.is_finite())
        .then_some((coordinates, residual * scale))
}

/// OADP. The panel is U S Vᵀ; with the person it is [U, e] [[S, c], [0, r]] [[V, 0], [0, 1]]ᵀ, where
/// c are the coordinates and r e is what lies outside.
fn augmented(singular: &[f64], coordinates: &DVector<f64>, residual: f64) -> Option<Vec<f64>> {
    let held = singular.len();
    // Squares of the inner matrix: [[S², S c], [(S c)ᵀ, c·c + r²]].
    let mut inner = DMatrix::zeros(held + 1, held + 1);
    for (k, s) in singular.iter().enumerate() {
        inner[(k, k)] = s * s;
        inner[(k, held)] = s * coordinates[k];
        inner[(held, k)] = s * coordinates[k];
    }
    inner[(held, held)] = coordinates.norm_squared() + residual;
    let eigen = SymmetricEigen::try_new(inner, f64::EPSILON, MAX_STEPS)?;
    let mut order: Vec<usize> = (0..=held).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    order.truncate(held);
    // New coordinates: of the panel's people V times `head`, of the person `tail`.
    let mut new = eigen.eigenvectors.select_columns(&order);
    for (column, index) in order.iter().enumerate() {
        let scale = eigen.eigenvalues[*index].max(0.0).sqrt();
        new.column_mut(column).scale_mut(scale);
    }
    let head = new.rows(0, held);
    let tail = new.row(held);
    // V is orthonormal and centred, so it drops out of the Procrustes problem and nothing is shifted.
    let old = DMatrix::from_diagonal(&DVector::from_column_slice(singular));
    let cross = head.transpose() * old;
    let decomposed = SVD::try_new(cross, true, true, f64::EPSILON, MAX_STEPS)?;
    let rotation = decomposed.u.as_ref()? * decomposed.v_t.as_ref()?;
    let size = head.norm_squared();
    if size <= 0.0 {
        return None;
    }
    let placed = tail * rotation * (decomposed.singular_values.sum() / size);
    let placed: Vec<f64> = placed.iter().copied().collect();
    placed
        .iter()
        .all(|value| value.is_finite())
        .then_some(placed)
}

#[cfg(test)]
mod tests;
