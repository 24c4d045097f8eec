//! What is planted in risk items, and the rules that fire.

use serde_json::json;
use varisk_comparison::{Rules, Settings};

use crate::folders::{Cell, check, compared, run, texts};
use crate::row;

fn rules(text: &str) -> Settings {
    Settings {
        rules: Rules::parse(text).unwrap(),
        ..Settings::default()
    }
}

#[test]
fn risk_items() {
    // With the same features, data and sources are ruled out.
    check(
        |b| {
            b.set("/models/1/version", json!("2"))
                .set("/models/1/sha256", json!("m2"));
            b.newer_clinvar().set("/inputs/0/sha256", json!("v2"));
            let risk = b.risk.as_mut().unwrap();
            risk[0][5] = 0.2.into();
            risk[2][3] = "flagged".into();
            risk[2][4] = "outside_training_range".into();
            risk[4][3] = "not_computed".into();
            risk[4][4] = "covariate_missing".into();
            risk[4][5] = Cell::Null;
        },
        &[
            "state_changed P2 heart.risk [ok] [flagged: outside_training_range] (model heart) {}",
            "state_changed P3 heart.risk [ok] [not_computed: covariate_missing] (model heart) {}",
            "risk_changed P1 heart.risk [ok] [ok] (model heart) {}",
        ],
    );
    // With others they are not.
    check(
        |b| {
            b.newer_clinvar().set("/inputs/0/sha256", json!("v2"));
            b.risk.as_mut().unwrap()[0][5] = 0.2.into();
            b.features.as_mut().unwrap()[0][2] = 0.7.into();
        },
        &["risk_changed P1 heart.risk [ok] [ok] (knowledge clinvar, input variants) {}"],
    );
    // Another panel moves the percentile alone.
    check(
        |b| {
            b.set("/knowledge/3/release", json!("2")).newer_clinvar();
            b.risk.as_mut().unwrap()[1][6] = 45.0.into();
        },
        &["risk_changed P1 polygenic.S [ok] [ok] (knowledge panel) {}"],
    );
    check(
        |b| {
            let risk = b.risk.as_mut().unwrap();
            risk[1][9] = "s2".into();
            risk[1][5] = 1.6.into();
            let other = row![
                "P1",
                "polygenic.T",
                "polygenic_score",
                "ok",
                None::<&str>,
                1.0,
                40.0,
                "T",
                "",
                "t1"
            ];
            risk[3] = row![
                "P2",
                "polygenic.T",
                "polygenic_score",
                "ok",
                None::<&str>,
                1.0,
                40.0,
                "T",
                "",
                "t1"
            ];
            risk.insert(2, other);
        },
        &[
            "risk_new P1 polygenic.T [not in A] [ok] (model T) {}",
            "risk_new P2 polygenic.T [not in A] [ok] (model T) {}",
            "risk_gone P2 polygenic.S [ok] [not in B] () {}",
            "risk_changed P1 polygenic.S [ok] [ok] (model S) {}",
        ],
    );
}

#[test]
fn values_are_numbers() {
    let (a, mut b) = (run(), run());
    b.risk.as_mut().unwrap()[0][5] = 0.15.into();
    b.risk.as_mut().unwrap()[1][6] = 50.0.into();
    let (comparison, _) = compared(&a, &b, &Settings::default()).unwrap();
    let [heart, score] = &comparison.list[..] else {
        panic!()
    };
    assert!((heart.difference().unwrap() - 0.05).abs() < 1e-12);
    assert!((heart.relative_difference().unwrap() - 0.5).abs() < 1e-12);
    assert_eq!(
        (score.before_percentile, score.after_percentile),
        (Some(40.0), Some(50.0))
    );
    let (comparison, _) = compared(
        &a,
        &b,
        &rules("[tolerance]\nabsolute = 0.06\npercentile = 11"),
    )
    .unwrap();
    assert_eq!(comparison.list, []);
}

#[test]
fn alerts() {
    let settings = rules(
        r#"
        [[alert]]
        name = "high"
        kind = "risk_crosses"
        item = "heart.*"
        threshold = 0.2
        [[alert]]
        name = "percentile"
        kind = "risk_crosses"
        item = "polygenic.*"
        threshold = 95
        on = "percentile"
        direction = "both"
        [[alert]]
        name = "jump"
        kind = "risk_crosses"
        item = "*"
        threshold = 0.05
        on = "absolute_change"
        direction = "down"
        [[alert]]
        name = "state"
        kind = "state_changed"
        item = "heart.*"
        [[alert]]
        name = "missing"
        kind = "patient_missing"
        [[alert]]
        name = "brca"
        kind = "new_pathogenic"
        genes = ["BRCA1", "BRCA2"]
        [[alert]]
        name = "nothing"
        kind = "risk_crosses"
        item = "lung.*"
        threshold = 1
        "#,
    );
    let (a, mut b) = (run(), run());
    let risk = b.risk.as_mut().unwrap();
    risk[0][5] = 0.2.into();
    risk[1][6] = 96.0.into();
    risk[2][5] = 0.01.into();
    risk[3][3] = "flagged".into();
    risk.truncate(4);
    b.patients = vec!["P1", "P2"];
    b.findings.as_mut().unwrap().truncate(2);
    b.features.as_mut().unwrap().truncate(2);
    let known = b.known.as_mut().unwrap();
    known.push(row![
        "P2",
        "chr2",
        50.0,
        "G",
        "T",
        "0/1",
        "clinvar",
        "pathogenic",
        "BRCA2"
    ]);
    known.insert(
        0,
        row![
            "P1",
            "chr2",
            70.0,
            "G",
            "GA",
            "1/1",
            "clinvar",
            "likely_pathogenic",
            "TP53"
        ],
    );
    let (comparison, table) = compared(&a, &b, &settings).unwrap();
    let fired: Vec<String> = comparison
        .list
        .iter()
        .map(|own| {
            format!(
                "{} {} {}",
                own.category.name(),
                own.patient,
                own.alerts.join(",")
            )
        })
        .collect();
    assert_eq!(
        fired,
        [
            "new_pathogenic P1 ",
            "new_pathogenic P2 brca",
            "threshold_crossed P1 high",
            "threshold_crossed P1 percentile",
            "threshold_crossed P2 jump",
            "state_changed P2 ",
            "patient_gone P3 missing",
        ]
    );
    assert_eq!(texts(&table, "alerts")[6].as_deref(), Some("missing"));
    let counted: Vec<(&str, u64, u64)> = comparison
        .summary
        .alerts
        .iter()
        .map(|own| (own.name.as_str(), own.changes, own.patients))
        .collect();
    assert_eq!(
        counted,
        [
            ("high", 1, 1),
            ("percentile", 1, 1),
            ("jump", 1, 1),
            ("state", 0, 0),
            ("missing", 1, 1),
            ("brca", 1, 1),
            ("nothing", 0, 0)
        ]
    );
    let warnings = &comparison.summary.warnings;
    assert!(
        warnings.iter().any(|own| own.contains("'nothing'")),
        "{warnings:?}"
    );
    let lines = comparison.summary.lines().join("\n");
    assert!(
        ["P1", "P2", "P3"].iter().all(|own| !lines.contains(own)),
        "{lines}"
    );
    let json = serde_json::to_string(&comparison.summary).unwrap();
    assert!(
        ["\"P1\"", "\"P2\"", "\"P3\""]
            .iter()
            .all(|own| !json.contains(own))
    );
}
