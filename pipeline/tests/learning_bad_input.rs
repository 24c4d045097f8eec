//! Trainings, evaluations, calibrations and explanations that must be refused: one sentence, its exit
//! code, and nothing left behind.

use std::path::Path;

use crate::support::learning::{BINARY, COX, LOGISTIC, TIMES, config, table, train};
use crate::support::program::{Call, text};
use crate::support::refusal::{SECRET_PATIENT, assert_refused, check_from, write};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const UNAVAILABLE: i32 = 69;

/// The made-up cohort; one patient has a name that must not be told.
fn secret_table(rows: usize) -> String {
    table(rows).replace("P0003", SECRET_PATIENT)
}

fn sound(inputs: &Path, output: &Path) -> Call {
    write(inputs, "cohort.csv", secret_table(400));
    train(inputs, &config(LOGISTIC), output)
}

/// Changes the configuration of a sound training.
fn configured(inputs: &Path, call: Call, from: &str, to: &str) -> Call {
    let own = config(LOGISTIC);
    assert!(own.contains(from), "{from}");
    write(inputs, "train.toml", own.replace(from, to));
    call
}

/// Changes the table of a sound training, cell by cell: row, column, what stands there.
fn tabled(inputs: &Path, call: Call, cell: &dyn Fn(usize, &str, &str) -> String) -> Call {
    let own = secret_table(400);
    let mut lines = own.lines();
    let header = lines.next().expect("a header").to_owned();
    let names: Vec<&str> = header.split(',').collect();
    let rows = lines.enumerate().map(|(row, line)| {
        let cells = names
            .iter()
            .zip(line.split(','))
            .map(|(name, own)| cell(row, name, own));
        cells.collect::<Vec<_>>().join(",")
    });
    let rows: Vec<String> = rows.collect();
    write(
        inputs,
        "cohort.csv",
        format!("{header}\n{}\n", rows.join("\n")),
    );
    call
}

#[test]
fn a_missing_library_shows_before_anything_is_learned() {
    check_from(
        sound,
        &[(
            "no ONNX Runtime",
            UNAVAILABLE,
            &|inputs, call| call.with("--onnxruntime", text(&inputs.join("none.so"))),
            &["none.so", "pip install onnxruntime"],
        )],
    );
}

#[test]
fn tables() {
    check_from(
        sound,
        &[
            (
                "a constant outcome",
                DATA,
                &|inputs, call| {
                    tabled(inputs, call, &|_, name, own| {
                        if name == "disease" { "1" } else { own }.to_owned()
                    })
                },
                &["'disease'", "same in every patient"],
            ),
            (
                "a missing outcome",
                DATA,
                &|inputs, call| {
                    tabled(inputs, call, &|_, name, own| {
                        if name == "disease" { "" } else { own }.to_owned()
                    })
                },
                &["'disease'", "missing in every patient"],
            ),
            (
                "a class of one row",
                DATA,
                &|inputs, call| {
                    tabled(inputs, call, &|row, name, own| match name {
                        "disease" => u8::from(row == 5).to_string(),
                        _ => own.to_owned(),
                    })
                },
                &[
                    "'disease'",
                    "1 row(s) of the positive class",
                    "add patients",
                ],
            ),
            (
                "a value that is neither",
                DATA,
                &|inputs, call| {
                    tabled(inputs, call, &|row, name, own| {
                        if (row, name) == (6, "disease") {
                            "7"
                        } else {
                            own
                        }
                        .to_owned()
                    })
                },
                &["'disease'", "row 7", "neither positive nor negative"],
            ),
            (
                "a column without a value",
                DATA,
                &|inputs, call| {
                    tabled(inputs, call, &|_, name, own| {
                        if name == "bmi" { "NA" } else { own }.to_owned()
                    })
                },
                &["'bmi'", "has no value", "predictors.exclude"],
            ),
            (
                "numbers and text",
                DATA,
                &|inputs, call| {
                    tabled(inputs, call, &|row, name, own| {
                        if (row, name) == (6, "age") {
                            "old"
                        } else {
                            own
                        }
                        .to_owned()
                    })
                },
                &["'age'", "numbers and text", "predictors.categorical"],
            ),
            (
                "an infinite value",
                DATA,
                &|inputs, call| {
                    tabled(inputs, call, &|row, name, own| {
                        if (row, name) == (6, "age") {
                            "inf"
                        } else {
                            own
                        }
                        .to_owned()
                    })
                },
                &["'age'", "numbers and text", "predictors.categorical"],
            ),
            (
                "a class of one patient",
                DATA,
                &|inputs, call| {
                    tabled(inputs, call, &|row, name, own| {
                        match (row, name) {
                            (6, "disease") => "1",
                            (_, "disease") => "0",
                            _ => own,
                        }
                        .to_owned()
                    })
                },
                &["'disease'", "1"],
            ),
            (
                "a patient twice",
                DATA,
                &|inputs, call| {
                    tabled(inputs, call, &|row, name, own| {
                        if (row, name) == (9, "patient") {
                            SECRET_PATIENT
                        } else {
                            own
                        }
                        .to_owned()
                    })
                },
                &["cohort.csv", "row 10 repeats"],
            ),
            (
                "the outcome under another name",
                DATA,
                &|inputs, call| {
                    let own = secret_table(400);
                    let lines = own.lines().enumerate().map(|(row, line)| {
                        let cells: Vec<&str> = line.split(',').collect();
                        let copy = if row == 0 { "diagnosis" } else { cells[7] };
                        format!("{line},{copy}")
                    });
                    let own: Vec<String> = lines.collect();
                    write(inputs, "cohort.csv", own.join("\n"));
                    configured(inputs, call, "\"noise\"]", "\"noise\", \"diagnosis\"]")
                },
                &["'diagnosis'", "without fail", "predictors.trusted"],
            ),
            (
                "no such column of patients",
                DATA,
                &|inputs, call| {
                    configured(
                        inputs,
                        call,
                        "table = \"cohort.csv\"",
                        "table = \"cohort.csv\"\npatient = \"id\"",
                    )
                },
                &["cohort.csv", "'id'", "data.patient"],
            ),
            (
                "no table",
                NO_INPUT,
                &|inputs, call| configured(inputs, call, "cohort.csv", "other.csv"),
                &["other.csv", "cannot be read"],
            ),
        ],
    );
}

#[test]
fn configurations() {
    check_from(
        sound,
        &[
            (
                "not TOML",
                USAGE,
                &|inputs, call| configured(inputs, call, "[outcome]", "[outcome"),
                &["train.toml", "line"],
            ),
            (
                "an unknown setting",
                USAGE,
                &|inputs, call| configured(inputs, call, "outer_folds = 3", "outer_fold = 3"),
                &["train.toml", "outer_fold"],
            ),
            (
                "an unknown predictor",
                USAGE,
                &|inputs, call| configured(inputs, call, "\"noise\"]", "\"nose\"]"),
                &["predictors.columns", "'nose'"],
            ),
            (
                "the outcome as predictor",
                DATA,
                &|inputs, call| configured(inputs, call, "\"noise\"]", "\"disease\"]"),
                &["'disease'", "cannot be a predictor"],
            ),
            (
                "a family for something else",
                USAGE,
                &|inputs, call| configured(inputs, call, "kind = \"logistic\"", "kind = \"cox\""),
                &["'cox'", "classes"],
            ),
            (
                "a setting that would have no effect",
                USAGE,
                &|inputs, call| {
                    let more =
                        "[[family]]\nkind = \"boosted\"\n[family.settings]\nlearning_rate = 7\n";
                    write(inputs, "train.toml", config(more));
                    call
                },
                &["train.toml", "unknown field `learning_rate`"],
            ),
            (
                "a horizon beyond all times",
                DATA,
                &|inputs, call| {
                    let own = TIMES.replace("[2, 5]", "[2, 500]");
                    write(inputs, "train.toml", config(COX).replace(BINARY, &own));
                    call
                },
                &["'time' ends before the horizon 500, so"],
            ),
            (
                "one fold",
                USAGE,
                &|inputs, call| configured(inputs, call, "outer_folds = 3", "outer_folds = 1"),
                &["outer_folds", "2 to 100"],
            ),
            (
                "a stack of one",
                USAGE,
                &|inputs, call| configured(inputs, call, "[data]", "combine = \"stack\"\n[data]"),
                &["stack", "two families"],
            ),
            (
                "a negative penalty beside a good one",
                USAGE,
                &|inputs, call| configured(inputs, call, "lambda = [0.01]", "lambda = [0.01, -1]"),
                &["'logistic'", "'lambda' is -1", "0 or more"],
            ),
            (
                "more columns than rows without a penalty",
                DATA,
                &|inputs, call| {
                    let mut own = String::from("patient,disease");
                    (0..60).for_each(|column| own += &format!(",x{column}"));
                    for row in 0..40 {
                        own += &format!("\nP{row},{}", row % 2);
                        (0..60).for_each(|column| {
                            own += &format!(",{}", (row * 7 + column * 13 + row * column) % 17);
                        });
                    }
                    write(inputs, "cohort.csv", own);
                    let more = config(LOGISTIC)
                        .replace("lambda = [0.01]", "lambda = [0]")
                        .replace("groups = [\"sex\", \"centre\"]", "")
                        .replace(
                            "columns = [\"sex\", \"age\", \"bmi\", \"smoker\", \"noise\"]",
                            "",
                        );
                    write(inputs, "train.toml", more);
                    call
                },
                &["'logistic'", "without a penalty", "lambda"],
            ),
            (
                "an unfinished training that is none",
                DATA,
                &|inputs, call| {
                    let output = inputs.join("report");
                    std::fs::create_dir_all(inputs.join("report.partial")).expect("a folder");
                    call.with("--output", text(&output)).also("--resume", "")
                },
                &["report.partial", "not an unfinished training"],
            ),
        ],
    );
}

#[test]
fn a_network_is_not_explained_exactly() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    let network = "[[family]]\nkind = \"network\"\nhidden = [[4]]\n[family.settings]\nepochs = 2\n";
    train(folder.path(), &config(network), &model).succeed();
    let refused = Call::new("explain")
        .with("--model", text(&model))
        .with("--table", text(&folder.path().join("cohort.csv")))
        .with("--method", "exact")
        .with("--output", text(&folder.path().join("explained")))
        .run();
    assert_refused(
        "",
        &refused,
        DATA,
        &["'risk'", "not linear", "; use --method sampling"],
    );
    assert_eq!(
        refused.stderr.matches("sampling").count(),
        1,
        "{}",
        refused.stderr
    );
}

#[test]
fn the_place_of_an_unfinished_training_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("model.partial")).expect("a folder");
    let refused = train(
        folder.path(),
        &config(LOGISTIC),
        &folder.path().join("model"),
    )
    .run();
    assert_refused(
        "",
        &refused,
        73,
        &["an unfinished run or training", "--resume"],
    );
}

#[test]
fn predictions_and_outcomes() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model");
    train(folder.path(), &config(LOGISTIC), &model).succeed();
    let evaluate = |inputs: &Path, output: &Path| {
        let own =
            "patient,prediction,disease,text\nA,0.5,1,x\nSECRETPATIENT,0.25,0,y\nC,0.125,1,x\n";
        Call::new("evaluate")
            .with("--predictions", write(inputs, "predictions.csv", own))
            .with("--item", "prediction")
            .with("--outcome", "disease")
            .with("--output", text(output))
    };
    check_from(
        evaluate,
        &[
            (
                "no item",
                USAGE,
                &|_, call| call.without("--item"),
                &["--item"],
            ),
            (
                "an unknown item",
                DATA,
                &|_, call| call.with("--item", "other"),
                &["'other'"],
            ),
            (
                "text as prediction",
                DATA,
                &|_, call| call.with("--item", "text"),
                &["'text'", "row 1"],
            ),
            (
                "an unknown outcome",
                DATA,
                &|_, call| call.with("--outcome", "other"),
                &["'other'"],
            ),
            (
                "no probability",
                DATA,
                &|inputs, call| {
                    let own = "patient,prediction,disease\nA,1.5,1\nB,0.25,0\n";
                    write(inputs, "predictions.csv", own);
                    call
                },
                &["not between 0 and 1", "row 1"],
            ),
            (
                "other patients",
                DATA,
                &|inputs, call| {
                    call.with(
                        "--outcomes",
                        write(inputs, "outcomes.csv", "patient,disease\nX,1\nY,0\n"),
                    )
                },
                &["no patient has both"],
            ),
            (
                "an unknown group",
                DATA,
                &|_, call| call.with("--by", "sex"),
                &["'sex'", "correct the name"],
            ),
            (
                "horizons without times",
                USAGE,
                &|_, call| call.with("--horizons", "5"),
                &["--horizons", "--time"],
            ),
            (
                "an empty folder",
                NO_INPUT,
                &|inputs, call| call.with("--predictions", text(inputs)),
                &["neither risk.parquet"],
            ),
        ],
    );
    let calibrate = |inputs: &Path, output: &Path| {
        let own = "patient,prediction,disease\nA,0.5,1\nSECRETPATIENT,0.25,0\n";
        Call::new("calibrate")
            .with("--model", text(&model))
            .with("--predictions", write(inputs, "predictions.csv", own))
            .with("--item", "prediction")
            .with("--outcome", "disease")
            .with("--model-version", "2")
            .with("--output", text(output))
    };
    check_from(
        calibrate,
        &[
            (
                "two patients",
                DATA,
                &|_, call| call,
                &["10 patients", "calibrate on more"],
            ),
            (
                "the same version",
                USAGE,
                &|_, call| call.with("--model-version", "1.0.0"),
                &["--model-version"],
            ),
            (
                "an unknown output",
                USAGE,
                &|_, call| call.with("--model-output", "other"),
                &["'other'"],
            ),
        ],
    );
    let explain = |inputs: &Path, output: &Path| {
        Call::new("explain")
            .with("--model", text(&model))
            .with("--table", write(inputs, "cohort.csv", secret_table(50)))
            .with("--output", text(output))
    };
    check_from(
        explain,
        &[
            (
                "a category of another table",
                DATA,
                &|inputs, call| {
                    let own =
                        "patient,sex,age,bmi,smoker,noise\nSECRETPATIENT,male,50,20,sometimes,1\n";
                    write(inputs, "cohort.csv", own);
                    call
                },
                &["no patient"],
            ),
            (
                "text in a column of numbers",
                DATA,
                &|inputs, call| {
                    let own = "patient,sex,age,bmi,smoker,noise\nA,male,old,20,yes,1\n";
                    write(inputs, "cohort.csv", own);
                    call
                },
                &["'age'", "text"],
            ),
            (
                "too few evaluations",
                USAGE,
                &|_, call| call.with("--method", "sampling").with("--evaluations", "1"),
                &["--evaluations is 1; 5 predictors need at least 20"],
            ),
            (
                "one patient against nobody",
                USAGE,
                &|inputs, call| call.with("--table", write(inputs, "one.csv", secret_table(1))),
                &["one patient alone", "--background"],
            ),
        ],
    );
}
