//! Transcripts as a table, so that a knowledge bundle can hold them: one row for each transcript.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, ListBuilder, RecordBatch, StringArray,
    StringBuilder, UInt8Array, UInt8Builder, UInt32Array, UInt32Builder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type, UInt32Type};
use arrow::error::ArrowError;
use varisk_core::ContigSet;

use super::{GeneModels, ModelsSummary};
use crate::AnnotateError;
use crate::transcript::{Parts, Span, Strand, Transcript, TranscriptFlags};

/// Rows of one batch.
const BATCH_ROWS: usize = 8_192;

/// Names of the flag columns and the flags they hold.
type FlagColumn = (&'static str, fn(&mut TranscriptFlags) -> &mut bool);

const FLAGS: [FlagColumn; 8] = [
    ("mane_select", |flags| &mut flags.mane_select),
    ("mane_plus_clinical", |flags| &mut flags.mane_plus_clinical),
    ("canonical", |flags| &mut flags.canonical),
    ("cds_start_incomplete", |flags| {
        &mut flags.cds_start_incomplete
    }),
    ("cds_end_incomplete", |flags| &mut flags.cds_end_incomplete),
    ("selenocysteine", |flags| &mut flags.selenocysteine),
    ("other_start", |flags| &mut flags.other_start),
    ("differs_from_reference", |flags| {
        &mut flags.differs_from_reference
    }),
];

const SPAN_COLUMNS: [&str; 4] = ["exon_starts", "exon_ends", "cds_starts", "cds_ends"];

/// Schema of the table of transcripts. Positions are 1-based, ends inclusive; `phase` is that of
/// the coding region's first part in transcript direction, as GFF3 defines it.
#[must_use]
pub fn transcript_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let mut fields = vec![
        text("contig", false),
        Field::new("start", DataType::UInt32, false),
        Field::new("end", DataType::UInt32, false),
        text("strand", false),
        text("transcript", false),
        text("gene", true),
        text("gene_id", true),
        text("biotype", true),
        text("protein_id", true),
        text("ccds", true),
        Field::new("support_level", DataType::UInt8, true),
        Field::new("phase", DataType::UInt8, false),
    ];
    fields.extend(FLAGS.map(|(name, _)| Field::new(name, DataType::Boolean, false)));
    let item = Arc::new(Field::new_list_field(DataType::UInt32, true));
    fields.extend(
        SPAN_COLUMNS.map(|name| Field::new(name, DataType::List(Arc::clone(&item)), false)),
    );
    Arc::new(Schema::new(fields))
}

impl GeneModels {
    /// The transcripts as batches of [`transcript_schema`], in the order of the models.
    ///
    /// # Errors
    /// Arrow refuses the columns.
    pub fn to_batches(&self, contigs: &ContigSet) -> Result<Vec<RecordBatch>, ArrowError> {
        self.transcripts
            .chunks(BATCH_ROWS)
            .map(|rows| batch(rows, contigs))
            .collect()
    }

    /// Takes the transcripts of batches. Contigs are found by any of their usual names; transcripts
    /// on others are counted and left out.
    ///
    /// # Errors
    /// A column is missing or of another type, or a row is no transcript.
    pub fn from_batches(
        batches: &[RecordBatch],
        contigs: &ContigSet,
    ) -> Result<Self, AnnotateError> {
        let mut summary = ModelsSummary::default();
        let mut transcripts = Vec::new();
        for batch in batches {
            take(batch, contigs, &mut transcripts, &mut summary)?;
        }
        Ok(Self::index(transcripts, contigs, summary))
    }
}

fn batch(rows: &[Transcript], contigs: &ContigSet) -> Result<RecordBatch, ArrowError> {
    let text = |get: &dyn Fn(&Transcript) -> Option<String>| -> ArrayRef {
        let mut builder = StringBuilder::new();
        rows.iter().for_each(|row| builder.append_option(get(row)));
        Arc::new(builder.finish())
    };
    let owned = |value: Option<&str>| value.map(str::to_owned);
    let number = |get: &dyn Fn(&Transcript) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(get)))
    };
    let mut levels = UInt8Builder::new();
    rows.iter()
        .for_each(|row| levels.append_option(row.support_level));
    let mut columns: Vec<ArrayRef> = vec![
        text(&|row| Some(contigs.name(row.contig).to_owned())),
        number(&Transcript::start),
        number(&Transcript::end),
        text(&|row| Some(row.strand.symbol().to_string())),
        text(&|row| Some(row.id.to_string())),
        text(&|row| owned(row.gene())),
        text(&|row| owned(row.gene_id())),
        text(&|row| owned(row.biotype())),
        text(&|row| owned(row.protein_id())),
        text(&|row| owned(row.ccds())),
        Arc::new(levels.finish()),
        Arc::new(UInt8Array::from_iter_values(
            rows.iter().map(|row| row.phase),
        )),
    ];
    for (_, flag) in FLAGS {
        let mut builder = BooleanBuilder::new();
        for row in rows {
            let mut flags = row.flags;
            builder.append_value(*flag(&mut flags));
        }
        columns.push(Arc::new(builder.finish()));
    }
    let list = |get: &dyn Fn(&Transcript) -> Vec<u32>| -> ArrayRef {
        let mut builder = ListBuilder::new(UInt32Builder::new());
        for row in rows {
            builder.append_value(get(row).into_iter().map(Some));
        }
        Arc::new(builder.finish())
    };
    columns.extend([
        list(&|row| row.exons.iter().map(|span| span.start).collect()),
        list(&|row| row.exons.iter().map(|span| span.end).collect()),
        list(&|row| row.coding_parts().map(|span| span.start).collect()),
        list(&|row| row.coding_parts().map(|span| span.end).collect()),
    ]);
    RecordBatch::try_new(transcript_schema(), columns)
}

fn take(
    batch: &RecordBatch,
    contigs: &ContigSet,
    transcripts: &mut Vec<Transcript>,
    summary: &mut ModelsSummary,
) -> Result<(), AnnotateError> {
    let broken = |detail: String| AnnotateError::Table { detail };
    let column = |name: &str| {
        batch
            .column_by_name(name)
            .ok_or_else(|| broken(format!("it has no column {name}")))
    };
    let other_type = |name: &str| broken(format!("column {name} has another type"));
    let text = |name: &str| -> Result<&StringArray, AnnotateError> {
        column(name)?
            .as_string_opt()
            .ok_or_else(|| other_type(name))
    };
    let byte = |name: &str| -> Result<&UInt8Array, AnnotateError> {
        column(name)?
            .as_primitive_opt::<UInt8Type>()
            .ok_or_else(|| other_type(name))
    };
    let spans = |name: &str, row: usize| -> Result<Vec<u32>, AnnotateError> {
        let list = column(name)?
            .as_list_opt::<i32>()
            .ok_or_else(|| other_type(name))?;
        let values = list.value(row);
        let values = values
            .as_primitive_opt::<UInt32Type>()
            .ok_or_else(|| other_type(name))?;
        Ok(values.values().to_vec())
    };
    let flags: Vec<&BooleanArray> = FLAGS
        .iter()
        .map(|(name, _)| {
            column(name)?
                .as_boolean_opt()
                .ok_or_else(|| other_type(name))
        })
        .collect::<Result<_, _>>()?;
    let [contig, strand, id] = [text("contig")?, text("strand")?, text("transcript")?];
    let [gene, gene_id, biotype] = [text("gene")?, text("gene_id")?, text("biotype")?];
    let [protein_id, ccds] = [text("protein_id")?, text("ccds")?];
    let [level, phase] = [byte("support_level")?, byte("phase")?];
    let optional = |array: &StringArray, row: usize| -> Option<Box<str>> {
        array.is_valid(row).then(|| array.value(row).into())
    };
    for row in 0..batch.num_rows() {
        let Some(contig) = contigs.find(contig.value(row)) else {
            summary.skip(super::SkipReason::UnknownContig);
            continue;
        };
        let pair = |starts: &str, ends: &str| -> Result<Vec<Span>, AnnotateError> {
            let (starts, ends) = (spans(starts, row)?, spans(ends, row)?);
            let pairs = starts.into_iter().zip(ends);
            Ok(pairs.map(|(start, end)| Span { start, end }).collect())
        };
        let mut row_flags = TranscriptFlags::default();
        for ((_, flag), array) in FLAGS.iter().zip(&flags) {
            *flag(&mut row_flags) = array.value(row);
        }
        let transcript = Transcript::try_new(Parts {
            contig,
            strand: match strand.value(row) {
                "+" => Strand::Forward,
                "-" => Strand::Reverse,
                other => return Err(broken(format!("strand '{other}' is neither + nor -"))),
            },
            exons: pair("exon_starts", "exon_ends")?,
            coding: pair("cds_starts", "cds_ends")?,
            phase: phase.value(row),
            flags: row_flags,
            support_level: level.is_valid(row).then(|| level.value(row)),
            id: id.value(row).into(),
            gene: optional(gene, row),
            gene_id: optional(gene_id, row),
            biotype: optional(biotype, row),
            protein_id: optional(protein_id, row),
            ccds: optional(ccds, row),
        })
        .map_err(|misfit| broken(format!("row {row} is no transcript ({misfit:?})")))?;
        if transcript.end() > contigs.length(contig) {
            summary.skip(super::SkipReason::BeyondContig);
            continue;
        }
        summary.transcripts += 1;
        summary.coding += u64::from(transcript.coding.is_some());
        transcripts.push(transcript);
    }
    Ok(())
}
