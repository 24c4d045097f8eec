//! The rows of a batch as a join sees them: typed once, in the order of the tables.

use arrow::array::{Array, StringArray, UInt32Array, UInt64Array};
use varisk_core::{SiteBatch, columns};

use crate::{KnowledgeError, changed_span};

/// Columns of a batch.
pub(super) struct BatchRows<'a> {
    pub(super) len: usize,
    pub(super) contigs: &'a UInt32Array,
    pub(super) positions: &'a UInt32Array,
    pub(super) keys: &'a UInt64Array,
    pub(super) references: &'a StringArray,
    pub(super) alternates: &'a StringArray,
    /// Rows that have an allele, by contig and position. A batch is nearly in order: alleles that
    /// were moved left stand behind their place.
    pub(super) order: Vec<u32>,
}

impl<'a> BatchRows<'a> {
    pub(super) fn try_new(batch: &'a SiteBatch) -> Result<Self, KnowledgeError> {
        let contigs = batch.contig_column()?;
        let positions = batch.position_column()?;
        let alternates = batch.text(columns::ALTERNATE)?;
        let rows = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..rows)
            .filter(|row| alternates.is_valid(*row as usize))
            .collect();
        let place = |row: &u32| {
            let row = *row as usize;
            (contigs.value(row), positions.value(row))
        };
        if !order.is_sorted_by_key(place) {
            order.sort_by_key(place);
        }
        Ok(Self {
            len: batch.len(),
            contigs,
            positions,
            keys: batch.numbers(columns::VARIANT_KEY)?,
            references: batch.text(columns::REFERENCE)?,
            alternates,
            order,
        })
    }

    /// The key of a row, where its allele has one.
    pub(super) fn key(&self, row: usize) -> Option<u64> {
        self.keys.is_valid(row).then(|| self.keys.value(row))
    }

    /// First and last base that the allele of each row changes; `None` where it is no sequence.
    pub(super) fn spans(&self) -> Vec<Option<(u32, u32)>> {
        (0..self.len)
            .map(|row| {
                if self.alternates.is_null(row) {
                    return None;
                }
                changed_span(
                    self.positions.value(row),
                    self.references.value(row).as_bytes(),
                    self.alternates.value(row).as_bytes(),
                )
            })
            .collect()
    }
}
