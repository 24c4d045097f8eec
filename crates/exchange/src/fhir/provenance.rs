//! What the results rest on, by hash.

use serde_json::{Value, json};

use super::FhirExport;
use super::element::{Element, string};

impl FhirExport<'_> {
    /// The run, its inputs, models and sources. Paths are left out.
    pub(super) fn provenance(&self, report: &Value, device: &Value) -> Element {
        let record = self.record;
        let mut entities = vec![
            entity("record of the run (run.json)", Some(self.run_sha256)),
            entity("plan of the run", Some(&record.plan_sha256)),
        ];
        for input in &record.inputs {
            let text = format!("input: {}", input.role);
            entities.push(entity(&text, input.sha256.as_deref()));
        }
        for model in &record.models {
            let text = format!("{} model {} {}", model.kind, model.name, model.version);
            entities.push(entity(&text, Some(&model.sha256)));
            entities.push(entity(
                &format!("manifest of the model {}", model.name),
                Some(&model.manifest_sha256),
            ));
        }
        for source in &record.knowledge {
            let licence = string(&source.licence)
                .map_or(String::new(), |licence| format!(", licence {licence}"));
            let text = format!(
                "source {} ({}), release {}{licence}",
                source.name, source.kind, source.release
            );
            entities.push(entity(&text, Some(&source.sha256)));
        }
        Element::resource("Provenance", None)
            .with("target", json!([report]))
            .with("recorded", self.settings.issued())
            .with(
                "agent",
                json!([{
                    "type": {"coding": [{
                        "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                        "code": "assembler",
                        "display": "Assembler",
                    }]},
                    "who": device,
                }]),
            )
            .with("entity", entities)
    }
}

fn entity(text: &str, sha256: Option<&str>) -> Value {
    let identifier = sha256
        .and_then(string)
        .map(|hash| json!({"type": {"text": "SHA-256"}, "value": hash}));
    let what = Element::new()
        .maybe("identifier", identifier)
        .maybe("display", string(text));
    json!({"role": "source", "what": what.build()})
}
