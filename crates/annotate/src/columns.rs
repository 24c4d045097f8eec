//! The columns of consequences that a stage adds, and how they are built.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, StringBuilder, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use varisk_core::columns::CONSEQUENCE_PREFIX;

use crate::line::{ColumnBuilder, FIELDS, Line, Value, line_fields};

/// Most severe term of the chosen line (`Utf8`).
pub const TERM: &str = "consequence.term";
/// All terms of the chosen line, most severe first, joined by `&` (`Utf8`).
pub const TERMS: &str = "consequence.terms";
/// Ensembl's rank of the most severe term, 1 the most severe; null for a term that Ensembl's table
/// does not have (`UInt8`).
pub const RANK: &str = "consequence.rank";
/// Ensembl's rating: `HIGH`, `MODERATE`, `LOW` or `MODIFIER` (`Utf8`).
pub const IMPACT: &str = "consequence.impact";
/// Gene symbol (`Utf8`).
pub const GENE: &str = "consequence.gene";
/// Identifier of the gene (`Utf8`).
pub const GENE_ID: &str = "consequence.gene_id";
/// Identifier of the transcript, with its version where known (`Utf8`).
pub const TRANSCRIPT: &str = "consequence.transcript";
/// Biotype of the transcript (`Utf8`).
pub const BIOTYPE: &str = "consequence.biotype";
/// Whether the transcript is MANE Select (`Boolean`).
pub const MANE: &str = "consequence.mane";
/// Whether the transcript is Ensembl canonical or RefSeq Select (`Boolean`).
pub const CANONICAL: &str = "consequence.canonical";
/// Number of the exon and of all exons: `3/12` (`Utf8`).
pub const EXON: &str = "consequence.exon";
/// HGVS name on the contig (`Utf8`).
pub const HGVSG: &str = "consequence.hgvsg";
/// HGVS name on the transcript (`Utf8`).
pub const HGVSC: &str = "consequence.hgvsc";
/// HGVS name on the protein (`Utf8`).
pub const HGVSP: &str = "consequence.hgvsp";
/// First position in the coding sequence, from 1 (`UInt32`).
pub const CDS_POSITION: &str = "consequence.cds_position";
/// First position in the protein, from 1 (`UInt32`).
pub const PROTEIN_POSITION: &str = "consequence.protein_position";
/// Residues before and after: `D/G` (`Utf8`).
pub const AMINO_ACIDS: &str = "consequence.amino_acids";
/// Codons before and after: `gAt/gGt` (`Utf8`).
pub const CODONS: &str = "consequence.codons";
/// What a premature stop leads to: `triggers` or `escapes` decay; null without one (`Utf8`).
pub const NMD: &str = "consequence.nmd";
/// Whether the allele lies in the last exon; null outside exons (`Boolean`).
pub const LAST_EXON: &str = "consequence.last_exon";
/// Signed distance to the nearest splice junction in bases, in transcript direction (`Int32`).
pub const SPLICE_DISTANCE: &str = "consequence.splice_distance";
/// All lines, one for each transcript, of [`all_type`]; null for an allele that is no sequence.
pub const ALL: &str = "consequence.all";
/// All lines as VEP writes them into `CSQ` (`Utf8`); null for an allele that is no sequence. Takes the
/// place of [`ALL`] after [`crate::ConsequenceStage::with_csq_text`].
pub const CSQ_TEXT: &str = "consequence.csq";

/// Type of [`ALL`]: a list of structs.
#[must_use]
pub fn all_type() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(
        DataType::Struct(line_fields()),
        true,
    )))
}

/// The columns that a stage adds, in order.
#[must_use]
pub fn consequence_fields() -> Vec<Field> {
    fields_with(Field::new(ALL, all_type(), true))
}

/// The columns of the chosen line, and behind them that with all lines.
fn fields_with(all: Field) -> Vec<Field> {
    let mut fields: Vec<Field> = FIELDS
        .iter()
        .filter(|(_, _, chosen)| *chosen)
        .map(|(name, data_type, _)| {
            Field::new(
                format!("{CONSEQUENCE_PREFIX}{name}"),
                data_type.clone(),
                true,
            )
        })
        .collect();
    fields.push(Field::new(HGVSG, DataType::Utf8, true));
    fields.push(all);
    fields
}

/// The columns with all lines as text.
fn text_fields() -> Vec<Field> {
    fields_with(Field::new(CSQ_TEXT, DataType::Utf8, true))
}

/// A schema with the columns of consequences at its right.
pub(crate) fn with_consequences(input: &SchemaRef, as_text: bool) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = input.fields().iter().cloned().collect();
    let added = if as_text {
        text_fields()
    } else {
        consequence_fields()
    };
    fields.extend(added.into_iter().map(Arc::new));
    Arc::new(Schema::new(fields))
}

/// Builds the columns, row by row: first the row's lines, then which of them is chosen.
pub(crate) struct ConsequenceColumns {
    chosen: Vec<ColumnBuilder>,
    lines: Vec<ColumnBuilder>,
    hgvsg: ColumnBuilder,
    line_count: usize,
    offsets: Vec<i32>,
    valid: Vec<bool>,
    /// All lines as text, where they are kept so.
    texts: Option<StringBuilder>,
}

impl ConsequenceColumns {
    pub(crate) fn new() -> Self {
        let builders = |chosen_only: bool| {
            FIELDS
                .iter()
                .filter(|(_, _, chosen)| *chosen || !chosen_only)
                .map(|(_, data_type, _)| ColumnBuilder::of(data_type))
                .collect()
        };
        Self {
            chosen: builders(true),
            lines: builders(false),
            hgvsg: ColumnBuilder::of(&DataType::Utf8),
            line_count: 0,
            offsets: vec![0],
            valid: Vec::new(),
            texts: None,
        }
    }

    /// Adds a line to the row being built; the chosen one fills the columns of its own.
    pub(crate) fn line(&mut self, line: &Line<'_>, is_chosen: bool) {
        let values = line.values();
        for (builder, value) in self.lines.iter_mut().zip(values) {
            builder.append(value);
        }
        self.line_count += 1;
        if is_chosen {
            self.choose(&values);
        }
    }

    fn choose(&mut self, values: &[Value<'_>; FIELDS.len()]) {
        let own = values
            .iter()
            .zip(FIELDS)
            .filter(|(_, (_, _, chosen))| *chosen);
        for (builder, (value, _)) in self.chosen.iter_mut().zip(own) {
            builder.append(*value);
        }
    }

    /// Ends a row whose lines are text; `chosen` is the line that fills the columns of its own.
    pub(crate) fn end_text_row(
        &mut self,
        chosen: Option<&Line<'_>>,
        hgvsg: Option<&str>,
        lines: Option<&str>,
    ) {
        match chosen {
            Some(line) => self.choose(&line.values()),
            None => self.chosen.iter_mut().for_each(ColumnBuilder::append_null),
        }
        self.hgvsg.append(Value::Text(hgvsg));
        let texts = self.texts.get_or_insert_with(StringBuilder::new);
        texts.append_option(lines);
    }

    /// Ends a row. Without lines all its columns but `hgvsg` are null.
    pub(crate) fn end_row(&mut self, hgvsg: Option<&str>) {
        let before = self.offsets.last().copied().unwrap_or(0);
        let now = i32::try_from(self.line_count).unwrap_or(i32::MAX);
        if now == before {
            self.chosen.iter_mut().for_each(ColumnBuilder::append_null);
        }
        self.valid.push(now != before);
        self.offsets.push(now);
        self.hgvsg.append(Value::Text(hgvsg));
    }

    /// The columns, named, in the order of [`consequence_fields`].
    pub(crate) fn finish(mut self) -> Result<Vec<(String, ArrayRef)>, ArrowError> {
        let (all, fields): (ArrayRef, _) = match &mut self.texts {
            Some(texts) => (Arc::new(texts.finish()), text_fields()),
            None => (self.all()?, consequence_fields()),
        };
        let arrays = self
            .chosen
            .iter_mut()
            .map(ColumnBuilder::finish)
            .chain([self.hgvsg.finish(), all]);
        let names = fields.into_iter().map(|field| field.name().clone());
        Ok(names.zip(arrays).collect())
    }

    fn all(&mut self) -> Result<ArrayRef, ArrowError> {
        let lines = self.lines.iter_mut().map(ColumnBuilder::finish).collect();
        let lines = StructArray::try_new(line_fields(), lines, None)?;
        let offsets = std::mem::take(&mut self.offsets);
        let valid = std::mem::take(&mut self.valid);
        Ok(Arc::new(ListArray::try_new(
            Arc::new(Field::new_list_field(DataType::Struct(line_fields()), true)),
            OffsetBuffer::new(offsets.into()),
            Arc::new(lines),
            Some(NullBuffer::from(valid)),
        )?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_column_is_there() {
        let names: Vec<String> = consequence_fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        for name in [
            TERM,
            TERMS,
            RANK,
            IMPACT,
            GENE,
            GENE_ID,
            TRANSCRIPT,
            BIOTYPE,
            MANE,
            CANONICAL,
            EXON,
            HGVSG,
            HGVSC,
            HGVSP,
            CDS_POSITION,
            PROTEIN_POSITION,
            AMINO_ACIDS,
            CODONS,
            NMD,
            LAST_EXON,
            SPLICE_DISTANCE,
            ALL,
        ] {
            assert!(names.iter().any(|each| each == name), "{name}");
        }
        assert_eq!(names.len(), 22);
    }
}
