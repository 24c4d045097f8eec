//! People of the 1000 Genomes: half of them as the panel, half as patients, against pgscatalog-calc.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::genotypes::Genotypes;
use crate::matching_examples::{calculator_genome, write_calculator_scores};
use crate::prs;
use crate::scorefile::{self, Kind};
use crate::sums::{COHORT, FASTA};
use crate::support::oracle::{python, shared, shell};
use crate::support::program::{Call, Table, text};

/// Superpopulation and sex of people of the 1000 Genomes.
fn labels() -> BTreeMap<String, [String; 2]> {
    let map = std::fs::read_to_string(shared("cohort_vcf/1000g/phase3map.txt"));
    let map = map.expect("the map of samples");
    let rows = map.lines().skip(1).filter_map(|line| {
        let mut cells = line.split('\t');
        let sample = cells.next()?.to_owned();
        let population = cells.nth(1)?.to_owned();
        Some((sample, [population, cells.next()?.trim().to_owned()]))
    });
    rows.collect()
}

/// Half of the people who have a label as a panel, the other half as patients.
struct World<'w> {
    folder: &'w Path,
    vcf: PathBuf,
    fasta: PathBuf,
    build: &'static str,
    scores: Vec<PathBuf>,
    /// Further options of scores.
    options: Vec<(&'static str, &'static str)>,
    patients: Vec<String>,
    labels: BTreeMap<String, [String; 2]>,
}

impl<'w> World<'w> {
    fn new(
        folder: &'w Path,
        vcf: &Path,
        fasta: &Path,
        build: &'static str,
        scores: Vec<PathBuf>,
    ) -> Self {
        let labels = labels();
        let samples = shell(&format!("bcftools query -l {}", text(vcf)));
        let known = samples
            .lines()
            .filter(|sample| labels.contains_key(*sample));
        let (members, patients): (Vec<_>, Vec<_>) = known
            .map(str::to_owned)
            .enumerate()
            .partition(|(at, _)| at % 2 == 0);
        assert_eq!((members.len(), patients.len()), (1252, 1252));
        let mut table = "patient,sample,population,sex,unrelated\n".to_owned();
        for (at, sample) in &members {
            // Some are held to be relatives, who train nothing.
            table += &format!(
                "{sample},{sample},{},{}\n",
                labels[sample].join(","),
                at % 13 != 4
            );
        }
        std::fs::write(folder.join("labels.csv"), table).expect("a file");
        let patients: Vec<String> = patients.into_iter().map(|(_, sample)| sample).collect();
        let listed = folder.join("patients.txt");
        std::fs::write(&listed, patients.join("\n")).expect("a file");
        let own = folder.join("patients.bcf");
        shell(&format!(
            "bcftools view -S {} -Ob -o {} {}",
            text(&listed),
            text(&own),
            text(vcf)
        ));
        Self {
            folder,
            vcf: vcf.to_owned(),
            fasta: fasta.to_owned(),
            build,
            scores,
            options: Vec::new(),
            patients,
            labels,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn panel(&self, r2: &str) {
        let call = Call::new("ancestry build")
            .with("--vcf", text(&self.vcf))
            .with("--labels", text(&self.at("labels.csv")))
            .with("--reference", text(&self.fasta))
            .with("--build", self.build)
            .with("--name", "half")
            .with("--release", "1")
            .with("--licence", "open")
            .with("--max-r2", r2)
            .with("--components", "6")
            .with("--threads", "2")
            .with("--output", text(&self.at("panel")));
        let options = self.options.iter();
        let call = options.fold(call, |call, (option, value)| call.with(option, *value));
        let scores = self.scores.iter();
        scores
            .fold(call, |call, score| call.also("--score", text(score)))
            .succeed();
    }

    fn run(&self, vcf: &Path, output: &str, patients: &[String]) -> Table {
        let mut sheet = "patient,sample,sex\n".to_owned();
        for patient in patients {
            sheet += &format!("{patient},{patient},{}\n", self.labels[patient][1]);
        }
        let path = self.at("sheet.csv");
        std::fs::write(&path, sheet).expect("a file");
        let scores: Vec<&Path> = self.scores.iter().map(PathBuf::as_path).collect();
        let call = prs(vcf, &self.fasta, self.build, &scores, &self.at(output))
            .without("--ambiguous")
            .with("--samplesheet", text(&path))
            .with("--ancestry", text(&self.at("panel")));
        let options = self.options.iter();
        options
            .fold(call, |call, (option, value)| call.with(option, *value))
            .succeed();
        Table::read(&self.at(output), "ancestry")
    }

    /// Holds calls of populations and adjusted scores against pgscatalog-calc.
    fn compare(&self, name: &str, minimum_right: f64, minimum_same: f64) {
        let ancestry = self.run(&self.at("patients.bcf"), "cohort", &self.patients);
        assert_eq!(ancestry.texts("patient").len(), self.patients.len());
        let populations: BTreeMap<&str, Option<&str>> = ancestry
            .texts("patient")
            .into_iter()
            .zip(ancestry.column("population"))
            .collect();
        let states: BTreeMap<&str, &str> = ancestry
            .texts("patient")
            .into_iter()
            .zip(ancestry.texts("state"))
            .collect();
        let script = include_str!("ancestry.py");
        let theirs = python(script, &[&self.at("panel"), &self.at("cohort")]);
        let theirs: BTreeMap<&str, Vec<&str>> = theirs
            .lines()
            .skip(1)
            .map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                (cells[0], cells[1..].to_vec())
            })
            .collect();
        let (mut right, mut same_distance, mut same_forest, mut sure, mut placed) = (0, 0, 0, 0, 0);
        for (patient, population) in &populations {
            let Some(population) = population else {
                continue;
            };
            placed += 1;
            right += usize::from(self.labels[*patient][0] == *population);
            let [distance, forest] = [theirs[patient][0], theirs[patient][1]];
            if states[patient] == "ok" {
                sure += 1;
                same_distance += usize::from(distance == *population);
                same_forest += usize::from(forest == *population);
            }
        }
        println!(
            "{name}: {placed} of {} placed, {right} as labelled; of {sure} placed with confidence {same_distance} as by distance and {same_forest} as by random forest",
            self.patients.len()
        );
        assert!(right as f64 >= minimum_right * placed as f64);
        assert!(same_distance as f64 >= minimum_same * f64::from(sure));
        assert!(same_forest as f64 >= minimum_same * f64::from(sure));

        let scores = Table::read(&self.at("cohort"), "scores");
        let (owners, names) = (scores.texts("patient"), scores.texts("score"));
        let mut known: Vec<&str> = names.clone();
        known.sort_unstable();
        known.dedup();
        let figures = [
            "percentile",
            "z_most_similar_population",
            "z_norm1",
            "z_norm2",
        ];
        let columns = figures.map(|name| scores.numbers(name));
        let mut largest = [0.0_f64; 4];
        let mut compared = 0;
        for row in 0..scores.len() {
            let Some(expected) = theirs.get(owners[row]) else {
                assert!(columns.iter().all(|column| column[row].is_none()));
                continue;
            };
            let at = known
                .iter()
                .position(|own| *own == names[row])
                .expect("a score");
            let expected = &expected[2 + 4 * at..][..4];
            for ((worst, column), expected) in largest.iter_mut().zip(&columns).zip(expected) {
                let own = column[row].unwrap_or_else(|| panic!("{} has no figure", owners[row]));
                let expected: f64 = expected.parse().expect("a number");
                *worst = worst.max((own - expected).abs());
            }
            compared += 1;
        }
        println!("{name}: {compared} scores of patients; differences of {figures:?}: {largest:?}");
        assert_eq!(compared, placed * known.len());
        assert!(largest[0] < 1e-9 && largest[1] < 1e-9 && largest[2] < 1e-9);
        // pgscatalog's minimiser stops at a gradient of 1e-5, some 1e-6 from its minimum.
        assert!(largest[3] < 2e-5);
    }

    /// A patient alone has the rows that the patient has among the others.
    fn check_alone(&self, patient: &str) {
        let own = self.at(&format!("{patient}.bcf"));
        shell(&format!(
            "bcftools view -s {patient} -Ob -o {} {}",
            text(&own),
            text(&self.vcf)
        ));
        let output = format!("alone-{patient}");
        self.run(&own, &output, &[patient.to_owned()]);
        for name in ["ancestry", "risk", "scores"] {
            let [cohort, alone] =
                ["cohort", &output].map(|folder| Table::read(&self.at(folder), name));
            assert_eq!(cohort.names, alone.names);
            let rows = |table: &Table| -> Vec<Vec<Option<String>>> {
                let is_own: Vec<bool> = table
                    .texts("patient")
                    .iter()
                    .map(|own| *own == patient)
                    .collect();
                let columns = table.names.iter().map(|column| {
                    let cells = table.column(column).into_iter().zip(&is_own);
                    cells
                        .filter(|(_, is_own)| **is_own)
                        .map(|(cell, _)| cell.map(str::to_owned))
                        .collect()
                });
                columns.collect()
            };
            for ((column, of_cohort), own) in
                cohort.names.iter().zip(rows(&cohort)).zip(rows(&alone))
            {
                assert!(!own.is_empty());
                assert_eq!(of_cohort, own, "{patient}: {name}.{column}");
            }
        }
    }
}

/// Sites all over the genome: the example of pgscatalog-calc, on which its scores are real.
#[test]
fn people_of_the_calculator() {
    let folder = tempfile::tempdir().expect("a folder");
    let (vcf, fasta) = calculator_genome(folder.path());
    // The other one has no allele there.
    let mut scores = write_calculator_scores(folder.path());
    scores.retain(|path| text(path).ends_with("PGS001229.txt"));
    let mut world = World::new(folder.path(), &vcf, &fasta, "other", scores);
    world.options = vec![("--score-build", "other"), ("--unsupported-rows", "drop")];
    world.panel("0.3");
    world.compare("tiny1000G", 0.9, 0.9);
    for patient in [0, 500, 1251] {
        world.check_alone(&world.patients[patient]);
    }
}

/// Set D: half a megabase of chromosome 22, which tells populations less well.
#[test]
fn people_of_set_d() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = shared(COHORT);
    let mut genotypes = Genotypes::of(&vcf);
    let mut last = 0;
    genotypes.records.retain(|record| {
        let is_new = record.position != last;
        last = record.position;
        is_new && record.is_sequence() && record.alleles.len() == 2
    });
    let weights = scorefile::weights(&genotypes.records, |_| true);
    let write = |name: &str, step: usize| {
        let some: Vec<_> = weights.iter().copied().step_by(step).collect();
        scorefile::write(
            folder.path(),
            name,
            "GRCh37",
            Kind::Additive,
            &genotypes.records,
            &some,
        )
    };
    let scores = vec![write("all", 1), write("some", 7)];
    let world = World::new(folder.path(), &vcf, &shared(FASTA), "GRCh37", scores);
    // So little of the genome has enough sites only where linked ones stay.
    world.panel("0.8");
    world.compare("set D", 0.3, 0.5);
    world.check_alone(&world.patients[77]);
}
