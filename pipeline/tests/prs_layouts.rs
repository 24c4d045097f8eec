//! Ways of writing a score and its results: layouts of other programs, columns, settings; and what is told
//! of patients.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use crate::support::program::{Call, Table, run_record, testdata};
use crate::support::refusal::{SECRET_PATIENT, secret_prs, write};
use crate::support::scores::{
    COLUMNS, assert_close, files, number, panel, patients, prs, prs_of, rows, scoring_file,
    with_all,
};

const SCORES: [&str; 2] = ["TOY1", "TOY2"];

/// The layouts of other programs have the numbers of the tables.
#[test]
fn other_layouts() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    with_all(prs(&output), &panel(folder.path()))
        .with("--sampleset", "toy-set")
        .with("--min-coverage", "0.8")
        .succeed();
    let scores = Table::read(&output, "scores");
    let ancestry = Table::read(&output, "ancestry");
    let read = |name: &str| -> Vec<BTreeMap<String, String>> {
        let bytes = std::fs::read(output.join(name)).expect("a file");
        let mut text = String::new();
        if name.ends_with(".gz") {
            flate2::read::MultiGzDecoder::new(bytes.as_slice())
                .read_to_string(&mut text)
                .expect("gzip");
        } else {
            text = String::from_utf8(bytes).expect("text");
        }
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().expect("names").split('\t').collect();
        lines
            .map(|line| {
                let cells: Vec<&str> = line.split('\t').collect();
                assert_eq!(cells.len(), names.len(), "{name}: {line}");
                let pairs = names.iter().zip(cells);
                pairs
                    .map(|(name, cell)| ((*name).to_owned(), cell.to_owned()))
                    .collect()
            })
            .collect()
    };
    let parsed = |text: &str| text.parse::<f64>().ok();
    let check = |row: &BTreeMap<String, String>, score: &str, pairs: &[(&str, &str)]| {
        let patient = row.get("IID").or(row.get("#IID")).expect("a patient");
        for (name, column) in pairs {
            let expected = number(&scores, patient, score, column);
            let found = parsed(&row[*name]);
            match (found, expected) {
                (None, None) => {}
                (found, Some(expected)) => {
                    assert_close(found, expected, &format!("{patient} {score} {name}"));
                }
                other => panic!("{patient} {score} {name}: {other:?}"),
            }
        }
    };
    for score in SCORES {
        let rows = read(&format!("sscore/{score}.sscore"));
        assert_eq!(rows.len(), 48);
        for row in &rows {
            let pairs = [("ALLELE_CT", "allele_count")];
            check(row, score, &pairs);
            assert!(row.contains_key("NAMED_ALLELE_DOSAGE_SUM"));
        }
    }
    let aggregated = read("aggregated_scores.txt.gz");
    assert_eq!(aggregated.len(), 96);
    for row in &aggregated {
        assert_eq!(row["sampleset"], "toy-set");
        check(
            row,
            &row["PGS"],
            &[
                ("SUM", "sum"),
                ("AVG", "average"),
                ("DENOM", "allele_count"),
            ],
        );
    }
    let adjusted = read("toy-set_pgs.txt.gz");
    assert_eq!(adjusted.len(), 96);
    for row in &adjusted {
        let pairs = [
            ("SUM", "panel_sum"),
            ("Z_MostSimilarPop", "z_most_similar_population"),
            ("Z_norm1", "z_norm1"),
            ("Z_norm2", "z_norm2"),
            ("percentile_MostSimilarPop", "percentile"),
        ];
        check(row, &row["PGS"], &pairs);
    }
    let similarity = read("toy-set_popsimilarity.txt.gz");
    let found: Vec<(&str, Option<&str>)> = similarity
        .iter()
        .map(|row| (row["IID"].as_str(), Some(row["MostSimilarPop"].as_str())))
        .collect();
    let patients = ancestry.texts("patient").into_iter();
    let expected: Vec<_> = patients.zip(ancestry.column("population")).collect();
    assert_eq!(found, expected);
    assert!(similarity.iter().all(|row| parsed(&row["PC10"]).is_some()));
}

/// Other ways of writing the same score give the same tables.
#[test]
fn the_same_score_said_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let usual = folder.path().join("usual");
    let original = testdata("scores/TOY1.txt");
    prs_of(&usual, &original).succeed();
    let usual = Table::read(&usual, "scores");
    let text = std::fs::read_to_string(&original).expect("a scoring file");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).expect("bytes in memory");
    let gzip = gzip.finish().expect("bytes in memory");
    let renamed = text
        .replace("effect_allele", "A1")
        .replace("other_allele", "A2")
        .replace("effect_weight", "BETA");
    let table = text.lines().filter(|line| !line.starts_with('#'));
    let commas: String = table.map(|line| line.replace('\t', ",") + "\n").collect();
    let chromosomes: String = text
        .lines()
        .map(|line| match line.strip_prefix('\t') {
            Some(rest) => format!("\tchr{rest}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    let map = "effect_allele=A1,other_allele=A2,effect_weight=BETA";
    let ways: [(&str, Vec<u8>, Option<&str>); 6] = [
        ("TOY1.txt.gz", gzip, None),
        ("renamed.txt", renamed.into_bytes(), Some(map)),
        ("TOY1.csv", commas.into_bytes(), None),
        ("windows.txt", text.replace('\n', "\r\n").into_bytes(), None),
        ("mark.txt", format!("\u{feff}{text}").into_bytes(), None),
        ("chromosomes.txt", chromosomes.into_bytes(), None),
    ];
    for (name, bytes, map) in ways {
        let output = folder.path().join(format!("of-{name}"));
        let call = prs_of(&output, &write(folder.path(), name, bytes));
        let call = match map {
            Some(map) => call.with("--score-columns", map),
            None => call,
        };
        call.succeed();
        let table = Table::read(&output, "scores");
        for column in &usual.names {
            assert_eq!(
                table.column(column),
                usual.column(column),
                "{name} {column}"
            );
        }
    }
}

/// Several columns of weights are several scores.
#[test]
fn columns_of_weights() {
    let folder = tempfile::tempdir().expect("a folder");
    let original = testdata("scores/TOY1.txt");
    let twice = rows(&original).into_iter().map(|row| {
        let weight: f64 = row["effect_weight"].parse().expect("a number");
        let names = ["chr_name", "chr_position", "effect_allele", "other_allele"];
        let cells = names.map(|name| row[name].as_str()).join("\t");
        format!("{cells}\t{}\t{}", row["effect_weight"], 2.0 * weight)
    });
    let columns = "chr_name\tchr_position\teffect_allele\tother_allele\tONE\tTWO";
    let score = scoring_file(folder.path(), "BOTH", columns, twice);
    let [one, both] = ["one", "both"].map(|name| folder.path().join(name));
    prs_of(&one, &original).succeed();
    prs_of(&both, &score)
        .with("--score-columns", "effect_weight=ONE+TWO")
        .succeed();
    let [one, both] = [&one, &both].map(|folder| Table::read(folder, "scores"));
    for (patient, _) in patients() {
        for column in ["sum", "rescaled_sum", "coverage"] {
            let own = number(&one, &patient, "TOY1", column).expect("a number");
            let factor = if column == "coverage" { 1.0 } else { 2.0 };
            assert_close(number(&both, &patient, "BOTH_ONE", column), own, column);
            assert_close(
                number(&both, &patient, "BOTH_TWO", column),
                factor * own,
                column,
            );
        }
    }
}

/// Rows that nobody can score are refused, or counted as lost.
#[test]
fn rows_that_are_not_supported() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = ["1\t1998\tG\tA\t3", "6\t100\tHLA-B*27:05\t\t1"].map(str::to_owned);
    let score = scoring_file(folder.path(), "HLA", COLUMNS, rows);
    let output = folder.path().join("report");
    prs_of(&output, &score)
        .with("--unsupported-rows", "drop")
        .succeed();
    let log = Table::read(&output, "score_variants");
    assert_eq!(log.column("reason"), [None, Some("hla_allele")]);
    let table = Table::read(&output, "scores");
    for (patient, _) in patients() {
        assert_close(
            number(&table, &patient, "HLA", "not_scorable"),
            0.25,
            &patient,
        );
        assert_eq!(
            number(&table, &patient, "HLA", "alleles_scorable"),
            Some(1.0)
        );
    }
}

/// The same settings from a file.
#[test]
fn settings_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let [flags, config] = ["flags", "config"].map(|name| folder.path().join(name));
    with_all(prs(&flags), &panel)
        .with("--min-coverage", "0.8")
        .with("--low-coverage", "flag")
        .succeed();
    let data = testdata("");
    let settings = format!(
        "vcf = '{data}cohort.vcf.gz'\nsamplesheet = '{data}samplesheet.csv'\nreference = '{data}genome.fa'\n\
        build = 'other'\npar = '{data}par.bed'\noutput = 'config'\nscores = ['{data}scores']\nscore_build = 'other'\n\
        ancestry = 'panel'\nabsolute_risk = ['{data}absolute-risk/model.toml']\nmin_coverage = 0.8\n\
        low_coverage = 'flag'\nscore_formats = ['sscore', 'pgsc-calc']\n"
    );
    let path = crate::support::refusal::write(folder.path(), "varisk.toml", settings);
    Call::new("prs").with("--config", path).succeed();
    crate::support::scores::assert_same_files(&config, &files(&flags), "settings file");
}

/// Names and genotypes stand in the tables of patients and nowhere else.
#[test]
fn names_are_not_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let output = folder.path().join("report");
    let call = with_all(secret_prs(folder.path(), &output), &panel).also("--verbose", "");
    let planned = call.clone().also("--dry-run", "").succeed();
    assert!(!output.exists());
    let done = call.succeed();
    let record = run_record(&output).to_string();
    for text in [
        &planned.stdout,
        &planned.stderr,
        &done.stdout,
        &done.stderr,
        &record,
    ] {
        assert!(
            !text.contains("SECRET") && !text.contains("P002") && !text.contains("S002"),
            "{text}"
        );
        assert!(!text.contains("0/1") && !text.contains("0|1"), "{text}");
    }
    for table in ["risk", "scores", "ancestry"] {
        let table = Table::read(&output, table);
        assert!(table.texts("patient").contains(&SECRET_PATIENT));
        let names = table.names.iter();
        assert!(table.len() >= 48 && names.filter(|name| *name == "patient").count() == 1);
    }
    let names = Table::read(&output, "score_variants").names;
    assert!(!names.contains(&"patient".to_owned()));
    let listed = files(&output);
    assert!(listed.keys().all(|name| !name.contains("SECRET")));
}
