//! Haplotypes of the input's own samples, counted for one allele.

use varisk_core::{Call, CallCode, CallMatrix};

/// Counts over all samples of one row. Sites that were not assayed for a sample count nowhere.
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
    pub(super) fn of(calls: &CallMatrix, row: usize) -> Self {
        // A histogram first: half a million samples have a handful of distinct codes.
        let mut histogram = [0u64; 256];
        for code in calls.row(row) {
            histogram[usize::from(*code)] += 1;
        }
        let mut counts = Self::default();
        for (code, samples) in (0..=u8::MAX).zip(histogram) {
            if samples > 0
                && let Some(call) = CallCode(code).call()
            {
                counts.add(call, samples);
            }
        }
        for polyploid in calls.polyploid(row) {
            counts.add(polyploid.call, 1);
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
    use varisk_core::Haplotype::{Alternate, Missing, Other, Reference};
    use varisk_core::PolyploidCall;

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
            let counts = CohortCounts::of(&calls, 0);
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
}
