//! What scores take from frequencies: the strand of ambiguous alleles, and means for missing calls.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::bundle::bundle;
use crate::support::cohort::{Allele, Place, Vcf};
use crate::support::program::{Table, run_record, testdata, text};
use crate::support::refusal::write;
use crate::support::scores::{
    COLUMNS, assert_close, cell, copies, expected, find, is_ambiguous, number, patients, prs,
    prs_of, rows, scoring_file,
};

/// Rows of ambiguous strand as if they were on that of the reference.
#[test]
fn ambiguous_strands_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    prs(&output).with("--ambiguous", "keep").succeed();
    let table = Table::read(&output, "scores");
    let vcf = Vcf::bundled();
    for score in ["TOY1", "TOY2"] {
        let rows = rows(&testdata(&format!("scores/{score}.txt")));
        for (sample, (patient, is_male)) in patients().iter().enumerate() {
            let own = expected(&vcf, sample, *is_male, &rows, true);
            let found = number(&table, patient, score, "sum");
            assert_close(found, own.sum, &format!("{patient} {score}"));
            let matched = number(&table, patient, score, "alleles_scorable");
            assert_eq!(matched, Some(own.scorable as f64), "{patient} {score}");
        }
    }
    let log = Table::read(&output, "score_variants");
    let reasons = log.column("reason").into_iter().flatten();
    assert_eq!(
        reasons
            .filter(|reason| reason.contains("ambiguous"))
            .count(),
        0
    );
}

/// Alleles A/T and C/G of one base, alone at their place.
fn ambiguous_alleles(vcf: &Vcf) -> Vec<(Allele, usize)> {
    let pairs = [("A", "T"), ("T", "A"), ("C", "G"), ("G", "C")];
    let alleles = vcf.alleles();
    let is_alone = |allele: &Allele| {
        let same = |other: &&(Allele, usize, usize)| {
            (&other.0.contig, other.0.position) == (&allele.contig, allele.position)
        };
        alleles.iter().filter(same).count() == 1
    };
    let wanted = alleles.iter().filter(|(allele, ..)| {
        allele.contig == "chr1"
            && pairs.contains(&(allele.reference.as_str(), allele.alternate.as_str()))
            && is_alone(allele)
    });
    wanted
        .map(|(allele, record, _)| (allele.clone(), *record))
        .collect()
}

/// Rows with a frequency each: near that of the data, near its mirror, near one half, and none.
const FREQUENCIES: [(&str, Option<&str>, Option<&str>); 4] = [
    ("0.02", Some("ref_alt"), None),
    ("0.98", Some("alt_ref_flipped"), None),
    ("0.45", None, Some("ambiguous_frequency")),
    ("", None, Some("ambiguous_frequency")),
];

fn by_frequency_file(folder: &Path, alleles: &[(Allele, usize)]) -> String {
    let rows = alleles
        .iter()
        .zip(FREQUENCIES)
        .map(|((allele, _), (frequency, ..))| {
            format!(
                "1\t{}\t{}\t{}\t1\t{frequency}",
                allele.position, allele.alternate, allele.reference
            )
        });
    let columns = format!("{COLUMNS}\tallelefrequency_effect");
    // One more whose strand is clear, and that weighs nothing.
    let clear = "1\t1998\tG\tA\t0\t0.5".to_owned();
    scoring_file(folder, "AMBIGUOUS", &columns, rows.chain([clear]))
}

/// What stands in the log, and the sums: the effect allele of a row of the other strand is REF.
fn check_by_frequency(
    output: &Path,
    vcf: &Vcf,
    alleles: &[(Allele, usize)],
    samples: &[(String, usize)],
) {
    let log = Table::read(output, "score_variants");
    let reasons = log.column("reason");
    let expected: Vec<Option<&str>> = FREQUENCIES.iter().map(|(_, _, reason)| *reason).collect();
    assert_eq!(reasons[..4], expected);
    let matches = log.column("match_type");
    for (found, (_, expected, reason)) in matches.iter().zip(FREQUENCIES) {
        if reason.is_none() {
            assert_eq!(*found, expected);
        }
    }
    let table = Table::read(output, "scores");
    for (patient, sample) in samples {
        let copies = |at: usize| {
            let genotype = vcf.genotype(alleles[at].1, *sample, 1);
            genotype.is_complete().then(|| genotype.copies() as f64)
        };
        let (Some(first), Some(second)) = (copies(0), copies(1)) else {
            continue;
        };
        let found = number(&table, patient, "AMBIGUOUS", "sum");
        assert_close(found, first + (2.0 - second), patient);
    }
}

#[test]
fn ambiguous_strands_by_a_named_frequency() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = Vcf::bundled();
    let known = Vcf::read(Path::new(&testdata("knowledge/population.vcf.gz")));
    let known: Vec<Allele> = known
        .alleles()
        .into_iter()
        .map(|(allele, ..)| allele)
        .collect();
    let mut alleles = ambiguous_alleles(&vcf);
    alleles.retain(|(allele, _)| known.contains(allele));
    alleles.truncate(FREQUENCIES.len());
    assert_eq!(alleles.len(), FREQUENCIES.len());
    let score = by_frequency_file(folder.path(), &alleles);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .with("--ambiguous", "by-frequency")
        .with("--knowledge", text(&bundle(folder.path())))
        .with("--frequencies", "population.af")
        .with("--min-coverage", "0")
        .succeed();
    let samples: Vec<(String, usize)> = patients().into_iter().map(|(id, _)| id).zip(0..).collect();
    check_by_frequency(&output, &vcf, &alleles, &samples);
}

/// A cohort of 96 tells its own frequencies; 48 are too few.
#[test]
fn ambiguous_strands_by_the_cohort() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = Vcf::bundled();
    let mut alleles = ambiguous_alleles(&vcf);
    // By the cohort's own frequency, far from one half.
    alleles.retain(|(_, record)| {
        let copies = (0..48).map(|sample| vcf.genotype(*record, sample, 1).copies());
        (1..30).contains(&copies.sum::<usize>())
    });
    alleles.truncate(FREQUENCIES.len());
    let score = by_frequency_file(folder.path(), &alleles);
    let few = folder.path().join("few");
    prs_of(&few, &score)
        .with("--ambiguous", "by-frequency")
        .with("--min-coverage", "0")
        .succeed();
    let log = Table::read(&few, "score_variants");
    assert_eq!(log.column("reason")[..4], [Some("ambiguous_frequency"); 4]);

    let doubled = doubled();
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .without("--samplesheet")
        .with("--vcf", write(folder.path(), "doubled.vcf", doubled.text()))
        .with("--ambiguous", "by-frequency")
        .with("--min-coverage", "0")
        .succeed();
    let samples: Vec<(String, usize)> = doubled.samples.iter().cloned().zip(0..).collect();
    check_by_frequency(&output, &doubled, &alleles, &samples);
}

/// Mean imputation from the frequencies that a bundle names, and from the panel: the sum has the mean
/// where a call is missing, and is not rescaled.
#[test]
fn imputed_means() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = Vcf::bundled();
    let known = Vcf::read(Path::new(&testdata("knowledge/population.vcf.gz")));
    let frequencies: BTreeMap<Allele, f64> = known
        .alleles()
        .into_iter()
        .map(|(allele, record, index)| {
            let info = &known.records[record][7];
            let all = info.split(';').find_map(|field| field.strip_prefix("AF="));
            let own = all.expect("AF").split(',').nth(index - 1).expect("a value");
            (allele, own.parse().expect("a number"))
        })
        .collect();
    // Alleles of single bases that are missing in somebody and have a frequency.
    let wanted: Vec<(Allele, usize)> = vcf
        .alleles()
        .into_iter()
        .filter(|(allele, record, _)| {
            let ambiguous = ["AT", "TA", "CG", "GC"];
            let pair = format!("{}{}", allele.reference, allele.alternate);
            allele.contig == "chr1"
                && pair.len() == 2
                && !ambiguous.contains(&pair.as_str())
                && vcf
                    .records
                    .iter()
                    .filter(|other| other[..2] == vcf.records[*record][..2])
                    .count()
                    == 1
                && frequencies.contains_key(allele)
                && (0..48).any(|sample| vcf.genotype(*record, sample, 1).is_missing())
        })
        .map(|(allele, record, _)| (allele, record))
        .take(20)
        .collect();
    assert!(wanted.len() >= 5, "{}", wanted.len());
    let rows = wanted.iter().zip(1..).map(|((allele, _), weight)| {
        format!(
            "1\t{}\t{}\t{}\t{weight}",
            allele.position, allele.alternate, allele.reference
        )
    });
    let score = scoring_file(folder.path(), "MISSING", COLUMNS, rows);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .with("--knowledge", text(&bundle(folder.path())))
        .with("--impute", "frequencies")
        .with("--frequencies", "population.af")
        .with("--min-coverage", "0")
        .succeed();
    let table = Table::read(&output, "scores");
    for (sample, (patient, _)) in patients().iter().enumerate() {
        let mut sum = 0.0;
        for ((allele, record), weight) in wanted.iter().zip(1..) {
            let genotype = vcf.genotype(*record, sample, 1);
            let copies = if genotype.is_complete() {
                genotype.copies() as f64
            } else {
                2.0 * frequencies[allele]
            };
            sum += f64::from(weight) * copies;
        }
        for column in ["sum", "rescaled_sum"] {
            let found = number(&table, patient, "MISSING", column).expect("a sum");
            assert!(
                (found - sum).abs() < 1e-5,
                "{patient} {column}: {found}, not {sum}"
            );
        }
    }
}

/// The mean of a cohort of 96.
#[test]
fn means_of_the_cohort() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = doubled();
    let rows = rows(&testdata("scores/TOY1.txt"));
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|row| row["chr_name"] == "1" && !is_ambiguous(row))
        .filter(|row| find(&vcf, row).is_some())
        .collect();
    let names = [
        "chr_name",
        "chr_position",
        "effect_allele",
        "other_allele",
        "effect_weight",
    ];
    let lines = rows
        .iter()
        .map(|row| names.map(|name| row[name].as_str()).join("\t"));
    let score = scoring_file(folder.path(), "MEANS", COLUMNS, lines);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .without("--samplesheet")
        .with("--vcf", write(folder.path(), "doubled.vcf", vcf.text()))
        .with("--impute", "cohort")
        .succeed();
    let table = Table::read(&output, "scores");
    let mut sums = vec![0.0; vcf.samples.len()];
    let mut missing = 0;
    for row in &rows {
        let found = find(&vcf, row).expect("an allele");
        let weight: f64 = row["effect_weight"].parse().expect("a number");
        let copies: Vec<Option<f64>> = (0..vcf.samples.len())
            .map(|sample| {
                let genotype = vcf.genotype(found.record, sample, found.index);
                let own = copies(&found, Place::Autosomal, &genotype, false);
                own.map(|(copies, _)| copies)
            })
            .collect();
        let called: Vec<f64> = copies.iter().flatten().copied().collect();
        let mean = called.iter().sum::<f64>() / called.len() as f64;
        missing += copies.len() - called.len();
        for (sum, copies) in sums.iter_mut().zip(copies) {
            *sum += weight * copies.unwrap_or(mean);
        }
    }
    assert!(missing > 20, "{missing}");
    for (sample, sum) in vcf.samples.iter().zip(sums) {
        for column in ["sum", "rescaled_sum"] {
            assert_close(number(&table, sample, "MEANS", column), sum, sample);
        }
    }
}

/// The cohort with everybody twice.
fn doubled() -> Vcf {
    let mut vcf = Vcf::bundled();
    let twins: Vec<String> = vcf.samples.iter().map(|name| format!("{name}b")).collect();
    vcf.samples.extend(twins);
    for record in &mut vcf.records {
        let own = record[9..].to_vec();
        record.extend(own);
    }
    vcf
}

/// Frequencies that the score takes from the bundle name their source.
#[test]
fn sources_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    prs(&output)
        .with("--knowledge", text(&bundle(folder.path())))
        .with("--impute", "frequencies")
        .with("--frequencies", "population.af")
        .succeed();
    let record = run_record(&output);
    assert_eq!(record["knowledge"][0]["name"], "population");
    assert_eq!(record["parameters"]["impute"], "frequencies");
    assert_eq!(record["parameters"]["frequencies"], "population.af");
    let table = Table::read(&output, "scores");
    assert_eq!(cell(&table, "P001", "TOY1", "state"), Some("ok"));
}
