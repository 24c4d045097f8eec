//! A run's results as FHIR R4, after the HL7 Genomics Reporting guide 3.0.0.
//!
//! Each patient is a `Bundle` of type `collection`: a `DiagnosticReport` (profile `genomic-report`)
//! that refers to everything else, the `Patient`, the program as a `Device`, an `Observation` for each
//! allele (`variant`), what it does (`molecular-consequence`) and what sources call it
//! (`diagnostic-implication`), an `Observation` for each risk item and score, a `RiskAssessment` for
//! each item that is a risk, quality, ancestry, and `Provenance`.
//!
//! Nobody has looked at what a run writes, and R4 has a word for that: observations are `preliminary`
//! ("data may be incomplete or unverified"), the report is `partial`, which says the same of reports,
//! where `preliminary` would mean "verified early results". What was not computed is `cancelled`, with
//! a data-absent reason and the run's own.
//!
//! Identifiers of resources follow from the plan of the run, the patient and the item; nothing depends
//! on the clock but the time of issue, which the caller gives. Paths of files stay out: they may name
//! people.

mod accession;
mod allele;
mod code;
mod element;
mod identity;
mod implication;
mod provenance;
mod quality;
mod report;
mod risk;
mod settings;
#[cfg(test)]
mod tests;
mod variant;

use std::io::Write;

use serde_json::{Value, json};
use varisk_core::GenomeBuild;
use varisk_dossier::Dossier;
use varisk_report::RunRecord;

use crate::ExchangeError;
use allele::alleles;
use element::{Element, absent_value};
use identity::Identity;

pub use settings::FhirSettings;

/// Makes bundles of the patients of a run.
///
/// # Example
/// ```no_run
/// use varisk_dossier::RunFolder;
/// use varisk_exchange::fhir::{FhirExport, FhirSettings};
///
/// let run = RunFolder::open("report".as_ref())?;
/// let settings = FhirSettings::try_new("2026-01-31T12:00:00Z", None)?;
/// let export = FhirExport::new(run.record(), run.sha256(), settings);
/// let mut out = std::io::stdout().lock();
/// for dossier in run.dossiers()? {
///     export.write_line(&dossier?, &mut out)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FhirExport<'r> {
    record: &'r RunRecord,
    run_sha256: &'r str,
    settings: FhirSettings,
    /// Sources of the kind `clinvar`.
    clinical: Vec<String>,
}

impl<'r> FhirExport<'r> {
    /// For the run of a record, whose `run.json` has the given SHA-256.
    #[must_use]
    pub fn new(record: &'r RunRecord, run_sha256: &'r str, settings: FhirSettings) -> Self {
        let clinical = record
            .knowledge
            .iter()
            .filter(|source| source.kind == "clinvar")
            .map(|source| source.name.clone())
            .collect();
        Self {
            record,
            run_sha256,
            settings,
            clinical,
        }
    }

    fn build(&self) -> GenomeBuild {
        GenomeBuild::parse(&self.record.genome_build).unwrap_or(GenomeBuild::Other)
    }

    /// The bundle of a patient.
    #[must_use]
    pub fn bundle(&self, dossier: &Dossier) -> Value {
        let mut entries = Entries::new(&self.record.plan_sha256, &dossier.patient);
        let patient = entries.add("patient", self.patient(dossier));
        let device = entries.add("device", self.device());
        let subject = Subject {
            patient: &patient,
            device: &device,
        };
        let mut results = Vec::new();
        let mut assessments = Vec::new();
        self.add_risks(
            dossier,
            &subject,
            &mut entries,
            &mut results,
            &mut assessments,
        );
        self.add_alleles(dossier, &subject, &mut entries, &mut results);
        if let Some(ancestry) = &dossier.ancestry {
            let ancestry = subject.of_observation(quality::ancestry(ancestry));
            results.push(entries.add("ancestry", ancestry));
        }
        if let Some(quality) = &dossier.quality {
            let quality = subject.of_observation(quality::quality(quality));
            results.push(entries.add("quality", quality));
        }
        let report = self.report(&patient, results, assessments);
        let report = entries.add_first("report", report);
        entries.add("provenance", self.provenance(&report, &device));
        json!({
            "resourceType": "Bundle",
            "identifier": {
                "system": "urn:ietf:rfc:3986",
                "value": format!("urn:uuid:{}", entries.identity.uuid("bundle")),
            },
            "type": "collection",
            "timestamp": self.settings.issued(),
            "entry": entries.all,
        })
    }

    /// Writes the bundle of a patient as one line: the lines of many patients are `ndjson`, the form
    /// of FHIR's bulk data.
    ///
    /// # Errors
    /// The writer fails.
    pub fn write_line(&self, dossier: &Dossier, out: &mut dyn Write) -> Result<(), ExchangeError> {
        serde_json::to_writer(&mut *out, &self.bundle(dossier))?;
        out.write_all(b"\n")?;
        Ok(())
    }

    /// Writes the bundle of a patient as a document for people too.
    ///
    /// # Errors
    /// The writer fails.
    pub fn write_pretty(
        &self,
        dossier: &Dossier,
        out: &mut dyn Write,
    ) -> Result<(), ExchangeError> {
        serde_json::to_writer_pretty(&mut *out, &self.bundle(dossier))?;
        out.write_all(b"\n")?;
        Ok(())
    }

    fn add_risks(
        &self,
        dossier: &Dossier,
        subject: &Subject<'_>,
        entries: &mut Entries,
        results: &mut Vec<Value>,
        assessments: &mut Vec<Value>,
    ) {
        let item_of = |score: &str| format!("polygenic.{score}");
        for item in &dossier.risks {
            let score = dossier
                .scores
                .iter()
                .find(|score| item_of(&score.score) == item.item);
            let estimate = subject.of_observation(risk::estimate(item, score));
            let estimate = entries.add(&format!("estimate:{}", item.item), estimate);
            results.push(estimate.clone());
            if let Some(assessment) = risk::assessment(item, vec![estimate]) {
                let assessment = subject.of_assessment(assessment);
                let name = format!("assessment:{}", item.item);
                assessments.push(entries.add(&name, assessment));
            }
        }
        for score in &dossier.scores {
            let item = item_of(&score.score);
            if dossier.risks.iter().all(|risk| risk.item != item) {
                let observation = subject.of_observation(risk::score_alone(score));
                results.push(entries.add(&format!("score:{}", score.score), observation));
            }
        }
    }

    fn add_alleles(
        &self,
        dossier: &Dossier,
        subject: &Subject<'_>,
        entries: &mut Entries,
        results: &mut Vec<Value>,
    ) {
        for allele in alleles(dossier, &self.clinical) {
            let name = allele.name();
            let variant = subject.of_observation(self.variant(&allele));
            let variant = entries.add(&format!("variant:{name}"), variant);
            results.push(variant.clone());
            let derived = |element: Element| {
                subject
                    .of_observation(element)
                    .with("derivedFrom", json!([variant]))
            };
            if let Some(consequence) = implication::consequence(allele.row) {
                let name = format!("consequence:{name}");
                results.push(entries.add(&name, derived(consequence)));
            }
            for assertion in &allele.assertions {
                let name = format!("implication:{}:{name}", assertion.source);
                let implication = self.implication(allele.row, assertion);
                results.push(entries.add(&name, derived(implication)));
            }
        }
    }
}

/// Whom a resource is about, and what made it.
struct Subject<'e> {
    patient: &'e Value,
    device: &'e Value,
}

impl Subject<'_> {
    fn of_observation(&self, element: Element) -> Element {
        element
            .with("subject", self.patient.clone())
            // When the sample was taken the run does not know.
            .with("_effectiveDateTime", absent_value("unknown"))
            .with("device", self.device.clone())
    }

    fn of_assessment(&self, element: Element) -> Element {
        element
            .with("subject", self.patient.clone())
            .with("performer", self.device.clone())
    }
}

/// The entries of a bundle.
struct Entries {
    identity: Identity,
    all: Vec<Value>,
}

impl Entries {
    fn new(plan_sha256: &str, patient: &str) -> Self {
        Self {
            identity: Identity::new(plan_sha256, patient),
            all: Vec::new(),
        }
    }

    fn entry(&self, item: &str, element: Element) -> (Value, Value) {
        let uuid = self.identity.uuid(item);
        let name = format!("urn:uuid:{uuid}");
        let resource = element.with("id", uuid).build();
        (
            json!({"fullUrl": name, "resource": resource}),
            json!({"reference": name}),
        )
    }

    /// Adds a resource; gives the reference to it.
    fn add(&mut self, item: &str, element: Element) -> Value {
        let (entry, reference) = self.entry(item, element);
        self.all.push(entry);
        reference
    }

    fn add_first(&mut self, item: &str, element: Element) -> Value {
        let (entry, reference) = self.entry(item, element);
        self.all.insert(0, entry);
        reference
    }
}
