//! Consequences of haplotypes as a table.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, ListBuilder, RecordBatch, StringBuilder, UInt8Builder, UInt32Builder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use varisk_core::{ContigSet, Patient};

use super::carriers::{AlleleKey, Carrier};
use crate::models::GeneModels;
use crate::predict::{Compound, Consequence, NmdPrediction};
use crate::term::Term;

/// Name of the table.
pub const HAPLOTYPE_TABLE: &str = "haplotype_consequences";

/// Why an allele of the haplotype is in no consequence.
const OVERLAPS: &str = "overlaps_allele_before";

/// Schema of the table: one row for each combined consequence on a transcript of a patient's
/// haplotype, by patient (in the order of the run), transcript and haplotype.
///
/// `haplotype` is 1 for the first allele of GT and 2 for the second; `positions` (1-based) and
/// `alleles` (`position REF>ALT`) are those of the member alleles in transcript direction; `terms`,
/// `hgvsp`, `codons`, `amino_acids`, `cds_position`, `protein_position` and `nmd` are of the alleles
/// together; `after_stop` says that a stop which the haplotype gained lies before; `reason` says why
/// an allele could not be read with the others, and then there are no terms.
#[must_use]
pub fn haplotype_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let number = |name: &str| Field::new(name, DataType::UInt32, true);
    let positions = Arc::new(Field::new_list_field(DataType::UInt32, true));
    Arc::new(Schema::new(vec![
        text("patient", false),
        Field::new("haplotype", DataType::UInt8, false),
        text("contig", false),
        text("gene", true),
        text("transcript", false),
        Field::new("positions", DataType::List(positions), false),
        text("alleles", false),
        text("term", true),
        text("terms", true),
        Field::new("rank", DataType::UInt8, true),
        text("impact", true),
        text("hgvsp", true),
        number("cds_position"),
        number("protein_position"),
        text("amino_acids", true),
        text("codons", true),
        text("nmd", true),
        Field::new("after_stop", DataType::Boolean, true),
        text("reason", true),
    ]))
}

/// One row, before it is laid out.
struct Row {
    carrier: Carrier,
    transcript: usize,
    /// First position on the contig, which orders rows of one haplotype.
    first: u32,
    positions: Vec<u32>,
    alleles: String,
    consequence: Option<Consequence>,
    after_stop: bool,
}

/// Rows in any order.
#[derive(Default)]
pub(super) struct TableRows(Vec<Row>);

impl TableRows {
    pub(super) fn compound(
        &mut self,
        carrier: Carrier,
        transcript: usize,
        compound: &Compound,
        keys: &[&AlleleKey],
    ) {
        self.push(
            carrier,
            transcript,
            keys,
            Some(compound.consequence.clone()),
            compound.after_stop,
        );
    }

    pub(super) fn overlap(&mut self, carrier: Carrier, transcript: usize, key: Option<&AlleleKey>) {
        if let Some(key) = key {
            self.push(carrier, transcript, &[key], None, false);
        }
    }

    fn push(
        &mut self,
        carrier: Carrier,
        transcript: usize,
        keys: &[&AlleleKey],
        consequence: Option<Consequence>,
        after_stop: bool,
    ) {
        let alleles: Vec<String> = keys
            .iter()
            .map(|key| format!("{}{}>{}", key.position, key.reference, key.alternate))
            .collect();
        self.0.push(Row {
            carrier,
            transcript,
            first: keys.iter().map(|key| key.span().start).min().unwrap_or(0),
            positions: keys.iter().map(|key| key.position).collect(),
            alleles: alleles.join("+"),
            consequence,
            after_stop,
        });
    }

    /// The table, sorted; patients that the run does not have, which a fold of the same settings
    /// cannot hold, are left out.
    pub(super) fn table(
        mut self,
        models: &GeneModels,
        contigs: &ContigSet,
        patients: &[Patient],
    ) -> Result<RecordBatch, ArrowError> {
        self.0.sort_by(|a, b| {
            let key = |row: &Row| {
                let Carrier { patient, haplotype } = row.carrier;
                (patient, row.transcript, haplotype, row.first)
            };
            key(a).cmp(&key(b)).then_with(|| a.alleles.cmp(&b.alleles))
        });
        let rows: Vec<(&Row, &str)> = self
            .0
            .iter()
            .filter_map(|row| {
                let patient = patients.get(row.carrier.patient as usize)?;
                Some((row, patient.id.as_str()))
            })
            .collect();
        let text = |get: &dyn Fn(&Row) -> Option<String>| -> ArrayRef {
            let mut builder = StringBuilder::new();
            for (row, _) in &rows {
                builder.append_option(get(row).filter(|value| !value.is_empty()));
            }
            Arc::new(builder.finish())
        };
        let number = |get: &dyn Fn(&Consequence) -> Option<u32>| -> ArrayRef {
            let mut builder = UInt32Builder::new();
            for (row, _) in &rows {
                builder.append_option(row.consequence.as_ref().and_then(get));
            }
            Arc::new(builder.finish())
        };
        let of =
            |row: &Row, get: &dyn Fn(&Consequence) -> String| row.consequence.as_ref().map(get);
        let worst = |row: &Row| row.consequence.as_ref().and_then(|c| c.terms.worst());
        let transcript = |row: &Row| models.transcripts().get(row.transcript);
        let mut names = StringBuilder::new();
        let mut haplotypes = UInt8Builder::new();
        let mut positions = ListBuilder::new(UInt32Builder::new());
        let mut ranks = UInt8Builder::new();
        let mut after = BooleanBuilder::new();
        for (row, patient) in &rows {
            names.append_value(patient);
            haplotypes.append_value(row.carrier.haplotype.saturating_add(1));
            positions.append_value(row.positions.iter().copied().map(Some));
            ranks.append_option(worst(row).map(Term::rank));
            after.append_option(row.consequence.as_ref().map(|_| row.after_stop));
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(names.finish()),
            Arc::new(haplotypes.finish()),
            text(&|row| {
                Some(
                    transcript(row)
                        .map_or("?", |t| contigs.name(t.contig()))
                        .to_owned(),
                )
            }),
            text(&|row| transcript(row)?.gene().map(str::to_owned)),
            text(&|row| Some(transcript(row).map_or("?", |t| t.id()).to_owned())),
            Arc::new(positions.finish()),
            text(&|row| Some(row.alleles.clone())),
            text(&|row| Some(worst(row)?.name().to_owned())),
            text(&|row| of(row, &|c| c.terms.to_string())),
            Arc::new(ranks.finish()),
            text(&|row| Some(worst(row)?.impact().name().to_owned())),
            text(&|row| of(row, &|c| c.hgvsp.clone())),
            number(&|c| c.cds.0),
            number(&|c| c.protein.0),
            text(&|row| of(row, &|c| c.amino_acids.clone())),
            text(&|row| of(row, &|c| c.codons.clone())),
            text(&|row| {
                let nmd = row.consequence.as_ref()?.nmd?;
                Some(NmdPrediction::name(nmd).to_owned())
            }),
            Arc::new(after.finish()),
            text(&|row| row.consequence.is_none().then(|| OVERLAPS.to_owned())),
        ];
        RecordBatch::try_new(haplotype_schema(), columns)
    }
}
