//! What a genotype adds to the sums from which a person is placed, as whole numbers.
//!
//! A person is placed by least squares over the sites with a call: wanted are, summed over those
//! sites, the loadings times the standardised genotype, the square of the standardised genotype, the
//! number of sites, and the products of every pair of loadings (what is left of the identity matrix
//! where sites are missing). Sums of rounded terms do not depend on their order, so neither does the
//! place.
//!
//! Loadings are columns of unit length and frequencies are bounded, so by Cauchy and Schwarz no sum
//! over at most [`crate::build::MOST_SITES`] sites leaves 64 bits at the scales below. Sums wrap
//! around: only a damaged panel could make them, and damage is refused when a panel is opened.

use varisk_core::{ONE_COPY, dosage_of};

use crate::panel::Panel;

/// Loading times genotype: at most sqrt(2^20) x 45 < 2^16 in all, in steps of 2^-44.
const SUM_BITS: u32 = 44;
/// Square of a genotype: at most 2^20 x 2000 < 2^31 in all, in steps of 2^-30.
const SQUARE_BITS: u32 = 30;
/// Product of two loadings: at most 1 in all, in steps of 2^-58.
const PRODUCT_BITS: u32 = 58;

fn whole(value: f64, bits: u32) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded, and a cast of floats saturates"
    )]
    let rounded = (value * (1u64 << bits) as f64).round() as i64;
    rounded
}

fn real(value: i64, bits: u32) -> f64 {
    value as f64 / (1u64 << bits) as f64
}

/// Lengths of the parts of the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Components held.
    pub(crate) held: usize,
}

impl Layout {
    /// Sums that a genotype changes: one for each component, and the square.
    pub(crate) fn values(self) -> usize {
        self.held + 1
    }

    /// Products of pairs of loadings.
    pub(crate) fn pairs(self) -> usize {
        self.held * (self.held + 1) / 2
    }
}

/// The terms of one site.
#[derive(Debug)]
pub(crate) struct SiteTerms {
    layout: Layout,
    loadings: Vec<f64>,
    mean: f64,
    deviation: f64,
    /// Without a copy of the alternate allele: loadings times genotype, and its square.
    pub(crate) none: Vec<i64>,
    /// What one and two copies add to that.
    pub(crate) copies: [Vec<i64>; 2],
    /// Products of pairs of loadings.
    pub(crate) pairs: Vec<i64>,
}

impl SiteTerms {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            loadings: Vec::new(),
            mean: 0.0,
            deviation: 1.0,
            none: Vec::new(),
            copies: [Vec::new(), Vec::new()],
            pairs: Vec::new(),
        }
    }

    /// Takes on a site of the panel.
    pub(crate) fn set(&mut self, panel: &Panel, site: usize) {
        self.loadings.clear();
        self.loadings.extend_from_slice(panel.loadings(site));
        (self.mean, self.deviation) = panel.sites()[site].scale();
        let of = |copies: f64, into: &mut Vec<i64>| {
            let y = (copies - self.mean) / self.deviation;
            into.clear();
            into.extend(self.loadings.iter().map(|u| whole(u * y, SUM_BITS)));
            into.push(whole(y * y, SQUARE_BITS));
        };
        of(0.0, &mut self.none);
        for (copies, into) in [1.0, 2.0].into_iter().zip(&mut self.copies) {
            of(copies, into);
            for (own, none) in into.iter_mut().zip(&self.none) {
                *own -= none;
            }
        }
        self.pairs.clear();
        for (k, left) in self.loadings.iter().enumerate() {
            let right = self.loadings[..=k].iter();
            self.pairs
                .extend(right.map(|right| whole(left * right, PRODUCT_BITS)));
        }
    }

    /// What a stated dosage, a multiple of 1/[`ONE_COPY`] up to two copies, adds to no copy.
    pub(crate) fn dosage(&self, dosage: u32, mut add: impl FnMut(usize, i64)) {
        let y = (dosage_of(dosage).unwrap_or(0.0) - self.mean) / self.deviation;
        for (k, loading) in self.loadings.iter().enumerate() {
            add(k, whole(loading * y, SUM_BITS) - self.none[k]);
        }
        let square = self.layout.held;
        add(square, whole(y * y, SQUARE_BITS) - self.none[square]);
    }
}

/// Two copies: the greatest dosage of a diploid site.
pub(crate) const MAX_DOSAGE: u32 = 2 * ONE_COPY;

/// The sums of one person, as numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observed {
    /// Sites with a call.
    pub(crate) sites: u64,
    /// Loadings times genotypes.
    pub(crate) projections: Vec<f64>,
    /// Squares of genotypes.
    pub(crate) square: f64,
    /// Products of pairs of loadings: rows of the lower triangle.
    pub(crate) pairs: Vec<f64>,
}

impl Observed {
    pub(crate) fn new(sites: u64, values: &[i64], pairs: &[i64]) -> Self {
        let (square, projections) = values.split_last().unwrap_or((&0, &[]));
        Self {
            sites,
            projections: projections.iter().map(|sum| real(*sum, SUM_BITS)).collect(),
            square: real(*square, SQUARE_BITS),
            pairs: pairs.iter().map(|sum| real(*sum, PRODUCT_BITS)).collect(),
        }
    }
}

/// Adds one row of numbers to another, `sign` times.
pub(crate) fn add(into: &mut [i64], from: &[i64], sign: i64) {
    for (into, from) in into.iter_mut().zip(from) {
        *into = into.wrapping_add(from.wrapping_mul(sign));
    }
}
