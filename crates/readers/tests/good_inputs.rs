//! What is read, and that neither packing nor cutting changes it.
#![cfg(test)]

mod common;

use std::path::PathBuf;

use common::{META, Options, Outcome, Place, header, info, read_one as read, records, short};
use varisk_core::RunLimits;

/// Records of every kind. Contig 1 is `ACGTACGTTT` again and again.
const RECORDS: &str = "\
1 0 . N <DEL> . . . GT 0/1 ./. .
1 5 rs1 A C 50 PASS AF=0.25;DB GT 0|1 1|1 0|0
1 9 rs2;rs3 T G,A 1e-5 q10 AF=0.5,.;AD=1,2,3 GT:DP 1/2:5 0/2 ./.:.
1 9 . T TA nan . AF=1 DP:GT 7:0/1 8 9:1/.
1 11 . A . . PASS . GT 0/0 0/0 ./.
1 15 . A * . . . GT 0/1 1 0
1 16 . C <NON_REF> . . . GT 0/0 0/0 0/0
1 17 . G G]2:5] . . . GT 0/1 0/0 0/0
1 18 . TTT T,TT . . AF=0.1,0.2 GT 0/1/2 1/1/1/1 0|1|.
1 25 . a c . . . GT 0/1 0/1 0/1
1 26 . C T . . . DP 1 2 3
2 7 . G M . . . GT 0/1 0/1 0/1
";

fn all() -> String {
    header(META, "a b c") + &records(RECORDS)
}

#[test]
fn every_kind_of_record() {
    let place = Place::new();
    let outcome = read(&place, place.write("x.vcf", all()), &info());
    let expected = [
        "1:0 N><DEL> in 1:0 N><DEL> #1 id=. qual=. filter=. reason=symbolic_allele info=[.,.,.] | 0/1 ./. .",
        "1:5 A>C in 1:5 A>C #1 id=rs1 qual=50 filter=PASS reason=. info=[0.25,.,1] | 0|1 1|1 0|0",
        "1:9 T>G in 1:9 T>G #1 id=rs2;rs3 qual=0.00001 filter=q10 reason=. info=[0.5,2,.] | 1/o 0/o ./.",
        "1:9 T>A in 1:9 T>A #2 id=rs2;rs3 qual=0.00001 filter=q10 reason=. info=[.,3,.] | o/1 0/1 ./.",
        "1:9 T>TA in 1:9 T>TA #1 id=. qual=. filter=. reason=. info=[1,.,.] | 0/1 . 1/.",
        "1:11 A>. in 1:11 A>. #0 id=. qual=. filter=PASS reason=no_alternate_allele info=[.,.,.] | 0/0 0/0 ./.",
        "1:15 A>* in 1:15 A>* #1 id=. qual=. filter=. reason=spanning_deletion info=[.,.,.] | 0/1 1 0",
        "1:16 C><NON_REF> in 1:16 C><NON_REF> #1 id=. qual=. filter=. reason=non_ref_allele info=[.,.,.] | 0/0 0/0 0/0",
        "1:17 G>G]2:5] in 1:17 G>G]2:5] #1 id=. qual=. filter=. reason=breakend info=[.,.,.] | 0/1 0/0 0/0",
        "1:17 GTT>G in 1:18 TTT>T #1 id=. qual=. filter=. reason=. info=[0.1,.,.] | 1a1o0m/3 4a0o0m/4 1a0o1m|3",
        "1:17 GT>G in 1:18 TTT>TT #2 id=. qual=. filter=. reason=. info=[0.2,.,.] | 1a1o0m/3 0a4o0m/4 0a1o1m|3",
        "1:25 A>C in 1:25 a>c #1 id=. qual=. filter=. reason=. info=[.,.,.] | 0/1 0/1 0/1",
        "1:26 C>T in 1:26 C>T #1 id=. qual=. filter=. reason=. info=[.,.,.] | ./. ./. ./.",
        "2:7 G>M in 2:7 G>M #1 id=. qual=. filter=. reason=ambiguous_base info=[.,.,.] | 0/1 0/1 0/1",
    ];
    for (found, expected) in outcome.rows.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(outcome.rows.len(), expected.len());
    assert_eq!((outcome.records, outcome.alleles), (12, 14));
}

#[test]
fn packing_and_line_ends_change_nothing() {
    let place = Place::new();
    let text = all();
    let expected = read(&place, place.write("x.vcf", &text), &info());
    let check = |name: &str, file: PathBuf| {
        assert_eq!(read(&place, file, &info()), expected, "{name}");
    };
    check("gzip", place.gzip("x.vcf.gz", &text));
    check("BGZF", place.bgzip("y.vcf.gz", &text));
    check(
        "small blocks",
        place.write("z.vcf.gz", common::bgzip(text.as_bytes(), 7)),
    );
    let crlf = text.replace('\n', "\r\n");
    check("CRLF", place.write("crlf.vcf", &crlf));
    check("BGZF and CRLF", place.bgzip("crlf.vcf.gz", &crlf));
    check("no last line end", place.write("e.vcf", text.trim_end()));
    check(
        "blank lines at the end",
        place.write("b.vcf", text.clone() + "\n\n"),
    );
    let members = [&text[..300], &text[300..]].map(|part| {
        use std::io::Write;
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(part.as_bytes()).unwrap();
        writer.finish().unwrap()
    });
    check(
        "two gzip members",
        place.write("m.vcf.gz", members.concat()),
    );
}

#[test]
fn selected_and_reordered_samples() {
    let place = Place::new();
    let file = place.write("x.vcf", all());
    let everyone = read(&place, file.clone(), &Options::default());
    let check = |samples: &[&str], columns: &[usize]| {
        let given = samples
            .iter()
            .zip(0..)
            .map(|(name, at)| ((*name).to_owned(), at))
            .collect();
        let options = Options {
            samples: Some(vec![given]),
            ..Options::default()
        };
        let outcome = read(&place, file.clone(), &options);
        for (row, whole) in outcome.rows.iter().zip(&everyone.rows) {
            let (site, calls) = whole.split_once(" | ").unwrap();
            let calls: Vec<&str> = calls.split(' ').collect();
            let picked: Vec<&str> = columns.iter().map(|column| calls[*column]).collect();
            assert_eq!(
                row,
                &format!("{site} | {}", picked.join(" ")),
                "{samples:?}"
            );
        }
        assert_eq!(outcome.rows.len(), everyone.rows.len());
    };
    check(&["b"], &[1]);
    check(&["c", "a"], &[2, 0]);
    check(&["c", "b", "a"], &[2, 1, 0]);
    check(&[], &[]);
}

#[test]
fn batches_and_skipping_change_nothing() {
    let place = Place::new();
    let file = place.write("x.vcf", all());
    let other = place.write(
        "y.vcf",
        header(META, "d")
            + &records(
                "1 5 . A C . . AF=1 GT 1/1\n1 9 . T G . . AF=1 GT 0/1\n2 7 . G A . . AF=1 GT 1",
            ),
    );
    let files = [file, other];
    let whole = place.read(&files, &info()).unwrap();
    for batch_records in [0, 1, 2, 7, 1000] {
        for batch_bytes in [0, 1, 100, 1 << 20] {
            let limits = RunLimits {
                batch_records,
                batch_bytes,
                ..RunLimits::default()
            };
            let options = Options { limits, ..info() };
            let cut = place.read(&files, &options).unwrap();
            assert_eq!(cut.rows, whole.rows, "{batch_records} {batch_bytes}");
            assert_eq!(cut.records, 15);
            // A run that stopped after some batches goes on where it was.
            let mut done = 0;
            let mut rows = Vec::new();
            for (number, size) in cut.batches.iter().enumerate() {
                let rest = place
                    .read(
                        &files,
                        &Options {
                            skip: done,
                            ..options.clone()
                        },
                    )
                    .unwrap();
                assert_eq!(rest.batches, cut.batches[number..]);
                if number == 0 {
                    rows = rest.rows;
                } else {
                    assert!(
                        rows.ends_with(&rest.rows),
                        "{batch_records} {batch_bytes} {done}"
                    );
                }
                done += *size as u64;
            }
        }
    }
}

#[test]
fn shards_share_nothing_and_lose_nothing() {
    let place = Place::new();
    let file = place.write("x.vcf", all());
    let whole = read(&place, file.clone(), &info());
    for count in [1, 2, 5, 40] {
        let mut rows: Vec<String> = (1..=count)
            .flat_map(|k| {
                let options = Options {
                    shard: Some(format!("{k}/{count}")),
                    ..info()
                };
                read(&place, file.clone(), &options).rows
            })
            .collect();
        // Contigs of the header and of the reference are in the same order here.
        assert_eq!(rows.len(), whole.rows.len(), "{count}");
        let mut expected = whole.rows.clone();
        rows.sort();
        expected.sort();
        assert_eq!(rows, expected, "{count}");
    }
}

/// Reads files of one sample each; rows as `1:5 A>C | calls`.
fn merged(files: &[(&str, &str)]) -> Outcome {
    let place = Place::new();
    let paths: Vec<PathBuf> = files
        .iter()
        .enumerate()
        .map(|(i, (sample, lines))| {
            place.write(&format!("{i}.vcf"), header("", sample) + &records(lines))
        })
        .collect();
    let outcome = place.read(&paths, &Options::default()).unwrap();
    assert_eq!(outcome.bad, []);
    outcome
}

#[test]
fn several_files() {
    let check = |files: &[(&str, &str)], expected: &[&str]| {
        assert_eq!(short(&merged(files)), expected, "{files:?}");
    };
    // One row for an allele in two files; a file without the site is not assayed.
    check(
        &[
            ("a", "1 5 . A C . . . GT 0/1\n1 9 . T G . . . GT 1/1"),
            ("b", "1 5 . A C . . . GT 1|1"),
        ],
        &["1:5 A>C | 0/1 1|1", "1:9 T>G | 1/1 -"],
    );
    // A different substitution of the same base is another allele, not the reference.
    check(
        &[
            ("a", "1 5 . A C . . . GT 0/1"),
            ("b", "1 5 . A G . . . GT 1/1"),
        ],
        &["1:5 A>C | 0/1 o/o", "1:5 A>G | 0/o 1/1"],
    );
    // A site without alternate allele says that its patients have the reference.
    check(
        &[
            ("a", "1 5 . A . . . . GT 0/0"),
            ("b", "1 5 . A G . . . GT 0/1"),
        ],
        &["1:5 A>. | 0/0 -", "1:5 A>G | 0/0 0/1"],
    );
    // Anything but substitutions says nothing about other alleles.
    check(
        &[
            ("a", "1 5 . AC A . . . GT 0/1"),
            ("b", "1 5 . A G . . . GT 0/1"),
        ],
        &["1:5 AC>A | 0/1 -", "1:5 A>G | - 0/1"],
    );
    // Beside another deletion the same one is written with a longer REF.
    check(
        &[
            ("a", "1 3 . GTA G,GA . . . GT 1/2"),
            ("b", "1 3 . GT G . . . GT 0/1"),
        ],
        &["1:3 GTA>G | 1/o -", "1:3 GT>G | o/1 0/1"],
    );
    // A multi-allelic site that one file has split: what its records say is put together.
    check(
        &[
            ("a", "1 5 . A C . . . GT 1/0\n1 5 . A G . . . GT 0/1"),
            ("b", "1 5 . A T . . . GT 0|1"),
        ],
        &[
            "1:5 A>C | 1/0 0|o",
            "1:5 A>G | 0/1 0|o",
            "1:5 A>T | o/o 0|1",
        ],
    );
    // A record without GT was assayed and not called.
    check(
        &[
            ("a", "1 5 . A C . . . DP 7"),
            ("b", "1 5 . A C . . . GT 0/1"),
        ],
        &["1:5 A>C | ./. 0/1"],
    );
    // Symbolic alleles may have other lengths: never one.
    check(
        &[
            ("a", "1 5 . A <DEL> . . . GT 0/1"),
            ("b", "1 5 . A <DEL> . . . GT 1/1"),
        ],
        &["1:5 A><DEL> | 0/1 -", "1:5 A><DEL> | - 1/1"],
    );
    let outcome = merged(&[
        ("a", "1 5 . A C . . . GT 0/1"),
        (
            "b c",
            "1 5 . A C,G . . . GT 0/1 1/2\n2 5 . A C . . . GT 0/1 0/1/1",
        ),
    ]);
    assert_eq!(
        short(&outcome),
        [
            "1:5 A>C | 0/1 0/1 1/o",
            "1:5 A>G | 0/o 0/o o/1",
            "2:5 A>C | - 0/1 2a0o0m/3"
        ]
    );
    assert_eq!((outcome.records, outcome.alleles), (3, 4));
}

/// VCF 4.4 allows it, each with a length of its own; they are two alleles, none of them repeated.
#[test]
fn a_symbolic_allele_twice_in_a_record() {
    let outcome = merged(&[("a", "1 5 . A <DEL>,<DEL> . . . GT 1/2")]);
    assert_eq!(short(&outcome), ["1:5 A><DEL> | 1/o", "1:5 A><DEL> | o/1"]);
    assert!(
        outcome
            .rows
            .iter()
            .all(|row| row.contains("reason=symbolic_allele"))
    );
}

#[test]
fn a_repeated_record_is_marked_and_the_first_counts() {
    let outcome = merged(&[
        (
            "a",
            "1 5 . A C . . . GT 0/1\n1 5 . A C . . . GT 1/1\n1 5 . AC CC . . . GT 0/0",
        ),
        ("b", "1 5 . A C . . . GT 0/0"),
    ]);
    assert_eq!(
        short(&outcome),
        ["1:5 A>C | 0/1 0/0", "1:5 A>C | 1/1 -", "1:5 A>C | 0/0 -"]
    );
    let repeated: Vec<bool> = outcome
        .rows
        .iter()
        .map(|row| row.contains("reason=repeated_allele"))
        .collect();
    assert_eq!(repeated, [false, true, true]);
    assert_eq!(outcome.alleles, 4);
}

#[test]
fn regions_by_scan() {
    let place = Place::new();
    let file = place.write("x.vcf", all());
    let whole = read(&place, file.clone(), &Options::default());
    let check = |regions: &[&str], positions: &[&str]| {
        let regions = regions.iter().map(|region| (*region).to_owned()).collect();
        let outcome = read(
            &place,
            file.clone(),
            &Options {
                regions,
                ..Options::default()
            },
        );
        let expected: Vec<&String> = whole
            .rows
            .iter()
            .filter(|row| {
                positions
                    .iter()
                    .any(|at| row.contains(&format!(" in {at} ")))
            })
            .collect();
        assert_eq!(
            outcome.rows.iter().collect::<Vec<_>>(),
            expected,
            "{positions:?}"
        );
    };
    check(&["1:5-9"], &["1:5", "1:9"]);
    check(&["1:1-9", "chr1:8-11", "2"], &["1:5", "1:9", "1:11", "2:7"]);
    check(&["1:0-4"], &["1:0"]);
    check(&["1:100-200"], &[]);
    check(&["2:7-7", "1:26-26"], &["1:26", "2:7"]);
}

/// What lets annotations of rows find their records again.
#[test]
fn each_record_says_how_many_rows_it_made() {
    let place = Place::new();
    let lines = "1 5 . A C,G . . . GT 0/1\n1 9 . T X . . . GT 0/1\n1 9 . T . . . . GT 0/0\n\
                 1 9 . T A,C,G . . . GT 0/3\n1 9 . TT T . . . GT 0/1\n1 11 . A T . . . GT 0/1";
    let text = header("", "a") + &records(lines);
    let outcome = place
        .read(&[place.write("x.vcf", text)], &Options::default())
        .unwrap();
    assert_eq!(outcome.rows_per_record, [2, 0, 1, 3, 1, 1]);
    assert_eq!(outcome.bad.len(), 1);
}
