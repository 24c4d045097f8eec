//! Runs as a whole: what cannot be compared is refused or named.

use serde_json::json;
use varisk_comparison::{Category, ComparisonError, Settings};

use crate::folders::{Cell, Run, compared, run};

#[test]
fn a_run_with_itself_has_no_change() {
    let (comparison, table) = compared(&run(), &run(), &Settings::default()).unwrap();
    assert_eq!(table.num_rows(), 0);
    let summary = comparison.summary;
    assert_eq!((summary.patients.both, summary.patients.changed), (3, 0));
    assert_eq!(summary.reclassifications, Some(vec![]));
    assert_eq!(summary.alleles_in_both, Some(5));
    assert_eq!(summary.not_comparable, []);
    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
    assert_eq!(summary.runs.counts, []);
    let lines = summary.lines().join("\n");
    assert!(lines.contains("do not differ"), "{lines}");
    assert!(lines.contains("no change of a patient"), "{lines}");
}

#[test]
fn what_one_run_lacks_is_no_change() {
    let check = |change: &dyn Fn(&mut Run), what: &str, why: &str| {
        let (a, mut b) = (run(), run());
        change(&mut b);
        for (a, b, why) in [
            (&b, &a, why.replace('Z', "A")),
            (&a, &b, why.replace('Z', "B")),
        ] {
            let (comparison, table) = compared(a, b, &Settings::default()).unwrap();
            assert_eq!(table.num_rows(), 0, "{what}: {:?}", comparison.list);
            let gaps = &comparison.summary.not_comparable;
            assert!(
                gaps.iter().any(|own| own.what == what && own.why == why),
                "{gaps:?}"
            );
        }
    };
    check(
        &|b| b.known = None,
        "known_variants",
        "Z has no known_variants",
    );
    check(&|b| b.findings = None, "findings", "Z has no findings");
    check(&|b| b.risk = None, "risk", "Z has no risk");
    check(&|b| b.variants = None, "variants", "Z has no variants");
    check(
        &|b| {
            b.record["knowledge"].as_array_mut().unwrap().remove(0);
            b.known = None;
        },
        "classes of clinvar",
        "Z has no such source",
    );
    let without_model = |b: &mut Run| {
        b.record["models"].as_array_mut().unwrap().remove(0);
        b.findings = Some(Vec::new());
    };
    check(&without_model, "model kmer", "Z has no model kmer");
}

#[test]
fn runs_that_cannot_be_compared() {
    let fails = |change: &dyn Fn(&mut Run, &mut Run)| {
        let (mut a, mut b) = (run(), run());
        change(&mut a, &mut b);
        compared(&a, &b, &Settings::default())
            .map(|_| ())
            .unwrap_err()
    };
    let error = fails(&|_, b| {
        b.set("/genome_build", json!("GRCh37"));
    });
    assert!(matches!(error, ComparisonError::Builds { .. }), "{error}");
    let error = fails(&|a, b| {
        a.set("/genome_build", json!("other"));
        b.set("/genome_build", json!("other"))
            .set("/inputs/3/sha256", json!("i2"));
    });
    assert!(matches!(error, ComparisonError::References), "{error}");
    let error = fails(&|_, b| {
        b.set("/schema_version", json!(0));
    });
    assert!(
        matches!(error, ComparisonError::SchemaVersions { .. }),
        "{error}"
    );
    let error = fails(&|_, b| {
        b.patients = vec!["X1"];
        (b.risk, b.findings, b.known, b.features) = (None, None, None, None);
    });
    assert!(error.to_string().contains("pseudonyms"), "{error}");
    assert!(!error.to_string().contains("X1"));
    let error = fails(&|_, b| {
        b.set("/inputs/3/sha256", json!("i2"));
        for row in b.variants.as_mut().unwrap() {
            let Cell::Text(contig) = &row[0] else {
                panic!()
            };
            row[0] = contig.trim_start_matches("chr").into();
        }
    });
    assert!(matches!(error, ComparisonError::Contigs { .. }), "{error}");
    for rotate in [1, 3] {
        let error = fails(&|a, _| {
            let variants = a.variants.as_mut().unwrap();
            if rotate == 1 {
                variants.rotate_left(1);
            } else {
                variants.swap(0, 1);
            }
        });
        assert!(error.to_string().contains("not sorted"), "{error}");
    }
}

#[test]
fn an_interrupted_comparison_ends() {
    let (a, b) = (run().write(), run().write());
    let open = |folder: &tempfile::TempDir| varisk_dossier::RunFolder::open(folder.path()).unwrap();
    let output = tempfile::tempdir().unwrap();
    let error = varisk_comparison::compare(
        &open(&a),
        &open(&b),
        &Settings::default(),
        &varisk_report::TableFolder::plain(output.path()),
        &|| true,
    );
    assert!(matches!(error, Err(ComparisonError::Interrupted)));
}

#[test]
fn the_list_is_cut_and_says_so() {
    let (a, mut b) = (run(), run());
    for row in b.risk.as_mut().unwrap() {
        row[5] = 9.0.into();
    }
    b.known.as_mut().unwrap().clear();
    let settings = Settings {
        list_limit: 3,
        ..Settings::default()
    };
    let (comparison, _) = compared(&a, &b, &settings).unwrap();
    let order: Vec<Category> = comparison.list.iter().map(|own| own.category).collect();
    assert_eq!(
        order,
        [
            Category::PathogenicGone,
            Category::PathogenicGone,
            Category::RiskChanged
        ]
    );
    assert_eq!(comparison.list_left_out, 5);
}
