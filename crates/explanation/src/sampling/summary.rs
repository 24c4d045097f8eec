//! Values and standard errors from the contributions of walks.

use super::walk::Walk;

/// What was estimated.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub(super) values: Vec<f64>,
    pub(super) standard_errors: Vec<f64>,
    pub(super) background_rows: usize,
}

impl Summary {
    /// Of values that were not sampled.
    pub(super) fn exact(values: Vec<f64>) -> Self {
        Self {
            standard_errors: vec![0.0; values.len()],
            background_rows: 0,
            values,
        }
    }
}

/// Walks of one background row: how many, and mean and sum of squared deviations by player.
#[derive(Clone, Debug, Default)]
struct Row {
    count: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Row {
    /// Adds a walk (Welford 1962).
    fn add(&mut self, values: &[f64]) {
        self.means.resize(values.len(), 0.0);
        self.squares.resize(values.len(), 0.0);
        self.count += 1.0;
        for ((value, mean), square) in values.iter().zip(&mut self.means).zip(&mut self.squares) {
            let deviation = value - *mean;
            *mean += deviation / self.count;
            *square += deviation * (value - *mean);
        }
    }
}

/// Values of players from their contributions by walk.
///
/// `surrogate` has the surrogate's own Shapley values; `deviations` gives, for a background row, its
/// contributions less these. What is averaged is what the model adds to the surrogate.
///
/// Every row counts alike, however often it was walked. Where each was walked twice, standard errors
/// come from the differences between walks of one row, since the rows themselves are not a sample;
/// before that, differences between rows count too, which makes the errors too large and not too small.
pub(super) fn of_walks(
    walks: &[Walk],
    mut contributions: Vec<Vec<f64>>,
    differing: &[Vec<u32>],
    surrogate: Vec<f64>,
    deviations: impl Fn(usize) -> Vec<f64>,
) -> Summary {
    let mut rows = vec![Row::default(); differing.len()];
    let mut all = Row::default();
    for (walk, own) in walks.iter().zip(&mut contributions) {
        for ((own, surrogate), deviation) in
            own.iter_mut().zip(&surrogate).zip(deviations(walk.row))
        {
            *own -= surrogate + deviation;
        }
        rows[walk.row].add(own);
        all.add(own);
    }
    let used = rows.iter().filter(|row| row.count > 0.0).count();
    let weight = 1.0 / used.max(1) as f64;
    let mut values = surrogate;
    let mut variances = vec![0.0; values.len()];
    let is_walked_twice =
        |(row, players): (&Row, &Vec<u32>)| players.len() <= 2 || row.count >= 2.0;
    let is_stratified = used == rows.len() && rows.iter().zip(differing).all(is_walked_twice);
    for row in rows.iter().filter(|row| row.count > 0.0) {
        for (player, value) in values.iter_mut().enumerate() {
            *value += weight * row.means[player];
            let (squares, count) = if is_stratified {
                (row.squares[player], row.count)
            } else {
                (all.squares[player], all.count)
            };
            variances[player] += weight * weight * squares / (count - 1.0).max(1.0) / row.count;
        }
    }
    Summary {
        values,
        standard_errors: variances.into_iter().map(f64::sqrt).collect(),
        background_rows: used,
    }
}
