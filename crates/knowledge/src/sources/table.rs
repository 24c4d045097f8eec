//! Tables with a row for each allele or position: CADD, REVEL, AlphaMissense and the like.

use varisk_reference::Normaliser;

use super::delimited::{Delimited, NOT_SELECTED};
use super::place::{ContigFinder, WrittenAllele, interval_key, with_key};
use super::{UNKNOWN_CONTIG, defect};
use crate::build::TableSink;
use crate::rows::{OutputField, RowBuffer};
use crate::{KnowledgeError, MatchKind};

/// Why a row was left out: the table gives it no position (REVEL does, where lifting it to the other
/// build failed).
const NO_POSITION: &str = "no_position";

/// Reads a table.
pub(super) fn read(
    fields: &[OutputField],
    sink: &mut TableSink<'_, '_>,
) -> Result<(), KnowledgeError> {
    let source = sink.source;
    let columns = source
        .columns
        .as_ref()
        .ok_or_else(|| defect(source, "it lacks [source.columns]"))?;
    let mut wanted = vec![&columns.contig, &columns.position];
    wanted.extend(source.fields.values().filter_map(|spec| spec.from()));
    let alleles = columns.reference.as_ref().zip(columns.alternate.as_ref());
    if let Some((reference, alternate)) = alleles {
        wanted.extend([reference, alternate]);
    }
    let (mut table, indices) = Delimited::open(source, &wanted, columns.header)?;
    let (places, rest) = indices.split_at(2);
    let (values, allele_columns) = rest.split_at(fields.len());
    let matching = source.match_kind();
    let contigs = sink.reference.contigs().clone();
    let mut finder = ContigFinder::default();
    let mut normaliser = Normaliser::new(sink.reference.reader()?);
    while table.next()? {
        sink.count_records(1);
        if !table.is_selected() {
            sink.tally.drop_row(NOT_SELECTED);
            continue;
        }
        let Some(contig) = finder.find(&contigs, table.cell(places[0])) else {
            sink.tally.drop_row(UNKNOWN_CONTIG);
            continue;
        };
        let position = match table.cell(places[1]) {
            b"" | b"." | b"NA" => {
                sink.tally.drop_row(NO_POSITION);
                continue;
            }
            digits => position(digits, columns.zero_based),
        };
        let position = position
            .ok_or_else(|| table.malformed("the position is no number that a contig can have"))?;
        let left_out = if let [reference, alternate] = allele_columns {
            let allele = WrittenAllele {
                contig,
                position,
                reference: table.cell(*reference),
                alternate: table.cell(*alternate),
            };
            let ranks = sink.ranks;
            let pushed = with_key(&allele, &mut normaliser, ranks, matching, |key| {
                fill(&table, values, fields, sink.push(key)?)
            })?;
            pushed.err()
        } else if matching == MatchKind::Position && position <= contigs.length(contig) {
            let key = interval_key(sink.ranks.rank(contig), position, position);
            fill(&table, values, fields, sink.push(key)?)?;
            None
        } else {
            return Err(table.malformed(format!(
                "the position is beyond the end of contig {}; the table is of another build, or the FASTA is",
                contigs.name(contig)
            )));
        };
        if let Some(reason) = left_out {
            sink.tally.drop_row(reason);
        }
    }
    Ok(())
}

/// A position, from 1.
fn position(digits: &[u8], zero_based: bool) -> Option<u32> {
    let number: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let position = number.checked_add(u32::from(zero_based))?;
    (position > 0).then_some(position)
}

/// Fills the fields of a row.
pub(super) fn fill(
    table: &Delimited<'_>,
    columns: &[usize],
    fields: &[OutputField],
    row: &mut RowBuffer,
) -> Result<(), KnowledgeError> {
    for ((column, field), builder) in columns.iter().zip(fields).zip(&mut row.fields) {
        builder
            .push_text(table.text(*column)?)
            .map_err(|detail| table.malformed(format!("field '{}': {detail}", field.name)))?;
    }
    Ok(())
}
