use proptest::prelude::*;
use varisk_core::{Sex, quantise_dosage};

use super::*;
use crate::testing::{Random, Row, World, batch, contigs, loose};

/// Three populations, of which every fifth person is a patient and the others make the panel.
fn world() -> (World, Arc<Panel>, Vec<usize>) {
    let world = World::new(&[60, 60, 60], 1_500, 0.05, 51);
    let patients = world.every(5, 0);
    let others: Vec<usize> = world.people().into_iter().filter(|i| i % 5 > 0).collect();
    let panel = Arc::new(world.panel(&others, loose(3)));
    (world, panel, patients)
}

fn new(panel: &Arc<Panel>, patients: usize) -> Projection {
    let options = ProjectionOptions::default();
    Projection::new(Arc::clone(panel), &contigs(), patients, options).unwrap()
}

fn run(panel: &Arc<Panel>, rows: &[Row], people: &[usize]) -> Vec<Placement> {
    let mut fold = new(panel, people.len());
    for (number, rows) in rows.chunks(211).enumerate() {
        fold.observe(&batch(number as u64, rows, people)).unwrap();
    }
    fold.results()
}

/// Calls lost here and there: of a few people nearly all, of the others few.
fn with_losses(mut rows: Vec<Row>, seed: u64) -> Vec<Row> {
    let mut random = Random::new(seed);
    for row in &mut rows {
        for (person, genotype) in row.genotypes.iter_mut().enumerate() {
            let loss = if person % 15 == 0 { 0.6 } else { 0.1 };
            if random.uniform() < loss {
                *genotype = 3 + (random.next() % 3) as u8;
            }
        }
    }
    rows
}

#[test]
fn patients_are_most_similar_to_their_own() {
    let (world, panel, patients) = world();
    let placements = run(&panel, &world.rows, &patients);
    let mut turned_away = 0;
    for (placement, patient) in placements.iter().zip(&patients) {
        assert_eq!((placement.sites, placement.share), (1_500, 1.0));
        // Populations of 48 look narrower than they are, so that a member at the edge may be off.
        if placement.reason == Some(Reason::OffThePanel) {
            turned_away += 1;
            continue;
        }
        assert_eq!(placement.state(), "ok", "{placement:?}");
        assert_eq!(placement.population, Some(world.populations[*patient]));
        assert!(placement.probability.unwrap() > 0.999);
    }
    assert!(turned_away <= 1 && placements.len() == 36);
}

/// To the last bit: alone, among others, and among others who miss most sites.
#[test]
fn a_patient_does_not_depend_on_the_others() {
    let (world, panel, patients) = world();
    let rows = with_losses(world.rows, 1);
    let together = run(&panel, &rows, &patients);
    for (patient, among) in patients.iter().zip(&together) {
        assert_eq!(run(&panel, &rows, &[*patient])[0], *among);
    }
    // One patient among many whose files lack the rows.
    let mut crowd = vec![patients[1]];
    let mut sparse = rows.clone();
    for row in &mut sparse {
        let genotype = row.genotypes[patients[1]];
        row.genotypes.fill(4);
        row.genotypes[patients[1]] = genotype;
    }
    crowd.extend(&patients[2..]);
    assert_eq!(run(&panel, &sparse, &crowd)[0], together[1]);
}

#[test]
fn sums_are_those_of_floating_point() {
    let (world, panel, patients) = world();
    let rows = with_losses(world.rows, 2);
    let person = patients[4];
    let placement = &run(&panel, &rows, &[person])[0];
    let held = panel.singular_values().len();
    let mut observed = Observed {
        sites: 0,
        projections: vec![0.0; held],
        square: 0.0,
        pairs: vec![0.0; held * (held + 1) / 2],
    };
    for (site, row) in rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.genotypes[person] < 3)
    {
        let (mean, deviation) = panel.sites()[site].scale();
        let y = (f64::from(row.genotypes[person]) - mean) / deviation;
        observed.sites += 1;
        observed.square += y * y;
        let loadings = panel.loadings(site);
        let mut pairs = observed.pairs.iter_mut();
        for (k, left) in loadings.iter().enumerate() {
            observed.projections[k] += left * y;
            loadings[..=k]
                .iter()
                .for_each(|right| *pairs.next().unwrap() += left * right);
        }
    }
    let expected = place::place(panel.singular_values(), rows.len(), &observed).unwrap();
    for (got, expected) in placement.components.as_ref().unwrap().iter().zip(expected) {
        assert!(
            (got - expected).abs() < 1e-9 * expected.abs().max(1.0),
            "{got} {expected}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the cut, the order of batches and the grouping of merges.
    #[test]
    fn cuts_and_merges_do_not_change_a_bit(
        size in 1usize..400,
        order in any::<u64>(),
        folds in 1usize..4,
    ) {
        let (world, panel, patients) = small();
        let rows = with_losses(world.rows, 3);
        let mut whole = new(&panel, patients.len());
        whole.observe(&batch(0, &rows, &patients)).unwrap();
        let mut random = Random::new(order);
        let mut batches: Vec<_> = rows.chunks(size).map(|rows| batch(0, rows, &patients)).collect();
        for i in (1..batches.len()).rev() {
            batches.swap(i, (random.next() % (i as u64 + 1)) as usize);
        }
        let mut parts: Vec<Box<dyn Analysis>> = (0..folds).map(|_| whole.empty()).collect();
        for (i, batch) in batches.iter().enumerate() {
            parts[i % folds].observe(batch).unwrap();
        }
        let mut merged = new(&panel, patients.len());
        for part in parts.iter().rev() {
            merged.merge(&part.save().unwrap()).unwrap();
        }
        prop_assert_eq!(merged.results(), whole.results());
        prop_assert_eq!(merged.sites_seen(), 400);
    }
}

fn small() -> (World, Arc<Panel>, Vec<usize>) {
    let world = World::new(&[30, 30], 400, 0.05, 52);
    let patients = world.every(6, 0);
    let others: Vec<usize> = world.people().into_iter().filter(|i| i % 6 > 0).collect();
    let panel = Arc::new(world.panel(&others, loose(2)));
    (world, panel, patients)
}

#[test]
fn a_fold_of_another_run_is_refused() {
    let (world, panel, patients) = small();
    let mut fold = new(&panel, patients.len());
    fold.observe(&batch(0, &world.rows, &patients)).unwrap();
    let saved = fold.save().unwrap();
    assert!(new(&panel, 3).merge(&saved).is_err());
    assert!(new(&panel, patients.len()).merge(&saved[1..]).is_err());
    let (_, other, _) = world_of_another_panel();
    assert!(new(&other, patients.len()).merge(&saved).is_err());
    assert!(new(&panel, patients.len()).merge(&saved).is_ok());
}

fn world_of_another_panel() -> (World, Arc<Panel>, Vec<usize>) {
    let world = World::new(&[30, 30], 400, 0.05, 53);
    let panel = Arc::new(world.panel(&world.people(), loose(2)));
    (world, panel, Vec::new())
}

#[test]
fn reasons_for_no_place() {
    let (world, panel, patients) = world();
    let one = &patients[..1];
    let check = |rows: &[Row], reason, placed: bool| {
        let placement = run(&panel, rows, one).remove(0);
        assert_eq!(placement.reason, Some(reason));
        assert_eq!(placement.components.is_some(), placed);
        assert_eq!(
            (placement.population, placement.state()),
            (None, "not_computed")
        );
        placement
    };
    check(&[], Reason::NoPanelSites, false);
    // The same positions with other alleles, on another contig, or trimmed out of another record.
    let change = |change: &dyn Fn(&mut Row)| {
        let mut rows = world.rows.clone();
        rows.iter_mut().for_each(change);
        rows
    };
    check(
        &change(&|row| row.alternate = "C".to_owned()),
        Reason::NoPanelSites,
        false,
    );
    check(
        &change(&|row| row.position += 1),
        Reason::NoPanelSites,
        false,
    );
    check(
        &change(&|row| row.genotypes.fill(5)),
        Reason::NoPanelSites,
        false,
    );
    let few = check(&world.rows[..1_000], Reason::TooFewAncestrySites, false);
    assert_eq!((few.sites, few.share), (1_000, 1_000.0 / 1_500.0));

    // Only what differs from the reference, as in a plain VCF of one person.
    let carried = change(&|row| {
        if row.genotypes[one[0]] == 0 {
            row.genotypes.fill(4);
        }
    });
    check(&carried, Reason::TooFewAncestrySites, false);
}

/// Somebody of a population that the panel lacks, and somebody between two that it has.
#[test]
fn strangers_and_mixtures_are_told_apart() {
    let (world, panel, _) = world();
    let mut random = Random::new(54);
    // Heterozygous nearly everywhere: like nobody.
    let stranger = |row: &Row| Row {
        genotypes: vec![if random.uniform() < 0.9 { 1 } else { 0 }],
        ..row.clone()
    };
    let rows: Vec<Row> = world.rows.iter().map(stranger).collect();
    let placement = run(&panel, &rows, &[0]).remove(0);
    assert_eq!(placement.reason, Some(Reason::OffThePanel), "{placement:?}");
    assert!(placement.components.is_some() && placement.population.is_none());
}

#[test]
fn between_two_populations_confidence_is_low() {
    // Populations so close that they overlap.
    let world = World::new(&[80, 80], 1_000, 0.002, 55);
    let panel = Arc::new(world.panel(&world.people(), loose(2)));
    let rows = &world.rows;
    let all = run(&panel, rows, &world.people());
    let low = all
        .iter()
        .filter(|placement| placement.state() == "low_confidence");
    let low: Vec<&Placement> = low.collect();
    assert!(!low.is_empty());
    for placement in low {
        assert_eq!(placement.reason, Some(Reason::LowConfidencePopulation));
        assert!(placement.probability.unwrap() < 0.9 && placement.population.is_some());
    }
}

/// An assumed reference is no call unless the user allows it; it is counted in any case.
#[test]
fn assumed_references_count_where_allowed() {
    let (world, panel, patients) = small();
    let rows: Vec<Row> = world
        .rows
        .iter()
        .map(|row| Row {
            genotypes: row
                .genotypes
                .iter()
                .map(|g| if *g == 0 { 5 } else { *g })
                .collect(),
            ..row.clone()
        })
        .collect();
    let refused = run(&panel, &rows, &patients);
    let options = ProjectionOptions {
        count_assumed: true,
        ..ProjectionOptions::default()
    };
    let mut fold =
        Projection::new(Arc::clone(&panel), &contigs(), patients.len(), options).unwrap();
    fold.observe(&batch(0, &rows, &patients)).unwrap();
    let called = run(&panel, &world.rows, &patients);
    for ((refused, allowed), called) in refused.iter().zip(fold.results()).zip(called) {
        assert!(refused.assumed > 0 && refused.sites + refused.assumed == 400);
        assert_eq!(refused.reason, Some(Reason::TooFewAncestrySites));
        assert_eq!(allowed.assumed, refused.assumed);
        assert_eq!(allowed.components, called.components);
    }
}

/// Whole stated dosages place a patient where genotypes do, and stand in for missing ones.
#[test]
fn stated_dosages_count() {
    let (world, panel, patients) = small();
    let mut missing = world.rows.clone();
    missing.iter_mut().for_each(|row| row.genotypes.fill(3));
    let plain = batch(0, &missing, &patients);
    let mut calls = plain.calls().clone();
    for (index, row) in (0..).zip(&world.rows) {
        let dosage = |person: &usize| quantise_dosage(f64::from(row.genotypes[*person])).unwrap();
        calls.set_dosages(index, patients.iter().map(dosage).collect());
    }
    let mut fold = new(&panel, patients.len());
    fold.observe(&plain.with_calls(calls).unwrap()).unwrap();
    assert_eq!(fold.results(), run(&panel, &world.rows, &patients));
}

/// A second record of an allele does not count.
#[test]
fn a_repeated_record_counts_once() {
    let (world, panel, patients) = small();
    let mut rows = Vec::new();
    for row in &world.rows {
        rows.push(row.clone());
        rows.push(Row {
            genotypes: vec![2; row.genotypes.len()],
            ..row.clone()
        });
    }
    let mut fold = new(&panel, patients.len());
    fold.observe(&batch(0, &rows, &patients)).unwrap();
    assert_eq!(fold.results(), run(&panel, &world.rows, &patients));
}

#[test]
fn features_and_table_have_a_row_for_each_patient() {
    let (world, panel, patients) = small();
    let mut fold = new(&panel, patients.len());
    fold.observe(&batch(0, &world.rows[..390], &patients))
        .unwrap();
    let people: Vec<Patient> = (0..patients.len())
        .map(|i| Patient {
            id: format!("p{i}"),
            sex: Sex::Unknown,
            ..Patient::default()
        })
        .collect();
    let output = fold.finish(&people).unwrap();
    let features = output.features.get("ancestry.pc2").unwrap();
    let placements = fold.results();
    for (feature, placement) in features.iter().zip(&placements) {
        assert_eq!(feature.unwrap(), placement.components.as_ref().unwrap()[1]);
    }
    assert_eq!(
        output.features.get("ancestry.share").unwrap()[0],
        Ok(390.0 / 400.0)
    );
    let (name, table) = &output.tables[0];
    assert_eq!((*name, table.num_rows()), ("ancestry", patients.len()));
    assert_eq!(table.schema(), crate::ancestry_schema());
    let empty = new(&panel, patients.len()).finish(&people).unwrap();
    assert_eq!(
        empty.features.get("ancestry.pc1").unwrap()[0],
        Err(Reason::NoPanelSites)
    );
}
