//! Results do not depend on how the work was cut, and equal a plain model.

use std::sync::Arc;

use proptest::prelude::*;
use varisk_core::{Analysis, CallCode, Sex};

use super::HEADER;
use crate::testing::{DataRow, World, code};
use crate::{FoldOptions, MissingPolicy, PolygenicScores, ScorePlan};

const CALLS: [&str; 12] = [
    "0/0", "0|0", "0/1", "1|0", "1/1", "./.", "0/.", "-", "0/2", "2/2", "assumed", "1/2",
];

/// A site of the data and what scores say about it.
#[derive(Clone, Debug)]
struct Site {
    position: u32,
    alternate: u8,
    calls: Vec<usize>,
    /// (weight, whether the effect is REF, whether the strand is flipped) in each of two scores.
    weights: [Option<(f64, bool, bool)>; 2],
}

const PATIENTS: usize = 53;

fn bases() -> String {
    "ACGTGCAT".repeat(16)
}

fn sites() -> impl Strategy<Value = Vec<Site>> {
    let weight = proptest::option::of((-5.0..5.0f64, any::<bool>(), any::<bool>()));
    let one = (
        0..3u8,
        proptest::collection::vec(0..CALLS.len(), PATIENTS),
        [weight.clone(), weight],
    );
    proptest::collection::btree_map(1..128u32, one, 1..20).prop_map(|sites| {
        let site = |(position, (alternate, calls, weights))| Site {
            position,
            alternate,
            calls,
            weights,
        };
        sites.into_iter().map(site).collect()
    })
}

fn complement(base: char) -> char {
    match base {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        _ => 'A',
    }
}

fn alleles(site: &Site) -> (char, char) {
    let reference = bases().as_bytes()[site.position as usize - 1] as char;
    let others: Vec<char> = "ACGT".chars().filter(|base| *base != reference).collect();
    (reference, others[site.alternate as usize])
}

fn tables(sites: &[Site]) -> [String; 2] {
    [0, 1].map(|score| {
        let mut text = HEADER.to_owned();
        for site in sites {
            let Some((weight, is_reference, is_flipped)) = site.weights[score] else {
                continue;
            };
            let (reference, alternate) = alleles(site);
            let (mut effect, mut other) = if is_reference {
                (reference, alternate)
            } else {
                (alternate, reference)
            };
            if is_flipped {
                (effect, other) = (complement(effect), complement(other));
            }
            text += &format!("1\t{}\t{effect}\t{other}\t{weight}\n", site.position);
        }
        // A row that no data have, so that no file is empty.
        text + "1\t128\tN\tA\t1\n"
    })
}

fn rows(sites: &[Site]) -> Vec<DataRow> {
    let row = |site: &Site| {
        let (reference, alternate) = alleles(site);
        let calls: Vec<&str> = site.calls.iter().map(|at| CALLS[*at]).collect();
        DataRow::new(
            "1",
            site.position,
            &reference.to_string(),
            &alternate.to_string(),
            &calls,
        )
    };
    sites.iter().map(row).collect()
}

fn plan(world: &World, sites: &[Site]) -> Arc<ScorePlan> {
    let [one, two] = tables(sites);
    let sources = [world.score("ONE", &one), world.score("TWO", &two)];
    Arc::new(world.plan(&sources).unwrap())
}

fn fold(plan: &Arc<ScorePlan>, missing: MissingPolicy) -> PolygenicScores {
    let options = FoldOptions {
        missing,
        dosage_sums: true,
        ..FoldOptions::default()
    };
    PolygenicScores::new(Arc::clone(plan), vec![Sex::Female; PATIENTS], options).unwrap()
}

/// (sum, called rows, missing rows) by a plain model; ambiguous alleles are left out.
fn model(sites: &[Site], score: usize, patient: usize, imputes: bool) -> (f64, u64, u64) {
    let (mut sum, mut called, mut missing) = (0.0, 0, 0);
    for site in sites {
        let Some((weight, is_reference, _)) = site.weights[score] else {
            continue;
        };
        let (reference, alternate) = alleles(site);
        if complement(reference) == alternate {
            continue;
        }
        let copies = |at: usize| {
            let call = CallCode(code(CALLS[site.calls[at]])).call()?;
            let copies = if is_reference {
                call.reference()
            } else {
                call.alternate
            };
            call.is_complete().then_some(f64::from(copies))
        };
        if let Some(copies) = copies(patient) {
            sum += weight * copies;
            called += u64::from(CALLS[site.calls[patient]] != "assumed");
        } else {
            missing += 1;
            let known: Vec<f64> = (0..PATIENTS)
                .filter(|at| CALLS[site.calls[*at]] != "assumed")
                .filter_map(copies)
                .collect();
            if imputes && known.len() >= 50 {
                sum += weight * known.iter().sum::<f64>() / known.len() as f64;
            }
        }
    }
    (sum, called, missing)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sums_are_those_of_a_plain_model(sites in sites(), imputes: bool) {
        let world = World::new(&[("1", &bases())]);
        let plan = plan(&world, &sites);
        let policy = if imputes { MissingPolicy::Cohort } else { MissingPolicy::None };
        let mut fold = fold(&plan, policy);
        fold.observe(&world.batch(0, &rows(&sites), &[])).unwrap();
        let results = fold.results();
        for score in 0..2 {
            for patient in 0..PATIENTS {
                let result = results.patient(score, patient);
                let (sum, called, missing) = model(&sites, score, patient, imputes);
                prop_assert!((result.sum - sum).abs() <= 1e-9 * sum.abs().max(1.0), "{} {sum}", result.sum);
                prop_assert_eq!((result.called, result.missing), (called, missing));
                let shares = result.weight_called + result.weight_assumed + result.weight_missing
                    + result.weight_not_counted + result.weight_lost;
                prop_assert!((shares - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn cuts_and_the_order_of_merges_do_not_matter(
        sites in sites(),
        cuts in proptest::collection::vec(0..20usize, 0..4),
        order: bool,
    ) {
        let world = World::new(&[("1", &bases())]);
        let plan = plan(&world, &sites);
        let rows = rows(&sites);
        let mut whole = fold(&plan, MissingPolicy::Cohort);
        whole.observe(&world.batch(0, &rows, &[])).unwrap();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(rows.len())).collect();
        cuts.extend([0, rows.len()]);
        cuts.sort_unstable();
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for pair in cuts.windows(2) {
            let mut part = fold(&plan, MissingPolicy::Cohort);
            if pair[0] < pair[1] {
                part.observe(&world.batch(1, &rows[pair[0]..pair[1]], &[])).unwrap();
            }
            parts.push(part.save().unwrap());
        }
        if order {
            parts.reverse();
        }
        let mut merged = whole.empty();
        for part in &parts {
            merged.merge(part).unwrap();
        }
        prop_assert_eq!(merged.save().unwrap(), whole.save().unwrap());
    }
}

#[test]
fn statistics_take_room_only_where_calls_are_missing() {
    let world = World::new(&[("1", &bases())]);
    let source = world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\n1\t2\tT\tC\t1\n"));
    let plan = Arc::new(world.plan(&[source]).unwrap());
    let mut whole = fold(&plan, MissingPolicy::None);
    let calls = |missing: &'static str| {
        let mut calls = vec!["0/1"; PATIENTS];
        calls[7] = missing;
        calls
    };
    let first = [DataRow::new("1", 1, "A", "G", &calls("1|1"))];
    whole.observe(&world.batch(0, &first, &[])).unwrap();
    assert!(whole.state.statistics.iter().all(Vec::is_empty));
    let second = [DataRow::new("1", 2, "C", "T", &calls("./."))];
    whole.observe(&world.batch(1, &second, &[])).unwrap();
    assert_eq!(whole.state.statistics[0].len(), PATIENTS);
    let missing: u32 = whole.state.statistics[0]
        .iter()
        .map(|one| one.missing)
        .sum();
    assert_eq!(missing, 1);
}

#[test]
fn a_fold_of_another_plan_is_refused() {
    let world = World::new(&[("1", &bases())]);
    let one = world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\n"));
    let first = fold(&Arc::new(world.plan(&[one]).unwrap()), MissingPolicy::None);
    let two = world.score("S", &format!("{HEADER}1\t1\tG\tA\t2\n"));
    let mut second = fold(&Arc::new(world.plan(&[two]).unwrap()), MissingPolicy::None);
    assert!(second.merge(&first.save().unwrap()).is_err());
    assert!(second.merge(b"nothing").is_err());
}
