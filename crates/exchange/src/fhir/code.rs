//! The codes of the bundles. Each stands in the Genomics Reporting guide 3.0.0 (its profiles or its
//! examples) or in R4 itself; where neither has one, the bundle has words.

use serde_json::{Value, json};

pub(super) const LOINC: &str = "http://loinc.org";
pub(super) const HGVS: &str = "http://varnomen.hgvs.org";
pub(super) const HGNC: &str = "http://www.genenames.org";
pub(super) const REFSEQ: &str = "http://www.ncbi.nlm.nih.gov/refseq";
pub(super) const CLINVAR: &str = "http://www.ncbi.nlm.nih.gov/clinvar";
pub(super) const DBSNP: &str = "http://www.ncbi.nlm.nih.gov/projects/SNP";
pub(super) const SEQUENCE_ONTOLOGY: &str = "http://www.sequenceontology.org";
pub(super) const UCUM: &str = "http://unitsofmeasure.org";
pub(super) const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
pub(super) const ABSENT_EXTENSION: &str =
    "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
pub(super) const CLINVAR_LEVEL: &str =
    "http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/clinvar-evidence-level-custom-cs";
const GUIDE: &str = "http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs";
const GENETICS: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";

/// A profile or extension of the guide.
pub(super) fn guide(name: &str) -> String {
    format!("http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/{name}")
}

/// A coded concept.
#[derive(Clone, Copy)]
pub(super) struct Code {
    system: &'static str,
    code: &'static str,
    display: Option<&'static str>,
}

impl Code {
    const fn loinc(code: &'static str, display: &'static str) -> Self {
        Self {
            system: LOINC,
            code,
            display: Some(display),
        }
    }

    const fn guide(code: &'static str, display: &'static str) -> Self {
        Self {
            system: GUIDE,
            code,
            display: Some(display),
        }
    }

    /// As a `CodeableConcept`.
    pub(super) fn concept(self) -> Value {
        match self.display {
            Some(display) => json!({"coding": [
                {"system": self.system, "code": self.code, "display": display}
            ]}),
            None => json!({"coding": [{"system": self.system, "code": self.code}]}),
        }
    }

    /// As a `CodeableConcept` with words of our own beside the code.
    pub(super) fn concept_with(self, text: &str) -> Value {
        let mut concept = self.concept();
        concept["text"] = text.into();
        concept
    }
}

// Observations and reports.
pub(super) const VARIANT: Code = Code::loinc("69548-6", "Genetic variant assessment");
pub(super) const PRESENT: Code = Code::loinc("LA9633-4", "Present");
pub(super) const REPORT: Code = Code::loinc("51969-4", "Genetic analysis report");
pub(super) const CONSEQUENCE: Code = Code::guide("molecular-consequence", "Molecular Consequence");
pub(super) const IMPLICATION: Code =
    Code::guide("diagnostic-implication", "Diagnostic Implication");

// Components of a variant.
pub(super) const GENE: Code = Code::loinc("48018-6", "Gene studied [ID]");
pub(super) const ASSEMBLY: Code =
    Code::loinc("62374-4", "Human reference sequence assembly version");
pub(super) const GRCH37: Code = Code::loinc("LA14029-5", "GRCh37");
pub(super) const GRCH38: Code = Code::loinc("LA26806-2", "GRCh38");
pub(super) const GENOMIC_SEQUENCE: Code = Code::loinc("48013-7", "Genomic reference sequence [ID]");
pub(super) const COORDINATES: Code = Code::loinc("92822-6", "Genomic coord system");
pub(super) const ONE_BASED: Code = Code::loinc("LA30102-0", "1-based character counting");
pub(super) const START_END: Code = Code::loinc("81254-5", "Genomic allele start-end");
pub(super) const REFERENCE_ALLELE: Code = Code::loinc("69547-8", "Genomic Ref allele [ID]");
pub(super) const ALTERNATE_ALLELE: Code = Code::loinc("69551-0", "Genomic Alt allele [ID]");
pub(super) const GENOMIC_HGVS: Code = Code::loinc("81290-9", "Genomic DNA change (gHGVS)");
pub(super) const CODING_HGVS: Code = Code::loinc("48004-6", "DNA change (c.HGVS)");
pub(super) const PROTEIN_HGVS: Code = Code::loinc("48005-3", "Amino acid change (pHGVS)");
pub(super) const TRANSCRIPT: Code = Code::loinc("51958-7", "Transcript reference sequence [ID]");
pub(super) const SOURCE_CLASS: Code = Code::loinc("48002-0", "Genomic source class [Type]");
pub(super) const GERMLINE: Code = Code::loinc("LA6683-2", "Germline");
pub(super) const ALLELIC_STATE: Code = Code::loinc("53034-5", "Allelic state");
pub(super) const HETEROZYGOUS: Code = Code::loinc("LA6706-1", "Heterozygous");
pub(super) const HOMOZYGOUS: Code = Code::loinc("LA6705-3", "Homozygous");
pub(super) const READ_DEPTH: Code = Code::loinc("82121-5", "Allelic read depth");
pub(super) const VARIATION: Code = Code::loinc("81252-9", "Discrete genetic variant");
pub(super) const POPULATION_FREQUENCY: Code = Code::loinc("92821-8", "Population allele frequency");

// Components of implications and consequences.
pub(super) const FEATURE_CONSEQUENCE: Code =
    Code::guide("feature-consequence", "Feature Consequence");
pub(super) const SIGNIFICANCE: Code =
    Code::loinc("53037-8", "Genetic variation clinical significance [Imp]");
pub(super) const PHENOTYPE: Code = Code::loinc("81259-4", "Associated phenotype");
pub(super) const EVIDENCE_LEVEL: Code = Code::loinc("93044-6", "Level of evidence");
pub(super) const PATHOGENIC: Code = Code::loinc("LA6668-3", "Pathogenic");
pub(super) const LIKELY_PATHOGENIC: Code = Code::loinc("LA26332-9", "Likely Pathogenic");
pub(super) const UNCERTAIN: Code = Code::loinc("LA26333-7", "Uncertain Significance");
pub(super) const BENIGN: Code = Code::loinc("LA6675-8", "Benign");

/// The category of a report: genetics.
pub(super) fn genetics() -> Value {
    json!({"coding": [{"system": GENETICS, "code": "GE"}]})
}

/// The two categories of an observation of the guide: laboratory, genetics.
pub(super) fn categories() -> Value {
    json!([{"coding": [{"system": CATEGORY, "code": "laboratory"}]}, genetics()])
}
