//! Dosages of imputed genotypes against plink2, value by value, and BCF against VCF.
#![cfg(test)]

mod common;

use std::path::{Path, PathBuf};

use common::{Options, Place, header, read_one, records, run};
use varisk_core::dosage_of;
use varisk_readers::DosageField;

const META: &str = "FORMAT=<ID=DS,Number=A,Type=Float,Description=\"x\">\n\
                    FORMAT=<ID=GP,Number=G,Type=Float,Description=\"x\">";
const SAMPLES: usize = 30;

/// Numbers below a bound, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth's MMIX generator.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A cohort of imputed genotypes at all positions of contig 1: DS with up to four decimals, GP with
/// three, some of them missing.
fn cohort() -> String {
    let mut numbers = Numbers(1);
    let names: Vec<String> = (0..SAMPLES).map(|i| format!("s{i}")).collect();
    // Before version 4.3 plink2 takes GP for phred-scaled.
    let mut text = header(META, &names.join(" ")).replace("VCFv4.2", "VCFv4.3");
    for position in 1..=190u32 {
        let reference = char::from(b"ACGTACGTTT"[(position as usize - 1) % 10]);
        let alternate = if reference == 'G' { 'A' } else { 'G' };
        let cells: Vec<String> = (0..SAMPLES)
            .map(|_| {
                if numbers.below(20) == 0 {
                    return "./.:.:.".to_owned();
                }
                let second = numbers.below(1001);
                let first = numbers.below(1001 - second);
                let copies = (first + 2 * second) as f64 / 1000.0;
                let decimals = numbers.below(5) as usize;
                let call = ["0/0", "0/1", "1/1"][copies.round() as usize];
                let [none, first, second] =
                    [1000 - first - second, first, second].map(|p| p as f64 / 1000.0);
                format!("{call}:{copies:.decimals$}:{none:.3},{first:.3},{second:.3}")
            })
            .collect();
        let cells = cells.join(" ");
        text += &records(&format!(
            "1 {position} v{position} {reference} {alternate} . . . GT:DS:GP {cells}"
        ));
    }
    text
}

/// Copies of ALT by variant and sample, as plink2 holds them.
fn theirs(vcf: &Path, field: &str, out: &Path) -> Vec<Vec<Option<f64>>> {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let source = format!("dosage={field}");
    run(
        "plink2",
        &[
            "--vcf",
            &text(vcf),
            &source,
            "--export",
            "Av",
            "--out",
            &text(out),
            "--threads",
            "1",
            "--memory",
            "1000",
        ],
    );
    let traw = std::fs::read_to_string(out.with_extension("traw")).unwrap();
    // CHR, SNP, CM, POS, COUNTED (which is REF), ALT, samples.
    let copies = |field: &str| field.parse::<f64>().ok().map(|reference| 2.0 - reference);
    traw.lines()
        .skip(1)
        .map(|line| line.split('\t').skip(6).map(copies).collect())
        .collect()
}

fn ours(place: &Place, file: PathBuf, field: DosageField) -> Vec<Vec<Option<f64>>> {
    let options = Options {
        dosages: Some(field),
        ..Options::default()
    };
    let outcome = read_one(place, file, &options);
    let copies = |row: &String| -> Vec<Option<f64>> {
        let (_, copies) = row.rsplit_once(" ds=").unwrap();
        copies.split(',').map(|text| text.parse().ok()).collect()
    };
    outcome.rows.iter().map(copies).collect()
}

fn compare(ours: &[Vec<Option<f64>>], theirs: &[Vec<Option<f64>>], tolerance: f64) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let mut largest: f64 = 0.0;
    for (row, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!((ours.len(), theirs.len()), (SAMPLES, SAMPLES));
        for (sample, pair) in ours.iter().zip(theirs).enumerate() {
            match pair {
                (Some(a), Some(b)) => largest = largest.max((a - b).abs()),
                (a, b) => assert_eq!(a, b, "row {row}, sample {sample}"),
            }
        }
    }
    assert!(largest <= tolerance, "dosages differ by up to {largest}");
    largest
}

#[test]
fn dosages_are_those_of_plink2() {
    let place = Place::new();
    let vcf = place.write("x.vcf", cohort());
    for (field, name) in [(DosageField::Ds, "DS"), (DosageField::Gp, "GP-force")] {
        let theirs = theirs(&vcf, name, &place.path("plink"));
        // plink2 holds multiples of 1/16384 and writes six digits.
        let largest = compare(&ours(&place, vcf.clone(), field), &theirs, 0.6 / 16384.0);
        println!("{name}: largest difference {largest}");
    }
}

#[test]
fn binary_dosages_are_those_of_the_text() {
    let place = Place::new();
    let vcf = place.write("x.vcf", cohort());
    let bcf = place.path("x.bcf");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    run("bcftools", &["view", "-Ob", "-o", &text(&bcf), &text(&vcf)]);
    for field in [DosageField::Ds, DosageField::Gp] {
        let (binary, written) = (
            ours(&place, bcf.clone(), field),
            ours(&place, vcf.clone(), field),
        );
        // A float of 32 bits below 2 is that near to the decimal, and three of them add up.
        compare(&binary, &written, dosage_of(4).unwrap());
    }
}
