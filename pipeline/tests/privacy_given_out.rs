//! What is given out of a run says less: small classes are left out, values are coarser, names are others,
//! and no genotype is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::privacy_runs::{at, names};
use crate::schemas::check;
use crate::support::planted::{PLANTED, key_table, report};
use crate::support::program::{Call, Table, hashes, run_record, text};
use crate::support::refusal::write;

/// Patients by class of recorded sex and population.
fn classes(run: &Path) -> BTreeMap<(String, Option<String>), BTreeSet<String>> {
    let (quality, ancestry) = (Table::read(run, "qc"), Table::read(run, "ancestry"));
    let populations: BTreeMap<&str, Option<&str>> = ancestry
        .texts("patient")
        .into_iter()
        .zip(ancestry.column("population"))
        .collect();
    let mut classes: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for (patient, sex) in quality
        .texts("patient")
        .into_iter()
        .zip(quality.texts("recorded_sex"))
    {
        let population = populations[patient].map(str::to_owned);
        let class = classes.entry((sex.to_owned(), population)).or_default();
        class.insert(patient.to_owned());
    }
    classes
}

/// Two significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.1e}").parse().expect("a number")
}

#[test]
fn what_is_given_out_says_less() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| at(&folder, name);
    // Three men among all the women, so that there is a small class.
    let sheet = std::fs::read_to_string(PLANTED.input("sheet.csv")).expect("a samplesheet");
    let women = sheet.lines().filter(|line| !line.contains(",male,"));
    let men = sheet.lines().filter(|line| line.contains(",male,")).take(3);
    let sheet: Vec<&str> = women.chain(men).collect();
    PLANTED
        .full_run(&at("run"))
        .with(
            "--samplesheet",
            write(folder.path(), "sheet.csv", sheet.join("\n") + "\n"),
        )
        .also("--ignore-unlisted-samples", "")
        .succeed();
    let patients = sheet.len() - 1;
    let classes = classes(&at("run"));
    let mut sizes: Vec<usize> = classes.values().map(BTreeSet::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes[0], 3, "{sizes:?}");
    let k = 4;
    assert!(sizes[sizes.len() - 1] >= k, "{sizes:?}");
    let kept: BTreeSet<String> = classes
        .values()
        .filter(|own| own.len() >= k)
        .flatten()
        .cloned()
        .collect();
    let rules = format!(
        "[k_anonymity]\nk = {k}\nquasi_identifiers = ['qc.recorded_sex', 'ancestry.population']\n\
         small_classes = 'drop'\n[tables.features]\ndrop = true\n[tables.burden]\ndrop = true\n\
         [tables.'*']\ndrop_columns = ['reason']\n[tables.risk.columns]\n\
         value = {{ kind = 'round', significant_digits = 2 }}\n\
         age_start = {{ kind = 'bins', width = 10, top = 70, write = 'number' }}\n"
    );
    let call = |name: &str| {
        let call = Call::new("deidentify")
            .also(&text(&at("run")), "")
            .with("--config", write(folder.path(), "rules.toml", &rules))
            .with("--pseudonym-label", "given out")
            .with("--pseudonym-table", text(&at("who.csv")))
            .with("--output", text(&at(name)));
        PLANTED.pseudonymous(call)
    };
    let said = call("given-out").succeed().stderr;
    let left_out = patients - kept.len();
    assert!(
        said.contains(&format!("{left_out} of them in classes of fewer than {k}")),
        "{said}"
    );
    call("again").succeed();
    assert_eq!(hashes(&at("given-out")), hashes(&at("again")));

    let by_patient = key_table(&at("who.csv"));
    let kept: BTreeSet<&str> = kept
        .iter()
        .map(|patient| by_patient[patient].as_str())
        .collect();
    let tables = hashes(&at("given-out"));
    for gone in [
        "features",
        "burden",
        "variants",
        "findings",
        "known_variants",
        "score_variants",
    ] {
        assert!(!tables.contains_key(&format!("{gone}.parquet")), "{gone}");
    }
    for file in tables.keys() {
        let table = Table::read(&at("given-out"), file.trim_end_matches(".parquet"));
        let columns = [
            "contig",
            "position",
            "ref",
            "alt",
            "genotype",
            "dosage",
            "id",
            "variant_key",
        ];
        for name in &table.names {
            let is_allele = columns.contains(&name.as_str()) || name.starts_with("input_");
            assert!(!is_allele && name != "reason", "{file}: {name}");
        }
        if !table.names.iter().any(|name| name == "patient") {
            continue;
        }
        let patients = table.texts("patient");
        let found: BTreeSet<&str> = patients.iter().copied().collect();
        assert_eq!(found, kept, "{file}");
        assert!(patients.is_sorted(), "{file}");
    }
    // Values are those of the run, coarser.
    let [before, after] = ["run", "given-out"].map(|run| Table::read(&at(run), "risk"));
    let key = |table: &Table, names: Option<&BTreeMap<String, String>>| -> Vec<(String, String)> {
        let patients = table.texts("patient").into_iter();
        let patients =
            patients.map(|own| names.map_or(own, |names| names[own].as_str()).to_owned());
        patients
            .zip(table.texts("item").into_iter().map(str::to_owned))
            .collect()
    };
    let values: BTreeMap<_, _> = key(&before, Some(&by_patient))
        .into_iter()
        .zip(
            before
                .numbers("value")
                .into_iter()
                .zip(before.numbers("age_start")),
        )
        .collect();
    let (numbers, ages) = (after.numbers("value"), after.numbers("age_start"));
    let mut with_age = 0;
    for (row, key) in key(&after, None).iter().enumerate() {
        let (value, age) = values[key];
        assert_eq!(numbers[row], value.map(rounded), "{key:?}");
        assert_eq!(ages[row].is_some(), age.is_some(), "{key:?}");
        if let (Some(shown), Some(age)) = (ages[row], age) {
            let decade = (age / 10.0).floor() * 10.0;
            assert_eq!(shown, decade.min(70.0), "of {age}");
            with_age += 1;
        }
    }
    assert!(with_age > 0);
    // What would tell the exact numbers is gone.
    for column in [
        "lower",
        "upper",
        "age_end",
        "curve_ages",
        "curve",
        "population_curve",
    ] {
        assert!(!after.names.iter().any(|name| name == column), "{column}");
    }
    let record = run_record(&at("given-out"));
    assert_eq!(record["patients"], kept.len());
    check("run.schema.json", std::slice::from_ref(&record), &[]);
    assert!(
        !record.to_string().contains(&text(folder.path())),
        "{record}"
    );
    report(&at("given-out"), &at("pages"), "html,json,tsv").succeed();

    // As text the ages are no numbers: said, and not shown as missing.
    let labelled = write(
        folder.path(),
        "labels.toml",
        rules.replace(", write = 'number'", ""),
    );
    call("labelled").with("--config", labelled).succeed();
    let refused = report(&at("labelled"), &at("none"), "html").run();
    assert_eq!(refused.code, Some(65), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("column age_start") && refused.stderr.contains("keeps numbers"),
        "{}",
        refused.stderr
    );

    // Of a run under pseudonyms the names may stay, for they are none of patients.
    PLANTED.pseudonymous(PLANTED.prs(&at("named"))).succeed();
    let rules = write(
        folder.path(),
        "short.toml",
        "[tables.risk]\ndrop_columns = ['reason']\n",
    );
    Call::new("deidentify")
        .also(&text(&at("named")), "")
        .with("--config", rules)
        .with("--output", text(&at("same-names")))
        .succeed();
    assert_eq!(names(&at("same-names")), names(&at("named")));
}
