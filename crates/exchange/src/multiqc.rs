//! Quality of the patients' data for MultiQC (custom content, files named `*_mqc.json`).
//!
//! Two files, for MultiQC takes one section from each: `varisk_general_mqc.json` adds columns to the
//! table of general statistics, `varisk_quality_mqc.json` is a section with a table. A value that the
//! run does not have is left out; MultiQC shows an empty cell.
//!
//! MultiQC writes names of samples into its page as they are, and takes what stands before a slash for
//! a folder. In names, `%`, `/`, `\`, `<`, `>`, `&`, quotation marks and hidden characters are therefore
//! percent-encoded. It also takes endings such as `.bam` off names, so that `A` and `A.bam` become one:
//! set `fn_clean_sample_names: false` where identifiers have dots.

use std::io::Write;

use serde_json::{Map, Value, json};
use varisk_dossier::{Dossier, Quality, State};

use crate::ExchangeError;
use crate::text::visible;

/// Name of the file with columns for the general statistics.
pub const GENERAL_FILE: &str = "varisk_general_mqc.json";
/// Name of the file with the table of quality.
pub const QUALITY_FILE: &str = "varisk_quality_mqc.json";

/// Writes both files, patient by patient. Patients without a row of `qc.parquet` have none here.
///
/// # Memory
/// One patient.
pub struct MultiqcWriter<'w> {
    general: &'w mut dyn Write,
    quality: &'w mut dyn Write,
    is_first: bool,
}

impl<'w> MultiqcWriter<'w> {
    /// Begins both files.
    ///
    /// # Errors
    /// A writer fails.
    pub fn new(
        general: &'w mut dyn Write,
        quality: &'w mut dyn Write,
    ) -> Result<Self, ExchangeError> {
        begin(general, &general_section())?;
        begin(quality, &quality_section())?;
        Ok(Self {
            general,
            quality,
            is_first: true,
        })
    }

    /// Adds a patient.
    ///
    /// # Errors
    /// A writer fails.
    pub fn add(&mut self, dossier: &Dossier) -> Result<(), ExchangeError> {
        let Some(quality) = &dossier.quality else {
            return Ok(());
        };
        let name = Value::from(sample_name(&dossier.patient));
        for (out, values) in [
            (&mut *self.general, general_values(quality)),
            (&mut *self.quality, quality_values(dossier, quality)),
        ] {
            let comma = if self.is_first { "\n" } else { ",\n" };
            write!(out, "{comma}{name}:{}", Value::Object(values))?;
        }
        self.is_first = false;
        Ok(())
    }

    /// Ends both files.
    ///
    /// # Errors
    /// A writer fails.
    pub fn finish(self) -> Result<(), ExchangeError> {
        for out in [self.general, self.quality] {
            out.write_all(b"\n}}\n")?;
            out.flush()?;
        }
        Ok(())
    }
}

/// A section without its closing brace, and the opening one of its data.
fn begin(out: &mut dyn Write, section: &Value) -> Result<(), ExchangeError> {
    let section = section.to_string();
    let open = section.strip_suffix('}').unwrap_or(&section);
    write!(out, "{open},\"data\":{{")?;
    Ok(())
}

fn general_section() -> Value {
    json!({
        "id": "varisk_general",
        "plot_type": "generalstats",
        "headers": {
            "call_rate": {"title": "Call rate", "description": "Share of alleles with a complete call", "min": 0, "max": 1, "scale": "RdYlGn", "format": "{:,.4f}"},
            "het_hom_ratio": {"title": "Het/hom", "description": "Heterozygous over homozygous alternate calls on autosomes", "min": 0, "scale": "Blues", "format": "{:,.3f}"},
            "ti_tv_ratio": {"title": "Ti/Tv", "description": "Transitions over transversions", "min": 0, "scale": "Purples", "format": "{:,.3f}"},
            "reads_mean_depth": {"title": "Depth", "description": "Mean depth of the reads where they were asked", "min": 0, "scale": "Greens", "suffix": "X", "format": "{:,.1f}"},
        },
    })
}

fn general_values(quality: &Quality) -> Map<String, Value> {
    let mut values = Map::new();
    number(&mut values, "call_rate", quality.call_rate);
    number(&mut values, "het_hom_ratio", quality.het_hom_ratio);
    number(&mut values, "ti_tv_ratio", quality.ti_tv_ratio);
    number(&mut values, "reads_mean_depth", quality.reads_mean_depth);
    values
}

fn quality_section() -> Value {
    let count = |title: &str, description: &str| json!({"title": title, "description": description, "min": 0, "format": "{:,.0f}", "scale": false});
    json!({
        "id": "varisk_quality",
        "section_name": "varisk: quality of the variant data",
        "description": "What limits the results of each patient. Research output, not a diagnosis.",
        "plot_type": "table",
        "pconfig": {"id": "varisk_quality_table", "title": "varisk: quality"},
        "headers": {
            "called": count("Called", "Alleles with a complete call"),
            "partial": count("Partial", "Alleles with a partial call"),
            "missing": count("Missing", "Alleles with a missing call"),
            "not_assayed": count("Not assayed", "Alleles that the patient's file does not have: unknown"),
            "assumed_reference": count("Assumed", "Alleles taken for reference on the user's word"),
            "reads_concordance": {"title": "Concordance", "description": "Share of sites at which calls and reads agree", "min": 0, "max": 1, "scale": "RdYlGn", "format": "{:,.3f}"},
            "recorded_sex": {"title": "Recorded sex", "description": "Of the samplesheet", "scale": false},
            "inferred_sex": {"title": "Sex by calls", "description": "By heterozygosity on X and calls on Y", "scale": false},
            "sex_check": {"title": "Sex check", "description": "Whether the two agree; a difference may be a swapped sample", "scale": false, "cond_formatting_rules": {"fail": [{"s_eq": "differs"}]}},
            "score_coverage": {"title": "Least coverage", "description": "Least share of a score's weight that is called in the patient", "min": 0, "max": 1, "scale": "RdYlGn", "format": "{:,.3f}"},
            "flagged": count("Flagged", "Risk items with a reason not to trust them"),
            "not_computed": count("Not computed", "Risk items without a value"),
            "outside_training": count("Outside", "Predictors outside the training range of a model"),
            "known_variants_uncalled": count("Known, uncalled", "Known pathogenic alleles of the input without a complete call"),
        },
    })
}

fn quality_values(dossier: &Dossier, quality: &Quality) -> Map<String, Value> {
    let mut values = Map::new();
    let mut put = |name: &str, value: Value| values.insert(name.to_owned(), value);
    put("called", quality.called.into());
    put("partial", quality.partial.into());
    put("missing", quality.missing.into());
    put("not_assayed", quality.not_assayed.into());
    put("assumed_reference", quality.assumed_reference.into());
    // The tables' own words; anything else could be markup.
    let sex = |text: Option<&str>| match text {
        Some(sex @ ("female" | "male")) => sex.to_owned(),
        _ => "unknown".to_owned(),
    };
    let (recorded, inferred) = (
        sex(quality.recorded_sex.as_deref()),
        sex(quality.inferred_sex.as_deref()),
    );
    let check = if quality.sex_mismatch {
        "differs"
    } else if recorded == inferred && recorded != "unknown" {
        "agrees"
    } else {
        "unknown"
    };
    put("recorded_sex", recorded.into());
    put("inferred_sex", inferred.into());
    put("sex_check", check.into());
    let items_of = |state| {
        dossier
            .risks
            .iter()
            .filter(|risk| risk.state == state)
            .count()
    };
    put("flagged", items_of(State::Flagged).into());
    put("not_computed", items_of(State::NotComputed).into());
    put("outside_training", quality.outside_training.len().into());
    if let Some(uncalled) = quality.known_variants_uncalled {
        put("known_variants_uncalled", uncalled.into());
    }
    number(&mut values, "reads_concordance", quality.reads_concordance);
    let coverages = dossier.scores.iter().filter_map(|score| score.coverage);
    number(&mut values, "score_coverage", coverages.reduce(f64::min));
    values
}

/// Leaves out what JSON has no number for.
fn number(values: &mut Map<String, Value>, name: &str, value: Option<f64>) {
    if let Some(number) = value.and_then(serde_json::Number::from_f64) {
        values.insert(name.to_owned(), Value::Number(number));
    }
}

/// The name of a patient as MultiQC leaves it alone. Different names stay different.
fn sample_name(patient: &str) -> String {
    let mut name = String::with_capacity(patient.len());
    let mut bytes = [0; 4];
    for c in patient.chars() {
        let text = c.encode_utf8(&mut bytes);
        let is_plain = !matches!(
            c,
            '%' | '/' | '\\' | '<' | '>' | '&' | '"' | '\'' | '`' | '|'
        ) && visible(text) == *text;
        if is_plain {
            name.push(c);
        } else {
            for byte in text.bytes() {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, NAMES};

    #[test]
    fn both_files_have_every_patient() {
        let (mut general, mut quality) = (Vec::new(), Vec::new());
        let mut writer = MultiqcWriter::new(&mut general, &mut quality).unwrap();
        for name in NAMES {
            writer.add(&testing::dossier(name)).unwrap();
        }
        writer.finish().unwrap();
        for (file, key, value) in [
            (&general, "call_rate", json!(0.98)),
            (&quality, "sex_check", json!("differs")),
            (&quality, "not_computed", json!(1)),
            (&quality, "score_coverage", json!(0.8)),
        ] {
            let json: Value = serde_json::from_slice(file).unwrap();
            let data = json["data"].as_object().unwrap();
            assert_eq!(data.len(), NAMES.len());
            for (name, values) in data {
                assert_eq!(values[key], value);
                assert!(
                    !name.contains(['<', '>', '"', '/', '\n', '\u{202e}']),
                    "{name}"
                );
                let headers = json["headers"].as_object().unwrap();
                let keys = values.as_object().unwrap().keys();
                assert!(keys.into_iter().all(|key| headers.contains_key(key)));
            }
        }
        let json: Value = serde_json::from_slice(&general).unwrap();
        assert!(json["data"][NAMES[5]].is_null());
        assert!(json["data"]["患者 %3C%26%27é%3E"]["het_hom_ratio"].is_null());
    }

    #[test]
    fn without_patients_the_files_are_whole() {
        let (mut general, mut quality) = (Vec::new(), Vec::new());
        let writer = MultiqcWriter::new(&mut general, &mut quality).unwrap();
        writer.finish().unwrap();
        let json: Value = serde_json::from_slice(&quality).unwrap();
        assert_eq!(json["data"], json!({}));
    }

    #[test]
    fn names_stay_different() {
        let check = |name, expected| assert_eq!(sample_name(name), expected);
        check("P001", "P001");
        check("a/b", "a%2Fb");
        check("a%2Fb", "a%252Fb");
        check("<b>", "%3Cb%3E");
        check("a\u{202e}b", "a%E2%80%AEb");
    }
}
