//! Genome builds: lengths of the primary contigs, pseudoautosomal regions.
//!
//! Sources: NCBI assembly reports GCF_000001405.25 (GRCh37.p13), GCF_000001405.40 (GRCh38.p14),
//! GCF_009914755.1 (T2T-CHM13v2.0); pseudoautosomal regions from the Genome Reference Consortium
//! and, for T2T-CHM13v2.0, from its release notes.

use serde::{Deserialize, Serialize};

/// A human genome build, or a genome that varisk knows nothing about but its FASTA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GenomeBuild {
    /// GRCh37, including b37 and hg19 naming.
    #[serde(rename = "GRCh37")]
    Grch37,
    /// GRCh38, including hg38 naming.
    #[serde(rename = "GRCh38")]
    Grch38,
    /// T2T-CHM13v2.0.
    #[serde(rename = "T2T-CHM13v2.0")]
    T2tChm13,
    /// Any other genome: no known lengths, no pseudoautosomal regions unless given.
    #[serde(rename = "other")]
    Other,
}

/// Contigs 1 to 22, X and Y.
const NAMES: [&str; 24] = [
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17",
    "18", "19", "20", "21", "22", "X", "Y",
];

const GRCH37: [u32; 24] = [
    249_250_621,
    243_199_373,
    198_022_430,
    191_154_276,
    180_915_260,
    171_115_067,
    159_138_663,
    146_364_022,
    141_213_431,
    135_534_747,
    135_006_516,
    133_851_895,
    115_169_878,
    107_349_540,
    102_531_392,
    90_354_753,
    81_195_210,
    78_077_248,
    59_128_983,
    63_025_520,
    48_129_895,
    51_304_566,
    155_270_560,
    59_373_566,
];

const GRCH38: [u32; 24] = [
    248_956_422,
    242_193_529,
    198_295_559,
    190_214_555,
    181_538_259,
    170_805_979,
    159_345_973,
    145_138_636,
    138_394_717,
    133_797_422,
    135_086_622,
    133_275_309,
    114_364_328,
    107_043_718,
    101_991_189,
    90_338_345,
    83_257_441,
    80_373_285,
    58_617_616,
    64_444_167,
    46_709_983,
    50_818_468,
    156_040_895,
    57_227_415,
];

const T2T_CHM13: [u32; 24] = [
    248_387_328,
    242_696_752,
    201_105_948,
    193_574_945,
    182_045_439,
    172_126_628,
    160_567_428,
    146_259_331,
    150_617_247,
    134_758_134,
    135_127_769,
    133_324_548,
    113_566_686,
    101_161_492,
    99_753_195,
    96_330_374,
    84_276_897,
    80_542_538,
    61_707_364,
    66_210_255,
    45_090_682,
    51_324_926,
    154_259_566,
    62_460_029,
];

impl GenomeBuild {
    /// The three builds with known contig lengths.
    pub const KNOWN: [Self; 3] = [Self::Grch37, Self::Grch38, Self::T2tChm13];

    /// The name that users see and write.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Grch37 => "GRCh37",
            Self::Grch38 => "GRCh38",
            Self::T2tChm13 => "T2T-CHM13v2.0",
            Self::Other => "other",
        }
    }

    /// Reads a build name, with the synonyms that headers and users write.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "grch37" | "hg19" | "b37" | "hs37d5" | "37" => Some(Self::Grch37),
            "grch38" | "hg38" | "b38" | "38" => Some(Self::Grch38),
            "t2t-chm13v2.0" | "t2t" | "chm13" | "hs1" | "chm13v2.0" => Some(Self::T2tChm13),
            "other" => Some(Self::Other),
            _ => None,
        }
    }

    /// A build that a free text (a `##reference` line, an `assembly` tag) plainly names.
    #[must_use]
    pub fn mentioned_in(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let named = [
            (
                Self::Grch37,
                any(&["grch37", "hg19", "b37", "hs37d5", "g1k_v37"]),
            ),
            (Self::Grch38, any(&["grch38", "hg38"])),
            (Self::T2tChm13, any(&["chm13", "t2t"])),
        ];
        let mut hits = named.iter().filter(|(_, hit)| *hit);
        match (hits.next(), hits.next()) {
            (Some((build, _)), None) => Some(*build),
            _ => None,
        }
    }

    /// Length in bases of a primary contig, by canonical name (`1` to `22`, `X`, `Y`, `MT`).
    #[must_use]
    pub fn length(self, canonical: &str) -> Option<u32> {
        if canonical == "MT" {
            // hg19 as UCSC first shipped it carries another mitochondrion (16,571 bases); b37,
            // GRCh38 and T2T carry the rCRS.
            return (self != Self::Other).then_some(16_569);
        }
        let lengths = match self {
            Self::Grch37 => &GRCH37,
            Self::Grch38 => &GRCH38,
            Self::T2tChm13 => &T2T_CHM13,
            Self::Other => return None,
        };
        let index = NAMES.iter().position(|name| *name == canonical)?;
        lengths.get(index).copied()
    }

    /// Pseudoautosomal regions as (canonical contig, first, last): 1-based, inclusive.
    #[must_use]
    pub fn pseudoautosomal(self) -> &'static [(&'static str, u32, u32)] {
        match self {
            Self::Grch37 => &[
                ("X", 60_001, 2_699_520),
                ("X", 154_931_044, 155_260_560),
                ("Y", 10_001, 2_649_520),
                ("Y", 59_034_050, 59_363_566),
            ],
            Self::Grch38 => &[
                ("X", 10_001, 2_781_479),
                ("X", 155_701_383, 156_030_895),
                ("Y", 10_001, 2_781_479),
                ("Y", 56_887_903, 57_217_415),
            ],
            Self::T2tChm13 => &[
                ("X", 1, 2_394_410),
                ("X", 153_925_835, 154_259_566),
                ("Y", 1, 2_458_320),
                ("Y", 62_122_810, 62_460_029),
            ],
            Self::Other => &[],
        }
    }
}

impl std::fmt::Display for GenomeBuild {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_told_apart_by_any_one_chromosome() {
        for name in NAMES {
            let lengths: std::collections::BTreeSet<_> = GenomeBuild::KNOWN
                .iter()
                .map(|build| build.length(name))
                .collect();
            assert_eq!(lengths.len(), 3, "{name}");
        }
    }

    #[test]
    fn free_text_names_a_build_only_when_unambiguous() {
        let check =
            |text, expected| assert_eq!(GenomeBuild::mentioned_in(text), expected, "{text}");
        check("ftp://x/human_g1k_v37.fasta.gz", Some(GenomeBuild::Grch37));
        check(
            "GRCh38_full_analysis_set_plus_decoy_hla.fa",
            Some(GenomeBuild::Grch38),
        );
        check("liftover_hg19_to_hg38.fa", None);
        check("reference.fa", None);
    }
}
