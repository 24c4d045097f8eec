//! What an allele does (profile `molecular-consequence`) and what sources call it (profile
//! `diagnostic-implication`).

use serde_json::{Value, json};
use varisk_annotate::Term;
use varisk_dossier::Finding;

use super::FhirExport;
use super::allele::Assertion;
use super::code;
use super::element::{Element, coded, component, string, words};
use super::variant::{hgvs, transcript};

/// The consequence on the transcript that the run chose; none where the run has none.
pub(super) fn consequence(row: &Finding) -> Option<Element> {
    let text = |column: &str| row.annotations.text(&format!("consequence.{column}"));
    let terms = text("terms").or_else(|| text("term"))?;
    let mut parts = Vec::new();
    if let Some(name) = text("hgvsc") {
        parts.extend(hgvs(code::CODING_HGVS, name, 'c'));
    }
    parts.extend(transcript(row));
    if let Some(name) = text("hgvsp") {
        parts.extend(hgvs(code::PROTEIN_HGVS, name, 'p'));
    }
    for term in terms.split('&') {
        let value = Term::from_name(term)
            .and_then(|term| coded(code::SEQUENCE_ONTOLOGY, term.accession(), Some(term.name())))
            .unwrap_or_else(|| words(term));
        parts.push(component(
            code::FEATURE_CONSEQUENCE,
            "valueCodeableConcept",
            value,
        ));
    }
    Some(
        Element::resource("Observation", Some(code::guide("molecular-consequence")))
            .with("status", "preliminary")
            .with("category", code::categories())
            .with("code", code::CONSEQUENCE.concept())
            .list("component", parts),
    )
}

impl FhirExport<'_> {
    /// What a source calls the allele.
    pub(super) fn implication(&self, row: &Finding, assertion: &Assertion<'_>) -> Element {
        let field = |name: &str| format!("{}.{name}", assertion.source);
        let mut parts = vec![component(
            code::SIGNIFICANCE,
            "valueCodeableConcept",
            significance(assertion.word),
        )];
        if let Some(level) = row
            .annotations
            .number(&field("stars"))
            .and_then(evidence_level)
        {
            parts.push(component(
                code::EVIDENCE_LEVEL,
                "valueCodeableConcept",
                level,
            ));
        }
        let disease = row
            .annotations
            .text(&field("disease"))
            .filter(|disease| !matches!(*disease, "not_provided" | "not_specified"))
            .and_then(string);
        parts
            .extend(disease.map(|disease| {
                component(code::PHENOTYPE, "valueCodeableConcept", words(&disease))
            }));
        let release = self
            .record
            .knowledge
            .iter()
            .find(|source| source.name == assertion.source)
            .map_or_else(
                || "of unknown release".to_owned(),
                |source| format!("release {}", source.release),
            );
        let review = row
            .annotations
            .text(&field("review_status"))
            .map_or(String::new(), |status| format!("; review status {status}"));
        let note = format!(
            "classification of the source {}, {release}{review}",
            assertion.source
        );
        Element::resource("Observation", Some(code::guide("diagnostic-implication")))
            .with("status", "preliminary")
            .with("category", code::categories())
            .with("code", code::IMPLICATION.concept())
            .list(
                "note",
                string(&note)
                    .map(|text| json!({"text": text}))
                    .into_iter()
                    .collect(),
            )
            .list("component", parts)
    }
}

/// The word of a source, coded where LOINC's answer means the same. `conflicting`, two classes at
/// once and the rest stay words.
fn significance(word: &str) -> Value {
    let code = match word {
        "pathogenic" => code::PATHOGENIC,
        "likely_pathogenic" => code::LIKELY_PATHOGENIC,
        "uncertain_significance" => code::UNCERTAIN,
        "benign" => code::BENIGN,
        _ => return words(word),
    };
    code.concept_with(word)
}

/// ClinVar's stars.
fn evidence_level(stars: f64) -> Option<Value> {
    let level = [
        (0.0, "no-star"),
        (1.0, "1-star"),
        (2.0, "2-star"),
        (3.0, "3-star"),
        (4.0, "4-star"),
    ];
    let (_, code) = level.iter().find(|(number, _)| *number == stars)?;
    coded(code::CLINVAR_LEVEL, code, None)
}
