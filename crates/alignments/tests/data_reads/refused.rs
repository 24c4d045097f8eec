//! Files that must be refused, made from real ones; and a swap.

use std::path::Path;
use std::sync::Arc;

use varisk_alignments::{
    AlignmentError, AlignmentFilters, AlignmentOptions, AlignmentReference, AlignmentSource,
    SiteQuery,
};
use varisk_core::Position;
use varisk_reference::Reference;

use crate::support::{SetA, run};

fn path_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Evidence at one base, or why there is none.
fn ask_one(
    set: &SetA,
    reference: Option<&AlignmentReference>,
    path: &Path,
) -> Result<u32, AlignmentError> {
    let options = AlignmentOptions::default();
    let source = AlignmentSource::open(path, reference, &set.contigs, &options)?;
    let site = SiteQuery {
        position: Position(41_245_466),
        reference: b"G",
        alternate: b"A",
    };
    let mut out = Vec::new();
    source.reader()?.evidence(set.contig, &[site], &mut out)?;
    Ok(out[0].evidence.depth())
}

#[test]
fn a_bam_that_is_cut_or_without_index_is_refused() {
    let set = SetA::open();
    let folder = tempfile::tempdir().unwrap();
    let whole = SetA::bam("HG00099");
    assert!(ask_one(&set, None, &whole).unwrap() >= 9);
    let cut = folder.path().join("cut.bam");
    let bytes = std::fs::read(&whole).unwrap();
    // At a block boundary, so that it inflates without an error: only the mark is missing.
    std::fs::write(&cut, &bytes[..bytes.len() - 28]).unwrap();
    let error = ask_one(&set, None, &cut).unwrap_err();
    assert!(matches!(error, AlignmentError::Truncated { .. }), "{error}");
    // In the middle, with the mark put back: found when the reads are read.
    let mut middle = bytes[..bytes.len() / 2].to_vec();
    middle.extend_from_slice(&bytes[bytes.len() - 28..]);
    std::fs::write(&cut, middle).unwrap();
    let error = ask_one(&set, None, &cut).unwrap_err();
    assert!(
        matches!(error, AlignmentError::MissingIndex { .. }),
        "{error}"
    );
    let index = whole.with_extension("bam.bai");
    std::fs::write(
        folder.path().join("cut.bam.bai"),
        std::fs::read(index).unwrap(),
    )
    .unwrap();
    let error = ask_one(&set, None, &cut).unwrap_err();
    assert!(matches!(error, AlignmentError::Read { .. }), "{error}");
}

#[test]
fn a_cram_needs_its_own_reference() {
    let set = SetA::open();
    let folder = tempfile::tempdir().unwrap();
    let cram = folder.path().join("reads.cram");
    let fasta = set.reference.reference().path();
    let bam = SetA::bam("HG00099");
    run(
        "samtools",
        &[
            "view",
            "-C",
            "-T",
            path_of(fasta),
            "-o",
            path_of(&cram),
            path_of(&bam),
        ],
    );
    let error = ask_one(&set, Some(&set.reference), &cram).unwrap_err();
    assert!(
        matches!(error, AlignmentError::MissingIndex { .. }),
        "{error}"
    );
    run("samtools", &["index", path_of(&cram)]);
    ask_one(&set, Some(&set.reference), &cram).unwrap();
    let error = ask_one(&set, None, &cram).unwrap_err();
    assert!(
        matches!(error, AlignmentError::NoReference { .. }),
        "{error}"
    );

    // Bases of another reference under the same name: one base of the gene differs.
    let text = run("samtools", &["faidx", path_of(fasta), "17"]);
    let (name, bases) = text.split_once('\n').unwrap();
    let mut bases: Vec<u8> = bases.bytes().filter(|base| *base != b'\n').collect();
    bases[41_245_000] = if bases[41_245_000] == b'A' {
        b'C'
    } else {
        b'A'
    };
    let other = folder.path().join("other.fa");
    let text = format!("{name}\n{}\n", String::from_utf8(bases).unwrap());
    std::fs::write(&other, text).unwrap();
    run("samtools", &["faidx", path_of(&other)]);
    let other = AlignmentReference::new(Reference::open(other).unwrap());
    let error = ask_one(&set, Some(&other), &cram).unwrap_err();
    assert!(
        matches!(error, AlignmentError::OtherReference { .. }),
        "{error}"
    );
}

#[test]
fn reads_of_another_build_are_refused() {
    let set = SetA::open();
    let contigs = Arc::new(varisk_core::ContigSet::new([(
        "chr17".to_owned(),
        83_257_441,
    )]));
    let options = AlignmentOptions {
        filters: AlignmentFilters::default(),
        ..AlignmentOptions::default()
    };
    let bam = SetA::bam("HG00096");
    let error = AlignmentSource::open(&bam, None, &contigs, &options).unwrap_err();
    assert!(
        matches!(error, AlignmentError::OtherBuild { .. }),
        "{error}"
    );
    assert!(
        !error
            .to_string()
            .replace("HG00096.brca1.bam", "")
            .contains("HG0")
    );
    drop(set);
}
