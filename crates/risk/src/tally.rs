//! Counts over alleles, whoever carries them: what `run.json` says of every reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use varisk_core::{SiteBatch, columns as c};

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;

/// Counts by name.
pub type TallyCounts = BTreeMap<String, u64>;

/// Counts rows, classes, scores and reasons of batches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteTally(TallyCounts);

impl SiteTally {
    /// Takes in a batch.
    pub fn observe(&mut self, batch: &SiteBatch) {
        self.add("rows", batch.len() as u64);
        let schema = batch.sites().schema();
        for (field, array) in schema.fields().iter().zip(batch.sites().columns()) {
            let name = field.name();
            let is_reason = name == c::REASON || name.starts_with(c::REASON_PREFIX);
            if (is_reason || name == c::ALLELE_CLASS) && field.data_type() == &DataType::Utf8 {
                for value in array.as_string::<i32>().iter().flatten() {
                    self.add(&format!("{name}={value}"), 1);
                }
            } else if name.starts_with(c::SCORE_PREFIX) {
                self.add(name, (array.len() - array.null_count()) as u64);
            }
        }
    }

    /// Adds to a count.
    pub fn add(&mut self, name: &str, count: u64) {
        match self.0.get_mut(name) {
            Some(own) => *own += count,
            None => drop(self.0.insert(name.to_owned(), count)),
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        other
            .0
            .iter()
            .for_each(|(name, count)| self.add(name, *count));
    }

    /// The counts.
    #[must_use]
    pub fn counts(&self) -> &TallyCounts {
        &self.0
    }
}
