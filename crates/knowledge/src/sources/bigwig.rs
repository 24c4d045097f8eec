//! bigWig tracks, such as phyloP.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bigtools::{BBIReadError, BigWigRead, Value};

use super::place::interval_key;
use super::{UNKNOWN_CONTIG, configured, defect, malformed};
use crate::build::TableSink;
use crate::rows::OutputField;
use crate::{FieldType, KnowledgeError, SourceConfig};

/// The field of a track of which no field is said.
const VALUE: &str = "value";
/// Bases asked for at once: bounds what the library holds.
const WINDOW: u32 = 1 << 20;

/// The field: the track's value.
pub(super) fn fields(source: &SourceConfig) -> Result<Vec<OutputField>, KnowledgeError> {
    let mut fields = configured(source, FieldType::Float);
    if fields.is_empty() {
        fields.push(OutputField {
            name: VALUE.to_owned(),
            field_type: FieldType::Float,
            from: None,
            meaning: "value of the track over the changed bases".to_owned(),
        });
    }
    if let Some(field) = fields.iter().find(|f| f.field_type != FieldType::Float) {
        return Err(defect(
            source,
            format!(
                "a track holds floats, so the field '{}' must be one",
                field.name
            ),
        ));
    }
    Ok(fields)
}

/// Reads a track.
pub(super) fn read(sink: &mut TableSink<'_, '_>) -> Result<(), KnowledgeError> {
    let source = sink.source;
    let file = File::open(&source.path).map_err(|error| KnowledgeError::Open {
        path: source.path.clone(),
        source: error,
    })?;
    let damaged = |detail: String| {
        defect(
            source,
            format!("it cannot be read as bigWig ({detail}); fetch it again"),
        )
    };
    let mut track = guarded(|| BigWigRead::open(file))
        .map_err(damaged)?
        .map_err(|error| damaged(error.to_string()))?;
    let contigs = sink.reference.contigs().clone();
    let tracks: Vec<(String, u32)> = track
        .chroms()
        .iter()
        .map(|contig| (contig.name.clone(), contig.length))
        .collect();
    for (name, length) in tracks {
        let found = contigs.find(&name);
        if let Some(contig) = found.filter(|contig| contigs.length(*contig) != length) {
            return Err(defect(
                source,
                format!(
                    "its contig {name} has {length} bases, that of the reference {}; the track is of another build, or the FASTA is",
                    contigs.length(contig)
                ),
            ));
        }
        let mut start = 0;
        while start < length {
            let end = start.saturating_add(WINDOW).min(length);
            let values = guarded(|| window(&mut track, &name, start, end))
                .map_err(damaged)?
                .map_err(|error| damaged(error.to_string()))?;
            for value in values {
                sink.count_records(1);
                let Some(contig) = found else {
                    sink.tally.drop_row(UNKNOWN_CONTIG);
                    continue;
                };
                if value.start >= value.end || value.end > length {
                    return Err(malformed(
                        source,
                        &source.path,
                        "interval",
                        sink.tally.records,
                        format!("{name}:{}-{} is none of the contig", value.start, value.end),
                    ));
                }
                let rank = sink.ranks.rank(contig);
                let key = interval_key(rank, value.start.saturating_add(1), value.end);
                let row = sink.push(key)?;
                if let Some(builder) = row.fields.first_mut() {
                    builder.push_float(f64::from(value.value));
                }
            }
            start = end;
        }
    }
    Ok(())
}

/// Intervals of a window, cut at its borders: what lies in both halves of one is the same value.
fn window(
    track: &mut BigWigRead<File>,
    name: &str,
    start: u32,
    end: u32,
) -> Result<Vec<Value>, BBIReadError> {
    track.get_interval(name, start, end)?.collect()
}

/// The library panics on some damaged files: that is an error like any other.
fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| "the file is damaged".to_owned())
}
