//! Columns over the reads of the patients who carry a row's allele.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array};
use varisk_core::{SiteBatch, SiteEvidence};

/// Names of the columns that the stage adds, all `Float32`, null where no carrier's reads say
/// anything:
/// * `reads.depth`: reads of a carrier, on average;
/// * `reads.alternate_fraction`: share of the carriers' reads that show the alternate allele;
/// * `reads.strand_bias`: distance between the shares of forward reads among those that show the
///   alternate and the reference allele, 0 (none) to 1; null unless both are shown;
/// * `reads.base_quality`, `reads.mapping_quality`: mean Phred quality of the reads that show the
///   alternate allele;
/// * `reads.soft_clip_fraction`: share of all these reads that have a soft clip.
pub const READS_COLUMNS: [&str; 6] = [
    "reads.depth",
    "reads.alternate_fraction",
    "reads.strand_bias",
    "reads.base_quality",
    "reads.mapping_quality",
    "reads.soft_clip_fraction",
];

/// Computes the columns; sums are integers and are divided once, so that they do not depend on the
/// order of patients.
pub(crate) fn reads_columns(batch: &SiteBatch) -> Vec<(String, ArrayRef)> {
    let mut values: [Vec<Option<f32>>; 6] = Default::default();
    for row in 0..batch.len() {
        let mut sum = SiteEvidence::default();
        let mut carriers = 0u64;
        for entry in batch.row_evidence(row) {
            let call = batch.calls().call(row, entry.sample as usize);
            if call.is_some_and(|call| call.alternate > 0) {
                sum.add(&entry.evidence);
                carriers += 1;
            }
        }
        for (column, value) in values.iter_mut().zip(row_values(&sum, carriers)) {
            column.push(value);
        }
    }
    READS_COLUMNS
        .iter()
        .zip(values)
        .map(|(name, values)| {
            let array: ArrayRef = Arc::new(Float32Array::from(values));
            ((*name).to_owned(), array)
        })
        .collect()
}

fn row_values(sum: &SiteEvidence, carriers: u64) -> [Option<f32>; 6] {
    let depth = u64::from(sum.depth());
    let alternate = u64::from(sum.alternate.depth());
    let forward = |allele: varisk_core::AlleleReads| {
        ratio(u64::from(allele.forward), u64::from(allele.depth()))
    };
    let strand_bias = forward(sum.alternate)
        .zip(forward(sum.reference))
        .map(|(alternate, reference)| (alternate - reference).abs());
    [
        ratio(depth, carriers),
        ratio(alternate, depth),
        strand_bias,
        ratio(sum.alternate.base_quality, alternate),
        ratio(sum.alternate.mapping_quality, alternate),
        ratio(u64::from(sum.soft_clipped), depth),
    ]
}

#[expect(clippy::cast_possible_truncation, reason = "a column of 32-bit floats")]
fn ratio(numerator: u64, denominator: u64) -> Option<f32> {
    (denominator > 0).then(|| (numerator as f64 / denominator as f64) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use varisk_core::AlleleReads;

    #[test]
    fn values_of_a_row() {
        let sum = SiteEvidence {
            reference: AlleleReads {
                forward: 3,
                reverse: 1,
                base_quality: 120,
                mapping_quality: 240,
            },
            alternate: AlleleReads {
                forward: 1,
                reverse: 3,
                base_quality: 100,
                mapping_quality: 200,
            },
            other: AlleleReads::default(),
            soft_clipped: 2,
        };
        let expected = [4.0, 0.5, 0.5, 25.0, 50.0, 0.25].map(Some);
        assert_eq!(row_values(&sum, 2), expected);
        assert_eq!(row_values(&SiteEvidence::default(), 0), [None; 6]);
        let nothing = [Some(0.0), None, None, None, None, None];
        assert_eq!(row_values(&SiteEvidence::default(), 1), nothing);
    }
}
