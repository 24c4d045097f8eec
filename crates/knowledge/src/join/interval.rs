//! Matching intervals: those that a base lies in that the allele changes.

use arrow::array::{Array, AsArray, UInt32Array};
use arrow::datatypes::UInt32Type;
use arrow::record_batch::RecordBatch;

use super::combine::Matches;
use super::directory::Directory;
use super::pages::PageReader;
use super::rows::BatchRows;
use crate::KnowledgeError;

/// Key columns in front of the fields, as they are projected: start, end.
pub(super) const KEY_COLUMNS: usize = 2;

/// First and last base of a row, by row.
type Spans = [Option<(u32, u32)>];

/// Finds all intervals of the table that each allele of a batch touches, in the order of the table.
pub(super) fn find(
    rows: &BatchRows<'_>,
    spans: &Spans,
    directory: &Directory,
    reader: &mut PageReader,
) -> Result<Matches, KnowledgeError> {
    let plan = plan(rows, spans, directory);
    let mut matches = Matches::default();
    let mut pages: Vec<usize> = plan.iter().map(|(page, _)| *page).collect();
    pages.dedup();
    let (mut wanted, mut plan) = (pages.as_slice(), plan.as_slice());
    let mut here_rows: Vec<u32> = Vec::new();
    while !wanted.is_empty() {
        let count = reader.take_count(directory, wanted).max(1);
        let (now, later) = wanted.split_at(count.min(wanted.len()));
        let behind = later.first().copied().unwrap_or(usize::MAX);
        let (here, rest) = plan.split_at(plan.partition_point(|(page, _)| *page < behind));
        here_rows.clear();
        here_rows.extend(here.iter().map(|(_, row)| *row));
        // A row that needs several of the pages is looked up in all of them at once.
        here_rows.sort_unstable();
        here_rows.dedup();
        let segment = reader.segment(directory, now)?;
        match_segment(spans, &here_rows, &segment, &mut matches)?;
        (wanted, plan) = (later, rest);
    }
    Ok(matches)
}

/// Which pages may hold which rows, by page.
fn plan(rows: &BatchRows<'_>, spans: &Spans, directory: &Directory) -> Vec<(usize, u32)> {
    let mut plan = Vec::with_capacity(rows.order.len());
    for &row in &rows.order {
        let Some((start, end)) = spans.get(row as usize).copied().flatten() else {
            continue;
        };
        let range = directory.contig(rows.contigs.value(row as usize));
        let pages = directory.pages.get(range.clone()).unwrap_or_default();
        let first = pages.partition_point(|page| page.max_end_so_far < start);
        for (i, page) in pages.iter().enumerate().skip(first) {
            if page.min_start > end {
                break;
            }
            if page.max_end >= start {
                plan.push((range.start + i, row));
            }
        }
    }
    if !plan.is_sorted_by_key(|(page, _)| *page) {
        plan.sort_by_key(|(page, _)| *page);
    }
    plan
}

fn match_segment(
    spans: &Spans,
    rows: &[u32],
    segment: &RecordBatch,
    matches: &mut Matches,
) -> Result<(), KnowledgeError> {
    let starts = segment.column(0).as_primitive::<UInt32Type>();
    let ends = segment.column(1).as_primitive::<UInt32Type>();
    debug_assert_eq!(starts.null_count() + ends.null_count(), 0);
    // The last end of all intervals so far ascends, so the first that can reach a base is found by
    // halving, however the intervals overlap.
    let ends_so_far: Vec<u32> = ends
        .values()
        .iter()
        .scan(0, |so_far, end| {
            *so_far = (*so_far).max(*end);
            Some(*so_far)
        })
        .collect();
    let mut found: Vec<u32> = Vec::new();
    for &row in rows {
        let Some((first, last)) = spans.get(row as usize).copied().flatten() else {
            continue;
        };
        let at = ends_so_far.partition_point(|end| *end < first);
        let intervals = starts.values().iter().zip(ends.values()).enumerate();
        for (index, (start, end)) in intervals.skip(at) {
            if *start > last {
                break;
            }
            if *end >= first {
                let bases = (*end).min(last) - (*start).max(first);
                found.push(u32::try_from(index).unwrap_or(u32::MAX));
                matches.rows.push(row);
                matches.bases.push(bases.saturating_add(1));
            }
        }
    }
    let fields: Vec<usize> = (KEY_COLUMNS..segment.num_columns()).collect();
    matches.take(segment, &fields, &UInt32Array::from(found))
}
