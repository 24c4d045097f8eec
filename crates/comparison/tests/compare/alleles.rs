//! What is planted in alleles is what is listed, and nothing else.

use serde_json::json;
use varisk_comparison::{Settings, Subject};

use crate::folders::{Cell, check, compared, run, short, texts};
use crate::row;

#[test]
fn a_newer_release_reclassifies() {
    let (a, mut b) = (run(), run());
    b.newer_clinvar();
    // P1: benign in A is pathogenic in B; pathogenic in A is benign in B. Alleles that nobody has reported change too.
    b.known.as_mut().unwrap()[0] = row![
        "P1",
        "chr1",
        200.0,
        "T",
        "C",
        "0/1",
        "clinvar",
        "pathogenic",
        "GENE1"
    ];
    let variants = b.variants.as_mut().unwrap();
    variants[1][4] = "pathogenic".into();
    variants[2][4] = "likely_benign".into();
    variants[3][4] = "benign".into();
    let (comparison, table) = compared(&a, &b, &Settings::default()).unwrap();
    let list: Vec<String> = comparison.list.iter().map(short).collect();
    assert_eq!(
        list,
        [
            "reclassified P1 chr1:200T>C [benign] [pathogenic] (knowledge clinvar) {reclassified_up, new_pathogenic}",
            "reclassified P1 chr2:50G>T [pathogenic] [benign] (knowledge clinvar) {reclassified_down}",
        ]
    );
    assert_eq!(
        comparison.list[0].causes[0].to_string(),
        "knowledge clinvar: 2025-11 -> 2026-11"
    );
    let json = serde_json::to_value(&comparison.list[0]).unwrap();
    assert_eq!(json["subject"], "allele");
    assert_eq!(json["position"], 200);
    assert_eq!(json["causes"][0]["kind"], "knowledge");
    let Subject::Allele { gene, .. } = &comparison.list[1].subject else {
        panic!()
    };
    assert_eq!(gene.as_deref(), Some("BRCA2"));
    assert_eq!(
        texts(&table, "causes"),
        [Some("knowledge".to_owned()), Some("knowledge".to_owned())]
    );
    let counted: Vec<String> = comparison
        .summary
        .reclassifications
        .unwrap()
        .iter()
        .map(|own| {
            format!(
                "{:?} {:?} {}",
                own.from.as_deref(),
                own.to.as_deref(),
                own.alleles
            )
        })
        .collect();
    assert_eq!(
        counted,
        [
            "None Some(\"likely_benign\") 1",
            "Some(\"benign\") Some(\"pathogenic\") 1",
            "Some(\"pathogenic\") Some(\"benign\") 1",
        ]
    );
    assert_eq!(comparison.summary.patients.changed, 1);
}

#[test]
fn an_allele_that_left_the_source() {
    check(
        |b| {
            b.newer_clinvar();
            b.known.as_mut().unwrap().remove(0);
            b.variants.as_mut().unwrap()[3][4] = Cell::Null;
            b.set("/varisk", json!("2.0.0"));
        },
        &[
            "reclassified P1 chr2:50G>T [pathogenic] [not in clinvar of B] (knowledge clinvar, program varisk) {reclassified_down}",
        ],
    );
}

#[test]
fn new_data_bring_and_take_pathogenic_alleles() {
    check(
        |b| {
            b.set("/inputs/0/sha256", json!("v2"));
            let known = b.known.as_mut().unwrap();
            // Not in the input of A, of the same class but not carried, and one that went.
            known[0] = row![
                "P1",
                "chr3",
                5.0,
                "A",
                "T",
                "0/1",
                "clinvar",
                "pathogenic",
                "X"
            ];
            known.push(row![
                "P3",
                "chr2",
                70.0,
                "G",
                "GA",
                "0/1",
                "clinvar",
                "likely_pathogenic",
                "TP53"
            ]);
            b.variants
                .as_mut()
                .unwrap()
                .push(row!["chr3", 5.0, "A", "T", "pathogenic", 0.9, "X"]);
        },
        &[
            "new_pathogenic P1 chr3:5A>T [not in the input of A] [pathogenic, genotype 0/1] (input variants) {new_pathogenic}",
            "new_pathogenic P3 chr2:70G>GA [not reported in A, where it is likely_pathogenic: not carried, not called, or not among its reported classes] [likely_pathogenic, genotype 0/1] (input variants) {new_pathogenic}",
            "pathogenic_gone P1 chr2:50G>T [pathogenic, genotype 0/1] [not reported in B, where it is pathogenic: not carried, not called, or not among its reported classes] (input variants) {}",
        ],
    );
}

#[test]
fn reclassified_with_other_data_says_what_is_not_known() {
    let (a, mut b) = (run(), run());
    b.newer_clinvar().set("/inputs/0/sha256", json!("v2"));
    b.known.as_mut().unwrap().push(row![
        "P3",
        "chr1",
        200.0,
        "T",
        "C",
        "0/1",
        "clinvar",
        "pathogenic",
        "GENE1"
    ]);
    b.variants.as_mut().unwrap()[1][4] = "pathogenic".into();
    let (comparison, _) = compared(&a, &b, &Settings::default()).unwrap();
    assert_eq!(comparison.list.len(), 1);
    let note = comparison.list[0].note.unwrap();
    assert!(note.contains("not recorded"), "{note}");
    assert_eq!(comparison.list[0].causes.len(), 1);
}

#[test]
fn calls_consequences_and_scores() {
    check(
        |b| {
            b.set("/inputs/0/sha256", json!("v2"));
            b.known.as_mut().unwrap()[0][5] = "1|1".into();
            // Another phase is no other call.
            b.known.as_mut().unwrap()[1][5] = "1|1".into();
        },
        &["genotype_changed P1 chr2:50G>T [0/1] [1/1] (input variants) {}"],
    );
    check(
        |b| {
            b.set("/knowledge/2/release", json!("111"))
                .set("/knowledge/2/sha256", json!("g2"));
            b.findings.as_mut().unwrap()[1][11] = "stop_gained".into();
        },
        &[
            "consequence_changed P2 chr1:100A>C [missense_variant] [stop_gained] (knowledge genes) {}",
        ],
    );
    // Annotations are the same, so that the newer source is not the cause.
    check(
        |b| {
            b.set("/models/0/version", json!("2"))
                .set("/models/0/sha256", json!("m2"));
            b.newer_clinvar();
            b.findings.as_mut().unwrap()[2][9] = 0.6.into();
            b.findings.as_mut().unwrap()[1][9] = (0.5 + 1e-7).into();
        },
        &["score_changed P3 chr1:100A>C [rank 1] [rank 1] (model kmer) {}"],
    );
    // Nothing that is recorded can have changed it.
    check(
        |b| b.findings.as_mut().unwrap()[2][9] = 0.6.into(),
        &["score_changed P3 chr1:100A>C [rank 1] [rank 1] () {}"],
    );
}

#[test]
fn top_alleles_come_and_go() {
    let (a, mut b) = (run(), run());
    b.set("/models/0/manifest_sha256", json!("f2"));
    b.findings.as_mut().unwrap()[0] = row![
        "P1",
        "kmer",
        "score",
        1.0,
        "chr1",
        300.0,
        "T",
        "TA",
        "0/1",
        0.8,
        None::<&str>,
        "missense_variant"
    ];
    b.variants.as_mut().unwrap()[2][5] = 0.8.into();
    let (comparison, table) = compared(&a, &b, &Settings::default()).unwrap();
    let list: Vec<String> = comparison.list.iter().map(short).collect();
    assert_eq!(
        list,
        [
            "finding_new P1 chr1:300T>TA [not among the top alleles of A] [rank 1] (model kmer) {}",
            "finding_gone P1 chr1:100A>C [rank 1] [not among the top alleles of B] (model kmer) {}",
        ]
    );
    let scores = |own: &varisk_comparison::Change| (own.before_value, own.after_value);
    let (before, after) = scores(&comparison.list[0]);
    assert!((before.unwrap() - 0.3).abs() < 1e-6 && (after.unwrap() - 0.8).abs() < 1e-6);
    assert_eq!(
        texts(&table, "by"),
        [Some("kmer.score".to_owned()), Some("kmer.score".to_owned())]
    );
    assert_eq!(
        texts(&table, "cause_detail")[0].as_deref(),
        Some("model kmer: 1 (sha256 m1, manifest f1) -> 1 (sha256 m1, manifest f2)")
    );
}

#[test]
fn without_variants_the_class_is_not_guessed() {
    check(
        |b| {
            b.newer_clinvar();
            b.variants = None;
            b.known.as_mut().unwrap().push(row![
                "P3",
                "chr1",
                200.0,
                "T",
                "C",
                "0/1",
                "clinvar",
                "pathogenic",
                "GENE1"
            ]);
        },
        &[
            "new_pathogenic P3 chr1:200T>C [not reported in A, class there unknown] [pathogenic, genotype 0/1] (knowledge clinvar) {new_pathogenic}",
        ],
    );
}

#[test]
fn sources_of_another_name() {
    let (a, mut b) = (run(), run());
    b.source = "clinvar_new";
    b.newer_clinvar();
    for row in b.known.as_mut().unwrap() {
        row[6] = "clinvar_new".into();
    }
    b.variants.as_mut().unwrap()[0][4] = "benign".into();
    for row in b.findings.as_mut().unwrap() {
        row[10] = "benign".into();
    }
    let (comparison, _) = compared(&a, &b, &Settings::default()).unwrap();
    assert_eq!(comparison.list.len(), 3);
    assert_eq!(
        short(&comparison.list[0]),
        "reclassified P1 chr1:100A>C [uncertain_significance] [benign] (knowledge clinvar / clinvar_new) {}"
    );
    assert_eq!(comparison.summary.warnings.len(), 1);
}

#[test]
fn contigs_may_come_in_another_order() {
    let (a, mut b) = (run(), run());
    b.newer_clinvar();
    let variants = b.variants.as_mut().unwrap();
    variants[1][4] = "conflicting".into();
    variants[4][4] = "pathogenic".into();
    variants.rotate_left(3);
    b.known.as_mut().unwrap()[1][7] = "pathogenic".into();
    let expected =
        "reclassified P2 chr2:70G>GA [likely_pathogenic] [pathogenic] (knowledge clinvar) {}";
    let (comparison, _) = compared(&a, &b, &Settings::default()).unwrap();
    assert_eq!(
        comparison.list.iter().map(short).collect::<Vec<_>>(),
        [expected]
    );
    assert_eq!(comparison.summary.alleles_in_both, Some(5));
    assert_eq!(comparison.summary.reclassifications.unwrap().len(), 2);
}
