//! Scoring files, panels, absolute risk models and flags that cannot be used: one sentence, its exit
//! code, and nothing left behind.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::prs_options::identified_files;
use crate::support::cohort::Vcf;
use crate::support::demo::run;
use crate::support::program::{Call, Table, testdata, text};
use crate::support::refusal::{
    Case, SECRET_PATIENT, assert_refused, check_from, secret_cohort, secret_prs, secret_sheet,
    write,
};
use crate::support::scores::{COLUMNS, panel, panel_build, scoring_file, with_all};

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
                    let rows = ["1\t100\tA\tC\t1", "2\t100\tC\tT\t2"].map(str::to_owned);
                    call.with("--score", scoring_file(inputs, "NONE", COLUMNS, rows))
                },
                &["NONE", "no", "allele in common", "genome build"],
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

#[test]
fn flags() {
    let folder = tempfile::tempdir().expect("a folder");
    let [by_position, by_name] = identified_files(folder.path());
    drop(by_position);
    let panel = panel(folder.path());
    check_from(
        secret_prs,
        &[
            (
                "a cohort of 48",
                USAGE,
                &|_, call| call.with("--impute", "cohort"),
                &["48", "50", "--impute frequencies"],
            ),
            (
                "no panel",
                USAGE,
                &|_, call| call.with("--impute", "panel"),
                &["--impute panel", "--ancestry"],
            ),
            (
                "no bundle",
                USAGE,
                &|_, call| call.with("--frequencies", "population.af"),
                &["--frequencies population.af", "--knowledge"],
            ),
            (
                "no frequencies",
                USAGE,
                &|_, call| call.with("--impute", "frequencies"),
                &["--impute frequencies", "--frequencies"],
            ),
            (
                "no identifiers",
                DATA,
                &|_, call| call.with("--score", by_name.clone()),
                &["NAMED.txt", "identifier", "bundle"],
            ),
            (
                "identifiers without a bundle",
                USAGE,
                &|_, call| {
                    call.with("--score", by_name.clone())
                        .with("--rsids", "names.id")
                },
                &["--rsids names.id", "--knowledge"],
            ),
            (
                "a share above 1",
                USAGE,
                &|_, call| call.with("--min-coverage", "2"),
                &["min_coverage", "0 to 1"],
            ),
            (
                "a share that is no number",
                USAGE,
                &|_, call| call.with("--min-coverage", "NaN"),
                &["min_coverage", "0 to 1"],
            ),
            (
                "a model",
                USAGE,
                &|_, call| call.with("--model", testdata("models/variant-kmer")),
                &["'prs' runs no models", "--model", "'run'"],
            ),
            (
                "haplotypes",
                USAGE,
                &|_, call| {
                    call.with("--haplotypes", "phased")
                        .with("--gene-models", testdata("genes.gff3"))
                },
                &["--haplotypes", "prs"],
            ),
            (
                "nothing to do",
                USAGE,
                &|_, call| call.without("--score"),
                &["no score", "--score", "--ancestry"],
            ),
            (
                "a sample set that is a path",
                USAGE,
                &|_, call| with_all(call, &panel).with("--sampleset", "../elsewhere"),
                &["sampleset", "../elsewhere"],
            ),
            (
                "no samplesheet, so no sexes",
                DATA,
                &|_, call| call.without("--samplesheet"),
                &["TOY1", "X or Y", "sex", "48 patients"],
            ),
            (
                "a samplesheet without sexes",
                DATA,
                &|inputs, call| {
                    let sheet = secret_sheet();
                    let sheet = sheet.replace(",male,", ",,").replace(",female,", ",,");
                    call.with("--samplesheet", write(inputs, "nosex.csv", sheet))
                },
                &["TOY1", "sex"],
            ),
        ],
    );
}

/// A bundle that lacks the field, or has no number there.
#[test]
fn fields_of_bundles() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = text(&crate::support::bundle::bundle(folder.path()));
    let [_, by_name] = identified_files(folder.path());
    check_from(
        |inputs, output| secret_prs(inputs, output).with("--knowledge", bundle.clone()),
        &[
            (
                "no such field",
                DATA,
                &|_, call| {
                    call.with("--impute", "frequencies")
                        .with("--frequencies", "gnomad.af")
                },
                &["no source 'gnomad'"],
            ),
            (
                "text",
                USAGE,
                &|_, call| {
                    call.with("--impute", "frequencies")
                        .with("--frequencies", "clinvar.significance")
                },
                &["clinvar.significance", "frequency"],
            ),
            (
                "no field with names",
                DATA,
                &|_, call| {
                    call.with("--score", by_name.clone())
                        .with("--rsids", "dbsnp.id")
                },
                &["no source 'dbsnp'"],
            ),
            (
                "a field of numbers",
                DATA,
                &|_, call| {
                    call.with("--score", by_name.clone())
                        .with("--rsids", "population.af")
                },
                &["population.af"],
            ),
        ],
    );
}

/// Verbs that have no patients, or no scores.
#[test]
fn verbs_without_scores() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = text(&folder.path().join("report"));
    let common = |verb: &'static str| {
        Call::new(verb)
            .with("--vcf", testdata("cohort.vcf.gz"))
            .with("--reference", testdata("genome.fa"))
            .with("--build", "other")
            .with("--output", output.clone())
    };
    let score = common("score").with("--model", testdata("models/variant-kmer"));
    let evidence = common("evidence").with("--sites", testdata("knowledge/population.vcf.gz"));
    let panel = text(&panel(folder.path()));
    for (flag, value) in [
        ("--score", testdata("scores")),
        ("--ancestry", panel),
        ("--absolute-risk", testdata("absolute-risk/model.toml")),
    ] {
        for call in [&score, &evidence] {
            let refused = call.clone().with(flag, value.clone()).run();
            assert_refused(flag, &refused, USAGE, &[flag, "'run'"]);
        }
        let refused = common("annotate")
            .with("--output", format!("{output}.vcf"))
            .with(flag, value)
            .run();
        assert_eq!(refused.code, Some(USAGE), "{flag}");
        assert!(refused.stderr.contains(flag), "{}", refused.stderr);
    }
    assert!(!folder.path().join("report").exists());
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// Panels that are damaged or of another build, and one with which the cohort has nothing in common.
#[test]
fn panels() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let files: Vec<PathBuf> = std::fs::read_dir(&panel)
        .expect("the panel")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert_eq!(files.len(), 6);
    for file in &files {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let changed = |inputs: &Path, call: Call, change: &dyn Fn(Vec<u8>) -> Option<Vec<u8>>| {
            let own = inputs.join("panel");
            copied(&panel, &own);
            let bytes = std::fs::read(own.join(name)).expect("a file");
            match change(bytes) {
                Some(bytes) => std::fs::write(own.join(name), bytes).expect("a file"),
                None => std::fs::remove_file(own.join(name)).expect("a file"),
            }
            call.with("--ancestry", text(&own))
        };
        let cases: [Case<'_>; 3] = [
            (
                "a byte changed",
                DATA,
                &|inputs, call| {
                    changed(inputs, call, &|mut bytes| {
                        let at = bytes.len() / 2;
                        bytes[at] ^= 0x55;
                        Some(bytes)
                    })
                },
                &["panel"],
            ),
            (
                "cut short",
                DATA,
                &|inputs, call| {
                    changed(inputs, call, &|bytes| {
                        Some(bytes[..bytes.len() / 2].to_vec())
                    })
                },
                &["panel"],
            ),
            (
                "not there",
                NO_INPUT,
                &|inputs, call| changed(inputs, call, &|_| None),
                &[name],
            ),
        ];
        check_from(secret_prs, &cases);
    }
    check_from(
        secret_prs,
        &[
            (
                "no folder",
                NO_INPUT,
                &|inputs, call| call.with("--ancestry", text(&inputs.join("none"))),
                &["none"],
            ),
            (
                "a folder that is no panel",
                NO_INPUT,
                &|inputs, call| call.with("--ancestry", text(inputs)),
                &["ancestry.json"],
            ),
            (
                "another build",
                DATA,
                &|inputs, call| {
                    let own = inputs.join("panel");
                    panel_build(&own)
                        .with("--build", "GRCh38")
                        .without("--score")
                        .without("--score-build")
                        .succeed();
                    call.with("--ancestry", text(&own))
                },
                &["panel is on GRCh38", "the run on other"],
            ),
            (
                "no site in common",
                DATA,
                &|inputs, call| {
                    let sites = Vcf::read(Path::new(&testdata("panel/panel.vcf.gz")));
                    let places: std::collections::BTreeSet<(String, String)> = sites
                        .records
                        .iter()
                        .map(|record| (record[0].clone(), record[1].clone()))
                        .collect();
                    let mut vcf = secret_cohort();
                    vcf.records
                        .retain(|record| !places.contains(&(record[0].clone(), record[1].clone())));
                    call.without("--score")
                        .without("--score-build")
                        .with("--vcf", write(inputs, "apart.vcf", vcf.text()))
                        .with("--ancestry", text(&panel))
                },
                &["panel", "sites", "genome build"],
            ),
        ],
    );
}

/// Building a panel from what makes none.
#[test]
fn panels_that_cannot_be_built() {
    let labels = || std::fs::read_to_string(testdata("panel/labels.csv")).expect("the labels");
    let with_labels = |inputs: &Path, call: Call, labels: String| {
        call.with("--labels", write(inputs, "labels.csv", labels))
    };
    check_from(
        |_, output| panel_build(output).also("--quiet", ""),
        &[
            (
                "no population",
                DATA,
                &|inputs, call| with_labels(inputs, call, labels().replacen(",NEAR,", ",,", 1)),
                &["labels.csv", "population"],
            ),
            (
                "no column of populations",
                DATA,
                &|inputs, call| {
                    with_labels(inputs, call, labels().replacen("population", "group", 1))
                },
                &["labels.csv", "population"],
            ),
            (
                "related or not",
                DATA,
                &|inputs, call| {
                    with_labels(inputs, call, labels().replacen(",true,", ",maybe,", 1))
                },
                &["labels.csv", "unrelated", "true and false"],
            ),
            (
                "a sample that is not there",
                DATA,
                &|inputs, call| {
                    with_labels(
                        inputs,
                        call,
                        labels().replacen("PANEL001", "SECRETSAMPLE", 1),
                    )
                },
                &["panel.vcf.gz"],
            ),
            (
                "a population of two",
                DATA,
                &|inputs, call| {
                    with_labels(inputs, call, labels().replacen(",NEAR,", ",SMALL,", 2))
                },
                &["SMALL", "2 training samples"],
            ),
            (
                "too few sites",
                DATA,
                &|_, call| {
                    call.with("--max-r2", "0.0000001")
                        .with("--window", "1000000")
                },
                &["sites", "filters"],
            ),
            (
                "frequency above one half",
                USAGE,
                &|_, call| call.with("--min-maf", "0.6"),
                &["0.6"],
            ),
            (
                "sex that scores need",
                DATA,
                &|inputs, call| {
                    let without = labels().replace(",male", ",").replace(",female", ",");
                    with_labels(inputs, call, without)
                },
                &["TOY1", "sex"],
            ),
        ],
    );
}

/// A table of intervals of ages that end before they start.
fn with_reversed_ages(table: String) -> String {
    let lines = table.lines().skip(1).map(|line| {
        let (age, rest) = line.split_once(',').expect("an age");
        let age: u32 = age.parse().expect("an age");
        format!("{},{age},{rest}\n", age + 1)
    });
    format!("age_start,age_end,sex,rate\n{}", lines.collect::<String>())
}

/// Tables and models of absolute risk.
#[test]
fn absolute_risks() {
    let folder = tempfile::tempdir().expect("a folder");
    let panel = panel(folder.path());
    let with_model = |inputs: &Path, call: Call, change: &dyn Fn(&str, String) -> String| {
        for name in ["model.toml", "incidence.csv", "mortality.csv"] {
            let path = testdata(&format!("absolute-risk/{name}"));
            let own = std::fs::read_to_string(path).expect("a file of the model");
            write(inputs, name, change(name, own));
        }
        call.with("--absolute-risk", text(&inputs.join("model.toml")))
    };
    let of = |file: &'static str, change: &'static dyn Fn(String) -> String| {
        move |inputs: &Path, call: Call| {
            with_model(inputs, call, &|name, own| {
                if name == file { change(own) } else { own }
            })
        }
    };
    check_from(
        |inputs, output| {
            secret_prs(inputs, output)
                .with("--score", testdata("scores"))
                .with("--ancestry", text(&panel))
        },
        &[
            (
                "a gap",
                DATA,
                &of("incidence.csv", &|table| {
                    table
                        .lines()
                        .filter(|line| !line.starts_with("45,"))
                        .collect::<Vec<_>>()
                        .join("\n")
                        + "\n"
                }),
                &["incidence.csv", "45"],
            ),
            (
                "ages reversed in a row",
                DATA,
                &of("mortality.csv", &with_reversed_ages),
                &["mortality.csv", "line 2", "age"],
            ),
            (
                "a rate that is no number",
                DATA,
                &of("incidence.csv", &|table| {
                    table.replacen("0.000160", "few", 1)
                }),
                &["incidence.csv", "line 2", "few"],
            ),
            (
                "a rate above 1",
                DATA,
                &of("incidence.csv", &|table| {
                    table.replacen("0.000160", "-0.1", 1)
                }),
                &["incidence.csv", "line 2"],
            ),
            (
                "horizons reversed",
                DATA,
                &of("model.toml", &|model| {
                    model.replace("horizons = [10]", "ages = [[70, 50]]")
                }),
                &["model.toml"],
            ),
            (
                "a key that is unknown",
                DATA,
                &of("model.toml", &|model| model.replace("horizons", "horizon")),
                &["model.toml", "horizon"],
            ),
            (
                "a score that is not there",
                DATA,
                &of("model.toml", &|model| model.replace("TOY1.z", "TOY9.z")),
                &["toy_disease", "polygenic.TOY9.z"],
            ),
            (
                "a covariate that is not there",
                DATA,
                &of("model.toml", &|model| {
                    model.replace("covariate = \"bmi\"", "covariate = \"height\"")
                }),
                &["sheet.csv", "toy_disease", "height"],
            ),
            (
                "text where numbers belong",
                DATA,
                &of("model.toml", &|model| {
                    model.replace("covariate = \"bmi\"", "covariate = \"smoker\"")
                }),
                &["toy_disease", "smoker"],
            ),
            (
                "no table",
                NO_INPUT,
                &of("model.toml", &|model| {
                    model.replace("incidence.csv", "none.csv")
                }),
                &["none.csv"],
            ),
            (
                "no model",
                NO_INPUT,
                &|inputs, call| call.with("--absolute-risk", text(&inputs.join("none.toml"))),
                &["none.toml"],
            ),
            (
                "twice the same",
                USAGE,
                &|_, call| {
                    let model = testdata("absolute-risk/model.toml");
                    call.with("--absolute-risk", model.clone())
                        .also("--absolute-risk", model)
                },
                &["toy_disease"],
            ),
            (
                "a panel that the model needs",
                DATA,
                &|_, call| {
                    call.without("--ancestry")
                        .with("--absolute-risk", testdata("absolute-risk/model.toml"))
                },
                &["toy_disease", "polygenic.TOY1.z", "--ancestry"],
            ),
        ],
    );
}

/// A covariate out of the model's range, an age out of the table and a missing one are reasons of the
/// patient alone.
#[test]
fn patients_without_an_absolute_risk() {
    let folder = tempfile::tempdir().expect("a folder");
    let (output, panel) = (folder.path().join("report"), panel(folder.path()));
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("the samplesheet");
    let mut lines: Vec<String> = sheet.lines().map(str::to_owned).collect();
    let mut set = |line: usize, column: usize, value: &str| {
        let mut cells: Vec<&str> = lines[line].split(',').collect();
        cells[column] = value;
        lines[line] = cells.join(",");
    };
    let (age, bmi, smoker) = (3, 4, 5);
    set(1, bmi, "200");
    set(2, age, "130");
    set(3, age, "");
    set(4, smoker, "sometimes");
    set(5, bmi, "");
    let sheet = write(folder.path(), "sheet.csv", lines.join("\n") + "\n");
    let call = with_all(crate::support::scores::prs(&output), &panel);
    call.with("--samplesheet", sheet).succeed();
    let risk = Table::read(&output, "risk");
    let items = risk.texts("patient").into_iter().zip(risk.texts("item"));
    let row = |patient: &str| {
        let wanted = (patient, "absolute.toy_disease.10y");
        items.clone().position(|own| own == wanted).expect("a row")
    };
    for (patient, reason) in [
        ("P001", "covariate_out_of_range"),
        ("P002", "age_out_of_table"),
        ("P003", "covariate_missing"),
        ("P004", "covariate_unknown_category"),
    ] {
        let row = row(patient);
        assert_eq!(risk.column("reason")[row], Some(reason), "{patient}");
        assert_eq!(risk.texts("state")[row], "not_computed");
        assert_eq!(risk.column("value")[row], None);
    }
    let averaged = row("P005");
    assert_eq!(
        risk.column("missing_factors")[averaged],
        Some("body mass index")
    );
    assert!(risk.column("value")[averaged].is_some());
    let rest = risk.texts("state").into_iter().zip(risk.texts("kind"));
    let absent = rest
        .filter(|own| *own == ("not_computed", "absolute_risk"))
        .count();
    // Two more have no age in the bundled samplesheet; each has two items.
    assert_eq!(absent, 2 * (4 + 2));
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
