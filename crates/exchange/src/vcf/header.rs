//! What the header declares.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, UInt32Type};
use varisk_dossier::TableRows;
use varisk_report::RunRecord;

use super::info::{self, InfoField, InfoType};
use super::{ContigLength, FIXED, Records, filter_key};
use crate::ExchangeError;
use crate::cell::is_known;
use crate::text::visible;

/// Contigs, filters and INFO fields of the table.
#[derive(Default)]
pub(super) struct Header {
    contigs: Vec<String>,
    seen: HashSet<String>,
    /// Position of the last allele that was seen.
    position: u32,
    filters: BTreeSet<String>,
    fields: Vec<InfoField>,
}

impl Header {
    /// Declares the columns of a file of the table.
    pub(super) fn add_columns(&mut self, source: &TableRows) -> Result<(), ExchangeError> {
        for field in source.schema().fields() {
            let name = field.name();
            if FIXED.contains(&name.as_str()) || self.fields.iter().any(|own| own.column == *name) {
                continue;
            }
            if !is_known(field.data_type()) {
                return Err(ExchangeError::Kind {
                    path: source.path().to_owned(),
                    column: name.clone(),
                    kind: field.data_type().to_string(),
                });
            }
            let info = self.declare(field);
            self.fields.push(info);
        }
        Ok(())
    }

    fn declare(&self, field: &Field) -> InfoField {
        let name = field.name();
        let key: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let key = format!("VARISK_{key}");
        // Two columns may differ only in what a key cannot hold.
        let is_free = |key: &str| self.fields.iter().all(|own| own.key != *key);
        let key = std::iter::once(key.clone())
            .chain((2..).map(|number| format!("{key}_{number}")))
            .find(|key| is_free(key))
            .unwrap_or(key);
        let source = field
            .metadata()
            .get("source")
            .map_or(String::new(), |source| format!(", source {source}"));
        let (kind, number, form) = match field.data_type() {
            DataType::List(item) => match item.data_type() {
                DataType::Struct(parts) => {
                    // bcftools +split-vep looks for the terms under VEP's name for them.
                    let names: Vec<&str> = parts
                        .iter()
                        .map(|part| match part.name().as_str() {
                            "terms" => "Consequence",
                            name => name,
                        })
                        .collect();
                    (
                        InfoType::String,
                        ".",
                        format!(". Format: {}", names.join("|")),
                    )
                }
                item => (info_type(item), ".", String::new()),
            },
            kind => (info_type(kind), "1", String::new()),
        };
        InfoField {
            column: name.clone(),
            key,
            kind,
            number,
            description: format!("column {name} of variants.parquet{source}{form}"),
        }
    }

    /// Looks at a batch for what the header must declare.
    pub(super) fn observe(&mut self, records: &Records<'_>) -> Result<(), ExchangeError> {
        let contigs = records.contig.as_string::<i32>();
        let positions = records.position.as_primitive::<UInt32Type>();
        for (contig, position) in contigs.iter().flatten().zip(positions.values()) {
            let is_next = self.contigs.last().is_some_and(|last| last == contig);
            // A table in parts by something else than contigs gives a file that cannot be indexed.
            let is_back = if is_next {
                *position < self.position
            } else {
                self.seen.contains(contig)
            };
            if is_back {
                return Err(ExchangeError::Order {
                    path: records.source.path().to_owned(),
                });
            }
            self.position = *position;
            if !is_next {
                if !is_contig(contig) {
                    return Err(ExchangeError::Contig {
                        name: contig.to_owned(),
                    });
                }
                self.seen.insert(contig.to_owned());
                self.contigs.push(contig.to_owned());
            }
        }
        for row in 0..records.batch.num_rows() {
            for filter in records.filters(row).filter(|filter| *filter != "PASS") {
                if !self.filters.contains(filter) {
                    self.filters.insert(filter.to_owned());
                }
            }
        }
        for field in &mut self.fields {
            if let Some(column) = records.batch.column_by_name(&field.column)
                && field.kind == InfoType::Integer
                && !info::fits(column)
            {
                // The integers of VCF have 32 bits: a larger one would be lost on reading.
                field.kind = InfoType::String;
            }
        }
        Ok(())
    }

    pub(super) fn write(
        &self,
        record: &RunRecord,
        lengths: &[ContigLength],
        out: &mut dyn Write,
    ) -> Result<(), ExchangeError> {
        let text = |text: &str| visible(text).into_owned();
        writeln!(out, "##fileformat=VCFv4.3")?;
        writeln!(out, "##source=varisk {}", text(&record.varisk))?;
        writeln!(out, "##varisk_notice={}", text(&record.notice))?;
        writeln!(out, "##varisk_genome_build={}", text(&record.genome_build))?;
        writeln!(out, "##varisk_plan_sha256={}", text(&record.plan_sha256))?;
        for model in &record.models {
            writeln!(
                out,
                "##varisk_model=<ID={},Version=\"{}\",SHA256=\"{}\">",
                identifier(&model.name),
                quoted(&model.version),
                quoted(&model.sha256)
            )?;
        }
        for source in &record.knowledge {
            writeln!(
                out,
                "##varisk_source=<ID={},Release=\"{}\",SHA256=\"{}\">",
                identifier(&source.name),
                quoted(&source.release),
                quoted(&source.sha256)
            )?;
        }
        for contig in &self.contigs {
            match lengths.iter().find(|own| own.name == *contig) {
                Some(own) => writeln!(out, "##contig=<ID={contig},length={}>", own.length)?,
                None => writeln!(out, "##contig=<ID={contig}>")?,
            }
        }
        writeln!(out, "##FILTER=<ID=PASS,Description=\"All filters passed\">")?;
        let keys: BTreeSet<String> = self.filters.iter().map(|text| filter_key(text)).collect();
        for key in keys {
            writeln!(
                out,
                "##FILTER=<ID={key},Description=\"FILTER of the input record\">"
            )?;
        }
        for field in &self.fields {
            writeln!(
                out,
                "##INFO=<ID={},Number={},Type={},Description=\"{}\">",
                field.key,
                field.number,
                field.kind.name(),
                quoted(&field.description)
            )?;
        }
        writeln!(out, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")?;
        Ok(())
    }

    /// The columns of a batch that become INFO.
    pub(super) fn columns<'h>(&'h self, records: &Records<'h>) -> InfoColumns<'h> {
        let columns = self.fields.iter().filter_map(|field| {
            let column = records.batch.column_by_name(&field.column)?;
            Some((field, column))
        });
        InfoColumns {
            source: records.source,
            columns: columns.collect(),
        }
    }
}

/// The columns of a batch that become INFO.
pub(super) struct InfoColumns<'h> {
    source: &'h TableRows,
    columns: Vec<(&'h InfoField, &'h ArrayRef)>,
}

impl InfoColumns<'_> {
    /// INFO of a record.
    pub(super) fn push_info(&self, row: usize, line: &mut String) -> Result<(), ExchangeError> {
        let start = line.len();
        for (field, column) in &self.columns {
            if column.is_null(row) {
                continue;
            }
            let before = line.len();
            if line.len() > start {
                line.push(';');
            }
            line.push_str(&field.key);
            line.push('=');
            let is_written =
                info::push_value(column, row, line).ok_or_else(|| ExchangeError::Kind {
                    path: self.source.path().to_owned(),
                    column: field.column.clone(),
                    kind: column.data_type().to_string(),
                })?;
            if !is_written {
                line.truncate(before);
            }
        }
        if line.len() == start {
            line.push('.');
        }
        Ok(())
    }
}

fn info_type(kind: &DataType) -> InfoType {
    match kind {
        DataType::Float32 | DataType::Float64 => InfoType::Float,
        DataType::Boolean => InfoType::Integer,
        kind if kind.is_integer() => InfoType::Integer,
        _ => InfoType::String,
    }
}

/// Names that VCF 4.3 allows for contigs (section 1.4.7).
fn is_contig(name: &str) -> bool {
    let is_good = |c: char| c.is_ascii_graphic() && !"\\,\"`'()[]{}<>".contains(c);
    !name.is_empty() && !name.starts_with(['*', '=']) && name.chars().all(is_good)
}

/// The identifier of a header line.
fn identifier(text: &str) -> String {
    let is_bad = |c: char| !c.is_ascii_graphic() || "<>,=\"".contains(c);
    text.replace(is_bad, "_")
}

/// A text between the quotation marks of a header line.
fn quoted(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace('"', "\\\"")
}
