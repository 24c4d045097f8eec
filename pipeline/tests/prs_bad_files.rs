//! Scoring files that cannot be used: one sentence, its exit code, and nothing left behind.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::demo::run;
use crate::support::genome::Genome;
use crate::support::program::{Call, testdata, text};
use crate::support::refusal::{SECRET_PATIENT, assert_refused, check_from, secret_prs, write};
use crate::support::scores::{COLUMNS, scoring_file, transition};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;

fn toy1() -> String {
    std::fs::read_to_string(testdata("scores/TOY1.txt")).expect("a scoring file")
}

/// A run on the first score after a change of its text.
fn edited(inputs: &Path, call: Call, edit: impl Fn(String) -> String) -> Call {
    call.with("--score", write(inputs, "edited.txt", edit(toy1())))
}

/// The text with a cell of a line changed; lines and cells from 1.
fn with_cell(text: &str, line: usize, cell: usize, value: &str) -> String {
    let lines = text.lines().zip(1..).map(|(own, number)| {
        let mut cells: Vec<&str> = own.split('\t').collect();
        if number == line {
            cells[cell - 1] = value;
        }
        cells.join("\t")
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Columns of the bundled scoring files.
const CHR: usize = 2;
const POSITION: usize = 3;
const EFFECT: usize = 4;
const OTHER: usize = 5;
const WEIGHT: usize = 6;

#[test]
fn builds() {
    let on = |build: &str| {
        let line = format!("#genome_build={build}");
        toy1().replace("#genome_build=NR", &line)
    };
    check_from(
        secret_prs,
        &[
            (
                "another build",
                DATA,
                &|inputs, call| edited(inputs, call, |_| on("GRCh38")),
                &["edited.txt", "is on GRCh38", "the run is on other"],
            ),
            (
                "another build and a harmonised one",
                DATA,
                &|inputs, call| edited(inputs, call, |_| on("GRCh37\n#HmPOS_build=GRCh38")),
                &["edited.txt", "GRCh37", "harmonised to GRCh38"],
            ),
            (
                "no build",
                DATA,
                &|_, call| call.without("--score-build"),
                &[
                    "TOY1.txt",
                    "does not say which build",
                    "--score-build other",
                ],
            ),
            (
                "a build that is not the run's",
                USAGE,
                &|_, call| call.with("--score-build", "GRCh38"),
                &["--score-build GRCh38", "other"],
            ),
            (
                "no known build",
                USAGE,
                &|_, call| call.with("--score-build", "hg99"),
                &["hg99", "GRCh38"],
            ),
        ],
    );
}

#[test]
fn rows_that_make_no_sense() {
    check_from(
        secret_prs,
        &[
            (
                "a weight that is no number",
                DATA,
                &|inputs, call| edited(inputs, call, |text| with_cell(&text, 20, WEIGHT, "much")),
                &["edited.txt", "line 20", "effect_weight", "'much'"],
            ),
            (
                "a weight that is not finite",
                DATA,
                &|inputs, call| edited(inputs, call, |text| with_cell(&text, 21, WEIGHT, "inf")),
                &["edited.txt", "line 21", "effect_weight"],
            ),
            (
                "no weight",
                DATA,
                &|inputs, call| edited(inputs, call, |text| with_cell(&text, 22, WEIGHT, "")),
                &["edited.txt", "line 22", "effect_weight"],
            ),
            (
                "one allele twice",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, |text| {
                        with_cell(&with_cell(&text, 23, EFFECT, "A"), 23, OTHER, "A")
                    })
                },
                &["edited.txt", "line 23", "both A"],
            ),
            (
                "a position that is no number",
                DATA,
                &|inputs, call| edited(inputs, call, |text| with_cell(&text, 24, POSITION, "12e3")),
                &["edited.txt", "line 24", "position"],
            ),
            (
                "an HLA allele",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, |text| {
                        with_cell(&text, 25, EFFECT, "HLA-B*27:05")
                    })
                },
                &["edited.txt", "line 25", "HLA", "--unsupported-rows drop"],
            ),
            (
                "too many cells",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, |text| {
                        with_cell(&text, 26, WEIGHT, "0.1\t0.2")
                    })
                },
                &["edited.txt", "line 26", "cells"],
            ),
            (
                "no common allele",
                DATA,
                &|inputs, call| {
                    let genome = Genome::read();
                    let rows = [1002, 1003, 1004].map(|position| {
                        let base = genome.bases("chr1", position, 1);
                        format!("1\t{position}\t{}\t{base}\t1", transition(base))
                    });
                    call.with("--score", scoring_file(inputs, "NONE", COLUMNS, rows))
                },
                &["NONE", "allele in common", "genome build"],
            ),
            (
                "alleles that the reference has not",
                DATA,
                &|inputs, call| {
                    let genome = Genome::read();
                    let rows = [1002, 1003, 1004].map(|position| {
                        match genome.bases("chr1", position, 1) {
                            "A" | "T" => format!("1\t{position}\tC\tG\t1"),
                            _ => format!("1\t{position}\tA\tT\t1"),
                        }
                    });
                    call.with("--score", scoring_file(inputs, "NONE", COLUMNS, rows))
                },
                &["NONE", "allele in common", "alleles_not_in_reference"],
            ),
            (
                "strands that cannot be told",
                DATA,
                &|inputs, call| {
                    let rows = ["1\t2510\tG\tC\t1".to_owned()];
                    call.with("--score", scoring_file(inputs, "NONE", COLUMNS, rows))
                },
                &["NONE", "allele in common", "ambiguous_strand"],
            ),
            (
                "no contig in common",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, |text| {
                        (10..=400).fold(text, |text, line| with_cell(&text, line, CHR, "9"))
                    })
                },
                &["TOY1", "allele in common"],
            ),
        ],
    );
}

#[test]
fn files_that_are_no_scoring_files() {
    let gzip = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("bytes in memory");
        encoder.finish().expect("bytes in memory")
    };
    check_from(
        secret_prs,
        &[
            (
                "no effect allele",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, |text| text.replace("effect_allele", "allele"))
                },
                &["edited.txt", "no column effect_allele"],
            ),
            (
                "no weights",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, |text| text.replace("effect_weight", "effect"))
                },
                &["edited.txt", "effect_weight"],
            ),
            (
                "empty",
                DATA,
                &|inputs, call| edited(inputs, call, |_| String::new()),
                &["edited.txt", "empty"],
            ),
            (
                "header alone",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, |text| {
                        text.lines()
                            .filter(|line| line.starts_with('#'))
                            .collect::<Vec<_>>()
                            .join("\n")
                    })
                },
                &["edited.txt"],
            ),
            (
                "no rows",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, |text| {
                        text.lines().take(9).collect::<Vec<_>>().join("\n") + "\n"
                    })
                },
                &["edited.txt", "has no rows"],
            ),
            (
                "cut gzip",
                DATA,
                &|inputs, call| {
                    let whole = gzip(&toy1());
                    let path = write(inputs, "cut.txt.gz", &whole[..whole.len() / 2]);
                    call.with("--score", path)
                },
                &["cut.txt.gz", "cut short", "download it again"],
            ),
            (
                "damaged gzip",
                DATA,
                &|inputs, call| {
                    let mut bytes = gzip(&toy1());
                    let at = bytes.len() / 2;
                    bytes[at..at + 8].fill(0xff);
                    call.with("--score", write(inputs, "damaged.txt.gz", bytes))
                },
                &["damaged.txt.gz"],
            ),
            (
                "not there",
                NO_INPUT,
                &|inputs, call| call.with("--score", text(&inputs.join("none.txt"))),
                &["none.txt", "cannot be opened"],
            ),
            (
                "an empty folder",
                NO_INPUT,
                &|inputs, call| {
                    let folder = inputs.join("scores");
                    std::fs::create_dir(&folder).expect("a folder");
                    call.with("--score", text(&folder))
                },
                &["scores", "no scoring file"],
            ),
            (
                "a VCF",
                DATA,
                &|_, call| call.with("--score", testdata("cohort.vcf.gz")),
                &["cohort.vcf.gz"],
            ),
            (
                "two of one name",
                USAGE,
                &|inputs, call| {
                    call.with("--score", testdata("scores"))
                        .also("--score", write(inputs, "again.txt", toy1()))
                },
                &["TOY1.txt", "again.txt", "both named TOY1"],
            ),
            (
                "a name that is a path",
                DATA,
                &|inputs, call| {
                    edited(inputs, call, |text| {
                        text.replace("pgs_id=TOY1", "pgs_id=../TOY1")
                    })
                },
                &["edited.txt", "../TOY1", "letters"],
            ),
        ],
    );
}

/// Columns with other names, where they are named wrongly.
#[test]
fn named_columns() {
    let columns = |map: &'static str| move |_: &Path, call: Call| call.with("--score-columns", map);
    check_from(
        secret_prs,
        &[
            (
                "no pair",
                USAGE,
                &columns("effect_allele"),
                &["--score-columns", "NAME=COLUMN"],
            ),
            (
                "no such name",
                USAGE,
                &columns("allele=A1"),
                &["--score-columns", "allele=A1", "effect_allele"],
            ),
            (
                "no such column",
                DATA,
                &columns("effect_allele=A1"),
                &["TOY1.txt", "A1"],
            ),
            (
                "no such weight",
                DATA,
                &columns("effect_weight=W1+W2"),
                &["TOY1.txt", "W1"],
            ),
        ],
    );
}

/// A run with models refuses what a run of scores refuses.
#[test]
fn runs_with_models() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    let score = write(
        folder.path(),
        "edited.txt",
        with_cell(&toy1(), 20, WEIGHT, "much"),
    );
    let refused = run(&output)
        .with("--score", score)
        .with("--score-build", "other")
        .run();
    assert_refused("a weight", &refused, DATA, &["edited.txt", "line 20"]);
    assert!(!output.exists());
    assert!(!refused.stderr.contains(SECRET_PATIENT));
}
