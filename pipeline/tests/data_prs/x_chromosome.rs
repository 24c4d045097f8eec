//! X outside the pseudoautosomal regions: G6PD of 3,202 people of the 1000 Genomes, whose file has
//! males as haploid.

use std::collections::BTreeMap;
use std::path::Path;

use crate::fasta::Genome;
use crate::genotypes::{ABSENT, Genotypes, MISSING};
use crate::plink::{Sscore, columns, six_digits};
use crate::scorefile::{self, Kind, weights, write_plink};
use crate::support::oracle::shared;
use crate::support::program::{Table, text};
use crate::{Largest, of_score, prs};

const LENGTH: u64 = 156_040_895;

#[test]
fn males_count_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let mut genotypes = Genotypes::of(&shared("cohort_vcf/1kgp_pgx/GRCh38/G6PD.vcf.gz"));
    // Records that repeat a position are alleles of one site; the first one will do.
    let mut last = 0;
    genotypes.records.retain(|record| {
        let is_new = record.position != last;
        last = record.position;
        is_new && record.is_sequence()
    });
    let males: Vec<bool> = genotypes.records[0]
        .calls
        .iter()
        .map(|call| call[1] == ABSENT)
        .collect();
    check_sexes(&genotypes.samples, &males);
    for record in &genotypes.records {
        let ploidies = record.calls.iter().map(|call| call[1] == ABSENT);
        assert!(ploidies.eq(males.iter().copied()));
    }
    for (at, record) in genotypes.records.iter_mut().enumerate() {
        for (sample, call) in record.calls.iter_mut().enumerate() {
            if (at * 7919 + sample * 104_729) % 50 == 0 {
                *call = if males[sample] {
                    [MISSING, ABSENT]
                } else {
                    [MISSING; 2]
                };
            }
        }
    }
    let mut genome = Genome::default().contig("chrX", LENGTH);
    for record in &genotypes.records {
        genome.put("chrX", record.position.into(), &record.alleles[0]);
    }
    assert_eq!(genome.contradictions, 0);
    let fasta = genome.write(folder.path());

    let records = &genotypes.records;
    let weights = weights(records, |_| true);
    let scores = Kind::ALL.map(|kind| {
        scorefile::write(
            folder.path(),
            kind.name(),
            "GRCh38",
            kind,
            records,
            &weights,
        )
    });
    let scores = scores.each_ref().map(std::path::PathBuf::as_path);
    let plink = at("plink.tsv");
    write_plink(&plink, records, &weights);
    let (mut psam, mut sheet) = ("#IID\tSEX\n".to_owned(), "patient,sample,sex\n".to_owned());
    for (sample, is_male) in genotypes.samples.iter().zip(&males) {
        psam += &format!("{sample}\t{}\n", if *is_male { 1 } else { 2 });
        sheet += &format!(
            "{sample},{sample},{}\n",
            if *is_male { "male" } else { "female" }
        );
    }
    std::fs::write(at("sexes.psam"), psam).expect("a file");
    std::fs::write(at("sheet.csv"), sheet).expect("a file");
    let contig = format!("##contig=<ID=chrX,length={LENGTH}>");
    let haploid = at("haploid.vcf");
    genotypes.write(&haploid, &contig);
    // The same with males written as diploid.
    let Genotypes { samples, records } = genotypes;
    let mut genotypes = Genotypes::of(&haploid);
    let haploid_records = records;
    for record in &mut genotypes.records {
        for call in &mut record.calls {
            if call[1] == ABSENT {
                call[1] = call[0];
            }
        }
    }
    let diploid = at("diploid.vcf");
    genotypes.write(&diploid, &contig);

    let run = |vcf: &Path, output: &str, impute: &str| {
        prs(vcf, &fasta, "GRCh38", &scores, &at(output))
            .with("--samplesheet", text(&at("sheet.csv")))
            .with("--score-formats", "sscore")
            .with("--impute", impute)
            .succeed();
        Table::read(&at(output), "scores")
    };
    let scale = weights.iter().map(|own| own.as_f64().abs()).sum::<f64>() / 100.0;
    for (impute, modifier) in [("none", "no-mean-imputation"), ("cohort", "")] {
        let table = run(&haploid, &format!("haploid-{impute}"), impute);
        let of_diploid = run(&diploid, &format!("diploid-{impute}"), impute);
        for kind in Kind::ALL {
            let ours = of_score(&table, kind.name(), "sum");
            assert_eq!(
                ours,
                of_score(&of_diploid, kind.name(), "sum"),
                "{impute} {}",
                kind.name()
            );
            let counts = of_score(&table, kind.name(), "allele_count");
            assert_eq!(counts, of_score(&of_diploid, kind.name(), "allele_count"));
            let ours: BTreeMap<&str, f64> = ours.into_iter().collect();
            let means: Vec<f64> = weights
                .iter()
                .map(|own| match impute {
                    "none" => 0.0,
                    _ => haploid_records[own.record].frequency(own.effect),
                })
                .collect();
            let mut definition = Largest::default();
            for (at, sample) in samples.iter().enumerate() {
                let terms = weights.iter().zip(&means).map(|(own, mean)| {
                    let counted = match haploid_records[own.record].copies(at, own.effect) {
                        // All of a male's copies is one.
                        Some((copies, 1)) => f64::from(copies),
                        Some((copies, _)) => kind.counted(copies.into()),
                        None if kind == Kind::Additive && males[at] => *mean,
                        None => kind.mean(*mean),
                    };
                    own.as_f64() * counted
                });
                definition.note(ours[sample.as_str()], terms.sum(), scale);
            }
            println!(
                "X, --impute {impute}, {}: {} weights, {} people within {:.1e} of the definition",
                kind.name(),
                weights.len(),
                definition.compared,
                definition.relative
            );
            assert!(definition.relative < 1e-9);
        }

        // plink2 refuses dominant and recessive weights of haploid chromosomes.
        let genotypes = format!(
            "--vcf {} --psam {} --xchr-model 1",
            text(&haploid),
            text(&at("sexes.psam"))
        );
        let theirs = Sscore::run(&genotypes, &plink, modifier, &columns(), &at("plink"));
        let ours = Sscore::read(&at(&format!("haploid-{impute}/sscore/additive.sscore")));
        let mut largest = Largest::default();
        for sample in &samples {
            for (own, name) in [
                ("ALLELE_CT", "ALLELE_CT"),
                ("NAMED_ALLELE_DOSAGE_SUM", "NAMED_ALLELE_DOSAGE_SUM"),
                ("additive_AVG", "weight_AVG"),
                ("additive_SUM", "weight_SUM"),
            ] {
                let (own, theirs) = (ours.number(sample, own), theirs.number(sample, name));
                let is_near = (six_digits(own) - theirs).abs() <= 1.01e-5 * theirs.abs().max(1e-3);
                assert!(is_near, "{sample} {name}: {own}, {theirs} by plink2");
            }
            if impute == "none" {
                let exact = theirs.exact(sample) as f64 / 1e6;
                largest.note(ours.number(sample, "additive_SUM"), exact, scale);
            }
        }
        println!(
            "X, --impute {impute}, additive: within {:.1e} of plink2",
            largest.relative
        );
        assert!(largest.relative < 1e-11);
    }
}

/// Ploidy tells the recorded sex.
fn check_sexes(samples: &[String], males: &[bool]) {
    let map = shared("cohort_vcf/1000g/phase3map.txt");
    let map = std::fs::read_to_string(map).expect("the map of samples");
    let recorded: BTreeMap<&str, &str> = map
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some((columns.next()?, columns.nth(2)?.trim()))
        })
        .collect();
    let pairs = samples.iter().zip(males);
    let known =
        pairs.filter_map(|(sample, is_male)| Some((recorded.get(sample.as_str())?, is_male)));
    let agree = known
        .filter(|(sex, is_male)| (**sex == "male") == **is_male)
        .count();
    assert_eq!(agree, 2504);
}
