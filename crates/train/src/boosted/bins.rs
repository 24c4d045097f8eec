//! Columns as codes of quantile bins.

use ndarray::{ArrayView1, ArrayView2};

use super::parallel::for_each;

/// A column as codes.
///
/// Code `c` stands for the values `x` with `edges[c - 1] < x <= edges[c]`; the last bin has no upper
/// edge, and the code after it stands for a missing value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Binned {
    pub(crate) edges: Vec<f32>,
    /// One for each row.
    pub(crate) codes: Vec<u8>,
}

impl Binned {
    /// Bins of values.
    pub(crate) fn bins(&self) -> usize {
        self.edges.len() + 1
    }
}

/// Codes every column, with edges from the `rows` given.
pub(crate) fn bin(
    features: &ArrayView2<'_, f32>,
    rows: &[u32],
    most: usize,
    threads: usize,
) -> Vec<Binned> {
    let mut columns = vec![Binned::default(); features.ncols()];
    for_each(&mut columns, threads, |index, column| {
        let values = features.column(index);
        column.edges = edges(&values, rows, most);
        let missing = column.edges.len() + 1;
        let code = |value: &f32| {
            if value.is_nan() {
                missing
            } else {
                column.edges.partition_point(|edge| edge < value)
            }
        };
        // There are at most 255 bins, so the code of a missing value fits too.
        column.codes = values.iter().map(|value| code(value) as u8).collect();
    });
    columns
}

/// Edges between bins of about equal numbers of rows. A value that fills more than its share gets a
/// bin of its own and leaves the others to the rest.
fn edges(values: &ArrayView1<'_, f32>, rows: &[u32], most: usize) -> Vec<f32> {
    let mut sorted: Vec<f32> = rows
        .iter()
        .map(|row| values[*row as usize])
        .filter(|value| !value.is_nan())
        .collect();
    sorted.sort_unstable_by(f32::total_cmp);
    // By equality, for which the two zeros are one value.
    let distinct: Vec<&[f32]> = sorted.chunk_by(|a, b| a == b).collect();
    let all = distinct.len() <= most;
    let mut edges = Vec::new();
    let (mut left, mut inside) = (sorted.len(), 0);
    for pair in distinct.windows(2) {
        inside += pair[0].len();
        let bins_left = most - edges.len();
        if all || (bins_left > 1 && inside * bins_left >= left) {
            edges.push(between(pair[0][0], pair[1][0]));
            left -= inside;
            inside = 0;
        }
    }
    edges
}

/// A number of at least `low` and below `high`, in the middle where there is one.
fn between(low: f32, high: f32) -> f32 {
    let middle = (f64::midpoint(f64::from(low), f64::from(high))) as f32;
    if middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};

    fn edges_of(values: &[f32], most: usize) -> Vec<f32> {
        let rows: Vec<u32> = (0..values.len() as u32).collect();
        edges(&Array1::from(values.to_vec()).view(), &rows, most)
    }

    #[test]
    fn few_values_have_an_edge_between_any_two() {
        assert_eq!(edges_of(&[2.0, 0.0, f32::NAN, 1.0, 2.0], 255), [0.5, 1.5]);
        assert_eq!(edges_of(&[-0.0, 0.0], 255), [0.0_f32; 0]);
        assert_eq!(edges_of(&[f32::NAN], 255), [0.0_f32; 0]);
        assert_eq!(edges_of(&[f32::MIN, f32::MAX], 255), [0.0]);
    }

    #[test]
    fn neighbouring_numbers_are_told_apart() {
        let next = 1.0_f32.next_up();
        for (low, high) in [
            (1.0, next),
            (next, next.next_up()),
            (-0.0, f32::from_bits(1)),
        ] {
            let edge = between(low, high);
            assert!(low <= edge && edge < high);
        }
    }

    #[test]
    fn many_values_fill_bins_evenly_and_a_frequent_one_has_its_own() {
        let mut values: Vec<f32> = (0..1_000_u16).map(f32::from).collect();
        assert_eq!(edges_of(&values, 4), [249.5, 499.5, 749.5]);
        values.extend([-1.0; 9_000]);
        assert_eq!(edges_of(&values, 5), [-0.5, 249.5, 499.5, 749.5]);
    }

    #[test]
    fn codes_follow_the_edges_and_missing_comes_last() {
        let values = [0.0, 0.5, 0.500_000_06, 2.0, f32::NAN, 1.0];
        let features = Array2::from_shape_vec((6, 1), values.to_vec()).unwrap();
        // Edges come from rows 0, 3 and 5 only.
        let columns = bin(&features.view(), &[0, 3, 5], 255, 2);
        assert_eq!(columns[0].edges, [0.5, 1.5]);
        assert_eq!(columns[0].codes, [0, 0, 1, 2, 3, 1]);
    }
}
