use proptest::prelude::*;
use varisk_core::Haplotype::{Absent, Alternate, Other, Reference};
use varisk_core::SiteEvidence;

use super::*;

fn likelihoods(reads: &[(Shown, u8, u32)]) -> GenotypeLikelihoods {
    let mut sum = GenotypeLikelihoods::default();
    for (shown, quality, count) in reads {
        for _ in 0..*count {
            sum.add(*shown, *quality, 60);
        }
    }
    sum
}

fn check(reads: &[(Shown, u8, u32)], ploidy: ReadPloidy, expected: [Haplotype; 2], called: bool) {
    let depth = reads.iter().map(|(_, _, count)| count).sum();
    let genotype = likelihoods(reads).genotype(ploidy, depth);
    assert_eq!(genotype.haplotypes, expected, "{reads:?} {genotype:?}");
    let call = genotype.call(GenotypeThresholds::default());
    let code = called.then(|| CallCode::from_reads(expected[0], expected[1]).unwrap());
    assert_eq!(call, code, "{reads:?} {genotype:?}");
}

#[test]
fn genotypes() {
    use ReadPloidy::{Diploid, Haploid};
    let (r, a, o) = (Shown::Reference, Shown::Alternate, Shown::Other);
    check(&[(r, 30, 12)], Diploid, [Reference, Reference], true);
    check(&[(r, 30, 7)], Diploid, [Reference, Reference], false);
    check(
        &[(r, 30, 6), (a, 30, 5)],
        Diploid,
        [Reference, Alternate],
        true,
    );
    check(&[(a, 30, 12)], Diploid, [Alternate, Alternate], true);
    check(&[(a, 30, 5), (o, 30, 6)], Diploid, [Alternate, Other], true);
    check(&[(o, 30, 12)], Diploid, [Other, Other], true);
    // One wrong base in twenty is an error, one in five is not told apart well.
    check(
        &[(r, 30, 19), (a, 20, 1)],
        Diploid,
        [Reference, Reference],
        true,
    );
    check(
        &[(r, 30, 9), (a, 30, 2)],
        Diploid,
        [Reference, Alternate],
        true,
    );
    check(
        &[(r, 20, 10), (a, 20, 2)],
        Diploid,
        [Reference, Alternate],
        false,
    );
    check(&[(a, 30, 8)], Haploid, [Alternate, Absent], true);
    check(
        &[(r, 30, 9), (a, 30, 1)],
        Haploid,
        [Reference, Absent],
        true,
    );
    check(&[], Diploid, [Reference, Reference], false);
}

/// The formula, written out once more in floating point.
#[test]
fn likelihoods_are_those_of_the_formula() {
    let genotype = likelihoods(&[(Shown::Reference, 30, 4), (Shown::Alternate, 20, 6)])
        .genotype(ReadPloidy::Diploid, 10);
    let (e, f) = (1e-3f64, 1e-2f64);
    let log = |reference: f64, alternate: f64| 4.0 * reference.log10() + 6.0 * alternate.log10();
    let values = [
        log(1.0 - e, f / 3.0),
        log((1.0 - e + e / 3.0) / 2.0, (1.0 - f + f / 3.0) / 2.0),
        log(e / 3.0, 1.0 - f),
        log((1.0 - e + e / 3.0) / 2.0, f / 3.0),
        log(e / 3.0, (1.0 - f + f / 3.0) / 2.0),
        log(e / 3.0, f / 3.0),
    ];
    let best = values.iter().copied().fold(f64::MIN, f64::max);
    let expected = values.map(|value| (10.0 * (best - value)).round() as u32);
    assert_eq!(genotype.phred_likelihoods, expected);
    assert_eq!(genotype.quality, 99.min(expected[0].min(expected[2]) as u8));
}

proptest! {
    /// Neither the order of reads nor the way they are cut matters.
    #[test]
    fn sums_do_not_depend_on_order(mut reads in prop::collection::vec((0usize..3, 0u8..=255, 0u8..=255), 0..40)) {
        let sum = |reads: &[(usize, u8, u8)]| {
            let mut sum = GenotypeLikelihoods::default();
            for (shown, base, mapping) in reads {
                let shown = [Shown::Reference, Shown::Alternate, Shown::Other][*shown];
                sum.add(shown, *base, *mapping);
            }
            sum
        };
        let forward = sum(&reads);
        reads.reverse();
        prop_assert_eq!(forward, sum(&reads));
        let genotype = forward.genotype(ReadPloidy::Diploid, reads.len() as u32);
        prop_assert_eq!(genotype.phred_likelihoods.iter().min(), Some(&0));
    }

    /// Where all reads of an allele have one quality, its sums tell all.
    #[test]
    fn evidence_of_equal_reads_gives_the_same(counts in prop::array::uniform3(0u32..60), qualities in prop::array::uniform3(13u8..60)) {
        let shown = [Shown::Reference, Shown::Alternate, Shown::Other];
        let reads: Vec<(Shown, u8, u32)> =
            (0..3).map(|i| (shown[i], qualities[i], counts[i])).collect();
        let allele = |i: usize| varisk_core::AlleleReads {
            forward: counts[i],
            reverse: 0,
            base_quality: u64::from(counts[i]) * u64::from(qualities[i]),
            mapping_quality: u64::from(counts[i]) * 60,
        };
        let evidence = SiteEvidence {
            reference: allele(0),
            alternate: allele(1),
            other: allele(2),
            soft_clipped: 0,
        };
        prop_assert_eq!(GenotypeLikelihoods::from_evidence(&evidence), likelihoods(&reads));
    }
}
