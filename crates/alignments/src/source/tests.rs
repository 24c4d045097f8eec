//! Files that are refused at the door, each with its sentence.

use std::time::{Duration, SystemTime};

use super::*;
use crate::testing::{BASES, contigs, header, indexed_bam, reference, sam, write_bam};

fn read() -> String {
    sam("r", 0, 11, "10M", &BASES[10..20])
}

fn open(path: &Path) -> Result<AlignmentSource, AlignmentError> {
    AlignmentSource::open(path, None, &contigs(), &AlignmentOptions::default())
}

fn check(path: &Path, expected: &str) {
    let error = open(path).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(!error.contains("NA0000"), "a sample is named: {error}");
}

#[test]
fn what_is_not_whole_or_not_indexed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    check(&folder.join("absent.bam"), "cannot be opened");

    let text = folder.join("text.bam");
    std::fs::write(&text, header() + &read()).unwrap();
    check(&text, "neither BAM nor CRAM");

    let bare = write_bam(folder, "bare.bam", &(header() + &read()));
    check(
        &bare,
        "bare.bam.bai is missing; make it with `samtools index",
    );

    let whole = indexed_bam(folder, "whole.bam", &(header() + &read()));
    assert_eq!(open(&whole).unwrap().samples(), ["NA00001"]);
    let bytes = std::fs::read(&whole).unwrap();
    let cut = folder.join("cut.bam");
    std::fs::write(&cut, &bytes[..bytes.len() - 28]).unwrap();
    check(&cut, "cut short");

    // The other spelling of the index, and an index older than its file.
    let index = folder.join("whole.bam.bai");
    std::fs::rename(&index, folder.join("whole.bai")).unwrap();
    open(&whole).unwrap();
    let past = SystemTime::now() - Duration::from_secs(3600);
    let file = std::fs::File::options()
        .write(true)
        .open(folder.join("whole.bai"))
        .unwrap();
    file.set_modified(past).unwrap();
    check(&whole, "is older than");

    std::fs::write(folder.join("whole.bai"), "BAI").unwrap();
    check(&whole, "is damaged");
}

#[test]
fn an_index_of_another_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let more = header().replace("@RG", "@SQ\tSN:2\tLN:50\n@RG");
    let other = indexed_bam(folder.path(), "other.bam", &(more + &read()));
    let own = write_bam(folder.path(), "own.bam", &(header() + &read()));
    std::fs::copy(
        other.with_extension("bam.bai"),
        own.with_extension("bam.bai"),
    )
    .unwrap();
    check(&own, "is damaged");
}

#[test]
fn other_contigs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let longer = header().replace(&format!("LN:{}", BASES.len()), "LN:1000");
    let path = indexed_bam(folder, "longer.bam", &(longer + &read()));
    check(&path, "contig 1 has 1000 bases in");

    let unknown = header().replace("SN:1", "SN:9") + &read().replace("\t1\t11", "\t9\t11");
    let path = indexed_bam(folder, "unknown.bam", &unknown);
    check(&path, "no contig of");

    let alias = header().replace("SN:1", "SN:chr1") + &read().replace("\t1\t11", "\tchr1\t11");
    let source = open(&indexed_bam(folder, "alias.bam", &alias)).unwrap();
    assert!(source.has_contig(ContigId(0)));
}

#[test]
fn a_checksum_is_compared_where_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let reference = reference(folder, &[("1", BASES)]);
    let own = reference.checksum(ContigId(0)).unwrap();
    let evidence = |checksum: &str, check_checksums: bool| {
        let length = format!("LN:{}", BASES.len());
        let text = header().replace(&length, &format!("{length}\tM5:{checksum}")) + &read();
        let path = indexed_bam(folder, "sum.bam", &text);
        let options = AlignmentOptions {
            check_checksums,
            ..AlignmentOptions::default()
        };
        let source = AlignmentSource::open(path, Some(&reference), &contigs(), &options).unwrap();
        let mut out = Vec::new();
        source.reader().unwrap().evidence(
            ContigId(0),
            &[crate::testing::site(11, "C", "T")],
            &mut out,
        )
    };
    evidence(&own.to_uppercase(), true).unwrap();
    let other = "0".repeat(32);
    evidence(&other, false).unwrap();
    let error = evidence(&other, true).unwrap_err().to_string();
    assert!(error.contains("another M5 checksum"), "{error}");
}

#[test]
fn reads_must_be_of_one_sample() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let none = header().replace("@RG\tID:g\tSM:NA00001\n", "");
    let without = read().replace("\tRG:Z:g", "");
    let path = indexed_bam(folder, "none.bam", &(none + &without));
    let source = open(&path).unwrap();
    assert!(!source.has_read_groups() && source.samples().is_empty());

    let second = read().replace("RG:Z:g", "RG:Z:h").replace("r\t", "s\t");
    let text = header() + "@RG\tID:h\tSM:NA00002\n" + &read() + &second + &second;
    let path = indexed_bam(folder, "several.bam", &text);
    check(&path, "reads of 2 samples and none is chosen");
    let depth = |sample: &str| {
        let options = AlignmentOptions {
            sample: Some(sample.to_owned()),
            ..AlignmentOptions::default()
        };
        let source = AlignmentSource::open(&path, None, &contigs(), &options)?;
        let mut out = Vec::new();
        let site = crate::testing::site(11, "C", "T");
        source.reader()?.evidence(ContigId(0), &[site], &mut out)?;
        Ok::<u32, AlignmentError>(out[0].evidence.depth())
    };
    assert_eq!(depth("NA00001").unwrap(), 1);
    assert_eq!(depth("NA00002").unwrap(), 2);
    let error = depth("NA00003").unwrap_err().to_string();
    assert!(
        error.contains("no read group") && !error.contains("NA0"),
        "{error}"
    );
}

#[test]
fn cram_without_a_reference_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.cram");
    // Definition and end-of-file container of CRAM 3.0; it is refused before anything else is read.
    let mut bytes = b"CRAM\x03\x00".to_vec();
    bytes.extend([0; 20]);
    std::fs::write(&path, &bytes).unwrap();
    check(&path, "cut short");
    bytes.extend(crate::door::CRAM_3_EOF);
    std::fs::write(&path, &bytes).unwrap();
    let expected = if cfg!(feature = "cram") {
        "cannot be read without the reference"
    } else {
        "built without it"
    };
    check(&path, expected);
    if cfg!(feature = "cram") {
        // Nothing but zeros where the header should be.
        std::fs::write(folder.path().join("small.cram.crai"), "").unwrap();
        let reference = reference(folder.path(), &[("1", BASES)]);
        let options = AlignmentOptions::default();
        let opened = AlignmentSource::open(&path, Some(&reference), &contigs(), &options);
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("the header of"), "{error}");
    }
}
