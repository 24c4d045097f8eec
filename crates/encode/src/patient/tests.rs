//! Rows and reasons of patient models.

use serde_json::{Value, json};
use varisk_core::{Covariate, Sex};

use super::*;
use crate::TensorData;
use crate::testing::bundle;

fn patient(sex: Sex, cells: &[(&str, Covariate)]) -> Patient {
    Patient {
        id: "secret".to_owned(),
        sex,
        covariates: cells
            .iter()
            .map(|(name, cell)| ((*name).to_owned(), cell.clone()))
            .collect(),
    }
}

fn number(value: f64) -> Covariate {
    Covariate::Number(value)
}

fn text(value: &str) -> Covariate {
    Covariate::Text(value.to_owned())
}

fn floats(out: &Tensors) -> Vec<f32> {
    match out.get("x") {
        Some(TensorData::F32(array)) => array.iter().copied().collect(),
        other => panic!("{other:?}"),
    }
}

fn covariates(columns: &Value) -> Bundle {
    let inputs = json!([{"tensor": "x", "encoder": "covariate", "params": {"columns": columns}}]);
    bundle("patient", 2, inputs)
}

#[test]
fn covariates_become_numbers_or_reasons() {
    let check = |column: Value, patient: Patient, expected: Result<&[f32], Reason>| {
        let bundle = covariates(&json!([column]));
        let encoder = PatientEncoder::try_new(&bundle, &[patient], &[]).unwrap();
        let mut out = encoder.new_tensors();
        let outcomes = encoder
            .encode(0..1, &FeatureTable::default(), &mut out)
            .unwrap();
        assert_eq!(outcomes, [expected.map(|_| ())], "{column}");
        let values = floats(&out);
        let width = values.len() / 2;
        assert_eq!(
            &values[..width],
            expected.unwrap_or(&vec![0.0; width]),
            "{column}"
        );
        assert!(values[width..].iter().all(|value| *value == 0.0));
    };
    let with = |cell| patient(Sex::Unknown, &[("c", cell)]);
    let none = || patient(Sex::Unknown, &[]);
    let age = json!({"name": "c", "mean": 50.0, "std": 10.0});
    check(age.clone(), with(number(70.0)), Ok(&[2.0]));
    check(age, none(), Err(Reason::CovariateMissing));
    let imputed = json!({"name": "c", "impute": 60, "mean": 50.0, "std": 10.0,
        "missing_flag": true});
    check(imputed.clone(), none(), Ok(&[1.0, 1.0]));
    check(imputed, with(number(50.0)), Ok(&[0.0, 0.0]));
    let smoker = json!({"name": "c", "categories": ["never", "former", "1"]});
    check(smoker.clone(), with(text("former")), Ok(&[0.0, 1.0, 0.0]));
    check(smoker.clone(), with(number(1.0)), Ok(&[0.0, 0.0, 1.0]));
    check(
        smoker.clone(),
        with(text("Former")),
        Err(Reason::CovariateUnknownCategory),
    );
    check(
        smoker.clone(),
        with(number(2.0)),
        Err(Reason::CovariateUnknownCategory),
    );
    check(smoker, none(), Err(Reason::CovariateMissing));
    let flagged = json!({"name": "c", "categories": ["no", "yes"], "impute": "no",
        "missing_flag": true});
    check(flagged.clone(), none(), Ok(&[1.0, 0.0, 1.0]));
    check(flagged, with(text("yes")), Ok(&[0.0, 1.0, 0.0]));
    let sex = json!({"name": "sex", "categories": ["female", "male"]});
    check(sex.clone(), patient(Sex::Male, &[]), Ok(&[0.0, 1.0]));
    check(
        sex.clone(),
        patient(Sex::Female, &[("sex", text("male"))]),
        Ok(&[1.0, 0.0]),
    );
    check(sex, none(), Err(Reason::CovariateMissing));
}

#[test]
fn text_in_a_column_of_numbers_is_refused_without_naming_patients() {
    let patients = [
        patient(Sex::Male, &[("age", text("seventy"))]),
        patient(Sex::Male, &[("age", number(70.0))]),
        patient(Sex::Male, &[("age", text("n/a"))]),
    ];
    let bundle = covariates(&json!([{"name": "age"}]));
    let error = PatientEncoder::try_new(&bundle, &patients, &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("column 'age'") && error.contains("for 2 patient(s)"),
        "{error}"
    );
    for secret in ["secret", "seventy", "n/a"] {
        assert!(!error.contains(secret), "{error}");
    }
}

#[test]
fn columns_that_nobody_fills_are_reported() {
    let bundle = covariates(&json!([{"name": "age", "impute": 1}, {"name": "bmi", "impute": 1}]));
    let patients = [patient(Sex::Male, &[("age", number(1.0))])];
    let encoder = PatientEncoder::try_new(&bundle, &patients, &[]).unwrap();
    assert_eq!(encoder.columns_without_values(), ["bmi"]);
}

fn features() -> Bundle {
    let inputs = json!([{"tensor": "x", "encoder": "feature", "params": {"features": [
        {"name": "burden.demo.score.sum", "mean": 1.0, "std": 2.0},
        {"name": "burden.demo.score.count", "impute": 0, "missing_flag": true}]}}]);
    bundle("patient", 2, inputs)
}

fn names() -> [String; 2] {
    ["burden.demo.score.sum", "burden.demo.score.count"].map(str::to_owned)
}

#[test]
fn features_fill_slots_in_order_and_stop_when_full() {
    let patients = vec![Patient::default(); 4];
    let encoder = PatientEncoder::try_new(&features(), &patients, &names()).unwrap();
    let none = Err(Reason::NoScoredCalls);
    let mut table = FeatureTable::default();
    table.insert(names()[0].clone(), vec![Ok(3.0), none, Ok(5.0), Ok(7.0)]);
    table.insert(names()[1].clone(), vec![Ok(4.0), Ok(1.0), none, Ok(2.0)]);
    let mut out = encoder.new_tensors();
    let outcomes = encoder.encode(0..4, &table, &mut out).unwrap();
    assert_eq!(outcomes, [Ok(()), Err(Reason::FeatureMissing), Ok(())]);
    assert_eq!(floats(&out), [1.0, 4.0, 0.0, 2.0, 0.0, 1.0]);

    let outcomes = encoder.encode(3..4, &table, &mut out).unwrap();
    assert_eq!(outcomes, [Ok(())]);
    assert_eq!(floats(&out), [3.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn features_that_are_not_there_are_refused() {
    let patients = vec![Patient::default(); 2];
    let error = PatientEncoder::try_new(&features(), &patients, &names()[..1]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("gives feature 'burden.demo.score.count'"),
        "{error}"
    );

    let encoder = PatientEncoder::try_new(&features(), &patients, &names()).unwrap();
    let mut table = FeatureTable::default();
    table.insert(names()[0].clone(), vec![Ok(3.0); 2]);
    table.insert(names()[1].clone(), vec![Ok(3.0)]);
    let error = encoder
        .encode(0..1, &table, &mut encoder.new_tensors())
        .unwrap_err();
    assert!(
        error.to_string().contains("no value for patient number 1"),
        "{error}"
    );
}
