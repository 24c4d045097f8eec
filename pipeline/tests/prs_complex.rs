//! Rows that are more than a weight for each copy: dominant and recessive alleles, weights by dosage,
//! interactions, haplotypes and diplotypes, against plain arithmetic.

use crate::support::cohort::{Genotype, Vcf};
use crate::support::program::Table;
use crate::support::scores::{assert_close, number, patients, prs_of, scoring_file};

/// Two alleles of single bases, as positions of chr1.
struct Pair {
    vcf: Vcf,
    /// Record, position, REF and ALT.
    alleles: [(usize, String, String, String); 2],
}

impl Pair {
    /// Two neighbours with many carriers of both.
    fn new() -> Self {
        let vcf = Vcf::bundled();
        let is_base = |text: &String| ["A", "C", "G", "T"].contains(&text.as_str());
        let usable: Vec<usize> = (0..vcf.records.len())
            .filter(|record| {
                let columns = &vcf.records[*record];
                let pair = format!("{}{}", columns[3], columns[4]);
                let same = vcf
                    .records
                    .iter()
                    .filter(|other| other[..2] == columns[..2]);
                let copies = (0..48).map(|sample| vcf.genotype(*record, sample, 1).copies());
                columns[0] == "chr1"
                    && is_base(&columns[3])
                    && is_base(&columns[4])
                    && !["AT", "TA", "CG", "GC"].contains(&pair.as_str())
                    && same.count() == 1
                    && (20..76).contains(&copies.sum::<usize>())
            })
            .collect();
        let both = |first: usize, second: usize| {
            (0..48)
                .filter(|sample| {
                    [first, second].iter().all(|record| {
                        let own = vcf.genotype(*record, *sample, 1);
                        own.copies() == 1 && own.phased
                    })
                })
                .count()
        };
        let best = usable
            .iter()
            .zip(&usable[1..])
            .max_by_key(|(first, second)| both(**first, **second));
        let (first, second) = best.expect("two alleles");
        assert!(both(*first, *second) > 0);
        let allele = |record: usize| {
            let columns = &vcf.records[record];
            (
                record,
                columns[1].clone(),
                columns[3].clone(),
                columns[4].clone(),
            )
        };
        let alleles = [allele(*first), allele(*second)];
        Self { vcf, alleles }
    }

    fn genotypes(&self, sample: usize) -> [Genotype; 2] {
        self.alleles
            .each_ref()
            .map(|(record, ..)| self.vcf.genotype(*record, sample, 1))
    }
}

const COLUMNS: &str = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\tis_dominant\tis_recessive\tis_interaction\tis_haplotype\tis_diplotype";

/// A score of one row, checked in every patient; `None` where the patient has no value for it.
fn check(name: &str, row: &str, expected: impl Fn(&[Genotype; 2]) -> Option<f64>) {
    let used = if row.contains("P2") { 2 } else { 1 };
    let pair = Pair::new();
    let folder = tempfile::tempdir().expect("a folder");
    let [
        (_, first, first_ref, first_alt),
        (_, second, second_ref, second_alt),
    ] = &pair.alleles;
    let row = row
        .replace("P1", first)
        .replace("P2", second)
        .replace("R1", first_ref)
        .replace("R2", second_ref)
        .replace("A1", first_alt)
        .replace("A2", second_alt);
    let score = scoring_file(folder.path(), name, COLUMNS, [row.replace(' ', "\t")]);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .with("--min-coverage", "0")
        .succeed();
    let table = Table::read(&output, "scores");
    let mut values = Vec::new();
    for (sample, (patient, _)) in patients().iter().enumerate() {
        let genotypes = pair.genotypes(sample);
        let is_complete = genotypes[..used].iter().all(Genotype::is_complete);
        let expected = expected(&genotypes).filter(|_| is_complete);
        match expected {
            Some(expected) => {
                assert_close(number(&table, patient, name, "sum"), expected, patient);
                values.push(expected);
            }
            None => {
                let found = number(&table, patient, name, "alleles_missing");
                assert_eq!(found, Some(1.0), "{name} {patient}");
            }
        }
    }
    values.sort_by(f64::total_cmp);
    values.dedup();
    assert!(values.len() > 1, "{name}: all have {values:?}");
}

const NO: &str = "False False False False False";

#[test]
fn dominant_and_recessive() {
    let first = |genotypes: &[Genotype; 2]| genotypes[0].copies();
    check("ADDITIVE", &format!("1 P1 A1 R1 3 {NO}"), |genotypes| {
        Some(3.0 * first(genotypes) as f64)
    });
    check(
        "DOMINANT",
        "1 P1 A1 R1 3 True False False False False",
        |genotypes| Some(if first(genotypes) > 0 { 3.0 } else { 0.0 }),
    );
    check(
        "RECESSIVE",
        "1 P1 R1 A1 3 False True False False False",
        |genotypes| Some(if first(genotypes) == 0 { 3.0 } else { 0.0 }),
    );
}

#[test]
fn interactions() {
    let row = "1_x_1 P1_x_P2 A1_x_A2 R1_x_R2 3 False False True False False";
    check("INTERACTION", row, |genotypes| {
        Some(3.0 * (genotypes[0].copies() * genotypes[1].copies()) as f64)
    });
}

/// Which alleles stand on each haplotype; `None` where that is not known.
fn haplotypes(genotypes: &[Genotype; 2]) -> Option<[[bool; 2]; 2]> {
    let is_het = |genotype: &Genotype| genotype.copies() == 1;
    let are_phased = genotypes
        .iter()
        .all(|genotype| genotype.phased || !is_het(genotype));
    if genotypes.iter().all(is_het) && !are_phased {
        return None;
    }
    let on = |number: usize| {
        genotypes
            .each_ref()
            .map(|genotype| genotype.haplotypes[number] == Some(genotype.index))
    };
    Some([on(0), on(1)])
}

#[test]
fn haplotypes_and_diplotypes() {
    let row = "1 P1;P2 A1;A2 R1;R2 3 False False False True False";
    check("HAPLOTYPE", row, |genotypes| {
        let carried = haplotypes(genotypes)?;
        let count = carried.iter().filter(|own| **own == [true, true]).count();
        Some(3.0 * count as f64)
    });
    let diplotype = |genotypes: &[Genotype; 2]| {
        let mut carried = haplotypes(genotypes)?;
        carried.sort_unstable();
        let is_it = carried == [[false, false], [true, true]];
        Some(if is_it { 3.0 } else { 0.0 })
    };
    // With and without the other alleles, which the second haplotype names too.
    for others in ["", "R1;R2"] {
        let row = format!("1 P1;P2 A1;A2/R1;R2 {others} 3 False False False False True");
        check("DIPLOTYPE", &row, diplotype);
    }
}

#[test]
fn weights_by_dosage() {
    let pair = Pair::new();
    let folder = tempfile::tempdir().expect("a folder");
    let columns = "chr_name\tchr_position\teffect_allele\tother_allele\tdosage_0_weight\tdosage_1_weight\tdosage_2_weight";
    let rows = pair
        .alleles
        .each_ref()
        .map(|(_, position, reference, alternate)| {
            format!("1\t{position}\t{alternate}\t{reference}\t0.5\t-1\t4")
        });
    let score = scoring_file(folder.path(), "BYDOSAGE", columns, rows);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .with("--min-coverage", "0")
        .succeed();
    let table = Table::read(&output, "scores");
    for (sample, (patient, _)) in patients().iter().enumerate() {
        let genotypes = pair.genotypes(sample);
        let called = genotypes.iter().filter(|genotype| genotype.is_complete());
        let weights = called.map(|genotype| [0.5, -1.0, 4.0][genotype.copies()]);
        let sum = weights.sum::<f64>();
        if genotypes.iter().any(Genotype::is_complete) {
            assert_close(number(&table, patient, "BYDOSAGE", "sum"), sum, patient);
        }
    }
}
