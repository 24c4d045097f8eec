use super::*;
use crate::testing::{World, loose};

#[test]
fn members_are_most_similar_to_their_own() {
    let world = World::new(&[60, 60, 60], 2_000, 0.05, 21);
    let panel = world.panel(&world.people(), loose(3));
    let model = PopulationModel::new(&panel, 3).unwrap();
    for sample in panel.samples() {
        let probabilities = model.probabilities(&sample.components);
        let (population, probability) = largest(probabilities.iter().copied()).unwrap();
        assert_eq!(population, sample.population);
        assert!(probability > 0.999);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let distances = model.distances(&sample.components);
        let nearest = largest(distances.iter().map(|d| -d.squared)).unwrap().0;
        assert_eq!(nearest, sample.population);
    }
}

/// The mean of squared distances of a population's own samples is the number of components, exactly,
/// where the covariance divides by their number.
#[test]
fn the_covariance_divides_by_the_number_of_samples() {
    let world = World::new(&[40, 50], 600, 0.1, 22);
    let panel = world.panel(&world.people(), loose(3));
    let model = PopulationModel::new(&panel, 3).unwrap();
    for population in 0..2 {
        let own: Vec<f64> = panel
            .samples()
            .iter()
            .filter(|sample| sample.population == population)
            .map(|sample| model.distances(&sample.components)[population].squared)
            .collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        assert!((mean - 3.0).abs() < 1e-9, "{mean}");
    }
}

#[test]
fn far_from_all_there_is_still_no_division_by_zero() {
    let world = World::new(&[40, 40], 600, 0.1, 23);
    let panel = world.panel(&world.people(), loose(2));
    let model = PopulationModel::new(&panel, 2).unwrap();
    let probabilities = model.probabilities(&[1e6, -1e6]);
    assert!(probabilities.iter().all(|p| p.is_finite()));
    assert_eq!(model.distances(&[1e6, -1e6])[0].p, 0.0);
    assert!(model.distances(&[0.0])[0].squared.is_nan());
    assert!(PopulationModel::new(&panel, 1).is_err());
    assert!(PopulationModel::new(&panel, 3).is_err());
}

#[test]
fn the_first_of_equals_is_the_largest() {
    assert_eq!(largest([1.0, 3.0, 3.0]), Some((1, 3.0)));
    assert_eq!(largest([]), None);
}
