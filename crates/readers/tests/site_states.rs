//! States of sites without a record: gVCF blocks of several styles, spanning deletions, callable
//! regions and the assumption, whatever the cut.
#![cfg(test)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use common::{Options, Outcome, Place, header, records, short};
use varisk_core::{ContigSet, RunLimits, Sex};
use varisk_readers::{ReferenceEvidence, Regions};

const META: &str = "ALT=<ID=NON_REF,Description=\"x\">\n\
    INFO=<ID=END,Number=1,Type=Integer,Description=\"x\">\n\
    FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"x\">\n\
    FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description=\"x\">";

/// A file of one sample.
fn file(place: &Place, name: &str, lines: &str) -> PathBuf {
    place.write(name, header(META, name) + &records(lines))
}

fn evidence() -> Options {
    Options {
        evidence: Some(ReferenceEvidence::default()),
        ..Options::default()
    }
}

/// Reads a file with the site, then one with what is known of a second patient there.
fn outcome(site: &str, second: &str, options: &Options) -> Outcome {
    let place = Place::new();
    let files = [
        file(&place, "a", &format!("{site} GT 0/1")),
        file(&place, "b", second),
    ];
    place.read(&files, options).unwrap()
}

/// Call of the second patient at the row of the site, which is the first whose first call is 0/1.
fn second_call(outcome: &Outcome) -> String {
    let rows = short(outcome);
    let row = rows
        .iter()
        .find(|row| row.contains(" | 0/1 "))
        .unwrap_or_else(|| panic!("{rows:?}"));
    row.rsplit(' ').next().unwrap().to_owned()
}

fn check(site: &str, second: &str, expected: &str) {
    let outcome = outcome(site, second, &evidence());
    assert_eq!(outcome.bad, [], "{second}");
    assert_eq!(second_call(&outcome), expected, "{site} beside {second}");
}

const FORMAT: &str = "GT:DP:GQ:MIN_DP";

// Contig 1 is `ACGTACGTTT` again and again: `A` at 5, `C` at 6, `G` at 7, `T` at 8 to 10.
const SNV: &str = "1 15 . A C . . .";
const DELETION: &str = "1 15 . ACG A . . .";
const INSERTION: &str = "1 15 . A AG . . .";

#[test]
fn blocks_of_each_style_show_the_reference() {
    for block in [
        "1 11 . A <NON_REF> . . END=20 GT:DP:GQ:MIN_DP:PL 0/0:12:30:8:0,30,400",
        "1 11 . A <*> 0 . END=20 GT:GQ:MIN_DP:PL 0/0:20:9:0,30,400",
    ] {
        check(SNV, block, "b0/0");
        check(DELETION, block, "b0/0");
        check(INSERTION, block, "b0/0");
    }
    // Bases alone, as bcftools writes them: no evidence against an insertion.
    let plain = "1 11 . A . . . END=20 GT:DP 0/0:12";
    check(SNV, plain, "b0/0");
    check(DELETION, plain, "b0/0");
    check(INSERTION, plain, "-");
    check(
        INSERTION,
        "1 15 . A . . . . GT:DP:GQ 0/0:12:50\n1 16 . C . . . . GT:DP:GQ 0/0:12:50",
        "-",
    );
    // Illumina's quality field.
    check(SNV, "1 11 . A . . . END=20 GT:GQX:DP 0/0:30:12", "b0/0");
    // A haploid call keeps its ploidy.
    check(SNV, "1 11 . A <NON_REF> . . END=20 GT:DP:GQ 0:12:30", "b0");
}

#[test]
fn a_block_must_cover_the_whole_site() {
    let block = |start: u32, base: char, end: u32| {
        format!("1 {start} . {base} <NON_REF> . . END={end} {FORMAT} 0/0:30:50:30")
    };
    check(SNV, &block(11, 'A', 15), "b0/0");
    check(SNV, &block(11, 'A', 14), "-");
    check(SNV, &block(16, 'C', 20), "-");
    check(DELETION, &block(11, 'A', 17), "b0/0");
    check(DELETION, &block(11, 'A', 16), "-");
    check(INSERTION, &block(11, 'A', 16), "b0/0");
    check(INSERTION, &block(11, 'A', 15), "-");
    let adjacent = [block(11, 'A', 15), block(16, 'C', 16), block(17, 'G', 17)].join("\n");
    check(DELETION, &adjacent, "b0/0");
    let gap = [block(11, 'A', 15), block(17, 'G', 20)].join("\n");
    check(DELETION, &gap, "-");
    // The allele is normalised to 8: what lies between counts too.
    let shifted = "1 9 . TT T . . .";
    check(shifted, &block(9, 'T', 12), "-");
    check(shifted, &block(5, 'A', 12), "b0/0");
}

#[test]
fn an_indel_elsewhere_in_its_repeat_is_no_reference() {
    let assumed = Options {
        evidence: Some(ReferenceEvidence {
            absent_as_reference: true,
            ..ReferenceEvidence::default()
        }),
        ..Options::default()
    };
    let call = |site: &str, second: &str| second_call(&outcome(site, second, &assumed));
    // The same allele, written at the other end of the three T from 8 on.
    assert_eq!(call("1 7 . G GT . . .", "1 10 . T TT . . . GT 0/1"), "-");
    assert_eq!(call("1 7 . GT G . . .", "1 9 . TT T . . . GT 0/1"), "-");
    // Behind the repeat it is another one.
    assert_ne!(call("1 7 . G GT . . .", "1 14 . T TC . . . GT 0/1"), "-");
    assert_ne!(call("1 7 . GT G . . .", "1 14 . T TC . . . GT 0/1"), "-");
}

#[test]
fn low_quality_and_no_call_are_no_call() {
    let block = |values: &str| format!("1 11 . A <NON_REF> . . END=20 {FORMAT} {values}");
    check(SNV, &block("0/0:30:19:30"), "./.");
    check(SNV, &block("0/0:30:50:7"), "./.");
    check(SNV, &block("./.:30:50:30"), "./.");
    check(SNV, &block("0/.:30:50:30"), "./.");
    check(SNV, &block("0/0:.:.:."), "-");
    check(SNV, &block("0/0"), "-");
    let mixed =
        "1 11 . A <NON_REF> . . END=15 GT:GQ 0/0:50\n1 16 . C <NON_REF> . . END=20 GT:GQ 0/0:5";
    check(SNV, mixed, "b0/0");
    check(DELETION, mixed, "./.");
    let strict = Options {
        evidence: Some(ReferenceEvidence {
            min_gq: 51,
            min_depth: 0,
            ..ReferenceEvidence::default()
        }),
        ..Options::default()
    };
    let found = outcome(SNV, &block("0/0:30:50:30"), &strict);
    assert_eq!(second_call(&found), "./.");
}

#[test]
fn own_records_come_first() {
    let wide = "1 11 . A <NON_REF> . . END=14 GT:GQ:DP 0/0:50:30\n";
    let variant = |alternates: &str, values: &str| {
        format!("{wide}1 15 . A {alternates} . . . GT:GQ:DP {values}")
    };
    check(SNV, &variant("G,<NON_REF>", "0/1:50:30"), "0/o");
    check(SNV, &variant("G,<NON_REF>", "0/0:50:30"), "0/0");
    // A reference call of a gVCF is held to the limits of blocks, one of another VCF is not.
    check(SNV, &variant("G,<NON_REF>", "0/0:5:30"), "./.");
    check(SNV, &variant("C,<NON_REF>", "0/0:50:7"), "./.");
    check(SNV, &variant("C", "0/0:5:7"), "0/0");
    check(SNV, &variant("C,<NON_REF>", "0/1:5:7"), "0/1");
    check(SNV, &variant("C,<NON_REF>", "1/1:50:30"), "1/1");
    check(SNV, &variant("C,<NON_REF>", "./.:0:0"), "./.");
    check(SNV, &variant("*,<NON_REF>", "0/1:50:30"), "0/o");
    check(SNV, &variant("*", "0/1:50:30"), "0/o");
    // Insertions need a record that speaks of any allele.
    check(INSERTION, &variant("G,<NON_REF>", "0|1:50:30"), "0|o");
    check(INSERTION, &variant("G", "0/1:50:30"), "-");
    // A shorter REF at the same POS: the rest of the site needs blocks.
    check(DELETION, &variant("G,<NON_REF>", "0/1:50:30"), "-");
    let behind = "\n1 16 . C <NON_REF> . . END=20 GT:GQ:DP 0/0:50:30";
    check(
        DELETION,
        &(variant("G,<NON_REF>", "0/1:50:30") + behind),
        "0/o",
    );
    check(DELETION, &(variant("G", "0/1:50:30") + behind), "-");
    check(
        DELETION,
        &(variant("G,<NON_REF>", "0/0:50:30") + behind),
        "b0/0",
    );
}

#[test]
fn a_deletion_over_the_site_is_not_reference() {
    // 12 to 16 are gone.
    let deletion =
        |genotype: &str| format!("1 11 . ACGTAC A,<NON_REF> . . . GT:GQ:DP {genotype}:50:30");
    check(SNV, &deletion("0/1"), "0/o");
    check(SNV, &deletion("1|1"), "o|o");
    check(SNV, &deletion("0/0"), "b0/0");
    check(SNV, &deletion("./."), "./.");
    check(SNV, &deletion("0/1/1"), "-");
    check(DELETION, &deletion("0/1"), "-");
    check(INSERTION, &deletion("0/1"), "0/o");
    // Without <NON_REF> the other haplotype may have an insertion.
    check(INSERTION, "1 11 . ACGTAC A . . . GT 0/1", "-");
    check(INSERTION, "1 11 . ACGTAC A . . . GT 1/1", "o/o");
    check(SNV, "1 11 . ACGTAC A . . . GT 0/1", "0/o");
    check(SNV, "1 11 . A <DEL> . . END=40 GT 0/1", "0/o");
    check(SNV, "1 11 . A <DEL> . . END=14 GT 0/1", "-");
    check(SNV, "1 11 . A <CN3> . . END=40 GT 0/1", "-");
    // Other bases take the place of these: the row's allele may be among them.
    check(SNV, "1 14 . TAC TC . . . GT 0/1", "0/o");
    check(SNV, "1 14 . TACG TC . . . GT 0/1", "-");
    check(SNV, "1 15 . AC CG . . . GT 0/1", "-");
    // The last base of the record stays, and bases are added before it.
    check(SNV, "1 14 . TA TGA . . . GT 0/1", "-");
}

/// As `check`, with everything taken for reference that may be.
fn assume(site: &str, second: &str, expected: &str) {
    let options = Options {
        evidence: Some(ReferenceEvidence {
            absent_as_reference: true,
            ..ReferenceEvidence::default()
        }),
        ..Options::default()
    };
    assert_eq!(
        second_call(&outcome(site, second, &options)),
        expected,
        "{second}"
    );
}

#[test]
fn the_assumption_fills_what_nothing_speaks_of() {
    assume(SNV, "1 52 . C T . . . GT 0/1", "a0/0");
    assume(SNV, "1 11 . A <NON_REF> . . END=20 GT:GQ 0/0:50", "b0/0");
    // Never over a site that was looked at, or that holds another variant.
    assume(SNV, "1 11 . A <NON_REF> . . END=20 GT:GQ 0/0:5", "./.");
    assume(SNV, "1 15 . A C . . . GT ./.", "./.");
    assume(SNV, "1 15 . AC A . . . GT 0/1", "-");
    assume(SNV, "1 11 . A <CN0> . . END=40 GT 0/1", "-");
    assume(SNV, "1 11 . A <INS> . . END=40 GT 0/1", "a0/0");
    // A row that no model can score is left alone.
    assume("1 15 . A <DUP> . . .", "1 52 . C T . . . GT 0/1", "-");
}

#[test]
fn callable_regions_show_the_reference() {
    let contigs = ContigSet::new([("1".to_owned(), 200), ("2".to_owned(), 100)]);
    let check = |bed: &str, site: &str, expected: &str| {
        let regions = Regions::parse_bed(bed, "x.bed", &contigs).unwrap();
        let options = Options {
            evidence: Some(ReferenceEvidence {
                callable: vec![None, Some(Arc::new(regions))],
                absent_as_reference: true,
                ..ReferenceEvidence::default()
            }),
            ..Options::default()
        };
        let second = "1 51 . A <NON_REF> . . . GT:GQ 0/0:1\n1 52 . C T . . . GT 0/1";
        assert_eq!(
            second_call(&outcome(site, second, &options)),
            expected,
            "{bed} {site}"
        );
    };
    check("1 14 15", SNV, "r0/0");
    check("1 15 20", SNV, "a0/0");
    check("2 0 50", SNV, "a0/0");
    check("1 14 17", DELETION, "r0/0");
    check("1 14 16", DELETION, "a0/0");
    check("1 10 16\n1 16 18", DELETION, "r0/0");
    check("1 14 16", INSERTION, "r0/0");
    check("1 14 15", INSERTION, "a0/0");
    check("1 0 200", "1 51 . A C . . .", "./.");
}

#[test]
fn blocks_whose_end_lies_or_that_overlap_are_set_aside() {
    let check = |lines: &str, parts: &[&str]| {
        let found = outcome(SNV, lines, &evidence());
        let details: Vec<_> = found
            .bad
            .iter()
            .map(|bad| (bad.kind, &bad.detail))
            .collect();
        assert_eq!(details.len(), parts.len(), "{lines}: {details:?}");
        for ((kind, detail), part) in details.iter().zip(parts) {
            assert_eq!(*kind, "block");
            assert!(detail.contains(part), "{detail}");
        }
        second_call(&found)
    };
    let block = |start: u32, base: char, end: &str| {
        format!("1 {start} . {base} <NON_REF> . . END={end} GT:GQ 0/0:50\n")
    };
    assert_eq!(
        check(&block(11, 'A', "10"), &["no position at or after POS"]),
        "-"
    );
    assert_eq!(
        check(&block(11, 'A', "x"), &["no position at or after POS"]),
        "-"
    );
    assert_eq!(
        check(
            &block(11, 'A', "201"),
            &["beyond the contig's last base 200"]
        ),
        "-"
    );
    let overlap = [
        block(11, 'A', "14"),
        block(13, 'G', "20"),
        block(20, 'T', "30"),
    ]
    .concat();
    let parts = ["which ends at 14", "which ends at 20"];
    assert_eq!(check(&overlap, &parts), "b0/0");
    let twice = [block(11, 'A', "20"), block(11, 'A', "20")].concat();
    check(&twice, &["which ends at 20"]);
    // A single gVCF is checked as well, and other records may end where they like.
    let place = Place::new();
    let lines = "1 11 . A <INS> . . END=5 GT 0/1\n1 20 . T <*> . . END=300 GT 0/0";
    let alone = place
        .read(&[file(&place, "a", lines)], &evidence())
        .unwrap();
    assert_eq!(alone.bad.len(), 1);
    assert_eq!(alone.bad[0].position, 20);
}

#[test]
fn ploidy_follows_the_recorded_sex() {
    let folder = tempfile::tempdir().unwrap();
    let fasta = folder.path().join("r.fa");
    let bases = "ACGTACGTTT".repeat(3);
    std::fs::write(&fasta, format!(">X\n{bases}\n>Y\n{bases}\n")).unwrap();
    std::fs::write(
        folder.path().join("r.fa.fai"),
        "X\t30\t3\t30\t31\nY\t30\t37\t30\t31\n",
    )
    .unwrap();
    let reference = varisk_reference::Reference::open(&fasta).unwrap();
    let columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
    let write = |name: &str, lines: &str| {
        let path = folder.path().join(name);
        let text = format!(
            "##fileformat=VCFv4.2\n{columns}\t{name}\n{}",
            records(lines)
        );
        std::fs::write(&path, text).unwrap();
        path
    };
    let sites = "X 15 . A C . . . GT 0/1\nY 15 . A C . . . GT 0/1";
    let block =
        "X 11 . A <NON_REF> . . END=20 GT:GQ 0/0:50\nY 11 . A <NON_REF> . . END=20 GT:GQ 0/0:50";
    let files = [
        write("a", sites),
        write("b", block),
        write("c", "X 2 . C T . . . GT 0/1"),
    ];
    let check = |sex: Sex, expected: [&str; 2]| {
        let options = Options {
            evidence: Some(ReferenceEvidence {
                absent_as_reference: true,
                sexes: [Sex::Unknown, sex, sex].into(),
                ..ReferenceEvidence::default()
            }),
            ..Options::default()
        };
        let rows = short(&common::read(&reference, &files, &options).unwrap());
        let found: Vec<&str> = rows
            .iter()
            .filter_map(|row| row.split_once("A>C | 0/1 "))
            .map(|(_, calls)| calls)
            .collect();
        assert_eq!(found, expected, "{sex:?}");
    };
    check(Sex::Male, ["b0 a0", "b0 a0"]);
    check(Sex::Female, ["b0/0 a0/0", "- -"]);
    check(Sex::Unknown, ["b0/0 a0/0", "b0/0 -"]);
}

#[test]
fn states_do_not_depend_on_the_cut() {
    let place = Place::new();
    let a = "1 5 . A C . . . GT 0/1\n1 15 . ACG A . . . GT 0/1\n1 35 . A G . . . GT 0/1\n\
             1 58 . T A . . . GT 0/1\n1 105 . A AG . . . GT 0/1\n1 155 . A C . . . GT 0/1\n2 5 . A C . . . GT 0/1";
    let b = "1 1 . A <NON_REF> . . END=10 GT:GQ 0/0:50\n1 11 . A <NON_REF> . . END=15 GT:GQ 0/0:50\n\
             1 16 . C <NON_REF> . . END=100 GT:GQ 0/0:50\n1 101 . A <NON_REF> . . END=105 GT:GQ 0/0:50\n\
             1 106 . C <NON_REF> . . END=106 GT:GQ 0/0:50\n1 141 . A <DEL> . . END=170 GT 0/1";
    let c = "1 31 . A <*> . . END=120 GT:GQ 0/0:30\n1 121 . A <*> . . END=200 GT:GQ 0/0:3\n2 1 . A <*> . . END=100 GT:GQ 0/0:30";
    let files = [
        file(&place, "a", a),
        file(&place, "b", b),
        file(&place, "c", c),
    ];
    let whole = place.read(&files, &evidence()).unwrap();
    assert_eq!(whole.bad, []);
    let calls: Vec<String> = short(&whole)
        .into_iter()
        .filter(|row| row.contains("| 0/1 "))
        .collect();
    assert_eq!(
        calls,
        [
            "1:5 A>C | 0/1 b0/0 -",
            "1:15 ACG>A | 0/1 b0/0 -",
            "1:35 A>G | 0/1 b0/0 b0/0",
            "1:58 T>A | 0/1 b0/0 b0/0",
            "1:105 A>AG | 0/1 b0/0 b0/0",
            "1:155 A>C | 0/1 0/o ./.",
            "2:5 A>C | 0/1 - b0/0",
        ]
    );
    for records in [1, 2, 3, 5] {
        let options = Options {
            limits: RunLimits {
                batch_records: records,
                ..RunLimits::default()
            },
            ..evidence()
        };
        assert_eq!(
            place.read(&files, &options).unwrap().rows,
            whole.rows,
            "{records}"
        );
        // Each record of this input makes one row, unless it shares one.
        for skip in 1..whole.records {
            let resumed = Options {
                skip,
                ..options.clone()
            };
            let rest = place.read(&files, &resumed).unwrap();
            assert!(whole.rows.ends_with(&rest.rows), "{records} after {skip}");
        }
    }
    for count in [2, 3, 7, 20] {
        let rows: Vec<String> = (1..=count)
            .flat_map(|k| {
                let options = Options {
                    shard: Some(format!("{k}/{count}")),
                    ..evidence()
                };
                place.read(&files, &options).unwrap().rows
            })
            .collect();
        assert_eq!(rows, whole.rows, "{count} shards");
    }
    let region = Options {
        regions: ["1:58-58", "1:105", "1:16-20"].map(str::to_owned).to_vec(),
        ..evidence()
    };
    let found = place.read(&files, &region).unwrap();
    let inside: Vec<&String> = whole
        .rows
        .iter()
        .filter(|row| {
            let at: u32 = row.split([':', ' ']).nth(5).unwrap().parse().unwrap();
            row.starts_with("1:") && (at == 58 || at >= 105 || (16..=20).contains(&at))
        })
        .collect();
    assert_eq!(found.rows.iter().collect::<Vec<_>>(), inside);
}
