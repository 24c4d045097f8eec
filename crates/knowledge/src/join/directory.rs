//! Where the pages of a table are, from Parquet's own page index.

use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, UInt32Array};
use arrow::datatypes::{DataType, UInt32Type};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::errors::ParquetError;
use varisk_core::ContigSet;

use crate::table_file::{names, open, parquet_error};
use crate::{KnowledgeError, MatchKind};

/// A page of the key columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Row group.
    pub(super) group: u32,
    /// First row in the row group.
    pub(super) first_row: u32,
    /// Number of rows.
    pub(super) rows: u32,
    /// First start.
    pub(super) min_start: u32,
    /// Last start.
    pub(super) max_start: u32,
    /// Last end of its rows; of alleles their last position.
    pub(super) max_end: u32,
    /// Last end of its rows and of all before it on its contig.
    pub(super) max_end_so_far: u32,
}

/// A table whose pages are known.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    pub(super) metadata: ArrowReaderMetadata,
    pub(super) pages: Vec<Page>,
    /// Pages of each contig of the run.
    by_contig: Vec<Range<usize>>,
}

impl Directory {
    /// Reads footer and page index, and finds the run's contigs.
    ///
    /// # Errors
    /// The table cannot be read, or has none of the run's contigs.
    pub(super) fn open(
        path: &Path,
        source: &str,
        matching: MatchKind,
        contigs: &ContigSet,
    ) -> Result<Self, KnowledgeError> {
        let (_, metadata) = open(path, true)?;
        let start = if matching == MatchKind::Allele {
            names::POSITION
        } else {
            names::START
        };
        let failed = |error| parquet_error(path, error);
        let starts = PageStatistics::read(&metadata, start).map_err(failed)?;
        let ends = match matching {
            MatchKind::Allele => None,
            _ => Some(PageStatistics::read(&metadata, names::END).map_err(failed)?),
        };
        let group_contigs = group_contigs(&metadata).map_err(failed)?;

        let mut pages: Vec<Page> = Vec::with_capacity(starts.rows.len());
        let mut by_contig = vec![0..0; contigs.len()];
        let mut unknown: Vec<&str> = Vec::new();
        let mut page = 0;
        for (group, name) in group_contigs.iter().enumerate() {
            let first = pages.len();
            let contig = contigs.find(name);
            let range = contig.and_then(|contig| by_contig.get_mut(contig.0 as usize));
            // Row groups of one contig follow each other.
            let mut so_far = range
                .as_ref()
                .filter(|range| range.start < range.end)
                .and_then(|range| pages.get(range.end - 1))
                .map_or(0, |page| page.max_end_so_far);
            let mut first_row = 0;
            for _ in 0..starts
                .pages_of_group
                .get(group)
                .copied()
                .unwrap_or_default()
            {
                let rows = starts.rows.get(page).copied().unwrap_or_default();
                let value = |array: &UInt32Array| {
                    (page < array.len() && array.is_valid(page)).then(|| array.value(page))
                };
                let (Some(min_start), Some(max_start)) =
                    (value(&starts.mins), value(&starts.maxes))
                else {
                    return Err(failed(ParquetError::General(
                        "a page has no statistics".to_owned(),
                    )));
                };
                let max_end = ends
                    .as_ref()
                    .map_or(Some(max_start), |ends| value(&ends.maxes))
                    .unwrap_or(u32::MAX);
                so_far = so_far.max(max_end);
                pages.push(Page {
                    group: u32::try_from(group).unwrap_or(u32::MAX),
                    first_row,
                    rows,
                    min_start,
                    max_start,
                    max_end,
                    max_end_so_far: so_far,
                });
                first_row = first_row.saturating_add(rows);
                page += 1;
            }
            match range {
                Some(range) if range.start >= range.end => *range = first..pages.len(),
                Some(range) => range.end = pages.len(),
                None => unknown.push(name),
            }
        }
        if by_contig.iter().all(Range::is_empty) {
            unknown.dedup();
            unknown.truncate(5);
            return Err(KnowledgeError::NoCommonContig {
                name: source.to_owned(),
                contigs: unknown.join(", "),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            metadata,
            pages,
            by_contig,
        })
    }

    /// Pages of a contig of the run.
    pub(super) fn contig(&self, contig: u32) -> Range<usize> {
        self.by_contig
            .get(contig as usize)
            .cloned()
            .unwrap_or_default()
    }
}

/// Statistics of the pages of one key column, over all row groups.
struct PageStatistics {
    mins: UInt32Array,
    maxes: UInt32Array,
    rows: Vec<u32>,
    pages_of_group: Vec<usize>,
}

impl PageStatistics {
    fn read(metadata: &ArrowReaderMetadata, column: &str) -> Result<Self, ParquetError> {
        let parquet = metadata.metadata();
        let missing = || ParquetError::General("the page index is missing".to_owned());
        let converter = converter(metadata, column, &DataType::UInt32)?;
        let index = parquet.page_index().ok_or_else(missing)?.as_ref();
        let at = converter.parquet_column_index().ok_or_else(missing)?;
        let groups: Vec<usize> = (0..parquet.num_row_groups()).collect();
        let pages_of_group: Vec<usize> = groups
            .iter()
            .map(|group| index.num_data_pages(*group, at).unwrap_or_default())
            .collect();
        if pages_of_group.contains(&0) {
            return Err(missing());
        }
        let mins = converter.data_page_mins(index, &groups)?;
        let maxes = converter.data_page_maxes(index, &groups)?;
        let rows = converter
            .data_page_row_counts(index, parquet.row_groups(), &groups)?
            .ok_or_else(missing)?;
        Ok(Self {
            mins: mins.as_primitive::<UInt32Type>().clone(),
            maxes: maxes.as_primitive::<UInt32Type>().clone(),
            rows: rows
                .values()
                .iter()
                .map(|rows| u32::try_from(*rows).unwrap_or(u32::MAX))
                .collect(),
            pages_of_group,
        })
    }
}

/// Statistics of a column that must be of a type.
fn converter<'a>(
    metadata: &'a ArrowReaderMetadata,
    column: &'a str,
    expected: &DataType,
) -> Result<StatisticsConverter<'a>, ParquetError> {
    let field = metadata.schema().field_with_name(column).ok();
    if field.is_none_or(|field| field.data_type() != expected) {
        return Err(ParquetError::General(format!(
            "the column '{column}' of type {expected} is missing"
        )));
    }
    StatisticsConverter::try_new(column, metadata.schema(), metadata.parquet_schema())
}

/// Contig of each row group.
fn group_contigs(metadata: &ArrowReaderMetadata) -> Result<Vec<String>, ParquetError> {
    let converter = converter(metadata, names::CONTIG, &DataType::Utf8)?;
    let mins = converter.row_group_mins(metadata.metadata().row_groups())?;
    let maxes = converter.row_group_maxes(metadata.metadata().row_groups())?;
    let (mins, maxes) = (mins.as_string::<i32>(), maxes.as_string::<i32>());
    mins.iter()
        .zip(maxes)
        .map(|(min, max)| match (min, max) {
            (Some(min), Some(max)) if min == max => Ok(min.to_owned()),
            _ => Err(ParquetError::General(
                "a row group holds more than one contig".to_owned(),
            )),
        })
        .collect()
}
