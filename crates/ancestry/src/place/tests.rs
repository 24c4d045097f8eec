use super::*;
use crate::testing::{World, loose};

/// Distance between two places on the first components, and from the origin.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// Turns and scales `from` onto `to`, rows of people, by the Procrustes problem; both are centred.
fn aligned(from: &[Vec<f64>], to: &[Vec<f64>]) -> DMatrix<f64> {
    let matrix = |rows: &[Vec<f64>]| {
        let k = rows[0].len();
        DMatrix::from_fn(rows.len(), k, |i, j| rows[i][j])
    };
    let (from, to) = (matrix(from), matrix(to));
    let svd = (from.transpose() * &to).svd(true, true);
    let scale = svd.singular_values.sum() / from.norm_squared();
    svd.u.unwrap() * svd.v_t.unwrap() * scale
}

/// The point of the correction: a person who is held out lands where they would be had the panel
/// held them, while least squares alone put them too near the origin.
#[test]
fn people_held_out_land_where_they_belong() {
    let world = World::new(&[40, 40, 40], 2_000, 0.02, 5);
    let held_out = world.every(6, 0);
    let panel_people: Vec<usize> = world
        .people()
        .into_iter()
        .filter(|person| !held_out.contains(person))
        .collect();
    assert_eq!(panel_people.len(), 100);
    let panel = world.panel(&panel_people, loose(2));
    let mut shrunk = 0.0;
    let (mut error_plain, mut error_corrected, mut reach) = (0.0, 0.0, 0.0);
    for person in held_out {
        // Where they fall when included, in the panel's own frame.
        let with: Vec<usize> = panel_people.iter().copied().chain([person]).collect();
        let full = world.panel(&with, loose(2));
        let places: Vec<Vec<f64>> = full
            .samples()
            .iter()
            .map(|s| s.components.clone())
            .collect();
        let own: Vec<Vec<f64>> = panel
            .samples()
            .iter()
            .map(|s| s.components.clone())
            .collect();
        let turn = aligned(&places[..100], &own);
        let truth = DMatrix::from_row_slice(1, 2, &places[100]) * turn;
        let truth: Vec<f64> = truth.iter().copied().collect();

        let genotypes: Vec<u8> = panel
            .sites()
            .iter()
            .map(|site| {
                let at = |row: &&crate::testing::Row| {
                    row.position == site.position.0
                        && row.contig + 1 == site.contig.parse::<u32>().unwrap()
                };
                world.rows.iter().find(at).unwrap().genotypes[person]
            })
            .collect();
        let observed = observe(&panel, &genotypes);
        let (plain, _) = least_squares(panel.sites().len(), &observed).unwrap();
        let corrected = place(panel.singular_values(), panel.sites().len(), &observed).unwrap();
        error_plain += apart(&plain.as_slice()[..2], &truth);
        error_corrected += apart(&corrected[..2], &truth);
        shrunk += apart(&plain.as_slice()[..2], &[0.0, 0.0]);
        reach += apart(&truth, &[0.0, 0.0]);
    }
    // Measured: plain places reach 0.57 of the true distance from the origin; corrected ones are
    // wrong by 0.011 of it.
    assert!(shrunk < 0.7 * reach, "{shrunk} {reach}");
    assert!(
        error_corrected < 0.02 * reach && error_corrected < 0.1 * error_plain,
        "{error_corrected} {error_plain} {reach}"
    );
}

/// Sums in floating point, for a person with genotypes at all sites (3 is missing).
fn observe(panel: &crate::Panel, genotypes: &[u8]) -> Observed {
    let held = panel.singular_values().len();
    let mut observed = Observed {
        sites: 0,
        projections: vec![0.0; held],
        square: 0.0,
        pairs: vec![0.0; held * (held + 1) / 2],
    };
    for (site, genotype) in genotypes.iter().enumerate().filter(|(_, g)| **g < 3) {
        let (mean, deviation) = panel.sites()[site].scale();
        let y = (f64::from(*genotype) - mean) / deviation;
        let loadings = panel.loadings(site);
        observed.sites += 1;
        observed.square += y * y;
        let mut pairs = observed.pairs.iter_mut();
        for (k, left) in loadings.iter().enumerate() {
            observed.projections[k] += left * y;
            for right in &loadings[..=k] {
                *pairs.next().unwrap() += left * right;
            }
        }
    }
    observed
}

/// A person of the panel itself has no correction to make: least squares give their coordinates.
#[test]
fn least_squares_give_members_back() {
    let world = World::new(&[30, 30], 800, 0.05, 9);
    let panel = world.panel(&world.people(), loose(2));
    for person in [0, 31] {
        let genotypes: Vec<u8> = world.rows.iter().map(|row| row.genotypes[person]).collect();
        let genotypes = &genotypes[..];
        assert_eq!(genotypes.len(), panel.sites().len(), "all sites are kept");
        let (place, _) = least_squares(genotypes.len(), &observe(&panel, genotypes)).unwrap();
        let own = &panel.samples()[person].components;
        assert!(apart(&place.as_slice()[..2], own) < 1e-9 * apart(own, &[0.0, 0.0]));
    }
}

#[test]
fn places_with_sites_missing_are_near_those_with_all() {
    let world = World::new(&[60, 60], 3_000, 0.05, 2);
    let panel_people: Vec<usize> = world.people().into_iter().filter(|i| i % 10 > 0).collect();
    let panel = world.panel(&panel_people, loose(2));
    let person = 10;
    let sites = panel.sites().len();
    let all: Vec<u8> = world.rows.iter().map(|row| row.genotypes[person]).collect();
    assert_eq!(all.len(), sites);
    let some: Vec<u8> = all
        .iter()
        .enumerate()
        .map(|(i, genotype)| if i % 4 == 0 { 3 } else { *genotype })
        .collect();
    let place_of = |genotypes: &[u8]| {
        place(panel.singular_values(), sites, &observe(&panel, genotypes)).unwrap()[0]
    };
    let (all, some) = (place_of(&all), place_of(&some));
    assert!((some / all - 1.0).abs() < 0.15, "{all} {some}");
}

#[test]
fn too_few_sites_have_no_place() {
    let person = Observed {
        sites: 4,
        projections: vec![1.0; 4],
        square: 10.0,
        pairs: vec![0.1; 10],
    };
    assert_eq!(place(&[4.0, 3.0, 2.0, 1.0], 100, &person), None);
    // Enough sites, but all of them say the same.
    let person = Observed {
        sites: 50,
        ..person
    };
    assert_eq!(place(&[4.0, 3.0, 2.0, 1.0], 100, &person), None);
}
