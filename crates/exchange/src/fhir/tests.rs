//! What is in a bundle.

use serde_json::{Value, json};
use varisk_dossier::{Dossier, State};

use super::*;
use crate::testing::{self, NAMES};

fn bundle_of(record: &RunRecord, dossier: &Dossier) -> Value {
    let settings = FhirSettings::try_new("2026-01-31T12:00:00Z", Some("urn:oid:1.2.3")).unwrap();
    FhirExport::new(record, "run-hash", settings).bundle(dossier)
}

fn bundle(dossier: &Dossier) -> Value {
    bundle_of(&testing::record(), dossier)
}

fn resources<'b>(bundle: &'b Value, kind: &str) -> Vec<&'b Value> {
    let entries = bundle["entry"].as_array().unwrap();
    let resources = entries.iter().map(|entry| &entry["resource"]);
    resources
        .filter(|own| own["resourceType"] == kind)
        .collect()
}

fn of_profile<'b>(bundle: &'b Value, profile: &str) -> Vec<&'b Value> {
    let mut all = resources(bundle, "Observation");
    all.retain(|own| own["meta"]["profile"] == json!([code::guide(profile)]));
    all
}

fn in_words<'b>(bundle: &'b Value, kind: &str, text: &str) -> &'b Value {
    let all = resources(bundle, kind);
    all.into_iter()
        .find(|own| own["code"]["text"] == text)
        .unwrap()
}

fn component<'r>(resource: &'r Value, code: &str) -> Option<&'r Value> {
    let parts = resource["component"].as_array()?;
    parts
        .iter()
        .find(|part| part["code"]["coding"][0]["code"] == code || part["code"]["text"] == code)
}

/// Every value of a document.
fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(fields) => fields.values().for_each(|field| walk(field, visit)),
        _ => {}
    }
}

#[test]
fn references_resolve_and_nothing_is_empty() {
    for name in NAMES {
        let bundle = bundle(&testing::dossier(name));
        let entries = bundle["entry"].as_array().unwrap();
        let mut names: Vec<&str> = entries
            .iter()
            .map(|entry| entry["fullUrl"].as_str().unwrap())
            .collect();
        walk(&bundle, &mut |value| {
            if let Some(reference) = value.get("reference") {
                assert!(names.contains(&reference.as_str().unwrap()), "{reference}");
            }
            let is_empty = match value {
                Value::Null => true,
                Value::String(text) => text.trim().is_empty() || text.contains(char::is_control),
                Value::Array(items) => items.is_empty(),
                Value::Object(fields) => fields.is_empty(),
                _ => false,
            };
            assert!(!is_empty, "{value:?}");
        });
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(entries[0]["resource"]["resourceType"], "DiagnosticReport");
    }
}

#[test]
fn bundles_repeat_and_patients_differ() {
    let one = bundle(&testing::dossier("A"));
    assert_eq!(one, bundle(&testing::dossier("A")));
    let names = |bundle: &Value| -> Vec<Value> {
        let entries = bundle["entry"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["fullUrl"].clone())
            .collect()
    };
    let other = bundle(&testing::dossier("B"));
    assert!(names(&one).iter().all(|name| !names(&other).contains(name)));
    assert!(!one.to_string().contains("Jane"));
}

#[test]
fn a_variant_in_codes() {
    let bundle = bundle(&testing::dossier("A"));
    let variants = of_profile(&bundle, "variant");
    assert_eq!(variants.len(), 3);
    let concept = |code: &str| {
        let value = &component(variants[0], code).unwrap()["valueCodeableConcept"];
        value["coding"][0]["code"].as_str().unwrap().to_owned()
    };
    for (code, expected) in [
        ("48018-6", "HGNC:1097"),
        ("62374-4", "LA26806-2"),
        ("48013-7", "NC_000007.14"),
        ("92822-6", "LA30102-0"),
        ("81290-9", "NC_000007.14:g.140753336A>T"),
        ("48004-6", "NM_004333.6:c.1799T>A"),
        ("48005-3", "NP_004324.2:p.Val600Glu"),
        ("51958-7", "NM_004333.6"),
        ("48002-0", "LA6683-2"),
        ("53034-5", "LA6706-1"),
        ("81252-9", "13961"),
    ] {
        assert_eq!(concept(code), expected, "{code}");
    }
    let part = |code: &str| component(variants[0], code).unwrap();
    assert_eq!(part("69547-8")["valueString"], "A");
    assert_eq!(part("69551-0")["valueString"], "T");
    assert_eq!(
        part("81254-5")["valueRange"],
        json!({"low": {"value": 140_753_336}})
    );
    assert_eq!(part("82121-5")["valueQuantity"]["value"], 20.0);
    assert_eq!(part("92821-8")["valueQuantity"]["value"], 0.000_01);
    let score = "score of the model toy 1.0, output out, rank 1 among the patient's alleles";
    assert_eq!(part(score)["valueQuantity"], json!({"value": 0.1}));
}

#[test]
fn what_is_not_known_is_not_said() {
    let bundle = bundle(&testing::dossier("A"));
    let deletion = of_profile(&bundle, "variant")[1];
    assert_eq!(
        component(deletion, "81254-5").unwrap()["valueRange"],
        json!({"low": {"value": 1_000}, "high": {"value": 1_002}})
    );
    for code in ["53034-5", "48018-6", "81290-9", "48004-6", "82121-5"] {
        assert!(component(deletion, code).is_none(), "{code}");
    }
    let frequency = component(deletion, "92821-8").unwrap();
    assert_eq!(
        frequency["dataAbsentReason"]["coding"][0]["code"],
        "unknown"
    );
    assert!(frequency.get("valueQuantity").is_none());
    // Of another reference no accession is made up.
    let mut record = testing::record();
    record.genome_build = "other".to_owned();
    let bundle = bundle_of(&record, &testing::dossier("A"));
    let variant = of_profile(&bundle, "variant")[0];
    assert!(component(variant, "81290-9").is_none());
    let sequence = &component(variant, "48013-7").unwrap()["valueCodeableConcept"];
    assert_eq!(sequence, &json!({"text": "chr7"}));
}

#[test]
fn consequences_and_implications() {
    let bundle = bundle(&testing::dossier("A"));
    let consequence = of_profile(&bundle, "molecular-consequence")[0];
    let terms: Vec<&str> = consequence["component"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["code"]["coding"][0]["code"] == "feature-consequence")
        .map(|part| {
            part["valueCodeableConcept"]["coding"][0]["code"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(terms, ["SO:0001583", "SO:0001630"]);
    let implications = of_profile(&bundle, "diagnostic-implication");
    assert_eq!(implications.len(), 2);
    let significance = |index: usize| {
        component(implications[index], "53037-8").unwrap()["valueCodeableConcept"].clone()
    };
    assert_eq!(significance(0)["coding"][0]["code"], "LA26332-9");
    // Two classes at once have no answer of LOINC.
    assert_eq!(
        significance(1),
        json!({"text": "pathogenic/likely_pathogenic"})
    );
    let level = component(implications[0], "93044-6").unwrap();
    assert_eq!(level["valueCodeableConcept"]["coding"][0]["code"], "1-star");
    assert_eq!(
        implications[0]["derivedFrom"][0]["reference"],
        bundle["entry"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["resource"] == *of_profile(&bundle, "variant")[0])
            .unwrap()["fullUrl"]
    );
}

#[test]
fn risks_have_units_or_no_number() {
    let bundle = bundle(&testing::dossier("A"));
    let assessment = in_words(&bundle, "RiskAssessment", "absolute.m.10y");
    let prediction = &assessment["prediction"][0];
    let percent = |value: f64| json!({"value": value, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"});
    assert_eq!(
        prediction["probabilityRange"],
        json!({"low": percent(4.1), "high": percent(6.6)})
    );
    assert_eq!(prediction["whenRange"]["low"]["value"], 50.0);
    assert_eq!(prediction["whenRange"]["high"]["code"], "a");
    assert!(
        prediction["rationale"]
            .as_str()
            .unwrap()
            .starts_with("estimate 5.000 %")
    );
    let estimate = in_words(&bundle, "Observation", "absolute.m.10y");
    assert_eq!(estimate["valueQuantity"], percent(5.0));

    // The output of a patient model may be anything: no probability is claimed.
    let assessment = in_words(&bundle, "RiskAssessment", "m.risk");
    let prediction = &assessment["prediction"][0];
    assert!(prediction["probabilityRange"].get("low").is_none());
    assert!(prediction.get("probabilityDecimal").is_none());
    let absent = &prediction["probabilityRange"]["extension"][0]["valueCode"];
    assert_eq!(absent, "as-text");
    let estimate = in_words(&bundle, "Observation", "m.risk");
    assert_eq!(estimate["valueQuantity"], json!({"value": -2.5}));

    // A score is no risk.
    let scores = resources(&bundle, "RiskAssessment");
    assert!(
        scores
            .iter()
            .all(|own| own["code"]["text"] != "polygenic.PGS1")
    );
    let score = in_words(&bundle, "Observation", "polygenic.PGS1");
    let percentile = component(
        score,
        "percentile in the most similar population of the panel",
    );
    let absent = &percentile.unwrap()["dataAbsentReason"];
    assert_eq!(absent["text"], "score_not_in_panel");
}

#[test]
fn what_is_not_computed_has_no_number() {
    let mut dossier = testing::dossier("A");
    // A damaged table with a number beside the state must not bring the number out.
    dossier.risks[1].value = Some(0.77);
    assert_eq!(dossier.risks[1].state, State::NotComputed);
    let bundle = bundle(&dossier);
    let assessment = in_words(&bundle, "RiskAssessment", "absolute.m.5y");
    assert_eq!(assessment["status"], "cancelled");
    let prediction = &assessment["prediction"][0];
    assert!(prediction["probabilityRange"].get("low").is_none());
    assert!(prediction.get("rationale").is_none());
    let absent = &prediction["probabilityRange"]["extension"][0]["valueCode"];
    assert_eq!(absent, "unknown");
    let estimate = in_words(&bundle, "Observation", "absolute.m.5y");
    assert_eq!(estimate["status"], "cancelled");
    assert!(estimate.get("valueQuantity").is_none());
    assert_eq!(estimate["dataAbsentReason"]["text"], "covariate_missing");
    assert!(!bundle.to_string().contains("0.77") && !bundle.to_string().contains("77.0"));
}

#[test]
fn who_and_what() {
    let mut dossier = testing::dossier(" \t");
    let of = |dossier: &Dossier| resources(&bundle(dossier), "Patient")[0].clone();
    let patient = of(&dossier);
    assert_eq!(patient["gender"], "female");
    assert_eq!(patient["identifier"][0]["system"], "urn:oid:1.2.3");
    assert_eq!(patient["identifier"][0]["value"], " \\u{9}");
    dossier.patient = "  ".to_owned();
    assert_eq!(of(&dossier)["identifier"][0]["value"], "\\u{20}\\u{20}");
    dossier.quality.as_mut().unwrap().recorded_sex = Some("unknown".to_owned());
    assert!(of(&dossier).get("gender").is_none());
    let bundle = bundle(&dossier);
    let report = resources(&bundle, "DiagnosticReport")[0];
    assert_eq!(report["status"], "partial");
    assert_eq!(report["issued"], "2026-01-31T12:00:00Z");
    let conclusion = report["conclusion"].as_str().unwrap();
    assert!(conclusion.starts_with("Research output, not a diagnosis."));
    let provenance = resources(&bundle, "Provenance")[0].to_string();
    assert!(provenance.contains("run-hash") && provenance.contains("release 2026-11"));
}

#[test]
fn a_patient_of_whom_nothing_is_known() {
    let dossier = Dossier {
        patient: "A".to_owned(),
        ..Dossier::default()
    };
    let bundle = bundle(&dossier);
    assert_eq!(bundle["entry"].as_array().unwrap().len(), 4);
    assert!(
        resources(&bundle, "DiagnosticReport")[0]
            .get("result")
            .is_none()
    );
}
