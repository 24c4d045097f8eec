//! Properties: a run does not differ from itself, and A against B mirrors B against A.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use varisk_comparison::{Category, Change, Settings};

use crate::folders::{Run, compared, run};
use crate::row;

const CLASSES: [Option<&str>; 4] = [
    None,
    Some("benign"),
    Some("pathogenic"),
    Some("likely_pathogenic"),
];
const PATIENTS: [&str; 3] = ["P1", "P2", "P3"];

/// What a run has: patients, a class and a score for each of four alleles, who carries which, and
/// the state and value of a risk item.
#[derive(Clone, Debug)]
struct Plan {
    patients: Vec<bool>,
    input: Vec<bool>,
    classes: Vec<usize>,
    genotypes: Vec<Vec<usize>>,
    scores: Vec<u8>,
    values: Vec<Option<u8>>,
    release: bool,
}

fn plan() -> impl Strategy<Value = Plan> {
    let genotypes = prop::collection::vec(prop::collection::vec(0..3_usize, 4), 3);
    (
        prop::collection::vec(any::<bool>(), 2),
        prop::collection::vec(prop::bool::weighted(0.8), 4),
        prop::collection::vec(0..4_usize, 4),
        genotypes,
        prop::collection::vec(0..3_u8, 4),
        prop::collection::vec(prop::option::weighted(0.8, 0..4_u8), 3),
        any::<bool>(),
    )
        .prop_map(
            |(mut patients, input, classes, genotypes, scores, values, release)| {
                patients.insert(0, true);
                Plan {
                    patients,
                    input,
                    classes,
                    genotypes,
                    scores,
                    values,
                    release,
                }
            },
        )
}

fn made(plan: &Plan) -> Run {
    let mut made = run();
    if plan.release {
        made.newer_clinvar();
    }
    let here = |patient: usize| plan.patients[patient];
    made.patients = (0..3)
        .filter(|own| here(*own))
        .map(|own| PATIENTS[own])
        .collect();
    let (mut known, mut findings, mut risk, mut variants) = (vec![], vec![], vec![], vec![]);
    for allele in (0..4).filter(|own| plan.input[*own]) {
        let (position, score) = (100.0 + allele as f64, f64::from(plan.scores[allele]) / 4.0);
        variants.push(row![
            "chr1",
            position,
            "A",
            "C",
            CLASSES[plan.classes[allele]],
            score,
            "G"
        ]);
    }
    for patient in (0..3).filter(|own| here(*own)) {
        let name = PATIENTS[patient];
        let mut rank = 0.0;
        for allele in (0..4).filter(|own| plan.input[*own]) {
            let genotype = ["0/0", "0/1", "1/1"][plan.genotypes[patient][allele]];
            if genotype == "0/0" {
                continue;
            }
            let position = 100.0 + allele as f64;
            let class = CLASSES[plan.classes[allele]];
            let score = f64::from(plan.scores[allele]) / 4.0;
            if class.is_some_and(|class| class.contains("pathogenic")) {
                known.push(row![
                    name, "chr1", position, "A", "C", genotype, "clinvar", class, "G"
                ]);
            }
            rank += 1.0;
            if rank <= 2.0 {
                findings.push(row![
                    name, "kmer", "score", rank, "chr1", position, "A", "C", genotype, score,
                    class, "t"
                ]);
            }
        }
        let value = plan.values[patient].map(|own| f64::from(own) / 4.0);
        let (state, reason) = match value {
            Some(_) => ("ok", None),
            None => ("not_computed", Some("covariate_missing")),
        };
        risk.push(row![
            name,
            "heart.risk",
            "patient_model",
            state,
            reason,
            value,
            None::<f64>,
            "heart",
            "1",
            "m1"
        ]);
    }
    made.known = Some(known);
    made.findings = Some(findings);
    made.risk = Some(risk);
    made.variants = Some(variants);
    made.features = None;
    made.set("/parameters/top", json!(2));
    made
}

fn mirrored(category: Category) -> Category {
    match category {
        Category::NewPathogenic => Category::PathogenicGone,
        Category::PathogenicGone => Category::NewPathogenic,
        Category::PatientGone => Category::PatientNew,
        Category::PatientNew => Category::PatientGone,
        Category::FindingNew => Category::FindingGone,
        Category::FindingGone => Category::FindingNew,
        Category::RiskNew => Category::RiskGone,
        Category::RiskGone => Category::RiskNew,
        other => other,
    }
}

/// What is the same seen from both sides. Words name A and B, and so say the same in reverse only
/// with the letters exchanged.
fn facts(change: &Change, is_reverse: bool) -> String {
    let exchanged = |text: &Option<String>| {
        let text = text.clone().unwrap_or_default();
        if !is_reverse {
            return text;
        }
        let words = text
            .split(' ')
            .map(|word| match word.trim_end_matches(',') {
                "A" => word.replace('A', "B"),
                "B" => word.replace('B', "A"),
                _ => word.to_owned(),
            });
        words.collect::<Vec<_>>().join(" ")
    };
    let (before, after) = (exchanged(&change.before), exchanged(&change.after));
    let values = (change.before_value, change.after_value);
    let kinds: Vec<&str> = change.causes.iter().map(|own| own.kind.name()).collect();
    let (category, texts, values) = if is_reverse {
        (
            mirrored(change.category),
            (after, before),
            (values.1, values.0),
        )
    } else {
        (change.category, (before, after), values)
    };
    format!(
        "{} {category:?} {:?} {texts:?} {values:?} {kinds:?}",
        change.patient, change.subject
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_run_does_not_differ_from_itself(plan in plan()) {
        let (comparison, _) = compared(&made(&plan), &made(&plan), &Settings::default()).unwrap();
        prop_assert_eq!(comparison.list, vec![]);
        prop_assert_eq!(comparison.summary.reclassifications, Some(vec![]));
    }

    #[test]
    fn the_reverse_is_the_mirror(one in plan(), two in plan()) {
        let (a, b) = (made(&one), made(&two));
        let (forth, table) = compared(&a, &b, &Settings::default()).unwrap();
        let (back, _) = compared(&b, &a, &Settings::default()).unwrap();
        let all = |list: &[Change], is_reverse| -> BTreeSet<String> {
            list.iter().map(|own| facts(own, is_reverse)).collect()
        };
        prop_assert_eq!(all(&forth.list, false), all(&back.list, true));
        prop_assert_eq!(forth.list.len(), back.list.len());
        prop_assert_eq!(forth.list.len(), table.num_rows());
        prop_assert_eq!(&forth.summary.causes, &back.summary.causes);
        let counts = |own: &varisk_comparison::Comparison, is_reverse: bool| -> BTreeSet<String> {
            own.summary.reclassifications.iter().flatten().map(|own| {
                let (from, to) = if is_reverse { (&own.to, &own.from) } else { (&own.from, &own.to) };
                format!("{from:?} {to:?} {}", own.alleles)
            }).collect()
        };
        prop_assert_eq!(counts(&forth, false), counts(&back, true));
        // By hand: an allele of both inputs is in the list if its class differs.
        let expected = (0..4).filter(|own| {
            one.input[*own] && two.input[*own] && one.classes[*own] != two.classes[*own]
        }).count() as u64;
        let counted: u64 = forth.summary.reclassifications.iter().flatten().map(|own| own.alleles).sum();
        prop_assert_eq!(counted, expected);
        // The order is by category, then patient.
        let order: Vec<_> = forth.list.iter().map(|own| (own.category, own.patient.clone())).collect();
        prop_assert!(order.is_sorted());
    }
}
