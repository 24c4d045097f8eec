//! Annotations that another stage put into the batch: consequences, knowledge sources, reads.

use std::collections::BTreeMap;

use arrow::array::{
    Array, AsArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, StringArray,
    UInt8Array, UInt32Array,
};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int32Type, Int64Type, Schema, UInt8Type, UInt32Type,
};
use varisk_annotate::Term;
use varisk_core::{SiteBatch, columns};

use crate::EncodeError;
use crate::manifest::AnnotationFeature;

/// Field of a source that has a single value, so that `phylop` stands for `phylop.value`.
const ONLY_FIELD: &str = "value";
/// All terms of the chosen consequence, joined by `&`.
const TERMS: &str = "consequence.terms";
/// Impact of the chosen consequence.
const IMPACT: &str = "consequence.impact";
/// Consequence columns that are numbers or yes and no, and so features by themselves.
const CONSEQUENCE_NUMBERS: [&str; 7] = [
    "rank",
    "mane",
    "canonical",
    "last_exon",
    "splice_distance",
    "cds_position",
    "protein_position",
];
/// Consequence columns of text, features where the manifest gives a number for each text.
const CONSEQUENCE_TEXTS: [&str; 6] = ["term", "biotype", "nmd", "gene", "gene_id", "transcript"];
/// First parts of names that are no knowledge source.
const RESERVED: [&str; 7] = [
    "allele", "context", "site", "cohort", "info", "score", "reason",
];

/// What a model needs of the stages before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeededSources {
    /// Consequences on transcripts.
    pub consequences: bool,
    /// Reads of the patients.
    pub reads: bool,
    /// Fields of knowledge sources, as (source, field).
    pub knowledge: Vec<(String, String)>,
}

impl NeededSources {
    /// Adds what one feature needs.
    pub(crate) fn note(&mut self, name: &str) {
        match Joined::parse(name, None) {
            Some(joined) if joined.column.starts_with(columns::CONSEQUENCE_PREFIX) => {
                self.consequences = true;
            }
            Some(joined) if joined.column.starts_with(columns::READS_PREFIX) => self.reads = true,
            Some(joined) => {
                if let Some((source, field)) = joined.column.split_once('.') {
                    let field = (source.to_owned(), field.to_owned());
                    if !self.knowledge.contains(&field) {
                        self.knowledge.push(field);
                    }
                }
            }
            None => {}
        }
    }
}

/// A column of another stage, and how its values become numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Joined {
    column: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// Numbers as they are; true is 1, false 0.
    Number,
    /// A number for each text; any other text is missing.
    Text(BTreeMap<String, f64>),
    /// Whether the chosen consequence has a term.
    Term(String),
    /// MODIFIER 0, LOW 1, MODERATE 2, HIGH 3.
    Impact,
}

impl Joined {
    /// Reads a feature's name; `None` where it is no name of another stage's column.
    pub(crate) fn parse(name: &str, values: Option<&BTreeMap<String, f64>>) -> Option<Self> {
        let (source, field) = name.split_once('.').unwrap_or((name, ONLY_FIELD));
        let is_name = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        };
        if !is_name(source) || !is_name(field) || RESERVED.contains(&source) {
            return None;
        }
        let column = format!("{source}.{field}");
        if source != "consequence" {
            let rule = values.map_or(Rule::Number, |values| Rule::Text(values.clone()));
            return Some(Self { column, rule });
        }
        let (column, rule) = match (field, values) {
            ("impact", None) => (IMPACT.to_owned(), Rule::Impact),
            (_, Some(values)) => (column, Rule::Text(values.clone())),
            _ if CONSEQUENCE_NUMBERS.contains(&field) => (column, Rule::Number),
            _ if CONSEQUENCE_TEXTS.contains(&field) => (column, Rule::Text(BTreeMap::new())),
            _ if is_term(field) => (TERMS.to_owned(), Rule::Term(field.to_owned())),
            _ => return None,
        };
        Some(Self { column, rule })
    }

    /// Reads a feature and checks it against the columns that will be there.
    pub(crate) fn plan(
        tensor: &str,
        feature: &AnnotationFeature,
        schema: &Schema,
    ) -> Option<Result<Self, EncodeError>> {
        let joined = Self::parse(&feature.name, feature.values.as_ref())?;
        Some(joined.checked(tensor, &feature.name, schema))
    }

    fn checked(self, tensor: &str, name: &str, schema: &Schema) -> Result<Self, EncodeError> {
        let Ok(field) = schema.field_with_name(&self.column) else {
            return Err(EncodeError::NoSuchSource {
                tensor: tensor.to_owned(),
                name: name.to_owned(),
                remedy: self.remedy(),
            });
        };
        let refuse = |problem: String| {
            Err(EncodeError::AnnotationKind {
                tensor: tensor.to_owned(),
                name: name.to_owned(),
                problem,
            })
        };
        let is_text = *field.data_type() == DataType::Utf8;
        match &self.rule {
            Rule::Text(values) if values.is_empty() => {
                refuse("is text; give a number for each text in 'values'".to_owned())
            }
            Rule::Text(_) if !is_text => refuse("is a number; leave 'values' out".to_owned()),
            Rule::Number if is_text => {
                refuse("is text; give a number for each text in 'values'".to_owned())
            }
            Rule::Number if !is_number(field.data_type()) => refuse(format!(
                "is of type {}, which is no number",
                field.data_type()
            )),
            _ => Ok(self),
        }
    }

    fn remedy(&self) -> String {
        match self.column.split_once('.') {
            Some(("consequence", _)) => {
                "consequences on transcripts; name a bundle with gene models (--knowledge), gene models themselves (--gene-models), or --consequences from-info".to_owned()
            }
            Some(("reads", _)) => {
                "reads; name a BAM or CRAM for each patient in the samplesheet's column 'alignment'".to_owned()
            }
            Some((source, field)) => format!(
                "the field '{field}' of a knowledge source '{source}'; name a bundle that has it with --knowledge"
            ),
            None => "a knowledge source".to_owned(),
        }
    }

    pub(crate) fn array<'a>(&self, batch: &'a SiteBatch) -> Result<JoinedArray<'a>, EncodeError> {
        let array = batch.sites().column_by_name(&self.column);
        array
            .and_then(|array| JoinedArray::of(array.as_ref()))
            .ok_or(EncodeError::Internal(
                "a batch lacks a joined column of its schema",
            ))
    }

    pub(crate) fn value(&self, array: &JoinedArray<'_>, row: usize) -> Option<f64> {
        match (&self.rule, array) {
            (Rule::Number, array) => array.number(row),
            (Rule::Text(values), JoinedArray::Text(texts)) => {
                values.get(text(texts, row)?).copied()
            }
            (Rule::Term(term), JoinedArray::Text(texts)) => {
                let found = text(texts, row)?
                    .split('&')
                    .any(|own| own == term || own.strip_suffix("_variant") == Some(term.as_str()));
                Some(f64::from(u8::from(found)))
            }
            (Rule::Impact, JoinedArray::Text(texts)) => match text(texts, row)? {
                "MODIFIER" => Some(0.0),
                "LOW" => Some(1.0),
                "MODERATE" => Some(2.0),
                "HIGH" => Some(3.0),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether Ensembl's table has a term, or one that only `_variant` is missing from.
fn is_term(name: &str) -> bool {
    Term::from_name(name).is_some() || Term::from_name(&format!("{name}_variant")).is_some()
}

fn text(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

fn is_number(data_type: &DataType) -> bool {
    use DataType::{Boolean, Float32, Float64, Int32, Int64, UInt8, UInt32};
    matches!(
        data_type,
        Boolean | Float32 | Float64 | Int32 | Int64 | UInt8 | UInt32
    )
}

/// A column, its type found once for a batch.
pub(crate) enum JoinedArray<'a> {
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    UInt8(&'a UInt8Array),
    UInt32(&'a UInt32Array),
    Bool(&'a BooleanArray),
    Text(&'a StringArray),
}

impl<'a> JoinedArray<'a> {
    fn of(array: &'a dyn Array) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Float32 => Self::Float32(array.as_primitive_opt::<Float32Type>()?),
            DataType::Float64 => Self::Float64(array.as_primitive_opt::<Float64Type>()?),
            DataType::Int32 => Self::Int32(array.as_primitive_opt::<Int32Type>()?),
            DataType::Int64 => Self::Int64(array.as_primitive_opt::<Int64Type>()?),
            DataType::UInt8 => Self::UInt8(array.as_primitive_opt::<UInt8Type>()?),
            DataType::UInt32 => Self::UInt32(array.as_primitive_opt::<UInt32Type>()?),
            DataType::Boolean => Self::Bool(array.as_boolean_opt()?),
            DataType::Utf8 => Self::Text(array.as_string_opt::<i32>()?),
            _ => return None,
        })
    }

    fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Float32(array) => array.is_valid(row).then(|| f64::from(array.value(row))),
            Self::Float64(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Int32(array) => array.is_valid(row).then(|| f64::from(array.value(row))),
            // Beyond 2^53 a count loses its last digits, as any feature of 32 bits does long before.
            Self::Int64(array) => array.is_valid(row).then(|| array.value(row) as f64),
            Self::UInt8(array) => array.is_valid(row).then(|| f64::from(array.value(row))),
            Self::UInt32(array) => array.is_valid(row).then(|| f64::from(array.value(row))),
            Self::Bool(array) => array
                .is_valid(row)
                .then(|| f64::from(u8::from(array.value(row)))),
            Self::Text(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
        pairs
            .iter()
            .map(|(text, number)| ((*text).to_owned(), *number))
            .collect()
    }

    #[test]
    fn names_say_what_they_need() {
        let mut needs = NeededSources::default();
        for name in [
            "allele.is_snv",
            "info.AF",
            "gnomad.af",
            "phylop",
            "gnomad.af",
            "consequence.missense",
            "reads.depth",
        ] {
            needs.note(name);
        }
        assert!(needs.consequences && needs.reads);
        let expected = [("gnomad", "af"), ("phylop", "value")];
        assert_eq!(
            needs.knowledge,
            expected.map(|(source, field)| (source.to_owned(), field.to_owned()))
        );
        assert_eq!(Joined::parse("allele.is_snp", None), None);
        assert_eq!(Joined::parse("info.", None), None);
        assert_eq!(Joined::parse("consequence.misense", None), None);
    }

    #[test]
    fn values_of_every_rule() {
        let check = |name: &str, map: Option<&[(&str, f64)]>, text: Option<&str>, expected| {
            let map = map.map(values);
            let joined = Joined::parse(name, map.as_ref()).unwrap();
            let array = StringArray::from(vec![text]);
            let array = JoinedArray::of(&array).unwrap();
            assert_eq!(joined.value(&array, 0), expected, "{name} {text:?}");
        };
        let both = Some("missense_variant&splice_region_variant");
        check("consequence.missense", None, both, Some(1.0));
        check("consequence.splice_region_variant", None, both, Some(1.0));
        check("consequence.stop_gained", None, both, Some(0.0));
        check("consequence.missense", None, None, None);
        check("consequence.impact", None, Some("HIGH"), Some(3.0));
        let significance: &[(&str, f64)] = &[("pathogenic", 1.0), ("benign", -1.0)];
        let name = "clinvar.significance";
        check(name, Some(significance), Some("benign"), Some(-1.0));
        check(name, Some(significance), Some("other"), None);
        let numbers = Float64Array::from(vec![Some(0.25), None]);
        let array = JoinedArray::of(&numbers).unwrap();
        let joined = Joined::parse("gnomad.af", None).unwrap();
        assert_eq!(joined.value(&array, 0), Some(0.25));
        assert_eq!(joined.value(&array, 1), None);
    }

    #[test]
    fn a_column_of_the_wrong_kind_is_refused() {
        use arrow::datatypes::Field;
        let schema = Schema::new(vec![
            Field::new("gnomad.af", DataType::Float64, true),
            Field::new("clinvar.significance", DataType::Utf8, true),
        ]);
        let check = |name: &str, map: Option<&[(&str, f64)]>, part: &str| {
            let feature = AnnotationFeature {
                name: name.to_owned(),
                fill: None,
                mean: 0.0,
                std: 1.0,
                missing_flag: false,
                values: map.map(values),
            };
            let result = Joined::plan("x", &feature, &schema).unwrap();
            match result {
                Ok(_) => assert_eq!(part, "", "{name}"),
                Err(error) => {
                    assert!(
                        !part.is_empty() && error.to_string().contains(part),
                        "{error}"
                    );
                }
            }
        };
        check("gnomad.af", None, "");
        check("gnomad.af", Some(&[("a", 1.0)]), "leave 'values' out");
        check("clinvar.significance", None, "'values'");
        check("clinvar.significance", Some(&[("benign", 0.0)]), "");
        check("gene.loeuf", None, "knowledge source 'gene'");
        check("consequence.missense", None, "gene models");
        check("reads.depth", None, "BAM or CRAM");
    }
}
