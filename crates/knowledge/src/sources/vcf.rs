//! Sites VCF and BCF: gnomAD, ExAC, 1000 Genomes and any other, read with the patients' own decoder.

mod records;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, Float32Array, StringArray, UInt32Array, UInt64Array};
use varisk_core::{ContigId, PloidyMap, Reason, RunLimits, SiteBatch, columns};
use varisk_readers::{
    FileInput, Header, InfoNumber, RawBatch, ReadError, RecordFormat, RecordSource, RefMismatch,
    Regions, SiteDecoder, SiteDecoderSettings, SourceSettings,
};

use self::records::VcfRecords;
use super::place::interval_key;
use super::{configured, defect, malformed};
use crate::build::TableSink;
use crate::input::Lines;
use crate::rows::{NO_KEY, OutputField, RowBuffer, RowKey};
use crate::{FieldType, KnowledgeError, MatchKind, SourceConfig, changed_span};

/// Records decoded at once, and their bytes.
const BATCH_RECORDS: usize = 4_096;
/// See [`BATCH_RECORDS`]; sites records carry much INFO.
const BATCH_BYTES: usize = 8 << 20;

/// A sites VCF whose header was read.
pub(super) struct VcfPlan {
    /// INFO fields kept as text.
    texts: Vec<String>,
    /// Where each field comes from.
    origins: Vec<Origin>,
    fields: Vec<OutputField>,
}

/// Where a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// An INFO field, by its place among the texts.
    Info(usize),
    /// The column ID.
    Id,
    /// The column FILTER.
    Filter,
    /// The column QUAL.
    Quality,
}

impl VcfPlan {
    pub(super) fn try_new(
        source: &SourceConfig,
    ) -> Result<(Vec<OutputField>, Self), KnowledgeError> {
        let header = read_header(source)?;
        let types = info_types(source)?;
        let mut texts = Vec::new();
        let (fields, origins) = info_fields(source, &header, &types, &mut texts)?;
        let plan = Self {
            texts,
            origins,
            fields: fields.clone(),
        };
        Ok((fields, plan))
    }

    pub(super) fn read(&self, sink: &mut TableSink<'_, '_>) -> Result<(), KnowledgeError> {
        read_alleles(sink, &self.texts, |batch, sink| {
            let source = sink.source;
            let values = FieldValues::try_new(batch, &self.texts, &self.origins)?;
            push_rows(batch, sink, |row, buffer| {
                values
                    .fill(row, &self.fields, buffer)
                    .map_err(|detail| defect(source, detail))
            })
        })
    }
}

/// Reads the header of a variant file.
pub(super) fn read_header(source: &SourceConfig) -> Result<Header, KnowledgeError> {
    let input = FileInput::open(&source.path).map_err(|error| read_error(source, error))?;
    Ok(input.header().clone())
}

/// `Type` of the INFO fields of a VCF; empty for a BCF, of which only numbers and texts are told
/// apart.
pub(super) fn info_types(
    source: &SourceConfig,
) -> Result<HashMap<String, FieldType>, KnowledgeError> {
    let mut types = HashMap::new();
    let mut lines = Lines::open(&source.path)?;
    while lines.peek()? == Some(b'#') {
        let Some(line) = lines.next()? else { break };
        let line = String::from_utf8_lossy(line);
        let Some(fields) = line.strip_prefix("##INFO=<") else {
            continue;
        };
        // Description comes last and may hold anything; ID and Type stand before it.
        let value = |key: &str| {
            fields
                .split("Description=")
                .next()?
                .split(',')
                .find_map(|field| field.trim().strip_prefix(key)?.strip_prefix('='))
        };
        if let (Some(id), Some(kind)) = (value("ID"), value("Type")) {
            let field_type = match kind {
                "Integer" => FieldType::Integer,
                "Float" => FieldType::Float,
                "Flag" => FieldType::Flag,
                _ => FieldType::Text,
            };
            types.entry(id.to_owned()).or_insert(field_type);
        }
    }
    Ok(types)
}

/// Resolves the configured fields against the header.
fn info_fields(
    source: &SourceConfig,
    header: &Header,
    types: &HashMap<String, FieldType>,
    texts: &mut Vec<String>,
) -> Result<(Vec<OutputField>, Vec<Origin>), KnowledgeError> {
    let mut fields = configured(source, FieldType::Text);
    let mut origins = Vec::with_capacity(fields.len());
    for (field, spec) in fields.iter_mut().zip(source.fields.values()) {
        let from = field.from.clone().unwrap_or_default();
        let Some(definition) = header.info.get(&from) else {
            let (origin, field_type) = match from.as_str() {
                "ID" => (Origin::Id, FieldType::Text),
                "FILTER" => (Origin::Filter, FieldType::Text),
                "QUAL" => (Origin::Quality, FieldType::Float),
                _ => return Err(absent_field(source, header, &from, &field.name)),
            };
            field.field_type = spec.field_type().unwrap_or(field_type);
            if field.field_type != field_type {
                return Err(defect(
                    source,
                    format!(
                        "the field '{}' from {from} cannot be of another type",
                        field.name
                    ),
                ));
            }
            origins.push(origin);
            continue;
        };
        let by_number = match (definition.number, definition.numeric) {
            (InfoNumber::Flag, _) => FieldType::Flag,
            (_, true) => FieldType::Float,
            (_, false) => FieldType::Text,
        };
        let of_header = types.get(&from).copied().unwrap_or(by_number);
        field.field_type = spec.field_type().unwrap_or(of_header);
        if field.meaning.is_empty() {
            field.meaning.clone_from(&definition.description);
        }
        let is_number = matches!(field.field_type, FieldType::Float | FieldType::Integer);
        if is_number && definition.number == InfoNumber::Other {
            return Err(defect(
                source,
                format!(
                    "its header says that INFO {from} may have any number of values, so which one is the allele's is not known; give the field '{}' type = \"text\", or correct its Number to A, R or 1",
                    field.name
                ),
            ));
        }
        let place = texts.iter().position(|text| *text == from);
        origins.push(Origin::Info(place.unwrap_or_else(|| {
            texts.push(from);
            texts.len() - 1
        })));
    }
    Ok((fields, origins))
}

fn absent_field(source: &SourceConfig, header: &Header, from: &str, field: &str) -> KnowledgeError {
    const SHOWN: usize = 30;
    let mut names: Vec<&str> = header.info.keys().map(String::as_str).collect();
    names.sort_unstable();
    names.truncate(SHOWN);
    defect(
        source,
        format!(
            "its header does not define the INFO field {from} that the field '{field}' comes from; it has {}; correct 'from'",
            names.join(", ")
        ),
    )
}

/// Values of the fields of one batch.
pub(super) struct FieldValues<'a> {
    columns: Vec<Column<'a>>,
}

enum Column<'a> {
    Text(&'a StringArray),
    Number(&'a Float32Array),
}

impl<'a> FieldValues<'a> {
    fn try_new(
        batch: &'a SiteBatch,
        texts: &[String],
        origins: &[Origin],
    ) -> Result<Self, KnowledgeError> {
        let column = |origin: &Origin| -> Result<Column<'a>, KnowledgeError> {
            Ok(match origin {
                Origin::Info(place) => {
                    let name = texts.get(*place).map_or("", String::as_str);
                    Column::Text(text_column(batch, name)?)
                }
                Origin::Id => Column::Text(batch.text(columns::ID)?),
                Origin::Filter => Column::Text(batch.text(columns::FILTER)?),
                Origin::Quality => Column::Number(batch.floats(columns::QUALITY)?),
            })
        };
        Ok(Self {
            columns: origins.iter().map(column).collect::<Result<_, _>>()?,
        })
    }

    fn fill(
        &self,
        row: usize,
        fields: &[OutputField],
        buffer: &mut RowBuffer,
    ) -> Result<(), String> {
        for ((column, field), builder) in self.columns.iter().zip(fields).zip(&mut buffer.fields) {
            match column {
                Column::Number(values) if values.is_null(row) => builder.push_null(),
                Column::Number(values) => builder.push_float(shortest(values.value(row))),
                // A flag that a record does not have is false there.
                Column::Text(texts) if texts.is_null(row) => match field.field_type {
                    FieldType::Flag => builder.push_flag(false),
                    _ => builder.push_null(),
                },
                Column::Text(texts) => builder
                    .push_text(texts.value(row))
                    .map_err(|detail| format!("field '{}': {detail}", field.name))?,
            }
        }
        Ok(())
    }
}

/// The number that a 32-bit float was written as: 0.1, not 0.10000000149.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// The column of an INFO field kept as text.
pub(super) fn text_column<'a>(
    batch: &'a SiteBatch,
    field: &str,
) -> Result<&'a StringArray, KnowledgeError> {
    Ok(batch.text(&format!("{}{field}", columns::TEXT_PREFIX))?)
}

/// Takes the alleles of a batch; `fill` fills the fields of a row.
pub(super) fn push_rows(
    batch: &SiteBatch,
    sink: &mut TableSink<'_, '_>,
    mut fill: impl FnMut(usize, &mut RowBuffer) -> Result<(), KnowledgeError>,
) -> Result<(), KnowledgeError> {
    let source = sink.source;
    let matching = source.match_kind();
    let contigs: &UInt32Array = batch.contig_column()?;
    let positions: &UInt32Array = batch.position_column()?;
    let keys: &UInt64Array = batch.numbers(columns::VARIANT_KEY)?;
    let references = batch.text(columns::REFERENCE)?;
    let alternates = batch.text(columns::ALTERNATE)?;
    let reasons = batch.text(columns::REASON)?;
    let input_positions: &UInt32Array = batch.numbers(columns::INPUT_POSITION)?;
    for row in 0..batch.len() {
        if reasons.is_valid(row) && reasons.value(row) != Reason::RepeatedAllele.name() {
            sink.tally.drop_row(reasons.value(row));
            continue;
        }
        let (reference, alternate) = (references.value(row), alternates.value(row));
        let position = positions.value(row);
        let rank = sink.ranks.rank(ContigId(contigs.value(row)));
        let key = if matching == MatchKind::Position {
            match changed_span(position, reference.as_bytes(), alternate.as_bytes()) {
                Some((start, end)) => interval_key(rank, start, end),
                None => {
                    sink.tally.drop_row("no_changed_base");
                    continue;
                }
            }
        } else {
            RowKey {
                rank,
                start: position,
                second: if keys.is_null(row) {
                    NO_KEY
                } else {
                    keys.value(row)
                },
                reference,
                alternate,
            }
        };
        let buffer = sink.push(key)?;
        fill(row, buffer).map_err(|error| place_error(error, batch, row, input_positions))?;
    }
    Ok(())
}

/// Says at which position a value is malformed.
fn place_error(
    error: KnowledgeError,
    batch: &SiteBatch,
    row: usize,
    positions: &UInt32Array,
) -> KnowledgeError {
    let contig = batch
        .contig_column()
        .map(|contigs| ContigId(contigs.value(row)));
    match (error, contig) {
        (KnowledgeError::Source { name, path, detail }, Ok(contig)) => KnowledgeError::Source {
            name,
            path,
            detail: format!(
                "the record at {}:{}: {detail}",
                batch.contigs().name(contig),
                positions.value(row)
            ),
        },
        (error, _) => error,
    }
}

/// Decodes all records of a source and hands each batch of normalised alleles to `take`.
pub(super) fn read_alleles(
    sink: &mut TableSink<'_, '_>,
    texts: &[String],
    mut take: impl FnMut(&SiteBatch, &mut TableSink<'_, '_>) -> Result<(), KnowledgeError>,
) -> Result<(), KnowledgeError> {
    let source = sink.source;
    let read = |error| read_error(source, error);
    let contigs = Arc::clone(sink.reference.contigs());
    let input = FileInput::open(&source.path).map_err(read)?;
    let format = input.format();
    let is_flag = |name: &String| {
        let definition = input.header().info.get(name);
        definition.is_some_and(|definition| definition.number == InfoNumber::Flag)
    };
    let valued: Vec<String> = texts
        .iter()
        .filter(|name| !is_flag(name))
        .cloned()
        .collect();
    let inputs = [input];
    let settings = SiteDecoderSettings::try_new(
        &inputs,
        0,
        &[],
        Arc::clone(&contigs),
        PloidyMap::new(&contigs, sink.genome_build),
        RefMismatch::Quarantine,
    )
    .and_then(|settings| settings.with_text_fields(&inputs, texts))
    .map_err(read)?;
    let mut decoder = SiteDecoder::new(Arc::new(settings), sink.reference.reader()?);
    let mut number = 0;
    let mut decode = |raw: &RawBatch, sink: &mut TableSink<'_, '_>| -> Result<(), KnowledgeError> {
        let decoded = decoder.decode(number, raw).map_err(read)?;
        number += 1;
        if let Some(bad) = decoded.bad.first() {
            let place = format!("({}:{}) {}", bad.contig, bad.position, bad.detail);
            return Err(malformed(source, &source.path, "record", bad.record, place));
        }
        take(&decoded.batch, sink)?;
        sink.count_records(decoded.records);
        Ok(())
    };
    match format {
        RecordFormat::Vcf => {
            drop(inputs);
            let mut records = VcfRecords::open(source, sink.reference.contigs(), valued)?;
            while let Some(raw) = records.next_batch(sink)? {
                decode(&raw, sink)?;
            }
        }
        RecordFormat::Bcf => {
            let limits = RunLimits {
                batch_records: BATCH_RECORDS,
                batch_bytes: BATCH_BYTES,
                ..RunLimits::default()
            };
            let settings = SourceSettings {
                contigs,
                regions: Regions::all(),
                limits,
            };
            let mut records = RecordSource::try_new(Vec::from(inputs), &settings).map_err(read)?;
            while let Some(raw) = records.next_batch().map_err(read)? {
                decode(&raw, sink)?;
                records.spare().give_back(raw);
            }
        }
    }
    Ok(())
}

fn read_error(source: &SourceConfig, error: ReadError) -> KnowledgeError {
    KnowledgeError::Read {
        name: source.name.clone(),
        source: Box::new(error),
    }
}
