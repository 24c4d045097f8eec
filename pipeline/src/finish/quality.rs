//! What the table of quality says beside the counts of calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, RecordBatch, UInt64Array};
use varisk_alignments::{CONCORDANCE_FEATURE, MEAN_DEPTH_FEATURE, SITES_FEATURE};
use varisk_core::FeatureTable;
use varisk_risk::KnownVariants;

use crate::checkpoint::RunState;
use crate::fold_plan::FoldPlan;
use crate::scores::find;

/// The table of quality with what the reads of each patient show.
pub(super) fn with_reads(
    quality: &RecordBatch,
    plan: &FoldPlan,
    features: &FeatureTable,
) -> anyhow::Result<RecordBatch> {
    let number = numbers_of(quality, plan);
    let mut columns = quality.columns().to_vec();
    for (name, feature) in [
        ("reads_mean_depth", MEAN_DEPTH_FEATURE),
        ("reads_concordance", CONCORDANCE_FEATURE),
        ("reads_sites", SITES_FEATURE),
    ] {
        let (Some(values), Ok(at)) = (features.get(feature), quality.schema().index_of(name))
        else {
            continue;
        };
        columns[at] = Arc::new(
            number
                .iter()
                .map(|patient| values.get((*patient)?)?.ok())
                .collect::<Float64Array>(),
        );
    }
    Ok(RecordBatch::try_new(quality.schema(), columns)?)
}

/// The table of quality with the known alleles that could not be checked in each patient.
pub(super) fn with_known(quality: RecordBatch, state: &RunState) -> anyhow::Result<RecordBatch> {
    let known = find::<KnownVariants>(&state.analyses);
    let at = quality.schema().index_of("known_variants_uncalled");
    let (Some(known), Ok(at)) = (known, at) else {
        return Ok(quality);
    };
    let mut columns = quality.columns().to_vec();
    columns[at] = Arc::new(
        numbers_of(&quality, &state.checkpoint.plan)
            .iter()
            .map(|patient| known.uncalled().get((*patient)?).copied())
            .collect::<UInt64Array>(),
    );
    Ok(RecordBatch::try_new(quality.schema(), columns)?)
}

/// For each row of a table of patients the number of its patient in the run.
fn numbers_of(table: &RecordBatch, plan: &FoldPlan) -> Vec<Option<usize>> {
    let patients = plan.patients.iter().map(|patient| patient.id.as_str());
    let number: BTreeMap<&str, usize> = patients.zip(0..).collect();
    let ids = table
        .column_by_name("patient")
        .and_then(|column| column.as_string_opt::<i32>());
    ids.iter()
        .flat_map(|ids| ids.iter())
        .map(|id| number.get(id?).copied())
        .collect()
}
