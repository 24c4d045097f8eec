//! Panels, and where patients lie in them: alone or together, with and without scores.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::cohort::{Vcf, csv};
use crate::support::program::{Call, Table, testdata, text};
use crate::support::refusal::write;
use crate::support::scores::{
    COLUMNS, assert_close, assert_same_files, cell, files, number, numbers, panel, panel_build,
    patients, prs, prs_of, prs_without_scores, rows_of, scoring_file, transition, with_all,
};

/// Only a panel.
fn placed(output: &Path, panel: &Path) -> Call {
    prs_without_scores(output).with("--ancestry", text(panel))
}

/// A file of one sample with all records of the cohort.
fn single(vcf: &Vcf, sample: usize) -> Vcf {
    let mut records = vcf.records.clone();
    for record in &mut records {
        let own = record[9 + sample].clone();
        record.truncate(9);
        record.push(own);
    }
    Vcf {
        header: vcf.header.clone(),
        samples: vec![vcf.samples[sample].clone()],
        records,
    }
}

#[test]
fn a_panel_is_the_same_however_it_is_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = panel(folder.path());
    let expected = files(&first);
    for threads in ["1", "4"] {
        let output = folder.path().join(format!("threads-{threads}"));
        panel_build(&output).with("--threads", threads).succeed();
        assert_same_files(&output, &expected, threads);
    }
    let listed = Call::new("ancestry list")
        .also(&text(&first), "")
        .succeed()
        .stdout;
    for part in [
        "toy 1 (other)",
        "CC0-1.0",
        "NEAR: 40 people",
        "score TOY1",
        "score TOY2",
    ] {
        assert!(listed.contains(part), "{part} is not in {listed}");
    }
    // Nothing is overwritten.
    let refused = panel_build(&first).run();
    assert_eq!(refused.code, Some(73), "{}", refused.stderr);
    assert_same_files(&first, &expected, "overwritten");
    // No one of the panel is named in what others may read of it.
    let description = String::from_utf8(expected["ancestry.json"].clone()).expect("text");
    assert!(!description.contains("PANEL0"), "{description}");
}

#[test]
fn the_cohort_is_near() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    placed(&output, &panel(folder.path())).succeed();
    let table = Table::read(&output, "ancestry");
    assert_eq!(table.len(), 48);
    assert_eq!(table.texts("population"), ["NEAR"; 48]);
    assert_eq!(table.texts("state"), ["ok"; 48]);
    assert_eq!(table.texts("panel"), ["toy 1"; 48]);
    let ids: Vec<String> = patients().into_iter().map(|(id, _)| id).collect();
    assert_eq!(table.texts("patient"), ids);
    let names: Vec<String> = files(&output).into_keys().collect();
    assert_eq!(
        names,
        ["ancestry.parquet", "quarantine.parquet", "risk.parquet"]
    );
}

/// The people of the panel themselves, as patients.
#[test]
fn people_of_the_panel() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    with_all(prs(&output), &panel(folder.path()))
        .without("--absolute-risk")
        .with("--vcf", testdata("panel/panel.vcf.gz"))
        .with("--samplesheet", testdata("panel/labels.csv"))
        .with("--min-coverage", "0")
        .succeed();
    let table = Table::read(&output, "ancestry");
    let labels = csv(&testdata("panel/labels.csv"));
    assert_eq!(table.len(), labels.len());
    let own = table
        .texts("patient")
        .into_iter()
        .zip(table.column("population"));
    let right = own
        .zip(&labels)
        .filter(|((patient, population), label)| {
            assert_eq!(*patient, label["patient"]);
            *population == Some(label["population"].as_str())
        })
        .count();
    // Nobody is taken for another population's; some are told to be unlike all of them.
    let others = strangers(&table, &labels);
    assert_eq!(others, 0);
    assert!(
        right * 100 >= labels.len() * 95,
        "{right} of {}",
        labels.len()
    );
    // In their own distribution people are spread as they must be: mean 0, deviation 1.
    let scores = Table::read(&output, "scores");
    for score in ["TOY1", "TOY2"] {
        let z: Vec<f64> = labels
            .iter()
            .filter(|label| label["population"] == "NEAR" && label["unrelated"] == "true")
            .filter_map(|label| {
                number(
                    &scores,
                    &label["patient"],
                    score,
                    "z_most_similar_population",
                )
            })
            .collect();
        let mean = z.iter().sum::<f64>() / z.len() as f64;
        let spread = z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / z.len() as f64;
        assert!(
            mean.abs() < 0.05 && (spread - 1.0).abs() < 0.1,
            "{score}: {mean} {spread}"
        );
    }
}

/// The distribution of the panel's people: its quantiles give each of them the percentile that the table
/// of scores has, within a per cent and one person.
#[test]
fn references_of_scores() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    with_all(prs(&output), &panel(folder.path())).succeed();
    let references = Table::read(&output, "score_references");
    let names = ["score", "population"].map(|name| references.texts(name));
    let keys: Vec<(&str, &str)> = names[0]
        .iter()
        .copied()
        .zip(names[1].iter().copied())
        .collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    let labels = csv(&testdata("panel/labels.csv"));
    let people = |population: &str| {
        let own = labels
            .iter()
            .filter(|label| label["population"] == population);
        own.filter(|label| label["unrelated"] == "true").count()
    };
    let populations: BTreeSet<&str> = labels
        .iter()
        .map(|own| own["population"].as_str())
        .collect();
    let expected: Vec<(&str, &str)> = ["TOY1", "TOY2"]
        .iter()
        .flat_map(|score| {
            populations
                .iter()
                .map(move |population| (*score, *population))
        })
        .collect();
    assert_eq!(keys, expected);
    let scores = Table::read(&output, "scores");
    let columns = ["mean", "standard_deviation"].map(|name| references.numbers(name));
    let mut compared = 0;
    for (row, (score, population)) in keys.iter().enumerate() {
        let count = references.texts("people")[row]
            .parse::<usize>()
            .expect("a count");
        assert_eq!(count, people(population), "{score} {population}");
        assert_eq!(references.texts("panel")[row], "toy 1");
        let quantiles = numbers(references.texts("quantiles")[row]);
        assert_eq!(quantiles.len(), 101, "{score} {population}");
        assert!(quantiles.is_sorted(), "{score} {population}");
        let [mean, deviation] = [0, 1].map(|at: usize| columns[at][row].expect("a number"));
        for (patient, _) in patients() {
            if cell(&scores, &patient, score, "population") != Some(*population) {
                continue;
            }
            let own = |column: &str| number(&scores, &patient, score, column);
            let (Some(sum), Some(percentile)) = (own("panel_sum"), own("percentile")) else {
                continue;
            };
            // Between the quantiles below and above the sum.
            let below = quantiles.partition_point(|quantile| *quantile < sum) as f64;
            let above = quantiles.partition_point(|quantile| *quantile <= sum) as f64;
            let within = 1.0 + 100.0 / count as f64;
            assert!(
                percentile >= below - 1.0 - within && percentile <= above + within,
                "{patient} {score}: {percentile}, {below} to {above}"
            );
            assert_close(
                own("z_most_similar_population"),
                (sum - mean) / deviation,
                &format!("{patient} {score}"),
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 2 * 48);
}

/// People who are placed in a population that is not theirs.
fn strangers(table: &Table, labels: &[std::collections::BTreeMap<String, String>]) -> usize {
    let placed = table.column("population").into_iter().zip(labels);
    placed
        .filter(|(found, label)| found.is_some_and(|found| found != label["population"]))
        .count()
}

/// A patient alone, in a file with the same records, has what the patient has within the cohort.
#[test]
fn a_patient_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let vcf = Vcf::bundled();
    // A score with an allele that no record of the cohort has, too.
    let extra = extra_score(folder.path());
    let all = |output: &Path| with_all(prs(output), &panel).also("--score", extra.clone());
    let whole = folder.path().join("whole");
    all(&whole).succeed();
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("the samplesheet");
    let lines: Vec<&str> = sheet.lines().collect();
    for sample in [0, 1, 2, 11, 47] {
        let patient = &patients()[sample].0;
        let output = folder.path().join(format!("alone-{sample}"));
        let file = write(
            folder.path(),
            &format!("{sample}.vcf"),
            single(&vcf, sample).text(),
        );
        let sheet = format!("{}\n{}\n", lines[0], lines[1 + sample]);
        let sheet = write(folder.path(), &format!("{sample}.csv"), sheet);
        all(&output)
            .with("--vcf", file)
            .with("--samplesheet", sheet)
            .succeed();
        for name in ["risk", "scores", "ancestry"] {
            let [own, among] =
                [&output, &whole].map(|folder| rows_of(&Table::read(folder, name), patient));
            assert_eq!(own, among, "{patient} {name}");
        }
    }
}

/// Two alleles of the cohort and one that nobody has a record of.
fn extra_score(folder: &Path) -> String {
    let genome = crate::support::genome::Genome::read();
    let vcf = Vcf::bundled();
    let absent = (150_000..).find(|position: &usize| {
        let is_there = vcf
            .records
            .iter()
            .any(|record| record[0] == "chr1" && record[1] == position.to_string());
        !is_there && !genome.bases("chr1", *position, 1).contains('N')
    });
    let absent = absent.expect("a position");
    let base = genome.bases("chr1", absent, 1);
    let other = transition(genome.bases("chr1", absent, 1));
    let rows = [
        "1\t1998\tG\tA\t4".to_owned(),
        "1\t1760\tA\tG\t2".to_owned(),
        format!("1\t{absent}\t{other}\t{base}\t1"),
    ];
    scoring_file(folder, "EXTRA", COLUMNS, rows)
}

/// Patients in files of their own: each alone and all together.
#[test]
fn files_of_single_patients() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let sheet =
        std::fs::read_to_string(testdata("samplesheet.files.csv")).expect("the samplesheet");
    let sheet = sheet.replace("patients/", &testdata("patients/"));
    let lines: Vec<&str> = sheet.lines().collect();
    let run = |name: &str, sheet: String| {
        let output = folder.path().join(name);
        with_all(prs(&output), &panel)
            .without("--vcf")
            .with("--min-coverage", "0")
            .with(
                "--samplesheet",
                write(folder.path(), &format!("{name}.csv"), sheet),
            )
            .also("--absent-as-reference", "")
            .succeed();
        output
    };
    let together = run("together", sheet.clone());
    for line in &lines[1..] {
        let patient = line.split(',').next().expect("a patient");
        let alone = run(patient, format!("{}\n{line}\n", lines[0]));
        for name in ["risk", "scores", "ancestry"] {
            let [own, among] =
                [&alone, &together].map(|folder| rows_of(&Table::read(folder, name), patient));
            assert_eq!(own, among, "{patient} {name}");
        }
    }
    // Assumed reference places nobody.
    let table = Table::read(&together, "ancestry");
    for row in 0..4 {
        let [sites, assumed] =
            ["sites", "sites_assumed"].map(|name| table.numbers(name)[row].expect("a count"));
        assert!(
            assumed > 0.0 && sites + assumed <= 597.0,
            "{sites} {assumed}"
        );
    }
}

/// Too few of the panel's sites: no place, no percentile, and the reason.
#[test]
fn too_few_sites() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let output = folder.path().join("report");
    let mut vcf = Vcf::bundled();
    vcf.records.retain(|record| record[0] == "chr1");
    with_all(prs(&output), &panel)
        .with("--vcf", write(folder.path(), "chr1.vcf", vcf.text()))
        .with("--min-coverage", "0")
        .succeed();
    let table = Table::read(&output, "ancestry");
    assert_eq!(table.texts("state"), ["not_computed"; 48]);
    assert_eq!(table.texts("reason"), ["too_few_ancestry_sites"; 48]);
    assert!(table.column("population").iter().all(Option::is_none));
    let scores = Table::read(&output, "scores");
    for (patient, _) in patients() {
        let reason = cell(&scores, &patient, "TOY1", "adjustment_reason");
        assert_eq!(reason, Some("too_few_ancestry_sites"));
        for column in [
            "percentile",
            "z_most_similar_population",
            "z_norm1",
            "z_norm2",
        ] {
            assert_eq!(cell(&scores, &patient, "TOY1", column), None, "{column}");
        }
    }
    let risk = Table::read(&output, "risk");
    let kinds = risk
        .texts("kind")
        .into_iter()
        .zip(risk.column("missing_factors"));
    let factors = kinds.filter(|(kind, _)| *kind == "absolute_risk");
    assert!(factors.clone().count() > 0);
    // An unplaced patient has no Z, so that the absolute risk is averaged over it, and says so.
    let risks = factors
        .filter(|(_, factors)| factors.is_some_and(|names| names.contains("polygenic score")));
    assert!(risks.count() > 40);
}

/// People unlike everybody of the panel: no population, no Z, and the reason; the score itself stays.
#[test]
fn off_the_panel() {
    let folder = tempfile::tempdir().expect("a folder");
    let labels = std::fs::read_to_string(testdata("panel/labels.csv")).expect("the labels");
    let others: String = labels
        .lines()
        .filter(|line| !line.contains(",NEAR,"))
        .map(|line| format!("{line}\n"))
        .collect();
    let panel = folder.path().join("panel");
    let built = panel_build(&panel)
        .with("--labels", write(folder.path(), "labels.csv", others))
        .succeed();
    assert!(built.stderr.contains("40 samples"), "{}", built.stderr);
    let output = folder.path().join("report");
    with_all(prs(&output), &panel).succeed();
    let table = Table::read(&output, "ancestry");
    assert_eq!(table.texts("reason"), ["off_the_panel"; 48]);
    assert!(table.column("population").iter().all(Option::is_none));
    assert!(table.column("components").iter().all(Option::is_some));
    let scores = Table::read(&output, "scores");
    assert_eq!(scores.texts("state"), ["ok"; 96]);
    assert_eq!(scores.texts("adjustment_reason"), ["off_the_panel"; 96]);
    for column in [
        "percentile",
        "z_most_similar_population",
        "z_norm1",
        "z_norm2",
    ] {
        assert!(
            scores.column(column).iter().all(Option::is_none),
            "{column}"
        );
    }
}

/// A score that the panel has not, or has by other rules, gets no percentile.
#[test]
fn scores_that_the_panel_lacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let extra = extra_score(folder.path());
    let check = |output: &Path, call: Call, score: &str| {
        let done = call
            .with("--ancestry", text(&panel))
            .with("--min-coverage", "0")
            .succeed();
        assert!(
            done.stderr.contains("warning") && done.stderr.contains("no distribution in the panel"),
            "{}",
            done.stderr
        );
        let table = Table::read(output, "scores");
        let reason = cell(&table, "P001", score, "adjustment_reason");
        assert_eq!(reason, Some("score_not_in_panel"));
        assert_eq!(cell(&table, "P001", score, "percentile"), None);
        assert_eq!(cell(&table, "P001", score, "population"), Some("NEAR"));
    };
    let output = folder.path().join("extra");
    check(&output, prs_of(&output, &extra), "EXTRA");
    for (option, value) in [("--ambiguous", "keep"), ("--duplicates", "sum")] {
        let output = folder.path().join(value);
        check(&output, prs(&output).with(option, value), "TOY1");
    }
    // The same name, another file.
    let changed = std::fs::read_to_string(testdata("scores/TOY1.txt")).expect("a scoring file");
    let changed = write(
        folder.path(),
        "TOY1.txt",
        changed.replace("0.063512", "0.063513"),
    );
    let output = folder.path().join("changed");
    check(&output, prs_of(&output, &changed), "TOY1");
}

/// The panel's mean stands for missing calls: the sum that is compared is then the sum itself where
/// every row is in the panel.
#[test]
fn imputation_by_the_panel() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let output = folder.path().join("report");
    with_all(prs(&output), &panel)
        .with("--impute", "panel")
        .succeed();
    let plain = folder.path().join("plain");
    with_all(prs(&plain), &panel).succeed();
    let [imputed, plain] = [&output, &plain].map(|folder| Table::read(folder, "scores"));
    let mut differ = 0;
    for (patient, _) in patients() {
        for score in ["TOY1", "TOY2"] {
            let of = |table: &Table, column: &str| {
                cell(table, &patient, score, column).map(str::to_owned)
            };
            for column in [
                "panel_sum",
                "percentile",
                "z_norm1",
                "z_norm2",
                "coverage",
                "missing",
                "not_scorable",
            ] {
                assert_eq!(
                    of(&imputed, column),
                    of(&plain, column),
                    "{patient} {score} {column}"
                );
            }
            assert_eq!(of(&imputed, "sum"), of(&imputed, "rescaled_sum"));
            let is_complete = of(&plain, "alleles_missing").as_deref() == Some("0");
            let is_same = of(&imputed, "sum") == of(&plain, "sum");
            assert!(is_same || !is_complete, "{patient} {score}");
            differ += usize::from(!is_same);
        }
    }
    assert!(differ > 20, "{differ}");
}
