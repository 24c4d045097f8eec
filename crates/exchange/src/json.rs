//! All that a run says of a patient as one JSON document.
//!
//! The form is published as `schemas/dossier.schema.json`: every key is always there, and what the run
//! does not say is null (or an empty list), with the reason beside it where the tables have one. Keys
//! are the columns of `schemas/tables.json`.

use std::io::Write;

use serde_json::{Map, Value, json};
use varisk_dossier::{
    Ancestry, AnnotationValue, Annotations, Burden, Dossier, Explanation, Feature, Finding,
    Quality, Risk, RiskCurve, Score,
};
use varisk_report::RunRecord;

use crate::ExchangeError;

/// Version of the documents' form.
pub const DOCUMENT_VERSION: u32 = 1;

/// The document of a patient; `run_sha256` is the hash of the run's `run.json`.
///
/// Paths of input files are left out: they may name people.
#[must_use]
pub fn document(record: &RunRecord, run_sha256: &str, dossier: &Dossier) -> Value {
    json!({
        "document_version": DOCUMENT_VERSION,
        "notice": record.notice,
        "run": run(record, run_sha256),
        "patient": dossier.patient,
        "risks": list(&dossier.risks, risk),
        "scores": list(&dossier.scores, score),
        "ancestry": dossier.ancestry.as_ref().map(ancestry),
        "findings": list(&dossier.findings, finding),
        "known_variants": list(&dossier.known_variants, finding),
        "quality": dossier.quality.as_ref().map(quality),
        "explanations": list(&dossier.explanations, explanation),
        "burden": list(&dossier.burden, burden),
        "features": list(&dossier.features, feature),
    })
}

/// Writes the document of a patient as one line: the lines of many patients are JSON Lines.
///
/// # Errors
/// The writer fails.
pub fn write_line(
    record: &RunRecord,
    run_sha256: &str,
    dossier: &Dossier,
    out: &mut dyn Write,
) -> Result<(), ExchangeError> {
    serde_json::to_writer(&mut *out, &document(record, run_sha256, dossier))?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Writes the document of a patient on lines for people.
///
/// # Errors
/// The writer fails.
pub fn write_pretty(
    record: &RunRecord,
    run_sha256: &str,
    dossier: &Dossier,
    out: &mut dyn Write,
) -> Result<(), ExchangeError> {
    serde_json::to_writer_pretty(&mut *out, &document(record, run_sha256, dossier))?;
    out.write_all(b"\n")?;
    Ok(())
}

fn list<T>(rows: &[T], of: impl Fn(&T) -> Value) -> Vec<Value> {
    rows.iter().map(of).collect()
}

fn run(record: &RunRecord, run_sha256: &str) -> Value {
    let models = list(&record.models, |model| {
        json!({
            "name": model.name,
            "version": model.version,
            "kind": model.kind,
            "sha256": model.sha256,
        })
    });
    let sources = list(&record.knowledge, |source| {
        json!({
            "name": source.name,
            "kind": source.kind,
            "release": source.release,
            "licence": source.licence,
            "sha256": source.sha256,
        })
    });
    json!({
        "varisk": record.varisk,
        "schema_version": record.schema_version,
        "verb": record.verb,
        "genome_build": record.genome_build,
        "plan_sha256": record.plan_sha256,
        "run_sha256": run_sha256,
        "models": models,
        "knowledge": sources,
        "warnings": record.warnings_without_paths(),
    })
}

fn risk(risk: &Risk) -> Value {
    json!({
        "item": risk.item,
        "kind": risk.kind,
        "value": risk.value,
        "lower": risk.lower,
        "upper": risk.upper,
        "state": risk.state.name(),
        "reason": risk.reason,
        "meaning": risk.meaning,
        "percentile": risk.percentile,
        "population": risk.population,
        "population_value": risk.population_value,
        "age_start": risk.age_start,
        "age_end": risk.age_end,
        "missing_factors": risk.missing_factors,
        "coverage": risk.coverage,
        "assumed_reference": risk.assumed_reference,
        "contributions": risk.contributions,
        "curve": risk.curve.as_ref().map(curve),
        "model": risk.model,
        "model_version": risk.model_version,
        "model_sha256": risk.model_sha256,
    })
}

fn curve(curve: &RiskCurve) -> Value {
    json!({"ages": curve.ages, "risk": curve.risk, "population": curve.population})
}

fn score(score: &Score) -> Value {
    json!({
        "score": score.score,
        "state": score.state.name(),
        "reason": score.reason,
        "sum": score.sum,
        "alleles_total": score.alleles_total,
        "alleles_scorable": score.alleles_scorable,
        "alleles_called": score.alleles_called,
        "alleles_assumed": score.alleles_assumed,
        "alleles_missing": score.alleles_missing,
        "coverage": score.coverage,
        "assumed_reference": score.assumed_reference,
        "missing": score.missing,
        "not_counted": score.not_counted,
        "not_scorable": score.not_scorable,
        "panel_sum": score.panel_sum,
        "population": score.population,
        "percentile": score.percentile,
        "z_most_similar_population": score.z_most_similar_population,
        "z_norm1": score.z_norm1,
        "z_norm2": score.z_norm2,
        "adjustment_reason": score.adjustment_reason,
    })
}

fn ancestry(ancestry: &Ancestry) -> Value {
    json!({
        "population": ancestry.population,
        "probability": ancestry.probability,
        "state": ancestry.state.name(),
        "reason": ancestry.reason,
        "sites": ancestry.sites,
        "share_of_sites": ancestry.share_of_sites,
        "panel": ancestry.panel,
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "model": finding.model,
        "output": finding.output,
        "rank": finding.rank,
        "source": finding.source,
        "significance": finding.significance,
        "contig": finding.contig,
        "position": finding.position,
        "ref": finding.reference,
        "alt": finding.alternate,
        "input_position": finding.input_position,
        "input_ref": finding.input_reference,
        "input_alt": finding.input_alternate,
        "id": finding.id,
        "filter": finding.filter,
        "genotype": finding.genotype,
        "dosage": finding.dosage,
        "origin": finding.origin,
        "depth": finding.depth,
        "ref_depth": finding.reference_depth,
        "alt_depth": finding.alternate_depth,
        "score": finding.score,
        "contribution": finding.contribution,
        "annotations": annotations(&finding.annotations),
        "knowledge_releases": finding.releases,
    })
}

fn annotations(annotations: &Annotations) -> Value {
    let mut object = Map::new();
    for (name, value) in annotations.iter() {
        let value = match value {
            AnnotationValue::Text(text) => text.as_str().into(),
            AnnotationValue::Number(number) => (*number).into(),
            AnnotationValue::Flag(flag) => (*flag).into(),
        };
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

fn quality(quality: &Quality) -> Value {
    json!({
        "recorded_sex": quality.recorded_sex,
        "inferred_sex": quality.inferred_sex,
        "sex_mismatch": quality.sex_mismatch,
        "alleles": quality.alleles,
        "called": quality.called,
        "partial": quality.partial,
        "missing": quality.missing,
        "not_assayed": quality.not_assayed,
        "call_rate": quality.call_rate,
        "het_hom_ratio": quality.het_hom_ratio,
        "ti_tv_ratio": quality.ti_tv_ratio,
        "assumed_reference": quality.assumed_reference,
        "reads_mean_depth": quality.reads_mean_depth,
        "reads_concordance": quality.reads_concordance,
        "outside_training": quality.outside_training,
        "known_variants_uncalled": quality.known_variants_uncalled,
    })
}

fn explanation(explanation: &Explanation) -> Value {
    json!({
        "output": explanation.output,
        "rank": explanation.rank,
        "predictor": explanation.predictor,
        "value": explanation.value,
        "contribution": explanation.contribution,
        "base": explanation.base,
        "prediction": explanation.prediction,
        "scale": explanation.scale,
    })
}

fn burden(burden: &Burden) -> Value {
    json!({
        "gene": burden.gene,
        "class": burden.class,
        "alleles": burden.alleles,
        "copies": burden.copies,
        "uncalled": burden.uncalled,
    })
}

fn feature(feature: &Feature) -> Value {
    json!({"feature": feature.feature, "value": feature.value, "reason": feature.reason})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, NAMES};

    const SCHEMA: &str = include_str!("../../../schemas/dossier.schema.json");

    fn schema() -> (Value, jsonschema::Validator) {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        (schema, validator)
    }

    #[test]
    fn documents_are_of_the_schema() {
        let (_, validator) = schema();
        for name in NAMES {
            let full = document(&testing::record(), "ff", &testing::dossier(name));
            assert!(
                validator.is_valid(&full),
                "{:?}",
                validator.validate(&full).err()
            );
            assert_eq!(full["patient"], name);
            let empty = Dossier {
                patient: name.to_owned(),
                ..Dossier::default()
            };
            let empty = document(&testing::record(), "ff", &empty);
            assert!(
                validator.is_valid(&empty),
                "{:?}",
                validator.validate(&empty).err()
            );
        }
    }

    /// Each key of a document is asked for by the schema, and the schema asks for no other.
    #[test]
    fn every_key_is_in_schema_and_code() {
        fn check(validator: &jsonschema::Validator, full: &Value, path: &str, keys: &mut usize) {
            let Some(Value::Object(object)) = full.pointer(path).cloned() else {
                if let Some(Value::Array(_)) = full.pointer(path) {
                    check(validator, full, &format!("{path}/0"), keys);
                }
                return;
            };
            if path.ends_with("/annotations") {
                return;
            }
            for (key, _) in &object {
                let mut without = full.clone();
                without
                    .pointer_mut(path)
                    .unwrap()
                    .as_object_mut()
                    .unwrap()
                    .remove(key);
                assert!(
                    !validator.is_valid(&without),
                    "{path}/{key} is not asked for"
                );
                *keys += 1;
                check(validator, full, &format!("{path}/{key}"), keys);
            }
            let mut more = full.clone();
            more.pointer_mut(path).unwrap()["unknown"] = json!(1);
            assert!(!validator.is_valid(&more), "{path} takes unknown keys");
        }
        let (_, validator) = schema();
        let full = document(&testing::record(), "ff", &testing::dossier("A"));
        let mut keys = 0;
        check(&validator, &full, "", &mut keys);
        assert!(keys > 140, "{keys}");
    }

    #[test]
    fn no_path_of_an_input_is_told() {
        let full = document(&testing::record(), "ff", &testing::dossier("A"));
        assert!(!full.to_string().contains("Jane"));
    }
}
