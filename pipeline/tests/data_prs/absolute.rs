//! Absolute risks of `varisk prs` equal those of py-icare, from genotypes to risk.

use std::fmt::Write as _;

use crate::fasta::Genome;
use crate::prs;
use crate::support::oracle::python;
use crate::support::program::{Table, text};

/// Position, REF, ALT, weight of ALT, and the genotypes of three people; nobody called the third.
const SITES: [(u32, &str, &str, f64, [&str; 3]); 4] = [
    (100, "A", "G", 0.31, ["0/1", "1/1", "./."]),
    (200, "C", "A", -0.12, ["1/1", "0/1", "./."]),
    (300, "G", "T", 0.07, ["0/0", "1/1", "./."]),
    (400, "T", "C", 0.44, ["0/1", "1/1", "./."]),
];
/// Of the score in the population.
const MEAN: f64 = 0.6;
const DEVIATION: f64 = 0.45;
const PEOPLE: [(&str, u16, &str); 3] = [
    ("P1", 41, "never"),
    ("P2", 58, "current"),
    ("P3", 66, "former"),
];

#[test]
fn risks_from_genotypes() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    };
    let mut genome = Genome::default().contig("1", 1000);
    let mut vcf = "##fileformat=VCFv4.2\n##contig=<ID=1,length=1000>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tP1\tP2\tP3\n".to_owned();
    let mut score =
        "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n".to_owned();
    let mut sums = [0.0; 3];
    for (position, reference, alternate, weight, calls) in SITES {
        genome.put("1", position.into(), reference);
        let _ = writeln!(
            vcf,
            "1\t{position}\t.\t{reference}\t{alternate}\t.\t.\t.\tGT\t{}",
            calls.join("\t")
        );
        let _ = writeln!(score, "1\t{position}\t{alternate}\t{reference}\t{weight}");
        for (sum, call) in sums.iter_mut().zip(calls) {
            *sum += weight * call.matches('1').count() as f64;
        }
    }
    let fasta = genome.write(folder.path());
    let (vcf, score) = (write("cohort.vcf", vcf), write("demo.txt", score));
    let mut sheet = "patient,sample,sex,age,smoking\n".to_owned();
    let mut patients = "patient,age,z,smoking\n".to_owned();
    for ((name, age, smoking), (at, sum)) in PEOPLE.into_iter().zip(sums.iter().enumerate()) {
        let _ = writeln!(sheet, "{name},{name},female,{age},{smoking}");
        let z = ((sum - MEAN) / DEVIATION).to_string();
        let _ = writeln!(
            patients,
            "{name},{age},{},{smoking}",
            if at == 2 { "" } else { &z }
        );
    }
    let sheet = write("sheet.csv", sheet);
    write("patients.csv", patients);
    write(
        "effects.json",
        r#"{"z": 0.47, "former": 0.27, "current": 0.79}"#.to_owned(),
    );
    let rates = |base: f64, growth: f64| {
        (20..=90).fold("age,rate\n".to_owned(), |table, age| {
            format!(
                "{table}{age},{}\n",
                base * (growth * f64::from(age - 20)).exp()
            )
        })
    };
    write("incidence.csv", rates(2e-4, 0.07));
    write("mortality.csv", rates(4e-4, 0.085));
    let model = write(
        "model.toml",
        format!(
            r#"name = "demo"
version = "1"
outcome = "the outcome"
population = "made up"
source = "made up"
age_column = "age"
ages = [[50, 60], [30, 85]]
horizons = [10]
[incidence]
path = "incidence.csv"
source = "made up"
year = 2020
[mortality]
path = "mortality.csv"
source = "made up"
year = 2020
[[factor]]
name = "score"
feature = "polygenic.demo.value"
log_relative_risk_per_sd = 0.47
standard_error = 0.03
mean = {MEAN}
standard_deviation = {DEVIATION}
[[factor]]
name = "smoking"
covariate = "smoking"
categories = [
  {{ value = "never", share = 0.55, log_relative_risk = 0.0 }},
  {{ value = "former", share = 0.27, log_relative_risk = 0.27 }},
  {{ value = "current", share = 0.18, log_relative_risk = 0.79 }},
]
"#
        ),
    );
    let output = folder.path().join("report");
    prs(&vcf, &fasta, "other", &[&score], &output)
        .with("--score-build", "other")
        .with("--samplesheet", text(&sheet))
        .with("--absolute-risk", text(&model))
        .succeed();
    let risk = Table::read(&output, "risk");
    let (owners, items) = (risk.texts("patient"), risk.texts("item"));
    let (values, missing) = (risk.numbers("value"), risk.column("missing_factors"));
    let (mut largest, mut compared) = (0.0_f64, 0);
    for line in python(include_str!("absolute.py"), &[folder.path()]).lines() {
        let cells: Vec<&str> = line.split(',').collect();
        let item = format!("absolute.demo.{}", cells[1]);
        let row = (0..risk.len()).find(|row| owners[*row] == cells[0] && items[*row] == item);
        let row = row.unwrap_or_else(|| panic!("{} has no {item}", cells[0]));
        let own = values[row].unwrap_or_else(|| panic!("{} {item} has no value", cells[0]));
        let theirs: f64 = cells[2].parse().expect("a number");
        assert!((own - theirs).abs() < 1e-6, "{line}: {own}");
        assert_eq!(missing[row], (cells[0] == "P3").then_some("score"));
        largest = largest.max((own - theirs).abs());
        compared += 1;
    }
    assert_eq!(compared, 9);
    println!("{compared} absolute risks within {largest:.1e} of py-icare");
}
