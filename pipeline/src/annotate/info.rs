//! INFO fields that `varisk annotate` adds: `CSQ` with the consequences, and `<source>_<field>` for
//! each field of a knowledge source.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema};
use varisk_annotate::columns::{ALL, CSQ_TEXT};
use varisk_annotate::{CsqWriter, csq_header_format};
use varisk_core::{SiteBatch, columns as c};
use varisk_readers::escape_info_value;
use varisk_report::SourceRecord;

use crate::annotation::is_annotation;
use crate::exit::Refusal;

/// INFO field with them.
const CSQ: &str = "CSQ";

/// The columns that become INFO fields.
pub(super) struct InfoColumns {
    has_consequences: bool,
    /// Column, INFO field, type.
    fields: Vec<(String, String, DataType)>,
}

impl InfoColumns {
    /// The columns of a schema.
    ///
    /// # Errors
    /// Two columns would have one INFO field.
    pub(super) fn try_new(schema: &Schema) -> anyhow::Result<Self> {
        let columns = Self::of(schema);
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (column, field, _) in &columns.fields {
            if let Some(other) = seen.insert(field, column) {
                return Err(Refusal::Usage(format!("'{other}' and '{column}' would both be the INFO field {field}; choose one with --sources, or write Parquet")).into());
            }
        }
        Ok(columns)
    }

    /// The columns of a schema that [`InfoColumns::try_new`] has taken.
    pub(super) fn of(schema: &Schema) -> Self {
        let fields = schema.fields().iter().filter(|field| {
            is_annotation(field.name()) && !field.name().starts_with(c::CONSEQUENCE_PREFIX)
        });
        Self {
            has_consequences: [ALL, CSQ_TEXT]
                .iter()
                .any(|name| schema.field_with_name(name).is_ok()),
            fields: fields
                .map(|field| {
                    (
                        field.name().clone(),
                        field.name().replacen('.', "_", 1),
                        field.data_type().clone(),
                    )
                })
                .collect(),
        }
    }

    /// Lines that define the fields and name the sources.
    pub(super) fn header_lines(&self, sources: &[SourceRecord]) -> Vec<String> {
        let mut lines = vec![format!(
            "##varisk_annotate=<ID=varisk,Version={}>",
            env!("CARGO_PKG_VERSION")
        )];
        for source in sources {
            lines.push(format!(
                "##varisk_source=<ID={},Kind={},Release=\"{}\",SHA256={}>",
                source.name,
                source.kind,
                source.release.replace('"', "'"),
                source.sha256
            ));
        }
        if self.has_consequences {
            lines.push(format!("##INFO=<ID={CSQ},Number=.,Type=String,Description=\"Consequence annotations from varisk. Format: {}\">", csq_header_format()));
        }
        for (column, field, data_type) in &self.fields {
            let kind = match data_type {
                DataType::Float64 => "Float",
                DataType::Int64 | DataType::Boolean => "Integer",
                _ => "String",
            };
            let source = column.split('.').next().unwrap_or_default();
            let release = sources
                .iter()
                .find(|record| record.name == source)
                .map_or("", |record| record.release.as_str())
                .replace('"', "'");
            lines.push(format!("##INFO=<ID={field},Number=A,Type={kind},Description=\"{column}, release {release}, by allele\">"));
        }
        lines
    }

    /// The columns of a batch.
    pub(super) fn values<'b>(&'b self, batch: &'b SiteBatch) -> anyhow::Result<InfoValues<'b>> {
        let consequences = if self.has_consequences {
            Some(CsqWriter::try_new(batch)?)
        } else {
            None
        };
        let columns = self
            .fields
            .iter()
            .map(|(column, field, _)| {
                let array = batch.sites().column_by_name(column).ok_or_else(|| {
                    Refusal::Software(format!(
                        "internal error: batch has no column '{column}'; please report this"
                    ))
                })?;
                Ok((field.as_str(), array))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let texts = vec![String::new(); columns.len() + 1];
        Ok(InfoValues {
            consequences,
            columns,
            texts,
        })
    }
}

/// Values of a batch, record by record.
pub(super) struct InfoValues<'b> {
    consequences: Option<CsqWriter<'b>>,
    columns: Vec<(&'b str, &'b ArrayRef)>,
    /// Room for the value of each column, and of `CSQ` last.
    texts: Vec<String>,
}

impl InfoValues<'_> {
    /// The fields of a record that has these rows, in the order of its alternates; a field without a
    /// value at any of them is empty.
    pub(super) fn of_record(&mut self, rows: Range<usize>) -> anyhow::Result<Vec<(&str, &str)>> {
        self.texts.iter_mut().for_each(String::clear);
        if let (Some(consequences), Some(text)) = (&self.consequences, self.texts.last_mut()) {
            for row in rows.clone() {
                let before = text.len();
                if before > 0 {
                    text.push(',');
                }
                let start = text.len();
                consequences.write(row, text);
                if text.len() == start {
                    text.truncate(before);
                }
            }
        }
        for ((_, array), text) in self.columns.iter().zip(&mut self.texts) {
            if rows.clone().all(|row| array.is_null(row)) {
                continue;
            }
            for row in rows.clone() {
                if row > rows.start {
                    text.push(',');
                }
                write_value(array, row, text);
            }
        }
        let names = self.columns.iter().map(|(name, _)| *name);
        let consequences = self.consequences.is_some().then_some(CSQ);
        Ok(names
            .chain(consequences)
            .zip(self.texts.iter().map(String::as_str))
            .collect())
    }
}

fn write_value(array: &ArrayRef, row: usize, out: &mut String) {
    if array.is_null(row) {
        out.push('.');
        return;
    }
    // Writing to a string cannot fail.
    let _ = match array.data_type() {
        DataType::Float64 => write!(out, "{}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => write!(out, "{}", array.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => write!(out, "{}", u8::from(array.as_boolean().value(row))),
        DataType::Utf8 => {
            let text = array.as_string::<i32>().value(row);
            // By far the most texts need nothing.
            if text
                .bytes()
                .all(|byte| byte > b' ' && !b"%,;=\x7f".contains(&byte))
            {
                out.push_str(text);
            } else {
                out.push_str(&escaped(text));
            }
            Ok(())
        }
        _ => write!(out, "."),
    };
}

/// A text as INFO value. What a source wrote percent-encoded stays so.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        out.push_str(&escape_info_value(before));
        let is_code = from
            .get(1..3)
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        out.push_str(if is_code { "%" } else { "%25" });
        rest = &from[1..];
    }
    out.push_str(&escape_info_value(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_once() {
        let check = |text: &str, expected: &str| assert_eq!(escaped(text), expected, "{text}");
        check("plain", "plain");
        check("a,b;c=d e", "a%2Cb%3Bc%3Dd%20e");
        check("a%2Cb", "a%2Cb");
        check("5%", "5%25");
        check("50%é", "50%25é");
    }
}
