//! Reported alleles with what is known of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};

use super::PatientRow;
use crate::columns::Columns;
use crate::{DossierError, TableRows};

/// What a stage or source says of an allele.
#[derive(Clone, Debug, PartialEq)]
pub enum AnnotationValue {
    /// Words.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

/// What is known of an allele: column and value, in the order of the table; columns without a value
/// are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations(Vec<(Arc<str>, AnnotationValue)>);

impl Annotations {
    /// Annotations from pairs, for tests of those who use them.
    #[must_use]
    pub fn from_pairs(pairs: Vec<(Arc<str>, AnnotationValue)>) -> Self {
        Self(pairs)
    }

    /// All of them, such as `consequence.gene` with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AnnotationValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The value of a column.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AnnotationValue> {
        self.iter()
            .find_map(|(own, value)| (own == name).then_some(value))
    }

    /// The text of a column.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            AnnotationValue::Text(text) => Some(text),
            AnnotationValue::Number(_) | AnnotationValue::Flag(_) => None,
        }
    }

    /// The number of a column.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.get(name)? {
            AnnotationValue::Number(number) => Some(*number),
            AnnotationValue::Text(_) | AnnotationValue::Flag(_) => None,
        }
    }

    /// The greatest allele frequency (0 to 1) that a source gives, with its column: fields called `af`
    /// or with `af_` before or `_af` after the name of a group of people.
    #[must_use]
    pub fn frequency(&self) -> Option<(&str, f64)> {
        self.iter()
            .filter_map(|(name, value)| match value {
                AnnotationValue::Number(number) => {
                    let (_, field) = name.split_once('.')?;
                    let field = field.to_ascii_lowercase();
                    let is_frequency =
                        field == "af" || field.starts_with("af_") || field.ends_with("_af");
                    (is_frequency && (0.0..=1.0).contains(number)).then_some((name, *number))
                }
                AnnotationValue::Text(_) | AnnotationValue::Flag(_) => None,
            })
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// A row of `findings.parquet` or `known_variants.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Identifier of the patient.
    pub patient: String,
    /// Variant model and its output; none where a source, not a model, reports the allele.
    pub model: Option<String>,
    /// Output of that model.
    pub output: Option<String>,
    /// 1 for the riskiest allele of the patient by that output.
    pub rank: Option<u32>,
    /// Knowledge source that reports the allele; none where a model does.
    pub source: Option<String>,
    /// The source's word for it.
    pub significance: Option<String>,
    /// Contig, by the reference's name.
    pub contig: String,
    /// Position of the normalised allele, 1-based.
    pub position: u32,
    /// Normalised REF.
    pub reference: String,
    /// Normalised ALT.
    pub alternate: String,
    /// POS of the input record, 1-based.
    pub input_position: u32,
    /// REF of the input record.
    pub input_reference: String,
    /// This allele's ALT in the input record.
    pub input_alternate: String,
    /// ID of the input record.
    pub id: Option<String>,
    /// FILTER of the input record.
    pub filter: Option<String>,
    /// The call seen from this allele: 0 reference, 1 this allele, 2 another alternate, `.` not called.
    pub genotype: String,
    /// Copies that count.
    pub dosage: Option<u32>,
    /// What the call rests on: `record` or `reads`.
    pub origin: String,
    /// Reads at the site after filters; none where no reads were given.
    pub depth: Option<u32>,
    /// Reads with the reference allele.
    pub reference_depth: Option<u32>,
    /// Reads with the allele.
    pub alternate_depth: Option<u32>,
    /// The model's score.
    pub score: Option<f64>,
    /// Dosage times score.
    pub contribution: Option<f64>,
    /// What is known of the allele.
    pub annotations: Annotations,
    /// Releases of the sources behind the annotations.
    pub releases: Option<String>,
}

impl Finding {
    /// Whether two rows are of one allele of one record.
    #[must_use]
    pub fn is_same_allele(&self, other: &Self) -> bool {
        self.position == other.position
            && self.contig == other.contig
            && self.reference == other.reference
            && self.alternate == other.alternate
    }
}

impl PatientRow for Finding {
    fn patient(&self) -> &str {
        &self.patient
    }

    fn read(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Self>, DossierError> {
        let c = Columns::new(batch, table);
        let (patient, model, output) = (c.text("patient")?, c.text("model")?, c.text("output")?);
        let (rank, source) = (c.count("rank")?, c.text("source")?);
        let significance = c.text("significance")?;
        let (contig, position) = (c.text("contig")?, c.count("position")?);
        let (reference, alternate) = (c.text("ref")?, c.text("alt")?);
        let input_position = c.count("input_position")?;
        let (input_ref, input_alt) = (c.text("input_ref")?, c.text("input_alt")?);
        let (id, filter) = (c.text("id")?, c.text("filter")?);
        let (genotype, dosage) = (c.text("genotype")?, c.count("dosage")?);
        let origin = c.text("origin")?;
        let (depth, ref_depth) = (c.count("depth")?, c.count("ref_depth")?);
        let alt_depth = c.count("alt_depth")?;
        let (score, contribution) = (c.number("score")?, c.number("contribution")?);
        let releases = c.text("knowledge_releases")?;
        let mut annotations = annotations(batch, table)?;
        (0..c.rows())
            .map(|row| {
                Ok(Self {
                    patient: c.required(patient.get(row), "patient")?,
                    model: model.get(row),
                    output: output.get(row),
                    rank: rank.small(row),
                    source: source.get(row),
                    significance: significance.get(row),
                    contig: c.required(contig.get(row), "contig")?,
                    position: c.required(position.small(row), "position")?,
                    reference: c.required(reference.get(row), "ref")?,
                    alternate: c.required(alternate.get(row), "alt")?,
                    input_position: c.required(input_position.small(row), "input_position")?,
                    input_reference: c.required(input_ref.get(row), "input_ref")?,
                    input_alternate: c.required(input_alt.get(row), "input_alt")?,
                    id: id.get(row),
                    filter: filter.get(row),
                    genotype: c.required(genotype.get(row), "genotype")?,
                    dosage: dosage.small(row),
                    origin: c.required(origin.get(row), "origin")?,
                    depth: depth.small(row),
                    reference_depth: ref_depth.small(row),
                    alternate_depth: alt_depth.small(row),
                    score: score.get(row),
                    contribution: contribution.get(row),
                    annotations: std::mem::take(&mut annotations[row]),
                    releases: releases.get(row),
                })
            })
            .collect()
    }
}

/// Annotations of each row.
fn annotations(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Annotations>, DossierError> {
    let mut rows = vec![Annotations::default(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !field.name().contains('.') {
            continue;
        }
        let name: Arc<str> = field.name().as_str().into();
        for (row, value) in values(column)
            .map_err(|error| table.damaged(format!("column {name}: {error}")))?
            .into_iter()
            .enumerate()
        {
            if let Some(value) = value {
                rows[row].0.push((Arc::clone(&name), value));
            }
        }
    }
    Ok(rows)
}

fn values(column: &ArrayRef) -> Result<Vec<Option<AnnotationValue>>, arrow::error::ArrowError> {
    let kind = column.data_type();
    if let Some(texts) = column.as_string_opt::<i32>() {
        let text = |text: &str| AnnotationValue::Text(text.to_owned());
        return Ok(texts.iter().map(|value| value.map(text)).collect());
    }
    if let Some(flags) = column.as_boolean_opt() {
        return Ok(flags
            .iter()
            .map(|value| value.map(AnnotationValue::Flag))
            .collect());
    }
    if kind.is_numeric() {
        // A frequency that a source gives as a 32-bit float is shown with the digits it was given.
        if let Some(floats) = column.as_primitive_opt::<arrow::datatypes::Float32Type>() {
            return Ok(floats
                .iter()
                .map(|value| Some(AnnotationValue::Number(value?.to_string().parse().ok()?)))
                .collect());
        }
        let numbers = cast(column, &DataType::Float64)?;
        let numbers = numbers.as_primitive::<Float64Type>();
        return Ok(numbers
            .iter()
            .map(|value| value.map(AnnotationValue::Number))
            .collect());
    }
    // Lists stay in the variants table.
    Ok(vec![None; column.len()])
}
