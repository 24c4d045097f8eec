use super::*;
use crate::Cell;

fn cohort(
    columns: &[&str],
    rows: usize,
    cell: impl Fn(usize, usize) -> Option<Covariate>,
) -> Cohort {
    let rows = (0..rows).map(|row| {
        let cells = (0..columns.len()).map(|column| cell(row, column)).collect();
        (format!("P{row}"), cells)
    });
    let columns = columns.iter().map(|own| (*own).to_owned()).collect();
    Cohort::from_rows(columns, rows.collect()).unwrap()
}

fn number(number: f64) -> Option<Covariate> {
    Some(Covariate::Number(number))
}

fn binary(negative: Option<Vec<Cell>>) -> OutcomeSpec {
    OutcomeSpec::Binary {
        column: "y".to_owned(),
        positive: vec![Cell::Number(1.0)],
        negative,
    }
}

fn survival(horizons: &[f64]) -> OutcomeSpec {
    OutcomeSpec::Survival {
        time: "t".to_owned(),
        event: "y".to_owned(),
        happened: vec![Cell::Number(1.0)],
        horizons: horizons.to_vec(),
    }
}

#[test]
fn rows_without_an_outcome_are_left_out() {
    let cohort = cohort(&["y"], 40, |row, _| {
        if row == 3 {
            None
        } else {
            number(f64::from(row % 2 == 0))
        }
    });
    let outcome = binary(None).read(&cohort).unwrap();
    assert_eq!((outcome.rows.len(), outcome.without), (39, 1));
    assert!(!outcome.rows.contains(&3));
    assert_eq!(outcome.target.strata().iter().sum::<usize>(), 20);
}

#[test]
fn classes_are_named_in_order() {
    let names = ["b", "a", "c"];
    let cohort = cohort(&["y"], 60, |row, _| {
        Some(Covariate::Text(names[row % 3].to_owned()))
    });
    let spec = OutcomeSpec::Classes {
        column: "y".to_owned(),
        classes: None,
    };
    let Target::Classes { labels, names } = spec.read(&cohort).unwrap().target else {
        panic!("no classes");
    };
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(labels[..3], [1, 0, 2]);
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let check = |spec: &OutcomeSpec, cohort: &Cohort, part: &str| {
        let error = spec.read(cohort).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    let constant = cohort(&["y"], 40, |_, _| number(1.0));
    check(&binary(None), &constant, "the same in every patient");
    let missing = cohort(&["y"], 40, |_, _| None);
    check(&binary(None), &missing, "missing in every patient");
    let rare = cohort(&["y"], 40, |row, _| number(f64::from(row == 0)));
    check(&binary(None), &rare, "1 row(s) of the positive class");
    let other = cohort(&["y"], 40, |row, _| number((row % 3) as f64));
    check(
        &binary(Some(vec![Cell::Number(0.0)])),
        &other,
        "row 3 that is neither",
    );
    check(
        &binary(None),
        &cohort(&["x"], 40, |_, _| number(1.0)),
        "is not in the table",
    );

    let timed = |time: &'static (dyn Fn(usize) -> f64 + Sync)| {
        cohort(&["t", "y"], 40, move |row, column| {
            if column == 0 {
                number(time(row))
            } else {
                number((row % 2) as f64)
            }
        })
    };
    check(
        &survival(&[5.0]),
        &timed(&|row| row as f64),
        "not greater than 0 in row 1",
    );
    check(
        &survival(&[500.0]),
        &timed(&|row| row as f64 + 1.0),
        "'t' ends before the horizon 500, so nothing is known of it; give earlier horizons",
    );
    check(
        &survival(&[]),
        &timed(&|row| row as f64 + 1.0),
        "outcome.horizons",
    );
}
