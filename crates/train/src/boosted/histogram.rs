//! Sums of derivatives by bin, and the best split of a node on a column.

use super::bins::Binned;
use super::settings::Settings;

/// Gains up to this are taken for rounding.
const LEAST_GAIN: f64 = 1e-6;

/// Bits that sums of whole derivatives may fill, so that they never overflow.
const BITS: i32 = 61;

/// A row of the tree being grown, with its derivatives as whole numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) row: u32,
    pub(crate) gradient: i64,
    pub(crate) hessian: i64,
}

/// Sums over rows. Whole numbers add up to the same sum in any order, so that a histogram is the exact
/// difference of two others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) gradient: i64,
    pub(crate) hessian: i64,
    pub(crate) rows: u32,
}

impl Sum {
    pub(crate) fn add(&mut self, entry: &Entry) {
        self.gradient += entry.gradient;
        self.hessian += entry.hessian;
        self.rows += 1;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
            rows: self.rows + other.rows,
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            rows: self.rows - other.rows,
        }
    }
}

/// What a whole number of a [`Sum`] stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
}

/// The derivatives of `rows` as whole numbers: at least 29 bits for the largest, 44 of 100,000 rows.
pub(crate) fn whole(rows: &[u32], derivatives: &[(f64, f64)]) -> (Vec<Entry>, Units) {
    let largest = |of: fn(&(f64, f64)) -> f64| {
        rows.iter()
            .map(|row| of(&derivatives[*row as usize]))
            .fold(0.0, f64::max)
    };
    let gradients = factor(largest(|pair| pair.0.abs()), rows.len());
    let hessians = factor(largest(|pair| pair.1), rows.len());
    let entry = |row: &u32| {
        let (gradient, hessian) = derivatives[*row as usize];
        Entry {
            row: *row,
            gradient: (gradient * gradients).round() as i64,
            hessian: (hessian * hessians).round() as i64,
        }
    };
    let units = Units {
        gradient: 1.0 / gradients,
        hessian: 1.0 / hessians,
    };
    (rows.iter().map(entry).collect(), units)
}

/// The largest power of two by which `count` numbers up to `largest` can be multiplied, so that their
/// sum stays below two to the power of [`BITS`].
fn factor(largest: f64, count: usize) -> f64 {
    let bound = largest * count as f64;
    if !(bound > f64::MIN_POSITIVE && bound.is_finite()) {
        return 1.0;
    }
    // Read from the bits, for logarithms differ between platforms.
    let exponent = ((bound.to_bits() >> 52) & 0x7ff) as i32 - 1022;
    // Beyond these the factor or its inverse is no normal number; such derivatives are as good as 0.
    2.0_f64.powi((BITS - exponent).clamp(-1000, 1000))
}

/// A split of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    /// Bins up to this go left.
    pub(crate) bin: u8,
    pub(crate) threshold: f32,
    pub(crate) missing_left: bool,
    pub(crate) gain: f64,
    pub(crate) left: Sum,
}

/// Adds rows to the sums of a node: one for each bin, then that of missing values.
pub(crate) fn count(sums: &mut [Sum], codes: &[u8], entries: &[Entry]) {
    for entry in entries {
        sums[usize::from(codes[entry.row as usize])].add(entry);
    }
}

/// The best split on a column; of equal ones that of the lowest threshold, with missing values on the
/// right. Where no missing value was seen, one goes to the child of more rows.
pub(crate) fn best_split(
    sums: &[Sum],
    column: &Binned,
    total: Sum,
    units: Units,
    settings: &Settings,
) -> Option<Split> {
    let bins = column.bins();
    let missing = sums[bins];
    let parent = score(total, units, settings);
    let mut best: Option<Split> = None;
    let mut below = Sum::default();
    for (bin, sum) in sums[..bins].iter().enumerate() {
        below = below.plus(*sum);
        if sum.rows == 0 {
            continue;
        }
        // The last bin splits the missing from all others, whatever the number.
        let threshold = column.edges.get(bin).copied().unwrap_or(f32::MAX);
        for missing_left in [false, true] {
            if missing_left && (missing.rows == 0 || bin + 1 == bins) {
                continue;
            }
            let left = if missing_left {
                below.plus(missing)
            } else {
                below
            };
            let right = total.minus(left);
            if [left, right]
                .iter()
                .any(|child| too_small(*child, units, settings))
            {
                continue;
            }
            let gain =
                0.5 * (score(left, units, settings) + score(right, units, settings) - parent);
            if gain > best.map_or(LEAST_GAIN, |best| best.gain) {
                best = Some(Split {
                    bin: bin as u8,
                    threshold,
                    missing_left: if missing.rows == 0 {
                        left.rows >= right.rows
                    } else {
                        missing_left
                    },
                    gain,
                    left,
                });
            }
        }
    }
    best
}

fn too_small(child: Sum, units: Units, settings: &Settings) -> bool {
    child.rows == 0 || child.hessian as f64 * units.hessian < settings.min_child_weight
}

/// Twice the fall of the loss when all rows of the sum take their best value.
fn score(sum: Sum, units: Units, settings: &Settings) -> f64 {
    let gradient = sum.gradient as f64 * units.gradient;
    let curvature = sum.hessian as f64 * units.hessian + settings.l2;
    if curvature > 0.0 {
        gradient * gradient / curvature
    } else {
        0.0
    }
}

/// The value that lowers the loss most, before the learning rate.
pub(crate) fn leaf(sum: Sum, units: Units, settings: &Settings) -> f64 {
    let curvature = sum.hessian as f64 * units.hessian + settings.l2;
    if curvature > 0.0 {
        -(sum.gradient as f64 * units.gradient) / curvature
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_keep_the_derivatives() {
        let pairs = [(0.5, 0.25), (-1.0, 1e-9), (1e-7, 0.0)];
        let (entries, units) = whole(&[0, 1, 2], &pairs);
        for (entry, (gradient, hessian)) in entries.iter().zip(pairs) {
            assert!((entry.gradient as f64 * units.gradient - gradient).abs() < 1e-17);
            assert!((entry.hessian as f64 * units.hessian - hessian).abs() < 1e-17);
        }
        for extreme in [0.0, f64::MIN_POSITIVE, 1e-300, 1.0, 1e300] {
            let (entries, units) = whole(&[0, 0], &[(extreme, extreme)]);
            assert!(units.gradient > 0.0 && units.gradient.is_finite());
            assert!(
                entries[0]
                    .gradient
                    .checked_add(entries[1].gradient)
                    .is_some()
            );
        }
    }
}
