//! How many records a batch has, by what the run is for.

use arrow::datatypes::Schema;
use varisk_core::{RunLimits, columns as c};

use crate::plan::{Plan, Purpose};
use crate::settings::Settings;

/// Batches of the largest model that a batch of records holds, but for a sixteenth: records have a little more than one
/// allele each, and one row too many is a batch that is nothing but padding.
const MODEL_BATCHES: usize = 4;
/// Records of a batch, at most, unless somebody says otherwise: what is in flight is to be over soon after a signal, and
/// lines of consequences are long.
const MOST_RECORDS: usize = 16_384;
/// Records of a batch that is joined only: looking pages up for more rows at once costs less. Lines of
/// consequences would make such a batch too large.
const JOIN_RECORDS: usize = 16_384;
/// Rows of the table of site states that one batch makes, about: a batch of a large cohort has fewer alleles.
const ROWS_OF_A_BATCH: usize = 1 << 19;

impl Plan {
    /// Limits of the run, with as many records in a batch as serve its purpose, but never more than somebody has asked
    /// for.
    pub(crate) fn limits(&self, settings: &Settings) -> RunLimits {
        let mut limits = settings.limits.clone();
        let records = &mut limits.batch_records;
        if self.purpose == Purpose::Evidence {
            // The rows of a batch stay bounded whatever the number of patients.
            let patients = self.fold.patients.len().max(1);
            *records = (*records).min((ROWS_OF_A_BATCH / patients).max(1));
        } else if !settings.is_batch_size_given {
            *records = (*records).max(self.records_that_suit());
        }
        limits
    }

    /// Records that suit what is done with a batch; 0 where any number does.
    fn records_that_suit(&self) -> usize {
        if self.purpose == Purpose::Annotate && !has_consequences(&self.schema) {
            return JOIN_RECORDS;
        }
        let models = self.fold.variant_models.iter();
        let rows = models.map(|model| model.batch_size).max().unwrap_or(0);
        (rows * MODEL_BATCHES / 16 * 15).min(MOST_RECORDS)
    }
}

fn has_consequences(schema: &Schema) -> bool {
    let mut fields = schema.fields().iter();
    fields.any(|field| field.name().starts_with(c::CONSEQUENCE_PREFIX))
}
