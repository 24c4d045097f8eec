//! Orders of players, walked forwards and backwards.

use super::Model;
use super::evaluate::{Evaluator, copy_players};
use super::random::Random;
use crate::{Players, SamplingError};

/// An order of the players that differ from a background row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Walk {
    /// The background row.
    pub(super) row: usize,
    order: Vec<u32>,
}

impl Walk {
    /// Evaluations of both directions; both ends are known already.
    fn cost(players: usize) -> usize {
        2 * players.saturating_sub(1)
    }

    /// Adds the rows between both ends, forwards and then backwards.
    pub(super) fn evaluate<M: Model>(
        &self,
        evaluator: &mut Evaluator<'_, M>,
        row: &[f32],
        other: &[f32],
        players: &Players,
    ) -> Result<(), SamplingError<M::Error>> {
        let columns = |player: &u32| &players.columns()[*player as usize];
        for length in 1..self.order.len() {
            let fill = |to: &mut [f32]| {
                to.copy_from_slice(other);
                copy_players(to, row, self.order[..length].iter().map(columns));
            };
            evaluator.push(fill, row.len())?;
        }
        for length in 1..self.order.len() {
            let first = self.order.len() - length;
            let fill = |to: &mut [f32]| {
                to.copy_from_slice(other);
                copy_players(to, row, self.order[first..].iter().map(columns));
            };
            evaluator.push(fill, row.len())?;
        }
        Ok(())
    }
}

/// Walks within a budget of evaluations: the background rows take turns in random order.
pub(super) fn plan(differing: &[Vec<u32>], budget: usize, random: &mut Random) -> Vec<Walk> {
    let mut rows: Vec<usize> = (0..differing.len()).collect();
    let mut walks = Vec::new();
    let mut left = budget;
    for round in 0_usize.. {
        random.shuffle(&mut rows);
        let mut has_walked = false;
        for row in rows.iter().copied() {
            let count = differing[row].len();
            // Both orders of two players are walked by the first pair; another would repeat it.
            if round > 0 && count <= 2 {
                continue;
            }
            let Some(next) = left.checked_sub(Walk::cost(count)) else {
                return walks;
            };
            left = next;
            let mut order = differing[row].clone();
            random.shuffle(&mut order);
            walks.push(Walk { row, order });
            has_walked = true;
        }
        if !has_walked {
            break;
        }
    }
    walks
}

/// What each player adds in each walk, the mean of both directions. The first prediction is the
/// patient's; those of the walks follow.
pub(super) fn contributions(
    walks: &[Walk],
    predicted: &[f64],
    background: &[f64],
    players: &Players,
) -> Vec<Vec<f64>> {
    let mut rest = &predicted[1..];
    let mut contributions = Vec::with_capacity(walks.len());
    for walk in walks {
        let mut own = vec![0.0; players.len()];
        let between = walk.order.len().saturating_sub(1);
        let (forwards, next) = rest.split_at(between);
        let (backwards, next) = next.split_at(between);
        rest = next;
        let ends = (background[walk.row], predicted[0]);
        add_gains(&mut own, walk.order.iter(), forwards, ends);
        add_gains(&mut own, walk.order.iter().rev(), backwards, ends);
        contributions.push(own);
    }
    contributions
}

/// Adds half of each step's change.
fn add_gains<'a>(
    own: &mut [f64],
    order: impl Iterator<Item = &'a u32>,
    between: &[f64],
    (start, end): (f64, f64),
) {
    let mut before = start;
    let stops = between.iter().chain(std::iter::once(&end));
    for (player, after) in order.zip(stops) {
        own[*player as usize] += (after - before) / 2.0;
        before = *after;
    }
}
