//! Population calls and adjusted scores against pgscatalog-calc, the Python library of pgsc_calc, on
//! the same components and sums.

mod support;
#[path = "../src/testing.rs"]
#[expect(dead_code, reason = "each test uses a part")]
mod testing;

use std::fmt::Write as _;
use std::sync::Arc;

use support::{number, python, rows};
use testing::{Random, World, batch, contigs, loose};
use varisk_ancestry::{
    Panel, PanelBuilder, PanelSample, PanelSettings, Placement, PopulationModel, Projection,
    ProjectionOptions, ScoreAdjuster,
};
use varisk_core::Analysis;

const SCRIPT: &str = r#"
import sys, warnings
import pandas as pd
warnings.filterwarnings("ignore")
from pgscatalog.calc.lib._ancestry.tools import compare_ancestry, pgs_adjust
ref = pd.read_csv(sys.argv[1], float_precision="round_trip", index_col=0)
target = pd.read_csv(sys.argv[2], float_precision="round_trip", index_col=0)
pops = sorted(ref["SuperPop"].unique())
_, maha, _ = compare_ancestry(ref, "SuperPop", target, "Unrelated", n_pcs=5, method="Mahalanobis", p_threshold=1e-10)
_, forest, _ = compare_ancestry(ref, "SuperPop", target, "Unrelated", n_pcs=5, method="RandomForest", p_threshold=0.5)
scores = [c for c in ref.columns if c.startswith("score")]
target["MostSimilarPop"] = target["given"]
_, adjusted, _ = pgs_adjust(ref, target, scores, "SuperPop", "MostSimilarPop", ["empirical", "mean", "mean+var"], ref_train_col="Unrelated", n_pcs=4)
out = pd.DataFrame({"maha": maha["MostSimilarPop"], "forest": forest["MostSimilarPop"]})
for pop in pops:
    out["p_" + pop] = maha["Mahalanobis_P_" + pop]
for score in scores:
    for method in ["percentile_MostSimilarPop", "Z_MostSimilarPop", "Z_norm1", "Z_norm2"]:
        out[method + "|" + score] = adjusted[method + "|" + score]
out.to_csv(sys.stdout)
"#;

/// Five populations, patients among them, and people between two populations.
struct Case {
    panel: Arc<Panel>,
    placements: Vec<Placement>,
    truth: Vec<usize>,
}

fn case() -> Case {
    let world = World::new(&[75; 5], 4_000, 0.03, 101);
    let (patients, members) = (world.every(5, 0), world.people());
    let members: Vec<usize> = members.into_iter().filter(|i| i % 5 > 0).collect();
    // Of the panel's people some are relatives.
    let sample = |(i, person): (usize, &usize)| PanelSample {
        population: format!("P{}", world.populations[*person]),
        is_training: i % 13 != 5,
    };
    let samples = members.iter().enumerate().map(sample).collect();
    let mut builder = PanelBuilder::new(loose(6), samples).unwrap();
    for (number, rows) in (0..).zip(world.rows.chunks(500)) {
        builder.observe(&batch(number, rows, &members)).unwrap();
    }
    let panel = Arc::new(builder.finish(2).unwrap());
    let options = ProjectionOptions::default();
    let mut fold =
        Projection::new(Arc::clone(&panel), &contigs(), patients.len(), options).unwrap();
    fold.observe(&batch(0, &world.rows, &patients)).unwrap();
    Case {
        placements: fold.results(),
        truth: patients
            .iter()
            .map(|person| world.populations[*person])
            .collect(),
        panel,
    }
}

/// A score whose mean and spread follow the components, in units of `scale`.
fn score(panel: &Panel, components: &[f64], scale: f64, random: &mut Random) -> f64 {
    let unit = |k: usize| components[k] / panel.singular_values()[k] * 15.0;
    scale * (1.0 + 0.6 * unit(0) - 0.4 * unit(1) + (0.3 * unit(2)).exp() * random.normal())
}

const SCALES: [f64; 3] = [1.0, 0.03, 40.0];

#[test]
fn calls_and_adjusted_scores_are_those_of_pgscatalog_calc() {
    let Case {
        mut panel,
        placements,
        truth,
    } = case();
    let mut random = Random::new(102);
    let mut sums = |places: &[&[f64]], scale| -> Vec<f64> {
        let sum = |place: &&[f64]| score(&panel, place, scale, &mut random);
        places.iter().map(sum).collect()
    };
    let own: Vec<&[f64]> = panel.samples().iter().map(|s| &s.components[..]).collect();
    let patients = placements.iter().map(|p| p.components.as_deref().unwrap());
    let patients: Vec<&[f64]> = patients.collect();
    let panel_sums = SCALES.map(|scale| sums(&own, scale));
    let patient_sums = SCALES.map(|scale| sums(&patients, scale));

    let folder = tempfile::tempdir().unwrap();
    let header = "id,PC1,PC2,PC3,PC4,PC5,PC6,score0,score1,score2";
    let mut reference = format!("{header},SuperPop,Unrelated\n");
    for (i, sample) in panel.samples().iter().enumerate() {
        let training = if sample.is_training { "True" } else { "False" };
        let line = line(i, &sample.components, &panel_sums);
        writeln!(reference, "{line},P{},{training}", sample.population).unwrap();
    }
    let mut target = format!("{header},given\n");
    for (i, placement) in placements.iter().enumerate() {
        let line = line(i, patients[i], &patient_sums);
        writeln!(target, "{line},P{}", placement.population.unwrap()).unwrap();
    }
    let paths = ["reference.csv", "target.csv"].map(|name| folder.path().join(name));
    std::fs::write(&paths[0], reference).unwrap();
    std::fs::write(&paths[1], target).unwrap();
    let expected = rows(&python(SCRIPT, &[&paths[0], &paths[1]]));
    assert_eq!(expected.len(), placements.len());

    let panel_mut = Arc::make_mut(&mut panel);
    for (name, sums) in ["score0", "score1", "score2"].into_iter().zip(panel_sums) {
        panel_mut.add_score(name, "", "", sums).unwrap();
    }
    let model = PopulationModel::new(&panel, 5).unwrap();
    let adjusters =
        ["score0", "score1", "score2"].map(|name| ScoreAdjuster::new(&panel, name, 4).unwrap());
    let mut worst = [0.0f64; 5];
    let note = |worst: &mut f64, got: f64, expected: f64, unit: f64| {
        *worst = worst.max((got - expected).abs() / unit);
    };
    let (mut same_forest, mut same_distance) = (0, 0);
    for (i, (placement, expected)) in placements.iter().zip(&expected).enumerate() {
        let population = placement.population.unwrap();
        assert_eq!(population, truth[i]);
        same_distance += usize::from(expected[1] == format!("P{population}"));
        same_forest += usize::from(expected[2] == format!("P{population}"));
        let distances = model.distances(patients[i]);
        for (distance, p) in distances.iter().zip(&expected[3..8]) {
            let p = number(p);
            note(&mut worst[0], distance.p, p, p.max(1e-300));
        }
        for (k, adjuster) in adjusters.iter().enumerate() {
            let sum = patient_sums[k][i];
            let adjusted = adjuster.adjust(sum, Some(patients[i]), Some(population));
            let got = [
                adjusted.percentile,
                adjusted.z_most_similar,
                adjusted.z_norm1,
                adjusted.z_norm2,
            ];
            let figures = &expected[8 + 4 * k..12 + 4 * k];
            for ((worst, got), figure) in worst[1..].iter_mut().zip(got).zip(figures) {
                note(worst, got.unwrap(), number(figure), 1.0);
            }
        }
    }
    println!(
        "greatest differences: p {:.1e} (relative), percentile {:.1e}, Z_MostSimilarPop {:.1e}, \
         Z_norm1 {:.1e}, Z_norm2 {:.1e}; same population: distance {same_distance}, forest \
         {same_forest} of {}",
        worst[0],
        worst[1],
        worst[2],
        worst[3],
        worst[4],
        placements.len()
    );
    assert!(worst[0] < 1e-8, "Mahalanobis p");
    assert!(worst[1] < 1e-9, "percentile");
    assert!(worst[2] < 1e-10, "Z_MostSimilarPop");
    assert!(worst[3] < 1e-10, "Z_norm1");
    // The other side's minimiser stops at a gradient of 1e-5, some 1e-6 from its minimum.
    assert!(worst[4] < 1e-5, "Z_norm2");
    assert_eq!(same_distance, placements.len());
    assert_eq!(same_forest, placements.len());
}

fn line(i: usize, components: &[f64], sums: &[Vec<f64>; 3]) -> String {
    let mut line = format!("s{i}");
    for value in components.iter().chain(sums.iter().map(|sums| &sums[i])) {
        write!(line, ",{value:?}").unwrap();
    }
    line
}
