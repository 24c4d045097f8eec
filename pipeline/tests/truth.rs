//! A whole run against the truth of the bundled data, recomputed from its text.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::cohort::{Allele, Genotype, Place, Vcf, csv, place};
use crate::support::demo::{BURDEN, REASON, SCORE, run};
use crate::support::program::{Table, run_record, testdata};

/// Alleles whose score is not the expected one: for a heterozygous male on X the generator counts
/// the first haplotype in the cohort's frequency, where it counts the alternate allele in burdens.
const DEVIATIONS: [[&str; 4]; 1] = [["chrX", "61516", "T", "G"]];

/// A patient of the samplesheet.
pub(crate) struct Patient {
    pub(crate) id: String,
    pub(crate) sample: usize,
    pub(crate) is_male: bool,
    pub(crate) is_female: bool,
}

pub(crate) fn patients(vcf: &Vcf) -> Vec<Patient> {
    let rows = csv(&testdata("samplesheet.csv")).into_iter();
    let patient = |row: BTreeMap<String, String>| Patient {
        id: row["patient"].clone(),
        sample: vcf
            .samples
            .iter()
            .position(|sample| *sample == row["sample"])
            .expect("a sample"),
        is_male: row["sex"] == "male",
        is_female: row["sex"] == "female",
    };
    rows.map(patient).collect()
}

/// Copies that count, as the README of the bundled data says.
pub(crate) fn dosage(genotype: &Genotype, place: Place, patient: &Patient) -> Option<usize> {
    let copies = genotype.is_complete().then(|| genotype.copies())?;
    match place {
        Place::Y if patient.is_female => None,
        Place::X | Place::Y if patient.is_male => Some(copies.min(1)),
        Place::Mitochondrial => Some(copies.min(1)),
        _ => Some(copies),
    }
}

/// The input's alleles of a table's rows.
pub(crate) fn input_alleles(table: &Table) -> Vec<Allele> {
    let contigs = table.texts("contig");
    let positions = table.texts("input_position");
    let references = table.texts("input_ref");
    let alternates = table.column("input_alt");
    let allele = |row: usize| Allele {
        contig: contigs[row].to_owned(),
        position: positions[row].parse().expect("a number"),
        reference: references[row].to_owned(),
        alternate: alternates[row].unwrap_or_default().to_owned(),
    };
    (0..table.len()).map(allele).collect()
}

/// Scores by input allele, from the written table.
fn scores(variants: &Table) -> BTreeMap<Allele, Option<f32>> {
    let scores = variants.column(SCORE).into_iter();
    let score = |text: Option<&str>| text.map(|text| text.parse().expect("a number"));
    input_alleles(variants)
        .into_iter()
        .zip(scores.map(score))
        .collect()
}

/// One run serves all checks: they read it only.
#[test]
fn everything_on_the_bundled_cohort() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    let outcome = run(&output).succeed();
    assert_eq!(outcome.stdout, "");
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);

    let vcf = Vcf::bundled();
    let variants = Table::read(&output, "variants");
    check_rows(&vcf, &variants, &output);
    check_expected_scores(&variants);
    check_expected_risks(&output);
    let scores = scores(&variants);
    check_burden(&vcf, &scores, &output);
    check_findings(&vcf, &scores, &output);
    check_quality(&vcf, &output);
}

/// Rows in = rows out; exactly one of score and reason is null; the counts of `run.json` agree.
fn check_rows(vcf: &Vcf, variants: &Table, output: &Path) {
    let mut given: Vec<(Allele, String)> = vcf
        .alleles()
        .into_iter()
        .map(|(allele, _, index)| (allele, index.to_string()))
        .collect();
    let indices = variants.texts("alt_index").into_iter().map(str::to_owned);
    let mut found: Vec<(Allele, String)> =
        input_alleles(variants).into_iter().zip(indices).collect();
    given.sort();
    found.sort();
    assert_eq!(given, found);

    let (scores, reasons) = (variants.column(SCORE), variants.column(REASON));
    for (row, (score, reason)) in scores.iter().zip(&reasons).enumerate() {
        assert!(
            score.is_some() != reason.is_some(),
            "row {row}: {score:?}, {reason:?}"
        );
    }
    let unscored = given.iter().filter(|(allele, _)| {
        // The window shows 21 bases of an allele.
        !allele.is_sequence() || allele.reference.len().max(allele.alternate.len()) > 21
    });
    assert_eq!(reasons.iter().flatten().count(), unscored.count());

    let counts = &run_record(output)["counts"];
    for (name, expected) in [
        ("records", vcf.records.len()),
        ("rows", given.len()),
        ("input_alleles", given.len()),
        ("bad_records", 0),
        (SCORE, scores.iter().flatten().count()),
    ] {
        assert_eq!(counts[name], expected, "{name}");
    }
    let by_name = |prefix: &str| -> u64 {
        let counts = counts.as_object().expect("counts").iter();
        let own = counts.filter(|(name, _)| name.starts_with(prefix));
        own.map(|(_, count)| count.as_u64().expect("a count")).sum()
    };
    assert_eq!(by_name("allele_class="), given.len() as u64);
    assert_eq!(
        by_name(&format!("{REASON}=")),
        reasons.iter().flatten().count() as u64
    );
    check_order(variants);
}

/// Rows stand by contig, position, REF and ALT.
fn check_order(variants: &Table) {
    let order = ["chr1", "chr2", "chrX", "chrY", "chrM"];
    let rank = |name: &str| order.iter().position(|own| *own == name).expect("a contig");
    let contigs = variants.texts("contig").into_iter().map(rank);
    let positions = variants
        .numbers("position")
        .into_iter()
        .map(|it| it.expect("a position"));
    let alleles = variants
        .texts("ref")
        .into_iter()
        .zip(variants.column("alt"));
    let keys: Vec<_> = contigs.zip(positions).zip(alleles).collect();
    assert!(keys.windows(2).all(|pair| pair[0] <= pair[1]));
}

/// Each expected allele is there once with its score, to one in the fourth place.
fn check_expected_scores(variants: &Table) {
    let names = ["contig", "position", "ref", "alt"];
    let columns = names.map(|name| variants.column(name));
    let scores = variants.numbers(SCORE);
    let mut found: BTreeMap<[String; 4], Vec<Option<f64>>> = BTreeMap::new();
    for (row, score) in scores.iter().enumerate() {
        let key = [0, 1, 2, 3].map(|i| columns[i][row].unwrap_or_default().to_owned());
        found.entry(key).or_default().push(*score);
    }
    let expected = csv(&testdata("expected/variant-scores.csv"));
    let with_score = expected
        .iter()
        .filter(|row| !row["score"].is_empty())
        .count();
    assert_eq!(with_score, scores.iter().flatten().count());
    for row in expected {
        let key = names.map(|name| row[name].clone());
        let score = found.get_mut(&key).and_then(Vec::pop);
        let score = score.unwrap_or_else(|| panic!("{key:?} has no row"));
        let expected: Option<f64> = row["score"].parse().ok();
        let (Some(expected), Some(score)) = (expected, score) else {
            assert_eq!(expected, score, "{key:?}");
            continue;
        };
        let is_equal = (expected - score).abs() <= 1.5e-4;
        let is_listed = DEVIATIONS.contains(&key.each_ref().map(String::as_str));
        assert!(
            is_equal != is_listed,
            "{key:?}: {score}, expected {expected}, listed: {is_listed}"
        );
    }
}

/// Each patient's risk, to one in the third place.
fn check_expected_risks(output: &Path) {
    let table = Table::read(output, "risk");
    let risks = table.by_patient("value");
    let expected = csv(&testdata("expected/risk.csv"));
    assert_eq!((table.len(), risks.len()), (expected.len(), expected.len()));
    for row in expected {
        let (patient, expected) = (&row["patient"], row["risk"].parse::<f64>().expect("a risk"));
        let risk = risks[patient].expect("a risk");
        let is_equal = (risk - expected).abs() <= 1.5e-3;
        assert!(is_equal, "{patient}: {risk}, not {expected}");
    }
    assert!(table.texts("state").iter().all(|state| *state == "ok"));
}

/// Sum, maximum, copies above the threshold and coverage of every patient.
fn check_burden(vcf: &Vcf, scores: &BTreeMap<Allele, Option<f32>>, output: &Path) {
    let features = Table::read(output, "features");
    let (names, values) = (features.texts("feature"), features.numbers("value"));
    let rows = features.texts("patient").into_iter().zip(names).zip(values);
    let found: BTreeMap<(String, String), Option<f64>> = rows
        .map(|((patient, name), value)| ((patient.to_owned(), name.to_owned()), value))
        .collect();
    let coverages = Table::read(output, "risk").by_patient("coverage");
    for patient in patients(vcf) {
        let (mut sum, mut maximum, mut above, mut called, mut scored) =
            (0.0, f64::MIN, 0, 0, 0_u32);
        for (allele, record, index) in vcf.alleles() {
            let Some(score) = scores[&allele].map(f64::from) else {
                continue;
            };
            let genotype = vcf.genotype(record, patient.sample, index);
            let place = place(&allele.contig, allele.position);
            // Of females nothing is expected on Y.
            scored += u32::from(place != Place::Y || !patient.is_female);
            let Some(copies) = dosage(&genotype, place, &patient) else {
                continue;
            };
            called += 1;
            sum += score * copies as f64;
            if copies > 0 {
                maximum = maximum.max(score);
                above += if score >= 0.5 { copies } else { 0 };
            }
        }
        let coverage = f64::from(called) / f64::from(scored);
        for (name, expected) in [
            ("sum", sum),
            ("max", maximum),
            ("count_above", above as f64),
            ("coverage", coverage),
        ] {
            let key = (patient.id.clone(), format!("{BURDEN}.{name}"));
            let found = found[&key].expect("a value");
            // Terms are held to 2^-40.
            assert!(
                (found - expected).abs() < 1e-8,
                "{key:?}: {found}, not {expected}"
            );
        }
        assert_eq!(coverages[&patient.id], Some(coverage), "{}", patient.id);
    }
}

/// The ten highest scores that each patient carries, in order, each with its call.
fn check_findings(vcf: &Vcf, scores: &BTreeMap<Allele, Option<f32>>, output: &Path) {
    let rows = input_alleles(&Table::read(output, "variants")).into_iter();
    let order: BTreeMap<Allele, usize> = rows.zip(0..).collect();
    const REPORTED: usize = 10;
    let table = Table::read(output, "findings");
    let alleles = input_alleles(&table);
    let (owners, ranks) = (table.texts("patient"), table.texts("rank"));
    let (genotypes, dosages) = (table.texts("genotype"), table.texts("dosage"));
    let (shown, contributions) = (table.texts("score"), table.numbers("contribution"));
    let mut row = 0;
    for patient in patients(vcf) {
        let mut carried: Vec<(f32, Allele, Genotype, usize)> = Vec::new();
        for (allele, record, index) in vcf.alleles() {
            let genotype = vcf.genotype(record, patient.sample, index);
            let place = place(&allele.contig, allele.position);
            let copies = dosage(&genotype, place, &patient).unwrap_or(0);
            if let (Some(score), true) = (scores[&allele], copies > 0) {
                carried.push((score, allele, genotype, copies));
            }
        }
        // Of equal scores the one that comes first in the table of variants comes first.
        carried.sort_by_key(|(_, allele, ..)| order[allele]);
        carried.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (rank, (score, allele, genotype, copies)) in carried.iter().take(REPORTED).enumerate() {
            let at = format!("{} rank {}", patient.id, rank + 1);
            assert_eq!(owners[row], patient.id, "{at}");
            assert_eq!(ranks[row], (rank + 1).to_string(), "{at}");
            assert_eq!(alleles[row], *allele, "{at}");
            assert_eq!(shown[row].parse::<f32>().expect("a score"), *score, "{at}");
            assert_eq!(genotypes[row], genotype.shown(), "{at}");
            assert_eq!(dosages[row], copies.to_string(), "{at}");
            let contribution = f64::from(*score) * *copies as f64;
            assert_eq!(contributions[row], Some(contribution), "{at}");
            row += 1;
        }
    }
    assert_eq!(row, table.len());
}

/// Counts of calls, of every patient.
fn check_quality(vcf: &Vcf, output: &Path) {
    let table = Table::read(output, "qc");
    let column = |name: &str| table.by_patient(name);
    let names = [
        "alleles",
        "called",
        "partial",
        "missing",
        "not_assayed",
        "heterozygous",
        "homozygous_alternate",
        "hemizygous",
        "x_heterozygous",
        "x_carried",
        "y_called",
        "y_alleles",
        "male_x_diploid",
        "female_y_called",
        "polyploid",
        "transitions",
        "transversions",
    ];
    let found = names.map(column);
    let rates = column("call_rate");
    let inferred = table.texts("inferred_sex");
    assert!(
        table
            .column("sex_mismatch")
            .iter()
            .flatten()
            .all(|text| *text == "false")
    );
    for (row, patient) in patients(vcf).iter().enumerate() {
        let mut counts: BTreeMap<&str, u32> = names.iter().map(|name| (*name, 0)).collect();
        for (allele, record, index) in vcf.alleles() {
            if !allele.is_sequence() {
                continue;
            }
            let genotype = vcf.genotype(record, patient.sample, index);
            count(&mut counts, &allele, &genotype, patient);
        }
        for (name, found) in names.iter().zip(&found) {
            let found = found[&patient.id];
            assert_eq!(
                found,
                Some(f64::from(counts[name])),
                "{} {name}",
                patient.id
            );
        }
        let total = counts["called"] + counts["partial"] + counts["missing"];
        let rate = f64::from(counts["called"]) / f64::from(total);
        assert_eq!(rates[&patient.id], Some(rate), "{}", patient.id);
        let sex = if patient.is_male { "male" } else { "female" };
        assert_eq!(inferred[row], sex, "{}", patient.id);
    }
}

fn count(
    counts: &mut BTreeMap<&str, u32>,
    allele: &Allele,
    genotype: &Genotype,
    patient: &Patient,
) {
    let mut add = |name: &'static str, is_so: bool| {
        *counts.get_mut(name).expect("a known name") += u32::from(is_so);
    };
    let place = place(&allele.contig, allele.position);
    let (ploidy, copies) = (genotype.haplotypes.len(), genotype.copies());
    let (is_complete, is_missing) = (genotype.is_complete(), genotype.is_missing());
    // For females Y is no place to be called at.
    let is_expected = place != Place::Y || !patient.is_female;
    add("alleles", is_expected);
    add("called", is_complete && is_expected);
    add("missing", is_missing && is_expected);
    add("partial", !is_complete && !is_missing && is_expected);
    add("y_alleles", place == Place::Y);
    add("y_called", place == Place::Y && is_complete);
    add(
        "female_y_called",
        place == Place::Y && is_complete && patient.is_female,
    );
    let is_diploid = ploidy == 2 && is_complete;
    add(
        "male_x_diploid",
        place == Place::X && is_diploid && patient.is_male,
    );
    add("polyploid", ploidy > 2);
    let is_carried = is_complete && copies > 0;
    add("heterozygous", is_diploid && copies == 1);
    add("homozygous_alternate", is_diploid && copies == 2);
    add("hemizygous", is_carried && ploidy == 1);
    add(
        "x_heterozygous",
        place == Place::X && is_diploid && copies == 1,
    );
    add("x_carried", place == Place::X && is_carried);
    // Trimmed of what REF and ALT share, as a normalised allele is.
    let bases = |text: &str| text.as_bytes().to_vec();
    let (mut from, mut to) = (bases(&allele.reference), bases(&allele.alternate));
    while from.len() > 1 && to.len() > 1 && from.last() == to.last() {
        from.pop();
        to.pop();
    }
    while from.len() > 1 && to.len() > 1 && from[0] == to[0] {
        from.remove(0);
        to.remove(0);
    }
    if let ([from], [to]) = (from.as_slice(), to.as_slice()) {
        let is_transition = [b"AG", b"GA", b"CT", b"TC"].contains(&&[*from, *to]);
        add("transitions", is_carried && is_transition);
        add("transversions", is_carried && !is_transition);
    }
}
