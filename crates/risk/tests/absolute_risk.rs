//! Risks of patients under the documented model, and the reasons where there is none.
#![cfg(test)]

mod absolute;

use absolute::{CELLS, Place, ROWS, patient, read, scores, with, with_reference};
use varisk_core::{FeatureTable, Patient, Reason, Sex};
use varisk_risk::AbsoluteRiskItem;

fn assess(patients: &[Patient], values: &[Result<f64, Reason>]) -> Vec<AbsoluteRiskItem> {
    let model = Place::new().model().unwrap();
    model.assess(patients, &scores(values)).unwrap()
}

#[test]
fn the_example() {
    let model = Place::new().model().unwrap();
    assert_eq!(model.name(), "coronary");
    assert_eq!(model.features(), ["polygenic.demo.z"]);
    assert_eq!(
        model.covariates(),
        ["age", "family_history", "sbp", "smoking"]
    );
    let roles: Vec<&str> = model.sources().iter().map(|source| source.role).collect();
    assert_eq!(roles, ["log_relative_risks", "incidence", "mortality"]);
    assert_eq!(model.sources()[1].year, Some(2022));
    // Factors are independent there, which is said.
    assert_eq!(model.warnings().len(), 1);

    let items = assess(&[patient(Sex::Male, &CELLS)], &[Ok(1.0)]);
    let names: Vec<&str> = items.iter().map(|item| item.item.as_str()).collect();
    let expected =
        ["50-60", "50-80", "5y", "10y", "lifetime"].map(|end| format!("absolute.coronary.{end}"));
    assert_eq!(names, expected);
    assert_eq!(model.items(), expected);
    let ages: Vec<(u16, u16)> = items
        .iter()
        .map(|item| item.outcomes[0].risk.unwrap())
        .map(|risk| (risk.age_start, risk.age_end))
        .collect();
    assert_eq!(ages, [(50, 60), (50, 80), (52, 57), (52, 62), (52, 90)]);
    for item in &items {
        let risk = item.outcomes[0].risk.unwrap();
        let [lower, upper] = risk.interval.unwrap();
        assert!(0.0 < lower && lower < risk.risk && risk.risk < upper && upper < 1.0);
        assert!(risk.population_risk < risk.risk);
        assert!(item.outcomes[0].missing_factors.is_empty());
        assert!(item.meaning.contains("coronary artery disease"));
    }
}

/// A patient gets the same bytes alone and among others, in any order.
#[test]
fn alone_and_among_others() {
    let patients = [
        patient(Sex::Male, &CELLS),
        with("smoking", None),
        with("family_history", None),
        patient(Sex::Female, &CELLS[..2]),
        patient(Sex::Female, &[("sbp", "120"), ("age", "40")]),
    ];
    let values = [
        Ok(0.3),
        Err(Reason::LowCoverage),
        Ok(-1.0),
        Ok(0.0),
        Err(Reason::LowCoverage),
    ];
    let all = assess(&patients, &values);
    for (place, patient) in patients.iter().enumerate() {
        let alone = assess(std::slice::from_ref(patient), &values[place..=place]);
        for (own, item) in alone.iter().zip(&all) {
            assert_eq!(own.outcomes[0], item.outcomes[place]);
        }
    }
    let mut reversed = patients.to_vec();
    reversed.reverse();
    let mut reversed_values = values.to_vec();
    reversed_values.reverse();
    for (own, item) in assess(&reversed, &reversed_values).iter().zip(&all) {
        assert!(own.outcomes.iter().rev().eq(&item.outcomes));
    }
}

/// Patients of whom all is known, some or nothing, under both rules and with and without a dataset: a
/// curve begins at 0, never falls, ends in the risk, and is at each age the risk to that age.
#[test]
fn curves() {
    let patients = [
        patient(Sex::Male, &CELLS),
        with("smoking", None),
        with("family_history", None),
        patient(Sex::Female, &[("sbp", "120"), ("age", "40")]),
        patient(Sex::Female, &[("sbp", "190"), ("age", "64.5")]),
    ];
    let low = Err(Reason::LowCoverage);
    let values = scores(&[Ok(2.5), low, Ok(-1.0), low, Ok(0.0)]);
    for rule in ["yearly-sum", "constant-hazard"] {
        for place in [Place::new(), with_reference(ROWS)] {
            let rule = format!("year = 2024\nintegration = \"{rule}\"");
            place.replace("model.toml", "year = 2024", &rule);
            let items = place.model().unwrap().assess(&patients, &values).unwrap();
            // The risk from each age on to each later one, asked for as an interval of its own.
            let mut spans = std::collections::BTreeSet::new();
            for outcome in items.iter().flat_map(|item| &item.outcomes) {
                let curve = outcome.curve.as_ref().unwrap();
                spans.extend(curve.ages[1..].iter().map(|end| [curve.ages[0], *end]));
            }
            let spans: Vec<[u16; 2]> = spans.into_iter().collect();
            let ages = format!("ages = {spans:?}");
            place.replace("model.toml", "ages = [[50, 60], [50, 80]]", &ages);
            let single = place.model().unwrap().assess(&patients, &values).unwrap();
            for item in &items {
                for (number, outcome) in item.outcomes.iter().enumerate() {
                    let (risk, curve) = (outcome.risk.unwrap(), outcome.curve.as_ref().unwrap());
                    let count = curve.ages.len();
                    assert!((2..=21).contains(&count), "{count}");
                    assert_eq!([curve.risk.len(), curve.population.len()], [count; 2]);
                    let ends = (curve.ages[0], curve.ages[count - 1]);
                    assert_eq!(ends, (risk.age_start, risk.age_end));
                    for (own, end) in [
                        (&curve.risk, risk.risk),
                        (&curve.population, risk.population_risk),
                    ] {
                        assert_eq!((own[0], own[count - 1]), (0.0, end));
                        assert!(own.is_sorted_by(|a, b| a < b), "{own:?}");
                    }
                    for (at, age) in curve.ages.iter().enumerate().skip(1) {
                        let span = spans.binary_search(&[curve.ages[0], *age]).unwrap();
                        let own = single[span].outcomes[number].risk.unwrap();
                        assert!((own.risk - curve.risk[at]).abs() < 1e-12);
                        assert!((own.population_risk - curve.population[at]).abs() < 1e-12);
                    }
                }
            }
        }
    }
    // Without a risk there is no curve.
    let none = assess(&[patient(Sex::Unknown, &CELLS)], &[Ok(0.0)]);
    assert!(none.iter().all(|item| item.outcomes[0].curve.is_none()));
}

/// Patients assessed some at a time are those assessed at once.
#[test]
fn in_pieces() {
    let model = Place::new().model().unwrap();
    let patients = [
        patient(Sex::Male, &CELLS),
        with("smoking", None),
        patient(Sex::Female, &CELLS),
    ];
    let values = scores(&[Ok(0.5), Err(Reason::LowCoverage), Ok(-2.0)]);
    let all = model.assess(&patients, &values).unwrap();
    let mut assessor = model.assessor(&patients, &values).unwrap();
    for piece in [&[2][..], &[1, 0]] {
        let own = assessor.assess(piece.iter().map(|at| (*at, &patients[*at])));
        for (own, all) in own.iter().zip(&all) {
            assert_eq!(own.item, all.item);
            let expected: Vec<_> = piece.iter().map(|at| all.outcomes[*at].clone()).collect();
            assert_eq!(own.outcomes, expected);
        }
    }
}

#[test]
fn missing_factors_are_named() {
    let one = |patient: Patient, score| assess(&[patient], &[score])[0].outcomes[0].clone();
    let low = Err(Reason::LowCoverage);
    let own = one(with("smoking", None), low);
    assert_eq!(own.missing_factors, ["score", "smoking"]);
    assert!(own.risk.is_ok());
    // What is averaged over lies between its extremes.
    let risk = |patient, score| one(patient, score).risk.unwrap().risk;
    let missing = risk(with("smoking", None), Ok(1.0));
    assert!(risk(with("smoking", Some("never")), Ok(1.0)) < missing);
    assert!(missing < risk(with("smoking", Some("current")), Ok(1.0)));
}

#[test]
fn reasons() {
    let reason = |patient: Patient, score, item: usize| {
        assess(&[patient], &[score])[item].outcomes[0]
            .risk
            .unwrap_err()
    };
    let usual = || patient(Sex::Male, &CELLS);
    let (ages, years, lifetime) = (0, 3, 4);
    for (patient, item, expected) in [
        (with("sbp", Some("300")), ages, Reason::CovariateOutOfRange),
        (with("sbp", None), ages, Reason::CovariateMissing),
        (
            with("smoking", Some("daily")),
            ages,
            Reason::CovariateUnknownCategory,
        ),
        (
            with("smoking", Some("3")),
            ages,
            Reason::CovariateUnknownCategory,
        ),
        (with("age", None), years, Reason::CovariateMissing),
        (with("age", Some("29.9")), years, Reason::AgeOutOfTable),
        (with("age", Some("81")), years, Reason::AgeOutOfTable),
        (with("age", Some("-1")), lifetime, Reason::AgeOutOfTable),
        (with("age", Some("1e300")), lifetime, Reason::AgeOutOfTable),
        (with("age", Some("90")), lifetime, Reason::AgeOutOfTable),
        (patient(Sex::Unknown, &CELLS), ages, Reason::SexUnknown),
    ] {
        assert_eq!(reason(patient, Ok(0.0), item), expected);
    }
    assert_eq!(reason(usual(), Ok(1e300), ages), Reason::NonFiniteScore);
    // Ten years from 80 on end where the table does.
    assert!(
        assess(&[with("age", Some("80.9"))], &[Ok(0.0)])[years].outcomes[0]
            .risk
            .is_ok()
    );
    // Ages of the file hold whatever the patient's own.
    assert!(
        assess(&[with("age", None)], &[Ok(0.0)])[0].outcomes[0]
            .risk
            .is_ok()
    );

    let place = Place::new();
    place.replace(
        "model.toml",
        "name = \"score\"",
        "name = \"score\"\nrequired = true",
    );
    let items = place
        .model()
        .unwrap()
        .assess(&[usual()], &scores(&[Err(Reason::LowCoverage)]));
    assert_eq!(
        items.unwrap()[0].outcomes[0].risk,
        Err(Reason::ScoreNotComputed)
    );

    // Tables of one sex alone.
    let place = Place::new();
    let rates = read("incidence.csv");
    let female: String = rates
        .lines()
        .filter(|line| !line.contains(",male"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    place.write("incidence.csv", &female);
    let items = place
        .model()
        .unwrap()
        .assess(&[usual()], &scores(&[Ok(0.0)]))
        .unwrap();
    assert_eq!(
        items[0].outcomes[0].risk,
        Err(Reason::CovariateUnknownCategory)
    );
}

#[test]
fn what_the_run_lacks() {
    let model = Place::new().model().unwrap();
    let usual = [patient(Sex::Male, &CELLS)];
    let missing = model.assess(&usual, &FeatureTable::default()).unwrap_err();
    assert!(
        missing.to_string().contains("'polygenic.demo.z'"),
        "{missing}"
    );
    for column in ["sbp", "age"] {
        let text = [with(column, Some("high"))];
        let error = model
            .check(&text, &["polygenic.demo.z".to_owned()])
            .unwrap_err();
        assert!(
            error.to_string().contains(&format!("'{column}'")),
            "{error}"
        );
        assert!(!error.to_string().contains("high"));
    }
}

/// Without a table of deaths, or without standard errors, the model says so.
#[test]
fn warnings() {
    let place = Place::new();
    place.remove("[mortality]", "# A polygenic");
    place.replace("model.toml", "interval = [1.5, 1.7]", "");
    let model = place.model().unwrap();
    let warnings = model.warnings();
    assert!(warnings[0].contains("no mortality table"));
    assert!(warnings[1].contains("no standard error"));
    let items = model
        .assess(&[patient(Sex::Male, &CELLS)], &scores(&[Ok(0.0)]))
        .unwrap();
    let risk = items[1].outcomes[0].risk.unwrap();
    assert_eq!(risk.interval, None);
    assert!(
        risk.risk
            > assess(&[patient(Sex::Male, &CELLS)], &[Ok(0.0)])[1].outcomes[0]
                .risk
                .unwrap()
                .risk
    );
    assert!(items[0].meaning.contains("if nobody died"));
}

#[test]
fn reference_datasets() {
    let model = with_reference(ROWS).model().unwrap();
    assert_eq!(model.sources().last().unwrap().role, "reference");
    assert!(model.warnings().is_empty());
    let patients = [
        patient(Sex::Male, &CELLS),
        with("smoking", None),
        with("family_history", None),
    ];
    let values = [Ok(1.0), Err(Reason::LowCoverage), Ok(0.0)];
    for item in model.assess(&patients, &scores(&values)).unwrap() {
        for outcome in item.outcomes {
            assert!(outcome.risk.unwrap().interval.is_some());
        }
    }
}
