//! Reading pages of a table, and keeping those read last.

use std::fs::File;

use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::errors::ParquetError;

use super::directory::{Directory, Page};
use crate::KnowledgeError;
use crate::table_file::parquet_error;

/// Pages decoded at once: some 65,000 rows, a few megabytes of a wide table.
pub(super) const MAX_PAGES: usize = 16;

/// Rows of some pages of one row group, in order, and which pages they are.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Indices of the pages, and the first row of each in the batch.
    pages: Vec<(usize, usize)>,
    /// Its columns.
    pub(super) batch: RecordBatch,
}

/// Reads a table's pages.
///
/// # Memory
/// The segment read last: up to [`MAX_PAGES`] pages.
pub(super) struct PageReader {
    file: File,
    mask: ProjectionMask,
    last: Option<Segment>,
}

impl PageReader {
    /// A reader with a file handle of its own: the handle has one position, so it is not shared.
    ///
    /// # Errors
    /// The table cannot be opened (any more).
    pub(super) fn open(
        directory: &Directory,
        mask: ProjectionMask,
    ) -> Result<Self, KnowledgeError> {
        let file = File::open(&directory.path).map_err(|source| KnowledgeError::Open {
            path: directory.path.clone(),
            source,
        })?;
        Ok(Self {
            file,
            mask,
            last: None,
        })
    }

    /// How many of the wanted pages (ascending) one segment can hold: those that the last segment
    /// has, or else those of one row group that it has not.
    pub(super) fn take_count(&self, directory: &Directory, wanted: &[usize]) -> usize {
        let Some(first) = wanted.first() else {
            return 0;
        };
        let kept = |page: &usize| self.kept(*page).is_some();
        let is_kept = kept(first);
        let group = directory.pages.get(*first).map(|page| page.group);
        wanted
            .iter()
            .take(MAX_PAGES)
            .take_while(|page| {
                kept(page) == is_kept && directory.pages.get(**page).map(|page| page.group) == group
            })
            .count()
    }

    /// The rows of some pages that [`PageReader::take_count`] put together.
    ///
    /// # Errors
    /// The table cannot be read.
    pub(super) fn segment(
        &mut self,
        directory: &Directory,
        wanted: &[usize],
    ) -> Result<RecordBatch, KnowledgeError> {
        if let Some(batch) = self.slice_of_last(directory, wanted) {
            return Ok(batch);
        }
        let batch = self
            .read(directory, wanted)
            .map_err(|error| parquet_error(&directory.path, error))?;
        let mut start = 0;
        let pages = wanted
            .iter()
            .map(|page| {
                let entry = (*page, start);
                start += rows_of(directory.pages.get(*page));
                entry
            })
            .collect();
        self.last = Some(Segment {
            pages,
            batch: batch.clone(),
        });
        Ok(batch)
    }

    /// Place of a page in the last segment.
    fn kept(&self, page: usize) -> Option<usize> {
        let last = self.last.as_ref()?;
        last.pages
            .binary_search_by_key(&page, |(page, _)| *page)
            .ok()
    }

    fn slice_of_last(&self, directory: &Directory, wanted: &[usize]) -> Option<RecordBatch> {
        let (first, last_page) = (wanted.first()?, wanted.last()?);
        let last = self.last.as_ref()?;
        let (from, to) = (self.kept(*first)?, self.kept(*last_page)?);
        // All in between were taken together, and stand together only if none was left out.
        if to - from + 1 != wanted.len() {
            return None;
        }
        let start = last.pages.get(from)?.1;
        let end = last.pages.get(to)?.1 + rows_of(directory.pages.get(*last_page));
        Some(last.batch.slice(start, end - start))
    }

    fn read(&self, directory: &Directory, wanted: &[usize]) -> Result<RecordBatch, ParquetError> {
        let pages: Vec<&Page> = wanted
            .iter()
            .filter_map(|page| directory.pages.get(*page))
            .collect();
        let group = pages.first().map_or(0, |page| page.group as usize);
        let mut selectors = Vec::with_capacity(2 * pages.len());
        let (mut at, mut total) = (0, 0);
        for page in &pages {
            let (first, rows) = (page.first_row as usize, page.rows as usize);
            if first > at {
                selectors.push(RowSelector::skip(first - at));
            }
            selectors.push(RowSelector::select(rows));
            at = first + rows;
            total += rows;
        }
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.file.try_clone()?,
            directory.metadata.clone(),
        )
        .with_row_groups(vec![group])
        .with_projection(self.mask.clone())
        .with_row_selection(RowSelection::from(selectors))
        .with_batch_size(total)
        .build()?;
        let batch = reader.next().transpose()?;
        batch
            .filter(|batch| batch.num_rows() == total)
            .ok_or_else(|| {
                ParquetError::General("pages have other rows than their index says".to_owned())
            })
    }
}

fn rows_of(page: Option<&Page>) -> usize {
    page.map_or(0, |page| page.rows as usize)
}
