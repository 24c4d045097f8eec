//! RefSeq accessions of the chromosomes.

use varisk_core::{GenomeBuild, canonical_name};

/// Versions of `NC_000001` to `NC_000024` in GRCh37 (NCBI assembly GCF_000001405.25).
const GRCH37: [u8; 24] = [
    10, 11, 11, 11, 9, 11, 13, 10, 11, 10, 9, 11, 10, 8, 9, 9, 10, 9, 9, 10, 8, 10, 10, 9,
];
/// The same in GRCh38 (GCF_000001405.40).
const GRCH38: [u8; 24] = [
    11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10,
];

/// The accession of a contig. None for contigs that are no chromosome, for references that are none
/// of the known builds, and for the mitochondrion of GRCh37: under the same name two sequences are
/// about.
pub(super) fn accession(build: GenomeBuild, contig: &str) -> Option<String> {
    let canonical = canonical_name(contig);
    if canonical == "MT" {
        let is_sure =
            contig == "NC_012920.1" || matches!(build, GenomeBuild::Grch38 | GenomeBuild::T2tChm13);
        return is_sure.then(|| "NC_012920.1".to_owned());
    }
    let number: u32 = match canonical {
        "X" => 23,
        "Y" => 24,
        autosome => autosome.parse().ok().filter(|n| (1..=22).contains(n))?,
    };
    let version = |versions: &[u8; 24]| versions.get(number as usize - 1).copied();
    match build {
        GenomeBuild::Grch37 => version(&GRCH37).map(|v| format!("NC_{number:06}.{v}")),
        GenomeBuild::Grch38 => version(&GRCH38).map(|v| format!("NC_{number:06}.{v}")),
        // GCF_009914755.1: NC_060925.1 to NC_060948.1.
        GenomeBuild::T2tChm13 => Some(format!("NC_{:06}.1", 60_924 + number)),
        GenomeBuild::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accessions() {
        let check = |build, contig, expected: Option<&str>| {
            assert_eq!(accession(build, contig).as_deref(), expected, "{contig}");
        };
        check(GenomeBuild::Grch37, "chr7", Some("NC_000007.13"));
        check(GenomeBuild::Grch38, "7", Some("NC_000007.14"));
        check(GenomeBuild::Grch38, "chrX", Some("NC_000023.11"));
        check(GenomeBuild::Grch37, "Y", Some("NC_000024.9"));
        check(GenomeBuild::T2tChm13, "chr1", Some("NC_060925.1"));
        check(GenomeBuild::T2tChm13, "chrY", Some("NC_060948.1"));
        check(GenomeBuild::Grch38, "chrM", Some("NC_012920.1"));
        check(GenomeBuild::Grch37, "chrM", None);
        check(GenomeBuild::Other, "chr1", None);
        check(GenomeBuild::Grch38, "chr1_KI270706v1_random", None);
    }
}
