//! The stage that joins positional sources.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use varisk_core::{ContigSet, SiteBatch, Stage, StageError, Worker};

use super::directory::Directory;
use super::pages::PageReader;
use super::rows::BatchRows;
use super::{allele, interval};
use crate::table_file::names;
use crate::{Bundle, Combine, KnowledgeError, LockedSource, MatchKind, SourceKind};

const NAME: &str = "knowledge";

/// Joins sources of a bundle that are found by allele or position: adds a column
/// `<source>.<field>` for each field, null where the source has nothing.
///
/// # Memory
/// For each source its footer and page index, shared by all threads (some 30 bytes for each 4,096
/// rows and column), and for each thread the pages read last.
pub struct KnowledgeStage {
    sources: Vec<Arc<JoinedSource>>,
}

/// A source as it is joined.
struct JoinedSource {
    matching: MatchKind,
    combine: Combine,
    /// BED regions say where they are and, by that, where they are not.
    is_complete: bool,
    directory: Directory,
    mask: ProjectionMask,
    /// Names of the columns added.
    columns: Vec<String>,
    /// For each column its place among the projected fields, and its type.
    fields: Vec<(usize, DataType)>,
}

impl KnowledgeStage {
    /// Plans a join of sources (`clinvar`: all fields) or fields (`gnomad.af`) onto batches with
    /// these contigs.
    ///
    /// # Errors
    /// The bundle lacks one, a source is not positional, or none of its contigs is the run's.
    pub fn try_new<S: AsRef<str>>(
        bundle: &Bundle,
        wanted: &[S],
        contigs: &ContigSet,
    ) -> Result<Self, KnowledgeError> {
        let mut grouped: Vec<(&LockedSource, Vec<&str>)> = Vec::new();
        for name in wanted {
            let (source, field) = bundle.resolve(name.as_ref())?;
            let place = grouped
                .iter()
                .position(|(other, _)| other.name == source.name);
            let at = place.unwrap_or_else(|| {
                grouped.push((source, Vec::new()));
                grouped.len() - 1
            });
            let all = source.columns.iter().map(|column| column.name.as_str());
            let asked: Vec<&str> = all
                .filter(|name| field.is_none_or(|f| f == *name))
                .collect();
            for name in asked {
                if !grouped[at].1.contains(&name) {
                    grouped[at].1.push(name);
                }
            }
        }
        let sources = grouped
            .into_iter()
            .map(|(source, fields)| JoinedSource::try_new(bundle, source, &fields, contigs))
            .map(|source| source.map(Arc::new))
            .collect::<Result<_, _>>()?;
        Ok(Self { sources })
    }
}

impl JoinedSource {
    fn try_new(
        bundle: &Bundle,
        source: &LockedSource,
        wanted: &[&str],
        contigs: &ContigSet,
    ) -> Result<Self, KnowledgeError> {
        let keys: &[(&str, DataType)] = match source.matching {
            MatchKind::Allele => &[
                (names::POSITION, DataType::UInt32),
                (names::VARIANT_KEY, DataType::UInt64),
                (names::REFERENCE, DataType::Utf8),
                (names::ALTERNATE, DataType::Utf8),
            ],
            MatchKind::Position => &[
                (names::START, DataType::UInt32),
                (names::END, DataType::UInt32),
            ],
            MatchKind::GeneSymbol | MatchKind::GeneId | MatchKind::Whole => {
                return Err(KnowledgeError::Misuse {
                    name: source.name.clone(),
                    detail: "is not positional, so it is not joined by position".to_owned(),
                });
            }
        };
        let path = bundle.table_path(source);
        let directory = Directory::open(&path, &source.name, source.matching, contigs)?;
        let schema = directory.metadata.schema();
        let is_wanted = |field: &Field| {
            let name = field.name().as_str();
            keys.iter().any(|(key, _)| *key == name) || wanted.contains(&name)
        };
        let roots: Vec<usize> = schema
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| is_wanted(field))
            .map(|(i, _)| i)
            .collect();
        let projected: Vec<&Field> = roots
            .iter()
            .filter_map(|i| schema.fields().get(*i))
            .map(AsRef::as_ref)
            .collect();
        let differs = |detail: String| KnowledgeError::Changed {
            path: path.clone(),
            detail,
        };
        let found = projected.iter().take(keys.len());
        if !found
            .map(|field| (field.name().as_str(), field.data_type()))
            .eq(keys.iter().map(|(name, data_type)| (*name, data_type)))
        {
            return Err(differs(
                "its key columns are not those of a bundle".to_owned(),
            ));
        }
        let mut fields = Vec::with_capacity(wanted.len());
        for name in wanted {
            let place = projected.iter().position(|field| field.name() == name);
            let place = place.filter(|place| *place >= keys.len());
            let place = place.ok_or_else(|| differs(format!("it has no column '{name}'")))?;
            fields.push((place - keys.len(), projected[place].data_type().clone()));
        }
        let mask = ProjectionMask::roots(directory.metadata.parquet_schema(), roots);
        Ok(Self {
            matching: source.matching,
            combine: source.combine.unwrap_or_default(),
            is_complete: source.kind == SourceKind::Bed,
            columns: wanted
                .iter()
                .map(|field| format!("{}.{field}", source.name))
                .collect(),
            directory,
            mask,
            fields,
        })
    }

    fn join(
        &self,
        rows: &BatchRows<'_>,
        spans: &[Option<(u32, u32)>],
        reader: &mut PageReader,
    ) -> Result<Vec<ArrayRef>, KnowledgeError> {
        let matches = match self.matching {
            MatchKind::Allele => allele::find(rows, &self.directory, reader)?,
            _ => interval::find(rows, spans, &self.directory, reader)?,
        };
        let mut columns = matches.columns(rows.len, &self.fields, self.combine)?;
        if self.is_complete {
            for column in &mut columns {
                if *column.data_type() == DataType::Boolean {
                    *column = Arc::new(outside_is_false(column.as_boolean(), spans));
                }
            }
        }
        Ok(columns)
    }
}

/// Where regions are a complete statement, an allele outside all of them is not inside. What is no
/// sequence stays null.
fn outside_is_false(flags: &BooleanArray, spans: &[Option<(u32, u32)>]) -> BooleanArray {
    spans
        .iter()
        .enumerate()
        .map(|(row, span)| span.map(|_| flags.is_valid(row) && flags.value(row)))
        .collect()
}

impl Stage for KnowledgeStage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn output_schema(&self, input: &SchemaRef) -> Result<SchemaRef, StageError> {
        let mut fields: Vec<Arc<Field>> = input.fields().iter().cloned().collect();
        for source in &self.sources {
            for (name, (_, data_type)) in source.columns.iter().zip(&source.fields) {
                fields.push(Arc::new(Field::new(name, data_type.clone(), true)));
            }
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    fn worker(&self) -> Result<Box<dyn Worker>, StageError> {
        let sources = self
            .sources
            .iter()
            .map(|source| {
                let reader = PageReader::open(&source.directory, source.mask.clone())?;
                Ok((Arc::clone(source), reader))
            })
            .collect::<Result<_, KnowledgeError>>()
            .map_err(|error| StageError::new(NAME, error))?;
        Ok(Box::new(KnowledgeWorker { sources }))
    }
}

/// One thread's readers.
struct KnowledgeWorker {
    sources: Vec<(Arc<JoinedSource>, PageReader)>,
}

impl KnowledgeWorker {
    fn join(&mut self, batch: &SiteBatch) -> Result<Vec<(String, ArrayRef)>, KnowledgeError> {
        let rows = BatchRows::try_new(batch)?;
        let needs_spans = self
            .sources
            .iter()
            .any(|(source, _)| source.matching == MatchKind::Position);
        let spans = if needs_spans {
            rows.spans()
        } else {
            Vec::new()
        };
        let mut added = Vec::new();
        for (source, reader) in &mut self.sources {
            let columns = source.join(&rows, &spans, reader)?;
            added.extend(source.columns.iter().cloned().zip(columns));
        }
        Ok(added)
    }
}

impl Worker for KnowledgeWorker {
    fn process(&mut self, batch: SiteBatch) -> Result<SiteBatch, StageError> {
        let added = self
            .join(&batch)
            .map_err(|error| StageError::new(NAME, error))?;
        Ok(batch.with_columns(added)?)
    }
}
