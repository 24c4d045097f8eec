//! Consequences that a file already carries: `CSQ` of VEP, `ANN` of SnpEff, `BCSQ` of bcftools.
//!
//! The same columns are filled as from gene models; what a format does not say is null.

mod entry;
mod format;
mod naming;

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::datatypes::{SchemaRef, UInt16Type, UInt32Type};
use varisk_core::{BatchError, SiteBatch, Stage, StageError, Worker, columns as site};

pub use format::{InfoFormat, InfoKind};

use crate::AnnotateError;
use crate::columns::{ConsequenceColumns, with_consequences};
use crate::line::Line;
use entry::{AlleleMatch, Entry};

const NAME: &str = "consequences from INFO";

/// Adds the consequences that an INFO field holds. The batch needs the field's text as column
/// `text.CSQ`, `text.ANN` or `text.BCSQ`.
pub struct FromInfoStage {
    format: InfoFormat,
}

impl FromInfoStage {
    /// A stage for a field by the Description of its header line.
    ///
    /// # Errors
    /// The Description names no fields, or none for the consequence or (but for `BCSQ`) the allele.
    pub fn try_new(kind: InfoKind, header_description: &str) -> Result<Self, AnnotateError> {
        Ok(Self {
            format: InfoFormat::parse(kind, header_description)?,
        })
    }

    /// Name of the column that is read.
    #[must_use]
    pub fn input_column(&self) -> String {
        format!("{}{}", site::TEXT_PREFIX, self.format.kind().field())
    }
}

impl Stage for FromInfoStage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn output_schema(&self, input: &SchemaRef) -> Result<SchemaRef, StageError> {
        let name = self.input_column();
        if input.column_with_name(&name).is_none() {
            return Err(StageError::new(
                NAME,
                BatchError::Column {
                    name,
                    expected: "Utf8",
                },
            ));
        }
        Ok(with_consequences(input, false))
    }

    fn worker(&self) -> Result<Box<dyn Worker>, StageError> {
        Ok(Box::new(FromInfoWorker {
            format: self.format.clone(),
            column: self.input_column(),
        }))
    }
}

struct FromInfoWorker {
    format: InfoFormat,
    column: String,
}

impl Worker for FromInfoWorker {
    fn process(&mut self, batch: SiteBatch) -> Result<SiteBatch, StageError> {
        let added = self.columns(&batch)?;
        Ok(batch.with_columns(added)?)
    }
}

impl FromInfoWorker {
    fn columns(&self, batch: &SiteBatch) -> Result<Vec<(String, ArrayRef)>, BatchError> {
        let texts = batch.text(&self.column)?;
        let references = batch.text(site::INPUT_REFERENCE)?;
        let alternates = batch.text(site::INPUT_ALTERNATE)?;
        let indices = batch.numbers::<UInt16Type>(site::ALTERNATE_INDEX)?;
        let (of_row, records) = records(batch, texts)?;
        let mut columns = ConsequenceColumns::new();
        for row in 0..batch.len() {
            if texts.is_null(row) || alternates.is_null(row) {
                columns.end_row(None);
                continue;
            }
            let allele = AlleleMatch {
                reference: references.value(row),
                alternate: alternates.value(row),
                index: indices.value(row),
                alternates: of_row
                    .get(row)
                    .and_then(|number| records.get(*number))
                    .map_or(&[], Vec::as_slice),
            };
            let entries = entry::of_allele(&self.format, texts.value(row), &allele);
            let chosen = most_severe(&entries);
            for (index, entry) in entries.iter().enumerate() {
                columns.line(&entry.line(), chosen == Some(index));
            }
            let hgvsg = entries.iter().find_map(Entry::hgvsg);
            columns.end_row(hgvsg);
        }
        Ok(columns.finish()?)
    }
}

/// For each row its record, and for each record its alternates, as far as the batch shows them: a
/// batch holds all rows of a position.
fn records<'a>(
    batch: &'a SiteBatch,
    texts: &'a StringArray,
) -> Result<(Vec<usize>, Vec<Vec<&'a str>>), BatchError> {
    let contigs = batch.contig_column()?;
    let positions = batch.numbers::<UInt32Type>(site::INPUT_POSITION)?;
    let references = batch.text(site::INPUT_REFERENCE)?;
    let alternates = batch.text(site::INPUT_ALTERNATE)?;
    let mut numbers: HashMap<_, usize> = HashMap::new();
    let mut records: Vec<Vec<&str>> = Vec::new();
    let mut of_row = Vec::with_capacity(batch.len());
    for row in 0..batch.len() {
        let text = texts.is_valid(row).then(|| texts.value(row));
        let place = (contigs.value(row), positions.value(row));
        let number = *numbers
            .entry((place, references.value(row), text))
            .or_insert_with(|| {
                records.push(Vec::new());
                records.len() - 1
            });
        if let Some(record) = records.get_mut(number)
            && alternates.is_valid(row)
            && !record.contains(&alternates.value(row))
        {
            record.push(alternates.value(row));
        }
        of_row.push(number);
    }
    Ok((of_row, records))
}

/// The chosen line, by the order of [`crate::most_severe`]; the length of the coding sequence is
/// not known here.
fn most_severe(entries: &[Entry<'_>]) -> Option<usize> {
    let key = |line: &Line<'_>| {
        (
            line.rank.unwrap_or(u8::MAX),
            line.mane != Some(true),
            line.canonical != Some(true),
            line.biotype != Some("protein_coding"),
            line.support_level.unwrap_or(u8::MAX),
        )
    };
    (0..entries.len()).min_by(|a, b| {
        let (Some(a), Some(b)) = (entries.get(*a), entries.get(*b)) else {
            return std::cmp::Ordering::Equal;
        };
        let (a, b) = (a.line(), b.line());
        key(&a)
            .cmp(&key(&b))
            .then_with(|| a.transcript.cmp(&b.transcript))
    })
}

#[cfg(test)]
mod tests;
