use super::*;
use crate::testing::{Random, World, loose};

/// A panel whose score depends on the first component, in mean and spread.
fn panel() -> Panel {
    let world = World::new(&[80, 80], 1_000, 0.05, 31);
    let mut panel = world.panel(&world.people(), loose(2));
    let mut random = Random::new(32);
    let scale = panel.singular_values()[0];
    let sums = panel
        .samples()
        .iter()
        .map(|sample| {
            let place = sample.components[0] / scale;
            3e-4 * (2.0 + 10.0 * place + (6.0 * place).exp() * random.normal())
        })
        .collect();
    panel.add_score("score", "hash", "settings", sums).unwrap();
    panel
}

#[test]
fn training_samples_are_standard_after_adjustment() {
    let panel = panel();
    let adjuster = ScoreAdjuster::new(&panel, "score", 2).unwrap();
    let adjusted: Vec<Adjusted> = panel
        .samples()
        .iter()
        .zip(&panel.scores()[0].sums)
        .map(|(sample, sum)| {
            adjuster.adjust(*sum, Some(&sample.components), Some(sample.population))
        })
        .collect();
    let check = |name: &str, z: &dyn Fn(&Adjusted) -> Option<f64>| {
        let (mean, deviation) = moments(adjusted.iter().map(|a| z(a).unwrap()));
        assert!(
            mean.abs() < 0.02 && (deviation - 1.0).abs() < 0.02,
            "{name} {mean} {deviation}"
        );
    };
    check("population", &|a| a.z_most_similar);
    check("norm1", &|a| a.z_norm1);
    check("norm2", &|a| a.z_norm2);
    // Where the spread differs between populations, only norm2 makes it equal.
    let spread = |population: usize, z: &dyn Fn(&Adjusted) -> Option<f64>| {
        let own = panel.samples().iter().zip(&adjusted);
        let own = own.filter(|(sample, _)| sample.population == population);
        let own: Vec<f64> = own.map(|(_, a)| z(a).unwrap()).collect();
        moments(own.into_iter()).1
    };
    let ratio = |z: &dyn Fn(&Adjusted) -> Option<f64>| spread(0, z) / spread(1, z);
    let (one, two) = (ratio(&|a| a.z_norm1), ratio(&|a| a.z_norm2));
    assert!(
        (one - 1.0).abs() > 0.3 && (two - 1.0).abs() < 0.1,
        "{one} {two}"
    );
}

#[test]
fn of_equal_scores_half_are_lower() {
    let distribution = Distribution::of(vec![3.0, 1.0, 2.0, 2.0]).unwrap();
    // scipy.stats.percentileofscore([3, 1, 2, 2], x)
    for (sum, percentile) in [
        (0.0, 0.0),
        (1.0, 25.0),
        (2.0, 62.5),
        (2.5, 75.0),
        (9.0, 100.0),
    ] {
        assert_eq!(distribution.percentile(sum), percentile, "{sum}");
    }
}

#[test]
fn quantiles_are_those_of_numpy() {
    let check = |sums: &[f64], expected: &[(usize, f64)]| {
        let distribution = Distribution::of(sums.to_vec()).unwrap();
        for (percent, quantile) in expected {
            let own = distribution.quantile(*percent);
            assert!((own - quantile).abs() < 1e-12, "{percent}: {own}");
        }
    };
    // numpy.percentile([3, 1, 2, 2], k) and so on.
    check(
        &[3.0, 1.0, 2.0, 2.0],
        &[
            (0, 1.0),
            (10, 1.3),
            (50, 2.0),
            (90, 2.7),
            (99, 2.97),
            (100, 3.0),
        ],
    );
    check(&[7.0], &[(0, 7.0), (37, 7.0), (100, 7.0)]);
    check(&[-2.0, 6.0], &[(0, -2.0), (25, 0.0), (75, 4.0), (100, 6.0)]);
}

/// A sum at a quantile has that percentile, within one per cent and one person.
#[test]
fn references_agree_with_percentiles() {
    let panel = panel();
    let adjuster = ScoreAdjuster::new(&panel, "score", 2).unwrap();
    let references: Vec<ScoreReference> = adjuster.references().collect();
    let populations: Vec<usize> = references.iter().map(|own| own.population).collect();
    assert_eq!(populations, [0, 1]);
    for reference in &references {
        let training = panel.samples().iter().zip(&panel.scores()[0].sums);
        let sums: Vec<f64> = training
            .filter(|(own, _)| own.is_training && own.population == reference.population)
            .map(|(_, sum)| *sum)
            .collect();
        assert_eq!(reference.people, sums.len());
        assert_eq!(reference.quantiles.len(), 101);
        assert!(reference.quantiles.is_sorted());
        let extreme = |pick: fn(f64, f64) -> f64| sums.iter().copied().reduce(pick).unwrap();
        assert_eq!(reference.quantiles[0], extreme(f64::min));
        assert_eq!(reference.quantiles[100], extreme(f64::max));
        let within = 1.0 + 100.0 / sums.len() as f64;
        for (percent, quantile) in reference.quantiles.iter().enumerate() {
            let own = adjuster.adjust(*quantile, None, Some(reference.population));
            let percentile = own.percentile.unwrap();
            assert!(
                (percentile - percent as f64).abs() <= within,
                "{percent}: {percentile}"
            );
            let z = (quantile - reference.mean) / reference.deviation;
            assert!((own.z_most_similar.unwrap() - z).abs() < 1e-12);
        }
    }
}

#[test]
fn what_is_not_known_is_not_compared() {
    let mut panel = panel();
    let adjuster = ScoreAdjuster::new(&panel, "score", 9).unwrap();
    assert_eq!(
        adjuster.adjust(f64::NAN, Some(&[0.0; 2]), Some(0)),
        Adjusted::default()
    );
    let unplaced = adjuster.adjust(1e-4, None, None);
    assert_eq!(unplaced, Adjusted::default());
    let off_panel = adjuster.adjust(1e-4, Some(&[0.0, 0.0]), None);
    assert!(off_panel.percentile.is_none() && off_panel.z_norm2.is_some());
    assert!(
        adjuster
            .adjust(1e-4, Some(&[0.0]), Some(7))
            .z_norm1
            .is_none()
    );

    let missing = Reason::ScoreNotInPanel;
    assert_eq!(ScoreAdjuster::new(&panel, "other", 4).unwrap_err(), missing);
    let count = panel.samples().len();
    panel.add_score("flat", "", "", vec![2.0; count]).unwrap();
    panel
        .add_score("empty", "", "", vec![f64::NAN; count])
        .unwrap();
    assert_eq!(ScoreAdjuster::new(&panel, "flat", 4).unwrap_err(), missing);
    assert_eq!(ScoreAdjuster::new(&panel, "empty", 4).unwrap_err(), missing);

    // A score that is a component leaves nothing to standardise, but has distributions.
    let sums = panel.samples().iter().map(|s| s.components[0]).collect();
    panel.add_score("component", "", "", sums).unwrap();
    let adjusted = ScoreAdjuster::new(&panel, "component", 2).unwrap();
    let adjusted = adjusted.adjust(0.0, Some(&[0.0, 0.0]), Some(0));
    assert!(adjusted.z_norm1.is_none() && adjusted.z_most_similar.is_some());
}
