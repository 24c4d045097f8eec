//! Folds: each row in one test fold, classes balanced, groups never torn apart, the same for a seed
//! whatever the order in which they are asked for.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::TrainError;

/// A split of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Rows to learn from, ascending.
    pub training: Vec<usize>,
    /// Rows to test on, ascending.
    pub test: Vec<usize>,
}

/// Cuts `rows` into `count` folds. `strata` and `groups` are of all rows that an index can name;
/// rows of one group come into one fold.
///
/// # Errors
/// There are fewer groups than folds.
pub fn folds(
    rows: &[usize],
    strata: &[usize],
    groups: Option<&[usize]>,
    count: usize,
    seed: u64,
) -> Result<Vec<Fold>, TrainError> {
    let assignment = assign(rows, strata, groups, count, seed)?;
    let of = |fold: usize, equal: bool| -> Vec<usize> {
        let mut own: Vec<usize> = rows
            .iter()
            .zip(&assignment)
            .filter(|(_, own)| (**own == fold) == equal)
            .map(|(row, _)| *row)
            .collect();
        own.sort_unstable();
        own
    };
    Ok((0..count)
        .map(|fold| Fold {
            training: of(fold, false),
            test: of(fold, true),
        })
        .collect())
}

/// A share of rows to stop early by, and the rest: of the folds that the share makes, the one whose
/// size is closest to it.
///
/// # Errors
/// There are too few groups to set one apart.
pub fn hold_out(
    rows: &[usize],
    strata: &[usize],
    groups: Option<&[usize]>,
    share: f64,
    seed: u64,
) -> Result<Fold, TrainError> {
    let share = share.clamp(0.01, 0.5);
    let count = (1.0 / share).round() as usize;
    let all = folds(rows, strata, groups, count.max(2), seed)?;
    // The first fold always has the largest group, which is most often too large to be spared.
    let wanted = share * rows.len() as f64;
    let miss = |own: &Fold| (own.test.len() as f64 - wanted).abs();
    let best = all.into_iter().min_by(|a, b| miss(a).total_cmp(&miss(b)));
    best.ok_or(TrainError::Internal("a split has no fold"))
}

/// The fold of each row: groups, the largest first and in random order among equals, go where their
/// classes are most wanted.
fn assign(
    rows: &[usize],
    strata: &[usize],
    groups: Option<&[usize]>,
    count: usize,
    seed: u64,
) -> Result<Vec<usize>, TrainError> {
    let classes = strata.iter().copied().max().map_or(1, |most| most + 1);
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let group = groups.and_then(|groups| groups.get(*row).copied());
        members.entry(group.unwrap_or(*row)).or_default().push(at);
    }
    if members.len() < count || count < 2 {
        return Err(TrainError::TooFewGroups {
            folds: count,
            groups: members.len(),
        });
    }
    let class = |at: usize| {
        rows.get(at)
            .and_then(|row| strata.get(*row))
            .copied()
            .unwrap_or(0)
    };
    let mut totals = vec![0.0_f64; classes];
    (0..rows.len()).for_each(|at| totals[class(at)] += 1.0);

    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<(u64, Vec<usize>)> = members
        .into_values()
        .map(|own| (random.next_u64(), own))
        .collect();
    order.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(&b.0)));

    let mut filled = vec![vec![0.0_f64; classes]; count];
    let mut sizes = vec![0_usize; count];
    let mut assignment = vec![0; rows.len()];
    for (_, own) in order {
        // How full each fold is of the classes of this group, the rarest class counting most.
        let fullness = |fold: usize| -> f64 {
            own.iter()
                .map(|at| filled[fold][class(*at)] / totals[class(*at)].max(1.0))
                .sum()
        };
        let best = (0..count).min_by(|a, b| {
            let by_class = fullness(*a).total_cmp(&fullness(*b));
            by_class.then(sizes[*a].cmp(&sizes[*b]))
        });
        let best = best.unwrap_or(0);
        for at in &own {
            assignment[*at] = best;
            filled[best][class(*at)] += 1.0;
        }
        sizes[best] += own.len();
    }
    Ok(assignment)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_row_is_tested_once_and_groups_stay_whole(
            classes in proptest::collection::vec(0_usize..3, 30..200),
            groups in proptest::collection::vec(0_usize..40, 200),
            count in 2_usize..6,
            seed in 0_u64..100,
        ) {
            let rows: Vec<usize> = (0..classes.len()).collect();
            let groups = &groups[..classes.len()];
            let Ok(made) = folds(&rows, &classes, Some(groups), count, seed) else {
                let distinct: BTreeSet<_> = groups.iter().collect();
                prop_assert!(distinct.len() < count);
                return Ok(());
            };
            let mut tested: Vec<usize> = made.iter().flat_map(|fold| fold.test.clone()).collect();
            tested.sort_unstable();
            prop_assert_eq!(tested, rows);
            for fold in &made {
                let of = |rows: &[usize]| rows.iter().map(|row| groups[*row]).collect::<BTreeSet<_>>();
                prop_assert!(of(&fold.training).is_disjoint(&of(&fold.test)));
                prop_assert_eq!(fold.training.len() + fold.test.len(), classes.len());
            }
        }

        #[test]
        fn classes_are_balanced(
            classes in proptest::collection::vec(0_usize..3, 30..200),
            count in 2_usize..6,
            seed in 0_u64..100,
        ) {
            let rows: Vec<usize> = (0..classes.len()).collect();
            for fold in folds(&rows, &classes, None, count, seed).unwrap() {
                for class in 0..3 {
                    let all = classes.iter().filter(|own| **own == class).count();
                    let own = fold.test.iter().filter(|row| classes[**row] == class).count();
                    prop_assert!(own == all / count || own == all / count + 1);
                }
            }
        }
    }

    #[test]
    fn a_seed_decides() {
        let rows: Vec<usize> = (0..50).collect();
        let strata = vec![0; 50];
        let of = |seed| folds(&rows, &strata, None, 5, seed).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn fewer_groups_than_folds() {
        let error = folds(&[0, 1, 2], &[0, 0, 0], Some(&[7, 7, 7]), 2, 1).unwrap_err();
        assert!(error.to_string().contains("1 group"), "{error}");
    }
}
