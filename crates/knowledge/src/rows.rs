//! Rows of a table in the making, before they are sorted.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Float64Builder, Int64Builder, StringBuilder,
    UInt32Builder, UInt64Builder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use crate::{FieldType, KnowledgeError};

/// Columns that rows are sorted by, in front of their fields.
pub(crate) const KEY_COLUMNS: usize = 5;
/// Sorts behind every key: an allele that has none.
pub(crate) const NO_KEY: u64 = u64::MAX;

/// Where a row stands. `second` is the `VariantKey` of an allele or the last base of an interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowKey<'a> {
    pub(crate) rank: u32,
    pub(crate) start: u32,
    pub(crate) second: u64,
    pub(crate) reference: &'a str,
    pub(crate) alternate: &'a str,
}

/// A field of a source, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputField {
    pub(crate) name: String,
    pub(crate) field_type: FieldType,
    pub(crate) from: Option<String>,
    pub(crate) meaning: String,
}

/// Schema of unsorted rows.
pub(crate) fn row_schema(fields: &[OutputField]) -> Result<SchemaRef, KnowledgeError> {
    let mut columns = vec![
        Field::new("rank", DataType::UInt32, false),
        Field::new("start", DataType::UInt32, false),
        Field::new("second", DataType::UInt64, false),
        Field::new("ref", DataType::Utf8, false),
        Field::new("alt", DataType::Utf8, false),
    ];
    for field in fields {
        let data_type = field
            .field_type
            .data_type()
            .ok_or_else(|| KnowledgeError::Misuse {
                name: field.name.clone(),
                detail: "has a type that fields cannot have".to_owned(),
            })?;
        columns.push(Field::new(&field.name, data_type, true));
    }
    Ok(Arc::new(Schema::new(columns)))
}

/// One field's values.
pub(crate) enum FieldBuilder {
    Float(Float64Builder),
    Integer(Int64Builder),
    Text(StringBuilder),
    Flag(BooleanBuilder),
    Score(Float32Builder),
}

impl FieldBuilder {
    pub(crate) fn new(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Float => Self::Float(Float64Builder::new()),
            FieldType::Integer => Self::Integer(Int64Builder::new()),
            FieldType::Text | FieldType::Other => Self::Text(StringBuilder::new()),
            FieldType::Flag => Self::Flag(BooleanBuilder::new()),
            FieldType::Score => Self::Score(Float32Builder::new()),
        }
    }

    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Float(builder) => builder.append_null(),
            Self::Integer(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
            Self::Flag(builder) => builder.append_null(),
            Self::Score(builder) => builder.append_null(),
        }
    }

    /// Appends a value as it is written.
    ///
    /// # Errors
    /// A clause: the text is not of the type.
    pub(crate) fn push_text(&mut self, text: &str) -> Result<(), String> {
        let refuse = |kind: &str| Err(format!("'{}' is no {kind}", shorten(text)));
        match self {
            Self::Text(builder) => builder.append_option((!is_missing_text(text)).then_some(text)),
            Self::Flag(builder) => match text {
                "" | "." => builder.append_null(),
                _ => match text.to_ascii_lowercase().as_str() {
                    "1" | "true" | "yes" => builder.append_value(true),
                    "0" | "false" | "no" => builder.append_value(false),
                    _ => return refuse("flag (1, 0, true, false, yes, no)"),
                },
            },
            _ if is_missing_number(text) => self.push_null(),
            Self::Float(builder) => match text.parse::<f64>() {
                Ok(value) => builder.append_value(value),
                Err(_) => return refuse("number; make the field a text, or correct it"),
            },
            Self::Integer(builder) => match text.parse() {
                Ok(value) => builder.append_value(value),
                Err(_) => return refuse("whole number; make the field a float or a text"),
            },
            Self::Score(builder) => match text.parse() {
                Ok(value) => builder.append_value(value),
                Err(_) => return refuse("number"),
            },
        }
        Ok(())
    }

    pub(crate) fn push_flag(&mut self, value: bool) {
        if let Self::Flag(builder) = self {
            builder.append_value(value);
        } else {
            self.push_null();
        }
    }

    pub(crate) fn push_float(&mut self, value: f64) {
        if let Self::Float(builder) = self {
            builder.append_option((!value.is_nan()).then_some(value));
        } else {
            self.push_null();
        }
    }

    pub(crate) fn push_score(&mut self, value: Option<f32>) {
        if let Self::Score(builder) = self {
            builder.append_option(value);
        } else {
            self.push_null();
        }
    }

    pub(crate) fn push_integer(&mut self, value: Option<i64>) {
        if let Self::Integer(builder) = self {
            builder.append_option(value);
        } else {
            self.push_null();
        }
    }

    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Flag(builder) => Arc::new(builder.finish()),
            Self::Score(builder) => Arc::new(builder.finish()),
        }
    }
}

/// What VCF and tables write for no text.
fn is_missing_text(text: &str) -> bool {
    matches!(text, "" | ".")
}

/// What VCF and tables write for no number.
fn is_missing_number(text: &str) -> bool {
    matches!(text, "" | "." | "-")
        || text.eq_ignore_ascii_case("na")
        || text.eq_ignore_ascii_case("n/a")
        || text.eq_ignore_ascii_case("nan")
}

/// A value short enough for a message.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN: usize = 30;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Rows that wait to be sorted.
pub(crate) struct RowBuffer {
    schema: SchemaRef,
    rank: UInt32Builder,
    start: UInt32Builder,
    second: UInt64Builder,
    reference: StringBuilder,
    alternate: StringBuilder,
    pub(crate) fields: Vec<FieldBuilder>,
    rows: usize,
}

impl RowBuffer {
    pub(crate) fn try_new(fields: &[OutputField]) -> Result<Self, KnowledgeError> {
        Ok(Self {
            schema: row_schema(fields)?,
            rank: UInt32Builder::new(),
            start: UInt32Builder::new(),
            second: UInt64Builder::new(),
            reference: StringBuilder::new(),
            alternate: StringBuilder::new(),
            fields: fields
                .iter()
                .map(|field| FieldBuilder::new(field.field_type))
                .collect(),
            rows: 0,
        })
    }

    /// Starts a row; each field must then get its value.
    pub(crate) fn push_key(&mut self, key: RowKey<'_>) {
        self.rank.append_value(key.rank);
        self.start.append_value(key.start);
        self.second.append_value(key.second);
        self.reference.append_value(key.reference);
        self.alternate.append_value(key.alternate);
        self.rows += 1;
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of text and numbers, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let text: usize = self
            .fields
            .iter()
            .map(|field| match field {
                FieldBuilder::Text(builder) => builder.values_slice().len(),
                _ => 0,
            })
            .sum();
        text + self.reference.values_slice().len()
            + self.alternate.values_slice().len()
            + self.rows * (24 + 9 * self.fields.len())
    }

    /// Takes the rows out.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, KnowledgeError> {
        self.rows = 0;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.rank.finish()),
            Arc::new(self.start.finish()),
            Arc::new(self.second.finish()),
            Arc::new(self.reference.finish()),
            Arc::new(self.alternate.finish()),
        ];
        columns.extend(self.fields.iter_mut().map(FieldBuilder::finish));
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_they_are_written() {
        let check = |field_type, text: &str, expected: Result<&str, &str>| {
            let mut builder = FieldBuilder::new(field_type);
            let found = builder.push_text(text).map(|()| {
                let array = builder.finish();
                arrow::util::display::array_value_to_string(&array, 0).unwrap()
            });
            match expected {
                Ok(value) => assert_eq!(found.as_deref(), Ok(value), "{text}"),
                Err(part) => assert!(found.unwrap_err().contains(part), "{text}"),
            }
        };
        check(FieldType::Float, "1e-5", Ok("0.00001"));
        check(FieldType::Float, ".", Ok(""));
        check(FieldType::Float, "NaN", Ok(""));
        check(FieldType::Float, "0.1,0.2", Err("no number"));
        check(FieldType::Integer, "12", Ok("12"));
        check(FieldType::Integer, "NA", Ok(""));
        check(FieldType::Integer, "1.5", Err("whole number"));
        check(FieldType::Text, ".", Ok(""));
        check(FieldType::Text, "-", Ok("-"));
        check(FieldType::Flag, "1", Ok("true"));
        check(FieldType::Flag, "No", Ok("false"));
        check(FieldType::Flag, "2", Err("no flag"));
    }
}
