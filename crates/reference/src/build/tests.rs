use super::*;

type Contigs<'a> = &'a [(&'a str, u32)];

fn detect(
    declared: Option<GenomeBuild>,
    fasta: Contigs,
    header: Contigs,
    text: &str,
) -> Result<BuildFinding, String> {
    let reference = ContigSet::new(
        fasta
            .iter()
            .map(|(name, length)| ((*name).to_owned(), *length)),
    );
    let contigs = header
        .iter()
        .map(|(name, length)| HeaderContig {
            name: (*name).to_owned(),
            length: (*length > 0).then_some(*length),
            assembly: None,
        })
        .collect();
    let hints = HeaderHints {
        contigs,
        reference: (!text.is_empty()).then(|| text.to_owned()),
        assembly: None,
    };
    detect_build(declared, &reference, &hints).map_err(|error| error.to_string())
}

const B37: Option<GenomeBuild> = Some(GenomeBuild::Grch37);
const B38: Option<GenomeBuild> = Some(GenomeBuild::Grch38);

#[test]
fn builds_are_found() {
    let check =
        |declared, fasta: Contigs, header: Contigs, text, build, evidence, truncated: &[&str]| {
            let found = detect(declared, fasta, header, text).unwrap();
            assert_eq!(found.build, build, "{fasta:?} {header:?} {text}");
            assert_eq!(found.evidence, evidence, "{fasta:?} {header:?} {text}");
            assert_eq!(
                found.truncated_contigs, truncated,
                "{fasta:?} {header:?} {text}"
            );
        };
    use BuildEvidence::{Declared, Lengths, Nothing, Text};
    use GenomeBuild::{Grch37, Grch38, Other, T2tChm13};
    // Either side alone says enough, under any naming.
    check(
        None,
        &[("chr22", 50_818_468)],
        &[],
        "",
        Grch38,
        Lengths,
        &[],
    );
    check(
        None,
        &[("22", 51_304_566)],
        &[("chr22", 51_304_566)],
        "",
        Grch37,
        Lengths,
        &[],
    );
    check(
        None,
        &[("NC_060946.1", 51_324_926)],
        &[],
        "",
        T2tChm13,
        Lengths,
        &[],
    );
    // The FASTA lacks the header's contig.
    check(
        None,
        &[("toy", 100)],
        &[("1", 249_250_621)],
        "",
        Grch37,
        Lengths,
        &[],
    );
    // GRCh37 chr22:1-22,000,000 with the full length in the header, and with none.
    check(
        B37,
        &[("22", 22_000_000)],
        &[("22", 51_304_566)],
        "",
        Grch37,
        Lengths,
        &["22"],
    );
    check(
        B37,
        &[("22", 22_000_000)],
        &[("22", 0)],
        "",
        Grch37,
        Declared,
        &["22"],
    );
    check(
        B37,
        &[("22", 22_000_000)],
        &[],
        "",
        Grch37,
        Declared,
        &["22"],
    );
    // Sparse GRCh38.
    check(
        B38,
        &[
            ("chr21", 43_894_067),
            ("chr22", 42_135_810),
            ("chrM", 1_700),
        ],
        &[
            ("chr21", 46_709_983),
            ("chr22", 50_818_468),
            ("chrM", 16_569),
        ],
        "",
        Grch38,
        Lengths,
        &["chr21", "chr22", "chrM"],
    );
    // Text counts where lengths say nothing.
    check(
        None,
        &[("22", 22_000_000)],
        &[],
        "human_g1k_v37.fasta",
        Grch37,
        Text,
        &["22"],
    );
    check(
        None,
        &[("toy", 100)],
        &[("toy", 100)],
        "toy.fa",
        Other,
        Nothing,
        &[],
    );
    check(
        Some(Other),
        &[("1", 100)],
        &[("1", 100)],
        "",
        Other,
        Declared,
        &[],
    );
    // The header was made with the same cut FASTA.
    check(
        B37,
        &[("22", 22_000_000)],
        &[("22", 22_000_000)],
        "",
        Grch37,
        Declared,
        &["22"],
    );
}

#[test]
fn the_mitochondrion_of_hg19_does_not_hide_the_build() {
    let found = detect(
        None,
        &[("1", 249_250_621), ("MT", 16_569)],
        &[("chr1", 249_250_621), ("chrM", 16_571)],
        "hg19.fa",
    )
    .unwrap();
    assert_eq!(found.build, GenomeBuild::Grch37);
    assert_eq!(found.mitochondria_differ, Some((16_571, 16_569)));

    let hg19 = [("chr1", 249_250_621), ("chrM", 16_571)];
    let found = detect(B37, &hg19, &hg19, "").unwrap();
    assert_eq!(found.mitochondria_differ, None);
    assert!(found.truncated_contigs.is_empty());
}

#[test]
fn contradictions_are_refused() {
    let check = |declared, fasta: Contigs, header: Contigs, text, parts: &[&str]| {
        let message = detect(declared, fasta, header, text).unwrap_err();
        assert!(message.starts_with("wrong build: "), "{message}");
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    };
    check(
        None,
        &[("chr22", 50_818_468)],
        &[("22", 51_304_566)],
        "",
        &[
            "50818468 bases as in GRCh38",
            "22 with 51304566",
            "give a FASTA of GRCh37",
        ],
    );
    // Other contigs than the one they share.
    check(
        None,
        &[("chr22", 50_818_468)],
        &[("1", 249_250_621)],
        "",
        &["GRCh38", "GRCh37"],
    );
    check(
        B37,
        &[("chr22", 50_818_468)],
        &[],
        "",
        &["--build says GRCh37", "give a FASTA of"],
    );
    check(
        B37,
        &[("22", 22_000_000)],
        &[("22", 50_818_468)],
        "",
        &["give a VCF on GRCh37"],
    );
    // A cut FASTA without a declared build, and the hint how to go on.
    check(
        None,
        &[("22", 22_000_000)],
        &[("22", 51_304_566)],
        "",
        &["51304566", "22000000", "--build"],
    );
    // Longer than the header says.
    check(None, &[("toy", 101)], &[("toy", 100)], "", &["101", "100"]);
    check(
        B37,
        &[("22", 51_304_567)],
        &[],
        "",
        &["51304567", "51304566 in GRCh37"],
    );
    // A header cut where the FASTA is not.
    check(
        B37,
        &[("22", 51_304_566)],
        &[("22", 22_000_000)],
        "",
        &["22000000"],
    );
    check(
        None,
        &[("22", 51_304_566)],
        &[],
        "GRCh38.fa",
        &["##reference=GRCh38.fa"],
    );
    check(
        B38,
        &[("toy", 100)],
        &[],
        "hs37d5.fa",
        &["--build says GRCh38"],
    );
    check(
        Some(GenomeBuild::Other),
        &[("22", 51_304_566)],
        &[],
        "",
        &["--build says other"],
    );
    check(
        None,
        &[("1", 249_250_621), ("2", 242_193_529)],
        &[],
        "",
        &["mixes builds"],
    );
    check(
        None,
        &[],
        &[("1", 249_250_621), ("2", 242_193_529)],
        "",
        &["contradicts itself"],
    );
}
