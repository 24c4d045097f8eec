//! Haplotypes of the input's own samples, counted for one allele.

use varisk_core::{Call, CallCode, SiteBatch, SiteClass};

/// Counts over all samples of one row. Sites that were not assayed for a sample count nowhere; where
/// one copy is expected, a call counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CohortCounts {
    /// Copies of the alternate allele.
    alternate: u64,
    /// Haplotypes called.
    called: u64,
    /// Haplotypes not called (`.`).
    missing: u64,
}

impl CohortCounts {
    pub(super) fn of(batch: &SiteBatch, row: usize, class: SiteClass) -> Self {
        let calls = batch.calls();
        let mut counts = Self::default();
        if class == SiteClass::Autosomal {
            // A histogram first: half a million samples have a handful of distinct codes.
            let mut histogram = [0u64; 256];
            for code in calls.row(row) {
                histogram[usize::from(*code)] += 1;
            }
            for (code, samples) in (0..=u8::MAX)
                .zip(histogram)
                .filter(|(_, samples)| *samples > 0)
            {
                if let Some(call) = CallCode(code).call() {
                    counts.add(call, samples);
                }
            }
        } else {
            for (sample, code) in calls.row(row).iter().enumerate() {
                let call = CallCode(*code).call();
                if let Some(call) = call.and_then(|call| class.counted(call, batch.sex(sample))) {
                    counts.add(call, 1);
                }
            }
        }
        for polyploid in calls.polyploid(row) {
            if let Some(call) = class.counted(polyploid.call, batch.sex(polyploid.sample as usize))
            {
                counts.add(call, 1);
            }
        }
        counts
    }

    fn add(&mut self, call: Call, samples: u64) {
        let missing = u64::from(call.missing);
        self.alternate += samples * u64::from(call.alternate);
        self.missing += samples * missing;
        self.called += samples * u64::from(call.ploidy).saturating_sub(missing);
    }

    /// Missing where nothing is called.
    pub(super) fn alternate_frequency(self) -> Option<f64> {
        (self.called > 0).then(|| self.alternate as f64 / self.called as f64)
    }

    /// Missing where nothing is called.
    pub(super) fn alternate_count(self) -> Option<f64> {
        (self.called > 0).then_some(self.alternate as f64)
    }

    /// Missing where nothing was assayed.
    pub(super) fn call_rate(self) -> Option<f64> {
        let all = self.called + self.missing;
        (all > 0).then(|| self.called as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use varisk_core::Haplotype::{Alternate, Missing, Other, Reference};

    use arrow::array::{RecordBatch, RecordBatchOptions};
    use arrow::datatypes::Schema;
    use varisk_core::{CallMatrix, ContigSet, PolyploidCall, Sex};

    /// A batch of one row without site columns.
    fn batch(calls: CallMatrix, sexes: &[Sex]) -> SiteBatch {
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let schema = Arc::new(Schema::empty());
        let sites = RecordBatch::try_new_with_options(schema, Vec::new(), &options).unwrap();
        let contigs = Arc::new(ContigSet::default());
        SiteBatch::try_new(0, contigs, sites, calls)
            .unwrap()
            .with_sexes(sexes.into())
    }

    #[test]
    fn denominators_are_called_haplotypes() {
        let check = |codes: &[CallCode], frequency, count, rate| {
            let mut calls = CallMatrix::with_capacity(codes.len(), 1);
            for (byte, code) in calls.push_row(CallCode::MISSING).iter_mut().zip(codes) {
                *byte = code.0;
            }
            for (sample, code) in (0..).zip(codes) {
                if code.is_polyploid() {
                    let call = Call {
                        alternate: 2,
                        missing: 1,
                        ploidy: 4,
                        ..Call::default()
                    };
                    calls.push_polyploid(PolyploidCall {
                        row: 0,
                        sample,
                        call,
                    });
                }
            }
            let counts = CohortCounts::of(&batch(calls, &[]), 0, SiteClass::Autosomal);
            assert_eq!(counts.alternate_frequency(), frequency, "{codes:?}");
            assert_eq!(counts.alternate_count(), count, "{codes:?}");
            assert_eq!(counts.call_rate(), rate, "{codes:?}");
        };
        let diploid = |a, b| CallCode::diploid(a, b, false);
        check(&[], None, None, None);
        check(&[CallCode::NOT_ASSAYED], None, None, None);
        check(&[CallCode::MISSING], None, None, Some(0.0));
        check(
            &[
                diploid(Reference, Alternate),
                CallCode::MISSING,
                CallCode::NOT_ASSAYED,
            ],
            Some(0.5),
            Some(1.0),
            Some(0.5),
        );
        check(
            &[
                diploid(Alternate, Missing),
                diploid(Other, Other),
                CallCode::haploid(Alternate),
            ],
            Some(0.5),
            Some(2.0),
            Some(0.8),
        );
        check(
            &[CallCode::POLYPLOID],
            Some(2.0 / 3.0),
            Some(2.0),
            Some(0.75),
        );
    }

    #[test]
    fn a_male_counts_once_on_x_and_a_female_not_at_all_on_y() {
        let sexes = [Sex::Male, Sex::Female];
        let mut calls = CallMatrix::with_capacity(2, 1);
        calls.push_row(CallCode::diploid(Alternate, Alternate, false));
        let batch = batch(calls, &sexes);
        let counts = |class| {
            let counts = CohortCounts::of(&batch, 0, class);
            (counts.alternate, counts.called)
        };
        assert_eq!(counts(SiteClass::Autosomal), (4, 4));
        assert_eq!(counts(SiteClass::X), (3, 3));
        assert_eq!(counts(SiteClass::Y), (1, 1));
        assert_eq!(counts(SiteClass::Mitochondrial), (2, 2));
    }
}
