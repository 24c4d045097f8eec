//! One answer, however the reads are stored and the sites are asked.

use std::path::{Path, PathBuf};

use varisk_alignments::{AlignmentFilters, SiteReads};

use crate::support::{Allele, SetA, ask, every_base, run};

/// Writes the reads of a sample as CRAM, with its index.
fn cram(set: &SetA, sample: &str, folder: &Path) -> PathBuf {
    let path = folder.join(format!("{sample}.cram"));
    let fasta = set.reference.reference().path();
    run(
        "samtools",
        &[
            "view",
            "-C",
            "-T",
            fasta.to_str().unwrap(),
            "-o",
            path.to_str().unwrap(),
            SetA::bam(sample).to_str().unwrap(),
        ],
    );
    run("samtools", &["index", path.to_str().unwrap()]);
    path
}

#[test]
fn cram_gives_what_bam_gives() {
    let set = SetA::open();
    let folder = tempfile::tempdir().unwrap();
    let alleles = every_base(&set.reference, set.contig, 41_196_312, 41_277_500);
    for sample in ["HG00096", "HG00099"] {
        let filters = AlignmentFilters::default();
        let bam = set.source(&SetA::bam(sample), filters);
        let cram = set.source(&cram(&set, sample, folder.path()), filters);
        let expected = ask(&bam, set.contig, &alleles);
        assert!(expected.iter().any(|site| site.evidence.depth() > 8));
        assert_eq!(ask(&cram, set.contig, &alleles), expected);
        // Indels, asked alone.
        let sparse = crate::genotypes::alleles_of(&set);
        let expected = ask(&bam, set.contig, &sparse);
        assert_eq!(ask(&cram, set.contig, &sparse), expected);
    }
}

#[test]
fn a_site_answers_the_same_whatever_is_asked_beside_it() {
    let set = SetA::open();
    let source = set.source(&SetA::bam("HG00099"), AlignmentFilters::default());
    let mut alleles = every_base(&set.reference, set.contig, 41_196_312, 41_277_500);
    alleles.extend(crate::genotypes::alleles_of(&set));
    alleles.sort_by_key(|allele| allele.position);
    let together = ask(&source, set.contig, &alleles);
    for step in [2, 7, 101, 5_003] {
        for offset in [0, 1] {
            let pick = || (offset..alleles.len()).step_by(step);
            let some: Vec<Allele> = pick().map(|i| alleles[i].clone()).collect();
            let expected: Vec<SiteReads> = pick().map(|i| together[i]).collect();
            assert_eq!(ask(&source, set.contig, &some), expected, "every {step}");
        }
    }
}

#[test]
fn a_csi_index_gives_what_a_bai_index_gives() {
    let set = SetA::open();
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("reads.bam");
    let bam = SetA::bam("HG00096");
    std::fs::write(&own, std::fs::read(&bam).unwrap()).unwrap();
    run("samtools", &["index", "-c", own.to_str().unwrap()]);
    let filters = AlignmentFilters::default();
    let alleles = crate::genotypes::alleles_of(&set);
    let expected = ask(&set.source(&bam, filters), set.contig, &alleles);
    assert_eq!(
        ask(&set.source(&own, filters), set.contig, &alleles),
        expected
    );
}
