//! Genotypes of one allele as bits, and how a call becomes a genotype.

use varisk_core::CallCode;

/// A genotype that does not count.
pub(crate) const MISSING: u8 = 3;

/// Copies of the alternate allele for every call code, [`MISSING`] for all that does not count:
/// incomplete calls, calls that are not diploid, calls with another alternate allele (neither
/// genotype of a biallelic site), and references that are only assumed unless `count_assumed`.
pub(crate) fn genotype_table(count_assumed: bool) -> [u8; 256] {
    let mut table = [MISSING; 256];
    for (code, genotype) in (0..=u8::MAX).zip(&mut table) {
        let code = CallCode(code);
        if code.is_assumed() && !count_assumed {
            continue;
        }
        if let Some(call) = code.call()
            && call.is_complete()
            && call.ploidy == 2
            && call.other == 0
        {
            *genotype = call.alternate;
        }
    }
    table
}

/// Genotypes of one allele in two planes of bits: `low` says at least one copy, `high` two copies;
/// `high` without `low` is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    planes: Box<[[u64; 2]]>,
    len: usize,
    missing: u32,
    /// Sum of copies over those that are not missing.
    copies: u32,
}

impl Packed {
    /// Packs the genotypes of some samples of a row.
    pub(crate) fn of(codes: &[u8], samples: &[u32], table: &[u8; 256]) -> Self {
        let mut packed = Self {
            planes: vec![[0; 2]; samples.len().div_ceil(64)].into_boxed_slice(),
            len: samples.len(),
            missing: 0,
            copies: 0,
        };
        for (samples, planes) in samples.chunks(64).zip(&mut packed.planes) {
            for (bit, sample) in samples.iter().enumerate() {
                let code = codes.get(*sample as usize).copied();
                let genotype = code.map_or(MISSING, |code| table[usize::from(code)]);
                let (low, high) = match genotype {
                    0 => (0, 0),
                    1 => (1, 0),
                    2 => (1, 1),
                    _ => (0, 1),
                };
                planes[0] |= low << bit;
                planes[1] |= high << bit;
            }
            let [low, high] = *planes;
            packed.missing += (high & !low).count_ones();
            packed.copies += low.count_ones() + (high & low).count_ones();
        }
        packed
    }

    pub(crate) fn missing(&self) -> u32 {
        self.missing
    }

    /// Frequency of the alternate allele among called genotypes; 0 where none is called.
    pub(crate) fn frequency(&self) -> f64 {
        let called = self.len as f64 - f64::from(self.missing);
        if called > 0.0 {
            f64::from(self.copies) / (2.0 * called)
        } else {
            0.0
        }
    }

    /// Genotype of a sample: copies, or [`MISSING`].
    pub(crate) fn genotype(&self, sample: usize) -> u8 {
        let [low, high] = self.planes[sample / 64].map(|plane| plane >> (sample % 64) & 1);
        match (low, high) {
            (0, 0) => 0,
            (1, 0) => 1,
            (0, _) => MISSING,
            _ => 2,
        }
    }

    /// Squared correlation of the genotypes of two alleles over the samples that have both; 0 where
    /// one of them does not vary.
    pub(crate) fn r2(&self, other: &Self) -> f64 {
        // n, sums of x, y, x², y², xy; a homozygote counts 2, and 4 in squares.
        let (mut missing, mut x, mut y, mut xx, mut yy, mut xy) = (0, 0, 0, 0, 0, 0);
        let ones = |bits: u64| i64::from(bits.count_ones());
        for ([low1, high1], [low2, high2]) in self.planes.iter().zip(&other.planes) {
            let absent = (high1 & !low1) | (high2 & !low2);
            let (low1, low2) = (low1 & !absent, low2 & !absent);
            let (high1, high2) = (high1 & low1, high2 & low2);
            missing += ones(absent);
            let (l1, h1, l2, h2) = (ones(low1), ones(high1), ones(low2), ones(high2));
            x += l1 + h1;
            xx += l1 + 3 * h1;
            y += l2 + h2;
            yy += l2 + 3 * h2;
            xy += ones(low1 & low2) + ones(low1 & high2) + ones(high1 & low2) + ones(high1 & high2);
        }
        let n = i64::try_from(self.len).unwrap_or(i64::MAX) - missing;
        // Whole numbers up to here: the order of samples cannot change a decision.
        let (vx, vy) = ((n * xx - x * x) as f64, (n * yy - y * y) as f64);
        let covariance = (n * xy - x * y) as f64;
        if vx > 0.0 && vy > 0.0 {
            covariance * covariance / (vx * vy)
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varisk_core::{Haplotype, InferredReference};

    fn pack(genotypes: &[u8]) -> Packed {
        let mut table = [MISSING; 256];
        (0..3).for_each(|genotype| table[genotype] = genotype as u8);
        let samples: Vec<u32> = (0..genotypes.len() as u32).collect();
        Packed::of(genotypes, &samples, &table)
    }

    fn naive(x: &[u8], y: &[u8]) -> f64 {
        let pairs: Vec<(f64, f64)> = x
            .iter()
            .zip(y)
            .filter(|(x, y)| **x < 3 && **y < 3)
            .map(|(x, y)| (f64::from(*x), f64::from(*y)))
            .collect();
        let n = pairs.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let (mx, my) = (mean(&|p| p.0), mean(&|p| p.1));
        let cov = mean(&|p| (p.0 - mx) * (p.1 - my));
        cov * cov / (mean(&|p| (p.0 - mx).powi(2)) * mean(&|p| (p.1 - my).powi(2)))
    }

    #[test]
    fn correlation_of_bits_is_that_of_numbers() {
        let mut random = crate::testing::Random::new(3);
        for len in [10, 64, 65, 300] {
            let x: Vec<u8> = (0..len).map(|_| (random.next() % 4) as u8).collect();
            let y: Vec<u8> = x
                .iter()
                .map(|x| {
                    if random.next().is_multiple_of(3) {
                        (random.next() % 4) as u8
                    } else {
                        *x
                    }
                })
                .collect();
            let r2 = pack(&x).r2(&pack(&y));
            assert!((r2 - naive(&x, &y)).abs() < 1e-12, "{len}: {r2}");
            let packed = pack(&x);
            assert!(x.iter().enumerate().all(|(i, x)| packed.genotype(i) == *x));
            assert_eq!(
                packed.missing() as usize,
                x.iter().filter(|x| **x == 3).count()
            );
        }
        assert_eq!(pack(&[1, 1, 1]).r2(&pack(&[0, 1, 2])), 0.0);
    }

    #[test]
    fn only_complete_diploid_calls_of_the_two_alleles_count() {
        use Haplotype::{Absent, Alternate, Missing, Other, Reference};
        let table = genotype_table(false);
        let check = |code: CallCode, expected| assert_eq!(table[usize::from(code.0)], expected);
        let call = |first, second| CallCode::diploid(first, second, false);
        check(call(Reference, Reference), 0);
        check(call(Alternate, Reference), 1);
        check(call(Alternate, Alternate), 2);
        check(call(Alternate, Other), MISSING);
        check(call(Reference, Missing), MISSING);
        check(call(Alternate, Absent), MISSING);
        check(CallCode::NOT_ASSAYED, MISSING);
        check(CallCode::POLYPLOID, MISSING);
        check(
            CallCode::inferred_reference(InferredReference::Block, false),
            0,
        );
        let assumed = CallCode::inferred_reference(InferredReference::Assumption, false);
        check(assumed, MISSING);
        assert_eq!(genotype_table(true)[usize::from(assumed.0)], 0);
    }
}
