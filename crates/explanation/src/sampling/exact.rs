//! All coalitions of the players that differ, for every background row.

use super::Model;
use super::evaluate::{Evaluator, copy_players};
use crate::{Players, SamplingError};

/// More coalitions than any budget; the shift must not overflow.
const MAXIMUM_PLAYERS: usize = 30;

/// Evaluations needed, or `None` if there are too many to count.
pub(super) fn cost(differing: &[Vec<u32>]) -> Option<usize> {
    differing.iter().try_fold(0_usize, |sum, players| {
        let coalitions = (players.len() <= MAXIMUM_PLAYERS).then(|| 1_usize << players.len())?;
        // Nobody and everybody are known already.
        sum.checked_add(coalitions.saturating_sub(2))
    })
}

/// Adds the rows of all coalitions.
pub(super) fn evaluate<M: Model>(
    evaluator: &mut Evaluator<'_, M>,
    row: &[f32],
    background: &[&[f32]],
    differing: &[Vec<u32>],
    players: &Players,
) -> Result<(), SamplingError<M::Error>> {
    for (other, differing) in background.iter().zip(differing) {
        let everybody = (1_usize << differing.len()) - 1;
        for coalition in 1..everybody {
            let members = differing.iter().enumerate();
            let members = members.filter(|(place, _)| coalition >> place & 1 == 1);
            let columns = members.map(|(_, player)| &players.columns()[*player as usize]);
            let fill = |to: &mut [f32]| {
                to.copy_from_slice(other);
                copy_players(to, row, columns);
            };
            evaluator.push(fill, row.len())?;
        }
    }
    Ok(())
}

/// The values by the definition. The first prediction is the patient's; those of the coalitions follow.
pub(super) fn values(
    predicted: &[f64],
    background: &[f64],
    differing: &[Vec<u32>],
    players: &Players,
) -> Vec<f64> {
    let mut values = vec![0.0; players.len()];
    let mut rest = &predicted[1..];
    for (nobody, differing) in background.iter().zip(differing) {
        let count = differing.len();
        let everybody = (1_usize << count) - 1;
        let (coalitions, next) = rest.split_at(everybody.saturating_sub(1));
        rest = next;
        let worth = |coalition: usize| match coalition {
            0 => *nobody,
            _ if coalition == everybody => predicted[0],
            _ => coalitions[coalition - 1],
        };
        let weights = weights(count);
        for (place, player) in differing.iter().enumerate() {
            let own = 1 << place;
            let without = (0..=everybody).filter(|coalition| coalition & own == 0);
            let value: f64 = without
                .map(|coalition| {
                    let gain = worth(coalition | own) - worth(coalition);
                    weights[coalition.count_ones() as usize] * gain
                })
                .sum();
            values[*player as usize] += value / background.len() as f64;
        }
    }
    values
}

/// How often a coalition of a size comes before a player: `size! (count - size - 1)! / count!`.
fn weights(count: usize) -> Vec<f64> {
    let mut weights = Vec::with_capacity(count);
    let mut weight = 1.0 / count.max(1) as f64;
    for size in 0..count {
        weights.push(weight);
        weight *= (size + 1) as f64 / (count - 1 - size).max(1) as f64;
    }
    weights
}
