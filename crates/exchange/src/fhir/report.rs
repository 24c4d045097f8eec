//! The report, whom it is about and what made it.

use serde_json::{Value, json};
use varisk_dossier::Dossier;

use super::FhirExport;
use super::code;
use super::element::{Element, absent_value, string};
use crate::text::visible;

impl FhirExport<'_> {
    /// The patient: an identifier, and the recorded sex where it is known. A run knows no name.
    pub(super) fn patient(&self, dossier: &Dossier) -> Element {
        // Only hidden characters are changed, no white space is taken away: two patients must not
        // become one.
        let value = match visible(&dossier.patient) {
            value if value.trim().is_empty() => value.escape_unicode().to_string(),
            value => value.into_owned(),
        };
        let identifier = Element::new()
            .maybe("system", self.settings.patient_system())
            .with("value", value);
        let sex = dossier
            .quality
            .as_ref()
            .and_then(|quality| quality.recorded_sex.as_deref())
            .filter(|sex| matches!(*sex, "female" | "male"));
        Element::resource("Patient", None)
            .with("identifier", json!([identifier.build()]))
            .maybe("gender", sex)
    }

    pub(super) fn device(&self) -> Element {
        Element::resource("Device", None)
            .with("deviceName", json!([{"name": "varisk", "type": "other"}]))
            .with("type", json!({"text": "software that analyses variants"}))
            .list(
                "version",
                string(&self.record.varisk)
                    .map(|version| json!({"value": version}))
                    .into_iter()
                    .collect(),
            )
    }

    pub(super) fn report(
        &self,
        patient: &Value,
        results: Vec<Value>,
        assessments: Vec<Value>,
    ) -> Element {
        let mut extensions: Vec<Value> = assessments
            .into_iter()
            .map(|assessment| {
                json!({
                    "url": code::guide("genomic-risk-assessment"),
                    "valueReference": assessment,
                })
            })
            .collect();
        let notice = string(&self.record.notice);
        extensions.extend(
            notice
                .as_deref()
                .map(|text| note("test-disclaimer", "Test Disclaimer", text)),
        );
        let warnings = self.record.warnings.iter().filter_map(|text| string(text));
        extensions.extend(warnings.map(|text| {
            note(
                "test-methodology",
                "Test Methodology",
                &format!("warning of the run: {text}"),
            )
        }));
        let conclusion = format!(
            "{} Written by software; nobody has reviewed it.",
            notice
                .as_deref()
                .unwrap_or("Research output, not a diagnosis.")
        );
        Element::resource("DiagnosticReport", Some(code::guide("genomic-report")))
            .list("extension", extensions)
            .with("status", "partial")
            .with("category", json!([code::genetics()]))
            .with("code", code::REPORT.concept())
            .with("subject", patient.clone())
            .with("_effectiveDateTime", absent_value("unknown"))
            .with("issued", self.settings.issued())
            .list("result", results)
            .with("conclusion", conclusion)
    }
}

/// A note of the report with the guide's type of it.
fn note(kind: &str, display: &str, text: &str) -> Value {
    json!({
        "url": code::guide("genomic-report-note"),
        "valueAnnotation": {
            "extension": [{
                "url": code::guide("annotation-code"),
                "valueCodeableConcept": {"coding": [{
                    "system": "http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/coded-annotation-types-cs",
                    "code": kind,
                    "display": display,
                }]},
            }],
            "text": text,
        },
    })
}
