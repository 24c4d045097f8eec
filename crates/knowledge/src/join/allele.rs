//! Matching alleles: contig, position and `VariantKey`, and the alleles' text where the key is a hash
//! or missing.

use arrow::array::{Array, AsArray, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;

use super::combine::Matches;
use super::directory::Directory;
use super::pages::PageReader;
use super::rows::BatchRows;
use crate::KnowledgeError;

/// Key columns in front of the fields, as they are projected: position, key, REF, ALT.
pub(super) const KEY_COLUMNS: usize = 4;

/// Finds the first row of the table for each allele of a batch.
pub(super) fn find(
    rows: &BatchRows<'_>,
    directory: &Directory,
    reader: &mut PageReader,
) -> Result<Matches, KnowledgeError> {
    let plan = plan(rows, directory);
    let mut matches = Matches::default();
    let mut is_matched = vec![false; rows.len];
    let mut pages: Vec<usize> = plan.iter().map(|(page, _)| *page).collect();
    pages.dedup();
    let (mut wanted, mut plan) = (pages.as_slice(), plan.as_slice());
    while !wanted.is_empty() {
        let count = reader.take_count(directory, wanted).max(1);
        let (now, later) = wanted.split_at(count.min(wanted.len()));
        let behind = later.first().copied().unwrap_or(usize::MAX);
        let (here, rest) = plan.split_at(plan.partition_point(|(page, _)| *page < behind));
        let segment = reader.segment(directory, now)?;
        match_segment(rows, here, &segment, &mut is_matched, &mut matches)?;
        (wanted, plan) = (later, rest);
    }
    Ok(matches)
}

/// Which pages may hold which rows, by page, then in the order of the rows.
fn plan(rows: &BatchRows<'_>, directory: &Directory) -> Vec<(usize, u32)> {
    let mut plan = Vec::with_capacity(rows.order.len());
    let mut contig = None;
    let mut pages = 0..0;
    let mut in_order = true;
    for &row in &rows.order {
        let (id, position) = (
            rows.contigs.value(row as usize),
            rows.positions.value(row as usize),
        );
        if contig != Some(id) {
            contig = Some(id);
            pages = directory.contig(id);
        }
        let ahead = directory.pages.get(pages.clone()).unwrap_or_default();
        // Rows come by position: pages that end before this one are done with.
        let skipped = match ahead.first() {
            Some(page) if page.max_start < position => {
                ahead.partition_point(|page| page.max_start < position)
            }
            _ => 0,
        };
        pages.start += skipped;
        for (i, page) in ahead.iter().skip(skipped).enumerate() {
            if page.min_start > position {
                break;
            }
            let entry = (pages.start + i, row);
            in_order &= plan.last().is_none_or(|(last, _)| *last <= entry.0);
            plan.push(entry);
        }
    }
    // Contigs of the run need not be in the order of the table, and a position may fill two pages.
    if !in_order {
        plan.sort_by_key(|(page, _)| *page);
    }
    plan
}

/// The key columns of a segment.
struct Alleles<'a> {
    positions: &'a [u32],
    keys: &'a UInt64Array,
    references: &'a StringArray,
    alternates: &'a StringArray,
}

impl<'a> Alleles<'a> {
    fn of(batch: &'a RecordBatch) -> Self {
        Self {
            positions: batch.column(0).as_primitive::<UInt32Type>().values(),
            keys: batch.column(1).as_primitive::<UInt64Type>(),
            references: batch.column(2).as_string::<i32>(),
            alternates: batch.column(3).as_string::<i32>(),
        }
    }

    fn is(&self, index: usize, key: Option<u64>, reference: &str, alternate: &str) -> bool {
        let own = self.keys.is_valid(index).then(|| self.keys.value(index));
        if own != key {
            return false;
        }
        // The lowest bit of a key says that it is a hash, so that two alleles may share it.
        let is_exact = key.is_some_and(|key| key & 1 == 0);
        is_exact
            || (self.references.value(index) == reference
                && self.alternates.value(index) == alternate)
    }
}

fn match_segment(
    rows: &BatchRows<'_>,
    plan: &[(usize, u32)],
    segment: &RecordBatch,
    is_matched: &mut [bool],
    matches: &mut Matches,
) -> Result<(), KnowledgeError> {
    let alleles = Alleles::of(segment);
    let mut found: Vec<u32> = Vec::new();
    let mut contig = None;
    let mut at = 0;
    for &(_, row) in plan {
        let row = row as usize;
        let Some(is_matched) = is_matched.get_mut(row).filter(|is_matched| !**is_matched) else {
            continue;
        };
        let id = rows.contigs.value(row);
        if contig != Some(id) {
            // A segment is of one contig of the table; two names of the run may stand for it.
            contig = Some(id);
            at = 0;
        }
        let position = rows.positions.value(row);
        at += advance(alleles.positions.get(at..).unwrap_or_default(), position);
        let key = rows.key(row);
        let (reference, alternate) = (rows.references.value(row), rows.alternates.value(row));
        let same = alleles
            .positions
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take_while(|other| **other == position)
            .count();
        let hit = (at..at + same).find(|index| alleles.is(*index, key, reference, alternate));
        if let Some(index) = hit {
            *is_matched = true;
            found.push(u32::try_from(index).unwrap_or(u32::MAX));
            matches.rows.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
    }
    let fields: Vec<usize> = (KEY_COLUMNS..segment.num_columns()).collect();
    matches.take(segment, &fields, &UInt32Array::from(found))
}

/// How many of the sorted positions lie before one: a step at a time where it is near, else by
/// doubling steps and halving.
fn advance(positions: &[u32], position: u32) -> usize {
    let mut step = 1;
    while positions.get(step - 1).is_some_and(|p| *p < position) {
        step *= 2;
    }
    let (low, high) = (step / 2, step.min(positions.len()));
    low + positions
        .get(low..high)
        .unwrap_or_default()
        .partition_point(|p| *p < position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advancing_equals_counting() {
        let positions = [1, 1, 2, 5, 5, 5, 9, 12, 40, 41];
        for start in 0..=positions.len() {
            for position in 0..45 {
                let rest = &positions[start..];
                let expected = rest.iter().filter(|p| **p < position).count();
                assert_eq!(advance(rest, position), expected, "{start} {position}");
            }
        }
    }
}
