//! Population calls and adjusted scores against pgscatalog-calc, the Python library of pgsc_calc, on
//! the same components and sums.
#![cfg(test)]

mod support;
#[path = "../src/testing.rs"]
#[expect(dead_code, reason = "each test uses a part")]
mod testing;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use support::{number, python, rows};
use testing::{Random, Row, World, batch, contigs, loose};
use varisk_ancestry::{
    Panel, PanelBuilder, PanelSample, PanelSettings, Placement, PopulationModel, Projection,
    ProjectionOptions, ScoreAdjuster,
};
use varisk_core::{Analysis, Reason};

/// What pgscatalog-calc makes of components and sums: for each patient the population by Mahalanobis
/// distance and by random forest, the probability of each population, and for each score the
/// percentile, `Z_MostSimilarPop`, `Z_norm1` and `Z_norm2`.
const PGSCATALOG: &str = r#"
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

/// People with genotypes, and a population of each.
struct People {
    rows: Vec<Row>,
    populations: Vec<String>,
}

impl People {
    /// Every fifth of them becomes a patient of a panel of the others, some of whom are held to be
    /// relatives; gives the patients' own populations too.
    fn split(&self, settings: PanelSettings) -> (Panel, Vec<Placement>, Vec<&str>) {
        let all = 0..self.populations.len();
        let (patients, members): (Vec<usize>, Vec<usize>) = all.partition(|i| i % 5 == 0);
        let sample = |(i, person): (usize, &usize)| PanelSample {
            population: self.populations[*person].clone(),
            is_training: i % 13 != 5,
        };
        let samples = members.iter().enumerate().map(sample).collect();
        let mut builder = PanelBuilder::new(settings, samples).unwrap();
        for (number, rows) in (0..).zip(self.rows.chunks(500)) {
            builder.observe(&batch(number, rows, &members)).unwrap();
        }
        let panel = Arc::new(builder.finish(2).unwrap());
        let options = ProjectionOptions::default();
        let mut fold =
            Projection::new(Arc::clone(&panel), &contigs(), patients.len(), options).unwrap();
        fold.observe(&batch(0, &self.rows, &patients)).unwrap();
        let truth = patients.iter().map(|i| self.populations[*i].as_str());
        (Panel::clone(&panel), fold.results(), truth.collect())
    }
}

/// A score whose mean and spread follow the components, in units of `scale`.
fn score(panel: &Panel, components: &[f64], scale: f64, random: &mut Random) -> f64 {
    let people = (panel.samples().len() as f64).sqrt();
    let unit = |k: usize| components[k] / panel.singular_values()[k] * people;
    scale * (1.0 + 0.6 * unit(0) - 0.4 * unit(1) + (0.3 * unit(2)).exp() * random.normal())
}

const SCORES: [(&str, f64); 3] = [("score0", 1.0), ("score1", 0.03), ("score2", 40.0)];

/// Greatest differences from pgscatalog-calc, and patients for whom both say the same population.
#[derive(Debug, Default)]
struct Differences {
    /// Of Mahalanobis probabilities, relative.
    p: f64,
    /// Of `percentile_MostSimilarPop`, `Z_MostSimilarPop`, `Z_norm1` and `Z_norm2`.
    figures: [f64; 4],
    same_as_distance: usize,
    same_as_forest: usize,
    with_population: usize,
}

fn compare(panel: &mut Panel, placements: &[Placement], seed: u64) -> Differences {
    let mut random = Random::new(seed);
    let own: Vec<Vec<f64>> = panel
        .samples()
        .iter()
        .map(|s| s.components.clone())
        .collect();
    let patients = placements.iter().map(|p| p.components.clone().unwrap());
    let patients: Vec<Vec<f64>> = patients.collect();
    let mut sums = |places: &[Vec<f64>]| {
        SCORES.map(|(_, scale)| -> Vec<f64> {
            let sum = |place: &Vec<f64>| score(panel, place, scale, &mut random);
            places.iter().map(sum).collect()
        })
    };
    let (panel_sums, patient_sums) = (sums(&own), sums(&patients));
    let header = "id,PC1,PC2,PC3,PC4,PC5,score0,score1,score2";
    let mut reference = format!("{header},SuperPop,Unrelated\n");
    for (i, sample) in panel.samples().iter().enumerate() {
        let training = if sample.is_training { "True" } else { "False" };
        let label = &panel.populations()[sample.population];
        writeln!(
            reference,
            "{},{label},{training}",
            line(i, &own, &panel_sums)
        )
        .unwrap();
    }
    let mut target = format!("{header},given\n");
    for (i, placement) in placements.iter().enumerate() {
        let given = placement
            .population
            .map_or("", |index| &panel.populations()[index]);
        writeln!(target, "{},{given}", line(i, &patients, &patient_sums)).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let paths = ["reference.csv", "target.csv"].map(|name| folder.path().join(name));
    std::fs::write(&paths[0], reference).unwrap();
    std::fs::write(&paths[1], target).unwrap();
    let expected = rows(&python(PGSCATALOG, &[&paths[0], &paths[1]]));
    assert_eq!(expected.len(), placements.len());

    for ((name, _), sums) in SCORES.into_iter().zip(panel_sums) {
        panel.add_score(name, "", "", sums).unwrap();
    }
    let model = PopulationModel::new(panel, 5).unwrap();
    let adjusters = SCORES.map(|(name, _)| ScoreAdjuster::new(panel, name, 4).unwrap());
    let mut differences = Differences::default();
    let populations = panel.populations().len();
    for (i, (placement, expected)) in placements.iter().zip(&expected).enumerate() {
        if let Some(population) = placement.population {
            let label = &panel.populations()[population];
            differences.with_population += 1;
            differences.same_as_distance += usize::from(expected[1] == *label);
            differences.same_as_forest += usize::from(expected[2] == *label);
        }
        let (p, figures) = expected[3..].split_at(populations);
        for (distance, p) in model.distances(&patients[i]).iter().zip(p) {
            let p = number(p);
            let relative = (distance.p - p).abs() / p.max(1e-300);
            differences.p = differences.p.max(relative);
        }
        for ((adjuster, sums), figures) in
            adjusters.iter().zip(&patient_sums).zip(figures.chunks(4))
        {
            let adjusted = adjuster.adjust(sums[i], Some(&patients[i]), placement.population);
            let got = [
                adjusted.percentile,
                adjusted.z_most_similar,
                adjusted.z_norm1,
                adjusted.z_norm2,
            ];
            for ((worst, got), figure) in differences.figures.iter_mut().zip(got).zip(figures) {
                match got {
                    Some(got) => *worst = worst.max((got - number(figure)).abs()),
                    None => assert!(figure.is_empty() && placement.population.is_none()),
                }
            }
        }
    }
    println!("{differences:?} of {} patients", placements.len());
    assert!(differences.p < 1e-8, "Mahalanobis p");
    let [percentile, z_most_similar, z_norm1, z_norm2] = differences.figures;
    assert!(percentile < 1e-9 && z_most_similar < 1e-10 && z_norm1 < 1e-10);
    // The other side's minimiser stops at a gradient of 1e-5, some 1e-6 from its minimum.
    assert!(z_norm2 < 1e-5);
    differences
}

fn line(i: usize, components: &[Vec<f64>], sums: &[Vec<f64>; 3]) -> String {
    let mut line = format!("s{i}");
    let components = &components[i][..5];
    for value in components.iter().chain(sums.iter().map(|sums| &sums[i])) {
        write!(line, ",{value:?}").unwrap();
    }
    line
}

#[test]
fn made_up_populations() {
    let world = World::new(&[75; 5], 4_000, 0.03, 101);
    let people = People {
        populations: world.populations.iter().map(|p| format!("P{p}")).collect(),
        rows: world.rows,
    };
    let (mut panel, placements, truth) = people.split(loose(6));
    for (placement, truth) in placements.iter().zip(truth) {
        let population = placement.population;
        assert!(population.is_none_or(|population| panel.populations()[population] == truth));
    }
    let differences = compare(&mut panel, &placements, 102);
    // Populations of 55 training samples look narrower than they are: 3 of 75 members are off.
    assert!(differences.with_population >= placements.len() - 4);
    assert_eq!(differences.same_as_distance, differences.with_population);
    assert_eq!(differences.same_as_forest, differences.with_population);
}

fn shared(name: &str) -> PathBuf {
    let folder = std::env::var_os("VARISK_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = folder.join("data").join(name);
    assert!(
        path.exists(),
        "{} is not there; set VARISK_SHARED to the folder that holds data/",
        path.display()
    );
    path
}

/// The people of the 1000 Genomes whose superpopulation is known, at the autosomal substitutions of
/// pygscatalog's small file: some 800 common ones, all over the genome.
fn thousand_genomes() -> People {
    let file = shared("pgs/pygscatalog/pgscatalog.calc/data/vcf/tiny1000G.vcf.gz");
    let labels = std::fs::read_to_string(shared("cohort_vcf/1000g/phase3map.txt")).unwrap();
    let labels: HashMap<&str, &str> = labels
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some((cells.next()?, cells.nth(1)?))
        })
        .collect();
    let bcftools = |arguments: &[&str]| {
        let output = Command::new("bcftools").args(arguments).arg(&file).output();
        let output = output.expect("bcftools runs; 'make oracles' brings it");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let samples = bcftools(&["query", "-l"]);
    let labels: Vec<Option<&&str>> = samples.lines().map(|name| labels.get(name)).collect();
    let format = "%CHROM\t%POS\t%REF\t%ALT[\t%GT]\n";
    let row = |line: &str| {
        let mut cells = line.split('\t');
        let number = cells
            .next()?
            .trim_start_matches("chr")
            .parse::<u32>()
            .ok()?;
        Some(Row {
            contig: number - 1,
            position: cells.next()?.parse().ok()?,
            reference: cells.next()?.to_owned(),
            alternate: cells.next()?.to_owned(),
            genotypes: cells
                .zip(&labels)
                .filter(|(_, label)| label.is_some())
                .map(|(genotype, _)| match genotype.as_bytes() {
                    [b'0' | b'1', _, b'0' | b'1'] => {
                        genotype.bytes().map(|byte| u8::from(byte == b'1')).sum()
                    }
                    _ => 3,
                })
                .collect(),
        })
    };
    let mut rows: Vec<Row> = bcftools(&["query", "-f", format])
        .lines()
        .filter_map(row)
        .collect();
    rows.sort_by_key(|row| (row.contig, row.position));
    People {
        rows,
        populations: labels
            .iter()
            .flatten()
            .map(|label| (**label).to_owned())
            .collect(),
    }
}

#[test]
fn real_people() {
    let people = thousand_genomes();
    assert_eq!(people.populations.len(), 2_504);
    let settings = PanelSettings {
        maximum_r2: 0.3,
        components: 6,
        ..PanelSettings::default()
    };
    let (mut panel, placements, truth) = people.split(settings);
    println!("{} sites; {}", panel.sites().len(), panel.counts());
    let right = |(placement, truth): (&Placement, &str)| {
        let population = placement.population;
        population.is_some_and(|population| panel.populations()[population] == truth)
    };
    let right = placements
        .iter()
        .zip(truth.iter().copied())
        .filter(|pair| right(*pair))
        .count();
    let state = |state| placements.iter().filter(|p| p.state() == state).count();
    let (low, off) = (state("low_confidence"), state("not_computed"));
    println!(
        "{right} of {} right, {low} of low confidence, {off} off the panel",
        truth.len()
    );
    assert!(right * 100 >= truth.len() * 90);
    // Of real members hardly anybody is taken for a stranger.
    assert!(off * 100 <= truth.len());
    let differences = compare(&mut panel, &placements, 103);
    // So few sites leave Americans of mixed descent between populations, where methods differ.
    assert!(differences.same_as_forest * 100 >= differences.with_population * 90);
}

/// People of a continent that the panel lacks are mostly turned away, unless the panel has an
/// admixed population that spreads around them.
#[test]
fn strangers_are_turned_away() {
    let people = thousand_genomes();
    for (left_out, least) in [("AFR", 0.9), ("EAS", 0.9), ("AMR", 0.5), ("SAS", 0.5)] {
        let all = 0..people.populations.len();
        let (strangers, members): (Vec<usize>, Vec<usize>) =
            all.partition(|i| people.populations[*i] == left_out);
        let sample = |person: &usize| PanelSample {
            population: people.populations[*person].clone(),
            is_training: true,
        };
        let settings = PanelSettings {
            maximum_r2: 0.3,
            components: 6,
            ..PanelSettings::default()
        };
        let samples = members.iter().map(sample).collect();
        let mut builder = PanelBuilder::new(settings, samples).unwrap();
        builder.observe(&batch(0, &people.rows, &members)).unwrap();
        let panel = Arc::new(builder.finish(2).unwrap());
        let options = ProjectionOptions::default();
        let mut fold = Projection::new(panel, &contigs(), strangers.len(), options).unwrap();
        fold.observe(&batch(0, &people.rows, &strangers)).unwrap();
        let results = fold.results();
        let off = |placement: &&Placement| placement.reason == Some(Reason::OffThePanel);
        let share = results.iter().filter(off).count() as f64 / results.len() as f64;
        println!("without {left_out}: {share:.3} of them are off the panel");
        assert!(share > least, "{left_out}: {share}");
    }
}
