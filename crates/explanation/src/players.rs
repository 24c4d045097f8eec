//! Which columns are explained together.

use crate::ExplanationError;

/// A map from the columns of the model input to players.
///
/// A clinical feature can be several columns: one for each category, and one that says it is missing.
/// Their values only ever come together from the patient or from the background, and they share one
/// Shapley value. Names of players stay with the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Players {
    of_column: Vec<usize>,
    columns: Vec<Vec<usize>>,
}

impl Players {
    /// Takes the player of each column. Players are numbered from 0, and each has a column.
    ///
    /// # Errors
    /// [`ExplanationError::NoPlayers`], [`ExplanationError::PlayerWithoutColumn`].
    pub fn try_new(of_column: Vec<usize>) -> Result<Self, ExplanationError> {
        let last = of_column.iter().max();
        let players = last.ok_or(ExplanationError::NoPlayers)?.saturating_add(1);
        if players > of_column.len() {
            // There cannot be a column for each, so one of the first numbers is free.
            let mut free = 0..of_column.len();
            let player = free.find(|player| !of_column.contains(player));
            return Err(ExplanationError::PlayerWithoutColumn {
                player: player.unwrap_or_default(),
            });
        }
        let mut columns = vec![Vec::new(); players];
        for (column, player) in of_column.iter().enumerate() {
            columns[*player].push(column);
        }
        if let Some(player) = columns.iter().position(Vec::is_empty) {
            return Err(ExplanationError::PlayerWithoutColumn { player });
        }
        Ok(Self { of_column, columns })
    }

    /// Every column is a player.
    ///
    /// # Errors
    /// [`ExplanationError::NoPlayers`].
    pub fn one_per_column(columns: usize) -> Result<Self, ExplanationError> {
        Self::try_new((0..columns).collect())
    }

    /// Number of players.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Never: there is at least one player.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The player of each column.
    #[must_use]
    pub fn of_columns(&self) -> &[usize] {
        &self.of_column
    }

    /// The columns of each player, ascending.
    #[must_use]
    pub fn columns(&self) -> &[Vec<usize>] {
        &self.columns
    }

    /// Refuses rows of another width.
    pub(crate) fn check_columns(
        &self,
        columns: usize,
        what: &'static str,
    ) -> Result<(), ExplanationError> {
        if columns == self.of_column.len() {
            return Ok(());
        }
        Err(ExplanationError::Columns {
            what,
            columns,
            expected: self.of_column.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_player_need_not_be_neighbours() {
        let players = Players::try_new(vec![1, 0, 1]).unwrap();
        assert_eq!(players.columns(), [vec![1], vec![0, 2]]);
        assert_eq!(players.len(), 2);
    }

    #[test]
    fn gaps_are_refused() {
        let message = |of: Vec<usize>| Players::try_new(of).unwrap_err().to_string();
        assert!(message(vec![]).contains("no columns"));
        assert!(message(vec![0, 2, 2]).contains("player 1 "));
        assert!(message(vec![0, usize::MAX]).contains("player 1 "));
    }
}
