//! BED regions, with or without values.

use super::place::{ContigFinder, interval_key};
use super::{UNKNOWN_CONTIG, configured, defect, malformed};
use crate::build::TableSink;
use crate::input::Lines;
use crate::rows::OutputField;
use crate::{FieldType, KnowledgeError, SourceConfig};

/// The field of a BED of which no field is said. Models may call such a source by its name alone.
const VALUE: &str = "value";
/// Why a row was left out: it has no base.
const EMPTY_INTERVAL: &str = "empty_interval";

/// The fields: values of columns, or whether an allele lies inside.
pub(super) fn fields(source: &SourceConfig) -> Result<Vec<OutputField>, KnowledgeError> {
    if source.fields.is_empty() {
        return Ok(vec![OutputField {
            name: VALUE.to_owned(),
            field_type: FieldType::Flag,
            from: None,
            meaning: "whether a changed base lies in one of the regions".to_owned(),
        }]);
    }
    let fields = configured(source, FieldType::Text);
    for (field, (name, spec)) in fields.iter().zip(&source.fields) {
        match (column(field), spec.from()) {
            (Ok(_), _) => {}
            (Err(()), None) => {
                return Err(defect(
                    source,
                    format!("the field '{name}' has no column; say from = 4, or type = \"flag\""),
                ));
            }
            (Err(()), Some(from)) => {
                return Err(defect(
                    source,
                    format!(
                        "the field '{name}' cannot come from {from}; give a column number from 4, or name, score or strand"
                    ),
                ));
            }
        }
    }
    Ok(fields)
}

/// 0-based column of a field; `None` for one that only says that a region is there.
fn column(field: &OutputField) -> Result<Option<usize>, ()> {
    match field.from.as_deref() {
        None if field.field_type == FieldType::Flag => Ok(None),
        None => Err(()),
        Some("name") => Ok(Some(3)),
        Some("score") => Ok(Some(4)),
        Some("strand") => Ok(Some(5)),
        Some(number) => match number.parse::<usize>() {
            Ok(number) if number > 3 => Ok(Some(number - 1)),
            _ => Err(()),
        },
    }
}

/// Reads a BED.
pub(super) fn read(
    fields: &[OutputField],
    sink: &mut TableSink<'_, '_>,
) -> Result<(), KnowledgeError> {
    let source = sink.source;
    let columns: Vec<Option<usize>> = fields
        .iter()
        .map(|field| column(field).unwrap_or_default())
        .collect();
    let contigs = sink.reference.contigs().clone();
    let mut finder = ContigFinder::default();
    let mut lines = Lines::open(&source.path)?;
    while lines.next()?.is_some() {
        let number = lines.number();
        let line = lines.current();
        let is_meta = [b"#".as_slice(), b"track", b"browser"]
            .iter()
            .any(|prefix| line.starts_with(prefix));
        if line.trim_ascii().is_empty() || is_meta {
            continue;
        }
        sink.count_records(1);
        let refuse = |detail: String| malformed(source, &source.path, "line", number, detail);
        let cells: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
        let [name, start, end, ..] = cells.as_slice() else {
            return Err(refuse(
                "it has fewer than three columns parted by tabs".to_owned(),
            ));
        };
        let (Some(start), Some(end)) = (offset(start), offset(end)) else {
            return Err(refuse("its start or end is no position".to_owned()));
        };
        if start > end {
            return Err(refuse(format!("its start {start} is behind its end {end}")));
        }
        let Some(contig) = finder.find(&contigs, name) else {
            sink.tally.drop_row(UNKNOWN_CONTIG);
            continue;
        };
        if end > contigs.length(contig) {
            return Err(refuse(format!(
                "it ends at {end}, beyond contig {} ({} bases); the file is of another build, or the FASTA is",
                contigs.name(contig),
                contigs.length(contig)
            )));
        }
        if start == end {
            sink.tally.drop_row(EMPTY_INTERVAL);
            continue;
        }
        // BED counts from 0 and leaves the end out.
        let key = interval_key(sink.ranks.rank(contig), start.saturating_add(1), end);
        let row = sink.push(key)?;
        for ((column, field), builder) in columns.iter().zip(fields).zip(&mut row.fields) {
            let Some(column) = column else {
                builder.push_flag(true);
                continue;
            };
            let cell = cells.get(*column).ok_or_else(|| {
                refuse(format!(
                    "field '{}': it has no column {}",
                    field.name,
                    column + 1
                ))
            })?;
            let text = std::str::from_utf8(cell)
                .map_err(|_| refuse(format!("column {} is not UTF-8 text", column + 1)))?;
            builder
                .push_text(text.trim())
                .map_err(|detail| refuse(format!("field '{}': {detail}", field.name)))?;
        }
    }
    Ok(())
}

fn offset(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}
