//! What reads answer at sites.

use varisk_core::AlleleReads;

use super::*;
use crate::filters::{AlignmentFilters, AlignmentOptions};
use crate::source::AlignmentSource;
use crate::testing::{BASES, contigs, header, indexed_bam, reference, sam, site};

/// Reference, alternate and other reads at an allele, forward and reverse together.
fn ask(reads: &str, sites: &[SiteQuery<'_>]) -> Vec<[u32; 3]> {
    let folder = tempfile::tempdir().unwrap();
    let reference = reference(folder.path(), &[("1", BASES)]);
    let path = indexed_bam(folder.path(), "reads.bam", &(header() + reads));
    let options = AlignmentOptions::default();
    let source = AlignmentSource::open(path, Some(&reference), &contigs(), &options).unwrap();
    let mut out = Vec::new();
    let mut reader = source.reader().unwrap();
    reader.evidence(ContigId(0), sites, &mut out).unwrap();
    let counts = |site: &SiteReads| {
        let evidence = site.evidence;
        [evidence.reference, evidence.alternate, evidence.other].map(AlleleReads::depth)
    };
    out.iter().map(counts).collect()
}

fn check(reads: &[String], allele: SiteQuery<'_>, expected: [u32; 3]) {
    assert_eq!(ask(&reads.concat(), &[allele]), [expected], "{allele:?}");
}

/// A stretch of the contig, 1-based and inclusive.
fn bases(first: usize, last: usize) -> &'static str {
    &BASES[first - 1..last]
}

#[test]
fn single_and_several_bases() {
    // Position 11 is C, 12 T, 13 A.
    assert_eq!(bases(11, 13), "CTA");
    let plain = sam("a", 0, 1, "20M", bases(1, 20));
    let changed = bases(1, 10).to_owned() + "G" + bases(12, 20);
    let alternate = sam("b", 16, 1, "20M", &changed);
    let third = bases(1, 10).to_owned() + "A" + bases(12, 20);
    let other = sam("c", 0, 1, "20M", &third);
    let deleted = sam(
        "d",
        0,
        1,
        "10M1D9M",
        &(bases(1, 10).to_owned() + bases(12, 20)),
    );
    let reads = [plain.clone(), alternate, other, deleted];
    check(&reads, site(11, "C", "G"), [1, 1, 2]);
    check(&reads, site(10, "G", "T"), [4, 0, 0]);

    let both = bases(1, 10).to_owned() + "GG" + bases(13, 20);
    let short = sam("s", 0, 2, "10M", bases(2, 11));
    let reads = [
        plain,
        sam("m", 0, 1, "20M", &both),
        sam("h", 0, 1, "20M", &changed),
        short,
    ];
    check(&reads, site(11, "CT", "GG"), [1, 1, 1]);
}

#[test]
fn an_indel_in_a_repeat_is_found_wherever_the_aligner_put_it() {
    // A run of eight A at 21 to 28; the anchor is C at 20.
    assert_eq!(bases(20, 29), "CAAAAAAAAG");
    let longer = bases(11, 20).to_owned() + "A" + bases(21, 40);
    let insertion = site(20, "C", "CA");
    for cigar in ["10M1I20M", "14M1I16M", "18M1I12M"] {
        check(&[sam("i", 0, 11, cigar, &longer)], insertion, [0, 1, 0]);
    }
    let shorter = bases(11, 20).to_owned() + bases(22, 40);
    let deletion = site(20, "CA", "C");
    for cigar in ["10M1D19M", "13M1D16M", "17M1D12M"] {
        check(&[sam("d", 0, 11, cigar, &shorter)], deletion, [0, 1, 0]);
        check(&[sam("d", 0, 11, cigar, &shorter)], insertion, [0, 0, 1]);
    }
    // A wrong base in the repeat does not hide the insertion, another inserted base is no match.
    let wrong = longer.replacen("AAAAAAAAA", "AAAATAAAA", 1);
    check(&[sam("w", 0, 11, "10M1I20M", &wrong)], insertion, [0, 1, 0]);
    let inserted_t = bases(11, 20).to_owned() + "T" + bases(21, 40);
    check(
        &[sam("t", 0, 11, "10M1I20M", &inserted_t)],
        insertion,
        [0, 0, 1],
    );
}

#[test]
fn a_read_that_ends_within_the_repeat_says_nothing() {
    let plain = |first: usize, last: usize| {
        sam(
            "r",
            0,
            first,
            &format!("{}M", last - first + 1),
            bases(first, last),
        )
    };
    for allele in [site(20, "C", "CA"), site(20, "CA", "C")] {
        check(&[plain(11, 40)], allele, [1, 0, 0]);
        check(&[plain(11, 28)], allele, [0, 0, 0]);
        check(&[plain(11, 29)], allele, [1, 0, 0]);
        check(&[plain(21, 40)], allele, [0, 0, 0]);
        check(&[plain(20, 40)], allele, [1, 0, 0]);
    }
    // The same with a unit of two bases: CA at 41 to 48 follows G at 40.
    assert_eq!(bases(40, 49), "GCACACACAG");
    check(&[plain(31, 48)], site(40, "GCA", "G"), [0, 0, 0]);
    check(&[plain(31, 49)], site(40, "GCA", "G"), [1, 0, 0]);
    let shorter = bases(31, 40).to_owned() + bases(43, 60);
    check(
        &[sam("d", 0, 31, "14M2D14M", &shorter)],
        site(40, "GCA", "G"),
        [0, 1, 0],
    );
}

#[test]
fn complex_changes_are_compared_base_by_base() {
    // CT at 11 becomes GCC.
    let changed = bases(1, 10).to_owned() + "GCC" + bases(13, 30);
    let complex = site(11, "CT", "GCC");
    check(&[sam("c", 0, 1, "11M1I19M", &changed)], complex, [0, 1, 0]);
    check(&[sam("c", 0, 1, "12M1I18M", &changed)], complex, [0, 1, 0]);
    let half = bases(1, 10).to_owned() + "GCT" + bases(13, 30);
    check(&[sam("h", 0, 1, "11M1I19M", &half)], complex, [0, 0, 1]);
    check(&[sam("p", 0, 1, "30M", bases(1, 30))], complex, [1, 0, 0]);
}

#[test]
fn filters() {
    let read = |flags| sam("r", flags, 1, "20M", bases(1, 20));
    let allele = site(11, "C", "G");
    for (flags, depth) in [
        (0, 1),
        (0x10, 1),
        (0x100, 0),
        (0x200, 0),
        (0x400, 0),
        (0x800, 1),
    ] {
        check(&[read(flags)], allele, [depth, 0, 0]);
    }
    check(&[read(0).replace("\t60\t", "\t19\t")], allele, [0, 0, 0]);
    check(&[read(0).replace("\t60\t", "\t20\t")], allele, [1, 0, 0]);
    // Quality 12 is `-`, 13 is `.`.
    check(&[read(0).replace('?', "-")], allele, [0, 0, 0]);
    check(&[read(0).replace('?', ".")], allele, [1, 0, 0]);
    assert_eq!(AlignmentFilters::default().min_base_quality, 13);
}

#[test]
fn mates_that_overlap_count_once() {
    let mate = |flags: u16, start: usize, other: usize| {
        let text = sam("pair", flags, start, "20M", bases(start, start + 19));
        let length = if flags & 0x10 == 0 { 25 } else { -25 };
        text.replace("*\t0\t0", &format!("=\t{other}\t{length}"))
    };
    let proper = [mate(0x63, 1, 6), mate(0x93, 6, 1)];
    check(&proper, site(11, "C", "G"), [1, 0, 0]);
    check(&proper, site(3, "T", "G"), [1, 0, 0]);
    check(&proper, site(23, "A", "G"), [1, 0, 0]);
}

#[test]
fn reads_out_of_order_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let reads = sam("b", 0, 5, "20M", bases(5, 24)) + &sam("a", 0, 1, "20M", bases(1, 20));
    let sorted = sam("a", 0, 1, "20M", bases(1, 20)) + &sam("b", 0, 5, "20M", bases(5, 24));
    let path = indexed_bam(folder.path(), "order.bam", &(header() + &sorted));
    crate::testing::write_bam(folder.path(), "order.bam", &(header() + &reads));
    let options = AlignmentOptions::default();
    let source = AlignmentSource::open(path, None, &contigs(), &options).unwrap();
    let mut out = Vec::new();
    let error = source
        .reader()
        .unwrap()
        .evidence(ContigId(0), &[site(11, "C", "G")], &mut out)
        .unwrap_err()
        .to_string();
    assert!(error.contains("out of order near 1:1"), "{error}");
}

#[test]
fn an_indel_without_a_reference_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let reads = sam("a", 0, 1, "20M", bases(1, 20));
    let path = indexed_bam(folder.path(), "reads.bam", &(header() + &reads));
    let options = AlignmentOptions::default();
    let source = AlignmentSource::open(path, None, &contigs(), &options).unwrap();
    let mut reader = source.reader().unwrap();
    let mut out = Vec::new();
    let single = [site(11, "C", "G")];
    reader.evidence(ContigId(0), &single, &mut out).unwrap();
    let indel = [site(10, "GC", "G")];
    let error = reader.evidence(ContigId(0), &indel, &mut out).unwrap_err();
    assert!(error.to_string().contains("give it with `--reference`"));
}

#[test]
fn alleles_at_both_ends_of_a_contig() {
    let last = BASES.len();
    let whole = sam("w", 0, 1, &format!("{last}M"), BASES);
    let first = sam("f", 0, 2, &format!("{}M", last - 1), &BASES[1..]);
    // The deletion of the first base has its anchor on the right.
    check(std::slice::from_ref(&whole), site(1, "GA", "A"), [1, 0, 0]);
    check(&[first], site(1, "GA", "A"), [0, 0, 0]);
    let end = &BASES[last - 2..];
    check(&[whole], site(last as u32 - 1, end, &end[..1]), [1, 0, 0]);
}
