//! Panels and absolute risk models that cannot be used: one sentence, its exit code, and nothing left
//! behind.

use std::path::{Path, PathBuf};

use crate::support::cohort::Vcf;
use crate::support::program::{Call, Table, testdata, text};
use crate::support::refusal::{Case, check_from, secret_cohort, secret_prs, write};
use crate::support::scores::{panel, panel_build, with_all};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;

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
                "a pipe",
                USAGE,
                &|_, call| {
                    call.with("--vcf", "-")
                        .from(Path::new(&testdata("panel/panel.vcf.gz")))
                },
                &["--vcf"],
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
fn with_reversed_ages(table: &str) -> String {
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
                &of("mortality.csv", &|table| with_reversed_ages(&table)),
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
